"""Recognising what is there: one company is one Account, what is ambiguous waits, what was not approved is not done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from systems import World, gp_options, opened


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, gp=gp_options(0)) as world:
        yield world


def customer(world: World, key: str, name: str, **more: object) -> None:
    world.gp.control("POST", "customers", {"id": key, "name": name, **more})


def vendor(world: World, key: str, name: str, **more: object) -> None:
    world.gp.control("POST", "vendors", {"id": key, "name": name, **more})


def held(world: World) -> dict[str, dict[str, object]]:
    """Key -> its hold, one of them if there are several."""
    return {hold["key"]: hold for hold in world.here("held", "list", "--json").json["held"]}


def test_a_customer_that_is_also_a_vendor_is_one_account(world: World) -> None:
    customer(world, "BOTH-C", "Bóth Sides, Inc.", class_id="CLS")
    vendor(world, "BOTH-V", "BOTH SIDES INC", class_id="VND")
    world.first()
    [both] = [a for a in world.accounts() if "sides" in a["Account_Name"].lower()]
    assert (both["GP_Customer_ID"], both["GP_Vendor_ID"]) == ("BOTH-C", "BOTH-V")
    assert (both["Account_Name"], both["Account_Type"]) == ("Bóth Sides, Inc.", "Customer")
    assert (both["GP_Customer_Class"], both["GP_Vendor_Class"]) == ("CLS", "VND")
    assert both["Billing_City"] in (None, "")
    world.gp.control(
        "POST", "vendors/BOTH-V", {"address": {"city": "Vendorville"}, "set": {"class_id": "VN2"}}
    )
    world.sync()
    [both] = [a for a in world.accounts() if a.get("GP_Vendor_ID") == "BOTH-V"]
    assert (both["Billing_City"] in (None, ""), both["GP_Vendor_Class"]) == (True, "VN2")


def test_what_is_ambiguous_waits_until_a_person_puts_the_key_on_one(world: World) -> None:
    customer(world, "TWIN", "Twin Peaks Ltd", class_id="PEAK")
    one, other = world.seed({"Account_Name": "Twin Peaks Ltd"}, {"Account_Name": "TWIN PEAKS, Ltd."})
    world.first("customers", code=1)
    assert set(held(world)) == {"TWIN"}
    assert held(world)["TWIN"]["code"] == "AMBIGUOUS_MATCH"
    assert {one, other} == set(str(held(world)["TWIN"]["detail"]["candidates"]).split(", "))
    assert not [a for a in world.accounts() if a.get("GP_Customer_ID") == "TWIN"]
    world.edit(other, GP_Customer_ID="TWIN")
    world.ok("held", "retry", "TWIN")
    assert held(world) == {}
    assert world.account("TWIN")["id"] == other
    assert world.account("TWIN")["GP_Customer_Class"] == "PEAK"
    assert [a.get("GP_Customer_ID") for a in world.accounts() if a["id"] == one] == [None]
    story = [row["action"] for row in world.here("audit", "show", "TWIN", "--json").json["rows"]]
    assert story.count("record:matched") == 3
    assert story.count("record:released") == story.count("record:held") == 3


def test_what_changed_between_plan_and_sync_waits_for_another_approval(world: World) -> None:
    customer(world, "NEWCO", "Newco Trading", class_id="NEW")
    approve = world.plan("customers")
    [person] = world.seed({"Account_Name": "newco trading", "Phone": "555 1000"})
    world.sync("customers", approve=approve, code=1)
    assert {key: hold["code"] for key, hold in held(world).items()} == {"NEWCO": "CHANGED_SINCE_APPROVAL"}
    untouched = [a for a in world.accounts() if a["id"] == person]
    assert [(a["Account_Name"], a.get("GP_Customer_ID")) for a in untouched] == [("newco trading", None)]
    world.sync("customers", code=1)
    world.run("held", "retry", "NEWCO")
    assert not [a for a in world.accounts() if a.get("GP_Customer_ID") == "NEWCO"]
    world.sync("customers", approve=world.plan("customers"))
    assert held(world) == {}
    assert world.account("NEWCO")["id"] == person
    assert world.account("NEWCO")["Account_Name"] == "Newco Trading"
    rows = world.here("audit", "show", "NEWCO", "--json").json["rows"]
    matched = next(r for r in rows if (r["action"], r["mapping"]) == ("record:matched", "customer_accounts"))
    assert matched["before"]["Account_Name"] == "newco trading"


def test_a_company_without_vendors_is_synced(world: World) -> None:
    for vendor_id in [v["id"] for v in world.vendors()]:
        world.gp.control("DELETE", f"vendors/{vendor_id}")
    done = world.first()
    assert done["customers"]["created"] == len(world.customers())
    assert world.sync() == {"customers": {}, "vendors": {}}
