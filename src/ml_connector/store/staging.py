"""The changes that a run has listed and not yet worked off, and the name of every record of the source."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ml_connector.core.change import Change
from ml_connector.core.match import normalise_name
from ml_connector.core.record import fold_key
from ml_connector.store import readings
from ml_connector.store.database import in_portions, insert_new, select_in, upsert
from ml_connector.store.tables import source_names, staged


@dataclass(frozen=True, slots=True)
class Staged:
    """One record that the run has to look at."""

    key: str  #: folded
    source_key: str
    name: str
    at: datetime | None
    why: str  #: "listed", "asked" (read it whatever is settled), "facet" (only a facet moved)

    @property
    def change(self) -> Change:
        """As it was listed."""
        return Change(self.source_key, self.name, self.at)


def put_changes(tx: sa.Connection, run: str, changes: Sequence[Change], why: str = "listed") -> None:
    """Stage listed changes; ``why`` "asked": read them whatever is settled."""
    rows = [
        {"run": run, "key": fold_key(c.key), "source_key": c.key, "name": c.name, "at": c.at, "why": why}
        for c in changes
    ]
    upsert(tx, staged, rows)


def put_names(tx: sa.Connection, company: str, entity: str, changes: Sequence[Change], at: datetime) -> None:
    """Remember the names of everything that was listed, and that it was at ``at``."""
    names = [
        {"company": company, "entity": entity, "key": fold_key(c.key), "source_key": c.key, "name": c.name}
        | {"name_key": normalise_name(c.name), "listed_at": at}
        for c in changes
    ]
    upsert(tx, source_names, names)


def names_of(tx: sa.Connection, company: str, entity: str, keys: Collection[str]) -> dict[str, str]:
    """Folded key -> the name under which it was last listed."""
    query = sa.select(source_names.c.key, source_names.c.name).where(*_of(company, entity))
    return {row.key: row.name for row in select_in(tx, query, source_names.c.key, map(fold_key, keys))}


def keys_named(tx: sa.Connection, company: str, entity: str, name_key: str) -> list[str]:
    """The keys of the records of the source that were last listed under this normalised name."""
    query = sa.select(source_names.c.source_key).where(*_of(company, entity))
    query = query.where(source_names.c.name_key == name_key).order_by(source_names.c.key)
    return list(tx.execute(query).scalars())


def remove_names(tx: sa.Connection, company: str, entity: str, keys: Collection[str]) -> None:
    """The source has no such records: their names count for nobody's namesake any more."""
    for portion in in_portions(map(fold_key, keys)):
        tx.execute(sa.delete(source_names).where(*_of(company, entity), source_names.c.key.in_(portion)))


def listed_since(
    tx: sa.Connection, company: str, entity: str, keys: Collection[str], at: datetime
) -> set[str]:
    """Which of these keys, folded, a listing named at or after ``at``."""
    query = sa.select(source_names.c.key).where(*_of(company, entity), source_names.c.listed_at >= at)
    return {row.key for row in select_in(tx, query, source_names.c.key, map(fold_key, keys))}


def not_listed_since(tx: sa.Connection, company: str, entity: str, at: datetime) -> list[tuple[str, str]]:
    """(Folded key, source key) of every record that was listed before, and by no listing at or after ``at``."""
    c = source_names.c
    query = sa.select(c.key, c.source_key).where(*_of(company, entity), c.listed_at < at)
    return [(row.key, row.source_key) for row in tx.execute(query.order_by(c.key))]


def next_keys(tx: sa.Connection, company: str, entity: str, after: str, most: int) -> list[tuple[str, str]]:
    """(Folded key, source key) of the next records that were ever listed, in our own order of folded keys."""
    c = source_names.c
    query = sa.select(c.key, c.source_key).where(*_of(company, entity), c.key > after)
    return [(row.key, row.source_key) for row in tx.execute(query.order_by(c.key).limit(most))]


def count_names(tx: sa.Connection, company: str, entity: str, *, up_to: str | None = None) -> int:
    """How many records were ever listed; ``up_to``: only those up to this folded key, in our own order."""
    query = sa.select(sa.func.count()).select_from(source_names).where(*_of(company, entity))
    if up_to is not None:
        query = query.where(source_names.c.key <= up_to)
    return tx.execute(query).scalar_one()


def _of(company: str, entity: str) -> tuple[sa.ColumnElement[bool], ...]:
    return source_names.c.company == company, source_names.c.entity == entity


def put_keys(tx: sa.Connection, run: str, company: str, entity: str, keys: Collection[str]) -> None:
    """Stage these records to be read whatever their stamp: a replay, an approval."""
    names = names_of(tx, company, entity, keys)
    rows = [
        {
            "run": run,
            "key": fold_key(key),
            "source_key": key,
            "name": names.get(fold_key(key), ""),
            "at": None,
        }
        | {"why": "asked"}
        for key in keys
    ]
    upsert(tx, staged, rows, keep=("at", "name"))


def put_pending_facets(
    tx: sa.Connection, run: str, company: str, entity: str, facets: Collection[str]
) -> None:
    """Stage the records of which one of these facets moved since the mappings last followed it."""
    rows = {
        row.key: {
            "run": run,
            "key": row.key,
            "source_key": row.source_key,
            "name": "",
            "at": None,
            "why": "facet",
        }
        for row in tx.execute(readings.pending(company, entity, facets))
    }
    insert_new(tx, staged, list(rows.values()))


def next_window(tx: sa.Connection, run: str, after: str, size: int) -> list[Staged]:
    """The next records of the run in our own order of folded keys."""
    query = (
        sa.select(staged).where(staged.c.run == run, staged.c.key > after).order_by(staged.c.key).limit(size)
    )
    return [Staged(row.key, row.source_key, row.name, row.at, row.why) for row in tx.execute(query)]


def first(tx: sa.Connection, run: str, most: int) -> list[Staged]:
    """The next of a run that removes what it has worked off: first what was asked for, then in order of keys."""
    c = staged.c
    query = sa.select(staged).where(c.run == run).order_by(sa.case((c.why == "asked", 0), else_=1), c.key)
    return [
        Staged(row.key, row.source_key, row.name, row.at, row.why) for row in tx.execute(query.limit(most))
    ]


def remove(tx: sa.Connection, run: str, rows: Collection[Staged]) -> None:
    """These are worked off."""
    for portion in in_portions(row.key for row in rows):
        tx.execute(sa.delete(staged).where(staged.c.run == run, staged.c.key.in_(portion)))


def count(tx: sa.Connection, run: str, after: str = "") -> int:
    """How many records the run has staged; ``after``: only those behind this folded key, in our own order."""
    query = sa.select(sa.func.count()).select_from(staged).where(staged.c.run == run, staged.c.key > after)
    return tx.execute(query).scalar_one()


def clear(tx: sa.Connection, run: str) -> None:
    """The run is over."""
    tx.execute(sa.delete(staged).where(staged.c.run == run))


def namesakes(
    tx: sa.Connection, company: str | None, entity: str, name_keys: Collection[str]
) -> dict[str, int]:
    """How many records of the source have each of these normalised names; company None: of all its companies."""
    query = (
        sa.select(source_names.c.name_key, sa.func.count().label("number"))
        .where(sa.true() if company is None else source_names.c.company == company)
        .where(source_names.c.entity == entity, source_names.c.name_key.in_(name_keys))
        .group_by(source_names.c.name_key)
    )
    return {row.name_key: row.number for row in tx.execute(query)}
