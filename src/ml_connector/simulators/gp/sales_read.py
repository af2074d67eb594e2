"""A sales document as it was sent, made into one of GP's: what is left out comes from customer, item and set-up.

Defaults from customer and item are confirmed in general (facts 2.9), their detail is inferred. On an update what is
left out is treated as on a create: GP wants the whole object back (facts 2.9, PR-cc508558), so that a field that is
left out loses what it had; that is inferred. Lines are found by their sequence number; those that are not sent stay,
`DeleteOnUpdate` removes one (the member is confirmed, its effect inferred).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from ml_connector.simulators.gp import policies
from ml_connector.simulators.gp import sales_members as names
from ml_connector.simulators.gp.company import EXCHANGE_RATES, Address, Company, Customer, find_address
from ml_connector.simulators.gp.items import Item
from ml_connector.simulators.gp.ledger import SEQUENCE_STEP
from ml_connector.simulators.gp.policies import Selected
from ml_connector.simulators.gp.sales_documents import (
    Discount,
    DocumentType,
    Sales,
    SalesDocument,
    SalesLine,
    UserDefined,
    cents,
)
from ml_connector.simulators.gp.sent import Sent

ZERO = Decimal(0)
_NOBODY = Customer("", "")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A document as it would be kept, and what of the request is needed to judge it."""

    document: SalesDocument
    currencies: frozenset[str]  # of the amounts that were sent
    line_totals: tuple[tuple[int, Decimal], ...]  # (line sequence, TotalAmount as it was sent)
    batch_sent: bool
    type_sent: str  # DocumentTypeKey.Type


@dataclass(frozen=True, slots=True)
class Desk:
    """What a document is made from beside the request: the company, its sales, the selected behaviours."""

    company: Company
    sales: Sales
    selected: Selected


def propose(sent: Sent, kind: DocumentType, desk: Desk, old: SalesDocument | None) -> Proposal:
    """Return the document that a request makes, of nothing or of the one there is."""
    customer = desk.company.customers.get(sent.key("CustomerKey")) or _NOBODY
    type_key = sent.inside("DocumentTypeKey", ("CompanyKey", "Type", "Id"))
    lines = list(sent.items("Lines", f"Sales{kind}Line", names.LINE_MEMBERS[kind]))
    document = _header(sent, kind, desk, customer)
    document = replace(document, document_type=_document_type(type_key.text("Id"), kind, desk, old))
    made = _lines(lines, document, desk, old)
    document = replace(document, lines=tuple(made), tax=_tax(sent, made))
    totals = tuple(
        (line.sequence, total)
        for one, line in zip(_kept(lines), _in_sent_order(made, lines, old), strict=True)
        if (total := one.money("TotalAmount")) is not None
    )
    currencies = frozenset(sent.currencies.union(*(one.currencies for one in lines)))
    return Proposal(document, currencies, totals, bool(sent.key("BatchKey")), type_key.text("Type"))


def _document_type(sent: str, kind: DocumentType, desk: Desk, old: SalesDocument | None) -> str:
    if sent or (old is None and not desk.selected.get(policies.DEFAULT_TYPE)):
        return sent
    if old is not None:
        return old.document_type
    first = desk.sales.numbering(kind, "")
    return first.id if first else ""


