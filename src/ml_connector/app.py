"""Everything, joined: what a command works with. ``bootstrap`` makes it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ml_connector.connectors.zoho_crm import ZohoChannels, ZohoClient, ZohoSource, ZohoTarget
from ml_connector.connectors.zoho_crm.auth import ZohoAuth
from ml_connector.connectors.zoho_crm.schema import LAYOUT
from ml_connector.connectors.zoho_crm.target import Organisation
from ml_connector.core.deal_fields import DEALS, deal_needs
from ml_connector.core.deals import PROFITABILITY, TAGGING, DealFlow
from ml_connector.core.document_fields import SALES_ORDERS, document_needs
from ml_connector.core.document_flow import DocumentFlow
from ml_connector.core.errors import ConfigurationError, ConnectorError
from ml_connector.core.flow import Flow, in_order
from ml_connector.core.mapping import Mapping as FieldMapping
from ml_connector.core.mapping import field_needs, module_needs
from ml_connector.core.needs import FieldNeed, ModuleNeed, once
from ml_connector.core.ports import Clock, Cost, Source, Tell
from ml_connector.core.sales_ports import MasterEdits
from ml_connector.core.transform import MapContext
from ml_connector.core.waits import GP, ZOHO
from ml_connector.flows.agenda import was_due
from ml_connector.flows.channels import Keeping
from ml_connector.flows.deals import DealWork
from ml_connector.flows.document_status import NAME as STATUS
from ml_connector.flows.document_status import StatusFlow, StatusWork, follow
from ml_connector.flows.document_work import DocumentWork
from ml_connector.flows.documents import DocumentMaker
from ml_connector.flows.ledger_months import LedgerMonths
from ml_connector.flows.new_customers import ACCOUNTS, CUSTOMERS, NewCustomers
from ml_connector.flows.profit import write_figures
from ml_connector.flows.pull import pull
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.receive import Gathering, receive
from ml_connector.flows.steps import NotingSteps, Result, Steps, ended
from ml_connector.flows.tagging import tag_deals
from ml_connector.flows.work import Options, Work
from ml_connector.gp_company import GpCompany
from ml_connector.loading import (
    Labels,
    chart_of,
    deal_terms,
    entities_with_labels,
    load_document_mappings,
    load_flows,
    with_owners,
    with_room,
)
from ml_connector.settings import Settings
from ml_connector.store import engine_locks, frozen
from ml_connector.store.database import Database
from ml_connector.store.engine_lock import Duty
from ml_connector.store.identity import Identity
from ml_connector.store.locks import Locks
from ml_connector.store.refusals import Refusals
from ml_connector.store.secrets import Secrets
from ml_connector.store.trail import Trail

if TYPE_CHECKING:
    from ml_connector.flows.engine import Engine, Job

#: What we sign in with, by system.
SECRETS_OF = {GP: ("gp.password",), ZOHO: ("zoho.client_secret", "zoho.refresh_token")}

#: The entities whose records can be edited in GP.
MASTERS = (CUSTOMERS, "vendors")
#: What was made so shortly before a flow into GP was first run is taken for made after it.
_CLOCKS_DIFFER = timedelta(minutes=5)

#: What a run of each flow over deals does.
_OVER_DEALS = {TAGGING: tag_deals, PROFITABILITY: write_figures}


@dataclass
class App:
    """Everything, joined. Nothing is sent until it is asked for."""

    settings: Settings
    database: Database
    secrets: Secrets
    companies: Mapping[str, GpCompany]  #: by ``Flow.company``, the one of [gp] first
    identity: Identity
    zoho: ZohoClient
    target: ZohoTarget
    whole: Mapping[str, Flow]  #: the flows with every field of their mappings
    flows: Mapping[str, Flow]  #: without the fields and modules that Zoho's edition has no room for
    deal_flows: Mapping[str, DealFlow]  #: those over deals, which come after all others
    document_flows: Mapping[str, DocumentFlow]  #: those of orders, quotes and won deals into GP, behind these
    sales: ZohoSource  #: what they read
    labels: Labels  #: what GP's users call fields that it only numbers, by entity
    no_room: Collection[
        tuple[str, str]
    ]  #: (module, field) that Zoho's edition has no room for; field "": the module
    clock: Clock
    refusals: Refusals
    trail: Trail  #: the audit trail, with its checkpoints
    gp_anew: Callable[[], None]  #: every connection to GP is signed in anew
    tell: Callable[[str], None]  #: a sentence for the person who waits
    _contexts: dict[str, MapContext] = field(default_factory=dict)  #: by company, asked for record by record
    _kept: set[str] = field(default_factory=set)  #: the companies whose identity is kept
    _marks: dict[str, str] = field(default_factory=dict)  #: by system, of what we sign in with
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def zoho_auth(self) -> ZohoAuth:
        """The tokens of Zoho."""
        return self.zoho.auth

    def needs(self, modules_left_out: Collection[str] | None = None) -> list[FieldNeed]:
        """Every field that flows and settings need in Zoho, whether there is room for it or not.

        ``modules_left_out``: what is known of this; left out: as Zoho was provisioned.
        """
        if modules_left_out is None:
            modules_left_out = {module for module, field in self.no_room if not field}
        flows = with_room(self.whole, {(module, "") for module in modules_left_out})
        mappings = [mapping for flow in flows.values() for mapping in flow.mappings]
        own = self.settings.flows
        of_deals = deal_needs(
            tagging=own.deal_tagging.enabled or self.settings.sales.deals.enabled,
            profitability=own.profitability.enabled,
            module=chart_of(flows.values()),
        )
        return once(field_needs(mappings) + of_deals + self._document_needs())

    def _document_needs(self) -> list[FieldNeed]:
        """What is read of orders, quotes and won deals that go to GP, and what is told there of them."""
        mappings = load_document_mappings(self.settings).values()
        read = [need for mapping in mappings for need in mapping.needs]
        modules = [mapping.module for mapping in mappings]
        # A deal is told what became of its sales orders and quotes, too.
        return read + document_needs([*modules, DEALS] if modules else [])

    def module_needs(self) -> list[ModuleNeed]:
        """Every module that is ours to make in Zoho, whether its edition has such or not."""
        return module_needs(mapping for flow in self.whole.values() for mapping in flow.mappings)

    def idle_flows(self, modules_left_out: Collection[str]) -> list[Flow]:
        """The flows of which nothing is left without these modules."""
        left = with_room(self.whole, {(module, "") for module in modules_left_out})
        return [flow for name, flow in self.whole.items() if name not in left]

    def keeping_flows(self, modules_left_out: Collection[str]) -> list[Flow]:
        """The flows that without these modules keep here what others need, lines or accounts, and write nothing."""
        left = with_room(self.whole, {(module, "") for module in modules_left_out})
        return [flow for name, flow in left.items() if self.whole[name].mappings and not flow.mappings]

    def use_labels(self, labels: Labels) -> None:
        """From now on, in this process, these are what GP's users call fields that it only numbers."""
        self.labels, self.whole = labels, load_flows(self.settings, labels)
        self.flows = with_room(self.whole, self.no_room)

    def entities_to_label(self) -> dict[str, Source]:
        """The entities of which fields are named after what GP's users call them, each with the first that reads it."""
        found: dict[str, Source] = {}
        entities = entities_with_labels(self.settings)
        for flow in (flow for flow in self.whole.values() if flow.entity.name in entities):
            found.setdefault(flow.entity.name, self.source_of(flow))
        return found

    @property
    def mappings(self) -> list[FieldMapping]:
        """The mappings of all flows."""
        return [mapping for flow in self.flows.values() for mapping in flow.mappings]

    @property
    def layouts(self) -> list[str]:
        """The modules whose layout a mapping names by its name: Zoho is asked for its id."""
        rules = ((m.target, rule) for m in self.mappings for rule in m.rules if rule.target == LAYOUT)
        return sorted({module for module, rule in rules if not str(rule.constant).isdigit()})

    @property
    def edited_modules(self) -> list[str]:
        """The modules in which records are changed and none is created."""
        written = {mapping.target for mapping in self.mappings}
        return sorted({module for flow in self._over_crm.values() for module in flow.modules} - written)

    def in_order(self, wanted: Sequence[str] = ()) -> list[Flow]:
        """The wanted flows that read GP, or all of these, each after those it comes after."""
        named = self._named(wanted)
        if wanted and set(wanted) <= self._over_crm.keys():
            raise ConfigurationError(
                f"{wanted[0]} reads no records of GP, so there is nothing for this command to do.",
                f"Name another flow: {', '.join(self.flows)}.",
            )
        if gone := [name for name in named if name in self.whole and name not in self.flows]:
            modules = ", ".join(self.whole[gone[0]].modules)
            raise ConfigurationError(
                f"The flow “{gone[0]}” writes only into {modules}, which this edition of Zoho does not have.",
                "Upgrade the edition and run “ml-connector provision”, or run the other flows without it.",
            )
        over_gp = [name for name in named if name not in self._over_crm]
        return in_order(self.flows, over_gp, self._over_crm)

    def both(
        self, wanted: Sequence[str] = ()
    ) -> tuple[list[Flow], list[DealFlow | DocumentFlow | StatusFlow]]:
        """The wanted flows, or all: those that read GP, and those that read the CRM, which come after them."""
        named = self._named(wanted)
        over_crm = [flow for name, flow in self._over_crm.items() if name in named or not wanted]
        only_crm = bool(wanted) and set(wanted) <= self._over_crm.keys()
        return [] if only_crm else self.in_order(wanted), over_crm

    def first_loads_before(
        self, flow: DealFlow | DocumentFlow | StatusFlow, waits: Collection[str]
    ) -> list[str]:
        """Those of the flows that wait for their approval without which this one over the CRM has nothing to say."""
        waiting = (self.flows[name] for name in waits)
        return [w.name for w in waiting if w.entity.name in flow.after and w.company == flow.company]

    @property
    def _every(self) -> dict[str, Flow | DealFlow | DocumentFlow | StatusFlow]:
        return {**self.flows, **self._over_crm}

    @property
    def _over_crm(self) -> dict[str, DealFlow | DocumentFlow | StatusFlow]:
        return {**self.deal_flows, **self.document_flows, **self.status_flows}

    @property
    def status_flows(self) -> dict[str, StatusFlow]:
        """What tells Zoho how far its documents are in GP, if any go there."""
        modules = [flow.module for flow in self.document_flows.values()]
        company = self.settings.every_company[0].key
        return {STATUS: StatusFlow(company, tuple(dict.fromkeys([*modules, DEALS])))} if modules else {}

    def _named(self, wanted: Sequence[str]) -> list[str]:
        """The flows that these words name, each a flow or a company."""
        of_company = {
            (company.name or self.settings.company.name): [
                name for name, flow in self._every.items() if flow.company == company.key
            ]
            for company in self.settings.every_company
        }
        return [
            name
            for word in wanted
            for name in ([word] if word in self._every else of_company.get(word) or [word])
        ]

    def beside(self, name: str) -> list[str]:
        """All flows of the company of this one."""
        every = self._every
        return [other for other, flow in every.items() if flow.company == every[name].company]

    def source_of(self, flow: Flow) -> Source:
        """The company of GP that the flow reads from, or what is kept here of it."""
        if flow.entity.name in LedgerMonths.entities:
            return LedgerMonths(self.database, flow.company, self.clock, flow.limits)
        return self.companies[flow.company].source_of(flow.name)

    def gp_cost(self) -> Cost:
        """What was asked of GP so far, for all companies."""
        costs = [company.cost() for company in self.companies.values()]
        calls = sum((Counter(cost.calls) for cost in costs), Counter[str]())
        return Cost(dict(calls), sum(cost.seconds for cost in costs))

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
        others = tuple({m.name: m for m in self.mappings if m.name not in own}.values())

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
            self._locks.held,
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
            for of_gp in self.flows.values()
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
            deal_terms(self.settings, chart_of(self.whole.values())),
            self.settings.every_company,
            currency,
            self._options,
            self._locks.held,
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
            self._locks.held,
            self.settings.gp.max_requests,
            timedelta(seconds=self.settings.gp.change_timeout_seconds),
            partial(self.sales.find_pointing, SALES_ORDERS, "Deal_Name"),
            since,
            self.new_customers(flow.company, flow.name),
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
            self._locks.held,
            asked,
            polls,
        )

    def status_work(self, flow: StatusFlow) -> StatusWork:
        """What a run of what tells Zoho of its documents works with."""
        documents = {key: company.target.documents for key, company in self.companies.items()}
        options = self._options
        return StatusWork(
            flow, documents, self.sales, self.target, self.database, self.clock, options, self._locks.held
        )

    def begun_at(self, flow: DocumentFlow) -> datetime:
        """When it was first run, or ``serve`` first looked after it, by a little less: clocks differ."""
        now = self.clock.now() - _CLOCKS_DIFFER
        with self.database.begin() as tx:
            kept = frozen.freeze(tx, f"first run of {flow.name}", now.isoformat())
        return datetime.fromisoformat(kept)

    @property
    def channels(self) -> ZohoChannels:
        """The notification channels that our user has in Zoho."""
        return ZohoChannels(self.zoho)

    def keeping(self, tell: Tell, stopping: threading.Event | None = None) -> Keeping:
        """What keeps the notification channels."""

        def alone(module: str) -> AbstractContextManager[None]:
            return self._locks.held([f"channel-{module}"])

        own, stopping = self.settings.webhooks, stopping or threading.Event()
        return Keeping(
            self.database,
            self.clock,
            self.secrets,
            self.channels,
            own.url,
            own.modules,
            alone,
            tell,
            stopping,
        )

    def alone(self) -> AbstractContextManager[None]:
        """While no run writes into any module."""
        modules = {module for flow in self._every.values() for module in flow.modules}
        return self._locks.held(f"create-{module}" for module in modules)

    @property
    def _locks(self) -> Locks:
        return Locks(self.database, self.settings.store.folder, self.tell)

    def trim_trail(self) -> int:
        """Remove the rows of the audit trail that are older than the settings say; how many. To be called nightly."""
        days = self.settings.audit.keep_days
        return self.trail.trim(timedelta(days=days)) if days else 0

    def note_trail(self) -> list[str]:
        """Note outside the database how the audit trail ends; what kept us from it, in sentences."""
        try:
            self.trail.checkpoint()
        except ConnectorError as error:
            return [f"{error} Until it can be, rows cut off at the end of the audit trail would not be seen."]
        return []

    def engine(
        self,
        duty: Duty = Duty.COMMAND,
        lost: Callable[[ConnectorError], None] = lambda _: None,
        job: Job | None = None,
    ) -> Engine:
        """The durable engine over all flows; entering it takes up what was interrupted. ``lost``: see ``Engine``.

        ``job``: what is done in place of ``run``.

        ConfigurationError: a secret does not open, so that a run would end in its midst.
        """
        from ml_connector.flows.engine import Engine

        self.secrets.require_open()
        self.sign_in_as_set()
        # Where several processes share the work, each does one run at a time.
        at_once = self.settings.serve.runs_at_once if self.database.is_sqlite else 1
        folder = self.settings.store.folder
        return Engine(self.database, folder, job or self.run, duty, lost, self.tell, at_once=at_once)

    def sign_in_as_set(self) -> None:
        """Give up connections and tokens of a system whose secret was set anew since this was called last."""
        marks = {system: self.secrets.mark("", *names) for system, names in SECRETS_OF.items()}
        with self._turn:
            changed = [system for system, mark in marks.items() if self._marks.get(system, mark) != mark]
            self._marks = marks
        for system in changed:
            {GP: self.gp_anew, ZOHO: self.zoho_auth.sign_in_anew}[system]()

    def is_served(self) -> bool:
        """Whether a process serves here."""
        return engine_locks.is_served(self.database, self.settings.store.folder)

    def company_of(self, flow: str) -> str:
        """Under which company this flow is recorded."""
        return self._every[flow].company

    def run(self, steps: Steps, run: str, flow: str, asked: Asked) -> Result:
        """A run of the flow; the audit trail's checkpoints are noted on the way and at its end."""
        self.sign_in_as_set()
        told = self._run_flow(NotingSteps(steps, self._between_steps), run, flow, asked)
        return told | {"notes": [*told["notes"], *self.note_trail()]}

    def _between_steps(self) -> None:
        self.trail.checkpoint_when_due()
        self.sign_in_as_set()

    def _run_flow(self, steps: Steps, run: str, flow: str, asked: Asked) -> Result:
        if flow in self.deal_flows:
            return _OVER_DEALS[flow](steps, self.deal_work(self.deal_flows[flow], asked), run)
        if flow in self.document_flows:
            gathering = self.gathering(self.document_flows[flow], asked, polls=not was_due(run))
            return receive(steps, gathering, run)
        if flow in self.status_flows:
            return follow(steps, self.status_work(self.status_flows[flow]), run)
        if flow not in self.flows:
            gone = ConfigurationError(
                f"There is no flow “{flow}” any more.", "Enable it again to finish its run."
            )
            return ended("failed", {}, gone)
        return pull(steps, self.work(self.flows[flow], asked), run)
