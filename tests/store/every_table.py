"""A row or two in every table, whatever tables there are; of databases of earlier revisions, too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ml_connector.core.audit import AuditAction
from ml_connector.store import audit
from ml_connector.store.audit import AuditRow
from ml_connector.store.column_types import Amount, Instant
from ml_connector.store.tables import metadata

AT = datetime(2026, 11, 2, 8, 30, 15, 123456, tzinfo=UTC)

_VALUES: tuple[tuple[type, Any], ...] = (
    (Amount, lambda n, _: Decimal("-12345.67891") * n),
    (Instant, lambda n, _: AT + timedelta(days=n)),
    (sa.DateTime, lambda n, _: AT + timedelta(days=n)),
    (sa.Date, lambda n, _: date(2026, 1, n)),
    (sa.Boolean, lambda n, _: n % 2 == 1),
    (sa.Float, lambda n, _: 0.1 * n),
    (sa.Integer, lambda n, _: 1000 + n),
    (sa.LargeBinary, lambda n, _: bytes(range(256)) * n),
    (sa.String, lambda n, column: f"{column.name[:4]} ſ😀'\" {n}"[: column.type.length]),
)


def fill(tx: sa.Connection, rows: int = 2) -> None:
    """Rows in every table; the audit trail is chained."""
    for table in metadata.sorted_tables:
        if table.name != "audit":
            tx.execute(table.insert(), [row_of(table, n) for n in range(1, rows + 1)])
    audit.append(tx, [audit_row(n) for n in range(1, rows + 1)])


def row_of(table: sa.Table, number: int) -> dict[str, Any]:
    """A row with something in every column, and nothing in every second one that may be empty."""
    return {
        column.name: None if column.nullable and number % 2 == 0 else _value(column, number)
        for column in table.c
    }


def _value(column: sa.Column[Any], number: int) -> Any:
    kind = column.type.impl_instance if isinstance(column.type, sa.TypeDecorator) else column.type
    for of in (column.type, kind):
        for wanted, make in _VALUES:
            if isinstance(of, wanted):
                return make(number, sa.Column(column.name, kind))
    raise AssertionError(f"{column} is of a kind that no test knows: {column.type!r}")


def audit_row(number: int) -> AuditRow:
    return AuditRow(
        company="-1",
        flow="customers",
        run="r",
        mapping="customer_accounts",
        source_key=f"KEY{number} ",
        entity="customers",
        module="Accounts",
        target_id=str(number),
        action=AuditAction.UPDATED,
        at=AT - timedelta(microseconds=number),
        happened_at=AT,
        before={"Account_Name": "ſ😀", "Limit": Decimal("1.50")},
        after={"Account_Name": None},
        reason="why not",
    )


def everything(tx: sa.Connection) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every row of every table, in the order of its columns."""
    return {
        table.name: sorted((tuple(row) for row in tx.execute(sa.select(table))), key=repr)
        for table in metadata.sorted_tables
    }
