"""Journal entries of the simulated GP, line by line into a target: each once, and a year-end close writes nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from memory import FakeClock, MemoryTarget
from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpSource, RequestGate, SbaReader
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.connectors.dynamics_gp.sba_config import SbaConfig
from ml_connector.core.flow import Flow
from ml_connector.core.line_limits import limits_of
from ml_connector.core.mapping_file import read_mapping
from ml_connector.core.ports import Fetched
from ml_connector.core.transform import MapContext
from ml_connector.flows.pull import pull
from ml_connector.flows.range import Asked
from ml_connector.flows.steps import DirectSteps, Result
from ml_connector.flows.work import Options, Work
from ml_connector.simulators.gp import GpOptions, GpSimulator
from ml_connector.store import cursors
from ml_connector.store.cursors import Progress
from ml_connector.store.database import Database
from world import done

PASSWORD = "Sample-Pa55word"
LINES = """
name = "journal_lines"
source = "journal_entries"
target = "GP_Journal_Lines"
creates = true
key = { field = "GP_Line_Key", from = "entry_key", each = "lines" }
[fields]
Name = "reference"
Journal = "journal_id"
Posted_On = "date"
Account = "line.account"
Debit = "line.debit"
Credit = "line.credit"
Currency = "line.currency"
Customer = "line.customer_id"
Vendor = "line.vendor_id"
"""


class MachineClock:
    """The machine's time; nothing waits long."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))


@dataclass
class ClosesFirst:
    """A source whose GP closes the year when records are about to be read."""

    source: GpSource
    gp: GpSimulator

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    def fetch(self, entity: str, keys: Sequence[str]) -> Iterator[Fetched]:
        self.gp.control("POST", "journals/close", {"year": 2026})
        return self.source.fetch(entity, keys)


@dataclass
class Site:
    """A GP, and one flow of its journal entries."""

    gp: GpSimulator
    source: Any
    target: MemoryTarget
    database: Database
    runs: int = 0

    def sync(self) -> Result:
        self.runs += 1
        self.gp.control("DELETE", "requests")
        self.target.writes.clear()
        entity = GpSource.entities["journal_entries"]
        mappings = (read_mapping("test.toml", LINES, GpSource.entities),)
        flow = Flow("journals", "-1", entity, mappings, limits=limits_of(None, (), (), ("BBF", "P/L")))
        work = Work(
            flow, self.source, self.target, self.database, MachineClock(), lambda: MapContext("USD"),
            asked=Asked(over_limit=True), options=Options(overlap=timedelta(seconds=1800)),
        )  # fmt: skip
        if self.runs == 1:  # past the first load and its approval, which are none of these tests' business
            with self.database.begin() as tx:
                cursors.put(tx, "-1", "journals", Progress(None, flow.fingerprint, flow.modules))
        return pull(DirectSteps(MachineClock()), work, f"run-{self.runs}")

    @property
    def operations(self) -> dict[str, int]:
        return dict(self.gp.control("GET", "state")["operations"])

    def entries(self) -> list[dict[str, Any]]:
        return list(self.gp.control("GET", "journals?limit=1000000")["rows"])

    def posted_lines(self) -> Counter[str]:
        return Counter(
            f"{e['journal_id']}/{e['on']}"
            + (f"/{e['sequence']}" if e["sequence"] else "")
            + f":{line['sequence']}"
            for e in self.entries()
            if e["state"] != "Work" and e["source_document"] != "BBF"
            for line in e["lines"]
        )

    def written(self) -> Counter[str]:
        return Counter(str(record["GP_Line_Key"]) for record in self.target.of("GP_Journal_Lines"))

    def add(self, **more: object) -> dict[str, Any]:
        lines = [{"account": "000-1100-00", "debit": "7"}, {"account": "000-4000-00", "credit": "7"}]
        return dict(self.gp.control("POST", "journals", {"lines": lines, "reference": "Late", **more}))


@dataclass(frozen=True)
class Dialect:
    """By which service the entries are read, and as what its calls are counted."""

    resource: dict[str, Any] | None
    listing: set[str]
    reading: str
    beside: int = 0  #: what else is counted under the name of a reading


LEDGER = "/Tenants({tenant})/Companies({company})/ZohoSync/Financial"
PAGED = {
    "list_path": f"{LEDGER}/JournalEntryPages({{after}})?rows=50",
    "changed_path": f"{LEDGER}/JournalEntriesModified({{since}})",
    "record_path": f"{LEDGER}/JournalEntries({{key}})",
}
WHOLE = {"list_path": f"{LEDGER}/JournalEntries", "record_path": f"{LEDGER}/JournalEntries({{key}})"}
DIALECTS = {
    "soap": Dialect(None, {"GetGLTransactionList"}, "GetGLPostedTransactionByKey"),
    "sba": Dialect(PAGED, {"GET JournalEntriesModified"}, "GET JournalEntries"),
    "sba-whole-list": Dialect(WHOLE, {"GET JournalEntries"}, "GET JournalEntries", 1),
}


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


