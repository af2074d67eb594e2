"""What a day allows, what has to stay of it and when more is free. Pure: what was spent and time are handed in.

Source: Zoho CRM "API Limits" (v4 to v8): credits of a rolling 24 hours for the organisation, by edition and licences;
``X-API-CREDITS-REMAINING``, which Zoho sends once half of the day's are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = timedelta(hours=24)
#: What was spent is kept by the minute; its last credit is free again a minute later than its first.
MINUTE = timedelta(minutes=1)
#: A wait for credits ends when this share of the day's is free, so that a run does not go on for one call at a time.
RESUME_SHARE = 0.01

#: Edition -> credits of a day, more for each licence, the most that both come to (None: no end).
_EDITIONS: Mapping[str, tuple[int, int, int | None]] = {
    "free": (5_000, 0, 5_000),
    "standard": (50_000, 250, 100_000),
    "professional": (50_000, 500, 3_000_000),
    "enterprise": (50_000, 1_000, 5_000_000),
    "ultimate": (50_000, 2_000, None),
}
_SPARE_SHARE, _LEAST_SPARE, _MOST_SPARE = 0.02, 10, 200

Spent = Mapping[datetime, int]  #: beginning of a minute -> credits


def allowance(edition: str, users: int) -> int:
    """The credits of 24 hours for an edition with so many licences bought; none known: 0."""
    base, each, most = _EDITIONS[edition]
    earned = base + each * users
    return earned if most is None else min(earned, most)


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent of a day's allowance."""

    whole: int  #: credits of 24 hours
    reserved: int  #: so many are left to people and other programs, always

    @classmethod
    def of(cls, whole: int, share: float) -> Budget:
        """The reserve is this share of the whole, rounded up."""
        return cls(whole, -int(-whole * share // 1))

    def floor(self, *, vital: bool) -> int:
        """So many have to be left behind a call.

        Between the reserve and what ordinary calls leave is a little to spare (2 %, from 10 to 200): for vital calls,
        which ask how things stand, and for what other processes have under way when Zoho tells us its number.
        """
        spare = 0 if vital else min(max(_LEAST_SPARE, int(self.whole * _SPARE_SHARE)), _MOST_SPARE)
        return self.reserved + spare

    def wanted(self, price: int) -> int:
        """How much has to be free before a wait for a call of this price ends."""
        return min(price + int(self.whole * RESUME_SHARE), self.whole - self.floor(vital=False))


def minute_of(at: datetime) -> datetime:
    """The minute that an instant is in."""
    return at.replace(second=0, microsecond=0)


def within_day(spent: Spent, now: datetime) -> int:
    """What was spent in the last 24 hours; what a clock that was wrong put into the future does not count."""
    return sum(price for minute, price in spent.items() if _counts(minute, now))


def freed(spent: Spent, since: datetime, now: datetime) -> int:
    """What counted as spent at ``since`` and, being longer ago than a day, does not ``now``."""
    return sum(p for minute, p in spent.items() if _counts(minute, since) and minute + MINUTE + DAY <= now)


def free_at(spent: Spent, missing: int, now: datetime) -> datetime:
    """When ``missing`` more credits are free because they were spent a day before; at the latest in a day."""
    for minute in sorted(minute for minute in spent if _counts(minute, now)):
        missing -= spent[minute]
        if missing <= 0:
            return minute + MINUTE + DAY
    return now + DAY


def _counts(minute: datetime, now: datetime) -> bool:
    return minute <= now < minute + MINUTE + DAY
