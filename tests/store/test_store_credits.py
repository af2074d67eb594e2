"""What was spent, by the minute, over all processes."""

from datetime import timedelta

import pytest

from memory import START, FakeClock
from ml_connector.store.credits import Credits

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NOON = START.replace(second=0)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def ours(database, clock):
    """Two processes of one account."""
    return Credits(database, "1000.ABC", clock), Credits(database, "1000.ABC", clock)


def test_what_all_processes_spent_adds_up(ours):
    one, two = ours
    one.keep({NOON: 10, NOON + MINUTE: 3})
    two.keep({NOON: 5})
    for process in ours:
        assert process.find(NOON) == {NOON: 15, NOON + MINUTE: 3}
    assert one.find(NOON + MINUTE) == {NOON + MINUTE: 3}


def test_a_sum_that_is_kept_again_changes_nothing_and_a_new_one_replaces_it(ours):
    one, two = ours
    for _ in range(2):
        one.keep({NOON: 10})
        two.keep({NOON: 1})
    assert one.find(NOON) == {NOON: 11}
    one.keep({NOON: 30})
    assert two.find(NOON) == {NOON: 31}


def test_accounts_do_not_mix(database, clock, ours):
    other = Credits(database, "1000.XYZ", clock)
    other.keep({NOON: 7})
    assert ours[0].find(NOON) == {}
    assert other.find(NOON) == {NOON: 7}


def test_what_is_older_than_two_days_is_forgotten(clock, ours):
    one, _ = ours
    one.keep({NOON: 10})
    clock.at += 2 * DAY
    one.keep({NOON + 2 * DAY: 4})
    assert one.find(NOON - DAY) == {NOON + 2 * DAY: 4}
    assert START > NOON, "the first minute had begun before"
