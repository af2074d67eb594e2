"""Bulk jobs of an organisation: they run one after the other, and how far they are follows from the time alone.

Nothing runs in the background: `settle` does what is due, and is called before every call is answered, so that nobody
can see that rows were not written at the second at which they were due. That jobs wait for each other and how long one
takes was seen live with bulk read (facts 2.11); that bulk write is the same, and waits in the same row, is inferred.

A job comes to a good end unless a fate is planned for it (`POST /_control/bulk/fates`).
"""

import threading
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import Protocol

from ml_connector.simulators.zoho.replies import JsonObject


class JobState(StrEnum):
    """How far a job is."""

    ADDED = "ADDED"
    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class Ending(StrEnum):
    """What becomes of a job."""

    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    NEVER = "never"
    """It stays in progress, and the jobs after it wait, until `POST /_control/bulk/end`."""


_STATES = {
    Ending.COMPLETED: JobState.COMPLETED,
    Ending.FAILED: JobState.FAILED,
    Ending.SKIPPED: JobState.SKIPPED,
}
RUNNING = frozenset({JobState.ADDED, JobState.IN_PROGRESS})


@dataclass(frozen=True, slots=True)
class Fate:
    """How a job ends, and how many rows it does before; None: all for a good end, otherwise none."""

    ending: Ending = Ending.COMPLETED
    rows: int | None = None

    def rows_of(self, total: int) -> int:
        """How many of a file's rows are done."""
        if self.rows is not None:
            return min(self.rows, total)
        return total if self.ending == Ending.COMPLETED else 0


class Work(Protocol):
    """What a job does."""

    callback: JsonObject | None
    """Where it is to be told that it has ended."""

    def advance(self, first: int, last: int, at: int) -> None:
        """Does the rows from `first` to `last` (exclusive) at this second; the organisation's lock is held."""

    def end(self) -> None:
        """The job has ended, well or not; the lock is held."""


@dataclass(slots=True)
class Job:
    """One job; its times are seconds since 1970."""

    id: str
    operation: str
    created_by: str
    created_at: float
    work: Work
    rows: int
    seconds: float
    """How long it takes."""
    wait: float
    """How long it stays ADDED, at least."""
    gradual: bool
    fate: Fate = Fate()
    state: JobState = JobState.ADDED
    done: int = 0
    told_to_end_at: float | None = None

    def settle(self, now: float, free_at: float) -> float | None:
        """Does what is due when the job before it ended at `free_at`; when it ended, None while it runs."""
        starts_at, ends_at = self._times(free_at)
        if now < min(starts_at, ends_at):
            return None
        self.state = JobState.IN_PROGRESS
        if now >= ends_at:
            self._do(self.rows, ends_at)
            self.work.end()
            self.state = _STATES[self.fate.ending]
            return ends_at
        share = (now - starts_at) / self.seconds if self.seconds else 1.0
        if share >= 1 or self.gradual:
            self._do(int(self.rows * min(share, 1.0)), now)
        return None

    def to_json(self) -> JsonObject:
        """As the control endpoint shows it."""
        shown: JsonObject = {name: getattr(self, name) for name in ("id", "operation", "rows", "done")}
        return {**shown, "state": self.state.value, "ending": self.fate.ending.value}

    def _times(self, free_at: float) -> tuple[float, float]:
        starts_at = max(self.created_at + self.wait, free_at)
        if self.told_to_end_at is not None:
            return starts_at, max(self.told_to_end_at, free_at)
        return starts_at, inf if self.fate.ending == Ending.NEVER else starts_at + self.seconds

    def _do(self, rows: int, at: float) -> None:
        upto = min(rows, self.fate.rows_of(self.rows))
        if upto > self.done:
            self.work.advance(self.done, upto, int(at))
            self.done = upto


@dataclass(slots=True)
class BulkJobs:
    """All jobs, and those that have not ended in their order; the organisation's lock is held for each method."""

    by_id: dict[str, Job] = field(default_factory=dict)
    planned: deque[Fate] = field(default_factory=deque)
    """What becomes of the next jobs that are created."""
    has_callbacks: threading.Event = field(default_factory=threading.Event)
    """Set from the moment that there is a job with a callback, until whoever posts them clears it."""
    _running: deque[Job] = field(default_factory=deque)
    _ended: deque[Job] = field(default_factory=deque)
    """With a callback, and since the last look."""
    _free_at: float = 0.0

    def add(self, job: Job) -> None:
        """A job more, at the end of the row."""
        if self.planned:
            job.fate = self.planned.popleft()
        self.by_id[job.id] = job
        self._running.append(job)
        if job.work.callback:
            self.has_callbacks.set()

    def settle(self, now: float) -> None:
        """Does everything that is due."""
        while self._running:
            ended_at = self._running[0].settle(now, self._free_at)
            if ended_at is None:
                return
            self._free_at = ended_at
            job = self._running.popleft()
            if job.work.callback:
                self._ended.append(job)

    def take_ended(self) -> list[Job]:
        """The jobs with a callback that have ended since this was asked last."""
        ended = list(self._ended)
        self._ended.clear()
        return ended

    @property
    def awaits_callbacks(self) -> bool:
        """Whether a job with a callback has not ended."""
        return any(job.work.callback for job in self._running)

    def is_queued(self, job: Job) -> bool:
        """Whether others are before it."""
        return job in self._running and self._running[0] is not job

    def end(self, job_id: str, fate: Fate, now: float) -> None:
        """Lets a job end now in this way, once those before it have; KeyError for an unknown one."""
        job = self.by_id[job_id]
        if job.state not in RUNNING or fate.ending == Ending.NEVER:
            raise ValueError(job_id)
        job.fate, job.told_to_end_at = fate, now
        self.settle(now)
