"""What the gates of both connectors are made of: slots that are counted over all processes."""

from __future__ import annotations

import fcntl
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from ml_connector.core.ports import Clock


class PlaceLocks(Protocol):
    """Numbered locks, each with one holder among all processes; a process that dies, however it dies, frees its own.

    Thread-safe. Nobody takes one twice.
    """

    poll_seconds: float  #: so often who waits for one may look

    def try_lock(self, place: int) -> bool:
        """Take it, if nobody has it. NotDoneError: who keeps the locks is away."""

    def unlock(self, place: int) -> None:
        """It is free again."""

    def close(self) -> None:
        """All that are still held are free."""


#: Opens as many locks of this name.
OpenLocks = Callable[[str, int], PlaceLocks]


class FileLocks:
    """Lock files: over all processes of this machine that use the same folder."""

    poll_seconds = 0.002

    def __init__(self, folder: Path, name: str, number: int) -> None:
        """Open them in ``folder``, which is made if missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self._files = [open_file(folder / f"{name}-slot-{place}.lock") for place in range(number)]

    def try_lock(self, place: int) -> bool:
        try:
            fcntl.flock(self._files[place], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(self, place: int) -> None:
        fcntl.flock(self._files[place], fcntl.LOCK_UN)

    def close(self) -> None:
        for descriptor in self._files:
            os.close(descriptor)


class Slots:
    """So many slots over all processes that use the same locks and name.

    Who finds no free slot waits at the head of one queue (a lock, too), so that a busy process cannot starve another.
    """

    def __init__(
        self, folder: Path, name: str, number: int, clock: Clock, locks: OpenLocks | None = None
    ) -> None:
        """``locks`` None: files in ``folder``."""
        self.number = number
        self._clock = clock
        self._locks = (locks or partial(FileLocks, folder))(name, number + 1)
        self._queue = number  #: the place behind the slots
        self._free = deque(range(number))
        self._here = threading.Semaphore(
            number
        )  # threads of this process wake each other; only processes have to poll
        self._turn = threading.Lock()  # locks belong to the process: its threads queue here first

    def take(self, at_once: Callable[[], int]) -> tuple[int, int]:
        """Wait until fewer than ``at_once()`` are held by anybody, and take one: its number, and how many that were."""
        self._here.acquire()
        try:
            return self._take(at_once)
        except BaseException:
            self._here.release()
            raise

    def give_back(self, slot: int) -> None:
        """It is free again, for whoever waits longest."""
        try:
            self._locks.unlock(slot)
        finally:  # a slot that never came back would be waited for without end
            self._free.append(slot)
            self._here.release()

    @contextmanager
    def held(self, at_once: Callable[[], int] | None = None) -> Iterator[None]:
        """Hold a slot; ``at_once`` None: all may be held at once."""
        slot, _ = self.take(at_once or (lambda: self.number))
        try:
            yield
        finally:
            self.give_back(slot)

    def close(self) -> None:
        """Slots that this process still holds become free."""
        self._locks.close()

    def _take(self, at_once: Callable[[], int]) -> tuple[int, int]:
        with self._turn:
            while not self._locks.try_lock(self._queue):
                self._clock.sleep(self._locks.poll_seconds)
            try:
                while (taken := self._free_slot(allowed := at_once())) is None:
                    self._clock.sleep(self._locks.poll_seconds)
                return taken, allowed
            finally:
                self._locks.unlock(self._queue)

    def _free_slot(self, at_once: int) -> int | None:
        """A slot that no thread and no process holds; the one given back longest ago comes first.

        Only the head of the queue takes slots, so what is counted as free here stays free.
        """
        free: list[int] = []
        wanted = self.number - at_once + 1  # so many have to be free that fewer than ``at_once`` are held
        try:
            for _ in range(len(self._free)):
                slot = self._free[0]
                if len(free) < wanted and self._locks.try_lock(slot):
                    free.append(self._free.popleft())
                else:
                    self._free.rotate(-1)
        except BaseException:
            self._put_back(free)
            raise
        enough = len(free) == wanted
        self._put_back(free[enough:])
        return free[0] if enough else None

    def _put_back(self, slots: list[int]) -> None:
        for slot in reversed(slots):
            self._locks.unlock(slot)
            self._free.appendleft(slot)


def open_file(path: Path) -> int:
    """A file to lock, readable by its owner alone; it is not inherited by other programs."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
