"""Many changes at the least cost: bulk jobs, what becomes of each row, and jobs that a crash leaves behind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

import pytest

from memory import FakeClock, MemorySource
from ml_connector.core.errors import (
    AllowanceError,
    ConfigurationError,
    NotDoneError,
    RecordRejectedError,
    RetryableError,
)
from ml_connector.core.needs import FieldShape
from ml_connector.core.ports import Fetched
from ml_connector.core.write_plan import JobPrice
from ml_connector.flows.spool import Spool
from ml_connector.store import bulk_jobs, intents
from world import CONTACT, PLAIN, World, done

PRICE = JobPrice(rows=60, credits=3, calls=5)  #: from 31 records on a job is cheaper
TIMEOUT = timedelta(seconds=3600)


class KilledError(BaseException):
    """The process ends here."""


class DeadlyClock(FakeClock):
    """A clock that kills who asks for the time, when it is told to."""

    left = 0

    def die_at(self, turn: int) -> None:
        """The turn-th question from now on is the last."""
        self.left = turn

    def now(self) -> datetime:
        self.left -= 1
        if self.left == 0:
            raise KilledError
        return super().now()


@pytest.fixture
def many(world: World) -> World:
    """A target with bulk jobs, linked to one customer so that creates need no approval."""
    world.clock = world.source.clock = world.target.clock = DeadlyClock(world.clock.at)
    world.customer("FIRST")
    world.first("customers", "vendors")
    world.target.job_price = PRICE
    world.change(max_change_ratio=1000.0, window_size=25, bulk_timeout=TIMEOUT)
    world.target.spent = world.target.calls = 0
    return world


def make(world: World, number: int, prefix: str = "C", **changes: object) -> list[str]:
    """New customers, or changes of these."""
    world.clock.sleep(3600)
    keys = [f"{prefix}{n:04}" for n in range(number)]
    for key in keys:
        known = key in world.source.rows["customers"]
        new = {} if known else {"customer_id": key, "name": f"Company {key}", "city": "Chicago"}
        world.source.put(key, **(new | changes))
    return keys


def assert_once(world: World, keys: list[str]) -> None:
    """Every key is on exactly one record, told once as created, and no job is left."""
    for key in keys:
        assert len(world.target.by_key(key)) == 1, key
        assert [action for _, action in world.told(key)].count("record:created") == 2, key  # two mappings
    with world.database.read() as tx:
        assert bulk_jobs.find(tx, "Accounts") == []
        assert intents.find(tx, world.work().pair("Accounts"), keys) == {}


def cities(world: World, keys: list[str]) -> set[object]:
    return {world.target.records[world.target.by_key(key)[0]]["City"] for key in keys}


@pytest.mark.parametrize(
    ("records", "jobs", "spent"), [(1, 0, 1), (30, 0, 3), (31, 1, 3), (60, 1, 3), (61, 1, 4), (185, 3, 10)]
)
def test_credits_first(many: World, records: int, jobs: int, spent: int) -> None:
    many.change(window_size=100)
    keys = make(many, records)
    assert done(many.sync()) == {"created": records}
    assert (len(many.target.jobs), many.target.spent) == (jobs, spent)
    assert_once(many, keys)
    assert done(many.sync()) == {}
    make(many, records, city="Boston")
    assert done(many.sync()) == {"updated": records}
    assert (len(many.target.jobs), many.target.spent) == (2 * jobs, 2 * spent)
    assert cities(many, keys) == {"Boston"}
    assert done(many.sync()) == {}


def test_creates_and_updates_are_of_separate_jobs(many: World) -> None:
    old = make(many, 50)
    many.sync()
    make(many, 50, city="Boston")
    new = make(many, 50, "D")
    assert done(many.sync()) == {"created": 50, "updated": 50}
    assert [job.file.creates for job in many.target.jobs.values()] == [True, True, False]
    assert_once(many, [*old, *new])
    assert cities(many, old) == {"Boston"}


def test_an_update_touches_only_what_differs_and_what_is_emptied_goes_by_call(many: World) -> None:
    keys = make(many, 50, email="a@example.com")
    many.sync()
    for key in keys:
        many.target.edit(many.target.by_key(key)[0], Email="person@example.com")
    make(many, 50, city="Boston")
    make(many, 3, email="")
    many.target.writes.clear()
    assert done(many.sync()) == {"updated": 50}
    (job,) = list(many.target.jobs.values())[1:]
    assert len(job.rows) == 47
    assert {name for row in job.rows for name in row.fields} == {"City", "As_Of"}
    emails = [many.target.records[many.target.by_key(key)[0]]["Email"] for key in keys]
    assert emails == [None] * 3 + ["person@example.com"] * 47


def test_each_row_ends_as_the_job_says(many: World) -> None:
    keys = make(many, 50)
    many.target.refuse["Company C0003"] = RecordRejectedError("Bad.", code="INVALID_DATA", field="City")
    many.target.seed("Somebody else", GP_Customer_ID="C0004")
    many.target.unwritten = {"c0005"}
    taken = many.target.seed("Other")
    many.target.edit(taken, GP_Vendor_ID="V1")
    assert done(many.sync()) == {"created": 48, "held": 1, "matched": 1}
    assert many.waits() == {
        (m, "C0003", "INVALID_DATA") for m in ("customer_accounts", "customer_financials")
    }
    assert many.told("C0004")[0] == ("customer_accounts", "record:matched")
    assert_once(many, [key for key in keys if key not in ("C0003", "C0004")])
    many.target.refuse.clear()
    many.customer("C0003", city="Boston")
    assert done(many.sync()) == {"created": 1}
    assert many.waits() == set()


def test_a_record_that_is_gone_is_told_by_the_ordinary_call(many: World) -> None:
    keys = make(many, 50)
    many.sync()
    lost = many.target.by_key(keys[7])[0]
    many.target.hidden.add(lost)
    make(many, 50, city="Boston")
    assert done(many.sync()) == {"updated": 49, "held": 1}
    assert {code for _, _, code in many.waits()} == {"TARGET_GONE"}


@pytest.mark.parametrize("at", ["before_upload", "before_job"])
def test_a_target_that_takes_no_job_is_written_in_calls(many: World, at: str) -> None:
    getattr(many.target, at).append(ConfigurationError("No bulk here.", "Ask."))
    keys = make(many, 130)
    result = many.sync()
    assert done(result) == {"created": 130}
    assert result["notes"] == ["No bulk here. What it was to write goes in calls of 100."]
    assert many.target.jobs == {}
    assert_once(many, keys)


def test_a_job_without_results_is_found_out_in_the_ordinary_way(many: World) -> None:
    many.target.without_results = True
    keys = make(many, 50)
    result = many.sync()
    assert done(result) == {"created": 50}
    assert "without results" in result["notes"][0]
    assert_once(many, keys)
    assert "our own create" in str(many.rows(keys[0])[0]["reason"])


def test_the_credits_that_are_left_are_spent_on_as_much_as_they_pay_for(many: World) -> None:
    keys = make(many, 300)
    many.target.credits = 10  # three jobs, and ten records
    result = many.sync()
    assert result["state"] == "away"
    assert "60 changed records of Accounts, and 50 more" in result["happened"]
    assert (many.target.credits, result["counts"]["created"]) == (0, 190)
    many.target.credits = None
    assert done(many.sync()) == {"created": 110}
    assert_once(many, keys)


def test_looking_again_is_paid_for_before_a_job_is_made_ready(many: World) -> None:
    many.change(max_wait=timedelta(seconds=60), credits_wait=timedelta(seconds=60))
    many.target.job_price, many.target.look_price = JobPrice(rows=100, credits=4, calls=5), 1
    keys = make(many, 100)
    many.target.credits = 4  # a job, without looking
    assert many.sync()["counts"]["created"] == 30
    assert many.target.files == {}
    assert many.target.credits == 0
    many.target.credits = 5
    assert done(many.sync()) == {"created": 70}
    assert (len(many.target.files), many.target.credits) == (1, 0)
    assert_once(many, keys)


@dataclass
class Interrupted(MemorySource):
    """A source in whose reading something happens, once, when it comes to a certain key."""

    at: str = ""
    happens: Callable[[], object] = lambda: None

    def fetch(self, entity: str, keys: Sequence[str]) -> Iterator[Fetched]:
        if self.at in keys:
            self.at = ""
            self.happens()
        return super().fetch(entity, keys)


def interrupt(world: World, at: str, happens: Callable[[], object]) -> None:
    """An hour passes, too."""
    told = {f.name: getattr(world.source, f.name) for f in fields(MemorySource)}

    def later() -> None:
        world.clock.sleep(3600)
        happens()

    world.source = Interrupted(**told, at=at, happens=later)


def test_what_a_person_changed_since_it_was_planned_leaves_the_job(many: World) -> None:
    keys = make(many, 50)
    many.sync()
    make(many, 50, city="Boston")
    ids = [many.target.by_key(key)[0] for key in keys]
    interrupt(many, keys[30], lambda: many.target.edit(ids[3], City="Rome"))
    assert done(many.sync()) == {"updated": 50}
    *_, job = many.target.jobs.values()
    assert {row.target_id for row in job.rows} == {*ids} - {ids[3]}
    assert cities(many, keys) == {"Boston"}
    before = [
        json.loads(str(row["before"]))["City"]
        for row in many.rows(keys[3])
        if row["action"] == "record:updated"
    ]
    assert before == ["Rome"]
    assert_once(many, keys)


def test_an_update_kept_long_beside_a_job_is_not_sent_over_a_persons(many: World) -> None:
    old = make(many, 5, "A")
    many.sync()
    make(many, 5, "A", city="Boston")
    new = make(many, 50)
    mine = many.target.by_key(old[2])[0]
    interrupt(many, new[40], lambda: many.target.edit(mine, City="Rome"))
    assert done(many.sync()) == {"updated": 5, "created": 50}
    before = [
        json.loads(str(row["before"]))["City"]
        for row in many.rows(old[2])
        if row["action"] == "record:updated"
    ]
    assert before == ["Rome"]


def test_an_update_that_no_job_carries_does_not_wait_for_the_end_of_a_wide_window(many: World) -> None:
    """It empties a field, and fills no call: hours later it would go over what a person wrote."""
    make(many, 1, "A", email="a@example.com")
    many.sync()
    make(many, 1, "A", email="", city="Boston")
    new = make(many, 50)
    mine = many.target.by_key("A0000")[0]

    def then_a_person() -> None:
        assert isinstance(many.source, Interrupted)
        many.source.at, many.source.happens = new[49], lambda: many.target.edit(mine, City="Rome")

    interrupt(many, new[30], then_a_person)
    assert done(many.sync()) == {"updated": 1, "created": 50}
    record = many.target.records[mine]
    assert (record["City"], record["Email"]) == ("Rome", None)
    assert len(many.target.jobs) == 1


def test_what_a_long_job_left_is_not_sent_over_a_persons(many: World) -> None:
    keys = make(many, 50)
    many.sync()
    make(many, 50, city="Boston")
    mine = many.target.by_key(keys[3])[0]
    many.target.unwritten, many.target.looks = {mine}, 6
    many.target.after_results = lambda: many.target.edit(mine, City="Rome")
    assert done(many.sync()) == {"updated": 50}
    befores = [
        json.loads(str(row["before"]))["City"]
        for row in many.rows(keys[3])
        if row["action"] == "record:updated"
    ]
    assert befores == ["Rome"]
    assert cities(many, keys) == {"Boston"}


def test_nothing_is_written_without_credits(many: World) -> None:
    make(many, 300)
    many.target.credits = 2
    result = many.sync()
    assert "55 changed records of Accounts, and 225 more" in result["happened"]
    many.target.credits = 0
    assert sum(map(int, re.findall(r"\b\d+\b", many.sync()["happened"]))) == 280


def test_more_than_a_day_pays_for_goes_on_day_by_day(many: World) -> None:
    """It is no fault of the settings: each day writes what it pays for."""
    many.change(max_wait=timedelta(seconds=60), credits_wait=timedelta(seconds=60))
    keys = make(many, 60)
    many.target.credits = many.target.day = 2
    told = many.sync()
    assert (told["state"], told["counts"]["created"]) == ("away", 20)
    states = []
    for _ in range(2):
        many.target.credits = 2
        states.append(many.sync()["state"])
    assert states == ["away", "done"]
    assert_once(many, keys)


@pytest.mark.parametrize("at", ["before_upload", "before_job"])
def test_credits_that_looking_again_took_are_not_waited_for_by_a_whole_job(many: World, at: str) -> None:
    """Each attempt looks again: with what is left it would end the same way, day after day."""
    many.change(max_wait=timedelta(seconds=60), credits_wait=timedelta(seconds=60))
    many.target.job_price = JobPrice(rows=250, credits=20, calls=5)
    keys = make(many, 250)
    many.target.credits = 20
    spent = AllowanceError("Gone.", "Wait.", after_seconds=3600, wanted=4)

    getattr(many.target, at).append(spent)
    assert many.sync()["state"] == "away"
    assert sum(bool(many.target.by_key(key)) for key in keys) in (150, 200)  # of the calls at once
    many.target.credits = None
    many.sync()
    assert_once(many, keys)


def test_what_a_file_does_not_hold_goes_with_another_job_or_in_calls(many: World) -> None:
    """40 rows fit in a file: of 100 records the jobs hold 40 and 40, and the last 20 cost less in calls."""
    many.target.file_rows = 40
    for city, told in (("Chicago", "created"), ("Boston", "updated")):
        keys = make(many, 100, city=city)
        many.target.jobs.clear()
        many.target.spent = 0
        assert done(many.sync()) == {told: 100}
        assert [len(job.rows) for job in many.target.jobs.values()] == [40, 40]
        assert many.target.spent == 3 + 3 + 2
        assert_once(many, keys)
        assert cities(many, keys) == {city}
        assert done(many.sync()) == {}


def test_what_a_file_does_not_hold_waits_for_credits_as_others_do(many: World) -> None:
    many.change(max_wait=timedelta(seconds=60), credits_wait=timedelta(seconds=60))
    many.target.file_rows = 40
    keys = make(many, 60)
    many.target.credits = 4
    told = many.sync()
    assert (told["state"], told["counts"]["created"]) == ("away", 50), "a job, and a call"
    assert "10 changed records of Accounts" in str(told)
    many.target.credits = None
    assert many.sync()["state"] == "done"
    assert_once(many, keys)


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_killed_between_two_files_nothing_is_doubled_or_lost(many: World, turn: int) -> None:
    many.target.file_rows = 10
    keys = make(many, 60)
    many.target.before_upload = [*[None] * (turn - 1), KilledError()]  # type: ignore[list-item]
    crash(many)
    assert sum(bool(many.target.by_key(key)) for key in keys) == 10 * (turn - 1)
    assert many.sync()["state"] == "done"
    assert_once(many, keys)


def test_a_key_that_is_not_unique_is_created_in_calls(many: World) -> None:
    many.target.unique = ()
    make(many, 50)
    assert done(many.sync()) == {"created": 50}
    assert many.target.jobs == {}


def test_parents_are_there_before_their_children(many: World) -> None:
    many.texts["customers"] = [PLAIN, CONTACT]
    many.sync(full=True)
    many.target.jobs.clear()
    make(many, 80, contact_person="Ann Smith", email="ann@example.com")
    many.approve("customers")
    assert done(many.sync())["created"] >= 160
    contacts = many.target.of("Contacts")
    assert {many.target.records[str(c["Account_Name"])]["GP_Customer_ID"] for c in contacts} >= {
        "C0000",
        "C0079",
    }
    assert {job.file.module for job in many.target.jobs.values()} == {"Accounts", "Contacts"}


# ---- crashes and lost answers


def crash(world: World) -> None:
    with pytest.raises(KilledError):
        world.sync()


@pytest.mark.parametrize("at", ["before_upload", "before_job", "after_job", "after_look"])
@pytest.mark.parametrize("city", ["Chicago", "Boston"])
def test_killed_anywhere_nothing_is_doubled_or_lost(many: World, at: str, city: str) -> None:
    many.target.looks = 3
    keys = make(many, 50)
    if city == "Boston":  # updates
        many.sync()
        make(many, 50, city=city)
    jobs = len(many.target.jobs)
    getattr(many.target, at).append(KilledError())
    crash(many)
    began = len(many.target.jobs) > jobs
    result = many.sync()
    if at in ("before_job", "after_job"):  # it may be under way: nothing else is written
        assert result["state"] == "away"
        assert "nothing" not in result["happened"]
        assert result["counts"].get("created", 0) == result["counts"].get("updated", 0) == 0
        assert len(many.target.jobs) == jobs + began
        many.target.finish_jobs()
        many.clock.sleep(TIMEOUT.total_seconds())
        result = many.sync()
    assert result["state"] == "done"
    assert cities(many, keys) == {city}
    assert_once(many, keys)
    assert done(many.sync()) == {}


def test_a_lost_answer_waits_until_the_job_must_have_ended(many: World) -> None:
    many.target.looks = 1000
    keys = make(many, 50)
    many.target.after_job.append(RetryableError("cut"))
    told = many.sync()
    assert told["state"] == "away"
    assert "60 minutes" in told["remedy"] or "59 minutes" in told["remedy"]
    many.clock.sleep(TIMEOUT.total_seconds() / 2)
    assert many.sync()["state"] == "away"
    assert many.target.by_key(keys[0]) == []
    many.target.finish_jobs()
    many.clock.sleep(TIMEOUT.total_seconds() / 2)
    assert done(many.sync()) == {"created": 50}
    assert len(many.target.jobs) == 1
    assert_once(many, keys)


def test_a_job_that_has_not_begun_for_certain_is_tried_again_at_once(many: World) -> None:
    many.target.before_job.append(NotDoneError("Too many at once."))
    keys = make(many, 50)
    assert done(many.sync()) == {"created": 50}
    assert len(many.target.jobs) == 1
    assert_once(many, keys)


def test_a_job_that_stays_under_way_is_waited_for(many: World) -> None:
    """Its module takes no other write; when it is done, its creates are found and told as ours."""
    many.target.looks = 10_000
    many.change(max_wait=timedelta(seconds=60))
    keys = make(many, 50)
    many.target.after_look.append(KilledError())
    crash(many)
    writes = many.target.calls
    for _ in range(3):
        assert many.sync()["state"] == "away"
    assert many.target.calls == writes
    many.target.finish_jobs()
    assert done(many.sync()) == {"created": 50}
    assert many.target.calls == writes
    assert_once(many, keys)


def test_a_job_that_outlasts_every_patience_is_never_overtaken(many: World) -> None:
    """It would write its old values over whatever is written meanwhile."""
    keys = make(many, 50)
    many.sync()
    many.target.looks = 10_000
    many.change(max_wait=timedelta(seconds=60))
    make(many, 50, city="Boston")
    many.target.after_look.append(KilledError())
    crash(many)
    many.clock.sleep(2 * TIMEOUT.total_seconds())
    make(many, 50, city="Denver")
    told = many.sync()
    assert (told["state"], cities(many, keys)) == ("away", {"Chicago"})
    assert "still under way" in told["happened"]
    many.target.looks = 1
    many.target.finish_jobs()
    assert done(many.sync()) == {"updated": 50}
    assert cities(many, keys) == {"Denver"}


def test_a_job_that_a_person_gave_up_is_waited_for_no_longer(many: World) -> None:
    """What it did is found by reading again; what it did not do is done."""
    many.target.looks = 10_000
    keys = make(many, 50)
    assert many.sync()["state"] == "away"
    many.clock.sleep(TIMEOUT.total_seconds() * 2)
    told = many.sync()
    assert (told["state"], "zoho jobs" in told["remedy"]) == ("away", True)
    for row in many.target.jobs["job-0"].rows[:20]:  # and there it stays
        many.target._write("Accounts", row)
    with many.database.begin() as tx:
        (job,) = bulk_jobs.find_all(tx)
        bulk_jobs.put(tx, replace(job, given_up="sally@desk: Zoho says that it is dead."))
    many.target.looks = 1
    assert done(many.sync()) == {"created": 50}
    assert_once(many, keys)


def test_killed_between_the_batches_of_results(many: World) -> None:
    many.target.job_price = JobPrice(rows=250, credits=3, calls=5)
    keys = make(many, 250)
    many.target.after_results = lambda: many.clock.die_at(3)  # each batch asks for the time twice
    crash(many)
    assert sum(bool(many.told(key)) for key in keys) == 100
    many.target.after_results = None
    assert done(many.sync()) == {"created": 150}
    assert len(many.target.jobs) == 1
    assert_once(many, keys)


def test_a_spool_gives_back_what_it_was_given(many: World) -> None:
    spool: Spool[object] = Spool()
    error = RecordRejectedError("Bad.", "Mend.", code="X", field="F", answer="said")
    mapping = many.work().flow.mappings[0]
    spool.extend(range(250))
    spool.append((error, mapping, FakeClock().now(), FieldShape("A", "text")))
    assert len(spool) == 251
    for _ in range(2):
        *numbers, (told, same, at, shape) = list(spool)
        assert numbers == list(range(250))
        assert (told.happened, told.remedy, told.code, told.field, told.answer) == (
            "Bad.",
            "Mend.",
            "X",
            "F",
            "said",
        )
        assert same is mapping
        assert (at, shape) == (FakeClock().now(), FieldShape("A", "text"))
