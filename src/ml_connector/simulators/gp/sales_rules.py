"""The rules a sales document has to meet, and the reasons it is refused with.

That a broken rule is a validation fault whose GUID leads to the reasons is confirmed (facts 2.11), which rules there
are is mostly inferred. The reasons look like eConnect's ("Error Number = n", from memory); the numbers are invented.
All reasons are found, not only the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.simulators.gp import policies
from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.company import (
    EXCHANGE_RATES,
    NO_ADDRESS,
    Customer,
    find_address,
)
from ml_connector.simulators.gp.faults import VALIDATION, SoapFaultError, ValidationError
from ml_connector.simulators.gp.sales_documents import SalesDocument, SalesLine
from ml_connector.simulators.gp.sales_read import Desk, Proposal

ZERO = Decimal(0)

WIDTHS: Mapping[str, int] = {
    "id": 21,
    "customer_po": 20,
    "batch": 15,
    "integration_id": 30,
    "front_office_id": 30,
    "reference": 30,
    "customer_name": 64,
}
"""Characters a column takes (facts 2.9; SOPNUMBE from memory, the last two too)."""
_USER_DEFINED_WIDTH = 20


@dataclass(frozen=True, slots=True)
class Reason:
    """What a rule says when it is broken: eConnect-like number, text with its place for a value, the members."""

    number: int
    text: str
    members: tuple[str, ...]

    def of(self, object_type: str, *values: object) -> ValidationError:
        """Return it as one of a validation result's errors."""
        said = f"Error Number = {self.number} {self.text.format(*values)}"
        return ValidationError(said, str(self.number), object_type, self.members)


DUPLICATE = Reason(6001, "The document number {} already exists.", ("Key",))
TOO_LONG = Reason(6002, "The value of {} is longer than {} characters.", ())
TYPE_UNKNOWN = Reason(
    6003, "The document type {} does not exist for this kind of document.", ("DocumentTypeKey",)
)
CUSTOMER_UNKNOWN = Reason(6010, "The customer {} does not exist.", ("CustomerKey",))
CUSTOMER_INACTIVE = Reason(6011, "The customer {} is inactive.", ("CustomerKey",))
CUSTOMER_ON_HOLD = Reason(6012, "The customer {} is on hold.", ("CustomerKey",))
CREDIT_EXCEEDED = Reason(
    6013, "The credit limit of the customer {} is exceeded by this document.", ("CustomerKey",)
)
CUSTOMER_CHANGED = Reason(6014, "The customer of an existing document cannot be changed.", ("CustomerKey",))
BATCH_MISSING = Reason(6020, "A batch is required.", ("BatchKey",))
BATCH_UNKNOWN = Reason(6021, "The batch {} does not exist.", ("BatchKey",))
PERIOD_CLOSED = Reason(6022, "The fiscal period of {} is closed for the Sales series.", ("Date",))
ADDRESS_UNKNOWN = Reason(6023, "The customer has no address {}.", ("ShipToAddressKey",))
SHIPPING_UNKNOWN = Reason(6024, "The shipping method {} does not exist.", ("ShippingMethodKey",))
LEVEL_UNKNOWN = Reason(6025, "The price level {} does not exist.", ("PriceLevelKey",))
CURRENCY_UNKNOWN = Reason(6026, "The currency {} does not exist.", ("CurrencyKey",))
CURRENCY_MIXED = Reason(6027, "Amounts in {} were sent for a document in {}.", ("CurrencyKey",))
NO_LINES = Reason(6030, "The document has no lines.", ("Lines",))
ITEM_UNKNOWN = Reason(6031, "The item {} does not exist.", ("ItemKey",))
ITEM_DISCONTINUED = Reason(6032, "The item {} is discontinued.", ("ItemKey",))
QUANTITY = Reason(6033, "The quantity {} of the item {} is not valid.", ("Quantity",))
UNIT_UNKNOWN = Reason(6034, "The unit of measure {} does not exist for the item {}.", ("UofM",))
PRICE = Reason(6042, "The unit price {} is negative.", ("UnitPrice",))
SITE_UNKNOWN = Reason(6035, "The site {} does not exist.", ("WarehouseKey",))
NOT_AT_SITE = Reason(6036, "The item {} is not assigned to the site {}.", ("WarehouseKey",))
ACCOUNT_UNKNOWN = Reason(6037, "The account {} does not exist or is not active.", ("SalesGLAccountKey",))
TOTAL_WRONG = Reason(6038, "The line's amount is {}, not {}.", ("TotalAmount",))
BELOW_DONE = Reason(
    6039, "The quantity of the item {} is below what is allocated or invoiced.", ("Quantity",)
)
IN_HISTORY = Reason(6040, "The document {} is in history.", ("Key",))
ALREADY_INVOICED = Reason(6041, "A part of the document {} is invoiced.", ("Key",))


def refuse(errors: list[ValidationError]) -> None:
    """Raise a validation fault where there are errors."""
    if errors:
        raise SoapFaultError(VALIDATION, tuple(errors))


def judge(proposal: Proposal, desk: Desk, old: SalesDocument | None) -> list[ValidationError]:
    """Return what is against a document; `old` is the one it would take the place of."""
    document = proposal.document
    found = [
        *_of_customer(document, desk, old),
        *_of_header(proposal, desk, old),
        *_of_widths(document),
    ]
    if not document.lines:
        found.append(NO_LINES.of(_name(document)))
    totals = dict(proposal.line_totals)
    for line in document.lines:
        found += _of_line(line, document, desk, totals.get(line.sequence))
    return found


def _name(document: SalesDocument) -> str:
    return f"Sales{document.type}"


