"""Everything, joined: what a command works with. ``bootstrap`` makes it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector.connectors.zoho_crm import ZohoChannels, ZohoClient, ZohoTarget
from ml_connector.connectors.zoho_crm.auth import ZohoAuth
from ml_connector.core.deals import PROFITABILITY, TAGGING
from ml_connector.core.errors import ConfigurationError, ConnectorError
from ml_connector.core.ports import Clock, Cost, Tell
from ml_connector.core.waits import GP, ZOHO
from ml_connector.flows.agenda import was_due
from ml_connector.flows.channels import Keeping
from ml_connector.flows.document_status import follow
from ml_connector.flows.profit import write_figures
from ml_connector.flows.pull import pull
from ml_connector.flows.range import Asked
from ml_connector.flows.receive import receive
from ml_connector.flows.steps import NotingSteps, Result, Steps, ended
from ml_connector.flows.tagging import tag_deals
from ml_connector.gp_company import GpCompany
from ml_connector.roster import Roster
from ml_connector.settings import Settings
from ml_connector.store import engine_locks
from ml_connector.store.database import Database
from ml_connector.store.engine_lock import Duty
from ml_connector.store.refusals import Refusals
from ml_connector.store.secrets import Secrets
from ml_connector.store.trail import Trail
from ml_connector.works import Works

if TYPE_CHECKING:
    from ml_connector.flows.engine import Engine, Job

#: What we sign in with, by system.
SECRETS_OF = {GP: ("gp.password",), ZOHO: ("zoho.client_secret", "zoho.refresh_token")}

#: What a run of each flow over deals does.
_OVER_DEALS = {TAGGING: tag_deals, PROFITABILITY: write_figures}


@dataclass
class App:
    """Everything, joined. Nothing is sent until it is asked for."""

    works: Works  #: what the flows work with
    secrets: Secrets
    zoho: ZohoClient
    refusals: Refusals
    trail: Trail  #: the audit trail, with its checkpoints
    gp_anew: Callable[[], None]  #: every connection to GP is signed in anew
    tell: Callable[[str], None]  #: a sentence for the person who waits
    _marks: dict[str, str] = field(default_factory=dict)  #: by system, of what we sign in with
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def settings(self) -> Settings:
        """All settings."""
        return self.works.settings

    @property
    def database(self) -> Database:
        """The store."""
        return self.works.database

    @property
    def companies(self) -> Mapping[str, GpCompany]:
        """The companies of GP by ``Flow.company``, the one of [gp] first."""
        return self.works.companies

    @property
    def target(self) -> ZohoTarget:
        """Zoho, as it is written to."""
        return self.works.target

    @property
    def roster(self) -> Roster:
        """Every flow."""
        return self.works.roster

    @property
    def clock(self) -> Clock:
        """Whose time it is."""
        return self.works.clock

    @property
    def zoho_auth(self) -> ZohoAuth:
        """The tokens of Zoho."""
        return self.zoho.auth

    def gp_cost(self) -> Cost:
        """What was asked of GP so far, for all companies."""
        costs = [company.cost() for company in self.companies.values()]
        calls = sum((Counter(cost.calls) for cost in costs), Counter[str]())
        return Cost(dict(calls), sum(cost.seconds for cost in costs))

    @property
    def channels(self) -> ZohoChannels:
        """The notification channels that our user has in Zoho."""
        return ZohoChannels(self.zoho)

    def keeping(self, tell: Tell, stopping: threading.Event | None = None) -> Keeping:
        """What keeps the notification channels."""

        def alone(module: str) -> AbstractContextManager[None]:
            return self.works.locks.held([f"channel-{module}"])

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

    def run(self, steps: Steps, run: str, flow: str, asked: Asked) -> Result:
        """A run of the flow; the audit trail's checkpoints are noted on the way and at its end."""
        self.sign_in_as_set()
        told = self._run_flow(NotingSteps(steps, self._between_steps), run, flow, asked)
        return told | {"notes": [*told["notes"], *self.note_trail()]}

    def _between_steps(self) -> None:
        self.trail.checkpoint_when_due()
        self.sign_in_as_set()

    def _run_flow(self, steps: Steps, run: str, flow: str, asked: Asked) -> Result:
        roster, works = self.roster, self.works
        if flow in roster.deal_flows:
            return _OVER_DEALS[flow](steps, works.deal_work(roster.deal_flows[flow], asked), run)
        if flow in roster.document_flows:
            gathering = works.gathering(roster.document_flows[flow], asked, polls=not was_due(run))
            return receive(steps, gathering, run)
        if flow in roster.status_flows:
            return follow(steps, works.status_work(roster.status_flows[flow]), run)
        if flow not in roster.flows:
            gone = ConfigurationError(
                f"There is no flow “{flow}” any more.", "Enable it again to finish its run."
            )
            return ended("failed", {}, gone)
        return pull(steps, works.work(roster.flows[flow], asked), run)
