"""``reconcile keys``: what no list showed is found, what vanished is marked, and no list alone marks anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from memory import START, FakeClock
from ml_connector.core.change import Change
from ml_connector.core.errors import RecordRejectedError, RetryableError
from ml_connector.core.reconcile import Finding, Recorded, judge
from ml_connector.flows.pull import pull
from ml_connector.flows.range import Asked
from ml_connector.flows.steps import Result
from world import CONTACT, CUSTOMER, FINANCIALS, PLAIN, World, done

MARKED = CUSTOMER.replace("match =", 'marks = { vanished = "Gone" }\nmatch =')
LONG_AGO = START - timedelta(days=90)
HOUR = timedelta(hours=1)


@pytest.fixture
def loaded(world: World) -> World:
    """Thirty customers in step, and nothing to do."""
    world.texts["customers"] = [MARKED, FINANCIALS]
    world.change(facet_every={"addresses": timedelta(days=999)})  # they would show the records, too
    for n in range(30):
        world.customer(f"C{n:02}")
    world.first("customers")
    assert done(world.sync()) == {}
    world.source.fetched.clear()
    return world


def reconcile(world: World, **asked: bool) -> Result:
    world.clock.sleep(3600)
    return world.sync(reconcile=True, **asked)


def account(world: World, key: str) -> dict[str, object]:
    (target_id,) = world.target.by_key(key)
    return world.target.records[target_id]


def in_step(world: World, **found: int) -> None:
    """The next comparison finds nothing, and reads nothing."""
    world.source.fetched.clear()
    assert done(reconcile(world)) == {"compared": len(world.source.rows["customers"]), **found}
    assert world.source.fetched == []


AT = START


@pytest.mark.parametrize(
    ("at", "recorded", "since", "finding"),
    [
        (AT, {AT}, AT + HOUR, Finding.SAME),
        (AT, {AT}, AT - HOUR, Finding.SAME),
        (None, {None}, AT, Finding.SAME),
        (AT - HOUR, {AT}, AT + HOUR, Finding.MISSED),
        (AT + HOUR, {AT}, AT + 2 * HOUR, Finding.MISSED),
        (None, {AT}, AT + HOUR, Finding.MISSED),
        (AT, {AT, AT - HOUR}, AT + HOUR, Finding.MISSED),
        (AT + HOUR, {AT}, AT + HOUR, Finding.ORDINARY),
        (AT, {AT - HOUR}, None, Finding.ORDINARY),
    ],
)
def test_a_different_instant_is_a_missed_change_unless_an_ordinary_run_would_list_it(
    at, recorded, since, finding
):
    assert judge(Change("A", "A", at), Recorded(recorded), since) is finding


def test_a_record_that_was_final_is_no_missed_change_whatever_its_stamp_says_now():
    """A year's close stamps every entry of the year anew; none of them is read again."""
    assert judge(Change("A", "A", AT), Recorded({AT - HOUR}, final=True), AT + HOUR) is Finding.SAME
    assert judge(Change("A", "A", AT), Recorded({AT}, absent=True, final=True), AT) is Finding.REAPPEARED


def test_what_was_never_recorded_and_what_was_gone():
    assert judge(Change("A", "A", AT), None, AT + HOUR) is Finding.UNRECORDED
    assert judge(Change("A", "A", AT), Recorded({None}), AT + HOUR) is Finding.UNRECORDED
    assert judge(Change("A", "A", AT), None, AT) is Finding.ORDINARY
    assert judge(Change("A", "A", AT), Recorded({AT}, absent=True), AT + HOUR) is Finding.REAPPEARED


@pytest.mark.parametrize("at", [LONG_AGO, START + timedelta(minutes=1)])
def test_a_change_with_another_instant_is_fetched_counted_and_audited(loaded, at):
    loaded.source.put("C07", at=at, city="Elgin")
    assert done(loaded.sync()) == {}
    assert done(reconcile(loaded)) == {"compared": 30, "missed": 1, "updated": 1}
    assert account(loaded, "C07")["City"] == "Elgin"
    assert loaded.source.fetched == ["C07"]
    assert ("customer_accounts", "record:missed") in loaded.told("C07")
    in_step(loaded)


def test_a_record_that_no_list_ever_showed_is_brought_over(loaded):
    loaded.source.put("LATE", at=LONG_AGO, customer_id="LATE", name="Late Ltd")
    assert done(loaded.sync()) == {}
    assert done(reconcile(loaded)) == {"compared": 31, "unrecorded": 1, "created": 1}
    in_step(loaded)


def test_what_an_ordinary_run_would_have_shown_is_no_missed_change(loaded):
    loaded.customer("C03", city="Elgin")
    assert done(reconcile(loaded)) == {"compared": 30, "updated": 1}
    in_step(loaded)


