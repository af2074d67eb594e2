"""kill -9 around an insert: whenever it comes, the next sync leaves every customer exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kills import die, kill_unanswered

from systems import INSERT, World, assert_whole, gp_options, opened


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, gp=gp_options(250)) as world:
        yield world


def told_of(world: World) -> int:
    """How many customers the audit trail tells to be created."""
    return len({key for _, key in world.told("record:created")})


def test_before_the_insert_is_sent(world: World) -> None:
    die(world, "before", 1, world.plan("customers"))
    assert (len(world.accounts()), told_of(world)) == (0, 0)
    assert world.sync("customers")["customers"]["created"] == len(world.customers())
    assert_whole(world)


def test_after_zoho_applied_it_and_before_its_answer(world: World) -> None:
    world.write_settings(zoho__heavy_requests="1")
    kill_unanswered(world, INSERT, 2, world.plan("customers"))
    assert (len(world.accounts()), told_of(world)) == (200, 100)
    world.sync("customers")
    assert_whole(world)


def test_after_the_answer_and_before_our_commit(world: World) -> None:
    world.write_settings(zoho__heavy_requests="1")
    die(world, "after", 2, world.plan("customers"))
    assert (len(world.accounts()), told_of(world)) == (200, 100)
    world.sync("customers")
    assert_whole(world)
    empty = "SELECT COUNT(*) FROM audit WHERE action = 'record:created' AND \"after\" = '{}'"
    assert world.rows(empty) == [(0,)]  # a create whose answer was lost is told with its values, too


def test_after_the_commit_and_before_the_next_batch(world: World) -> None:
    world.write_settings(zoho__heavy_requests="1")
    die(world, "before", 2, world.plan("customers"))
    assert (len(world.accounts()), told_of(world)) == (100, 100)
    world.sync("customers")
    assert_whole(world)


def test_after_several_answers_at_once(world: World) -> None:
    die(world, "after", 3, world.plan("customers"))
    world.sync("customers")
    assert_whole(world)


def test_killed_again_and_again(world: World) -> None:
    world.write_settings(zoho__heavy_requests="1", sync__window_size="120")
    die(world, "after", 1, world.plan("customers"))
    die(world, "before", 1)
    die(world, "after", 1)
    die(world, "after", 2)
    die(world, "before", 2)
    world.sync("customers")
    assert_whole(world)
    world.forget()
    assert world.sync("customers") == {"customers": {}}
    assert world.writes() == {}
