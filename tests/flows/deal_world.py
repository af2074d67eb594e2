"""Deals, their Accounts and GL accounts in memory, and the flows over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from memory import FakeClock, MemorySource, MemoryTarget
from ml_connector.core.deals import CHART, GL_ACCOUNTS, TAG, TAGGING, DealFlow, DealTerms
from ml_connector.core.ports import FieldShape
from ml_connector.core.tagging import Rule
from ml_connector.flows.deals import DealWork
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.steps import DirectSteps, Result
from ml_connector.flows.tagging import tag_deals
from ml_connector.flows.work import Options
from ml_connector.store import audit, holds, links
from ml_connector.store.database import Database
from ml_connector.store.links import Link, Pair

COMPANY = "-1"
SALES, SERVICE = "000-4110-01", "000-4120-01"
FIELDS = ("Type", "Pipeline", "Product", "GP_Sales_GL_Account", "GP_Sales_Account")


@dataclass
class DealWorld:
    """Everything of one test."""

    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    terms: DealTerms = field(default_factory=DealTerms)
    options: Options = field(default_factory=lambda: Options(overlap=timedelta(seconds=60)))
    runs: int = 0

    def __post_init__(self) -> None:
        self.source, self.target = MemorySource(self.clock), MemoryTarget(self.clock)
        self.target.drift = {name: FieldShape(name, "text") for name in FIELDS}
        self.target.drift[TAG] = FieldShape(TAG, "lookup")

    def rules(self, *rules: Rule, product_field: str = "") -> None:
        self.terms = replace(self.terms, rules=rules, product_field=product_field)

    def gl_account(self, number: str) -> str:
        """A GL account that is in the CRM; its id."""
        target_id = self.target.seed(number, GL_ACCOUNTS, GP_Account=number)
        with self.database.begin() as tx:
            made = Link(number, target_id, "created", self.clock.now(), None)
            links.put(tx, Pair(COMPANY, CHART, GL_ACCOUNTS), [made])
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
            [COMPANY],
            self.target.currency,
            self.options,
            asked=asked,
        )

    def run(self, *keys: str, **asked: bool) -> Result:
        """A run, a while after whatever happened before."""
        self.clock.sleep(600)
        self.runs += 1
        work = self.work(asked=Asked(keys, **asked))
        return tag_deals(DirectSteps(self.clock), work, f"deal_tagging-{self.runs}")

    def counts(self, *keys: str, **asked: bool) -> dict[str, int]:
        """What a run that ends well counts."""
        told = self.run(*keys, **asked)
        assert told["state"] == "done", told
        return {what: number for what, number in told["counts"].items() if number}

    def rows(self, key: str) -> list[dict[str, object]]:
        with self.database.read() as tx:
            return [dict(row) for row in audit.of_key(tx, COMPANY, key)]

    def held(self) -> Sequence[holds.Hold]:
        with self.database.read() as tx:
            return holds.find(tx, COMPANY)
