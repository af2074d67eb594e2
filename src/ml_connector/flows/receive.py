"""A run over a module of the CRM: what is due is gathered, fetched, and handed to whoever writes it on.

    notifications that are ripe -+
    changes that a poll found   -+-> staged -> fetched whole -> taken (an outcome of each is recorded) -> settled
    deletions, records that wait-+

A record stands once among what is staged, however often and from wherever it is told of, and is fetched as it is then.
Its notifications are settled when its outcome is recorded, those that were read before it was fetched; the cursor moves
when everything is recorded that a poll found. So whoever dies anywhere leaves what was not done to be done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from ml_connector.core import listening as deciding
from ml_connector.core.change import SECOND_GRANULARITY, Change, advance, telling_instants
from ml_connector.core.listening import Pace
from ml_connector.core.ports import Clock, Fetched, SourceWithDeletions, Target
from ml_connector.flows.module_locks import Locked, ModuleLocks, unlocked
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.steps import (
    Result,
    Steps,
    StoppedError,
    do,
    ended,
    load_of,
    open_run,
)
from ml_connector.flows.work import CHUNK, Options
from ml_connector.store import cursors, inbox, listening, staging
from ml_connector.store.cursors import Progress
from ml_connector.store.database import Connection, Database
from ml_connector.store.staging import Staged

#: Notifications may come without an end: behind so many windows a run takes in no more of them, so that it ends, its
#: cursor moves, and others have their turn. Nor does it once a poll has become due, such as that which closes the gap
#: before a new channel: the next run begins with it.
_TAKES_IN = 20


@dataclass(frozen=True, slots=True)
class Handed:
    """A record as it was fetched, and why."""

    key: str
    at: datetime | None  #: the change's instant, or the deletion's; None: it was told of, or asked for
    result: Fetched
    skew: timedelta  #: by how much the clocks differed at most


class Consumer(Protocol):
    """Whoever writes on what a module brings. A record's own fault is an outcome, not an error."""

    def begin(self) -> None:
        """What has to be known before anything is gathered; called by every run. Errors as those of the source."""

    def unsettled(self, changes: Sequence[Change], doubt: timedelta) -> Sequence[Change]:
        """Of these changes those that no outcome deals with yet, as ``core.change.is_settled`` has it."""

    def waiting(self, tx: Connection) -> Collection[str]:
        """The records that wait and for which something may be different now: replays, holds that may have healed."""

    def take(self, run: str, handed: Sequence[Handed]) -> Mapping[str, int]:
        """Record what becomes of each of these (written, skipped, held), committed by the time it returns; counts.

        It may be called again with the same ones, and with newer readings of them: results are effectively once.
        RetryableError, ConfigurationError: what was not recorded comes again.
        """


@dataclass(frozen=True, slots=True)
class Gathering:
    """One flow over a module, and everything it touches."""

    flow: str
    company: str  #: under which the flow is recorded
    module: str  #: the source's entity
    source: SourceWithDeletions
    target: Target  #: whose credits the run spends
    database: Database
    clock: Clock
    consumer: Consumer
    pace: Pace
    coalesce: timedelta  #: how long after its first notification a record is fetched
    fingerprint: str = ""  #: of what becomes of the records; another one has everything looked at again
    start_at: datetime | None = None  #: what changed last before it is of no interest; None: everything is
    options: Options = field(default_factory=Options)
    locked: Locked = unlocked
    asked: Asked = EVERYTHING
    polls: bool = False  #: whether or not a poll is due: a person wants it now
    locks: ModuleLocks = field(default_factory=ModuleLocks)


def receive(steps: Steps, gathering: Gathering, run: str) -> Result:
    """One run, as it was ``gathering.asked``; it ends as ``flows.pull.pull`` does, and waits like it.

    Counts: "told" (records of notifications), "polled" (changes that a poll found and that were not settled),
    "settled", "deleted", "future", "fetches" (calls for records), and the consumer's own.
    """
    counts: Counter[str] = Counter()
    gathering.source.take_load()
    open_run(gathering, run, gathering.company, gathering.flow)
    try:
        _work_off(steps, gathering, run, counts)
    except StoppedError as stopped:
        with gathering.database.begin() as tx:
            staging.clear(tx, run)  # told ones are in the inbox still, and a poll finds the others again
            told = stopped.state, stopped.error.happened, counts
            cursors.close_run(tx, run, gathering.clock.now(), *told)
        return ended(stopped.state, counts, stopped.error) | load_of(gathering, run)
    return ended("done", counts) | load_of(gathering, run)


