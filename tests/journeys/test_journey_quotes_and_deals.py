"""Quotes and won deals of Zoho become documents of GP, and a person says which order a sales order is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from systems import World, gp_options, opened

AARON, SDRAM = "AARONFIT0001", "128 SDRAM"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(Path(tmp_path_factory.mktemp("deals")), gp=gp_options(0), provisioned=False) as world:
        world.write_settings(
            flows_vendors__enabled="false",
            flows_gl_accounts__enabled="true",
            flows_journal_entries__enabled="true",
            flows_journal_entries__after='["gl_accounts", "customers"]',
            flows_profitability__enabled="true",
            sales_orders__enabled="true",
            sales_quotes__enabled="true",
            sales_deals__enabled="true",
            sales_deals__item=f"'{SDRAM}'",
            sales_deals__settle_hours="0",
        )
        world.here("provision", "--yes")
        world.first("customers", "gl_accounts", "journal_entries")
        for flow in ("sales_orders", "sales_quotes", "won_deals"):
            world.sync(flow)
        yield world


def make(world: World, module: str, **fields: object) -> str:
    """A record that a person makes; its id."""
    record = {"Account_Name": {"id": world.account(AARON)["id"]}, **fields}
    made = world.zoho_call("POST", f"create/{module}", {"records": [record]})
    assert not made["errors"], made
    return str(made["ids"][0])


def line(world: World, quantity: int) -> dict[str, object]:
    (product,) = world.seed({"Product_Name": "Memory", "Product_Code": SDRAM}, module="Products")
    return {"Product_Name": {"id": product}, "Quantity": quantity, "List_Price": 189.95}


def in_zoho(world: World, module: str, record: str) -> dict[str, Any]:
    (found,) = (row for row in world.records(module) if row["id"] == record)
    return dict(found)


def in_gp(world: World, kind: str, prefix: str = "Z") -> dict[str, Any]:
    rows = world.gp.control("GET", f"sales?type={kind}&limit=1000")["rows"]
    return {row["id"].rstrip(): row for row in rows if row["id"].startswith(prefix)}


def test_a_quote_becomes_one(world: World) -> None:
    items = [line(world, 3)]
    made = make(world, "Quotes", Subject="Memory", Quote_Stage="Delivered", Quoted_Items=items)
    world.sync("sales_quotes")
    told = in_zoho(world, "Quotes", made)
    assert in_gp(world, "Quote")[told["GP_Quote_Number"]]["total"] == "569.85"
    assert told["GP_Quote_Status"] == "Entered"


def test_a_won_deal_with_a_sales_order_is_left_to_that(world: World) -> None:
    deal = make(world, "Deals", Deal_Name="Left alone", Stage="Closed Won", Amount=189.95)
    make(world, "Sales_Orders", Subject="Its own", Deal_Name={"id": deal}, Ordered_Items=[line(world, 1)])
    world.sync("won_deals")
    assert in_gp(world, "Order", "ZD") == {}
    world.sync("sales_orders")
    (number,) = in_gp(world, "Order")
    assert in_zoho(world, "Deals", deal)["GP_Order_Number"] == number


def test_a_person_says_that_a_sales_order_is_the_order_of_its_won_deal(world: World) -> None:
    deal = make(world, "Deals", Deal_Name="Memory", Stage="Closed Won", Amount=189.95)
    world.sync("won_deals")
    number = in_zoho(world, "Deals", deal)["GP_Order_Number"]
    assert in_gp(world, "Order", "ZD")[number]["total"] == "189.95"
    items = [line(world, 2)]
    made = make(world, "Sales_Orders", Subject="Memory", Deal_Name={"id": deal}, Ordered_Items=items)
    world.sync("sales_orders", code=1)
    assert world.held()[made]["code"] == "ALREADY_ORDERED"
    assert world.run("held", "release", made, "--link", "NO SUCH", "--reason", "so").code == 1
    world.ok("held", "release", made, "--link", number, "--reason", "entered twice")
    assert world.held() == {}
    assert in_zoho(world, "Sales_Orders", made)["GP_Order_Number"] == number
    assert len(in_gp(world, "Order")) == 2
    world.forget()
    for flow in ("won_deals", "sales_orders", "document_status"):
        world.sync(flow)
    assert len(in_gp(world, "Order")) == 2
    assert (world.writes("Deals"), world.writes("Sales_Orders")) == ({}, {})


def invoiced(world: World, number: str) -> str:
    """GP invoices the order and posts the invoice, whose number it is."""
    (row,) = (r for key, r in in_gp(world, "Order").items() if key == number)
    before = set(in_gp(world, "Invoice", ""))
    world.gp.control("POST", f"sales/Order/{row['id']}", {"invoice": True, "post": True})
    (invoice,) = set(in_gp(world, "Invoice", "")) - before
    return str(invoice)


def lines_of(world: World, invoice: str) -> dict[str, str]:
    """Zoho's journal lines of the invoice: their keys, and the deal that each points to."""
    rows = [row for row in world.records("GL_Journal_Lines") if row["GP_Document"] == invoice]
    return {row["GP_Line_Key"]: (row["GP_Deal"] or {}).get("id", "") for row in rows}


