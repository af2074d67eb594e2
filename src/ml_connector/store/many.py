"""One statement for many rows: it is compiled once, and the rows go to the driver as it takes them.

SQLAlchemy's own way looks up every value of every row by its name several times over, which takes longer than the
database does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

Statement = sa.Insert | sa.Update | sa.Delete


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as the driver takes it."""

    sql: str
    names: tuple[str, ...]  #: of the parameters
    converters: tuple[Callable[[Any], Any] | None, ...]  #: what makes the driver's value of ours
    by_place: bool  #: the driver takes the values by their place, in the order of the names


def execute_many(tx: sa.Connection, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
    """Execute it for each of these rows, which all have the same names: of columns to insert, of parameters otherwise.

    ``statement`` is made once and kept by who calls: it is looked up as the object that it is.
    """
    if not rows:
        return
    compiled = _compiled(tx.dialect, statement, tuple(rows[0]))
    columns: list[Sequence[Any]] = [[row[name] for row in rows] for name in compiled.names]
    for number, convert in enumerate(compiled.converters):
        if convert is not None:
            columns[number] = [convert(value) for value in columns[number]]
    values = list(zip(*columns, strict=True))
    named = values if compiled.by_place else [dict(zip(compiled.names, row, strict=True)) for row in values]
    tx.exec_driver_sql(compiled.sql, named)


@lru_cache(maxsize=256)
def _compiled(dialect: sa.Dialect, statement: Statement, names: tuple[str, ...]) -> _Compiled:
    inserted = list(names) if isinstance(statement, sa.Insert) else None
    compiled: Any = statement.compile(dialect=dialect, column_keys=inserted)
    order = tuple(compiled.positiontup or names)
    types = [compiled.binds[name].type.dialect_impl(dialect) for name in order]
    return _Compiled(
        str(compiled), order, tuple(one.bind_processor(dialect) for one in types), compiled.positional
    )
