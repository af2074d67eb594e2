"""How much we may ask of Zoho at once, and what each call costs.

Source: Zoho CRM "API Limits" (v4 to v8): concurrency by edition for the organisation and the application together,
ten at once for the heavy calls in every edition, credits of a rolling 24 hours.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext

from ml_connector.connectors.zoho_crm.config import ZohoConfig
from ml_connector.core.ports import Cost
from ml_connector.core.write_plan import JobPrice, WritePrices

#: Requests at once by edition.
CONCURRENCY: Mapping[str, int] = {
    "free": 5,
    "standard": 10,
    "professional": 15,
    "enterprise": 20,
    "ultimate": 25,
}
#: A write of more records than this is a heavy call.
LIGHT_WRITE = 10
#: Making a custom module, whatever comes of it.
MODULE_CREDITS = 500
#: COQL: rows that are asked for -> credits.
_QUERY_CREDITS = ((200, 1), (1000, 2), (2000, 3))

#: Creating a bulk job, the most rows of one, and what its upload, its results and each look at its state cost: Zoho
#: does not say, and most calls cost one.
JOB_CREDITS, JOB_ROWS, CALL_CREDITS = 500, 25_000, 1
_LOOKS = 2  #: at a job's state, as a rule
_AROUND = 2 + _LOOKS
_JOB = JobPrice(JOB_ROWS, JOB_CREDITS + _AROUND * CALL_CREDITS, 1 + _AROUND)
_BATCH = 100


def write_prices(*, bulk: bool) -> WritePrices:
    """What writing costs, with or without bulk jobs."""
    return WritePrices(_BATCH, 10, _JOB if bulk else None)


def concurrency(config: ZohoConfig) -> int:
    """Requests at once for this configuration: what the edition allows, or less if so configured."""
    allowed = CONCURRENCY[config.edition]
    return min(allowed, config.max_requests or allowed)


def write_credits(records: int) -> int:
    """Insert, update: one credit for each ten records begun."""
    return -(-records // 10)


def query_credits(limit: int) -> int:
    """COQL: one to three credits by the number of rows asked for."""
    return next(price for rows, price in _QUERY_CREDITS if limit <= rows)


class RequestGate:
    """Lets no more threads of this process through at once than Zoho takes."""

    def __init__(self, config: ZohoConfig) -> None:
        self._all = threading.BoundedSemaphore(concurrency(config))
        self._heavy = threading.BoundedSemaphore(config.heavy_requests)

    @contextmanager
    def entered(self, *, heavy: bool) -> Iterator[None]:
        """Wait for a place and hold it; a heavy call waits for its own kind first, so that light ones pass by."""
        with self._heavy if heavy else nullcontext(), self._all:
            yield


class Meter:
    """Counts what was asked in this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, int] = {}
        self._seconds = 0.0
        self._credits = 0
        self._credits_remaining: int | None = None

    def count(self, operation: str, seconds: float, credit: int) -> None:
        """One call of ``operation`` took ``seconds`` and cost ``credit``."""
        with self._lock:
            self._calls[operation] = self._calls.get(operation, 0) + 1
            self._seconds += max(0.0, seconds)
            self._credits += credit

    def note_remaining(self, credit: int) -> None:
        """Zoho said that so many credits are left."""
        with self._lock:
            self._credits_remaining = credit

    def cost(self) -> Cost:
        """A copy of what was counted so far."""
        with self._lock:
            return Cost(dict(self._calls), self._seconds, self._credits)

    def credits_remaining(self) -> int | None:
        """What Zoho said last; None while less than half of the day's credits are used."""
        with self._lock:
            return self._credits_remaining
