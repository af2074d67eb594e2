"""A record of Zoho as the ports have it: from JSON to plain values, line items as its parts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from ml_connector.connectors.zoho_crm import documents, errors, wire
from ml_connector.connectors.zoho_crm.documents import LINE, SourceModule
from ml_connector.core.record import Fields, Record, Value

Row = Mapping[str, object]  #: as JSON has it, fractions as Decimal

_SEPARATOR = "; "  # between several choices
#: A list gives this much of a rich text, and does not say that there is more (facts 2.1).
_CUT = 500
_NO_NUMBER = Decimal("NaN")


def record_of(module: SourceModule, row: Row, lines: Sequence[Row], fetched_at: datetime) -> Record:
    """RecordRejectedError: a value is not what it has to be."""
    ordered = sorted(lines, key=_place)
    parts = {str(line["id"]): _values(LINE, module.line_columns, line) for line in ordered}
    return Record(module.name, str(row["id"]), _values("", module.columns, row), fetched_at, parts=parts)


def may_be_cut(module: SourceModule, row: Row) -> bool:
    """Whether a text has just the length at which lists cut rich texts off."""
    texts = (row.get(name) for name, kind in module.columns.items() if kind == "text")
    return any(isinstance(text, str) and len(text) == _CUT for text in texts)


def _place(line: Row) -> tuple[bool, int, str]:
    """In the order of their numbers, where they have any."""
    number = line.get("Sequence_Number")
    known = isinstance(number, int)
    return not known, number if isinstance(number, int) else 0, str(line["id"])


def _values(prefix: str, columns: Mapping[str, str], row: Row) -> Fields:
    found: dict[str, Value] = {}
    for name, kind in columns.items():
        values = _of_lookup(name, row) if kind in _LOOKUPS else (_READ[kind](prefix + name, row.get(name)),)
        found |= {
            prefix + own: value for own, value in zip(documents.field_names(name, kind), values, strict=False)
        }
    return found


def _of_lookup(name: str, row: Row) -> tuple[str | None, str | None, str | None]:
    """Id, name and code of the record that it points to: within it, or beside it as COQL has them."""
    inside = row.get(name)
    other: Row = inside if isinstance(inside, dict) else {}
    shown = other.get("name", row.get(f"{name}.Product_Name"))
    code = other.get("Product_Code", row.get(f"{name}.Product_Code"))
    return _plain_text(other.get("id", inside)), _plain_text(shown), _plain_text(code)


def _plain_text(value: object) -> str | None:
    return None if value in (None, "", {}) else str(value)


def _text(name: str, value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise errors.unreadable_value(name, value, "a text")


def _choices(name: str, value: object) -> str | None:
    if isinstance(value, list):
        return _SEPARATOR.join(str(one) for one in value) or None
    return _text(name, value)


def _boolean(name: str, value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise errors.unreadable_value(name, value, "true or false")


def _integer(name: str, value: object) -> int | None:
    amount = _amount(name, value)
    if amount is not None and amount != amount.to_integral_value():
        raise errors.unreadable_value(name, value, "a whole number")
    return None if amount is None else int(amount)


def _amount(name: str, value: object) -> Decimal | None:
    """A number, digit for digit. Zoho writes some as texts."""
    if value is None or value == "":
        return None
    told = value if isinstance(value, int | Decimal | str) and not isinstance(value, bool) else "NaN"
    try:
        amount = Decimal(told)
    except ArithmeticError:
        amount = _NO_NUMBER
    if not amount.is_finite():
        raise errors.unreadable_value(name, value, "a number")
    return amount


def _date(name: str, value: object) -> date | None:
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise errors.unreadable_value(name, value, "a date") from None


def _instant(name: str, value: object) -> datetime | None:
    if value is None or value == "":
        return None
    at = wire.instant(value)
    if at is None:
        raise errors.unreadable_value(name, value, "an instant")
    return at


_LOOKUPS = frozenset({"lookup", "product", "reference"})
_READ: Mapping[str, Callable[[str, object], Value]] = {
    "text": _text,
    "choices": _choices,
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _amount,
    "money": _amount,
    "date": _date,
    "instant": _instant,
}
