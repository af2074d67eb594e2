"""Restrictions and criteria: what a Get...List asks for, and which rows it admits.

Members and their order are those of facts 2.4 and 2.5; the members of a restriction and the restrictions of a
criteria are ANDed; From and To include their bound, GreaterThan and LessThan do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Generic, TypeVar

from lxml import etree

from ml_connector.simulators.gp.collation import collation_key, like_pattern
from ml_connector.simulators.gp.company import (
    Address,
    Customer,
    PayablesDocument,
    Vendor,
)
from ml_connector.simulators.gp.faults import DeserializationError
from ml_connector.simulators.gp.ledger import Account, Entry
from ml_connector.simulators.gp.requests import GP, children, text
from ml_connector.simulators.gp.tables import EMPTY_DATE, KeyRange


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of restriction: how a value is read, what an array's items are called, which members it has."""

    read: Callable[[str], Any]
    item: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restriction:
    """The members that were sent, as comparable values; a string's are collation keys."""

    values: Mapping[str, Any]
    items: frozenset[Any] | None = None
    like: re.Pattern[str] | None = None

    def admits(self, value: object) -> bool:
        """Tell whether a value, as comparable as the members, passes all members but Like."""
        if self.items is not None and value not in self.items:
            return False
        return all(_PASSES[name](value, bound) for name, bound in self.values.items())

    @property
    def is_open(self) -> bool:
        """Tell whether neither end of the range of keys is bounded."""
        return self.key_range == KeyRange()

    @property
    def key_range(self) -> KeyRange:
        """The bounds that hold whatever else is restricted; only of use for strings."""
        if (equal := self.values.get("EqualValue")) is not None:
            return KeyRange(equal, equal)
        low = [self.values[name] for name in ("From", "GreaterThan") if name in self.values]
        high = [self.values[name] for name in ("To", "LessThan") if name in self.values]
        if self.items is not None:
            low, high = [*low, min(self.items)], [*high, max(self.items)]
        return KeyRange(max(low, default=None), min(high, default=None))


_PASSES: dict[str, Callable[[Any, Any], bool]] = {
    "EqualValue": lambda value, bound: bool(value == bound),
    "NotEqualValue": lambda value, bound: bool(value != bound),
    "From": lambda value, bound: bool(value >= bound),
    "To": lambda value, bound: bool(value <= bound),
    "GreaterThan": lambda value, bound: bool(value > bound),
    "LessThan": lambda value, bound: bool(value < bound),
}

_EQUALITY = ("EqualValue", "NotEqualValue")
_LIST = (*_EQUALITY, "Items")
_BETWEEN = (*_LIST, "From", "To", "GreaterThan", "LessThan")
_LIKE = (*_BETWEEN, "Like")


