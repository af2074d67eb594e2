"""What is to be done with a channel, and what becomes of it: tables of rows, instants and answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from memory import START
from ml_connector.core.channels import (
    LIFE,
    Channel,
    Step,
    alarm_at,
    asked,
    failed,
    gone,
    granted,
    is_live,
    is_ours,
    keeps_token,
    looked,
    next_step,
    not_ours,
    renewal_at,
)
from ml_connector.core.errors import ConfigurationError, NotDoneError, RetryableError
from ml_connector.core.ports import FoundChannel

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
URL, OTHER_URL = "https://example.com/webhooks/zoho/path", "https://example.org/webhooks/zoho/path"
NEW = Channel("Deals", "100", "path")
LIVE = replace(
    NEW,
    notify_url=URL,
    token_hash="a",
    is_taken=True,
    expires_at=START + LIFE,
    enabled_at=START,
    verified_at=START,
)
FOUND = FoundChannel("Deals", "100", URL, "a", START + LIFE)
RENEWED = replace(LIVE, renewed_at=START + 2 * DAY, expires_at=START + 2 * DAY + LIFE)
FAILING = replace(LIVE, failing_since=START + 2 * DAY, next_try_at=START + 2 * DAY + HOUR, tries=9)


@pytest.mark.parametrize(
    ("channel", "url", "after", "step"),
    [
        (NEW, URL, timedelta(), Step.ENABLE),
        (NEW, "", timedelta(), Step.REMOVE),
        (LIVE, URL, timedelta(), Step.NOTHING),
        (LIVE, URL, DAY - MINUTE, Step.NOTHING),
        (LIVE, URL, DAY, Step.LOOK),
        (replace(LIVE, verified_at=START + 30 * DAY), URL, timedelta(), Step.LOOK),  # our clock was set back
        (LIVE, URL, LIFE / 3 - MINUTE, Step.LOOK),
        (LIVE, URL, LIFE / 3, Step.RENEW),
        (LIVE, URL, LIFE - MINUTE, Step.RENEW),
        (LIVE, URL, LIFE, Step.ENABLE),
        (LIVE, URL, 30 * DAY, Step.ENABLE),
        (LIVE, OTHER_URL, timedelta(), Step.RENEW),
        (LIVE, "", timedelta(), Step.REMOVE),
        (replace(LIVE, expires_at=START + HOUR), URL, 20 * MINUTE, Step.RENEW),
        (replace(LIVE, expires_at=START + HOUR), URL, 19 * MINUTE, Step.NOTHING),
        (replace(RENEWED, verified_at=START + 4 * DAY), URL, 4 * DAY - MINUTE, Step.NOTHING),
        (replace(RENEWED, verified_at=START + 4 * DAY), URL, 4 * DAY, Step.RENEW),
        (replace(LIVE, todo=Step.LOOK), URL, timedelta(), Step.LOOK),
        (replace(LIVE, todo=Step.LOOK), URL, 30 * DAY, Step.LOOK),
        (replace(LIVE, todo=Step.ENABLE), URL, timedelta(), Step.ENABLE),
        (replace(LIVE, todo=Step.LOOK), "", timedelta(), Step.REMOVE),
        (FAILING, URL, 2 * DAY + HOUR - MINUTE, Step.NOTHING),
        (FAILING, "", 2 * DAY + HOUR - MINUTE, Step.NOTHING),
        (FAILING, URL, 2 * DAY + HOUR, Step.RENEW),
        (FAILING, URL, DAY, Step.LOOK),  # the clock was set back: nothing is put off for a day
    ],
)
def test_what_is_to_be_done(channel: Channel, url: str, after: timedelta, step: Step) -> None:
    assert next_step(channel, url, START + after) is step


def test_it_is_live_until_what_was_granted_and_not_once_it_is_known_to_be_gone() -> None:
    assert is_live(LIVE, START + LIFE - MINUTE)
    assert not is_live(LIVE, START + LIFE)
    assert not is_live(NEW, START)
    assert not is_live(gone(LIVE), START)
    assert is_live(asked(LIVE, Step.RENEW, URL, "b", START), START), "the old life goes on"


def test_the_old_token_is_taken_for_as_long_as_it_was_granted() -> None:
    now = START + 2 * DAY
    first = asked(LIVE, Step.RENEW, URL, "b", now)
    assert (first.token_hash, first.old_token_hash, first.old_until) == ("b", "a", LIVE.expires_at)
    assert (first.is_taken, first.todo) == (False, Step.LOOK)
    again = asked(replace(first, todo=Step.RENEW), Step.RENEW, URL, "b", now + HOUR)
    assert (again.old_token_hash, again.old_until) == ("a", LIVE.expires_at)
    another = asked(first, Step.RENEW, URL, "c", now)  # the secret of the token is lost
    assert (another.token_hash, another.old_token_hash) == ("c", "a")
    done = granted(again, Step.RENEW, now + LIFE, now)
    assert (done.old_until, done.expires_at, done.is_taken) == (LIVE.expires_at, now + LIFE, True)
    assert asked(NEW, Step.ENABLE, URL, "a", now).old_token_hash == ""


@pytest.mark.parametrize(
    ("channel", "keeps"),
    [
        (LIVE, False),
        (replace(LIVE, is_taken=False), True),
        (replace(LIVE, old_until=START), False),
        (replace(LIVE, old_until=START + MINUTE), True),
    ],
)
def test_another_token_is_given_only_when_no_third_would_be_taken(channel: Channel, keeps: bool) -> None:
    assert keeps_token(channel, START) is keeps


def test_what_was_granted_counts_and_not_what_was_asked_for() -> None:
    short = granted(asked(NEW, Step.ENABLE, URL, "a", START), Step.ENABLE, START + HOUR, START)
    assert (short.expires_at, short.enabled_at, short.renewed_at) == (START + HOUR, START, None)
    assert "shorter time" in short.reason
    assert renewal_at(short, START + HOUR) == START + 20 * MINUTE
    assert granted(LIVE, Step.ENABLE, START + LIFE, START).reason == ""


@pytest.mark.parametrize(
    ("life", "todo"), [(LIFE, Step.NOTHING), (LIFE / 2, Step.NOTHING), (HOUR, Step.ENABLE)]
)
def test_a_renewal_that_is_suddenly_short_leads_to_a_channel_anew(life: timedelta, todo: Step) -> None:
    now = START + 2 * DAY
    done = granted(asked(LIVE, Step.RENEW, URL, "b", now), Step.RENEW, now + life, now)
    assert (done.todo, done.expires_at) == (todo, now + life)
    assert done.is_taken is (todo is Step.NOTHING), "enabled anew it keeps its token"


def test_an_hour_after_an_hour_is_no_reason_to_begin_anew() -> None:
    short = replace(LIVE, expires_at=START + HOUR)
    now = START + 20 * MINUTE
    assert granted(short, Step.RENEW, now + HOUR, now).todo is Step.NOTHING


PENDING = asked(LIVE, Step.RENEW, URL, "b", START + 2 * DAY)
KEPT = asked(LIVE, Step.RENEW, URL, "a", START + 2 * DAY)


@pytest.mark.parametrize(
    ("channel", "found", "todo", "until", "is_taken"),
    [
        (LIVE, FOUND, Step.NOTHING, START + LIFE, True),
        (LIVE, replace(FOUND, expires_at=START + 5 * DAY), Step.NOTHING, START + 5 * DAY, True),
        (LIVE, None, Step.ENABLE, None, False),
        (LIVE, replace(FOUND, token_hash="x"), Step.RENEW, START + LIFE, False),
        (LIVE, replace(FOUND, notify_url=OTHER_URL), Step.RENEW, START + LIFE, False),
        (PENDING, None, Step.ENABLE, None, False),
        (PENDING, FOUND, Step.RENEW, START + LIFE, False),  # it was not done, and the same is asked again
        (KEPT, FOUND, Step.RENEW, START + LIFE, False),  # likewise, with the token that it had
        (KEPT, replace(FOUND, expires_at=START + 8 * DAY), Step.NOTHING, START + 8 * DAY, True),
        (
            PENDING,
            replace(FOUND, token_hash="b", expires_at=START + 8 * DAY),
            Step.NOTHING,
            START + 8 * DAY,
            True,
        ),
    ],
)
def test_looking_tells_what_became_of_it(channel, found, todo, until, is_taken) -> None:
    seen = looked(channel, found, START + 2 * DAY)
    assert (seen.todo, seen.expires_at, seen.is_taken) == (todo, until, is_taken)
    assert seen.token_hash == channel.token_hash


def test_what_was_done_although_its_answer_was_lost_has_its_instant() -> None:
    now = START + 3 * DAY
    done = replace(FOUND, token_hash="b", expires_at=START + 8 * DAY)
    assert looked(PENDING, done, now).renewed_at == now
    first = asked(NEW, Step.ENABLE, URL, "a", START)
    assert (looked(first, FOUND, now).enabled_at, looked(first, FOUND, now).renewed_at) == (now, None)


@pytest.mark.parametrize(
    ("error", "step", "todo"),
    [
        (RetryableError("?"), Step.RENEW, Step.LOOK),
        (NotDoneError("busy"), Step.RENEW, Step.RENEW),
        (ConfigurationError("no"), Step.ENABLE, Step.ENABLE),
        (NotDoneError("busy"), Step.LOOK, Step.LOOK),
        (ConfigurationError("no"), Step.REMOVE, Step.LOOK),
    ],
)
def test_what_is_not_known_to_be_undone_is_looked_at(error, step: Step, todo: Step) -> None:
    assert failed(PENDING, step, error, START).todo is todo
    assert failed(LIVE, Step.REMOVE, error, START).todo is Step.LOOK


def test_tries_are_ever_more_seldom_at_last_every_hour_and_success_forgets_them() -> None:
    channel, pauses = LIVE, []
    for _ in range(8):
        channel = failed(channel, Step.LOOK, NotDoneError("away"), START)
        pauses.append((channel.next_try_at - START).total_seconds() / 60)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (channel.failing_since, channel.tries, channel.reason) == (START, 8, "away")
    later = failed(LIVE, Step.LOOK, NotDoneError("busy", after_seconds=600), START)
    assert later.next_try_at == START + 10 * MINUTE
    assert failed(LIVE, Step.LOOK, NotDoneError("", after_seconds=86_400), START).next_try_at == START + HOUR
    for well in (looked(channel, FOUND, START), granted(channel, Step.RENEW, START + LIFE, START)):
        assert (well.failing_since, well.tries, well.next_try_at, well.reason) == (None, 0, None, "")


@pytest.mark.parametrize(
    ("channel", "at"),
    [
        (LIVE, None),
        (FAILING, START + LIFE * 2 / 3),
        (replace(FAILING, failing_since=START + 5 * DAY), START + 5 * DAY),
        (replace(NEW, failing_since=START), START),
    ],
)
def test_a_person_is_told_before_it_ends(channel: Channel, at) -> None:
    assert alarm_at(channel) == at


def test_it_is_ours_only_if_its_id_and_its_address_are() -> None:
    assert is_ours(LIVE, FOUND)
    assert is_ours(LIVE, replace(FOUND, notify_url=OTHER_URL)), "our address was another then"
    strange = (
        replace(FOUND, channel_id="101"),
        replace(FOUND, notify_url="https://example.com/webhooks/zoho/other"),
        replace(FOUND, notify_url="https://example.com/webhooks/zoho/otherpath"),
    )
    assert not any(is_ours(LIVE, one) for one in strange)
    assert not_ours([FOUND, *strange], [LIVE]) == list(strange)
