"""What sales keeps goes from Zoho back into GP, a telephone number or an address; what both changed waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from systems import World, assert_settled, gp_options, opened

KEY = "AARONFIT0001"
PHONE = 'Phone = { from = ["bill_to.phone1", "bill_to.phone1_extension", "bill_to.country"], transform = "phone" }'
SALES = """
[sales.master_edits]
enabled = true
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Every customer is an Account, and from now on telephone number and street are what sales says."""
    with opened(tmp_path, gp=gp_options(0)) as world:
        world.first("customers")
        path = world.own_mappings() / "customer_accounts.toml"
        text = path.read_text("utf-8")
        text = text.replace(PHONE, PHONE.replace(" }", ', owner = "zoho" }'))
        street = 'transform = "lines" }\nBilling_City'
        assert (PHONE not in text, text.count(street)) == (True, 1)
        path.write_text(text.replace(street, 'transform = "lines", owner = "zoho" }\nBilling_City'), "utf-8")
        world.settings.write_text(world.settings.read_text("utf-8") + SALES, "utf-8")
        world.sync("customers")
        time.sleep(1.1)  # stamps are to the second
        yield world


def phone(world: World, key: str = KEY) -> str:
    return str(address(world, key)["phone1"]).strip()


def address(world: World, key: str = KEY) -> dict[str, Any]:
    [customer] = [one for one in world.customers() if one["id"].rstrip() == key]
    return dict(customer["addresses"][0])


def went(world: World, key: str = KEY) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [
        (row["before"], row["after"])
        for row in world.story(key, "(back)")
        if row["action"] == "record:updated"
    ]


def assert_quiet(world: World) -> None:
    """Two runs more write nothing, neither there nor here."""
    world.settle("customers")
    world.forget()
    for _ in range(2):
        world.sync("customers")
    assert world.writes() == {}
    assert "UpdateCustomer" not in world.operations()


def test_what_sales_changes_goes_into_gp_and_comes_back_as_nothing_new(world: World) -> None:
    account, city = world.account(KEY), address(world)["city"]
    assert "policy of UpdateCustomer" in world.ok("ping").text
    world.edit(account["id"], Phone="312-555-0199", Billing_Street="One Way\nGate 2")
    assert world.sync("customers")["customers"]["back"] == 1
    there = address(world)
    assert (there["phone1"].strip(), there["line1"].strip(), there["line2"].strip(), there["city"]) == (
        "31255501990000",
        "One Way",
        "Gate 2",
        city,
    )
    [(before, after)] = went(world)
    assert before["bill_to.phone1"] == "3125550102"
    assert after["bill_to.phone1"] == "31255501990000"
    assert_quiet(world)
    assert world.account(KEY)["Phone"] == "312-555-0199"
    assert_settled(world)


def test_what_both_changed_waits_for_a_person(world: World) -> None:
    account = world.account(KEY)
    world.change(KEY, address={"id": "PRIMARY", "phone1": "31255501770000"})
    world.edit(account["id"], Phone="312-555-0199")
    assert world.sync("customers", code=1)["customers"]["held"] == 1
    hold = world.held()[KEY]
    assert (hold["code"], hold["mapping"], hold["field"]) == ("CHANGED_ON_BOTH_SIDES", "(back)", "Phone")
    assert "312-555-0177" in hold["happened"]
    assert phone(world) == "31255501770000"
    world.ok("held", "release", KEY, "--reason", "sales called them")
    assert phone(world) == "31255501990000"
    assert world.held() == {}
    assert [before["bill_to.phone1"] for before, _ in went(world)] == ["3125550177"]
    assert_quiet(world)
    assert_settled(world)


def test_an_edit_whose_answer_is_lost_is_found_again(world: World) -> None:
    world.edit(world.account(KEY)["id"], Phone="312-555-0199")
    world.gp_faults({"operation": "UpdateCustomer", "kind": "cut_after_work", "count": 1})
    world.sync("customers")
    assert phone(world) == "31255501990000"
    assert len(went(world)) == 1
    assert_quiet(world)
    assert world.operations().get("UpdateCustomer", 0) == 0
    assert_settled(world)
