"""A CRM whose orders become documents of an ERP, both in memory, and the store between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from memory import FakeClock, MemoryTarget
from memory_documents import MemoryDocuments
from memory_sales import ACCOUNT, CUSTOMER, DEALS, ORDERS, QUOTES, LateCalls, MemorySales, shipped
from ml_connector.core.document_decisions import Rules
from ml_connector.core.document_flow import DocumentFlow
from ml_connector.core.document_mapping import Numbering, Terms
from ml_connector.core.listening import Pace
from ml_connector.core.match import Verdict
from ml_connector.core.sales import Document, Standing
from ml_connector.flows.document_status import StatusFlow, StatusWork, follow
from ml_connector.flows.document_work import DocumentWork
from ml_connector.flows.documents import DocumentMaker
from ml_connector.flows.receive import Gathering, receive
from ml_connector.flows.steps import DirectSteps
from ml_connector.flows.work import Options
from ml_connector.store import audit, documents, holds, inbox, links, verdicts
from ml_connector.store.database import Database
from ml_connector.store.holds import Hold
from ml_connector.store.inbox import Told
from ml_connector.store.links import Link, Pair

COMPANY = "-1"
TIMEOUT = timedelta(minutes=10)
_FLOWS = {
    ORDERS: ("sales_orders", "sales_orders", "ZO"),
    QUOTES: ("sales_quotes", "quotes", "ZQ"),
    DEALS: ("won_deals", "won_deals", "ZD"),
}


def flow_of(module: str, numbering: Numbering = Numbering.OWN, **rules: Any) -> DocumentFlow:
    """The flow over a module, as the settings' defaults have it."""
    name, mapping, prefix = _FLOWS[module]
    terms = Terms(prefix, numbering, item="SERVICE" if module == DEALS else "", batch="ZOHO")
    if module == DEALS:
        rules = {"stages": frozenset({"closed won"}), "ends_outside": True} | rules
    if module == ORDERS:
        rules = {"cancelled": frozenset({"cancelled"})} | rules
    made = Rules(numbering, TIMEOUT, **rules)
    settle = timedelta(hours=24) if module == DEALS else None
    return DocumentFlow(name, COMPANY, shipped(mapping), terms, made, settle)


@dataclass
class SalesWorld:
    """Everything between two people: one types in the CRM, one in the ERP."""

    database: Database
    numbering: Numbering = Numbering.OWN
    clock: FakeClock = field(default_factory=FakeClock)
    runs: int = 0
    at_once: int = 1
    more_rules: dict[str, Any] = field(default_factory=dict)
    since: datetime | None = None  #: when the flows began
    more_erps: dict[str, MemoryDocuments] = field(default_factory=dict)  #: of other companies
    is_left: bool = False  #: the settings have no more than the other companies

    def __post_init__(self) -> None:
        self.crm = MemorySales(self.clock)
        self.erp = MemoryDocuments(self.clock, calls=LateCalls(clock=self.clock))
        self.erp.items["SERVICE"] = Decimal(1)
        self.link(ACCOUNT, CUSTOMER)

    def link(self, account: str, customer: str, company: str = COMPANY) -> None:
        with self.database.begin() as tx:
            pair = Pair(company, "customers", "Accounts")
            links.put(tx, pair, [Link(customer, account, "created", self.clock.now(), None)])

    def work(self, module: str = ORDERS, database: Database | None = None) -> DocumentWork:
        return DocumentWork(
            flow_of(module, self.numbering, **self.more_rules),
            ({} if self.is_left else {COMPANY: self.erp}) | self.more_erps,
            self.crm,
            database or self.database,
            self.clock,
            lambda: "USD",
            lambda: self.clock.now().date(),
            at_once=self.at_once,
            orders_of=self.crm.orders_of,
            since=self.since,
            texts=lambda columns: self.crm.list_texts(module, columns),
        )

    def run(self, module: str = ORDERS, database: Database | None = None, **more: Any) -> dict[str, Any]:
        """One run, by whatever was told, and with a poll."""
        self.runs += 1
        work = self.work(module, database)
        gathering = Gathering(
            flow=work.flow.name,
            company=COMPANY,
            module=module,
            source=self.crm,
            target=MemoryTarget(self.clock),
            database=database or self.database,
            clock=self.clock,
            consumer=DocumentMaker(work),
            pace=Pace(timedelta(minutes=5), timedelta(hours=1)),
            coalesce=timedelta(seconds=3),
            options=Options(max_wait=timedelta(seconds=60)),
            **{"polls": True, **more},
        )
        return receive(DirectSteps(self.clock), gathering, f"{module}-{self.runs}")

    def follow(self) -> dict[str, Any]:
        """What became of documents in the ERP is told."""
        self.runs += 1
        work = StatusWork(
            StatusFlow(COMPANY, (ORDERS, QUOTES, DEALS)),
            {COMPANY: self.erp},
            self.crm,
            self.crm,
            self.database,
            self.clock,
            Options(max_wait=timedelta(seconds=60)),
        )
        return follow(DirectSteps(self.clock), work, f"status-{self.runs}")

    def pass_time(self, **how: float) -> None:
        self.clock.sleep(timedelta(**how).total_seconds())

    def tell(self, module: str, *keys: str) -> None:
        with self.database.begin() as tx:
            inbox.put(tx, [Told(module, key, "update", self.clock.now()) for key in keys])

    # -- what there is

    def only(self) -> Standing:
        (one,) = self.erp.every()
        return one

    def only_like(self, number: str, other: str) -> Document:
        """Another document like this one, of somebody else."""
        one = next(one for one in self.erp.every() if one.document.number == number)
        return replace(one.document, number=other, reference="")

    def sent(self) -> list[str]:
        """Every create and update that the ERP was asked for."""
        return [name for name in self.erp.calls.made if name in ("create", "update", "void")]

    def held(self, module: str = ORDERS) -> list[str]:
        return [hold.code for hold in self.holds_of(flow_of(module).name)]

    def holds_of(self, flow: str) -> list[Hold]:
        with self.database.read() as tx:
            return holds.find(tx, COMPANY, flow=flow)

    def story(self, key: str, *, told: bool = False) -> list[str]:
        """What the audit trail says of a record: of its document, or of what the record was ``told``."""
        with self.database.read() as tx:
            rows = audit.of_key(tx, None, key)
        these = [row for row in rows if (row["mapping"] == "document_status") is told]
        return [str(row["action"]).partition(":")[2] for row in these]

    def became(self, module: str, key: str) -> documents.Became:
        with self.database.read() as tx:
            return documents.find(tx, module, [key])[key]

    def release(self, module: str, key: str, *codes: str) -> None:
        pair = self.work(module).pair
        with self.database.begin() as tx:
            verdict = Verdict(released=frozenset(codes))
            verdicts.put(tx, pair, key, "", verdict, reason="so", actor="anna", at=self.clock.now())

    def is_quiet(self, modules: Sequence[str] = (ORDERS,)) -> bool:
        """Whether nothing more is sent to either side, however often it is run."""
        before = len(self.sent()), len(self.crm.written)
        for _ in range(2):
            self.pass_time(hours=2)
            for module in modules:
                self.run(module)
        return before == (len(self.sent()), len(self.crm.written))
