"""Every row of every table, from one database into another, whichever kind each of them is."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from ml_connector.core.errors import ConfigurationError
from ml_connector.store.database import Connection
from ml_connector.store.tables import metadata

Counts = Mapping[str, int]  #: table -> rows

_PORTION = 1_000  #: rows that are in memory at a time


def copy_rows(source: Connection, target: Connection) -> Counts:
    """Copy every row as ``source`` sees it; the tables of ``target`` are empty, and it is the caller's to commit.

    ConfigurationError: a row does not fit, or not all of them arrived.
    """
    copied = {table.name: _copy(source, target, table) for table in metadata.sorted_tables}
    arrived = count_rows(target)
    if wrong := [name for name, rows in copied.items() if arrived[name] != rows]:
        raise ConfigurationError(
            f"Of the {copied[wrong[0]]:,} rows of the table {wrong[0]} {arrived[wrong[0]]:,} arrived.",
            "Nothing was changed. Check the disk, and do it again.",
        )
    return copied


def _copy(source: Connection, target: Connection, table: sa.Table) -> int:
    query, copied = sa.select(table).execution_options(yield_per=_PORTION), 0
    for portion in source.execute(query).mappings().partitions():
        try:
            target.execute(table.insert(), [dict(row) for row in portion])
        except sa.exc.DataError as error:
            raise ConfigurationError(
                f"A row of the table {table.name} does not fit into the other database:"
                f" {type(error.orig).__name__}, among the rows {copied + 1:,} to {copied + len(portion):,}.",
                "Nothing was changed. This is a fault of ml-connector: report it with these two sentences.",
            ) from error
        copied += len(portion)
    _count_on(target, table)
    return copied


def _count_on(tx: Connection, table: sa.Table) -> None:
    """Let PostgreSQL number its next row behind those that came with their numbers; SQLite does so by itself."""
    column = table.autoincrement_column
    if column is None or tx.dialect.name != "postgresql":
        return
    last = tx.execute(sa.select(sa.func.max(column))).scalar_one()
    sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
    tx.execute(sa.select(sa.func.setval(sequence, last or 1, last is not None)))


def count_rows(tx: Connection) -> Counts:
    """How many rows each table has."""
    each = {table.name: sa.select(sa.func.count()).select_from(table) for table in metadata.sorted_tables}
    return {name: tx.execute(query).scalar_one() for name, query in each.items()}


def is_empty(tx: Connection) -> bool:
    """Whether no table has a row."""
    return not any(tx.execute(sa.select(table).limit(1)).first() for table in metadata.sorted_tables)


def clear(tx: Connection) -> None:
    """Delete every row of every table."""
    for table in reversed(metadata.sorted_tables):
        tx.execute(sa.delete(table))
