"""Sales Order Processing as GP keeps it: quotes, orders and invoices with their lines, batches and numbers.

A document is named by its type and number. One in Work (SOP10100, SOP10200) moves to History (SOP30200, SOP30300) when
it is posted or voided (facts 3.2), or transferred as a whole (from memory, as is that the documents of one chain share
their master number). Amounts are in the document's own currency. Stamps are aware UTC; plain dates are `date`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, get_args

from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.company import NO_ADDRESS, Address
from ml_connector.simulators.gp.items import Item
from ml_connector.simulators.gp.tables import KeyedTable

DocumentType = Literal["Quote", "Order", "Invoice"]
DOCUMENT_TYPES: tuple[DocumentType, ...] = get_args(DocumentType)
SalesState = Literal["Work", "History"]

BATCH_SOURCE = "Sales Entry"
"""The origin of a batch of sales documents (facts 2.9, from memory)."""

ZERO = Decimal(0)
_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)


def cents(value: Decimal) -> Decimal:
    """Round an amount as money is."""
    return value.quantize(_CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Discount:
    """A choice of a percentage or an amount (MoneyPercentChoice); neither is no discount."""

    percent: Decimal | None = None
    amount: Decimal | None = None

    def of(self, whole: Decimal) -> Decimal:
        """Return what it takes off."""
        if self.percent is not None:
            return cents(whole * self.percent / _HUNDRED)
        return self.amount or ZERO


@dataclass(frozen=True, slots=True)
class SalesLine:
    """One line (SOP10200). Quantities are in its own unit of measure; `invoiced` is what earlier invoices took."""

    sequence: int
    item_id: str
    quantity: Decimal
    description: str = ""
    unit: str = ""
    unit_price: Decimal = ZERO
    discount: Discount = (
        Discount()
    )  # of one unit: MRKDNAMT (facts 3.2 name the column; per unit is from memory)
    unit_cost: Decimal = ZERO
    tax: Decimal = ZERO
    site: str = ""
    price_level: str = ""
    shipping_method: str = ""
    requested_on: date | None = None
    comment: str = ""
    is_non_inventory: bool = False
    is_drop_ship: bool = False
    sales_account: str = ""
    cost_account: str = ""
    inventory_account: str = ""
    integration_id: str = ""
    integration_source: int = 0
    front_office_id: str = ""
    cancelled: Decimal = ZERO
    back_ordered: Decimal = ZERO
    allocated: Decimal = ZERO
    fulfilled: Decimal = ZERO
    invoiced: Decimal = ZERO

    @property
    def remaining(self) -> Decimal:
        """What is still to be invoiced."""
        return self.quantity - self.cancelled - self.back_ordered - self.invoiced

    @property
    def extended(self) -> Decimal:
        """The line's amount: of what is not cancelled, at the price less the discount of one unit."""
        price = self.unit_price - self.discount.of(self.unit_price)
        return cents((self.quantity - self.cancelled) * price)


@dataclass(frozen=True, slots=True)
class UserDefined:
    """The user-defined fields of a document (SOP10106)."""

    date1: date | None = None
    date2: date | None = None
    list1: str = ""
    list2: str = ""
    list3: str = ""
    text1: str = ""
    text2: str = ""
    text3: str = ""
    text4: str = ""
    text5: str = ""


