"""Cursors: they never pass the bound, never go back, and stay where nothing was seen."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import AT, instants

from ml_connector.core.change import DAY_OVERLAP, Cursor, advance, is_settled, set_back, telling_instants

SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)
MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)
seen_instants = st.lists(st.none() | instants, max_size=5)
cursors = st.none() | st.builds(Cursor, instants, st.booleans())


@pytest.mark.parametrize(
    ("cursor", "seen", "bound", "expected"),
    [
        (None, [], AT, None),
        (None, [None], AT, None),
        (None, [AT + SECOND], AT, None),
        (None, [AT], AT, Cursor(AT, finer_than_day=True)),
        (None, [MIDNIGHT], AT, Cursor(MIDNIGHT, finer_than_day=False)),
        (None, [MIDNIGHT, AT], AT, Cursor(AT, finer_than_day=True)),
        (None, [MIDNIGHT + TICK], AT, Cursor(MIDNIGHT + TICK, finer_than_day=True)),
        (Cursor(AT, finer_than_day=True), [], AT + SECOND, Cursor(AT, finer_than_day=True)),
        (Cursor(AT, finer_than_day=True), [AT - SECOND, None], AT, Cursor(AT, finer_than_day=True)),
        (Cursor(AT, True), [AT + SECOND, AT + 2 * SECOND], AT + SECOND, Cursor(AT + SECOND, True)),
        (Cursor(MIDNIGHT, finer_than_day=False), [AT], AT, Cursor(AT, finer_than_day=True)),
        (Cursor(AT, finer_than_day=True), [MIDNIGHT], AT, Cursor(AT, finer_than_day=True)),
        (Cursor(AT, finer_than_day=True), [], AT - SECOND, Cursor(AT, finer_than_day=True)),
        (Cursor(MIDNIGHT, finer_than_day=False), [AT + SECOND], AT, Cursor(MIDNIGHT, finer_than_day=False)),
    ],
)  # fmt: skip
def test_where_the_cursor_goes(cursor, seen, bound, expected):
    assert advance(cursor, seen, bound) == expected


@given(cursors, seen_instants, instants)
def test_a_cursor_is_always_an_instant_that_was_seen(cursor, seen, bound):
    moved = advance(cursor, seen, bound)
    if moved is None:
        assert cursor is None
        assert all(at is None or at > bound for at in seen)
        return
    assert moved.at in seen or (cursor is not None and moved.at == cursor.at)
    assert moved.at <= max(bound, cursor.at if cursor else bound)
    assert cursor is None or (moved.at >= cursor.at and moved.finer_than_day >= cursor.finer_than_day)


@given(cursors, seen_instants, instants)
def test_advancing_twice_is_advancing_once(cursor, seen, bound):
    once = advance(cursor, seen, bound)
    assert advance(once, seen, bound) == once


@given(cursors, seen_instants, seen_instants, instants)
def test_pages_may_come_apart(cursor, one, other, bound):
    assert advance(advance(cursor, one, bound), other, bound) == advance(cursor, one + other, bound)


@given(cursors, seen_instants, instants)
def test_the_telling_instants_say_as_much_as_all(cursor, seen, bound):
    few = telling_instants(seen, bound)
    assert len(few) <= 2
    assert advance(cursor, few, bound) == advance(cursor, seen, bound)


@pytest.mark.parametrize(
    ("finer", "overlap", "back"),
    [
        (True, timedelta(0), timedelta(0)),
        (True, timedelta(minutes=30), timedelta(minutes=30)),
        (False, timedelta(minutes=30), DAY_OVERLAP),
        (False, timedelta(days=9), timedelta(days=9)),
    ],
)
def test_where_the_next_window_begins(finer, overlap, back):
    assert Cursor(AT, finer).since(overlap) == AT - back


def test_how_fine_the_stamps_are():
    assert Cursor(AT, finer_than_day=True).granularity == SECOND
    assert Cursor(AT, finer_than_day=False).granularity == timedelta(days=2)
    assert timedelta(days=2) < DAY_OVERLAP  # what is in doubt is still listed by the next window


@pytest.mark.parametrize(
    ("at", "done_at", "fetched_after", "doubt", "expected"),
    [
        (AT, AT, 2 * SECOND, SECOND, True),
        (AT, AT, SECOND, SECOND, False),
        (AT, AT, timedelta(0), timedelta(0), False),
        (AT, AT, -SECOND, SECOND, False),
        (AT, None, 9 * SECOND, SECOND, False),
        (AT, AT - SECOND, 9 * SECOND, SECOND, False),
        (AT, AT + SECOND, 9 * SECOND, SECOND, False),
        (None, None, 9 * SECOND, SECOND, False),
        (None, AT, 9 * SECOND, SECOND, False),
    ],
)
def test_what_is_settled(at, done_at, fetched_after, doubt, expected):
    assert is_settled(at, done_at, AT + fetched_after, doubt) is expected


@given(instants, instants)
def test_a_stamp_from_the_future_is_never_settled(at, fetched_at):
    if fetched_at <= at:
        assert not is_settled(at, at, fetched_at, timedelta(0))


@given(instants, instants.filter(lambda at: at.year > 1), st.booleans())
def test_a_cursor_is_set_back_and_never_forward(at, known_at, finer):
    """What came since the store was as it is now is read again, with the overlap."""
    overlap = timedelta(minutes=30)
    back = set_back(Cursor(at, finer), known_at, overlap)
    assert back == Cursor(min(at, known_at - overlap), finer)
    assert set_back(back, known_at, overlap) == back


def test_no_cursor_is_set_back_to_none():
    assert set_back(None, AT, timedelta(0)) is None
