"""What the CRM had of the fields that it owns when both sides were last known, and edits of the ERP that are open."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from ml_connector.core.record import Fields, dump_fields, fold_key, load_fields
from ml_connector.store.database import Found, select_in, upsert
from ml_connector.store.links import Pair
from ml_connector.store.tables import master_edits


@dataclass(frozen=True, slots=True)
class Sent:
    """An edit of the ERP that was about to be sent, and whose end is not known."""

    at: datetime
    crm: Fields  #: what the CRM had then, by its names
    fields: Fields  #: what is written, by the ERP's names
    before: Fields  #: what it is written over


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one record."""

    source_key: str
    left: Fields = field(default_factory=dict)  #: by the CRM's names
    sent: Sent | None = None
    held: Fields | None = None  #: what the CRM had when it was last held; None: it is not

    @property
    def is_open(self) -> bool:
        """Whether it is to be looked at although the CRM did not change it."""
        return self.sent is not None or self.held is not None


def find(tx: sa.Connection, pair: Pair, keys: Collection[str]) -> dict[str, Kept]:
    """Folded key -> what is kept."""
    rows = select_in(tx, _of(pair), master_edits.c.key, map(fold_key, keys))
    return {row.key: _kept(row) for row in rows}


def open_keys(tx: sa.Connection, pair: Pair) -> list[str]:
    """The source keys of the records that are to be looked at although the CRM did not change them."""
    c = master_edits.c
    is_open = sa.or_(c.sent.is_not(None), c.held.is_not(None))
    query = sa.select(c.source_key).where(pair.within(master_edits), is_open).order_by(c.key)
    return list(tx.execute(query).scalars())


def put(tx: sa.Connection, pair: Pair, rows: Sequence[Kept]) -> None:
    """Keep this of these records, in place of what was kept before."""
    upsert(tx, master_edits, [pair.columns() | _values(row) for row in rows])


@lru_cache
def _of(pair: Pair) -> sa.Select[Any]:
    return sa.select(master_edits).where(pair.within(master_edits))


def _values(row: Kept) -> dict[str, object]:
    sent = row.sent
    return {
        "key": fold_key(row.source_key),
        "source_key": row.source_key,
        "known": dump_fields(row.left),
        "sent": sent and dump_fields(sent.crm),
        "sent_at": sent and sent.at,
        "fields": sent and dump_fields(sent.fields),
        "before": sent and dump_fields(sent.before),
        "held": None if row.held is None else dump_fields(row.held),
    }


def _kept(row: Found) -> Kept:
    sent = None
    if row.sent is not None:
        crm, fields, before = map(load_fields, (row.sent, row.fields, row.before))
        sent = Sent(row.sent_at, crm, fields, before)
    return Kept(
        row.source_key, load_fields(row.known), sent, None if row.held is None else load_fields(row.held)
    )
