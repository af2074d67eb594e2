"""What a process may do with the runs of a PostgreSQL store: locks of one session, which is free when it ends.

Everyone who runs flows holds ``_WORKING`` with the others, so that who restores or moves the store can be alone. One of
them leads: it says what runs. And each holds a lock of its own name, under which the engine notes what it has begun:
where nobody holds that lock any more, its runs are for whoever looks.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

import sqlalchemy as sa

from ml_connector.core.errors import RetryableError
from ml_connector.core.waits import DATABASE
from ml_connector.store.database import Connection, Database
from ml_connector.store.engine_lock import Duty, ServingError, TakenError

#: Two numbers name a lock, so that it is none of those that one number names (``locks``, ``place_locks``).
_OURS, _NAMES = 0x6D6C63, 0x6D6C64
_WORKING, _LEADING, _SERVING = 1, 2, 3
#: A process that was killed a moment ago still holds its locks until the server has noticed.
_PAUSES = (0.05, 0.2, 0.5, 1.0, 0.0)
#: Within 25 seconds the server takes a machine that is gone for dead, and frees its locks; this end is sooner, so that
#: who is cut off stops before another goes on. On a local socket none of it counts, nor is it needed.
_HERE = {
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 14_000,
    "connect_timeout": 10,
}
_THERE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
_STAY = {"idle_session_timeout": "0"}  # a server before version 14 has no such setting

_TRY, _TRY_SHARED, _UNLOCK = "pg_try_advisory_lock", "pg_try_advisory_lock_shared", "pg_advisory_unlock"
_HOLDERS = sa.text(
    "SELECT pid = pg_backend_pid() FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid = CAST(:kind AS bigint)::oid AND objid = CAST(:number AS bigint)::oid"
)


class EngineSession:
    """The locks of one process, on a connection of its own. Thread-safe."""

    def __init__(self, database: Database) -> None:
        """RetryableError: the server is away."""
        self.name = f"{socket.gethostname()[:16]}-{os.getpid()}-{uuid4().hex[:16]}"
        self._database = database
        self._duty = Duty.WORK
        self._turn = threading.Lock()  # a session does one thing at a time
        self._engine = sa.create_engine(
            database.engine.url,
            poolclass=sa.NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args=_HERE | {"application_name": f"ml-connector {self.name}"},
        )
        try:
            self._session = self._begun()
        except BaseException:
            self._engine.dispose()
            raise

    def _begun(self) -> Connection:
        with self._told():
            session = self._engine.connect()
            for name, value in (_THERE | _STAY).items():
                session.execute(
                    sa.text("SELECT set_config(name, :value, false) FROM pg_settings WHERE name = :name"),
                    {"name": name, "value": value},
                )
            return session

    def begin(self, duty: Duty) -> None:
        """TakenError: what this process is to do, another one does; or the store is being restored or moved."""
        self._duty = duty
        if not self._takes(_TRY_SHARED, _WORKING):
            raise TakenError(
                f"The store {self._database.place} is being restored or moved.",
                "Wait until that has finished.",
            )
        if duty is not Duty.WORK and not self._takes(_TRY, _LEADING):
            raise self._taken()
        if duty is Duty.SERVE:
            self._takes(_TRY, _SERVING)  # only who leads may
        if not self._try(_TRY, _NAMES, _number(self.name)):
            raise self._taken()  # after it was lost: who takes over its runs is at it

    def renew(self) -> bool:
        """Take the same locks in another session; see ``EngineLock``."""
        with self._turn:
            self._end()
            self._session = self._begun()
        try:
            self.begin(self._duty)
        except TakenError:
            return False
        return True

    def be_alone(self) -> None:
        """TakenError: somebody runs flows, or may."""
        if not self._takes(_TRY, _WORKING):
            raise self._taken()

    def is_held(self) -> bool:
        """Whether this process is still what its name says: another may take its runs from the instant it is not.

        A pooler that gives each transaction another session is found out, too: that one does not hold the lock.
        """
        try:
            with self._turn, self._told():
                return True in _holders(self._session, _NAMES, _number(self.name))
        except RetryableError:
            return False

    @contextmanager
    def in_place_of(self, name: str) -> Iterator[bool]:
        """Whether nobody is of this name any more; for the length of the block nobody is."""
        is_gone = name != self.name and self._try(_TRY, _NAMES, _number(name))
        try:
            yield is_gone
        finally:
            if is_gone:
                with suppress(RetryableError):  # the session is lost, and with it the lock
                    self._try(_UNLOCK, _NAMES, _number(name))

    def close(self) -> None:
        """All locks are free: at once, not only when the server has noticed that nobody is there any more."""
        with self._turn:
            with suppress(RetryableError), self._told():
                self._session.execute(sa.select(sa.func.pg_advisory_unlock_all()))
            self._end()
            self._engine.dispose()

    def _end(self) -> None:
        """The session is over, and never used again: it may hold locks."""
        if not self._session.closed:
            self._session.invalidate()
            self._session.close()

    def _takes(self, how: str, number: int) -> bool:
        for pause in _PAUSES:
            if self._try(how, _OURS, number):
                return True
            time.sleep(pause)
        return False

    def _try(self, how: str, kind: int, number: int) -> bool:
        with self._turn, self._told():
            return bool(self._session.execute(sa.select(getattr(sa.func, how)(kind, number))).scalar_one())

    def _taken(self) -> TakenError:
        """Why this process cannot do what it is to do."""
        if is_served(self._database):
            return ServingError(
                f"“ml-connector serve” is at work on {self._database.place}, and does not end by itself.",
                "Stop it first; commands that only look are possible meanwhile, and “ml-connector worker” helps it.",
            )
        return TakenError(
            f"Another ml-connector process is working on {self._database.place}.",
            "Wait until it has finished, or stop it; commands that only look are possible meanwhile.",
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            away = RetryableError(
                f"The database {self._database.place} does not answer: {getattr(error, 'orig', None) or error}.",
                "Check that it runs.",
            )
            away.system = DATABASE
            raise away from error


def is_served(database: Database) -> bool:
    """Whether a process serves this store."""
    with database.read() as tx:
        return bool(_holders(tx, _OURS, _SERVING))


def _holders(tx: Connection, kind: int, number: int) -> list[bool]:
    """Who holds the lock: for each whether that is this session."""
    # PostgreSQL shows both numbers without their sign.
    return list(tx.execute(_HOLDERS, {"kind": kind, "number": number % 2**32}).scalars())


def _number(name: str) -> int:
    """The number of a name's lock, as PostgreSQL's signed four bytes."""
    number = zlib.crc32(name.encode())
    return number - 2**32 if number >= 2**31 else number
