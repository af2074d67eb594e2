"""How much may be asked at once, by answers that are made up and a clock that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ml_connector.connectors.dynamics_gp import pace
from ml_connector.connectors.dynamics_gp.pace import (
    KNOWN,
    RESTORE_EVERY,
    SLOW_ANSWERS,
    Answer,
    Pace,
    Usual,
    observe,
)

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
CAP = 4


class Gp:
    """Answers one after the other, each as slow as the test says."""

    def __init__(self, cap: int = CAP) -> None:
        self.cap, self.now, self.pace = cap, NOW, Pace()

    def answers(
        self, number: int, seconds: float, operation: str = "ByKey", *, size: int = 5000, came: bool = True
    ) -> int:
        """So many answers; how many may run at once after them."""
        for _ in range(number):
            began_at = self.now
            self.now += timedelta(seconds=seconds)
            self.pace = observe(self.pace, Answer(operation, began_at, self.now, size, came), self.cap)
        return self.at_once

    @property
    def at_once(self) -> int:
        return self.pace.at_once(self.cap, self.now)


def test_usual_answers_change_nothing():
    gp = Gp()
    assert gp.answers(100, 0.2) == CAP
    assert [usual.seconds for usual in gp.pace.usual.values()] == [pytest.approx(0.2)]
    assert gp.at_once == CAP


@pytest.mark.parametrize(("cap", "halves"), [(2, [1, 1]), (3, [1, 1]), (4, [2, 1]), (5, [2, 1])])
def test_several_slow_answers_halve_it_and_several_more_again(cap, halves):
    gp = Gp(cap)
    gp.answers(20, 0.5)
    assert gp.answers(SLOW_ANSWERS - 1, 5.0) == cap
    assert gp.answers(1, 5.0) == halves[0]
    assert gp.answers(SLOW_ANSWERS, 5.0) == halves[1]
    assert gp.answers(SLOW_ANSWERS, 5.0) == halves[1], "one request is always allowed"


def test_a_slow_answer_now_and_then_is_none_of_its_business():
    gp = Gp()
    gp.answers(20, 0.5)
    for _ in range(50):
        gp.answers(1, 8.0)
        assert gp.answers(1, 0.5) == CAP


def test_a_cold_start_is_not_slow_and_spoils_nothing():
    gp = Gp()
    assert gp.answers(1, 45.0) == CAP
    gp.answers(KNOWN, 0.1)
    assert gp.answers(SLOW_ANSWERS, 4.0) == CAP // 2


def test_a_kind_that_is_new_is_not_slow_before_it_is_known():
    gp = Gp()
    gp.answers(100, 0.1)
    assert gp.answers(KNOWN, 30.0, "List") == CAP, "a list of a thousand rows is no record"
    assert gp.answers(100, 31.0, "List") == CAP
    assert gp.answers(SLOW_ANSWERS, 95.0, "List") == CAP // 2


def test_a_long_list_is_not_compared_with_a_short_one():
    gp = Gp()
    gp.answers(100, 0.1, "List", size=2000)
    assert gp.answers(20, 4.0, "List", size=400_000) == CAP, "all addresses, once a night"
    assert gp.answers(SLOW_ANSWERS, 4.0, "List", size=2000) == CAP // 2


def test_what_nobody_notices_is_not_slow():
    gp = Gp()
    gp.answers(100, 0.01)
    assert gp.answers(100, 0.9) == CAP


def test_it_is_restored_one_by_one_as_time_passes():
    gp = Gp(5)
    gp.answers(20, 0.5)
    gp.answers(SLOW_ANSWERS, 5.0)
    halved_at, seen = gp.now, []
    for minutes in range(5):
        gp.now = halved_at + minutes * RESTORE_EVERY
        seen.append(gp.at_once)
    assert seen == [2, 3, 4, 5, 5]
    gp.now = halved_at - timedelta(hours=3)
    assert gp.at_once == 5, "a clock that was set back does not hold it for ever"


def test_ordinary_answers_do_not_hurry_it_and_a_slow_one_holds_it():
    gp = Gp(5)
    gp.answers(20, 0.5)
    gp.answers(SLOW_ANSWERS, 5.0)
    assert gp.answers(100, 0.3) == 2
    gp.now += timedelta(seconds=25)
    assert gp.answers(1, 5.0) == 3, "that was a minute"
    gp.now += RESTORE_EVERY - timedelta(seconds=1)
    assert gp.at_once == 3
    gp.now += timedelta(seconds=1)
    assert gp.at_once == 4


def test_answers_that_were_under_way_when_it_was_halved_do_not_halve_it_again():
    gp = Gp(5)
    gp.answers(20, 0.5)
    gp.answers(SLOW_ANSWERS, 5.0)
    began_at = gp.now - timedelta(seconds=3)
    for n in range(10):
        ended_at = gp.now + timedelta(seconds=10 + n)
        gp.pace = observe(gp.pace, Answer("ByKey", began_at, ended_at), gp.cap)
    assert gp.at_once == 2


def test_what_stays_slow_for_long_becomes_usual():
    gp = Gp()
    gp.answers(100, 0.5)
    gp.answers(500, 4.0)
    assert gp.at_once == 1, "half an hour is not long"
    gp.answers(4000, 4.0)
    gp.now += 3 * RESTORE_EVERY
    assert gp.answers(100, 4.0) == CAP


def test_a_timeout_is_a_slow_answer_and_a_refused_connection_none_at_all():
    gp = Gp()
    gp.answers(20, 0.5)
    before = gp.pace
    gp.answers(50, 0.001, came=False)
    assert gp.pace == before
    assert gp.answers(SLOW_ANSWERS, 60.0, came=False) == CAP // 2


@pytest.mark.parametrize("seconds", [0.0, -5.0, 1e9])
def test_no_clock_breaks_it(seconds):
    gp = Gp()
    assert gp.answers(3, 0.5) == CAP
    gp.pace = observe(gp.pace, Answer("ByKey", NOW, NOW + timedelta(seconds=seconds)), CAP)
    assert min(usual.seconds for usual in gp.pace.usual.values()) > 0


def test_it_is_kept_between_processes():
    gp = Gp()
    gp.answers(20, 0.5)
    for known in (Pace(), gp.pace):
        assert pace.from_json(pace.to_json(known)) == known
    gp.answers(SLOW_ANSWERS, 5.0)
    assert pace.from_json(pace.to_json(gp.pace)) == gp.pace


@pytest.mark.parametrize(
    "kept",
    [b"", b"\0\0\0", b"[]", b"null", b"3", b'{"usual": {}}', b'{"usual": {"A": [1]}, "slow": 0, "allowed": 1}',
     pace.to_json(Pace({"A": Usual(3, 0.1)}))[:-9], b'{"usual": [], "slow": 0, "allowed": 1, "slow_at": 1e99}'],
)  # fmt: skip
def test_what_a_dying_process_left_half_written_is_forgotten(kept):
    assert pace.from_json(kept) == Pace()
