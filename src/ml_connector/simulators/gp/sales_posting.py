"""What becomes of a sales document within GP: it is kept, allocated, transferred to an invoice, posted, voided.

A posted invoice is in History, its stock is gone, the customer owes its amount, and the general ledger has an entry
whose originating document is the invoice. An order whose lines are all invoiced is in History too. That freight goes
on the first invoice of several, tax and a trade discount in parts, and which accounts freight, tax and discount are
posted to, is invented.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.company import EXCHANGE_RATES, Company, Customer
from ml_connector.simulators.gp.ledger import SEQUENCE_STEP, Entry, Line, Origin
from ml_connector.simulators.gp.sales_documents import (
    ZERO,
    Discount,
    Sales,
    SalesDocument,
    SalesLine,
    cents,
)
from ml_connector.simulators.gp.state import Simulation

RECEIVABLE, TAX, FREIGHT, DISCOUNT = "000-1200-00", "000-2300-00", "000-6630-00", "000-1205-00"
_INVOICE_TYPE = 3


class UnfitError(ValueError):
    """A document cannot go the way it is sent."""


@dataclass(frozen=True, slots=True)
class Office:
    """Where documents are worked on: a company of a simulation."""

    simulation: Simulation
    company: Company

    @property
    def sales(self) -> Sales:
        """The company's sales."""
        return self.simulation.sales[self.company.id]

    def keep(
        self, document: SalesDocument, old: SalesDocument | None, at: datetime | None = None
    ) -> SalesDocument:
        """Stamp a document and put it in the place of `old`; the customer's amount on order follows."""
        at = at or self.simulation.now()
        stamped = replace(document, modified_at=self.simulation.said(at), row_stamp_at=at)
        self.sales.put(stamped)
        self.on_order(old, -1)
        self.on_order(stamped, 1)
        return stamped

    def on_order(self, document: SalesDocument | None, sign: int) -> None:
        """Add what an order leaves to be invoiced to its customer's summary, or take it off; nothing is stamped."""
        if document is None or document.type != "Order" or document.state != "Work":
            return
        rate = EXCHANGE_RATES[document.currency]
        amount = cents(sum((_share(line, line.remaining) for line in document.lines), ZERO) * rate) * sign

        def changed(customer: Customer) -> Customer:
            owed = customer.receivables
            return replace(customer, receivables=replace(owed, on_order=owed.on_order + amount))

        self.company.change_customer(document.customer_id, changed)

    def released(self, document: SalesDocument) -> SalesDocument:
        """Give back what a document has allocated."""
        lines = tuple(self.sales.allocate(line, -line.allocated) for line in document.lines)
        return replace(document, lines=lines)


def _share(line: SalesLine, quantity: Decimal) -> Decimal:
    return quantity * (line.unit_price - line.discount.of(line.unit_price))


def allocate(office: Office, document: SalesDocument) -> SalesDocument:
    """Allocate all that is still to be invoiced, as far as there is stock."""
    with office.sales.lock:
        lines = tuple(
            office.sales.allocate(line, max(ZERO, line.remaining - line.allocated)) for line in document.lines
        )
        return office.keep(replace(document, lines=lines), document)


def void(office: Office, document: SalesDocument) -> SalesDocument:
    """Void a document: it goes to History, and what it allocated is free."""
    with office.sales.lock:
        _alone(document)
        voided = replace(office.released(document), state="History", is_voided=True)
        return office.keep(voided, document)


def delete(office: Office, document: SalesDocument) -> None:
    """Take a document out; nothing is left of it."""
    with office.sales.lock:
        _alone(document)
        office.released(document)
        office.on_order(document, -1)
        office.sales.remove(document)


def _in_work(document: SalesDocument) -> None:
    if document.state != "Work":
        raise UnfitError(f"{document.id} is in history")


def _alone(document: SalesDocument) -> None:
    """An invoice does not go back to its order here."""
    _in_work(document)
    if document.type == "Invoice" and document.original_id:
        raise UnfitError(f"{document.id} came from {document.original_id}; that it goes back is not there")


class Transfer(NamedTuple):
    """An order or a quote after its transfer, and the document it went to."""

    source: SalesDocument
    made: SalesDocument


