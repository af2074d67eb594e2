"""Telling people: each alert once and its all-clear once, whatever restarts, dies or does not answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from memory import START, FakeClock
from ml_connector.core.alerts import Kind, Limits
from ml_connector.core.errors import ConfigurationError, ConnectorError, RetryableError
from ml_connector.core.schedule import Schedule
from ml_connector.core.waits import DATABASE, GP, Reason, Wait
from ml_connector.flows.agenda import Scheduled
from ml_connector.flows.alerting import Alerting, alert
from ml_connector.flows.figures import Watched, due_since
from ml_connector.store import alerts, cursors, schedules, waits
from ml_connector.store.database import Connection, Database
from ml_connector.store.schedules import Kept

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MAIL, TEAM = "alerts.mail", "alerts.team"
CUSTOMERS = Scheduled(
    "customers", Schedule.read("*/15 * * * *", "UTC"), frozenset({GP}), frozenset({"customers"})
)


class KilledError(BaseException):
    """The process dies here."""


@dataclass
class Postbox:
    """Takes messages, or does not."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    refuses: dict[str, str | BaseException] = field(default_factory=dict)
    tried: int = 0
    remembered: tuple[str, ...] = ()

    def send(self, address: str, title: str, text: str) -> str:
        self.tried += 1
        refusal = self.refuses.get(address, "")
        if isinstance(refusal, ConnectorError):
            raise refusal
        if not refusal or (isinstance(refusal, KilledError) and not refusal.args):
            self.sent.append((address, title, text))
        if isinstance(refusal, BaseException):
            raise refusal
        return refusal

    def remember(self, addresses: Sequence[str]) -> None:
        self.remembered = tuple(addresses)

    @property
    def titles(self) -> list[tuple[str, str]]:
        return [(address, title.removeprefix("ml-connector: ")) for address, title, _ in self.sent]


@dataclass
class Store:
    """One that is away when a test says so."""

    database: Database
    away: ConnectorError | None = None

    def read(self) -> AbstractContextManager[Connection]:
        self._require()
        return self.database.read()

    def begin(self) -> AbstractContextManager[Connection]:
        self._require()
        return self.database.begin()

    def _require(self) -> None:
        if self.away is not None:
            raise self.away


@dataclass
class Stage:
    """One flow, its store, and who is told."""

    database: Store
    clock: FakeClock = field(default_factory=FakeClock)
    post: Postbox = field(default_factory=Postbox)
    said: list[str] = field(default_factory=list)
    addresses: tuple[str, ...] = (MAIL,)
    runs: int = 0

    def turn(self, later: timedelta = timedelta()) -> list[tuple[str, str]]:
        """Another process looks, so much later; what was sent by then."""
        self.clock.at += later
        self.process().turn()
        return self.post.titles

    def process(self) -> Alerting:
        limits = Limits(30 * MINUTE, timedelta(), HOUR, 7 * DAY, 5 * MINUTE)
        watched = [Watched("-1", "customers", CUSTOMERS)]
        return Alerting(
            self.database, self.clock, self.post, self.addresses, watched, limits, self.tell, START - DAY
        )

    def suffer(self, alerting: Alerting, later: timedelta = timedelta()) -> list[tuple[str, str]]:
        """This process looks, so much later, while the store is away; what was sent by then."""
        self.clock.at += later
        with pytest.raises(RetryableError):
            alerting.turn()
        return self.post.titles

    def tell(self, event: str, /, **_: object) -> None:
        self.said.append(event)

    def run(self, state: str = "done", note: str = "") -> None:
        """A run that ended just now."""
        self.runs += 1
        with self.database.begin() as tx:
            schedules.know(tx, ["customers"], self.clock.at)
            cursors.open_run(tx, f"r{self.runs}", "-1", "customers", self.clock.at)
            cursors.close_run(tx, f"r{self.runs}", self.clock.at, state, note, {})

    def wait(self, since: datetime | None) -> None:
        with self.database.begin() as tx:
            waits.close(tx, GP)
            if since:
                told = ("GP does not answer.", "Check that it runs.")
                waits.put(tx, Wait.begin(GP, Reason.UNREACHABLE, told, "", since))

    def open(self) -> list[Kind]:
        with self.database.read() as tx:
            return [found.kind for found in alerts.find(tx)]


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage(Store(database))


