"""``flows`` without a process that serves, and a command beside one that a person stops waiting for."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing

import pytest

from ml_connector.bootstrap import open_app
from ml_connector.flows.engine import Engine
from ml_connector.flows.steps import ended
from ml_connector.settings_file import load_settings
from ml_connector.store.database import Database
from ml_connector.store.engine_lock import Duty
from systems import World, gp_options, opened


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("flows"), gp=gp_options(8)) as opened_world:
        opened_world.write_settings(
            serve__time_zone="'America/Chicago'", flows_vendors__schedule="'0 * * * *'"
        )
        yield opened_world


def states(world: World) -> dict[str, tuple[str, str, bool]]:
    told = world.here("flows", "list", "--json").json
    assert told["serving"] is False
    return {one["flow"]: (one["schedule"], one["time_zone"], one["paused"]) for one in told["flows"]}


def test_what_runs_when_is_told_and_changed(world: World) -> None:
    as_set = {
        "customers": ("*/15 * * * *", "America/Chicago", False),
        "vendors": ("0 * * * *", "America/Chicago", False),
    }
    assert states(world) == as_set
    world.here("flows", "schedule", "vendors", "30 2 * * *", "--time-zone", "Europe/Berlin")
    said = world.here("flows", "pause")
    assert "It counts from the next start of “ml-connector serve” on" in said.err
    assert states(world) == {
        "customers": ("*/15 * * * *", "America/Chicago", True),
        "vendors": ("30 2 * * *", "Europe/Berlin", True),
    }
    text = world.here("flows", "list").out
    assert "paused by " in text
    assert "“ml-connector serve” is not at work here" in text
    world.here("flows", "resume")
    said = world.here("flows", "schedule", "vendors", "default", "--time-zone", "Europe/Berlin")
    assert "vendors runs as the settings say, on the wall clock of Europe/Berlin." in said.out
    assert states(world)["vendors"] == ("0 * * * *", "Europe/Berlin", False)
    world.here("flows", "schedule", "vendors", "default")
    assert states(world) == as_set


@pytest.mark.parametrize(
    ("words", "happened"),
    [
        (("schedule", "vendors", "hourly"), "“hourly” is no schedule"),
        (("schedule", "vendors", "0 * * * *", "--time-zone", "Berlin"), "“Berlin” is no time zone"),
        (("schedule", "vendors", "default", "--time-zone", "Berlin"), "“Berlin” is no time zone"),
        (("schedule", "suppliers", "0 * * * *"), "There is no flow “suppliers”"),
        (("pause", "suppliers"), "There is no flow “suppliers”"),
    ],
)
def test_what_cannot_be_is_a_sentence(world: World, words: tuple[str, ...], happened: str) -> None:
    said = world.run("flows", *words)
    assert (said.code, happened in said.err) == (2, True), said


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ({"serve__schedule": "'hourly'"}, "“hourly” is no schedule"),
        ({"serve__time_zone": "'Berlin'"}, "“Berlin” is no time zone"),
        ({"flows_vendors__schedule": "'61 * * * *'"}, "“61 * * * *” is no schedule"),
    ],
)
def test_a_schedule_in_the_settings_is_checked_when_they_are_read(
    world: World, setting: dict[str, str], line: str
) -> None:
    before = dict(world.values)
    world.write_settings(**setting)
    try:
        said = world.run("flows", "list")
    finally:
        world.values = before
        world.write_settings()
    assert (said.code, line in said.err) == (2, True), said


def test_each_flow_reads_through_a_source_of_its_own_and_all_is_counted(world: World) -> None:
    with open_app(load_settings(world.settings)) as app:
        customers, vendors = (
            app.works.source_of(app.roster.flows[name]) for name in ("customers", "vendors")
        )
        customers.clock_difference()
        assert (customers.take_load().requests, vendors.take_load().requests) == (1, 0)
        assert app.works.source_of(app.roster.flows["customers"]) is customers
        assert sum(app.gp_cost().calls.values()) == 1


def test_ctrl_c_ends_the_waiting_and_not_what_was_asked_for(world: World) -> None:
    world.first("customers")
    folder = world.folder / "data"
    with (
        closing(Database(f"sqlite:///{folder / 'ml-connector.db'}")) as database,
        Engine(database, folder, lambda *_: ended("done", {}), Duty.SERVE),
    ):
        command = world.start("flows", "run", "customers")
        assert "is at work here, and does this as soon as" in command.stderr.readline()  # it has asked
        command.send_signal(signal.SIGINT)
        said = world.finish(command)
    assert said.code == 130
    assert "Stopped waiting: “ml-connector serve” does it all the same." in said.err
    assert world.rows("SELECT ended_at FROM requests") == [(None,)]
