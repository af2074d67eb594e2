"""The review as a CSV file that Excel opens, saves in its own ways, and that comes back unharmed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from ml_connector.cli.cells import bare, protected
from ml_connector.core.errors import ConfigurationError
from ml_connector.flows.proposals import Shown
from ml_connector.flows.review import Line

COLUMNS = (
    "flow",
    "module",
    "key",
    "person",
    "name",
    "outcome",
    "score",
    "zoho_id",
    "zoho_name",
    "candidates",
    "decision",
    "id",
)
_NEEDED = ("flow", "module", "key", "person", "outcome", "zoho_id", "candidates", "decision", "id")

#: How files begin that Excel saves instead -> what they are.
_KINDS = {
    b"PK\x03\x04": "an Excel workbook (.xlsx)",
    b"\xd0\xcf\x11\xe0": "an Excel workbook (.xls)",
    b"\xff\xfe": "“Unicode text” (UTF-16)",
    b"\xfe\xff": "“Unicode text” (UTF-16)",
}
_DELIMITERS = (",", ";", "\t")  # Excel's own depends on the country


def write_review(path: Path, rows: Iterable[Shown]) -> int:
    """Write a new file, in UTF-8 with the mark by which Excel knows it; how many rows it has."""
    try:
        with path.open("x", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            number = 0
            for row in rows:
                writer.writerow([protected(cell) for cell in _cells(row)])
                number += 1
            return number
    except FileExistsError:
        raise ConfigurationError(
            f"{path} is there already, and may have decisions in it.", "Name another file, or move it away."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.", "Name another place for it."
        ) from error


def _cells(row: Shown) -> list[str]:
    proposal, decision = row.proposal, row.proposal.decision
    score = f"{decision.score:g}" if decision.score else ""
    candidates = "; ".join(f"{target_id} {name}".strip() for target_id, name in row.candidates)
    who = [proposal.flow.name, proposal.module, decision.source_key, decision.part, decision.name]
    return [*who, proposal.outcome, score, decision.target_id, row.target_name, candidates, "", ""]


def read_review_file(path: Path) -> list[Line]:
    """The rows of a file as Excel or another program saved it. Raises ConfigurationError that names the line."""
    text = _text(path)
    rows = list(_rows(path, text, _delimiter(path, text)))
    return [_line(number, cells) for number, cells in rows if any(cells.values())]


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}.", "Name the file that was exported."
        ) from error
    for head, kind in _KINDS.items():
        if raw.startswith(head):
            raise ConfigurationError(
                f"{path} is {kind}, not CSV.", "Save it as “CSV UTF-8” and read that file."
            )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")  # as Excel saves “CSV” without more


def _delimiter(path: Path, text: str) -> str:
    """What separates the cells: under which one the first line has the columns that are needed."""
    heads = {one: _head(text, one) for one in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda one: len(heads[one].intersection(_NEEDED)))
    missing = [name for name in _NEEDED if name not in heads[best]]
    if missing:
        raise ConfigurationError(
            f"Line 1 of {path} lacks the columns {', '.join(missing)}.",
            "Keep all columns of the exported file, and save it as CSV.",
        )
    return best


def _head(text: str, delimiter: str) -> set[str]:
    return {bare(cell).casefold() for cell in text.split("\n", 1)[0].replace('"', "").split(delimiter)}


def _rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = [bare(cell).casefold() for cell in next(reader)]
        for cells in reader:
            if len(cells) > len(names):
                raise ConfigurationError(
                    f"Line {reader.line_num} of {path} has more cells than the first line.",
                    "Put text that has a separator in it between double quotes.",
                )
            yield reader.line_num, dict(zip(names, map(bare, cells), strict=False))
    except csv.Error as error:
        raise ConfigurationError(
            f"Line {reader.line_num} of {path} cannot be read: {error}.", "Save the file as CSV once more."
        ) from error


def _line(number: int, cells: dict[str, str]) -> Line:
    told = {name: cells.get(name, "") for name in _NEEDED}
    return Line(
        number,
        told["flow"],
        told["module"],
        told["key"],
        told["person"],
        told["outcome"],
        told["zoho_id"],
        told["candidates"],
        told["decision"].casefold(),
        told["id"],
    )
