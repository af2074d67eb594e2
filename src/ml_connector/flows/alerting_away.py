"""Telling people that the store is away, which cannot be decided from the store, or kept there.

What is known of that is in this process alone. So one that is started anew meanwhile tells it once more; once the store
is there again, the alert is kept as one that was told, and has its all-clear like any other, whoever sends it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ml_connector.core import alerts as deciding
from ml_connector.core.alerts import Alert, Limits
from ml_connector.core.errors import ConnectorError
from ml_connector.core.ports import Clock
from ml_connector.store import alerts
from ml_connector.store.alerts import Message
from ml_connector.store.database import Database

Send = Callable[[Message], str]  #: why it did not get through; empty: it did


@dataclass(slots=True)
class Away:
    """What is known of a store that is away; empty while it is there."""

    clock: Clock
    addresses: Sequence[str]
    limits: Limits
    since_at: datetime | None = None
    alert: Alert | None = None  #: it has been away for long
    messages: list[Message] = field(default_factory=list)  #: about that, as they were tried

    def suffer(self, error: ConnectorError) -> Alert | None:
        """It is away, again or still; the alert if that has become one."""
        now = self.clock.now()
        self.since_at = min(self.since_at or now, now)
        if self.alert is not None:
            return None
        self.alert = alert = deciding.find_away(error, self.limits, now, self.since_at)
        if alert is not None:
            new = (Message(alert, name, passed=False, made_at=now, next_at=now) for name in self.addresses)
            self.messages = list(new)
        return alert

    def send(self, send: Send) -> None:
        """Try what is to be tried now."""
        self.messages = [self._tried(message, send) for message in self.messages]

    def _tried(self, message: Message, send: Send) -> Message:
        now = self.clock.now()
        if message.sent_at is not None or message.next_at > now:
            return message
        sent_at = None if send(message) else now
        next_at = deciding.next_try(message.tries, now)
        return replace(message, tries=message.tries + 1, next_at=next_at, sent_at=sent_at)

    def keep(self, database: Database) -> None:
        """What was told, once the store is there again. RetryableError, ConfigurationError: it is not."""
        if self.alert is not None:
            with database.begin() as tx:
                alerts.note_told(tx, self.alert, self.messages, self.clock.now())
            self.alert, self.messages = None, []

    def end(self) -> None:
        """It is there."""
        self.since_at = None
