"""What a command makes of runs that an earlier one left, of flows that wait, and how it ends for a program."""

import json
import re
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing

import pytest

from ml_connector.cli.costs import Spent
from ml_connector.cli.exits import Exit
from ml_connector.cli.progress import how_far
from ml_connector.cli.results import show_results
from ml_connector.flows.runs import Ran
from served import LONGEST_SECONDS
from systems import ACCOUNTS_ONLY, INSERT, SECRETS, assert_whole, counts, gp_options, opened, unreachable


def killed(world, *words):
    """The command, killed while Zoho owes the answer to its first insert."""
    world.owe_answer(INSERT)
    world.forget()
    process = world.start(*words)
    end = time.monotonic() + LONGEST_SECONDS
    while not world.writes():
        if process.poll() is not None or time.monotonic() > end:
            unreachable("Zoho was not asked to write")
        time.sleep(0.01)
    process.kill()
    assert world.finish(process).code == -signal.SIGKILL
    world.zoho_faults()


def runs(world):
    return Counter(world.rows("SELECT flow, state FROM runs"))


def test_a_run_of_another_flow_is_finished_and_shown(tmp_path):
    with opened(tmp_path, gp=gp_options(30, 8)) as world:
        killed(world, "sync", "customers", "--approve", world.plan("customers"))
        said = world.ok("sync", "vendors", "--approve", world.plan("vendors"), "--json")
        assert "customers: going on with the run" in said.err
        told = said.json
        assert counts(told["flows"]["vendors"])["created"] == len(world.vendors())
        [taken_up] = told["interrupted"]
        assert (taken_up["flow"], taken_up["state"]) == ("customers", "done")
        assert runs(world) == {("customers", "done"): 1, ("vendors", "done"): 1}


def test_an_interrupted_whole_run_is_the_one_that_is_asked_for(tmp_path):
    with opened(tmp_path, gp=gp_options(30)) as world:
        killed(world, "sync", "customers", "--approve", world.plan("customers"))
        told = world.ok("sync", "customers", "--json").json
        assert told["interrupted"] == []
        assert sum(counts(told["flows"]["customers"]).values()) == 30
        assert runs(world) == {("customers", "done"): 1}


def test_an_interrupted_replay_does_not_swallow_a_whole_run(tmp_path):
    with opened(tmp_path, gp=gp_options(12)) as world:
        first, second = (row["id"].rstrip() for row in world.customers()[:2])
        for key in (first, second):
            world.gp.control("POST", f"customers/{key}", {"email": {"to": "no address"}})
        world.first("customers", code=1)
        world.gp.control("POST", f"customers/{first}", {"email": {"to": "right@example.com"}})
        killed(world, "held", "retry", first)
        world.gp.control("POST", f"customers/{second}", {"set": {"class_id": "CHANGED"}})
        told = world.ok("sync", "customers", "--json", code=1).json
        assert [run["flow"] for run in told["interrupted"]] == ["customers"]
        assert told["flows"]["customers"]["run"] != told["interrupted"][0]["run"]
        assert world.account(first)["GP_Email"] == "right@example.com"
        assert counts(told["flows"]["customers"]) == {"held": 1}


def test_flows_that_are_approved_run_beside_one_that_waits(tmp_path):
    with opened(tmp_path, gp=gp_options(10, 4)) as world:
        world.first("customers")
        world.gp.control("POST", "customers/AARONFIT0001", {"set": {"class_id": "CHANGED"}})
        said = world.ok("sync", "--json", code=3)
        assert counts(said.json["flows"]["customers"]) == {"updated": 1}
        assert said.json["waits_for_approval"] == ["vendors"]
        assert said.json["exit_code"] == 3
        assert "first load of vendors waits" in said.err
        assert world.account("AARONFIT0001")["GP_Customer_Class"] == "CHANGED"

        told = world.ok("sync", "vendors", "--json", code=3)
        assert told.json["ok"] is False
        assert "vendors" in told.json["happened"]
        assert "plan" in told.json["remedy"]
        assert told.json["exit_code"] == 3


def test_every_failure_is_a_document_where_one_was_asked_for(tmp_path):
    failures = [("sync", "nosuch"), ("sync", "--approve", "x"), ("held", "retry", "X"), ("plan", "nosuch")]
    with opened(tmp_path, gp=gp_options(2)) as world:
        for words in failures:
            said = world.ok(*words, "--json", code=2)
            assert said.json["exit_code"] == 2
            assert said.err.splitlines() == [said.json["happened"], said.json["remedy"]]
        assert world.ok(*failures[0], code=2).out == ""


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_broken_engine_file_is_a_sentence_and_moving_it_away_helps(tmp_path, content):
    with opened(tmp_path, gp=gp_options(3)) as world:
        world.first("customers")
        file = world.folder / "data" / "engine.db"
        for beside in file.parent.glob("engine.db*"):
            beside.unlink()
        file.write_bytes(content)
        said = world.ok("sync", "customers", code=2)
        assert "engine.db" in said.err
        assert "move it away" in said.err
        file.unlink()
        assert world.sync("customers") == {"customers": {}}


def ended(flow, state):
    return {
        "flow": flow,
        "state": state,
        "counts": {},
        "happened": "",
        "remedy": "",
        "notes": [f"{flow} has a note."],
        "load": {},
        "run": "r",
        "seconds": 0.0,
    }


