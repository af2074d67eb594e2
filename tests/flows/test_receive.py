"""Receiving: whatever is told, polled, lost, doubled, late or killed, every record is handed over as it is at last."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import FakeClock, MemoryTarget
from memory_crm import DEALS, DyingDatabase, KilledError, MemoryBooks, MemoryCrm, tell, waits
from ml_connector.core.channels import Channel
from ml_connector.core.errors import AllowanceError, ConfigurationError, RetryableError
from ml_connector.core.listening import SETTLES_IN, Pace
from ml_connector.flows.range import Asked
from ml_connector.flows.receive import Gathering, receive
from ml_connector.flows.steps import DirectSteps
from ml_connector.flows.work import Options
from ml_connector.store import channels, cursors, listening, staging
from ml_connector.store.database import Database

SECOND, MINUTE, HOUR, DAY = (timedelta(**{name: 1}) for name in ("seconds", "minutes", "hours", "days"))
COALESCE = 3 * SECOND


@dataclass
class Stage:
    """One flow over the deals of a CRM in memory."""

    clock: FakeClock
    crm: MemoryCrm
    books: MemoryBooks
    database: Database
    runs: int = 0
    options: Options = field(default_factory=lambda: Options(overlap=30 * MINUTE, window_size=250))

    def gathering(self, **more) -> Gathering:
        return Gathering(
            flow="deals",
            company="-1",
            module=DEALS,
            source=self.crm,
            target=MemoryTarget(self.clock),
            database=more.pop("database", self.database),
            clock=self.clock,
            consumer=self.books,
            pace=Pace(poll=5 * MINUTE, safety=HOUR),
            coalesce=COALESCE,
            options=self.options,
            **more,
        )

    def run(self, steps=None, name="", **more):
        self.runs += 1
        return receive(steps or DirectSteps(self.clock), self.gathering(**more), name or f"run-{self.runs}")

    def live(self) -> None:
        """A channel is live, somebody takes what it tells, and a poll has found what was before."""
        now = self.clock.now()
        with self.database.begin() as tx:
            channels.put(tx, Channel(DEALS, "1", "path", enabled_at=now - DAY, expires_at=now + 5 * DAY))
            listening.begin(tx, [DEALS], now)
        assert self.run()["state"] == "done"
        self.crm.listings.clear()
        self.crm.calls.clear()
        self.books.handed.clear()

    def tell(self, *keys: str) -> None:
        tell(self.database, self.clock, *keys)

    def cursor(self):
        with self.database.read() as tx:
            found = cursors.find(tx, "-1", "deals")
        return found and found.cursor and found.cursor.at

    def is_known(self) -> bool:
        """Whether it was handed over as it is."""
        return self.books.state() == self.crm.state()


@pytest.fixture
def stage(database: Database) -> Stage:
    clock = FakeClock()
    return Stage(clock, MemoryCrm(clock), MemoryBooks(), database)


def test_a_burst_on_one_record_is_one_fetch(stage):
    stage.live()
    for amount in range(20):
        stage.crm.edit("1", amount)
        stage.tell("1", "1")
        stage.clock.sleep(0.1)
    assert stage.run()["counts"] == {}
    assert (stage.crm.calls, waits(stage.database)) == ([], {"1"})
    stage.clock.sleep(3)
    counts = stage.run()["counts"]
    assert (counts["told"], counts["fetches"], counts["written"]) == (1, 1, 1)
    assert stage.crm.calls == [["1"]]
    assert (stage.is_known(), waits(stage.database)) == (True, set())
    assert stage.crm.listings == []  # the channel tells: nothing is polled


def test_what_is_told_of_while_it_is_fetched_is_fetched_again(stage):
    stage.live()
    stage.crm.edit("1", 1)
    stage.tell("1")
    stage.clock.sleep(3)

    def meanwhile():
        stage.crm.edit("1", 2)
        stage.tell("1")

    stage.crm.while_fetching.append(meanwhile)
    stage.run()
    assert stage.books.state() == {"1": 1}
    assert waits(stage.database) == {"1"}
    stage.clock.sleep(3)
    stage.run()
    assert (stage.is_known(), waits(stage.database)) == (True, set())


def test_without_a_channel_it_is_polled_and_what_is_settled_is_not_fetched_again(stage):
    for key in ("1", "2", "3"):
        stage.crm.edit(key, 1)
    stage.clock.sleep(60)
    counts = stage.run()["counts"]
    assert (counts["polled"], counts["fetches"]) == (3, 1)
    assert stage.is_known()
    stage.crm.edit("2", 5)
    stage.clock.sleep(60)
    assert stage.run()["counts"] == {}  # not due yet
    stage.clock.sleep(300)
    counts = stage.run()["counts"]
    assert (counts["polled"], counts["settled"], stage.crm.calls[1:]) == (1, 2, [["2"]])
    assert stage.is_known()
    assert stage.crm.listings == [None, stage.clock.now() - 360 * SECOND - 60 * SECOND - 30 * MINUTE]


def test_nothing_before_its_beginning_is_of_interest(stage):
    stage.crm.edit("1", 1)
    stage.clock.sleep(60)
    begun = stage.clock.now()
    stage.crm.edit("2", 1)
    stage.clock.sleep(60)
    stage.run(start_at=begun)
    assert stage.books.state() == {"2": 1}
    stage.crm.edit("1", 2)  # what is changed after it is
    stage.clock.sleep(600)
    stage.run(start_at=begun)
    assert stage.is_known()


def test_a_person_has_it_polled_whenever_they_want(stage):
    stage.live()
    stage.crm.edit("1", 1)
    stage.clock.sleep(10)
    stage.run()
    assert not stage.is_known()
    stage.run(polls=True)
    assert stage.is_known()


def test_what_was_deleted_is_told_once(stage):
    stage.crm.edit("1", 1)
    stage.crm.edit("2", 1)
    stage.clock.sleep(60)
    stage.run()
    stage.crm.delete("1")
    stage.clock.sleep(300)
    counts = stage.run()["counts"]
    assert counts["deleted"] == 1
    assert (stage.is_known(), stage.books.kept["1"].amount) == (True, None)
    stage.clock.sleep(300)
    assert stage.run()["counts"].get("deleted", 0) == 0
    assert stage.books.handed.count("1") == 2


def test_a_notification_of_what_is_deleted_already_is_harmless(stage):
    stage.live()
    stage.crm.edit("1", 1)
    stage.tell("1")
    stage.crm.delete("1")
    stage.tell("1", "9")
    stage.clock.sleep(3)
    assert stage.run()["state"] == "done"
    assert {key: one.amount for key, one in stage.books.kept.items()} == {"1": None, "9": None}
    assert waits(stage.database) == set()


def test_what_was_told_of_and_polled_is_one_fetch(stage):
    for key in map(str, range(10)):
        stage.crm.edit(key, 1)
        stage.tell(key)
    stage.clock.sleep(2)  # none of them is ripe
    stage.run()
    assert [sorted(call) for call in stage.crm.calls] == [sorted(map(str, range(10)))]
    assert (stage.is_known(), waits(stage.database)) == (True, set())


def test_when_a_channel_is_back_the_gap_is_covered(stage):
    stage.live()
    with stage.database.begin() as tx:
        known = channels.find(tx, DEALS)
        channels.put(tx, replace(known, expires_at=None, enabled_at=None))
    stage.crm.edit("1", 1)
    stage.clock.sleep(10)
    now = stage.clock.now()
    with stage.database.begin() as tx:
        channels.put(tx, replace(known, enabled_at=now, expires_at=now + 6 * DAY))
    stage.clock.sleep(300)
    stage.run()
    assert stage.is_known()
    listed = len(stage.crm.listings)
    stage.clock.sleep(3000)
    stage.run()
    assert len(stage.crm.listings) == listed  # it tells again


def test_a_restart_covers_what_nobody_was_told_of(stage):
    stage.live()
    stage.crm.edit("1", 1)
    stage.clock.sleep(60)
    with stage.database.begin() as tx:
        listening.begin(tx, [DEALS], stage.clock.now())
    stage.run()
    assert stage.is_known()


def test_what_waits_is_read_again(stage):
    stage.live()
    stage.crm.edit("1", 1)
    stage.books.replays.add("1")
    stage.run()
    assert (stage.is_known(), stage.books.replays) == (True, set())


def test_certain_records_alone_leave_all_else_as_it_is(stage):
    stage.crm.edit("1", 1)
    stage.crm.edit("2", 1)
    stage.tell("2")
    stage.clock.sleep(60)
    stage.run(asked=Asked(keys=("1",)))
    assert stage.books.state() == {"1": 1}
    assert (waits(stage.database), stage.cursor(), stage.crm.listings) == ({"2"}, None, [])


def test_everything_is_looked_at_again_where_it_means_something_else(stage):
    stage.crm.edit("1", 1)
    stage.clock.sleep(60)
    stage.run(fingerprint="a")
    stage.run(fingerprint="b")
    assert stage.crm.listings == [None, None]
    stage.run(fingerprint="b", asked=Asked(full=True))
    assert stage.books.handed == ["1", "1"]


def test_a_stamp_from_the_future_moves_no_cursor(stage):
    stage.crm.edit("1", 1)
    past = stage.clock.now()
    stage.clock.sleep(60)
    at = stage.clock.now() + DAY
    stage.crm.put("2", DEALS, at, id="2", name="Deal 2", amount=3, modified_at=at)
    assert stage.run()["counts"]["future"] == 1
    assert (stage.is_known(), stage.cursor()) == (True, past)


def test_a_clock_that_is_behind_ours_bounds_the_cursor(stage):
    stage.crm.ahead = -10 * MINUTE
    stage.crm.edit("1", 1)
    stage.clock.sleep(60)
    stage.run()
    assert stage.is_known()
    assert stage.cursor() is None
    stage.clock.sleep(600)
    stage.run()
    assert stage.cursor() is not None


@pytest.mark.parametrize("where", ["before_fetch", "before", "midway", "after"])
def test_a_system_that_is_away_loses_nothing(stage, where):
    stage.live()
    stage.crm.edit("1", 1)
    stage.crm.edit("2", 1)
    stage.tell("1", "2")
    stage.clock.sleep(3)
    errors = stage.crm.before_fetch if where == "before_fetch" else getattr(stage.books, where)
    errors += [RetryableError("Away.", after_seconds=1e6), RetryableError("Away.")]
    assert stage.run()["state"] == "away"
    assert waits(stage.database) == {"1", "2"}
    assert stage.run()["state"] == "done"  # that one waits for it
    assert (stage.is_known(), waits(stage.database)) == (True, set())


def test_without_credits_the_run_waits_and_then_goes_on(stage):
    stage.live()
    stage.crm.edit("1", 1)
    stage.tell("1")
    stage.clock.sleep(3)
    stage.crm.before_fetch.append(AllowanceError("None left.", "", after_seconds=60, wanted=1))
    assert stage.run()["state"] == "done"
    assert stage.is_known()


def test_what_a_person_has_to_mend_stops_the_run_and_leaves_everything(stage):
    stage.crm.edit("1", 1)
    stage.tell("1")
    stage.clock.sleep(60)
    stage.crm.before_fetch.append(ConfigurationError("Not allowed."))
    told = stage.run()
    assert (told["state"], told["happened"]) == ("failed", "Not allowed.")
    assert (waits(stage.database), stage.cursor()) == ({"1"}, None)
    with stage.database.read() as tx:
        assert staging.count(tx, "run-1") == 0
    stage.run()
    assert stage.is_known()


# -- killed


@dataclass
class Recovered:
    """Steps that are kept when they are done, as an engine keeps them; dies at the n-th, before it or behind it."""

    clock: FakeClock
    at: int
    before: bool
    kept: dict[int, dict] = field(default_factory=dict)
    done: int = 0

    def do(self, _name, step):
        self.done += 1
        if self.done in self.kept:
            return self.kept[self.done]
        if self.done == self.at and self.before:
            raise KilledError
        told = step()
        if self.done == self.at:
            raise KilledError
        self.kept[self.done] = told
        return told

    def sleep(self, seconds):
        self.clock.sleep(seconds)

    def again(self):
        return Recovered(self.clock, 10**9, before=True, kept=self.kept)


def busy(stage: Stage, clients: int = 5) -> None:
    """Something of everything: told and polled, changed and deleted, known and new."""
    stage.live()
    for key in map(str, range(clients)):
        stage.crm.edit(key, 1)
    stage.clock.sleep(2 * HOUR.total_seconds())
    stage.run()
    stage.crm.delete("0")
    for key in map(str, range(1, clients)):
        stage.crm.edit(key, 2)
    stage.crm.edit("new", 1)
    stage.tell("1", "new", "0", "1")
    stage.clock.sleep(2 * HOUR.total_seconds())  # a safety poll is due, too


def is_done(stage: Stage) -> None:
    assert stage.is_known()
    assert waits(stage.database) == set()
    assert stage.cursor() == max(row.at for row in stage.crm.rows[DEALS].values())
    with stage.database.read() as tx:
        for run in range(1, stage.runs + 1):
            assert staging.count(tx, f"run-{run}") == 0
            assert staging.count(tx, "killed") == 0


@pytest.mark.parametrize("recovers", [True, False], ids=["recovered", "begun anew"])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 7))
def test_killed_at_any_step(stage, at, before, recovers):
    busy(stage)
    steps = Recovered(stage.clock, at, before)
    with pytest.raises(KilledError):
        stage.run(steps, "killed")
    stage.clock.sleep(5)
    stage.run(steps.again(), "killed") if recovers else stage.run()
    is_done(stage)


@pytest.mark.parametrize("recovers", [True, False], ids=["recovered", "begun anew"])
@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("at", range(1, 8))
def test_killed_at_any_commit(stage, at, committed, recovers):
    busy(stage)
    dying, steps = DyingDatabase(stage.database, at, committed), Recovered(stage.clock, 10**9, before=True)
    with pytest.raises(KilledError):
        stage.run(steps, "killed", database=dying)
    stage.clock.sleep(5)
    stage.run(steps.again(), "killed") if recovers else stage.run()
    is_done(stage)


@pytest.mark.parametrize("recovers", [True, False], ids=["recovered", "begun anew"])
@pytest.mark.parametrize("where", ["before", "midway", "after"])
def test_killed_while_it_is_taken(stage, where, recovers):
    busy(stage)
    getattr(stage.books, where).append(KilledError())
    steps = Recovered(stage.clock, 10**9, before=True)
    with pytest.raises(KilledError):
        stage.run(steps, "killed")
    assert waits(stage.database) == {"0", "1", "new"}
    stage.clock.sleep(5)
    stage.run(steps.again(), "killed") if recovers else stage.run()
    is_done(stage)


def test_the_places_to_be_killed_at_are_all_there_are(stage):
    busy(stage)
    steps, counting = (
        Recovered(stage.clock, 10**9, before=True),
        DyingDatabase(stage.database, 10**9, committed=True),
    )
    stage.run(steps, database=counting)
    assert (steps.done, counting.done) == (6, 7)


# -- many


def test_ten_thousand_notifications_copied_shuffled_and_lost(stage):
    """Each 1 to 5 times, a tenth never; and some deals change again while others are worked off."""
    chance = random.Random(7)
    stage.live()
    keys = [str(10**6 + n) for n in range(10_000)]
    for key in keys:
        stage.crm.edit(key, 1)
    told = [key for key in keys if chance.random() >= 0.1]
    copies = [key for key in told for _ in range(chance.randint(1, 5))]
    chance.shuffle(copies)
    for start in range(0, len(copies), 3000):
        arriving = copies[start : start + 3000]
        for key in chance.sample(keys, 50):
            stage.crm.edit(key, chance.randint(2, 9))
            arriving += [key] * (chance.random() >= 0.1)
        chance.shuffle(arriving)
        for some in range(0, len(arriving), 60):
            stage.tell(*arriving[some : some + 60])
        stage.clock.sleep(4)
        assert stage.run()["state"] == "done"
    assert stage.crm.listings == []
    lost = len(keys) - len(told)
    assert set(told) <= stage.books.kept.keys()
    assert len(stage.crm.calls) <= len(copies) / 100 + 4 * stage.runs  # four windows a run are not full
    stage.clock.sleep(HOUR.total_seconds())
    stage.run()  # the safety poll
    assert len(stage.crm.listings) >= 1
    assert stage.is_known()
    assert len(stage.books.kept) == 10_000
    assert waits(stage.database) == set()
    assert lost > 900


def test_what_is_told_of_at_once_is_fetched_by_hundreds(stage):
    stage.options = Options(window_size=1000)
    stage.live()
    chance = random.Random(3)
    keys = [str(10**6 + n) for n in range(10_000)]
    copies = [key for key in keys for _ in range(chance.randint(1, 5))]
    chance.shuffle(copies)
    for key in keys:
        stage.crm.edit(key, 1)
    for start in range(0, len(copies), 500):
        stage.tell(*copies[start : start + 500])
    stage.clock.sleep(3)
    runs = 0
    while waits(stage.database):
        stage.run()
        runs += 1
    assert stage.is_known()
    assert [len(call) for call in stage.crm.calls] == [100] * 100
    assert runs == 1


def test_notifications_without_an_end_do_not_keep_a_run_from_its_end(stage):
    stage.options = Options(window_size=1)
    stage.live()
    stage.crm.edit("polled", 1)
    stage.clock.sleep(2 * HOUR.total_seconds())

    def another():
        stage.crm.edit("told", len(stage.crm.calls))
        stage.tell("told")
        stage.clock.sleep(3)

    class Endless(MemoryBooks):
        def take(self, run, handed):
            another()
            return super().take(run, handed)

    stage.books = Endless()
    another()
    assert stage.run()["state"] == "done"
    assert stage.books.state()["polled"] == 1
    assert len(stage.crm.calls) == 21
    assert waits(stage.database) == {"told"}
    assert stage.cursor() is not None


def test_notifications_without_an_end_keep_no_poll_waiting(stage):
    """A channel has just been enabled: what was not told of before it told is polled as soon as it has settled."""
    stage.options = Options(window_size=1)
    stage.live()
    now = stage.clock.now()
    with stage.database.begin() as tx:
        channels.put(tx, replace(channels.find(tx, DEALS), enabled_at=now))
    stage.run()  # closes the gap as far as it can be closed at once
    stage.crm.edit("untold", 1)

    class Endless(MemoryBooks):
        def take(self, run, handed):
            stage.crm.edit("told", len(stage.crm.calls))
            stage.tell("told")
            stage.clock.sleep(MINUTE.total_seconds())
            return super().take(run, handed)

    stage.books = Endless()
    stage.tell("told")
    stage.clock.sleep(3)
    stage.run()
    assert not stage.books.kept.keys() - {"told"}
    assert SETTLES_IN <= stage.clock.now() - now <= SETTLES_IN + MINUTE
    stage.run()
    assert stage.books.state()["untold"] == 1


# -- whatever happens

STEP = st.one_of(
    st.tuples(st.just("edit"), st.sampled_from("abcd"), st.integers(0, 5)),
    st.tuples(st.just("lose"), st.sampled_from("abcd"), st.integers(0, 5)),
    st.tuples(st.just("delete"), st.sampled_from("abcd"), st.booleans()),
    st.tuples(st.just("late"), st.sampled_from("abcd"), st.just(None)),
    st.tuples(st.just("sleep"), st.sampled_from([1, 4, 100, 4000]), st.just(None)),
    st.tuples(st.just("run"), st.just(None), st.just(None)),
    st.tuples(st.just("kill"), st.integers(1, 8), st.booleans()),
)


def edit(stage, key, amount):
    stage.crm.edit(key, amount)
    stage.tell(key)


def delete(stage, key, is_told):
    if key in stage.crm.rows[DEALS]:
        stage.crm.delete(key)
        stage.tell(*[key] * is_told)


def kill(stage, at, committed):
    try:
        stage.run(database=DyingDatabase(stage.database, at, committed))
    except KilledError:
        stage.clock.sleep(1)


HAPPENS = {
    "edit": edit,
    "lose": lambda stage, key, amount: stage.crm.edit(key, amount),
    "delete": delete,
    "late": lambda stage, key, _: stage.tell(key),
    "sleep": lambda stage, seconds, _: stage.clock.sleep(seconds),
    "run": lambda stage, *_: stage.run(),
    "kill": kill,
}


@pytest.fixture(scope="module")
def emptied(new_store, tmp_path_factory):
    """An empty store, again and again."""
    file = tmp_path_factory.mktemp("receive") / "test.db"

    def empty():
        for left in file.parent.glob("test.db*"):
            left.unlink()
        file.write_bytes(new_store)
        return Database(f"sqlite:///{file}")

    return empty


@pytest.mark.sqlite_only
@given(st.lists(STEP, max_size=25), st.booleans())
@settings(max_examples=40, deadline=None)
def test_after_quiet_everything_is_known_whatever_happened(emptied, happening, is_live):
    database, clock = emptied(), FakeClock()
    stage = Stage(clock, MemoryCrm(clock), MemoryBooks(), database)
    if is_live:
        stage.live()
    for what, key, how in happening:
        HAPPENS[what](stage, key, how)
    clock.sleep(4000)
    stage.run()
    clock.sleep(4000)
    stage.run()
    assert stage.is_known()
    assert waits(database) == set()
    before = len(stage.books.handed)
    clock.sleep(4000)
    stage.run()
    assert len(stage.books.handed) == before  # and it is quiet
    database.close()
