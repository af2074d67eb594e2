"""What exists in a module of the target: ids, normalised names, what recognises a record, stamps."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from ml_connector.core.match import normalise_name
from ml_connector.core.ports import Candidate
from ml_connector.core.record import fold_key
from ml_connector.store.database import in_portions, select_in, upsert
from ml_connector.store.links import Pair
from ml_connector.store.tables import links, match_index, match_values, refreshes


def put(tx: sa.Connection, module: str, candidates: Sequence[Candidate], at: datetime) -> None:
    """Remember these records as they stand ``at`` this instant; values that are gone from them are forgotten."""
    rows = [
        {"module": module, "target_id": c.target_id, "name": c.name, "name_key": normalise_name(c.name)}
        | {"modified_at": c.modified_at, "seen_at": at}
        for c in candidates
    ]
    upsert(tx, match_index, rows)
    forget = sa.delete(match_values).where(match_values.c.module == module)
    for portion in in_portions(c.target_id for c in candidates):
        tx.execute(forget.where(match_values.c.target_id.in_(portion)))
    upsert(
        tx,
        match_values,
        [_value_row(module, c.target_id, f, v) for c in candidates for f, v in c.values.items() if v],
    )


def put_key(tx: sa.Connection, module: str, keys: Sequence[tuple[str, str, str]]) -> None:
    """Remember one key on each record: (target id, field, value)."""
    upsert(tx, match_values, [_value_row(module, target_id, name, value) for target_id, name, value in keys])


def _value_row(module: str, target_id: str, name: str, value: str) -> dict[str, str]:
    return {
        "module": module,
        "target_id": target_id,
        "field": name,
        "value": value,
        "value_key": fold_key(value),
    }


def remove(tx: sa.Connection, module: str, ids: Collection[str]) -> None:
    """These records are gone from the target."""
    for portion in in_portions(ids):
        for table in (match_values, match_index):
            tx.execute(sa.delete(table).where(table.c.module == module, table.c.target_id.in_(portion)))


def sweep(tx: sa.Connection, module: str, since: datetime) -> None:
    """The module was read whole from ``since`` on: what was not seen since then is not there any more."""
    old = sa.and_(match_index.c.module == module, match_index.c.seen_at < since)
    ids = sa.select(match_index.c.target_id).where(old)
    tx.execute(
        sa.delete(match_values).where(match_values.c.module == module, match_values.c.target_id.in_(ids))
    )
    tx.execute(sa.delete(match_index).where(old))


def by_value(
    tx: sa.Connection, module: str, field: str, values: Collection[str]
) -> dict[str, list[Candidate]]:
    """Folded value -> the records that carry it in ``field``."""
    wanted = {fold_key(value) for value in values}
    rows = list(select_in(tx, _values_in(module, field), match_values.c.value_key, wanted))
    records = candidates(tx, module, {row.target_id for row in rows})
    return _grouped((row.value_key, records[row.target_id]) for row in rows if row.target_id in records)


def by_name(tx: sa.Connection, module: str, name_keys: Collection[str]) -> dict[str, list[Candidate]]:
    """Normalised name -> the records that have it."""
    rows = list(select_in(tx, _names_in(module), match_index.c.name_key, set(name_keys)))
    records = candidates(tx, module, {row.target_id for row in rows})
    return _grouped((row.name_key, records[row.target_id]) for row in rows)


@lru_cache
def _values_in(module: str, field: str) -> sa.Select[Any]:
    c = match_values.c
    return sa.select(c.value_key, c.target_id).where(c.module == module, c.field == field)


@lru_cache
def _names_in(module: str) -> sa.Select[Any]:
    return sa.select(match_index.c.name_key, match_index.c.target_id).where(match_index.c.module == module)


def candidates(tx: sa.Connection, module: str, ids: Collection[str]) -> dict[str, Candidate]:
    """The records of these ids that the index knows, by id."""
    carried = sa.select(match_values).where(match_values.c.module == module)
    values: dict[str, dict[str, str]] = {}
    for row in select_in(tx, carried, match_values.c.target_id, ids):
        values.setdefault(row.target_id, {})[row.field] = row.value
    query = sa.select(match_index).where(match_index.c.module == module)
    return {
        row.target_id: Candidate(row.target_id, row.name, values.get(row.target_id, {}), row.modified_at)
        for row in select_in(tx, query, match_index.c.target_id, ids)
    }


def known(tx: sa.Connection, module: str, ids: Collection[str]) -> set[str]:
    """Which of these ids the index knows."""
    query = sa.select(match_index.c.target_id).where(match_index.c.module == module)
    return {row.target_id for row in select_in(tx, query, match_index.c.target_id, ids)}


def names_without(tx: sa.Connection, module: str, field: str) -> Iterator[tuple[str, str]]:
    """(Target id, name) of every record that carries nothing in ``field``, by id; read as it is asked for."""
    query = sa.select(match_index.c.target_id, match_index.c.name).where(
        match_index.c.module == module, ~_carried(match_index, field)
    )
    rows = tx.execute(query.order_by(match_index.c.target_id).execution_options(yield_per=1000))
    return ((row.target_id, row.name) for row in rows)


def _carried(table: sa.FromClause, field: str) -> sa.Exists:
    """Whether the record of this row carries something in ``field``."""
    return sa.exists().where(
        match_values.c.module == table.c.module,
        match_values.c.target_id == table.c.target_id,
        match_values.c.field == field,
    )


@dataclass(frozen=True, slots=True)
class Twin:
    """A record that we created, and another one that is alike, which nobody of ours is on."""

    target_id: str
    name: str
    twin_id: str
    twin_name: str
    created_at: datetime  #: when we created ours


def twins(tx: sa.Connection, pair: Pair, key_field: str, alike: Sequence[str] = ()) -> list[Twin]:
    """The records that the pair's flow created and that have another one beside them, without a key and a link.

    ``alike``: the fields in which the two have the same value; none: they have the same name.
    """
    ours, twin, other = match_index.alias(), match_index.alias(), links.alias()
    linked = sa.exists().where(other.c.module == pair.module, other.c.target_id == twin.c.target_id)
    both = links.join(ours, sa.and_(ours.c.module == links.c.module, ours.c.target_id == links.c.target_id))
    query = (
        sa.select(ours.c.target_id, ours.c.name, twin.c.target_id, twin.c.name, links.c.linked_at)
        .select_from(_with_the_same(both, ours, twin, alike))
        .where(pair.within(links), links.c.linked_by == "created", links.c.gone == "")
        .where(twin.c.target_id != ours.c.target_id)
        .where(~_carried(twin, key_field), ~linked)
        .order_by(links.c.linked_at, ours.c.target_id, twin.c.target_id)
    )
    return [Twin(*row) for row in tx.execute(query)]


def _with_the_same(both: sa.Join, ours: sa.FromClause, twin: sa.FromClause, alike: Sequence[str]) -> sa.Join:
    """Beside each of ours those with its values in these fields, or with its name."""
    if not alike:
        same_name = sa.and_(twin.c.name_key == ours.c.name_key, ours.c.name_key != "")
        return both.join(twin, sa.and_(twin.c.module == ours.c.module, same_name))
    twin_id: sa.ColumnElement[str] | None = None
    for field in alike:
        mine, its = match_values.alias(), match_values.alias()
        both = both.join(mine, _values_of(mine, ours, field) & (mine.c.target_id == ours.c.target_id))
        same = _values_of(its, ours, field) & (its.c.value_key == mine.c.value_key)
        both = both.join(its, same if twin_id is None else same & (its.c.target_id == twin_id))
        twin_id = its.c.target_id
    return both.join(twin, (twin.c.module == ours.c.module) & (twin.c.target_id == twin_id))


def _values_of(values: sa.FromClause, of: sa.FromClause, field: str) -> sa.ColumnElement[bool]:
    return (values.c.module == of.c.module) & (values.c.field == field)


def stamps(tx: sa.Connection, module: str, ids: Collection[str]) -> dict[str, datetime]:
    """When each of these records last changed, as far as the index knows."""
    query = sa.select(match_index.c.target_id, match_index.c.modified_at).where(
        match_index.c.module == module
    )
    return {row.target_id: row.modified_at for row in select_in(tx, query, match_index.c.target_id, ids)}


def _grouped(pairs: Iterable[tuple[str, Candidate]]) -> dict[str, list[Candidate]]:
    found: dict[str, list[Candidate]] = {}
    for key, candidate in pairs:
        found.setdefault(key, []).append(candidate)
    return found


def count(tx: sa.Connection, module: str, since: datetime | None = None) -> int:
    """How many records of the module are known; ``since``: only those changed at or after this instant."""
    query = sa.select(sa.func.count()).select_from(match_index).where(match_index.c.module == module)
    if since is not None:
        query = query.where(match_index.c.modified_at >= since)
    return tx.execute(query).scalar_one()


@dataclass(frozen=True, slots=True)
class Refresh:
    """Up to where the index is right."""

    refreshed_at: datetime  #: the greatest stamp seen, by the target's clock
    filled_at: datetime  #: when the module was last read whole, by ours


def refreshed(tx: sa.Connection, module: str, fields: Sequence[str]) -> Refresh | None:
    """Up to where the index is right; None: it has to be filled (never was, or with other fields)."""
    row = tx.execute(sa.select(refreshes).where(refreshes.c.module == module)).one_or_none()
    if row is None or not set(fields) <= set(json.loads(row.fields)):
        return None
    return Refresh(row.refreshed_at, row.filled_at)


def mark_refreshed(tx: sa.Connection, module: str, fields: Sequence[str], refresh: Refresh) -> None:
    """The index holds everything that changed up to here."""
    row = {"module": module, "refreshed_at": refresh.refreshed_at, "filled_at": refresh.filled_at}
    upsert(tx, refreshes, [row | {"fields": json.dumps(sorted(fields))}])