def _work_off(steps: Steps, gathering: Gathering, run: str, counts: Counter[str]) -> None:
    def step(name: str, of: Callable[..., Result], *args: object) -> Result:
        told = do(steps, gathering, run, name, partial(of, gathering, run, *args))
        counts.update(told.get("counts", {}))
        return told

    begun = step("begin", _begin)
    seen: list[str] = []
    if begun["polls"]:
        begun, seen = _poll(step, begun)
    step("waiting", _stage_waiting)
    windows = 0
    while not step("window", _window, begun, windows)["is_last"]:
        windows += 1
    step("end", _end, begun, seen, dict(counts))


def _poll(step: Callable[..., Result], begun: Result) -> tuple[Result, list[str]]:
    """Stage what changed and what was deleted; by how much the clocks differ, and the instants that move the cursor."""
    seen: list[str] = []
    after: str | None = None
    while True:
        told = step("list", _list, begun, after)
        seen += told["seen"]
        begun = {**begun, "skew": max(begun["skew"], told["skew"])}
        if (after := told["next_after"]) is None:
            break
    step("deleted", _list_deleted, begun)
    return begun, seen


# -- what is due


def _begin(gathering: Gathering, _run: str) -> Result:
    """Fix what the run looks at: whether it polls, and how far back."""
    gathering.consumer.begin()
    now = gathering.clock.now()
    with gathering.database.read() as tx:
        found = cursors.find(tx, gathering.company, gathering.flow)
        known = listening.find(tx, gathering.module)
    last = found.cursor if found else None
    anew = found is None or found.fingerprint != gathering.fingerprint or gathering.asked.full
    due = anew or gathering.polls or deciding.poll_due_at(known, gathering.pace, now) <= now
    since = deciding.since(None if anew else last, gathering.options.overlap, gathering.start_at)
    return {
        "polls": due and not gathering.asked.keys,
        "began_at": now.isoformat(),
        "since": since and since.isoformat(),
        "deleted_since": deciding.deleted_since(known, last, gathering.options.overlap, now).isoformat(),
        "skew": 0.0,  # without a poll, nothing is judged by the other clock
    }


def _list(gathering: Gathering, run: str, begun: Result, after: str | None) -> Result:
    """Stage a page of what changed and is not settled."""
    since, before = begun["since"], gathering.clock.now()
    page = gathering.source.list_changes(gathering.module, since and datetime.fromisoformat(since), after)
    difference = _difference(gathering, page.answered_at, before)
    bound = datetime.fromisoformat(begun["began_at"]) + timedelta(seconds=min(difference, 0.0))
    due = page.rows
    if not gathering.asked.full:
        due = _unsettled(gathering, page.rows, abs(difference))
    with gathering.database.begin() as tx:
        staging.put_changes(tx, run, due, "asked" if gathering.asked.full else "listed")
    counts = {
        "polled": len(due),
        "settled": len(page.rows) - len(due),
        "future": sum(row.at is not None and row.at > bound for row in page.rows),
    }
    seen = [at.isoformat() for at in telling_instants([row.at for row in page.rows], bound)]
    return {"next_after": page.next_after, "seen": seen, "skew": abs(difference), "counts": counts}


def _difference(gathering: Gathering, answered_at: datetime | None, before: datetime) -> float:
    """The source's clock minus ours, seconds: by a page's answer, which says it in whole ones, else by a call."""
    if answered_at is None:
        return gathering.source.clock_difference()
    took = (gathering.clock.now() - before).total_seconds()
    return (answered_at - before).total_seconds() + 0.5 - took / 2


def _list_deleted(gathering: Gathering, run: str, begun: Result) -> Result:
    """Stage what was deleted and is not settled; what was put back since is there when it is fetched."""
    skew: float = begun["skew"]
    since = datetime.fromisoformat(begun["deleted_since"]) - timedelta(seconds=skew)
    due = _unsettled(gathering, gathering.source.list_deleted(gathering.module, since), skew)
    with gathering.database.begin() as tx:
        staging.put_changes(tx, run, due)
    return {"counts": {"deleted": len(due)}}


