"""Who may run flows, and whether that one serves. Beside a SQLite store it is one process: who has the lock file."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Protocol

from ml_connector.core.errors import ConfigurationError, RetryableError

#: ``is_served`` looks at the lock for an instant, which must not look like an engine.
_PAUSES = (0.01, 0.05, 0.0)
_SERVES = "serve"  #: what stands in the lock file while its holder serves


class Duty(StrEnum):
    """What a process runs flows for."""

    COMMAND = "command"  #: what it was asked for; then it ends
    SERVE = "serve"  #: schedules, and what commands ask
    WORK = "work"  #: what the process of another duty has begun


class EngineLock(Protocol):
    """That this process may run flows, until it is closed or lost."""

    @property
    def name(self) -> str:
        """Under which the engine notes the runs that this process has begun."""

    def is_held(self) -> bool:
        """Whether it still is; if not, another process may go on with these runs."""

    def renew(self) -> bool:
        """Take it again, under the same name, after it was lost; False: another process has what it takes.

        RetryableError: the server is away.
        """

    def in_place_of(self, name: str) -> AbstractContextManager[bool]:
        """Whether nobody is of this name any more; for the length of the block nobody is.

        RetryableError: nobody can tell.
        """

    def close(self) -> None:
        """Others may."""


class TakenError(RetryableError):
    """Another process runs flows, or does what only one may."""


class ServingError(TakenError):
    """It is the process that serves, which does what is asked of it by a row in the store."""


class FileLock:
    """The lock file of a folder."""

    name = "local"

    def __init__(self, folder: Path, duty: Duty = Duty.COMMAND) -> None:
        """Take it; of ``Duty.SERVE``, so that others are told by ``ServingError``.

        TakenError: another one has it. ConfigurationError: the folder.
        """
        path = _path(folder)
        try:
            lock = path.open("a+")  # what stands in it is its holder's
        except OSError as error:
            raise ConfigurationError(
                f"{path} cannot be written: {error.strerror}.", "Check the folder, its rights and the disk."
            ) from error
        if not any(_is_ours(lock, pause) for pause in _PAUSES):
            raise _taken(lock, folder)
        lock.truncate(0)
        lock.write(_SERVES if duty is Duty.SERVE else "")
        lock.flush()
        self._lock = lock

    def is_held(self) -> bool:
        """The file is open, so it is."""
        return True

    def renew(self) -> bool:
        """It was not lost."""
        return True

    @contextmanager
    def in_place_of(self, name: str) -> Iterator[bool]:
        """Nobody else is there."""
        yield name != self.name

    def close(self) -> None:
        """Another process may take it."""
        self._lock.close()


def is_served(folder: Path) -> bool:
    """Whether a process serves there."""
    path = _path(folder)
    if not path.exists():
        return False
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _says_serves(lock)
    return False


def _path(folder: Path) -> Path:
    return folder / "engine.lock"


def _is_ours(lock: IO[str], pause: float) -> bool:
    """Whether the lock is ours now; if not, a moment passes."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(pause)
        return False
    return True


def _taken(lock: IO[str], folder: Path) -> TakenError:
    """Why this process cannot be the engine; the lock is closed."""
    with lock:
        serves = _says_serves(lock)
    if serves:
        return ServingError(
            f"“ml-connector serve” is at work in {folder}, and does not end by itself.",
            "Stop it first; commands that only look are possible meanwhile.",
        )
    return TakenError(
        f"Another ml-connector process is working in {folder}.",
        "Wait until it has finished, or stop it; commands that only look are possible meanwhile.",
    )


def _says_serves(lock: IO[str]) -> bool:
    lock.seek(0)
    return lock.read() == _SERVES
