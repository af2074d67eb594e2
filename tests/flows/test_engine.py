"""The durable engine where its own file fails it, and a run whose steps are others than when it began."""

import sqlite3
import threading
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from dbos import DBOS

from memory import FakeClock, MemorySource, MemoryTarget
from ml_connector.cli.exits import Exit, exit_of
from ml_connector.core.errors import ConfigurationError, RetryableError
from ml_connector.core.waits import DATABASE
from ml_connector.flows.engine import Engine
from ml_connector.flows.pull import pull
from ml_connector.flows.range import EVERYTHING
from ml_connector.flows.restore import restore
from ml_connector.flows.steps import ended
from ml_connector.store import backup
from ml_connector.store.database import Database
from ml_connector.store.engine_lock import Duty, ServingError, TakenError
from ml_connector.store.engine_locks import is_served
from ml_connector.store.engine_session import EngineSession
from ml_connector.store.locks import Locks
from ml_connector.store.restoring import Restoring
from postgres import database_of_test
from world import CUSTOMER, World

PAGES = 400  #: the engine's empty tables take fewer
ASKED = Restoring("sally@desk", datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1), [])
TOO_MUCH = "x" * 4096 * PAGES


@pytest.fixture
def small_disk():
    """No database file that is opened grows beyond ``PAGES``."""

    def limit(connection, _record):
        if isinstance(connection, sqlite3.Connection):
            connection.execute(f"PRAGMA max_page_count={PAGES}")

    sa.event.listen(sa.Engine, "connect", limit)
    yield
    sa.event.remove(sa.Engine, "connect", limit)


def run_to_end(database, folder, job, run="r"):
    with Engine(database, folder, job) as engine:
        engine.start("flow", run, EVERYTHING)
        return engine.wait(run)


def large_step(steps, *_):
    steps.do("large", lambda: {"large": TOO_MUCH})
    return ended("done", {})


def large_end(steps, *_):
    steps.do("small", dict)
    return ended("done", {"created": 1}, notes=[TOO_MUCH])


def large_bug(*_):
    raise RuntimeError(TOO_MUCH)


def small(steps, *_):
    steps.do("small", dict)
    return ended("done", {"created": 2})


@pytest.mark.sqlite_only
def test_a_full_disk_ends_the_run_and_frees_the_engine(database, tmp_path, small_disk):
    with pytest.raises(ConfigurationError, match=r"The disk of .*engine\.db is full") as caught:
        run_to_end(database, tmp_path, large_step)
    assert "Make room" in caught.value.remedy
    assert run_to_end(database, tmp_path, small, "next")["counts"] == {"created": 2}


@pytest.mark.sqlite_only
def test_an_end_that_cannot_be_kept_is_told_and_taken_up_by_the_next(database, tmp_path, small_disk):
    assert run_to_end(database, tmp_path, large_end)["counts"] == {"created": 1}
    with Engine(database, tmp_path, small) as engine:
        assert [run.run for run in engine.pending()] == ["r"]
        assert engine.wait("r")["counts"] == {"created": 2}


@pytest.mark.sqlite_only
def test_a_bug_that_cannot_be_kept_is_told(database, tmp_path, small_disk):
    with pytest.raises(RuntimeError, match="xxx"):
        run_to_end(database, tmp_path, large_bug)


@pytest.mark.sqlite_only
def test_a_run_that_cannot_be_enqueued_is_told(database, tmp_path, small_disk):
    with (
        Engine(database, tmp_path, small) as engine,
        pytest.raises(ConfigurationError, match=r"disk of .* is full"),
    ):
        engine.start(TOO_MUCH, "r", EVERYTHING)


def test_a_second_process_is_told_to_come_back(database, tmp_path):
    with (
        Engine(database, tmp_path, small),
        pytest.raises(RetryableError, match="Another ml-connector process") as caught,
        Engine(database, tmp_path, small),
    ):
        pass
    assert exit_of(caught.value) is Exit.SYSTEM_AWAY


# ---- a process that serves


