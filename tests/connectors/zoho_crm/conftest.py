"""What the tests of the Zoho connector share: a clock of their own, a shelf for tokens, the simulator."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
import stamina

from ml_connector.connectors.zoho_crm import ZohoConfig, ZohoTarget, open_client
from ml_connector.core.needs import FieldNeed
from ml_connector.simulators.zoho import ZohoOptions, ZohoSimulator
from zoho_guards import MemoryCredits, MemoryShelf, guarded


@dataclass
class SettableClock:
    """The present by the system's clock plus what the test adds; sleeping takes no time."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def shelf() -> MemoryShelf:
    return MemoryShelf()


@pytest.fixture(autouse=True)
def _quick_retries() -> Iterator[None]:
    """Retries happen as often as in production, without the waits between them."""
    with stamina.set_testing(True, attempts=3):
        yield


@dataclass
class Org:
    """A simulated organisation, how it is controlled and how we reach it."""

    url: str
    clock: SettableClock
    shelf: MemoryShelf
    folder: Path
    kept: MemoryCredits = field(default_factory=MemoryCredits)
    opened: list = field(default_factory=list)
    refresh_token: str = "1000.simulated.refresh"
    stop: Callable[[], None] = lambda: None  #: nobody answers there any more

    def target(self, shelf=None, **config) -> ZohoTarget:
        """A target with connections of its own."""
        settings = ZohoConfig(
            **{
                "data_centre": "us",
                "client_id": "1000.SIMULATEDCLIENT",
                "simulator_url": self.url,
                "timeout_seconds": 120,
                **config,
            }
        )
        self.kept = self.kept.beside()
        gate, guard = guarded(self.folder, settings, self.clock, self.kept)
        self.opened.append(gate)
        client = open_client(
            settings,
            lambda: "simulated-client-secret",
            lambda: self.refresh_token,
            shelf or self.shelf,
            guard,
            self.clock,
        )
        self.opened.append(client)
        return ZohoTarget(client)

    def control(self, method, path, body=None):
        """The simulator's own door."""
        answer = httpx2.request(
            method, f"{self.url}/_control/{path}", json=body, trust_env=False, verify=_NO_TLS, timeout=120
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def faults(self, *faults):
        """What goes wrong from now on."""
        self.control("POST", "faults", list(faults))

    def counts(self):
        return self.control("GET", "counts")


_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
def start(clock, shelf, tmp_path) -> Iterator[Callable[..., Org]]:
    """Starts simulated organisations, which end with the test."""
    with ExitStack() as running:

        def started(**options) -> Org:
            simulator = running.enter_context(ZohoSimulator(ZohoOptions(**options)))
            org = Org(simulator.url, clock, shelf, tmp_path, stop=simulator.stop)
            running.callback(lambda: [opened.close() for opened in reversed(org.opened)])
            return org

        yield started


@pytest.fixture
def org(start) -> Org:
    return start()


@pytest.fixture
def target(org) -> ZohoTarget:
    """Accounts have the unique field GP_Customer_ID."""
    target = org.target()
    states = target.create_fields([KEY_FIELD])
    assert not states[0].problem
    return target


KEY_FIELD = FieldNeed("Accounts", "GP_Customer_ID", "GP Customer ID", "text", 30, unique=True)
