"""How far each facet has come that is not listed whole: what changed since, and whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ml_connector.store.database import upsert
from ml_connector.store.tables import looks

#: No facets: when the whole list of keys was last compared, and when what changed was last listed and worked off.
KEYS, RECORD = "keys", "record"


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of one facet of a flow."""

    looked_at: datetime | None = None  #: when the source was last asked what changed
    tracked_at: datetime | None = None  #: since when it is known to keep a track; None: it is not known to
    position: str = ""  #: folded key up to which the round under way has come
    round_at: datetime | None = None  #: when that round began; None: none is under way
    rolled_at: datetime | None = None  #: when its last portion was taken


def find(tx: sa.Connection, company: str, flow: str, facet: str) -> Looked:
    """What is kept of this facet; nothing kept: an empty one."""
    c = looks.c
    query = sa.select(c.looked_at, c.tracked_at, c.position, c.round_at, c.rolled_at)
    row = tx.execute(query.where(c.company == company, c.flow == flow, c.facet == facet)).one_or_none()
    return Looked() if row is None else Looked(*row)


def put(tx: sa.Connection, company: str, flow: str, facet: str, looked: Looked) -> None:
    """Keep this of the facet."""
    row: dict[str, object] = {"company": company, "flow": flow, "facet": facet}
    row |= {name: getattr(looked, name) for name in Looked.__dataclass_fields__}
    upsert(tx, looks, [row])
