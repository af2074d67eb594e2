"""The audit trail of real runs: its end is noted outside the database, and nothing stops for that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from systems import World, gp_options, opened


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("trail"), gp=gp_options(12)) as world:
        world.write_settings(sync__window_size="5", flows_vendors__enabled="false")
        world.first("customers")
        yield world


def verdict(world: World) -> Any:
    return world.here("audit", "verify", "--json").json


def test_every_run_notes_how_the_trail_ends(world: World) -> None:
    first = verdict(world)
    assert first["guarded_to"]["row"] == first["last"] == first["rows"] > 12
    world.change("AARONFIT0001", set={"name": "Another name"})
    world.sync("customers")
    second = verdict(world)
    assert second["guarded_to"]["row"] == second["last"] > first["last"]


def test_a_run_that_moves_nothing_notes_nothing(world: World) -> None:
    world.settle()
    file = world.folder / "data" / "audit.checkpoints"
    before = file.read_bytes()
    world.sync("customers")
    assert file.read_bytes() == before


def test_a_file_that_cannot_be_written_stops_no_run_and_is_told(world: World) -> None:
    world.write_settings(audit__checkpoint_file="'no/such/folder/checkpoints'")
    world.change("AARONFIT0001", set={"name": "Yet another name"})
    said = world.ok("sync", "customers")
    assert world.account("AARONFIT0001")["Account_Name"] == "Yet another name"
    assert "checkpoint file" in said.err
    assert "rows cut off at the end of the audit trail would not be seen" in said.text
    world.write_settings(audit__checkpoint_file="'data/audit.checkpoints'")
    assert verdict(world)["guarded_to"]["row"] < verdict(world)["last"]
    world.sync("customers")
    assert verdict(world)["guarded_to"]["row"] == verdict(world)["last"]


def test_what_one_run_did_is_shown_and_exported(world: World) -> None:
    [(run,)] = world.rows("SELECT run FROM audit ORDER BY seq LIMIT 1")
    document = world.here("audit", "show", "--run", run, "--json").json
    lines = world.here("audit", "export", "--run", run).out.splitlines()
    assert [json.loads(line) for line in lines] == document["rows"]
    assert {row["run"] for row in document["rows"]} == {run}
    assert len(lines) == world.rows("SELECT COUNT(*) FROM audit WHERE run = ?", run)[0][0]


def test_rows_cut_off_behind_our_back_are_seen(world: World) -> None:
    world.rewrite("DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)")
    said = world.ok("audit", "verify", code=1)
    assert "rows at the end of the trail were cut off" in said.text
    world.ok("audit", "restored", "--reason", "a test")
    assert verdict(world)["ok"]
