"""Which records wait for the link of another one: a child is let through as soon as its parent is linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from ml_connector.core.record import fold_key
from ml_connector.store.database import in_portions, upsert
from ml_connector.store.links import Pair
from ml_connector.store.tables import awaited, links

On = tuple[str, str, str]  #: (entity, module, source key) of the record whose link is awaited


def put(tx: sa.Connection, pair: Pair, source_key: str, on: Sequence[On]) -> None:
    """The record waits for these and for no others; none: it waits no longer."""
    put_many(tx, pair, {source_key: on})


def put_many(tx: sa.Connection, pair: Pair, rows: Mapping[str, Sequence[On]]) -> None:
    """Source key -> what it waits for, in place of what it waited for."""
    for portion in in_portions(map(fold_key, rows)):
        tx.execute(sa.delete(awaited).where(pair.within(awaited), awaited.c.key.in_(portion)))
    values = [
        pair.columns()
        | {"key": fold_key(source_key), "source_key": source_key}
        | {"on_entity": entity, "on_module": module, "on_key": fold_key(key)}
        for source_key, on in rows.items()
        for entity, module, key in on
    ]
    upsert(tx, awaited, values)


def ready(tx: sa.Connection, company: str, entity: str) -> list[str]:
    """The source keys of this entity of which a record they wait for is linked now and is there."""
    there = sa.and_(
        links.c.company == awaited.c.company,
        links.c.entity == awaited.c.on_entity,
        links.c.module == awaited.c.on_module,
        links.c.key == awaited.c.on_key,
        links.c.part == "",
        links.c.gone == "",
    )
    query = (
        sa.select(awaited.c.key, sa.func.min(awaited.c.source_key).label("source_key"))
        .join(links, there)
        .where(awaited.c.company == company, awaited.c.entity == entity)
        .group_by(awaited.c.key)
        .order_by(awaited.c.key)
    )
    return [row.source_key for row in tx.execute(query)]
