"""What tests found out in figures: said at the end of the session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TOLD: list[str] = []  #: sentences
KILLED: list[Mapping[str, Any]] = []  #: rows of the crash matrix
_COLUMNS = (
    "points",
    "instants",
    "states",
    "kills",
    "lost",
    "doubled",
    "audit missing",
    "audit doubled",
    "seconds",
)
_NAMES = ("database", "flow", "run")


def lines() -> Iterator[str]:
    """Everything that was found out, in lines."""
    if KILLED:
        yield from _table()
    yield from TOLD


def _table() -> Iterator[str]:
    figures = [{name: row[name] for name in (*_NAMES, *_COLUMNS)} for row in KILLED]
    whole = dict.fromkeys(_NAMES, "") | {"database": "in all"}
    rows = [*figures, whole | {name: round(sum(row[name] for row in figures), 1) for name in _COLUMNS}]
    cells = [[*_NAMES, *_COLUMNS], *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    yield "crash matrix: killed by SIGKILL, begun again, compared with the run that was not killed"
    for line in cells:
        named = [text.ljust(width) for text, width in zip(line[:3], widths, strict=False)]
        counted = [text.rjust(width) for text, width in zip(line[3:], widths[3:], strict=True)]
        yield "  ".join([*named, *counted])
