"""kill -9 in a sync, then a backup of before is restored: the run is forgotten, and nothing of it is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from kills import die
from test_kill_bulk import die as die_in_a_job
from test_kill_bulk import make, write_calls

from systems import INSERT, World, assert_quiet, gp_options, opened, zoho_options


def assert_once(world: World) -> None:
    """Every customer is one Account, linked to it, and nothing is under way."""
    keys = sorted(c["id"].rstrip() for c in world.customers())
    accounts = {a["id"]: a["GP_Customer_ID"] for a in world.accounts() if a.get("GP_Customer_ID")}
    assert sorted(accounts.values()) == keys
    links = world.rows("SELECT source_key, target_id FROM links WHERE module = 'Accounts'")
    assert sorted((key.rstrip(), accounts[target_id]) for key, target_id in links) == [
        (key, key) for key in keys
    ]
    for table in ("intents", "bulk_jobs", "staged"):
        assert world.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)]
    assert world.here("audit", "verify", "--json").json["ok"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_of_before_the_first_load(tmp_path: Path, when: str) -> None:
    """The restored store knows of no Account, and some of them are there."""
    with opened(tmp_path, gp=gp_options(250)) as world:
        world.write_settings(zoho__heavy_requests="1")
        approved = world.plan("customers")
        world.ok("backup", "a.backup")
        die(world, when, 2, approved)
        world.ok("restore", "a.backup", "--over")
        world.sync("customers", approve=world.plan("customers"))
        assert_once(world)
        assert_quiet(world, "customers")


def test_of_the_middle_of_a_run(tmp_path: Path) -> None:
    """The backup itself has a run that is under way, and staged records that nobody works off any more."""
    with opened(tmp_path, gp=gp_options(250)) as world:
        world.write_settings(zoho__heavy_requests="1")
        die(world, "after", 2, world.plan("customers"))
        world.ok("backup", "a.backup")
        world.sync("customers")
        world.ok("restore", "a.backup", "--over")
        assert world.rows("SELECT state FROM runs") == [("broken",)]
        said = world.ok("sync", "customers", "--json")
        assert "going on with" not in said.err
        assert (
            said.json["flows"]["customers"]["counts"].get("created", 0) <= 100
        )  # those whose answer was lost
        assert len(world.accounts()) == len(world.customers())
        assert_once(world)
        assert_quiet(world, "customers")


def test_while_a_bulk_job_of_after_the_backup_is_under_way(tmp_path: Path) -> None:
    """The backup knows nothing of the job, and the store that is replaced does."""
    zoho = zoho_options(bulk_seconds=0.3, bulk_wait_seconds=0.0)
    with opened(tmp_path, gp=gp_options(140), zoho=zoho) as world:
        world.write_settings(zoho__bulk_poll_seconds="0.2", sync__max_change_ratio="1")
        world.first("customers")
        world.ok("backup", "a.backup")
        make(world)
        world.zoho_call("POST", "bulk/fates", [{"ending": "never", "rows": 30}])
        die_in_a_job(world, "after-job_state")
        world.write_settings(sync__max_wait_seconds="2")
        world.ok("restore", "a.backup", "--over")
        before = write_calls(world)
        said = world.run("sync", "customers")
        assert (said.code, "still under way" in said.text) == (4, True)
        assert write_calls(world) == before, "nothing was written meanwhile"
        [job] = [job["id"] for job in world.zoho_call("GET", "bulk/jobs") if job["ending"] == "never"]
        world.zoho_call("POST", "bulk/end", {"id": job, "ending": "failed", "rows": 30})
        world.sync("customers")
        assert_once(world)
        assert_quiet(world, "customers")


def test_a_lost_insert_of_after_the_backup_without_a_unique_key(tmp_path: Path) -> None:
    """Nothing but what we remember keeps a record from coming twice: Zoho may be at it for five minutes."""
    with opened(tmp_path, gp=gp_options(0), provisioned=False) as world:
        own = (
            {"api_name": name, "data_type": "text", "unique": True} for name in ("Tax_Number", "Old_ERP_ID")
        )
        world.change_fields(*own)
        world.here("provision", "--yes")
        world.first("customers")
        world.ok("backup", "a.backup")
        world.customer("LOST-1", "A lost answer")
        world.zoho_faults({"match": INSERT, "kind": "cut_after_work"})
        world.sync("customers", code=4)
        world.ok("restore", "a.backup", "--over")
        world.zoho_faults()
        world.forget()
        assert world.sync("customers")["customers"] == {"created": 1}, "told as what it was"
        assert world.writes() == {}
        assert_once(world)
        assert_quiet(world, "customers")