def test_a_process_that_serves_is_told_from_a_command(database, tmp_path):
    def refused_by(**how):
        with (
            Engine(database, tmp_path, small, **how),
            pytest.raises(TakenError) as caught,
            Engine(database, tmp_path, small),
        ):
            pass
        return type(caught.value)

    assert not is_served(database, tmp_path)
    assert refused_by(duty=Duty.SERVE) is ServingError
    assert refused_by() is TakenError
    with Engine(database, tmp_path, small, Duty.SERVE):
        assert is_served(database, tmp_path)
    assert not is_served(database, tmp_path)


def test_a_run_of_the_same_name_is_begun_once(database, tmp_path):
    began = []

    def job(*_):
        began.append(1)
        return ended("done", {"created": len(began)})

    first = run_to_end(database, tmp_path, job)
    assert run_to_end(database, tmp_path, job) == first
    assert began == [1]


def test_runs_that_ended_long_ago_are_forgotten_and_those_under_way_are_not(database, tmp_path):
    go_on = threading.Event()

    def job(steps, run, *_):
        if run == "under way":
            steps.do("wait", lambda: {"on": go_on.wait(60)})
        return ended("done", {})

    for run in ("first", "second"):
        run_to_end(database, tmp_path, job, run)
    with Engine(database, tmp_path, job) as engine:
        engine.start("flow", "under way", EVERYTHING)
        engine.forget(datetime.now(UTC) - timedelta(days=1))
        assert engine.wait("first")["state"] == "done"
        engine.forget(datetime.now(UTC) + timedelta(days=1))
        with pytest.raises(Exception, match="first"):
            engine.wait("first")
        go_on.set()
        assert engine.wait("under way")["state"] == "done"


