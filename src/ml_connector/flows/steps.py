"""The durable steps that every run consists of: done once, waiting for a system that is away, told how they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from ml_connector.core.audit import AuditAction
from ml_connector.core.errors import AllowanceError, ConfigurationError, ConnectorError, RetryableError
from ml_connector.core.load import NO_LOAD
from ml_connector.core.ports import Clock, Source, Target
from ml_connector.flows.limit import LimitError
from ml_connector.flows.telling import ACTIONS
from ml_connector.flows.work import Options
from ml_connector.store import audit, cursors, staging
from ml_connector.store.database import Connection, Database

Result = dict[str, Any]  # JSON: what a step leaves behind

#: How long a run waits when the system does not say: doubling from the first to the last, seconds.
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0
_BROKEN = "It was broken off by a fault; the run after it lists anew what was not done."


class Steps(Protocol):
    """What the durable engine gives a run: a step is done once, and after a crash its result is read back."""

    def do(self, name: str, step: Callable[[], Result]) -> Result:
        """Do ``step``, or give back what it left the first time."""

    def sleep(self, seconds: float) -> None:
        """Wait; after a crash only for the rest."""


@dataclass(frozen=True, slots=True)
class DirectSteps:
    """Steps that are simply done: a plan and the tests need no engine."""

    clock: Clock

    def do(self, _name: str, step: Callable[[], Result]) -> Result:
        return step()

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)


class StoppedError(Exception):
    """The run cannot go on: how it ended, and why."""

    def __init__(self, state: str, error: ConnectorError, *, stays: bool = False) -> None:
        """``stays``: the next ordinary runs have to stop, too."""
        super().__init__(error.happened)
        self.state = state
        self.error = error
        self.stays = stays


class Worked(Protocol):
    """What the steps need of whatever a run works with."""

    @property
    def source(self) -> Source: ...
    @property
    def target(self) -> Target: ...
    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def options(self) -> Options: ...


def open_run(work: Worked, run: str, company: str, flow: str) -> None:
    """Record that the run begins; one before it that a fault of ours broke off is closed, its staged rows cleared.

    One run of a flow is under way at a time, so another that has no end will never go on.
    """
    now = work.clock.now()
    with work.database.begin() as tx:
        for broken in cursors.unended(tx, company, flow):
            if broken.run != run:
                staging.clear(tx, broken.run)
                cursors.close_run(tx, broken.run, now, "broken", _BROKEN, broken.counts)
        cursors.open_run(tx, run, company, flow, now)


def broken_off(tx: Connection, run: str, counts: Counter[str]) -> Counter[str]:
    """What the run did to records, its last window included: one that is broken off leaves no counts."""
    told = audit.count(tx, run)
    told[AuditAction.UPDATED] -= counts["marked"]  # a mark is an update, counted under a word of its own
    return Counter({what: told[action] for what, action in ACTIONS.items()})


def ended(
    state: str, counts: Mapping[str, int], error: ConnectorError | None = None, notes: Sequence[str] = ()
) -> Result:
    """How a run ended, as the engine keeps it."""
    happened, remedy = (error.happened, error.remedy) if error else ("", "")
    told = {"state": state, "counts": dict(counts), "happened": happened, "remedy": remedy}
    return told | {"notes": list(notes), "load": {}}


def load_of(work: Worked, run: str) -> Result:
    """The load that the run put on the source, in all its attempts."""
    with work.database.read() as tx:
        told = cursors.find_run(tx, run)
    return {"load": told.load.to_json() if told and told.load != NO_LOAD else {}}


def do(steps: Steps, work: Worked, run: str, name: str, step: Callable[[], Result]) -> Result:
    """One durable step, waiting for a system that is away; expected errors never leave it as exceptions.

    For credits of the target a run may wait for hours, in which the step, which may read a whole window from the
    source first, is not tried in vain. Raises StoppedError.
    """
    waited, delay = {False: 0.0, True: 0.0}, FIRST_WAIT
    longest = {False: work.options.max_wait, True: work.options.credits_wait}
    wanted, waiting = 0, ""
    while True:
        told = steps.do(name, partial(_guarded, partial(_once_affordable, work, wanted, waiting, step)))
        _add_load(work, run)
        if "stop" in told:
            error = ConfigurationError(told["stop"], told["remedy"])
            raise StoppedError(told["state"], error, stays=told.get("stays", True))
        if "wait" not in told:
            return told | {"waited": any(waited.values())}
        for_credits, wanted = "wanted" in told, told.get("wanted", wanted)
        waiting = told.get("waiting", "")
        pause = told["after_seconds"] or delay
        if waited[for_credits] + pause > longest[for_credits].total_seconds():
            raise StoppedError("away", RetryableError(told["wait"], told["remedy"]))
        _note(work, run, "waiting", told["wait"])
        steps.sleep(pause)
        _note(work, run, "running", "")
        waited[for_credits] += pause
        delay = min(delay * 2, LONGEST_WAIT)


def _once_affordable(work: Worked, wanted: int, waiting: str, step: Callable[[], Result]) -> Result:
    """The step, once so many credits are there."""
    try:
        if wanted:
            work.target.require_credits(wanted)
    except AllowanceError as error:
        return _waits(error) | {"wait": f"{waiting} {error.happened}".lstrip(), "waiting": waiting}
    return step()


def _add_load(work: Worked, run: str) -> None:
    """Keep what the step asked of the source; a step that is only read back asked nothing."""
    load = work.source.take_load()
    if load.requests or load.quiet:
        with work.database.begin() as tx:
            cursors.add_load(tx, run, load)


def _guarded(step: Callable[[], Result]) -> Result:
    try:
        return step()
    except RetryableError as error:
        return _waits(error)
    except ConfigurationError as error:
        state = "limit" if isinstance(error, LimitError) else "failed"
        stays = isinstance(error, LimitError) and error.stays
        return {"stop": error.happened, "remedy": error.remedy, "state": state, "stays": stays}


def _waits(error: RetryableError) -> Result:
    told: Result = {"wait": error.happened, "remedy": error.remedy, "after_seconds": error.after_seconds}
    if isinstance(error, AllowanceError):
        told |= {"wanted": error.wanted, "waiting": error.waiting}
    return told


def _note(work: Worked, run: str, state: str, note: str) -> None:
    with work.database.begin() as tx:
        cursors.note_run(tx, run, state, note)
