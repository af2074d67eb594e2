"""Comparisons of a column with literals, as COQL and search make them.

Text is compared without regard to case, instants as instants. An empty field meets no comparison, `!=` and `not in`
included (as in SQL; Zoho does not document it).
"""

import operator
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from ml_connector.simulators.zoho.clock import parse_instant
from ml_connector.simulators.zoho.field import Field
from ml_connector.simulators.zoho.metadata import padded_id
from ml_connector.simulators.zoho.records import Row

Getter: TypeAlias = Callable[[Row], Any]
Predicate: TypeAlias = Callable[[Row], bool]

TEXT = "text"
REFERENCE = "reference"
ID = "id"

_KINDS = {
    "text": TEXT,
    "email": TEXT,
    "phone": TEXT,
    "website": TEXT,
    "picklist": TEXT,
    "autonumber": TEXT,
    "integer": "number",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "bigint": "bigint",
    "date": "date",
    "datetime": "instant",
    "boolean": "boolean",
    "lookup": REFERENCE,
    "ownerlookup": REFERENCE,
    "userlookup": REFERENCE,
    "layout": REFERENCE,
}
_MEMBERS = frozenset({"=", "!=", "in", "not in", "is null", "is not null"})
_ORDERED = _MEMBERS | {">", ">=", "<", "<=", "between", "not between"}
_ALLOWED: dict[str, frozenset[str]] = {
    TEXT: _MEMBERS | {"like", "not like"},
    REFERENCE: _MEMBERS,
    "boolean": frozenset({"=", "!=", "is null", "is not null"}),
    **dict.fromkeys(("number", "bigint", "date", "instant", ID), _ORDERED),
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_STORED_FORM: dict[str, Callable[[Any], Any]] = {TEXT: str.lower, "bigint": int}


def kind_of(column: Field) -> str | None:
    """How a column is compared; None when it cannot stand in a criterion (several lines, several values, subforms)."""
    return ID if column.api_name == "id" else _KINDS.get(column.data_type)


def is_allowed(kind: str, comparison: str) -> bool:
    """Whether the operator exists for columns of this kind."""
    return comparison in _ALLOWED[kind]


def coerce(kind: str, literal: str) -> Any:  # noqa: ANN401 -- by kind
    """The literal's text as it compares with stored values; ValueError when it is none of this kind."""
    match kind:
        case "text":
            return literal.lower()
        case "instant":
            return parse_instant(literal)
        case "date":
            return date.fromisoformat(literal).isoformat()
        case "boolean":
            return (
                {"true": True, "false": False}[literal.lower()]
                if literal.lower() in ("true", "false")
                else _bad()
            )
        case "number":
            return _number(literal)
        case "bigint":
            return int(literal)
        case _:
            return padded_id(literal) if literal.isdecimal() else _bad()


def predicate(get: Getter, kind: str, comparison: str, values: list[Any]) -> Predicate:
    """A test of one row; `values` are coerced, one for most operators, two for between, any number for in."""
    if comparison in ("is null", "is not null"):
        wanted = comparison == "is null"
        return lambda row: (get(row) is None) == wanted
    test = _test(comparison, values)
    stored = _STORED_FORM.get(kind)

    def holds(row: Row) -> bool:
        value = get(row)
        if value is None:
            return False
        return test(stored(value) if stored else value)

    return holds


def _test(comparison: str, values: list[Any]) -> Callable[[Any], bool]:
    if comparison in _COMPARE:
        compare, literal = _COMPARE[comparison], values[0]
        return lambda value: compare(value, literal)
    negated = comparison.startswith("not ")
    match comparison.removeprefix("not "):
        case "in":
            members = frozenset(values)
            return lambda value: (value in members) != negated
        case "between":
            low, high = values
            return lambda value: (low <= value <= high) != negated
        case _:
            like = _like(values[0])
            return lambda value: like(value) != negated


def _like(pattern: str) -> Callable[[str], bool]:
    """`a%`, `%a`, `%a%` or no sign at all; a sign elsewhere is an ordinary character."""
    starts, ends = pattern.startswith("%"), pattern.endswith("%")
    text = pattern[1 if starts else 0 : -1 if ends and len(pattern) > 1 else None]
    if starts and ends:
        return lambda value: text in value
    if ends:
        return lambda value: value.startswith(text)
    if starts:
        return lambda value: value.endswith(text)
    return lambda value: value == text


def _number(literal: str) -> float | int:
    try:
        exact = Decimal(literal)
    except InvalidOperation as error:
        raise ValueError(literal) from error
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _bad() -> Any:  # noqa: ANN401
    raise ValueError
