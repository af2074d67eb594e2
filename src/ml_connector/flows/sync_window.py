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
from ml_connector.flows.arrivals import Arrival, Arrived, Missing, arrivals
from ml_connector.flows.guard import hold_unapproved
from ml_connector.flows.missing import record_missing
from ml_connector.flows.planning import plan_chunk
from ml_connector.flows.postings import keep, record_kept
from ml_connector.flows.range import Range
from ml_connector.flows.vanished import plan_vanished
from ml_connector.flows.work import Work
from ml_connector.flows.write import Writer
from ml_connector.store import staging
from ml_connector.store.staging import Staged


@dataclass(slots=True)
class WindowResult:
    """What one window came to."""

    next_after: str | None  #: where the next window begins; None: there is none
    counts: Counter[str] = field(default_factory=Counter)
    weight: int = 0  #: of the run so far, as the safety limit counts


def sync_window(work: Work, run: str, after: str, span: Range, weight: int = 0) -> WindowResult:
    """Bring the next window of the run's staged changes into the target, and record every one of them.

    ``after`` is the last window's end, ``weight`` what the windows before it weighed. On a first load only approved
    decisions are written. Raises RetryableError, ConfigurationError or LimitError when the window could not be
    finished; what was written by then is recorded.
    """
    staged = _staged(work, run, after)
    result = WindowResult(staged[-1].key if staged else None, weight=weight)
    if not staged:
        return result
    missing: list[Missing] = []
    chunks: Iterable[Sequence[Arrived]] = _taken_in(work, staged, span, missing)
    for module in work.flow.modules:  # parents are written before children are planned
        seen: list[Sequence[Arrived]] = []
        guard = partial(hold_unapproved, work, module, everything=span.is_first(module))
        with Writer(work, run, module, guard) as writer:
            for chunk in chunks:
                if len(work.flow.modules) > 1:
                    seen.append(chunk)
                _write_chunk(work, writer, chunk, span, result)
            _read_ahead(work, run, staged[-1].key)  # while the last calls of this window are under way
        result.counts += writer.counts
        chunks = seen
    if not work.flow.modules:  # nothing is written anywhere: what is kept on the way is all
        for chunk in chunks:
            result.counts += record_kept(work, run, chunk)
        _read_ahead(work, run, staged[-1].key)
    if missing:  # behind the marks of what vanished: only then is the record done with
        result.counts += record_missing(work, run, missing)
    return result


def _taken_in(
    work: Work, staged: Sequence[Staged], span: Range, missing: list[Missing]
) -> Iterator[Sequence[Arrived]]:
    """What the staged changes bring, its postings kept; what the source did not give stands in ``missing``, too."""
    for arrived in arrivals(work, staged, span):
        chunk = keep(work, arrived)
        missing += [one for one in chunk if isinstance(one, Missing)]
        yield chunk


def _staged(work: Work, run: str, after: str) -> list[Staged]:
    with work.database.read() as tx:
        return staging.next_window(tx, run, after, work.options.window_size)


def _read_ahead(work: Work, run: str, after: str) -> None:
    staged = _staged(work, run, after)
    keys = [row.source_key for row in staged if row.why != "facet" and row.key not in work.kept]
    if keys:
        work.source.read_ahead(work.flow.entity.name, keys)


def _write_chunk(
    work: Work, writer: Writer, chunk: Sequence[Arrived], span: Range, result: WindowResult
) -> None:
    """Plan one chunk, look at the safety limit, hand it to the writer; of what the source lost, write the mark."""
    module = writer.module
    at_hand = [arrived for arrived in chunk if isinstance(arrived, Arrival)]
    missing = [arrived for arrived in chunk if isinstance(arrived, Missing)]
    plans = plan_chunk(work, module, at_hand, span)
    _keep_waiting(work, at_hand, plans)
    if not span.is_first(module):  # what is written first is approved instead
        first = module == work.flow.modules[0]
        absent = [m.key for m in missing if m.error is None] if first else []
        result.weight += limit.weigh(work, module, plans, absent)
        limit.check(work, span, result.weight)
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