FAILS, WELL = (MAIL, "customers fails"), (MAIL, "customers is well again")


def test_a_flow_that_fails_is_told_once_and_that_it_is_well_once(stage: Stage) -> None:
    stage.run()
    assert stage.turn() == []
    stage.clock.at += MINUTE
    stage.run("failed", "A field is missing.")
    assert stage.turn() == [FAILS]
    [(_, _, text)] = stage.post.sent
    assert "A field is missing." in text
    assert text.endswith("at once with “ml-connector flows run”."), "and what to do"
    for _ in range(5):
        stage.clock.at += 15 * MINUTE
        stage.run("failed", "Another field is missing.")
        assert stage.turn() == [FAILS]
    stage.clock.at += MINUTE
    stage.run()
    assert stage.turn() == [FAILS, WELL]
    assert stage.post.sent[-1][2].startswith("This has passed: customers has not run well since")
    for _ in range(5):
        assert stage.turn(MINUTE) == [FAILS, WELL]
    assert stage.open() == []


def test_an_attempt_at_a_record_in_some_hours_does_not_hide_that_a_flow_fails(stage: Stage) -> None:
    stage.run("failed")
    with stage.database.begin() as tx:
        schedules.owe(tx, "customers", stage.clock.at + MINUTE)
    assert stage.turn() == [], "it is run again in a moment"
    with stage.database.begin() as tx:
        schedules.note_run(tx, "customers", stage.clock.at, stage.clock.at + HOUR)
    assert stage.turn() == [FAILS]


def test_what_keeps_a_flow_back_that_fails_is_no_all_clear(stage: Stage) -> None:
    stage.run("failed")
    assert stage.turn() == [FAILS]
    stage.wait(stage.clock.at)
    assert stage.turn(MINUTE) == [FAILS]
    stage.wait(None)
    with stage.database.begin() as tx:
        schedules.change(tx, "customers", "anna", stage.clock.at, paused=True)
    assert stage.turn(MINUTE) == [FAILS]
    stage.clock.at += MINUTE
    stage.run()
    assert stage.turn() == [FAILS, WELL]


def test_a_system_that_is_waited_for_is_told_once_it_has_been_away_for_long(stage: Stage) -> None:
    stage.run()
    stage.wait(stage.clock.at)
    assert stage.turn(29 * MINUTE) == []
    assert stage.turn(MINUTE) == [(MAIL, "Dynamics GP is waited for")]
    stage.wait(None)  # as a probe found it
    assert stage.turn() == [(MAIL, "Dynamics GP is waited for")]
    stage.wait(START)  # and a run found otherwise
    assert stage.turn(10 * MINUTE) == [(MAIL, "Dynamics GP is waited for")]
    stage.wait(None)
    stage.run()
    assert stage.turn() == [(MAIL, "Dynamics GP is waited for"), (MAIL, "Dynamics GP is well again")]


def test_a_flow_that_does_not_run_is_told(stage: Stage) -> None:
    stage.run()
    assert stage.turn(14 * MINUTE) == []
    assert stage.turn(45 * MINUTE) == []
    assert stage.turn(HOUR) == [(MAIL, "customers does not run")]
    stage.run()
    assert stage.turn() == [(MAIL, "customers does not run"), WELL]


