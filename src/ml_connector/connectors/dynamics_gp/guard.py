"""The one way to ask GP anything: under the gate, outside quiet hours, measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from ml_connector.connectors.dynamics_gp import meanings
from ml_connector.connectors.dynamics_gp.limits import Meter, RequestGate
from ml_connector.connectors.dynamics_gp.pace import Answer
from ml_connector.connectors.dynamics_gp.quiet import QuietTable
from ml_connector.core.ports import Clock
from ml_connector.core.waits import Reason


@dataclass(slots=True)
class Request:
    """A request that is under way; who sends it says how long the answer was."""

    began_at: datetime
    answer_size: int = 0  #: bytes


class LoadGuard:
    """Lets the requests for one company through, one by one, and counts them. Thread-safe."""

    def __init__(self, gate: RequestGate, quiet: QuietTable | None, clock: Clock) -> None:
        """``gate`` is one for all companies and processes; ``quiet`` None: it never is."""
        self._gate = gate
        self._quiet = quiet
        self._clock = clock
        self.meter = Meter()

    @contextmanager
    def request(self, operation: str) -> Iterator[Request]:
        """For the length of a request that calls this operation.

        Waits for its turn. Raises RetryableError in quiet hours, with the time until their end.
        """
        with self._gate.slot() as at_once:
            self._require_no_quiet()  # at the last moment: it may have waited long for its turn
            request, came = Request(self._clock.now()), False
            self.meter.begin(at_once if at_once < self._gate.cap else 0)
            try:
                yield request
                came = True
            finally:
                now = self._clock.now()
                answer = Answer(operation, request.began_at, now, request.answer_size, came)
                self.meter.end(operation, answer.seconds)
                self._gate.observe(answer)

    def _require_no_quiet(self) -> None:
        now = self._clock.now()
        until = self._quiet.quiet_until(now) if self._quiet else None
        if self._quiet is None or until is None:
            return
        self.meter.keep_quiet()
        told = f"{until.astimezone(self._quiet.zone):%a %H:%M %Z}"
        error = replace(meanings.QUIET_HOURS, after_seconds=(until - now).total_seconds()).error(until=told)
        error.reason = Reason.QUIET
        raise error
