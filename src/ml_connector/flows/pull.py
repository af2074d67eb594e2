"""A run of a flow, as durable steps: list, sweep the facets, look at the target, windows, cursor; the way back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from ml_connector.core.catalogue import CHANGED_SINCE_APPROVAL
from ml_connector.core.change import Cursor, advance, telling_instants
from ml_connector.core.entity import Facet
from ml_connector.core.errors import AllowanceError
from ml_connector.flows import facets, stamps
from ml_connector.flows.arrivals import unsettled
from ml_connector.flows.drift import require_fields
from ml_connector.flows.limit import require_no_stop
from ml_connector.flows.master_edits import bring_back, require_ways_back
from ml_connector.flows.range import Range
from ml_connector.flows.reconcile_keys import compare, find_vanished, nothing_recorded
from ml_connector.flows.refresh import refresh
from ml_connector.flows.steps import (
    Result,
    Steps,
    StoppedError,
    broken_off,
    do,
    ended,
    load_of,
    locked_modules,
    open_run,
)
from ml_connector.flows.sync_window import sync_window
from ml_connector.flows.waiting import stage_again, stage_waiting
from ml_connector.flows.work import Work
from ml_connector.store import cursors, holds, links, looks, readings, staging
from ml_connector.store.cursors import Progress
from ml_connector.store.database import Connection
from ml_connector.store.looks import Looked

#: How often the records are looked at that waited for another one of the same run; deeper families wait for the next.
_ROUNDS = 3


def pull(steps: Steps, work: Work, run: str) -> Result:
    """One run of a flow, as it was ``work.asked``.

    {"state": "done" | "away" | "failed" | "limit", "counts": {...}, "happened": ..., "remedy": ..., "notes": [...],
    "load": {...}}.
    A system that is away is waited for, up to ``max_wait`` in one go, and credits up to ``credits_wait``; then the run
    ends as "away", its cursor where it was, and the next one does the rest.
    """
    counts: Counter[str] = Counter()
    work.source.take_load()  # what was asked before is not this run's
    open_run(work, run, work.flow.company, work.flow.name)
    if not work.asked.keys:
        with work.database.begin() as tx:
            cursors.go_on(tx, run, work.flow.company, work.flow.name)
    try:
        # Two runs that create in one module at once would not see each other's records.
        with locked_modules(work, run, work.flow.modules):
            notes = _work_off(steps, work, run, counts)
    except StoppedError as stopped:
        with work.database.begin() as tx:
            staging.clear(tx, run)  # what was not worked off is listed again by the next run
            if stopped.state == "limit" and stopped.stays and not work.asked.keys:
                cursors.limit(tx, work.flow.company, work.flow.name)
            counts |= broken_off(tx, run, counts)
            told = stopped.state, stopped.error.happened, counts
            cursors.close_run(tx, run, work.clock.now(), *told, goes_on=_goes_on(work, stopped))
        return ended(stopped.state, counts, stopped.error) | load_of(work, run)
    return ended("done", counts, notes=notes) | load_of(work, run)


def _goes_on(work: Work, stopped: StoppedError) -> bool:
    """Whether the next run counts with this one at the safety limit: it is not passed in instalments.

    What a person asked for by key or allowed beyond the limit is done with.
    """
    is_ordinary = not work.asked.keys and not work.asked.over_limit
    return is_ordinary and stopped.state in ("away", "failed")


def _work_off(steps: Steps, work: Work, run: str, counts: Counter[str]) -> Sequence[str]:
    """All steps of a run, adding to ``counts`` as they are done; what there is to say of it."""
    do(steps, work, run, "limit", partial(_require_no_stop, work))
    prepared = prepare(steps, work, run)
    counts += Counter(settled=prepared.settled, future=prepared.future)
    counts.update(prepared.found)
    said = _windows(steps, work, run, prepared.span, counts)
    for _ in range(_ROUNDS):
        if not do(steps, work, run, "again", partial(stage_again, work, run))["staged"]:
            break
        said += _windows(steps, work, run, prepared.span, counts)
    do(steps, work, run, "end", partial(_end, work, run, prepared, counts))
    if work.masters is not None:
        counts.update(bring_back(steps, work, run, prepared.span))
        do(steps, work, run, "close", partial(_close, work, run, counts))
    return [*prepared.notes, *dict.fromkeys(said), *_short_list(counts)]


def _short_list(counts: Mapping[str, int]) -> list[str]:
    """A sentence if the source has records that its own list did not name: they were not taken for gone."""
    there = counts.get("vanished", 0) - counts.get("absent", 0) - counts.get("held", 0)
    if there <= 0:
        return []
    return [
        f"The whole list left out {there:,} records that the source has when asked by key: none was marked."
    ]


def _require_no_stop(work: Work) -> Result:
    require_no_stop(work)
    require_ways_back(work)
    return {}


def _close(work: Work, run: str, counts: Mapping[str, int]) -> Result:
    with work.database.begin() as tx:
        cursors.close_run(tx, run, work.clock.now(), "done", "", counts)
    return {}


def _windows(steps: Steps, work: Work, run: str, span: Range, counts: Counter[str]) -> list[str]:
    """Everything that is staged, window by window; what there is to say of it."""
    notes: list[str] = []
    after: str | None = ""
    while after is not None:
        told = do(steps, work, run, "window", partial(_window, work, run, after, span))
        after = told["next_after"]
        counts.update(told["counts"])
        notes += told.get("notes", [])  # a run of an earlier version is taken up, too
        with work.database.begin() as tx:
            if told["waited"]:  # what the window did before it had to wait is not among its counts
                counts |= broken_off(tx, run, counts)
            cursors.note_counts(tx, run, counts)
    return notes


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a run is about to work off."""

    span: Range
    settled: int = 0  #: changes that were listed and dealt with before
    future: int = 0  #: stamps from the future: written like any other, and they move no cursor
    seen: tuple[datetime, ...] = ()  #: instants that move the cursor once all is recorded
    whole: bool = True  #: False: only certain keys are looked at, and the cursor stays
    found: Mapping[str, int] = field(default_factory=dict)  #: what the comparison of all keys found
    notes: tuple[str, ...] = ()  #: what a person should know of the run


