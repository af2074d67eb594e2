"""The durable engine where its own file fails it, and a run whose steps are others than when it began."""

import sqlite3

import pytest
import sqlalchemy as sa

from ml_connector.cli.exits import Exit, exit_of
from ml_connector.core.errors import ConfigurationError, RetryableError
from ml_connector.flows.engine import Engine
from ml_connector.flows.range import EVERYTHING
from ml_connector.flows.steps import ended

PAGES = 400  #: the engine's empty tables take fewer
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


def run_to_end(folder, job, run="r"):
    with Engine(folder, job) as engine:
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


def test_a_full_disk_ends_the_run_and_frees_the_engine(tmp_path, small_disk):
    with pytest.raises(ConfigurationError, match=r"The disk of .*engine\.db is full") as caught:
        run_to_end(tmp_path, large_step)
    assert "Make room" in caught.value.remedy
    assert run_to_end(tmp_path, small, "next")["counts"] == {"created": 2}


def test_an_end_that_cannot_be_kept_is_told_and_taken_up_by_the_next(tmp_path, small_disk):
    assert run_to_end(tmp_path, large_end)["counts"] == {"created": 1}
    with Engine(tmp_path, small) as engine:
        assert [run.run for run in engine.pending()] == ["r"]
        assert engine.wait("r")["counts"] == {"created": 2}


def test_a_bug_that_cannot_be_kept_is_told(tmp_path, small_disk):
    with pytest.raises(RuntimeError, match="xxx"):
        run_to_end(tmp_path, large_bug)


def test_a_run_that_cannot_be_enqueued_is_told(tmp_path, small_disk):
    with (
        Engine(tmp_path, small) as engine,
        pytest.raises(ConfigurationError, match=r"disk of .* is full"),
    ):
        engine.start(TOO_MUCH, "r", EVERYTHING)


def test_a_second_process_is_told_to_come_back(tmp_path):
    with (
        Engine(tmp_path, small),
        pytest.raises(RetryableError, match="Another ml-connector process") as caught,
        Engine(tmp_path, small),
    ):
        pass
    assert exit_of(caught.value) is Exit.SYSTEM_AWAY
