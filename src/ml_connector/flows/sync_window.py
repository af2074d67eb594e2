"""READ FIRST: one window of a flow, from the changes in the source to what is recorded of each.

    staged changes -> fetch (keep its postings) -> map -> find the match -> plan -> write -> record

Everything here may run twice: a create carries our key, an update goes by id, and every row of the store has a
natural key. The window is the durable step of a run (``pull``); it returns counts and where the next one begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from ml_connector.core.plan import Plan
from ml_connector.flows import limit
from ml_connector.flows.approval import hold_unapproved
from ml_connector.flows.arrivals import Arrival, Arrived, Missing, arrivals
from ml_connector.flows.bulk import settle
from ml_connector.flows.missing import record_missing
from ml_connector.flows.piles import Piles
from ml_connector.flows.planning import plan_chunk
from ml_connector.flows.postings import keep, record_kept
from ml_connector.flows.range import Range
from ml_connector.flows.spool import Spool
from ml_connector.flows.vanished import plan_vanished
from ml_connector.flows.work import Work
from ml_connector.flows.write import Writer
from ml_connector.store import staging
from ml_connector.store.staging import Staged

#: The most changes of a window that is wide because bulk jobs may pay: some full jobs of each kind.
WIDE = 100_000


@dataclass(slots=True)
class WindowResult:
    """What one window came to."""

    next_after: str | None  #: where the next window begins; None: there is none
    counts: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)  #: what a person should know of it


def sync_window(work: Work, run: str, after: str, span: Range) -> WindowResult:
    """Bring the next window of the run's staged changes into the target, and record every one of them.

    ``after`` is the last window's end. On a first load only approved decisions are written. Raises RetryableError,
    ConfigurationError or LimitError when the window could not be finished; what was written by then is recorded.
    """
    wide = _is_wide(work, run, after)
    staged = _Staged(work, run, after, WIDE if wide else work.options.window_size)
    result = WindowResult(None)
    if not staged.behind():
        return result
    missing: list[Missing] = []
    chunks: Iterable[Sequence[Arrived]] = _taken_in(work, staged.arrivals(span), missing)
    for module in work.flow.modules:  # parents are written before children are planned
        seen: Spool[Sequence[Arrived]] | list[Sequence[Arrived]] = Spool() if wide else []
        settle(work, run, module)
        guard = partial(hold_unapproved, work, module, everything=span.is_first(module))
        with Writer(work, run, module, guard, Piles(work, module) if wide else None, staged.behind) as writer:
            for chunk in chunks:
                if len(work.flow.modules) > 1:
                    seen.append(chunk)
                _write_chunk(work, writer, chunk, span)
            staged.read_ahead()  # while the last calls of this window are under way
        result.counts += writer.counts
        result.notes += writer.notes
        chunks = seen
    if not work.flow.modules:  # nothing is written anywhere: what is kept on the way is all
        for chunk in chunks:
            result.counts += record_kept(work, run, chunk)
        staged.read_ahead()
    if missing:  # behind the marks of what vanished: only then is the record done with
        result.counts += record_missing(work, run, missing)
    result.next_after = staged.last
    return result


def _taken_in(
    work: Work, chunks: Iterable[Sequence[Arrived]], missing: list[Missing]
) -> Iterator[Sequence[Arrived]]:
    """These chunks, their postings kept; what the source did not give stands in ``missing``, too."""
    for arrived in chunks:
        chunk = keep(work, arrived)
        missing += [one for one in chunk if isinstance(one, Missing)]
        yield chunk


def _is_wide(work: Work, run: str, after: str) -> bool:
    """Whether so much is staged that bulk jobs may pay; a record of many parts may alone be enough."""
    evens = [work.target.write_prices(module).break_even for module in work.flow.modules]
    if not any(evens):
        return False
    if any(mapping.each for mapping in work.flow.mappings):
        return True
    with work.database.read() as tx:
        return staging.count(tx, run, after) >= min(filter(None, evens))


@dataclass(slots=True)
class _Staged:
    """The staged changes of one window, read in portions of ``window_size``."""

    work: Work
    run: str
    last: str  #: the folded key up to which they were read
    left: int  #: so many may still be read
    unread: int = 0  #: of the last portion: what no chunk has brought yet

    def arrivals(self, span: Range) -> Iterator[Sequence[Arrived]]:
        """What they bring, in chunks."""
        while staged := self._next(min(self.left, self.work.options.window_size)):
            self.last, self.left = staged[-1].key, self.left - len(staged)
            self.unread = len(staged)
            for chunk in arrivals(self.work, staged, span):
                self.unread -= len(chunk)
                yield chunk
            self.unread = 0
            if self.left:
                self.read_ahead()

    def read_ahead(self) -> None:
        """Have those behind them read meanwhile."""
        staged = self._next(self.work.options.window_size)
        keys = [row.source_key for row in staged if row.why != "facet" and row.key not in self.work.kept]
        if keys:
            self.work.source.read_ahead(self.work.flow.entity.name, keys)

    def behind(self) -> int:
        """How many are still to be read, of this window or behind it."""
        with self.work.database.read() as tx:
            return self.unread + staging.count(tx, self.run, self.last)

    def _next(self, most: int) -> list[Staged]:
        if not most:
            return []
        with self.work.database.read() as tx:
            return staging.next_window(tx, self.run, self.last, most)


def _write_chunk(work: Work, writer: Writer, chunk: Sequence[Arrived], span: Range) -> None:
    """Plan one chunk, look at the safety limit, hand it to the writer; of what the source lost, write the mark."""
    module = writer.module
    at_hand = [arrived for arrived in chunk if isinstance(arrived, Arrival)]
    missing = [arrived for arrived in chunk if isinstance(arrived, Missing)]
    plans = plan_chunk(work, module, at_hand, span)
    _keep_waiting(work, at_hand, plans)
    if not span.is_first(module):  # what is written first is approved instead
        first = module == work.flow.modules[0]
        absent = [m.key for m in missing if m.error is None] if first else []
        limit.weigh_in(work, writer.run, module, plans, absent, span)
    writer.take([*plans, *plan_vanished(work, module, missing)])


def _keep_waiting(work: Work, at_hand: Sequence[Arrival], plans: Sequence[Plan]) -> None:
    """Keep the whole records that wait for a parent, which may come behind them in the order of keys.

    What waits for another flow's record waits longer than this run: it is read again when its time has come.
    """
    own = work.flow.entity.name
    waits = {plan.desired.key for plan in plans if any(on.entity == own for on in plan.desired.awaits)}
    for arrival in at_hand:
        if arrival.record.key in waits and not arrival.facet_only:
            work.keep(arrival.record)
