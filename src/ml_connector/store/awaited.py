"""Which records wait for another one: a child is let through as soon as its parent is linked.

What waits for a record in no module waits for it to be read, so that what it carries is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from ml_connector.core.document_fields import SALES_DOCUMENTS
from ml_connector.core.flow import CARRIED
from ml_connector.core.record import fold_key
from ml_connector.store.database import in_portions, upsert
from ml_connector.store.links import Pair
from ml_connector.store.tables import awaited, document_deals, links, readings

On = tuple[str, str, str]  #: (entity, module, source key) of the record that is awaited


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
    """The source keys of this entity of which what they wait for has come.

    A record is linked now and is there, or is read now; a document is known to belong to a deal.
    """
    c = awaited.c
    waits = sa.select(c.key, c.source_key).where(c.company == company, c.entity == entity)
    come = ((links, _linked()), (readings, _read()), (document_deals, _of_deal()))
    every = sa.union_all(*(waits.join(table, on) for table, on in come)).subquery()
    source_key = sa.func.min(every.c.source_key).label("source_key")
    query = sa.select(every.c.key, source_key).group_by(every.c.key).order_by(every.c.key)
    return [row.source_key for row in tx.execute(query)]


def _linked() -> sa.ColumnElement[bool]:
    return sa.and_(
        links.c.company == awaited.c.company,
        links.c.entity == awaited.c.on_entity,
        links.c.module == awaited.c.on_module,
        links.c.key == awaited.c.on_key,
        links.c.part == "",
        links.c.gone == "",
    )


def _read() -> sa.ColumnElement[bool]:
    return sa.and_(
        awaited.c.on_module == "",
        readings.c.company == awaited.c.company,
        readings.c.entity == awaited.c.on_entity,
        readings.c.facet == CARRIED,
        readings.c.key == awaited.c.on_key,
    )


def _of_deal() -> sa.ColumnElement[bool]:
    return sa.and_(
        awaited.c.on_entity == SALES_DOCUMENTS,
        document_deals.c.company == awaited.c.company,
        document_deals.c.key == awaited.c.on_key,
    )
