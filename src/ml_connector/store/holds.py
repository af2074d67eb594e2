"""Records that wait, with their reason; any later success closes the hold in the same transaction."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

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
    attempts: int = 1
    opened_at: datetime | None = None

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
        }


def count_records(found: Collection[Hold]) -> int:
    """How many records wait; one that waits for several reasons, or under several mappings, is one."""
    return len({(hold.flow, fold_key(hold.source_key)) for hold in found})


def put(tx: sa.Connection, company: str, rows: Sequence[Hold]) -> list[Hold]:
    """Open these holds, or count another attempt of those that are open; as they stand then."""
    keys = [row.source_key for row in rows]
    before = {(h.flow, h.mapping, fold_key(h.source_key), h.part): h for h in find(tx, company, keys=keys)}
    opened = []
    for row in rows:
        known = before.get((row.flow, row.mapping, fold_key(row.source_key), row.part))
        again = known is not None and known.run != row.run  # a step that is done twice is one attempt
        attempts, opened_at = (known.attempts + again, known.opened_at) if known else (1, row.at)
        opened.append(dataclasses.replace(row, attempts=attempts, opened_at=opened_at))
    upsert(tx, holds, [_values(company, hold) for hold in opened])
    return opened


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
)


def _values(company: str, hold: Hold) -> dict[str, object]:
    return {name: getattr(hold, name) for name in _SAME} | {
        "company": company,
        "key": fold_key(hold.source_key),
        "detail": json.dumps(dict(hold.detail), default=str),
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
    return Hold(**{name: r[name] for name in _SAME}, at=r["last_at"], detail=json.loads(r["detail"]))


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
