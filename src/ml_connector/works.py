"""What the runs of each kind of flow work with, put together from everything that there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from zoneinfo import ZoneInfo

from ml_connector.connectors.zoho_crm import ZohoSource, ZohoTarget
from ml_connector.connectors.zoho_crm.target import Organisation
from ml_connector.core.deals import DealFlow
from ml_connector.core.document_fields import SALES_ORDERS
from ml_connector.core.document_flow import DocumentFlow
from ml_connector.core.flow import Flow
from ml_connector.core.ports import Clock, Source
from ml_connector.core.sales_ports import MasterEdits
from ml_connector.core.transform import MapContext
from ml_connector.flows.deals import DealWork
from ml_connector.flows.document_status import StatusFlow, StatusWork
from ml_connector.flows.document_work import DocumentWork
from ml_connector.flows.documents import DocumentMaker
from ml_connector.flows.ledger_months import LedgerMonths
from ml_connector.flows.new_customers import ACCOUNTS, CUSTOMERS, NewCustomers
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.receive import Gathering
from ml_connector.flows.work import Options, Work
from ml_connector.gp_company import GpCompany
from ml_connector.loading import chart_of, deal_terms, with_owners
from ml_connector.roster import Roster
from ml_connector.settings import Settings
from ml_connector.store import frozen
from ml_connector.store.database import Database
from ml_connector.store.identity import Identity
from ml_connector.store.locks import Locks

#: The entities whose records can be edited in GP.
MASTERS = (CUSTOMERS, "vendors")
#: What was made so shortly before a flow into GP was first run is taken for made after it.
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass
class Works:
    """Makes the work of a flow."""

    settings: Settings
    database: Database
    companies: Mapping[str, GpCompany]  #: by ``Flow.company``, the one of [gp] first
    identity: Identity
    target: ZohoTarget
    sales: ZohoSource  #: what the flows into GP read
    roster: Roster
    clock: Clock
    tell: Callable[[str], None]  #: a sentence for the person who waits
    _contexts: dict[str, MapContext] = field(default_factory=dict)  #: by company, asked for record by record
    _kept: set[str] = field(default_factory=set)  #: the companies whose identity is kept

    def source_of(self, flow: Flow) -> Source:
        """The company of GP that the flow reads from, or what is kept here of it."""
        if flow.entity.name in LedgerMonths.entities:
            return LedgerMonths(self.database, flow.company, self.clock, flow.limits)
        return self.companies[flow.company].source_of(flow.name)

    def sources_to_label(self) -> dict[str, Source]:
        """The entities of which fields are named after what GP's users call them, each with where that is asked."""
        return {entity: self.source_of(flow) for entity, flow in self.roster.flows_to_label().items()}

    def context(self, company: str, *, preview: bool = False) -> MapContext:
        """What mapping needs to know of the company; unless for a ``preview``, its keys are fixed from now on."""
        if not preview and company not in self._kept:
            self.identity.keep(self._organisation.org_id, company)
            self._kept.add(company)
        if company not in self._contexts:
            self._contexts[company] = self._context(company)
        return self._contexts[company]

    def _context(self, company: str) -> MapContext:
        others = self.identity.check(self._organisation.org_id, company)
        key_prefix = self.companies[company].settings.key_prefix
        context = MapContext(self._organisation.currency, key_prefix, others)
        owners = self.settings.owners
        return with_owners(context, owners, self.target.users()) if owners.default else context

    @cached_property
    def _organisation(self) -> Organisation:
        return self.target.organisation()

    def check_identity(self) -> None:
        """ConfigurationError if records were written with other keys, or into another organisation."""
        for company in self.companies:
            self.identity.check(self._organisation.org_id, company)

    def keep_identity(self) -> None:
        """Keep which keys are written into which organisation: from the first use on they are what they are."""
        for company in self.companies:
            self.identity.keep(self._organisation.org_id, company)

    def work(self, flow: Flow, asked: Asked = EVERYTHING, *, preview: bool = False) -> Work:
        """What a run of this flow works with; ``preview``: nothing is kept that a real run would fix for good."""
        own = {mapping.name for mapping in flow.mappings}
        others = tuple({m.name: m for m in self.roster.mappings if m.name not in own}.values())

        def context() -> MapContext:
            return self.context(flow.company, preview=preview)

        return Work(
            flow,
            self.source_of(flow),
            self.target,
            self.database,
            self.clock,
            context,
            others,
            self._options,
            self.locks.held,
            asked,
            masters=self._masters(flow),
        )

    @property
    def edited_entities(self) -> frozenset[str]:
        """The entities of GP into whose records values of Zoho go back."""
        return frozenset(MASTERS if self.settings.sales.master_edits.enabled else ())

    def _masters(self, flow: Flow) -> MasterEdits | None:
        """Where values of its records go back that Zoho owns; None: nowhere."""
        masters = self.companies[flow.company].target.masters
        return masters if flow.entity.name in self.edited_entities else None

    def new_customers(self, company: str, flow: str) -> NewCustomers | None:
        """What makes the customers of Accounts for the documents of ``flow``; None: nothing does."""
        own = self.settings.sales.new_customers
        mappings = [
            mapping
            for of_gp in self.roster.flows.values()
            for mapping in of_gp.of_module(ACCOUNTS)
            if of_gp.company == company and mapping.source == CUSTOMERS
        ]
        if not own.enabled or not mappings:
            return None
        return NewCustomers(
            company,
            flow,
            "",
            self.target,
            self.companies[company].target.masters,
            self.database,
            self.clock,
            tuple(rule for mapping in mappings for rule in mapping.rules),
            next((mapping.key_field for mapping in mappings), ""),
            own.terms,
        )

    @property
    def _options(self) -> Options:
        sync = self.settings.sync
        every = {
            "addresses": timedelta(seconds=sync.addresses_every_seconds),
            "receivables": timedelta(seconds=sync.balances_every_seconds),
            "payables": timedelta(seconds=sync.balances_every_seconds),
        }
        return Options(
            overlap=timedelta(seconds=sync.overlap_seconds),
            window_size=sync.window_size,
            writes_at_once=self.settings.zoho.heavy_requests,
            facet_every=every,
            facet_whole_every={"payables": timedelta(seconds=sync.payables_whole_every_seconds)},
            sweep_nights={"emails": sync.email_sweep_nights},
            max_wait=timedelta(seconds=sync.max_wait_seconds),
            credits_wait=timedelta(seconds=self.settings.zoho.credits_wait_seconds),
            max_change_ratio=sync.max_change_ratio,
            automatic_score=sync.automatic_score,
            recreate_deleted=sync.recreate_deleted,
            bulk_poll=timedelta(seconds=self.settings.zoho.bulk_poll_seconds),
            bulk_timeout=timedelta(seconds=self.settings.zoho.bulk_timeout_seconds),
            edit_timeout=timedelta(seconds=self.settings.sales.gp_operation_timeout_seconds),
        )

    def deal_work(self, flow: DealFlow, asked: Asked = EVERYTHING) -> DealWork:
        """What a run of this flow over deals works with."""

        def currency() -> str:
            self.identity.check(self._organisation.org_id, flow.company)
            return self._organisation.currency

        return DealWork(
            flow,
            self.companies[flow.company].source_of(flow.name),
            self.target,
            self.database,
            self.clock,
            deal_terms(self.settings, chart_of(self.roster.whole.values())),
            self.settings.every_company,
            currency,
            self._options,
            self.locks.held,
            asked,
            {key: company.source_of(flow.name) for key, company in self.companies.items()},
        )

    def document_work(self, flow: DocumentFlow, since: datetime | None = None) -> DocumentWork:
        """What a run of this flow into GP works with."""

        def currency() -> str:
            self.identity.check(self._organisation.org_id, flow.company)
            return self._organisation.currency

        def today() -> date:
            return self.clock.now().astimezone(ZoneInfo(self.settings.serve.time_zone)).date()

        return DocumentWork(
            flow,
            {key: company.target.documents for key, company in self.companies.items()},
            self.target,
            self.database,
            self.clock,
            currency,
            today,
            self.locks.held,
            self.settings.gp.max_requests,
            timedelta(seconds=self.settings.gp.change_timeout_seconds),
            partial(self.sales.find_pointing, SALES_ORDERS, "Deal_Name"),
            since,
            self.new_customers(flow.company, flow.name),
            partial(self.sales.list_texts, flow.module),
        )

    def gathering(self, flow: DocumentFlow, asked: Asked = EVERYTHING, *, polls: bool = False) -> Gathering:
        """The same, and where its records come from. ``polls``: whether or not a poll is due.

        What was made before the flow began goes to GP only where a person names it, or asks for everything.
        """
        is_named = asked.full or bool(asked.keys)
        since, own = None if is_named else self.begun_at(flow), self.settings.webhooks
        return Gathering(
            flow.name,
            flow.company,
            flow.module,
            self.sales,
            self.target,
            self.database,
            self.clock,
            DocumentMaker(self.document_work(flow, since)),
            own.pace,
            timedelta(seconds=own.coalesce_seconds),
            flow.meaning,
            since,
            self._options,
            self.locks.held,
            asked,
            polls,
        )

    def status_work(self, flow: StatusFlow) -> StatusWork:
        """What a run of what tells Zoho of its documents works with."""
        documents = {key: company.target.documents for key, company in self.companies.items()}
        options = self._options
        return StatusWork(
            flow, documents, self.sales, self.target, self.database, self.clock, options, self.locks.held
        )

    def begun_at(self, flow: DocumentFlow) -> datetime:
        """When it was first run, or ``serve`` first looked after it, by a little less: clocks differ."""
        now = self.clock.now() - _CLOCKS_DIFFER
        with self.database.begin() as tx:
            kept = frozen.freeze(tx, frozen.FIRST_RUN + flow.name, now.isoformat())
        return datetime.fromisoformat(kept)

    def alone(self) -> AbstractContextManager[None]:
        """While no run writes into any module."""
        modules = {module for flow in self.roster.every.values() for module in flow.modules}
        return self.locks.held(f"create-{module}" for module in modules)

    @property
    def locks(self) -> Locks:
        """What keeps runs of all processes apart."""
        return Locks(self.database, self.settings.store.folder, self.tell)
