"""What commands ask of the process that serves: a row each, worked off in order, that keeps what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ml_connector.store.database import Found, insert_new
from ml_connector.store.tables import requests

_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Request:
    """One of them."""

    request: str  #: its id: runs that it starts are named after it
    asked: Mapping[str, Mapping[str, Any]]  #: flow -> what is asked of it, in order
    asked_by: str
    asked_at: datetime
    flow: str = ""  #: that is at work; empty: none yet
    run: str = ""
    ran: Mapping[str, Any] | None = None  #: how its runs ended; None: it is not done
    ended_at: datetime | None = None


def put(tx: sa.Connection, request: Request) -> None:
    """Ask for it; asked again, it changes nothing."""
    row = {
        "request": request.request,
        "asked": json.dumps(list(request.asked.items())),  # an array: their order counts
        "asked_by": request.asked_by,
        "asked_at": request.asked_at,
    }
    insert_new(tx, requests, [row | {"flow": "", "run": "", "ran": "", "ended_at": None}])


def find(tx: sa.Connection, request: str) -> Request | None:
    """This one."""
    row = tx.execute(sa.select(requests).where(requests.c.request == request)).one_or_none()
    return None if row is None else _of(row)


def waiting(tx: sa.Connection) -> list[Request]:
    """Those that are not done, the oldest first."""
    query = sa.select(requests).where(requests.c.ended_at.is_(None))
    return [_of(row) for row in tx.execute(query.order_by(requests.c.asked_at, requests.c.request))]


def note_at_work(tx: sa.Connection, request: str, flow: str, run: str) -> None:
    """This run of it is under way."""
    tx.execute(sa.update(requests).where(requests.c.request == request).values(flow=flow, run=run))


def end(tx: sa.Connection, request: str, ran: Mapping[str, Any], now: datetime) -> None:
    """It is done; those that were done a month ago are forgotten."""
    values = {"ran": json.dumps(ran), "ended_at": now}
    tx.execute(sa.update(requests).where(requests.c.request == request).values(**values))
    tx.execute(sa.delete(requests).where(requests.c.ended_at < now - _KEPT))


def _of(row: Found) -> Request:
    return Request(
        row.request,
        dict(json.loads(row.asked)),
        row.asked_by,
        row.asked_at,
        row.flow,
        row.run,
        json.loads(row.ran) if row.ended_at else None,
        row.ended_at,
    )
