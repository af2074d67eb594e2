"""When a flow is due, on the wall clocks of several zones."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.core.schedule import Schedule, due

BERLIN, CHICAGO = "Europe/Berlin", "America/Chicago"
MINUTE = timedelta(minutes=1)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "zone", "since", "now", "expected"),
    [
        ("*/15 * * * *", "UTC", "2026-03-02 10:00", "2026-03-02 10:14:59", None),
        ("*/15 * * * *", "UTC", "2026-03-02 10:00", "2026-03-02 10:15", "2026-03-02 10:15"),
        ("*/15 * * * *", "UTC", "2026-03-02 10:00", "2026-03-02 10:15:00.5", "2026-03-02 10:15"),
        # a day asleep is caught up once
        ("*/15 * * * *", "UTC", "2026-03-01 10:00", "2026-03-02 10:20", "2026-03-02 10:15"),
        # every night at half past two in Berlin: an hour before UTC in winter, two in summer
        ("30 2 * * *", BERLIN, "2026-01-01 00:00", "2026-01-02 01:29", "2026-01-01 01:30"),
        ("30 2 * * *", BERLIN, "2026-01-01 01:30", "2026-01-02 01:29", None),
        ("30 2 * * *", BERLIN, "2026-07-01 00:30", "2026-07-02 00:30", "2026-07-02 00:30"),
        # 2026-03-29: the clock leaves out 02:00 to 03:00; half past two is half past three by the new clock
        ("30 2 * * *", BERLIN, "2026-03-28 01:30", "2026-03-29 01:29", None),
        ("30 2 * * *", BERLIN, "2026-03-28 01:30", "2026-03-29 01:30", "2026-03-29 01:30"),
        # 2026-10-25: the clock shows 02:30 twice; the first counts
        ("30 2 * * *", BERLIN, "2026-10-24 00:30", "2026-10-25 00:30", "2026-10-25 00:30"),
        ("30 2 * * *", BERLIN, "2026-10-25 00:30", "2026-10-25 23:00", None),
        # ... and what comes every quarter of an hour comes in both hours
        ("*/15 * * * *", BERLIN, "2026-10-25 00:45", "2026-10-25 01:00", "2026-10-25 01:00"),
        ("*/15 * * * *", BERLIN, "2026-10-25 01:15", "2026-10-25 01:30", "2026-10-25 01:30"),
        ("*/15 * * * *", BERLIN, "2026-03-29 00:45", "2026-03-29 01:00", "2026-03-29 01:00"),
        # every other hour: the one that is left out in spring
        ("0 */2 * * *", BERLIN, "2026-03-28 23:00", "2026-03-29 00:59", None),
        ("0 */2 * * *", BERLIN, "2026-03-28 23:00", "2026-03-29 01:00", "2026-03-29 01:00"),
        # shifts, on weekdays; Friday's last is caught up on Sunday
        ("0 6,14,22 * * mon-fri", CHICAGO, "2026-03-06 20:00", "2026-03-08 12:00", "2026-03-07 04:00"),
        ("@daily", "UTC", "2026-03-01 00:00", "2026-03-02 00:00", "2026-03-02 00:00"),
        ("0 5 l * *", "UTC", "2026-02-01 00:00", "2026-03-01 00:00", "2026-02-28 05:00"),
        # Samoa had no 30 December 2011
        ("0 12 * * *", "Pacific/Apia", "2011-12-29 22:00", "2011-12-30 22:00", "2011-12-30 22:00"),
        # the clock was set back: the mark is in the future, and nothing before now is missed
        ("*/15 * * * *", "UTC", "2027-03-02 10:00", "2026-03-02 10:20", None),
    ],
)
def test_what_is_due(cron, zone, since, now, expected):
    found = due(Schedule.read(cron, zone), utc(since), utc(now))
    assert found == (expected and utc(expected))


@pytest.mark.parametrize(
    ("cron", "zone", "now", "expected"),
    [
        ("*/15 * * * *", "UTC", "2026-03-02 10:15", "2026-03-02 10:30"),
        ("30 2 * * *", BERLIN, "2026-03-29 01:29", "2026-03-29 01:30"),
        ("30 2 * * *", BERLIN, "2026-03-29 01:30", "2026-03-30 00:30"),
        ("30 2 * * *", BERLIN, "2026-10-25 00:30", "2026-10-26 01:30"),
        ("0 * * * *", BERLIN, "2026-10-25 00:30", "2026-10-25 01:00"),
        ("0 0 29 2 *", "UTC", "2026-03-01 00:00", "2028-02-29 00:00"),
    ],
)
def test_when_it_is_due_next(cron, zone, now, expected):
    assert Schedule.read(cron, zone).following(utc(now)) == utc(expected)


@pytest.mark.parametrize(
    "cron",
    ["", "hourly", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "H * * * *", "R * * * *", "*/0 * * * *",
     "0 24 * * *", "a b c d e", "0 0 * * mon#1 x"],
)  # fmt: skip
def test_what_is_no_schedule_is_told_with_an_example(cron):
    with pytest.raises(ValueError, match=r"no schedule.*write minute, hour"):
        Schedule.read(cron, "UTC")


@pytest.mark.parametrize("zone", ["", "Berlin", "Europe/Nowhere", "../etc/passwd", "/etc/passwd"])
def test_what_is_no_time_zone_is_told(zone):
    with pytest.raises(ValueError, match="no time zone"):
        Schedule.read("0 * * * *", zone)


ZONES = st.sampled_from(["UTC", BERLIN, CHICAGO, "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"])
NIGHTLY = st.builds("{} {} * * *".format, st.integers(0, 59), st.integers(0, 23))
OFTEN = st.sampled_from(["* * * * *", "*/15 * * * *", "7 * * * *", "0 */2 * * *", "*/7 */3 * * *"])
INSTANTS = st.floats(0, 86_400 * 3650).map(lambda seconds: utc("2020-01-01") + timedelta(seconds=seconds))
#: Around the moves of clocks, where it is hard.
MOVES = st.builds(
    lambda move, minutes: move + minutes * MINUTE,
    st.sampled_from([utc("2026-03-29 01:00"), utc("2026-10-25 01:00"), utc("2026-03-08 08:00"),
                     utc("2026-11-01 07:00"), utc("2026-04-04 15:00"), utc("2026-10-03 15:30")]),
    st.integers(-300, 300),
)  # fmt: skip


@given(st.one_of(NIGHTLY, OFTEN), ZONES, st.one_of(INSTANTS, MOVES))
def test_the_last_is_the_one_before_the_next(cron, zone, now):
    schedule = Schedule.read(cron, zone)
    last, following = schedule.latest(now), schedule.following(now)
    assert last is not None
    assert last <= now < following
    assert schedule.latest(following) == following
    assert schedule.latest(following - timedelta(microseconds=1)) == last
    assert schedule.following(last) == following


@settings(max_examples=25)
@given(NIGHTLY, ZONES, st.integers(0, 3000))
def test_a_nightly_run_happens_once_a_day_whatever_the_clock_does(cron, zone, day):
    schedule = Schedule.read(cron, zone)
    since = utc("2026-01-01 00:00") + timedelta(days=day % 365)
    ran, now = [], since
    for _ in range(24 * 10):
        now += timedelta(hours=1)
        if (instant := due(schedule, since, now)) is not None:
            ran.append(instant)
            since = instant
    dates = [instant.astimezone(schedule.zone).date() for instant in ran]
    assert len(dates) == len(set(dates))
    assert len(ran) in (9, 10, 11)


@given(
    st.one_of(NIGHTLY, OFTEN), ZONES, st.one_of(INSTANTS, MOVES), st.lists(st.integers(1, 5000), max_size=12)
)
def test_looked_at_at_whatever_times_each_is_run_once_and_in_order(cron, zone, start, steps):
    schedule = Schedule.read(cron, zone)
    since = now = start
    ran = []
    for step in steps:
        now += step * MINUTE
        if (instant := due(schedule, since, now)) is not None:
            assert since < instant <= now
            assert schedule.following(instant) > now  # the last one, not an older one
            ran.append(instant)
            since = instant
    assert ran == sorted(set(ran))
