"""What the process that serves has to know of everything: when each flow runs, and whether a system is there again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ml_connector.app import App
from ml_connector.core.errors import of_system
from ml_connector.core.waits import GP, ZOHO, Reason
from ml_connector.flows.agenda import Scheduled

#: A run is worth beginning once so great a part of a day's credits is free.
_SHARE_OF_CREDITS = 100


def scheduled(app: App) -> list[Scheduled]:
    """Every flow with when it runs, each after those that it comes after."""
    in_gp, flows = app.companies[next(iter(app.companies))].source.entities, app.in_order()

    def one(name: str, systems: set[str], first_loads: Collection[str]) -> Scheduled:
        schedule = app.settings.schedule_of(name)
        return Scheduled(name, schedule, frozenset(systems), frozenset(first_loads))

    every = [flow.name for flow in flows]
    over_gp = [
        one(flow.name, {GP, ZOHO} if flow.entity.name in in_gp else {ZOHO}, {flow.name}) for flow in flows
    ]
    return over_gp + [
        one(name, {ZOHO}, app.first_loads_before(flow, every)) for name, flow in app.deal_flows.items()
    ]


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

    def mark(self, system: str) -> str:
        """Another one once what we sign in to the system with was set anew, or was accepted after all."""
        if system == GP:
            refused = "refused" if self.app.refusals.find() else ""
            return f"{self.app.secrets.mark(self.app.settings.gp.user, 'gp.password')[:32]} {refused}".strip()
        account = f"{self.app.settings.zoho.client_id} {self.app.settings.zoho.data_centre}"
        return self.app.secrets.mark(account, "zoho.client_secret", "zoho.refresh_token")