def test_a_bug_of_an_earlier_process_is_told_as_a_run_that_was_broken_off(database, tmp_path):
    def bug(*_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_to_end(database, tmp_path, bug)
    assert run_to_end(database, tmp_path, small)["state"] == "broken"


def test_a_run_whose_store_was_away_ended_as_that(database, tmp_path):
    def away(*_):
        raise RetryableError("The database x does not answer.", "Check that it runs.")

    told = run_to_end(database, tmp_path, away)
    assert (told["state"], told["happened"]) == ("away", "The database x does not answer.")
    assert run_to_end(database, tmp_path, small) == told


@pytest.mark.parametrize("where", ["step", "sleep"])
def test_a_run_that_is_left_goes_on_behind_its_last_step(database, tmp_path, where):
    done, at_work, go_on = [], threading.Event(), threading.Event()

    def step(name):
        done.append(name)
        return {}

    def slow():
        at_work.set()
        assert go_on.wait(60)
        return step("slow")

    def job(steps, *_):
        steps.do("first", lambda: step("first"))
        if where == "step":
            steps.do("slow", slow)
        else:
            at_work.set()
            steps.sleep(3600 if not go_on.is_set() else 0)
        steps.do("last", lambda: step("last"))
        return ended("done", {"created": 1})

    with Engine(database, tmp_path, job) as engine:
        engine.start("flow", "r", EVERYTHING)
        assert at_work.wait(60)
        if where == "step":
            assert not engine.leave(0.0), "the step is under way"
            go_on.set()
        assert engine.leave(60)
        assert [run.run for run in engine.pending()] == ["r"]
    assert done == (["first", "slow"] if where == "step" else ["first"])
    if where == "step":
        with Engine(database, tmp_path, job) as engine:
            assert engine.wait("r")["counts"] == {"created": 1}
        assert done == ["first", "slow", "last"]


def test_a_run_before_whose_end_is_noted_the_next_one_is_to_begin_is_for_later(database, tmp_path):
    at_work, go_on = threading.Event(), threading.Event()

    def job(steps, *_):
        steps.do("wait", lambda: {"on": at_work.set() or go_on.wait(60)})
        return ended("done", {"created": 1})

    with Engine(database, tmp_path, job) as engine:
        engine.start("flow", "first", EVERYTHING)
        assert at_work.wait(60)
        with pytest.raises(RetryableError, match="run of flow before this one"):
            engine.start("flow", "second", EVERYTHING)
        go_on.set()
        assert engine.wait("first")["state"] == "done"
        engine.start("flow", "second", EVERYTHING)
        assert engine.wait("second")["state"] == "done"


def test_a_run_that_sleeps_does_not_outlive_the_engine(database, tmp_path):
    at_work, threads = threading.Event(), []

    def job(steps, *_):
        threads.append(threading.current_thread())
        at_work.set()
        steps.sleep(3600)
        return ended("done", {})

    with Engine(database, tmp_path, job) as engine:
        engine.start("flow", "r", EVERYTHING)
        assert at_work.wait(60)
    threads[0].join(60)
    assert not threads[0].is_alive()


def test_a_sleep_that_an_earlier_version_began_is_over_when_it_was_to_be(database, tmp_path):
    """That version slept by the engine's own function; a run that is taken up has its end."""
    killed = threading.Event()

    class Killed(BaseException):
        pass

    def before(steps, *_):
        steps.do("first", dict)
        DBOS.sleep(0.1)
        killed.set()
        raise Killed

    def now(steps, *_):
        steps.do("first", dict)
        steps.sleep(3600)  # the end of the recorded one counts
        return ended("done", {"created": 1})

    with Engine(database, tmp_path, before) as engine:
        engine.start("flow", "r", EVERYTHING)
        assert killed.wait(60)
        assert engine.leave(60)
    with Engine(database, tmp_path, now) as engine:
        assert engine.wait("r")["counts"] == {"created": 1}


@pytest.mark.sqlite_only
def test_an_end_that_could_not_be_kept_is_taken_up_by_the_same_process(database, tmp_path, small_disk):
    ends = [large_end, small]

    def job(*given):
        return ends.pop(0)(*given)

    with Engine(database, tmp_path, job) as engine:
        engine.start("flow", "r", EVERYTHING)
        assert engine.wait("r")["counts"] == {"created": 1}
        assert [run.run for run in engine.pending()] == ["r"]
        assert engine.wait("r")["counts"] == {"created": 2}
        assert engine.pending() == []


# ---- several processes, which share a server


@pytest.fixture
def shared(postgres):
    with database_of_test(postgres) as url, closing(Database(url)) as opened:
        yield opened


def test_a_module_lock_that_is_lost_ends_the_run_as_away(shared, tmp_path):
    clock = FakeClock()
    world = World(clock, MemorySource(clock), MemoryTarget(clock), shared, {"customers": [CUSTOMER]})
    world.customer("C1")
    world.approve()
    locks, write = Locks(shared, tmp_path), world.target.write
    # one number names the locks of modules, two those of processes
    lose = (
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
    )
    lost = []

    def write_and_lose(*given, **more):
        with shared.begin() as tx:
            lost.extend(tx.execute(sa.text(lose)).scalars())
        return write(*given, **more)

    def job(steps, run, flow, asked):
        return pull(steps, replace(world.work(flow, asked), locked=locks.held), run)

    world.target.write = write_and_lose
    with Engine(shared, tmp_path, job) as engine:
        engine.start("customers", "first", EVERYTHING)
        told = engine.wait("first")
        assert lost
        assert all(lost)
        assert (told["state"], told["system"]) == ("away", DATABASE)
        world.target.write = write
        engine.start("customers", "second", EVERYTHING)
        assert engine.wait("second")["state"] == "done"
    assert len(world.target.records) == 1


def test_a_process_that_others_may_take_for_dead_stops_its_runs_and_says_so(shared, tmp_path):
    at_work, told = threading.Event(), []

    def job(steps, *_):
        steps.do("small", dict)
        at_work.set()
        steps.sleep(3600)
        return ended("done", {})

    with Engine(shared, tmp_path, job, lost=told.append) as engine:
        engine.start("flow", "r", EVERYTHING)
        assert at_work.wait(60)
        with led_by_another(shared), pytest.raises(RetryableError, match="may have gone on"):
            engine.wait("r")
        assert not engine.is_held
        assert engine.leave(60)
        with pytest.raises(RetryableError, match="Start this one again"):
            engine.start("flow", "s", EVERYTHING)
    assert len(told) == 1
    with Engine(shared, tmp_path, small) as engine:
        assert engine.wait("r")["counts"] == {"created": 2}


def test_a_process_that_is_cut_off_for_a_moment_goes_on(shared, tmp_path):
    at_work, go_on, told = threading.Event(), threading.Event(), []

    def job(steps, *_):
        steps.do("wait", lambda: {"on": at_work.set() or go_on.wait(60)})
        return ended("done", {"created": 3})

    with Engine(shared, tmp_path, job, lost=told.append) as engine:
        engine.start("flow", "r", EVERYTHING)
        assert at_work.wait(60)
        assert cut_off(shared)
        end = time.monotonic() + 60
        while not is_known(shared) and time.monotonic() < end:
            time.sleep(0.05)
        assert is_known(shared)
        go_on.set()
        assert engine.wait("r")["counts"] == {"created": 3}
        assert engine.is_held
    assert not told


def is_known(database):
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND mode = 'ExclusiveLock'"
    with database.read() as tx:
        return tx.execute(sa.text(query)).scalar_one() == 2  # it leads, and has its name


@contextmanager
def led_by_another(database):
    """The session of the one that leads is ended, and before it is back another one leads."""
    while True:
        cut_off(database)
        session = EngineSession(database)
        with closing(session), suppress(TakenError):
            session.begin(Duty.COMMAND)
            yield
            return


def cut_off(database):
    """End the sessions by which others know that a process lives; how many there were.

    One may end by itself meanwhile: that it could not be ended says nothing.
    """
    query = (
        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ml-conn%'"
    )
    left = sa.text("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(:pids)")
    with database.begin() as tx:
        pids = list(tx.execute(sa.text(query)).scalars())
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with database.begin() as tx:
            if not tx.execute(left, {"pids": pids}).scalar_one():
                return len(pids)
    raise AssertionError(f"sessions do not end: {pids}")


@pytest.fixture
def unread(shared):
    """The engine takes the first run out of its queue and cannot read it then, which it does not do again."""
    taken, engine_began = [], threading.Event()

    def fail(_connection, _cursor, statement, *_):
        is_queue = threading.current_thread().name == "queue-worker-flows"
        if (
            is_queue
            and "recovery_attempts" in statement
            and statement.startswith("SELECT")
            and len(taken) < 2
        ):
            taken.append(statement)
            engine_began.set()
            raise RuntimeError("it is away")

    sa.event.listen(sa.Engine, "before_cursor_execute", fail)
    yield engine_began
    sa.event.remove(sa.Engine, "before_cursor_execute", fail)


def test_a_run_that_was_taken_and_never_begun_is_told_and_begun_by_the_next_look(shared, tmp_path, unread):
    with Engine(shared, tmp_path, small) as engine:
        engine.start("flow", "r", EVERYTHING)
        assert unread.wait(60)
        with pytest.raises(RetryableError, match="does not begin") as caught:
            looked_at(engine, "r")
        assert "Check the database server" in caught.value.remedy
        assert engine.wait("r")["counts"] == {"created": 2}


def looked_at(engine, run):
    """Again and again, without the pauses of who waits for it."""
    while engine.look(run) is None:
        pass


def test_what_was_under_way_is_forgotten_with_the_store_that_is_put_back(database, tmp_path):
    at_work = threading.Event()

    def job(steps, *_):
        steps.do("small", dict)
        at_work.set()
        steps.sleep(3600)
        return ended("done", {})

    made = tmp_path / "a.backup"
    backup.write(database, made, datetime.now(UTC), "1")
    with Engine(database, tmp_path, job) as engine:
        engine.start("flow", "r", EVERYTHING)
        assert at_work.wait(60)
        with pytest.raises(TakenError):
            restore(database, tmp_path, made, ASKED, over=True)
        assert engine.leave(60)
        assert [run.run for run in engine.pending()] == ["r"]
    restore(database, tmp_path, made, ASKED, over=True)
    with Engine(database, tmp_path, small) as engine:
        assert not engine.pending()
        engine.start("flow", "r", EVERYTHING)
        assert engine.wait("r")["counts"] == {"created": 2}
