"""Schedules, requests and waits, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from memory import START
from ml_connector.core.waits import GP, ZOHO, Reason, Wait
from ml_connector.store import requests, schedules, waits
from ml_connector.store.requests import Request
from ml_connector.store.schedules import Kept

HOUR = timedelta(hours=1)


def test_a_flow_is_scheduled_from_when_it_is_known(tx):
    schedules.know(tx, ["customers", "vendors"], START)
    schedules.know(tx, ["customers"], START + HOUR)
    assert schedules.find(tx) == {name: Kept(name, START) for name in ("customers", "vendors")}


def test_a_person_changes_one_and_what_was_missed_until_then_is_not_caught_up(tx):
    schedules.know(tx, ["customers"], START)
    schedules.note_run(tx, "customers", START, owed_at=START)
    schedules.change(tx, "customers", "sally@desk", START + HOUR, cron="0 2 * * *", zone="Europe/Berlin")
    schedules.change(tx, "customers", "tom@desk", START + 2 * HOUR, paused=True)
    assert schedules.find(tx)["customers"] == Kept(
        "customers",
        START + 2 * HOUR,
        "0 2 * * *",
        "Europe/Berlin",
        paused=True,
        changed_by="tom@desk",
        changed_at=START + 2 * HOUR,
    )
    schedules.change(tx, "never seen", "tom@desk", START, paused=True)
    assert schedules.find(tx)["never seen"].paused


def test_what_was_run_for_never_goes_back_behind_a_change(tx):
    schedules.know(tx, ["customers"], START)
    schedules.note_run(tx, "customers", START + HOUR, owed_at=START + 2 * HOUR)
    assert schedules.find(tx)["customers"] == Kept("customers", START + HOUR, owed_at=START + 2 * HOUR)
    schedules.note_run(tx, "customers", START, owed_at=None)
    assert schedules.find(tx)["customers"] == Kept("customers", START + HOUR)


def test_a_clock_that_was_set_back_takes_marks_of_the_future_with_it(tx):
    schedules.know(tx, ["customers"], START + HOUR)
    schedules.know(tx, ["vendors"], START - HOUR)
    schedules.set_back(tx, ["customers", "vendors"], START)
    assert {name: (kept.due_at, kept.set_back) for name, kept in schedules.find(tx).items()} == {
        "customers": (START, 1),
        "vendors": (START - HOUR, 0),
    }


def test_requests_are_worked_off_in_order_and_keep_what_came_of_them(tx):
    first = Request("b" * 32, {"vendors": {"keys": ["V1"]}, "customers": {}}, "sally@desk", START)
    second = Request("a" * 32, {}, "tom@desk", START + HOUR)
    requests.put(tx, second)
    requests.put(tx, first)
    requests.put(tx, replace(first, asked={}))
    assert requests.waiting(tx) == [first, second]
    assert list(requests.waiting(tx)[0].asked) == ["vendors", "customers"], "their order counts"
    requests.note_at_work(tx, first.request, "vendors", "vendors-b")
    requests.end(tx, first.request, {"flows": []}, START + HOUR)
    assert requests.waiting(tx) == [second]
    done = replace(first, flow="vendors", run="vendors-b", ran={"flows": []}, ended_at=START + HOUR)
    assert requests.find(tx, first.request) == done
    requests.end(tx, second.request, {}, START + timedelta(days=40))
    assert requests.find(tx, first.request) is None, "a month later nobody asks for it"


def test_a_system_is_waited_for_since_it_was_first_found_away(tx):
    told = ("GP does not answer.", "Check that it runs.")
    wait = Wait.begin(GP, Reason.UNREACHABLE, told, "m", START)
    waits.put(tx, wait)
    waits.put(tx, Wait.begin(GP, Reason.QUIET, told, "m", START + HOUR))
    waits.put(tx, Wait.begin(ZOHO, Reason.CREDITS, told, "", START))
    found = waits.find(tx)
    assert found.keys() == {GP, ZOHO}
    assert (found[GP].since_at, found[GP].reason, found[GP].looked_at) == (START, "quiet hours", START + HOUR)
    waits.close(tx, GP)
    assert waits.find(tx).keys() == {ZOHO}
