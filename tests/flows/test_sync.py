"""What a run does, step by step, over the memory connectors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from memory import START
from ml_connector.core.errors import AllowanceError, ConfigurationError, RecordRejectedError, RetryableError
from ml_connector.core.plan import Action
from ml_connector.core.ports import Write, WriteResult
from ml_connector.flows.plan import FlowPlan
from ml_connector.store import history
from world import World


def some_customers(world: World, count: int = 3) -> None:
    for number in range(count):
        world.source.put(
            f"C{number:04}",
            name=f"Company {number}",
            city="Chicago",
            customer_id=f"C{number:04}",
            limit=Decimal(100),
        )


def done(result: dict[str, object]) -> dict[str, int]:
    """What the run did, without what was settled already."""
    return {what: number for what, number in result["counts"].items() if what != "settled" and number}


def test_a_first_load_creates_what_was_approved_and_nothing_before(world: World) -> None:
    some_customers(world)
    assert done(world.sync()) == {"held": 3}
    assert world.target.records == {}
    world.approve()
    assert done(world.sync()) == {"created": 3}
    assert [r["Account_Name"] for r in world.target.records.values()] == [
        "Company 0",
        "Company 1",
        "Company 2",
    ]
    assert world.held() == []


def test_a_second_run_with_nothing_changed_reads_no_record_and_writes_nothing(world: World) -> None:
    some_customers(world)
    world.first("customers")
    world.source.fetched.clear()
    world.target.writes.clear()
    assert world.sync()["state"] == "done"
    assert (world.source.fetched, world.target.writes) == ([], [])


def test_only_what_changed_is_sent(world: World) -> None:
    some_customers(world)
    world.first("customers")
    world.target.writes.clear()
    world.source.put("C0001", city="Boston")
    assert done(world.sync()) == {"updated": 1}
    [(action, fields)] = world.target.writes
    assert (action, set(fields)) == ("update", {"City", "As_Of"})
    assert world.told("C0001")[-1] == ("customer_accounts", "record:updated")
    assert '"City":"Chicago"' in str(world.rows("C0001")[-1]["before"])


def test_a_stamp_without_a_change_is_a_skip(world: World) -> None:
    some_customers(world)
    world.first("customers")
    world.target.writes.clear()
    world.source.put("C0001")
    assert done(world.sync()) == {"unchanged": 1}
    assert world.target.writes == []


def test_a_balance_alone_moves_only_the_financials_and_reads_no_record(world: World) -> None:
    some_customers(world)
    world.source.balances = {"C0001": Decimal("5.00")}
    world.first("customers")
    world.source.fetched.clear()
    world.target.writes.clear()
    world.source.balances["C0001"] = Decimal("7.50")
    assert done(world.sync()) == {"updated": 1}
    assert world.source.fetched == []
    [(_, fields)] = world.target.writes
    assert (set(fields), fields["Balance"]) == ({"Balance", "Financials_As_Of"}, Decimal("7.50"))
    world.target.writes.clear()
    assert done(world.sync()) == {}
    assert world.target.writes == []


def test_an_address_that_the_stamp_does_not_show_is_read_again(world: World) -> None:
    some_customers(world)
    world.first("customers")
    world.source.rows["customers"]["C0002"].fields["city"] = "Oslo"
    world.source.fetched.clear()
    assert done(world.sync()) == {"updated": 1}
    assert world.source.fetched == ["C0002"]


def test_matching_by_key_by_name_and_ambiguous(world: World) -> None:
    some_customers(world, 4)
    keyed = world.target.seed("Someone else", GP_Customer_ID="c0000")
    named = world.target.seed("COMPANY 1.")
    twins = [world.target.seed("Company 2"), world.target.seed("Company  2")]
    world.first("customers")
    assert world.target.by_key("C0000") == [keyed]
    assert world.target.by_key("C0001") == [named]
    assert world.target.by_key("C0002") == []
    assert len(world.target.by_key("C0003")) == 1
    [hold] = {h.source_key: h for h in world.held()}.values()
    assert (hold.source_key, hold.code, hold.detail["candidates"]) == (
        "C0002",
        "AMBIGUOUS_MATCH",
        ", ".join(twins),
    )


def test_two_records_with_one_name_are_never_joined_with_an_account(world: World) -> None:
    world.source.put("A", name="Twin Inc.", customer_id="A")
    world.source.put("B", name="Twin, Inc", customer_id="B")
    world.target.seed("Twin Inc")
    world.first("customers")
    assert {h.source_key for h in world.held()} == {"A", "B"}
    assert world.target.writes == []


def test_a_bad_record_never_stops_the_good_ones_and_a_retry_releases_it(world: World) -> None:
    some_customers(world, 5)
    world.target.refuse["Company 3"] = RecordRejectedError("Too long.", code="INVALID_DATA", field="City")
    world.source.unreadable["C0001"] = RecordRejectedError("GP refuses it.")
    world.first("customers")
    assert {(h.source_key, h.mapping) for h in world.held()} == {
        ("C0003", "customer_accounts"), ("C0003", "customer_financials"), ("C0001", "customer_accounts"),
    }  # fmt: skip
    assert len(world.target.records) == 3
    world.target.refuse.clear()
    world.source.unreadable.clear()
    world.approve("customers")
    assert done(world.sync(keys=("C0003", "C0001"))) == {"created": 2}
    assert world.held() == []
    assert ("customer_accounts", "record:released") in world.told("C0003")


def test_a_part_at_fault_holds_its_mapping_only(world: World) -> None:
    some_customers(world)
    world.first("customers")
    world.source.put("C0001", email="nonsense", limit=Decimal(9))
    assert done(world.sync()) == {"updated": 1}
    [hold] = world.held()
    assert (hold.mapping, hold.field, hold.code) == ("customer_accounts", "Email", "INVALID_EMAIL")
    assert world.target.records[world.target.by_key("C0001")[0]]["Limit"] == Decimal(9)


@pytest.mark.parametrize("when", ["before_write", "after_write"])
def test_an_answer_that_is_lost_doubles_nothing(world: World, when: str) -> None:
    some_customers(world)
    world.approve("customers")
    getattr(world.target, when).append(RetryableError("Zoho is away."))
    assert world.sync()["counts"]["created"] == 3
    assert len(world.target.records) == 3
    assert world.told("C0001") == [
        ("customer_accounts", "record:created"),
        ("customer_financials", "record:created"),
    ]


def test_a_system_that_stays_away_ends_the_run_and_the_next_does_the_rest(world: World) -> None:
    some_customers(world)
    world.approve("customers")
    world.target.before_write += [RetryableError("Zoho is away.", "Nothing to do.")] * 50
    result = world.sync()
    assert (result["state"], result["happened"]) == ("away", "Zoho is away.")
    world.target.before_write.clear()
    assert world.sync()["counts"]["created"] == 3


def test_what_a_person_must_change_stops_the_run(world: World) -> None:
    some_customers(world)
    world.approve("customers")
    world.target.before_write.append(ConfigurationError("No right.", "Grant it."))
    assert world.sync() | {"counts": {}} == {
        "state": "failed",
        "happened": "No right.",
        "remedy": "Grant it.",
        "system": "",
        "reason": "",
        "counts": {},
        "notes": [],
        "load": {},
    }


def test_what_waits_for_credits_is_said_wherever_they_ran_out(world: World) -> None:
    some_customers(world)
    world.approve("customers")
    world.change(credits_wait=timedelta(0))
    world.target.before_write.append(AllowanceError("None are left.", "", after_seconds=60, wanted=5))
    told = world.sync()
    assert told["state"] == "away"
    many = len(world.source.rows["customers"])
    assert (
        told["happened"]
        == f"Up to {many} changed records of customers wait for credits of the CRM. None are left."
    )


@pytest.mark.parametrize(
    ("error", "state"),
    [(ConfigurationError("No right.", "Grant it."), "failed"), (RetryableError("Zoho is away."), "away")],
)
def test_a_run_that_is_broken_off_tells_what_it_wrote(world: World, error: Exception, state: str) -> None:
    """The window that fails has written a hundred of its records."""
    some_customers(world, 150)
    world.source.put("C9999", name="Held", city="Chicago", customer_id="C9999", email="no address")
    world.change(writes_at_once=1)
    world.approve("customers")
    write = world.target.write

    def once(module: str, batch: Sequence[Write], trigger: Sequence[str] = ()) -> list[WriteResult]:
        results = write(module, batch, trigger)
        world.target.before_write += [error] * 50
        return results

    world.target.write = once
    result = world.sync()
    assert (result["state"], done(result)) == (state, {"created": 100, "held": 1})
    with world.database.read() as tx:
        [run] = history.runs_since(tx, ["-1"], START)
    assert run.counts == result["counts"]


def test_an_account_that_is_customer_and_vendor_is_one(world: World) -> None:
    world.source.put("C1", name="Both Ltd", city="Rome", customer_id="C1")
    world.source.put("V1", "vendors", name="BOTH LTD", city="Milan", vendor_id="V1")
    world.first()
    [account] = world.target.records.values()
    assert account | {"As_Of": 0, "Financials_As_Of": 0} == {
        "Account_Name": "Both Ltd", "City": "Rome", "GP_Customer_ID": "C1", "GP_Vendor_ID": "V1",
        "Is_Vendor": True, "Balance": 0, "As_Of": 0, "Financials_As_Of": 0,
    }  # fmt: skip
    world.source.put("V1", "vendors", city="Turin")
    world.target.writes.clear()
    assert done(world.sync("vendors")) == {"unchanged": 1}


def test_a_person_s_value_is_kept_in_the_audit_before_it_is_overwritten(world: World) -> None:
    some_customers(world)
    world.first("customers")
    [target_id] = world.target.by_key("C0001")
    world.target.records[target_id]["City"] = "Typed by a person"
    world.target.stamps[target_id] = world.clock.now()
    world.source.put("C0001", city="Boston")
    world.sync()
    assert '"City":"Typed by a person"' in str(world.rows("C0001")[-1]["before"])


def test_a_person_s_value_is_kept_even_where_we_wrote_beside_it_before(world: World) -> None:
    some_customers(world)
    world.first("customers")
    [target_id] = world.target.by_key("C0001")
    world.target.edit(target_id, City="Typed by a person")
    world.customer("C0001", name="Another")
    world.sync()
    assert world.target.records[target_id]["City"] == "Typed by a person", "the ERP did not change it"
    world.customer("C0001", city="Boston")
    world.sync()
    assert '"City":"Typed by a person"' in str(world.rows("C0001")[-1]["before"])
    reads = world.target.reads
    world.customer("C0001", city="Austin")
    world.sync()
    assert world.target.reads == reads, "by then all that stands there is ours"


def test_a_person_s_value_is_kept_where_a_field_is_written_for_the_first_time(world: World) -> None:
    some_customers(world)
    world.first("customers")
    [target_id] = world.target.by_key("C0001")
    world.target.records[target_id]["Site"] = "Typed before we wrote anything"
    world.texts["customers"][0] = world.texts["customers"][0].replace("City =", 'Site = "city", City =')
    world.approve()
    world.sync()
    assert world.target.records[target_id]["Site"] == "Chicago"
    assert '"Site":"Typed before we wrote anything"' in str(world.rows("C0001")[-1]["before"])


def test_a_record_gone_from_the_target_is_held(world: World) -> None:
    some_customers(world)
    world.first("customers")
    world.target.hidden.add(world.target.by_key("C0001")[0])
    world.source.put("C0001", city="Boston")
    assert done(world.sync()) == {"held": 1}
    assert world.held()[0].code == "TARGET_GONE"


def test_a_changed_mapping_makes_the_next_run_a_backfill(world: World) -> None:
    some_customers(world)
    world.first("customers")
    world.texts["customers"][0] = world.texts["customers"][0].replace("City = ", 'Town = "city", City = ')
    world.target.writes.clear()
    assert done(world.sync()) == {"updated": 3}
    assert {tuple(sorted(fields)) for _, fields in world.target.writes} == {("As_Of", "Town")}
    assert world.sync()["counts"].get("updated") is None


def test_a_stamp_from_the_future_is_written_and_moves_no_cursor(world: World) -> None:
    some_customers(world)
    world.first("customers")
    world.source.put("C0009", name="Tomorrow", customer_id="C0009", at=world.clock.now() + timedelta(days=2))
    assert done(world.sync()) == {"future": 1, "created": 1}
    world.source.put("C0001", city="Boston")
    assert world.sync()["counts"]["updated"] == 1


def test_an_edit_within_the_same_second_as_the_reading_is_not_lost(world: World) -> None:
    some_customers(world)
    world.first("customers")
    now = world.clock.now()
    world.source.put("C0001", city="Boston", at=now + timedelta(seconds=5))  # sync() lets five seconds pass
    world.sync()
    world.source.put("C0001", city="Berlin", at=now + timedelta(seconds=5))
    world.sync()
    assert world.target.records[world.target.by_key("C0001")[0]]["City"] == "Berlin"


def test_plan_then_sync_then_plan_is_nothing(world: World) -> None:
    some_customers(world, 40)
    world.source.put("V1", "vendors", name="Company 7", vendor_id="V1")
    world.first()
    world.target.writes.clear()
    assert world.plan() == world.plan()
    assert {one.plan.action for one in FlowPlan(world.work(), {})} <= {Action.SKIP}
    assert world.target.writes == []
