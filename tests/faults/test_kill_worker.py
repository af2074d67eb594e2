"""Several processes over one store in PostgreSQL: one is killed or cut off, and another goes on with what it did."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kills import die

from postgres import database_of_test
from served import LONGEST_SECONDS, Served, serving, working
from summary import TOLD
from systems import INSERT, UPDATE, World, assert_quiet, assert_whole, gp_options, opened

CAP = 2
#: Longer than a test waits: whoever is in this call is in it when it is killed.
_MANY = Path(__file__).with_name("many_flows.py")


@pytest.fixture
def world(tmp_path: Path, postgres: Callable[[str], str]) -> Iterator[World]:
    gp = gp_options(customers=250, vendors=60)
    with database_of_test(postgres) as url, opened(tmp_path, gp=gp, url=url) as world:
        world.write_settings(gp__max_requests=str(CAP), zoho__heavy_requests="1")
        yield world


def assert_within_cap(world: World) -> None:
    assert 1 <= world.gp.control("GET", "requests?limit=1")["peak_concurrent"] <= CAP


def stuck_at_work(world: World, worker: Served, flow: str = "customers") -> None:
    """The worker is in a call that Zoho has done and does not answer."""
    worker.said(f"{flow}: at work at the run")
    worker.until(lambda: world.writes().get("insert", 0) >= 200, "the second hundred")


def interrupted(world: World) -> None:
    """A first load that was killed before its first write: a run that nobody goes on with yet."""
    die(world, "before", 1, approve=world.plan("customers"))
    world.forget()
    world.owe_answer(INSERT, nth=2)


def has_done(worker: Served) -> bool:
    """Whether it has done a run to its end."""
    return any(': done."' in line for line in worker.lines)


def end_session_of(world: World, worker: Served) -> None:
    """The server ends the session by which the others know that this one lives."""
    like = f"ml-connector %-{worker.process.pid}-%"
    ended = world.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE ?", like
    )
    assert ended == [(True,)]


def test_a_worker_that_is_killed_is_taken_over_and_nothing_is_doubled(world: World) -> None:
    interrupted(world)
    with working(world) as killed:
        stuck_at_work(world, killed)
        with working(world) as survivor:
            world.zoho_faults()
            assert killed.end(signal.SIGKILL) == -signal.SIGKILL
            since = time.monotonic()
            survivor.said("customers: at work at the run")
            TOLD.append(
                f"a killed worker's run was taken over after {time.monotonic() - since:.1f} s (30 s at most)"
            )
            survivor.said("customers: done")
    assert_whole(world)
    assert_within_cap(world)
    assert_quiet(world, "customers")


def test_a_worker_that_is_cut_off_until_another_goes_on_ends_with_a_sentence(world: World) -> None:
    interrupted(world)
    with working(world) as cut_off:
        stuck_at_work(world, cut_off)
        with working(world) as survivor:
            world.zoho_faults()
            cut_off.process.send_signal(signal.SIGSTOP)
            end_session_of(world, cut_off)
            survivor.said("customers: at work at the run")
            cut_off.process.send_signal(signal.SIGCONT)
            assert cut_off.process.wait(LONGEST_SECONDS) == 4
            assert cut_off.end() == 4
            survivor.said("customers: done")
    assert "This process was cut off from the database" in cut_off.lines[-1]
    assert "Start this one again" in cut_off.lines[-1]
    assert_whole(world)
    assert_quiet(world, "customers")


def test_a_worker_that_is_cut_off_for_a_moment_goes_on(world: World) -> None:
    with working(world) as worker:
        sessions = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE ?"
        like = f"ml-connector %-{worker.process.pid}-%"
        before = world.rows(sessions, like)
        end_session_of(world, worker)
        worker.until(lambda: world.rows(sessions, like) not in ([], before), "another session")
        assert world.sync("vendors", approve=world.plan("vendors"))["vendors"]["created"]


def test_a_worker_that_a_bug_keeps_from_showing_that_it_lives_ends_with_a_sentence(world: World) -> None:
    """As a bug serves a table that is not as the program thinks."""
    renamed = "ALTER TABLE dbos.workflow_status RENAME COLUMN {} TO {}"
    interrupted(world)
    with working(world) as broken:
        stuck_at_work(world, broken)
        world.rewrite(renamed.format("executor_id", "of_another_version"))
        assert broken.process.wait(LONGEST_SECONDS) == 4
        assert broken.end() == 4
    assert "A bug of ml-connector (ProgrammingError) ended what shows other processes" in broken.lines[-1]
    assert "Start this one again" in broken.lines[-1]
    assert "of_another_version" not in "".join(broken.lines)
    assert "Traceback" in (world.folder / "ml-connector-errors.log").read_text()
    world.rewrite(renamed.format("of_another_version", "executor_id"))
    world.zoho_faults()
    with working(world) as survivor:
        survivor.said("customers: done")
    assert_whole(world)
    assert_quiet(world, "customers")


def test_workers_share_what_a_killed_process_had_begun_and_the_cap_and_one_of_them_is_killed(
    world: World,
) -> None:
    """Of two flows that do not keep each other back, as those that write into one module would."""
    world.write_settings(
        flows_vendors__enabled="false", flows_gl_accounts__enabled="true", flows_customers__after="[]"
    )
    world.ok("provision", "--yes")
    world.first("gl_accounts")
    world.first("customers")
    for customer in world.customers():
        world.gp.control("POST", f"customers/{customer['id']}", {"set": {"class_id": "SHARED"}})
    for account in world.gp.control("GET", "accounts?limit=1000000")["rows"]:
        world.gp.control("POST", f"accounts/{account['id']}", {"set": {"description": "Shared"}})
    world.forget()
    world.owe_answer(UPDATE)
    with working(world) as one, working(world) as other:
        said = world.run(str(world.settings), "customers", "gl_accounts", script=_MANY)
        assert said.code == -signal.SIGKILL, said
        for worker in (one, other):  # each does one run at a time, and that of the customers comes to no end
            worker.said("at work at the run")
        one.until(lambda: has_done(one) or has_done(other), "the end of the run that is not stuck")
        one.until(lambda: world.writes().get("update"), "the run that is stuck")
        world.zoho_faults()
        stuck, survivor = (other, one) if has_done(one) else (one, other)
        assert stuck.end(signal.SIGKILL) == -signal.SIGKILL
        survivor.said(": done", times=2)
        query = "SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS' AND workflow_uuid LIKE ?"
        survivor.until(lambda: world.rows(query, "%-at-once") == [(2,)], "the end of both runs")
    assert world.rows("SELECT state FROM runs WHERE run LIKE ?", "%-at-once") == [("done",)] * 2
    assert {a["GP_Customer_Class"] for a in world.accounts() if a.get("GP_Customer_ID")} == {"SHARED"}
    assert {account["GP_Description"] for account in world.records("GL_Accounts")} == {"Shared"}
    assert_within_cap(world)
    assert_whole(world)


def test_a_command_is_told_its_result_though_the_process_that_serves_is_killed_in_the_middle(
    world: World,
) -> None:
    world.write_settings(serve__port="0", serve__schedule="'0 0 1 1 *'", flows_vendors__enabled="false")
    world.first("customers")
    for customer in world.customers():
        world.gp.control("POST", f"customers/{customer['id']}", {"set": {"class_id": "SERVED"}})
    world.forget()
    world.owe_answer(UPDATE)
    with serving(world) as served:
        command = world.start("sync", "customers", "--json")
        served.until(lambda: world.writes().get("update", 0) >= 100, "the first hundred")
        said = world.run("serve")
        assert said.code == 4
        assert "“ml-connector serve” is at work on postgresql" in said.text
        assert "“ml-connector worker” helps it" in said.text
        with working(world):
            world.zoho_faults()
            assert served.end(signal.SIGKILL) == -signal.SIGKILL
            told = world.finish(command)
    assert told.code == 0, told
    assert told.json["flows"]["customers"]["state"] == "done"
    assert {a["GP_Customer_Class"] for a in world.accounts() if a.get("GP_Customer_ID")} == {"SERVED"}
    assert_whole(world)


def test_a_restore_is_refused_beside_a_worker(world: World) -> None:
    world.here("backup", str(world.folder / "a.backup"))
    with working(world):
        said = world.run("restore", str(world.folder / "a.backup"), "--over")
        assert said.code == 4
        assert "Another ml-connector process is working on postgresql" in said.text
    world.ok("restore", str(world.folder / "a.backup"), "--over")


def test_a_worker_beside_a_file_is_told_what_to_do(tmp_path: Path) -> None:
    with opened(tmp_path, gp=gp_options(1), provisioned=False) as on_file:
        said = on_file.run("worker")
    assert said.code == 2
    assert "on PostgreSQL only" in said.text
    assert "ml-connector serve" in said.text
