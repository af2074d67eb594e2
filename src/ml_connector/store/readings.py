"""Facets of source records: what they said last, and what of it the mappings have yet to follow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from ml_connector.core.record import Fields, Reading, dump_fields, fold_key, load_fields
from ml_connector.store.database import select_in, upsert
from ml_connector.store.many import execute_many
from ml_connector.store.tables import readings, sweeps

_SETTLE = (
    sa.update(readings)
    .where(*(key == sa.bindparam(f"b_{key.name}") for key in readings.primary_key))
    .values(settled_digest=sa.bindparam("settled"))
)


@dataclass(frozen=True, slots=True)
class StoredReading:
    """A facet as it was last read."""

    facet: str
    fields: Fields
    digest: str
    settled: bool  #: the mappings have followed it
    changed_at: datetime  #: when a reading last changed it


def find(
    tx: sa.Connection, company: str, entity: str, keys: Collection[str]
) -> dict[str, dict[str, StoredReading]]:
    """Folded key -> facet -> reading."""
    found: dict[str, dict[str, StoredReading]] = {}
    for row in select_in(tx, _of(company, entity), readings.c.key, map(fold_key, keys)):
        settled = row.digest == row.settled_digest
        reading = StoredReading(row.facet, load_fields(row.fields), row.digest, settled, row.changed_at)
        found.setdefault(row.key, {})[row.facet] = reading
    return found


@lru_cache
def _of(company: str, entity: str) -> sa.Select[Any]:
    return sa.select(readings).where(readings.c.company == company, readings.c.entity == entity)


@lru_cache
def _marks_of(company: str, entity: str) -> sa.Select[Any]:
    c = readings.c
    return _of(company, entity).with_only_columns(c.key, c.facet, c.digest, c.changed_at)


def put(
    tx: sa.Connection, company: str, entity: str, rows: Sequence[Reading], read_at: datetime, *, settled: bool
) -> None:
    """Remember what these facets say now; ``settled``: they were read with the record that is being recorded."""
    known = _marks(tx, company, entity, [row.key for row in rows])
    values = []
    for row in rows:
        mark, changed_at = known.get((fold_key(row.key), row.facet), ("", read_at))
        values.append(
            {"company": company, "entity": entity, "facet": row.facet, "key": fold_key(row.key)}
            | {"source_key": row.key, "fields": dump_fields(row.fields), "digest": row.digest}
            | {"settled_digest": row.digest if settled else ""}
            | {"changed_at": changed_at if mark == row.digest else read_at, "read_at": read_at}
        )
    upsert(tx, readings, values, keep=() if settled else ("settled_digest",))


def _marks(
    tx: sa.Connection, company: str, entity: str, keys: Collection[str]
) -> dict[tuple[str, str], tuple[str, datetime]]:
    """(folded key, facet) -> digest, and when a reading last changed it."""
    rows = select_in(tx, _marks_of(company, entity), readings.c.key, map(fold_key, keys))
    return {(row.key, row.facet): (row.digest, row.changed_at) for row in rows}


def settle(tx: sa.Connection, company: str, entity: str, seen: Sequence[tuple[str, str, str]]) -> None:
    """The mappings have followed these (key, facet, digest); a newer reading meanwhile stays pending."""
    whose = {"b_company": company, "b_entity": entity}
    rows = [whose | {"b_key": fold_key(key), "b_facet": facet, "settled": mark} for key, facet, mark in seen]
    execute_many(tx, _SETTLE, rows)


def unnamed(
    tx: sa.Connection, company: str, entity: str, facet: str, empty: str, since: datetime
) -> list[Reading]:
    """What the listing that began at ``since`` did not name and is not ``empty``, which is a digest."""
    query = (
        sa.select(readings.c.source_key, readings.c.fields, readings.c.digest)
        .where(readings.c.company == company, readings.c.entity == entity, readings.c.facet == facet)
        .where(readings.c.read_at < since, readings.c.digest != empty)
    )
    rows = tx.execute(query)
    return [Reading(row.source_key, facet, load_fields(row.fields), row.digest) for row in rows]


def pending(company: str, entity: str, facets: Collection[str]) -> sa.Select[tuple[str, str, str]]:
    """The query for what the mappings have yet to follow: key, source key, facet."""
    return sa.select(readings.c.key, readings.c.source_key, readings.c.facet).where(
        readings.c.company == company,
        readings.c.entity == entity,
        readings.c.facet.in_(facets),
        readings.c.digest != readings.c.settled_digest,
    )


def swept_at(tx: sa.Connection, company: str, flow: str, facet: str) -> datetime | None:
    """When this facet was last listed whole."""
    query = sa.select(sweeps.c.swept_at).where(
        sweeps.c.company == company, sweeps.c.flow == flow, sweeps.c.facet == facet
    )
    return tx.execute(query).scalar_one_or_none()


def mark_swept(tx: sa.Connection, company: str, flow: str, facet: str, at: datetime) -> None:
    """This facet was listed whole; the listing began at ``at``."""
    upsert(tx, sweeps, [{"company": company, "flow": flow, "facet": facet, "swept_at": at}])
