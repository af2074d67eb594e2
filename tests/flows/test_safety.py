"""What a run may not do unasked: the safety limit, approvals, drifted fields; and what it was asked to do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from ml_connector.core.errors import RetryableError
from ml_connector.core.needs import FieldShape
from ml_connector.flows.plan import FlowPlan
from ml_connector.flows.range import Asked
from ml_connector.store import cursors
from world import CONTACT, CUSTOMER, FINANCIALS, PLAIN, VENDOR, World, done


def many(world: World, count: int, first: int = 0, **more: object) -> None:
    """So many customers, C000 and on, an hour after whatever happened before."""
    world.clock.sleep(3600)
    for n in range(first, first + count):
        fields = {"name": f"Company {n}", "city": "Chicago", "customer_id": f"C{n:03}"}
        world.source.put(f"C{n:03}", **(fields | more))


def codes(world: World) -> set[tuple[str, str, str]]:
    return {(hold.source_key, hold.code, hold.field) for hold in world.held()}


# ---- the safety limit


@pytest.mark.parametrize(("linked", "allowed"), [(3, 20), (250, 25)])
def test_creates_beyond_the_limit_stop_the_run(world: World, linked: int, allowed: int) -> None:
    many(world, linked)
    world.first("customers")
    many(world, allowed, first=500)
    assert done(world.sync()) == {"created": allowed}
    many(world, allowed + 10, first=600)
    stopped = world.sync()
    assert stopped["state"] == "limit"
    assert "--over-limit" in stopped["remedy"]
    assert len(world.target.of()) == linked + allowed
    assert done(world.sync(over_limit=True)) == {"created": allowed + 10}


def test_what_stopped_at_the_limit_is_all_done_by_the_next_run(world: World) -> None:
    many(world, 3)
    world.first("customers")
    many(world, 150, first=500)
    many(world, 1, city="Rome")
    assert world.sync()["state"] == "limit"
    assert world.sync()["state"] == "limit"
    assert world.sync(over_limit=True)["state"] == "done"
    assert len(world.target.of()) == 153
    assert world.target.records[world.target.by_key("C000")[0]]["City"] == "Rome"


def test_a_stop_at_the_limit_moves_no_cursor(world: World) -> None:
    many(world, 3)
    world.first("customers")
    before = cursor(world)
    many(world, 50, first=500)
    world.sync()
    assert cursor(world) == replace(before, limited=True)


def test_the_limit_is_not_passed_in_instalments(world: World) -> None:
    many(world, 250)
    world.first("customers")
    many(world, 100, first=500)
    assert world.sync()["state"] == "limit"
    there = len(world.target.of())
    for _ in range(3):
        assert world.sync()["state"] == "limit"
    assert len(world.target.of()) == there
    assert world.sync(over_limit=True)["state"] == "done"
    assert len(world.target.of()) == 350
    assert world.sync()["state"] == "done"


def test_nor_in_instalments_of_runs_that_end_because_a_system_is_away(world: World) -> None:
    many(world, 250)
    world.first("customers")
    world.change(window_size=20, max_wait=timedelta(0))
    many(world, 100, first=500)
    fetch, windows = world.source.fetch, []

    def fetch_one_window(entity, keys):
        if windows:
            raise RetryableError("GP is away.")
        windows.append(keys)
        return fetch(entity, keys)

    world.source.fetch = fetch_one_window
    assert world.sync()["state"] == "away"
    assert len(world.target.of()) == 270
    windows.clear()
    assert world.sync()["state"] == "limit", "what the first wrote counts for the second"
    assert len(world.target.of()) == 270


def test_ordinary_updates_never_reach_the_limit(world: World) -> None:
    many(world, 60)
    world.first("customers")
    many(world, 60, city="Rome")
    assert done(world.sync()) == {"updated": 60}


def test_emptied_fields_reach_the_limit(world: World) -> None:
    many(world, 60)
    world.first("customers")
    many(world, 60, city=None)
    assert world.sync()["state"] == "limit"
    assert {r["City"] for r in world.target.of()} == {"Chicago"}


def test_vanished_records_reach_the_limit(world: World) -> None:
    many(world, 60)
    world.first("customers")
    many(world, 60)
    listed = world.source.list_changes

    def list_and_lose(*asked):
        page = listed(*asked)
        world.source.rows["customers"].clear()
        return page

    world.source.list_changes = list_and_lose
    assert world.sync()["state"] == "limit"
    assert "record:vanished" not in {action for _, action in world.told("C000")}


def test_the_limit_counts_over_the_windows_of_a_run(world: World) -> None:
    world.change(window_size=5)
    many(world, 3)
    world.first("customers")
    many(world, 30, first=500)
    assert world.sync()["state"] == "limit"
    assert len(world.target.of()) == 23


def test_a_first_load_has_no_limit(world: World) -> None:
    many(world, 120)
    world.first("customers")
    assert len(world.target.of()) == 120


def test_a_backfill_that_only_rewrites_has_no_limit(world: World) -> None:
    many(world, 60)
    world.first("customers")
    world.texts["customers"][0] = CUSTOMER.replace("City = ", 'Town = "city", City = ')
    assert done(world.sync()) == {"updated": 60}


# ---- a module that is added


def with_contacts(world: World, count: int = 3) -> None:
    """A first load of Accounts lies behind, and Contacts are added."""
    world.texts["customers"] = [PLAIN, FINANCIALS]
    for n in range(count):
        world.customer(f"C{n}", contact_person=f"Ann Number{n}", email=f"ann{n}@acme.example")
    world.first("customers")
    world.texts["customers"].append(CONTACT)


def test_a_module_that_is_added_is_approved_first(world: World) -> None:
    with_contacts(world)
    world.sync()
    assert world.target.of("Contacts") == []
    assert world.waits() == {("customer_contacts", f"C{n}", "CHANGED_SINCE_APPROVAL") for n in range(3)}
    world.approve("customers")
    assert done(world.sync())["created"] == 3
    assert (world.held(), len(world.target.of("Contacts"))) == ([], 3)


def test_accounts_go_on_while_the_added_module_waits(world: World) -> None:
    with_contacts(world)
    world.sync()
    world.customer("C1", city="Rome")
    world.customer("C9", contact_person="Bob Ray")
    assert done(world.sync())["updated"] == 1
    assert len(world.target.of("Accounts")) == 4
    assert world.target.of("Contacts") == []


def test_the_first_load_of_an_added_module_has_no_limit(world: World) -> None:
    with_contacts(world, 30)
    world.approve("customers")
    assert done(world.sync())["created"] == 30


@pytest.mark.parametrize("error", [RetryableError("Away.", after_seconds=10_000.0), OSError("Killed.")])
def test_the_first_load_of_an_added_module_goes_on_after_an_interruption(
    world: World, error: Exception
) -> None:
    world.change(window_size=5)
    with_contacts(world, 60)
    world.approve("customers")
    world.customer("C59", contact_person="Somebody Else")  # not what was approved
    write, calls = world.target.write, []

    def dies(module, batch, trigger=()):
        calls.append(module)
        if calls.count("Contacts") == 3:
            raise error
        return write(module, batch, trigger)

    world.target.write = dies
    with suppress(OSError):
        assert world.sync()["state"] == "away"
    world.target.write = write
    assert world.sync()["state"] == "done"
    assert len(world.target.of("Contacts")) == 59
    assert world.waits() == {("customer_contacts", "C59", "CHANGED_SINCE_APPROVAL")}


# ---- what is asked for


def cursor(world: World) -> object:
    with world.database.read() as tx:
        return cursors.find(tx, "-1", "customers")


def test_a_full_run_reads_everything_and_moves_the_cursor(world: World) -> None:
    many(world, 5)
    world.first("customers")
    many(world, 1, city="Rome")
    before = cursor(world)
    world.source.fetched.clear()
    world.target.writes.clear()
    assert done(world.sync(full=True)) == {"updated": 1, "unchanged": 4}
    assert sorted(world.source.fetched) == [f"C{n:03}" for n in range(5)]
    assert cursor(world) != before
    assert len(world.target.writes) == 1


def test_a_full_run_finds_what_no_stamp_showed(world: World) -> None:
    many(world, 5)
    world.first("customers")
    world.source.rows["customers"]["C003"].fields["email"] = "new@acme.example"
    assert done(world.sync()) == {}
    assert done(world.sync(full=True)) == {"updated": 1, "unchanged": 4}


def test_a_run_of_a_key_reads_only_that_and_moves_nothing(world: World) -> None:
    many(world, 5)
    world.first("customers")
    many(world, 5, city="Rome")
    before = cursor(world)
    world.source.fetched.clear()
    assert done(world.sync(keys=("C002",))) == {"updated": 1}
    assert (world.source.fetched, cursor(world)) == (["C002"], before)
    assert [r["City"] for r in world.target.of()].count("Rome") == 1
    assert done(world.sync()) == {"updated": 4, "unchanged": 1}


def test_a_run_of_a_key_that_the_source_does_not_have_says_so(world: World) -> None:
    many(world, 1)
    world.first("customers")
    assert done(world.sync(keys=("NONE",))) == {"absent": 1}


def test_a_plan_of_a_key_is_no_plan_to_approve(world: World) -> None:
    many(world, 3)
    planned = world.plan("customers")
    assert [one.plan.desired.key for one in FlowPlan(world.work("customers", Asked(("C001",))), {})] == [
        "C001"
    ]
    assert world.hash("customers") == planned


# ---- automations


SILENT = CUSTOMER
LOUD = FINANCIALS.replace('as_of = "Financials_As_Of"', 'as_of = "Financials_As_Of"\ntrigger = ["workflow"]')


def test_a_call_carries_the_automations_of_the_mappings_whose_fields_it_writes(world: World) -> None:
    both = CUSTOMER.replace("precedence = 1", 'precedence = 1\ntrigger = ["approval", "workflow"]')
    world.texts["customers"] = [both, LOUD]
    many(world, 1, limit=1)
    world.first("customers")
    assert sorted(world.target.triggered) == ["approval", "workflow"]


def test_records_with_different_automations_go_in_different_calls(world: World) -> None:
    world.texts["customers"] = [SILENT, LOUD]
    many(world, 4)
    world.first("customers")
    world.target.triggered.clear()
    many(world, 2, city="Rome")
    many(world, 2, first=2, limit=5)
    calls, write = [], world.target.write
    world.target.write = lambda module, batch, trigger=(): (
        calls.append((len(batch), tuple(trigger))) or write(module, batch, trigger)
    )
    assert done(world.sync()) == {"updated": 4}
    assert sorted(calls) == [(2, ()), (2, ("workflow",))]
    assert world.target.triggered == ["workflow", "workflow"]


# ---- fields of the CRM that are not as they were

TYPED = (
    CUSTOMER
    + """
