"""When a module is polled and what is known of it: tables of channels and polls, and weeks of accidents."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import START
from ml_connector.core.change import Cursor
from ml_connector.core.channels import Channel
from ml_connector.core.listening import (
    SETTLES_IN,
    Listening,
    Pace,
    Way,
    deleted_since,
    known_up_to,
    poll_due_at,
    since,
    way,
)

SECOND, MINUTE, HOUR, DAY = (timedelta(**{name: 1}) for name in ("seconds", "minutes", "hours", "days"))
PACE = Pace(poll=5 * MINUTE, safety=HOUR)
CHANNEL = Channel("Deals", "1", "path", enabled_at=START - DAY, expires_at=START + 5 * DAY)
GONE = replace(CHANNEL, expires_at=None)
ENDED = replace(CHANNEL, expires_at=START)
#: All is well: live for a day, polled half an hour ago, up for twelve hours.
WELL = Listening("Deals", CHANNEL, START - 30 * MINUTE, START - 12 * HOUR)


@pytest.mark.parametrize(
    ("listening", "how", "due"),
    [
        (WELL, Way.TOLD, 30 * MINUTE),
        (replace(WELL, channel=None), Way.POLLED, -25 * MINUTE),
        (replace(WELL, channel=GONE), Way.POLLED, -25 * MINUTE),
        (replace(WELL, channel=ENDED), Way.POLLED, -25 * MINUTE),
        (replace(WELL, channel=ENDED, polled_at=START - MINUTE), Way.POLLED, 4 * MINUTE),
        # Zoho has been asked for it anew, and has not answered yet.
        (replace(WELL, channel=replace(CHANNEL, enabled_at=None)), Way.POLLED, -25 * MINUTE),
        # Nobody takes what it tells.
        (replace(WELL, up_since=None), Way.POLLED, -25 * MINUTE),
        # Nobody was there while it told, between the last poll and ten seconds ago.
        (replace(WELL, up_since=START - 10 * SECOND), Way.CATCHING_UP, -25 * MINUTE),
        (replace(WELL, up_since=START, polled_at=START - SECOND), Way.CATCHING_UP, timedelta()),
        (replace(WELL, up_since=START, polled_at=START), Way.TOLD, HOUR),
        # It is back, and what it does not tell of yet is polled once more when it certainly does.
        (
            replace(WELL, channel=replace(CHANNEL, enabled_at=START), polled_at=START - MINUTE),
            Way.CATCHING_UP,
            4 * MINUTE,
        ),
        (
            replace(WELL, channel=replace(CHANNEL, enabled_at=START - 2 * MINUTE), polled_at=START),
            Way.CATCHING_UP,
            3 * MINUTE,
        ),
        (
            replace(WELL, channel=replace(CHANNEL, enabled_at=START - SETTLES_IN), polled_at=START),
            Way.TOLD,
            HOUR,
        ),
        # One was refused since the last poll: polled as if there were no channel, and not at once each time.
        (replace(WELL, missed_at=START - MINUTE), Way.CATCHING_UP, -25 * MINUTE),
        (replace(WELL, missed_at=START, polled_at=START - MINUTE), Way.CATCHING_UP, 4 * MINUTE),
        (replace(WELL, missed_at=START - HOUR), Way.TOLD, 30 * MINUTE),
        # Never, and before our clock was set back.
        (replace(WELL, polled_at=None), Way.CATCHING_UP, timedelta()),
        (replace(WELL, polled_at=START + HOUR), Way.CATCHING_UP, timedelta()),
        (Listening("Deals"), Way.POLLED, timedelta()),
    ],
)
def test_how_it_is_listened_to_and_when_it_is_polled(listening, how, due):
    assert way(listening, START) is how
    assert poll_due_at(listening, PACE, START) == START + due


@pytest.mark.parametrize(
    ("listening", "waiting", "known"),
    [
        (WELL, None, timedelta()),
        (WELL, -10 * SECOND, -10 * SECOND),
        (WELL, -2 * HOUR, -30 * MINUTE),  # the poll has found since what that one told of
        (WELL, HOUR, timedelta()),
        (replace(WELL, channel=GONE), None, -30 * MINUTE),
        (replace(WELL, up_since=START - MINUTE), None, -30 * MINUTE),
        (replace(WELL, missed_at=START), None, -30 * MINUTE),
        (replace(WELL, polled_at=START + HOUR), None, timedelta()),
        (replace(WELL, polled_at=None), None, None),
    ],
)
def test_up_to_when_all_is_known(listening, waiting, known):
    told = known_up_to(listening, None if waiting is None else START + waiting, START)
    assert told == (None if known is None else START + known)


@pytest.mark.parametrize(
    ("cursor", "start_at", "back"),
    [
        (None, None, None),
        (None, START, timedelta()),
        (Cursor(START, finer_than_day=True), None, -30 * MINUTE),
        (Cursor(START, finer_than_day=True), START - DAY, -30 * MINUTE),
        (Cursor(START, finer_than_day=True), START - MINUTE, -MINUTE),
        (Cursor(START, finer_than_day=False), None, -3 * DAY),
    ],
)
def test_how_far_a_poll_looks_back(cursor, start_at, back):
    assert since(cursor, 30 * MINUTE, start_at) == (None if back is None else START + back)


@pytest.mark.parametrize(
    ("polled_at", "cursor", "back"),
    [
        (-30 * MINUTE, -DAY, -HOUR),
        (-30 * MINUTE, None, -HOUR),
        (None, None, -30 * MINUTE),
        (None, -DAY, -DAY - 30 * MINUTE),  # after a restore
        (HOUR, None, -30 * MINUTE),  # our clock was set back
    ],
)
def test_deletions_are_looked_for_since_the_last_poll(polled_at, cursor, back):
    listening = replace(WELL, polled_at=None if polled_at is None else START + polled_at)
    known = None if cursor is None else Cursor(START + cursor, finer_than_day=True)
    assert deleted_since(listening, known, 30 * MINUTE, START) == START + back


#: What happens, each at some minute: a channel is asked for (Zoho has it a moment later), it ends, the process stops,
#: it starts, a notification is refused, a record changes, a poll fails.
EVENTS = ("enable", "end", "stop", "start", "refuse", "change", "fail")
HAPPENING = st.lists(
    st.tuples(st.sampled_from((0, 1, 2, 3, 10, 70)), st.sampled_from(EVENTS), st.integers(0, 240)),
    max_size=60,
)


class Month:
    """What really is, beside what is known of it; a turn each second of which something happens, or a poll is due."""

    def __init__(self):
        self.now = START
        self.listening = Listening("Deals")
        self.zoho_from = None  #: from when on Zoho really tells
        self.changed = []  #: instants of changes
        self.found = set()  #: those of them that we know
        self.refusing = self.failing = False

    def on(self, event, seconds):
        known, at = self.listening, self.now
        if event == "enable":
            channel = Channel("Deals", "1", "path", enabled_at=at, expires_at=at + 6 * DAY)
            self.listening = replace(known, channel=channel)
            self.zoho_from = at + timedelta(seconds=seconds)
        elif event == "end":
            self.listening, self.zoho_from = replace(known, channel=None), None
        elif event in ("stop", "start"):
            self.listening = replace(known, up_since=at if event == "start" else None)
        elif event == "refuse":
            self.refusing = True
        elif event == "fail":
            self.failing = True
        else:
            self.change()

    def change(self):
        self.changed.append(self.now)
        told = self.zoho_from is not None and self.zoho_from <= self.now and self.listening.up_since
        if told and self.refusing:
            self.listening = replace(self.listening, missed_at=self.now)
            self.refusing = False
        elif told:
            self.found.add(self.now)

    def poll(self):
        """What is done where it is due; nobody is there to do it while the process is stopped."""
        if self.listening.up_since is None or poll_due_at(self.listening, PACE, self.now) > self.now:
            return
        if self.failing:
            self.failing = False
            return
        self.found |= {at for at in self.changed if at <= self.now}
        self.listening = replace(self.listening, polled_at=self.now)

    def check(self):
        up_to = known_up_to(self.listening, None, self.now)
        unknown = [at for at in self.changed if at not in self.found and up_to is not None and at < up_to]
        assert not unknown, (unknown, up_to, self.listening)


@given(HAPPENING)
@settings(max_examples=300, deadline=None)
def test_what_is_said_to_be_known_is_known_whatever_happens(happening):
    month = Month()
    month.on("start", 0)
    for minutes, event, seconds in happening:
        for _ in range(minutes):
            month.now += MINUTE
            month.poll()
            month.check()
        month.now += SECOND
        month.on(event, seconds)
        month.check()
    month.on("start", 0)
    for _ in range(61):  # whatever was: an hour later all is known
        month.now += MINUTE
        month.poll()
        month.check()
    assert set(month.changed) <= month.found
    assert month.now - known_up_to(month.listening, None, month.now) <= 5 * MINUTE


def test_a_channel_that_is_well_for_a_month_costs_a_poll_an_hour():
    month, polls = Month(), 0
    month.on("start", 0)
    month.on("enable", 30)
    for _ in range(24 * 60):
        month.now += MINUTE
        before = month.listening.polled_at
        month.poll()
        polls += month.listening.polled_at != before
    assert polls == 1 + 1 + 23  # at first, when the channel had settled, then hourly
