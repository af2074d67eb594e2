"""The durable engine: the only module that imports dbos.

A run of a flow is one durable workflow; what it does, step by step, is ``pull``. The engine keeps each step's small
JSON result; after a crash the run goes on at the step it was in. Beside a SQLite store one process at a time is the
engine, with a file of its own; over a PostgreSQL store several are, with tables in the same database: each takes runs
from the one queue, and goes on with those of a process that died.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from dbos import (
    DBOS,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    SetEnqueueOptions,
    SetWorkflowID,
    WorkflowHandle,
)
from dbos import error as engine_errors

from ml_connector.core.errors import ConfigurationError, ConnectorError, RetryableError
from ml_connector.flows.engine_tables import EngineTables
from ml_connector.flows.engine_watch import Watch
from ml_connector.flows.range import Asked
from ml_connector.flows.steps import BROKEN_OFF, Result, Steps, StoppedError, ended
from ml_connector.store import engine_locks
from ml_connector.store.database import Database
from ml_connector.store.engine_lock import Duty, EngineLock

_QUEUE = "flows"
_RUNNING = ["PENDING", "ENQUEUED", "DELAYED"]
_ENDED = ["SUCCESS", "ERROR"]
_PORTION = 500  #: runs that are forgotten in one transaction
_POLL_SECONDS = 0.2
#: So often a run is looked at, while this process works at none, before it is given up: until the engine has noted
#: its end (a full disk takes the note of the trouble, too), and until the engine has begun it.
_LOOKS_NOTED, _LOOKS_BEGUN = 20, 60
#: Between two looks for a run to begin, in a process that is idle most of the time; each costs a few milliseconds.
_IDLE_SECONDS = 1.0
#: Between two looks at the engine's own queue, into which nothing is ever put.
_UNUSED_SECONDS = 60.0
_CONNECTIONS = 8  #: to PostgreSQL, at most, for what the engine itself keeps

Job = Callable[[Steps, str, str, Asked], Result]  #: (steps, run, flow, what was asked) -> how it ended


_OTHER_STEPS = ConfigurationError(
    "The settings or the program changed while this run was interrupted, so it cannot go on where it stopped.",
    "Run the command again: nothing is lost, the next run lists anew what was not done.",
)


@contextmanager
def _same_steps() -> Iterator[None]:
    """A run that is taken up repeats the steps that it did; where it would do others, it ends as a failed one."""
    try:
        yield
    except engine_errors.DBOSUnexpectedStepError as error:
        raise StoppedError("failed", _OTHER_STEPS) from error


class _LeavingError(BaseException):
    """The engine is about to end: the run is left where it is. No Exception, which would be how the run ended."""


class _DurableSteps:
    """The engine's steps, for the run that calls."""

    def do(self, name: str, step: Callable[[], Result]) -> Result:
        _leave_if_asked()
        with _same_steps():
            return DBOS.run_step({"name": name}, step)

    def sleep(self, seconds: float) -> None:
        # As the engine's own sleep, which keeps the instant of its end, but it can be broken off.
        with _same_steps():
            until = DBOS.run_step({"name": "DBOS.sleep"}, lambda: time.time() + seconds)
        # Never longer than that: the clock may have been wrong when the end was kept.
        _HOLDER.leaving.wait(min(max(0.0, until - time.time()), seconds))
        _leave_if_asked()


def _leave_if_asked() -> None:
    if _HOLDER.leaving.is_set():
        raise _LeavingError


@dataclass(frozen=True, slots=True)
class Pending:
    """A run that is under way or was interrupted."""

    run: str
    flow: str
    asked: Asked


@dataclass(slots=True)
class _Holder:
    """The engine is one a process (as DBOS is): its workflow finds the job here."""

    job: Job | None = None
    at_work: set[str] = field(default_factory=set)  #: the runs whose job is being done
    ends: dict[str, Result | Exception] = field(default_factory=dict)  #: run -> what its job gave or raised
    unkept: set[str] = field(
        default_factory=set
    )  #: runs that ended here, or would not begin, and the engine could not be told: they are taken up once more
    keeps_ends: bool = True  #: somebody waits for runs in this process
    leaving: threading.Event = field(default_factory=threading.Event)  #: runs are to stop behind their step