def test_every_address_is_told_and_one_that_does_not_answer_keeps_nothing_from_the_others(
    stage: Stage,
) -> None:
    stage.addresses = (MAIL, TEAM)
    stage.post.refuses[MAIL] = "It does not answer."
    stage.run("failed")
    assert stage.turn() == [(TEAM, "customers fails")]
    assert any("could not be sent to alerts.mail: It does not answer." in line for line in stage.said)
    tried = stage.post.tried
    for _ in range(24 * 60):
        stage.turn(MINUTE)
    assert 24 <= stage.post.tried - tried <= 32, "ever more seldom, at last every hour"
    del stage.post.refuses[MAIL]
    assert stage.turn(HOUR) == [(TEAM, "customers fails"), FAILS]
    assert stage.turn(DAY) == [(TEAM, "customers fails"), FAILS]


@pytest.mark.parametrize(
    "refusal", [ConfigurationError("The secret is not set."), RetryableError("It is away.")], ids=repr
)
def test_an_address_that_is_none_is_said_in_the_log_and_tried_again(
    stage: Stage, refusal: ConnectorError
) -> None:
    stage.post.refuses[MAIL] = refusal
    stage.run("failed")
    assert stage.turn() == []
    assert any(refusal.happened in line for line in stage.said)
    stage.post.refuses.clear()
    assert stage.turn(MINUTE) == [FAILS]


def test_what_the_store_suffers_from_is_not_the_addresss_fault(stage: Stage) -> None:
    error = RetryableError("The database is locked.")
    error.system = DATABASE
    stage.post.refuses[MAIL] = error
    stage.run("failed")
    with pytest.raises(RetryableError, match="locked"):
        stage.turn()


def test_killed_between_sending_and_noting_it_is_said_once_more_and_no_more(stage: Stage) -> None:
    stage.post.refuses[MAIL] = KilledError()
    stage.run("failed")
    with pytest.raises(KilledError):
        stage.turn()
    assert stage.post.titles == [FAILS]
    stage.post.refuses.clear()
    assert stage.turn() == [FAILS], "not at once: it may have been that message which killed us"
    assert stage.turn(MINUTE) == [FAILS, FAILS]
    assert stage.turn(DAY)[:2] == [FAILS, FAILS]
    assert stage.post.titles.count(FAILS) == 2


def test_killed_before_it_was_sent_it_is_sent_by_the_next_process(stage: Stage) -> None:
    stage.run("failed")
    stage.post.refuses[MAIL] = KilledError("before")
    with pytest.raises(KilledError):
        stage.turn()
    assert stage.post.titles == []
    stage.post.refuses.clear()
    assert stage.turn(MINUTE) == [FAILS]


def test_one_that_passed_before_anybody_could_be_told_is_not_told_at_all(stage: Stage) -> None:
    stage.addresses = ()
    stage.run("failed")
    assert stage.turn() == []
    assert stage.open() == [Kind.FAILED]
    stage.clock.at += MINUTE
    stage.run()
    stage.addresses = (MAIL,)
    assert stage.turn() == []
    assert stage.open() == []


AWAY = RetryableError("The database does not answer.", "Check that it runs.")
AWAY.system = DATABASE
GONE, BACK = (MAIL, "the database is away"), (MAIL, "the database is well again")


def test_a_store_that_is_away_for_long_is_told_without_it_and_once_and_that_it_is_there_once(
    stage: Stage,
) -> None:
    stage.run()
    serving = stage.process()
    serving.turn()
    assert stage.post.remembered == (MAIL,), "its address, while it can be read"
    stage.database.away = AWAY
    assert stage.suffer(serving) == []
    assert stage.suffer(serving, 4 * MINUTE) == []
    for _ in range(5):
        assert stage.suffer(serving, MINUTE) == [GONE]
    [(_, _, text)] = stage.post.sent
    assert text.startswith("The database has not been there since 2026-11-02 08:30 UTC, and nothing runs.")
    assert "The database does not answer." in text
    assert text.endswith("Check that it runs.")
    stage.database.away = None
    for _ in range(3):
        serving.turn()
        assert stage.post.titles == [GONE, BACK]
    assert stage.open() == []


