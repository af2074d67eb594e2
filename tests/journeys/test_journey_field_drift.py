"""A person changes fields of GP's in Zoho: ``reconcile fields`` by the real command, over both wires."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from systems import World, counts, gp_options, opened

KEY, OTHER, GONE = "AARONFIT0001", "ADAMPARK0001", "ASTORSUI0001"


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Every mapping as shipped: Accounts of customers and vendors, and Contacts."""
    with opened(tmp_path_factory.mktemp("drift"), gp=gp_options(30, 12), mappings=()) as world:
        world.first()
        world.settle()
        yield world


@pytest.fixture
def world(synced: World) -> World:
    """Nothing differs, and what differs is let be."""
    synced.write_settings(sync__changed_in_zoho="'let_be'")
    reconcile(synced, "--put-back")
    synced.forget()
    return synced


def reconcile(world: World, *words: str, code: int = 0) -> dict[str, Any]:
    return dict(world.ok("reconcile", "fields", *words, "--json", code=code).json)


def differences(told: dict[str, Any]) -> dict[tuple[str, str], tuple[object, object]]:
    return {(one["key"], one["field"]): (one["ours"], one["theirs"]) for one in told["differences"]}


def edit(world: World, target_id: str, **values: object) -> None:
    time.sleep(1.1)  # Zoho's stamps are to the second
    world.edit(target_id, **values)


def test_what_zoho_made_of_our_values_is_no_difference(world: World) -> None:
    """Every field of every mapping as shipped: amounts, dates, check boxes, lookups, texts of several lines."""
    linked = dict(world.rows("SELECT entity, COUNT(*) FROM links GROUP BY entity"))
    for words in ((), ("--all",), ()):
        told = reconcile(world, *words)
        assert (told["ok"], told["differences"], told["gone"]) == (True, [], [])
        if "--all" in words:
            assert {name: one["records"] for name, one in told["compared"].items()} == linked
    assert world.writes() == {}


def test_it_is_shown_with_both_values_and_let_be(world: World) -> None:
    account = world.account(KEY)
    city, balance = account["Billing_City"], account["GP_Balance"]
    edit(
        world,
        account["id"],
        Billing_City="Elgin",
        GP_Balance=1.25,
        GP_Customer_On_Hold=True,
        Website="a.example",
    )
    world.forget()
    said = world.ok("reconcile", "fields", code=1)
    [line] = [line for line in said.out.splitlines() if "Billing_City" in line]
    assert line.split() == ["customers", KEY, account["id"], "Accounts.Billing_City", *city.split(), "Elgin"]
    assert "Website" not in said.out
    assert "changed_in_zoho" in said.out
    assert "reconcile fields --put-back" in said.out
    assert world.operations() == {}, "GP is not asked"
    told = reconcile(world, code=1)
    assert told["changed_in_zoho"] == "let_be"
    assert differences(told) == {
        (KEY, "Billing_City"): (city, "Elgin"),
        (KEY, "GP_Balance"): (str(balance), "1.25"),
        (KEY, "GP_Customer_On_Hold"): (False, True),
    }
    assert told["compared"]["customers"]["news"] == 0
    assert world.writes() == {}
    assert world.sync("customers") == {"customers": {}}, "let be"
    assert world.account(KEY)["Billing_City"] == "Elgin"
    story = [row for row in world.story(KEY) if row["action"] == "record:found_changed"]
    assert [row["after"] for row in story] == [
        {"Billing_City": "Elgin", "GP_Customer_On_Hold": True},
        {"GP_Balance": "1.25"},
    ]


def test_it_costs_a_credit_a_module_where_little_changed(world: World) -> None:
    edit(world, world.account(KEY)["id"], Billing_City="Elgin")
    operations = reconcile(world, "customers", code=1)["cost"]["zoho_operations"]
    assert operations["query"] == 2  # Accounts, Contacts
    assert "read" not in operations


