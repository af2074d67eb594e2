"""What a process does beside its runs where several share a store: show that it lives, and look for those that do not.

In two threads, because the engine waits without end while the database is away, and whether it was has to be seen.
Where a bug ends one of them, nobody could trust the process any more: it ends, and others go on with its runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from ml_connector.core.errors import ConnectorError, RetryableError
from ml_connector.store.engine_lock import EngineLock

_SECONDS = 2.0
_JOIN_SECONDS = 5.0
#: A lock that is lost again and again goes through a pooler, which gives each transaction another session.
_RENEWALS = 3

LOST = RetryableError(
    "This process was cut off from the database, and another one may have gone on with what it did.",
    "Nothing is lost. Start this one again.",
)


@dataclass(slots=True)
class Watch:
    """Of one process, from ``begin`` to ``end``."""

    lock: EngineLock
    take_over: Callable[[], None]  #: has the runs of processes that are no more go on
    are_ours: Callable[[], bool]  #: whether nobody went on with a run that is at work here
    tell: Callable[[str], None]
    tell_lost: Callable[[ConnectorError], None]  #: once, when this process is to stop
    seconds: float = _SECONDS  #: between two looks
    lost: ConnectorError | None = None
    _renewals: int = 0  #: one after the other, of a lock that did not hold from one look to the next
    _is_away: bool = False
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        """Look from now on."""
        for turn in (self._look, self.take_over):
            thread = threading.Thread(target=self._repeat, args=(turn,), name="engine-watch", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Look no more; the engine may end."""
        self._ended.set()

    def join(self) -> None:
        """Wait until no look is under way; one that waits for the database would not end."""
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)

    def _repeat(self, turn: Callable[[], None]) -> None:
        while not self._ended.wait(self.seconds) and self.lost is None:
            try:
                turn()
            except ConnectorError as error:
                self._suffer(error)
            except Exception as bug:  # noqa: BLE001 -- it is told, and the process ends for it
                if not self._ended.is_set():  # else the engine has ended meanwhile
                    self._lose(_broken_by(bug))

    def _lose(self, error: ConnectorError) -> None:
        """Of both threads the first says why."""
        with self._turn:
            if self.lost is not None:
                return
            self.lost = error
        self.tell_lost(error)

    def _suffer(self, error: ConnectorError) -> None:
        if not self._is_away:
            self._is_away = True
            self.tell(str(error))

    def _look(self) -> None:
        """A lock that was lost is taken again, as long as nobody has used that it was free."""
        if self.lock.is_held():
            self._renewals = 0
            return
        is_renewed = self.lock.renew()  # RetryableError while the database is away, which does not count
        self._renewals += 1
        if not is_renewed or self._renewals > _RENEWALS or not self.are_ours():
            self._lose(LOST)
        elif self._is_away:
            self._is_away = False
            self.tell("That has passed: it goes on.")


def _broken_by(bug: Exception) -> ConnectorError:
    """Why this process has to end, with the bug as its cause."""
    error = RetryableError(
        f"A bug of ml-connector ({type(bug).__name__}) ended what shows other processes that this one lives.",
        "Nothing is lost. Start this one again, and report the bug.",
    )
    error.__cause__ = bug
    return error
