"""How many records are written at the least cost: the fewest credits, of these the fewest calls. Pure.

The prices come from the target. Creates and updates cannot share a bulk job, unless it is one that inserts what it
does not find (upsert): what that would save is told by ``joining_saves``, and why it is not used by
docs/decisions/0028-bulk-writes.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True, slots=True)
class JobPrice:
    """One bulk job, with everything that has to be asked around it."""

    rows: int  #: the most records of a job
    credits: int
    calls: int


@dataclass(frozen=True, slots=True)
class WritePrices:
    """What writing costs in one module of a target."""

    records_a_call: int  #: the most records of an ordinary call
    records_a_credit: int  #: an ordinary call costs one credit for each so many records begun
    job: JobPrice | None = None  #: None: no bulk jobs here

    def credits(self, records: int) -> int:
        """What ordinary calls cost for so many records."""
        full, rest = divmod(records, self.records_a_call)
        return full * -(-self.records_a_call // self.records_a_credit) + -(-rest // self.records_a_credit)

    def calls(self, records: int) -> int:
        """How many ordinary calls carry so many records."""
        return -(-records // self.records_a_call)

    def within(self, credits_left: int) -> int:
        """How many records ordinary calls carry for so many credits, at most."""
        a_call = -(-self.records_a_call // self.records_a_credit)
        full, rest = divmod(max(0, credits_left), a_call)
        return full * self.records_a_call + min(self.records_a_call, rest * self.records_a_credit)

    @property
    def break_even(self) -> int | None:
        """The fewest records that are cheaper by a bulk job; None: none ever are."""
        if self.job is None:
            return None
        records = self.within(self.job.credits - 1) + 1
        while self.credits(records) < self.job.credits or (
            self.credits(records) == self.job.credits and self.calls(records) <= self.job.calls
        ):
            records += 1
        return records if records <= self.job.rows else None


@dataclass(frozen=True, slots=True)
class Way:
    """How the records of one kind are written."""

    jobs: tuple[int, ...] = ()  #: the rows of each bulk job, the full ones first
    by_call: int = 0  #: records that go by ordinary calls
    waits: int = 0  #: records that the credits do not pay for


@dataclass(frozen=True, slots=True)
class Cheapest:
    """The ways of creates and updates, and what both cost together."""

    creates: Way
    updates: Way
    credits: int
    calls: int

    @property
    def waits(self) -> int:
        """Records that the credits do not pay for."""
        return self.creates.waits + self.updates.waits


def cheapest(prices: WritePrices, creates: int, updates: int, credits_left: int | None = None) -> Cheapest:
    """The cheapest way to write so many records.

    Where ``credits_left`` (None: enough) do not pay for all, as many as they pay for are written, for the fewest
    credits; creates go before updates, and a call more is of no account then.
    """
    ways = (
        _filled(prices, (creates, updates), jobs, credits_left)
        for jobs in product(_job_counts(prices, creates), _job_counts(prices, updates))
    )
    return min((way for way in ways if way is not None), key=_worth)


def joining_saves(prices: WritePrices, creates: int, updates: int) -> int:
    """The credits that jobs of creates and updates together would save."""
    return cheapest(prices, creates, updates).credits - cheapest(prices, creates + updates, 0).credits


def _job_counts(prices: WritePrices, records: int) -> range:
    return range(1 if prices.job is None else -(-records // prices.job.rows) + 1)


def _worth(way: Cheapest) -> tuple[int, int, int]:
    return way.waits, way.credits, way.calls


def _filled(
    prices: WritePrices, records: tuple[int, int], jobs: tuple[int, int], credits_left: int | None
) -> Cheapest | None:
    """So many bulk jobs of each kind, and ordinary calls for the rest as far as the credits go; None: too many."""
    rows = prices.job.rows if prices.job else 0
    in_jobs = [tuple(_job_rows(number, count, rows)) for number, count in zip(records, jobs, strict=True)]
    rest = [number - sum(told) for number, told in zip(records, in_jobs, strict=True)]
    spent = sum(jobs) * prices.job.credits if prices.job else 0
    if credits_left is not None and spent > max(0, credits_left):
        return None
    by_call = rest if credits_left is None else _that_fit(prices, rest, credits_left - spent)
    creates, updates = (
        Way(told, fit, left - fit) for told, fit, left in zip(in_jobs, by_call, rest, strict=True)
    )
    return Cheapest(
        creates,
        updates,
        spent + sum(map(prices.credits, by_call)),
        (sum(jobs) * prices.job.calls if prices.job else 0) + sum(map(prices.calls, by_call)),
    )


def _job_rows(records: int, jobs: int, rows: int) -> Iterator[int]:
    for _ in range(jobs):
        yield min(rows, records)
        records -= min(rows, records)


def _that_fit(prices: WritePrices, rest: list[int], credits_left: int) -> list[int]:
    """As many of both kinds as the credits pay for: whole credits' worth first, so that none is begun for less."""
    if sum(map(prices.credits, rest)) <= credits_left:
        return rest
    odd = [number % prices.records_a_credit for number in rest]
    wanted = [(kind, rest[kind] - odd[kind]) for kind in (0, 1)]
    wanted += [(kind, rest[kind]) for kind in sorted((0, 1), key=odd.__getitem__, reverse=True)]
    fit = [0, 0]
    for kind, most in wanted:
        spare = credits_left - sum(map(prices.credits, fit))
        fit[kind] = max(fit[kind], min(most, prices.within(prices.credits(fit[kind]) + spare)))
    return fit
