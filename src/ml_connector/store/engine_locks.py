"""The lock of whoever runs flows, for whichever kind of store: a file beside SQLite, a session of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ml_connector.core.errors import ConfigurationError
from ml_connector.store import engine_lock, engine_session
from ml_connector.store.database import Database
from ml_connector.store.engine_lock import Duty, EngineLock, FileLock
from ml_connector.store.engine_session import EngineSession


def take(database: Database, folder: Path, duty: Duty) -> EngineLock:
    """The lock for this duty, until it is closed.

    TakenError: another process has what it takes. RetryableError: the server is away. ConfigurationError: the folder,
    or several are to work on a file.
    """
    if database.is_sqlite:
        if duty is Duty.WORK:
            raise ConfigurationError(
                "Several processes can share the work on PostgreSQL only, and this store is a file.",
                "Run “ml-connector serve”, which needs no worker; or move the store: “ml-connector database move”.",
            )
        return FileLock(folder, duty)
    session = EngineSession(database)
    try:
        session.begin(duty)
    except BaseException:
        session.close()
        raise
    return session


@contextmanager
def alone(database: Database, folder: Path) -> Iterator[None]:
    """While nobody runs flows over this store. TakenError: somebody does."""
    if database.is_sqlite:
        with closing(FileLock(folder)):
            yield
        return
    with closing(EngineSession(database)) as session:
        session.be_alone()
        yield


def is_served(database: Database, folder: Path) -> bool:
    """Whether a process serves this store."""
    if database.is_sqlite:
        return engine_lock.is_served(folder)
    return engine_session.is_served(database)
