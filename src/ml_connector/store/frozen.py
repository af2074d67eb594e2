"""Settings that must not change once they were used."""

from __future__ import annotations

import sqlalchemy as sa

from ml_connector.store.database import insert_new
from ml_connector.store.tables import frozen


def freeze(tx: sa.Connection, name: str, value: str) -> str:
    """Keep ``value`` if nothing is kept under this name yet; what is kept."""
    insert_new(tx, frozen, [{"name": name, "value": value}])
    kept: str = tx.execute(sa.select(frozen.c.value).where(frozen.c.name == name)).scalar_one()
    return kept


def find_all(tx: sa.Connection) -> dict[str, str]:
    """Everything that is kept: name -> value."""
    return {row.name: row.value for row in tx.execute(sa.select(frozen))}


def find(tx: sa.Connection, name: str) -> str | None:
    """What is kept under this name."""
    return tx.execute(sa.select(frozen.c.value).where(frozen.c.name == name)).scalar_one_or_none()
