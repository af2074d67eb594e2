"""What was asked: a bounded log of requests and exact counts of everything."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One SOAP request that reached an operation, or that could not be read."""

    at: datetime
    operation: str  # "" where the request named none
    asked: str  # criteria or key
    company_id: int | None
    user: str
    mechanism: str  # ntlm, or negotiate
    status: int  # 0: the connection was ended without an answer
    milliseconds: float  # spent in the simulator, waits included
    rows: int
    fault: str  # the fault's text, or the kind of a planned one


class Traffic:
    """Counts and logs; safe for many threads."""

    def __init__(self, log_size: int) -> None:
        self._lock = threading.Lock()
        self._size = log_size
        self._in_flight = 0
        self._connections = 0
        self.clear()

    def clear(self) -> None:
        """Forget all but what is in flight at this moment."""
        with self._lock:
            self._log: deque[LoggedRequest] = deque(maxlen=self._size)
            self._operations: Counter[str] = Counter()
            self._statuses: Counter[int] = Counter()
            self._rows: Counter[str] = Counter()
            self._peak = self._in_flight
            self._handshakes: Counter[str] = Counter()
            self._challenges = 0
            self._opened = 0

    def opened(self) -> None:
        """Count a connection that was opened."""
        with self._lock:
            self._opened += 1
            self._connections += 1

    def closed(self) -> None:
        """Count a connection that was closed."""
        with self._lock:
            self._connections -= 1

    def begin(self) -> None:
        """Count a request as in flight."""
        with self._lock:
            self._in_flight += 1
            self._peak = max(self._peak, self._in_flight)

    def end(self) -> None:
        """Count a request as answered; called before its answer is sent, so that no next one overlaps it."""
        with self._lock:
            self._in_flight -= 1

    def challenged(self) -> None:
        """Count an answer that asks for a sign-in or goes on with one."""
        with self._lock:
            self._challenges += 1

    def signed_in(self, mechanism: str) -> None:
        """Count a completed handshake."""
        with self._lock:
            self._handshakes[mechanism] += 1

    def log(self, request: LoggedRequest) -> None:
        """Keep one request."""
        with self._lock:
            self._log.append(request)
            self._operations[request.operation] += 1
            self._statuses[request.status] += 1
            self._rows[request.operation] += request.rows

    def counts(self) -> dict[str, Any]:
        """Return all counts since the last clearing."""
        with self._lock:
            return {
                "requests": sum(self._operations.values()),
                "operations": dict(self._operations),
                "rows": dict(self._rows),
                "statuses": {str(status): count for status, count in self._statuses.items()},
                "in_flight": self._in_flight,
                "peak_concurrent": self._peak,
                "challenges": self._challenges,
                "handshakes": dict(self._handshakes),
                "connections_open": self._connections,
                "connections_opened": self._opened,
            }

    def tail(self, limit: int) -> list[dict[str, Any]]:
        """Return the last requests, oldest first."""
        with self._lock:
            kept = list(self._log)[-limit:] if limit > 0 else []
        return [asdict(request) | {"at": request.at.isoformat()} for request in kept]
