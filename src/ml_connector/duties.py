"""What the process that serves has to know of everything: when flows run, which systems are there, how all stands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_connector.app import SECRETS_OF, App
from ml_connector.connectors.zoho_crm.allowance import Standing as Credits
from ml_connector.core.alerts import Alert, Kind, Limits
from ml_connector.core.deals import DealFlow
from ml_connector.core.errors import ConnectorError, of_system
from ml_connector.core.flow import Flow
from ml_connector.core.ports import Cost
from ml_connector.core.waits import GP, ZOHO, Reason, Wait
from ml_connector.flows.agenda import Scheduled
from ml_connector.flows.figures import FlowFigures, Watched, find_figures
from ml_connector.flows.listening import ModuleStanding
from ml_connector.flows.listening import find_standing as find_module
from ml_connector.roster import OverCrm
from ml_connector.serve_settings import AlertsSettings
from ml_connector.store import alerts, documents, frozen, holds, waits
from ml_connector.store.database import Connection
from ml_connector.store.identity import ORG
from ml_connector.store.secrets import not_set

if TYPE_CHECKING:
    from ml_connector.flows.engine import Engine

#: A run is worth beginning once so great a part of a day's credits is free.
_SHARE_OF_CREDITS = 100


def scheduled(app: App) -> list[Scheduled]:
    """Every flow with when it runs, each after those that it comes after."""
    in_gp, (flows, over_crm) = app.companies[next(iter(app.companies))].source.entities, app.roster.both()
    behind: dict[str, frozenset[str]] = {}  # flow -> every flow that it comes after

    def one(
        flow: Flow | OverCrm,
        systems: set[str],
        first_loads: Collection[str],
        after: Collection[str],
    ) -> Scheduled:
        schedule = app.settings.schedule_of(flow.name)
        behind[flow.name] = frozenset(after).union(*(behind.get(name, ()) for name in after))
        modules = frozenset(flow.modules)
        return Scheduled(
            flow.name, schedule, frozenset(systems), frozenset(first_loads), behind[flow.name], modules
        )

    every = [flow.name for flow in flows]
    over_gp = [
        one(flow, {GP, ZOHO} if flow.entity.name in in_gp else {ZOHO}, {flow.name}, flow.after)
        for flow in flows
    ]
    before = {flow.name: app.roster.first_loads_before(flow, every) for flow in over_crm}
    return over_gp + [
        one(
            flow,
            {ZOHO} if isinstance(flow, DealFlow) else {GP, ZOHO},
            before[flow.name],
            before[flow.name],
        )
        for flow in over_crm
    ]


def attempt_at(app: App, flow: str) -> datetime | None:
    """When the first record of this flow is to be tried again by itself; None: none is."""
    mappings = app.roster.flows[flow].meanings if flow in app.roster.flows else None
    into_gp = app.roster.document_flows.get(flow)
    with app.database.read() as tx:
        found = [holds.next_due(tx, app.roster.company_of(flow), flow, mappings)]
        if into_gp is not None:
            found.append(documents.next_due(tx, into_gp.module))
    return min(filter(None, found), default=None)


def watched(app: App) -> list[Watched]:
    """Every flow that is scheduled, with what else there is to know to look at it."""
    entities = {flow.name: flow.entity.name for flow in app.roster.in_order()}
    entities |= {name: flow.module for name, flow in app.roster.document_flows.items()}
    entities |= {name: flow.entity for name, flow in app.roster.status_flows.items()}
    return [
        Watched(app.roster.company_of(one.flow), entities.get(one.flow, "Deals"), one)
        for one in scheduled(app)
    ]


def limits(own: AlertsSettings) -> Limits:
    """What is an alert, as the settings say."""
    return Limits(
        waiting=timedelta(minutes=own.waiting_minutes),
        failed=timedelta(minutes=own.failed_minutes),
        late=timedelta(minutes=own.late_minutes),
        held=timedelta(days=own.held_days),
        database=timedelta(minutes=own.database_minutes),
        about=frozenset(map(Kind, own.about)),
    )


@dataclass(frozen=True, slots=True)
class Own:
    """What a process tells of itself."""

    command: str  #: serve or worker
    costs: Mapping[str, Cost]  #: by system, since it began
    runs: int = 0  #: that it is at
    notifications: Mapping[str, int] = field(
        default_factory=dict
    )  #: what became of them -> how many, since then


@dataclass(frozen=True, slots=True)
class Standing:
    """How everything stands at an instant; without what could not be read."""

    at: datetime
    own: Own
    codes: Collection[str] = ()  #: every code that a catalogue has
    readable: bool = False  #: the store answers
    flows: Sequence[FlowFigures] = ()
    waits: Sequence[Wait] = ()
    alerts: Sequence[Alert] = ()
    modules: Sequence[ModuleStanding] = ()  #: of whose changes Zoho is to tell
    organisation: str = ""  #: of Zoho; empty: nothing was written into one yet
    credits: Credits | None = None


def find_own(app: App, engine: Engine, command: str) -> Own:
    """What this process knows by itself."""
    return Own(command, {GP: app.gp_cost(), ZOHO: app.zoho.cost()}, engine.at_work)


def find_worker(app: App, engine: Engine) -> Standing:
    """What a worker tells: the store's numbers are told by the process that serves."""
    return Standing(app.clock.now(), find_own(app, engine, "worker"), readable=not problems(app, engine))


