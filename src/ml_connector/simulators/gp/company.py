"""A company's records as GP keeps them.

Records are frozen: a change puts a new one in place of the old, so that an answer being written never sees
half a change. Stamps are aware UTC (`_at`); GP's plain dates (no zone, no time) are `date` (`_on`); None is
GP's empty date. Amounts are in the company's functional currency, USD.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.ledger import Account, Journals, Segment
from ml_connector.simulators.gp.tables import KeyedTable

FUNCTIONAL_CURRENCY = "USD"
ZERO = Decimal(0)

EXCHANGE_RATES = {"USD": Decimal(1), "EUR": Decimal("1.10"), "GBP": Decimal("1.28"), "CAD": Decimal("0.74"),
                  "AUD": Decimal("0.66"), "JPY": Decimal("0.0067")}  # fmt: skip
"""USD for one unit of the currency; fixed, so that Local and Transactional answers can be compared."""

AGING_PERIODS = 7


@dataclass(frozen=True, slots=True)
class InternetAddress:
    """E-mail of one address (SY01200): a side table with a stamp of its own."""

    to: str = ""
    cc: str = ""
    bcc: str = ""
    internet1: str = ""
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a customer (RM00102) or vendor (PM00300); `id` names it within its master."""

    id: str
    name: str = ""
    contact: str = ""
    line1: str = ""
    line2: str = ""
    line3: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    country_code: str = ""  # of GP's table of countries; many companies keep none
    phone1: str = ""  # digits padded with zeros to 14: ten digits and a four-digit extension
    phone2: str = ""
    phone3: str = ""
    fax: str = ""
    ups_zone: str = ""
    shipping_method: str = ""
    tax_schedule: str = ""
    salesperson: str = ""
    territory: str = ""
    warehouse: str = ""
    user_defined1: str = ""
    user_defined2: str = ""
    created_on: date | None = None
    modified_at: datetime | None = None
    email: InternetAddress = InternetAddress()


@dataclass(frozen=True, slots=True)
class CreditLimit:
    """None of both: no credit. `amount` counts only where `unlimited` is false."""

    unlimited: bool = False
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Receivables:
    """A customer's summary (RM00103), which no stamp ever tells of; the ageing periods sum to the balance."""

    aging: tuple[Decimal, ...] = (ZERO,) * AGING_PERIODS
    last_aged_on: date | None = None
    on_order: Decimal = ZERO
    last_payment: Decimal = ZERO
    last_payment_on: date | None = None
    last_statement: Decimal = ZERO
    last_statement_on: date | None = None
    last_transaction: Decimal = ZERO
    last_transaction_on: date | None = None
    sales_this_year: Decimal = ZERO
    sales_last_year: Decimal = ZERO
    sales_ever: Decimal = ZERO

    @property
    def balance(self) -> Decimal:
        """What the customer owes."""
        return sum(self.aging, ZERO)


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer (RM00101) with its side tables."""

    id: str
    name: str
    short_name: str = ""
    statement_name: str = ""
    class_id: str = ""
    is_active: bool = True
    is_on_hold: bool = False
    salesperson: str = ""
    corporate_id: str = ""
    currency: str = FUNCTIONAL_CURRENCY
    payment_terms: str = ""
    price_level: str = ""
    priority: int = 1
    comment1: str = ""
    comment2: str = ""
    notes: str = ""
    tax_registration: str = ""
    user_defined1: str = ""
    user_defined2: str = ""
    trade_discount: Decimal = ZERO
    balance_forward: bool = False
    credit_limit: CreditLimit = CreditLimit()
    default_address: str = "PRIMARY"
    ship_to_address: str = "PRIMARY"
    bill_to_address: str = "PRIMARY"
    statement_address: str = "PRIMARY"
    created_on: date | None = None
    modified_at: datetime | None = None  # a midnight where the site's stamps are days
    row_stamp_at: datetime | None = None  # DEX_ROW_TS, always to the second; on the wire LastModifiedDate
    addresses: tuple[Address, ...] = ()
    receivables: Receivables = Receivables()

    @property
    def main_address(self) -> Address:
        """The address the master's own columns mirror."""
        return find_address(self.addresses, self.default_address)


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor (PM00200) with its addresses; what is owed stands in its open documents."""

    id: str
    name: str
    short_name: str = ""
    check_name: str = ""
    class_id: str = ""
    is_active: bool = True
    is_on_hold: bool = False
    is_one_time: bool = False
    account_number: str = ""
    currency: str = FUNCTIONAL_CURRENCY
    payment_terms: str = ""
    payment_priority: str = ""
    minimum_order: Decimal = ZERO
    trade_discount: Decimal = ZERO
    tax_schedule: str = ""
    tax_id: str = ""
    tax_registration: str = ""
    comment1: str = ""
    comment2: str = ""
    notes: str = ""
    user_defined1: str = ""
    user_defined2: str = ""
    credit_limit: CreditLimit = CreditLimit(unlimited=True)
    default_address: str = "PRIMARY"
    purchase_address: str = "PRIMARY"
    remit_to_address: str = "PRIMARY"
    ship_from_address: str = "PRIMARY"
    created_on: date | None = None
    modified_at: datetime | None = None
    addresses: tuple[Address, ...] = ()

    @property
    def main_address(self) -> Address:
        """The address the master's own columns mirror."""
        return find_address(self.addresses, self.default_address)


Master = Customer | Vendor

