"""kill -9 at any time while the journal is kept: every line is kept once."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from served import LONGEST_SECONDS
from systems import FOR_EVER, World, assert_settled, gp_options, opened, unreachable

READ, WINDOW, LANES = "GetGLPostedTransactionByKey", 40, 5


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, gp=gp_options(0, journal_entries=200), mappings=(), provisioned=False) as world:
        world.write_settings(
            sync__window_size=str(WINDOW),
            sync__max_change_ratio="1",
            flows__customers="{ enabled = false }",
            flows__vendors="{ enabled = false }",
            flows__journal_entries="{ enabled = true, mappings = [] }",
        )
        world.here("provision", "--yes")
        yield world


def kept(world: World) -> Counter[tuple[str, str, int, int]]:
    return Counter(world.rows("SELECT entry, line, debit, credit FROM postings"))


def posted(world: World) -> Counter[tuple[str, str, int, int]]:
    """What the simulator has posted, line by line, in the units in which lines are kept."""

    def units(amount: str) -> int:
        return int(Decimal(amount) * 100_000)

    return Counter(
        (
            f"{entry['journal_id']}/{entry['on']}" + (f"/{entry['sequence']}" if entry["sequence"] else ""),
            str(line["sequence"]),
            units(line["debit"]),
            units(line["credit"]),
        )
        for entry in world.gp.control("GET", "journals?limit=1000000")["rows"]
        for line in entry["lines"]
        if entry["state"] != "Work" and not line["is_unit"]
    )


def kill_when_kept(world: World, entries: int) -> None:
    """Sync the journal and be killed once so many entries are kept, at whatever the process does then.

    What it does next is to read the window behind them, of which GP gives it no more than a part: so it has no end.
    """
    behind = entries - number_kept(world) + WINDOW + LANES  # which may overtake each other
    endless = {"operation": READ, "kind": "delay", "nth": behind, "count": 100_000, "seconds": FOR_EVER}
    world.gp_faults(endless)
    process = world.start("sync", "journal_entries")
    try:
        end = time.monotonic() + LONGEST_SECONDS
        while number_kept(world) < entries:
            if process.poll() is not None or time.monotonic() > end:
                unreachable("it did not come so far")
            time.sleep(0.005)
    finally:
        process.kill()
        assert world.finish(process).code == -signal.SIGKILL
        world.gp_faults()


def number_kept(world: World) -> int:
    """Of entries."""
    return int(world.rows("SELECT COUNT(*) FROM outcomes")[0][0])


def test_killed_while_the_journal_is_kept(world: World) -> None:
    world.gp.control("POST", "settings", {"latency_seconds": 0.005})
    for entries in (1, 60, 130):
        kill_when_kept(world, entries)
        found = kept(world)
        assert found <= posted(world), "whatever is there is right"
    world.gp.control("POST", "settings", {"latency_seconds": 0})
    world.sync("journal_entries")
    assert kept(world) == posted(world)
    world.forget()
    assert world.sync("journal_entries") == {"journal_entries": {}}
    assert READ not in world.operations()
    assert_settled(world)
