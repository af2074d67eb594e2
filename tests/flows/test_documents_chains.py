"""What the ERP's own people make of our documents: what becomes of the records, and what their deals are told."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sales_world import COMPANY, SalesWorld

from memory_sales import DEALS, ORDERS, QUOTES
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.match import Verdict
from ml_connector.core.sales import Kind, Standing
from ml_connector.store import document_deals, verdicts
from ml_connector.store.database import Database

QUOTE, DEAL, OTHER_DEAL = "5725767000000000950", "71", "72"
ORDER, OTHER = "5725767000000000900", "5725767000000000901"
TOTAL = Decimal("379.90")


@pytest.fixture
def sales(database: Database) -> SalesWorld:
    """A quote of a deal, which is in the ERP."""
    world = SalesWorld(database)
    for deal in (DEAL, OTHER_DEAL):
        world.crm.edit(DEALS, deal)
    world.crm.edit(QUOTES, QUOTE, Deal_Name__id=DEAL)
    world.pass_time(minutes=1)
    world.run(QUOTES)
    world.follow()
    world.pass_time(minutes=20)
    return world


def made_by_gp(world: SalesWorld) -> str:
    """An order that the ERP's people make of the quote, and Zoho is told of."""
    number = world.erp.transfer(world.became(QUOTES, QUOTE).linked.number)
    world.follow()
    world.pass_time(minutes=20)
    return number


def ordered(world: SalesWorld, deal: str = DEAL) -> tuple[object, ...]:
    told = world.crm.told(DEALS, deal)
    return tuple(told.get(name) for name in ("GP_Order_Number", "GP_Ordered_Amount", "GP_Invoiced_Amount"))


def answer(world: SalesWorld, key: str, number: str) -> None:
    """A person says which order of the ERP a sales order is."""
    with world.database.begin() as tx:
        verdict = Verdict(number, "")
        pair, now = world.work(ORDERS).pair, world.clock.now()
        verdicts.put(tx, pair, key, "", verdict, reason="so", actor="anna", at=now)
    world.tell(ORDERS, key)
    world.pass_time(minutes=1)
    world.run()


def belongs_to(world: SalesWorld, number: str) -> str:
    with world.database.read() as tx:
        return document_deals.find(tx, COMPANY, [number]).get(number.casefold(), "")


def test_what_was_made_of_a_quote_counts_for_its_deal_until_it_is_deleted(sales):
    number = made_by_gp(sales)
    assert (ordered(sales), belongs_to(sales, number)) == ((number, TOTAL, 0), DEAL)
    sales.erp.remove(Kind.ORDER, number)
    sales.pass_time(hours=25)  # no list shows what was deleted
    sales.follow()
    assert ordered(sales) == (None, None, None)


def test_of_two_orders_that_were_made_of_a_quote_only_the_other_record_s_is_left_out(sales):
    first, second = made_by_gp(sales), made_by_gp(sales)
    assert ordered(sales) == (f"{first}, {second}", 2 * TOTAL, 0)
    sales.crm.edit(ORDERS, ORDER, Deal_Name__id=OTHER_DEAL, Quote_Name__id=QUOTE)
    answer(sales, ORDER, first)
    sales.erp.invoice(second)
    sales.follow()
    assert ordered(sales) == (second, TOTAL, TOTAL)
    assert ordered(sales, OTHER_DEAL) == (first, TOTAL, 0)
    assert (belongs_to(sales, first), belongs_to(sales, second)) == (OTHER_DEAL, DEAL)


def test_a_sales_order_that_names_no_deal_belongs_to_that_of_its_quote(sales):
    number = made_by_gp(sales)
    sales.crm.edit(ORDERS, ORDER, Quote_Name__id=QUOTE)
    answer(sales, ORDER, number)
    assert (ordered(sales), belongs_to(sales, number)) == ((number, TOTAL, 0), DEAL)


def test_an_order_is_that_of_one_sales_order(sales):
    number = made_by_gp(sales)
    for key in (ORDER, OTHER):
        sales.crm.edit(ORDERS, key, Deal_Name__id=DEAL, Quote_Name__id=QUOTE)
        answer(sales, key, number)
    (hold,) = sales.holds_of("sales_orders")
    assert (hold.source_key, hold.code) == (OTHER, "ALREADY_ORDERED")
    assert hold.happened == f"The order {number} is that of another record of the CRM already: {ORDER}."
    assert ordered(sales) == (number, TOTAL, 0)