def _of_customer(document: SalesDocument, desk: Desk, old: SalesDocument | None) -> Iterator[ValidationError]:
    name, customer = _name(document), desk.company.customers.get(document.customer_id)
    if customer is None:
        yield CUSTOMER_UNKNOWN.of(name, document.customer_id)
        return
    if old is not None and collation_key(old.customer_id) != collation_key(customer.id):
        yield CUSTOMER_CHANGED.of(name)
    if not customer.is_active:
        yield CUSTOMER_INACTIVE.of(name, customer.id)
    if customer.is_on_hold and desk.selected.get(policies.CHECK_HOLD):
        yield CUSTOMER_ON_HOLD.of(name, customer.id)
    if (
        document.type != "Quote"
        and desk.selected.get(policies.CHECK_CREDIT)
        and _over(document, customer, old)
    ):
        yield CREDIT_EXCEEDED.of(name, customer.id)
    if document.ship_to and find_address(customer.addresses, document.ship_to) is NO_ADDRESS:
        yield ADDRESS_UNKNOWN.of(name, document.ship_to)


def _over(document: SalesDocument, customer: Customer, old: SalesDocument | None) -> bool:
    """Balance, what is on order and this document together against the limit (facts 2.8, inferred)."""
    limit = customer.credit_limit
    if limit.unlimited:
        return False
    owed = customer.receivables.balance + customer.receivables.on_order
    more = functional(document, document.total) - (functional(old, old.total) if old else ZERO)
    return more > 0 and owed + more > (limit.amount or ZERO)


def functional(document: SalesDocument, amount: Decimal) -> Decimal:
    """Return an amount of a document in the company's own currency."""
    return (amount * EXCHANGE_RATES.get(document.currency, Decimal(1))).quantize(Decimal("0.01"))


def _of_header(proposal: Proposal, desk: Desk, old: SalesDocument | None) -> Iterator[ValidationError]:
    document, sales = proposal.document, desk.sales
    name = _name(document)
    numbering = sales.numbering(document.type, document.document_type) if document.document_type else None
    if numbering is None or proposal.type_sent not in ("", document.type):
        yield TYPE_UNKNOWN.of(name, document.document_type)
    if not document.batch and document.type != "Quote" and (old is None or old.batch):
        yield BATCH_MISSING.of(name)
    if (
        document.batch
        and not desk.selected.get(policies.CREATE_BATCH)
        and not sales.batches.get(document.batch)
    ):
        yield BATCH_UNKNOWN.of(name, document.batch)
    if document.on is not None and (document.on.year, document.on.month) in sales.closed_periods:
        yield PERIOD_CLOSED.of(name, document.on.isoformat())
    for value, there, reason in (
        (document.shipping_method, sales.shipping_methods, SHIPPING_UNKNOWN),
        (document.price_level, sales.price_levels, LEVEL_UNKNOWN),
        (document.site, sales.sites, SITE_UNKNOWN),
        (document.currency, tuple(EXCHANGE_RATES), CURRENCY_UNKNOWN),
    ):
        if value and not _among(value, there):
            yield reason.of(name, value)
    for currency in sorted(proposal.currencies - {document.currency}):
        yield CURRENCY_MIXED.of(name, currency, document.currency)


def _among(value: str, there: tuple[str, ...]) -> bool:
    return collation_key(value) in map(collation_key, there)


def _of_widths(document: SalesDocument) -> Iterator[ValidationError]:
    texts = {member: (getattr(document, member), width) for member, width in WIDTHS.items()}
    own = document.user_defined
    for number in range(1, 6):
        texts[f"text{number}"] = getattr(own, f"text{number}"), _USER_DEFINED_WIDTH
    for member, (written, width) in texts.items():
        if len(written.rstrip(" ")) > width:
            yield TOO_LONG.of(_name(document), member, width)


def _of_line(
    line: SalesLine, document: SalesDocument, desk: Desk, total: Decimal | None
) -> Iterator[ValidationError]:
    name = f"{_name(document)}Line"
    yield from _of_item(line, name, desk)
    if line.quantity <= 0 or line.cancelled < 0 or line.back_ordered < 0 or line.cancelled > line.quantity:
        yield QUANTITY.of(name, line.quantity, line.item_id)
    elif line.remaining < 0 or line.quantity - line.cancelled < line.allocated:
        yield BELOW_DONE.of(name, line.item_id)
    if line.unit_price < 0:
        yield PRICE.of(name, line.unit_price)
    for account_id in {line.sales_account, line.cost_account, line.inventory_account} - {""}:
        account = desk.company.accounts.get(account_id)
        if account is None or not account.is_active:
            yield ACCOUNT_UNKNOWN.of(name, account_id)
    if total is not None and not desk.selected.get(policies.TOTAL) and total != line.extended:
        yield TOTAL_WRONG.of(name, line.extended, total)


def _of_item(line: SalesLine, name: str, desk: Desk) -> Iterator[ValidationError]:
    if line.is_non_inventory:
        return
    item = desk.sales.items.get(line.item_id)
    if item is None:
        yield ITEM_UNKNOWN.of(name, line.item_id)
        return
    if item.is_discontinued:
        yield ITEM_DISCONTINUED.of(name, item.id)
    if item.schedule.in_base(line.unit) is None:
        yield UNIT_UNKNOWN.of(name, line.unit, item.id)
    if not _among(line.site, desk.sales.sites):
        yield SITE_UNKNOWN.of(name, line.site)
    elif item.at(line.site) is None:
        yield NOT_AT_SITE.of(name, item.id, line.site)
    if line.quantity != round(line.quantity, item.quantity_decimals):
        yield QUANTITY.of(name, line.quantity, item.id)
