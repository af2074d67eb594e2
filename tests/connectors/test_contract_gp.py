"""Dynamics GP, held to the promises of a source against its simulator."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import quote

import pytest
from contract import FacetContract, SourceContract

from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpSource, RequestGate
from ml_connector.simulators.gp import GpOptions, GpSimulator

NO_DATE = datetime(1900, 1, 1, tzinfo=UTC)


class ShortClock:
    """The machine's clock; waiting is cut short."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.005))


@dataclass
class GpWorld:
    """One entity of a simulated company."""

    simulator: GpSimulator
    source: GpSource
    entity: str
    facet: str = "addresses"

    def _control(self, method: str, key: str = "", payload: object = None) -> None:
        self.simulator.control(method, f"{self.entity}/{quote(key)}" if key else self.entity, payload)

    def put(self, key: str, at: datetime | None) -> None:
        known = {row["id"] for row in self.simulator.control("GET", f"{self.entity}?limit=1000")["rows"]}
        stamp = {"modified_at": (at or NO_DATE).isoformat()}
        if key in known:
            self._control("POST", key, {"set": {"name": f"New {key}"}, **stamp})
        else:
            self._control("POST", "", {"id": key, "name": f"Name of {key}", **stamp})

    def move_facet(self, key: str) -> None:
        self._control("POST", key, {"address": {"city": "Moved to Elgin"}})

    def remove(self, key: str) -> None:
        self._control("DELETE", key)

    def limit_rows(self, rows: int) -> None:
        limits = dict.fromkeys((self.entity, "addresses"), rows)
        self.simulator.control("POST", "settings", {"row_limits": limits})


@dataclass
class AccountWorld(GpWorld):
    """The GL accounts; an account number may be any text."""

    def _control(self, method: str, key: str = "", payload: object = None) -> None:
        self.simulator.control(method, f"accounts/{quote(key)}" if key else "accounts", payload)

    def put(self, key: str, at: datetime | None) -> None:
        known = {row["id"] for row in self.simulator.control("GET", "accounts?limit=1000")["rows"]}
        stamp = {"modified_at": (at or NO_DATE).isoformat()}
        if key in known:
            self._control("POST", key, {"set": {"description": f"New {key}"}, **stamp})
        else:
            self._control("POST", "", {"id": key, "description": f"Name of {key}", **stamp})

    def limit_rows(self, rows: int) -> None:
        self.simulator.control("POST", "settings", {"row_limits": {"accounts": rows}})


@dataclass
class JournalWorld(GpWorld):
    """The journal entries; one that is stamped anew stands there anew."""

    #: The same journal on two days, the same journal and day posted twice, ids that a text orders otherwise.
    keys: ClassVar[Sequence[str]] = (
        "9001/2026-05-31",
        "9002/2026-05-31",
        "9002/2026-06-01",
        "9003/2026-05-31/1",
        "10004/2026-05-31",
        "905/2026-12-31",
        "9006/2026-05-31/2",
    )
    nobody: ClassVar[str] = "9002/2026-06-02"
    undated: ClassVar[str] = "9999/2026-05-31"

    def put(self, key: str, at: datetime | None) -> None:
        number, on, *more = key.split("/")
        sequence = int(more[0]) if more else 0
        lines = [{"account": "000-1100-00", "debit": "1"}, {"account": "000-4000-00", "credit": "1"}]
        entry = {"journal_id": int(number), "on": on, "sequence": sequence, "lines": lines}
        stamp = (at or NO_DATE).isoformat()
        self.simulator.control("POST", "journals", {**entry, "reference": key, "modified_at": stamp})

    def remove(self, key: str) -> None:
        self.simulator.control("DELETE", f"journals/{key.partition('/')[0]}")

    def limit_rows(self, rows: int) -> None:
        self.simulator.control("POST", "settings", {"row_limits": {"journals": rows}})


@pytest.fixture
def connected(tmp_path) -> Iterator[tuple[GpSimulator, GpSource]]:
    clock = ShortClock()
    with ExitStack() as opened:
        simulator = opened.enter_context(GpSimulator(GpOptions()))
        config = GpConfig(endpoint=simulator.endpoint, company_id=-1, user="FABRIKAM\\connector")
        gate = opened.enter_context(closing(RequestGate(tmp_path / "gate", config.max_requests, 0.0, clock)))
        client = GpClient(config, lambda: "Sample-Pa55word", gate, clock)
        yield simulator, opened.enter_context(closing(GpSource(client)))


class TestGpSource(FacetContract):
    @pytest.fixture(params=["customers", "vendors"])
    def world(self, request: pytest.FixtureRequest, connected) -> GpWorld:
        return GpWorld(*connected, request.param)


class TestGpAccounts(SourceContract):
    @pytest.fixture
    def world(self, connected) -> GpWorld:
        return AccountWorld(*connected, "gl_accounts")


class TestGpJournals(SourceContract):
    keys = JournalWorld.keys
    nobody = JournalWorld.nobody
    undated = JournalWorld.undated

    @pytest.fixture
    def world(self, connected) -> GpWorld:
        return JournalWorld(*connected, "journal_entries")
