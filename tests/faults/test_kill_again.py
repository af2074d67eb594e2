"""kill -9 in what the crash matrix has not: several answers at once, and one kill after the other in many batches."""

from __future__ import annotations

from pathlib import Path

from kills import die

from systems import assert_contacts, assert_quiet, assert_whole, gp_options, opened


def test_after_several_answers_at_once(tmp_path: Path) -> None:
    with opened(tmp_path, gp=gp_options(250)) as world:
        die(world, "after", 3, world.plan("customers"))
        world.sync("customers")
        assert_whole(world)
        empty = "SELECT COUNT(*) FROM audit WHERE action = 'record:created' AND \"after\" = '{}'"
        assert world.rows(empty) == [(0,)]  # a create whose answer was lost is told with its values, too


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