CREDIT_TYPES = frozenset({"Return", "Credit Memo", "Payment"})
"""Document types that reduce what is owed (PayablesDocumentType 4 to 6)."""


@dataclass(frozen=True, slots=True)
class PayablesDocument:
    """A payables document (PM10000, PM20000, PM30200 by its state)."""

    id: str  # the voucher number
    vendor_id: str
    amount: Decimal
    type: str = "Invoice"
    state: str = "Open"
    on: date | None = None
    due_on: date | None = None
    number: str = ""  # the vendor's own
    description: str = ""
    po_number: str = ""
    batch: str = ""
    currency: str = FUNCTIONAL_CURRENCY
    payment_terms: str = ""
    tax: Decimal = ZERO
    freight: Decimal = ZERO
    miscellaneous: Decimal = ZERO
    trade_discount: Decimal = ZERO
    payments: Decimal = ZERO
    writeoff: Decimal = ZERO
    discount_taken: Decimal = ZERO
    modified_at: datetime | None = None

    @property
    def remaining(self) -> Decimal:
        """The unpaid part (CURTRXAM), without sign."""
        return self.amount - self.payments - self.writeoff - self.discount_taken


NO_ADDRESS = Address(id="")


def find_address(addresses: Iterable[Address], address_id: str) -> Address:
    """Return the address with this id, or an empty one where the master names an address it does not have."""
    for address in addresses:
        if address.id == address_id:  # by far the most
            return address
    wanted = address_id.rstrip(" ").casefold()
    return next((a for a in addresses if a.id.rstrip(" ").casefold() == wanted), NO_ADDRESS)


MasterRow = TypeVar("MasterRow", Customer, Vendor)


@dataclass(slots=True)
class Company:
    """One GP company: its number, its name and its tables."""

    id: int
    name: str
    customers: KeyedTable[Customer] = field(default_factory=KeyedTable)
    vendors: KeyedTable[Vendor] = field(default_factory=KeyedTable)
    documents: KeyedTable[PayablesDocument] = field(default_factory=KeyedTable)
    accounts: KeyedTable[Account] = field(default_factory=KeyedTable)
    journals: Journals = field(default_factory=Journals)
    segments: tuple[Segment, ...] = ()
    separator: str = "-"
    categories: tuple[str, ...] = ()
    _documents_of: dict[str, dict[str, None]] = field(default_factory=dict)
    _writing: threading.RLock = field(default_factory=threading.RLock)

    def load_documents(self, documents: Iterable[PayablesDocument]) -> None:
        """Add many payables documents at once."""
        loaded = list(documents)
        self.documents.load(loaded)
        for document in loaded:
            self._documents_of.setdefault(collation_key(document.vendor_id), {})[document.id] = None

    def put_document(self, document: PayablesDocument) -> None:
        """Add or replace one payables document."""
        with self._writing:
            self.remove_document(document.id)
            self.documents.put(document)
            self._documents_of.setdefault(collation_key(document.vendor_id), {})[document.id] = None

    def remove_document(self, document_id: str) -> PayablesDocument | None:
        """Take a document out and return it, or None where there was none."""
        with self._writing:
            document = self.documents.remove(document_id)
            if document is not None:
                self._documents_of[collation_key(document.vendor_id)].pop(document.id, None)
        return document

    def documents_of(self, vendor_id: str) -> list[PayablesDocument]:
        """Return a vendor's documents in key order."""
        with self._writing:
            ids = list(self._documents_of.get(collation_key(vendor_id), ()))
        found = (self.documents.get(document_id) for document_id in ids)
        return sorted((d for d in found if d is not None), key=lambda d: collation_key(d.id))

    def move_documents(self, old_id: str, new_id: str) -> None:
        """Give a vendor's documents to the id it was renamed to."""
        for document in self.documents_of(old_id):
            self.put_document(replace(document, vendor_id=new_id))

    def move_branches(self, old_id: str, new_id: str) -> None:
        """Let the branches of a national account name the id it was renamed to; their stamps stay."""
        wanted = collation_key(old_id)
        with self._writing:
            branches = [c for c in self.customers.rows() if collation_key(c.corporate_id) == wanted]
            for branch in branches:
                self.customers.put(replace(branch, corporate_id=new_id))

    def payables_balance(self, vendor_id: str) -> Decimal:
        """Return what is owed to a vendor: the unpaid parts of its open documents, credits taken off."""
        opened = (d for d in self.documents_of(vendor_id) if d.state == "Open")
        return sum((-d.remaining if d.type in CREDIT_TYPES else d.remaining for d in opened), ZERO)

    def change_customer(self, customer_id: str, change: Callable[[Customer], Customer]) -> Customer | None:
        """Replace a customer by what `change` makes of it; None where there is none."""
        return self._change(self.customers, customer_id, change)

    def change_vendor(self, vendor_id: str, change: Callable[[Vendor], Vendor]) -> Vendor | None:
        """Replace a vendor by what `change` makes of it; None where there is none."""
        return self._change(self.vendors, vendor_id, change)

    def _change(
        self, table: KeyedTable[MasterRow], row_id: str, change: Callable[[MasterRow], MasterRow]
    ) -> MasterRow | None:
        with self._writing:
            old = table.get(row_id)
            if old is None:
                return None
            new = change(old)
            if collation_key(new.id) != collation_key(old.id):
                table.remove(old.id)
            table.put(new)
        return new
