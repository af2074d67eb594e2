"""What the simulator was asked: exact counts, and the latest requests one by one."""

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that was answered (status 0: the connection was cut instead)."""

    method: str
    path: str
    kind: str
    status: int
    records: int
    credits: int
    milliseconds: float


class Journal:
    """Safe to use from several threads."""

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._requests: deque[Asked] = deque(maxlen=size)
        self._calls: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._writes: Counter[tuple[str, str]] = Counter()
        self._triggered: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()

    def note(self, asked: Asked) -> None:
        """Remembers an answered request."""
        with self._lock:
            self._requests.append(asked)
            self._calls[asked.kind] += 1
            self._statuses[asked.status] += 1

    def note_fault(self, kind: str) -> None:
        """Counts a fault that fired."""
        with self._lock:
            self._faults[kind] += 1

    def note_writes(self, module: str, actions: Counter[str], triggers: list[str]) -> None:
        """Counts records written in one call, and the automations that ran for them."""
        with self._lock:
            for action, number in actions.items():
                self._writes[module, action] += number
            for trigger in triggers:
                self._triggered[trigger] += actions.total()

    def requests(self) -> list[dict[str, Any]]:
        """The latest requests, oldest first."""
        with self._lock:
            latest = list(self._requests)
        return [asdict(asked) for asked in latest]

    def clear(self) -> None:
        """Forgets the requests and sets every count to zero."""
        with self._lock:
            self._requests.clear()
            for counter in (self._calls, self._statuses, self._writes, self._triggered, self._faults):
                counter.clear()

    def counts(self) -> dict[str, Any]:
        """Every count since the start or the last clear."""
        with self._lock:
            writes: dict[str, dict[str, int]] = {}
            for (module, action), number in self._writes.items():
                writes.setdefault(module, {})[action] = number
            return {
                "calls": self._calls.total(),
                "calls_by_kind": dict(self._calls),
                "calls_by_status": {str(status): number for status, number in self._statuses.items()},
                "writes": writes,
                "triggered": dict(self._triggered),
                "faults": dict(self._faults),
            }