def test_the_cursor_moves_as_after_any_run(loaded):
    loaded.customer("C03", city="Elgin")
    reconcile(loaded)
    loaded.source.fetched.clear()
    assert done(loaded.sync()) == {}
    assert loaded.source.fetched == []


def test_what_vanished_is_marked_and_nothing_else_is_touched(loaded):
    del loaded.source.rows["customers"]["C05"]
    before = dict(account(loaded, "C05"))
    assert done(reconcile(loaded)) == {"compared": 29, "vanished": 1, "absent": 1, "marked": 1}
    after = account(loaded, "C05")
    assert after["Gone"] is True
    assert {name for name in after if after[name] != before.get(name)} <= {"Gone", "As_Of"}
    assert len(loaded.target.of()) == 30
    told = [action for _, action in loaded.told("C05")]
    assert told.count("record:vanished") == 1
    in_step(loaded)


@pytest.mark.parametrize("at", [LONG_AGO, None])
def test_what_reappears_is_unmarked(loaded, at):
    row = loaded.source.rows["customers"].pop("C05")
    reconcile(loaded)
    loaded.source.put("C05", at=at or row.at, **row.fields)
    assert done(reconcile(loaded)) == {"compared": 30, "reappeared": 1, "updated": 1}
    assert account(loaded, "C05")["Gone"] is False
    assert ("customer_accounts", "record:reappeared") in loaded.told("C05")
    in_step(loaded)


def test_it_may_vanish_and_reappear_again_and_again(loaded):
    row = loaded.source.rows["customers"].pop("C05")
    for _ in range(2):
        assert reconcile(loaded)["counts"]["marked"] == 1
        loaded.source.put("C05", at=row.at, **row.fields)
        assert reconcile(loaded)["counts"]["reappeared"] == 1
        del loaded.source.rows["customers"]["C05"]
    told = [action for _, action in loaded.told("C05")]
    assert told.count("record:vanished") == told.count("record:reappeared") == 2


def test_an_ordinary_run_marks_what_it_finds_gone_and_unmarks_what_is_made_anew(loaded):
    row = loaded.source.rows["customers"].pop("C05")
    assert done(loaded.sync(keys=("C05",))) == {"absent": 1, "marked": 1}
    assert account(loaded, "C05")["Gone"] is True
    loaded.source.put("C05", **row.fields)
    assert done(loaded.sync()) == {"updated": 1}
    assert account(loaded, "C05")["Gone"] is False


def test_a_list_that_breaks_off_marks_nothing(loaded):
    for key in ("C00", "C29"):
        del loaded.source.rows["customers"][key]
    loaded.source.page_size = 10
    honest = loaded.source.list_changes

    def broken(entity: str, since: datetime | None, after: str | None):
        if after is not None:
            raise RetryableError("GP does not answer.")
        return honest(entity, since, after)

    loaded.source.list_changes = broken
    assert reconcile(loaded)["state"] == "away"
    assert not any(record.get("Gone") for record in loaded.target.of())
    loaded.source.list_changes = honest
    assert done(loaded.sync()) == {}
    assert reconcile(loaded)["counts"]["marked"] == 2


def test_a_list_that_leaves_records_out_marks_nothing(loaded):
    """The source has them when it is asked by key."""
    hidden = {key: loaded.source.rows["customers"][key] for key in ("C03", "C04")}
    honest = loaded.source.list_changes

    def short(entity: str, since: datetime | None, after: str | None):
        kept = {k: r for k, r in loaded.source.rows["customers"].items() if k not in hidden}
        whole, loaded.source.rows["customers"] = loaded.source.rows["customers"], kept
        try:
            return honest(entity, since, after)
        finally:
            loaded.source.rows["customers"] = whole

    loaded.source.list_changes = short
    told = reconcile(loaded)
    assert done(told) == {"compared": 28, "vanished": 2, "unchanged": 2}
    assert "left out 2 records" in told["notes"][0]
    assert not any(record.get("Gone") for record in loaded.target.of())


def test_too_much_that_vanished_is_counted_before_the_first_mark(loaded):
    for n in range(25):
        del loaded.source.rows["customers"][f"C{n:02}"]
    told = reconcile(loaded)
    assert told["state"] == "limit"
    assert "25 records of customers are not in the source's list" in told["happened"]
    assert "reconcile keys customers --over-limit" in told["remedy"]
    assert loaded.source.fetched == []
    loaded.customer("C29", city="Elgin")
    assert done(loaded.sync()) == {"updated": 1}, "ordinary runs go on, and mark nothing"
    assert reconcile(loaded)["state"] == "limit", "not in instalments"
    assert done(reconcile(loaded, over_limit=True))["marked"] == 25
    in_step(loaded)


def test_an_empty_list_marks_nothing(loaded):
    rows, loaded.source.rows["customers"] = loaded.source.rows["customers"], {}
    assert reconcile(loaded)["state"] == "limit"
    loaded.source.rows["customers"] = rows
    in_step(loaded)


