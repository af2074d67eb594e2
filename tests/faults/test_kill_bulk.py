"""kill -9 around a bulk job: whenever it comes, every customer is there once, told once, and nothing is left over."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from systems import World, assert_whole, gp_options, opened, zoho_options

_SCRIPT = Path(__file__).with_name("killed_bulk.py")
NUMBERS = count(1)
JOB = "POST /crm/bulk/v8/write"
WRITES = ("records.insert", "records.update", "bulk.write")
IN_A_JOB, IN_CALLS = 120, 10  #: of the customers of one test
FIRST = 2 * IN_A_JOB + IN_CALLS  #: customers that there are before any test


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    zoho = zoho_options(bulk_seconds=0.3, bulk_wait_seconds=0.0)
    folder = tmp_path_factory.mktemp("bulk")
    with opened(folder, gp=gp_options(FIRST), zoho=zoho) as world:
        world.write_settings(
            zoho__bulk_poll_seconds="0.2", zoho__bulk_timeout_seconds="3", sync__max_change_ratio="1"
        )
        told = sync(world, "never", world.plan("customers"))
        assert told["counts"]["created"] == FIRST
        assert jobs(world) == 2
        yield world


def start(world: World, point: str, approve: str = "") -> tuple[int, str, str]:
    said = world.run(str(world.settings), point, approve, script=_SCRIPT)
    return said.code, said.out, said.err


def sync(world: World, point: str = "never", approve: str = "") -> dict[str, Any]:
    code, out, err = start(world, point, approve)
    assert code == 0, err
    return dict(json.loads(out.splitlines()[-1])["flows"]["customers"])


def die(world: World, point: str) -> None:
    code, out, err = start(world, point)
    assert code == -signal.SIGKILL, (out, err)


def make(world: World) -> None:
    """New customers: as many as a job and a few calls carry."""
    turn = next(NUMBERS)
    for number in range(IN_A_JOB + IN_CALLS):
        world.customer(f"B{turn}N{number:03}", f"Bulk {turn} Company {number}")
    world.forget()


def jobs(world: World) -> int:
    return len(world.zoho_call("GET", "bulk/jobs"))


def write_calls(world: World) -> int:
    """How many calls wrote or began to."""
    calls = world.zoho_call("GET", "counts")["calls_by_kind"]
    return sum(number for kind, number in calls.items() if kind in WRITES)


@pytest.mark.parametrize(
    ("point", "began"),
    [
        ("before-start_job", 0),  # file and intents are committed
        ("after-start_job", 1),  # its id is not
        ("batch-1", 1),
    ],
)
def test_creates(world: World, point: str, began: int) -> None:
    before = jobs(world)
    make(world)
    die(world, point)
    assert jobs(world) - before == began
    sync(world)
    assert jobs(world) - before == 1, "what a job has done is not done again"
    assert_whole(world)


def test_while_the_job_is_under_way_its_records_take_no_other_write(world: World) -> None:
    world.zoho_call("POST", "bulk/fates", [{"ending": "never", "rows": 30}])
    world.write_settings(zoho__bulk_timeout_seconds="3600", sync__max_wait_seconds="2")
    make(world)
    die(world, "after-job_state")
    calls = write_calls(world)
    said = world.run("sync", "customers")
    assert said.code == 4, said.text
    assert "still under way" in said.text
    assert write_calls(world) == calls, "nothing was written meanwhile"
    (job,) = [job["id"] for job in world.zoho_call("GET", "bulk/jobs") if job["ending"] == "never"]
    world.zoho_call("POST", "bulk/end", {"id": job, "ending": "failed", "rows": 30})
    world.write_settings(zoho__bulk_timeout_seconds="3", sync__max_wait_seconds="20")
    sync(world)
    assert_whole(world)


@pytest.mark.parametrize("ending", ["failed", "skipped", "completed"])
def test_a_job_that_ends_badly_is_finished_in_calls(world: World, ending: str) -> None:
    world.zoho_call("POST", "bulk/fates", [{"ending": ending, "rows": 80}])
    make(world)
    told = sync(world)
    assert told["counts"]["created"] == IN_A_JOB + IN_CALLS
    assert_whole(world)


def test_a_lost_answer(world: World) -> None:
    """Whether the job began is not known: its keys wait as long as one may take, and are read again."""
    before = jobs(world)
    make(world)
    world.zoho_faults({"match": JOB, "kind": "cut_after_work", "nth": 1})
    sync(world)
    world.zoho_faults()
    assert jobs(world) - before == 1
    assert_whole(world)
