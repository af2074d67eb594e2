"""What a writer keeps for bulk jobs, and how it is shared out when the time has come: credits first, then calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ml_connector.core.errors import AllowanceError, ConfigurationError
from ml_connector.core.plan import Action, Plan
from ml_connector.core.ports import Write
from ml_connector.core.write_plan import Cheapest, Way, WritePrices, cheapest
from ml_connector.flows.bulk import mark_of
from ml_connector.flows.look_again import count_questions, is_unique
from ml_connector.flows.spool import Spool, split
from ml_connector.flows.work import Work

_KINDS = (Action.CREATE, Action.UPDATE)
_A_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Shares:
    """What is sent now, and how many records wait for credits."""

    sent: Sequence[
        tuple[Action, Sequence[Spool[Plan]], Spool[Plan]]
    ]  #: kind, the rows of each job, what goes by call
    waits: int = 0
    enough: Sequence[int] = ()  #: credits that pay for what waits or for a full job; for some of it


class Piles:
    """The creates and the updates of one module that bulk jobs can carry, each record once."""

    def __init__(self, work: Work, module: str) -> None:
        self._work, self._module = work, module
        prices = work.target.write_prices(module)
        self._prices = replace(prices, look=prices.look * count_questions(work, module))
        self._refreshing = sum(work.target.write_prices(one).refresh for one in work.flow.modules)
        self.since = work.clock.now()  #: how long what is kept may be here
        self._kept: dict[Action, Spool[Plan]] = {kind: Spool() for kind in _KINDS}
        self._marks: set[str] = (
            set()
        )  #: of what is kept, and of what was handed out to jobs that have not ended
        self._behind: Spool[Plan] = Spool()  #: further plans for these records
        self._creates = is_unique(work, module)  #: nothing else refuses a second record with the same key

    def keep(self, plan: Plan) -> bool:
        """Whether this plan is kept here; all others are sent in calls, while none of their record is here."""
        mark = mark_of(plan)
        if mark in self._marks:
            self._behind.append(plan)
            return True
        if not self._fits(plan):
            return False
        if not any(map(len, self._kept.values())):
            self.since = self._work.clock.now()
        self._marks.add(mark)
        self._kept[plan.action].append(plan)
        return True

    def _fits(self, plan: Plan) -> bool:
        if self._prices.job is None or plan.trigger or (plan.action is Action.CREATE and not self._creates):
            return False
        return self._work.target.takes_in_bulk(self._module, Write(plan.fields, plan.target_id))

    @property
    def is_full(self) -> bool:
        """Whether one kind fills a job."""
        job = self._prices.job
        return job is not None and any(len(kept) >= job.rows for kept in self._kept.values())

    def give_up(self) -> None:
        """The target takes no bulk jobs after all."""
        self._prices = replace(self._prices, job=None)

    def forget(self, rows: Spool[Plan]) -> None:
        """These are no longer kept here, nor by a job."""
        self._marks.difference_update(mark_of(plan) for plan in rows)

    def take_back(self, kind: Action, rows: Spool[Plan]) -> None:
        """These were handed out to a job that did not take them."""
        self._marks.update(mark_of(plan) for plan in rows)
        self._kept[kind].extend(rows)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to be sent."""
        return not any(len(kept) for kept in self._kept.values())

    def take_behind(self) -> Iterator[Plan]:
        """The plans that came behind another one of the same record; what was kept is written by now."""
        behind, self._behind = self._behind, Spool()
        yield from behind

    def shares(self, credits_left: int | None, *, last: bool) -> Shares:
        """What is sent now. Unless it is the ``last`` of the window, or the credits run out, only full jobs are."""
        creates, updates = (len(self._kept[kind]) for kind in _KINDS)
        best = cheapest(self._prices, creates, updates, credits_left)
        ways = [best.creates, best.updates]
        if not (last or best.waits or self._prices.job is None):
            ways = [self._only_full(way) for way in ways]
        sent = [self._share(kind, way) for kind, way in zip(_KINDS, ways, strict=True)]
        return Shares(sent, best.waits, self._enough(best) if best.waits else ())

    def _enough(self, best: Cheapest) -> tuple[int, ...]:
        """The credits that pay for what waits, or less, after all modules were looked at again behind the wait."""
        return tuple(self._refreshing + price for price in _enough(self._prices, best))

    def _only_full(self, way: Way) -> Way:
        job = self._prices.job
        full = tuple(rows for rows in way.jobs if job is not None and rows == job.rows)
        return Way(full, 0, sum(way.jobs) - sum(full) + way.by_call + way.waits)

    def _share(self, kind: Action, way: Way) -> tuple[Action, Sequence[Spool[Plan]], Spool[Plan]]:
        *jobs, by_call, rest = split(self._kept[kind], [*way.jobs, way.by_call])
        self._kept[kind] = rest
        self.forget(by_call)
        return kind, jobs, by_call


def _enough(prices: WritePrices, best: Cheapest) -> tuple[int, int]:
    """The credits that pay for everything that waits, or else for a full job; and those that pay for one record."""
    creates, updates = best.creates.waits, best.updates.waits
    by_call = prices.credits(creates, creates=True) + prices.credits(updates)
    if prices.job is not None:
        looking = prices.looking(min(creates, prices.job.rows))
        by_call = min(by_call, prices.job.credits + looking)
    return by_call, prices.credits(1, creates=not updates)


def waits_for_credits(work: Work, module: str, shares: Shares, waits: int, behind: int) -> AllowanceError:
    """That the credits do not pay for everything: what they paid for is written."""
    more = f", and {behind:,} more that come behind them" if behind else ""
    waiting = (
        f"The credits left in the CRM do not pay for {waits:,} changed records of {module}{more}: they wait."
    )
    happened, remedy, after_seconds = "They go on as soon as enough are free again.", "", _A_MINUTE
    for wanted in shares.enough:
        try:
            work.target.require_credits(wanted)
        except ConfigurationError:  # more than a day allows: they go on day by day
            continue
        except AllowanceError as error:
            happened, remedy, after_seconds = error.happened, error.remedy, error.after_seconds or _A_MINUTE
        break
    return AllowanceError(happened, remedy, after_seconds=after_seconds, wanted=wanted, waiting=waiting)