def invoice(
    office: Office, order: SalesDocument, quantities: Mapping[int, Decimal] | None, on: date | None
) -> Transfer:
    """Transfer an order, or of its lines so much each (by sequence), to an invoice in Work."""
    with office.sales.lock:
        _in_work(order)
        wanted = {line.sequence: line.remaining for line in order.lines} if quantities is None else quantities
        moved = [(line, wanted.get(line.sequence, ZERO)) for line in order.lines]
        if any(not 0 <= many <= line.remaining for line, many in moved) or not any(many for _, many in moved):
            raise UnfitError("a line is invoiced for more than remains of it, or nothing is invoiced")
        stock = list(office.sales.items.rows())
        try:
            left = tuple(_left(office, line, many) for line, many in moved)
        except UnfitError:
            office.sales.items.load(stock)  # what earlier lines have taken
            raise
        done = all(line.remaining == 0 for line in left)
        made = _invoice_of(office, order, [(line, many) for line, many in moved if many], last=done)
        kept = office.keep(replace(order, lines=left, state="History" if done else "Work"), order)
        return Transfer(kept, office.keep(replace(made, on=on or office.simulation.now().date()), None))


def _left(office: Office, line: SalesLine, many: Decimal) -> SalesLine:
    """An order's line after so much of it went to an invoice; the invoice takes the allocation with it."""
    short = many - line.allocated
    held = office.sales.allocate(line, short) if short > 0 else line
    if held.allocated < many:
        raise UnfitError(f"of {line.item_id} only {held.allocated} can be allocated")
    return replace(
        held, allocated=held.allocated - many, fulfilled=line.fulfilled + many, invoiced=line.invoiced + many
    )


def _invoice_of(
    office: Office, order: SalesDocument, moved: Iterable[tuple[SalesLine, Decimal]], *, last: bool
) -> SalesDocument:
    numbering = office.sales.numbering("Invoice", "")
    if numbering is None:
        raise UnfitError("the company has no document type for invoices")
    lines = tuple(
        replace(
            line,
            quantity=many,
            cancelled=ZERO,
            back_ordered=ZERO,
            invoiced=ZERO,
            allocated=many,
            fulfilled=many,
        )
        for line, many in moved
    )
    earlier = invoices_of(office.sales, order)
    made = replace(
        order,
        type="Invoice",
        id=office.sales.take_number(numbering),
        document_type=numbering.id,
        lines=lines,
        original_id=order.id,
        original_type="Order",
        created_on=office.simulation.now().date(),
        freight=ZERO if earlier else order.freight,
        miscellaneous=ZERO if earlier else order.miscellaneous,
    )
    return _charged(made, order, earlier, last=last)


def _charged(
    made: SalesDocument, order: SalesDocument, earlier: list[SalesDocument], *, last: bool
) -> SalesDocument:
    """Give an invoice its part of the order's tax and trade discount; the last one gets what is left."""
    part = made.line_total / order.line_total if order.line_total else ZERO
    taxed = sum((one.tax for one in earlier), ZERO)
    discounted = sum((one.trade_discount_amount for one in earlier), ZERO)
    return replace(
        made,
        tax=order.tax - taxed if last else cents(order.tax * part),
        trade_discount=Discount(
            amount=order.trade_discount_amount - discounted
            if last
            else cents(order.trade_discount_amount * part)
        ),
    )


def invoices_of(sales: Sales, order: SalesDocument) -> list[SalesDocument]:
    """Return the invoices that an order went to, voided ones left out."""
    wanted = collation_key(order.id)
    found = sales.documents["Invoice"].rows()
    return [d for d in found if d.original_id and collation_key(d.original_id) == wanted and not d.is_voided]


def order_of(office: Office, quote: SalesDocument) -> Transfer:
    """Transfer a quote to an order with the next number of the standard type; the quote goes to History."""
    with office.sales.lock:
        _in_work(quote)
        numbering = office.sales.numbering("Order", "")
        if numbering is None:
            raise UnfitError("the company has no document type for orders")
        made = replace(
            quote,
            type="Order",
            id=office.sales.take_number(numbering),
            document_type=numbering.id,
            original_id=quote.id,
            original_type="Quote",
            created_on=office.simulation.now().date(),
        )
        return Transfer(office.keep(replace(quote, state="History"), quote), office.keep(made, None))


