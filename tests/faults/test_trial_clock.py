"""A clock that is an hour wrong and corrected, and a day asleep: nothing is passed over, stops, or doubles."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from turns import HOUR, MINUTE, Turned, every_twenty_minutes, turning

from systems import World, assert_whole, gp_options, opened


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, gp=gp_options(20)) as opened_world:
        opened_world.write_settings(
            serve__schedule=every_twenty_minutes(), serve__wait_seconds="0", flows_vendors__enabled="false"
        )
        opened_world.first("customers")
        yield opened_world


def gp_now(turned: Turned) -> datetime:
    return datetime.fromisoformat(turned.world.gp.control("GET", "state")["clock"])


def edit(world: World, value: str, key: str = "AARONFIT0001") -> None:
    world.change(key, set={"class_id": value})


def arrived(world: World, key: str = "AARONFIT0001") -> str:
    return str(world.account(key)["GP_Customer_Class"])


def passes(turned: Turned, value: str) -> None:
    """Somebody edits a record, the time of a run comes, and it is one run that brings it."""
    edit(turned.world, value)
    turned.pass_time(20 * MINUTE)
    assert len(turned.turn()) == 1, turned.told
    assert turned.turn() == []
    assert arrived(turned.world) == value
    assert turned.cursor_at() <= gp_now(turned)


@pytest.mark.parametrize("wrong", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_clock_that_is_an_hour_wrong_and_corrected(world: World, wrong: timedelta) -> None:
    with turning(world) as turned:
        passes(turned, "BEFORE")
        turned.clock.by += wrong
        assert len(turned.turn()) == (1 if wrong > timedelta() else 0), "what seems to be missed"
        for number in range(4):  # longer than a token lives
            passes(turned, f"WRONG {number}")
        turned.clock.by -= wrong
        assert len(turned.turn()) == (0 if wrong > timedelta() else 1)
        for number in range(4):
            passes(turned, f"RIGHT {number}")
        assert [line for line in turned.told if "clock was set back" in line]
    assert_whole(world)


def test_a_system_that_was_found_away_by_a_wrong_clock_is_looked_for_when_it_is_right(world: World) -> None:
    with turning(world) as turned:
        turned.clock.by += HOUR
        edit(world, "LATER")
        world.gp_faults({"operation": "*", "kind": "http_503", "count": 100_000})
        assert len(turned.turn()) == 1
        assert [line for line in turned.told if "Dynamics GP is waited for (unreachable)" in line], (
            turned.told
        )
        turned.clock.by -= HOUR
        world.gp_faults()
        assert len(turned.turn()) == 1, "it is looked for at once, and its run is owed"
        assert arrived(world) == "LATER"
        assert world.rows("SELECT COUNT(*) FROM waits") == [(0,)]
    assert_whole(world)


def test_asleep_for_a_day_in_which_credits_were_used_up(world: World) -> None:
    with turning(world) as turned:
        passes(turned, "BEFORE")
        world.zoho_call("POST", "settings", {"credits_remaining": 100})  # others have used them
        edit(world, "ASLEEP")
        cursor = turned.cursor_at()
        turned.pass_time(20 * MINUTE)
        assert len(turned.turn()) == 1
        assert [line for line in turned.told if "Zoho CRM is waited for (credits)" in line], turned.told
        assert (turned.cursor_at(), arrived(world)) == (cursor, "BEFORE")
        tokens = world.zoho_call("GET", "counts")["tokens_issued"]
        turned.pass_time(24 * HOUR)
        world.gp.end_connections()
        assert len(turned.turn()) == 1, "72 times were missed, and are one run"
        assert turned.turn() == []
        assert arrived(world) == "ASLEEP"
        assert world.rows("SELECT COUNT(*) FROM waits") == [(0,)]
        assert world.zoho_call("GET", "counts")["tokens_issued"] == tokens + 1
        standing = turned.app.zoho.credits()
        assert standing.whole - standing.left < 100, "what was spent before is free again"
    assert_whole(world)
