"""What is an alert, and when it has passed: a table of how things stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from memory import START
from ml_connector.core import alerts
from ml_connector.core.alerts import Alert, FlowFacts, Holds, Kind, Limits, decide, is_alert_address, next_try
from ml_connector.core.catalogue import SCHEMA_DRIFT
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.waits import GP, ZOHO, Reason, Wait

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIMITS = Limits(waiting=30 * MINUTE, failed=timedelta(), late=HOUR, held=7 * DAY, database=5 * MINUTE)
WELL = FlowFacts("customers", frozenset({GP, ZOHO}), done_at=START - 5 * MINUTE, state="done")
FAILS = replace(WELL, failing_since=START - MINUTE, state="failed", note="A field is missing.")
LATE = replace(WELL, done_at=START - 3 * HOUR, due_at=START - 2 * HOUR)
BEGAN = START - 30 * DAY


def wait(reason: str = Reason.UNREACHABLE, since=START - HOUR, system: str = GP) -> dict[str, Wait]:
    return {system: Wait.begin(system, reason, ("It does not answer.", "Check that it runs."), "", since)}


def find(*flows: FlowFacts, waits=None, known=(), limits=LIMITS, began=BEGAN) -> list[Alert]:
    return alerts.find(flows, waits or {}, known, limits, START, began)


HELD = {"AMBIGUOUS_MATCH": Holds(3, START - 8 * DAY), "RECORD_LOCKED": Holds(1, START - HOUR)}


@pytest.mark.parametrize(
    ("flow", "waits", "kinds"),
    [
        (WELL, {}, []),
        # a system is away
        (WELL, wait(), [Kind.WAITING]),
        (WELL, wait(since=START - 29 * MINUTE), []),
        (WELL, wait(Reason.QUIET), []),
        (WELL, wait(Reason.REFUSED, START), [Kind.WAITING]),  # it does not pass by itself
        (FAILS, wait(), [Kind.WAITING]),  # it fails because of that
        (LATE, wait(since=START - MINUTE), []),  # and that is not long yet
        (LATE, wait(Reason.QUIET), []),  # quiet hours are what somebody wanted
        (replace(LATE, needs=frozenset({ZOHO})), wait(), [Kind.WAITING, Kind.LATE]),
        # it fails
        (FAILS, {}, [Kind.FAILED]),
        (replace(FAILS, state="limit"), {}, [Kind.FAILED]),
        (replace(FAILS, state="broken"), {}, [Kind.FAILED]),
        (replace(FAILS, state="away"), {}, [Kind.FAILED]),  # as one did that a command asked for
        (replace(FAILS, owed=True), {}, []),  # it is run again in a moment
        (replace(FAILS, paused=True), {}, []),
        (replace(FAILS, due_at=START - DAY), {}, [Kind.FAILED]),  # it did run
        # it does not run
        (LATE, {}, [Kind.LATE]),
        (replace(LATE, done_at=None), {}, [Kind.LATE]),
        (replace(LATE, due_at=START - 59 * MINUTE), {}, []),
        (replace(LATE, paused=True), {}, []),
        # records wait
        (replace(WELL, held={SCHEMA_DRIFT: Holds(2, START)}), {}, [Kind.DRIFT]),
        (replace(WELL, held=HELD), {}, [Kind.HELD]),
        (replace(WELL, held={"RECORD_LOCKED": Holds(5, START - DAY)}), {}, []),
        (replace(WELL, held=HELD), wait(), [Kind.WAITING, Kind.HELD]),
    ],
)
def test_what_is_an_alert(flow: FlowFacts, waits, kinds: list[Kind]) -> None:
    assert [alert.kind for alert in find(flow, waits=waits)] == kinds


def test_every_alert_says_what_happened_and_what_to_do() -> None:
    held = replace(
        FAILS, flow="vendors", needs=frozenset({ZOHO}), held={**HELD, SCHEMA_DRIFT: Holds(1, START)}
    )
    late = replace(LATE, flow="deals", needs=frozenset({ZOHO}))
    told = find(WELL, held, late, waits=wait())
    assert {alert.kind for alert in told} == set(Kind) - {Kind.CHANNEL, Kind.DATABASE}
    assert {alert.kind: alert.happened for alert in told} == {
        Kind.WAITING: "gp has been waited for since 2026-11-02 07:30 UTC (unreachable), and so wait customers.",
        Kind.FAILED: "vendors has not run well since 2026-11-02 08:29 UTC; its last run ended as failed. A field is"
        " missing.",
        Kind.LATE: "deals was due at 2026-11-02 06:30 UTC and has not run to its end since; it last did at"
        " 2026-11-02 05:30 UTC.",
        Kind.DRIFT: "Fields of the CRM are not as vendors needs them: 1 hold is open for that.",
        Kind.HELD: "In vendors 5 holds are open, the oldest since 2026-10-25 08:30 UTC.",
    }
    assert all(alert.remedy for alert in told)


def test_a_late_flow_that_is_at_work_is_told_as_that() -> None:
    [late] = find(replace(LATE, under_way_since=START - HOUR))
    assert late.happened.endswith("A run has been under way since 2026-11-02 07:30 UTC.")


def test_only_of_what_is_wanted_anybody_is_told() -> None:
    limits = replace(LIMITS, about=[Kind.HELD])
    assert find(LATE, FAILS, replace(WELL, held=HELD), waits=wait(), limits=limits)[0].kind is Kind.HELD
    assert find(LATE, FAILS, waits=wait(), limits=limits) == []


def test_a_store_that_is_away_is_an_alert_once_that_is_for_long() -> None:
    error = ConfigurationError("The disk is full.", "Make room.")
    since = START - 5 * MINUTE
    assert alerts.find_away(error, LIMITS, START - MINUTE, since) is None
    assert alerts.find_away(error, LIMITS, START, since) == Alert(
        Kind.DATABASE,
        "database",
        since,
        "The database has not been there since 2026-11-02 08:25 UTC, and nothing runs. The disk is full.",
        "Make room.",
    )
    assert alerts.find_away(error, replace(LIMITS, about=[Kind.HELD]), START, since) is None


def test_nothing_was_late_before_anybody_served() -> None:
    assert find(LATE, began=START - 59 * MINUTE) == []
    assert [alert.since_at for alert in find(LATE, began=START - HOUR)] == [START - HOUR]


def test_a_system_is_there_again_when_a_flow_ran_well_and_not_when_a_probe_says_so() -> None:
    [away] = find(WELL, waits=wait())
    before = replace(WELL, done_at=START - 2 * HOUR)
    assert find(before, known=[away]) == [away]
    assert find(replace(FAILS, done_at=START - 2 * HOUR), known=[away]) == [away], (
        "and that it fails is no news"
    )
    assert find(replace(before, done_at=START - MINUTE), known=[away]) == []
    assert find(replace(before, paused=True), known=[away]) == [], "nobody will find out"
    assert find(replace(before, needs=frozenset({ZOHO})), known=[away]) == []


FAILED, OVERDUE = (
    Alert(Kind.FAILED, "customers", START - HOUR, "", ""),
    Alert(Kind.LATE, "customers", START - HOUR, "", ""),
)


@pytest.mark.parametrize(
    ("alert", "flow", "holds"),
    [
        (FAILED, FAILS, True),
        (FAILED, replace(FAILS, owed=True), True),
        (FAILED, replace(FAILS, paused=True), True),
        (FAILED, replace(FAILS, failing_since=None), False),
        (OVERDUE, replace(LATE, due_at=None, paused=True), True),
        (OVERDUE, replace(LATE, failing_since=START, state="failed"), True),
        (OVERDUE, replace(LATE, due_at=None), True),  # a person changed its schedule
        (OVERDUE, replace(LATE, done_at=None), True),
        (OVERDUE, WELL, False),
        (OVERDUE, replace(WELL, flow="vendors"), False),  # the settings have no such flow any more
    ],
)
@pytest.mark.parametrize("waits", [{}, wait(since=START - MINUTE)], ids=["", "waits"])
def test_a_flow_is_well_again_when_it_ran_well_and_not_because_something_keeps_it_back(
    alert: Alert, flow: FlowFacts, waits, holds: bool
) -> None:
    assert (alert.named in {found.named for found in find(flow, known=[alert], waits=waits)}) is holds


def test_what_is_new_is_raised_and_what_holds_no_more_has_passed() -> None:
    [fails] = find(FAILS)
    [late] = find(replace(LATE, flow="vendors"))
    later = replace(fails, happened="Something else.")
    assert decide([fails, late], []) == alerts.Change([fails, late], [])
    assert decide([later, late], [fails]) == alerts.Change([late], []), (
        "it is known, however it is worded now"
    )
    assert decide([late], [fails, late]) == alerts.Change([], [fails])
    assert decide([], []) == alerts.Change([], [])


def test_a_message_is_tried_ever_more_seldom_at_last_every_hour() -> None:
    pauses = [(next_try(tries, START) - START).total_seconds() for tries in range(9)]
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert next_try(10_000, START) == START + HOUR


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("alerts.mail", True),
        ("alerts.team-1_b", True),
        ("alerts.", False),
        ("alerts.Mail", False),
        ("mail", False),
        ("mailto://anna:secret@example.com", False),
        ("alerts.mail\n", False),
    ],
)
def test_an_address_is_the_name_of_a_secret(name: str, is_one: bool) -> None:
    assert is_alert_address(name) is is_one
