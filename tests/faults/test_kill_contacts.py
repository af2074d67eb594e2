"""kill -9 between a company and its person: whenever it comes, each Contact is below its Account, and only once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from kills import die, kill_unanswered

from systems import INSERT_CONTACTS, World, assert_contacts, assert_quiet, assert_whole, gp_options, opened

NUMBERS = count(1)
NEW = 110  #: two calls for each module


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("contacts"), gp=gp_options(150), mappings=()) as world:
        world.write_settings(zoho__heavy_requests="1", sync__max_change_ratio="1")
        world.first("customers")
        yield world


def make(world: World) -> None:
    """New customers in GP, each with a person."""
    turn = next(NUMBERS)
    for number in range(NEW):
        address = {"id": "PRIMARY", "contact": f"Person {turn} Nr{number}"}
        world.customer(f"K{turn}N{number:03}", f"Killed {turn} Company {number}", addresses=[address])
    world.forget()


def assert_done(world: World) -> None:
    """The next run does exactly the rest, and the one after it nothing."""
    world.sync("customers")
    assert world.writes("Contacts") == {"insert": NEW}
    assert world.writes()["insert"] == NEW
    assert_whole(world)
    assert_contacts(world)
    assert_quiet(world, "customers")


def test_companies_are_made_and_persons_are_not(world: World) -> None:
    make(world)
    die(world, "before", 1, module="Contacts")
    assert (world.writes(), world.writes("Contacts")) == ({"insert": NEW}, {})
    assert_done(world)


def test_after_zoho_applied_it_and_before_its_answer(world: World) -> None:
    make(world)
    kill_unanswered(world, INSERT_CONTACTS, 1, module="Contacts")
    assert world.writes("Contacts") == {"insert": 100}
    assert_done(world)


def test_after_the_answer_and_before_our_commit(world: World) -> None:
    make(world)
    die(world, "after", 1, module="Contacts")
    assert world.writes("Contacts") == {"insert": 100}
    assert_done(world)


def test_after_the_commit_and_before_the_next_batch(world: World) -> None:
    make(world)
    die(world, "before", 2, module="Contacts")
    assert world.writes("Contacts") == {"insert": 100}
    assert_done(world)


def test_a_first_load_killed_again_and_again(tmp_path: Path) -> None:
    with opened(tmp_path, gp=gp_options(250), mappings=()) as world:
        world.write_settings(zoho__heavy_requests="1", sync__window_size="120")
        die(world, "before", 1, world.plan("customers"), module="Contacts")
        die(world, "after", 1, module="Contacts")
        die(world, "after", 1)
        die(world, "after", 2, module="Contacts")
        die(world, "before", 1)
        world.sync("customers")
        assert_whole(world)
        assert_contacts(world)
        assert_quiet(world, "customers")
