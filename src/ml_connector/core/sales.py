"""A sales document: an order or a quote on its way from the CRM into the ERP, and as the ERP has it then. Pure data.

Amounts are in the document's own currency. What is None or empty in a document on its way is left to the ERP, which
takes it from the customer, the item or its own set-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from ml_connector.core.record import fold_key


class Kind(StrEnum):
    """What a document is; with its number it names it within its company."""

    QUOTE = "quote"
    ORDER = "order"
    INVOICE = "invoice"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a document."""

    item: str
    quantity: Decimal  #: in ``unit``
    unit: str = ""
    unit_price: Decimal | None = None
    discount: Decimal | None = None  #: off the price of one unit
    description: str = ""
    site: str = ""
    tax: Decimal | None = None
    requested_on: date | None = None
    comment: str = ""
    is_non_inventory: bool = False  #: no item of the ERP's list: a text with a price
    account: str = ""  #: the GL account of its revenue
    reference: str = ""  #: what names the line in the CRM
    sequence: int = 0  #: what names it in the ERP; 0: it has no name there yet


@dataclass(frozen=True, slots=True)
class ShipTo:
    """Where goods go that do not go to one of the customer's known addresses."""

    name: str = ""
    contact: str = ""
    line1: str = ""
    line2: str = ""
    line3: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """What is wanted of an order or a quote."""

    kind: Kind
    number: str  #: empty: the ERP is to give one
    customer: str
    lines: tuple[Line, ...]
    type_id: str = ""  #: which of the ERP's own types of such documents, such as STDORD
    batch: str = ""
    on: date | None = None
    expires_on: date | None = None  #: of a quote
    requested_on: date | None = None
    customer_po: str = ""  #: the customer's own number for it
    reference: str = ""  #: what names it in the CRM
    texts: Mapping[int, str] = field(
        default_factory=dict
    )  #: the ERP's user-defined texts, by their number from 1
    freight: Decimal | None = None
    trade_discount: Decimal | None = None
    miscellaneous: Decimal | None = None
    tax: Decimal | None = None
    ship_to_key: str = ""  #: one of the customer's addresses
    ship_to: ShipTo | None = None
    price_level: str = ""
    shipping_method: str = ""
    site: str = ""
    currency: str = ""
    comment: str = ""


def require_same(before: Document, after: Document) -> None:
    """ValueError where one is not to become the other: a document keeps its kind, its number and its customer."""
    pairs = ((before.number, after.number), (before.customer, after.customer))
    if before.kind is not after.kind or any(fold_key(was) != fold_key(now) for was, now in pairs):
        raise ValueError("a document keeps its kind, its number and its customer")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a line of an order is; quantities in its unit."""

    sequence: int
    allocated: Decimal
    fulfilled: Decimal
    invoiced: Decimal
    cancelled: Decimal
    cost: Decimal | None = None  #: of the whole line, where the ERP tells


@dataclass(frozen=True, slots=True)
class Standing:
    """A document as it stands in the ERP."""

    document: Document
    total: Decimal
    line_total: Decimal
    progress: tuple[Progress, ...] = ()
    is_in_history: bool = False  #: posted, transferred as a whole or voided: it changes no more
    is_voided: bool = False
    master_number: int = 0  #: the same for all documents of one chain: quote, order, invoice
    came_from: str = ""  #: the number of the document that it was transferred from
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A document as a list of the ERP tells of it."""

    kind: Kind
    number: str
    customer: str
    master_number: int
    customer_po: str = ""
    is_in_history: bool = False  #: whether it was voided, the document itself tells
    modified_at: datetime | None = None
