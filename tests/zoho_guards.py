"""What tests of the Zoho connector are guarded by: a gate in a folder of theirs; token and credits in memory."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ml_connector.connectors.zoho_crm import AccessToken, Allowance, CallGuard, RequestGate, ZohoConfig
from ml_connector.core.ports import Clock


@dataclass
class MemoryShelf:
    """A shelf in memory: what the store is to the processes, to the clients of one test."""

    token: AccessToken | None = None
    held: threading.Lock = field(default_factory=threading.Lock)

    def load(self) -> AccessToken | None:
        return self.token

    def save(self, token: AccessToken) -> None:
        self.token = token

    def lock(self) -> threading.Lock:
        return self.held


@dataclass
class MemoryCredits:
    """What the table of credits is to the processes, to the clients of one test; each has a view of its own."""

    rows: dict[tuple[datetime, int], int] = field(default_factory=dict)  #: (minute, writer) -> spent
    lock: threading.Lock = field(default_factory=threading.Lock)
    writer: int = 0

    def beside(self) -> MemoryCredits:
        """The same, for another process."""
        return MemoryCredits(self.rows, self.lock, self.writer + 1)

    def keep(self, spent: Mapping[datetime, int]) -> None:
        with self.lock:
            self.rows.update({(minute, self.writer): price for minute, price in spent.items()})

    def find(self, since: datetime) -> dict[datetime, int]:
        found: Counter[datetime] = Counter()
        with self.lock:
            for (minute, _), price in self.rows.items():
                found[minute] += price if minute >= since else 0
        return dict(found)


def guarded(
    folder: Path, config: ZohoConfig, clock: Clock, kept: MemoryCredits | None = None
) -> tuple[RequestGate, CallGuard]:
    """The gate, which is to be closed, and the guard."""
    gate = RequestGate(folder, config, clock)
    return gate, CallGuard(gate, Allowance(config, kept or MemoryCredits(), clock), clock)
