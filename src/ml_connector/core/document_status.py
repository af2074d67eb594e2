"""What the CRM is told of a document: its number in the ERP, how far it is, what was ordered, invoiced and its cost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ml_connector.core.document_amounts import ZERO, cents
from ml_connector.core.record import Fields, Value, fold_key
from ml_connector.core.sales import Standing

NUMBERS_LONGEST = 255  #: of Zoho's longest text field
_OF_QUOTE = frozenset({"GP_Quote_Number", "GP_Quote_Status", "GP_Quoted_Amount"})


class Status(StrEnum):
    """How far a document of the ERP is: a closed list, in the order in which one comes after the other."""

    ENTERED = "Entered"
    ALLOCATED = "Allocated"  #: all that is still to be delivered is reserved
    PARTLY_INVOICED = "Partly invoiced"
    INVOICED = "Invoiced"  #: all that was not cancelled
    IN_HISTORY = (
        "In history"  #: it changes no more, and not all of it was invoiced: a quote that became an order
    )
    VOIDED = "Voided"


@dataclass(frozen=True, slots=True)
class Came:
    """What came from an order or a quote."""

    invoices: tuple[Standing, ...] = ()
    orders: tuple[Standing, ...] = ()  #: from a quote

    @property
    def is_open(self) -> bool:
        """Whether any of it may change still."""
        return not all(one.is_in_history for one in (*self.orders, *self.invoices))

    @property
    def numbers(self) -> list[str]:
        """Of all of it."""
        return [one.document.number for one in (*self.orders, *self.invoices)]

    def without(self, numbers: Collection[str]) -> Came:
        """The same without the orders of these folded numbers, and without the invoices that came from them."""
        invoices = tuple(one for one in self.invoices if fold_key(one.came_from) not in numbers)
        return Came(
            invoices, tuple(one for one in self.orders if fold_key(one.document.number) not in numbers)
        )


@dataclass(frozen=True, slots=True)
class Chain:
    """An order or a quote with what came from it."""

    document: Standing
    came: Came = field(default_factory=Came)


def status_of(standing: Standing) -> Status:
    """How far the document is, by its lines."""
    if standing.is_voided:
        return Status.VOIDED
    ordered = sum((line.quantity for line in standing.document.lines), ZERO)
    wanted = ordered - sum((one.cancelled for one in standing.progress), ZERO)
    invoiced = sum((one.invoiced for one in standing.progress), ZERO)
    if invoiced and invoiced >= wanted:
        return Status.INVOICED
    if standing.is_in_history:
        return Status.IN_HISTORY
    if invoiced:
        return Status.PARTLY_INVOICED
    return Status.ALLOCATED if _is_allocated(standing) else Status.ENTERED


def _is_allocated(standing: Standing) -> bool:
    progress = {one.sequence: one for one in standing.progress}
    lines = [(line, progress.get(line.sequence)) for line in standing.document.lines]
    if not any(one and one.allocated for _, one in lines):
        return False
    return all(
        one and max(one.allocated, one.fulfilled) >= line.quantity - one.cancelled for line, one in lines
    )


def told_of_order(chain: Chain) -> dict[str, Value]:
    """The fields of a sales order of the CRM, the as-of instant apart."""
    order = chain.document
    return {
        "GP_Order_Number": order.document.number,
        "GP_Order_Status": status_of(order).value,
        "GP_Ordered_Amount": ZERO if order.is_voided else cents(order.total),
        **_told_of_invoices(chain.came.invoices),
    }


def _told_of_invoices(every: Sequence[Standing]) -> dict[str, Value]:
    invoices = [one for one in every if not one.is_voided]
    return {
        "GP_Invoiced_Amount": cents(sum((one.total for one in invoices), ZERO)),
        "GP_Invoiced_Cost": _cost(invoices),
        "GP_Invoices": _listed([one.document.number for one in invoices]) or None,
    }


def told_of_quote(chain: Chain) -> dict[str, Value]:
    """The fields of a quote of the CRM, the as-of instant apart."""
    standing = chain.document
    return {
        "GP_Quote_Number": standing.document.number,
        "GP_Quote_Status": status_of(standing).value,
        "GP_Quoted_Amount": ZERO if standing.is_voided else cents(standing.total),
    }


def told_of_orders_of(came: Came) -> dict[str, Value]:
    """What a deal is told of the orders that the ERP's own people made from a quote, or of invoices alone.

    As ``told_of_order`` tells it; nothing came from it: no fields.
    """
    if not (came.orders or came.invoices):
        return {}
    alone: dict[str, Value] = {
        "GP_Order_Number": "",
        "GP_Order_Status": Status.INVOICED.value,
        "GP_Ordered_Amount": ZERO,
    }
    ordered = together([told_of_order(Chain(order)) for order in came.orders]) or alone
    return ordered | _told_of_invoices(came.invoices)


def tells_of(own: Fields) -> dict[str, Value]:
    """What the record itself is told, of all that is kept of its document: what came from a quote is its deal's."""
    names = [name for name in own if name in _OF_QUOTE] or own
    return {name: own[name] for name in names}


