"""Runs as a process of its own: takes Zoho's notifications, and is killed by itself at a commit of them.

    python killed_webhook.py DATABASE before|after N

``before``: the rows of the N-th group are written and not committed. ``after``: they are, and nobody is answered. It
says its URL, and lives until its standard input ends.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from itertools import count

import sqlalchemy as sa

from ml_connector.bootstrap import SystemClock
from ml_connector.core.notifications import hash_of
from ml_connector.serve_settings import WebhooksSettings
from ml_connector.store import inbox
from ml_connector.store.database import Database
from ml_connector.store.group_commit import GroupCommit
from ml_connector.store.inbox import Told
from ml_connector.web.app import create_app
from ml_connector.web.server import served
from ml_connector.web.webhooks import AT_MOST_WAITING, KnownChannels, Receiving, webhooks
from notified import Channel

PATH, TOKEN, MODULE = "the-path", "the-token", "Deals"


def main(address: str, when: str, number: str) -> None:
    database, clock, groups, acknowledged = Database(address), SystemClock(), count(1), count(1)
    database.upgrade()

    def die_at(reached: int) -> None:
        if reached == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    def write(tx: sa.Connection, rows: Sequence[Told]) -> None:
        inbox.put(tx, rows)
        if when == "before":
            die_at(next(groups))

    def put(rows: Sequence[Told]) -> None:
        commit.put(rows)
        if when == "after":
            die_at(next(acknowledged))

    def fault(error: Exception) -> None:
        raise error

    known = KnownChannels({PATH: Channel(MODULE, hash_of(TOKEN))}.get, clock)
    with GroupCommit(database, write, fault, AT_MOST_WAITING) as commit:
        hooks = Receiving(known, put, clock, WebhooksSettings())
        with served(create_app(list, bytes, webhooks(hooks)), "127.0.0.1", 0) as url:
            sys.stdout.write(f"{url}/webhooks/zoho/{PATH}\n")
            sys.stdout.flush()
            sys.stdin.read()
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
