"""Sales orders of Zoho become orders of GP: told of over a channel, or found by a poll; never twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ports import kept_port
from served import LONGEST_SECONDS, Served, serving
from systems import World, gp_options, opened, zoho_options

AARON = "AARONFIT0001"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    zoho = zoho_options(notice_timeout_seconds=LONGEST_SECONDS)
    with kept_port() as port, opened(tmp_path, gp=gp_options(0), zoho=zoho, provisioned=False) as world:
        world.write_settings(
            flows_vendors__enabled="false",
            serve__port=str(port),
            serve__schedule="'0 0 1 1 *'",
            serve__wait_seconds="0",
            webhooks__url=f"'http://127.0.0.1:{port}'",
            webhooks__modules='["Sales_Orders"]',
            webhooks__coalesce_seconds="0.2",
            sales_orders__enabled="true",
        )
        world.here("provision", "--yes")
        world.first("customers")
        yield world


def product(world: World, code: str = "128 SDRAM") -> str:
    (made,) = world.seed({"Product_Name": code, "Product_Code": code}, module="Products")
    return made


def order(world: World, product: str, quantity: int = 2, **more: object) -> str:
    """An order that a person makes in Zoho, which tells of it; its id."""
    line = {"Product_Name": {"id": product}, "Quantity": quantity, "List_Price": 189.95}
    record = {
        "Subject": "Memory",
        "Account_Name": {"id": world.account(AARON)["id"]},
        "Status": "Approved",
        "Purchase_Order": "PO 7",
        "Ordered_Items": [line],
        **more,
    }
    made = world.zoho_call("POST", "create/Sales_Orders", {"records": [record]})
    assert not made["errors"], made
    return str(made["ids"][0])


def in_gp(world: World) -> list[Mapping[str, Any]]:
    """The orders of GP that are ours."""
    rows = world.gp.control("GET", "sales?type=Order&limit=1000")["rows"]
    return [row for row in rows if row["id"].startswith("ZO")]


def in_zoho(world: World, order: str) -> dict[str, Any]:
    (found,) = (row for row in world.records("Sales_Orders") if row["id"] == order)
    return dict(found)


def test_a_person_s_sync_brings_an_order_to_gp_and_its_number_to_zoho(world: World) -> None:
    sold = product(world)
    line = {"Product_Name": {"id": sold}, "Quantity": 1, "List_Price": 189.95}
    made_at = {"Created_Time": "2020-01-01T00:00:00+00:00"}
    old = {"Subject": "Long ago", "Status": "Approved", "Ordered_Items": [line], **made_at}
    world.seed(old, module="Sales_Orders")
    world.sync("sales_orders")
    assert in_gp(world) == []  # what was there before this was switched on is nobody's wish
    made = order(world, sold)
    assert world.sync("sales_orders")["sales_orders"]["created"] == 1
    (there,) = in_gp(world)
    assert (there["customer_id"].rstrip(), there["total"], there["lines"][0]["item_id"]) == (
        AARON,
        "379.90",
        "128 SDRAM",
    )
    told = in_zoho(world, made)
    assert (told["GP_Order_Number"], told["GP_Order_Status"]) == (there["id"], "Entered")
    assert float(told["GP_Ordered_Amount"]) == 379.9
    assert [row["action"] for row in world.story(made, "sales_orders")] == ["record:created"]
    world.forget()
    world.sync("sales_orders")
    assert (len(in_gp(world)), world.writes("Sales_Orders")) == (1, {})
    world.edit(made, module="Sales_Orders", Purchase_Order="PO 8")
    assert world.sync("sales_orders")["sales_orders"]["updated"] == 1
    assert world.held() == {}
    world.gp.control("POST", f"sales/Order/{there['id']}", {"invoice": True, "post": True})
    assert world.sync("document_status")["document_status"]["crm_told"] == 1
    told = in_zoho(world, made)
    assert (told["GP_Order_Status"], float(told["GP_Invoiced_Amount"])) == ("Invoiced", 379.9)
    flows = {flow["flow"]: flow for flow in world.here("flows", "list", "--json").json["flows"]}
    assert flows["document_status"]["listens"] is None
    listens = flows["sales_orders"]["listens"]
    assert (listens["module"], listens["way"]) == ("Sales_Orders", "polled")
    assert listens["known_up_to"]
    assert "polled: Zoho is known up to" in world.ok("flows", "list").out.replace("\n", " ")
    tried = world.ok("ping", "--json").json["systems"]
    assert {"read Sales_Orders one by one", "policy of CreateSalesOrder"} <= {
        check["name"] for checks in tried.values() for check in checks
    }


def test_an_order_that_gp_refuses_waits_with_gp_s_own_reason_and_is_tried_again(world: World) -> None:
    world.sync("sales_orders")
    made = order(world, product(world, "NO SUCH ITEM"))
    world.sync("sales_orders", code=1)
    hold = world.held()[made]
    assert hold["flow"] == "sales_orders"
    assert "NO SUCH ITEM" in hold["happened"]
    (like,) = (one for one in world.gp.control("GET", "items")["rows"] if one["id"] == "128 SDRAM")
    world.gp.control("POST", "items", {**like, "id": "NO SUCH ITEM"})
    world.ok("held", "retry", made)
    # As if Zoho had refused to be told of it, and nothing were to be told any more.
    status = "flow = 'document_status', mapping = 'document_status', closed_at = null"
    world.rewrite(f"update holds set {status} where source_key = ?", made)
    for command in ("release", "discard"):
        refused = world.run("held", command, made, "--reason", "so")
        assert refused.code != 0
        assert "Zoho refuses what document_status writes" in refused.text
    world.ok("held", "retry", made)
    assert world.held() == {}
    assert len(in_gp(world)) == 1
    assert made not in world.held()


def told_in_zoho(served: Served, world: World, order: str) -> dict[str, Any]:
    """The order in Zoho, once it has its number."""

    def found() -> dict[str, Any] | None:
        row = in_zoho(world, order)
        return row if row.get("GP_Order_Number") else None

    return dict(served.until(found, "the number of GP's order"))


def test_told_of_or_polled_every_order_is_one_of_gp(world: World) -> None:
    world.sync("sales_orders")
    sold = product(world)
    with serving(world) as served:
        served.said("Zoho tells of changes in Sales_Orders until ")
        first = order(world, sold)
        assert told_in_zoho(served, world, first)["GP_Order_Number"] == in_gp(world)[0]["id"]
        world.zoho_call("POST", "channels/remove", {})  # and nobody is told
        second = order(world, sold, 3)
        world.rewrite("UPDATE listening SET polled_at = '2026-01-01 00:00:00.000000'")  # as if an hour passed
        told_in_zoho(served, world, second)
        world.ok("channels", "renew", "Sales_Orders")
        third = order(world, sold, 4)
        told_in_zoho(served, world, third)
        world.zoho_call("POST", "notices/wait", {"seconds": LONGEST_SECONDS})
        served.until(lambda: not world.rows("SELECT 1 FROM inbox"), "the end of the inbox")
    quantities = [float(row["lines"][0]["quantity"]) for row in in_gp(world)]
    assert sorted(quantities) == [2, 3, 4]
    assert world.told("record:created")["sales_orders", first] == 1
    world.forget()
    world.sync("sales_orders")
    assert (len(in_gp(world)), world.writes("Sales_Orders")) == (3, {})
