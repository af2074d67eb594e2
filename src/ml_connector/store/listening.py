"""How each module is listened to: its channel, its polls, since when notifications are taken (``core.listening``)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from ml_connector.core.listening import Listening
from ml_connector.store import channels
from ml_connector.store.database import Connection, upsert
from ml_connector.store.tables import listening


def find(tx: Connection, module: str) -> Listening:
    """What is known of it. ``up_since`` is that of the last process that took any, whether or not it is alive."""
    c = listening.c
    query = sa.select(c.polled_at, c.up_since, c.missed_at).where(c.module == module)
    row = tx.execute(query).one_or_none()
    return Listening(module, channels.find(tx, module), *(row or ()))


def begin(tx: Connection, modules: Collection[str], at: datetime) -> None:
    """From now on a process takes notifications of these modules; what was told before, nobody took."""
    upsert(tx, listening, [{"module": module, "up_since": at} for module in modules])


def end(tx: Connection) -> None:
    """Nobody takes any, from now on."""
    tx.execute(sa.update(listening).values(up_since=None))


def miss(tx: Connection, missed: Mapping[str, datetime]) -> None:
    """A notification of these modules was refused then."""
    upsert(tx, listening, [{"module": module, "missed_at": at} for module, at in missed.items()])


def note_poll(tx: Connection, module: str, at: datetime) -> None:
    """Everything that a poll found which began then is recorded."""
    upsert(tx, listening, [{"module": module, "polled_at": at}])
