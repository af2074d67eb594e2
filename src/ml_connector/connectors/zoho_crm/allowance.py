"""The credits of the last 24 hours: what is left of them, and which call may still be made."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_connector.connectors.zoho_crm.budget import (
    DAY,
    Budget,
    allowance,
    free_at,
    freed,
    minute_of,
    within_day,
)
from ml_connector.connectors.zoho_crm.config import ZohoConfig
from ml_connector.core.errors import AllowanceError, ConfigurationError, ConnectorError
from ml_connector.core.ports import Clock, KeptCredits

#: So often what was spent is written down, and what others spent is read. A process that is killed takes with it what
#: it spent since; Zoho's own number, which comes with every answer once that matters, knows it all the same.
_EXCHANGE = timedelta(seconds=5)
_DEAR = 100  #: credits: a call from this price on is written down before it is sent
#: So long after Zoho was asked how many are left, and too few were, it is asked again, and then each time after twice
#: as long: other programs' may be free again, or some were bought. Six such questions are a day's.
_NEWS = timedelta(minutes=15)
_LONGEST_NEWS = 6  #: so many times twice as long at the most
_SHORTEST_SECONDS = 60.0

_BUY = "credits can be bought in Zoho under Setup > Developer Hub"
_REMEDY = f"A run that waits goes on by itself, one that ended is run again then; {_BUY}."


@dataclass(frozen=True, slots=True)
class Booking:
    """What a call that is under way will have cost."""

    operation: str
    price: int
    minute: datetime
    after: int  #: how many of Zoho's numbers were known when it was sent


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand, for a person."""

    whole: int  #: credits of 24 hours
    left: int  #: of them, the reserve among them
    reserved: int


