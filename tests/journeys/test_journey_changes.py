"""What one change in GP moves: exactly its fields, on exactly its record, at the next sync."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from systems import World, gp_options, opened

OURS = ("Modified_Time", "Modified_By", "Last_Activity_Time")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("changes"), gp=gp_options(30, 20)) as world:
        world.write_settings(sync__addresses_every_seconds="0")
        world.first()
        yield world


def moved(world: World, before: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Account id -> the fields in which it differs now; new ones with their key."""
    old = {account["id"]: account for account in before}
    changed = {}
    for account in world.accounts():
        was = old.pop(account["id"], {})
        fields = {name for name in account | was if account.get(name) != was.get(name) and name not in OURS}
        if fields:
            changed[account["id"]] = fields
    assert old == {}
    return changed


CHANGES = {
    "address": (
        {"address": {"city": "Tromsø"}},
        {"Billing_City", "Shipping_City", "GP_Customer_As_Of"},
        True,
    ),
    "balance": (
        {"balance": {"last_payment": "321.25"}},
        {"GP_Last_Payment", "GP_Financials_As_Of"},
        False,
    ),
    "name": ({"set": {"name": "Quite Another Name"}}, {"Account_Name", "GP_Customer_As_Of"}, True),
    "class": ({"set": {"class_id": "ANOTHER"}}, {"GP_Customer_Class", "GP_Customer_As_Of"}, True),
    "on hold": ({"set": {"is_on_hold": True}}, {"GP_Customer_On_Hold", "GP_Customer_As_Of"}, True),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_a_customer(world: World, name: str) -> None:
    change, fields, reads = CHANGES[name]
    key = plain_customer(world)
    before, target_id = world.accounts(), world.account(key)["id"]
    time.sleep(1.1)  # as-of instants are to the second
    world.gp.control("POST", f"customers/{key}", change)
    world.forget()
    assert world.sync("customers") == {"customers": {"updated": 1}}
    assert moved(world, before) == {target_id: fields}
    assert world.operations().get("GetCustomerByKey", 0) == int(reads)
    assert world.writes() == {"update": 1}


def plain_customer(world: World) -> str:
    """A customer with one address for everything, a limit, nothing owed before now, and no vendor beside it."""
    accounts = {a["GP_Customer_ID"]: a for a in world.accounts() if a.get("GP_Customer_ID")}
    return next(
        c["id"]
        for c in world.customers()
        if c["default_address"] == c["bill_to_address"] == c["ship_to_address"]
        and c["credit_limit"]["amount"] is not None
        and not accounts[c["id"]].get("GP_Vendor_ID")
    )


def test_a_new_customer(world: World) -> None:
    world.settle()
    before = world.accounts()
    address = {"id": "PRIMARY", "line1": "Storgata 1", "city": "Tromsø", "country": "Norway"}
    record = {"id": "JOURNEY", "name": "Journey & Sønner", "class_id": "NEW", "addresses": [address]}
    world.gp.control("POST", "customers", record)
    world.forget()
    assert world.sync() == {"customers": {"created": 1}, "vendors": {}}
    [(target_id, fields)] = moved(world, before).items()
    assert {"GP_Customer_ID", "Account_Name", "Billing_City"} <= fields
    assert world.account("JOURNEY")["id"] == target_id
    assert world.account("JOURNEY")["Account_Name"] == "Journey & Sønner"
    assert world.operations()["GetCustomerByKey"] == 1


def test_payables_of_a_vendor(world: World) -> None:
    owed = next(d for d in world.gp.control("GET", "documents?limit=1000")["rows"] if float(d["balance"]) > 0)
    account = world.account(owed["vendor_id"], "GP_Vendor_ID")
    before = world.accounts()
    time.sleep(1.1)  # as-of instants are to the second
    new = {k: v for k, v in owed.items() if k not in ("id", "balance", "modified_at")}
    world.gp.control("POST", "documents", {"id": "JOURNEY1", **new})
    world.forget()
    assert world.sync("vendors") == {"vendors": {"updated": 1}}
    [(target_id, fields)] = moved(world, before).items()
    assert target_id == account["id"]
    assert any(name.endswith("As_Of") for name in fields)
    assert all(name.startswith("GP_") for name in fields)
    assert "GetVendorByKey" not in world.operations()


def test_an_e_mail_comes_with_the_next_change_of_its_record(world: World) -> None:
    """No stamp and no list of GP shows an e-mail (facts.md 2.6): it is read when the record is read for another reason.

    That is a limit, and the README says so.
    """
    world.settle()  # a record that is read once more would bring it
    key = plain_customer(world)
    before, target_id = world.accounts(), world.account(key)["id"]
    world.gp.control("POST", f"customers/{key}", {"email": {"to": "tromso@example.com"}})
    assert world.sync("customers") == {"customers": {}}
    world.gp.control("POST", f"customers/{key}", {"touch": True})
    assert world.sync("customers") == {"customers": {"updated": 1}}
    assert moved(world, before) == {target_id: {"GP_Email", "GP_Customer_As_Of"}}


def test_nothing_changed_moves_nothing(world: World) -> None:
    world.settle()
    before = world.accounts()
    world.forget()
    assert world.sync() == {"customers": {}, "vendors": {}}
    assert moved(world, before) == {}
    assert world.writes() == {}
    assert not {"GetCustomerByKey", "GetVendorByKey"} & world.operations().keys()
