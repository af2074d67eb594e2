"""What waits and may heal is tried again by the flow's runs, at growing distances; what cannot heal is not."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from ml_connector.connectors.dynamics_gp import source
from ml_connector.core.errors import RecordRejectedError
from ml_connector.flows.waiting import FEW
from ml_connector.store import holds
from world import CONTACT, CUSTOMER, World, done

LOCKED = RecordRejectedError("It is locked.", "It is tried again.", code="RECORD_LOCKED", heals=True)
TOO_LONG = RecordRejectedError("Too long.", "Correct it.", code="INVALID_DATA", field="City")
HIDDEN = RecordRejectedError("GP hides why.", code="SYSTEM_FAULT", heals=True)
MINUTE, HOUR = 60, 3600


@pytest.fixture
def synced(world: World) -> World:
    """Three customers, written and left alone for an hour."""
    for number in range(3):
        world.source.put(f"C{number}", name=f"Company {number}", customer_id=f"C{number}", city="Chicago")
    world.first("customers")
    world.source.fetched.clear()
    return world


def change(world: World, key: str, **fields: object) -> None:
    """GP stamps it long after the last reading, and the run that sees it comes long after the stamp."""
    world.clock.sleep(HOUR)
    world.source.put(key, **fields)
    world.clock.sleep(HOUR)


def refuse(world: World, error: RecordRejectedError, key: str = "C1") -> None:
    """Zoho refuses what GP changed."""
    name = f"Refused {key}"
    world.target.refuse[name] = error
    change(world, key, name=name)
    world.sync()
    world.source.fetched.clear()


def next_at(world: World, key: str) -> datetime | None:
    [told] = {hold.next_at for hold in world.held() if hold.source_key == key}
    return told


def attempted(world: World, hours: float, every: int = MINUTE) -> list[int]:
    """Run after run for so long: after how many minutes the source was asked for the record."""
    found, began = [], world.clock.now()
    for _ in range(int(hours * HOUR / every)):
        world.clock.sleep(every - 5)  # a run takes five seconds here
        before = len(world.source.fetched)
        world.sync()
        if len(world.source.fetched) > before:
            found.append(round((world.clock.now() - began).total_seconds() / MINUTE))
    return found


def test_what_may_heal_is_tried_at_growing_distances(synced: World) -> None:
    refuse(synced, LOCKED)
    assert attempted(synced, 3) == [5, 10, 20, 40, 80, 160]
    [attempts] = {hold.attempts for hold in synced.held()}
    assert attempts == 7
    assert set(synced.source.fetched) == {"C1"}  # once for both mappings, and nothing else


def test_what_cannot_heal_is_never_tried(synced: World) -> None:
    refuse(synced, TOO_LONG)
    assert attempted(synced, 48, every=HOUR) == []
    assert next_at(synced, "C1") is None
    assert {hold.attempts for hold in synced.held()} == {1}


def test_what_healed_goes_through_by_itself_and_waits_no_longer(synced: World) -> None:
    refuse(synced, LOCKED)
    synced.target.refuse.clear()
    writes = len(synced.target.writes)
    assert done(synced.sync()) == {}  # not due yet
    synced.clock.sleep(5 * MINUTE)
    assert done(synced.sync()) == {"updated": 1}
    assert done(synced.sync()) == {}
    assert len(synced.target.writes) == writes + 1
    assert synced.held() == []
    assert ("customer_accounts", "record:released") in synced.told("C1")


def test_a_record_that_changed_in_the_source_again_takes_its_new_value(synced: World) -> None:
    """What waited is never sent: the record is read anew, whoever asks for the attempt."""
    refuse(synced, LOCKED)
    synced.source.put("C1", city="Boston")  # its stamp is as new as the run's: not listed yet
    synced.target.refuse.clear()
    synced.clock.sleep(5 * MINUTE)
    synced.sync()
    [there] = [row for row in synced.target.of() if row["GP_Customer_ID"] == "C1"]
    assert (there["City"], there["Account_Name"]) == ("Boston", "Refused C1")
    cities = [fields.get("City") for _, fields in synced.target.writes]
    synced.clock.sleep(HOUR)
    synced.sync()
    assert [fields.get("City") for _, fields in synced.target.writes] == cities  # Boston was written once


def test_a_change_counts_before_the_attempt_is_due(synced: World) -> None:
    refuse(synced, LOCKED)
    attempted(synced, 12, every=HOUR)
    synced.target.refuse.clear()
    synced.source.put("C1", limit=Decimal(7))
    assert done(synced.sync()) == {"updated": 1}
    assert synced.held() == []


@pytest.mark.parametrize("when", ["before_write", "after_write"])
def test_a_replay_that_is_done_twice_creates_one(world: World, when: str) -> None:
    """The run breaks off before the create is sent, or when it is made and nobody knows; the next tries again."""
    world.source.put("C1", name="Company 1", customer_id="C1")
    world.source.put("C2", name="Company 2", customer_id="C2")
    world.first("customers")
    world.target.refuse["Company 3"] = LOCKED
    change(world, "C3", name="Company 3", customer_id="C3", city="Chicago")
    assert done(world.sync()) == {"held": 1}
    world.target.refuse.clear()
    world.clock.sleep(5 * MINUTE)
    getattr(world.target, when).append(KeyError("killed here"))
    with pytest.raises(KeyError):
        world.sync()
    assert done(world.sync())["created"] == 1
    world.sync(keys=("C3",))
    assert len(world.target.by_key("C3")) == 1
    assert [action for _, action in world.told("C3")].count("record:created") == 2  # once for each mapping
    assert world.held() == []


def test_another_reason_begins_anew(synced: World) -> None:
    """What waited for weeks for a value and is locked now is tried soon, not once a day."""
    refuse(synced, TOO_LONG)
    synced.clock.sleep(21 * 24 * HOUR)
    synced.target.refuse["Refused C1"] = LOCKED
    synced.sync(keys=("C1",))
    told = next_at(synced, "C1")
    assert told is not None
    assert told - synced.clock.now() <= timedelta(minutes=5)
    synced.target.refuse["Refused C1"] = TOO_LONG
    synced.sync(keys=("C1",))
    assert next_at(synced, "C1") is None


def test_what_a_person_tries_meanwhile_does_not_lengthen_the_distance(synced: World) -> None:
    refuse(synced, LOCKED)
    for _ in range(20):
        synced.sync(keys=("C1",))
    told = next_at(synced, "C1")
    assert told is not None
    assert told - synced.clock.now() <= timedelta(minutes=5)


def test_of_many_that_the_source_refuses_a_few_are_tried_by_one_run(world: World) -> None:
    """A source that refuses many in a row is taken for one that is away: the flow would come to a stand."""
    for number in range(20):
        world.source.put(f"C{number:02}", name=f"Company {number}", customer_id=f"C{number:02}")
    world.first("customers")
    for number in range(12):
        world.source.unreadable[f"C{number:02}"] = HIDDEN
        world.source.put(f"C{number:02}", limit=Decimal(1))
    world.sync()
    world.source.fetched.clear()
    world.clock.sleep(24 * HOUR)
    asked = []
    for _ in range(4):
        world.sync()
        asked.append(sorted(world.source.fetched))
        world.source.fetched.clear()
    assert [len(keys) for keys in asked] == [FEW] * 4
    assert sorted(key for keys in asked for key in keys) == [f"C{number:02}" for number in range(12)]
    world.source.unreadable.clear()
    world.clock.sleep(24 * HOUR)
    for _ in range(4):
        world.sync()
    assert world.held() == []


def test_a_few_are_fewer_than_what_counts_as_being_away() -> None:
    assert 2 * FEW < source._SYSTEM_FAULTS_IN_A_ROW  # with as many that are new beside them


def test_what_is_read_again_and_refused_by_the_target_waits_for_that_alone(world: World) -> None:
    """The record was not given as a whole; what waits now is a person of it."""
    world.texts = {"customers": [CONTACT.replace("required = true", "required = false")]}
    world.source.put("C1", name="Company 1", customer_id="C1", contact_person="Ann Lee")
    world.first("customers")
    world.source.unreadable["C1"] = HIDDEN
    change(world, "C1", contact_person="Bob Ray")
    world.sync()
    assert [(hold.code, hold.part, hold.unread) for hold in world.held()] == [("SYSTEM_FAULT", "", True)]
    world.source.unreadable.clear()
    world.target.refuse["Bob Ray"] = TOO_LONG
    world.clock.sleep(HOUR)
    world.sync()
    assert [(hold.code, hold.unread) for hold in world.held()] == [("INVALID_DATA", False)]
    world.source.fetched.clear()
    assert attempted(world, 6, every=HOUR) == []


def test_what_waits_under_a_mapping_that_left_the_flow_is_not_due(synced: World) -> None:
    refuse(synced, LOCKED)
    synced.texts["customers"] = [CUSTOMER]
    synced.sync()  # a backfill, which tries everything
    synced.source.fetched.clear()
    assert len(attempted(synced, 3)) < 9


def test_a_clock_that_was_a_year_ahead_delays_no_attempt(synced: World) -> None:
    synced.clock.sleep(365 * 24 * HOUR)
    refuse(synced, LOCKED)
    synced.clock.sleep(-365 * 24 * HOUR)
    synced.target.refuse.clear()
    synced.sync()
    assert synced.held() == []


def test_the_next_attempt_of_a_flow_is_told(synced: World) -> None:
    def told(flow: str = "customers") -> datetime | None:
        with synced.database.read() as tx:
            return holds.next_due(tx, synced.company, flow)

    assert told() is None
    refuse(synced, TOO_LONG, "C0")
    assert told() is None
    refuse(synced, LOCKED)
    refuse(synced, LOCKED, "C2")
    assert told() == next_at(synced, "C2")  # C1 was tried by the run that found C2 locked
    assert told("vendors") is None
    synced.target.refuse.clear()
    synced.sync(keys=("C1", "C2"))
    assert told() is None


def test_a_plan_shows_what_is_due_and_counts_no_attempt(synced: World) -> None:
    refuse(synced, LOCKED)
    synced.clock.sleep(5 * MINUTE)
    synced.plan("customers")
    assert synced.source.fetched == ["C1"]
    assert {hold.attempts for hold in synced.held()} == {1}
