"""A flow of customers and one of vendors between the memory connectors, on a real store: what flow tests work with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache

from memory import CUSTOMERS, VENDORS, FakeClock, MemorySource, MemoryTarget
from ml_connector.core.flow import Flow, filter_of
from ml_connector.core.mapping import Mapping, fitted
from ml_connector.core.mapping_file import read_mapping
from ml_connector.core.match import Verdict
from ml_connector.core.record import Ident, Value
from ml_connector.core.transform import MapContext
from ml_connector.flows import approval
from ml_connector.flows.plan import FlowPlan
from ml_connector.flows.pull import pull
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.steps import DirectSteps, Result
from ml_connector.flows.work import Options, Work
from ml_connector.store import asked, audit, holds, verdicts
from ml_connector.store.database import Database

ENTITIES = {"customers": CUSTOMERS, "vendors": VENDORS}

CUSTOMER = """
name = "customer_accounts"
source = "customers"
target = "Accounts"
creates = true
precedence = 1
as_of = "As_Of"
key = { field = "GP_Customer_ID", from = "customer_id" }
match = { name = "name" }
fields = { Account_Name = "name", City = "city", Email = { from = "email", transform = "email" } }
"""
FINANCIALS = """
name = "customer_financials"
source = "customers"
target = "Accounts"
as_of = "Financials_As_Of"
key = { field = "GP_Customer_ID", from = "customer_id" }
fields = { Limit = "limit", Balance = "balance" }
"""
VENDOR = """
name = "vendor_accounts"
source = "vendors"
target = "Accounts"
creates = true
precedence = 2
key = { field = "GP_Vendor_ID", from = "vendor_id" }
match = { name = "name" }
fields = { Account_Name = "name", City = "city", Is_Vendor = { value = true } }
"""
CONTACT = """
name = "customer_contacts"
source = "customers"
target = "Contacts"
creates = true
precedence = 1
key = { field = "GP_Contact_Key", from = "customer_id", person = "contact_person" }
match = { email = "Email", within = "Account_Name" }
marks = { former = "Former" }
[fields]
Account_Name = { from = "customer_id", lookup = "Accounts", required = true }
Salutation = { from = "contact_person", transform = "salutation", owner = "once" }
First_Name = { from = "contact_person", transform = "first_name" }
Last_Name = { from = "contact_person", transform = "last_name" }
Email = { from = "email", transform = "email" }
"""
#: A customer's Account without its e-mail address, so that a bad one is the Contact's fault alone.
PLAIN = CUSTOMER.replace(', Email = { from = "email", transform = "email" }', "")
#: With the national account that a customer belongs to.
FAMILY = PLAIN.replace(
    'City = "city"', 'City = "city", Parent_Account = { from = "corporate_id", lookup = "Accounts" }'
)

OPTIONS = Options(overlap=timedelta(seconds=60), window_size=250, writes_at_once=3)


@cache
def mapping(text: str) -> Mapping:
    return read_mapping("test.toml", text, ENTITIES)


def done(result: Result) -> dict[str, int]:
    """What a run did, without what was settled already."""
    return {what: number for what, number in result["counts"].items() if what != "settled" and number}


@dataclass
class World:
    """Everything of one test."""

    clock: FakeClock
    source: MemorySource
    target: MemoryTarget
    database: Database
    texts: dict[str, list[str]]
    runs: int = 0
    options: Options = OPTIONS
    filters: dict[str, dict[str, Sequence[Value]]] = field(default_factory=dict)  #: by flow
    context: MapContext = field(default_factory=lambda: MapContext("USD"))
    company: str = "-1"
    called: str = ""  #: put before the names of the flows of a further company

    def work(self, name: str = "customers", asked: Asked = EVERYTHING) -> Work:
        flows = {n: tuple(self._fitted(n, text) for text in texts) for n, texts in self.texts.items()}
        flow = Flow(
            f"{self.called}{name}",
            self.company,
            ENTITIES[name],
            flows[name],
            filter=filter_of(self.filters.get(name, {})),
        )
        others = tuple(m for other, maps in flows.items() if other != name for m in maps)
        return Work(
            flow,
            self.source,
            self.target,
            self.database,
            self.clock,
            lambda: self.context,
            others,
            self.options,
            asked=asked,
        )

    def _fitted(self, flow: str, text: str) -> Mapping:
        """The mapping as settings with this flow's filter have it."""
        wanted = self.filters.get(flow)
        return fitted(mapping(text), (), repr(sorted(wanted.items()))) if wanted else mapping(text)

    def change(self, **options: object) -> None:
        """Other settings from now on."""
        self.options = replace(self.options, **options)

    def plan(self, *names: str) -> str:
        """Plan these flows (or all) and give the hash."""
        planned: dict[str, str] = {}
        works = [self.work(name) for name in names or self.texts]
        for work in works:
            list(FlowPlan(work, dict(planned)))
            planned[work.flow.name] = work.flow.entity.name
        return approval.plan_hash(self.database, [work.flow for work in works])

    def hash(self, *names: str) -> str:
        """The hash of the plan that is kept."""
        return approval.plan_hash(self.database, [self.work(name).flow for name in names])

    def approve(self, *names: str) -> None:
        flows = [self.work(name).flow for name in names or self.texts]
        approval.approve(self.database, flows, self.plan(*names))

    def sync(self, name: str = "customers", keys: tuple[str, ...] = (), **asked: bool) -> Result:
        """One run of a flow; a run that crashed is a new one here, as if its engine had lost everything."""
        self.runs += 1
        self.clock.sleep(5)
        return pull(
            DirectSteps(self.clock), self.work(name, Asked(keys, **asked)), f"{self.called}{name}-{self.runs}"
        )

    def first(self, *names: str) -> None:
        """Approve and run what there is for the first time."""
        self.approve(*names)
        for name in names or self.texts:
            assert self.sync(name)["state"] == "done"
        self.clock.sleep(3600)

    def told(self, key: str) -> list[tuple[str, str]]:
        """The audit trail of a key: (mapping, action)."""
        with self.database.read() as tx:
            return [(row["mapping"], row["action"]) for row in audit.of_key(tx, self.company, key)]

    def rows(self, key: str) -> list[dict[str, object]]:
        with self.database.read() as tx:
            return [dict(row) for row in audit.of_key(tx, self.company, key)]

    def held(self) -> list[holds.Hold]:
        with self.database.read() as tx:
            return holds.find(tx, self.company)

    def waits(self) -> set[tuple[str, str, str]]:
        """Everything that waits: (mapping, key, code)."""
        return {(hold.mapping, hold.source_key, hold.code) for hold in self.held()}

    def customer(self, key: str, **fields: object) -> None:
        """Add or change a customer, an hour after whatever happened before."""
        self.clock.sleep(3600)
        known = self.source.rows["customers"].get(key)
        new = {"customer_id": key, "name": f"Company {key}", "city": "Chicago"} if known is None else {}
        self.source.put(key, **(new | fields))

    def decided(self, key: str, verdict: Verdict, module: str = "Accounts", part: str = "") -> None:
        """What a person said about a record, as the commands keep it."""
        with self.database.begin() as tx:
            pair = self.work().pair(module)
            verdicts.put(tx, pair, key, part, verdict, reason="-", actor="sally", at=self.clock.now())
            asked.put(tx, self.company, "customers", [key], "decided")

    def verdict(self, key: str, module: str = "Accounts") -> dict[Ident, Verdict]:
        """What is decided about a record and not followed yet, or goes on to count."""
        with self.database.read() as tx:
            found = verdicts.find(tx, self.work().pair(module), [key])
        return {ident: verdict for ident, verdict in found.items() if verdict != Verdict()}
