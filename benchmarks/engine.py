"""What the engine and the store cost: the first load of customers with both, and the same job without them.

    python benchmarks/engine.py [--records 2000] [--rounds 3] [--workers 3]

*With* is ``ml-connector sync``, as a person runs it: every window a durable step, and of every record a link, outcomes,
what was read with it and its rows of the audit trail in SQLite, flushed to the disk. *Without* makes the same calls by
the same connectors to the same simulators, as many at once and as far ahead, and maps, matches and plans by the same
functions of ``core``, but keeps what it knows in dictionaries and ends with nothing but the records in Zoho: no staged
list, cursor, intent, link, outcome, audit row or step. What the connectors keep themselves (token, row limits, credits)
both keep.

They take turns against simulators that answer without latency, each time with a store and a Zoho that are empty, each
in a process of its own; start-up does not count. ``ratio`` is time per record with, over time per record without, of
the medians; ``cpu_ratio`` the same of the processor time of these processes, start-up included, which other work on
the machine disturbs less. ``records_a_second`` is what one, two and three processes write that share the work over
PostgreSQL (see ``workers.py``). The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from ml_connector.app import App
from ml_connector.bootstrap import open_app
from ml_connector.cli.costs import Spent
from ml_connector.cli.logs import to_standard_error
from ml_connector.core.change import Change
from ml_connector.core.flow import Flow
from ml_connector.core.mapping import (
    Part,
    Reference,
    field_needs,
    key_value,
    map_record,
    recognised_by,
    resolve,
)
from ml_connector.core.match import Evidence, find_match, normalise_name
from ml_connector.core.plan import Action, Desired, Plan, plan_write
from ml_connector.core.ports import Candidate, Source, Write, Written
from ml_connector.core.record import Fields, Record, fold_key
from ml_connector.core.similar import AUTOMATIC
from ml_connector.demo.systems import COMMAND, Systems, systems
from ml_connector.flows.work import CHUNK, chunked
from ml_connector.settings_file import load_settings
from workers import records_a_second

SEED, CAP, ROW_LIMIT = 11, 5, 1000
MODULE, KEY = "Accounts", "GP_Customer_ID"
SETTINGS: dict[str, dict[str, object]] = {
    "gp": {"max_requests": CAP},
    "flows.customers": {"mappings": ["customer_accounts", "customer_financials", "customer_gl_accounts"]},
}


@dataclass(frozen=True)
class Done:
    """One first load."""

    seconds: float
    cpu_seconds: float  #: of its process, start-up included
    peak_memory_mb: float
    calls: dict[str, int]  #: what both systems were asked


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--records", type=int, default=2000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--workers", type=int, default=3, help="processes that share the work, at most")
    arguments.add_argument("--without", type=Path, help=argparse.SUPPRESS)  # as a process of its own
    given = arguments.parse_args()
    if given.without:
        print(json.dumps(without(given.without)))
        return
    both: dict[str, list[Done]] = {"with": [], "without": []}
    for turn in range(given.rounds):
        for way in sorted(both, reverse=bool(turn % 2)):  # neither has the warmer machine each time
            both[way].append(load(given.records, way))
    shared = {n: records_a_second(given.records, n) for n in range(1, given.workers + 1)}
    print(json.dumps(figures(both["with"], both["without"], given.records) | {"records_a_second": shared}))


def load(records: int, way: str) -> Done:
    """A first load of so many customers, between systems of its own."""
    gp = ("--customers", str(records), "--seed", str(SEED), "--row-limit", str(ROW_LIMIT))
    with (
        tempfile.TemporaryDirectory() as folder,
        systems(Path(folder), gp, ("--edition", "ultimate", "--users", "100")) as around,
    ):
        around.set_up(SETTINGS)
        around.run("provision", "--yes", quiet=True)
        report = around.report("plan", "customers")["hash"]
        commands = {
            "with": [*COMMAND, "sync", "customers", "--approve", report, "--json"],
            "without": [sys.executable, __file__, "--without", str(around.folder)],
        }
        done = run(commands[way], around)
        keys = {a[KEY] for a in around.zoho.rows(f"records/{MODULE}", "data") if a[KEY]}
        assert len(keys) == records, f"{way}: {len(keys)} of {records} are in Zoho"
        return done


def run(command: Sequence[str], around: Systems) -> Done:
    process = subprocess.Popen(command, cwd=around.folder, stdout=subprocess.PIPE)
    assert process.stdout is not None
    told = json.loads(process.stdout.read())
    _, status, used = os.wait4(process.pid, 0)
    process.stdout.close()
    process.returncode = 0
    assert status == 0, told
    seconds = told["seconds"] if "seconds" in told else told["flows"]["customers"]["seconds"]
    cost = told["cost"]
    calls = {"gp": cost["gp_requests"], "zoho": cost["zoho_calls"]}
    return Done(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, calls)


# ---- the job without engine and store


def without(folder: Path) -> dict[str, Any]:
    """The first load, and what it took."""
    to_standard_error(debug=False)
    with open_app(load_settings(folder / "ml-connector.toml")) as app:
        app.works.context("-1")  # as a run has it when it begins
        began = time.perf_counter()
        Bare(app, app.roster.flows["customers"]).load()
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "cost": asdict(Spent.of(app))}


@dataclass
class Bare:
    """One flow, from GP to Zoho, and nothing is kept."""

    app: App
    flow: Flow

    def __post_init__(self) -> None:
        self.source: Source = self.app.works.source_of(self.flow)
        self.target = self.app.target
        self.context = self.app.works.context(self.flow.company)
        self.rule = self.flow.match_rule(MODULE)
        self.recognised: list[str] = []
        self.by_key: dict[str, list[Candidate]] = {}
        self.by_name: dict[str, list[Candidate]] = {}
        self.ids: dict[str, str] = {}  # folded key -> what was made of it
        self.children: list[Desired] = []  # planned before their parents were there

    def load(self) -> None:
        self.source.clock_difference()
        self.target.check_fields(field_needs(self.flow.mappings))
        self.recognised = recognised_by(self.flow.mappings)
        changes, facets = list(self.changes()), self.facets()
        self.look_at_target()
        at_once = self.app.settings.zoho.heavy_requests
        with ThreadPoolExecutor(at_once) as pool:
            calls: deque[Future[None]] = deque()
            for plans in chunked(self.plans(changes, facets), CHUNK):
                if len(calls) == at_once:
                    calls.popleft().result()
                calls.append(pool.submit(self.send, plans))
            for call in calls:
                call.result()
            for some in chunked(self.children, CHUNK):
                self.join(some)

    def changes(self) -> Iterator[Change]:
        """All that GP lists."""
        after: str | None = None
        while True:
            page = self.source.list_changes(self.flow.entity.name, None, after)
            self.source.read_ahead(
                self.flow.entity.name, [change.key for change in page.rows]
            )  # as a run does
            yield from page.rows
            if (after := page.next_after) is None:
                return

    def facets(self) -> dict[str, Fields]:
        """What is listed apart from the records themselves, by folded key."""
        found: dict[str, Fields] = {}
        for facet in self.flow.entity.facets:
            after: str | None = None
            if not (facet.listed and facet.brings_fields and facet.name in self.flow.watched_facets()):
                continue
            while True:
                page = self.source.list_readings(self.flow.entity.name, facet.name, after)
                for row in page.rows:
                    found[fold_key(row.key)] = {**found.get(fold_key(row.key), {}), **row.fields}
                if (after := page.next_after) is None:
                    break
        return found

    def look_at_target(self) -> None:
        """What is in Zoho already."""
        after: str | None = None
        while True:
            page = self.target.list_candidates(MODULE, self.recognised, None, after)
            for one in page.rows:
                self.by_key.setdefault(fold_key(one.values.get(KEY, "")), []).append(one)
                self.by_name.setdefault(normalise_name(one.name), []).append(one)
            if (after := page.next_after) is None:
                return

    def plans(self, changes: Sequence[Change], facets: dict[str, Fields]) -> Iterator[Plan]:
        """What is to be written of each."""
        empty = {n: v for facet in self.flow.entity.facets for n, v in facet.empty.items()}
        given = self.source.fetch(self.flow.entity.name, [change.key for change in changes])
        for change, record in zip(changes, given, strict=True):
            assert isinstance(record, Record)
            fields = {**empty, **record.fields, **facets.get(fold_key(record.key), {})}
            wanted = self.desired(change, replace(record, fields=fields))
            seen = Evidence(
                by_key=self.by_key.get(fold_key(wanted.key_value), ()),
                by_name=self.by_name.get(normalise_name(wanted.name), ()),
            )
            if any(part.references for part in wanted.parts):
                self.children.append(wanted)
            yield plan_write(wanted, find_match(KEY, seen, AUTOMATIC), {}, None)

    def desired(self, change: Change, record: Record) -> Desired:
        mappings = self.flow.of_module(MODULE)
        mapped = [map_record(record, mapping, self.context, {}) for mapping in mappings]
        parts = tuple(resolve(part, self.linked(part)) for part in mapped)
        name = str(record.fields.get(self.rule.name) or "")
        key = key_value(record, self.context)
        return Desired(record.key, KEY, key, name, change.at, record.fetched_at, parts)

    def send(self, plans: Sequence[Plan]) -> None:
        """Look once more for the names of a call of creates, and make them."""
        assert {plan.action for plan in plans} == {Action.CREATE}
        names = list({plan.desired.name.casefold(): plan.desired.name for plan in plans}.values())
        assert not self.target.find_candidates(MODULE, "", names, self.recognised).found
        results = self.target.write(MODULE, [Write(plan.fields) for plan in plans], plans[0].trigger)
        for plan, result in zip(plans, results, strict=True):
            assert isinstance(result, Written)
            self.ids[fold_key(plan.desired.key)] = result.target_id

    def join(self, wanted: Sequence[Desired]) -> None:
        """Tell these which record is their parent, now that it is there."""
        parents = [
            {name: self.ids[fold_key(to.key)] for part in one.parts for name, to in part.references.items()}
            for one in wanted
        ]
        writes = [
            Write(found, self.ids[fold_key(one.key)]) for one, found in zip(wanted, parents, strict=True)
        ]
        assert all(isinstance(result, Written) for result in self.target.write(MODULE, writes))

    def linked(self, part: Part) -> dict[Reference, str]:
        """The parents that are there already."""
        known = {to: self.ids.get(fold_key(to.key), "") for to in part.references.values()}
        return {to: target_id for to, target_id in known.items() if target_id}


# ---- what it comes to


def figures(with_both: Sequence[Done], bare: Sequence[Done], records: int) -> dict[str, Any]:
    """What the issue asks for, and what it is made of."""

    def each(loads: Iterable[Done]) -> float:
        return median(done.seconds for done in loads) / records

    def cpu(loads: Iterable[Done]) -> float:
        return median(done.cpu_seconds for done in loads) / records

    return {
        "ratio": round(each(with_both) / each(bare), 3),
        "cpu_ratio": round(cpu(with_both) / cpu(bare), 3),
        "milliseconds_a_record": round(each(with_both) * 1000, 3),
        "milliseconds_a_record_without": round(each(bare) * 1000, 3),
        "seconds": [round(done.seconds, 2) for done in with_both],
        "seconds_without": [round(done.seconds, 2) for done in bare],
        "peak_memory_mb": round(max(done.peak_memory_mb for done in with_both), 1),
        "peak_memory_mb_without": round(max(done.peak_memory_mb for done in bare), 1),
        "calls": with_both[0].calls,
        "calls_without": bare[0].calls,
        "seed": SEED,
        "size": records,
    }


if __name__ == "__main__":
    main()