def _unsettled(gathering: Gathering, changes: Sequence[Change], skew: float) -> Sequence[Change]:
    doubt = SECOND_GRANULARITY + timedelta(seconds=skew)
    return gathering.consumer.unsettled(changes, doubt) if changes else []


def _stage_waiting(gathering: Gathering, run: str) -> Result:
    """Stage what a person asked for, or what waited and may go on."""
    with gathering.database.begin() as tx:
        keys = gathering.asked.keys or gathering.consumer.waiting(tx)
        staging.put_keys(tx, run, gathering.company, gathering.module, list(keys))
    return {}


# -- working it off


def _window(gathering: Gathering, run: str, begun: Result, windows: int) -> Result:
    """Work off the next of what is staged, what was told of first, in chunks; each is settled when it is recorded.

    ``windows``: so many were before it.
    """
    counts: Counter[str] = Counter()
    left = gathering.options.window_size
    takes_in = not windows or (windows < _TAKES_IN and not _is_poll_due(gathering, begun))
    is_full = takes_in and _stage_told(gathering, run, left) == left
    while left > 0 and (staged := _next(gathering, run, min(left, CHUNK))):
        counts.update(_work_off_chunk(gathering, run, staged, timedelta(seconds=begun["skew"])))
        left -= len(staged)
    with gathering.database.read() as tx:
        return {"counts": dict(counts), "is_last": not is_full and not staging.count(tx, run)}


def _is_poll_due(gathering: Gathering, begun: Result) -> bool:
    """Whether a poll has become due since this run began, which the next run makes."""
    now = gathering.clock.now()
    with gathering.database.read() as tx:
        known = listening.find(tx, gathering.module)
    if begun["polls"]:  # it is noted when the run ends
        known = replace(known, polled_at=datetime.fromisoformat(begun["began_at"]))
    return deciding.poll_due_at(known, gathering.pace, now) <= now


def _stage_told(gathering: Gathering, run: str, most: int) -> int:
    """Stage the records whose notifications are ripe; they stay in the inbox until they are worked off."""
    if gathering.asked.keys:
        return 0
    now, seconds = gathering.clock.now(), gathering.coalesce.total_seconds()
    with gathering.database.begin() as tx:
        rows = inbox.due(tx, now, seconds, most, gathering.module)
        staging.put_keys(tx, run, gathering.company, gathering.module, [row.record_id for row in rows])
    return len(rows)


def _next(gathering: Gathering, run: str, most: int) -> list[Staged]:
    with gathering.database.read() as tx:
        return staging.first(tx, run, most)


def _work_off_chunk(
    gathering: Gathering, run: str, staged: Sequence[Staged], skew: timedelta
) -> Counter[str]:
    """Up to a hundred records. Told of once more from here on, a record stays in the inbox."""
    keys = [row.source_key for row in staged]
    with gathering.database.read() as tx:
        told = inbox.find(tx, gathering.module, keys)
    results = gathering.source.fetch(gathering.module, keys)
    handed = [Handed(row.source_key, row.at, one, skew) for row, one in zip(staged, results, strict=True)]
    counts = Counter(gathering.consumer.take(run, handed))
    with gathering.database.begin() as tx:
        inbox.settle(tx, told)
        staging.remove(tx, run, staged)
    return counts + Counter(told=len(told), fetches=1)


def _end(
    gathering: Gathering, run: str, begun: Result, seen: Sequence[str], counts: Mapping[str, int]
) -> Result:
    """Everything that was staged is recorded: move the cursor, if there was a poll."""
    company, flow, began_at = gathering.company, gathering.flow, datetime.fromisoformat(begun["began_at"])
    with gathering.database.begin() as tx:
        if begun["polls"]:
            found = cursors.find(tx, company, flow)
            instants = [datetime.fromisoformat(at) for at in seen]
            cursor = advance(found.cursor if found else None, instants, began_at)  # none is beyond its bound
            cursors.put(tx, company, flow, Progress(cursor, gathering.fingerprint))
            listening.note_poll(tx, gathering.module, began_at)
        staging.clear(tx, run)
        cursors.close_run(tx, run, gathering.clock.now(), "done", "", counts)
    return {}
