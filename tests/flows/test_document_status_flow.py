"""What becomes of documents in the ERP is told to the CRM: once, and never something older."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from sales_world import SalesWorld

from memory_crm import DyingDatabase
from memory_crm import KilledError as StoreKilledError
from memory_documents import Fault, KilledError, lost, unsure
from memory_sales import DEALS, ORDERS
from ml_connector.core.record import fold_key
from ml_connector.core.sales import Kind
from ml_connector.store.database import Database

ORDER, OTHER, DEAL = "5725767000000000900", "5725767000000000901", "71"


@pytest.fixture
def sales(database: Database) -> SalesWorld:
    """An order of two and one of three pieces, both of a deal; both are in the ERP."""
    world = SalesWorld(database)
    world.crm.edit(DEALS, DEAL)
    world.crm.edit(ORDERS, ORDER, Deal_Name__id=DEAL)
    world.crm.edit(ORDERS, OTHER, {"Quantity": Decimal(3)}, Deal_Name__id=DEAL)
    world.pass_time(minutes=1)
    world.run()
    world.follow()
    world.pass_time(minutes=10)
    return world


def told(world: SalesWorld, key: str = ORDER, module: str = ORDERS) -> tuple[object, ...]:
    found = world.crm.told(module, key)
    return found["GP_Order_Status"], found["GP_Invoiced_Amount"], found["GP_Invoices"]


def number(world: SalesWorld, key: str = ORDER) -> str:
    return world.became(ORDERS, key).linked.number


def test_what_is_invoiced_is_told_with_the_invoice_and_of_the_deal(sales):
    invoice = sales.erp.invoice(number(sales))
    sales.follow()
    assert told(sales) == ("Invoiced", Decimal("379.90"), invoice)
    assert told(sales, DEAL, DEALS) == ("Partly invoiced", Decimal("379.90"), invoice)
    assert sales.crm.told(DEALS, DEAL)["GP_Ordered_Amount"] == Decimal("949.75")
    assert told(sales, OTHER) == ("Entered", 0, None)
    written = len(sales.crm.written)
    sales.pass_time(minutes=10)
    sales.follow()
    assert len(sales.crm.written) == written
    assert sales.is_quiet()  # our own writes come back, and are none
    assert sales.sent() == ["create", "create"]


def test_voided_and_partly_invoiced(sales):
    sales.erp.void(Kind.ORDER, number(sales))
    line = next(
        one for one in sales.erp.every() if one.document.number == number(sales, OTHER)
    ).document.lines[0]
    sales.erp.invoice(number(sales, OTHER), {line.sequence: Decimal(1)})
    sales.follow()
    assert told(sales)[0] == "Voided"
    assert told(sales, OTHER)[:2] == ("Partly invoiced", Decimal("189.95"))
    assert sales.crm.told(ORDERS, ORDER)["GP_Ordered_Amount"] == 0


def test_what_no_list_shows_is_seen_within_a_day(sales):
    sales.pass_time(hours=3)
    sales.erp.put(sales.only_like(number(sales), "ORDST9"))
    sales.follow()  # from here on it looks no further back than that one
    before = next(one for one in sales.erp.every() if one.document.number == number(sales))
    sales.erp.advance(number(sales), before.document.lines[0].sequence, allocated=Decimal(2))
    key = Kind.ORDER, fold_key(number(sales))
    sales.erp._kept[key] = replace(sales.erp._kept[key], modified_at=before.modified_at)
    sales.follow()
    assert told(sales)[0] == "Entered"
    sales.pass_time(hours=25)
    sales.follow()
    assert told(sales)[0] == "Allocated"


def test_documents_of_others_cost_no_reading(sales):
    sales.follow()  # ours once more: they were read within the doubt of both clocks
    sales.erp.put(sales.only_like(number(sales), "ORDST9"))
    sales.erp.calls.made.clear()
    sales.pass_time(hours=1)
    assert "read" not in sales.follow()["counts"]
    assert sales.erp.calls.made == ["list_documents"]


def test_what_is_gone_is_read_no_more(sales):
    sales.erp.remove(Kind.ORDER, number(sales))
    sales.pass_time(hours=25)
    assert sales.follow()["counts"]["gone"] == 1
    sales.pass_time(hours=25)
    assert "gone" not in sales.follow()["counts"]


def test_what_was_deleted_in_the_erp_is_held_although_nobody_changed_it_in_the_crm(sales):
    sales.erp.remove(Kind.ORDER, number(sales))
    sales.pass_time(hours=25)
    sales.follow()
    sales.run()
    assert sales.held() == ["DOCUMENT_GONE"]
    sales.pass_time(hours=25)
    sales.follow()
    sales.run()
    assert (sales.held(), sales.sent()) == (["DOCUMENT_GONE"], ["create", "create"])


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("at", range(1, 8))
def test_killed_at_any_commit(sales, at, committed):
    invoice = sales.erp.invoice(number(sales))
    good = sales.database
    sales.database = DyingDatabase(good, at, committed)
    with suppress(StoreKilledError):
        sales.follow()
    sales.database = good
    sales.pass_time(minutes=10)
    sales.follow()
    assert told(sales) == ("Invoiced", Decimal("379.90"), invoice)
    assert sales.is_quiet()


@pytest.mark.parametrize("fault", [lost, unsure, lambda: Fault(KilledError())])
@pytest.mark.parametrize("side", ["erp", "crm"])
@pytest.mark.parametrize("at", range(3))
def test_whatever_call_fails_it_is_told_at_last(sales, side, fault, at):
    invoice = sales.erp.invoice(number(sales))
    getattr(sales, side).calls.faults[:] = [*[None] * at, fault()]
    with suppress(KilledError):
        sales.follow()
    getattr(sales, side).calls.faults.clear()
    sales.pass_time(minutes=10)
    sales.follow()
    assert told(sales) == ("Invoiced", Decimal("379.90"), invoice)