_HOLDER = _Holder()


@DBOS.workflow(name="run_flow")
def _run_flow(flow: str, asked: dict[str, Any]) -> Result:
    if _HOLDER.job is None:
        raise RuntimeError("the engine has no job")
    run = DBOS.workflow_id
    if run is None:
        raise RuntimeError("a run has an id")
    _HOLDER.at_work.add(run)
    try:
        end = _HOLDER.job(_DurableSteps(), run, flow, Asked.from_json(asked))
    except RetryableError as error:  # outside of any step: the store was away, or a lock in it was lost
        end = ended("away", {}, error)
        _keep_end(run, end)
        return end
    except Exception as error:
        _keep_end(run, error)  # the engine keeps its text only; who waits for the run tells it whole
        raise
    else:
        _keep_end(run, end)  # the engine may be unable to keep it
        return end
    finally:
        _HOLDER.at_work.discard(run)


def _keep_end(run: str, end: Result | Exception) -> None:
    if _HOLDER.keeps_ends:
        _HOLDER.ends[run] = end


class Engine:
    """Runs flows durably. Use as a context manager; entering it takes up runs that a crash interrupted."""

    def __init__(  # noqa: PLR0913 -- what it is made of is all of this
        self,
        database: Database,
        folder: Path,
        job: Job,
        duty: Duty = Duty.COMMAND,
        lost: Callable[[ConnectorError], None] = lambda _: None,
        tell: Callable[[str], None] = lambda _: None,
        *,
        at_once: int = 1,
    ) -> None:
        """``lost`` is called, in a thread of its own, when another process may have gone on with the runs of this one.

        Or may come to do so, because a bug keeps this one from showing that it lives: that is its error's cause.

        They stop behind their step then, and who waits for one is told the same; the process is to end soon.
        ``tell``: a sentence when the database is away, and when it is there again. ``at_once``: so many runs beside
        each other, each of another flow, in this process.
        """
        self._database = database
        self._folder = folder
        self._tables = EngineTables(database, folder)
        self._job = job
        self._duty = duty
        self._tell_lost = lost
        self._tell = tell
        self._at_once = at_once
        self._looks: dict[str, int] = {}  # run -> looks in vain
        self._lock: EngineLock | None = None
        self._watch: Watch | None = None

    def __enter__(self) -> Self:
        self._lock = lock = engine_locks.take(self._database, self._folder, self._duty)
        try:
            self._launch(lock)
        except Exception as error:
            DBOS.destroy()
            self._unlock()
            if (broken := self._tables.broken_by(error)) is not None:
                raise broken from error
            raise
        return self

    def _launch(self, lock: EngineLock) -> None:
        self._tables.write_ahead()
        _HOLDER.job, _HOLDER.keeps_ends = self._job, self._duty is not Duty.WORK
        _HOLDER.leaving.clear()
        with self._tables.told():
            made = DBOS(config=self._config(lock.name))
            made._registry.get_internal_queue()._polling_interval_sec = _UNUSED_SECONDS  # noqa: SLF001 -- no setting is
            DBOS.launch()
            pause = _POLL_SECONDS if self._ends_soon else _IDLE_SECONDS
            # In PostgreSQL this is the queue's, for whoever takes from it.
            DBOS.register_queue(_QUEUE, worker_concurrency=self._at_once, polling_interval_sec=pause)
            self._take_over()
        if not self._is_alone:
            self._watch = Watch(lock, self._take_over, self._are_ours, self._tell, self._stop)
            self._watch.begin()

    @property
    def _is_alone(self) -> bool:
        """No other process may be an engine over this store."""
        return self._database.is_sqlite

    @property
    def _name(self) -> str:
        """Under which the engine keeps which runs are at work here."""
        assert self._lock is not None
        return self._lock.name

    @property
    def _ends_soon(self) -> bool:
        """A person waits for what this process does; any other one is idle most of the time."""
        return self._duty is Duty.COMMAND

    # -- several processes

    def _take_over(self) -> None:
        """Have the runs of processes that are no more go on, here or wherever there is room."""
        lock = self._lock
        assert lock is not None
        with self._tables.told():
            pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        for name in {run.executor_id for run in pending if run.executor_id} - {self._name}:
            with lock.in_place_of(name) as is_gone:
                if not is_gone:
                    continue
                with (
                    self._tables.told()
                ):  # whoever else had gone on with one of them would be named in it by now
                    DBOS._recover_pending_workflows([name])  # noqa: SLF001 -- the only call that is guarded by the name

    def _are_ours(self) -> bool:
        """Whether nobody else has gone on with a run that is at work here."""
        at_work = set(
            _HOLDER.at_work
        )  # before it is asked: a run that ends meanwhile is not pending any more
        with self._tables.told():
            ours = DBOS.list_workflows(
                status="PENDING", executor_id=self._name, load_input=False, load_output=False
            )
        return at_work & _HOLDER.at_work <= {run.workflow_id for run in ours}

    def _stop(self, error: ConnectorError) -> None:
        _HOLDER.leaving.set()
        self._tell_lost(error)

    @property
    def at_work(self) -> int:
        """How many runs this process is at."""
        return len(_HOLDER.at_work)

    @property
    def is_held(self) -> bool:
        """Whether no other process may go on with the runs of this one, as far as is known."""
        return self._watch is None or self._watch.lost is None

    def require_held(self) -> None:
        """RetryableError: another process may go on with the runs of this one."""
        if self._watch is not None and self._watch.lost is not None:
            raise self._watch.lost

    def _unlock(self) -> None:
        _HOLDER.job = None
        _HOLDER.ends.clear()
        _HOLDER.unkept.clear()
        if self._lock is not None:
            self._lock.close()

    def _config(self, name: str) -> DBOSConfig:
        shared: DBOSConfig = {"sys_db_pool_size": _CONNECTIONS}
        return {
            "name": "ml-connector",
            "system_database_url": self._tables.url,
            "application_version": "1",  # pinned: work of another version would wait for ever
            "executor_id": name,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "CRITICAL",  # what goes wrong is told by our errors
            # nobody listens, but to end waits for it
            "notification_listener_polling_interval_sec": 0.1 if self._ends_soon else 1.0,
            **({} if self._is_alone else shared),
        }

    def __exit__(self, *_: object) -> None:
        _HOLDER.leaving.set()  # the process does not end before a run does that sleeps
        if self._watch is not None:
            self._watch.stop()
        DBOS.destroy()
        if self._watch is not None:
            self._watch.join()
        self._unlock()

    def leave(self, seconds: float) -> bool:
        """Have every run stop behind the step it is in, to be taken up by the next entering; whether all have.

        A run that is waited for never ends after that.
        """
        _HOLDER.leaving.set()
        end = time.monotonic() + seconds
        while _HOLDER.at_work and time.monotonic() < end:
            time.sleep(_POLL_SECONDS / 4)
        return not _HOLDER.at_work

    def start(self, flow: str, run: str, asked: Asked) -> None:
        """Begin a run of the flow, whose earlier run has ended: there is one of a flow at a time.

        One that began under this id before, or has ended, is that one: nothing is begun. RetryableError: the engine
        has yet to note that the earlier one ended, as after the database was away.
        """
        self.require_held()
        with self._tables.told(), SetWorkflowID(run), SetEnqueueOptions(deduplication_id=flow):
            try:
                DBOS.enqueue_workflow(_QUEUE, _run_flow, flow, asked.to_json())
            except engine_errors.DBOSQueueDeduplicatedError as error:
                raise RetryableError(
                    f"That the run of {flow} before this one ended has not been noted yet.",
                    "Nothing is lost. If it does not pass by itself, run the command again.",
                ) from error

    def require_writable(self) -> None:
        """RetryableError: another program locks the engine's file. The engine waits for that without a word."""
        self._tables.require_writable()

    def forget(self, before: datetime) -> None:
        """Forget the runs that had ended by then: what became of them stands in the store."""
        with self._tables.told():
            while ended_runs := DBOS.list_workflows(
                completed_before=before.isoformat(),
                status=_ENDED,
                limit=_PORTION,
                load_input=False,
                load_output=False,
            ):
                DBOS.delete_workflows([one.workflow_id for one in ended_runs])

    def pending(self) -> list[Pending]:
        """Every run that is under way or was interrupted; entering took them up."""
        found = []
        with self._tables.told():
            running = DBOS.list_workflows(status=_RUNNING, name="run_flow")
        for status in running:
            given: Any = status.input
            if given:
                flow, asked = given["args"]
                found.append(Pending(status.workflow_id, flow, Asked.from_json(asked)))
        return found

    def wait(self, run: str, every: Callable[[], None] = lambda: None) -> Result:
        """How the run ended, as ``look`` tells; ``every`` is called now and then until it has."""
        pause = _POLL_SECONDS
        while (told := self.look(run)) is None:
            every()
            time.sleep(pause)
            pause = min(pause * 1.2, 1.0)
        return told

    def look(self, run: str) -> Result | None:
        """How the run ended; None: it has not. What its job raised in this process is raised, once.

        A run whose end the engine cannot keep (its disk is full) ends as its job did; it goes on when it is looked for
        once more, or at the next entering. It costs as much as recording a record.
        """
        with self._tables.told():
            self._take_up_unkept(run)
            handle: WorkflowHandle[Any] = DBOS.retrieve_workflow(run)
            found = handle.get_status()
            if found.status in _RUNNING:
                self.require_held()
                is_here = self._is_alone or (found.status == "PENDING" and found.executor_id == self._name)
                return self._unkept(run) if self._is_lost(run, is_here=is_here) else None
            self._looks.pop(run, None)
            if found.status != "SUCCESS":  # of an earlier process, the engine keeps its text only
                return self._unkept(run) if run in _HOLDER.ends else ended("broken", {}, BROKEN_OFF)
            _HOLDER.ends.pop(run, None)
            return dict(handle.get_result(polling_interval_sec=_POLL_SECONDS))

    def _is_lost(self, run: str, *, is_here: bool) -> bool:
        """Whether it was looked at often enough for its end to be noted; or to begin, where nothing else is at work.

        ``is_here``: no other process is at work at it, or about to be. The engine takes a run first and then reads it:
        if it cannot, it forgets it.
        """
        has_ended = run in _HOLDER.ends
        is_no_wonder = not has_ended and (bool(_HOLDER.at_work) or not is_here)
        self._looks[run] = looks = 0 if is_no_wonder else self._looks.get(run, -1) + 1
        lost = looks > (_LOOKS_NOTED if has_ended else _LOOKS_BEGUN)
        if lost:
            del self._looks[run]
        return lost

    def _take_up_unkept(self, run: str) -> None:
        """Have a run go on whose end was not kept: the engine itself takes such a one up at its next start only."""
        if run in _HOLDER.unkept:
            DBOS.resume_workflow(run, queue_name=_QUEUE)  # one that has ended stays so
            _HOLDER.unkept.discard(run)

    def _unkept(self, run: str) -> Result:
        """What the job of a run gave or raised in this process."""
        ended = _HOLDER.ends.pop(run, None)
        _HOLDER.unkept.add(run)
        if isinstance(ended, Exception):
            raise ended
        if ended is None:
            raise RetryableError(
                f"The run {run} does not begin, although nothing else is under way.",
                f"Check {self._tables.needs}, and run the command again: nothing is lost.",
            )
        return ended