@pytest.mark.parametrize(
    ("interrupted", "flow", "held", "waits", "code"),
    [
        ("done", "done", 0, [], Exit.DONE),
        ("away", "done", 0, [], Exit.SYSTEM_AWAY),
        ("failed", "done", 3, ["b"], Exit.WRONG_USE),
        ("done", "done", 3, ["b"], Exit.WAITS_FOR_APPROVAL),
        ("done", "limit", 3, [], Exit.WAITS_FOR_APPROVAL),
        ("done", "done", 3, [], Exit.NEEDS_A_PERSON),
    ],
)
def test_how_a_sync_ends(capsys, interrupted, flow, held, waits, code):
    ran = Ran({"a": ended("a", flow)}, [ended("b", interrupted)])
    spent = Spent(0, 0, {}, 0, 0, {})
    assert show_results(ran, held, spent, waits, as_json=False) is code
    said = capsys.readouterr()
    assert re.search(r"(?m)^b \(interrupted\)", said.out)
    assert "a has a note." in said.err


@pytest.mark.parametrize(
    ("done", "whole", "told"),
    [(0, 42, "0 of 42 records"), (1600, 1600, "1,600 of 1,600 records"), (600, 42, "600 records")],
)
def test_progress_never_tells_of_more_than_all(done, whole, told):
    """A second round stages only the records that waited for a parent, while what is done is counted on."""
    assert how_far(done, whole) == told


def test_a_refused_password_is_not_tried_by_any_later_command(tmp_path):
    """A scheduled command does not lock the account; a new secret or a ping tries once."""
    with opened(tmp_path, gp=gp_options(3)) as world:
        world.first("customers")

        def failures():
            return sum(world.gp.control("GET", "state")["failed_sign_ins"].values())

        world.here("secrets", "set", "gp.password", stdin="wrong")
        said = [world.ok("sync", "customers", code=2).err for _ in range(3)]
        assert failures() == 1
        assert "refuses the user" in said[0]
        assert {line.splitlines()[-1] for line in said} == {said[0].splitlines()[-1]}
        assert "ping" in said[0]
        world.ok("ping", code=2)
        assert failures() == 2
        world.ok("plan", "customers", code=2)
        assert failures() == 2
        world.here("secrets", "set", "gp.password", stdin=SECRETS[0])
        world.sync("customers")
        assert failures() == 2
        assert world.rows("SELECT COUNT(*) FROM refusals") == [(0,)]


def test_a_ping_clears_what_was_refused(tmp_path):
    with opened(tmp_path, gp=gp_options(3)) as world:
        file = world.gp.accounts._file
        right = file.read_text()
        file.write_text(right.replace(SECRETS[0], "changed in the domain"))
        world.ok("plan", "customers", code=2)
        file.write_text(right)  # and changed back: the sealed secret is the same
        world.ok("plan", "customers", code=2)
        world.here("ping")
        assert world.rows("SELECT COUNT(*) FROM refusals") == [(0,)]
        world.plan("customers")


def change(world, statement):
    """Change the store beside the program."""
    with closing(sqlite3.connect(world.folder / "data" / "ml-connector.db")) as file, file:
        file.execute(statement)


def test_another_organisation_is_refused(tmp_path):
    with opened(tmp_path, gp=gp_options(3)) as world:
        world.first("customers")
        change(world, "UPDATE frozen SET value = '1' WHERE name = 'zoho_org'")
        world.gp.control("POST", "customers/AARONFIT0001", {"set": {"class_id": "CHANGED"}})
        world.forget()
        for words in (("sync", "customers"), ("plan", "customers"), ("provision", "--yes")):
            assert "written into the organisation 1." in world.ok(*words, code=2).err
        assert world.writes() == {}


def test_a_plan_fixes_nothing_for_good(tmp_path):
    with opened(tmp_path, gp=gp_options(3)) as world:
        assert dict(world.rows("SELECT name, value FROM frozen"))["key_prefix"] == ""
        change(world, "DELETE FROM frozen")
        world.write_settings(company__key_prefix="'A-'")
        world.plan("customers")
        assert world.rows("SELECT * FROM frozen") == []
        world.write_settings(company__key_prefix="'B-'")
        world.first("customers")
        assert dict(world.rows("SELECT name, value FROM frozen")).keys() == {
            "company",
            "key_prefix",
            "zoho_org",
        }
        world.write_settings(company__key_prefix="'C-'")
        assert "Set key_prefix back to “B-”" in world.ok("provision", code=2).err
        assert "Set key_prefix back to “B-”" in world.ok("ping", code=1).text


def test_settings_changed_after_a_kill_end_the_interrupted_run_as_failed(tmp_path):
    """The steps of a run follow the flow's modules: with other mappings the old ones do not fit."""
    with opened(tmp_path, gp=gp_options(12), mappings=()) as world:
        killed(world, "sync", "customers", "--approve", world.plan("customers"))
        world.write_settings(flows_customers__mappings=json.dumps(ACCOUNTS_ONLY))
        said = world.ok("sync", "customers", "--json", code=2)
        result = said.json["flows"]["customers"]
        assert result["state"] == "failed"
        assert "changed while this run was interrupted" in result["happened"]
        assert "Run the command again" in result["remedy"]
        assert world.rows("SELECT COUNT(*) FROM staged") == [(0,)]
        assert runs(world) == {("customers", "failed"): 1}
        world.sync("customers")
        assert_whole(world)
