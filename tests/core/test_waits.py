"""Waiting for a system: its reason, and when to look again."""

from datetime import UTC, datetime, timedelta

import pytest

from ml_connector.core.errors import (
    AllowanceError,
    ConfigurationError,
    ConnectorError,
    NotDoneError,
    RetryableError,
    of_system,
)
from ml_connector.core.waits import FIRST_LOOK, GP, LONGEST_LOOK, ZOHO, Reason, Wait, reason_of

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
TOLD = ("GP does not answer.", "Check that it runs.")


def refused():
    error = ConfigurationError("The password is refused.")
    error.reason = Reason.REFUSED
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RetryableError("away"), "unreachable"),
        (NotDoneError("busy"), "unreachable"),
        (AllowanceError("gone", "", after_seconds=60, wanted=5), "credits"),
        (refused(), "refused"),
        (ConfigurationError("a field is missing"), ""),
        (ConnectorError("?"), ""),
    ],
)
def test_why_a_system_is_waited_for(error, reason):
    assert reason_of(error) == reason


def test_an_error_is_of_the_system_that_it_was_first_known_as():
    with pytest.raises(RetryableError) as caught, of_system(GP), of_system(ZOHO):
        raise RetryableError("away")
    assert caught.value.system == ZOHO


def test_it_looks_ever_more_seldom_and_never_gives_up():
    wait, pauses = Wait.begin(GP, Reason.UNREACHABLE, TOLD, "m", NOW), []
    now = NOW
    for _ in range(2000):
        pauses.append(wait.next_look_at - now)
        now = wait.next_look_at
        assert wait.is_due(now)
        assert not wait.is_due(now - timedelta(seconds=1))
        wait = wait.still(Reason.UNREACHABLE, TOLD, "m", now)
    assert pauses[0] == FIRST_LOOK
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_LOOK
    assert wait.since_at == NOW


@pytest.mark.parametrize("reason", [Reason.REFUSED, Reason.QUIET])
def test_what_takes_no_call_is_looked_at_often(reason):
    wait = Wait.begin(GP, reason, TOLD, "m", NOW)
    for _ in range(20):
        wait = wait.still(reason, TOLD, "m", wait.next_look_at)
    assert wait.next_look_at - wait.looked_at == FIRST_LOOK


def test_a_clock_that_was_set_back_makes_it_look_at_once():
    wait = Wait.begin(GP, Reason.UNREACHABLE, TOLD, "m", NOW)
    assert wait.is_due(NOW - timedelta(hours=1))
