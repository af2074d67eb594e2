"""What Fabrikam sells, and its first documents.

Item numbers, units, sites, document type ids and document numbers are from facts 3.4 as far as they stand there
(128 SDRAM, 100XLG, 24X IDE, 1-A3261A, Each, 01-N, STDORD, STDINV, ORDST2228, ORDST2229); prices, stock and the rest
are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ml_connector.simulators.gp.company import Company
from ml_connector.simulators.gp.items import Item, ItemType, Stock, UnitSchedule
from ml_connector.simulators.gp.ledger import SEQUENCE_STEP
from ml_connector.simulators.gp.sales_documents import Batch, Numbering, Sales, SalesDocument, SalesLine

SITES = ("WAREHOUSE", "NORTH", "SOUTH", "01-N")
PRICE_LEVELS = ("RETAIL", "EXTPRCLVL", "WHOLESALE")
SHIPPING_METHODS = ("LOCAL DELIVERY", "GROUND", "OVERNIGHT", "MAIL", "PICKUP")
BATCHES = ("ZOHO", "SALES ORDERS", "SALES QUOTES")

_STAMP = datetime(2017, 4, 12, 16, 0, tzinfo=UTC)
_DAY = date(2017, 4, 12)
_EACH = UnitSchedule("EACH", "Each", (("Each", Decimal(1)),))
_EACH_CASE = UnitSchedule("EACH-CASE", "Each", (("Each", Decimal(1)), ("Case", Decimal(12))))
_HOUR = UnitSchedule("HOUR", "Hour", (("Hour", Decimal(1)), ("Day", Decimal(8))))

# id, description, type, schedule, retail, wholesale, cost, sites
_ITEMS: tuple[tuple[str, str, ItemType, UnitSchedule, str, str, str, tuple[str, ...]], ...] = (
    ("128 SDRAM", "128 meg SDRAM", "Sales Item", _EACH, "189.95", "170.00", "92.44", ("WAREHOUSE", "NORTH")),
    ("100XLG", "Green Phone", "Sales Item", _EACH_CASE, "59.95", "53.95", "55.50", ("WAREHOUSE", "NORTH", "SOUTH")),
    ("24X IDE", "24x CD-ROM", "Sales Item", _EACH, "139.95", "125.00", "61.23", ("WAREHOUSE",)),
    ("1-A3261A", "Multi-Core Processor", "Sales Item", _EACH, "1199.95", "1080.00", "540.00", ("01-N", "WAREHOUSE")),
    ("WIRE100", "Phone Wire - Single line, 100 feet", "Sales Item", _EACH_CASE, "12.75", "11.50", "4.30",
     ("WAREHOUSE", "SOUTH")),
    ("CONSULTING", "Consulting services", "Service", _HOUR, "150.00", "135.00", "0", ("WAREHOUSE",)),
    ("DEAL", "Sale agreed in a deal", "Service", _EACH, "", "", "0", ("WAREHOUSE",)),
    ("SETUP FEE", "Set-up, flat", "Flat Fee", _EACH, "75.00", "75.00", "0", ("WAREHOUSE",)),
)  # fmt: skip


def sales(company: Company) -> Sales:
    """Return the sales of a company with Fabrikam's items; the documents are those of customers that it has."""
    made = Sales(
        sites=SITES,
        price_levels=PRICE_LEVELS,
        shipping_methods=SHIPPING_METHODS,
        numberings=numberings(),
    )
    made.items.load(items())
    made.batches.load(Batch(name, created_at=_STAMP, modified_at=_STAMP) for name in BATCHES)
    made.load(documents(company))
    return made


def numberings() -> tuple[Numbering, ...]:
    """Return the document types, each with the number it gives out next."""
    return (
        Numbering("Quote", "STDQTE", "QTEST", 1050),
        Numbering("Order", "STDORD", "ORDST", 2230),
        Numbering("Order", "REPORD", "REPOR", 1001),
        Numbering("Invoice", "STDINV", "STDINV", 2262),
        Numbering("Invoice", "SVCINV", "SVCIN", 1001),
    )


def items() -> Iterator[Item]:
    """Yield Fabrikam's items."""
    for number, row in enumerate(_ITEMS):
        item_id, description, type_, schedule, retail, wholesale, cost, sites = row
        stocked = type_ == "Sales Item"
        yield Item(
            id=item_id,
            description=description,
            type=type_,
            class_id="RETAIL" if stocked else "SERVICE",
            schedule=schedule,
            selling_unit=schedule.base,
            quantity_decimals=2 if type_ == "Service" else 0,
            prices=(("RETAIL", Decimal(retail)), ("WHOLESALE", Decimal(wholesale))) if retail else (),
            cost=Decimal(cost),
            default_site=sites[0],
            stock=tuple(Stock(site, Decimal(1000 if stocked else 0)) for site in sites),
            sales_account="000-4110-01" if stocked else "000-4110-02",
            created_on=_DAY,
            modified_at=_STAMP + timedelta(minutes=number),
            row_stamp_at=_STAMP + timedelta(minutes=number),
        )


def documents(company: Company) -> Iterator[SalesDocument]:
    """Yield two orders and a quote in Work and a posted invoice, which journal 3010 names as its origin."""
    customer = company.customers.get("AARONFIT0001")
    if customer is None:
        return
    like = SalesDocument(
        type="Order",
        id="ORDST2228",
        customer_id=customer.id,
        customer_name=customer.name.rstrip(),
        lines=(_line("128 SDRAM", 2, "189.95"), _line("24X IDE", 1, "139.95", place=2)),
        document_type="STDORD",
        on=_DAY,
        batch="SALES ORDERS",
        master_number=101,
        salesperson="PAUL W.",
        territory="TERRITORY 1",
        payment_terms=customer.payment_terms,
        price_level="RETAIL",
        site="WAREHOUSE",
        bill_to=customer.bill_to_address,
        ship_to=customer.ship_to_address,
        created_by="sa",
        created_on=_DAY,
        modified_at=_STAMP,
        row_stamp_at=_STAMP,
    )
    yield like
    yield replace(like, id="ORDST2229", lines=(_line("100XLG", 5, "59.95"),), master_number=102)
    quote = replace(like, type="Quote", id="QTEST1049", document_type="STDQTE", batch="SALES QUOTES")
    yield replace(quote, lines=(_line("1-A3261A", 1, "1199.95"),), master_number=103, expires_on=_DAY)
    posted = replace(like, type="Invoice", id="STDINV2261", document_type="STDINV", state="History", batch="")
    sold = (_line("CONSULTING", 3, "150.00", unit="Hour"),)
    yield replace(posted, lines=sold, tax=Decimal("0.10"), master_number=100, posted_on=_DAY)


def _line(item_id: str, quantity: int, price: str, place: int = 1, unit: str = "Each") -> SalesLine:
    item = next(item for item in items() if item.id == item_id)
    return SalesLine(
        sequence=place * SEQUENCE_STEP,
        item_id=item.id,
        quantity=Decimal(quantity),
        description=item.description,
        unit=unit,
        unit_price=Decimal(price),
        unit_cost=item.cost,
        site=item.default_site,
        price_level="RETAIL",
        sales_account=item.sales_account,
        cost_account=item.cost_account,
        inventory_account=item.inventory_account,
    )
