"""What a process does beside its runs where several share a store: show that it lives, and look for those that do not.

In two threads, because the engine waits without end while the database is away, and whether it was has to be seen.
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
            except Exception:
                if self._ended.is_set():
                    return  # the engine has ended meanwhile
                raise

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
            self.lost = LOST
            self.tell_lost(self.lost)
        elif self._is_away:
            self._is_away = False
            self.tell("That has passed: it goes on.")
