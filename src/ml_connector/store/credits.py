"""What was spent of a target's allowance, by the minute: each process writes its own sums, all are read together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa

from ml_connector.core.ports import Clock
from ml_connector.store.database import Database, upsert
from ml_connector.store.tables import credit_minutes

_KEPT = timedelta(days=2)


class Credits:
    """The credits of one account of a target; ``KeptCredits`` for one process."""

    def __init__(self, database: Database, account: str, clock: Clock) -> None:
        self._database = database
        self._account = account
        self._clock = clock
        self._writer = uuid4().hex

    def keep(self, spent: Mapping[datetime, int]) -> None:
        """This process has spent so much in all in each of these minutes; kept again, it changes nothing."""
        row = {"account": self._account, "writer": self._writer}
        rows = [row | {"minute": minute, "spent": price} for minute, price in spent.items()]
        c = credit_minutes.c
        with self._database.begin() as tx:
            upsert(tx, credit_minutes, rows)
            old = c.minute < self._clock.now() - _KEPT
            tx.execute(sa.delete(credit_minutes).where(c.account == self._account, old))

    def find(self, since: datetime) -> dict[datetime, int]:
        """What all processes have spent in each minute from ``since`` on."""
        c = credit_minutes.c
        query = sa.select(c.minute, sa.func.sum(c.spent)).group_by(c.minute)
        with self._database.read() as tx:
            rows = tx.execute(query.where(c.account == self._account, c.minute >= since))
            return {minute: int(spent) for minute, spent in rows}
