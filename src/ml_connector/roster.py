"""The roster: every flow that the settings name, and in which order they run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ml_connector.connectors.zoho_crm.schema import LAYOUT
from ml_connector.core.deal_fields import DEALS, deal_needs
from ml_connector.core.deals import DealFlow
from ml_connector.core.document_fields import document_needs
from ml_connector.core.document_flow import DocumentFlow
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.flow import Flow, in_order
from ml_connector.core.mapping import Mapping as FieldMapping
from ml_connector.core.mapping import field_needs, module_needs
from ml_connector.core.needs import FieldNeed, ModuleNeed, once
from ml_connector.flows.document_status import NAME as STATUS
from ml_connector.flows.document_status import StatusFlow
from ml_connector.loading import (
    Labels,
    chart_of,
    entities_with_labels,
    load_deal_flows,
    load_document_flows,
    load_document_mappings,
    load_flows,
    with_room,
)
from ml_connector.settings import Settings
from ml_connector.store import field_labels, left_out
from ml_connector.store.database import Database

OverCrm = DealFlow | DocumentFlow | StatusFlow


@dataclass
class Roster:
    """Every flow, by its name. Those that read GP come first, then those that read Zoho."""

    settings: Settings
    whole: Mapping[str, Flow]  #: those that read GP, with every field of their mappings
    flows: Mapping[str, Flow]  #: the same without the fields and modules that Zoho's edition has no room for
    deal_flows: Mapping[str, DealFlow]  #: those over deals
    document_flows: Mapping[str, DocumentFlow]  #: those of orders, quotes and won deals into GP, behind these
    labels: Labels  #: what GP's users call fields that it only numbers, by entity
    #: (module, field) that Zoho's edition has no room for; field "": the module
    no_room: Collection[tuple[str, str]]

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

    def flows_to_label(self) -> dict[str, Flow]:
        """The entities of which fields are named after what GP's users call them, each with the first flow over it."""
        found: dict[str, Flow] = {}
        entities = entities_with_labels(self.settings)
        for flow in (flow for flow in self.whole.values() if flow.entity.name in entities):
            found.setdefault(flow.entity.name, flow)
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

    def both(self, wanted: Sequence[str] = ()) -> tuple[list[Flow], list[OverCrm]]:
        """The wanted flows, or all: those that read GP, and those that read the CRM, which come after them."""
        named = self._named(wanted)
        over_crm = [flow for name, flow in self._over_crm.items() if name in named or not wanted]
        only_crm = bool(wanted) and set(wanted) <= self._over_crm.keys()
        return [] if only_crm else self.in_order(wanted), over_crm

    def first_loads_before(self, flow: OverCrm, waits: Collection[str]) -> list[str]:
        """Those of the flows that wait for their approval without which this one over the CRM has nothing to say."""
        waiting = (self.flows[name] for name in waits)
        return [w.name for w in waiting if w.entity.name in flow.after and w.company == flow.company]

    @property
    def every(self) -> dict[str, Flow | OverCrm]:
        """All of them, as there is room for them."""
        return {**self.flows, **self._over_crm}

    @property
    def _over_crm(self) -> dict[str, OverCrm]:
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
                name for name, flow in self.every.items() if flow.company == company.key
            ]
            for company in self.settings.every_company
        }
        return [
            name
            for word in wanted
            for name in ([word] if word in self.every else of_company.get(word) or [word])
        ]

    def beside(self, name: str) -> list[str]:
        """All flows of the company of this one."""
        every = self.every
        return [other for other, flow in every.items() if flow.company == every[name].company]

    def company_of(self, flow: str) -> str:
        """Under which company this flow is recorded."""
        return self.every[flow].company


def load_roster(settings: Settings, database: Database) -> Roster:
    """The flows of these settings, as there is room in Zoho for them. ConfigurationError: a mapping is at fault."""
    with database.read() as tx:
        no_room, labels = left_out.find(tx), field_labels.find(tx)
    whole = load_flows(settings, labels)
    flows, over_deals, into_gp = (
        with_room(whole, no_room),
        load_deal_flows(settings),
        load_document_flows(settings),
    )
    return Roster(settings, whole, flows, over_deals, into_gp, labels, no_room)
