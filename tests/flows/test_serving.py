"""The process that serves, with a clock that moves when it is told to, and an engine that does a run when it begins."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from memory import START, FakeClock
from ml_connector.core.errors import AllowanceError, ConfigurationError, ConnectorError, RetryableError
from ml_connector.core.schedule import Schedule
from ml_connector.core.waits import GP, NAMES, ZOHO, Reason, reason_of
from ml_connector.flows.agenda import Due, Scheduled
from ml_connector.flows.pull import pull
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.runs import Ran, StoppingError, run_of
from ml_connector.flows.serving import Place, Serving
from ml_connector.flows.steps import BROKEN_OFF, DirectSteps, ended
from ml_connector.store import requests, schedules, waits
from ml_connector.store.database import Database
from ml_connector.store.requests import Request
from ml_connector.store.schedules import Kept
from world import World

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
Job = Callable[[str, str, Asked], dict[str, Any]]


@dataclass
class DirectEngine:
    """Does a run when it begins, and keeps how it ended as the real one does: by its name, once."""

    job: Job
    interrupted: list[SimpleNamespace] = field(default_factory=list)
    ends: dict[str, Any] = field(default_factory=dict)
    began: list[str] = field(default_factory=list)
    forgotten: list[datetime] = field(default_factory=list)
    slow: set[str] = field(default_factory=set)  #: flows whose runs have not ended as long as they are here

    def start(self, flow: str, run: str, asked: Asked) -> None:
        if run in self.ends:
            return
        self.began.append(run)
        try:
            self.ends[run] = self.job(flow, run, asked)
        except Exception as error:  # noqa: BLE001 -- whoever waits for the run is given it
            self.ends[run] = error

    def pending(self) -> list[SimpleNamespace]:
        return list(self.interrupted)

    def forget(self, before: datetime) -> None:
        self.forgotten.append(before)

    def wait(self, run: str, every: Callable[[], None]) -> dict[str, Any]:
        raise AssertionError("who serves waits for no run: it looks")

    def look(self, run: str) -> dict[str, Any] | None:
        for pending in [one for one in self.interrupted if one.run == run]:
            self.interrupted.remove(pending)
            self.start(pending.flow, run, pending.asked)
        if run.partition("-")[0] in self.slow:
            return None
        told = self.ends[run]
        if isinstance(told, Exception):
            self.ends[run] = ended("broken", {}, BROKEN_OFF)  # its next reader is told no more than that
            raise told
        return dict(told)


@dataclass
class Both:
    """The two systems, as a probe finds them."""

    away: dict[str, ConnectorError] = field(default_factory=dict)
    marks: Counter[str] = field(default_factory=Counter)
    probed: Counter[str] = field(default_factory=Counter)

    def probe(self, system: str, reason: str) -> None:
        self.probed[system] += 1
        if system in self.away:
            raise self.away[system]

    unset: dict[str, list[ConnectorError]] = field(default_factory=dict)

    def missing(self, system: str) -> list[ConnectorError]:
        return self.unset.get(system, [])

    def mark(self, system: str) -> str:
        return str(self.marks[system])


@dataclass
class Stage:
    """Everything of a test."""

    database: Database
    clock: FakeClock
    job: Job = lambda _flow, _run, _asked: ended("done", {})
    both: Both = field(default_factory=Both)
    cron: Mapping[str, str] = field(
        default_factory=lambda: {"customers": "*/15 * * * *", "vendors": "*/15 * * * *"}
    )
    zone: str = "UTC"
    after: Mapping[str, set[str]] = field(default_factory=dict)
    modules: Mapping[str, set[str]] = field(default_factory=dict)
    unapproved: set[str] = field(default_factory=set)
    attempts: dict[str, datetime] = field(default_factory=dict)
    at_once: int = 1
    told: list[str] = field(default_factory=list)
    where: dict[str, dict[str, object]] = field(default_factory=dict)  #: by what was told
    faults: list[Exception] = field(default_factory=list)
    begun: list[datetime] = field(default_factory=list)  #: when processes began to look after the flows

    def __post_init__(self) -> None:
        self.engine = DirectEngine(lambda flow, run, asked: self.job(flow, run, asked))  # noqa: PLW0108 -- it changes
        self.serving = self.restarted()

    def restarted(self) -> Serving:
        """Another process with the same store and engine."""
        self.serving = Serving(
            Place(
                self.database,
                self.clock,
                self.engine,
                self.both,
                [self.scheduled(name) for name in self.cron],
                lambda _flow: list(self.cron),
                lambda: self.unapproved,
                self.attempts.get,
                lambda before: {"gp_requests": 7} if before else {"gp_requests": 0},
                lambda: self.told.append("trimmed"),
                self.tell,
                self.faults.append,
                self.at_once,
                lambda: self.begun.append(self.clock.now()),
            )
        )
        return self.serving

    def tell(self, event: str, /, **where: object) -> None:
        self.told.append(event)
        self.where[event] = where

    def scheduled(self, name: str) -> Scheduled:
        schedule = Schedule.read(self.cron[name], self.zone)
        after, modules = self.after.get(name, ()), self.modules.get(name, ())
        needs = frozenset({GP, ZOHO})
        return Scheduled(name, schedule, needs, frozenset({name}), frozenset(after), frozenset(modules))

    def turn(self, later: timedelta = timedelta()) -> list[str]:
        """One turn so much later; the runs that it began."""
        self.clock.at += later
        before = len(self.engine.began)
        self.serving.turn()
        return self.engine.began[before:]

    def kept(self, flow: str = "customers") -> Kept:
        with self.database.read() as tx:
            return schedules.find(tx)[flow]

    def waits(self) -> dict[str, str]:
        with self.database.read() as tx:
            return {system: wait.reason for system, wait in waits.find(tx).items()}

    def ask(self, request: str, **asked: Asked) -> None:
        with self.database.begin() as tx:
            told = {flow: one.to_json() for flow, one in asked.items()}
            requests.put(tx, Request(request, told, "sally@desk", self.clock.now()))

    def came_of(self, request: str) -> Ran | None:
        with self.database.read() as tx:
            found = requests.find(tx, request)
        return Ran.from_json(found.ran) if found and found.ran else None


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage(database, FakeClock(START.replace(minute=0, second=0)))


def away(error: ConnectorError, state: str = "away") -> Job:
    return lambda _flow, _run, _asked: ended(state, {}, error)


def of(system: str, error: ConnectorError, reason: str = "") -> ConnectorError:
    error.system = system
    error.reason = reason or reason_of(error)
    return error


GP_AWAY = RetryableError("GP does not answer.", "Check that it runs.")


# ---- schedules


def test_flows_run_at_their_times_in_their_order_and_once_each(stage: Stage) -> None:
    assert stage.turn() == []  # from now on
    assert stage.turn(14 * MINUTE) == []
    assert stage.turn(MINUTE) == ["customers-20261102T081500.000000Z", "vendors-20261102T081500.000000Z"]
    assert stage.turn() == []
    assert len(stage.turn(15 * MINUTE)) == 2


def test_the_flows_are_looked_after_from_the_start_on_and_not_from_their_first_run(stage: Stage) -> None:
    stage.turn()
    began_at = stage.clock.now()
    stage.turn(15 * MINUTE)
    assert stage.begun == [began_at]
    stage.restarted().turn()
    assert stage.begun == [began_at, began_at + 15 * MINUTE]


def test_the_log_is_told_which_run_of_which_flow_did_what(stage: Stage) -> None:
    stage.job = lambda *_: ended("done", {"updated": 3})
    stage.turn()
    [run, _] = stage.turn(15 * MINUTE)
    where = stage.where["customers: done."]
    assert (where["flow"], where["run"], where["level"]) == ("customers", run, "info")
    assert where["counts"] == {"updated": 3}
    stage.job = away(of(GP, GP_AWAY))
    stage.turn(15 * MINUTE)
    assert stage.where["customers: away. GP does not answer."]["level"] == "warning"
    waits_for = stage.where["Dynamics GP is waited for (unreachable). Check that it runs."]
    assert waits_for == {"level": "warning", "system": "gp", "reason": "unreachable"}


def test_what_was_missed_is_caught_up_once(stage: Stage) -> None:
    stage.turn()
    stage.restarted()
    assert len(stage.turn(DAY + 7 * MINUTE)) == 2
    assert stage.turn() == []


def test_a_run_that_began_before_a_kill_is_not_begun_again(stage: Stage) -> None:
    stage.turn()
    stage.clock.at += 15 * MINUTE
    stage.engine.start("customers", Due(stage.scheduled("customers"), stage.clock.now()).run, EVERYTHING)
    stage.restarted()
    assert stage.turn() == ["vendors-20261102T081500.000000Z"]
    assert stage.turn() == []


def test_what_was_interrupted_goes_on_first_and_counts_for_its_time(stage: Stage) -> None:
    stage.turn()
    run = Due(stage.scheduled("customers"), stage.clock.now() + 15 * MINUTE).run
    stage.engine.interrupted.append(SimpleNamespace(flow="customers", run=run, asked=EVERYTHING))
    stage.restarted()
    assert stage.turn(15 * MINUTE) == [run, "vendors-20261102T081500.000000Z"]
    assert stage.told[1].startswith(f"customers: going on with the run {run}")
    assert stage.kept().due_at == stage.clock.now()


def test_a_paused_flow_does_not_run_and_a_changed_schedule_counts_at_once(stage: Stage) -> None:
    stage.turn()
    with stage.database.begin() as tx:
        schedules.change(tx, "customers", "sally@desk", stage.clock.now(), paused=True)
        schedules.change(tx, "vendors", "sally@desk", stage.clock.now(), cron="10 * * * *", zone="")
    assert stage.turn(10 * MINUTE) == ["vendors-20261102T081000.000000Z"]
    with stage.database.begin() as tx:
        schedules.change(tx, "customers", "sally@desk", stage.clock.now() + DAY, paused=False)
    assert len(stage.turn(DAY + 5 * MINUTE)) == 2


def test_a_first_load_that_nobody_approved_is_not_run_and_said_once(stage: Stage) -> None:
    stage.unapproved = {"customers"}
    stage.turn()
    assert stage.turn(15 * MINUTE) == ["vendors-20261102T081500.000000Z"]
    assert stage.turn(15 * MINUTE) == ["vendors-20261102T083000.000000Z"]
    assert [t for t in stage.told if "approval" in t] == [
        "customers does not run: the first load of customers waits for its approval."
    ]
    stage.unapproved = set()
    assert len(stage.turn(15 * MINUTE)) == 2


def test_a_clock_that_was_an_hour_ahead_and_is_corrected(stage: Stage) -> None:
    stage.turn()
    assert len(stage.turn(60 * MINUTE)) == 2
    assert stage.turn(-60 * MINUTE) == []
    assert "The clock was set back: customers, vendors will run at times that come once more." in stage.told
    for _ in range(6):
        assert len(stage.turn(15 * MINUTE)) == 2, "also at the time that it was run for already"
        assert stage.turn() == []
    assert len(stage.engine.began) == len(set(stage.engine.began)) == 14


def test_a_clock_that_was_an_hour_behind_and_is_corrected(stage: Stage) -> None:
    stage.turn()
    assert len(stage.turn(60 * MINUTE)) == 2
    assert stage.turn(-60 * MINUTE) == []
    assert [len(stage.turn(15 * MINUTE)) for _ in range(3)] == [2, 2, 2]
    assert len(stage.turn(60 * MINUTE)) == 2, "what seems to be missed is caught up once"
    assert [len(stage.turn(15 * MINUTE)) for _ in range(3)] == [2, 2, 2]
    assert len(stage.engine.began) == len(set(stage.engine.began)) == 16


def test_a_night_that_a_wrong_clock_began_early_is_not_run_once_more(stage: Stage) -> None:
    stage.cron = {"customers": "0 9 * * *", "vendors": "*/15 * * * *"}
    stage.restarted().turn()
    assert len(stage.turn(60 * MINUTE)) == 2
    stage.turn(-60 * MINUTE)
    began = [run for _ in range(8) for run in stage.turn(15 * MINUTE)]
    assert [run.partition("-")[0] for run in began] == ["vendors"] * 8
    assert len(stage.turn(DAY)) == 2


def test_what_is_owed_by_a_clock_that_was_wrong_is_not_owed_for_an_hour(stage: Stage) -> None:
    stage.turn()
    stage.job = away(RetryableError("A bulk job is under way."))
    assert len(stage.turn(60 * MINUTE)) == 2
    stage.job = lambda *_: ended("done", {})
    assert len(stage.turn(-60 * MINUTE)) == 2
    assert stage.turn() == []


def test_the_engine_forgets_what_is_long_done_once_a_day(stage: Stage) -> None:
    for _ in range(24 * 3):
        stage.turn(60 * MINUTE)
    assert [stage.clock.at - at for at in stage.engine.forgotten] == [
        timedelta(days=45 + 2, hours=23),
        timedelta(days=45 + 1, hours=23),
        timedelta(days=45, hours=23),
    ]
    assert stage.told.count("trimmed") == 3


# ---- systems that are away


def test_a_system_that_is_away_is_waited_for_and_its_flows_run_as_soon_as_it_is_there(stage: Stage) -> None:
    stage.turn()
    stage.job = away(of(GP, GP_AWAY))
    stage.both.away[GP] = GP_AWAY
    assert len(stage.turn(15 * MINUTE)) == 1, "the second needs it, too"
    assert stage.waits() == {GP: "unreachable"}
    for _ in range(200):
        assert stage.turn(MINUTE) == []
    assert 15 <= stage.both.probed[GP] <= 30, "ever more seldom"
    stage.job = lambda *_: ended("done", {})
    del stage.both.away[GP]
    assert [run.partition("-")[0] for run in stage.turn(10 * MINUTE)] == ["vendors", "customers"]
    assert stage.waits() == {}
    assert stage.turn() == []


def test_a_system_that_only_the_probe_finds_there_is_not_run_against_all_day(stage: Stage) -> None:
    stage.turn()
    stage.job = away(of(GP, GP_AWAY))
    stage.turn(15 * MINUTE)
    began = sum(len(stage.turn(MINUTE)) for _ in range(24 * 60))
    assert 100 < began <= 24 * 6 + 10, "as seldom as it is looked for"
    with stage.database.read() as tx:
        assert stage.clock.at - waits.find(tx)[GP].since_at >= DAY
    stage.job = lambda *_: ended("done", {})
    stage.turn(10 * MINUTE)
    assert stage.waits() == {}
    stage.job = away(of(GP, GP_AWAY))
    stage.turn(15 * MINUTE)
    with stage.database.read() as tx:
        assert waits.find(tx)[GP].since_at == stage.clock.at, "another time, another wait"


def test_a_file_that_is_locked_is_no_system_to_wait_for(stage: Stage) -> None:
    stage.turn()
    stage.job = away(of("database", RetryableError("The database is locked by another program.")))
    assert len(stage.turn(15 * MINUTE)) == 2
    assert stage.waits() == {}
    assert stage.turn(MINUTE / 6) == []
    assert len(stage.turn(MINUTE / 6)) == 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (of(GP, RetryableError("Quiet."), Reason.QUIET), "quiet hours"),
        (of(ZOHO, AllowanceError("None left.", "", after_seconds=60, wanted=1)), "credits"),
    ],
)
def test_quiet_hours_and_credits_are_waited_for_likewise(stage: Stage, error, reason) -> None:
    stage.turn()
    stage.job, stage.both.away[error.system] = away(error), error
    stage.turn(15 * MINUTE)
    assert stage.waits() == {error.system: reason}
    assert any(f"{NAMES[error.system]} is waited for ({reason})." in told for told in stage.told), (
        "the log says so"
    )
    stage.both.away.clear()
    assert len(stage.turn(15 * MINUTE)) == 1, (
        "there again, as the probe says; the run finds it away once more"
    )


def test_a_reason_that_changes_is_told_as_it_is_now(stage: Stage) -> None:
    stage.turn()
    stage.job, stage.both.away[GP] = away(of(GP, GP_AWAY)), of(GP, RetryableError("Quiet."), Reason.QUIET)
    stage.turn(15 * MINUTE)
    stage.turn(MINUTE)
    assert stage.waits() == {GP: "quiet hours"}
    stage.both.away[GP] = ConfigurationError("A right is missing.")
    stage.turn(MINUTE)
    assert "Dynamics GP is no longer waited for." in stage.told, "that is no wait: the run will tell"


@pytest.mark.parametrize("system", [GP, ZOHO])
def test_what_was_refused_is_never_tried_again_before_it_is_set_anew(stage: Stage, system: str) -> None:
    stage.turn()
    stage.job = away(of(system, ConfigurationError("The password is refused."), Reason.REFUSED), "failed")
    assert len(stage.turn(15 * MINUTE)) == 1
    for _ in range(500):
        assert stage.turn(7 * MINUTE) == []
    stage.restarted()
    assert stage.turn(DAY) == []
    assert stage.both.probed == {}
    stage.both.marks[system] += 1
    stage.job = lambda *_: ended("done", {})
    assert len(stage.turn(MINUTE)) == 2
    assert stage.both.probed == {system: 1}


def test_what_is_not_set_at_the_start_is_told_and_waited_for_until_it_is(stage: Stage) -> None:
    unset = [of(ZOHO, ConfigurationError(f"The secret {name} is not set.", f"Set {name}.")) for name in "ab"]
    stage.both.unset[ZOHO] = [*unset]
    stage.turn()
    assert stage.told[:3] == [
        "The secret a is not set. Set a.",
        "The secret b is not set. Set b.",
        "Zoho CRM is waited for until that is done; no flow that needs it runs before.",
    ]
    for _ in range(100):
        assert stage.turn(15 * MINUTE) == []
    assert (stage.waits(), stage.both.probed) == ({ZOHO: "not set"}, {})
    stage.both.marks[ZOHO] += 1  # the first of the two
    stage.both.away[ZOHO] = of(ZOHO, unset[1], Reason.NOT_SET)
    assert stage.turn(MINUTE) == []
    with stage.database.read() as tx:
        assert waits.find(tx)[ZOHO].happened == "The secret b is not set."
    stage.both.marks[ZOHO] += 1
    stage.both.away.clear()
    assert len(stage.turn(MINUTE)) == 2


def test_set_anew_and_refused_again_it_is_tried_once(stage: Stage) -> None:
    stage.turn()
    error = of(GP, ConfigurationError("The password is refused."), Reason.REFUSED)
    stage.job, stage.both.away[GP] = away(error, "failed"), error
    stage.turn(15 * MINUTE)
    stage.both.marks[GP] += 1
    for _ in range(100):
        assert stage.turn(MINUTE) == []
    assert stage.both.probed == {GP: 1}


def test_a_run_that_a_bulk_job_keeps_back_begins_anew_before_its_next_time(stage: Stage) -> None:
    stage.turn()
    stage.job = away(RetryableError("A bulk job is under way."))
    stage.turn(15 * MINUTE)
    assert stage.waits() == {}
    stage.job = lambda *_: ended("done", {})
    assert stage.turn(4 * MINUTE) == []
    assert len(stage.turn(MINUTE)) == 2


def test_a_failed_run_is_tried_again_at_its_next_time(stage: Stage) -> None:
    stage.turn()
    stage.job = away(of(ZOHO, ConfigurationError("A field is missing.")), "failed")
    assert len(stage.turn(15 * MINUTE)) == 2
    assert stage.turn(14 * MINUTE) == []
    assert len(stage.turn(MINUTE)) == 2


# ---- beside each other


def flows_of(began: list[str]) -> list[str]:
    return [run.partition("-")[0] for run in began]


@pytest.fixture
def several(database: Database) -> Stage:
    """Two at once: contacts come after customers, vendors write where customers do, books have their own way."""
    every = dict.fromkeys(("customers", "contacts", "vendors", "books"), "*/15 * * * *")
    return Stage(
        database,
        FakeClock(START.replace(minute=0, second=0)),
        cron=every,
        after={"contacts": {"customers"}},
        modules={"customers": {"Accounts"}, "contacts": {"Contacts"}, "vendors": {"Accounts", "Vendors"}},
        at_once=2,
    )


def test_a_long_run_keeps_back_only_what_has_to_do_with_it(several: Stage) -> None:
    several.turn()
    several.engine.slow = {"customers"}
    assert flows_of(several.turn(15 * MINUTE)) == ["customers", "books"]
    for _ in range(8):
        assert flows_of(several.turn(15 * MINUTE)) == ["books"]
    several.engine.slow = set()
    assert flows_of(several.turn()) == ["contacts", "vendors", "customers"], "what it missed, once"
    assert several.turn() == []


def test_no_more_at_once_than_the_setting_says(several: Stage) -> None:
    several.turn()
    several.engine.slow = set(several.cron)
    assert flows_of(several.turn(15 * MINUTE)) == ["customers", "books"]
    assert several.turn() == []
    several.engine.slow -= {"customers"}
    assert flows_of(several.turn()) == ["contacts"], (
        "vendors were passed by contacts, which need none of their modules"
    )


def test_a_forerunner_that_is_due_all_the_time_does_not_keep_back_what_comes_after_it(several: Stage) -> None:
    several.cron = dict.fromkeys(("customers", "contacts"), "* * * * *")
    several.restarted()
    several.turn()
    began: list[str] = []
    for _ in range(20):
        several.engine.slow = {"customers"}  # longer than a minute each
        began += flows_of(several.turn(MINUTE))
        several.engine.slow = set()
        began += flows_of(several.turn(MINUTE))
    assert began.count("contacts") >= 19


def test_what_waits_for_a_module_is_not_overtaken_by_what_would_take_it_again(several: Stage) -> None:
    several.turn()
    several.engine.slow = {"customers"}
    several.turn(15 * MINUTE)
    several.ask("r1", vendors=EVERYTHING)
    several.ask("r2", customers=EVERYTHING)
    several.turn(15 * MINUTE)
    several.engine.slow = {"vendors"}
    began = several.turn()
    assert began[0] == run_of("vendors", "r1")
    assert "customers" not in flows_of(began)
    several.engine.slow = set()
    assert several.turn()[0] == run_of("customers", "r2")


def test_a_request_is_worked_off_beside_a_long_run_and_one_of_its_flow_after_it(several: Stage) -> None:
    several.turn()
    several.engine.slow = {"customers"}
    several.turn(15 * MINUTE)
    several.ask("r1", customers=Asked(full=True))
    several.ask("r2", contacts=EVERYTHING)
    several.turn()
    assert (several.came_of("r1"), several.came_of("r2") is None) == (None, False)
    several.engine.slow = set()
    several.turn()
    ran = several.came_of("r1")
    assert ran is not None
    assert ran.flows["customers"]["state"] == "done"


def test_after_a_kill_all_that_was_under_way_is_followed_and_nothing_begins_twice(several: Stage) -> None:
    several.turn()
    several.engine.slow = {"customers", "books"}
    began = several.turn(15 * MINUTE)
    several.engine.interrupted = [
        SimpleNamespace(flow=run.partition("-")[0], run=run, asked=EVERYTHING) for run in began
    ]
    several.restarted()
    assert several.turn() == [], "both are under way still"
    several.engine.interrupted.clear()
    several.engine.slow = set()
    assert flows_of(several.turn()) == ["contacts", "vendors"]
    assert several.turn() == []


# ---- records that are tried again by themselves


def test_a_record_that_is_due_to_be_tried_has_its_flow_run_before_its_time(stage: Stage) -> None:
    stage.cron = {"customers": "0 3 * * *"}
    stage.restarted()
    stage.turn()
    due_at = stage.clock.at + 20 * MINUTE

    def job(*_: object) -> dict[str, Any]:
        stage.attempts["customers"] = due_at
        return ended("done", {"held": 1})

    stage.job = job
    stage.ask("r1", customers=EVERYTHING)
    assert len(stage.turn()) == 1
    assert stage.turn(19 * MINUTE) == []

    def heals(*_: object) -> dict[str, Any]:
        stage.attempts.clear()
        return ended("done", {"updated": 1})

    stage.job = heals
    assert len(stage.turn(MINUTE)) == 1
    assert sum(len(stage.turn(MINUTE)) for _ in range(600)) == 0


def test_between_two_such_runs_there_are_five_minutes_and_none_follows_one_in_vain(stage: Stage) -> None:
    stage.cron = {"customers": "0 3 * * *"}
    stage.attempts["customers"] = stage.clock.at - MINUTE
    stage.restarted()
    assert stage.turn() == []
    assert stage.turn(4 * MINUTE) == []
    left = iter([stage.clock.at - MINUTE / 2, stage.clock.at])

    def some(*_: object) -> dict[str, Any]:
        stage.attempts["customers"] = next(left, stage.attempts["customers"])
        return ended("done", {"held": 1})

    stage.job = some
    began = [stage.clock.at for _ in range(120) if stage.turn(MINUTE)]
    assert [after - before for before, after in pairwise(began)] == [5 * MINUTE] * 2, (
        "the third left everything as it was: the schedule has its turn"
    )


@pytest.mark.parametrize("state", ["failed", "limit", "broken"])
def test_what_a_person_has_to_look_at_is_not_run_for_records_that_are_due(stage: Stage, state: str) -> None:
    stage.cron = {"customers": "0 3 * * *"}
    stage.attempts["customers"] = stage.clock.at
    stage.job = lambda *_: ended(state, {}, ConfigurationError("Look."))
    stage.restarted()
    stage.turn()
    assert sum(len(stage.turn(MINUTE)) for _ in range(120)) == 1


# ---- requests


def test_asked_while_a_system_is_away_it_is_looked_at_once_and_told_at_once(stage: Stage) -> None:
    stage.turn()
    stage.job, stage.both.away[GP] = away(of(GP, GP_AWAY)), GP_AWAY
    stage.turn(15 * MINUTE)
    stage.ask("r1", customers=EVERYTHING, vendors=EVERYTHING)
    assert stage.turn() == [], "no run is begun in vain"
    ran = stage.came_of("r1")
    assert ran is not None
    assert (ran.flows["customers"]["state"], ran.not_run) == ("away", ["vendors"])
    assert ran.flows["customers"]["happened"] == (
        "Dynamics GP is waited for (unreachable) since 2026-11-02 08:15 UTC. GP does not answer."
    )
    assert (stage.both.probed[GP], stage.waits()) == (1, {GP: "unreachable"})
    stage.both.marks[GP] += 1
    stage.both.away.clear()
    stage.job = lambda *_: ended("done", {})
    stage.ask("r2", customers=EVERYTHING)
    stage.turn()
    ran = stage.came_of("r2")
    assert ran is not None
    assert ran.flows["customers"]["state"] == "done"


def test_requests_come_before_what_is_due_and_keep_their_results(stage: Stage) -> None:
    stage.turn()
    asked: list[tuple[str, Asked]] = []

    def job(flow: str, _run: str, wanted: Asked) -> dict[str, Any]:
        asked.append((flow, wanted))
        return ended("done", {"updated": 1})

    stage.job = job
    stage.clock.at += 15 * MINUTE
    stage.ask("r1", vendors=Asked(("V1",)), customers=Asked(full=True))
    assert stage.turn()[:2] == [run_of("vendors", "r1"), run_of("customers", "r1")]
    assert asked[:2] == [("vendors", Asked(("V1",))), ("customers", Asked(full=True))]
    ran = stage.came_of("r1")
    assert ran is not None
    assert list(ran.flows) == ["vendors", "customers"]
    assert ran.flows["vendors"]["counts"] == {"updated": 1}
    assert ran.spent == {"gp_requests": 7}
    assert len(asked) == 4


def test_one_that_is_worked_off_again_finds_its_runs_done(stage: Stage) -> None:
    stage.turn()
    stage.ask("r1", customers=EVERYTHING, vendors=EVERYTHING)
    stage.engine.start("customers", run_of("customers", "r1"), EVERYTHING)  # and then it was killed
    run = run_of("vendors", "r1")
    stage.engine.interrupted.append(SimpleNamespace(flow="vendors", run=run, asked=EVERYTHING))
    stage.restarted()
    assert stage.turn() == [run]
    ran = stage.came_of("r1")
    assert ran is not None
    assert (list(ran.flows), ran.interrupted) == (["customers", "vendors"], [])


def test_a_flow_that_does_not_end_well_ends_the_rest_of_the_request(stage: Stage) -> None:
    stage.turn()
    stage.job = away(of(GP, GP_AWAY))
    stage.ask("r1", customers=EVERYTHING, vendors=EVERYTHING)
    stage.turn()
    ran = stage.came_of("r1")
    assert ran is not None
    assert (ran.flows["customers"]["happened"], ran.not_run) == ("GP does not answer.", ["vendors"])
    assert stage.waits() == {GP: "unreachable"}
    stage.job = lambda *_: ended("done", {})
    stage.ask("r2", customers=EVERYTHING)  # a person may ask meanwhile, and what works is there
    stage.turn()
    assert stage.waits() == {}


# ---- what goes wrong here


def test_a_bug_in_one_flow_does_not_stop_the_others(stage: Stage) -> None:
    stage.turn()
    bug = ZeroDivisionError()

    def job(flow: str, _run: str, _asked: Asked) -> dict[str, Any]:
        if flow == "customers":
            raise bug
        return ended("done", {})

    stage.job = job
    stage.ask("r1", customers=EVERYTHING)
    assert len(stage.turn(15 * MINUTE)) == 3
    assert stage.faults == [bug, bug]
    ran = stage.came_of("r1")
    assert ran is not None
    assert ran.flows["customers"]["state"] == "broken"
    assert stage.turn() == []


def test_a_database_that_was_away_owes_the_run_that_it_broke_off(stage: Stage) -> None:
    stage.turn()

    def job(*_: object) -> dict[str, Any]:
        raise of("database", RetryableError("The database does not answer."))

    stage.job = job
    with pytest.raises(RetryableError):
        stage.turn(15 * MINUTE)
    stage.job = lambda *_: ended("done", {})
    assert [run.partition("-")[0] for run in stage.turn(MINUTE)] == ["vendors", "customers"]
    assert stage.turn() == []


def test_what_it_suffers_from_is_told_once_and_when_it_has_passed(stage: Stage) -> None:
    turns: list[str] = []

    def unapproved() -> set[str]:
        turns.append(stage.serving.trouble)
        if len(turns) < 3:
            raise RetryableError("The database does not answer.", "Check that it runs.")
        stage.serving.stopping.set()
        return set()

    stage.turn()
    stage.clock.at += 15 * MINUTE
    place = stage.serving.place
    stage.serving.place = replace(place, unapproved=unapproved)
    stage.serving.serve()
    trouble = "The database does not answer. Check that it runs."
    assert turns == ["", trouble, trouble]
    assert stage.told.count(trouble) == 1


def test_told_to_stop_it_begins_nothing_more_and_all_is_due_still(stage: Stage) -> None:
    stage.turn()

    def job(*_: object) -> dict[str, Any]:
        stage.serving.stopping.set()
        return ended("done", {})

    stage.job = job
    stage.ask("r1", customers=EVERYTHING)
    stage.clock.at += 15 * MINUTE
    with pytest.raises(StoppingError):
        stage.serving.turn()
    assert stage.engine.began == [run_of("customers", "r1")]
    stage.job = lambda *_: ended("done", {})
    stage.restarted()
    assert len(stage.turn()) == 2
    assert stage.came_of("r1") is not None


def test_it_ends_when_it_is_told_to(stage: Stage) -> None:
    thread = threading.Thread(target=stage.serving.serve)
    thread.start()
    stage.serving.stopping.set()
    thread.join(60)
    assert not thread.is_alive()


# ---- a month


def test_a_month_with_nights_holidays_and_a_moved_clock(database: Database, world: World) -> None:
    """Real runs over the memory systems, every eight hours and at night, GP away from a Saturday to Monday morning."""
    world.source.put("C1", name="Company 1", city="Chicago", customer_id="C1")
    world.clock.at = datetime(2026, 10, 5, tzinfo=UTC)
    world.first()
    saturday, monday = datetime(2026, 10, 10, tzinfo=UTC), datetime(2026, 10, 12, 6, tzinfo=UTC)
    done: list[tuple[str, datetime]] = []

    def job(flow: str, run: str, asked: Asked) -> dict[str, Any]:
        began_at = world.clock.now()
        if saturday <= began_at < monday:
            return ended("away", {}, of(GP, GP_AWAY))
        done.append((flow, began_at))
        return pull(DirectSteps(world.clock), world.work(flow, asked), run)

    cron = {"customers": "0 */8 * * *", "vendors": "30 2 * * *"}
    stage = Stage(database, world.clock, job, cron=cron, zone="Europe/Berlin")
    edits = 0
    while world.clock.at < datetime(2026, 11, 4, tzinfo=UTC):
        world.clock.at += 60 * MINUTE
        if world.clock.at.hour == 12:  # about noon somebody changes a customer
            edits += 1
            world.source.put("C1", city=f"City {edits}")
        stage.both.away = {GP: GP_AWAY} if saturday <= world.clock.at < monday else {}
        stage.serving.turn()
    nights = [at.date() for flow, at in done if flow == "vendors"]
    assert len(nights) == len(set(nights)) == 27, (
        "29 nights, October's 25th once; three of them were one on Monday"
    )
    # two of the first day, one of the last, and those of the weekend are one with Monday's at eight
    assert len([1 for flow, _ in done if flow == "customers"]) == 2 + 29 * 3 + 1 - 6
    [account] = [r for r in world.target.records.values() if r["Account_Name"] == "Company 1"]
    assert account["City"] == f"City {edits}"
    assert (stage.waits(), stage.faults) == ({}, [])
