"""What the gates of both connectors are made of: slots that are counted over all processes of this machine."""

from __future__ import annotations

import fcntl
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_connector.core.ports import Clock

_POLL_SECONDS = 0.002


class Slots:
    """So many slots over all processes that use the same folder and name.

    A slot is a lock file; the kernel frees it when its process dies, however it dies. Who finds no free slot waits
    at the head of one queue (a lock file too), so that a busy process cannot starve another.
    """

    def __init__(self, folder: Path, name: str, number: int, clock: Clock) -> None:
        """Open them in ``folder``, which is made if missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self.number = number
        self._clock = clock
        self._free = deque(open_file(folder / f"{name}-slot-{place}.lock") for place in range(number))
        self._all = tuple(self._free)
        self._queue = open_file(folder / f"{name}-queue.lock")
        self._here = threading.Semaphore(
            number
        )  # threads of this process wake each other; only processes have to poll
        self._turn = threading.Lock()  # file locks belong to the process: its threads queue here first

    def take(self, at_once: Callable[[], int]) -> tuple[int, int]:
        """Wait until fewer than ``at_once()`` are held by anybody, and take one: its file, and how many that were."""
        self._here.acquire()
        try:
            return self._take(at_once)
        except BaseException:
            self._here.release()
            raise

    def give_back(self, slot: int) -> None:
        """It is free again, for whoever waits longest."""
        fcntl.flock(slot, fcntl.LOCK_UN)
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
        """Close the lock files; slots that this process still holds become free."""
        for descriptor in (*self._all, self._queue):
            os.close(descriptor)

    def _take(self, at_once: Callable[[], int]) -> tuple[int, int]:
        with self._turn:
            while not _try_lock(self._queue):
                self._clock.sleep(_POLL_SECONDS)
            try:
                while (taken := self._free_slot(allowed := at_once())) is None:
                    self._clock.sleep(_POLL_SECONDS)
                return taken, allowed
            finally:
                fcntl.flock(self._queue, fcntl.LOCK_UN)

    def _free_slot(self, at_once: int) -> int | None:
        """A slot that no thread and no process holds; the one given back longest ago comes first.

        Only the head of the queue takes slots, so what is counted as free here stays free.
        """
        free: list[int] = []
        wanted = self.number - at_once + 1  # so many have to be free that fewer than ``at_once`` are held
        for _ in range(len(self._free)):
            slot = self._free.popleft()
            if len(free) < wanted and _try_lock(slot):
                free.append(slot)
            else:
                self._free.append(slot)
        enough = len(free) == wanted
        for slot in reversed(free[enough:]):
            fcntl.flock(slot, fcntl.LOCK_UN)
            self._free.appendleft(slot)
        return free[0] if enough else None


def open_file(path: Path) -> int:
    """A file to lock, readable by its owner alone; it is not inherited by other programs."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