def test_a_store_that_was_away_for_a_moment_twice_is_not_told(stage: Stage) -> None:
    serving = stage.process()
    for _ in range(2):
        stage.database.away = AWAY
        assert stage.suffer(serving) == []
        assert stage.suffer(serving, 4 * MINUTE) == []
        stage.database.away = None
        stage.clock.at += MINUTE
        serving.turn()
    assert stage.post.titles == []


def test_who_is_not_reached_while_the_store_is_away_is_tried_again(
    stage: Stage,
) -> None:
    stage.addresses = (MAIL, TEAM)
    serving = stage.process()
    stage.database.away = AWAY
    stage.post.refuses = {MAIL: "It does not answer.", TEAM: AWAY}
    assert stage.suffer(serving) == []
    assert stage.suffer(serving, 5 * MINUTE) == []
    del stage.post.refuses[MAIL]
    assert stage.suffer(serving) == [], "not at once"
    assert stage.suffer(serving, MINUTE) == [GONE]
    assert stage.suffer(serving, MINUTE) == [GONE]
    assert any(
        "could not be sent to alerts.team: The database does not answer." in line for line in stage.said
    )


def test_a_process_that_dies_behind_the_return_of_the_store_leaves_the_all_clear_to_the_next(
    stage: Stage,
) -> None:
    serving = stage.process()
    stage.database.away = AWAY
    stage.suffer(serving)
    assert stage.suffer(serving, 5 * MINUTE) == [GONE]
    stage.database.away = None
    stage.post.refuses[MAIL] = KilledError("before")
    with pytest.raises(KilledError):
        serving.turn()
    stage.post.refuses.clear()
    assert stage.turn(MINUTE) == [GONE, BACK]
    assert stage.turn(DAY)[:2] == [GONE, BACK]


def test_a_process_that_is_started_anew_while_the_store_is_away_tells_it_once_more(stage: Stage) -> None:
    stage.database.away = AWAY
    for number in (1, 2):
        serving = stage.process()
        stage.suffer(serving)
        assert stage.suffer(serving, 5 * MINUTE) == number * [GONE]
    stage.database.away = None
    serving.turn()
    assert stage.post.titles == [GONE, GONE, BACK]


def test_the_thread_goes_on_behind_what_goes_wrong_and_ends_when_it_is_told_to(stage: Stage) -> None:
    turns, faults, ends = [], [], threading.Event()
    wrong = [RetryableError("The database does not answer."), ZeroDivisionError(), None]

    class Turning:
        tell = staticmethod(stage.tell)
        stopping = ends

        def turn(self) -> None:
            turns.append(None)
            if (error := wrong[len(turns) - 1]) is not None:
                raise error
            ends.set()

    thread = threading.Thread(target=alert, args=(Turning(), faults.append, 0.01))
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert [type(fault) for fault in faults] == [ZeroDivisionError]
    assert stage.said == ["Alerts wait: The database does not answer."]


@pytest.mark.parametrize(
    ("kept", "done_at", "due"),
    [
        (None, START, None),
        (Kept("customers", START, paused=True), START - DAY, None),
        (Kept("customers", START), START - 20 * MINUTE, START - timedelta(minutes=15, seconds=15)),
        (Kept("customers", START), START - 15 * MINUTE, START - timedelta(seconds=15)),
        (Kept("customers", START), START, None),
        (Kept("customers", START, changed_at=START - MINUTE), START - DAY, START - timedelta(seconds=15)),
        (Kept("customers", START - HOUR), None, START - timedelta(minutes=45, seconds=15)),  # it never ran
        (Kept("customers", START), None, None),
        (Kept("customers", START), START + HOUR, None),  # our clock was set back
        (Kept("customers", START, cron="0 0 * * *"), START - DAY, START.replace(hour=0, minute=0, second=0)),
    ],
)
def test_since_when_a_flow_is_due(kept: Kept | None, done_at: datetime | None, due: datetime | None) -> None:
    assert due_since(CUSTOMERS, kept, done_at, START) == due
