"""The locks of a gate in PostgreSQL: over all processes that share the database, on whatever machine."""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from ml_connector.core.errors import NotDoneError
from ml_connector.store.database import Connection, Database

#: The server may end what is silent for long: a session that holds locks is, while a call is under way. A server
#: before version 14 has no such setting.
_STAY = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'"


class AdvisoryLocks:
    """So many locks of one name, held by a session of their own. When the session ends, they are free."""

    poll_seconds = 0.02

    def __init__(self, database: Database, name: str, number: int) -> None:
        self._database = database
        self._numbers = [_number(f"{name}-{place}") for place in range(number)]
        self._turn = threading.Lock()  # a session does one thing at a time
        self._session: Connection | None = None
        self._driver: Any = None  #: its connection, closed by ourselves whatever became of the session

    def try_lock(self, place: int) -> bool:
        """Take it, if nobody has it. NotDoneError: the database is away."""
        return bool(self._ask(sa.func.pg_try_advisory_lock(self._numbers[place])))

    def unlock(self, place: int) -> None:
        """It is free again; where the session is lost, it is so already."""
        with suppress(NotDoneError):
            self._ask(sa.func.pg_advisory_unlock(self._numbers[place]), begin=False)

    def close(self) -> None:
        """All that are still held are free."""
        with self._turn:
            self._end()

    def _ask(self, question: sa.Function[bool], *, begin: bool = True) -> object:
        """The answer; None: there is no session, and none is to ``begin``."""
        with self._turn:
            if self._session is None and not begin:
                return None
            try:
                return self._begun().execute(sa.select(question)).scalar_one()
            except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:  # the latter: no connection is free
                self._end()
                raise NotDoneError(
                    f"The database, which counts our calls, does not answer: {getattr(error, 'orig', error)}.",
                    "Check that it runs.",
                ) from error

    def _begun(self) -> Connection:
        if self._session is None:
            connection = self._database.engine.connect()
            self._session = connection.execution_options(isolation_level="AUTOCOMMIT")
            self._driver = connection.connection.driver_connection
            self._session.execute(sa.text(_STAY))
        return self._session

    def _end(self) -> None:
        """The session is not used again by others: it may hold locks."""
        session, self._session = self._session, None
        if session is not None:
            session.invalidate()
            session.close()
        if self._driver is not None:
            self._driver.close()


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
