"""Locks over all processes that share the database: each frees itself when its holder dies."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa

from ml_connector.store.database import Database


class Locks:
    """Named locks: files beside a SQLite database, advisory locks in PostgreSQL.

    ``tell`` is given a sentence before one is waited for.
    """

    def __init__(
        self, database: Database, folder: Path, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self._database = database
        self._folder = folder
        self._tell = tell

    @contextmanager
    def held(self, names: Iterable[str], tell: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """Hold these locks, taken in the order of their names, so that two holders never wait for each other.

        ``tell`` is told of a wait, too.
        """
        with ExitStack() as stack:
            for name in sorted(set(names)):
                one = self._advisory if self._database.engine.dialect.name == "postgresql" else self._file
                stack.enter_context(one(name, tell))
            yield

    @contextmanager
    def _file(self, name: str, tell: Callable[[str], None]) -> Iterator[None]:
        with (self._folder / f"{name.replace('/', '%')}.lock").open("a") as file:  # a company/flow
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._tell_of(name, tell)
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _advisory(self, name: str, tell: Callable[[str], None]) -> Iterator[None]:
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        with self._database.begin() as connection:
            # It is held for as long as a run works, for hours if need be: a server that ends idle transactions would
            # let a second run in.
            connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            if not connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(number))).scalar_one():
                self._tell_of(name, tell)
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
            yield

    def _tell_of(self, name: str, tell: Callable[[str], None]) -> None:
        _, _, what = name.partition("-")
        said = f"Another run or command of ml-connector is working at {what}. Waiting until it has finished."
        self._tell(said)
        tell(said)
