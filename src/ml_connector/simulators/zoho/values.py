"""Is this a value for that field, and how is it stored: one compiled check for each field.

Stored forms differ from the wire's in three types only: an instant is seconds since 1970, a lookup or a user is the
other record's id, a decimal has its surplus places cut off. Nothing is truncated silently (Zoho's "Sample Attributes").
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any, TypeAlias

from ml_connector.simulators.zoho.clock import parse_instant
from ml_connector.simulators.zoho.field import Field
from ml_connector.simulators.zoho.replies import JsonObject

Validator: TypeAlias = Callable[[Any], Any]

_EMAIL = re.compile(r"[\w+\-][\w!#$%&'*+\-/=?^`{|}~.]*@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,22}")
_PHONE = re.compile(r"\+?(?![.-])(?>[.-]?[ ]?\(?[0-9A-Za-z]+\)?)+(?:[ ]?[,;#]+[0-9A-Za-z]*)*")
_WEBSITE = re.compile(r"(?:(?:https?|ftp)://)?(?:[\w-]+\.)+[\w-]{2,}(?::\d+)?(?:[/?#]\S*)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_WHOLE_DIGITS = 16
_PICK_LENGTH = 120


class InvalidValueError(Exception):
    """The value is refused; `details` says how, without naming the field."""

    def __init__(self, **details: object) -> None:
        super().__init__()
        self.details: JsonObject = details


def _text(field: Field) -> Validator:
    length = field.length

    def check(value: Any) -> Any:  # noqa: ANN401 -- anything may come over the wire
        if value.__class__ is not str:
            raise InvalidValueError(expected_data_type="text")
        if len(value) > length:
            raise InvalidValueError(maximum_length=length)
        return value

    return check


def _pick(field: Field) -> Validator:
    text = _text(field)
    if not field.restricted:
        return text  # values that are not in the list are accepted and added (Zoho's documentation)
    listed = frozenset(field.pick_list)

    def check(value: Any) -> Any:  # noqa: ANN401
        if text(value) not in listed:
            raise InvalidValueError
        return value

    return check


def _patterned(field: Field, pattern: re.Pattern[str]) -> Validator:
    length, kind, matches = field.length, field.data_type, pattern.fullmatch

    def check(value: Any) -> Any:  # noqa: ANN401
        if value.__class__ is not str:
            raise InvalidValueError(expected_data_type=kind)
        if len(value) > length:
            raise InvalidValueError(maximum_length=length)
        if not matches(value):
            raise InvalidValueError(expected_data_type=kind)
        return value

    return check


def _integer(field: Field) -> Validator:
    length = min(field.length, 9)
    bound = 10**length

    def check(value: Any) -> Any:  # noqa: ANN401
        if value.__class__ is not int:
            raise InvalidValueError(expected_data_type="integer")
        if not -bound < value < bound:
            raise InvalidValueError(maximum_length=length)
        return value

    return check


def _bigint(field: Field) -> Validator:
    length = field.length

    def check(value: Any) -> Any:  # noqa: ANN401
        if value.__class__ is not str or not value.isdecimal():
            raise InvalidValueError(expected_data_type="bigint")
        if len(value) > length:
            raise InvalidValueError(maximum_length=length)
        return value

    return check


def _decimal(field: Field) -> Validator:
    places = 9 if field.decimal_place is None else field.decimal_place
    digits = 5 if field.data_type == "percent" else _WHOLE_DIGITS
    bound = 10**digits

    def check(value: Any) -> Any:  # noqa: ANN401
        if value.__class__ is not float and value.__class__ is not int:
            raise InvalidValueError(expected_data_type="double")
        if not -bound < value < bound:
            raise InvalidValueError(maximum_length=digits)
        if value.__class__ is float and round(value, places) != value:
            return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), ROUND_DOWN))
        return value

    return check


def _boolean(_field: Field) -> Validator:
    def check(value: Any) -> Any:  # noqa: ANN401
        if value.__class__ is not bool:
            raise InvalidValueError(expected_data_type="boolean")
        return value

    return check


def _date(_field: Field) -> Validator:
    def check(value: Any) -> Any:  # noqa: ANN401
        try:
            if value.__class__ is str and _DATE.fullmatch(value):
                return date.fromisoformat(value).isoformat()
        except ValueError as error:
            raise InvalidValueError(expected_data_type="date") from error
        raise InvalidValueError(expected_data_type="date")

    return check


def _instant(_field: Field) -> Validator:
    def check(value: Any) -> Any:  # noqa: ANN401
        try:
            return parse_instant(value)
        except (ValueError, TypeError) as error:
            raise InvalidValueError(expected_data_type="datetime") from error

    return check


def _reference(_field: Field) -> Validator:
    def check(value: Any) -> Any:  # noqa: ANN401
        if value.__class__ is not dict:
            raise InvalidValueError(expected_data_type="jsonobject")
        other = value.get("id")
        if other.__class__ is int:
            other = str(other)
        if other.__class__ is not str:
            raise InvalidValueError
        return other

    return check


def _picks(field: Field) -> Validator:
    listed = frozenset(field.pick_list)

    def check(value: Any) -> Any:  # noqa: ANN401
        if value.__class__ is not list or any(item.__class__ is not str for item in value):
            raise InvalidValueError(expected_data_type="jsonarray")
        if any(len(item) > _PICK_LENGTH for item in value):
            raise InvalidValueError(maximum_length=_PICK_LENGTH)
        if field.restricted and not listed.issuperset(value):
            raise InvalidValueError
        return value

    return check


def _line_taxes(_field: Field) -> Validator:
    def check(value: Any) -> Any:  # noqa: ANN401
        return line_taxes(value)

    return check


def line_taxes(value: Any) -> list[JsonObject]:  # noqa: ANN401 -- anything may come over the wire
    """Taxes as a line or a whole document carries them: `[{"percentage", "name"}]`; what they come to is computed."""
    if value.__class__ is not list or any(one.__class__ is not dict for one in value):
        raise InvalidValueError(expected_data_type="jsonarray")
    for one in value:
        if one.get("percentage").__class__ not in (int, float) or one.get("name").__class__ is not str:
            raise InvalidValueError
    return [{"percentage": one["percentage"], "name": one["name"]} for one in value]


_BY_TYPE: dict[str, Callable[[Field], Validator]] = {
    "text": _text,
    "textarea": _text,
    "picklist": _pick,
    "email": lambda field: _patterned(field, _EMAIL),
    "phone": lambda field: _patterned(field, _PHONE),
    "website": lambda field: _patterned(field, _WEBSITE),
    "integer": _integer,
    "bigint": _bigint,
    "double": _decimal,
    "currency": _decimal,
    "percent": _decimal,
    "boolean": _boolean,
    "date": _date,
    "datetime": _instant,
    "lookup": _reference,
    "ownerlookup": _reference,
    "userlookup": _reference,
    "layout": _reference,
    "multiselectpicklist": _picks,
    "linetax": _line_taxes,
}


def validator_of(field: Field) -> Validator:
    """A function from the wire's value to the stored one; it raises InvalidValueError. None never reaches it."""
    return _BY_TYPE[field.data_type](field)