def told_of_removed(own: Fields, came: Came) -> dict[str, Value]:
    """What is told of an order or a quote that the ERP removed, for it keeps no history.

    ``own``: what was told of it last.
    """
    if own.keys() & _OF_QUOTE:
        return {**own, "GP_Quote_Status": Status.IN_HISTORY.value, **told_of_orders_of(came)}
    return {**own, "GP_Order_Status": Status.INVOICED.value, **_told_of_invoices(came.invoices)}


def together(told: Sequence[Fields]) -> dict[str, Value]:
    """What a deal is told of several orders, each as ``told_of_order`` tells it. Of none: no fields."""
    if not told:
        return {}
    numbers = [number for one in told for number in _parted(one["GP_Order_Number"])]
    invoices = [number for one in told for number in _parted(one["GP_Invoices"])]
    costs = [one["GP_Invoiced_Cost"] for one in told]
    return {
        "GP_Order_Number": _listed(numbers),
        "GP_Order_Status": combined([Status(str(one["GP_Order_Status"])) for one in told]).value,
        "GP_Ordered_Amount": _sum(one["GP_Ordered_Amount"] for one in told),
        "GP_Invoiced_Amount": _sum(one["GP_Invoiced_Amount"] for one in told),
        "GP_Invoiced_Cost": None if None in costs else _sum(costs),
        "GP_Invoices": _listed(invoices) or None,
    }


def is_of_order(own: Fields) -> bool:
    """Whether what is kept of a document tells of any order, or of what was invoiced without one."""
    return "GP_Order_Number" in own


def orders_in(told: Fields) -> list[str]:
    """The numbers of the orders that this is told of."""
    return _parted(told.get("GP_Order_Number"))


def _parted(numbers: Value) -> list[str]:
    return [number for number in str(numbers or "").split(", ") if number]


def _sum(amounts: Iterable[Value]) -> Decimal:
    return cents(sum((amount for amount in amounts if isinstance(amount, Decimal)), ZERO))


def combined(statuses: Sequence[Status]) -> Status:
    """How far several documents are together; those that were voided count only where all were."""
    counted = set(statuses) - {Status.VOIDED}
    if len(counted) == 1:
        return counted.pop()
    if not counted:
        return Status.VOIDED
    if counted & {Status.INVOICED, Status.PARTLY_INVOICED}:
        return Status.PARTLY_INVOICED
    return Status.ENTERED


def _cost(invoices: Sequence[Standing]) -> Decimal | None:
    """What the invoices cost; nothing where the ERP does not tell of one of their lines."""
    costs = [one.cost for invoice in invoices for one in invoice.progress]
    told = [cost for cost in costs if cost is not None]
    return cents(sum(told, ZERO)) if len(told) == len(costs) else None


def _listed(numbers: Sequence[str]) -> str:
    """The numbers with commas between them, as many as the field takes; of more, three points say so."""
    text = ", ".join(sorted(set(numbers)))
    if len(text) <= NUMBERS_LONGEST:
        return text
    return text[: NUMBERS_LONGEST - 5].rpartition(", ")[0] + ", ..."


def says_more(kept_at: datetime | None, read_at: datetime) -> bool:
    """Whether a reading takes the place of what is kept: of two, that which began later, in whatever order they come.

    ``kept_at``: when the reading began that is kept; None: none is.
    """
    return kept_at is None or read_at >= kept_at
