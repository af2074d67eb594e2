"""How much we may ask of Zoho at once, over all processes of this machine, and what each call costs.

Source: Zoho CRM "API Limits" (v4 to v8): concurrency by edition for the organisation and the application together,
ten at once for the heavy calls in every edition. What a day allows is in ``budget``.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from ml_connector.connectors.slots import OpenLocks, Slots, open_file
from ml_connector.connectors.zoho_crm import pace
from ml_connector.connectors.zoho_crm.config import ZohoConfig
from ml_connector.connectors.zoho_crm.pace import Pace
from ml_connector.core.ports import Clock, Cost
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
_PACE = struct.Struct("<di")  # when it was halved, seconds since 1970, and how many were allowed then

#: Creating a bulk job, the most rows of one, and what its upload, its results and each look at its state cost: Zoho
#: does not say, and most calls cost one.
JOB_CREDITS, JOB_ROWS, CALL_CREDITS = 500, 25_000, 1
_LOOKS = 2  #: at a job's state, as a rule
_AROUND = 2 + _LOOKS
_CHANGED = 3 + 1  #: a query of 2,000 rows for what people changed meanwhile, and what they deleted
_JOB = JobPrice(JOB_ROWS, JOB_CREDITS + _AROUND * CALL_CREDITS + _CHANGED, 1 + _AROUND + 2)
_BATCH = 100
_LOOK = 1  #: a query for the names of so many creates, where few are found


def write_prices(*, bulk: bool) -> WritePrices:
    """What writing costs, with or without bulk jobs."""
    return WritePrices(_BATCH, 10, _JOB if bulk else None, _LOOK, _CHANGED)


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
    """Lets no more calls through at once than Zoho takes, counted over all processes that use the same locks.

    Where Zoho refused one as one too many (``pace``), half as many may run at once for a while. Thread-safe.
    """

    def __init__(
        self, folder: Path, config: ZohoConfig, clock: Clock, locks: OpenLocks | None = None
    ) -> None:
        """Open the gate; ``locks`` None: files in ``folder``, which is made if missing. The pace is kept there."""
        folder.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._all = Slots(folder, "zoho", concurrency(config), clock, locks)
        self._heavy = Slots(folder, "zoho-heavy", config.heavy_requests, clock, locks)
        self._pace = _PaceFile(folder / "zoho-pace")

    @contextmanager
    def entered(self, *, heavy: bool) -> Iterator[None]:
        """Wait for a place and hold it; a heavy call waits for its own kind first, so that light ones pass by."""
        with self._heavy.held() if heavy else nullcontext(), self._all.held(self.at_once):
            yield

    def at_once(self) -> int:
        """How many calls may run at once now."""
        return self._pace.read().at_once(self._all.number, self._clock.now())

    def refuse(self, began_at: datetime, *, heavy: bool) -> None:
        """Zoho refused a call that began then as one too many, of all or (nothing tells them apart) of its kind."""
        most = min(self._all.number, self._heavy.number) if heavy else self._all.number
        self._pace.refuse(began_at, self._clock.now(), most)

    def close(self) -> None:
        """Close the lock files; places that this process still holds become free."""
        for part in (self._all, self._heavy, self._pace):
            part.close()


class _PaceFile:
    """What all processes know of the pace. Thread-safe; what a dying process left half written reads as nothing."""

    def __init__(self, path: Path) -> None:
        self._file = open_file(path)
        self._turn = threading.Lock()  # file locks belong to the process

    def read(self) -> Pace:
        """As it is now. Without a lock: it is asked for each call, and twelve bytes are written in one go."""
        kept = os.pread(self._file, _PACE.size, 0)
        if len(kept) < _PACE.size:
            return Pace()
        halved_at, allowed = _PACE.unpack(kept)
        return Pace(allowed, datetime.fromtimestamp(halved_at, UTC))

    def refuse(self, began_at: datetime, now: datetime, most: int) -> None:
        """Keep what one more refusal says."""
        with self._turn:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                known = pace.refused(self.read(), began_at, now, most)
                if known.halved_at is not None:
                    os.pwrite(self._file, _PACE.pack(known.halved_at.timestamp(), known.allowed), 0)
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class Meter:
    """Counts what was asked in this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, int] = {}
        self._seconds = 0.0
        self._credits = 0
        self._refused = 0

    def count(self, operation: str, seconds: float, credit: int) -> None:
        """One call of ``operation`` took ``seconds`` and cost ``credit``."""
        with self._lock:
            self._calls[operation] = self._calls.get(operation, 0) + 1
            self._seconds += max(0.0, seconds)
            self._credits += credit

    def count_refused(self) -> None:
        """One call was one too many; it is made again."""
        with self._lock:
            self._refused += 1

    def cost(self) -> Cost:
        """A copy of what was counted so far."""
        with self._lock:
            return Cost(dict(self._calls), self._seconds, self._credits, self._refused)
