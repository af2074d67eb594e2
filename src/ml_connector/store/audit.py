"""The audit trail: append only, one row for each thing that happened to a record, chained by hash."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import sqlalchemy as sa

from ml_connector.core.audit import GENESIS, AuditAction, chain
from ml_connector.core.record import fold_key
from ml_connector.store.column_types import prose
from ml_connector.store.database import select_in
from ml_connector.store.many import execute_many
from ml_connector.store.tables import audit

_CHAIN_LOCK = 0x617564  # any number of our own: appending is one at a time on PostgreSQL
_PAGE = 1000
_INSERT = audit.insert().inline()
_NATURAL = sa.select(audit.c.natural)
_LAST_HASH = sa.select(audit.c.hash).order_by(audit.c.seq.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One thing that happened."""

    company: str
    flow: str
    run: str
    mapping: str
    source_key: str
    entity: str
    module: str
    target_id: str
    action: AuditAction
    at: datetime | None  #: the source's instant
    happened_at: datetime
    before: Mapping[str, object] = field(default_factory=dict)
    after: Mapping[str, object] = field(default_factory=dict)
    reason: str = ""
    attempt: int = 1
    actor: str = "ml-connector"
    part: str = ""

    @property
    def once(self) -> str:
        """What tells apart two times of what can happen again with the same words."""
        if self.action in (AuditAction.VANISHED, AuditAction.REAPPEARED):
            return self.run
        return str(_utc(self.happened_at)) if self.action in _AGAIN else ""


_AGAIN = frozenset(
    {
        AuditAction.LET_THROUGH,
        AuditAction.DISCARDED,
        AuditAction.REVIEWED,
        AuditAction.MOVED,
        AuditAction.LOST,
        AuditAction.FOUND_AGAIN,
        AuditAction.FOUND_CHANGED,
        AuditAction.RESTORED,
        AuditAction.STORE_RESTORED,
    }
)

_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


def _plain(values: Mapping[str, object]) -> str:
    return orjson.dumps(dict(values), default=_text, option=_SORTED).decode()


def _text(value: object) -> str:
    """A value as people read it: 12.50 and not 12.50000."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def lock(tx: sa.Connection) -> None:
    """Be the one who changes the trail until this transaction ends: on SQLite a writer is alone anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(_CHAIN_LOCK)))


def append(tx: sa.Connection, rows: Sequence[AuditRow]) -> int:
    """Write the rows that are not there yet, each chained to the one before; tells how many."""
    if not rows:
        return 0
    lock(tx)
    told = {str(value["natural"]): value for value in map(_value, rows)}
    known = {row.natural for row in select_in(tx, _NATURAL, audit.c.natural, told)}
    previous = tx.execute(_LAST_HASH).scalar() or GENESIS
    new = [value for natural, value in told.items() if natural not in known]
    for value in new:
        value["previous"], value["hash"] = previous, chain(previous, _canonical(value))
        previous = str(value["hash"])
    execute_many(tx, _INSERT, new)
    return len(new)


def _utc(at: datetime | None) -> datetime | None:
    return at and at.astimezone(UTC)


_SAME = (
    "company",
    "flow",
    "run",
    "mapping",
    "source_key",
    "part",
    "entity",
    "module",
    "target_id",
    "attempt",
    "reason",
    "actor",
)


def _value(row: AuditRow) -> dict[str, object]:
    value = {name: getattr(row, name) for name in _SAME} | {
        "reason": prose(row.reason),  # the hash is over the same text that the database gives back
        "key": fold_key(row.source_key),
        "action": row.action.value,
        "before": _plain(row.before),
        "after": _plain(row.after),
        "at": _utc(row.at),
        "happened_at": _utc(row.happened_at),
    }
    value["natural"] = _natural(value, row)
    return value


def _natural(value: Mapping[str, object], row: AuditRow) -> str:
    """The same thing told twice has the same natural key: it happened once."""
    told = [str(value[name]) for name in ("company", "mapping", "module", "key", "part", "at")]
    told += [row.action, str(row.attempt), str(value["after"]), row.reason, row.once]
    return hashlib.sha256("\x1f".join(told).encode()).hexdigest()


_CHAINED = [str(column.name) for column in audit.c if column.name not in ("seq", "previous", "hash")]


def _canonical(value: Mapping[str, object]) -> str:
    told = {name: value[name] for name in _CHAINED}
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()


def of_key(tx: sa.Connection, company: str | None, key: str) -> list[Mapping[str, object]]:
    """The whole story of one source key, or of one target id, oldest first; company None: of all, former ones too."""
    query = sa.select(audit).where(
        sa.true() if company is None else audit.c.company == company,
        sa.or_(audit.c.key == fold_key(key), audit.c.target_id == key),
    )
    return [dict(row) for row in tx.execute(query.order_by(audit.c.seq)).mappings()]


def count(tx: sa.Connection, run: str) -> Counter[str]:
    """How many records of the target each action of a run concerned; each mapping has a row of its own for it."""
    record = (audit.c.action, audit.c.module, audit.c.key, audit.c.part)
    query = sa.select(*record).where(audit.c.run == run).distinct()
    return Counter(row.action for row in tx.execute(query))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows; what is empty says nothing of them."""

    key: str = ""  #: of the source, or an id of the target
    run: str = ""
    flow: str = ""
    actions: tuple[str, ...] = ()
    since: datetime | None = None  #: it happened at this instant or later
    until: datetime | None = None  #: and before this one

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The same in SQL."""
        rows, told = audit.c, []
        if self.key:
            told.append(sa.or_(rows.key == fold_key(self.key), rows.target_id == self.key))
        told += [rows[name] == getattr(self, name) for name in ("run", "flow") if getattr(self, name)]
        if self.actions:
            told.append(rows.action.in_(self.actions))
        if self.since:
            told.append(rows.happened_at >= self.since)
        if self.until:
            told.append(rows.happened_at < self.until)
        return told


def find(tx: sa.Connection, wanted: Wanted, after: int = 0) -> Iterator[dict[str, Any]]:
    """These rows in their order, from those behind ``after`` on: a page at a time, however many there are."""
    query = sa.select(audit).where(*wanted.conditions()).order_by(audit.c.seq).limit(_PAGE)
    while rows := tx.execute(query.where(audit.c.seq > after)).mappings().all():
        yield from (dict(row) for row in rows)
        after = rows[-1]["seq"]


def end(tx: sa.Connection) -> tuple[int, str] | None:
    """(seq, hash) of the last row; None: there is none."""
    row = tx.execute(sa.select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    return (row.seq, row.hash) if row else None


@dataclass(frozen=True, slots=True)
class Start:
    """Where the trail begins once its oldest rows are removed; told by the newest row of their removal."""

    seq: int  #: of the last row that was removed
    hash: str  #: of that row: the first that is kept follows it
    removed: int  #: rows that were ever removed


def start(tx: sa.Connection) -> Start | None:
    """What the trail itself says of the rows that were removed from its beginning; None: nothing."""
    query = sa.select(audit.c.after).where(audit.c.action == AuditAction.TRIMMED)
    told = tx.execute(query.order_by(audit.c.seq.desc()).limit(1)).scalar()
    return Start(**{name: orjson.loads(told)[name] for name in ("seq", "hash", "removed")}) if told else None


def is_as_written(row: Mapping[str, Any]) -> bool:
    """Whether this row has the hash of what it says."""
    return bool(row["hash"] == chain(row["previous"], _canonical(row)))
