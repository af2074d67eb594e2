"""The main job's speed, memory and cost: customers from GP to Accounts of an empty Zoho, without bulk write.

    python benchmarks/forward.py [--records 20000] [--more 200000]

GP answers after 20 ms with five requests at once, Zoho after 200 ms. Each customer needs one GetCustomerByKey, so
the ceiling is what five lanes allow (5 / 0.020 s = 250 a second), or what this machine can serve and parse of these
answers without any latency, whichever is less; both are taken in the same run. ``--more`` loads a second, larger
company without latency, to compare peak memory (left out: a tenth of ``--records`` is the smaller company).
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_connector.bootstrap import open_app
from ml_connector.cli.logs import to_standard_error
from ml_connector.demo.systems import COMMAND, Systems, systems
from ml_connector.settings_file import load_settings

CAP, GP_LATENCY, ZOHO_LATENCY, SEED = 5, 0.020, 0.200, 11
SETTINGS: dict[str, dict[str, object]] = {
    "gp": {"max_requests": CAP},
    "flows.customers": {"mappings": ["customer_accounts", "customer_financials", "customer_gl_accounts"]},
}
ROW_LIMIT = 1000
CEILING_RECORDS = 2000


@dataclass(frozen=True)
class Loaded:
    """One first load."""

    records: int
    seconds: float
    peak_memory_mb: float
    report: dict[str, Any]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--records", type=int, default=20_000)
    arguments.add_argument("--more", type=int, default=0)
    given = arguments.parse_args()
    to_standard_error(debug=False)
    smaller = given.records if given.more else given.records // 10
    with tempfile.TemporaryDirectory() as folder, company(Path(folder), given.records) as both:
        served = machine_rate(both)
        timed = first_load(both, given.records, GP_LATENCY, ZOHO_LATENCY)
        missing = given.records - accounts(both)
    with tempfile.TemporaryDirectory() as folder:
        other = given.more or smaller
        with company(Path(folder), other) as both:
            compared = first_load(both, other, 0.0, 0.0)
    print(json.dumps(figures(timed, compared, served, missing)))


def company(folder: Path, records: int) -> AbstractContextManager[Systems]:
    """Both simulators, the GP one with so many customers, and a connector that is provisioned."""
    gp = ("--customers", str(records), "--seed", str(SEED), "--row-limit", str(ROW_LIMIT))
    return systems(folder, gp, ("--edition", "ultimate", "--users", "100"))


def first_load(both: Systems, records: int, gp_latency: float, zoho_latency: float) -> Loaded:
    """Plan without latency, then sync what was approved with it."""
    both.set_up(SETTINGS)
    both.run("provision", "--yes", quiet=True)
    report = both.report("plan", "customers")["hash"]
    both.gp.post("settings", {"latency_seconds": gp_latency})
    both.zoho.post("settings", {"latency_seconds": zoho_latency})
    process = subprocess.Popen(
        [*COMMAND, "sync", "customers", "--approve", report, "--json"],
        cwd=both.folder,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    told = json.loads(process.stdout.read())
    _, _, used = os.wait4(process.pid, 0)
    process.stdout.close()
    process.returncode = 0
    both.gp.post("settings", {"latency_seconds": 0.0})
    both.zoho.post("settings", {"latency_seconds": 0.0})
    return Loaded(records, told["flows"]["customers"]["seconds"], used.ru_maxrss / 1024, told)


def machine_rate(both: Systems) -> float:
    """Records a second that this machine serves and parses, GP without latency: the reading alone."""
    both.set_up(SETTINGS)
    rows = both.gp.get(f"customers?limit={CEILING_RECORDS}")["rows"]
    keys = [row["id"].rstrip() for row in rows]
    with open_app(load_settings(both.folder / "ml-connector.toml")) as app:
        source = app.works.source_of(app.roster.flows["customers"])
        source.clock_difference()  # signed in
        began = time.perf_counter()
        read = sum(1 for _ in source.fetch("customers", keys))
        return read / (time.perf_counter() - began)


def accounts(both: Systems) -> int:
    """How many Accounts carry a customer's key, each key counted once."""
    return len(
        {a["GP_Customer_ID"] for a in both.zoho.rows("records/Accounts", "data") if a["GP_Customer_ID"]}
    )


def figures(timed: Loaded, compared: Loaded, served: float, missing: int) -> dict[str, Any]:
    """What the issue asks for, measured, ceiling and floor beside each other."""
    pages = -(-timed.records // ROW_LIMIT)
    calls = -(-timed.records // 100)
    cost = timed.report["cost"]
    writes = cost["zoho_operations"].get("insert", 0)
    rate, ceiling = timed.records / timed.seconds, min(CAP / GP_LATENCY, served)
    small, large = sorted((timed, compared), key=lambda loaded: loaded.records)
    return {
        "ratio": round(rate / ceiling, 3),
        "records_per_second": round(rate, 1),
        "ceiling_records_per_second": round(ceiling, 1),
        "ceiling_by_latency": CAP / GP_LATENCY,
        "ceiling_by_machine": round(served, 1),
        "peak_memory_mb": round(timed.peak_memory_mb, 1),
        "memory_ratio": round(large.peak_memory_mb / small.peak_memory_mb, 3),
        "memory_compared": {str(one.records): round(one.peak_memory_mb, 1) for one in (small, large)},
        "gp_calls": cost["gp_requests"],
        "gp_calls_fewest": timed.records
        + 2 * pages,  # one a record, one a page of names, one a page of balances
        "gp_operations": cost["gp_operations"],
        "zoho_calls": cost["zoho_calls"],
        "zoho_calls_fewest": calls * 2,  # an insert of 100 records, and the query that looks again before it
        "zoho_insert_calls": writes,
        "zoho_insert_calls_fewest": calls,
        "credits": cost["zoho_credits"],
        "credits_fewest": calls * 11,  # ten of the insert, one of the query
        "zoho_operations": cost["zoho_operations"],
        "missing_accounts": missing,
        "seed": SEED,
        "size": timed.records,
        "seconds": round(timed.seconds, 1),
    }


if __name__ == "__main__":
    main()
