"""A client of the simulated organisation, for tests that need no store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ml_connector.connectors.zoho_crm import ZohoClient, ZohoConfig, open_client
from zoho_guards import MemoryShelf, guarded


class _Clock:
    """This machine's time; sleeping takes none."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Nothing."""


@contextmanager
def zoho_client(
    url: str, folder: Path, refresh_token: str = "1000.simulated.refresh"
) -> Iterator[ZohoClient]:
    """A client with connections of its own."""
    config = ZohoConfig(
        data_centre="us", client_id="1000.SIMULATEDCLIENT", simulator_url=url, timeout_seconds=120
    )
    clock = _Clock()
    gate, guard = guarded(folder, config, clock)
    secret = "simulated-client-secret"
    with (
        closing(gate),
        open_client(config, lambda: secret, lambda: refresh_token, MemoryShelf(), guard, clock) as client,
    ):
        yield client
