"""Zoho CRM, held to the promises of a target against its simulator."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
import stamina
from contract import FieldsContract, TargetContract

from ml_connector.connectors.zoho_crm import ZohoConfig, ZohoTarget, open_client
from ml_connector.core.needs import FieldNeed
from ml_connector.simulators.zoho import ZohoOptions, ZohoSimulator
from zoho_guards import MemoryShelf, guarded

KEY = FieldNeed("Accounts", "GP_Customer_ID", "GP Customer ID", "text", 30, unique=True)
NEED = FieldNeed("Accounts", "GP_Terms", "GP Terms", "text", 30)
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class AheadClock:
    """The machine's clock and what was slept; sleeping takes no time."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class ZohoWorld:
    """The Accounts of a simulated organisation."""

    url: str
    target: ZohoTarget
    module: str = "Accounts"
    name_field: str = "Account_Name"
    key_field: str = KEY.name
    need: FieldNeed = NEED
    page_size: int = 2000
    lookup_field: str = "Parent_Account"
    user: str = "Sandra.Martinez@fabrikam.example"
    offset: float = 0.0

    def started(self) -> Mapping[str, int]:
        answer = httpx2.get(f"{self.url}/_control/counts", trust_env=False, verify=NO_TLS)
        return answer.json()["triggered"]

    def _control(self, path: str, given: object) -> None:
        answer = httpx2.post(f"{self.url}/_control/{path}", json=given, trust_env=False, verify=NO_TLS)
        assert answer.status_code == 200, answer.text

    def remove(self, ids: Sequence[str]) -> None:
        self._control("delete/Accounts", {"ids": list(ids)})

    def hurry(self) -> None:
        names = ("bulk_seconds", "bulk_wait_seconds", "bulk_seconds_per_row")
        self._control("settings", dict.fromkeys(names, 0.0))

    def present(self) -> datetime:
        """Its stamps are whole seconds, so its clock is put ahead by a few."""
        self.offset += 10
        self._control("settings", {"clock_offset_seconds": self.offset})
        return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=self.offset - 5)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ZohoWorld]:
    with stamina.set_testing(True, attempts=3), ZohoSimulator(ZohoOptions()) as simulator:
        config = ZohoConfig(data_centre="us", client_id="1000.SIMULATEDCLIENT", simulator_url=simulator.url)
        clock = AheadClock()
        gate, guard = guarded(tmp_path, config, clock)
        client = open_client(
            config,
            lambda: "simulated-client-secret",
            lambda: "1000.simulated.refresh",
            MemoryShelf(),
            guard,
            clock,
        )
        with closing(gate), closing(ZohoTarget(client)) as target:
            assert target.create_fields([KEY])[0].problem == ""
            yield ZohoWorld(simulator.url, target)


class TestZohoTarget(TargetContract):
    """Records."""


class TestZohoFields(FieldsContract):
    """Fields."""
