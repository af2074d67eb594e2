"""Quiet hours: by the wall clock of their zone, over midnight, at month ends and when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml_connector.connectors.dynamics_gp.quiet import LONGEST, QuietTable, read_window

BERLIN = ZoneInfo("Europe/Berlin")


def table(*windows: str, zone: ZoneInfo = BERLIN) -> QuietTable:
    return QuietTable(zone, tuple(map(read_window, windows)))


def berlin(text: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("windows", "at", "until"),
    [
        ("mon-fri 07:00-09:30", "2026-11-23 06:59:59", None),
        ("mon-fri 07:00-09:30", "2026-11-23 07:00", "2026-11-23 09:30"),
        ("mon-fri 07:00-09:30", "2026-11-23 09:29:59", "2026-11-23 09:30"),
        ("mon-fri 07:00-09:30", "2026-11-23 09:30", None),
        ("mon-fri 07:00-09:30", "2026-11-22 08:00", None),  # a Sunday
        ("sat-mon 00:00-24:00", "2026-11-22 12:00", "2026-11-24 00:00"),  # over the end of the week, and midnights
        ("wed 8:05-8:06", "2026-11-25 08:05:30", "2026-11-25 08:06"),
        ("fri 22:00-05:00", "2026-11-27 23:00", "2026-11-28 05:00"),  # it belongs to the day it begins on
        ("fri 22:00-05:00", "2026-11-27 04:00", None),
        ("fri 22:00-00:00", "2026-11-27 23:59", "2026-11-28 00:00"),
        ("daily 12:00-13:00", "2026-11-29 12:30", "2026-11-29 13:00"),
        ("last-3 06:00-20:00", "2026-02-26 06:00", "2026-02-26 20:00"),  # 26, 27 and 28 February
        ("last-3 06:00-20:00", "2026-02-25 12:00", None),
        ("last-1 00:00-24:00", "2028-02-29 12:00", "2028-03-01 00:00"),
        ("last-1 22:00-02:00", "2026-12-01 01:00", "2026-12-01 02:00"),  # of the last day of November
        ("first-2 06:00-20:00", "2026-11-02 19:00", "2026-11-02 20:00"),
        ("first-2 06:00-20:00", "2026-11-03 12:00", None),
    ],
)  # fmt: skip
def test_what_is_quiet_and_until_when(windows, at, until):
    expected = berlin(until) if until else None
    assert table(windows).quiet_until(berlin(at)) == expected


def test_windows_that_meet_are_one():
    quiet = table("mon 07:00-09:00", "mon 09:00-10:00", "daily 09:30-11:00")
    assert quiet.quiet_until(berlin("2026-11-23 07:30")) == berlin("2026-11-23 11:00")


def test_without_windows_nothing_is_quiet():
    assert table().quiet_until(berlin("2026-11-23 07:30")) is None


@pytest.mark.parametrize(
    ("windows", "at", "until"),
    [
        # 29 March 2026: 02:00 becomes 03:00
        ("daily 01:00-05:00", berlin("2026-03-29 01:30"), berlin("2026-03-29 05:00")),  # an hour shorter
        ("daily 01:00-02:30", berlin("2026-03-29 01:30"), berlin("2026-03-29 03:00")),  # its end is no time
        ("daily 02:00-03:00", berlin("2026-03-29 03:00"), None),  # it does not take place
        # 25 October 2026: 03:00 becomes 02:00
        ("daily 01:00-05:00", berlin("2026-10-25 01:30"), berlin("2026-10-25 05:00")),  # an hour longer
        ("daily 02:00-02:30", berlin("2026-10-25 02:10"), berlin("2026-10-25 02:30")),  # and
        (
            "daily 02:00-02:30",
            berlin("2026-10-25 02:10", fold=1),
            berlin("2026-10-25 02:30", fold=1),
        ),  # twice
    ],
)
def test_when_the_clocks_change_the_wall_clock_counts(windows, at, until):
    assert table(windows).quiet_until(at) == until


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no window"),
        ("mon-fri", "is no window"),
        ("07:00-09:30", "is no window"),
        ("mon 07:00-09:30 UTC", "is no window"),
        ("monday 07:00-09:30", "names no day “monday”"),
        ("mon- 07:00-09:30", "names no day “mon-”"),
        ("last-0 07:00-09:30", "names no day “last-0”"),
        ("last-29 07:00-09:30", "names no day “last-29”"),
        ("mon-last 07:00-09:30", "names no day"),
        ("mon 07:60-09:30", "has no time 07:60"),
        ("mon 07:00-24:01", "has no time 24:01"),
        ("mon 07:00-07:00", "begins where it ends"),
        ("mon 24:00-07:00", "begins where it ends"),
    ],
)
def test_what_is_no_window_is_a_sentence(text, said):
    with pytest.raises(ValueError, match=said):
        read_window(text)


DAYS = st.sampled_from(["daily", "mon-fri", "sat-mon", "wed", "first-2", "last-3"])
TIMES = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda t: f"{t[0]:02}:{t[1]:02}")
WINDOWS = st.tuples(DAYS, TIMES, TIMES).filter(lambda w: w[1] != w[2]).map(lambda w: f"{w[0]} {w[1]}-{w[2]}")
ZONES = st.sampled_from(["Europe/Berlin", "America/Chicago", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 -- as it asks


@given(windows=st.lists(WINDOWS, max_size=3), zone=ZONES, at=INSTANTS)
@example(windows=["daily 01:00-02:30"], zone="Europe/Berlin", at=datetime(2026, 3, 29, 0, 30, tzinfo=UTC))
@example(
    windows=["daily 01:45-02:15"], zone="Australia/Lord_Howe", at=datetime(2026, 4, 4, 15, 10, tzinfo=UTC)
)
def test_the_end_is_the_first_minute_that_is_not_quiet(windows, zone, at):
    quiet = table(*windows, zone=ZoneInfo(zone))
    until = quiet.quiet_until(at)
    assert (until is None) == (not quiet.is_quiet(at))
    if until is None:
        return
    assert at < until <= at + LONGEST + timedelta(minutes=1)
    assert until.second == until.microsecond == 0
    assert not quiet.is_quiet(until) or until >= at + LONGEST
    minutes = int((until - at).total_seconds() // 60)
    step = max(1, minutes // 200)  # all of a short time, samples of a long one
    assert all(quiet.is_quiet(until - timedelta(minutes=n)) for n in range(1, minutes + 1, step))
