"""The systems that are waited for."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from ml_connector.core.waits import Wait
from ml_connector.store.database import upsert
from ml_connector.store.tables import waits


def find(tx: sa.Connection) -> dict[str, Wait]:
    """The waits that are open, by system."""
    names = Wait.__dataclass_fields__
    rows = tx.execute(sa.select(*(waits.c[name] for name in names)))
    return {row.system: Wait(*row) for row in rows}


def put(tx: sa.Connection, wait: Wait) -> None:
    """This system is waited for, or was looked at once more; since when stays as it was."""
    upsert(tx, waits, [asdict(wait)], keep=("since_at",))


def close(tx: sa.Connection, system: str) -> None:
    """It is there again."""
    tx.execute(sa.delete(waits).where(waits.c.system == system))
