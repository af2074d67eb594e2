"""Named value converters: what a mapping file may call when a plain copy is not enough.

A transform takes the values of its ``from`` fields, in order, and the context; it gives one value, or raises
RecordRejectedError when the record itself is at fault. All are total over None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ml_connector.core.catalogue import FOREIGN_CURRENCY, INVALID_EMAIL
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.people import split_name
from ml_connector.core.phones import format_phone
from ml_connector.core.record import Value, fold_key


@dataclass(frozen=True, slots=True)
class MapContext:
    """What mapping needs to know beside the record."""

    currency: str  #: ISO code of the target's home currency
    key_prefix: str = ""  #: set while several companies share one target
    other_prefixes: tuple[str, ...] = ()  #: those of the other companies
    region: str = "US"  #: ISO alpha-2 code of the country in which an address without one is
    #: salesperson (folded) -> id of the target's user
    owners: Mapping[str, str] = field(default_factory=dict)
    default_owner: str = ""  #: the user's id where the table has none; empty: the target's own choice
    notes: tuple[str, ...] = ()  #: what of it is not as the settings say, a sentence each


Values = tuple[Value, ...]
Transform = Callable[[Values, MapContext], Value]

#: Zoho's rule (facts.md 2.4) and RFC 5321's on dots: none at an end of the local part, no two together, one or more
#: between the domain's labels, letters only behind the last.
_EMAIL = re.compile(
    r"[\w+-][\w!#$%&'*+/=?^`{|}~-]*(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*"
    r"@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,22}"
)
_EMAIL_LONGEST = 100
_NAME_LONGEST = 120  # Zoho's limit for the name field of a custom module
_IN_BRACKETS = re.compile(r"<([^<>]*@[^<>]*)>")


def copy(values: Values, _context: MapContext) -> Value:
    """The one value as it is."""
    (value,) = values
    return value


def first(values: Values, _context: MapContext) -> Value:
    """The first value that is set."""
    return next((value for value in values if value is not None), None)


def lines(values: Values, _context: MapContext) -> Value:
    """The values that are set, each on a line of its own."""
    return "\n".join(str(value) for value in values if value is not None) or None


def title(values: Values, _context: MapContext) -> Value:
    """The values that are set, with a blank between them, as far as the name of a record reaches."""
    return " ".join(str(value) for value in values if value is not None)[:_NAME_LONGEST].rstrip() or None


def total(values: Values, _context: MapContext) -> Value:
    """The amounts that are set, added up; nothing where none is."""
    amounts = [value for value in values if isinstance(value, int | Decimal)]
    return sum(amounts, Decimal(0)) if amounts else None


def phone(values: Values, context: MapContext) -> Value:
    """Digits, extension and country as a number to dial: 312-555-0101 x123, +49 30 1234567; else as they are."""
    digits, extension, country = ("" if value is None else str(value) for value in (*values, None, None)[:3])
    return format_phone(digits, extension, country, context.region) or None


def fax(values: Values, context: MapContext) -> Value:
    """Digits and country as a number to dial, as phone does it."""
    digits, country = (*values, None)[:2]
    return phone((digits, None, country), context)


def email(values: Values, _context: MapContext) -> Value:
    """The first address of a list; a text that is none rejects the record, because the CRM would."""
    (text,) = values
    if text is None:
        return None
    told = _IN_BRACKETS.findall(str(text)) or re.split(r"[;,]", str(text))
    given = [part.strip() for part in told if part.strip()]
    if not given:
        return None
    if len(given[0]) <= _EMAIL_LONGEST and _EMAIL.fullmatch(given[0]):
        return given[0]
    raise RecordRejectedError(
        f"“{text}” is not an e-mail address.", "Correct it in the ERP, then run: ml-connector held retry KEY",
        code=INVALID_EMAIL,
    )  # fmt: skip


def salutation(values: Values, _context: MapContext) -> Value:
    """The salutation that stands before a person's name, as Zoho has it: Mr., Mrs., Ms., Dr., Prof."""
    (text,) = values
    return None if text is None else split_name(str(text)).salutation or None


def first_name(values: Values, _context: MapContext) -> Value:
    """The first names of a person: "John Q. Public" and "Public, John Q." give John Q."""
    (text,) = values
    return None if text is None else split_name(str(text)).first or None


def last_name(values: Values, _context: MapContext) -> Value:
    """The last name of a person; of a text that is no person but a function ("Accounts Payable") all of it."""
    (text,) = values
    return None if text is None else split_name(str(text)).last or None


def owner(values: Values, context: MapContext) -> Value:
    """The user of the CRM whom the table of owners has for a salesperson; the default owner for any other."""
    (salesperson,) = values
    known = context.owners.get(fold_key(str(salesperson))) if salesperson is not None else None
    return known or context.default_owner or None


def money(values: Values, context: MapContext) -> Value:
    """An amount, if it is in the target's home currency; never a bare number in another one."""
    amount, currency = values
    if amount is None or currency == context.currency or amount == 0:
        return amount
    raise RecordRejectedError(
        f"The amount {amount} is in {currency or 'no stated currency'}, but the CRM keeps {context.currency}.",
        "Take the mapping of these amounts out of the flow, or give the ERP company the CRM's currency.",
        code=FOREIGN_CURRENCY,
    )


_CREDIT_KINDS = {"none": "No credit", "unlimited": "Unlimited", "amount": "Amount", None: None}


def credit_kind(values: Values, _context: MapContext) -> Value:
    """How the credit limit is to be read: No credit, Unlimited, or an Amount."""
    (kind,) = values
    return _CREDIT_KINDS[kind if kind is None else str(kind)]


def credit_limit(values: Values, context: MapContext) -> Value:
    """The amount of the limit; zero where there is no credit; nothing where it is unlimited (a number would lie)."""
    kind, amount, currency = values
    if kind == "amount":
        return money((amount, currency), context)
    return Decimal(0) if kind == "none" else None


def available_credit(values: Values, context: MapContext) -> Value:
    """Limit less balance less what is on order; nothing where the limit is unlimited or the balance unknown."""
    kind, limit, limit_currency, balance, on_order, currency = values
    ceiling = credit_limit((kind, limit, limit_currency), context)
    if not isinstance(ceiling, Decimal) or not isinstance(balance, Decimal):
        return None
    owed, ordered = money((balance, currency), context), money((on_order, currency), context)
    assert isinstance(owed, Decimal)
    return ceiling - owed - (ordered if isinstance(ordered, Decimal) else Decimal(0))


TRANSFORMS: Mapping[str, Transform] = {
    "copy": copy,
    "first": first,
    "lines": lines,
    "title": title,
    "total": total,
    "phone": phone,
    "fax": fax,
    "email": email,
    "salutation": salutation,
    "first_name": first_name,
    "last_name": last_name,
    "owner": owner,
    "money": money,
    "credit_kind": credit_kind,
    "credit_limit": credit_limit,
    "available_credit": available_credit,
}

#: How many fields a transform takes, where it is not any number.
ARITY: Mapping[str, range] = {
    "copy": range(1, 2),
    "phone": range(1, 4),
    "fax": range(1, 3),
    "email": range(1, 2),
    "salutation": range(1, 2),
    "first_name": range(1, 2),
    "last_name": range(1, 2),
    "owner": range(1, 2),
    "money": range(2, 3),
    "credit_kind": range(1, 2),
    "credit_limit": range(3, 4),
    "available_credit": range(6, 7),
}
