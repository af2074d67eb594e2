"""Reading GP, whole: by SOAP and by SBA, latency 20 ms, five requests at once; and our parser beside zeep's.

    python benchmarks/gp_read.py [--size 10000] [--full]

Each reading is a process of its own that lists everything and reads each record by its key; the simulator is another.
Its floor is the greater of what latency allows (calls x 20 ms / 5) and what this machine takes to serve and parse the
same without latency; ``ratio`` is floor / measured, of the worst reading. ``parser_ratio`` is rows a second of our
parser against zeep's on the same bytes of a list (null where GP's description is not beside the repository). The last
line is one JSON object. ``--size`` is the number of vendors, with half as many journal entries of a few
lines; ``--full`` reads ten times as many. Nothing that ships lists journal entries by SBA: a service like one that a
GP partner would write for a site does, page by page.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from ml_connector.bootstrap import SystemClock
from ml_connector.connectors.dynamics_gp import (
    GpClient,
    GpConfig,
    GpSource,
    RequestGate,
    SbaReader,
    masters,
    schema,
    soap,
)
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.core.record import Record
from ml_connector.demo.systems import Simulator, simulator

CAP, LATENCY, SEED, ROW_LIMIT, SIZE = 5, 0.020, 11, 1000, 10_000
ACCOUNT, PASSWORD = "FABRIKAM\\svc-gpsync", "Demo-Passw0rd"
HERE = "/Tenants({tenant})/Companies({company})/ZohoSync"
REFERENCE = (
    Path(__file__).parents[2] / "shared/reference/gp/DynamicsGP-legacy-2006-01-subset-reconstructed.wsdl"
)
PARSED_ROUNDS = 5


@dataclass(frozen=True)
class Reading:
    """One entity by one dialect."""

    entity: str
    dialect: str

    @property
    def name(self) -> str:
        return f"{self.entity} by {self.dialect}"


#: What is read: one row more for each further entity.
READINGS = tuple(
    Reading(entity, dialect) for entity in ("journal_entries", "vendors") for dialect in ("SOAP", "SBA")
)

#: A custom service that lists in pages, as any that is to serve a large company has to.
SBA_RESOURCES = {
    "vendors": {
        "list_path": f"{HERE}/Purchasing/VendorPages({{after}})",
        "record_path": f"{HERE}/Purchasing/Vendors({{key}})",
        "addresses_path": "",
    },
    "journal_entries": {
        "list_path": f"{HERE}/Financial/JournalEntryPages({{after}})",
        "record_path": f"{HERE}/Financial/JournalEntries({{key}})",
    },
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--size", type=int, default=SIZE)
    arguments.add_argument("--full", action="store_true")
    arguments.add_argument("--side", nargs=4, help=argparse.SUPPRESS)  # this program as one of its processes
    given = arguments.parse_args()
    if given.side:
        print(json.dumps(SIDES[given.side[0]](*given.side[1:])))
        return
    size = given.size * (10 if given.full else 1)
    sizes = ("--vendors", str(size), "--journal-entries", str(size // 2))
    options = (*sizes, "--seed", str(SEED), "--row-limit", str(ROW_LIMIT))
    with simulator("gp", "--account", f"{ACCOUNT}:{PASSWORD}", *options) as gp:
        readings = {reading.name: measured(gp, reading) for reading in READINGS}
        parsers = compared(gp)
    print(json.dumps(figures(readings, parsers, size)))


def measured(gp: Simulator, reading: Reading) -> dict[str, Any]:
    """The reading without latency, which is what this machine can do, then with it."""
    machine = side(gp, "read", reading.entity, reading.dialect)
    gp.post("settings", {"latency_seconds": LATENCY})
    timed = side(gp, "read", reading.entity, reading.dialect)
    gp.post("settings", {"latency_seconds": 0.0})
    by_latency = timed["calls"] * LATENCY / CAP
    floor = max(by_latency, machine["seconds"])
    return {
        **timed,
        "ratio": round(floor / timed["seconds"], 3),
        "records_per_second": round(timed["records"] / timed["seconds"], 1),
        "ceiling_records_per_second": round(timed["records"] / floor, 1),
        "floor_seconds": round(floor, 2),
        "floor_by_latency": round(by_latency, 2),
        "floor_by_machine": round(machine["seconds"], 2),
    }


def side(gp: Simulator, name: str, *words: str) -> dict[str, Any]:
    """Run this program as one of its processes; what it found, which is the last line that it prints."""
    command = [sys.executable, __file__, "--side", name, gp.url, *words]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return found


# ---- one reading, in its own process


def read(url: str, entity: str, dialect: str) -> dict[str, Any]:
    sys.setswitchinterval(0.0001)  # as a run does: threads that wait for GP get their turn
    with source(url, dialect) as gp:
        gp.clock_difference()  # signed in, and warm
        began, before = time.perf_counter(), sum(gp.cost().calls.values())
        keys = list(listed(gp, entity))
        found = parts = 0
        for one in gp.fetch(entity, keys):
            found += isinstance(one, Record)
            parts += len(getattr(one, "parts", ()))
        seconds = time.perf_counter() - began
        calls = sum(gp.cost().calls.values()) - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "records": found,
        "lines": parts,
        "missing": len(keys) - found,
        "seconds": round(seconds, 3),
        "calls": calls,
        "peak_memory_mb": round(peak, 1),
    }


@contextmanager
def source(url: str, dialect: str) -> Iterator[GpSource]:
    """A source that reads the simulator at this address."""
    sba = {"entities": list(SBA_RESOURCES), "address": f"{url}/GPService", "company": "Fabrikam, Inc."}
    config = GpConfig.model_validate(
        {"endpoint": f"{url}/DynamicsGPWebServices/DynamicsGPService.asmx", "company_id": -1, "user": ACCOUNT}
        | {"max_requests": CAP, "sba": {**sba, "resources": SBA_RESOURCES} if dialect == "SBA" else {}}
    )
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder, closing(RequestGate(Path(folder), CAP, 0.0, clock)) as gate:
        client = GpClient(config, lambda: PASSWORD, gate, clock)
        reader = None
        if config.sba.entities:
            there = config.model_copy(update={"endpoint": config.sba.address})
            reader = SbaReader(config.sba, client, WindowsTransport(there, lambda: PASSWORD))
        with closing(GpSource(client, reader)) as opened:
            yield opened


def listed(gp: GpSource, entity: str) -> Iterator[str]:
    """The keys of everything, page by page; what is listed is read ahead, as a run does it."""
    after: str | None = None
    while True:
        page = gp.list_changes(entity, None, after)
        gp.read_ahead(entity, [change.key for change in page.rows])
        yield from (change.key for change in page.rows)
        if (after := page.next_after) is None:
            return


# ---- parsers, on the same bytes


def compared(gp: Simulator) -> dict[str, Any] | None:
    """Rows and objects a second of both parsers; None where zeep has no description to read by."""
    if not REFERENCE.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        record_answers(gp.url, Path(folder))
        return {name: side(gp, name, folder, "-") for name in ("ours", "zeep")}


def record_answers(url: str, folder: Path) -> None:
    """One full list and one object, as GP answers them."""
    config = GpConfig(
        endpoint=f"{url}/DynamicsGPWebServices/DynamicsGPService.asmx", company_id=-1, user=ACCOUNT
    )
    with closing(WindowsTransport(config, lambda: PASSWORD)) as transport:
        for operation, arguments in ASKED.items():
            message = soap.request(operation, arguments, soap.context(-1, "en-US"))
            headers = {"Content-Type": soap.CONTENT_TYPE, "SOAPAction": soap.action(operation)}
            (folder / operation).write_bytes(transport.post(message, headers, 60).body)


ASKED = {
    "GetVendorList": soap.criteria("GetVendorList", {}),
    "GetVendorByKey": soap.key("ACETRAVE0001"),
}


def parse_ours(_: str, folder: str, __: str) -> dict[str, float]:
    listing, gp = masters.VENDORS.listing, masters.VENDORS
    rows = partial(soap.parse_rows, operation=listing.operation, row=listing.row, wanted=listing.wanted)

    def flat(body: bytes) -> list[Any]:
        tree = soap.parse_object(body, gp.read_operation, gp.wanted())
        return [schema.flatten(gp, tree or {})]

    return rates(folder, {"GetVendorList": rows, "GetVendorByKey": flat})


def parse_by_zeep(_: str, folder: str, __: str) -> dict[str, float]:
    import zeep
    from requests import Response

    client: Any = zeep.Client(str(REFERENCE))  # type: ignore[no-untyped-call]
    binding = next(iter(client.wsdl.bindings.values()))

    def reply(operation: str, body: bytes) -> list[Any]:
        response = Response()
        response.status_code, response.raw = 200, BytesIO(body)
        found = binding.process_reply(client, binding.get(operation), response)
        return found if isinstance(found, list) else [found]

    return rates(folder, {operation: partial(reply, operation) for operation in ASKED})


def rates(folder: str, parsers: dict[str, Callable[[bytes], list[Any]]]) -> dict[str, float]:
    """Operation -> rows a second, of the best round."""
    found = {}
    for operation, parse in parsers.items():
        body = (Path(folder) / operation).read_bytes()
        repeat = 1 if len(body) > 100_000 else 200
        best = 0.0
        for _ in range(PARSED_ROUNDS):
            began = time.perf_counter()
            rows = sum(len(parse(body)) for _ in range(repeat))
            best = max(best, rows / (time.perf_counter() - began))
        found[operation] = round(best, 1)
    return found


SIDES: dict[str, Callable[[str, str, str], Any]] = {"read": read, "ours": parse_ours, "zeep": parse_by_zeep}


def figures(readings: dict[str, dict[str, Any]], parsers: dict[str, Any] | None, size: int) -> dict[str, Any]:
    """What the issue asks for, and beside it what was measured and against which floor."""
    faster = {op: round(parsers["ours"][op] / parsers["zeep"][op], 2) for op in ASKED} if parsers else {}
    return {
        "ratio": min(reading["ratio"] for reading in readings.values()),
        "parser_ratio": faster.get("GetVendorList"),
        "peak_memory_mb": max(reading["peak_memory_mb"] for reading in readings.values()),
        "parser_ratio_of_objects": faster.get("GetVendorByKey"),
        "readings": readings,
        "parsers_rows_per_second": parsers,
        "missing": sum(reading["missing"] for reading in readings.values()),
        "latency_seconds": LATENCY,
        "cap": CAP,
        "seed": SEED,
        "size": size,
    }


if __name__ == "__main__":
    main()
