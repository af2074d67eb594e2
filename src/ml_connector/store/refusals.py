"""Sign-ins that were refused, kept over all processes: a scheduled command must not lock the account."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from ml_connector.core.ports import Clock
from ml_connector.store.database import Connection, Database, upsert
from ml_connector.store.tables import refusals, secrets


class Refusals:
    """What is known of one account with the secret of this name.

    A refusal stands for the secret as it is sealed: set anew, even to the same value, it is tried again.
    """

    def __init__(self, database: Database, secret: str, account: str, clock: Clock) -> None:
        """``account``: who signs in where."""
        self._database = database
        self._secret = secret
        self._account = account
        self._clock = clock
        self._overlooked = False

    def overlook(self) -> None:
        """Until the next refusal ``find`` knows of none: a person wants it tried once more."""
        self._overlooked = True

    def find(self) -> str:
        """Why the account with this very secret was refused; empty: it was not."""
        if self._overlooked:
            return ""
        with self._database.read() as tx:
            row = tx.execute(sa.select(refusals).where(refusals.c.name == self._secret)).one_or_none()
            return str(row.reason) if row is not None and row.mark == self._mark(tx) else ""

    def keep(self, reason: str) -> None:
        """It was refused: from now on this is known, whatever was to be overlooked."""
        self._overlooked = False
        with self._database.begin() as tx:
            row = {"name": self._secret, "mark": self._mark(tx), "reason": reason}
            upsert(tx, refusals, [row | {"refused_at": self._clock.now()}])

    def clear(self) -> None:
        """It was accepted."""
        here = refusals.c.name == self._secret
        with self._database.read() as tx:
            kept = tx.execute(sa.select(refusals.c.name).where(here)).first()
        if kept is not None:
            with self._database.begin() as tx:
                tx.execute(sa.delete(refusals).where(here))

    def _mark(self, tx: Connection) -> str:
        """A hash over what is sealed: random by its nonce, so it says nothing of the password."""
        sealed = tx.execute(sa.select(secrets.c.sealed).where(secrets.c.name == self._secret)).scalar()
        return hashlib.sha256(self._account.encode() + b"\0" + (sealed or b"")).hexdigest()
