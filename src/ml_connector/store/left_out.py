"""Fields that the target's edition has no room for: known since it was provisioned, so that no write tries them."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from ml_connector.store.database import insert_new
from ml_connector.store.tables import left_out


def put(tx: sa.Connection, fields: Collection[tuple[str, str]]) -> None:
    """These (module, field) are left out from now on, and no others."""
    tx.execute(sa.delete(left_out))
    insert_new(tx, left_out, [{"module": module, "field": field} for module, field in fields])


def find(tx: sa.Connection) -> set[tuple[str, str]]:
    """The (module, field) that are left out."""
    return {(row.module, row.field) for row in tx.execute(sa.select(left_out))}