def read_instant(written: str) -> datetime:
    """Read an xs:dateTime; without a zone it is UTC."""
    if "T" not in written:
        raise ValueError(f"'{written}' is not a dateTime")
    parsed = datetime.fromisoformat(written.strip())
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _read_boolean(written: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[written.strip()]


def _one_of(*values: str) -> Callable[[str], str]:
    known = {value: value for value in values}
    return lambda written: known[written]


def among(item: str, *values: str) -> Kind:
    """Return the kind of a restriction to some of the values of an enumeration, which is named like its items."""
    return Kind(_one_of(*values), item, _LIST)


STRING = Kind(collation_key, "string", _BETWEEN)
LIKE_STRING = Kind(collation_key, "string", _LIKE)
INSTANT = Kind(read_instant, "dateTime", _BETWEEN)
INTEGER = Kind(int, "int", _BETWEEN)
BOOLEAN = Kind(_read_boolean, "boolean", _EQUALITY)
_STATE = among("PayablesTransactionState", "Work", "Open", "History")
_TYPE = among("PayablesDocumentType", "Invoice", "Finance Charge", "Miscellaneous Charge", "Return", "Credit Memo",
              "Payment")  # fmt: skip
_GL_STATE = among("GLTransactionState", "Work", "Open", "History")
_LEDGER = among("GLLedgerType", "Base", "IFRS", "Local")
_ACCOUNT_TYPE = among("GLAccountSummaryType", "Posting", "Unit", "Fixed Allocation", "Variable Allocation")
ACTION = Kind(_one_of("Created", "Updated", "Deleted"), "DataModificationAction", _EQUALITY)

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Member(Generic[Row]):
    """One member of a criteria: the kind of its restriction and where its value stands in a row."""

    kind: Kind
    value: Callable[[Row], Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """The last member of most criteria: whose records are asked for."""

    values: tuple[str, ...]


VENDOR_SCOPE = Scope(("Return All", "Return Based on Vendor Id"))
CUSTOMER_SCOPE = Scope(("Return All", "Return Based on Customer Id", "Return Based on Salesperson Id"))

Layout = Mapping[str, Member[Row] | Scope]


def at_midnight(day: date | None) -> datetime:
    """Return a GP date as the instant it is written and compared as."""
    return EMPTY_DATE if day is None else datetime.combine(day, time(), UTC)


def _vendor_members() -> Layout[Vendor]:
    return {
        "IsOnHold": Member(BOOLEAN, lambda v: v.is_on_hold),
        "IsActive": Member(BOOLEAN, lambda v: v.is_active),
        "IsOneTime": Member(BOOLEAN, lambda v: v.is_one_time),
        "Id": Member(STRING, lambda v: v.id),
        "Name": Member(LIKE_STRING, lambda v: v.name),
        "ClassId": Member(LIKE_STRING, lambda v: v.class_id),
        "State": Member(LIKE_STRING, lambda v: v.main_address.state),
        "PhoneNumber": Member(LIKE_STRING, lambda v: v.main_address.phone1),
        "CreatedDate": Member(INSTANT, lambda v: at_midnight(v.created_on)),
        "ModifiedDate": Member(INSTANT, lambda v: v.modified_at or EMPTY_DATE),
        "Scope": VENDOR_SCOPE,
    }


def _customer_members() -> Layout[Customer]:
    return {
        "Id": Member(STRING, lambda c: c.id),
        "Name": Member(LIKE_STRING, lambda c: c.name),
        "IsActive": Member(BOOLEAN, lambda c: c.is_active),
        "IsOnHold": Member(BOOLEAN, lambda c: c.is_on_hold),
        "SalespersonId": Member(LIKE_STRING, lambda c: c.salesperson),
        "ClassId": Member(LIKE_STRING, lambda c: c.class_id),
        "CorporateAccountId": Member(LIKE_STRING, lambda c: c.corporate_id),
        "State": Member(LIKE_STRING, lambda c: c.main_address.state),
        "PhoneNumber": Member(LIKE_STRING, lambda c: c.main_address.phone1),
        "CreatedDate": Member(INSTANT, lambda c: at_midnight(c.created_on)),
        "ModifiedDate": Member(INSTANT, lambda c: c.modified_at or EMPTY_DATE),
        "LastModifiedDate": Member(INSTANT, lambda c: c.row_stamp_at or EMPTY_DATE),
        "Scope": CUSTOMER_SCOPE,
    }


@dataclass(frozen=True, slots=True)
class OwnedAddress:
    """An address with the id of its customer or vendor."""

    owner_id: str
    address: Address


_ADDRESS_MEMBERS: Layout[OwnedAddress] = {
    "PhoneNumber": Member(LIKE_STRING, lambda a: a.address.phone1),
    "Address": Member(LIKE_STRING, lambda a: a.address.line1),
    "City": Member(LIKE_STRING, lambda a: a.address.city),
    "State": Member(LIKE_STRING, lambda a: a.address.state),
    "PostalCode": Member(LIKE_STRING, lambda a: a.address.postal_code),
}

VENDORS = _vendor_members()
CUSTOMERS = _customer_members()
VENDOR_ADDRESSES: Layout[OwnedAddress] = {
    "Scope": VENDOR_SCOPE,
    "VendorAddressKeyId": Member(LIKE_STRING, lambda a: a.address.id),
    "VendorKeyId": Member(LIKE_STRING, lambda a: a.owner_id),
    **_ADDRESS_MEMBERS,
}
CUSTOMER_ADDRESSES: Layout[OwnedAddress] = {
    "Scope": CUSTOMER_SCOPE,
    "SalesPersonKeyId": Member(LIKE_STRING, lambda a: a.address.salesperson),
    "SalesTerritoryKeyId": Member(LIKE_STRING, lambda a: a.address.territory),
    "CustomerAddressKeyId": Member(LIKE_STRING, lambda a: a.address.id),
    "CustomerKeyId": Member(LIKE_STRING, lambda a: a.owner_id),
    **_ADDRESS_MEMBERS,
}
RECEIVABLES: Layout[Customer] = {
    "CustomerId": Member(LIKE_STRING, lambda c: c.id),
    "LastAgedDate": Member(INSTANT, lambda c: at_midnight(c.receivables.last_aged_on)),
    "LastPaymentDate": Member(INSTANT, lambda c: at_midnight(c.receivables.last_payment_on)),
    "LastTransactionDate": Member(INSTANT, lambda c: at_midnight(c.receivables.last_transaction_on)),
    "SalespersonId": Member(LIKE_STRING, lambda c: c.salesperson),
    "Scope": CUSTOMER_SCOPE,
}
PAYABLES: Layout[PayablesDocument] = {
    "DocumentId": Member(LIKE_STRING, lambda d: d.id),
    "Date": Member(INSTANT, lambda d: at_midnight(d.on)),
    "VendorId": Member(LIKE_STRING, lambda d: d.vendor_id),
    "BatchId": Member(LIKE_STRING, lambda d: d.batch),
    "ModifiedDate": Member(INSTANT, lambda d: d.modified_at or EMPTY_DATE),
    "TransactionState": Member(_STATE, lambda d: d.state),
    "Type": Member(_TYPE, lambda d: d.type),
}

ACCOUNTS: Layout[Account] = {
    "CreatedDate": Member(INSTANT, lambda a: at_midnight(a.created_on)),
    "ModifiedDate": Member(INSTANT, lambda a: a.modified_at or EMPTY_DATE),
    "IsActive": Member(BOOLEAN, lambda a: a.is_active),
    "GLAccountId": Member(LIKE_STRING, lambda a: a.id),
    "Description": Member(LIKE_STRING, lambda a: a.description),
    "Alias": Member(LIKE_STRING, lambda a: a.alias),
    "AccountType": Member(_ACCOUNT_TYPE, lambda a: a.type),
}
#: The journal id is a number that is restricted like a text (facts 2.5), and so it is compared as one here.
JOURNALS: Layout[Entry] = {
    "CurrencyISOCode": Member(LIKE_STRING, lambda e: e.currency),
    "Date": Member(INSTANT, lambda e: at_midnight(e.on)),
    "ModifiedDate": Member(INSTANT, lambda e: e.modified_at or EMPTY_DATE),
    "JournalId": Member(LIKE_STRING, lambda e: str(e.journal_id)),
    "BatchId": Member(LIKE_STRING, lambda e: e.batch),
    "FiscalYear": Member(INTEGER, lambda e: e.fiscal_year),
    "RecurringTransactionSequence": Member(INTEGER, lambda e: e.sequence),
    "SourceDocumentId": Member(LIKE_STRING, lambda e: e.source_document),
    "TransactionState": Member(_GL_STATE, lambda e: e.state),
    "LedgerType": Member(_LEDGER, lambda e: e.ledger),
}


class Criteria(Generic[Row]):
    """What one list request asks for."""

    def __init__(
        self, restrictions: Mapping[str, Restriction], layout: Layout[Row], *, everyone: bool
    ) -> None:
        self.restrictions = restrictions
        self.everyone = everyone  # false: by assignments of the caller, of which the simulator keeps none
        tests = ((layout[name], restriction) for name, restriction in restrictions.items())
        self._tests = [_test(member, rule) for member, rule in tests if isinstance(member, Member)]

    def admits(self, row: Row) -> bool:
        """Tell whether a row passes every restriction."""
        return all(test(row) for test in self._tests)

    def key_range(self, member: str) -> KeyRange:
        """Return the range of collation keys that a string member leaves."""
        restriction = self.restrictions.get(member)
        return KeyRange() if restriction is None else restriction.key_range

    def instants(self, member: str) -> tuple[datetime | None, datetime | None] | None:
        """Return the bounds an instant member leaves, both included; None where it is not restricted."""
        restriction = self.restrictions.get(member)
        if restriction is None:
            return None
        bounds = restriction.key_range
        return bounds.low, bounds.high  # type: ignore[return-value]  # comparable values of an instant member


def _test(member: Member[Row], rule: Restriction) -> Callable[[Row], bool]:
    value = member.value
    if member.kind.read is not collation_key:
        return lambda row: rule.admits(value(row))
    like = rule.like
    if like is None:
        return lambda row: rule.admits(collation_key(value(row)))
    return lambda row: like.fullmatch(value(row)) is not None and rule.admits(collation_key(value(row)))


def read_criteria(element: etree._Element | None, layout: Layout[Row], operation: str) -> Criteria[Row]:
    """Read a criteria argument, an absent one as "everything"; DeserializationError for what it cannot hold."""
    if element is None:
        return Criteria({}, layout, everyone=True)
    restrictions: dict[str, Restriction] = {}
    everyone = True
    for name, child in children(element, tuple(layout), operation=operation).items():
        member = layout[name]
        if isinstance(member, Scope):
            everyone = _read_scope(child, member, operation)
        elif text(child) is not None:
            restrictions[name] = _read_restriction(child, member.kind, operation)
    return Criteria(restrictions, layout, everyone=everyone)


def _read_scope(element: etree._Element, scope: Scope, operation: str) -> bool:
    wanted = text(element)
    if wanted not in scope.values:
        raise DeserializationError(operation, f"'{wanted}' is not a valid value for Scope.")
    return wanted == "Return All"


def _read_restriction(element: etree._Element, kind: Kind, operation: str) -> Restriction:
    sent = children(element, kind.members, operation=operation)
    items, like = sent.pop("Items", None), text(sent.pop("Like", None))
    values = {name: written for name, child in sent.items() if (written := text(child)) is not None}
    try:
        return Restriction(
            {name: kind.read(written) for name, written in values.items()},
            None if items is None else _read_items(items, kind, operation),
            None if like is None else like_pattern(like),
        )
    except (ValueError, KeyError) as error:
        raise DeserializationError(operation, f"There is an error in the XML document: {error}.") from error


def _read_items(element: etree._Element, kind: Kind, operation: str) -> frozenset[Any] | None:
    """Read an array; an empty one restricts nothing."""
    for child in element:
        if child.tag != f"{{{GP}}}{kind.item}":
            raise DeserializationError(
                operation, f"Element '{child.tag}' is not expected in '{element.tag}'."
            )
    return frozenset(kind.read(text(child) or "") for child in element) or None


def describe(element: etree._Element | None) -> str:
    """Return an argument as one short line for the request log, such as `Id.From=A Id.To=M Scope=Return All`."""
    return "" if element is None else " ".join(_leaves(element, ""))[:300]


def _leaves(element: etree._Element, path: str) -> Iterator[str]:
    for child in element:
        name = f"{path}{etree.QName(child).localname}"
        if len(child):
            yield from _leaves(child, f"{name}.")
        elif (written := text(child)) is not None:
            yield f"{name}={written}"
