"""What the source's own users call fields that it names by number: as it was known when the target was provisioned."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from ml_connector.store.database import insert_new
from ml_connector.store.tables import field_labels


def put(tx: sa.Connection, labels: Mapping[str, Mapping[str, str]]) -> None:
    """Entity -> field -> label: these hold from now on, and no others."""
    tx.execute(sa.delete(field_labels))
    rows = [
        {"entity": entity, "field": field, "label": label}
        for entity, of_entity in labels.items()
        for field, label in of_entity.items()
    ]
    insert_new(tx, field_labels, rows)


def find(tx: sa.Connection) -> dict[str, dict[str, str]]:
    """Entity -> field -> label."""
    found: dict[str, dict[str, str]] = {}
    for row in tx.execute(sa.select(field_labels)):
        found.setdefault(row.entity, {})[row.field] = row.label
    return found
