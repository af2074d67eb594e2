"""Where the parts of the ledger, of facets in turns and of marks meet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from journals import LINE, many, new_ledger

from ml_connector.core.errors import RecordRejectedError
from ml_connector.flows.freshness import find_freshness
from ml_connector.flows.pull import pull
from ml_connector.flows.range import Asked
from ml_connector.flows.steps import DirectSteps
from ml_connector.store import holds
from world import CONTACT, CUSTOMER, PLAIN, World, done

MARKED = PLAIN.replace("match =", 'marks = { vanished = "Gone" }\nmatch =')
QUIET = {"addresses": timedelta(days=999)}


def reconcile(world: World, **asked: bool):
    world.clock.sleep(90_000)
    return world.sync(reconcile=True, **asked)


def gone(world: World, key: str) -> object:
    (target_id,) = world.target.by_key(key)
    return world.target.records[target_id].get("Gone")


def test_a_customer_with_a_person_vanishes_reappears_and_vanishes(world: World) -> None:
    world.texts["customers"] = [MARKED, CONTACT]
    world.change(facet_every=QUIET)
    for n in range(3):
        world.customer(f"C{n}", contact_person=f"Ann L{n}", email=f"a{n}@x.example")
    world.first("customers")
    row = world.source.rows["customers"].pop("C1")
    assert reconcile(world)["counts"]["marked"] == 1
    world.source.put("C1", at=row.at, **row.fields)
    assert reconcile(world)["counts"]["reappeared"] == 1
    assert gone(world, "C1") is False
    assert done(reconcile(world)) == {"compared": 3}
    del world.source.rows["customers"]["C1"]
    assert reconcile(world)["counts"].get("marked") == 1
    assert gone(world, "C1") is True


def test_a_customer_that_gets_a_person_later_is_not_missed_for_ever(world: World) -> None:
    world.texts["customers"] = [MARKED, CONTACT]
    world.change(facet_every=QUIET)
    for n in range(3):
        world.customer(f"C{n}")
    world.first("customers")
    world.customer("C1", contact_person="Ann Lee", email="a@x.example")
    world.customer("C2")
    assert done(world.sync())["created"] == 1
    world.clock.sleep(90_000)
    world.customer("C2")
    world.sync()
    world.source.fetched.clear()
    assert done(reconcile(world)) == {"compared": 3}
    assert world.source.fetched == []


def test_a_company_without_customers_takes_no_turns(world: World) -> None:
    world.texts["customers"] = [CUSTOMER]
    world.change(facet_every=QUIET, sweep_nights={"emails": 30})
    world.first("customers")
    world.clock.sleep(90_000)
    assert world.sync()["state"] == "done"


def test_what_vanished_long_ago_does_not_stop_the_run_in_which_it_has_its_turn(world: World) -> None:
    world.texts["customers"] = [MARKED.replace('City = "city"', 'City = "city", Email = "email"')]
    world.change(facet_every=QUIET, sweep_nights={"emails": 2})
    for n in range(60):
        world.customer(f"C{n:02}")
    world.first("customers")
    for n in range(25):
        del world.source.rows["customers"][f"C{n:02}"]
    assert done(reconcile(world, over_limit=True))["marked"] == 25
    for _ in range(4):
        world.clock.sleep(90_000)
        assert world.sync()["state"] == "done"


def test_what_vanished_and_was_never_brought_over_does_not_count(world: World) -> None:
    world.texts["customers"] = [MARKED]
    world.change(facet_every=QUIET)
    world.filters["customers"] = {"class_id": ["USA"]}
    for n in range(40):
        world.customer(f"C{n:02}", class_id="USA" if n < 5 else "EU")
    world.first("customers")
    for n in range(10, 35):
        del world.source.rows["customers"][f"C{n:02}"]
    assert reconcile(world)["state"] == "done"


def test_what_vanished_before_there_was_a_field_for_it_is_marked(world: World) -> None:
    world.texts["customers"] = [PLAIN]
    world.change(facet_every=QUIET)
    for n in range(3):
        world.customer(f"C{n}")
    world.first("customers")
    del world.source.rows["customers"]["C1"]
    assert reconcile(world)["counts"]["absent"] == 1
    world.texts["customers"] = [MARKED]
    assert world.sync()["state"] == "done"
    assert reconcile(world)["counts"].get("marked") == 1
    assert done(reconcile(world)) == {"compared": 2}


def test_a_mark_that_could_not_be_left_is_no_update_and_is_left_later(world: World) -> None:
    world.texts["customers"] = [MARKED]
    world.change(facet_every=QUIET)
    world.customer("C1")
    world.customer("C2")
    world.first("customers")
    del world.source.rows["customers"]["C1"]
    hidden = world.target.by_key("C1")
    world.target.hidden.update(hidden)
    reconcile(world)
    assert ("customer_accounts", "record:updated") not in world.told("C1")
    world.target.hidden.clear()
    world.target.edit(hidden[0], City="Elgin")
    world.customer("C2", city="Elgin")
    world.sync()
    world.sync()
    assert world.target.records[hidden[0]].get("Gone") is True


def test_agreeing_to_marks_is_not_agreeing_to_creates(world: World) -> None:
    world.texts["customers"] = [MARKED]
    world.change(facet_every=QUIET)
    for n in range(30):
        world.customer(f"C{n:02}")
    world.first("customers")
    for n in range(25):
        del world.source.rows["customers"][f"C{n:02}"]
    for n in range(100):
        world.source.put(f"N{n:03}", customer_id=f"N{n:03}", name=f"New {n}")
    told = reconcile(world, over_limit=True)
    assert (told["state"], len(world.target.of())) == ("limit", 30)


def test_a_replay_of_one_record_makes_nothing_fresh(world: World) -> None:
    world.customer("C1")
    world.first("customers")
    world.clock.sleep(90_000)
    assert world.sync(keys=("C1",))["state"] == "done"
    with world.database.read() as tx:
        record, *_ = find_freshness(tx, world.work().flow, world.clock.now())
    assert record.age_seconds > 90_000


def journal(database):
    ledger = new_ledger(database)
    ledger.loaded()
    return ledger


def compare(ledger):
    ledger.runs += 1
    ledger.clock.sleep(90_000)
    ledger.source.fetched.clear()
    work = replace(ledger.work(), asked=Asked(reconcile=True))
    return pull(DirectSteps(ledger.clock), work, f"run-{ledger.runs}")


def test_an_entry_that_lost_a_line_before_it_was_posted_is_not_missed(database) -> None:
    ledger = journal(database)
    ledger.entry("E1", many(3), posted=False)
    ledger.sync()
    ledger.entry("E1", many(2))
    ledger.sync()
    ledger.entry("E2", many(2))
    ledger.clock.sleep(90_000)
    ledger.sync()
    ledger.entry("E3", many(2))
    ledger.sync()
    told = compare(ledger)
    assert "missed" not in told["counts"]
    assert ledger.source.fetched == []


def test_a_held_line_that_is_gone_waits_no_longer(database) -> None:
    ledger = journal(database)
    ledger.texts = [LINE.replace('Name = "reference", Account = "line.account"', 'Name = "line.account"')]
    ledger.loaded()
    ledger.target.refuse["000-0002"] = RecordRejectedError("No.", code="NO")
    ledger.entry("E1", many(3), posted=False)
    ledger.sync()
    with database.read() as tx:
        assert len(holds.find(tx, "-1")) == 1
    ledger.entry("E1", many(2), posted=False)
    ledger.sync()
    with database.read() as tx:
        assert holds.find(tx, "-1") == []


def test_the_limit_of_what_vanished_counts_what_is_linked(database) -> None:
    ledger = journal(database)
    for n in range(60):
        ledger.entry(f"E{n:02}", many(10))
    ledger.sync()
    for n in range(40):
        del ledger.source.rows["journals"][f"E{n:02}"]
    assert compare(ledger)["state"] == "limit"  # two thirds of all entries
