"""Credits of the last 24 hours, and how many calls may run at once (Zoho's "API Limits" page)."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ml_connector.simulators.zoho.options import ZohoOptions
from ml_connector.simulators.zoho.replies import RequestRefusedError

DAY_SECONDS = 86_400
SUB_CONCURRENCY = 10
_BUCKET_SECONDS = 60

CONCURRENCY = {"free": 5, "standard": 10, "professional": 15, "enterprise": 20, "ultimate": 25}
# Edition: base, for each user, maximum.
_CREDITS = {
    "free": (5_000, 0, 5_000),
    "standard": (50_000, 250, 100_000),
    "professional": (50_000, 500, 3_000_000),
    "enterprise": (50_000, 1_000, 5_000_000),
    "ultimate": (50_000, 2_000, None),
}


def credits_of(options: ZohoOptions) -> int:
    """Credits that the organisation has for 24 hours."""
    if options.credit_limit is not None:
        return options.credit_limit
    base, each, maximum = _CREDITS[options.edition]
    earned = base + each * options.users
    return earned if maximum is None else min(earned, maximum)


class Limits:
    """Lets a call in or refuses it with 429; safe to use from several threads."""

    def __init__(self, options: Callable[[], ZohoOptions], now: Callable[[], float]) -> None:
        self._options = options
        self._now = now
        self._lock = threading.Lock()
        self._spent: deque[list[int]] = deque()  # [minute, credits], oldest first
        self._spent_total = 0
        self.credits_ever = 0
        self.running = 0
        self.heavy_running = 0
        self.peak = 0
        self.heavy_peak = 0
        self.refused = 0

    @contextmanager
    def admit(self, credits_needed: int, *, heavy: bool) -> Iterator[None]:
        """Holds a place while the call runs; RequestRefusedError (429) without a place or without credits."""
        with self._lock:
            self._check(credits_needed, heavy)
            self._spend(credits_needed)
            self.running += 1
            self.heavy_running += heavy
            self.peak = max(self.peak, self.running)
            self.heavy_peak = max(self.heavy_peak, self.heavy_running)
        try:
            yield
        finally:
            with self._lock:
                self.running -= 1
                self.heavy_running -= heavy

    def remaining(self) -> int:
        """Credits left of the last 24 hours."""
        with self._lock:
            return self._remaining()

    def header(self) -> tuple[tuple[str, str], ...]:
        """X-API-CREDITS-REMAINING, from the moment that half of the day's credits are used."""
        limit = credits_of(self._options())
        left = self.remaining()
        return (("X-API-CREDITS-REMAINING", str(left)),) if left * 2 <= limit else ()

    def set_remaining(self, left: int) -> None:
        """As if so much had been spent just now that `left` remain."""
        with self._lock:
            self._spend(self._remaining() - left)

    def _check(self, credits_needed: int, heavy: bool) -> None:  # noqa: FBT001 -- private
        if self._remaining() < credits_needed:
            reason = "The number of API requests for the 24 hour period is exceeded"
        elif self.running >= CONCURRENCY[self._options().edition]:
            reason = "The concurrency limit of the user for the app is exceeded"
        elif heavy and self.heavy_running >= SUB_CONCURRENCY:
            reason = "The sub-concurrency limit for this API is exceeded"
        else:
            return
        self.refused += 1
        raise RequestRefusedError(429, "TOO_MANY_REQUESTS", reason)

    def _spend(self, amount: int) -> None:
        minute = int(self._now()) // _BUCKET_SECONDS
        if self._spent and self._spent[-1][0] == minute:
            self._spent[-1][1] += amount
        else:
            self._spent.append([minute, amount])
        self._spent_total += amount
        self.credits_ever += max(amount, 0)

    def _remaining(self) -> int:
        oldest = (int(self._now()) - DAY_SECONDS) // _BUCKET_SECONDS
        while self._spent and self._spent[0][0] <= oldest:
            self._spent_total -= self._spent.popleft()[1]
        return max(0, credits_of(self._options()) - self._spent_total)
