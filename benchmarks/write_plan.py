"""Writing at the least cost: credits and calls for so many changed records, against the fewest that there are.

    python benchmarks/write_plan.py [--sizes 1,7,100,...] [--credits-left 2000] [--poll 10]

Records come from memory, are mapped, planned and recorded as in every run, and are written to Zoho's simulator, which
runs as a process of its own and counts the credits. As many are created first as the largest size has; then, for each
size, so many of them are changed. Last, all are changed when others have left only 2,000 of the day's credits above the
reserve, as Zoho's own answers tell. The fewest are counted here, by trying every number of bulk jobs, each looked at
once: credits first, then calls. What is read (the index, what people changed) is told apart from what writes. ``ratio``
is the worst credits used / fewest. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, cast

from ml_connector.bootstrap import SystemClock
from ml_connector.cli.logs import to_standard_error
from ml_connector.connectors.zoho_crm import (
    AccessToken,
    Allowance,
    CallGuard,
    RequestGate,
    ZohoClient,
    ZohoConfig,
    ZohoTarget,
    open_client,
)
from ml_connector.core.change import Change, Page
from ml_connector.core.entity import Entity, SourceField
from ml_connector.core.flow import Flow
from ml_connector.core.load import Load
from ml_connector.core.mapping_file import read_mapping
from ml_connector.core.needs import FieldNeed
from ml_connector.core.ports import BulkFile, JobState, Target, Write, WriteResult
from ml_connector.core.record import Reading, Record
from ml_connector.core.transform import MapContext
from ml_connector.demo.systems import Simulator, simulator
from ml_connector.flows import approval
from ml_connector.flows.plan import FlowPlan
from ml_connector.flows.pull import pull
from ml_connector.flows.steps import DirectSteps, Result
from ml_connector.flows.work import Options, Work
from ml_connector.store.credits import Credits
from ml_connector.store.database import Database

SIZES = (1, 7, 100, 1000, 5000, 5100, 25_000, 100_000)
ROWS, JOB_CREDITS, AROUND = 25_000, 500, 3  #: an upload, one look, the results
CUSTOMERS = Entity("customers", {name: SourceField(name, "text") for name in ("customer_id", "name", "city")})
MAPPING = """
name = "customer_accounts"
source = "customers"
target = "Accounts"
creates = true
key = { field = "GP_Customer_ID", from = "customer_id" }
match = { name = "name" }
fields = { Account_Name = "name", Billing_City = "city" }
"""
KEY = FieldNeed("Accounts", "GP_Customer_ID", "GP Customer ID", "text", 30, unique=True)


@dataclass
class NumberedSource:
    """Customers by number; each has an edition, which its city tells."""

    editions: list[int] = field(default_factory=list)
    changed_at: list[datetime] = field(default_factory=list)
    entities: Mapping[str, Entity] = field(default_factory=lambda: {"customers": CUSTOMERS})

    def make(self, number: int) -> None:
        """So many new ones."""
        self.editions += [0] * number
        self.changed_at += [datetime.now(UTC) - timedelta(seconds=5)] * number

    def change(self, number: int) -> None:
        """The first ``number`` are changed."""
        at = datetime.now(UTC) - timedelta(seconds=5)
        for index in range(number):
            self.editions[index] += 1
            self.changed_at[index] = at

    def clock_difference(self) -> float:
        return 0.0

    def list_changes(self, entity: str, since: datetime | None, after: str | None) -> Page[Change]:
        first = int(after.removeprefix("C")) + 1 if after else 0
        rows: list[Change] = []
        for number in range(first, len(self.editions)):
            if since is None or self.changed_at[number] >= since:
                rows.append(Change(f"C{number:07}", f"Company {number}", self.changed_at[number]))
            if len(rows) == 1000:
                return Page(rows, rows[-1].key)
        return Page(rows, None)

    def list_readings(
        self, entity: str, facet: str, after: str | None, since: datetime | None = None
    ) -> Page[Reading]:
        raise AssertionError("its customers have no facets, so none is asked for")

    def follows(self, entity: str, facet: str) -> bool:
        return False

    def fetch(self, entity: str, keys: Sequence[str]) -> Iterator[Record]:
        for key in keys:
            number = int(key.removeprefix("C"))
            fields = {
                "customer_id": key,
                "name": f"Company {number}",
                "city": f"City {self.editions[number]}",
            }
            yield Record(entity, key, fields, datetime.now(UTC))

    def read_ahead(self, entity: str, keys: Sequence[str]) -> None:
        """Nothing is slow here."""

    def forget_ahead(self) -> None:
        """Nothing is read ahead."""

    def labels(self, entity: str) -> Mapping[str, str]:
        return {}

    def take_load(self) -> Load:
        return Load()


class CountingTarget:
    """Zoho, with what its writing calls cost; one that is not made, for want of credits, costs nothing."""

    def __init__(self, inner: ZohoTarget) -> None:
        self._inner = inner
        self._lock = Lock()
        self.credits = self.calls = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._inner, name)

    def _count(self, credit: int) -> None:
        with self._lock:
            self.credits += credit
            self.calls += 1

    def write(self, module: str, batch: Sequence[Write], trigger: Sequence[str] = ()) -> list[WriteResult]:
        done = self._inner.write(module, batch, trigger)
        self._count(-(-len(batch) // 10))
        return done

    def upload(self, module: str, writes: Iterable[Write], key: str) -> BulkFile:
        file = self._inner.upload(module, writes, key)
        self._count(1)
        return file

    def start_job(self, file: BulkFile) -> str:
        job_id = self._inner.start_job(file)
        self._count(JOB_CREDITS)
        return job_id

    def job_state(self, job_id: str) -> JobState:
        state = self._inner.job_state(job_id)
        self._count(1)
        return state

    def job_results(self, file: BulkFile, url: str) -> Mapping[str, WriteResult | None]:
        results = self._inner.job_results(file, url)
        self._count(1)
        return results


@dataclass
class OneShelf:
    """Where the only client keeps its token."""

    token: AccessToken | None = None
    held: Lock = field(default_factory=Lock)

    def load(self) -> AccessToken | None:
        return self.token

    def save(self, token: AccessToken) -> None:
        self.token = token

    def lock(self) -> Lock:
        return self.held


@dataclass
class Bench:
    """Everything that the runs work with."""

    source: NumberedSource
    target: CountingTarget
    work: Work
    zoho: Simulator
    runs: int = 0

    def run(self) -> Result:
        self.runs += 1
        return pull(DirectSteps(SystemClock()), self.work, f"run-{self.runs}")

    def measured(self, records: int, happens: Callable[[int], None]) -> dict[str, Any]:
        """What it costs to bring over what ``happens`` to so many records."""
        happens(records)
        before, (credits_, calls) = self.spent(), (self.target.credits, self.target.calls)
        began = time.perf_counter()
        told = self.run()
        fewest = fewest_of(records)
        total = {name: number - before[name] for name, number in self.spent().items()}
        written = self.target.credits - credits_
        return {
            "state": told["state"],
            "counts": {
                name: number for name, number in told["counts"].items() if name != "settled" and number
            },
            "said": told["happened"],
            "credits": written,
            "credits_fewest": fewest[0],
            "calls": self.target.calls - calls,
            "calls_fewest": fewest[1],
            "reading_credits": total["credits"] - written,
            "reading_calls": total["calls"] - (self.target.calls - calls),
            "seconds": round(time.perf_counter() - began, 1),
        }

    def leave(self, credits_left: int) -> None:
        """Others take what there is above the reserve, but for so many: Zoho tells how many are left."""
        taken = self.target.credits_left() - credits_left
        left = self.zoho.get("counts")["credits_remaining"]
        self.zoho.post("settings", {"credits_remaining": left - taken})

    def spent(self) -> dict[str, int]:
        """As the simulator counts it."""
        told = self.zoho.get("counts")
        return {"credits": told["credits_used"], "calls": told["calls"]}


def fewest_of(records: int) -> tuple[int, int]:
    """The fewest (credits, calls) that write so many records, whatever number of jobs is taken."""
    ways = []
    for jobs in range(-(-records // ROWS) + 1):
        rest = max(0, records - jobs * ROWS)
        ways.append((jobs * (JOB_CREDITS + AROUND) + -(-rest // 10), jobs * (1 + AROUND) + -(-rest // 100)))
    return min(ways)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--sizes", default=",".join(map(str, SIZES)))
    arguments.add_argument("--credits-left", type=int, default=2000)
    arguments.add_argument("--poll", type=float, default=10.0)
    given = arguments.parse_args()
    to_standard_error(debug=False)
    sizes = [int(size) for size in given.sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder), given.poll) as bench:
        first(bench)
        source, most = bench.source, max(sizes)
        created = bench.measured(most - 1, source.make)
        changed = {str(size): bench.measured(size, source.change) for size in sizes}

        def change_and_take(number: int) -> None:
            source.change(number)
            bench.leave(given.credits_left)

        short = bench.measured(most, change_and_take)
    print(json.dumps(figures(most, created, changed, short, given.credits_left)))


@contextmanager
def opened(folder: Path, poll: float) -> Iterator[Bench]:
    """A store, a simulator, and a run's work between them."""
    with simulator("zoho", "--edition", "ultimate", "--users", "100") as zoho, ExitStack() as stack:
        database = Database(f"sqlite:///{folder / 'store.db'}")
        stack.callback(database.close)
        database.upgrade()
        inner = ZohoTarget(client_of(zoho.url, database, folder))
        stack.callback(inner.close)
        assert inner.create_fields([KEY])[0].problem == ""
        inner.organisation()  # its licences tell how many credits a day has
        source, target = NumberedSource(), CountingTarget(inner)
        flow = Flow("customers", "-1", CUSTOMERS, (read_mapping("customers.toml", MAPPING, source.entities),))
        options = Options(
            overlap=timedelta(0),
            max_change_ratio=1e9,
            bulk_poll=timedelta(seconds=poll),
            max_wait=timedelta(seconds=60),
            credits_wait=timedelta(0),
        )
        clock, context = SystemClock(), MapContext("USD")
        work = Work(flow, source, cast("Target", target), database, clock, lambda: context, options=options)
        yield Bench(source, target, work, zoho)


