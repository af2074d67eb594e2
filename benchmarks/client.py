"""How fast our Zoho client writes, beside Zoho's own SDK: the same records into the same simulator.

    python benchmarks/client.py [--records N] [--seed N]

Each side is a process of its own; the simulator is a third, without latency, and starts afresh for each side. Ours
makes ten calls at once, as it is configured; the SDK writes from one thread, as it comes. The last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # each side imports its own library only, so that memory is counted for the right one
    from ml_connector.connectors.zoho_crm import AccessToken, ZohoClient

BATCH = 100
CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN = "1000.BENCHMARK", "benchmark-secret", "1000.benchmark.refresh"
CITIES = ("Aberdeen", "Zürich", "São Paulo", "København", "Oak Park", "Springfield")


def records(count: int, seed: int) -> list[dict[str, Any]]:
    """Accounts of 15 fields, always the same for a seed; money as float, which the SDK wants."""
    random_ = random.Random(seed)
    return [_record(random_, number) for number in range(count)]


def _record(random_: random.Random, number: int) -> dict[str, Any]:
    city = random_.choice(CITIES)
    return {
        "Account_Name": f"{city} Trading {number:06d}",
        "GP_Customer_ID": f"CUST{number:08d}",
        "Account_Type": "Customer",
        "Phone": f"555-{random_.randrange(10_000):04d}",
        "Fax": f"556-{random_.randrange(10_000):04d}",
        "Website": f"https://www.example{number}.com",
        "Billing_Street": f"{random_.randrange(1, 999)} Main Street\nSuite {random_.randrange(99)}",
        "Billing_City": city,
        "Billing_State": "IL",
        "Billing_Code": f"{random_.randrange(100_000):05d}",
        "Billing_Country": "USA",
        "Shipping_City": city,
        "GP_Credit_Limit": round(random_.uniform(0, 250_000), 2),
        "GP_Balance": round(random_.uniform(-500, 90_000), 2),
        "GP_Last_Sale_On": date(2026, 1, 1) + timedelta(days=random_.randrange(300)),
    }


def _batches(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


# ---- one side in its own process


def write_ours(url: str, rows: list[dict[str, Any]]) -> Mapping[str, Any]:
    """Through ZohoTarget, ten calls at once."""
    from ml_connector.connectors.zoho_crm import ZohoTarget
    from ml_connector.core.ports import Write, Written

    money = ("GP_Credit_Limit", "GP_Balance")
    ours = [{**row, **{name: Decimal(str(row[name])) for name in money}} for row in rows]
    with _client(url) as client, ThreadPoolExecutor(client.config.heavy_requests) as threads:
        target = ZohoTarget(client)
        began = _began()
        results = threads.map(
            lambda batch: target.write("Accounts", [Write(fields) for fields in batch]), _batches(ours)
        )
        written = sum(isinstance(result, Written) for batch in results for result in batch)
        cost = client.cost()
        return {**_ended(began, written), "calls": sum(cost.calls.values()), "credits": cost.credits}


@contextmanager
def _client(url: str) -> Iterator[ZohoClient]:
    """With what a run has round a call: the gate over all processes, and the credits (counted in memory here)."""
    from ml_connector.connectors.zoho_crm import Allowance, CallGuard, RequestGate, ZohoConfig, open_client

    config = ZohoConfig.model_validate(
        {
            "data_centre": "us",
            "client_id": CLIENT_ID,
            "simulator_url": url,
            "credits_per_day": 1_000_000_000,
        }
    )
    clock = _SystemClock()
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(RequestGate(Path(folder), config, clock)) as gate,
    ):
        guard = CallGuard(gate, Allowance(config, _Kept(), clock), clock)
        secrets = (lambda: CLIENT_SECRET, lambda: REFRESH_TOKEN)
        with open_client(config, *secrets, _Shelf(), guard, clock) as client:
            yield client


class _Kept:
    def __init__(self) -> None:
        self._spent: dict[datetime, int] = {}

    def keep(self, spent: Mapping[datetime, int]) -> None:
        self._spent.update(spent)

    def find(self, since: datetime) -> dict[datetime, int]:
        return {minute: price for minute, price in self._spent.items() if minute >= since}


class _Shelf:
    def __init__(self) -> None:
        self._token: AccessToken | None = None
        self._lock = Lock()

    def load(self) -> AccessToken | None:
        return self._token

    def save(self, token: AccessToken) -> None:
        self._token = token

    def lock(self) -> Lock:
        return self._lock


class _SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def write_sdk(url: str, rows: list[dict[str, Any]]) -> Mapping[str, Any]:
    """Through Zoho's SDK, one call after the other."""
    from zohocrmsdk.src.com.zoho.crm.api import HeaderMap
    from zohocrmsdk.src.com.zoho.crm.api.record import BodyWrapper, Record, RecordOperations
    from zohocrmsdk.src.com.zoho.crm.api.util import Choice

    _initialise_sdk(url)
    rows = [{**row, "Account_Type": Choice(row["Account_Type"])} for row in rows]
    written = 0
    began = _began()
    for batch in _batches(rows):
        body = BodyWrapper()
        made = []
        for row in batch:
            record = Record()
            for name, value in row.items():
                record.add_key_value(name, value)
            made.append(record)
        body.set_data(made)
        body.set_trigger([])
        answer = RecordOperations("Accounts").create_records(body, HeaderMap())
        written += sum(item.get_status().get_value() == "success" for item in answer.get_object().get_data())
    return _ended(began, written)