@pytest.fixture
def site(database: Database, tmp_path: Path, dialect: Dialect) -> Iterator[Site]:
    with ExitStack() as opened:
        gp = opened.enter_context(GpSimulator(GpOptions(journal_entries=240, row_limits={"journals": 50})))
        source = opened_source(gp, tmp_path, dialect, opened)
        yield Site(gp, source, MemoryTarget(FakeClock(), unique=("GP_Line_Key",)), database)


def opened_source(gp: GpSimulator, folder: Path, dialect: Dialect, opened: ExitStack) -> GpSource:
    clock = MachineClock()
    config = GpConfig(
        endpoint=gp.endpoint, company_id=-1, user="FABRIKAM\\connector", sba=sba_of(gp, dialect)
    )
    gate = opened.enter_context(closing(RequestGate(folder / "gate", 3, 0.0, clock)))
    client, reader = GpClient(config, lambda: PASSWORD, gate, clock), None
    if config.sba.entities:
        there = config.model_copy(update={"endpoint": config.sba.address})
        reader = SbaReader(config.sba, client, WindowsTransport(there, lambda: PASSWORD))
    return opened.enter_context(closing(GpSource(client, reader)))


def sba_of(gp: GpSimulator, dialect: Dialect) -> SbaConfig:
    if dialect.resource is None:
        return SbaConfig()
    there = {"address": gp.sba_address, "company": "Fabrikam, Inc.", "entities": ["journal_entries"]}
    return SbaConfig.model_validate({**there, "resources": {"journal_entries": dialect.resource}})


def test_a_year_of_entries_and_its_close(site: Site, dialect: Dialect) -> None:
    told = site.sync()
    assert told["state"] == "done"
    assert site.written() == site.posted_lines()
    assert done(told) == {"created": sum(site.posted_lines().values())}
    posted = sum(entry["state"] != "Work" for entry in site.entries())
    assert site.operations[dialect.reading] == posted + dialect.beside, "one call an entry"

    told = site.gp.control("POST", "journals/close", {"year": 2026})
    assert told["moved"] > 30
    assert told["brought_forward"]["lines"]
    stamps = {entry["modified_at"] for entry in site.entries() if entry["fiscal_year"] == 2026}
    told = site.sync()
    assert (told["state"], done(told), site.target.writes) == ("done", {"empty": 1}, [])
    assert set(site.operations) == {*dialect.listing, "GetWSEnabledCompanyForUserList", dialect.reading}
    assert site.operations[dialect.reading] == 1 + dialect.beside, (
        "only what brings the balances forward is read"
    )
    with site.database.read() as tx:
        found = cursors.find(tx, "-1", "journals")
    assert found is not None
    assert found.cursor is not None
    assert found.cursor.at.isoformat() in stamps, "the cursor moves on all the same"

    made = site.add(on="2026-12-30", state="Work", batch="LATE")
    site.gp.control("POST", f"journals/{made['journal_id']}", {"post": True})
    told = site.sync()
    assert done(told) == {"created": 2}
    assert site.operations[dialect.reading] == 1 + dialect.beside
    assert site.written() == site.posted_lines()


def test_an_entry_posted_between_listing_and_reading_is_written_once(site: Site) -> None:
    """The list is read, then the year is closed, then the entries are read: their keys still find them."""
    source = site.source
    site.source = ClosesFirst(source, site.gp)
    assert site.sync()["state"] == "done"
    assert site.written() == site.posted_lines()
    site.source = source
    site.sync()
    assert site.target.writes == []
    assert site.written() == site.posted_lines()


def test_the_dialect_may_be_changed_and_nothing_is_written_twice(database: Database, tmp_path: Path) -> None:
    """The keys of entries and lines are the same by either service."""
    with ExitStack() as opened:
        gp = opened.enter_context(GpSimulator(GpOptions(journal_entries=60)))
        sources = [
            opened_source(gp, tmp_path / name, DIALECTS[name], opened) for name in ("soap", "sba-whole-list")
        ]
        site = Site(gp, sources[0], MemoryTarget(FakeClock(), unique=("GP_Line_Key",)), database)
        site.sync()
        assert site.written() == site.posted_lines()
        site.source = sources[1]
        made = site.add(on="2026-12-30")
        told = site.sync()
        assert done(told) == {"created": 2}
        assert site.operations["GET JournalEntries"] == 2, "the list, and the one new entry"
        keys = [str(values["GP_Line_Key"]).partition("/")[0] for _, values in site.target.writes]
        assert keys == [str(made["journal_id"])] * 2
        assert site.written() == site.posted_lines()
