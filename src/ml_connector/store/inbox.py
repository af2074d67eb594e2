"""The inbox: records that Zoho's notifications told of and that were not fetched since.

A row for each record, however often it was told of: copies, late ones and a burst of edits are one fetch. Whoever works
it off reads what is ``due``, fetches, records, and ``settle``s what it read: told of anew meanwhile, it stays.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from ml_connector.store.database import select_in, upsert
from ml_connector.store.many import execute_many
from ml_connector.store.tables import inbox

_BITS = 63  # what a signed column of 64 bits holds


@dataclass(frozen=True, slots=True)
class Told:
    """One record of a notification."""

    module: str
    record_id: str
    operation: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that waits to be fetched."""

    module: str
    record_id: str
    operation: str  #: the one last told; late ones come out of order, so it is a hint
    first_received_at: datetime  #: since it was last settled
    last_received_at: datetime
    times_told: int
    generation: int  #: of the last telling; none comes twice, so that no settling takes a later one with it


_NAMES = tuple(Waiting.__dataclass_fields__)


def put(tx: sa.Connection, rows: Sequence[Told]) -> None:
    """Keep what was told, in this order."""
    generation, folded = secrets.randbits(_BITS), dict[tuple[str, str], Waiting]()
    for row in rows:
        at, key = row.received_at, (row.module, row.record_id)
        known = folded.get(key) or Waiting(*key, row.operation, at, at, 0, generation)
        times = known.times_told + 1
        folded[key] = replace(known, operation=row.operation, last_received_at=at, times_told=times)
    # In the order of their keys: two processes that write the same records never wait for each other.
    ordered = [{name: getattr(folded[key], name) for name in _NAMES} for key in sorted(folded)]
    upsert(tx, inbox, ordered, keep=["first_received_at"], add=["times_told"])


def due(
    tx: sa.Connection, now: datetime, coalesce_seconds: float, limit: int, module: str = ""
) -> list[Waiting]:
    """At most ``limit`` records first told of at least so many seconds ago, the longest waiting first.

    What was told of in the future was so before our clock was set back: it is due. ``module``: of this one alone.
    """
    first = inbox.c.first_received_at
    ripe = sa.or_(first <= now - timedelta(seconds=coalesce_seconds), first > now)
    order = (first, inbox.c.module, inbox.c.record_id)
    query = _select().where(ripe).order_by(*order).limit(limit)
    query = query.where(inbox.c.module == module) if module else query
    return [Waiting(*row) for row in tx.execute(query)]


def find(tx: sa.Connection, module: str, record_ids: Collection[str]) -> list[Waiting]:
    """Those of these records that wait, however short a time."""
    query = _select().where(inbox.c.module == module)
    return [Waiting(**row._asdict()) for row in select_in(tx, query, inbox.c.record_id, record_ids)]


def waiting_since(tx: sa.Connection, module: str) -> datetime | None:
    """Since when the record of the module has waited that waits longest; None: none does."""
    query = sa.select(sa.func.min(inbox.c.first_received_at, type_=inbox.c.first_received_at.type))
    found: datetime | None = tx.execute(query.where(inbox.c.module == module)).scalar_one()
    return found


def is_left(tx: sa.Connection, modules: Collection[str], before: datetime) -> bool:
    """Whether records of other modules than these wait that were first told of before."""
    return tx.execute(sa.select(inbox.c.module).where(_left(modules, before)).limit(1)).first() is not None


def forget(tx: sa.Connection, modules: Collection[str], before: datetime) -> None:
    """Remove those: nobody will fetch them."""
    tx.execute(sa.delete(inbox).where(_left(modules, before)))


def _left(modules: Collection[str], before: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(inbox.c.module.not_in(sorted(modules)), inbox.c.first_received_at < before)


def _select() -> sa.Select[Any]:
    return sa.select(*(inbox.c[name] for name in _NAMES))


def settle(tx: sa.Connection, rows: Collection[Waiting]) -> None:
    """These, as they were read, are worked off; what was told of since then waits on, from that telling."""
    read = [
        {"its_module": row.module, "its_id": row.record_id, "its_generation": row.generation}
        for row in sorted(rows, key=lambda row: (row.module, row.record_id))
    ]
    execute_many(tx, _removal(), read)
    execute_many(tx, _renewal(), read)


@cache
def _removal() -> sa.Delete:
    return sa.delete(inbox).where(_this(), inbox.c.generation == sa.bindparam("its_generation"))


@cache
def _renewal() -> sa.Update:
    later = inbox.c.generation != sa.bindparam("its_generation")
    return sa.update(inbox).where(_this(), later).values(first_received_at=inbox.c.last_received_at)


def _this() -> sa.ColumnElement[bool]:
    c = inbox.c
    return sa.and_(c.module == sa.bindparam("its_module"), c.record_id == sa.bindparam("its_id"))
