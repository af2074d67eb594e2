"""Sending plans to the target: packed by kind, calls overlapping up to the limit, every answer recorded.

In a wide window, where bulk jobs may cost less, what they can carry is kept until a job is full or the window ends.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from ml_connector.core.catalogue import AMBIGUOUS_KEY, OWN_CODES
from ml_connector.core.errors import ConnectorError, RecordRejectedError
from ml_connector.core.match import Found, Match
from ml_connector.core.plan import Action, Desired, Plan, pack
from ml_connector.core.ports import Duplicate, Write, WriteResult
from ml_connector.core.record import Ident
from ml_connector.flows import bulk
from ml_connector.flows.approval import claimed_twice
from ml_connector.flows.bulk import JobDone
from ml_connector.flows.done import JOINED, Done
from ml_connector.flows.look_again import look_again, wait_for_lost
from ml_connector.flows.meanwhile import as_planned
from ml_connector.flows.piles import Piles, waits_for_credits
from ml_connector.flows.planning import plan_matched
from ml_connector.flows.recording import record
from ml_connector.flows.spool import Spool
from ml_connector.flows.work import CHUNK, Work, chunked
from ml_connector.store import bulk_jobs, cursors, intents

#: Updates that were kept for longer are not sent before it was asked what people changed meanwhile. What no job
#: carries is not kept for longer in a wide window, although it fills no call.
KEPT_LONG = timedelta(seconds=60)
#: What may be written of these plans: on a first load, what was approved.
Guard = Callable[[Sequence[Plan]], list[Plan]]


class Writer:
    """Takes plans as they are made and writes them in full calls; at the end everything is recorded or it raises.

    If a call fails, those in flight are still waited for and recorded, then the first error is raised: the window
    is done again, and what was recorded is settled by then. ``piles``: what is kept for bulk jobs; ``behind``: how
    many records come after this window.
    """

    def __init__(
        self,
        work: Work,
        run: str,
        module: str,
        guard: Guard,
        piles: Piles | None = None,
        behind: Callable[[], int] = lambda: 0,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.notes: list[str] = []
        self._guard = guard
        self.run, self.module = run, module
        self._work = work
        self._waiting: dict[Action, list[Plan]] = {Action.CREATE: [], Action.UPDATE: []}
        self._pool = ThreadPoolExecutor(work.options.writes_at_once, thread_name_prefix="write")
        #: Target id -> who was recognised in it and is not linked yet.
        self._claimed: dict[str, tuple[Ident, str]] = {}
        self._in_flight: set[Future[list[Done]]] = set()
        self._error: ConnectorError | None = None
        self._piles, self._behind = piles, behind
        self._jobs = ThreadPoolExecutor(1, thread_name_prefix="bulk")
        #: One at a time, what it was given and when: the target would let them wait for each other anyway.
        self._job: tuple[Future[JobDone], Action, Spool[Plan], datetime] | None = None
        self._sent_at = work.clock.now()  #: all that waited for a full call
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, ConnectorError):
            self._stop.set()
        try:
            if error is None:
                self._send_all()
            self._drain()
        finally:
            self._stop.set()
            self._jobs.shutdown(cancel_futures=True)
            self._pool.shutdown(cancel_futures=True)
        if error is None and self._error is not None:
            raise self._error

    def take(self, plans: Sequence[Plan]) -> None:
        """Record what needs no call; send what fills one."""
        plans = [self._unless_claimed(plan) for plan in self._guard(plans)]
        still = [plan for plan in plans if plan.action in (Action.SKIP, Action.HOLD)]
        self._record([Done(plan) for plan in still])
        to_write = [plan for plan in plans if plan.action in self._waiting]
        for number, plan in enumerate(to_write, 1):
            if not (self._piles and self._piles.keep(plan)):
                self._waiting[plan.action].append(plan)
            if self._piles and self._piles.is_full:
                self._send_piles(behind=len(to_write) - number)
        self._send_full()
        self._collect(0)  # what was answered meanwhile is recorded while other calls are under way
        if self._piles is not None and self._work.clock.now() - self._sent_at >= KEPT_LONG:
            self._send_waiting()
        if self._job is not None and self._job[0].done():
            self._finish_job()
        if self._piles is not None and self._error is not None:
            raise self._error  # a wide window is long

    def _unless_claimed(self, plan: Plan) -> Plan:
        """A record in which another one was recognised a moment ago is not taken over as well."""
        if plan.by not in JOINED or plan.target_id is None or plan.action is Action.HOLD:
            return plan
        ident, key = self._claimed.setdefault(plan.target_id, (plan.desired.ident, plan.desired.key))
        return plan if ident == plan.desired.ident else claimed_twice(plan, key)

    def _send_full(self) -> None:
        for action in self._waiting:
            while len(self._waiting[action]) >= CHUNK:
                full, *others = pack(self._waiting[action], CHUNK)
                self._submit(full)
                self._waiting[action] = [plan for batch in others for plan in batch]

    def _send_all(self) -> None:
        if self._piles is not None:
            self._send_piles(last=True)
            self._drain()  # what was kept behind a job is of a record that is in it
            while (
                not self._piles.is_empty and self._error is None
            ):  # a job did not hold all that it was given
                self._send_piles(last=True)
                self._drain()
            self._take_ordinary(self._piles.take_behind())
        self._send_waiting()

    def _send_waiting(self) -> None:
        self._sent_at = self._work.clock.now()
        for action, waiting in self._waiting.items():
            for batch in pack(waiting, CHUNK):
                self._submit(batch)
            self._waiting[action] = []

    def _take_ordinary(self, plans: Iterable[Plan]) -> None:
        for plan in plans:
            self._waiting[plan.action].append(plan)
            self._send_full()

    def _submit(self, batch: Sequence[Plan]) -> None:
        while len(self._in_flight) >= self._work.options.writes_at_once:
            self._collect()
        if self._error is None:
            self._in_flight.add(self._pool.submit(send, self._work, self.module, batch, self._guard))

    def _collect(self, seconds: float | None = None) -> None:
        """Record what is answered, the first for which it has to wait at most so long; None: however long."""
        finished, self._in_flight = wait(self._in_flight, seconds, return_when=FIRST_COMPLETED)
        for future in finished:
            try:
                self._record(future.result())
            except ConnectorError as error:
                self._fail(error)

    def _fail(self, error: ConnectorError) -> None:
        """The first one is raised at the end."""
        self._error = self._error or error

    def _drain(self) -> None:
        """Wait for everything that is under way, and record it."""
        self._finish_job()
        while self._in_flight:
            self._collect()

    def _record(self, done: Sequence[Done]) -> None:
        if done:
            self.counts += record(self._work, self.run, self.module, done)

    # -- bulk jobs

    def _send_piles(self, *, last: bool = False, behind: int = 0) -> None:
        """Send what is kept as costs least: full jobs, and the rest where this is the last of the window.

        ``behind``: so many plans come behind it that were not looked at yet.
        """
        assert self._piles is not None
        self._send_waiting()
        self._drain()  # what is left of the credits is known only then
        if self._error is not None:
            return
        since = self._piles.since
        shares = self._piles.shares(self._work.target.credits_left(), last=last)
        for action, jobs, by_call in shares.sent:
            for rows in jobs:
                self._start_job(action, rows)
            self._take_ordinary(self._as_planned(action, by_call, since))
        self._send_waiting()  # a job may take hours
        if shares.waits:
            self._finish_job()  # what it did not write goes in calls, before the others wait
            self._fail(
                waits_for_credits(self._work, self.module, shares, shares.waits + behind, self._behind())
            )

    def _as_planned(self, action: Action, plans: Spool[Plan], since: datetime) -> Spool[Plan]:
        """These plans; of updates that were kept long only those that nobody came before, the others planned anew."""
        if action is not Action.UPDATE or not len(plans) or self._work.clock.now() - since < KEPT_LONG:
            return plans
        try:
            rows, changed = as_planned(self._work, self.run, self.module, plans)
        except ConnectorError as error:
            self._fail(error)
            return Spool()
        self._apply_known(changed)
        return rows

    def _start_job(self, action: Action, rows: Spool[Plan]) -> None:
        self._finish_job()
        if self._error is None:
            given = (self._work, self.run, self.module, action, rows, self._stop)
            self._job = self._jobs.submit(bulk.run_job, *given), action, rows, self._work.clock.now()

    def _finish_job(self) -> None:
        """Wait for the job under way; record what it did row by row, and send what it did not."""
        if self._job is None or self._piles is None:
            return
        (job, action, given, since), self._job = self._job, None
        if not job.done():
            self._note(
                "waiting", f"A bulk job of {len(given):,} records of {self.module} is under way in the CRM."
            )
        done = job.result()
        self._note("running", "")
        self._apply_known(done.known)
        if done.error is not None:
            self._fail(done.error)
            return
        if done.refused is not None:
            self._piles.give_up()
            self.notes.append(f"{done.refused.happened} What it was to write goes in calls of {CHUNK}.")
        left: Spool[Plan] = Spool()
        for plans in chunked(done.rows, CHUNK):
            left.extend(self._record_rows(done, plans))
        self._take_ordinary(self._as_planned(action, left, since))
        self._send_waiting()
        while self._in_flight:
            self._collect()
        if self._error is None and done.job is not None:
            with self._work.database.begin() as tx:
                bulk_jobs.remove(tx, done.job)
        self._piles.forget(given)
        self._piles.take_back(action, done.left)

    def _note(self, state: str, note: str) -> None:
        """So that a wait is visible."""
        with self._work.database.begin() as tx:
            cursors.note_run(tx, self.run, state, note)

    def _apply_known(self, known: Sequence[tuple[Desired, Match]]) -> None:
        """What was found there, or changed, just before it was to be written: what is still to be goes in calls."""
        for some in chunked(known, CHUNK):
            planned = self._guard(plan_matched(self._work, self.module, some))
            plans = [self._unless_claimed(plan) for plan in planned]
            self._record([Done(plan, sent=True) for plan in plans if plan.action is not Action.UPDATE])
            self._take_ordinary(plan for plan in plans if plan.action is Action.UPDATE)

    def _record_rows(self, done: JobDone, plans: Sequence[Plan]) -> list[Plan]:
        """Record what the job tells of these; the others, which the ordinary way is to tell of."""
        told = [(plan, done.result_of(plan)) for plan in plans]
        self._record([Done(plan, result, sent=True) for plan, result in told if result is not None])
        left = [plan for plan, result in told if result is None]
        if left:
            bulk.forget_told(self._work, self.module, done, left)
        return left


def send(work: Work, module: str, batch: Sequence[Plan], guard: Guard) -> list[Done]:
    """One call to the target and what came of it; creates look again first, and leave their intent."""
    if batch[0].action is not Action.CREATE:
        return _write(work, module, batch)
    wait_for_lost(work, module, batch)
    new, known = look_again(work, module, batch)
    done = _apply(work, module, guard(plan_matched(work, module, known))) if known else []
    return done + (_create(work, module, new, guard) if new else [])


def _create(work: Work, module: str, batch: Sequence[Plan], guard: Guard) -> list[Done]:
    pair = work.pair(module)
    with work.database.begin() as tx:
        lost = set(intents.put(tx, pair, [plan.desired.ident for plan in batch], work.clock.now()))
    done = _write(work, module, batch)
    taken = [d for d in done if _is_taken(d)]
    return [d for d in done if not _is_taken(d)] + _resolve(work, module, taken, lost, guard)


def _is_taken(d: Done) -> bool:
    return isinstance(d.result, Duplicate) and bool(d.result.target_id)


def _write(work: Work, module: str, batch: Sequence[Plan]) -> list[Done]:
    """One call: all creates or all updates, with one set of automations."""
    writes = [Write(plan.fields, plan.target_id) for plan in batch]
    results = work.target.write(module, writes, batch[0].trigger)
    return [Done(plan, result, sent=True) for plan, result in zip(batch, results, strict=True)]


def _resolve(work: Work, module: str, taken: Sequence[Done], lost: set[Ident], guard: Guard) -> list[Done]:
    """Creates refused as duplicates: what stands there carries our key, then it is ours; or not, then it is held.

    They go the same way as records that were recognised before: nothing is taken over that is not free, and a
    first load writes nothing that was not approved.
    """
    if not taken:
        return []
    plans = guard(plan_matched(work, module, [_found(d.plan, d.result, lost) for d in taken]))
    return _apply(work, module, [_in_their_words(p, d.result) for p, d in zip(plans, taken, strict=True)])


def _found(plan: Plan, result: WriteResult | None, lost: set[Ident]) -> tuple[Desired, Match]:
    assert isinstance(result, Duplicate)
    return plan.desired, Found(result.target_id, "created" if plan.desired.ident in lost else "key")


def _in_their_words(plan: Plan, result: WriteResult | None) -> Plan:
    """A record that is not ours is held for the field in which the target found it to be the same."""
    if plan.hold is None or plan.hold.code != AMBIGUOUS_KEY or not isinstance(result, Duplicate):
        return plan
    error = RecordRejectedError(
        f"Another record of the CRM ({result.target_id}) has the same value in {result.field}.",
        OWN_CODES[AMBIGUOUS_KEY].remedy,
        code=AMBIGUOUS_KEY,
        field=result.field,
        answer=result.error.answer,
    )
    return replace(plan, hold=error)


def _apply(work: Work, module: str, plans: Sequence[Plan]) -> list[Done]:
    """Write the updates among these plans; the others are done as they are."""
    results = [Done(plan, sent=True) for plan in plans if plan.action is not Action.UPDATE]
    for batch in pack([plan for plan in plans if plan.action is Action.UPDATE], CHUNK):
        results += _write(work, module, batch)
    return results
