"""Notifications on their way: which are lost, doubled, late, out of order or forged, and what became of them.

Nothing of this is documented (facts 4); the options decide it (`notice_...`), and chance by their seed and the number
of the notification, so that the same writes in the same order have the same fate. A notification is sent once for each
of its copies and never again, whatever is answered. Its time is the simulator's clock.
"""

import heapq
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ml_connector.simulators.zoho.options import ZohoOptions
from ml_connector.simulators.zoho.replies import JsonObject
from ml_connector.simulators.zoho.watch import Subscription

_LONGEST_PAUSE_SECONDS = 0.05  # while something is to be sent later: the clock may be set behind our back


@dataclass(frozen=True, slots=True)
class Notice:
    """What one subscription is told of the records of one call."""

    subscription: Subscription
    operation: str
    """`insert`, `update` or `delete`."""
    ids: tuple[str, ...]
    affected_fields: tuple[JsonObject, ...] = ()
    affected_values: tuple[JsonObject, ...] | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """One copy of a notice, as it is posted."""

    notice: Notice
    number: int
    token: str | None

    def content(self, base_url: str, now: float) -> JsonObject:
        """The body, in Zoho's words and order: `resource_uri` says v2 whatever version the channel was made with."""
        notice, subscription = self.notice, self.notice.subscription
        values = {} if notice.affected_values is None else {"affected_values": notice.affected_values}
        return {
            "server_time": int(now * 1_000),
            **values,
            "query_params": subscription.query_params(),
            "module": subscription.module,
            "resource_uri": f"{base_url}/crm/v2/{subscription.module}",
            "ids": notice.ids,
            "affected_fields": notice.affected_fields,
            "operation": notice.operation,
            "channel_id": subscription.channel_id,
            "token": self.token,
        }


class Notices:
    """Every notice of an organisation, under its lock; the senders wait here for what is due."""

    def __init__(self, lock: threading.RLock, now: Callable[[], float], kept: int) -> None:
        """`kept`: of how many letters it is remembered what became of them."""
        self._changed = threading.Condition(lock)
        self._now = now
        self._number = 0
        self._last_due = 0.0
        self._waiting: list[tuple[float, int, Letter]] = []
        self._in_flight = 0
        self._letters = 0
        self._counts: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._sent: deque[JsonObject] = deque(maxlen=kept)

    def add(self, notice: Notice, options: ZohoOptions) -> None:
        """One more; what becomes of it is decided here. The lock is held."""
        self._number += 1
        chance = Random(f"{options.notice_seed}/{self._number}")
        self._counts["made"] += 1
        if chance.random() < options.notice_drop_share:
            self._counts["dropped"] += 1
            return
        for _ in range(chance.randint(*options.notice_copies)):
            token = notice.subscription.token
            if chance.random() < options.notice_wrong_token_share:
                self._counts["wrong_token"] += 1
                token = chance.randbytes(16).hex()
            self._post(Letter(notice, self._number, token), self._due(chance, options))

    def _due(self, chance: Random, options: ZohoOptions) -> float:
        """When a copy is sent: delayed in the order of the others, then out of order within the span of the shuffle."""
        late = self._now() + chance.uniform(*options.notice_delay_seconds)
        self._last_due = max(self._last_due, late) if self._waiting else late
        return self._last_due + chance.uniform(0, options.notice_shuffle_seconds)

    def _post(self, letter: Letter, due: float) -> None:
        self._letters += 1
        heapq.heappush(self._waiting, (due, self._letters, letter))
        self._changed.notify_all()

    def take(self, stopping: threading.Event) -> Letter | None:
        """The next one to be sent, when it is due; None when the simulator stops. It is in flight until `note`."""
        with self._changed:
            while not stopping.is_set():
                left = self._waiting[0][0] - self._now() if self._waiting else None
                if left is not None and left <= 0:
                    self._in_flight += 1
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(None if left is None else min(left, _LONGEST_PAUSE_SECONDS))
        return None

    def note(self, letter: Letter, status: int, said: str) -> None:
        """What became of one in flight: the status of the answer (0: there was none), and why there was none."""
        notice, subscription = letter.notice, letter.notice.subscription
        with self._changed:
            self._in_flight -= 1
            self._counts["sent"] += 1
            self._statuses[status] += 1
            told = {"number": letter.number, "channel_id": subscription.channel_id, "ids": list(notice.ids)}
            told |= {"module": subscription.module, "operation": notice.operation}
            self._sent.append({**told, "url": subscription.notify_url, "status": status, "said": said})
            self._changed.notify_all()

    def wake(self) -> None:
        """The clock was set, or the simulator stops: whoever waits looks again."""
        with self._changed:
            self._changed.notify_all()

    def wait_until_idle(self, seconds: float) -> bool:
        """Waits so long, by the machine's clock, until nothing is under way; whether it is so."""
        until = time.monotonic() + seconds
        with self._changed:
            while self._under_way() and time.monotonic() < until:
                self._changed.wait(until - time.monotonic())
            return not self._under_way()

    def counts(self) -> JsonObject:
        """Notices that were made and dropped, letters that were sent and how they were answered."""
        with self._changed:
            named = {name: self._counts[name] for name in ("made", "dropped", "wrong_token", "sent")}
            statuses = {str(status): number for status, number in sorted(self._statuses.items())}
            return {**named, "statuses": statuses, "under_way": self._under_way()}

    def sent(self) -> list[JsonObject]:
        """The latest letters, the latest last."""
        with self._changed:
            return list(self._sent)

    def clear(self) -> None:
        """Counts from zero; what is under way stays so."""
        with self._changed:
            self._counts.clear()
            self._statuses.clear()
            self._sent.clear()

    def _under_way(self) -> int:
        return len(self._waiting) + self._in_flight
