"""Records that the next run has to look at, whatever is settled: a verdict, a move, a release."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from ml_connector.core.record import fold_key
from ml_connector.store.database import in_portions, upsert
from ml_connector.store.tables import asked


def put(tx: sa.Connection, company: str, entity: str, keys: Collection[str], reason: str) -> None:
    """Ask for these records; the last reason is kept."""
    base = {"company": company, "entity": entity, "reason": reason}
    upsert(tx, asked, [base | {"key": fold_key(key), "source_key": key} for key in keys])


def keys(tx: sa.Connection, company: str, entity: str) -> list[str]:
    """The source keys that are asked for."""
    query = sa.select(asked.c.source_key).where(asked.c.company == company, asked.c.entity == entity)
    return list(tx.execute(query.order_by(asked.c.key)).scalars())


def remove(tx: sa.Connection, company: str, entity: str, keys: Collection[str]) -> None:
    """These records were looked at."""
    these = sa.delete(asked).where(asked.c.company == company, asked.c.entity == entity)
    for portion in in_portions(map(fold_key, keys)):
        tx.execute(these.where(asked.c.key.in_(portion)))
