"""How many calls may run at once after Zoho refused one as one too many. Pure: refusals and time are handed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

#: One more call may run at once each time this has passed since the last halving. Zoho's refusals for concurrency
#: clear within seconds; where another program shares the limit, they come back, and so does the halving.
RESTORE_EVERY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Pace:
    """What refusals say; shared by all processes."""

    allowed: int = 0  #: at once at ``halved_at``
    halved_at: datetime | None = None  #: None: it never was

    def at_once(self, most: int, now: datetime) -> int:
        """How many calls may run at once now: ``most``, or fewer for a while. It frees itself as time passes."""
        if self.halved_at is None:
            return most
        steps = abs(now - self.halved_at) // RESTORE_EVERY  # a clock set back must not hold it for ever
        return min(most, self.allowed + steps)


def refused(pace: Pace, began_at: datetime, now: datetime, most: int) -> Pace:
    """What is known after a call was refused of which ``most`` may run at once: half as many, but one at least.

    One that began before the last halving says nothing of what that did.
    """
    if pace.halved_at is not None and began_at <= pace.halved_at <= now:
        return pace
    return Pace(max(1, pace.at_once(most, now) // 2), now)
