"""What a person decides about records that wait: let through, discarded, moved to another key."""

from __future__ import annotations

import pytest

from ml_connector.core.errors import ConfigurationError, RecordRejectedError
from ml_connector.flows.decide import Decider, Moved, discard, move, release
from ml_connector.store import asked, links, outcomes, verdicts
from ml_connector.store.database import Connection
from ml_connector.store.tables import metadata
from world import World

BY = Decider("sally@desk", "She says so.")


def customer(world: World, key: str, name: str) -> None:
    world.source.put(key, name=name, city="Chicago", customer_id=key, email="")


def ambiguous(world: World) -> None:
    """C1 could be two Accounts of the CRM."""
    world.target.seed("Astor Suites")
    world.target.seed("Astor Suites")
    customer(world, "C1", "Astor Suites")
    world.first("customers")
    assert {hold.code for hold in world.held()} == {"AMBIGUOUS_MATCH"}


def everything(world: World) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the store."""
    with world.database.read() as tx:
        return {
            table.name: sorted((tuple(row) for row in tx.execute(table.select())), key=repr)
            for table in metadata.sorted_tables
        }


def asked_for(tx: Connection) -> list[str]:
    return asked.keys(tx, "-1", "customers")


def test_a_released_hold_goes_through_in_the_next_run(world: World) -> None:
    ambiguous(world)
    let_through = release(world.work(), "c1", BY)
    assert {hold.code for hold in let_through} == {"AMBIGUOUS_MATCH"}
    assert world.held() != []  # it is decided, and done by the run
    with world.database.read() as tx:
        assert asked_for(tx) == ["C1"]  # by the next one, if this one is interrupted
    assert world.sync()["counts"]["created"] == 1
    assert world.held() == []
    assert len(world.target.by_key("C1")) == 1
    told = [row for row in world.rows("C1") if row["action"] == "record:let_through"]
    assert {row["mapping"] for row in told} == {"customer_accounts", "customer_financials"}
    assert {(row["actor"], row["reason"]) for row in told} == {
        ("sally@desk", "Held as AMBIGUOUS_MATCH: She says so.")
    }


def test_a_value_that_the_crm_refuses_cannot_be_released(world: World) -> None:
    customer(world, "C1", "Astor Suites")
    world.target.refuse["Astor Suites"] = RecordRejectedError("Too long.", "Shorten it.", code="INVALID_DATA")
    world.first("customers")
    before = everything(world)
    with pytest.raises(ConfigurationError, match="INVALID_DATA, which nobody can release") as caught:
        release(world.work(), "C1", BY)
    assert caught.value.remedy == "Shorten it."
    assert everything(world) == before


@pytest.mark.parametrize("decide", [release, discard])
def test_a_key_that_does_not_wait_is_told(world: World, decide: object) -> None:
    with pytest.raises(ConfigurationError, match="No record C9"):
        decide(world.work(), "C9", BY)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_decision_needs_a_reason(reason: str) -> None:
    with pytest.raises(ConfigurationError, match="needs a reason"):
        Decider("sally@desk", reason)


def test_a_discarded_record_is_left_alone_until_the_source_changes_it(world: World) -> None:
    ambiguous(world)
    assert discard(world.work(), "C1", BY) != []
    assert world.held() == []
    assert world.target.writes == []
    world.sync()
    assert world.held() == []
    world.clock.sleep(3600)
    customer(world, "C1", "Astor Suites")
    world.sync()
    assert {hold.code for hold in world.held()} == {"AMBIGUOUS_MATCH"}
    discarded = [row for row in world.rows("C1") if row["action"] == "record:discarded"]
    assert len(discarded) == 2
    assert discarded[0]["actor"] == "sally@desk"


def renamed(world: World) -> str:
    """C1, linked, goes on as D1; the target id."""
    customer(world, "C1", "Astor Suites")
    customer(world, "C2", "Northwind")
    world.first("customers")
    del world.source.rows["customers"]["C1"]
    customer(world, "D1", "Astor Suites")
    return world.target.by_key("C1")[0]


def test_a_moved_record_goes_on_under_the_new_key(world: World) -> None:
    target_id = renamed(world)
    world.sync()
    assert {hold.code for hold in world.held()} == {"LOOKS_RENAMED"}
    assert move(world.work(), "C1", "D1", BY) == Moved("D1", [target_id])
    assert {hold.code for hold in world.held()} == {"LOOKS_RENAMED"}  # until it is run
    assert world.sync(keys=("D1",))["counts"]["matched"] == 1
    assert world.held() == []
    assert (world.target.by_key("D1"), world.target.by_key("C1")) == ([target_id], [])
    assert len(world.target.records) == 2
    assert "record:moved" in {action for _, action in world.told("C1")}
    moved = next(row for row in world.rows("D1") if row["action"] == "record:moved")
    assert (moved["target_id"], moved["reason"]) == (target_id, "It was C1: She says so.")


def test_a_move_leaves_nothing_of_the_old_key(world: World) -> None:
    renamed(world)
    work = world.work()
    move(work, "C1", "D1", BY)
    mappings = [mapping.name for mapping in work.flow.mappings]
    with world.database.read() as tx:
        assert links.find(tx, work.pair("Accounts"), ["C1"]) == {}
        assert outcomes.find(tx, "-1", mappings, ["C1"]) == {}
        assert verdicts.find(tx, work.pair("Accounts"), ["D1"])["d1", ""].replaces == "C1"
        assert asked_for(tx) == ["D1"]
    with pytest.raises(ConfigurationError, match="No record of the CRM is linked to C1"):
        move(work, "C1", "D1", BY)
    assert world.sync()["counts"]["matched"] == 1  # interrupted before it was run: the next run does it


def test_a_deleted_record_stays_deleted_under_the_new_key(world: World) -> None:
    customer(world, "C1", "Astor Suites")
    customer(world, "C2", "Northwind")
    world.target.seed("There before")
    world.first("customers")
    world.target.gone |= set(world.target.by_key("C1"))
    customer(world, "C2", "Northwind Traders")
    world.sync()
    del world.source.rows["customers"]["C1"]
    customer(world, "D1", "Astor Suites")
    move(world.work(), "C1", "D1", BY)
    world.sync()
    assert {hold.code for hold in world.held()} == {"DELETED_IN_TARGET"}


def test_a_chosen_record_that_is_gone_is_not_waited_for_for_ever(world: World) -> None:
    target_id = renamed(world)
    world.target.gone.add(target_id)
    move(world.work(), "C1", "D1", BY)
    world.sync(keys=("D1",))
    assert {hold.code for hold in world.held()} == {"TARGET_GONE"}
    release(world.work(), "D1", BY)
    world.sync(keys=("D1",))
    assert world.held() == []
    assert len(world.target.by_key("D1")) == 1


def linked_twice(world: World) -> None:
    renamed(world)
    world.target.records[world.target.by_key("C1")[0]]["Account_Name"] = "Another"
    world.target.stamps[world.target.by_key("C1")[0]] = world.clock.now()
    world.sync()
    assert len(world.target.by_key("D1")) == 1


@pytest.mark.parametrize(
    ("prepare", "old", "new", "said"),
    [
        (renamed, "C1", "c1 ", "one and the same"),
        (renamed, "C2", "D1", "still has C2"),
        (renamed, "C1", "D9", "does not give D9"),
        (renamed, "C7", "D1", "No record of the CRM is linked to C7"),
        (renamed, "C1", "C2", "C2 is linked to the record"),
        (linked_twice, "C1", "D1", "D1 is linked to the record"),
    ],
)
def test_what_was_not_renamed_is_not_moved(
    world: World, prepare: object, old: str, new: str, said: str
) -> None:
    prepare(world)
    before = everything(world)
    with pytest.raises(ConfigurationError, match=said):
        move(world.work(), old, new, BY)
    assert everything(world) == before


def test_a_new_record_that_the_source_refuses_is_not_moved_to(world: World) -> None:
    renamed(world)
    world.source.unreadable["D1"] = RecordRejectedError("It is locked.")
    with pytest.raises(ConfigurationError, match="does not give D1 of customers: It is locked"):
        move(world.work(), "C1", "D1", BY)
