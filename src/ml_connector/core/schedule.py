"""When a flow is due: a cron expression on the wall clock of a time zone. Pure: the instant is handed in.

What counts is the wall clock, so daylight saving moves a nightly run as it moves people. A time that the clock leaves
out in spring is taken as if the clock had not been moved (an hour later by the new one); of a time that it shows twice
in autumn the first counts. An expression for every hour or minute has its times in both of these hours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from croniter import croniter
from croniter.croniter import CroniterError

_WORDS = r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun"
_ONE = rf"(?:\d+|{_WORDS}|l)"
_PART = rf"(?:\*|{_ONE}(?:-{_ONE})?)(?:/\d+)?"
_FIELD = re.compile(rf"{_PART}(?:,{_PART})*")
_NAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
_FORM = (
    "write minute, hour, day, month and weekday, such as “*/15 * * * *” (every quarter of an hour), “30 2 * * *”"
    " (every night at half past two) or “0 6,14,22 * * mon-fri” (at the beginning of each shift)"
)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_NEVER_AGAIN = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Schedule:
    """The instants at which a flow is due."""

    cron: str  #: five fields
    zone: ZoneInfo

    @classmethod
    def read(cls, cron: str, zone: str) -> Schedule:
        """The schedule that a person wrote. Raises ValueError with a sentence."""
        text = " ".join(cron.lower().split())
        text = _NAMES.get(text, text)
        fields = text.split()
        if len(fields) != 5 or not all(_FIELD.fullmatch(field) for field in fields):
            raise ValueError(f"“{cron}” is no schedule: {_FORM}")
        try:
            croniter(text, datetime(2024, 1, 1)).get_next(datetime)  # noqa: DTZ001 -- a wall clock's
        except CroniterError:
            raise ValueError(f"“{cron}” is no schedule, or never comes: {_FORM}") from None
        return cls(text, _zone(zone))

    @cached_property
    def _each_hour(self) -> bool:
        """Whether it means stretches of time rather than times of the day."""
        return self.cron.split()[1].startswith("*")

    def latest(self, now: datetime) -> datetime | None:
        """The last instant at or before ``now`` at which it was due; None: there was none."""
        return _latest(self, now.replace(second=0, microsecond=0))  # its times are whole minutes

    def following(self, now: datetime) -> datetime:
        """The first instant after ``now`` at which it is due; far in the future: it does not come again."""
        found = [at for at in self._around(now, back=False) if at > now]
        return min(found, default=_NEVER_AGAIN)

    def _around(self, now: datetime, *, back: bool) -> Iterator[datetime]:
        """The instants nearest to ``now``, walking back or forth, until one is beyond what a moved clock can mix up."""
        wall, unsure = _wall(now, self.zone), _shift(now, self.zone)
        away = -1 if back else 1
        walls = croniter(self.cron, wall - away * (unsure + _SECOND))
        tick, last = wall, None
        with suppress(CroniterError):  # there is none further on
            while last is None or abs(tick - last) <= 2 * unsure:
                tick = (walls.get_prev if back else walls.get_next)(datetime)
                for at in self._instants(tick):
                    yield at
                    if (at <= now) is back:
                        last = last or tick

    def _instants(self, wall: datetime) -> set[datetime]:
        """When the clock on the wall shows this; twice in autumn, if that is meant."""
        once = wall.replace(tzinfo=self.zone).astimezone(UTC)
        again = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        return {once, again} if self._each_hour and _wall(again, self.zone) == wall else {once}


@lru_cache(maxsize=1024)
def _latest(schedule: Schedule, minute: datetime) -> datetime | None:
    """Asked every second, it is found out every minute."""
    found = [at for at in schedule._around(minute, back=True) if at <= minute]  # noqa: SLF001 -- its other half
    return max(found, default=None)


def due(schedule: Schedule, since: datetime, now: datetime) -> datetime | None:
    """The one instant to run for, None: not now. ``since``: the last one that was run for, or when it was set.

    However many were missed since, the last of them is caught up. A mark from the future (the clock was set back)
    counts as now: what is due later is not missed.
    """
    latest = schedule.latest(now)
    return latest if latest is not None and latest > min(since, now) else None


@lru_cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(f"“{name}” is no time zone: write one as Europe/Berlin or America/Chicago") from None


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _shift(at: datetime, zone: ZoneInfo) -> timedelta:
    """By how much the clock is moved within a day of this instant; on most days not at all."""
    offsets = [(at + step).astimezone(zone).utcoffset() or timedelta() for step in (-_DAY, timedelta(), _DAY)]
    return max(offsets) - min(offsets)
