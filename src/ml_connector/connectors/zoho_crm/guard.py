"""The one way to call Zoho: within the credits, under the gate, measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ml_connector.connectors.zoho_crm import codes
from ml_connector.connectors.zoho_crm.allowance import Allowance
from ml_connector.connectors.zoho_crm.codes import Meaning
from ml_connector.connectors.zoho_crm.errors import nothing_sent
from ml_connector.connectors.zoho_crm.limits import Meter, RequestGate
from ml_connector.core.ports import Clock


@dataclass(slots=True)
class Sent:
    """A call that is under way; who sends it says what came of it."""

    answered: bool = False  #: it did what it was asked to
    too_many: Meaning | None = None  #: why it was refused by 429: nothing was done or spent
    remaining: int | None = None  #: Zoho's number of credits, where it told


class CallGuard:
    """Lets calls through, one by one, and counts them. Thread-safe; one for all flows of a process."""

    def __init__(self, gate: RequestGate, allowance: Allowance, clock: Clock) -> None:
        self._gate = gate
        self._clock = clock
        self.allowance = allowance
        self.meter = Meter()

    @contextmanager
    def call(self, operation: str, price: int, *, heavy: bool, vital: bool) -> Iterator[Sent]:
        """For the length of a call of this price. Waits for its turn.

        Raises AllowanceError where so many credits may not be spent now, ConfigurationError where they never may.
        """
        with nothing_sent():
            booking, sent = self.allowance.book(operation, price, vital=vital), Sent()
        try:
            with self._gate.entered(heavy=heavy):
                began_at = self._clock.now()
                try:
                    yield sent
                finally:
                    seconds = (self._clock.now() - began_at).total_seconds()
                    if sent.too_many is codes.TOO_MANY_AT_ONCE:
                        self.meter.count_refused()
                        self._gate.refuse(began_at, heavy=heavy)
                    self.meter.count(operation, seconds, 0 if sent.too_many else price)
        finally:
            self.allowance.settle(
                booking, sent.remaining, refused=sent.too_many is not None, answered=sent.answered
            )