def client_of(url: str, database: Database, folder: Path) -> ZohoClient:
    """A client for the simulator, which counts its credits in the store."""
    config = ZohoConfig.model_validate(
        {
            "data_centre": "us",
            "client_id": "1000.SIMULATEDCLIENT",
            "edition": "ultimate",
            "simulator_url": url,
            "timeout_seconds": 120,
        }
    )
    clock = SystemClock()
    allowance = Allowance(config, Credits(database, config.client_id, clock), clock)
    guard = CallGuard(RequestGate(folder, config, clock), allowance, clock)
    secret, refresh = "simulated-client-secret", "1000.simulated.refresh"
    return open_client(config, lambda: secret, lambda: refresh, OneShelf(), guard, clock)


def first(bench: Bench) -> None:
    """The first load, of one record: what comes later needs no approval."""
    bench.source.make(1)
    list(FlowPlan(bench.work, {}))
    flows = [bench.work.flow]
    approval.approve(bench.work.database, flows, approval.plan_hash(bench.work.database, flows))
    assert bench.run()["state"] == "done"


def figures(
    most: int,
    created: dict[str, Any],
    changed: dict[str, dict[str, Any]],
    short: dict[str, Any],
    allowed: int,
) -> dict[str, Any]:
    """What the issue asks for."""
    waits = most - short["counts"].get("updated", 0)
    return {
        "ratio": round(max(one["credits"] / one["credits_fewest"] for one in changed.values()), 4),
        "ratio_of_calls": round(max(one["calls"] / one["calls_fewest"] for one in changed.values()), 4),
        "changed": changed,
        "created": {"records": most - 1} | created,
        "with_few_credits": {
            "allowed": allowed,
            "used": short["credits"] + short["reading_credits"],
            "waits": waits,
        }
        | short,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "size": most,
    }


if __name__ == "__main__":
    main()