def test_an_erp_without_history_has_only_what_came_from_a_quote(sales):
    ours = sales.became(QUOTES, QUOTE).linked.number
    number = sales.erp.transfer(ours)
    sales.erp.remove(Kind.QUOTE, ours)
    sales.follow()
    assert ordered(sales) == (number, TOTAL, 0)
    assert sales.crm.told(QUOTES, QUOTE)["GP_Quote_Status"] == "In history"
    sales.crm.edit(ORDERS, ORDER, Deal_Name__id=DEAL, Quote_Name__id=QUOTE)
    sales.pass_time(minutes=1)
    sales.run()
    assert (sales.held(), sales.sent()) == (["ALREADY_ORDERED"], ["create"])


def sold(world: SalesWorld) -> str:
    """A sales order that is in the ERP under this number."""
    world.crm.edit(ORDERS, ORDER, Deal_Name__id=DEAL)
    world.pass_time(minutes=1)
    world.run()
    world.follow()
    world.pass_time(minutes=20)
    return world.became(ORDERS, ORDER).linked.number


def test_what_an_erp_without_history_invoiced_is_told_and_made_no_second_time(sales):
    number = sold(sales)
    invoice = sales.erp.invoice(number)
    sales.erp.remove(Kind.ORDER, number)
    sales.follow()
    told = sales.crm.told(ORDERS, ORDER)
    assert (told["GP_Order_Status"], told["GP_Invoices"]) == ("Invoiced", invoice)
    assert (ordered(sales), belongs_to(sales, invoice)) == ((number, TOTAL, TOTAL), DEAL)
    sales.crm.edit(ORDERS, ORDER, Deal_Name__id=DEAL)  # nothing of it
    sales.pass_time(minutes=1)
    sales.run()
    assert sales.held() == []
    sales.crm.edit(ORDERS, ORDER, Deal_Name__id=DEAL, Purchase_Order="PO 9")
    sales.pass_time(minutes=1)
    sales.run()
    assert sales.held() == ["DOCUMENT_FINISHED"]
    sales.crm.delete(ORDERS, ORDER)
    sales.pass_time(minutes=1)
    sales.run()
    assert (sales.held(), sales.sent()) == ([], ["create", "create"])
    assert ordered(sales) == (number, TOTAL, TOTAL)


def test_what_is_gone_on_both_sides_counts_for_no_deal(sales):
    number = sold(sales)
    assert ordered(sales) == (number, TOTAL, 0)
    sales.crm.delete(ORDERS, ORDER)
    sales.erp.remove(Kind.ORDER, number)
    sales.pass_time(minutes=1)
    sales.run()
    assert (sales.held(), ordered(sales), belongs_to(sales, number)) == ([], (None, None, None), "")


class Blind:
    """An ERP that cannot show an invoice."""

    def __init__(self, erp: object) -> None:
        self._erp = erp

    def __getattr__(self, name: str) -> object:
        return getattr(self._erp, name)

    def find(self, kind: Kind, number: str) -> Standing | None:
        if kind is Kind.INVOICE:
            raise RecordRejectedError("The invoice is damaged.", "Mend it.", code="DAMAGED")
        return self._erp.find(kind, number)


def test_an_invoice_that_cannot_be_shown_keeps_no_other_order_back(sales):
    number = sold(sales)
    (line,) = (one.document.lines[0] for one in sales.erp.every() if one.document.number == number)
    sales.erp.invoice(number, {line.sequence: Decimal(1)})
    good, sales.erp = sales.erp, Blind(sales.erp)
    sales.crm.edit(ORDERS, ORDER, Deal_Name__id=DEAL, Purchase_Order="77")
    sales.crm.edit(ORDERS, OTHER)
    sales.pass_time(minutes=1)
    assert sales.run()["state"] == "done"
    assert sales.became(ORDERS, OTHER).linked is not None
    sales.erp = good
    sales.pass_time(minutes=20)
    sales.follow()
    assert ordered(sales)[2] > 0