def problems(app: App, engine: Engine) -> list[str]:
    """Why this process can do nothing at present."""
    try:
        with app.database.read() as tx:
            waits.find(tx)
        engine.require_held()
        engine.require_writable()
    except ConnectorError as error:
        return [str(error)]
    return []


def find_modules(app: App, tx: Connection, now: datetime, *, is_served: bool) -> list[ModuleStanding]:
    """How each module stands that is listened to; ``is_served``: somebody takes what Zoho tells.

    Of one that no flow reads, nothing waits for anybody.
    """
    own, read = app.settings.webhooks, {flow.module for flow in app.roster.document_flows.values()}
    modules = dict.fromkeys([*own.modules, *sorted(read)])
    found = [find_module(tx, module, own.pace, now, is_served=is_served) for module in modules]
    return [one if one.module in read else replace(one, waiting_since=None) for one in found]


def find_standing(
    app: App,
    engine: Engine,
    flows: Sequence[Watched],
    codes: Collection[str],
    notifications: Callable[[], Mapping[str, int]] = dict,
) -> Standing:
    """How everything stands; of a store that is away only what this process knows by itself."""
    now = app.clock.now()
    own = replace(find_own(app, engine, "serve"), notifications=notifications())
    try:
        with app.database.read() as tx:
            told = find_figures(tx, flows, now)
            open_waits, open_alerts = list(waits.find(tx).values()), alerts.find(tx)
            modules = find_modules(app, tx, now, is_served=True)
            organisation = frozen.find(tx, ORG) or ""
        left = app.zoho.credits()
    except ConnectorError:
        return Standing(now, own)
    return Standing(now, own, codes, True, told, open_waits, open_alerts, modules, organisation, left)  # noqa: FBT003 -- readable


@dataclass(frozen=True, slots=True)
class AwaitedSystems:
    """GP and Zoho, as they may have to be waited for."""

    app: App

    def probe(self, system: str, reason: str) -> None:
        """Look whether the system is there again, by one cheap call, in quiet hours or without credits by none."""
        with of_system(system):
            if system == GP:
                next(iter(self.app.companies.values())).gp.companies()
            elif reason == Reason.CREDITS:
                self.app.target.require_credits(max(1, self.app.zoho.credits().whole // _SHARE_OF_CREDITS))
            elif system == ZOHO:
                self.app.target.clock_difference()

    def missing(self, system: str) -> list[ConnectorError]:
        """What we would sign in to the system with and nobody has set, an error for each."""
        return [not_set(name) for name in SECRETS_OF[system] if not self.app.secrets.has(name)]

    def mark(self, system: str) -> str:
        """Another one once what we sign in to the system with was set anew, or was accepted after all."""
        if system == GP:
            refused = "refused" if self.app.refusals.find() else ""
            return (
                f"{self.app.secrets.mark(self.app.settings.gp.user, *SECRETS_OF[GP])[:32]} {refused}".strip()
            )
        account = f"{self.app.settings.zoho.client_id} {self.app.settings.zoho.data_centre}"
        return self.app.secrets.mark(account, *SECRETS_OF[ZOHO])
