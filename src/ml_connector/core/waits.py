"""Waiting for a system: why, since when, and when to look again. Pure: the instant is handed in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ml_connector.core.errors import AllowanceError, ConnectorError, RetryableError

GP, ZOHO, DATABASE = "gp", "zoho", "database"  #: whose fault an error may be
AWAITED = frozenset(
    {GP, ZOHO}
)  #: the systems that are waited for; without a database nothing can be done at all
#: What a person calls them.
NAMES = {GP: "Dynamics GP", ZOHO: "Zoho CRM", DATABASE: "the database"}

FIRST_LOOK, LONGEST_LOOK = timedelta(seconds=15), timedelta(minutes=10)
_DOUBLINGS = 10  #: beyond the longest, and no number that a timedelta cannot hold


class Reason(StrEnum):
    """Why a system is waited for."""

    UNREACHABLE = "unreachable"  #: away, or too busy
    QUIET = "quiet hours"
    CREDITS = "credits"  #: what a day allows is used up
    REFUSED = "refused"  #: the password or the token: a person has to set it anew
    NOT_SET = "not set"  #: what we would sign in with: a person has to set it


def reason_of(error: ConnectorError) -> str:
    """Why the system of this error is to be waited for; empty: it is not."""
    if error.reason:
        return error.reason
    if isinstance(error, AllowanceError):
        return Reason.CREDITS
    return Reason.UNREACHABLE if isinstance(error, RetryableError) else ""


#: For these only a clock, or what is kept here, is looked at.
_FREE = frozenset({Reason.QUIET, Reason.REFUSED, Reason.NOT_SET})
#: Nothing is sent before a person has set anew what we sign in with.
UNTIL_SET = frozenset({Reason.REFUSED, Reason.NOT_SET})


@dataclass(frozen=True, slots=True)
class Wait:
    """A system that is waited for; until it is over, no schedule starts what needs it."""

    system: str
    reason: str
    happened: str
    remedy: str
    mark: str  #: of what we sign in with, as it was when the system was found away
    since_at: datetime
    looked_at: datetime
    looks: int  #: in vain
    next_look_at: datetime

    @property
    def name(self) -> str:
        """What a person calls the system."""
        return NAMES.get(self.system, self.system)

    @classmethod
    def begin(cls, system: str, reason: str, told: tuple[str, str], mark: str, now: datetime) -> Wait:
        """It was found away just now; ``told``: what happened, what to do."""
        return cls(system, reason, *told, mark, now, now, 0, now + FIRST_LOOK)

    def still(self, reason: str, told: tuple[str, str], mark: str, now: datetime) -> Wait:
        """It is looked at in vain, for this reason: again after twice as long, up to ``LONGEST_LOOK``.

        Where looking takes no call, it is looked at as often as at first.
        """
        looks = min(self.looks + 1, _DOUBLINGS)
        pause = FIRST_LOOK if reason in _FREE else min(FIRST_LOOK * 2**looks, LONGEST_LOOK)
        happened, remedy = told
        return replace(
            self,
            reason=reason,
            happened=happened,
            remedy=remedy,
            mark=mark,
            looked_at=now,
            looks=looks,
            next_look_at=now + pause,
        )

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be looked at again; also where the clock was set back since."""
        return now >= self.next_look_at or now < self.looked_at
