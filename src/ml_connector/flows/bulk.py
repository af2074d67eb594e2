"""Bulk jobs: started so that a crash at any moment leaves nothing doubled and nothing lost, and waited for.

    see what changed meanwhile -> upload -> commit file and intents -> start -> commit the job's id -> wait ->
    results, row by row

Until a job is resolved nothing else is written in its module: ``settle`` comes before the first write of a window.
What a lost job did is then found in the ordinary way: creates by their key, with an intent open; updates are by id,
and are done again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ml_connector.core.errors import (
    AllowanceError,
    ConfigurationError,
    ConnectorError,
    NotDoneError,
    RetryableError,
)
from ml_connector.core.plan import Action, Plan
from ml_connector.core.ports import BulkFile, JobState, Write, WriteResult
from ml_connector.core.record import Ident, fold_key
from ml_connector.flows.look_again import Matched, look_again
from ml_connector.flows.meanwhile import as_planned
from ml_connector.flows.refresh import refresh
from ml_connector.flows.spool import Spool, split
from ml_connector.flows.steps import Worked
from ml_connector.flows.work import CHUNK, Work, chunked
from ml_connector.store import bulk_jobs, intents
from ml_connector.store.bulk_jobs import BulkJob

LONGEST_PAUSE = timedelta(seconds=300)
#: There is no job, and waiting would not bring one about. Looking again took of the credits that were to pay for it:
#: what is left pays for calls, or a run could spend a day's credits on looking and never write.
_NO_JOB = (ConfigurationError, AllowanceError)
_SLICE_SECONDS = 2.0  #: after so long a sleeping job sees that it is to stop


def mark_of(plan: Plan) -> str:
    """What tells a record apart from the others of its module, as far as writing goes."""
    return plan.target_id or fold_key(plan.desired.key_value)


# ---- jobs of before


def settle(work: Work, run: str, module: str) -> None:
    """Wait for the jobs of this module that are not resolved, and read what they left there.

    RetryableError while one may be under way.
    """
    unresolved = require_end(work, module)
    if not unresolved:
        return
    refresh(lambda _name, step: step(), work, run, module)
    with work.database.begin() as tx:
        for job in unresolved:
            bulk_jobs.remove(tx, job)


def require_end(work: Worked, module: str) -> list[BulkJob]:
    """The jobs of this module that are not resolved; all have ended.

    RetryableError while one may be under way: nothing else may be written there until the target says that it is
    done. Where the target cannot tell (any more), ``bulk_timeout`` decides.
    """
    with work.database.read() as tx:
        unresolved = bulk_jobs.find(tx, module)
    for job in unresolved:
        if _is_under_way(work, job):
            raise RetryableError(
                f"A bulk job of {job.rows:,} records of {job.module} is still under way in the CRM.",
                "Nothing else is written there before it is done; then everything is read again. If it has no end:"
                " ml-connector zoho jobs",
            )
    return unresolved


def _is_under_way(work: Worked, job: BulkJob) -> bool:
    """What the target says of it; RetryableError while it cannot tell and there may be one all the same."""
    if job.given_up:
        return False
    if job.job_id:
        try:
            return not work.target.job_state(job.job_id).final
        except ConfigurationError:  # it does not know the job (any more): the time decides
            pass
    passed = max(work.clock.now() - job.started_at, timedelta(0))  # our clock may have been set back
    left = (work.options.bulk_timeout - passed).total_seconds()
    if left <= 0:
        return False
    raise RetryableError(
        f"What became of a bulk job of {job.rows:,} records of {job.module} is not known: its answer was lost.",
        f"Nothing else is written there before it must be done, in {left / 60:.0f} minutes; then everything is read"
        " again.",
        after_seconds=left,
    )


# ---- a new job


@dataclass(slots=True)
class JobDone:
    """What came of a job that was to be."""

    rows: Spool[Plan]  #: what it was to write; others were found to be there already, or changed by a person
    known: list[Matched] = field(default_factory=list)  #: these, to be planned anew
    left: Spool[Plan] = field(
        default_factory=Spool
    )  #: what the file did not hold: for another job, or for calls
    job: BulkJob | None = None  #: to be forgotten when everything is recorded
    results: Mapping[str, WriteResult | None] = field(default_factory=dict)
    lost: set[Ident] = field(default_factory=set)  #: creates that were sent before, and never recorded
    refused: ConnectorError | None = None  #: why there was no job, or no results: the ordinary way is left
    error: ConnectorError | None = None  #: why nothing can be told yet

    def result_of(self, plan: Plan) -> WriteResult | None:
        """What became of this row; None: the ordinary way is to tell."""
        return self.results.get(mark_of(plan))

    def is_told(self, plan: Plan) -> bool:
        """Whether the job's results name this row, so that it is known not to be under way."""
        return mark_of(plan) in self.results


@dataclass(frozen=True, slots=True)
class _Writes:
    """The plans as the target takes them; they may be gone through more than once."""

    plans: Spool[Plan]

    def __iter__(self) -> Iterator[Write]:
        return (Write(plan.fields, plan.target_id) for plan in self.plans)


