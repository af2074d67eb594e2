"""That a record changed, and how far a listing of changes has come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

Row = TypeVar("Row")

#: Until an entity is proved finer than a day, its stamps may be local dates: two days of doubt, three of overlap.
DAY_GRANULARITY = timedelta(days=2)
DAY_OVERLAP = timedelta(days=3)
SECOND_GRANULARITY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Change:
    """This key changed at this instant."""

    key: str
    name: str  #: the record's name as the list gives it, for recognising namesakes
    at: datetime | None  #: None: the source holds no date for it
    on: date | None = None  #: the record's own date, where the listing tells it


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One complete key range of a listing."""

    rows: Sequence[Row]
    next_after: str | None  #: where the next range begins (exclusive); None: this was the last
    answered_at: datetime | None = None  #: by the other system's clock; None: it does not say


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far an entity has been read."""

    at: datetime  #: the greatest instant seen that was not beyond the bound
    finer_than_day: bool  #: a stamp that is not midnight has been seen

    @property
    def granularity(self) -> timedelta:
        return SECOND_GRANULARITY if self.finer_than_day else DAY_GRANULARITY

    def since(self, overlap: timedelta) -> datetime:
        """Where the next window begins: clocks differ and commits are late, so a little earlier."""
        return self.at - (overlap if self.finer_than_day else max(overlap, DAY_OVERLAP))


def advance(cursor: Cursor | None, seen: Sequence[datetime | None], bound: datetime) -> Cursor | None:
    """The cursor after these instants were dealt with: not beyond ``bound``, not backward, not by our clock alone.

    An instant beyond the bound is a stamp from the future: written like any other, but it moves nothing.
    """
    instants = [at for at in seen if at is not None and at <= bound]
    finer = (cursor.finer_than_day if cursor else False) or any(not is_midnight(at) for at in instants)
    greatest = max([*instants, *([cursor.at] if cursor else [])], default=None)
    return None if greatest is None else Cursor(greatest, finer)


def set_back(cursor: Cursor | None, known_at: datetime, overlap: timedelta) -> Cursor | None:
    """The cursor after what is known was set back to what was known at ``known_at``: all that came since is read again.

    It is for what also comes by itself, such as the target's notifications: those that came since are not known any
    more, and nobody sends them again.
    """
    return cursor and Cursor(min(cursor.at, known_at - overlap), cursor.finer_than_day)


def telling_instants(seen: Iterable[datetime | None], bound: datetime) -> list[datetime]:
    """As few of these instants as ``advance`` needs: the greatest not beyond ``bound``, and one finer than a day."""
    instants = [at for at in seen if at is not None and at <= bound]
    finer = [at for at in instants if not is_midnight(at)]
    return ([max(instants)] if instants else []) + finer[:1]


def is_midnight(at: datetime) -> bool:
    """Whether a stamp has no time of day: it may be no more than a date."""
    return (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)


def is_settled(at: datetime | None, done_at: datetime | None, fetched_at: datetime, doubt: timedelta) -> bool:
    """Whether a change at ``at`` is dealt with by an outcome for ``done_at`` whose reading began at ``fetched_at``.

    ``doubt`` = the entity's granularity plus the difference of the clocks: a reading that began within it may
    have missed a later edit under the same stamp.
    """
    return at is not None and at == done_at and fetched_at > at + doubt
