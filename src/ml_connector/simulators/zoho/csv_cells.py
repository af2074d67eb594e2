"""Cells of a CSV file as the values that a record in a JSON body has (Zoho's page of the bulk write job).

Dates are MM/dd/yyyy and instants MM/dd/yyyy HH:mm:ss unless the mapping gives another format. Zoho's list of formats is
a drawing that could not be read: the usual letters of Java's SimpleDateFormat are taken. Inferred are also: an instant
without offset is meant in the user's time zone, truths are true and false or 1 and 0 (Zoho's import page), several
picks stand between semicolons, numbers have no thousands separators.
"""

import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any, TypeAlias

from ml_connector.simulators.zoho.field import Field

CellReader: TypeAlias = Callable[[str], Any]
"""From the cell's text to the value of a JSON body; ValueError when it is none of the field's type."""

FORMATS = {"date": "MM/dd/yyyy", "datetime": "MM/dd/yyyy HH:mm:ss"}
"""Of the types that may have a format: the one that holds without."""
_LETTERS = {
    "yyyy": "%Y",
    "yy": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%m",
    "dd": "%d",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
    "hh": "%I",
    "h": "%I",
    "mm": "%M",
    "ss": "%S",
    "a": "%p",
    "XXX": "%z",
    "Z": "%z",
}
_TOKEN = re.compile(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+")
_TRUTHS = {"true": True, "false": False, "1": True, "0": False}
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?")
_WHOLE = re.compile(r"[+-]?\d+")


def time_format(pattern: str) -> str:
    """`MM/dd/yyyy` as strptime writes it; ValueError for other letters."""
    if not pattern or sum(len(found.group()) for found in _TOKEN.finditer(pattern)) != len(pattern):
        raise ValueError(pattern)
    return "".join(_translated(found) for found in _TOKEN.finditer(pattern))


def is_format(pattern: object) -> bool:
    """Whether dates can be read by it."""
    try:
        return isinstance(pattern, str) and bool(time_format(pattern))
    except ValueError:
        return False


def cell_reader(field: Field, pattern: str | None, zone: tzinfo) -> CellReader:
    """The reader of a column; references to other records are not read here."""
    if field.data_type in FORMATS:
        layout = time_format(pattern or FORMATS[field.data_type])
        if field.data_type == "date":
            return lambda text: datetime.strptime(text, layout).date().isoformat()  # noqa: DTZ007 -- a day
        return lambda text: _instant(datetime.strptime(text, layout), zone)  # noqa: DTZ007 -- see _instant
    return _READERS.get(field.data_type, str)


def _translated(found: re.Match[str]) -> str:
    if found.group(2):
        if found.group() not in _LETTERS:
            raise ValueError(found.group())
        return _LETTERS[found.group()]
    return (found.group(1) if found.group(1) is not None else found.group()).replace("%", "%%")


def _instant(at: datetime, zone: tzinfo) -> str:
    return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat(timespec="seconds")


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _decimal(text: str) -> float | int:
    if not _DECIMAL.fullmatch(text):
        raise ValueError(text)
    return float(text)


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ValueError(text)
    return _TRUTHS[text.lower()]


_READERS: dict[str, CellReader] = {
    "integer": _whole,
    "double": _decimal,
    "currency": _decimal,
    "percent": _decimal,
    "boolean": _truth,
    "multiselectpicklist": lambda text: text.split(";"),
}