def test_without_a_field_for_it_what_vanished_is_told_only(world):
    world.customer("C1")
    world.first("customers")
    del world.source.rows["customers"]["C1"]
    assert done(reconcile(world)) == {"vanished": 1, "absent": 1}
    assert done(reconcile(world)) == {}


def test_a_mark_that_the_target_refuses_waits_and_goes_through_later(loaded):
    del loaded.source.rows["customers"]["C05"]
    (target_id,) = loaded.target.by_key("C05")
    loaded.target.locked.add(target_id)
    told = done(reconcile(loaded))
    assert told["held"] == 1
    assert loaded.waits() == {("customer_accounts", "C05", "LOCKED")}
    loaded.target.locked.clear()
    assert done(loaded.sync(keys=("C05",))) == {"absent": 1, "marked": 1}
    assert loaded.waits() == set()


def test_what_is_gone_on_both_sides_needs_no_mark(loaded):
    del loaded.source.rows["customers"]["C05"]
    loaded.target.hidden.update(loaded.target.by_key("C05"))
    assert done(reconcile(loaded)) == {"compared": 29, "vanished": 1, "absent": 1, "marked": 1}
    assert loaded.waits() == set()


def test_only_the_modules_with_a_field_are_marked(world):
    world.texts["customers"] = [PLAIN.replace("match =", 'marks = { vanished = "Gone" }\nmatch ='), CONTACT]
    world.customer("C1", contact_person="Bob Fitz", email="bob@fitz.example")
    world.customer("C2", contact_person="Eve Adams", email="eve@adams.example")
    world.first("customers")
    del world.source.rows["customers"]["C1"]
    assert reconcile(world)["counts"]["marked"] == 1
    assert account(world, "C1")["Gone"] is True
    assert all("Gone" not in contact for contact in world.target.of("Contacts"))
    assert done(reconcile(world)) == {"compared": 1}


def test_before_the_first_load_there_is_nothing_to_compare(world):
    world.customer("C1")
    told = reconcile(world)
    assert told["state"] == "failed"
    assert "first load is not done" in told["happened"]


def test_an_earlier_version_asked_for_less():
    assert Asked.from_json({"keys": [], "full": False, "over_limit": False}) == Asked()
    assert Asked.from_json(Asked(reconcile=True).to_json()) == Asked(reconcile=True)


class DiedError(Exception):
    """The process was killed here."""


@dataclass
class DieAt:
    """Steps of an engine whose process dies at the n-th step, before it or after it was done."""

    clock: FakeClock
    at: int
    before: bool
    kept: list[Result] = field(default_factory=list)

    def do(self, name: str, step: Callable[[], Result]) -> Result:
        if self.at == len(self.kept) and self.before:
            raise DiedError
        told = step()
        if self.at == len(self.kept):
            raise DiedError
        self.kept.append(told)
        return told

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)


@dataclass
class Replay:
    """The engine after the restart: what was kept is given back, the rest is done."""

    clock: FakeClock
    kept: list[Result]

    def do(self, name: str, step: Callable[[], Result]) -> Result:
        return self.kept.pop(0) if self.kept else step()

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("lost", [False, True], ids=["the engine goes on", "the engine lost the run"])
@pytest.mark.parametrize("at", range(14))
def test_killed_at_any_step_it_comes_to_the_same(loaded, at, before, lost):
    loaded.source.page_size = 12
    del loaded.source.rows["customers"]["C05"]
    loaded.source.put("C07", at=LONG_AGO, city="Elgin")
    loaded.source.put("LATE", at=LONG_AGO, customer_id="LATE", name="Late Ltd")
    loaded.clock.sleep(3600)
    work, steps = loaded.work("customers", Asked(reconcile=True)), DieAt(loaded.clock, at, before)
    try:
        pull(steps, work, "killed")
    except DiedError:
        loaded.clock.sleep(60)
        if lost:
            reconcile(loaded)
        else:
            pull(Replay(loaded.clock, list(steps.kept)), work, "killed")
    assert account(loaded, "C05")["Gone"] is True
    assert account(loaded, "C07")["City"] == "Elgin"
    assert len(loaded.target.of()) == 31
    told = [action for key in ("C07", "LATE") for _, action in loaded.told(key)]
    assert told.count("record:missed") == 2
    loaded.source.page_size = 1000
    in_step(loaded)


def test_a_refused_reading_of_a_record_that_vanished_marks_nothing(loaded):
    del loaded.source.rows["customers"]["C05"]
    loaded.source.unreadable["C05"] = RecordRejectedError("GP refuses it.", code="GP_SYSTEM_FAULT")
    reconcile(loaded)
    assert account(loaded, "C05").get("Gone") is not True
    loaded.source.unreadable.clear()
    reconcile(loaded)
    assert account(loaded, "C05")["Gone"] is True
