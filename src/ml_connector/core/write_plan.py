"""How many records are written at the least cost: the fewest credits, of these the fewest calls. Pure.

The prices come from the target. Creates and updates cannot share a bulk job, unless it is one that inserts what it
does not find (upsert): what that would save is told by ``joining_saves``, and why it is not used by
docs/decisions/0028-bulk-writes.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True, slots=True)
class JobPrice:
    """One bulk job, with everything that has to be asked around it."""

    rows: int  #: the most records of a job: so many full calls' worth
    credits: int
    calls: int


@dataclass(frozen=True, slots=True)
class WritePrices:
    """What writing costs in one module of a target."""

    records_a_call: int  #: the most records of an ordinary call
    records_a_credit: int  #: an ordinary call costs one credit for each so many records begun
    job: JobPrice | None = None  #: None: no bulk jobs here
    look: int = (
        0  #: credits for seeing that creates are new still, for each call's worth begun; in a job, too
    )
    refresh: int = 0  #: credits for seeing what changed in the module, as it is done after a wait

    def credits(self, records: int, *, creates: bool = False) -> int:
        """What ordinary calls cost for so many records."""
        full, rest = divmod(records, self.records_a_call)
        written = full * -(-self.records_a_call // self.records_a_credit) + -(-rest // self.records_a_credit)
        return written + (self.looking(records) if creates else 0)

    def looking(self, records: int) -> int:
        """What it costs to see that so many creates are new still."""
        return self.look * self.calls(records)

    def calls(self, records: int) -> int:
        """How many ordinary calls carry so many records."""
        return -(-records // self.records_a_call)

    def within(self, credits_left: int, *, creates: bool = False) -> int:
        """How many records ordinary calls carry for so many credits, at most."""
        look = self.look if creates else 0
        a_call = -(-self.records_a_call // self.records_a_credit) + look
        full, rest = divmod(max(0, credits_left), a_call)
        return full * self.records_a_call + max(0, rest - look) * self.records_a_credit

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
    credits; where that is the same, creates go before updates, and a call more is of no account then.
    """
    counts = product(_job_counts(prices, creates), _job_counts(prices, updates))
    return min(
        (way for jobs in counts for way in _ways(prices, (creates, updates), jobs, credits_left)), key=_worth
    )


def joining_saves(prices: WritePrices, creates: int, updates: int) -> int:
    """The credits that jobs of creates and updates together would save."""
    return cheapest(prices, creates, updates).credits - cheapest(prices, creates + updates, 0).credits


def _job_counts(prices: WritePrices, records: int) -> range:
    return range(1 if prices.job is None else -(-records // prices.job.rows) + 1)


def _worth(way: Cheapest) -> tuple[int, int, int]:
    return way.waits, way.credits, way.calls


def _ways(
    prices: WritePrices, records: tuple[int, int], jobs: tuple[int, int], credits_left: int | None
) -> Iterator[Cheapest]:
    """So many bulk jobs of each kind, and ordinary calls for the rest as far as the credits go; none: too many."""
    spent = sum(jobs) * prices.job.credits if prices.job else 0
    if credits_left is None:
        yield _way(prices, records, jobs, _most_in_jobs(prices, records, jobs))
        return
    left = max(0, credits_left) - spent
    if left < 0:
        return
    creates, updates = _most_in_jobs(prices, records, jobs)
    for rows in _rows_paid_for(prices, creates, left):
        spare = left - prices.looking(rows)
        if spare >= 0 and (not jobs[0] or rows > (jobs[0] - 1) * _rows(prices)):
            rest = records[0] - rows, records[1] - updates
            for first in (0, 1):
                by_call = _that_fit(prices, rest, spare, first)
                yield _way(prices, records, jobs, (rows, updates), by_call)


def _rows(prices: WritePrices) -> int:
    return prices.job.rows if prices.job else 0


def _most_in_jobs(prices: WritePrices, records: tuple[int, int], jobs: tuple[int, int]) -> tuple[int, int]:
    creates, updates = (
        min(number, count * _rows(prices)) for number, count in zip(records, jobs, strict=True)
    )
    return creates, updates


def _rows_paid_for(prices: WritePrices, most: int, credits_left: int) -> Iterable[int]:
    """How many creates may be in jobs: all, those of full calls' worth, or as many as can be looked for."""
    if not prices.look:
        return [most]
    paid = credits_left // prices.look * prices.records_a_call
    return dict.fromkeys([most, most - most % prices.records_a_call, min(most, paid)])


def _way(
    prices: WritePrices,
    records: tuple[int, int],
    jobs: tuple[int, int],
    in_jobs: tuple[int, int],
    by_call: tuple[int, int] | None = None,
) -> Cheapest:
    """``by_call`` None: everything that no job carries goes by call."""
    rest = [number - rows for number, rows in zip(records, in_jobs, strict=True)]
    creates, updates = (
        Way(tuple(_job_rows(rows, count, _rows(prices))), fit, left - fit)
        for rows, count, fit, left in zip(in_jobs, jobs, by_call or rest, rest, strict=True)
    )
    spent = sum(jobs) * prices.job.credits if prices.job else 0
    spent += sum(map(prices.looking, creates.jobs))
    return Cheapest(
        creates,
        updates,
        spent + prices.credits(creates.by_call, creates=True) + prices.credits(updates.by_call),
        (sum(jobs) * prices.job.calls if prices.job else 0)
        + prices.calls(creates.by_call)
        + prices.calls(updates.by_call),
    )


def _job_rows(records: int, jobs: int, rows: int) -> Iterator[int]:
    for _ in range(jobs):
        yield min(rows, records)
        records -= min(rows, records)


def _that_fit(prices: WritePrices, rest: tuple[int, int], credits_left: int, first: int) -> tuple[int, int]:
    """As many of both kinds as the credits pay for: whole credits' worth first, so that none is begun for less.

    ``first``: the kind that goes before the other one, 0 for creates.
    """
    fit = [0, 0]
    if _price(prices, rest) <= credits_left:
        return rest
    odd = [number % prices.records_a_credit for number in rest]
    order = (first, 1 - first)
    wanted = [(kind, rest[kind] - odd[kind]) for kind in order]
    wanted += [(kind, rest[kind]) for kind in sorted(order, key=odd.__getitem__, reverse=True)]
    for kind, most in wanted:
        own = prices.credits(fit[kind], creates=kind == 0)
        spare = credits_left - _price(prices, fit)
        fit[kind] = max(fit[kind], min(most, prices.within(own + spare, creates=kind == 0)))
    return fit[0], fit[1]


def _price(prices: WritePrices, by_call: Sequence[int]) -> int:
    return prices.credits(by_call[0], creates=True) + prices.credits(by_call[1])
