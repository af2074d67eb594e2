"""The engine's own tables, a file beside a SQLite store, else in the store's database; and what they suffer from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from ml_connector.core.errors import ConfigurationError, ConnectorError, RetryableError
from ml_connector.store.database import FILE_TROUBLE, Database

_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_TROUBLE = frozenset({*_LOCKED, *FILE_TROUBLE})
_LOCK_SECONDS = 2.0  #: the engine's own writing is a matter of milliseconds


@dataclass(frozen=True, slots=True)
class EngineTables:
    """Where they are."""

    database: Database
    folder: Path

    @property
    def file(self) -> Path:
        """Beside a SQLite store."""
        return self.folder / "engine.db"

    @property
    def needs(self) -> str:
        """What a person may look at where they do not take what is to be kept."""
        return (
            f"that the disk of {self.file} is not full" if self.database.is_sqlite else "the database server"
        )

    @property
    def url(self) -> str:
        """Of the database that they are in."""
        return f"sqlite:///{self.file}" if self.database.is_sqlite else self.database.url

    def write_ahead(self) -> None:
        """Let who reads the file not wait for who writes; the engine itself never sets it."""
        if self.database.is_sqlite:
            with closing(sqlite3.connect(self.file)) as file:
                file.execute("PRAGMA journal_mode=WAL")

    @contextmanager
    def told(self) -> Iterator[None]:
        """What they suffer from is one of our errors; everything else stays what it is."""
        try:
            with nullcontext() if self.database.is_sqlite else self.database.told():
                yield
        except Exception as error:
            cause = getattr(error, "orig", error)
            if isinstance(cause, sqlite3.Error) and _code(cause) in _TROUBLE:
                raise self._broken(cause) from error
            raise

    def broken_by(self, error: Exception) -> ConnectorError | None:
        """Why they cannot be used at all, if this error says so."""
        cause = getattr(error, "orig", error)  # the engine's own errors carry the database's
        return self._broken(cause) if isinstance(cause, sqlite3.Error) else None

    def _broken(self, error: sqlite3.Error) -> ConnectorError:
        """A lock passes by itself; everything else about the file is for a person."""
        if _code(error) in _LOCKED:
            return RetryableError(
                f"{self.file} is locked by another program.", "Try again when it has finished."
            )
        if _code(error) == sqlite3.SQLITE_FULL:
            return ConfigurationError(
                f"The disk of {self.file} is full.",
                "Make room: it goes on where it stopped, by itself if “ml-connector serve” runs, else when the command"
                " is run again.",
            )
        return ConfigurationError(
            f"{self.file}, which knows how far the runs are, cannot be used: {error}.",
            "Check the folder, its rights and the disk; if the file itself is broken, move it away and run the"
            " command again: the next run lists anew what was not done.",
        )

    def require_writable(self) -> None:
        """RetryableError: another program locks the file. The engine waits for that without a word."""
        if not self.database.is_sqlite:
            return
        with self.told(), closing(sqlite3.connect(self.file, _LOCK_SECONDS, isolation_level=None)) as file:
            file.execute("BEGIN IMMEDIATE")
            file.execute("ROLLBACK")


def _code(error: sqlite3.Error) -> int:
    """The primary code of SQLite's error; 0: it has none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
