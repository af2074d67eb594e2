"""Creates that were about to be sent: committed before the call, so that one found after a crash is told as ours.

Changes of records that are their own source, such as deals, are kept likewise, under the name of their flow.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from ml_connector.core.record import Ident, fold_key
from ml_connector.store.database import select_in, upsert
from ml_connector.store.links import Pair
from ml_connector.store.many import execute_many
from ml_connector.store.tables import intents

_REMOVE = sa.delete(intents).where(*(key == sa.bindparam(f"b_{key.name}") for key in intents.primary_key))


@dataclass(frozen=True, slots=True)
class Intent:
    """A create that was sent and never recorded."""

    attempt: int
    opened_at: datetime  #: of the last attempt


def find(tx: sa.Connection, pair: Pair, keys: Collection[str]) -> dict[Ident, Intent]:
    """The creates of these source keys, with all their parts, that were sent and never recorded."""
    rows = select_in(tx, _of(pair), intents.c.key, map(fold_key, keys))
    return {(row.key, row.part): Intent(row.attempt, row.opened_at) for row in rows}


@lru_cache
def _of(pair: Pair) -> sa.Select[Any]:
    return sa.select(intents).where(pair.within(intents))


def open_keys(tx: sa.Connection, pair: Pair) -> list[str]:
    """The folded keys of everything of the pair that was sent and never recorded."""
    query = sa.select(intents.c.key).where(pair.within(intents)).order_by(intents.c.key)
    return list(tx.execute(query).scalars())


def put(tx: sa.Connection, pair: Pair, idents: Collection[Ident], at: datetime) -> dict[Ident, Intent]:
    """These creates are about to be sent; gives what ``find`` said of their keys until now."""
    before = find(tx, pair, {key for key, _ in idents})
    rows = []
    for key, part in idents:
        known = before.get((fold_key(key), part))
        one = {"key": fold_key(key), "part": part, "attempt": known.attempt + 1 if known else 1}
        rows.append(pair.columns() | one | {"opened_at": at})
    upsert(tx, intents, rows)
    return before


def set_back(tx: sa.Connection, pair: Pair, now: datetime) -> None:
    """Our clock was set back: creates that were sent in what is to come now were sent just now at the latest."""
    tx.execute(
        sa.update(intents).where(pair.within(intents), intents.c.opened_at > now).values(opened_at=now)
    )


def remove(tx: sa.Connection, pair: Pair, idents: Collection[Ident]) -> None:
    """What became of these creates is recorded."""
    rows = [pair.columns() | {"key": fold_key(key), "part": part} for key, part in idents]
    execute_many(tx, _REMOVE, [{f"b_{name}": value for name, value in row.items()} for row in rows])