def _initialise_sdk(url: str) -> None:
    from zohocrmsdk.src.com.zoho.api.authenticator import OAuthToken
    from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
    from zohocrmsdk.src.com.zoho.api.logger import Logger
    from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
    from zohocrmsdk.src.com.zoho.crm.api.initializer import Initializer
    from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig

    folder = Path.cwd()
    Initializer.initialize(
        environment=DataCenter.Environment(url, f"{url}/oauth/v2/token", url),
        token=OAuthToken(
            client_id=CLIENT_ID, client_secret=CLIENT_SECRET, refresh_token=REFRESH_TOKEN, find_user=False
        ),
        store=FileStore(file_path=str(folder / "tokens.txt")),
        sdk_config=SDKConfig(
            auto_refresh_fields=False, pick_list_validation=False, connect_timeout=5, read_timeout=30
        ),
        resource_path=str(folder),
        logger=Logger.get_instance(level=Logger.Levels.ERROR, file_path=str(folder / "sdk.log")),
    )


def _began() -> tuple[float, float]:
    return time.perf_counter(), _cpu_seconds()


def _ended(began: tuple[float, float], written: int) -> dict[str, Any]:
    seconds, cpu = time.perf_counter() - began[0], _cpu_seconds() - began[1]
    return {
        "written": written,
        "records_per_second": round(written / seconds),
        "cpu_seconds_per_1000": round(cpu / written * 1000, 4) if written else None,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


# ---- the whole


SIMULATOR = """
import sys
from ml_connector.simulators.zoho import ZohoOptions, ZohoSimulator
options = ZohoOptions(client_id=sys.argv[1], client_secret=sys.argv[2], refresh_token=sys.argv[3])
with ZohoSimulator(options) as simulator:
    print(simulator.url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def simulator() -> Iterator[str]:
    """A simulator's address; it ends with the block."""
    command = [sys.executable, "-c", SIMULATOR, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(10)


def provision(url: str) -> None:
    """The custom fields that the records have."""
    from ml_connector.connectors.zoho_crm import ZohoTarget
    from ml_connector.core.needs import FieldNeed

    needs = [
        FieldNeed("Accounts", "GP_Customer_ID", "GP Customer ID", "text", 30, unique=True),
        FieldNeed("Accounts", "GP_Credit_Limit", "GP Credit Limit", "currency", 16, 2),
        FieldNeed("Accounts", "GP_Balance", "GP Balance", "currency", 16, 2),
        FieldNeed("Accounts", "GP_Last_Sale_On", "GP Last Sale On", "date"),
    ]
    with _client(url) as client:
        problems = [state.problem for state in ZohoTarget(client).create_fields(needs) if state.problem]
    assert not problems, problems


def run_side(side: str, count: int, seed: int) -> dict[str, Any]:
    """The figures of one side, measured in a process of its own."""
    with simulator() as url, tempfile.TemporaryDirectory() as folder:
        provision(url)
        command = [sys.executable, __file__, "--side", side, "--url", url]
        command += ["--records", str(count), "--seed", str(seed)]
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert figures.pop("written") == count, figures
    return figures


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--records", type=int, default=20_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--side", choices=["ours", "sdk"], help=argparse.SUPPRESS)
    arguments.add_argument("--url", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.side:
        write = write_ours if given.side == "ours" else write_sdk
        print(json.dumps(write(given.url, records(given.records, given.seed))))
        return
    sdk, ours = run_side("sdk", given.records, given.seed), run_side("ours", given.records, given.seed)
    figures = {
        "ratio": round(ours["records_per_second"] / sdk["records_per_second"], 2),
        "records_per_second": ours["records_per_second"],
        "sdk_records_per_second": sdk["records_per_second"],
        "cpu_seconds_per_1000": ours["cpu_seconds_per_1000"],
        "sdk_cpu_seconds_per_1000": sdk["cpu_seconds_per_1000"],
        "peak_memory_mb": ours["peak_memory_mb"],
        "sdk_peak_memory_mb": sdk["peak_memory_mb"],
        "calls": ours["calls"],
        "credits": ours["credits"],
        "seed": given.seed,
        "records": given.records,
    }
    for name, value in figures.items():
        print(f"{name:26} {value}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
