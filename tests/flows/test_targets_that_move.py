"""Records of the CRM that people merge, delete, restore or hide, and records of the ERP that get another key."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ml_connector.core.match import Verdict
from world import CUSTOMER, World, done


@pytest.fixture
def world(world: World) -> World:
    """One customer, linked, and an index that has seen it."""
    world.texts["customers"] = [CUSTOMER]
    world.customer("C0")
    world.customer("C1", name="Acme")
    world.first("customers")
    world.customer("C0", city="Elgin")
    world.sync()
    return world


def acme(world: World) -> str:
    [target_id] = world.target.by_key("C1")
    return target_id


def something_changes(world: World) -> None:
    """A run with nothing to do does not look at the target; one that has, sees everything."""
    world.customer("C0", city=f"Town {world.runs}")
    world.sync()


def codes(world: World) -> set[tuple[str, str]]:
    return {(hold.source_key, hold.code) for hold in world.held()}


# ---- merged


def test_a_merged_account_s_key_leads_to_the_master(world: World) -> None:
    loser, master = acme(world), world.target.seed("Acme Worldwide", City="Oslo")
    world.target.merge(loser, master, "GP_Customer_ID")
    something_changes(world)
    assert (world.held(), acme(world)) == ([], master)
    assert world.target.records[master]["City"] == "Chicago"
    assert len(world.target.of()) == 2
    assert "record:lost" in {action for _, action in world.told("C1")}
    world.customer("C1", city="Rome")
    world.sync()
    assert world.target.records[master]["City"] == "Rome"


def test_a_merged_account_is_found_again_by_its_name(world: World) -> None:
    loser, master = acme(world), world.target.seed("ACME")
    world.target.merge(loser, master)
    something_changes(world)
    assert (world.held(), acme(world)) == ([], master)


def test_a_merged_account_of_which_nothing_is_left_waits_for_a_person(world: World) -> None:
    world.target.merge(acme(world), world.target.seed("Something else"))
    something_changes(world)
    assert codes(world) == {("C1", "DELETED_IN_TARGET")}
    assert len(world.target.of()) == 2
    world.target.writes.clear()
    something_changes(world)
    assert len(world.target.writes) == 1


def test_two_of_our_accounts_that_a_person_merged_are_not_both_written_into_one(world: World) -> None:
    other = world.target.by_key("C0")[0]
    world.target.merge(acme(world), other)
    something_changes(world)
    assert codes(world) == {("C1", "DELETED_IN_TARGET")}
    assert world.target.records[other]["GP_Customer_ID"] == "C0"
    assert world.target.records[other]["Account_Name"] == "Company C0"


# ---- deleted, restored, hidden


def test_what_a_person_deleted_is_held_and_not_made_again(world: World) -> None:
    world.target.gone.add(acme(world))
    something_changes(world)
    assert codes(world) == {("C1", "DELETED_IN_TARGET")}
    world.customer("C1", city="Rome")
    world.sync()
    assert codes(world) == {("C1", "DELETED_IN_TARGET")}
    assert len(world.target.of()) == 1


def test_what_a_person_deleted_is_made_anew_where_the_settings_say_so(world: World) -> None:
    world.change(recreate_deleted=True)
    old = acme(world)
    world.target.gone.add(old)
    something_changes(world)
    assert world.held() == []
    assert acme(world) != old
    world.customer("C1", city="Rome")
    world.sync()
    assert world.target.records[acme(world)]["City"] == "Rome"


def test_a_released_deletion_is_made_anew_once(world: World) -> None:
    world.target.gone.add(acme(world))
    something_changes(world)
    world.decided("C1", Verdict(released=frozenset({"DELETED_IN_TARGET"})))
    world.sync()
    assert (world.held(), world.verdict("C1")) == ([], {})
    world.target.gone.add(acme(world))
    something_changes(world)
    assert codes(world) == {("C1", "DELETED_IN_TARGET")}


def test_what_is_restored_goes_on_and_its_hold_closes(world: World) -> None:
    target_id = acme(world)
    world.target.gone.add(target_id)
    something_changes(world)
    world.customer("C1", city="Rome")
    world.sync()
    world.target.gone.clear()  # it keeps its old stamp: only a whole reading of the index shows it
    world.clock.sleep(timedelta(days=1, hours=1).total_seconds())
    something_changes(world)
    assert (world.held(), acme(world)) == ([], target_id)
    assert world.target.records[target_id]["City"] == "Rome"
    assert {"record:lost", "record:found_again", "record:released"} <= {a for _, a in world.told("C1")}


def test_what_cannot_be_seen_waits_until_it_is_seen_again(world: World) -> None:
    target_id = acme(world)
    world.target.hidden.add(target_id)
    world.customer("C1", city="Rome")
    assert done(world.sync()) == {"held": 1}
    assert codes(world) == {("C1", "TARGET_GONE")}
    something_changes(world)
    assert codes(world) == {("C1", "TARGET_GONE")}
    assert len(world.target.of()) == 1
    world.target.hidden.clear()
    world.target.edit(target_id)
    something_changes(world)
    assert world.held() == []
    assert world.target.records[target_id]["City"] == "Rome"


def test_a_lost_record_is_not_made_anew_because_deleted_ones_are(world: World) -> None:
    world.change(recreate_deleted=True)
    world.target.hidden.add(acme(world))
    world.customer("C1", city="Rome")
    world.sync()
    something_changes(world)
    assert codes(world) == {("C1", "TARGET_GONE")}


def test_an_account_of_customer_and_vendor_that_is_deleted_holds_both(world: World) -> None:
    world.source.put("V1", "vendors", name="Acme", vendor_id="V1")
    world.first("vendors")
    target_id = acme(world)
    assert world.target.by_key("V1", "GP_Vendor_ID") == [target_id]
    world.target.gone.add(target_id)
    something_changes(world)
    world.sync("vendors")
    assert codes(world) == {("C1", "DELETED_IN_TARGET"), ("V1", "DELETED_IN_TARGET")}


# ---- renamed in the source


def test_a_new_key_that_looks_like_one_that_is_no_more_waits(world: World) -> None:
    del world.source.rows["customers"]["C1"]
    world.customer("D1", name="ACME")
    assert done(world.sync()) == {"held": 1}
    [hold] = world.held()
    assert (hold.source_key, hold.code, hold.detail["candidates"]) == ("D1", "LOOKS_RENAMED", acme(world))
    assert "C1" in hold.happened
    assert "ml-connector links move C1 D1." in hold.remedy
    assert len(world.target.of()) == 2


def test_a_namesake_of_a_key_that_still_exists_is_a_record_of_its_own(world: World) -> None:
    world.source.fetched.clear()
    world.customer("D1", name="ACME")
    assert done(world.sync()) == {"created": 1}
    assert world.source.fetched == ["D1", "C1"]  # the other was asked for, as the listing did not name it
    assert len(world.target.of()) == 3


def test_a_released_renaming_is_a_record_of_its_own(world: World) -> None:
    del world.source.rows["customers"]["C1"]
    world.customer("D1", name="ACME")
    world.sync()
    world.decided("D1", Verdict(released=frozenset({"LOOKS_RENAMED"})))
    assert done(world.sync()) == {"created": 1}
    assert (world.held(), world.verdict("D1")) == ([], {})


def test_a_namesake_whose_key_has_a_colon_is_a_record_of_its_own(world: World) -> None:
    world.customer("E:1", name="Colon")
    world.sync()
    world.customer("E2", name="Colon")
    assert done(world.sync()) == {"created": 1}


# ---- what a person decided


@pytest.fixture
def twins(world: World) -> list[str]:
    """Two Accounts that C2 could be, and that it is held for."""
    seeded = [world.target.seed("Twin", City="Oslo"), world.target.seed("TWIN")]
    world.customer("C2", name="Twin")
    world.sync()
    assert codes(world) == {("C2", "AMBIGUOUS_MATCH")}
    return seeded


def test_what_was_chosen_is_joined_and_the_verdict_is_used_up(world: World, twins: list[str]) -> None:
    world.decided("C2", Verdict(chosen=twins[0]))
    assert done(world.sync()) == {"matched": 1}
    assert (world.target.by_key("C2"), world.held(), world.verdict("C2")) == ([twins[0]], [], {})
    assert next(r for r in world.rows("C2") if r["action"] == "record:matched")["reason"] == (
        "Recognised by review."
    )


def test_what_was_rejected_leaves_the_other(world: World, twins: list[str]) -> None:
    world.decided("C2", Verdict(rejected=frozenset({twins[0]})))
    assert done(world.sync()) == {"matched": 1}
    assert (world.target.by_key("C2"), world.held()) == ([twins[1]], [])


def test_when_all_are_rejected_it_is_new(world: World, twins: list[str]) -> None:
    world.decided("C2", Verdict(rejected=frozenset(twins)))
    assert done(world.sync()) == {"created": 1}
    assert world.held() == []


def test_a_rejection_goes_on_to_count_when_our_own_record_is_deleted(world: World, twins: list[str]) -> None:
    world.decided("C2", Verdict(rejected=frozenset(twins)))
    world.sync()
    [made] = world.target.by_key("C2")
    world.target.gone.add(made)
    world.customer("C2", city="Rome")
    world.sync()
    assert {hold.code for hold in world.held()} == {"DELETED_IN_TARGET"}
    assert world.target.by_key("C2") == []


def test_what_was_declined_is_not_made_until_that_is_released(world: World) -> None:
    world.decided("C2", Verdict(declined=True))
    world.customer("C2", name="Nobody wants it")
    assert done(world.sync()) == {"held": 1}
    assert codes(world) == {("C2", "DECLINED")}
    world.decided("C2", Verdict(declined=True, released=frozenset({"DECLINED"})))
    assert done(world.sync()) == {"created": 1}
    assert world.held() == []


def test_a_chosen_record_of_another_customer_is_never_taken(world: World, twins: list[str]) -> None:
    world.decided("C2", Verdict(chosen=acme(world)))
    world.sync()
    assert codes(world) == {("C2", "AMBIGUOUS_KEY")}
    assert world.target.records[acme(world)]["GP_Customer_ID"] == "C1"


def test_a_chosen_record_that_is_gone_waits(world: World, twins: list[str]) -> None:
    world.target.hidden.add(twins[0])
    world.decided("C2", Verdict(chosen=twins[0]))
    world.sync()
    assert codes(world) == {("C2", "TARGET_GONE")}


def test_a_linked_record_moves_to_what_was_chosen(world: World) -> None:
    old, new = acme(world), world.target.seed("The right one", City="Oslo")
    world.decided("C1", Verdict(chosen=new))
    world.target.edit(old, GP_Customer_ID=None)  # the person took the key off the wrong one
    world.sync()
    assert (acme(world), world.held()) == (new, [])
    assert world.target.records[new]["City"] == "Chicago"
