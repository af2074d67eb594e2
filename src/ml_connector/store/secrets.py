"""Secrets at rest: every value under a data key of its own (AES-256-GCM), every data key wrapped by the master key.

The secret's name is the associated data of both, so that a row moved under another name does not open. The master
key is never in the database; several may be known at once, the first is the one that new rows are sealed with, and
``rewrap`` brings the others' rows under it while everything runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ports import Clock
from ml_connector.core.waits import Reason
from ml_connector.store import tables
from ml_connector.store.database import Database, upsert
from ml_connector.store.master_keys import MasterKeys
from ml_connector.store.sealing import (
    SealedError,
    Secret,
    UnknownKeyError,
    new_key,
    seal,
    setting_command,
    unseal,
)

#: What nobody sets: one that does not open is thrown away and fetched anew, or made anew.
FETCHED = frozenset({"zoho.access_token"})
#: How the names of such tokens begin: each is of a notification channel.
CHANNEL_TOKENS = "zoho.channel."
#: What was got with a secret, and is of no account once a person sets that anew.
_GOT_WITH = {"zoho.client_secret": "zoho.access_token", "zoho.refresh_token": "zoho.access_token"}


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """That a secret is there, and since when; never what it is."""

    name: str
    changed_at: datetime
    key_id: str  #: the master key it is sealed under
    is_current: bool  #: that is the master key which new secrets are sealed with


class State(StrEnum):
    """Whether a secret opens."""

    OPENS = "opens"  #: under the current master key
    EARLIER = "under an earlier key"  #: it opens under another that is known
    UNKNOWN = "under an unknown key"  #: that key is not known
    CHANGED = "changed outside"  #: the row is not as it was written


@dataclass(frozen=True, slots=True)
class Checked:
    """A secret that is kept, and whether it opens; never what it is."""

    name: str
    key_id: str
    state: State
    is_fetched: bool  #: nobody sets it: where it does not open it is fetched anew


def is_fetched(name: str) -> bool:
    """Whether it is one that nobody sets."""
    return name in FETCHED or name.startswith(CHANNEL_TOKENS)


def not_set(name: str) -> ConfigurationError:
    """What is said where a secret is wanted that nobody has set."""
    error = ConfigurationError(f"The secret {name} is not set.", f"Run: {setting_command(name)}")
    error.reason = Reason.NOT_SET
    return error


class Secrets:
    """The secrets of the store, by name."""

    def __init__(self, database: Database, keys: MasterKeys, clock: Clock) -> None:
        self.database = database
        self._keys = keys
        self._clock = clock

    def put(self, name: str, value: Secret | str) -> None:
        """Keep ``value`` under ``name``, in place of what was there."""
        plain = value.reveal() if isinstance(value, Secret) else value
        data_key = new_key()
        key_id, wrapped = self._keys.wrap(name, data_key)
        row = {
            "name": name,
            "key_id": key_id,
            "wrapped_key": wrapped,
            "sealed": seal(AESGCM(data_key), name, plain.encode()),
            "changed_at": self._clock.now(),
        }
        with self.database.begin() as tx:
            upsert(tx, tables.secrets, [row])

    def replace(self, name: str, value: Secret | str) -> None:
        """The same where a person sets it: what was got with the one before is forgotten, and got anew."""
        self.put(name, value)
        if got := _GOT_WITH.get(name):
            self.delete(got)

    def get(self, name: str) -> str:
        """The value. ConfigurationError: it was never set, the master key is another, or the row was changed."""
        with self.database.read() as tx:
            row = tx.execute(sa.select(tables.secrets).where(tables.secrets.c.name == name)).one_or_none()
        if row is None:
            raise not_set(name)
        return self._open(row)

    def _open(self, row: sa.Row[Any]) -> str:
        data_key = self._keys.unwrap(row.name, row.key_id, row.wrapped_key)
        return unseal(AESGCM(data_key), row.name, row.sealed).decode()

    def reader(self, name: str) -> Callable[[], str]:
        """What asks for the secret when it is needed; connectors are given this."""
        return lambda: self.get(name)

    def has(self, name: str) -> bool:
        """Whether it was set."""
        with self.database.read() as tx:
            return (
                tx.execute(sa.select(tables.secrets.c.name).where(tables.secrets.c.name == name)).first()
                is not None
            )

    def names(self) -> list[StoredSecret]:
        """What is kept, in the order of names."""
        current = self._keys.current_id
        columns = (tables.secrets.c.name, tables.secrets.c.changed_at, tables.secrets.c.key_id)
        with self.database.read() as tx:
            rows = tx.execute(sa.select(*columns).order_by(tables.secrets.c.name)).all()
        return [StoredSecret(r.name, r.changed_at, r.key_id, r.key_id == current) for r in rows]

    def require_open(self) -> None:
        """SealedError: a secret that a person set does not open, so that nothing is to be begun with it."""
        for row in self._rows():
            if not is_fetched(row.name):
                self._open(row)

    def check(self) -> list[Checked]:
        """Whether each secret opens, in the order of names. ConfigurationError: there is no master key to be read."""
        current = self._keys.current_id
        return [
            Checked(row.name, row.key_id, self._state(row, current), is_fetched(row.name))
            for row in self._rows()
        ]

    def _state(self, row: sa.Row[Any], current: str) -> State:
        try:
            self._open(row)
        except UnknownKeyError:
            return State.UNKNOWN
        except SealedError:
            return State.CHANGED
        return State.OPENS if row.key_id == current else State.EARLIER

    def _rows(self) -> list[sa.Row[Any]]:
        with self.database.read() as tx:
            return list(tx.execute(sa.select(tables.secrets).order_by(tables.secrets.c.name)))

    @property
    def key_ids(self) -> list[str]:
        """The ids of the master keys that are known, the current one first."""
        return self._keys.ids

    def mark(self, account: str, *names: str) -> str:
        """Another one once any of these was set anew; random as what is sealed is, it says nothing of the values.

        ``account``: whose they are; of another one the mark is another, too.
        """
        query = sa.select(tables.secrets.c.sealed).where(tables.secrets.c.name.in_(names))
        with self.database.read() as tx:
            sealed = tx.execute(query.order_by(tables.secrets.c.name)).scalars().all()
        return hashlib.sha256(b"\0".join([account.encode(), *sealed])).hexdigest()

    def delete(self, name: str) -> bool:
        """Forget it; False when there was nothing."""
        with self.database.begin() as tx:
            return bool(tx.execute(sa.delete(tables.secrets).where(tables.secrets.c.name == name)).rowcount)

    def rewrap(self) -> int:
        """Bring every row under the current master key, in one transaction; how many there were to do.

        Only the data keys are sealed anew: values and ``changed_at`` stay, and who reads meanwhile is served.
        SealedError when one does not open; of what is fetched by itself, the row is thrown away.
        """
        table = tables.secrets
        with self.database.begin() as tx:
            old = sa.select(table).where(table.c.key_id != self._keys.current_id).with_for_update()
            rows = tx.execute(old).all()
            for row in rows:
                try:
                    data_key = self._keys.unwrap(row.name, row.key_id, row.wrapped_key)
                except SealedError:
                    if not is_fetched(row.name):
                        raise
                    tx.execute(sa.delete(table).where(table.c.name == row.name))
                    continue
                key_id, wrapped = self._keys.wrap(row.name, data_key)
                change = sa.update(table).where(table.c.name == row.name)
                tx.execute(change.values(key_id=key_id, wrapped_key=wrapped))
        return len(rows)