def test_the_setting_puts_it_back(world: World) -> None:
    account, other = world.account(KEY), world.account(OTHER)
    [contact] = world.contacts(OTHER)
    edit(world, account["id"], Billing_City="Elgin", GP_Balance=1.25, Website="a.example")
    edit(world, other["id"], GP_Customer_ID=None)
    world.edit(contact["id"], module="Contacts", Last_Name="Somebody", Salutation="Dr.")
    world.write_settings(sync__changed_in_zoho="'put_back'")
    world.forget()
    told = reconcile(world)
    assert differences(told).keys() == {
        (KEY, "Billing_City"),
        (KEY, "GP_Balance"),
        (OTHER, "GP_Customer_ID"),
        (OTHER, "Last_Name"),
    }
    assert counts(told["flows"]["customers"]) == {"updated": 3, "unchanged": 1}
    assert (world.writes(), world.writes("Contacts")) == ({"update": 2}, {"update": 1})
    assert world.operations()["GetCustomerByKey"] == 2, "GP is asked for these alone"
    after = world.account(KEY)
    assert {name: after[name] for name in ("Billing_City", "GP_Balance", "Website")} == {
        "Billing_City": account["Billing_City"],
        "GP_Balance": account["GP_Balance"],
        "Website": "a.example",
    }
    assert world.account(OTHER)["id"] == other["id"]
    [now] = world.contacts(OTHER)
    assert (now["Last_Name"], now["Salutation"]) == (contact["Last_Name"], "Dr.")
    assert differences(reconcile(world)) == {}
    last = world.story(KEY, "customer_accounts")[-1]
    assert (last["action"], last["before"]["Billing_City"]) == ("record:updated", "Elgin")


def test_once_by_the_option_and_what_gp_says_by_now(world: World) -> None:
    edit(world, world.account(KEY)["id"], GP_Customer_Class="BY HAND")
    world.change(KEY, set={"class_id": "BY GP"})
    said = world.ok("reconcile", "fields", "customers", "--put-back")
    assert "put back" in said.out
    assert world.account(KEY)["GP_Customer_Class"] == "BY GP"
    assert reconcile(world)["differences"] == []


def test_after_a_run_that_did_not_come_to_its_end_it_does_not_guess(world: World) -> None:
    """What that run wrote and could not record would look like a person's change."""
    world.sync("customers")
    last = "(SELECT MAX(started_at) FROM runs WHERE flow = 'customers')"
    world.rewrite(f"UPDATE runs SET state = 'away' WHERE started_at = {last}")
    told = reconcile(world, code=4)
    assert told["happened"].startswith("The last run of customers did not come to its end")
    assert "ml-connector sync customers" in told["remedy"]
    assert reconcile(world, "vendors")["ok"]
    world.sync("customers")
    assert reconcile(world)["ok"]


def test_before_the_first_load_there_is_nothing_to_compare(tmp_path) -> None:
    with opened(tmp_path, gp=gp_options(0, 0)) as world:
        said = world.run("reconcile", "fields")
        assert said.code == 3
        assert "first load" in said.text


def test_a_customer_that_is_a_vendor_too_has_each_field_of_one_flow(world: World) -> None:
    world.gp.control("POST", "vendors", {"id": "BOTH0001", "name": world.account(KEY)["Account_Name"]})
    world.sync()
    account = world.account(KEY)
    assert account["GP_Vendor_ID"] == "BOTH0001"
    assert reconcile(world, "--all")["differences"] == []
    edit(world, account["id"], Account_Name="Renamed by hand", GP_Vendor_Terms="BY HAND")
    told = reconcile(world, code=1)
    assert {(one["flow"], one["field"]) for one in told["differences"]} == {
        ("customers", "Account_Name"),
        ("vendors", "GP_Vendor_Terms"),
    }
    reconcile(world, "--put-back")
    assert reconcile(world, "--all")["differences"] == []
    assert world.account(KEY)["id"] == account["id"]


def test_a_record_that_is_gone_is_told(world: World) -> None:
    gone = world.account(GONE)["id"]
    world.zoho_call("POST", "delete/Accounts", {"ids": [gone]})
    told = reconcile(world, "customers", "--all", code=1)
    assert [(one["key"], one["target_id"]) for one in told["gone"]] == [(GONE, gone)]
    assert differences(told) == {(GONE, "Account_Name"): (gone, None)}, "its Contact has lost it"
    assert f"not compared: {GONE}" in world.ok("reconcile", "fields", "customers", code=1).out