def run_job(
    work: Work, run: str, module: str, action: Action, plans: Spool[Plan], stop: threading.Event
) -> JobDone:
    """Have these plans, all of one action and no two of the same record, written by one bulk job, and wait for it."""
    done = JobDone(plans)
    try:
        if action is Action.CREATE:
            done.rows, done.known = _still_new(work, module, plans, stop)
        else:
            done.rows, done.known = as_planned(work, run, module, plans)
        if len(done.rows):
            _run(work, run, action, module, done, stop)
    except ConnectorError as error:
        done.error = error
    return done


def _still_new(
    work: Work, module: str, plans: Spool[Plan], stop: threading.Event
) -> tuple[Spool[Plan], list[Matched]]:
    """Those of the creates that the target still does not have; the others with what is there."""
    rows: Spool[Plan] = Spool()
    matched: list[Matched] = []
    for some in chunked(plans, CHUNK):
        _go_on(stop)
        new, known = look_again(work, module, some)
        rows.extend(new)
        matched += known
    return rows, matched


def _run(work: Work, run: str, action: Action, module: str, done: JobDone, stop: threading.Event) -> None:
    try:
        file = work.target.upload(module, _Writes(done.rows), work.flow.key_field(module))
    except _NO_JOB as error:
        done.refused = error
        return
    _go_on(stop)
    done.rows, done.left = split(done.rows, [file.rows])
    job = BulkJob(module, file.file_id, action.value, run, len(done.rows), work.clock.now())
    done.lost = _intend(work, job, done.rows)
    try:
        job_id = work.target.start_job(file)
    except (NotDoneError, ConfigurationError) as error:
        _take_back(work, job, done)
        if not isinstance(error, _NO_JOB):
            raise
        done.refused = error
        return
    done.job = replace(job, job_id=job_id)
    with work.database.begin() as tx:
        bulk_jobs.put(tx, done.job)
    state = _until_final(work, done.job, stop)
    _read_results(work, file, state, done)


def _intend(work: Work, job: BulkJob, rows: Spool[Plan]) -> set[Ident]:
    """Commit that the job is about to be started, and its creates; those that were sent before."""
    pair = work.pair(job.module)
    idents = [plan.desired.ident for plan in rows] if job.operation == Action.CREATE else []
    with work.database.begin() as tx:
        lost = intents.find(tx, pair, {key for key, _ in idents}).keys() & set(idents)
        intents.put(tx, pair, idents, job.started_at)
        bulk_jobs.put(tx, job)
    return lost


def _take_back(work: Work, job: BulkJob, done: JobDone) -> None:
    """It was not started, for certain."""
    pair = work.pair(job.module)
    with work.database.begin() as tx:
        intents.remove(tx, pair, [p.desired.ident for p in done.rows if p.desired.ident not in done.lost])
        bulk_jobs.remove(tx, job)


def forget_told(work: Work, module: str, done: JobDone, plans: Sequence[Plan]) -> None:
    """What the job says that it did not create is no create of ours, whatever is found there now."""
    idents = [p.desired.ident for p in plans if done.is_told(p) and p.desired.ident not in done.lost]
    with work.database.begin() as tx:
        intents.remove(tx, work.pair(module), idents)


def _until_final(work: Work, job: BulkJob, stop: threading.Event) -> JobState:
    """Look at the job, ever more seldom, until nothing more happens to it."""
    pause, heard_at = work.options.bulk_poll, work.clock.now()
    while True:
        _sleep(work, pause, stop)
        now = work.clock.now()
        try:
            state = work.target.job_state(job.job_id)
            heard_at = now
            if state.final:
                return state
        except RetryableError:  # the job goes on meanwhile
            if now - heard_at > work.options.max_wait:
                raise
        if now - job.started_at > work.options.bulk_timeout:
            raise RetryableError(
                f"A bulk job of {job.rows:,} records of {job.module} has no end.",
                "It is asked for until it has. If it never will: ml-connector zoho jobs",
            )
        pause = min(pause * 2, LONGEST_PAUSE)


def _go_on(stop: threading.Event) -> None:
    if stop.is_set():
        raise RetryableError("The run was broken off at a bulk job.")


def _sleep(work: Work, pause: timedelta, stop: threading.Event) -> None:
    left = pause.total_seconds()
    while left > 0:
        _go_on(stop)
        work.clock.sleep(min(left, _SLICE_SECONDS))
        left -= _SLICE_SECONDS


def _read_results(work: Work, file: BulkFile, state: JobState, done: JobDone) -> None:
    """A job that cannot tell what it did has its rows written in the ordinary way, which finds out."""
    if not state.result_url:
        done.refused = ConfigurationError(
            f"A bulk job of {file.module} ended as {state.said}, without results."
        )
        return
    try:
        done.results = work.target.job_results(file, state.result_url)
    except ConfigurationError as error:
        done.refused = error
