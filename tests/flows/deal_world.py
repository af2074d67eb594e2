"""Deals, their Accounts and GL accounts in memory, and the flows over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from memory import FakeClock, MemorySource, MemoryTarget
from ml_connector.core.companies import Company
from ml_connector.core.deal_fields import ACCOUNTS, CHART, DEALS, TAG
from ml_connector.core.deals import (
    CUSTOMERS,
    FIGURES,
    GL_ACCOUNTS,
    JOURNAL,
    PROFITABILITY,
    TAGGING,
    DealFlow,
    DealTerms,
)
from ml_connector.core.flow import CARRIED
from ml_connector.core.line_limits import limits_of
from ml_connector.core.needs import FieldShape
from ml_connector.core.postings import Posting
from ml_connector.core.record import Reading, digest
from ml_connector.core.tagging import Rule
from ml_connector.flows.deals import DealWork
from ml_connector.flows.profit import write_figures
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.steps import DirectSteps, Result
from ml_connector.flows.tagging import tag_deals
from ml_connector.flows.work import Options
from ml_connector.store import audit, cursors, holds, links, looks, postings, readings
from ml_connector.store.cursors import Progress
from ml_connector.store.database import Database
from ml_connector.store.links import Link, Pair
from ml_connector.store.looks import Looked

COMPANY = "-1"
TODAY = date(2026, 11, 2)
SALES, SERVICE = "000-4110-01", "000-4120-01"
#: The terms of the settings as they come.
TERMS = DealTerms(
    revenue=limits_of(None, (), ("Sales", "Sales Returns and Discounts")),
    cost=limits_of(None, (), ("Cost of Goods Sold",)),
)
FIELDS = ("Type", "Pipeline", "Product", "GP_Sales_GL_Account", "GP_Sales_Account")


def line(
    account: str, credit: str, customer: str = "", document: str = "", on: date = TODAY, **more: object
) -> Posting:
    """A posted line; what is negative is a debit."""
    amount = Decimal(credit)
    told = Posting(
        "", on, account, max(-amount, Decimal(0)), max(amount, Decimal(0)), "USD", True, False, customer, "",
        document, "", "SJ", "Sales",
    )  # fmt: skip
    return replace(told, **more)


@dataclass
class DealWorld:
    """Everything of one test."""

    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    terms: DealTerms = TERMS
    options: Options = field(default_factory=lambda: Options(overlap=timedelta(seconds=60)))
    runs: int = 0
    companies: list[Company] = field(default_factory=lambda: [Company("", int(COMPANY), "")])

    def __post_init__(self) -> None:
        self.source, self.target = MemorySource(self.clock), MemoryTarget(self.clock)
        self.target.drift = {name: FieldShape(name, "text") for name in FIELDS}
        self.target.drift[TAG] = FieldShape(TAG, "lookup")
        for names in FIGURES.values():
            each = (names.revenue, names.cost, names.margin, names.as_of)
            self.target.drift |= {name: FieldShape(name, "currency") for name in each}

    def rules(self, *rules: Rule, product_field: str = "") -> None:
        self.terms = replace(self.terms, rules=rules, product_field=product_field)

    def gl_account(self, number: str, company: str = COMPANY) -> str:
        """A GL account that is in the CRM; its id."""
        target_id = self.target.seed(number, GL_ACCOUNTS, GP_Account=number)
        with self.database.begin() as tx:
            made = Link(number, target_id, "created", self.clock.now(), None)
            links.put(tx, Pair(company, CHART, GL_ACCOUNTS), [made])
        return target_id

    def account(self, name: str = "Aaron Fitz Electrical", **fields: object) -> str:
        return self.target.seed(name, **fields)

    def deal(self, name: str = "Lights", account: str | None = None, **fields: object) -> str:
        return self.target.seed(name, "Deals", Account_Name=account, Stage="Qualification", **fields)

    def tag_of(self, deal: str) -> object:
        return self.target.records[deal].get(TAG)

    def work(self, flow: str = TAGGING, asked: Asked = EVERYTHING) -> DealWork:
        return DealWork(
            DealFlow(flow, COMPANY),
            self.source,
            self.target,
            self.database,
            self.clock,
            self.terms,
            self.companies,
            self.target.currency,
            self.options,
            asked=asked,
            sources={company.key: MemorySource(self.clock) for company in self.companies},
        )

    def run(self, *keys: str, flow: str = TAGGING, **asked: bool) -> Result:
        """A run, a while after whatever happened before."""
        self.clock.sleep(600)
        self.runs += 1
        does = {TAGGING: tag_deals, PROFITABILITY: write_figures}[flow]
        return does(DirectSteps(self.clock), self.work(flow, Asked(keys, **asked)), f"{flow}-{self.runs}")

    def counts(self, *keys: str, flow: str = TAGGING, **asked: bool) -> dict[str, int]:
        """What a run that ends well counts, without what is as it was."""
        told = self.run(*keys, flow=flow, **asked)
        assert told["state"] == "done", told
        return {what: number for what, number in told["counts"].items() if number and what != "unchanged"}

    # -- the ledger

    def chart(self, **categories: str) -> None:
        """GL accounts of these categories are known: ``a000_4110_01="Sales"``."""
        rows = []
        for name, category in categories.items():
            fields = {"category": category}
            rows.append(Reading(name[1:].replace("_", "-"), CARRIED, fields, digest(fields)))
        with self.database.begin() as tx:
            readings.put(tx, COMPANY, CHART, rows, self.clock.now(), settled=True)

    def link(self, customer: str, account: str, company: str = COMPANY) -> None:
        """The customer is this Account."""
        with self.database.begin() as tx:
            made = Link(customer, account, "created", self.clock.now(), None)
            links.put(tx, Pair(company, CUSTOMERS, ACCOUNTS), [made])

    def journals_read(self) -> None:
        """The journal entries have been read up to now."""
        with self.database.begin() as tx:
            cursors.put(tx, COMPANY, JOURNAL, Progress(None, "1"))
            looks.put(tx, COMPANY, JOURNAL, looks.RECORD, Looked(looked_at=self.clock.now()))

    def post(self, entry: str, *lines: Posting) -> None:
        """An entry's lines, in place of what was kept of it."""
        numbered = [replace(line, line=str(number)) for number, line in enumerate(lines, 1)]
        with self.database.begin() as tx:
            postings.put(tx, COMPANY, {entry: numbered}, self.clock.now())

    def figures(self, target_id: str) -> tuple[object, ...]:
        """Revenue, cost and margin as they stand in the CRM."""
        names = FIGURES[DEALS if self.target.modules[target_id] == DEALS else ACCOUNTS]
        record = self.target.records[target_id]
        return tuple(record.get(name) for name in (names.revenue, names.cost, names.margin))

    def rows(self, key: str) -> list[dict[str, object]]:
        with self.database.read() as tx:
            return [dict(row) for row in audit.of_key(tx, COMPANY, key)]

    def held(self) -> Sequence[holds.Hold]:
        with self.database.read() as tx:
            return holds.find(tx, COMPANY)
