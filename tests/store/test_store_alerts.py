"""Alerts and the messages about them, on both databases."""

from __future__ import annotations

from datetime import timedelta

from memory import START
from ml_connector.core.alerts import GIVEN_UP, Alert, Change, Kind
from ml_connector.store import alerts

MINUTE = timedelta(minutes=1)
FAILS = Alert(Kind.FAILED, "customers", START, "It fails.", "Change that.")
AWAY = Alert(Kind.WAITING, "gp", START + MINUTE, "It is away.", "Check that.")
BOTH = ("alerts.mail", "alerts.team")


def raise_(tx, *found, to=BOTH, at=START):
    alerts.note(tx, Change(found, []), to, at)


def pass_(tx, *found, at=START + MINUTE):
    alerts.note(tx, Change([], found), BOTH, at)


def sent(tx, message, at=START):
    assert alerts.take(tx, message, at)
    alerts.end(tx, message, at)


def told(tx):
    return [(m.alert.subject, m.address, m.passed, m.sent_at is not None) for m in alerts.messages(tx)]


def test_an_alert_is_kept_with_a_message_for_each_address(tx):
    raise_(tx, AWAY, FAILS)
    assert alerts.find(tx) == [FAILS, AWAY]
    assert [(m.alert, m.address, m.tries, m.next_at) for m in alerts.messages(tx)] == [
        (alert, address, 0, START) for alert in (FAILS, AWAY) for address in BOTH
    ]
    alerts.note(tx, Change([], []), BOTH, START + MINUTE)
    assert len(alerts.messages(tx)) == 4


def test_with_no_address_it_is_kept_all_the_same(tx):
    raise_(tx, FAILS, to=())
    assert (alerts.find(tx), alerts.messages(tx)) == ([FAILS], [])


def test_a_message_is_taken_before_it_is_sent_and_by_one_process_only(tx):
    raise_(tx, FAILS, to=["alerts.mail"])
    [message] = alerts.messages(tx)
    assert alerts.take(tx, message, START)
    assert not alerts.take(tx, message, START), "another process read it as well"
    [taken] = alerts.messages(tx)
    assert (taken.tries, taken.next_at, taken.sent_at) == (1, START + timedelta(seconds=30), None)
    alerts.end(tx, taken, START + MINUTE)
    [done] = alerts.messages(tx)
    assert done.sent_at == START + MINUTE
    assert not alerts.take(tx, done, START + MINUTE)


def test_who_was_told_is_told_that_it_has_passed_and_then_nothing_is_left(tx):
    raise_(tx, FAILS)
    first, second = alerts.messages(tx)
    sent(tx, first)
    alerts.take(tx, second, START)  # and then it died: perhaps it arrived
    pass_(tx, FAILS)
    assert alerts.find(tx) == []
    assert told(tx) == [("customers", address, True, False) for address in BOTH]
    for message in alerts.messages(tx):
        assert (message.tries, message.next_at, message.alert) == (0, START + MINUTE, FAILS)
        sent(tx, message)
    assert alerts.messages(tx) == []


def test_who_was_never_told_is_not_told_that_it_has_passed(tx):
    raise_(tx, FAILS)
    pass_(tx, FAILS)
    assert (alerts.find(tx), alerts.messages(tx)) == ([], [])


def test_one_that_comes_back_takes_the_place_of_its_all_clear(tx):
    raise_(tx, FAILS, to=["alerts.mail"])
    [first] = alerts.messages(tx)
    sent(tx, first)
    pass_(tx, FAILS)
    [clear] = alerts.messages(tx)
    alerts.take(tx, clear, START + MINUTE)
    raise_(tx, FAILS, to=["alerts.mail"], at=START + 2 * MINUTE)
    alerts.end(tx, clear, START + 2 * MINUTE)  # it was on its way meanwhile
    assert told(tx) == [("customers", "alerts.mail", False, False)]


def test_what_the_settings_name_no_more_and_what_never_gets_through_is_given_up(tx):
    raise_(tx, FAILS)
    alerts.forget(tx, ["alerts.team"], START)
    assert told(tx) == [("customers", "alerts.team", False, False)]
    [message] = alerts.messages(tx)
    alerts.take(tx, message, START)
    alerts.forget(tx, ["alerts.team"], START + GIVEN_UP)
    assert len(told(tx)) == 1
    alerts.forget(tx, ["alerts.team"], START + GIVEN_UP + MINUTE)
    assert told(tx) == []


def test_one_that_was_sent_is_not_given_up_while_it_is_open(tx):
    raise_(tx, FAILS, to=["alerts.mail"])
    sent(tx, alerts.messages(tx)[0])
    alerts.forget(tx, ["alerts.mail"], START + 2 * GIVEN_UP)
    assert told(tx) == [("customers", "alerts.mail", False, True)]
    alerts.forget(tx, [], START)
    assert told(tx) == []
