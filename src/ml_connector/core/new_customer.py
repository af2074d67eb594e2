"""A customer of the ERP made of an Account of the CRM: what the mappings bring from there, the other way. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ml_connector.core.catalogue import VALUE_MISSING
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.mapping import FieldRule
from ml_connector.core.numbering import number_of
from ml_connector.core.record import Fields, Value
from ml_connector.core.reverse import REVERSES, sent, written_fields

_NAME = "name"
_ROLES = ("bill_to", "ship_to", "default", "statement_to")
_PLACE = ("line1", "line2", "line3", "city", "state", "postal_code", "country")
_NOWHERE = (None,) * len(_PLACE)


@dataclass(frozen=True, slots=True)
class CustomerTerms:
    """What the settings say of customers that are made."""

    prefix: str
    class_id: str = ""  #: of one whose Account names no class; it gives what the Account does not say
    address_id: str = "PRIMARY"  #: of its only address, or of the one that is billed
    ship_to_id: str = "SHIP TO"  #: of another one that goods go to


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """A customer to be created; its key is made of the Account's id, so that the ERP refuses a second one."""

    key: str
    fields: Fields


def new_customer(
    account_id: str,
    account: Fields,
    rules: Iterable[FieldRule],
    settable: Collection[str],
    terms: CustomerTerms,
) -> NewCustomer:
    """The customer of an Account. RecordRejectedError: it has no name, or a value that the ERP has no room for.

    ``rules``: of the mappings from customers to Accounts; those that have no way back are left out, and so is what is
    not ``settable``.
    """
    fields: dict[str, Value] = {}
    for rule in rules:
        fields |= {name: value for name, value in _back(rule, account) if name in settable and value}
    if not fields.get(_NAME):
        raise RecordRejectedError(
            "The Account has no name that a customer of the ERP could have.",
            "Fill it in in the CRM.",
            code=VALUE_MISSING,
            field=_NAME,
        )
    if terms.class_id:
        fields.setdefault("class_id", terms.class_id)
    return NewCustomer(number_of(account_id, terms.prefix), _with_addresses(fields, settable, terms))


def _back(rule: FieldRule, account: Fields) -> list[tuple[str, Value]]:
    value = account.get(rule.target)
    if not rule.sources or rule.lookup or rule.transform not in REVERSES or value in (None, ""):
        return []
    try:
        wanted = REVERSES[rule.transform](value, (None,) * len(rule.sources))
    except RecordRejectedError as error:
        error.field = rule.target
        raise
    names = written_fields(rule.transform, rule.sources)
    return list(zip(names, sent(rule.transform, wanted), strict=True))


def _with_addresses(
    fields: dict[str, Value], settable: Collection[str], terms: CustomerTerms
) -> dict[str, Value]:
    """The address that is billed plays every role; goods go elsewhere where the Account says another place."""
    ships_elsewhere = _place(fields, "ship_to") not in (_place(fields, "bill_to"), _NOWHERE)
    kept = {
        name: value
        for name, value in fields.items()
        if ships_elsewhere or not name.startswith("ship_to.") or not _place_name(name)
    }
    ids = {f"{role}.address_id": terms.address_id for role in _ROLES}
    if ships_elsewhere:
        ids["ship_to.address_id"] = terms.ship_to_id
    return kept | {name: value for name, value in ids.items() if name in settable}


def _place(fields: Fields, role: str) -> tuple[Value, ...]:
    return tuple(fields.get(f"{role}.{name}") for name in _PLACE)


def _place_name(name: str) -> bool:
    return name.rpartition(".")[2] in _PLACE
