"""kill -9 in a sync, then a backup of before is restored: the run is forgotten, and nothing of it is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from kills import die

from systems import World, assert_quiet, gp_options, opened


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
