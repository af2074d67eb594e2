"""Alerts that are open, and what is to be sent about them: a message for each address, kept until it is through."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from ml_connector.core.alerts import GIVEN_UP, Alert, Change, Kind, next_try
from ml_connector.store.database import Found, insert_new, upsert
from ml_connector.store.tables import alert_messages, alerts


@dataclass(frozen=True, slots=True)
class Message:
    """What an address is told of an alert."""

    alert: Alert
    address: str  #: the name of the secret that it is
    passed: bool  #: it is an all-clear
    made_at: datetime
    next_at: datetime  #: when it is tried (again)
    tries: int = 0
    sent_at: datetime | None = None  #: None: it is not known to be through


def find(tx: sa.Connection) -> list[Alert]:
    """The alerts that are open, the oldest first."""
    return [_alert(row) for row in tx.execute(sa.select(alerts).order_by(alerts.c.since_at, alerts.c.kind))]


def note(tx: sa.Connection, change: Change, addresses: Collection[str], now: datetime) -> None:
    """Keep what is new, and put a message for each address beside it, in this transaction.

    Who was never told of an alert, as far as can be known, is not told that it has passed either.
    """
    raised = change.raised
    insert_new(tx, alerts, [asdict(alert) | {"raised_at": now} for alert in raised])
    new = [
        Message(alert, name, passed=False, made_at=now, next_at=now) for alert in raised for name in addresses
    ]
    upsert(tx, alert_messages, [_row(message) for message in new])
    for alert in change.passed:
        mine = (alerts.c.kind == alert.kind, alerts.c.subject == alert.subject)
        tx.execute(sa.delete(alerts).where(*mine))
        _pass(tx, alert, now)


def note_told(tx: sa.Connection, alert: Alert, messages: Sequence[Message], now: datetime) -> None:
    """Keep an alert that was told while nothing could be kept; from here on it is one like others."""
    insert_new(tx, alerts, [asdict(alert) | {"raised_at": now}])
    upsert(tx, alert_messages, [_row(message) for message in messages])


def _pass(tx: sa.Connection, alert: Alert, now: datetime) -> None:
    m = alert_messages.c
    mine = (m.kind == alert.kind, m.subject == alert.subject, m.passed.is_(False))
    tx.execute(sa.delete(alert_messages).where(*mine, m.tries == 0))
    anew = {"passed": True, "made_at": now, "next_at": now, "tries": 0, "sent_at": None}
    tx.execute(sa.update(alert_messages).where(*mine).values(**anew))


def messages(tx: sa.Connection) -> list[Message]:
    """What was sent of open alerts, and everything that is to be sent; the oldest first."""
    m = alert_messages.c
    return [
        _message(row) for row in tx.execute(sa.select(alert_messages).order_by(m.made_at, m.kind, m.subject))
    ]


def forget(tx: sa.Connection, addresses: Sequence[str], now: datetime) -> None:
    """What nobody wants any more, because the settings name the address no longer, or that never got through."""
    m = alert_messages.c
    old = sa.and_(m.sent_at.is_(None), m.made_at < now - GIVEN_UP)
    tx.execute(sa.delete(alert_messages).where(sa.or_(m.address.not_in(addresses), old)))


def take(tx: sa.Connection, message: Message, now: datetime) -> bool:
    """Before it is sent: that it is tried. False: another process has it.

    Whoever dies behind this line has it sent again, later: at most once more for each time that happens.
    """
    m = alert_messages.c
    seen = (*_named(message), m.tries == message.tries, m.sent_at.is_(None), m.passed == message.passed)
    values = {"tries": message.tries + 1, "next_at": next_try(message.tries, now)}
    return bool(tx.execute(sa.update(alert_messages).where(*seen).values(**values)).rowcount)


def end(tx: sa.Connection, message: Message, now: datetime) -> None:
    """It is through. An all-clear is the last that is told; meanwhile the alert may have begun or passed anew."""
    this = (*_named(message), alert_messages.c.passed == message.passed)
    this = (*this, alert_messages.c.made_at == message.made_at)
    if message.passed:
        tx.execute(sa.delete(alert_messages).where(*this))
    else:
        tx.execute(sa.update(alert_messages).where(*this).values(sent_at=now))


def _named(message: Message) -> tuple[sa.ColumnElement[bool], ...]:
    m, alert = alert_messages.c, message.alert
    return m.kind == alert.kind, m.subject == alert.subject, m.address == message.address


def _row(message: Message) -> dict[str, object]:
    rest = {name: getattr(message, name) for name in _OWN}
    return asdict(message.alert) | rest


_OWN = ("address", "passed", "made_at", "next_at", "tries", "sent_at")


def _message(row: Found) -> Message:
    return Message(_alert(row), row.address, row.passed, row.made_at, row.next_at, row.tries, row.sent_at)


def _alert(row: Found) -> Alert:
    return Alert(Kind(row.kind), row.subject, row.since_at, row.happened, row.remedy)
