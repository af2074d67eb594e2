"""An object in a request, member by member: what was sent, and what was left out.

Members that nothing is done with are accepted in their place and not looked into. A reference that is left out, is
nil or is empty says nothing; whether that clears a field is for who asks (facts 2.3: omitted elements are accepted).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from lxml import etree

from ml_connector.simulators.gp.criteria import read_instant
from ml_connector.simulators.gp.faults import DeserializationError
from ml_connector.simulators.gp.requests import GP, children, is_nil, text

_KEYS: Mapping[str, tuple[str, ...]] = {
    "CurrencyKey": ("ISOCode",),
    "BatchKey": ("Source", "Id", "CreatedDateTime"),
    "DocumentTypeKey": ("Type", "Id"),
    **{
        f"{purpose}AddressKey": ("CustomerKey", "VendorKey", "Id")
        for purpose in (
            "ShipTo",
            "BillTo",
            "Default",
            "StatementTo",
            "Purchase",
            "RemitTo",
            "ShipFrom",
        )
    },
    **{f"{purpose}GLAccountKey": ("Id", "IsEncrypted") for purpose in ("Sales", "CostOfSales", "Inventory")},
}
"""The members of a key behind its CompanyKey, where they are not Id alone."""


class Sent:
    """The members of one object that say something."""

    def __init__(self, element: etree._Element | None, names: Sequence[str], operation: str) -> None:
        self.operation = operation
        found = {} if element is None else children(element, names, operation=operation)
        self._members = {name: child for name, child in found.items() if not is_nil(child)}
        self.currencies: set[str] = set()  # of the amounts that were read

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def text(self, name: str) -> str:
        """Return a string, "" where there is none."""
        return text(self._members.get(name)) or ""

    def boolean(self, name: str, otherwise: bool = False) -> bool:  # noqa: FBT001, FBT002 -- a default
        """Return a boolean."""
        written = self.text(name).strip()
        if written not in ("", "true", "false", "1", "0"):
            raise self._unreadable(written, "Boolean")
        return otherwise if not written else written in ("true", "1")

    def integer(self, name: str, otherwise: int = 0) -> int:
        """Return a whole number."""
        written = self.text(name).strip()
        try:
            return int(written) if written else otherwise
        except ValueError:
            raise self._unreadable(written, "Int32") from None

    def day(self, name: str) -> date | None:
        """Return a plain date; GP's empty date and .NET's are none (facts 4)."""
        written = self.text(name).strip()
        try:
            read = read_instant(written).date() if written else None
        except ValueError:
            raise self._unreadable(written, "DateTime") from None
        return None if read is None or read.year in (1, 1900) else read

    def money(self, name: str) -> Decimal | None:
        """Return the value of a MoneyAmount and note its currency; None where it was not sent."""
        element = self._members.get(name)
        return None if element is None else self._amount(element, ("Currency", "Value", "DecimalDigits"))

    def quantity(self, name: str) -> Decimal | None:
        """Return the value of a Quantity or a Percent; None where it was not sent."""
        element = self._members.get(name)
        return None if element is None else self._amount(element, ("Value", "DecimalDigits"))

    def choice(self, name: str) -> tuple[Decimal | None, Decimal | None]:
        """Return the percentage or the amount of a MoneyPercentChoice."""
        inside = self.inside(name, ("Percent", "Amount"))
        found = inside.quantity("Percent"), inside.money("Amount")
        if None not in found:
            raise DeserializationError(self.operation, f"'{name}' is a choice of one.")
        self.currencies |= inside.currencies
        return found

    def key(self, name: str) -> str:
        """Return what names the object that a key member refers to, "" where it was not sent."""
        names = _KEYS.get(name, ("Id",))
        inside = self.inside(name, ("CompanyKey", *names))
        return inside.text("ISOCode" if names == ("ISOCode",) else "Id")

    def inside(self, name: str, names: Sequence[str]) -> Sent:
        """Return a member that is an object, one that says nothing where it was not sent."""
        return Sent(self._members.get(name), names, self.operation)

    def items(self, name: str, item: str, names: Sequence[str]) -> Iterator[Sent]:
        """Yield the objects of an array."""
        for child in self._members.get(name, ()):
            if child.tag != f"{{{GP}}}{item}":
                raise DeserializationError(
                    self.operation, f"Element '{child.tag}' is not expected in '{name}'."
                )
            yield Sent(child, names, self.operation)

    def _amount(self, element: etree._Element, names: Sequence[str]) -> Decimal:
        inside = Sent(element, names, self.operation)
        if currency := inside.text("Currency").strip():
            self.currencies.add(currency)
        written = inside.text("Value").strip()
        try:
            value = Decimal(written or "0")
        except InvalidOperation:
            raise self._unreadable(written, "Decimal") from None
        if not value.is_finite():
            raise self._unreadable(written, "Decimal")
        return value

    def _unreadable(self, written: str, kind: str) -> DeserializationError:
        return DeserializationError(
            self.operation,
            f"There is an error in the XML document: '{written}' is not a valid {kind} value.",
        )
