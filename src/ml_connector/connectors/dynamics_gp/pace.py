"""How fast GP answers, and how much may be asked at once when it has become slow. Pure: answers and time are handed in.

An answer is compared with those of its own kind only, the same operation and about as long: a list of a thousand rows
takes longer than one record, and longer than the list of the three that changed since.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import orjson

#: So many answers of a kind are known before one of it can be slow: a cold start is not.
KNOWN = 8
#: An answer is slow from this multiple of its kind's usual time on,
SLOW_TIMES = 3.0
#: and never within this many seconds: what a person would not notice is not slow.
SLOW_SECONDS = 1.0
#: So many more slow answers than others, and half as many are asked at once.
SLOW_ANSWERS = 3
#: One more is asked at once each time this has passed since the last slow answer.
RESTORE_EVERY = timedelta(seconds=60)

_MEMORY = 16  # answers: how quickly the usual time follows ordinary ones
_SLOW_MEMORY = 4096  # and slow ones: only what stays slow for an hour or so becomes usual
_SHORTEST_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Usual:
    """The usual time of one kind of operation: the mean of logarithms, so that a cold start weighs little."""

    answers: int = 0  #: how many it is made of, up to ``_MEMORY``
    log_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """How long an answer usually takes."""
        return math.exp(self.log_seconds)

    def is_slow(self, seconds: float) -> bool:
        """Whether an answer took a multiple of it."""
        return self.answers >= KNOWN and seconds > max(SLOW_SECONDS, SLOW_TIMES * self.seconds)

    def after(self, seconds: float) -> Usual:
        """With one more answer."""
        answers = min(self.answers + 1, _MEMORY)
        memory = _SLOW_MEMORY if self.is_slow(seconds) else answers
        step = (math.log(max(seconds, _SHORTEST_SECONDS)) - self.log_seconds) / memory
        return Usual(answers, self.log_seconds + step)


@dataclass(frozen=True, slots=True)
class Pace:
    """What the answers so far say; shared by all processes that ask the same GP."""

    usual: Mapping[str, Usual] = field(default_factory=dict)  #: by kind
    slow: int = 0  #: how many more slow answers than others there were since the last step
    allowed: int = 0  #: at once at ``slow_at``
    slow_at: datetime | None = None  #: the last slow answer since it was halved; None: it never was

    def at_once(self, cap: int, now: datetime) -> int:
        """How many requests may run at once now: ``cap``, or fewer for a while. It frees itself as time passes."""
        if self.slow_at is None:
            return cap
        steps = (
            abs(now - self.slow_at) // RESTORE_EVERY
        )  # a clock that was set back must not hold it for ever
        return min(cap, self.allowed + steps)

    def usual_of(self, answer: Answer) -> Usual:
        """The usual time of this kind of answer; of one that never came, that of the slowest kind it could be."""
        if answer.came:
            return self.usual.get(answer.kind, Usual())
        known = [u for kind, u in self.usual.items() if kind.rpartition(":")[0] == answer.operation]
        return max((u for u in known if u.answers >= KNOWN), key=lambda u: u.log_seconds, default=Usual())


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of GP, or how long it was waited for in vain."""

    operation: str
    began_at: datetime
    ended_at: datetime
    size: int = 0  #: bytes
    came: bool = True  #: False: the call ended without an answer

    @property
    def kind(self) -> str:
        """The operation, and how long the answer is: each class is eight times the one before."""
        return f"{self.operation}:{self.size.bit_length() // 3}"

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended_at - self.began_at).total_seconds()


def observe(pace: Pace, answer: Answer, cap: int) -> Pace:
    """What is known after one more answer: halved at several slow ones in excess, held at each further one."""
    usual = pace.usual_of(answer)
    is_slow = usual.is_slow(answer.seconds)
    if not (answer.came or is_slow):
        return pace  # a connection that broke off at once says nothing of GP's pace
    known = pace
    if answer.came:
        known = replace(pace, usual={**pace.usual, answer.kind: usual.after(answer.seconds)})
    if pace.slow_at is not None and answer.began_at < pace.slow_at <= answer.ended_at:
        return known  # it was under way when the last step was made, and says nothing of what that did
    if not is_slow:
        return replace(known, slow=max(0, pace.slow - 1))
    now, slow = answer.ended_at, pace.slow + 1
    present = pace.at_once(cap, now)
    if slow >= SLOW_ANSWERS:
        return replace(known, slow=0, allowed=max(1, present // 2), slow_at=now)
    held = present < cap
    return replace(
        known, slow=slow, allowed=present if held else pace.allowed, slow_at=now if held else pace.slow_at
    )


def to_json(pace: Pace) -> bytes:
    """The pace as it is kept between processes."""
    told = {
        "usual": {name: [usual.answers, usual.log_seconds] for name, usual in pace.usual.items()},
        "slow": pace.slow,
        "allowed": pace.allowed,
        "slow_at": pace.slow_at and pace.slow_at.timestamp(),
    }
    return orjson.dumps(told)


def from_json(kept: bytes) -> Pace:
    """The pace that was kept; what cannot be read (a process died while it wrote) is forgotten."""
    try:
        told = orjson.loads(kept)
        usual = {name: Usual(int(n), float(log)) for name, (n, log) in told["usual"].items()}
        slow_at = told["slow_at"] and datetime.fromtimestamp(told["slow_at"], UTC)
        return Pace(usual, int(told["slow"]), int(told["allowed"]), slow_at)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return Pace()
