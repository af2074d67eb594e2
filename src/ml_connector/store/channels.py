"""Our notification channels: a row for each module, there before Zoho is asked for anything (see ``core.channels``)."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from ml_connector.core.channels import Channel, Step
from ml_connector.store.database import Connection, Found, upsert
from ml_connector.store.secrets import CHANNEL_TOKENS
from ml_connector.store.tables import channels


def put(tx: Connection, channel: Channel) -> None:
    """Keep it as it stands now."""
    upsert(tx, channels, [asdict(channel) | {"todo": channel.todo.value}])


def find(tx: Connection, module: str) -> Channel | None:
    """The channel of this module; None: there is none."""
    return _one(tx, channels.c.module == module)


def find_by_path(tx: Connection, path: str) -> Channel | None:
    """The channel whose address ends with this path; None: it is none of ours."""
    return _one(tx, channels.c.path == path)


def find_all(tx: Connection) -> list[Channel]:
    """All of them, in the order of modules."""
    return [_channel(row) for row in tx.execute(sa.select(channels).order_by(channels.c.module))]


def forget(tx: Connection, module: str) -> None:
    """It is removed: nothing that arrives at its path is taken any more."""
    tx.execute(sa.delete(channels).where(channels.c.module == module))


def look_again(tx: Connection) -> None:
    """How they stand is not known (any more): each is looked at before anything is done with it."""
    tx.execute(sa.update(channels).values(todo=Step.LOOK.value, next_try_at=None))


def token_name(module: str) -> str:
    """Under which name the token of a module's channel is kept among the secrets."""
    return f"{CHANNEL_TOKENS}{module}"


def _one(tx: Connection, which: sa.ColumnElement[bool]) -> Channel | None:
    row = tx.execute(sa.select(channels).where(which)).one_or_none()
    return None if row is None else _channel(row)


def _channel(row: Found) -> Channel:
    found = row._asdict()
    return Channel(**found | {"todo": Step(found["todo"])})