def prepare(steps: Steps, work: Work, run: str, *, preview: bool = False) -> Prepared:
    """Stage what there is to do and bring the index up to date; nothing of the records is read or written yet."""
    begun = do(steps, work, run, "begin", partial(begin, work))
    span = Range.from_json(begun["range"])
    if work.asked.keys:
        prepared = Prepared(span, whole=False)
        staged = do(steps, work, run, "stage", partial(_stage_keys, work, run))
    else:
        prepared = _list_all(steps, work, run, span)
        staged = do(steps, work, run, "stage", partial(stage_waiting, work, run, preview=preview))
    if staged["staged"]:
        work.locks.renew = partial(_renew, steps, work, run)
        _look_at_target(steps, work, run)
        for module in work.flow.modules:
            stamps.learn(partial(do, steps, work, run), work, run, module)
    return replace(prepared, notes=tuple(begun["notes"]))


def _look_at_target(steps: Steps, work: Work, run: str) -> None:
    """Bring the index of every module up to date."""
    for module in work.flow.modules:
        refresh(partial(do, steps, work, run), work, run, module)


def _renew(steps: Steps, work: Work, run: str) -> None:
    """Others may have written while the run waited: nothing counts that was read before."""
    work.forget()
    work.source.forget_ahead()
    _look_at_target(steps, work, run)


def begin(work: Work) -> Result:
    """Fix what the run looks at. A changed mapping makes it a backfill: everything is looked at again."""
    work.context()  # another organisation or key prefix than the records were written with stops the run here
    work.source.forget_ahead()
    with work.database.read() as tx:
        found = cursors.find(tx, work.flow.company, work.flow.name)
        linked = sum(links.count(tx, work.pair(module)) for module in work.flow.modules)
    if work.asked.reconcile and found is None:
        raise nothing_recorded(work.flow.name)
    clock_difference = work.source.clock_difference()
    now = work.clock.now()
    cursor = found.cursor if found else None
    backfill = found is not None and found.fingerprint != work.flow.fingerprint
    notes = require_fields(work, all_of_them=found is None or backfill)
    loaded = found.modules if found else ()
    everything = work.asked.full or work.asked.reconcile
    since = cursor.since(work.options.overlap) if cursor and not backfill and not everything else None
    granularity = cursor.granularity if cursor else Cursor(now, finer_than_day=False).granularity
    span = Range(
        began_at=now,
        bound=now + timedelta(seconds=min(clock_difference, 0.0)),
        since=since,
        first_load=found is None,
        doubt=granularity + timedelta(seconds=abs(clock_difference)),
        skew=timedelta(seconds=abs(clock_difference)),
        fingerprint=work.flow.fingerprint,
        backfill=backfill,
        linked=linked,
        fresh=tuple(module for module in work.flow.modules if module not in loaded),
    )
    return {"range": span.to_json(), "notes": [*work.context().notes, *notes]}


def _list_all(steps: Steps, work: Work, run: str, span: Range) -> Prepared:
    """List what changed, and every facet that is due; or list everything and compare it with what was recorded."""
    listed = _pages(steps, work, run, "list", partial(_list, work, run, span))
    found = sum((Counter(told.get("found", {})) for told in listed), Counter[str]())
    if work.asked.reconcile:
        found.update(do(steps, work, run, "vanished", partial(find_vanished, work, span)))
    else:
        for facet in work.flow.entity.facets:
            _look_at(steps, work, run, facet, span)
    seen = tuple(datetime.fromisoformat(at) for told in listed for at in told["seen"])
    settled, future = (sum(told[name] for told in listed) for name in ("settled", "future"))
    return Prepared(span, settled, future, seen, found=found)


