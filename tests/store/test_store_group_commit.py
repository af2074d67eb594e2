"""Rows of many threads in one commit: each thread waits for its own, and is not told too early that it is made."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from ml_connector.core.errors import ConnectorError, RetryableError
from ml_connector.store.group_commit import FullError, GroupCommit
from ml_connector.store.tables import frozen

LONGEST_SECONDS = 60


def faultless(error):
    raise AssertionError(error)


def insert(tx, names):
    tx.execute(sa.insert(frozen), [{"name": name, "value": ""} for name in names])


def kept(database):
    with database.read() as tx:
        return set(tx.execute(sa.select(frozen.c.name)).scalars())


class Held:
    """Writes, but the first group only once it is let through; the groups as they were written."""

    def __init__(self, write=insert):
        self.write, self.groups, self.begun, self.let = write, [], threading.Event(), threading.Event()

    def __call__(self, tx, rows):
        self.groups.append(list(rows))
        self.begun.set()
        assert self.let.wait(LONGEST_SECONDS)
        self.write(tx, rows)


def waiting(commit, number):
    """Until so many entries wait beside those that are being committed."""
    with commit._changed:
        assert commit._changed.wait_for(lambda: len(commit._waiting) == number, LONGEST_SECONDS)


def test_what_comes_during_a_commit_is_the_next_one(database):
    held = Held()
    with ThreadPoolExecutor(8) as threads, GroupCommit(database, held, faultless, 8) as commit:
        first = threads.submit(commit.put, ["a"])
        assert held.begun.wait(LONGEST_SECONDS)
        others = [threads.submit(commit.put, [name, name * 2]) for name in "bcd"]
        waiting(commit, 3)
        assert not first.done()
        assert kept(database) == set(), "nobody has been answered, and nothing is kept"
        held.let.set()
        for one in (first, *others):
            one.result(LONGEST_SECONDS)
        assert kept(database) == {"a", "b", "bb", "c", "cc", "d", "dd"}
    assert [sorted(group) for group in held.groups] == [["a"], ["b", "bb", "c", "cc", "d", "dd"]]


def test_who_comes_while_as_many_wait_as_may_is_refused_and_the_others_are_kept(database):
    held = Held()
    with ThreadPoolExecutor(8) as threads, GroupCommit(database, held, faultless, 3) as commit:
        first = threads.submit(commit.put, ["a"])
        assert held.begun.wait(LONGEST_SECONDS)
        others = [threads.submit(commit.put, [name]) for name in "bc"]
        waiting(commit, 2)
        with pytest.raises(FullError):
            commit.put(["d"])
        held.let.set()
        for one in (first, *others):
            one.result(LONGEST_SECONDS)
        commit.put(["e"])
    assert kept(database) == {"a", "b", "c", "e"}


def test_those_that_wait_at_the_end_are_kept_and_later_ones_refused(database):
    held = Held()
    with ThreadPoolExecutor(4) as threads:
        commit = GroupCommit(database, held, faultless, 8).__enter__()
        first = threads.submit(commit.put, ["a"])
        assert held.begun.wait(LONGEST_SECONDS)
        second = threads.submit(commit.put, ["b"])
        waiting(commit, 1)
        held.let.set()
        commit.__exit__()
        first.result(LONGEST_SECONDS), second.result(LONGEST_SECONDS)
        with pytest.raises(FullError):
            commit.put(["c"])
    assert kept(database) == {"a", "b"}


def test_a_database_that_cannot_be_written_is_told_to_all_of_the_group_and_to_no_other(database):
    def write(tx, names):
        if "b" in names:
            raise RetryableError("The database is locked.")
        insert(tx, names)

    held = Held(write)
    with ThreadPoolExecutor(4) as threads, GroupCommit(database, held, faultless, 8) as commit:
        first = threads.submit(commit.put, ["a"])
        assert held.begun.wait(LONGEST_SECONDS)
        others = [threads.submit(commit.put, [name]) for name in "bc"]
        waiting(commit, 2)
        held.let.set()
        first.result(LONGEST_SECONDS)
        for one in others:
            with pytest.raises(RetryableError, match="locked"):
                one.result(LONGEST_SECONDS)
        commit.put(["d"])
    assert kept(database) == {"a", "d"}


def test_a_bug_is_kept_for_who_mends_it_and_the_next_are_written(database):
    faults = []
    with GroupCommit(database, insert, faults.append, 8) as commit:
        commit.put(["a"])
        with pytest.raises(ConnectorError, match="fault of ml-connector"):
            commit.put(["a"])  # there is such a row already
        commit.put(["b"])
    assert kept(database) == {"a", "b"}
    assert [type(fault).__name__ for fault in faults] == ["IntegrityError"]