class Allowance:
    """What may be spent. Thread-safe.

    Counted by us until Zoho tells its own number, which then is the one that counts, less what was booked since and
    with what became free since: a number that came with one of several calls under way may not know of the others.
    """

    def __init__(self, config: ZohoConfig, kept: KeptCredits, clock: Clock) -> None:
        self._config = config
        self._kept = kept
        self._clock = clock
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()  # an older sum must not be written over a newer one
        self._users = 0
        self._mine: Counter[datetime] = Counter()  # spent by this process
        self._written: Mapping[datetime, int] = {}  # of that, what is
        self._stored: Mapping[datetime, int] = {}  # by all processes, as read last
        self._exchanged_at: datetime | None = None
        self._spent = 0  # within a day, by what was read last and booked since
        self._under_way = 0
        self._told: int | None = None  # by Zoho,
        self._told_at = clock.now()
        self._numbers = 0  # so many times;
        self._unknown = 0  # what its number does not know of
        self._freed = 0  # and what is free again since
        self._tellers: set[str] = set()  # operations whose answers had it
        self._asked_at: datetime | None = None  # how things stand,
        self._in_vain = 0  # so many times without enough being left

    def book(self, operation: str, price: int, *, vital: bool = False) -> Booking:
        """A call of this price is about to be sent.

        Raises AllowanceError if it would leave less than the reserve, and ConfigurationError if it always would. A
        ``vital`` one tells how things stand: it may take what is to spare above the reserve, and is made now and then
        whatever is left, for nothing else shows that others' credits are free again.
        """
        self._exchange_if_due()
        with self._lock:
            now = self._clock.now()
            short = self._admit(price, now, vital=vital)
            if vital:
                self._asked_at, self._in_vain = now, min(self._in_vain + 1, _LONGEST_NEWS) if short else 0
            booking = Booking(operation, price, minute_of(now), self._numbers)
            self._count(booking, price)
            self._under_way += price
        if price >= _DEAR:
            self._write_down(booking)
        return booking

    def settle(self, booking: Booking, remaining: int | None, *, refused: bool, answered: bool) -> None:
        """The call has ended. ``remaining``: Zoho's number, if one came; a ``refused`` call cost nothing.

        ``answered``: it did what it was asked to.
        """
        with self._lock:
            self._under_way -= booking.price
            if refused:
                self._count(booking, -booking.price)
            if remaining is not None:
                self._tell(booking, remaining, counted=not refused)
            elif answered and booking.after == self._numbers and booking.operation in self._tellers:
                self._told = None  # less than half of the day's are used: Zoho does not tell any more

    def used_up(self, price: int) -> ConnectorError:
        """What it means that Zoho refused a call of this price because credits are used up, whatever we counted."""
        with self._lock:
            now = self._clock.now()
            self._told, self._told_at = min(self._told or 0, price - 1), now
            self._unknown, self._freed, self._numbers = self._under_way, 0, self._numbers + 1
            budget = self._budget()
            return self._refusal(budget, price, now, wanted=budget.wanted(price))

    def note_users(self, users: int) -> None:
        """The organisation has bought so many licences."""
        with self._lock:
            self._users = users

    def left(self) -> int:
        """So many may be spent above the reserve; below 0: others took more than that."""
        self._exchange_if_due()
        with self._lock:
            return self._left() - self._budget().floor(vital=False)

    def standing(self) -> Standing:
        """How things stand."""
        self._exchange_if_due()
        with self._lock:
            budget = self._budget()
            return Standing(budget.whole, max(0, self._left()), budget.reserved)

    def require(self, price: int) -> None:
        """AllowanceError if so many credits may not be spent now; ConfigurationError: never."""
        self._exchange_if_due()
        with self._lock:
            budget, now = self._budget(), self._clock.now()
            if self._left() - price < budget.floor(vital=False):
                raise self._refusal(budget, price, now, wanted=price)

    def wants_news(self, price: int) -> bool:
        """Whether Zoho is to be asked how many are left before a call of this price is given up."""
        if self.left() >= price:
            return False
        with self._lock:
            return self._news_are_due(self._clock.now())

    def close(self) -> None:
        """Write down what is not yet."""
        with suppress(ConnectorError):  # as if the process had been killed: Zoho's number knows it
            self._exchange()

    # -- under the lock

    def _admit(self, price: int, now: datetime, *, vital: bool) -> bool:
        """Raises where the call may not be made; whether an ordinary one may not."""
        budget, left = self._budget(), self._left() - price
        if left < budget.floor(vital=vital) and not (vital and self._news_are_due(now)):
            raise self._refusal(budget, price, now, wanted=budget.wanted(price))
        return left < budget.floor(vital=False)

    def _news_are_due(self, now: datetime) -> bool:
        return self._asked_at is None or abs(now - self._asked_at) >= _NEWS * 2**self._in_vain

    def _budget(self) -> Budget:
        allowed = self._config.credits_per_day or allowance(self._config.edition, self._users)
        return Budget.of(max(allowed, self._told or 0), self._config.credits_reserve)

    def _left(self) -> int:
        if self._told is not None:
            return self._told - self._unknown + self._freed
        return self._budget().whole - self._spent

    def _count(self, booking: Booking, price: int) -> None:
        self._mine[booking.minute] += price
        self._spent += price
        self._unknown += price

    def _tell(self, booking: Booking, remaining: int, *, counted: bool) -> None:
        """Zoho's number came with the answer to this call; of calls at once, the lowest was said last."""
        self._tellers.add(booking.operation)
        if self._told is None or booking.after == self._numbers or remaining < self._told:
            self._told, self._told_at, self._numbers = remaining, self._clock.now(), self._numbers + 1
            self._unknown, self._freed = self._under_way, 0
        elif counted:
            self._unknown -= booking.price  # the lower number knew of this call

    def _refusal(self, budget: Budget, price: int, now: datetime, *, wanted: int) -> ConnectorError:
        spendable = budget.whole - budget.floor(vital=False)
        if price > spendable:
            return ConfigurationError(
                f"A call to Zoho takes {price:,} API credits, and only {spendable:,} of the {budget.whole:,} of a day"
                " may be spent.",
                f"Lower credits_reserve or correct credits_per_day or edition below [zoho]; {_BUY}.",
            )
        left = self._left()
        at = free_at(self._by_minute(), wanted + budget.floor(vital=False) - left, now)
        after = min((at - now).total_seconds(), _NEWS.total_seconds())
        return AllowanceError(
            f"Of Zoho's {budget.whole:,} API credits for 24 hours {max(0, left):,} are left and {budget.reserved:,}"
            " are kept for people (credits_reserve), so this waits; enough are free again by"
            f" {at:%Y-%m-%d %H:%M} UTC.",
            _REMEDY,
            after_seconds=max(after, _SHORTEST_SECONDS),
            wanted=wanted,
        )

    # -- with all processes

    def _write_down(self, booking: Booking) -> None:
        """Before it is sent: it costs as much as many others."""
        try:
            self._exchange()
        except ConnectorError:
            self.settle(booking, None, refused=True, answered=False)  # it is not sent
            raise

    def _exchange_if_due(self) -> None:
        with self._lock:
            now, last = self._clock.now(), self._exchanged_at
            if last is not None and abs(now - last) < _EXCHANGE:
                return
            self._exchanged_at = now
        self._exchange()

    def _exchange(self) -> None:
        """Write down what this process spent, and read what all have."""
        with self._one_at_a_time:
            with self._lock:
                mine = dict(self._mine)
            if changed := {m: price for m, price in mine.items() if self._written.get(m) != price}:
                self._kept.keep(changed)
            now = self._clock.now()
            stored = self._kept.find(now - 2 * DAY)
            with self._lock:
                self._stored, self._written, self._exchanged_at = stored, mine, now
                for minute in [minute for minute in self._mine if minute < now - 2 * DAY]:
                    del self._mine[minute]
                self._add_up(now)

    def _add_up(self, now: datetime) -> None:
        spent = self._by_minute()
        self._spent = within_day(spent, now)
        if abs(now - self._told_at) >= DAY:
            self._told = None  # all that was used by then is free again
        self._freed = freed(spent, self._told_at, now)

    def _by_minute(self) -> Mapping[datetime, int]:
        return Counter(self._stored) + self._mine - Counter(self._written)