def _header(sent: Sent, kind: DocumentType, desk: Desk, customer: Customer) -> SalesDocument:
    percent, amount = sent.choice("TradeDiscount")
    if percent is None and amount is None and customer.trade_discount:
        percent = customer.trade_discount
    made = SalesDocument(
        type=kind,
        id=sent.inside("Key", ("CompanyKey", "Id")).text("Id"),
        customer_id=customer.id or sent.key("CustomerKey"),
        lines=(),
        on=sent.day("Date"),
        customer_name=sent.text("CustomerName") or customer.name.rstrip(),
        customer_po=sent.text("CustomerPONumber"),
        currency=sent.key("CurrencyKey").strip() or customer.currency,
        batch=sent.key("BatchKey"),
        freight=sent.money("FreightAmount") or ZERO,
        miscellaneous=sent.money("MiscellaneousAmount") or ZERO,
        trade_discount=Discount(percent, amount),
        requested_on=sent.day("RequestedShipDate"),
        expires_on=sent.day("ExpirationDate"),
        reference=sent.text("Reference"),
        comment=sent.text("Comment"),
        note=sent.text("Note"),
        user_defined=_user_defined(sent),
        integration_id=sent.text("IntegrationId"),
        integration_source=sent.integer("IntegrationSource"),
        front_office_id=sent.text("FrontOfficeIntegrationId"),
    )
    return _of_customer(made, sent, desk, customer)


def _of_customer(made: SalesDocument, sent: Sent, desk: Desk, customer: Customer) -> SalesDocument:
    """Return a document with what its keys say, or else its customer."""
    main, ship_to = customer.main_address, sent.key("ShipToAddressKey") or customer.ship_to_address
    return replace(
        made,
        salesperson=sent.key("SalespersonKey") or customer.salesperson,
        territory=sent.key("SalesTerritoryKey") or main.territory,
        payment_terms=sent.key("PaymentTermsKey") or customer.payment_terms,
        price_level=sent.key("PriceLevelKey") or customer.price_level,
        shipping_method=sent.key("ShippingMethodKey") or main.shipping_method,
        tax_schedule=sent.key("TaxScheduleKey") or main.tax_schedule,
        site=sent.key("WarehouseKey") or _site(desk, main.warehouse),
        bill_to=sent.key("BillToAddressKey") or customer.bill_to_address,
        ship_to=ship_to,
        ship_to_address=_address(sent)
        if "ShipToAddress" in sent
        else find_address(customer.addresses, ship_to),
    )


def _site(desk: Desk, site: str) -> str:
    return site if desk.selected.get(policies.DEFAULT_SITE) else ""


def _address(sent: Sent) -> Address:
    inside = sent.inside("ShipToAddress", names.BUSINESS_ADDRESS)
    return Address(
        id=sent.key("ShipToAddressKey"),
        name=inside.text("Name"),
        contact=inside.text("ContactPerson"),
        line1=inside.text("Line1"),
        line2=inside.text("Line2"),
        line3=inside.text("Line3"),
        city=inside.text("City"),
        state=inside.text("State"),
        postal_code=inside.text("PostalCode"),
        country=inside.text("CountryRegion"),
        country_code=inside.key("CountryRegionCodeKey"),
        phone1=inside.inside("Phone1", names.PHONE).text("Value"),
        phone2=inside.inside("Phone2", names.PHONE).text("Value"),
        phone3=inside.inside("Phone3", names.PHONE).text("Value"),
        fax=inside.inside("Fax", names.PHONE).text("Value"),
    )


def _user_defined(sent: Sent) -> UserDefined:
    inside = sent.inside("UserDefined", names.USER_DEFINED)
    texts = {f"{kind}{n}": inside.text(f"{kind.title()}0{n}") for kind in ("list", "text") for n in (1, 2, 3)}
    return UserDefined(
        date1=inside.day("Date01"),
        date2=inside.day("Date02"),
        text4=inside.text("Text04"),
        text5=inside.text("Text05"),
        **texts,
    )


def _tax(sent: Sent, lines: list[SalesLine]) -> Decimal:
    """The document's own tax where it is sent, else what the lines say."""
    own = sent.money("TaxAmount")
    return sum((line.tax for line in lines), ZERO) if own is None else own


def _number(one: Sent) -> int:
    return one.inside("Key", names.LINE_KEY).integer("LineSequenceNumber")


def _kept(lines: list[Sent]) -> list[Sent]:
    return [one for one in lines if not one.boolean("DeleteOnUpdate")]