@dataclass(frozen=True, slots=True)
class SalesDocument:
    """One quote, order or invoice."""

    type: DocumentType
    id: str
    customer_id: str
    lines: tuple[SalesLine, ...]
    document_type: str = ""  # DOCID, such as STDORD
    state: SalesState = "Work"
    on: date | None = None
    customer_name: str = ""
    customer_po: str = ""
    currency: str = "USD"
    batch: str = ""
    master_number: int = 0
    freight: Decimal = ZERO
    miscellaneous: Decimal = ZERO
    tax: Decimal = ZERO
    trade_discount: Discount = Discount()
    requested_on: date | None = None
    expires_on: date | None = None  # of a quote
    reference: str = ""
    comment: str = ""
    note: str = ""
    salesperson: str = ""
    territory: str = ""
    payment_terms: str = ""
    price_level: str = ""
    shipping_method: str = ""
    tax_schedule: str = ""
    site: str = ""
    bill_to: str = ""
    ship_to: str = ""
    ship_to_address: Address = NO_ADDRESS
    user_defined: UserDefined = UserDefined()
    integration_id: str = ""
    integration_source: int = 0
    front_office_id: str = ""
    original_id: str = ""  # ORIGNUMB: what it was transferred from
    original_type: str = ""
    is_voided: bool = False
    created_by: str = ""
    created_on: date | None = None
    posted_on: date | None = None
    actual_ship_on: date | None = None
    modified_at: datetime | None = None  # a midnight where the site's stamps are days
    row_stamp_at: datetime | None = None  # DEX_ROW_TS; on the wire LastModifiedDate

    @property
    def line_total(self) -> Decimal:
        """The sum of the lines (SUBTOTAL)."""
        return sum((line.extended for line in self.lines), ZERO)

    @property
    def trade_discount_amount(self) -> Decimal:
        """What the trade discount takes off."""
        return self.trade_discount.of(self.line_total)

    @property
    def total(self) -> Decimal:
        """The document's amount (DOCAMNT)."""
        added = self.freight + self.miscellaneous + self.tax
        return self.line_total - self.trade_discount_amount + added


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch (SY00500); `id` names it among those of its source."""

    id: str
    source: str = BATCH_SOURCE
    comment: str = ""
    created_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(slots=True)
class Numbering:
    """A document type id (SOP40200) and the next number it gives out."""

    type: DocumentType
    id: str
    prefix: str
    next_number: int

    def take(self) -> str:
        """Return the next number and count on."""
        taken = f"{self.prefix}{self.next_number}"
        self.next_number += 1
        return taken


@dataclass(slots=True)
class Sales:
    """A company's sales: its items, its documents and what they are checked against."""

    items: KeyedTable[Item] = field(default_factory=KeyedTable)
    batches: KeyedTable[Batch] = field(default_factory=KeyedTable)
    sites: tuple[str, ...] = ()
    price_levels: tuple[str, ...] = ()
    shipping_methods: tuple[str, ...] = ()
    numberings: tuple[Numbering, ...] = ()
    closed_periods: frozenset[tuple[int, int]] = frozenset()  # (year, month) closed for the sales series
    documents: dict[DocumentType, KeyedTable[SalesDocument]] = field(
        default_factory=lambda: {kind: KeyedTable() for kind in DOCUMENT_TYPES}
    )
    next_master: int = 1
    _of_po: dict[tuple[DocumentType, str], dict[str, str]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    """For what has to be done in one go, such as looking for a number and taking it."""

    def load(self, documents: Iterable[SalesDocument]) -> None:
        """Add many documents at once."""
        for document in documents:
            self.put(document)
            self.next_master = max(self.next_master, document.master_number + 1)

    def numbering(self, kind: DocumentType, type_id: str) -> Numbering | None:
        """Return a document type by its id, or the first one of its kind for ""; None where there is none."""
        wanted = collation_key(type_id)
        of_kind = (n for n in self.numberings if n.type == kind)
        return next((n for n in of_kind if not type_id or collation_key(n.id) == wanted), None)

    def take_number(self, numbering: Numbering) -> str:
        """Return a number that no document of the type has."""
        with self.lock:
            number = numbering.take()
            while self.documents[numbering.type].get(number) is not None:
                number = numbering.take()
        return number

    def take_master(self) -> int:
        """Return the master number of a new chain of documents (MSTRNUMB)."""
        with self.lock:
            self.next_master += 1
            return self.next_master - 1

    def put(self, document: SalesDocument) -> None:
        """Add or replace a document."""
        with self.lock:
            self._forget_po(document)
            self.documents[document.type].put(document)  # in one go: nobody finds it missing
            place = document.type, collation_key(document.customer_po)
            self._of_po.setdefault(place, {})[collation_key(document.id)] = document.id

    def remove(self, document: SalesDocument) -> None:
        """Take a document out, where it is."""
        with self.lock:
            self._forget_po(document)
            self.documents[document.type].remove(document.id)

    def _forget_po(self, document: SalesDocument) -> None:
        old = self.documents[document.type].get(document.id)
        if old is not None:
            del self._of_po[old.type, collation_key(old.customer_po)][collation_key(old.id)]

    def of_po(self, kind: DocumentType, po_key: str) -> list[SalesDocument]:
        """Return the documents with a PO number, which is given as its collation key, in the order of their own."""
        with self.lock:
            ids = [number for _, number in sorted(self._of_po.get((kind, po_key), {}).items())]
        found = map(self.documents[kind].get, ids)
        return [document for document in found if document is not None]

    def every(self) -> Iterator[SalesDocument]:
        """Yield the documents of every type, in the order of their numbers within a type."""
        for kind in DOCUMENT_TYPES:
            yield from self.documents[kind].rows()

    def in_batch(self, batch_id: str) -> list[SalesDocument]:
        """Return the documents that wait in a batch."""
        wanted = collation_key(batch_id)
        return [d for d in self.every() if d.state == "Work" and d.batch and collation_key(d.batch) == wanted]

    def allocate(self, line: SalesLine, quantity: Decimal) -> SalesLine:
        """Take a line's quantity from what its site has, or give it back; what is not there is not allocated."""
        item = self.items.get(line.item_id)
        stock = None if item is None else item.at(line.site)
        if item is None or stock is None or not item.is_inventoried:
            return replace(line, allocated=line.allocated + quantity)
        each = item.schedule.in_base(line.unit) or Decimal(1)
        free = max(ZERO, stock.on_hand - stock.allocated) // each
        taken = min(quantity, free) if quantity > 0 else quantity
        held = replace(stock, allocated=stock.allocated + taken * each)
        self.items.put(replace(item, stock=tuple(held if s is stock else s for s in item.stock)))
        return replace(line, allocated=line.allocated + taken)