def _look_at(steps: Steps, work: Work, run: str, facet: Facet, span: Range) -> None:
    """Look at one facet in the ways that are due."""
    due = do(steps, work, run, f"due {facet.name}", lambda: facets.find_due(work, facet, span).to_json())
    look = facets.Look.from_json(due)
    if look.whole or look.since:
        read = partial(facets.sweep, work, facet, span, None if look.whole else look.since)
        _pages(steps, work, run, f"sweep {facet.name}", read)
    if look.roll:
        do(steps, work, run, f"roll {facet.name}", partial(facets.roll, work, facet, span))


def _pages(
    steps: Steps, work: Work, run: str, name: str, page: Callable[[str | None], Result]
) -> list[Result]:
    """Do ``page`` for one key range after the other; what each left."""
    told = [do(steps, work, run, name, partial(page, None))]
    while (after := told[-1]["next_after"]) is not None:
        told.append(do(steps, work, run, name, partial(page, after)))
    return told


def _list(work: Work, run: str, span: Range, after: str | None) -> Result:
    page = work.source.list_changes(work.flow.entity.name, span.since, after)
    wanted = [change for change in page.rows if work.flow.limits.lets_in_date(change.on)]
    due = wanted if work.asked.full else unsettled(work, wanted, span.doubt)
    if work.asked.reconcile and not span.backfill:
        due = [change for change in due if change.at is not None]  # without a stamp the comparison decides
    with work.database.begin() as tx:
        now = max(work.clock.now(), span.began_at)  # our clock may be set back meanwhile
        staging.put_names(tx, work.flow.company, work.flow.entity.name, page.rows, now)
        staging.put_changes(tx, run, due, "asked" if work.asked.full else "listed")
    work.source.read_ahead(work.flow.entity.name, [change.key for change in due])  # while the rest is listed
    seen = telling_instants([change.at for change in page.rows], span.bound)
    future = sum(change.at is not None and change.at > span.bound for change in page.rows)
    told: Result = {
        "settled": len(wanted) - len(due),
        "seen": [at.isoformat() for at in seen],
        "future": future,
    }
    told["found"] = dict(compare(work, run, wanted)) if work.asked.reconcile else {}
    return {"next_after": page.next_after} | told


def _stage_keys(work: Work, run: str) -> Result:
    with work.database.begin() as tx:
        staging.put_keys(tx, run, work.flow.company, work.flow.entity.name, work.asked.keys)
        return {"staged": staging.count(tx, run)}


def _window(work: Work, run: str, after: str, span: Range) -> Result:
    try:
        result = sync_window(work, run, after, span)
    except AllowanceError as error:
        with work.database.read() as tx:
            left = staging.count(tx, run, after)
        error.say_what_waits(
            f"Up to {left:,} changed records of {work.flow.name} wait for credits of the CRM."
        )
        raise
    return {"next_after": result.next_after, "counts": dict(result.counts), "notes": result.notes}


def _end(work: Work, run: str, prepared: Prepared, counts: Mapping[str, int]) -> Result:
    """Every change is recorded: move the cursor, and clear what was staged; the run ends unless values go back."""
    company, flow, span = work.flow.company, work.flow, prepared.span
    with work.database.begin() as tx:
        found = cursors.find(tx, company, flow.name)
        cursor = advance(found.cursor if found else None, prepared.seen, span.bound)
        if prepared.whole:
            loaded = [m for m in flow.modules if m not in span.fresh or _is_loaded(tx, work, m)]
            cursors.put(tx, company, flow.name, Progress(cursor, span.fingerprint, tuple(loaded)))
            for facet in flow.entity.facets if span.first_load else ():
                readings.mark_swept(tx, company, flow.name, facet.name, span.bound)
            looks.put(tx, company, flow.name, looks.RECORD, Looked(looked_at=span.bound))
            if work.asked.reconcile:
                looks.put(tx, company, flow.name, looks.KEYS, Looked(looked_at=span.bound))
        staging.clear(tx, run)
        if work.masters is None:
            cursors.close_run(tx, run, work.clock.now(), "done", "", counts)
    return {"cursor": cursor.at.isoformat() if cursor else None}


def _is_loaded(tx: Connection, work: Work, module: str) -> bool:
    """Whether the module's first load is done: something was written there, or nothing waits for its approval."""
    if links.count(tx, work.pair(module)):
        return True
    waiting = holds.find(tx, work.flow.company, flow=work.flow.name, codes=[CHANGED_SINCE_APPROVAL])
    mappings = {mapping.name for mapping in work.flow.of_module(module)}
    return not any(hold.mapping in mappings for hold in waiting)
