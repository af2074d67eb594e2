"""When what waits is tried again by itself: soon at first, then at distances that double, and for ever."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.attempts import FIRST_DISTANCE, LONGEST_DISTANCE, next_attempt

SINCE = datetime(2026, 11, 2, 8, 30, 15, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def attempts(number: int) -> list[timedelta]:
    """How long after the first each attempt comes, each made when it is due."""
    at, found = SINCE, [timedelta(0)]
    while len(found) < number:
        at = next_attempt(SINCE, at)
        found.append(at - SINCE)
    return found


def test_the_distances_double_up_to_the_longest():
    first = [timedelta(0), 5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 80 * MINUTE]
    assert attempts(6) == first
    distances = [later - earlier for earlier, later in pairwise(attempts(40))]
    assert distances == sorted(distances)
    assert set(distances[-25:]) == {LONGEST_DISTANCE}


@pytest.mark.parametrize(
    ("waited", "distance"),
    [
        (timedelta(0), 5 * MINUTE),
        (3 * MINUTE, 5 * MINUTE),
        (7 * MINUTE, 7 * MINUTE),
        (6 * HOUR, 6 * HOUR),
        (24 * HOUR, 20 * HOUR),
        (timedelta(days=400), 20 * HOUR),
        (-timedelta(days=2), 5 * MINUTE),  # our clock was set back
    ],
)
def test_the_distance_is_as_long_as_it_has_waited(waited, distance):
    assert next_attempt(SINCE, SINCE + waited) - (SINCE + waited) == distance


def test_a_nightly_run_tries_it_every_night():
    """The attempt comes some time after its run began, and the next run begins a day after that one."""
    night, attempt = SINCE, SINCE + 9 * MINUTE
    for _ in range(30):
        night += timedelta(days=1)
        assert next_attempt(SINCE, attempt) <= night
        attempt = night + 9 * MINUTE


@given(st.timedeltas(timedelta(0), timedelta(days=1000)))
def test_it_is_never_given_up_and_never_hurried(waited):
    at = SINCE + waited
    assert FIRST_DISTANCE <= next_attempt(SINCE, at) - at <= LONGEST_DISTANCE
