"""Telling people what they would want to know: decided from the store, kept there, and sent beside the work.

    how things stand -> alerts that hold -> what is new (kept, with a message for each address) -> send, note

What is new and its messages are one transaction; that a message is tried is noted before it is sent, that it is
through behind that. So nothing is said twice because of a restart, and what a kill leaves open is said once more.
Of a store that is away nothing of this can be done: see ``alerting_away``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ml_connector.core import alerts as deciding
from ml_connector.core.alerts import Alert, Kind, Limits
from ml_connector.core.errors import ConnectorError
from ml_connector.core.ports import Clock, Tell
from ml_connector.core.waits import NAMES
from ml_connector.flows.alerting_away import Away
from ml_connector.flows.figures import Watched, find_facts
from ml_connector.store import alerts, channels
from ml_connector.store.alerts import Message
from ml_connector.store.database import Database

_EVERY_SECONDS, _LONGEST_SECONDS = 15.0, 3600.0


class Post(Protocol):
    """What brings a message to an address."""

    def send(self, address: str, title: str, text: str) -> str:
        """Why it did not get through, as far as that was told; empty: it did.

        ``address``: the name of the secret that it is. Takes some seconds at the most. ConfigurationError: the secret
        is not set, or is no address. RetryableError, ConfigurationError of the store, where it was never read.
        """

    def remember(self, addresses: Sequence[str]) -> None:
        """Have these at hand for when the store is away. RetryableError, ConfigurationError: it is."""


@dataclass(slots=True)
class Alerting:
    """Looks, decides, sends; called again and again."""

    database: Database
    clock: Clock
    post: Post
    addresses: Sequence[str]  #: of each message
    watched: Sequence[Watched]
    limits: Limits
    tell: Tell
    since_at: datetime  #: when this process began to serve
    stopping: threading.Event = field(default_factory=threading.Event)
    away: Away = field(init=False)

    def __post_init__(self) -> None:
        self.away = Away(self.clock, self.addresses, self.limits)

    def turn(self) -> None:
        """Everything that is to be told now. RetryableError, ConfigurationError: of the store, which is told."""
        try:
            self._turn()
        except ConnectorError as error:
            if (raised := self.away.suffer(error)) is not None:
                self._say_raised(raised)
            self.away.send(self._attempt)
            raise
        self.away.end()

    def _turn(self) -> None:
        self.away.keep(self.database)
        self.post.remember(self.addresses)
        self._look()
        with self.database.read() as tx:
            kept = alerts.messages(tx)
        for message in kept:
            if self.stopping.is_set():
                return
            if message.sent_at is None and message.next_at <= self.clock.now():
                self._send(message)

    def _look(self) -> None:
        now = self.clock.now()
        with self.database.read() as tx:
            facts, waits = find_facts(tx, self.watched, now)
            known, kept = alerts.find(tx), channels.find_all(tx)
        found = deciding.find(facts, waits, known, self.limits, now, self.since_at)
        found += deciding.find_silent(kept, self.limits, now)
        change = deciding.decide(found, known)
        with self.database.begin() as tx:
            alerts.forget(tx, self.addresses, now)
            alerts.note(tx, change, self.addresses, now)
        for alert in change.raised:
            self._say_raised(alert)
        for alert in change.passed:
            self.tell(passed(alert), alert=alert.kind.value, subject=alert.subject)

    def _say_raised(self, alert: Alert) -> None:
        told = f"{alert.happened} {alert.remedy}"
        self.tell(told, level="warning", alert=alert.kind.value, subject=alert.subject)

    def _send(self, message: Message) -> None:
        with self.database.begin() as tx:
            if not alerts.take(tx, message, self.clock.now()):
                return
        if not self._attempt(message):
            with self.database.begin() as tx:
                alerts.end(tx, message, self.clock.now())

    def _attempt(self, message: Message) -> str:
        """Why it did not get through; empty: it did."""
        try:
            wrong = self.post.send(message.address, *worded(message))
        except ConnectorError as error:
            if error.system and message.alert.kind is not Kind.DATABASE:
                raise  # the store
            wrong = str(error)
        if wrong:
            told = f"An alert could not be sent to {message.address}: {wrong} It is tried again."
            self.tell(told, level="warning", alert=message.alert.kind.value, subject=message.alert.subject)
        return wrong


def alert(
    alerting: Alerting,
    fault: Callable[[Exception], None],
    every: float = _EVERY_SECONDS,
) -> None:
    """Until its ``stopping`` is set. While the store is away nothing else can be decided; the flows tell that."""
    pause = every
    while not alerting.stopping.wait(pause):
        try:
            alerting.turn()
            pause = every
        except ConnectorError as error:
            alerting.tell(f"Alerts wait: {error}", level="debug")
        except Exception as error:  # noqa: BLE001 -- a bug here must not end the flows; it is kept for who mends it
            fault(error)
            pause = min(2 * pause, _LONGEST_SECONDS)


def worded(message: Message) -> tuple[str, str]:
    """Title and text."""
    alert = message.alert
    subject = NAMES.get(alert.subject, alert.subject)  # a system, or a flow
    if message.passed:
        return f"ml-connector: {subject} is well again", f"{passed(alert)} There is nothing to do."
    return f"ml-connector: {_TITLES[alert.kind].format(subject)}", f"{alert.happened}\n\n{alert.remedy}"


def passed(alert: Alert) -> str:
    """That an alert holds no more."""
    return f"This has passed: {alert.happened}"


_TITLES = {
    Kind.WAITING: "{} is waited for",
    Kind.FAILED: "{} fails",
    Kind.LATE: "{} does not run",
    Kind.DRIFT: "fields are in the way of {}",
    Kind.HELD: "records of {} wait for a decision",
    Kind.CHANNEL: "Zoho may tell no more of {}",
    Kind.DATABASE: "{} is away",
}
