"""Rows of the audit trail as people and programs read them: a story, a table, JSON lines, CSV; a row at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ml_connector.cli.cells import protected
from ml_connector.cli.show import say, shown
from ml_connector.core.errors import ConfigurationError

Row = Mapping[str, Any]

_KEPT = (
    "seq",
    "happened_at",
    "action",
    "company",
    "flow",
    "mapping",
    "source_key",
    "part",
    "entity",
    "module",
    "target_id",
    "at",
    "reason",
    "actor",
    "run",
    "hash",
)
_COLUMNS = (*_KEPT, "before", "after")
#: Of the table: what it shows, and how wide it is at least; the reason takes what is left of the line.
_TABLE = (("row", 7), ("when", 23), ("action", 20), ("flow", 16), ("record", 20), ("in Zoho", 30))


def told(row: Row) -> dict[str, Any]:
    """What a row says, for JSON."""
    values = {name: json.loads(row[name]) for name in ("before", "after")}
    return {name: row[name] for name in _KEPT} | values


def show_story(row: Row) -> None:
    """A row with every field that changed, as lines."""
    which, where = _record(row), _place(row)
    company = row["flow"].rpartition("/")[0]  # of a further company only
    mapping = f"{company}/{row['mapping']}" if company else row["mapping"]
    what = f"{mapping}  {which} -> {where}" if mapping or which or where else ""
    say(f"{shown(row['happened_at'])}  {row['action']}  {what}".rstrip())
    if row["reason"]:
        by = "" if row["actor"] == "ml-connector" else f" ({row['actor']})"
        say(f"    {row['reason']}{by}")
    before = json.loads(row["before"])
    for name, value in json.loads(row["after"]).items():
        say(f"    {name}: {before[name]!r} -> {value!r}" if name in before else f"    {name}: {value!r}")


def _record(row: Row) -> str:
    return f"{row['source_key']} {row['part']}".strip()


def _place(row: Row) -> str:
    return f"{row['module']} {row['target_id']}".strip()


def table(rows: Iterable[Row]) -> Iterator[str]:
    """A line for each row; a cell that is too long moves those behind it, and nothing is cut off."""
    yield "  ".join([*(f"{name:<{width}}" for name, width in _TABLE), "reason"])
    for row in rows:
        cells = (
            str(row["seq"]),
            shown(row["happened_at"]),
            row["action"],
            row["flow"],
            _record(row),
            _place(row),
        )
        padded = [f"{cell:<{width}}" for cell, (_, width) in zip(cells, _TABLE, strict=True)]
        yield "  ".join([*padded, _one_line(row["reason"])]).rstrip()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def json_lines(rows: Iterable[Row]) -> Iterator[str]:
    """A JSON document for each row."""
    for row in rows:
        yield json.dumps(told(row), default=_iso, ensure_ascii=False)


def csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    """CSV with a head; texts are protected against a spreadsheet's readings, before and after are JSON."""
    line = _Line()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(_COLUMNS)
    yield line.text
    for row in rows:
        writer.writerow([_cell(row[name]) for name in _COLUMNS])
        yield line.text


class _Line:
    """What csv writes a line to."""

    text = ""

    def write(self, text: str) -> int:
        self.text = text.removesuffix("\n")
        return len(text)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return protected(value) if isinstance(value, str) else "" if value is None else str(value)


def _iso(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


FORMATS: Mapping[str, Callable[[Iterable[Row]], Iterator[str]]] = {
    "jsonl": json_lines,
    "csv": csv_lines,
    "table": table,
}


@contextmanager
def lines_to(path: Path | None, *, mark: bool) -> Iterator[Callable[[str], object]]:
    """What takes line after line: a new file, or standard output. ``mark``: the one by which Excel knows UTF-8."""
    if path is None:
        yield say
        return
    try:
        with path.open("w", encoding="utf-8-sig" if mark else "utf-8", newline="\n") as file:
            yield lambda line: print(line, file=file)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.",
            "Close it elsewhere, or name another place for it.",
        ) from error