[custom]
City = { label = "City", type = "text", length = 40 }
"""
)


@pytest.fixture
def drifting(world: World) -> World:
    """Three customers, linked; C000 is about to change its town, C001 its address."""
    world.texts["customers"] = [TYPED, FINANCIALS]
    many(world, 3, email="a@acme.example")
    world.first("customers")
    many(world, 1, city="Llanfairpwllgwyngyll")
    many(world, 1, first=1, email="b@acme.example")
    return world


DRIFTS = {
    "removed": None,
    "shortened": FieldShape("City", "text", length=10),
    "closed": FieldShape("City", "text", choices=frozenset({"Chicago", "Rome"})),
    "of another type": FieldShape("City", "boolean"),
    "read-only": FieldShape("City", "text", writable=False),
}


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS)
def test_only_what_a_drifted_field_touches_waits_and_goes_on_by_itself(
    drifting: World, drift: FieldShape | None
) -> None:
    world = drifting
    world.target.drift["City"] = drift
    result = world.sync()
    assert (result["state"], done(result)) == ("done", {"held": 1, "updated": 1})
    assert codes(world) == {("C000", "SCHEMA_DRIFT", "City")}
    assert world.target.records[world.target.by_key("C001")[0]]["Email"] == "b@acme.example"
    many(world, 1, first=2, email="c@acme.example")
    assert done(world.sync()) == {"updated": 1}
    world.target.drift.clear()
    assert done(world.sync()) == {"updated": 1}
    assert world.held() == []
    assert world.target.records[world.target.by_key("C000")[0]]["City"] == "Llanfairpwllgwyngyll"


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS)
def test_what_waits_for_a_drifted_field_is_not_read_by_every_run(
    drifting: World, drift: FieldShape | None
) -> None:
    drifting.target.drift["City"] = drift
    drifting.sync()
    drifting.clock.sleep(3600)
    many(drifting, 1, first=2, email="c@acme.example")
    drifting.sync()
    drifting.source.fetched.clear()
    drifting.sync()
    assert drifting.source.fetched == []


def test_a_run_says_what_drifted(drifting: World) -> None:
    drifting.target.drift["City"] = None
    [note] = drifting.sync()["notes"]
    assert "Accounts.City" in note


def test_a_value_that_fits_into_the_shorter_field_is_written(drifting: World) -> None:
    drifting.target.drift["City"] = FieldShape("City", "text", length=10)
    many(drifting, 1, city="Rome")
    assert done(drifting.sync()) == {"updated": 2}


def test_a_field_that_became_mandatory_holds_creates_only(world: World) -> None:
    many(world, 2)
    world.first("customers")
    world.target.drift["Industry"] = FieldShape("Industry", "text", mandatory=True)
    many(world, 1, city="Rome")
    many(world, 1, first=7)
    assert done(world.sync()) == {"updated": 1, "held": 1}
    assert codes(world) == {("C007", "SCHEMA_DRIFT", "Industry")}
    world.target.drift.clear()
    assert done(world.sync()) == {"created": 1}
    assert world.held() == []


def test_a_field_that_became_mandatory_is_not_emptied(world: World) -> None:
    many(world, 2, city="Rome")
    world.first("customers")
    world.target.drift["City"] = FieldShape("City", "text", mandatory=True)
    many(world, 1, city=None)
    many(world, 1, first=1, city="Oslo")
    assert done(world.sync()) == {"updated": 1, "held": 1}
    assert codes(world) == {("C000", "SCHEMA_DRIFT", "City")}
    assert {"the ERP has no value for it" in hold.happened for hold in world.held()} == {True}
    assert world.target.records[world.target.by_key("C000")[0]]["City"] == "Rome"
    world.target.drift.clear()
    assert done(world.sync()) == {"updated": 1}
    assert world.held() == []


def test_what_waited_for_a_shorter_field_goes_on_though_the_field_is_mandatory(drifting: World) -> None:
    drifting.target.drift["City"] = FieldShape("City", "text", length=10, mandatory=True)
    drifting.sync()
    assert codes(drifting) == {("C000", "SCHEMA_DRIFT", "City")}
    drifting.target.drift["City"] = FieldShape("City", "text", length=40, mandatory=True)
    assert done(drifting.sync()) == {"updated": 1}
    assert drifting.held() == []


def test_a_key_field_that_is_gone_stops_the_run(world: World) -> None:
    many(world, 1)
    world.first("customers")
    world.target.drift["GP_Customer_ID"] = None
    many(world, 1, city="Rome")
    result = world.sync()
    assert (result["state"], "GP_Customer_ID" in result["happened"]) == ("failed", True)
    world.target.drift.clear()
    assert done(world.sync()) == {"updated": 1}


def test_any_field_that_is_gone_stops_a_first_load(world: World) -> None:
    many(world, 1)
    world.approve("customers")
    world.target.drift["Limit"] = None
    result = world.sync()
    assert (result["state"], "Limit" in result["happened"]) == ("failed", True)
    assert world.target.of() == []


def test_a_field_that_changed_mappings_want_and_the_target_never_had_stops_the_run(world: World) -> None:
    """It is a matter of the settings: nobody removed it, and no record waits for it."""
    many(world, 2)
    world.first("customers")
    written = list(world.target.writes)
    world.texts["customers"] = [CUSTOMER.replace('City = "city"', 'Town = "city"'), FINANCIALS]
    world.target.drift["Town"] = None
    many(world, 1, city="Rome")
    result = world.sync()
    assert (result["state"], "Accounts.Town" in result["happened"]) == ("failed", True)
    assert (world.held(), world.target.writes) == ([], written)
    world.target.drift.clear()
    assert done(world.sync()) == {"updated": 2}


def test_a_vendor_s_run_is_not_stopped_by_a_customer_s_field(world: World) -> None:
    world.texts["vendors"] = [VENDOR]
    many(world, 1)
    world.source.put("V1", "vendors", name="Vendor", vendor_id="V1")
    world.first()
    world.target.drift["Limit"] = None
    world.clock.sleep(3600)
    world.source.put("V1", "vendors", city="Rome")
    result = world.sync("vendors")
    assert (done(result), result["notes"]) == ({"updated": 1}, [])
