"""kill -9 while the journal is kept, or its months are written: every line is kept once, every month made once."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from systems import World, assert_settled, gp_options, opened, unreachable

_DEADLY = Path(__file__).with_name("killed_sync.py")
MONTHS = """
name = "account_months"
source = "account_months"
target = "Vendors"
creates = true
key = { field = "GP_Account_Month", from = "account_month" }
fields = { Vendor_Name = "account_month", GP_Net = { from = ["net", "currency"], transform = "money" } }

[custom]
GP_Account_Month = { label = "GP Account Month", type = "text", length = 160, unique = true, external = true }
GP_Net = { label = "GP Net", type = "currency", length = 16, decimal_places = 2 }
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "account_months.toml").write_text(MONTHS)
    with opened(tmp_path, gp=gp_options(0, journal_entries=200), mappings=(), provisioned=False) as world:
        world.write_settings(
            mappings__folder="'own'",
            sync__window_size="40",
            sync__max_change_ratio="1",
            zoho__heavy_requests="1",
            flows__customers="{ enabled = false }",
            flows__vendors="{ enabled = false }",
            flows__journal_entries="{ enabled = true, mappings = [] }",
            flows__account_months="{ enabled = true }",
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
    """Sync the journal and be killed once so many entries are kept, at whatever the process does then."""
    process = world.start("sync", "journal_entries")
    try:
        end = time.monotonic() + 60
        while world.rows("SELECT COUNT(*) FROM outcomes")[0][0] < entries:
            if process.poll() is not None or time.monotonic() > end:
                unreachable("the run ended before it was killed")
            time.sleep(0.005)
    finally:
        process.kill()
        assert world.finish(process).code == -signal.SIGKILL


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
    assert "GetGLPostedTransactionByKey" not in world.operations()
    assert_settled(world)


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_months_are_written(world: World, when: str) -> None:
    world.sync("journal_entries")
    plan = world.plan("account_months")
    words = (str(world.settings), when, "2", "Vendors", plan, "account_months")
    said = world.run(*words, script=_DEADLY)
    assert said.code == -signal.SIGKILL, said
    world.sync("account_months")
    sums: dict[str, Decimal] = {}
    query = "SELECT account, month, is_voided, debit - credit FROM postings"
    for account, month, is_voided, net in world.rows(
        query
    ):  # a month of voided lines alone is one, with zero
        key = f"{account}/{month}"
        sums[key] = sums.get(key, Decimal(0)) + (0 if is_voided else Decimal(net) / 100_000)
    assert len(sums) > 200, "more than two calls"
    there = [(r["GP_Account_Month"], Decimal(str(r["GP_Net"]))) for r in world.records("Vendors")]
    assert Counter(key for key, _ in there) == Counter(sums.keys())
    assert dict(there) == sums
    assert_settled(world)
