"""Records that wait, with their reason; any later success closes the hold in the same transaction."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from ml_connector.core.attempts import next_attempt
from ml_connector.core.record import Ident, fold_key
from ml_connector.store.database import upsert
from ml_connector.store.tables import holds


@dataclasses.dataclass(frozen=True, slots=True)
class Hold:
    """One record under one mapping that waits."""

    flow: str
    mapping: str
    source_key: str
    code: str
    field: str
    happened: str
    remedy: str
    answer: str
    at: datetime  #: of this attempt
    detail: Mapping[str, object] = dataclasses.field(default_factory=dict)  #: the values, the candidates
    run: str = ""  #: of the last attempt
    part: str = ""  #: which of the source record's several target records it is about
    heals: bool = False  #: it may pass by itself
    unread: bool = False  #: the source did not give the record
    attempts: int = 1
    opened_at: datetime | None = None
    since: datetime | None = None  #: when it began to wait for its present reason
    next_at: datetime | None = None  #: when it is tried again by itself; None: it is not

    @property
    def ident(self) -> Ident:
        """What names it in the store."""
        return fold_key(self.source_key), self.part

    def to_json(self) -> dict[str, object]:
        """As ``held list --json`` prints it."""
        return {
            "flow": self.flow,
            "mapping": self.mapping,
            "key": self.source_key,
            "code": self.code,
            "field": self.field,
            "happened": self.happened,
            "remedy": self.remedy,
            "answer": self.answer,
            "detail": dict(self.detail),
            "attempts": self.attempts,
            "opened_at": (self.opened_at or self.at).isoformat(),
            "last_at": self.at.isoformat(),
            "next_at": self.next_at and self.next_at.isoformat(),
        }


def count_records(found: Collection[Hold]) -> int:
    """How many records wait; one that waits for several reasons, or under several mappings, is one."""
    return len({(hold.flow, fold_key(hold.source_key)) for hold in found})


def put(tx: sa.Connection, company: str, rows: Sequence[Hold]) -> list[Hold]:
    """Open these holds, or count another attempt of those that are open; as they stand then."""
    keys = [row.source_key for row in rows]
    before = {(h.flow, h.mapping, fold_key(h.source_key), h.part): h for h in find(tx, company, keys=keys)}
    opened = [
        _opened(row, before.get((row.flow, row.mapping, fold_key(row.source_key), row.part))) for row in rows
    ]
    upsert(tx, holds, [_values(company, hold) for hold in opened])
    return opened


def _opened(row: Hold, known: Hold | None) -> Hold:
    """The hold with what came before it: ``known`` as it was open until now."""
    attempts, opened_at, since = 1, row.at, row.at
    if known is not None:
        again = known.run != row.run  # a step that is done twice is one attempt
        attempts, opened_at = known.attempts + again, known.opened_at or row.at
        since = known.since if known.code == row.code and known.since else row.at
    next_at = next_attempt(since, row.at) if row.heals else None
    return dataclasses.replace(row, attempts=attempts, opened_at=opened_at, since=since, next_at=next_at)


_SAME = (
    "flow",
    "mapping",
    "source_key",
    "part",
    "code",
    "field",
    "happened",
    "remedy",
    "answer",
    "run",
    "attempts",
    "opened_at",
    "next_at",
    "unread",
)


def _values(company: str, hold: Hold) -> dict[str, object]:
    return {name: getattr(hold, name) for name in _SAME} | {
        "company": company,
        "key": fold_key(hold.source_key),
        "detail": json.dumps(dict(hold.detail), default=str),
        "since": hold.since,
        "last_at": hold.at,
        "closed_at": None,
    }


def find(
    tx: sa.Connection,
    company: str,
    *,
    flow: str | None = None,
    keys: Collection[str] | None = None,
    codes: Collection[str] | None = None,
) -> list[Hold]:
    """The open holds, oldest first."""
    if keys is not None and not keys:
        return []
    query = sa.select(holds).where(holds.c.company == company, holds.c.closed_at.is_(None))
    if flow is not None:
        query = query.where(holds.c.flow == flow)
    if keys is not None:
        query = query.where(holds.c.key.in_([fold_key(key) for key in keys]))
    if codes is not None:
        query = query.where(holds.c.code.in_(codes))
    return [_hold(row) for row in tx.execute(query.order_by(holds.c.opened_at, holds.c.key))]


def _hold(row: sa.Row[tuple[object, ...]]) -> Hold:
    r = row._mapping  # noqa: SLF001 -- SQLAlchemy's documented name
    since, heals, detail = r["since"] or r["opened_at"], r["next_at"] is not None, json.loads(r["detail"])
    return Hold(**{name: r[name] for name in _SAME}, at=r["last_at"], since=since, heals=heals, detail=detail)


def due(tx: sa.Connection, company: str, flow: str, now: datetime) -> list[Hold]:
    """The open holds of a flow that are to be tried again by themselves, the longest due first.

    One whose last attempt lies in the future was tried while our clock was wrong: it is due at once.
    """
    c = holds.c
    query = sa.select(holds).where(c.company == company, c.flow == flow, c.closed_at.is_(None))
    query = query.where(c.next_at.is_not(None), sa.or_(c.next_at <= now, c.last_at > now))
    return [_hold(row) for row in tx.execute(query.order_by(c.next_at, c.key, c.part, c.mapping))]


def next_due(
    tx: sa.Connection, company: str, flow: str, mappings: Collection[str] | None = None
) -> datetime | None:
    """When the first open hold of the flow is to be tried again by itself; None: none is.

    It may be long ago, also after a run, which tries only some: who runs the flow for it keeps a distance.
    ``mappings``: only of these, because a hold under one that left the flow is not tried.
    """
    c = holds.c
    query = sa.select(c.next_at).where(c.company == company, c.flow == flow, c.closed_at.is_(None))
    if mappings is not None:
        query = query.where(c.mapping.in_(mappings))
    query = query.where(c.next_at.is_not(None)).order_by(c.next_at).limit(1)
    return next((row.next_at for row in tx.execute(query)), None)


def close(
    tx: sa.Connection,
    company: str,
    flow: str,
    done: Sequence[tuple[str, str]],
    at: datetime,
    *,
    only: Callable[[Hold], bool] = lambda _hold: True,
) -> list[Hold]:
    """Close what is open for these (mapping, key), as far as ``only`` says so, and tell which were."""
    wanted = {(mapping, fold_key(key)) for mapping, key in done}
    opened = [
        hold
        for hold in find(tx, company, flow=flow, keys=[key for _, key in done])
        if (hold.mapping, fold_key(hold.source_key)) in wanted and only(hold)
    ]
    statement = (
        sa.update(holds)
        .where(holds.c.company == company, holds.c.flow == flow)
        .where(holds.c.mapping == sa.bindparam("b_mapping"), holds.c.key == sa.bindparam("b_key"))
        .where(holds.c.part == sa.bindparam("b_part"))
        .values(closed_at=at)
    )
    these = [{"b_mapping": h.mapping, "b_key": fold_key(h.source_key), "b_part": h.part} for h in opened]
    if these:
        tx.execute(statement, these)
    return opened


def discard(tx: sa.Connection, company: str, flow: str, keys: Collection[str], at: datetime) -> list[Hold]:
    """Close everything that is open for these keys of a flow and tell what was."""
    opened = find(tx, company, flow=flow, keys=keys)
    return close(tx, company, flow, [(hold.mapping, hold.source_key) for hold in opened], at)
