"""Work that goes on after its connection is gone, as a server's does that nobody told: done later, or when bidden."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class _Piece:
    operation: str
    work: Callable[[], object]
    taken: bool = False
    bidden: threading.Event = field(default_factory=threading.Event)


class Late:
    """The pieces of work still to be done; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pieces: list[_Piece] = []

    def put_off(self, operation: str, work: Callable[[], object], seconds: float) -> None:
        """Do work after so many seconds; after none, only when `do_all` bids."""
        piece = _Piece(operation, work)
        with self._lock:
            self._pieces.append(piece)
        if seconds > 0:
            threading.Thread(target=self._do_after, args=(piece, seconds), name="late", daemon=True).start()

    def _do_after(self, piece: _Piece, seconds: float) -> None:
        if not piece.bidden.wait(seconds):
            self._do(piece)

    def _do(self, piece: _Piece) -> bool:
        """Do a piece where nobody else did."""
        with self._lock:
            if piece.taken:
                return False
            piece.taken = True
        piece.bidden.set()
        try:
            piece.work()
        finally:
            with self._lock:
                self._pieces.remove(piece)
        return True

    def do_all(self) -> int:
        """Do all of it now, in the order it came; returns how much."""
        with self._lock:
            waiting = list(self._pieces)
        return sum(map(self._do, waiting))

    def drop(self) -> None:
        """Forget all of it: the server has stopped."""
        with self._lock:
            dropped = [piece for piece in self._pieces if not piece.taken]
            for piece in dropped:
                piece.taken = True
                self._pieces.remove(piece)
        for piece in dropped:
            piece.bidden.set()

    def waiting(self) -> list[str]:
        """Return the operations that are not done yet."""
        with self._lock:
            return [piece.operation for piece in self._pieces]