def _numbers(lines: list[Sent], old: SalesDocument | None) -> Iterator[int]:
    """Yield the sequence number of each line that is kept, a new one where none was sent."""
    last = max((line.sequence for line in old.lines), default=0) if old else 0
    last = max([last, *map(_number, lines)])
    for one in _kept(lines):
        if not (number := _number(one)):
            last += SEQUENCE_STEP
            number = last
        yield number


def _in_sent_order(made: list[SalesLine], lines: list[Sent], old: SalesDocument | None) -> list[SalesLine]:
    by_number = {line.sequence: line for line in made}
    return [by_number[number] for number in _numbers(lines, old)]


def _lines(
    lines: list[Sent], document: SalesDocument, desk: Desk, old: SalesDocument | None
) -> list[SalesLine]:
    made = {line.sequence: line for line in old.lines} if old else {}
    for one in lines:
        if one.boolean("DeleteOnUpdate"):
            made.pop(_number(one), None)
    for one, number in zip(_kept(lines), _numbers(lines, old), strict=True):
        made[number] = _line(one, document, desk, made.get(number, SalesLine(number, "", ZERO)))
    return [made[number] for number in sorted(made)]


def _line(one: Sent, document: SalesDocument, desk: Desk, old: SalesLine) -> SalesLine:
    """Return a line; what GP has done with it already stays."""
    is_free = one.boolean("IsNonInventory")
    item = None if is_free else desk.sales.items.get(one.key("ItemKey"))
    level = one.key("PriceLevelKey") or document.price_level
    unit = one.text("UofM").rstrip(" ") or (item.selling_unit if item else "")
    percent, amount = one.choice("Discount")
    cost = one.money("UnitCost")
    site = document.site if item is None or item.at(document.site) else item.default_site
    return replace(
        old,
        item_id=item.id if item else one.key("ItemKey"),
        quantity=one.quantity("Quantity") or ZERO,
        cancelled=one.quantity("QuantityCanceled") or ZERO,
        back_ordered=one.quantity("QuantityToBackorder") or ZERO,
        description=one.text("ItemDescription") or (item.description if item else ""),
        unit=unit,
        unit_price=_price(one, item, (level, unit), document, desk),
        discount=Discount(percent, amount),
        unit_cost=_in_currency(item.cost, document) if item else cost or ZERO,
        tax=one.money("TaxAmount") or ZERO,
        site=one.key("WarehouseKey") or site,
        price_level=level,
        shipping_method=one.key("ShippingMethodKey") or document.shipping_method,
        requested_on=one.day("RequestedShipDate") or document.requested_on,
        comment=one.text("Comment"),
        is_non_inventory=is_free,
        is_drop_ship=one.boolean("IsDropShip"),
        sales_account=one.key("SalesGLAccountKey") or (item.sales_account if item else "000-4110-01"),
        cost_account=one.key("CostOfSalesGLAccountKey") or (item.cost_account if item else ""),
        inventory_account=one.key("InventoryGLAccountKey") or (item.inventory_account if item else ""),
        integration_id=one.text("IntegrationId"),
        integration_source=one.integer("IntegrationSource"),
        front_office_id=one.text("FrontOfficeIntegrationId"),
    )


def _price(
    one: Sent, item: Item | None, asked: tuple[str, str], document: SalesDocument, desk: Desk
) -> Decimal:
    """The caller's price; the item's where the behaviour says "Calculate" or none was sent (facts 2.10).

    That an item without a price keeps the caller's is inferred.
    """
    given, (level, unit) = one.money("UnitPrice"), asked
    own = item.price(level) if item else None
    if item is None or own is None or (given is not None and not desk.selected.get(policies.UNIT_PRICE)):
        return given or ZERO
    return _in_currency(own * (item.schedule.in_base(unit) or 1), document)


def _in_currency(functional: Decimal, document: SalesDocument) -> Decimal:
    return cents(functional / EXCHANGE_RATES.get(document.currency, Decimal(1)))
