"""Inserting many rows by one statement, which is made once; the rows go to the driver as it takes them.

SQLAlchemy's own way looks up every value of every row by its name several times over, which takes longer than the
database does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

_Insert = postgresql.Insert | sqlite.Insert


@dataclass(frozen=True, slots=True)
class InsertStatement:
    """An INSERT as the driver takes it."""

    sql: str
    columns: tuple[tuple[str, Callable[[Any], Any] | None], ...]  #: with what makes the driver's value of ours
    by_place: bool  #: the driver takes the values of a row by their place, not by name

    def execute(self, tx: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert these rows, which all have the statement's columns."""
        columns = [[row[name] for row in rows] for name, _ in self.columns]
        for number, (_, convert) in enumerate(self.columns):
            if convert is not None:
                columns[number] = list(map(convert, columns[number]))
        values = zip(*columns, strict=True)
        names = [name for name, _ in self.columns]
        tx.exec_driver_sql(
            self.sql,
            list(values) if self.by_place else [dict(zip(names, row, strict=True)) for row in values],
        )


@lru_cache(maxsize=256)
def insert_statement(
    dialect: sa.Dialect, table: sa.Table, names: tuple[str, ...], known: str = "", keep: tuple[str, ...] = ()
) -> InsertStatement:
    """The statement for rows with these columns; what becomes of a row whose primary key is there is ``known``.

    "replace": it is replaced but for the columns in ``keep``; "leave": it stays; "": there is none.
    """
    statement = _on_known(_insert(dialect, table).inline(), table, names, known, keep)
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    by_place = bool(dialect.positional)
    order = compiled.positiontup if by_place else names
    types = {name: table.c[name].type.dialect_impl(dialect) for name in names}
    return InsertStatement(
        str(compiled), tuple((name, types[name].bind_processor(dialect)) for name in order or ()), by_place
    )


def _insert(dialect: sa.Dialect, table: sa.Table) -> _Insert:
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)


def _on_known(
    statement: _Insert, table: sa.Table, names: tuple[str, ...], known: str, keep: tuple[str, ...]
) -> _Insert:
    if known == "leave":
        return statement.on_conflict_do_nothing()
    if known != "replace":
        return statement
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in names if name not in keys and name not in keep}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)
