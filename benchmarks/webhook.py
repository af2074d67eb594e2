"""How long Zoho's notifications wait for their answer, which comes once what they tell of is durable.

A process of its own sends them open-loop: each at its instant, whether or not those before were answered, and its wait
is counted from that instant. Each tells of a record of its own. What was answered with 200 and is known nowhere is
lost.

``p99_milliseconds``: the receiving process does nothing else, over a SQLite store on this disk; the workers are paused.
``p99_busy_milliseconds``: ``serve`` itself is told, and fetches the orders and makes them in GP meanwhile, beside both
simulators on the same machine. ``order_seconds``: from an order's being entered in Zoho to GP's having it, with nothing
else to do and nothing kept to be coalesced; ``floor_seconds`` is what its three calls (fetch, look-up, create) take at
the simulators' latency. The last line is one JSON object.
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
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any
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
from orders_at_work import at_work

AIM_MILLISECONDS = 50
PATH, TOKEN, MODULE = "benchmark", "the token of the benchmark", "Sales_Orders"
CONNECTIONS = 64
FIRST_ID = 5725767000003000000
CALLS = 3  #: of an order: it is fetched, looked for in GP, and made there


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rate", type=int, default=500, help="notifications offered a second")
    asked.add_argument("--seconds", type=float, default=10, help="for how long they are measured")
    asked.add_argument("--busy-seconds", type=float, default=10, help="the same, with the workers at work")
    asked.add_argument("--orders", type=int, default=20, help="orders of which each is waited for")
    asked.add_argument("--latency", type=float, default=0.1, help="seconds that each call of an order takes")
    asked.add_argument("--send", action="store_true", help=argparse.SUPPRESS)
    chosen = asked.parse_args()
    if chosen.send:
        send(**json.load(sys.stdin))
        return
    told = paused(chosen.rate, chosen.seconds) | busy(chosen.rate, chosen.busy_seconds)
    told |= alone(chosen.orders, chosen.latency) | {"load": os.getloadavg()[0]}
    print(json.dumps(told | {"lost": told["paused_lost"] + told["busy_lost"]}))


def paused(rate: int, seconds: float) -> dict[str, Any]:
    """Told of by a process that only takes in what it is told."""
    ids = [str(FIRST_ID + number) for number in range(int(rate * seconds))]
    with tempfile.TemporaryDirectory() as folder, receiving(Path(folder)) as (url, database, groups):
        sent = sent_by_another(url, TOKEN, "1", rate, ids)
        with database.read() as tx:
            kept = {row.record_id for row in inbox.due(tx, SystemClock().now(), 0, len(ids) + 1)}
    return {
        "p99_milliseconds": quantile(sent["waits"], 0.99),
        "aim": AIM_MILLISECONDS,
        "p50_milliseconds": quantile(sent["waits"], 0.5),
        "longest_milliseconds": quantile(sent["waits"], 1),
        "paused_lost": len(set(accepted(ids, sent)) - kept),
        "sent": len(ids),
        "answers": Counter(map(str, sent["statuses"])),
        "commits": groups.number,
        "offered_per_second": rate,
        "longest_behind_milliseconds": quantile(sent["behind"], 1),
        "peak_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def busy(rate: int, seconds: float) -> dict[str, Any]:
    """Told of by ``serve``, which works off what it is told of before."""
    with at_work(coalesce_seconds=0) as working:
        ids, channel = working.seed(int(rate * seconds)), working.channel()
        before = working.in_gp()
        sent = sent_by_another(channel["notify_url"], channel["token"], channel["channel_id"], rate, ids)
        made = working.in_gp() - before
        lost = len(working.unknown(accepted(ids, sent)))
    return {
        "p99_busy_milliseconds": quantile(sent["waits"], 0.99),
        "p50_busy_milliseconds": quantile(sent["waits"], 0.5),
        "longest_busy_milliseconds": quantile(sent["waits"], 1),
        "busy_lost": lost,
        "busy_sent": len(ids),
        "busy_answers": Counter(map(str, sent["statuses"])),
        "orders_made_meanwhile": made,
        "busy_longest_behind_milliseconds": quantile(sent["behind"], 1),
    }


def alone(number: int, latency: float) -> dict[str, Any]:
    """One order after the other, from Zoho into GP."""
    with at_work(coalesce_seconds=0, latency=latency) as working:
        seconds = working.seconds_to_gp(number)
    floor = CALLS * latency
    return {
        "order_seconds": round(seconds, 3),
        "floor_seconds": floor,
        "order_ratio": round(seconds / floor, 2),
        "orders": number,
        "latency_seconds": latency,
    }


def accepted(ids: Sequence[str], sent: Mapping[str, Any]) -> list[str]:
    """Those of which telling was answered with 200."""
    return [one for one, status in zip(ids, sent["statuses"], strict=True) if status == 200]


def sent_by_another(url: str, token: str, channel: str, rate: int, ids: Sequence[str]) -> dict[str, Any]:
    """What a process of its own saw that sends these."""
    given = {"url": url, "token": token, "channel": channel, "rate": rate, "ids": ids}
    command = [sys.executable, __file__, "--send"]
    done = subprocess.run(command, input=json.dumps(given).encode(), stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


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


def send(url: str, token: str, channel: str, rate: int, ids: Sequence[str]) -> None:
    """Print the status of each answer, how long it took since its instant, and how late it was sent."""
    number = len(ids)
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
            connection.request(
                "POST", parts.path, body(ids[mine], channel, token), {"Content-Type": "application/json"}
            )
            with connection.getresponse() as answer:
                answer.read()
                statuses[mine] = answer.status
            waits[mine] = time.monotonic() - due
        connection.close()

    with ThreadPoolExecutor(CONNECTIONS) as senders:
        for one in [senders.submit(work) for _ in range(CONNECTIONS)]:
            one.result()
    print(json.dumps({"statuses": statuses, "waits": waits, "behind": behind}))


def body(record: str, channel: str, token: str) -> bytes:
    """As Zoho writes it."""
    told = {
        "server_time": 1718115953625,
        "affected_values": [],
        "query_params": {},
        "module": MODULE,
        "resource_uri": f"https://www.zohoapis.com/crm/v8/{MODULE}",
        "ids": [record],
        "affected_fields": [{record: ["Status", "Grand_Total"]}],
        "operation": "update",
        "channel_id": channel,
        "token": token,
    }
    return json.dumps(told).encode()


def quantile(seconds: Sequence[float], share: float) -> float:
    """In milliseconds."""
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)


if __name__ == "__main__":
    main()
