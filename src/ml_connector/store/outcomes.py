"""What became of a record under each mapping, and what we last left there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from ml_connector.core.record import Fields, Ident, dump_fields, fold_key, load_fields
from ml_connector.store.database import Found, select_in, upsert
from ml_connector.store.tables import outcomes

TO_TARGET = "to_target"
FROM_TARGET = "from_target"  #: a record of the CRM on its way into the ERP


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last outcome of one record, or of one part of it, under one mapping."""

    mapping: str
    key: str
    result: str  #: "written", "skipped", "held", "absent"
    at: datetime | None
    fetched_at: datetime
    fingerprint: str
    fields: Fields
    part: str = ""
    of_parts: int = 1  #: how many parts the record had in this reading
    final: bool = False  #: the source said that this record never changes again


def _of(company: str, mappings: Collection[str], direction: str = TO_TARGET) -> sa.ColumnElement[bool]:
    c = outcomes.c
    return sa.and_(c.company == company, c.mapping.in_(mappings), c.direction == direction)


def find(
    tx: sa.Connection,
    company: str,
    mappings: Sequence[str],
    keys: Collection[str],
    direction: str = TO_TARGET,
) -> dict[Ident, dict[str, Outcome]]:
    """(Folded key, part) -> mapping -> outcome, for all parts of these keys."""
    found: dict[Ident, dict[str, Outcome]] = {}
    for row in select_in(
        tx, _all_of(company, tuple(mappings), direction), outcomes.c.key, map(fold_key, keys)
    ):
        found.setdefault((row.key, row.part), {})[row.mapping] = _outcome(row)
    return found


@lru_cache
def _all_of(company: str, mappings: tuple[str, ...], direction: str) -> sa.Select[Any]:
    return sa.select(outcomes).where(_of(company, mappings, direction))


def _outcome(row: Found) -> Outcome:
    names = ("mapping", "key", "result", "at", "fetched_at", "fingerprint", "part", "of_parts", "final")
    return Outcome(fields=load_fields(row.fields), **{name: getattr(row, name) for name in names})


def by_key(
    tx: sa.Connection, company: str, mappings: Sequence[str], keys: Collection[str]
) -> dict[tuple[str, str], list[Outcome]]:
    """(Folded key, mapping) -> the outcomes of all parts; those of persons whom the record named before left out."""
    found: dict[tuple[str, str], list[Outcome]] = {}
    for (key, _part), by_mapping in find(tx, company, mappings, keys).items():
        for name, outcome in by_mapping.items():
            if outcome.result != "former":  # it says nothing of the person that the record names now
                found.setdefault((key, name), []).append(outcome)
    return found


def is_whole(found: Collection[Outcome]) -> bool:
    """Whether all parts of one reading are among these: a run that died between two batches left some of them."""
    of_reading = Counter(outcome.fetched_at for outcome in found)
    return any(of_reading[outcome.fetched_at] >= outcome.of_parts for outcome in found)


def put(
    tx: sa.Connection,
    company: str,
    rows: Sequence[Outcome],
    *,
    keep: Sequence[str] = (),
    direction: str = TO_TARGET,
) -> None:
    """Remember these outcomes; columns in ``keep`` stay as they were: a hold leaves what was last left."""
    base = {"company": company, "direction": direction}
    values = [
        base
        | {"mapping": row.mapping, "key": fold_key(row.key), "part": row.part, "result": row.result}
        | {"at": row.at, "fetched_at": row.fetched_at, "fingerprint": row.fingerprint}
        | {"fields": dump_fields(row.fields), "of_parts": row.of_parts, "final": row.final}
        for row in rows
    ]
    upsert(tx, outcomes, values, keep=keep)


def remove(tx: sa.Connection, company: str, mappings: Collection[str], key: str, part: str = "") -> None:
    """Nothing was ever left for this record under these mappings."""
    one = (outcomes.c.key == fold_key(key), outcomes.c.part == part)
    tx.execute(sa.delete(outcomes).where(_of(company, mappings), *one))
