"""How long Zoho's notifications wait for their answer, which comes once what they tell of is durable.

A process of its own sends them open-loop: each at its instant, whether or not those before were answered, and its wait
is counted from that instant. Each tells of a record of its own. The receiving process does nothing else, over a SQLite
store on this disk: the workers are paused. What was answered with 200 and is not in the inbox is lost.

``p99_busy_milliseconds``, with the workers at work, and the floor of notification to GP document come with the flow
that works the inbox off. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

from ml_connector.bootstrap import SWITCH_SECONDS, SystemClock
from ml_connector.core.notifications import hash_of
from ml_connector.serve_settings import WebhooksSettings
from ml_connector.store import inbox
from ml_connector.store.database import Database
from ml_connector.store.group_commit import GroupCommit
from ml_connector.store.inbox import Told
from ml_connector.web.app import create_app
from ml_connector.web.server import served
from ml_connector.web.webhooks import AT_MOST_WAITING, KnownChannels, Receiving, webhooks

AIM_MILLISECONDS = 50
PATH, TOKEN, MODULE = "benchmark", "the token of the benchmark", "Sales_Orders"
CONNECTIONS = 64
FIRST_ID = 5725767000003000000


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rate", type=int, default=500, help="notifications offered a second")
    asked.add_argument("--seconds", type=float, default=10, help="for how long they are measured")
    asked.add_argument("--send", help=argparse.SUPPRESS)
    chosen = asked.parse_args()
    if chosen.send:
        send(chosen.send, chosen.rate, int(chosen.rate * chosen.seconds))
        return
    with tempfile.TemporaryDirectory() as folder, receiving(Path(folder)) as (url, database, groups):
        options = ("--rate", str(chosen.rate), "--seconds", str(chosen.seconds), "--send", url)
        done = subprocess.run([sys.executable, __file__, *options], stdout=subprocess.PIPE, check=True)
        sent = json.loads(done.stdout)
        with database.read() as tx:
            kept = {row.record_id for row in inbox.due(tx, SystemClock().now(), 0, len(sent["waits"]) + 1)}
    accepted = {str(FIRST_ID + number) for number, status in enumerate(sent["statuses"]) if status == 200}
    told = {
        "p99_milliseconds": quantile(sent["waits"], 0.99),
        "aim": AIM_MILLISECONDS,
        "p50_milliseconds": quantile(sent["waits"], 0.5),
        "longest_milliseconds": quantile(sent["waits"], 1),
        "lost": len(accepted - kept),
        "sent": len(sent["statuses"]),
        "answers": Counter(map(str, sent["statuses"])),
        "commits": groups.number,
        "offered_per_second": chosen.rate,
        "longest_behind_milliseconds": quantile(sent["behind"], 1),
        "peak_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "load": os.getloadavg()[0],
    }
    print(json.dumps(told))


# -- receiving


@dataclass(frozen=True)
class OneChannel:
    """As the store has one, without what only its keeping needs."""

    module: str
    token_hash: str
    old_token_hash: str = ""
    old_until: datetime | None = None


@dataclass
class Groups:
    """How many groups were written."""

    number: int = 0

    def write(self, tx: sa.Connection, rows: Sequence[Told]) -> None:
        self.number += 1
        inbox.put(tx, rows)


@contextmanager
def receiving(folder: Path) -> Iterator[tuple[str, Database, Groups]]:
    """The web application as serve has it, with one channel."""
    sys.setswitchinterval(SWITCH_SECONDS)  # as serve does
    channel, clock, groups = OneChannel(MODULE, hash_of(TOKEN)), SystemClock(), Groups()
    database = Database(f"sqlite:///{folder / 'store.db'}")
    database.upgrade()

    def fault(error: Exception) -> None:
        raise error

    with GroupCommit(database, groups.write, fault, AT_MOST_WAITING) as commit:
        known = KnownChannels({PATH: channel}.get, clock)
        hooks = Receiving(known, commit.put, clock, WebhooksSettings(rate_per_second=100_000))
        with served(create_app(list, bytes, webhooks(hooks)), "127.0.0.1", 0) as url:
            yield f"{url}/webhooks/zoho/{PATH}", database, groups
    database.close()


# -- sending


def send(url: str, rate: int, number: int) -> None:
    """Print the status of each answer, how long it took since its instant, and how late it was sent."""
    numbers, lock, began = count(), threading.Lock(), time.monotonic() + 0.5
    statuses, waits, behind = [0] * number, [0.0] * number, [0.0] * number
    parts = urlsplit(url)

    def work() -> None:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        connection.connect()
        while True:
            with lock:
                mine = next(numbers)
            if mine >= number:
                break
            due = began + mine / rate
            time.sleep(max(0.0, due - time.monotonic()))
            behind[mine] = time.monotonic() - due
            connection.request("POST", parts.path, body(mine), {"Content-Type": "application/json"})
            with connection.getresponse() as answer:
                answer.read()
                statuses[mine] = answer.status
            waits[mine] = time.monotonic() - due
        connection.close()

    with ThreadPoolExecutor(CONNECTIONS) as senders:
        for one in [senders.submit(work) for _ in range(CONNECTIONS)]:
            one.result()
    print(json.dumps({"statuses": statuses, "waits": waits, "behind": behind}))


def body(number: int) -> bytes:
    """As Zoho writes it."""
    record = str(FIRST_ID + number)
    told = {
        "server_time": 1718115953625,
        "affected_values": [],
        "query_params": {},
        "module": MODULE,
        "resource_uri": f"https://www.zohoapis.com/crm/v8/{MODULE}",
        "ids": [record],
        "affected_fields": [{record: ["Status", "Grand_Total"]}],
        "operation": "update",
        "channel_id": "1",
        "token": TOKEN,
    }
    return json.dumps(told).encode()


def quantile(seconds: Sequence[float], share: float) -> float:
    """In milliseconds."""
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)


if __name__ == "__main__":
    main()
