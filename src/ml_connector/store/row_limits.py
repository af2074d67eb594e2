"""What was learned of the row limit of each list operation, kept for later runs: hints where to probe first."""

from __future__ import annotations

import json
from datetime import timedelta

import sqlalchemy as sa

from ml_connector.core.ports import Clock, KnownLimit
from ml_connector.store.database import Database, upsert
from ml_connector.store.tables import row_limits

#: A site may set another limit at any time: after a day it is learned again.
FRESH = timedelta(hours=20)


class RowLimits:
    """The limits of one company."""

    def __init__(self, database: Database, company: str, clock: Clock) -> None:
        self._database = database
        self._company = company
        self._clock = clock

    def find(self, operation: str) -> KnownLimit:
        """What is kept of an operation; a limit that was learned long ago is not told any more."""
        c = row_limits.c
        with self._database.read() as tx:
            query = sa.select(row_limits).where(c.company == self._company, c.operation == operation)
            row = tx.execute(query).one_or_none()
        if row is None:
            return KnownLimit()
        fresh = self._clock.now() - row.learned_at < FRESH
        hints = tuple((size, key) for size, key in json.loads(row.hints))
        return KnownLimit(row.longest, row.limit, hints) if fresh else KnownLimit(hints=hints)

    def keep(self, operation: str, known: KnownLimit) -> None:
        """This was learned just now."""
        row = {"company": self._company, "operation": operation, "longest": known.longest}
        row |= {"limit": known.limit, "hints": json.dumps(known.hints), "learned_at": self._clock.now()}
        with self._database.begin() as tx:
            upsert(tx, row_limits, [row])
