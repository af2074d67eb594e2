"""How much may be asked of GP at once: N slots, counted over all processes; fewer when GP is slow."""

from __future__ import annotations

import fcntl
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_connector.connectors.dynamics_gp import pace
from ml_connector.connectors.dynamics_gp.pace import Answer, Pace
from ml_connector.connectors.slots import OpenLocks, Slots, open_file
from ml_connector.core.load import Load
from ml_connector.core.ports import Clock, Cost

_PADDED = 1024  # bytes
_STAMP = struct.Struct("<d")  # when a slot was given back, seconds since 1970


class RequestGate:
    """At most ``cap`` requests at once over all processes that use the same locks.

    Where GP's answers have become slow (``pace``), no request begins while half as many are under way, whichever
    process they are of; this passes by itself, and no process has to live for it.
    """

    def __init__(
        self, folder: Path, cap: int, delay_seconds: float, clock: Clock, locks: OpenLocks | None = None
    ) -> None:
        """Open the gate; a slot rests ``delay_seconds`` after it was given back.

        ``locks`` None: files in ``folder``, which is made if missing. The pace and the rests are kept there, so that
        they are those of one machine.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.cap = cap
        self._delay_seconds = delay_seconds
        self._clock = clock
        self._slots = Slots(folder, "gp", cap, clock, locks)
        self._rests = open_file(folder / "gp-rests")
        self._pace = _PaceFile(folder / "gp-pace.json")

    @contextmanager
    def slot(self) -> Iterator[int]:
        """Hold one slot for the length of a request; waits for a free one. How many may be held at once now."""
        taken, at_once = self._slots.take(self.at_once)
        try:
            self._rest(taken)
            yield at_once
        finally:
            if self._delay_seconds:
                os.pwrite(self._rests, _STAMP.pack(self._clock.now().timestamp()), taken * _STAMP.size)
            self._slots.give_back(taken)

    def observe(self, answer: Answer) -> None:
        """An answer came, or did not; called while the request's slot is still held."""
        self._pace.observe(answer, self.cap)

    def at_once(self) -> int:
        """How many requests may run at once now: the cap, or fewer while answers are slow."""
        return self._pace.read().at_once(self.cap, self._clock.now())

    def close(self) -> None:
        """Close the lock files; slots that this process still holds become free."""
        self._slots.close()
        self._pace.close()
        os.close(self._rests)

    def _rest(self, slot: int) -> None:
        stamp = os.pread(self._rests, _STAMP.size, slot * _STAMP.size) if self._delay_seconds else b""
        if len(stamp) < _STAMP.size:
            return
        rested = self._clock.now().timestamp() - _STAMP.unpack(stamp)[0]  # of a slot never used: since 1970
        if rested < self._delay_seconds:  # a clock that was set back must not make the rest longer than it is
            self._clock.sleep(min(self._delay_seconds - rested, self._delay_seconds))


class _PaceFile:
    """What all processes know of GP's pace. Thread-safe; a torn line, left by a dying process, reads as nothing."""

    def __init__(self, path: Path) -> None:
        self._file = open_file(path)
        self._turn = threading.Lock()  # file locks belong to the process

    def read(self) -> Pace:
        """As it is now."""
        with self._locked():
            return pace.from_json(self._read())

    def observe(self, answer: Answer, cap: int) -> None:
        """Keep what one more answer says."""
        with self._locked():
            before = self._read()
            kept = pace.to_json(pace.observe(pace.from_json(before), answer, cap))
            blank = max(len(before), len(kept) // _PADDED * _PADDED + _PADDED) - len(kept)
            os.pwrite(
                self._file, kept + b" " * blank, 0
            )  # of one size: to cut a file costs more than all the rest

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._turn:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _read(self) -> bytes:
        return os.pread(self._file, os.fstat(self._file).st_size, 0)


class Meter:
    """Counts what was asked of GP for one company in this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, int] = {}
        self._seconds = 0.0
        self._under_way = 0
        self._load = Load()

    def begin(self, slowed_to: int) -> None:
        """A request is about to be sent; ``slowed_to``: so few are allowed at once, 0 if as many as ever."""
        with self._lock:
            self._under_way += 1
            self._load += Load(peak=self._under_way, slowed_to=slowed_to)

    def end(self, operation: str, seconds: float) -> None:
        """It was answered, or given up."""
        with self._lock:
            self._under_way -= 1
            self._calls[operation] = self._calls.get(operation, 0) + 1
            self._seconds += seconds
            self._load += Load(1, seconds, 0, operation, seconds)

    def keep_quiet(self) -> None:
        """A request was kept back by quiet hours."""
        with self._lock:
            self._load += Load(quiet=True)

    def cost(self) -> Cost:
        """A copy of what was counted so far."""
        with self._lock:
            return Cost(dict(self._calls), self._seconds)

    def take_load(self) -> Load:
        """What was asked since this was called last; what is under way counts for the next."""
        with self._lock:
            load, self._load = self._load, Load(peak=self._under_way)
            return load
