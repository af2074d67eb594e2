"""National accounts: a customer's corporate customer as the Parent_Account of its Account."""

from __future__ import annotations

import pytest

from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.match import Verdict
from world import CONTACT, FAMILY, FINANCIALS, World, done


@pytest.fixture
def world(world: World) -> World:
    world.texts["customers"] = [FAMILY, FINANCIALS]
    return world


def parents(world: World) -> dict[str, str]:
    """Customer -> the customer whose Account stands above it, as the CRM has it."""
    names = {i: str(r["GP_Customer_ID"]) for i, r in world.target.records.items() if r.get("GP_Customer_ID")}
    above = {key: world.target.records[i].get("Parent_Account") for i, key in names.items()}
    return {key: names[str(parent)] for key, parent in above.items() if parent is not None}


def test_a_parent_that_comes_earlier_or_later_in_the_order_of_keys_is_linked_in_the_same_run(
    world: World,
) -> None:
    world.customer("B1", corporate_id="A9")
    world.customer("B2", corporate_id="C9 ")
    world.customer("A9")
    world.customer("C9")
    world.first("customers")
    assert parents(world) == {"B1": "A9", "B2": "C9"}
    assert world.held() == []


def family(world: World) -> None:
    """Eight customers, each below the next one in the order of keys, in windows of two."""
    world.change(window_size=2)
    for n in range(7):
        world.customer(f"C{n}", corporate_id=f"C{n + 1}")
    world.customer("C7")


def test_a_parent_of_a_later_window_is_linked_in_the_same_run(world: World) -> None:
    family(world)
    world.first("customers")
    assert parents(world) == {f"C{n}": f"C{n + 1}" for n in range(7)}


def test_a_record_whose_parent_comes_behind_it_is_read_once(world: World) -> None:
    family(world)
    world.approve("customers")
    world.source.fetched.clear()
    assert world.sync()["state"] == "done"
    assert sorted(world.source.fetched) == [f"C{n}" for n in range(8)]
    assert len(parents(world)) == 7


def test_a_parent_s_keys_are_compared_as_the_erp_does(world: World) -> None:
    world.customer("B1", corporate_id="head")
    world.customer("HEAD ")
    world.first("customers")
    assert parents(world) == {"B1": "HEAD "}


@pytest.mark.parametrize("own", ["C1", "c1", "C1  "])
def test_a_customer_that_is_its_own_parent_has_none(world: World, own: str) -> None:
    world.customer("C1", corporate_id=own)
    world.first("customers")
    assert world.target.only().get("Parent_Account") is None
    world.target.writes.clear()
    world.source.fetched.clear()
    world.sync()
    assert (world.target.writes, world.source.fetched) == ([], [])


def test_an_unknown_parent_is_left_out_until_it_is_there(world: World) -> None:
    world.customer("B1", corporate_id="HEAD")
    world.first("customers")
    assert (world.held(), parents(world)) == ([], {})
    world.source.fetched.clear()
    world.sync()
    assert world.source.fetched == []
    world.customer("HEAD")
    assert done(world.sync()) == {"created": 1, "updated": 1}
    assert parents(world) == {"B1": "HEAD"}


def test_a_held_parent_is_filled_in_when_it_goes_through(world: World) -> None:
    twins = [world.target.seed("Company HEAD"), world.target.seed("Company HEAD")]
    world.customer("B1", corporate_id="HEAD")
    world.customer("HEAD")
    world.first("customers")
    assert {hold.source_key for hold in world.held()} == {"HEAD"}
    assert parents(world) == {}
    world.decided("HEAD", Verdict(chosen=twins[0]))
    world.sync()
    assert (world.held(), parents(world)) == ([], {"B1": "HEAD"})
    assert world.target.records[world.target.by_key("B1")[0]]["Parent_Account"] == twins[0]


def test_a_parent_that_changes_or_ends_is_followed(world: World) -> None:
    for key in ("H1", "H2"):
        world.customer(key)
    world.customer("B1", corporate_id="H1")
    world.first("customers")
    world.customer("B1", corporate_id="H2")
    world.sync()
    assert parents(world) == {"B1": "H2"}
    world.customer("B1", corporate_id=None)
    world.sync()
    assert parents(world) == {}


def test_two_that_are_each_other_s_parent_end(world: World) -> None:
    world.customer("B1", corporate_id="B2")
    world.customer("B2", corporate_id="B1")
    world.first("customers")
    assert parents(world) == {"B1": "B2", "B2": "B1"}
    world.target.writes.clear()
    world.sync()
    assert world.target.writes == []


def test_a_parent_that_was_merged_away_is_followed(world: World) -> None:
    world.customer("HEAD")
    world.customer("B1", corporate_id="HEAD")
    world.first("customers")
    world.customer("B1", city="Rome")
    world.sync()
    [old] = world.target.by_key("HEAD")
    master = world.target.seed("Headquarters")
    world.target.merge(old, master, "GP_Customer_ID")
    world.customer("B1", city="Oslo")
    world.sync()
    assert world.held() == []
    assert parents(world) == {"B1": "HEAD"}
    assert world.target.by_key("HEAD") == [master]


def test_a_child_that_vanished_while_it_waited_is_not_looked_for_for_ever(world: World) -> None:
    world.customer("B1", corporate_id="HEAD")
    world.first("customers")
    del world.source.rows["customers"]["B1"]
    world.customer("HEAD")
    world.sync()
    world.source.fetched.clear()
    world.sync()
    assert world.source.fetched == []
    assert [action for _, action in world.told("B1")].count("record:vanished") <= 1


def test_a_child_that_the_source_refuses_is_tried_once_in_a_run(world: World) -> None:
    world.customer("B1", corporate_id="HEAD")
    world.first("customers")
    world.source.unreadable["B1"] = RecordRejectedError("It is locked.")
    world.customer("HEAD")
    world.source.fetched.clear()
    world.sync()
    assert world.source.fetched.count("B1") == 1


def test_a_parent_s_contact_and_its_child_s_are_each_below_their_own(world: World) -> None:
    world.texts["customers"] = [FAMILY, FINANCIALS, CONTACT]
    world.customer("B1", corporate_id="HEAD", contact_person="Ann Lee", email="ann@acme.example")
    world.customer("HEAD", contact_person="Bob Ray", email="bob@acme.example")
    world.first("customers")
    below = {r["GP_Contact_Key"]: r["Account_Name"] for r in world.target.of("Contacts")}
    assert below == {
        "B1:ann lee": world.target.by_key("B1")[0], "HEAD:bob ray": world.target.by_key("HEAD")[0],
    }  # fmt: skip
