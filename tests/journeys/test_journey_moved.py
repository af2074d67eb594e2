"""Records that move: merged, deleted and restored by people in Zoho, renamed in GP. Nothing is made twice.

What people do in Zoho is seen by the next run that has anything to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from systems import World, assert_quiet, gp_options, opened

MERGED, DELETED, ANEW, RENAMED = "ADAMPARK0001", "ASTORSUI0001", "BLUEYOND0001", "COHOWINE0001"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("moved"), gp=gp_options(0), mappings=()) as world:
        [account] = world.seed({"Account_Name": "Nobody of ours"})
        world.seed({"Last_Name": "Nobody", "Account_Name": {"id": account}}, module="Contacts")
        world.first("customers")
        yield world


def contact(world: World, key: str) -> dict[str, Any]:
    [found] = world.contacts(key)
    return found


def delete(world: World, key: str) -> str:
    """A person deletes the Account of this customer."""
    target_id = str(world.account(key)["id"])
    world.zoho_call("POST", "delete/Accounts", {"ids": [target_id]})
    return target_id


def actions(world: World, key: str) -> list[str]:
    return [row["action"] for row in world.story(key)]


def test_a_merged_account_goes_on_as_the_one_that_stayed(world: World) -> None:
    ours = world.account(MERGED)["id"]
    [master] = world.seed({"Account_Name": "Adam Park, the whole group", "Website": "www.adampark.example"})
    world.zoho_call("POST", "merge/Accounts", {"master": master, "children": [ours]})
    before = len(world.accounts())
    world.change(MERGED, set={"class_id": "AFTER"})
    world.sync("customers")
    merged = world.account(MERGED)
    assert (merged["id"], len(world.accounts())) == (master, before)
    assert (merged["Account_Name"], merged["Website"]) == ("Adam Park Resort", "www.adampark.example")
    assert merged["GP_Customer_Class"] == "AFTER"
    assert contact(world, MERGED)["Account_Name"]["id"] == master
    told = actions(world, MERGED)
    assert told.count("record:lost") == 1
    assert "record:matched" in told
    assert_quiet(world, "customers")


def test_a_deleted_account_waits_and_goes_on_when_it_is_restored(world: World) -> None:
    target_id = delete(world, DELETED)
    world.change(DELETED, set={"class_id": "AFTER"})
    world.sync("customers", code=1)
    assert world.held()[DELETED]["code"] in ("DELETED_IN_TARGET", "PARENT_WAITS")
    assert not [a for a in world.accounts() if a.get("GP_Customer_ID") == DELETED]
    world.sync("customers", code=1)
    world.zoho_call("POST", "restore/Accounts", {"ids": [target_id]})
    world.ok("held", "retry", DELETED)
    assert world.held() == {}
    restored = world.account(DELETED)
    assert (restored["id"], restored["GP_Customer_Class"]) == (target_id, "AFTER")
    assert contact(world, DELETED)["Account_Name"]["id"] == target_id
    assert actions(world, DELETED).count("record:found_again") == 1


def test_a_deleted_account_is_made_anew_where_the_settings_say_so(world: World) -> None:
    target_id = delete(world, ANEW)
    world.write_settings(sync__recreate_deleted="true")
    world.change(ANEW, set={"class_id": "BEFORE"})
    world.sync("customers")
    world.write_settings(sync__recreate_deleted="false")
    assert world.account(ANEW)["id"] != target_id
    assert contact(world, ANEW)["Account_Name"]["id"] == world.account(ANEW)["id"]
    assert world.held() == {}


def test_a_deleted_contact_waits_alone(world: World) -> None:
    person = contact(world, ANEW)
    world.zoho_call("POST", "delete/Contacts", {"ids": [person["id"]]})
    world.change(ANEW, set={"class_id": "AFTER"})
    world.sync("customers", code=1)
    assert world.account(ANEW)["GP_Customer_Class"] == "AFTER"
    [hold] = world.here("held", "list", "--json").json["held"]
    assert (hold["mapping"], hold["code"]) == ("customer_contacts", "DELETED_IN_TARGET")
    world.zoho_call("POST", "restore/Contacts", {"ids": [person["id"]]})
    world.ok("held", "retry", ANEW)
    assert world.held() == {}
    assert contact(world, ANEW)["id"] == person["id"]


def test_a_customer_renamed_in_gp_is_not_made_twice(world: World) -> None:
    account, person = world.account(RENAMED), contact(world, RENAMED)
    world.change(RENAMED, rename="COHO-NEW")
    world.sync("customers", code=1)
    assert {key: hold["code"] for key, hold in world.held().items()}["COHO-NEW"] in (
        "LOOKS_RENAMED",
        "PARENT_WAITS",
    )
    assert world.account(RENAMED)["id"] == account["id"]
    world.ok("links", "move", RENAMED, "COHO-NEW", "--reason", "the customer modifier")
    assert world.account("COHO-NEW")["id"] == account["id"]
    moved = contact(world, "COHO-NEW")
    assert (moved["id"], moved["Account_Name"]["id"]) == (person["id"], account["id"])
    assert world.held() == {}
    assert "record:moved" in actions(world, "COHO-NEW")
