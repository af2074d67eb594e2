"""What the process that serves has to know of everything: when each flow runs, and whether a system is there again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ml_connector.app import SECRETS_OF, App
from ml_connector.core.deals import DealFlow
from ml_connector.core.errors import ConnectorError, of_system
from ml_connector.core.flow import Flow
from ml_connector.core.waits import GP, ZOHO, Reason
from ml_connector.flows.agenda import Scheduled
from ml_connector.store import holds
from ml_connector.store.secrets import not_set

#: A run is worth beginning once so great a part of a day's credits is free.
_SHARE_OF_CREDITS = 100


def scheduled(app: App) -> list[Scheduled]:
    """Every flow with when it runs, each after those that it comes after."""
    in_gp, flows = app.companies[next(iter(app.companies))].source.entities, app.in_order()

    behind: dict[str, frozenset[str]] = {}  # flow -> every flow that it comes after

    def one(
        flow: Flow | DealFlow, systems: set[str], first_loads: Collection[str], after: Collection[str]
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
    before = {name: app.first_loads_before(flow, every) for name, flow in app.deal_flows.items()}
    return over_gp + [one(flow, {ZOHO}, before[name], before[name]) for name, flow in app.deal_flows.items()]


def attempt_at(app: App, flow: str) -> datetime | None:
    """When the first record of this flow is to be tried again by itself; None: none is."""
    mappings = app.flows[flow].meanings if flow in app.flows else None
    with app.database.read() as tx:
        return holds.next_due(tx, app.company_of(flow), flow, mappings)


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
