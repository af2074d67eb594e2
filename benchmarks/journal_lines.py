"""The journal as records of Zoho, a record a line: memory and cost of the first load; nothing is written twice.

    python benchmarks/journal_lines.py [--entries 17900] [--more 0]

Both systems answer without latency: what is looked at is memory, calls and credits, and that the second sync, and the
one after a year-end close (which gives every entry of the year a new row and a new stamp, and posts one that brings
balances forward), write nothing. An entry has 5.6 lines on average, so that 17,900 entries are some 100,000 records.
``--more`` loads another, larger ledger, to compare peak memory (left out: a tenth of ``--entries`` is the smaller one).
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from ml_connector.demo.systems import COMMAND, Systems, systems

SEED, YEAR = 11, 2026
MODULE, KEY = "GL_Journal_Lines", "GP_Line_Key"
SETTINGS: dict[str, dict[str, object]] = {
    "flows.customers": {"enabled": False},
    "flows.vendors": {"enabled": False},
    "flows.gl_accounts": {"enabled": True},
    "flows.journal_entries": {"enabled": True},
}
ROWS_A_JOB, CREDITS_A_JOB = 25_000, 500


@dataclass(frozen=True)
class Synced:
    """One sync of the journal, and what Zoho held and had answered to by then."""

    peak_memory_mb: float
    report: dict[str, Any]
    records: int
    written: int  #: records that this sync wrote, creates and updates together
    credits: int  #: that this sync used, as Zoho counts them


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--entries", type=int, default=17_900)
    arguments.add_argument("--more", type=int, default=0)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, ledger(Path(folder), given.entries) as both:
        first = load(both)
        wrong = disagreements(both)
        second = sync(both)
        moved = both.gp.post("journals/close", {"year": YEAR})["moved"]
        closed = sync(both)
    more = given.more or given.entries // 10
    with tempfile.TemporaryDirectory() as folder, ledger(Path(folder), more) as both:
        other = load(both)
    print(json.dumps(figures(first, second, closed, other) | {"wrong": wrong, "moved_by_close": moved}))


def ledger(folder: Path, entries: int) -> AbstractContextManager[Systems]:
    """Both simulators, the GP one with so many journal entries."""
    gp = ("--journal-entries", str(entries), "--seed", str(SEED))
    return systems(folder, gp, ("--edition", "ultimate", "--users", "500"))


def load(both: Systems) -> Synced:
    """The chart of accounts, then the first load of the journal, approved."""
    both.set_up(SETTINGS)
    both.run("provision", "--yes", quiet=True)
    both.run("sync", "gl_accounts", "--approve", both.report("plan", "gl_accounts")["hash"], quiet=True)
    return sync(both, "--approve", both.report("plan", "journal_entries")["hash"])


def sync(both: Systems, *options: str) -> Synced:
    """Sync the journal in a process of its own."""
    before = both.zoho.get("counts")
    process = subprocess.Popen(
        [*COMMAND, "sync", "journal_entries", *options, "--json"], cwd=both.folder, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    told = json.loads(process.stdout.read())
    _, _, used = os.wait4(process.pid, 0)
    process.stdout.close()
    process.returncode = 0
    after = both.zoho.get("counts")
    return Synced(
        used.ru_maxrss / 1024,
        told,
        after["records"][MODULE],
        written(after) - written(before),
        after["credits_used"] - before["credits_used"],
    )


def written(counts: dict[str, Any]) -> int:
    """How many records of the module were written so far."""
    return sum(counts["writes"].get(MODULE, {}).values())


def disagreements(both: Systems) -> int:
    """Lines of GP that Zoho does not have exactly once, with their amounts; and records that no line of GP has."""
    there: dict[str, list[tuple[str, str]]] = {}
    for row in both.zoho.rows(f"records/{MODULE}", "data"):
        there.setdefault(row[KEY], []).append((amount(row["GP_Debit"]), amount(row["GP_Credit"])))
    wanted = {key: [amounts] for key, amounts in lines_of_gp(both)}
    return sum(there.get(key) != amounts for key, amounts in wanted.items()) + len(
        there.keys() - wanted.keys()
    )


def lines_of_gp(both: Systems) -> list[tuple[str, tuple[str, str]]]:
    """The key and the amounts of every line of GP's own dump, money lines and others."""
    found = []
    for entry in both.gp.rows("journals", "rows"):
        if entry["state"] == "Work":  # not posted yet, and not read
            continue
        again = f"/{entry['sequence']}" if entry["sequence"] else ""
        key = f"{entry['journal_id']}/{entry['on']}{again}"
        for line in entry["lines"]:
            money = ("", "") if line["is_unit"] else (amount(line["debit"]), amount(line["credit"]))
            found.append((f"{key}:{line['sequence']}", money))
    return found


def amount(value: str | float | None) -> str:
    return "" if value is None else f"{Decimal(str(value)):.2f}"


def fewest_of(records: int) -> int:
    """The fewest credits that write so many records, whatever number of bulk jobs is taken."""
    jobs = range(-(-records // ROWS_A_JOB) + 1)
    return min(job * CREDITS_A_JOB + -(-max(0, records - job * ROWS_A_JOB) // 10) for job in jobs)


def figures(first: Synced, second: Synced, closed: Synced, other: Synced) -> dict[str, Any]:
    """What the issue asks for."""
    small, large = sorted((first, other), key=lambda synced: synced.records)
    return {
        "lines": first.records,
        "peak_memory_mb": round(first.peak_memory_mb, 1),
        "memory_ratio": round(large.peak_memory_mb / small.peak_memory_mb, 3),
        "memory_compared": {str(one.records): round(one.peak_memory_mb, 1) for one in (small, large)},
        "written_first": first.written,
        "written_second": second.written,
        "written_after_close": closed.written,
        "credits_first": first.credits,
        "credits_fewest_to_write": fewest_of(first.records),
        "credits_second": second.credits,
        "seconds": round(first.report["flows"]["journal_entries"]["seconds"], 1),
        "seed": SEED,
    }


if __name__ == "__main__":
    main()
