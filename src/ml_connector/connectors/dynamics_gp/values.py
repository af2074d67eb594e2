"""What the texts inside GP's answers mean: blanks, empty dates, padded phones, money. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

from ml_connector.connectors.dynamics_gp import meanings
from ml_connector.core.errors import ConnectorError

#: One element of an answer: its text, None for ``xsi:nil``, or its children; repeated children are a list.
Node = str | None | dict[str, "Node"] | list["Node"]
Tree = dict[str, Node]

#: GP has no null dates: its columns hold 1900-01-01, and an unset .NET date is 0001-01-01 (facts.md 4).
_EMPTY_YEARS = ("1900-01-01", "0001-01-01")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")  # SQL Server's bigint, and what the store can keep
#: NUMERIC(19,5) and more; JSON may bring an exponent.
_AMOUNT = re.compile(r"[+-]?([0-9]{1,19}(\.[0-9]{0,19})?|\.[0-9]{1,19})([eE][+-]?[01]?[0-9])?")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_SHOWN = 80  # characters of a value that cannot be read
_PHONE_DIGITS = 10
_EXTENSION_END = 14  # GP's phone columns hold ten digits, a four-digit extension, then zeros (facts.md 2.7)


def find(node: Node, path: tuple[str, ...]) -> Node:
    """What stands at ``path`` below ``node``; None where a step is missing."""
    for name in path:
        if not isinstance(node, dict):
            return None
        node = node.get(name)
    return node


def children(node: Node, path: tuple[str, ...]) -> list[Tree]:
    """The repeated elements at ``path``: GP leaves an empty array out, and one item looks like a plain child."""
    found = find(node, path)
    items = found if isinstance(found, list) else [found]
    return [item for item in items if isinstance(item, dict)]


def to_text(node: Node) -> str | None:
    """The text without trailing blanks (columns are blank-padded); None for nothing."""
    return (node.rstrip() or None) if isinstance(node, str) else None


def to_boolean(node: Node) -> bool | None:
    """``true`` or ``1``, ``false`` or ``0``, or None for nil."""
    text = to_text(node)
    if text is None:
        return None
    known = _BOOLEANS.get(text.strip().lower())
    if known is None:
        raise _unreadable("true or false", text)
    return known


def to_integer(node: Node) -> int | None:
    """A whole number, or None for nil."""
    text = to_text(node)
    if text is None:
        return None
    if not _WHOLE.fullmatch(text.strip()):
        raise _unreadable("a whole number", text)
    return int(text)


def to_money(node: Node) -> Decimal | None:
    """The decimal as GP wrote it, or None for nil; never through a float."""
    text = to_text(node)
    if text is None:
        return None
    if not _AMOUNT.fullmatch(text.strip()):
        raise _unreadable("an amount", text)
    return Decimal(text.strip())


def to_instant(node: Node) -> datetime | None:
    """The instant in UTC: GP documents ModifiedDate as UTC and writes no zone (facts.md 2.5, 4)."""
    text = to_text(node)
    if text is None or text.startswith(_EMPTY_YEARS):
        return None
    try:
        instant = datetime.fromisoformat(text)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _unreadable("a date and time", text) from error


def is_empty_date(node: Node) -> bool:
    """Whether GP's empty date stands there, which is older than any other, and not nothing at all."""
    return (to_text(node) or "").startswith(_EMPTY_YEARS)


def to_date(node: Node) -> date | None:
    """The day as it is written: a document's date is never shifted by a zone."""
    text = to_text(node)
    if text is None or text.startswith(_EMPTY_YEARS):
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise _unreadable("a date", text) from error


def to_phone(node: Node) -> str | None:
    """The number without GP's zero padding and without the extension; None where only zeros stand."""
    return _split_phone(node)[0]


def to_extension(node: Node) -> str | None:
    """The extension, from its own element or from digits 11 to 14 of the number."""
    number, extension = _split_phone(node)
    own = to_text(find(node, ("Extension",)))
    return None if number is None else (own if own and own.strip("0") else extension)


def to_email(node: Node) -> str | None:
    """The text where it has an ``@``: what else stands in a field for anything is no e-mail address."""
    text = to_text(node)
    return text if text is not None and "@" in text else None


def _split_phone(node: Node) -> tuple[str | None, str | None]:
    """Ten digits and four more are number and extension; anything a person formatted is left as it is."""
    text = to_text(find(node, ("Value",)) if isinstance(node, dict) else node)
    if text is None or not text.strip("0 "):
        return None, None
    padded = text.isdecimal() and len(text) >= _EXTENSION_END and not text[_EXTENSION_END:].strip("0")
    if not padded:
        return text, None
    extension = text[_PHONE_DIGITS:_EXTENSION_END]
    return text[:_PHONE_DIGITS], extension if extension.strip("0") else None


#: The two special amounts of a credit limit (facts.md 2.5, CreditLimitSpecialAmount).
_SPECIAL_LIMITS = {"No Credit": "none", "Unlimited Credit": "unlimited"}


def to_limit_kind(node: Node) -> str | None:
    """Which kind of credit limit: "none", "unlimited" or "amount"; None where GP sends no limit."""
    special = to_text(find(node, ("SpecialAmount",)))
    if special is not None:
        return _SPECIAL_LIMITS.get(special)
    return "amount" if find(node, ("Amount",)) is not None else None


def _unreadable(wanted: str, text: str | None) -> ConnectorError:
    shown = (text or "")[:_SHOWN]
    return meanings.UNREADABLE_VALUE.error(shown, sent=repr(shown), wanted=wanted)
