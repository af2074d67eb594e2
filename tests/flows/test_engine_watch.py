"""What a process concludes from the lock by which others know that it lives."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

import pytest

from ml_connector.core.errors import RetryableError
from ml_connector.flows import engine_watch
from ml_connector.flows.engine_watch import Watch

AWAY = RetryableError("The database x does not answer.", "Check that it runs.")


@dataclass
class Lock:
    """One that is lost and taken again as a test says; looks go on until it has nothing more to say."""

    holds: list[bool]
    renews: list[bool | RetryableError] = field(default_factory=list)
    name: str = "this"
    over: Event = field(default_factory=Event)

    def is_held(self) -> bool:
        if len(self.holds) == 1:
            self.over.set()
        return self.holds.pop(0) if len(self.holds) > 1 else self.holds[0]

    def renew(self) -> bool:
        found = self.renews.pop(0)
        if isinstance(found, RetryableError):
            raise found
        return found

    @contextmanager
    def in_place_of(self, name):
        yield False

    def close(self) -> None: ...


def watched(
    lock: Lock, *, are_ours: bool = True, take_over: Callable[[], None] = lambda: None
) -> tuple[list[str], list[Exception]]:
    """What it said, and that it was lost, once the lock has said all."""
    told, lost = [], []

    def is_lost(error: RetryableError) -> None:
        lost.append(error)
        lock.over.set()

    watch = Watch(lock, take_over, lambda: are_ours, told.append, is_lost, seconds=0.001)
    watch.begin()
    assert lock.over.wait(60)
    watch.stop()
    watch.join()
    assert [watch.lost] == (lost or [None])
    return told, lost


def test_a_lock_that_holds_says_nothing():
    assert watched(Lock([True, True])) == ([], [])


def test_a_lock_that_is_taken_again_says_nothing():
    assert watched(Lock([True, False, True], [True])) == ([], [])


def test_a_database_that_is_away_is_said_once_and_that_it_is_there_again():
    told, lost = watched(Lock([False, False, False, True], [AWAY, AWAY, True]))
    assert told == [str(AWAY), "That has passed: it goes on."]
    assert not lost


@pytest.mark.parametrize(("renews", "are_ours"), [(False, True), (True, False)])
def test_a_process_that_another_took_the_place_of_is_lost(renews, are_ours):
    told, lost = watched(Lock([False, True], [renews]), are_ours=are_ours)
    assert not told
    assert lost == [engine_watch.LOST]


def test_a_lock_that_never_stays_is_lost():
    told, lost = watched(Lock([False] * 9, [True] * 9))
    assert (told, lost) == ([], [engine_watch.LOST])


@pytest.mark.parametrize("where", ["lock", "take_over"])
def test_a_bug_is_told_once_with_its_cause_and_ends_both_threads(where):
    bug = ZeroDivisionError()

    def broken():
        raise bug

    lock = Lock([])
    lock.is_held = broken if where == "lock" else lambda: True
    told, lost = watched(lock, take_over=broken)
    assert not told
    [error] = lost
    assert isinstance(error, RetryableError)
    assert error.__cause__ is bug
    assert str(error).startswith("A bug of ml-connector (ZeroDivisionError) ended what shows other processes")
    assert "Start this one again" in error.remedy
