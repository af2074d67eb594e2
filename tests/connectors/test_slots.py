"""Slots that both gates are made of: one that is given back is free, whatever became of its lock."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from memory import FakeClock
from ml_connector.connectors.slots import Slots


class StumblingLocks:
    """Nobody else wants them; the first slot stumbles as it is given back."""

    poll_seconds = 0.01

    def __init__(self, _name: str, _number: int) -> None:
        self.stumbles = 1

    def try_lock(self, place: int) -> bool:
        return True

    def unlock(self, place: int) -> None:
        if place == 0 and self.stumbles:
            self.stumbles -= 1
            raise LookupError

    def close(self) -> None:
        """Nothing is open."""


def test_a_slot_whose_lock_cannot_be_given_back_is_not_waited_for_without_end(tmp_path: Path) -> None:
    with closing(Slots(tmp_path, "gp", 1, FakeClock(), StumblingLocks)) as slots:
        taken, _ = slots.take(lambda: 1)
        with pytest.raises(LookupError):
            slots.give_back(taken)
        again: list[tuple[int, int]] = []
        waiting = Thread(target=lambda: again.append(slots.take(lambda: 1)), daemon=True)
        waiting.start()
        waiting.join(120)
        assert again == [(taken, 1)]
