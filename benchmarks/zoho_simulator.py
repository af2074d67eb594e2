"""How many records a second the Zoho simulator takes: inserts of 100 records of 15 fields, one of them unique.

The simulator is a process of its own; this one writes over raw sockets what was prepared before the clock starts.
Usage: python benchmarks/zoho_simulator.py [records] [connections] [seed]
"""

import json
import random
import resource
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager

CLIENT = {
    "client_id": "1000.BENCHMARK",
    "client_secret": "benchmark",
    "refresh_token": "1000.benchmark.refresh",
}
OPTIONS = {**CLIENT, "edition": "ultimate", "credit_limit": 1_000_000_000}
BATCH = 100
KEY = "GP Customer ID"


@contextmanager
def simulator_process() -> Iterator[tuple[str, int]]:
    """Host and port of a simulator that lives as long as the block."""
    command = [sys.executable, "-m", "ml_connector.simulators.zoho", json.dumps(OPTIONS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            host, port = process.stdout.readline().strip().removeprefix("http://").split(":")
            yield host, int(port)
        finally:
            process.terminate()
            process.wait()


class Connection:
    """One keep-alive connection that sends prepared bytes."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body."""
        self.socket.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(262_144)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += self.socket.recv(262_144)
        return int(head[9:12]), body


def request(method: str, path: str, body: bytes, token: str = "") -> bytes:
    """A complete HTTP request."""
    authorization = f"Authorization: Zoho-oauthtoken {token}\r\n" if token else ""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: simulator\r\n{authorization}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def account(number: int, chance: random.Random) -> dict[str, object]:
    """An account as a GP customer would become one: 15 fields."""
    return {
        "Account_Name": f"Customer {number} of Fabrikam",
        "GP_Customer_ID": f"CUST{number:09d}",
        "Account_Type": "Customer",
        "Phone": f"312555{chance.randrange(10_000):04d}",
        "Fax": f"312556{chance.randrange(10_000):04d}",
        "Website": f"https://customer{number}.example.com",
        "Billing_Street": f"{chance.randrange(1, 9_999)} Main Street\nSuite {chance.randrange(1, 99)}",
        "Billing_City": chance.choice(("Chicago", "Toronto", "Redmond")),
        "Billing_State": chance.choice(("IL", "ON", "WA")),
        "Billing_Code": f"{chance.randrange(100_000):05d}",
        "Billing_Country": chance.choice(("USA", "Canada")),
        "Annual_Revenue": chance.randrange(10_000_000) / 100,
        "Employees": chance.randrange(1, 5_000),
        "SIC_Code": chance.randrange(1, 9_999),
        "Description": f"Written by the benchmark, number {number}",
    }


def prepare(connection: Connection) -> str:
    """An access token, and the unique field."""
    form = urllib.parse.urlencode({**CLIENT, "grant_type": "refresh_token"}).encode()
    token = json.loads(connection.ask(request("POST", "/oauth/v2/token", form))[1])["access_token"]
    field = {"field_label": KEY, "data_type": "text", "length": 30, "unique": {"case_sensitive": False}}
    body = json.dumps({"fields": [field]}).encode()
    status, answer = connection.ask(request("POST", "/crm/v8/settings/fields?module=Accounts", body, token))
    if status != 201:
        raise SystemExit(answer)
    return str(token)


def write_all(connection: Connection, requests: list[bytes]) -> None:
    """Sends the requests one after the other; every record must be taken."""
    for prepared in requests:
        status, answer = connection.ask(prepared)
        if status != 201:
            raise SystemExit(answer[:1_000])


def main(records: int = 200_000, connections: int = 2, seed: int = 1) -> dict[str, object]:
    """The figures."""
    chance = random.Random(seed)
    with simulator_process() as address:
        opened = [Connection(address) for _ in range(connections)]
        token = prepare(opened[0])
        requests = []
        for start in range(0, records, BATCH):
            batch = [account(number, chance) for number in range(start, min(start + BATCH, records))]
            body = json.dumps({"data": batch, "trigger": []}).encode()
            requests.append(request("POST", "/crm/v8/Accounts", body, token))
        threads = [
            threading.Thread(target=write_all, args=(one, requests[number::connections]))
            for number, one in enumerate(opened)
        ]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - started
        counts = json.loads(opened[0].ask(request("GET", "/_control/counts", b""))[1])
        for one in opened:
            one.socket.close()
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "records_per_second": round(records / seconds),
        "seed": seed,
        "records": records,
        "stored": counts["records"]["Accounts"],
        "calls": len(requests),
        "credits": counts["credits_used"],
        "connections": connections,
        "seconds": round(seconds, 3),
        "peak_memory_mb": round(peak_kib / 1024),
    }


if __name__ == "__main__":
    print(json.dumps(main(*(int(argument) for argument in sys.argv[1:]))))
