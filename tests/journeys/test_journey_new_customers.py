"""An order of an Account that is no customer yet: the customer is made in GP, once, and the Account stays one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_connector.core.numbering import number_of
from systems import World, assert_settled, gp_options, opened


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, gp=gp_options(0), provisioned=False) as world:
        world.write_settings(
            flows_vendors__enabled="false", sales_orders__enabled="true", sales_new__customers_enabled="true"
        )
        text = world.settings.read_text("utf-8").replace(
            "[sales.new]\ncustomers_enabled", "[sales.new_customers]\nenabled"
        )
        world.settings.write_text(text, "utf-8")
        world.here("provision", "--yes")
        world.first("customers")
        world.sync("sales_orders")
        yield world


def order(world: World, account: str) -> str:
    (product,) = world.seed({"Product_Name": "Memory", "Product_Code": "128 SDRAM"}, module="Products")
    line = {"Product_Name": {"id": product}, "Quantity": 2, "List_Price": 189.95}
    record = {
        "Subject": "Memory",
        "Account_Name": {"id": account},
        "Status": "Approved",
        "Ordered_Items": [line],
    }
    made = world.zoho_call("POST", "create/Sales_Orders", {"records": [record]})
    assert not made["errors"], made
    return str(made["ids"][0])


def in_gp(world: World) -> list[dict[str, Any]]:
    rows = world.gp.control("GET", "sales?type=Order&limit=1000")["rows"]
    return [row for row in rows if row["id"].startswith("ZO")]


@pytest.mark.parametrize("lost", [False, True])
def test_the_customer_is_made_for_the_order(world: World, *, lost: bool) -> None:
    (account,) = world.seed(
        {
            "Account_Name": "Contoso East",
            "Phone": "312-555-0199",
            "Billing_City": "Chicago",
            "Billing_Street": "One Way",
        }
    )
    key, accounts, customers = number_of(account, "ZC"), len(world.accounts()), len(world.customers())
    wanted = order(world, account)
    if lost:
        world.gp_faults({"operation": "CreateCustomer", "kind": "cut_after_work", "count": 1})
    world.sync("sales_orders", code=1)
    assert world.held()[wanted]["code"] == "CREDIT_EXCEEDED"  # GP gives nobody credit by itself
    world.change(key, set={"credit_limit": "10000"})
    world.ok("held", "retry", wanted)
    [there] = in_gp(world)
    assert there["customer_id"].rstrip() == key
    [made] = [one for one in world.customers() if one["id"].rstrip() == key]
    place = made["addresses"][0]
    assert (made["name"].strip(), place["city"].strip(), place["phone1"].strip()) == (
        "Contoso East",
        "Chicago",
        "31255501990000",
    )
    world.sync("customers")
    world.settle("customers")
    assert (len(world.accounts()), len(world.customers())) == (accounts, customers + 1)
    assert world.account(key)["id"] == account
    assert [row["action"] for row in world.story(key, "(back)")] == ["record:created"]
    world.forget()
    world.sync()
    assert (world.writes(), world.operations().get("CreateCustomer", 0), len(in_gp(world))) == ({}, 0, 1)
    assert_settled(world)
