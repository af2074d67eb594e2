"""Quiet hours: when no request goes to GP, by the wall clock of a time zone. Pure: the instant is handed in."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTE = timedelta(minutes=1)
_MINUTES_A_DAY = 24 * 60
#: The longest that GP can be left alone; quiet hours that last longer would never end.
LONGEST = timedelta(days=31)

_WINDOW = re.compile(r"(?P<days>[a-z0-9-]+) +(?P<begin>\d\d?:\d\d) *- *(?P<end>\d\d?:\d\d)")
_FORM = "write a day and a time, such as “mon-fri 07:00-09:30”, “daily 12:00-13:00” or “last-3 06:00-20:00”"

Days = Callable[[date], bool]  #: whether a day is meant


@dataclass(frozen=True, slots=True)
class Window:
    """A part of some days, in minutes after midnight; one that ends before it begins goes on into the next day."""

    days: Days
    begin: int
    end: int

    def has(self, wall: datetime) -> bool:
        """Whether it is quiet when the clock on the wall shows this."""
        minute, today = wall.hour * 60 + wall.minute, wall.date()
        if self.begin < self.end:
            return self.days(today) and self.begin <= minute < self.end
        yesterday = today - timedelta(days=1)
        return (self.days(today) and minute >= self.begin) or (self.days(yesterday) and minute < self.end)


@dataclass(frozen=True, slots=True)
class QuietTable:
    """All quiet hours; what counts is the wall clock of the zone, so daylight saving moves them as it moves people."""

    zone: ZoneInfo
    windows: tuple[Window, ...] = ()

    def is_quiet(self, at: datetime) -> bool:
        """Whether nothing may be asked at this instant (aware)."""
        wall = at.astimezone(self.zone)
        return any(window.has(wall) for window in self.windows)

    def quiet_until(self, at: datetime) -> datetime | None:
        """The first minute (UTC) after ``at`` that is not quiet; None: ``at`` is not. At most ``LONGEST`` later."""
        if not self.is_quiet(at):
            return None
        end, last = at.astimezone(UTC).replace(second=0, microsecond=0) + _MINUTE, at + LONGEST
        # Minute by minute: right whatever the zone's clock does meanwhile, and quick enough for the few who wait.
        while end < last and self.is_quiet(end):
            end += _MINUTE
        return end


def read_window(text: str) -> Window:
    """A window as it is written in the settings. Raises ValueError with a sentence.

    ``mon-fri 07:00-09:30``, ``sat 00:00-24:00``, ``daily 22:00-05:00`` (over midnight), ``first-2 ...`` and
    ``last-3 06:00-20:00`` (the first two, the last three days of a month).
    """
    found = _WINDOW.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"“{text}” is no window: {_FORM}")
    begin, end = _minutes(found["begin"], text), _minutes(found["end"], text)
    if begin in (end, _MINUTES_A_DAY):
        raise ValueError(f"“{text}” begins where it ends: {_FORM}")
    return Window(_days(found["days"], text), begin, end)


def _minutes(clock: str, text: str) -> int:
    hour, minute = map(int, clock.split(":"))
    if minute > 59 or hour * 60 + minute > _MINUTES_A_DAY:
        raise ValueError(f"“{text}” has no time {clock}: a day goes from 00:00 to 24:00")
    return hour * 60 + minute


def _days(word: str, text: str) -> Days:
    first, dash, last = word.partition("-")
    if word == "daily":
        return lambda _day: True
    if first in ("first", "last") and last.isdecimal() and 1 <= int(last) <= 28:
        return _of_month(int(last), at_end=first == "last")
    if first in _WEEKDAYS and (last or first) in _WEEKDAYS and bool(last) == bool(dash):
        return _of_week(_WEEKDAYS.index(first), _WEEKDAYS.index(last or first))
    raise ValueError(f"“{text}” names no day “{word}”: {_FORM}")


def _of_week(first: int, last: int) -> Days:
    """From one weekday to another; ``sat-mon`` goes over the end of the week."""
    meant = {(first + step) % 7 for step in range((last - first) % 7 + 1)}
    return lambda day: day.weekday() in meant


def _of_month(number: int, *, at_end: bool) -> Days:
    if at_end:
        return lambda day: day.day > monthrange(day.year, day.month)[1] - number
    return lambda day: day.day <= number
