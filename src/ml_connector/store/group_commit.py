"""Rows of many threads, committed together: what comes while a commit is under way is the next one.

To sync a disk takes as long for one row as for a hundred, so that with each row on its own all would wait for each
other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

import sqlalchemy as sa

from ml_connector.core.errors import ConnectorError, RetryableError
from ml_connector.store.database import Database

Row = TypeVar("Row")


class FullError(RetryableError):
    """As many wait as may."""


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Row]):
    """What one thread waits for."""

    rows: Sequence[Row]
    durable: Future[None] = field(default_factory=Future)


class GroupCommit(Generic[Row]):
    """Its block is as long as rows are taken; at its end those that wait are committed."""

    def __init__(
        self,
        database: Database,
        write: Callable[[sa.Connection, Sequence[Row]], None],
        fault: Callable[[Exception], None],
        at_most: int,
    ) -> None:
        """``write``: the rows of a group, in one transaction. ``fault``: keeps a bug for whoever mends it.

        ``at_most``: so many threads may wait.
        """
        self._database, self._write, self._fault, self._at_most = database, write, fault, at_most
        self._waiting: list[_Entry[Row]] = []
        self._under_way = 0
        self._ending = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join()

    def put(self, rows: Sequence[Row]) -> None:
        """Return once they are durable. FullError: they were not taken; ConnectorError: they could not be written."""
        entry = _Entry(rows)
        with self._changed:
            if self._ending or self._under_way + len(self._waiting) >= self._at_most:
                raise FullError("Too much waits to be written.", "Try again when less is under way.")
            self._waiting.append(entry)
            self._changed.notify()
        entry.durable.result()

    def _run(self) -> None:
        while group := self._next():
            error = self._commit([row for entry in group for row in entry.rows])
            for entry in group:
                if error is None:
                    entry.durable.set_result(None)
                else:
                    entry.durable.set_exception(error)

    def _next(self) -> list[_Entry[Row]]:
        """What came since the last; empty: that was all."""
        with self._changed:
            self._under_way = 0
            self._changed.wait_for(lambda: self._waiting or self._ending)
            group, self._waiting = self._waiting, []
            self._under_way = len(group)
        return group

    def _commit(self, rows: Sequence[Row]) -> ConnectorError | None:
        """Why they are not durable; None: they are."""
        try:
            with self._database.begin() as tx:
                self._write(tx, rows)
        except ConnectorError as error:
            return error
        except Exception as error:  # noqa: BLE001 -- the next group may be another; it is kept for who mends it
            self._fault(error)
            return RetryableError(
                "What came could not be written, by a fault of ml-connector.",
                "See its log beside the settings.",
            )
        return None