def test_what_was_posted_of_an_order_points_to_its_deal_whichever_comes_first(world: World) -> None:
    deal = make(world, "Deals", Deal_Name="Told of first", Stage="Closed Won", Amount=189.95)
    world.sync("won_deals")
    invoice = invoiced(world, in_zoho(world, "Deals", deal)["GP_Order_Number"])
    world.sync("journal_entries")
    before = lines_of(world, invoice)
    assert set(before.values()) == {""}
    world.sync("document_status")
    assert in_zoho(world, "Deals", deal)["GP_Invoices"] == invoice
    world.sync("journal_entries")
    assert lines_of(world, invoice) == dict.fromkeys(before, deal)
    world.sync("profitability")
    assert in_zoho(world, "Deals", deal)["GP_Revenue"] == 189.95
    assert in_zoho(world, "Deals", deal)["GP_Documents"] is None


def ordered_of(world: World, deal: str) -> tuple[Any, ...]:
    """What Zoho's deal is told of its orders."""
    names = ("GP_Order_Number", "GP_Order_Status", "GP_Ordered_Amount", "GP_Invoiced_Amount", "GP_Invoices")
    told = in_zoho(world, "Deals", deal)
    return tuple(told[name] for name in names)


def test_an_order_that_gp_itself_made_from_a_quote_counts_for_its_deal_once(world: World) -> None:
    deal, other = (
        make(world, "Deals", Deal_Name=name, Stage="Qualification") for name in ("Quoted", "Ordered")
    )
    about = {"Subject": "Quoted", "Quote_Stage": "Delivered", "Deal_Name": {"id": deal}}
    quote = make(world, "Quotes", **about, Quoted_Items=[line(world, 1)])
    world.sync("sales_quotes")
    ours = in_zoho(world, "Quotes", quote)["GP_Quote_Number"]
    number = world.gp.control("POST", f"sales/Quote/{ours}", {"transfer": True})["order"]["id"].rstrip()
    world.sync("document_status")
    assert in_zoho(world, "Quotes", quote)["GP_Quote_Status"] == "In history"
    assert ordered_of(world, deal) == (number, "Entered", 189.95, 0, None)
    before = set(in_gp(world, "Invoice", ""))
    world.gp.control("POST", f"sales/Order/{number}", {"invoice": True, "post": True})
    (invoice,) = set(in_gp(world, "Invoice", "")) - before
    world.sync("document_status")
    world.sync("journal_entries")
    told = (number, "Invoiced", 189.95, 189.95, invoice)
    assert ordered_of(world, deal) == told
    assert set(lines_of(world, invoice).values()) == {deal}
    # A sales order of another deal is this order, says a person: it counts there, and no more for its quote's.
    about = {"Subject": "Ordered", "Deal_Name": {"id": other}, "Quote_Name": {"id": quote}}
    made = make(world, "Sales_Orders", **about, Ordered_Items=[line(world, 1)])
    world.sync("sales_orders", code=1)
    assert world.held()[made]["code"] == "ALREADY_ORDERED"
    world.ok("held", "release", made, "--link", number, "--reason", "made from the quote")
    assert (ordered_of(world, deal), ordered_of(world, other)) == ((None,) * 5, told)
    world.sync("journal_entries")
    assert set(lines_of(world, invoice).values()) == {other}
    world.forget()
    for flow in ("sales_quotes", "sales_orders", "document_status", "journal_entries"):
        world.sync(flow)
    assert (world.writes("Deals"), world.writes("GL_Journal_Lines")) == ({}, {})


def test_the_lines_of_an_order_follow_it_to_another_deal(world: World) -> None:
    one, other = (make(world, "Deals", Deal_Name=name, Stage="Qualification") for name in ("One", "Other"))
    made = make(world, "Sales_Orders", Subject="Its", Deal_Name={"id": one}, Ordered_Items=[line(world, 2)])
    world.sync("sales_orders")
    invoice = invoiced(world, in_zoho(world, "Sales_Orders", made)["GP_Order_Number"])
    world.sync("document_status")
    world.sync("journal_entries")
    assert set(lines_of(world, invoice).values()) == {one}
    change = {"id": made, "Deal_Name": {"id": other}}
    world.zoho_call("POST", "edit/Sales_Orders", {"records": [change]})
    world.sync("sales_orders")
    world.sync("journal_entries")
    assert set(lines_of(world, invoice).values()) == {other}
    for _ in range(2):
        world.forget()
        world.sync("sales_orders", "document_status", "journal_entries")
    assert world.writes("GL_Journal_Lines") == {}