def post(office: Office, document: SalesDocument) -> Entry:
    """Post an invoice: to History, to the customer's balance, out of stock, and into the general ledger."""
    with office.sales.lock:
        _in_work(document)
        if document.type != "Invoice":
            raise UnfitError("only an invoice is posted")
        on, at = document.on or office.simulation.now().date(), office.simulation.now()
        for line in document.lines:
            _take_out(office.sales, line)
        posted = replace(document, state="History", batch="", posted_on=on, actual_ship_on=on)
        office.keep(posted, document, at)
        _owe(office.company, posted, on)
        entry = _entry(office.company, posted, on, at)
        with office.company.journals.lock:
            entry = replace(entry, journal_id=office.company.journals.next_id())
            office.company.journals.put(entry)
        return entry


def _take_out(sales: Sales, line: SalesLine) -> None:
    item = sales.items.get(line.item_id)
    stock = None if item is None else item.at(line.site)
    if item is None or stock is None or not item.is_inventoried:
        return
    many = line.quantity * (item.schedule.in_base(line.unit) or 1)
    left = replace(stock, on_hand=stock.on_hand - many, allocated=stock.allocated - many)
    sales.items.put(replace(item, stock=tuple(left if one is stock else one for one in item.stock)))


def _owe(company: Company, document: SalesDocument, on: date) -> None:
    total = cents(document.total * EXCHANGE_RATES[document.currency])

    def changed(customer: Customer) -> Customer:
        owed = customer.receivables
        first, *others = owed.aging
        return replace(
            customer,
            receivables=replace(
                owed,
                aging=(first + total, *others),
                last_transaction=total,
                last_transaction_on=on,
                sales_this_year=owed.sales_this_year + total,
                sales_ever=owed.sales_ever + total,
            ),
        )

    company.change_customer(document.customer_id, changed)


def _entry(company: Company, document: SalesDocument, on: date, at: datetime) -> Entry:
    """The entry of a posted invoice: receivables to sales, tax and freight, and the cost of goods to inventory."""
    credits_: dict[str, Decimal] = {}
    costs: dict[tuple[str, str], Decimal] = {}
    for line in document.lines:
        credits_[line.sales_account] = credits_.get(line.sales_account, ZERO) + line.extended
        if line.unit_cost and line.cost_account:
            accounts = line.cost_account, line.inventory_account
            costs[accounts] = costs.get(accounts, ZERO) + cents(line.unit_cost * line.quantity)
    for account, amount in ((TAX, document.tax), (FREIGHT, document.freight + document.miscellaneous)):
        if amount:
            credits_[account] = credits_.get(account, ZERO) + amount
    sides = [(account, ZERO, amount) for account, amount in credits_.items()]
    if document.trade_discount_amount:
        sides.append((DISCOUNT, document.trade_discount_amount, ZERO))
    for (cost, inventory), amount in costs.items():
        sides += [(cost, amount, ZERO), (inventory, ZERO, amount)]
    rate = EXCHANGE_RATES[document.currency]
    customer = company.customers.get(document.customer_id)
    name = document.customer_name if customer is None else customer.name
    origin = Origin(document.id, document.id, document.customer_id, name, _INVOICE_TYPE)
    lines = [_line(number, side, rate, origin) for number, side in enumerate(sides, 2)]
    owed = sum(line.credit - line.debit for line in lines)
    original = sum(line.original_credit - line.original_debit for line in lines)
    first = Line(SEQUENCE_STEP, RECEIVABLE, owed, 0, original, 0, "", origin)
    return Entry(
        journal_id=0,
        on=on,
        lines=(first, *lines),
        fiscal_year=on.year,
        reference=f"Sales {document.id}"[:30],
        source_document="SJ",
        series="Sales",
        currency=document.currency,
        modified_at=at,
    )


def _line(number: int, side: tuple[str, Decimal, Decimal], rate: Decimal, origin: Origin) -> Line:
    account, debit, credit = side
    local = _whole(debit * rate), _whole(credit * rate)
    return Line(number * SEQUENCE_STEP, account, *local, _whole(debit), _whole(credit), "", origin)


def _whole(amount: Decimal) -> int:
    return int(cents(amount) * 100)
