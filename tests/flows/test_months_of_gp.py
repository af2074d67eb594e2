"""The books of the simulated GP as months: kept line by line, summed to the cent, and untouched by a year-end close."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from months import Months, new_months
from test_year_end import DIALECTS, MachineClock, opened_source

from memory import FakeClock, MemoryTarget
from ml_connector.connectors.dynamics_gp import GpSource
from ml_connector.core.flow import Flow
from ml_connector.core.line_limits import LineLimits, limits_of
from ml_connector.core.mapping_file import read_mapping
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

ACCOUNTS = """
name = "accounts"
source = "gl_accounts"
target = "Vendors"
creates = true
key = { field = "GP_Account_ID", from = "account_id" }
fields = { Vendor_Name = "account_id" }
"""
CLOSING_APART = limits_of(None, (), (), ("BBF", "P/L"))
Sums = dict[str, tuple[Decimal, Decimal]]


@dataclass
class Books:
    """A GP, its accounts, its journal without a mapping, and the months that are made from it."""

    gp: GpSimulator
    source: GpSource
    database: Database
    months: Months
    limits: LineLimits = CLOSING_APART
    runs: int = 0

    def sync(self) -> list[Result]:
        """All three flows in their order."""
        self.gp.control("DELETE", "requests")
        accounts = (read_mapping("test.toml", ACCOUNTS, GpSource.entities),)
        told = [
            self._run("gl_accounts", Flow("gl_accounts", "-1", GpSource.entities["gl_accounts"], accounts))
        ]
        entries = Flow("journals", "-1", GpSource.entities["journal_entries"], (), limits=self.limits)
        told.append(self._run("journals", entries))
        self.months.limits = self.limits
        return [*told, self.months.sync()]

    def _run(self, name: str, flow: Flow) -> Result:
        self.runs += 1
        target = MemoryTarget(FakeClock(), unique=("GP_Account_ID",))
        work = Work(
            flow, self.source, target, self.database, MachineClock(), lambda: MapContext("USD"),
            asked=Asked(over_limit=True), options=Options(overlap=timedelta(seconds=1800)),
        )  # fmt: skip
        with (
            self.database.begin() as tx
        ):  # past the first load and its approval, which are none of these tests' business
            if cursors.find(tx, "-1", name) is None:
                cursors.put(tx, "-1", name, Progress(None, flow.fingerprint, flow.modules))
        return pull(DirectSteps(MachineClock()), work, f"{name}-{self.runs}")

    def operations(self) -> dict[str, int]:
        return dict(self.gp.control("GET", "state")["operations"])

    def rows(self, table: str) -> list[dict[str, Any]]:
        return list(self.gp.control("GET", f"{table}?limit=1000000")["rows"])

    def posted(self) -> Sums:
        """Account and month -> debit and credit, added up from what the simulator has."""
        of_category = {row["id"]: row["category"] for row in self.rows("accounts")}
        sums: Sums = {}
        for entry in self.rows("journals"):
            on = date.fromisoformat(entry["on"])
            if (
                entry["state"] == "Work"
                or entry["source_document"] == "BBF"
                or not self.limits.lets_in_date(on)
            ):
                continue
            for line in entry["lines"]:
                account = line["account"]
                wanted = self.limits.of_account(account, of_category[account])
                if line["is_unit"] or wanted.value != "yes":
                    continue
                before = sums.get(f"{account}/{on:%Y-%m}", (Decimal(0), Decimal(0)))
                amounts = (Decimal(line["debit"]), Decimal(line["credit"]))
                counted = (Decimal(0), Decimal(0)) if entry["is_voided"] else amounts
                sums[f"{account}/{on:%Y-%m}"] = (before[0] + counted[0], before[1] + counted[1])
        return sums

    def there(self) -> Sums:
        return {key: (record["Debit"], record["Credit"]) for key, record in self.months.there().items()}


@pytest.fixture(params=["soap", "sba"])
def books(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Books]:
    with ExitStack() as opened:
        gp = opened.enter_context(GpSimulator(GpOptions(journal_entries=240, row_limits={"journals": 50})))
        source = opened_source(gp, tmp_path, DIALECTS[request.param], opened)
        yield Books(gp, source, database, new_months(database, MachineClock()))


def test_the_months_are_the_sums_of_the_books_and_a_close_changes_none(books: Books) -> None:
    books.sync()
    wanted = books.posted()
    assert len(wanted) > 50
    assert books.there() == wanted
    while done(books.sync()[-1]):
        """What was kept within the last second is looked at once more."""

    told = books.gp.control("POST", "journals/close", {"year": 2026})
    assert told["moved"] > 30
    _, entries, months = books.sync()
    assert (done(entries), done(months), books.months.target.writes) == ({"kept": 1}, {}, [])
    names = ("GetGLPostedTransactionByKey", "GET JournalEntries")
    assert sum(books.operations().get(name, 0) for name in names) == 1, (
        "only what brings the balances forward"
    )
    assert not [key for key in books.there() if key.endswith("/2027-01")]
    assert told["brought_forward"]["on"] == "2027-01-01"

    lines = [{"account": "000-1100-00", "debit": "7.25"}, {"account": "000-4000-00", "credit": "7.25"}]
    books.gp.control("POST", "journals", {"lines": lines, "on": "2026-12-30", "reference": "Late"})
    books.sync()
    assert len(books.months.target.writes) == 2
    assert books.there() == books.posted()


def test_limits_are_those_of_lines(books: Books) -> None:
    category = next(row["category"] for row in books.rows("accounts") if row["id"] == "000-4000-00")
    books.limits = limits_of(date(2026, 3, 10), ("000-1100-00",), (category,))
    books.sync()
    wanted = books.posted()
    assert books.there() == wanted
    assert len({key.partition("/")[0] for key in wanted}) > 1
    later = [e for e in books.rows("journals") if e["state"] != "Work" and e["on"] >= "2026-03-10"]
    names = ("GetGLPostedTransactionByKey", "GET JournalEntries")
    assert sum(books.operations().get(name, 0) for name in names) == len(later), "earlier ones are not read"
