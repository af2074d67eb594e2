"""A running simulator, and sources that read from it; everything is closed at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, settings

from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpSource, GpTarget, RequestGate, SbaReader
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.simulators.gp import GpOptions, GpSimulator

PASSWORD = "Sample-Pa55word"

# As many examples as are quick, and never a deadline: no test looks at elapsed time.
settings.register_profile(
    "gp", max_examples=80, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gp")


class SystemClock:
    """The machine's clock; waiting is cut short, for no test needs it."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.005))


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def simulate(opened: ExitStack) -> Callable[..., GpSimulator]:
    """Start a simulator with these options."""

    def start(**options: object) -> GpSimulator:
        return opened.enter_context(GpSimulator(GpOptions(**options)))

    return start


@pytest.fixture
def connect(opened: ExitStack, tmp_path, clock) -> Callable[..., GpSource]:
    """A source that reads from a simulator; settings by name, and ``password``."""

    def open_source(simulator: GpSimulator, password: str = PASSWORD, **settings: object) -> GpSource:
        wanted = {"endpoint": simulator.endpoint, "company_id": -1, "user": "FABRIKAM\\connector", **settings}
        config = GpConfig.model_validate(wanted)
        gate = opened.enter_context(closing(RequestGate(tmp_path / "gate", config.max_requests, 0.0, clock)))
        client = GpClient(config, lambda: password, gate, clock)
        sba = None
        if config.sba.entities:
            there = config.model_copy(update={"endpoint": config.sba.address})
            sba = SbaReader(config.sba, client, WindowsTransport(there, lambda: password))
        return opened.enter_context(closing(GpSource(client, sba)))

    return open_source


@pytest.fixture
def connect_target(opened: ExitStack, tmp_path, clock) -> Callable[..., GpTarget]:
    """What a simulator's company is written to by; settings by name."""

    def open_target(simulator: GpSimulator, **settings: object) -> GpTarget:
        wanted = {"endpoint": simulator.endpoint, "company_id": -1, "user": "FABRIKAM\\connector", **settings}
        config = GpConfig.model_validate(wanted)
        gate = opened.enter_context(closing(RequestGate(tmp_path / "gate", config.max_requests, 0.0, clock)))
        client = opened.enter_context(closing(GpClient(config, lambda: PASSWORD, gate, clock)))
        return GpTarget(client)

    return open_target
