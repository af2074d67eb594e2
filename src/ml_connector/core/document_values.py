"""A document as single values with a path each: to compare what is wanted with what was sent and with what stands.

A line's path has what names it in the CRM ("lines.5725767000000123.quantity"), or behind a # what names it in the ERP
where the CRM does not know it. What is decided once, when a document is made (number, type, batch), has no path.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields, replace
from decimal import Decimal

from ml_connector.core.document_mapping import Wanted
from ml_connector.core.record import Fields, Value, fold_key
from ml_connector.core.sales import Document, Line, ShipTo, Standing

LINES = "lines."
SHIP_TO = "ship_to"
MEANING = "(meaning)"  #: no value of the document, and never a difference
_HEADER = ("customer", "currency", "on", "expires_on", "requested_on", "customer_po", "freight", "trade_discount",
           "miscellaneous", "tax", "ship_to_key", "price_level", "shipping_method", "site", "comment")  # fmt: skip
_LINE = ("item", "quantity", "unit", "unit_price", "discount", "description", "site", "tax", "requested_on", "comment",
         "account")  # fmt: skip
#: What names a record of the ERP is compared as the ERP does: without case and without trailing blanks.
_KEYS = frozenset({"customer", "currency", "ship_to_key", "price_level", "shipping_method", "site", "item", "unit",
                   "account"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that the CRM says otherwise than before."""

    path: str
    stands: Value  #: in the ERP
    wanted: Value
    label: str  #: what a person calls it

    def __str__(self) -> str:
        return f"{self.label}: {_shown(self.stands)} in the ERP, {_shown(self.wanted)} in the CRM"


def _shown(value: Value) -> str:
    if isinstance(value, Decimal):
        return number_text(value)
    return "nothing" if value is None or value == "" else str(value)


def number_text(value: Decimal) -> str:
    """The number without noughts that say nothing: the ERP writes five decimals of each."""
    return f"{value.normalize():f}"


def differences(stands: Fields, wants: Fields, paths: Collection[str]) -> tuple[Difference, ...]:
    """What of these paths is wanted otherwise than it stands, in the order of the paths."""
    return tuple(
        Difference(path, stands.get(path), wants.get(path), _label(path, stands, wants))
        for path in sorted(paths)
        if not is_same(path, stands.get(path), wants.get(path))
    )


def _label(path: str, stands: Fields, wants: Fields) -> str:
    name = path.rpartition(".")[2].replace("_", " ")
    if not path.startswith(LINES):
        return name
    item = f"{LINES}{reference_of(path)}.item"
    return f"{name} of the line with {stands.get(item) or wants.get(item)}"


def values_of(document: Document) -> dict[str, Value]:
    """Every value that the document says, by its path."""
    said: dict[str, Value] = {name: getattr(document, name) for name in _HEADER}
    said |= {f"text_{number}": text for number, text in document.texts.items()}
    if document.ship_to is not None:
        said |= {f"{SHIP_TO}.{f.name}": getattr(document.ship_to, f.name) for f in fields(ShipTo)}
    for line in document.lines:
        said |= {f"{line_path(line)}.{name}": getattr(line, name) for name in _LINE}
    return {path: value for path, value in said.items() if value is not None and value != ""}


def wants_of(wanted: Wanted) -> dict[str, Value]:
    """The same of what the CRM wants, with what mapping and settings meant then."""
    return {**values_of(wanted.document), MEANING: wanted.meaning}


def line_path(line: Line) -> str:
    """The path of all values of a line."""
    return f"{LINES}{_key(line)}"


def _key(line: Line) -> str:
    return line.reference or f"#{line.sequence}"


def is_same(path: str, one: Value, other: Value) -> bool:
    """Whether both are the same to the ERP; what is not said is the same as an empty text or nought."""
    one, other = (None if value in ("", 0) else value for value in (one, other))
    if not isinstance(one, str) or not isinstance(other, str):
        return one == other
    if path.rpartition(".")[2] in _KEYS:
        return fold_key(one) == fold_key(other)
    return one.rstrip() == other.rstrip()


def changed(before: Fields, wanted: Fields) -> frozenset[str]:
    """The paths of what is wanted otherwise than before."""
    return frozenset(
        path
        for path in before.keys() | wanted.keys()
        if path != MEANING and not is_same(path, before.get(path), wanted.get(path))
    )


def stood_after(stood: Fields, stands: Fields, paths: Collection[str]) -> dict[str, Value]:
    """What stood, with what stands now of these paths, and of lines that are new; of lines that are gone, nothing."""
    before, now = ({reference_of(path) for path in values} for values in (stood, stands))
    kept = {path: value for path, value in stood.items() if path not in paths and reference_of(path) in now}
    fresh = {
        path: value for path, value in stands.items() if path in paths or reference_of(path) not in before
    }
    return {**kept, **fresh}


def reference_of(path: str) -> str:
    """What names the line whose value this is; empty: it is none of a line."""
    return path.removeprefix(LINES).rpartition(".")[0] if path.startswith(LINES) else ""


@dataclass(frozen=True, slots=True)
class Merged:
    """A document of the ERP with changes of the CRM in it."""

    document: Document  #: whole; a line without a sequence is new
    removed: tuple[Line, ...]  #: lines that stand in the ERP and are to be no more


def merge(standing: Standing, wanted: Document, paths: Collection[str]) -> Merged:
    """What stands, with the values of these paths as they are wanted; everything else stays as somebody left it.

    A line that becomes another item is another line.
    """
    there = {_key(line): line for line in standing.document.lines}
    lines = {_key(line): line for line in wanted.lines}
    touched = {reference for path in paths if (reference := reference_of(path))}
    other = {key for key in touched & there.keys() & lines.keys() if f"{LINES}{key}.item" in paths}
    gone = (touched & there.keys()) - (lines.keys() - other)
    kept = [
        _line(line, lines[key], paths) if key in touched else line
        for key, line in there.items()
        if key not in gone
    ]
    new = [line for key, line in lines.items() if key in touched and (key in other or key not in there)]
    merged = replace(
        standing.document,
        **{name: getattr(wanted, name) for name in _HEADER if name in paths},
        texts=dict(_texts(standing.document, wanted, paths)),
        lines=(*kept, *new),
    )
    if any(path.startswith(SHIP_TO) for path in paths):  # key and address: one takes the place of the other
        merged = replace(merged, ship_to_key=wanted.ship_to_key, ship_to=wanted.ship_to)
    return Merged(merged, tuple(line for key, line in there.items() if key in gone))


def _line(line: Line, wanted: Line, paths: Collection[str]) -> Line:
    at = line_path(line)
    return replace(line, **{name: getattr(wanted, name) for name in _LINE if f"{at}.{name}" in paths})


def _texts(standing: Document, wanted: Document, paths: Collection[str]) -> Iterator[tuple[int, str]]:
    for number in sorted({*standing.texts, *wanted.texts}):
        source = wanted if f"text_{number}" in paths else standing
        yield number, source.texts.get(number, "")
