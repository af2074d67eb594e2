"""What a day allows, what has to stay of it, and when more is free: tables."""

from datetime import UTC, datetime, timedelta

import pytest

from ml_connector.connectors.zoho_crm.budget import (
    DAY,
    Budget,
    allowance,
    free_at,
    freed,
    minute_of,
    within_day,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("edition", "users", "whole"),
    [
        ("free", 3, 5_000),
        ("standard", 0, 50_000),
        ("standard", 10, 52_500),
        ("standard", 1_000, 100_000),
        ("professional", 10, 55_000),
        ("professional", 10_000, 3_000_000),
        ("enterprise", 5, 55_000),
        ("enterprise", 9_999, 5_000_000),
        ("ultimate", 10_000, 20_050_000),
    ],
)
def test_a_day_allows_what_edition_and_licences_come_to(edition, users, whole):
    assert allowance(edition, users) == whole


@pytest.mark.parametrize(
    ("whole", "share", "reserved", "ordinary", "vital"),
    [
        (55_000, 0.1, 5_500, 5_700, 5_500),
        (5_000, 0.1, 500, 600, 500),
        (55_000, 0.0, 0, 200, 0),
        (101, 0.5, 51, 61, 51),
        (200, 0.9, 180, 190, 180),
    ],
)
def test_so_much_has_to_stay(whole, share, reserved, ordinary, vital):
    budget = Budget.of(whole, share)
    assert (budget.reserved, budget.floor(vital=False), budget.floor(vital=True)) == (
        reserved,
        ordinary,
        vital,
    )


@pytest.mark.parametrize(("whole", "price", "wanted"), [(55_000, 10, 560), (200, 5, 7), (200, 170, 170)])
def test_a_wait_ends_when_more_than_one_call_is_free(whole, price, wanted):
    assert Budget.of(whole, 0.1).wanted(price) == wanted


SPENT = {NOON - 23 * HOUR: 30, NOON - 2 * HOUR: 50, NOON: 7}


@pytest.mark.parametrize(
    ("later", "spent"),
    [
        (timedelta(), 87),
        (-MINUTE, 80),  # what is in the future does not count
        (HOUR, 87),  # the last second of that minute is not a day ago yet
        (HOUR + MINUTE, 57),
        (22 * HOUR + MINUTE, 7),
        (DAY + MINUTE, 0),
    ],
)
def test_what_was_spent_counts_for_a_day(later, spent):
    assert within_day(SPENT, NOON + later) == spent
    if later >= timedelta():
        assert freed(SPENT, NOON, NOON + later) == 87 - spent


def test_what_was_free_before_is_not_freed_again():
    assert freed(SPENT, NOON + 2 * HOUR, NOON + 3 * HOUR) == 0


@pytest.mark.parametrize(
    ("missing", "after"),
    [
        (1, HOUR + MINUTE),
        (30, HOUR + MINUTE),
        (31, 22 * HOUR + MINUTE),
        (81, DAY + MINUTE),
        (88, DAY),  # others have it: all of it is free in a day
    ],
)
def test_credits_are_free_again_when_a_day_has_passed(missing, after):
    assert free_at(SPENT, missing, NOON) == NOON + after


def test_a_minute_is_named_by_its_beginning():
    assert minute_of(NOON + timedelta(seconds=59.9)) == NOON
