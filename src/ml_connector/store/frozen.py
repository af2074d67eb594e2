"""Settings that must not change once they were used, and instants at which something began."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from ml_connector.store.database import insert_new
from ml_connector.store.tables import frozen

#: Begin the names of instants: when a flow was first run, and when it was noted which deals were in a stage.
FIRST_RUN, WON_BEFORE = "first run of ", "won before "


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


def find_beginnings(tx: sa.Connection) -> dict[str, str]:
    """The instants among what is kept: name -> instant."""
    return {name: at for name, at in find_all(tx).items() if name.startswith((FIRST_RUN, WON_BEFORE))}


def put_beginnings(tx: sa.Connection, rows: Mapping[str, str]) -> None:
    """Of these instants and those that are kept the earlier ones."""
    for name, at in rows.items():
        if datetime.fromisoformat(at) < datetime.fromisoformat(freeze(tx, name, at)):
            tx.execute(sa.update(frozen).where(frozen.c.name == name).values(value=at))
