"""A channel that cannot be kept: when a person is told, and of what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from memory import START
from ml_connector.core.alerts import Kind, Limits, find_silent
from ml_connector.core.channels import Channel

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LIMITS = Limits(30 * MINUTE, timedelta(), timedelta(hours=1), 7 * DAY, 5 * MINUTE)
LIVE = Channel("Deals", "1", "p", expires_at=START + 6 * DAY, enabled_at=START)
FAILS = replace(LIVE, failing_since=START + 2 * DAY, tries=5, reason="The scope was not granted.")
NEVER = Channel("Quotes", "2", "q", failing_since=START, tries=5, reason="Zoho is away.")


@pytest.mark.parametrize(
    ("channel", "after", "is_told"),
    [
        (LIVE, 30 * DAY, False),
        (FAILS, 4 * DAY - MINUTE, False),
        (FAILS, 4 * DAY, True),
        (FAILS, 6 * DAY, True),
        (replace(FAILS, failing_since=START + 5 * DAY), 5 * DAY, True),
        (
            replace(FAILS, failing_since=START + 7 * DAY),
            7 * DAY + 29 * MINUTE,
            False,
        ),  # it slept over the end
        (replace(FAILS, failing_since=START + 7 * DAY), 7 * DAY + 30 * MINUTE, True),
        (NEVER, 29 * MINUTE, False),
        (NEVER, 30 * MINUTE, True),
        (replace(LIVE, expires_at=START + 60 * MINUTE, failing_since=START + 20 * MINUTE), 40 * MINUTE, True),
    ],
)
def test_it_is_told_before_the_end_and_of_what_is_gone_once_it_lasts(channel, after, is_told) -> None:
    found = find_silent([channel], LIMITS, START + after)
    assert [(alert.kind, alert.subject) for alert in found] == [(Kind.CHANNEL, channel.module)] * is_told
    assert find_silent([channel], replace(LIMITS, about=[Kind.LATE]), START + after) == []


def test_it_says_until_when_and_why() -> None:
    [alert] = find_silent([FAILS], LIMITS, START + 5 * DAY)
    assert alert.since_at == START + 2 * DAY
    assert alert.happened == (
        "The channel by which Zoho tells of Deals ends at 2026-11-08 08:30 UTC; it could not be kept since"
        " 2026-11-04 08:30 UTC. The scope was not granted."
    )
    [alert] = find_silent([NEVER], LIMITS, START + DAY)
    assert "tells of Quotes is not there; it could not be kept" in alert.happened
    assert "channels renew" in alert.remedy
