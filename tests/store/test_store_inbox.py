"""The inbox: one row for a record however often it is told of, and none is lost that is told of while it is fetched."""

from __future__ import annotations

import threading
from datetime import timedelta

from memory import START
from ml_connector.store import inbox
from ml_connector.store.inbox import Told, Waiting

SECOND = timedelta(seconds=1)
LATER = START + timedelta(hours=1)


def told(record_id="1", operation="update", at=START, module="Deals"):
    return Told(module, record_id, operation, at)


def due(tx, now=LATER, coalesce_seconds=3, limit=100):
    return inbox.due(tx, now, coalesce_seconds, limit)


def without_generation(row: Waiting):
    return (
        row.module,
        row.record_id,
        row.operation,
        row.first_received_at,
        row.last_received_at,
        row.times_told,
    )


def test_copies_are_one_row_whether_they_come_in_one_commit_or_in_several(tx):
    inbox.put(tx, [told(operation="insert"), told("2"), told(at=START + SECOND)])
    inbox.put(tx, [told(operation="delete", at=START + 2 * SECOND), told(module="Quotes", at=START + SECOND)])
    assert [without_generation(row) for row in due(tx)] == [
        ("Deals", "1", "delete", START, START + 2 * SECOND, 3),
        ("Deals", "2", "update", START, START, 1),
        ("Quotes", "1", "update", START + SECOND, START + SECOND, 1),
    ]
    inbox.put(tx, [])
    assert len(due(tx)) == 3


def test_a_record_is_due_some_seconds_after_its_first_telling_however_long_the_burst(tx):
    inbox.put(tx, [told()])
    inbox.put(tx, [told(at=START + 2 * SECOND)])
    assert due(tx, START + 2.9 * SECOND) == []
    assert len(due(tx, START + 3 * SECOND)) == 1
    assert len(due(tx, START + SECOND, coalesce_seconds=0)) == 1


def test_what_was_told_before_our_clock_was_set_back_is_due(tx):
    inbox.put(tx, [told(at=LATER)])
    assert len(due(tx, START)) == 1


def test_the_longest_waiting_come_first_and_no_more_than_asked_for(tx):
    inbox.put(tx, [told(str(number), at=START + number * SECOND) for number in (3, 1, 2)])
    assert [row.record_id for row in due(tx, limit=2)] == ["1", "2"]


def test_what_is_worked_off_is_gone_and_may_be_settled_again(tx):
    inbox.put(tx, [told(), told("2")])
    first, second = due(tx)
    inbox.settle(tx, [first])
    assert due(tx) == [second]
    inbox.settle(tx, [first, second])
    assert due(tx) == []


def test_what_is_told_of_while_it_is_fetched_stays_and_waits_from_then(tx):
    inbox.put(tx, [told(), told("2")])
    read = due(tx, START + 3 * SECOND)
    at = START + 4 * SECOND
    inbox.put(tx, [told(at=at)])
    inbox.settle(tx, read)
    assert due(tx, at + 2.9 * SECOND) == [], "it is one burst still"
    assert [without_generation(row) for row in due(tx)] == [("Deals", "1", "update", at, at, 2)]


def test_who_settles_late_takes_no_telling_along_that_came_after_another_had_settled(tx):
    inbox.put(tx, [told()])
    read = due(tx)
    inbox.settle(tx, read)
    inbox.put(tx, [told()])
    inbox.settle(tx, read)
    assert len(due(tx)) == 1


def test_settling_beside_tellings_loses_none(database):
    """A record changes, then is told of: once all is quiet, the last state of every record was fetched."""
    records, turns = [str(number) for number in range(5)], 40
    changed, fetched, done = dict.fromkeys(records, 0), dict.fromkeys(records, 0), threading.Event()

    def tell():
        for turn in range(1, turns + 1):
            for record in records:
                changed[record] = turn
                with database.begin() as tx:
                    inbox.put(tx, [told(record)])
        done.set()

    teller = threading.Thread(target=tell)
    teller.start()
    while True:
        over = done.is_set()
        with database.read() as tx:
            read = due(tx, coalesce_seconds=0)
        if over and not read:
            break
        for row in read:
            fetched[row.record_id] = changed[row.record_id]
        with database.begin() as tx:
            inbox.settle(tx, read)
    teller.join()
    assert fetched == dict.fromkeys(records, turns)
