"""The durable steps that every run consists of: done once, waiting for a system that is away, told how they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from ml_connector.core.audit import AuditAction
from ml_connector.core.errors import AllowanceError, ConfigurationError, ConnectorError, RetryableError
from ml_connector.core.load import NO_LOAD
from ml_connector.core.ports import Clock, Source, Target
from ml_connector.core.waits import reason_of
from ml_connector.flows.limit import LimitError
from ml_connector.flows.module_locks import Locked, ModuleLocks
from ml_connector.flows.telling import ACTIONS
from ml_connector.flows.work import Options
from ml_connector.store import audit, cursors, staging
from ml_connector.store.database import Connection, Database

Result = dict[str, Any]  # JSON: what a step leaves behind

#: How long a run waits when the system does not say: doubling from the first to the last, seconds.
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0
#: In a longer wait than this, seconds, and in every wait for credits, a run lets the locks of its modules go.
LONG_WAIT = 20.0
_BROKEN = "It was broken off by a fault; the run after it lists anew what was not done."
#: How a run ends that a fault of ours broke off.
BROKEN_OFF = ConnectorError(
    "The run was broken off by a fault.",
    "The run after it lists anew what was not done; please report the fault.",
)


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


@dataclass(frozen=True, slots=True)
class NotingSteps:
    """Steps after each of which something is noted that no run stops for: its end tries again, and tells."""

    steps: Steps
    note: Callable[[], None]

    def do(self, name: str, step: Callable[[], Result]) -> Result:
        done = self.steps.do(name, step)
        with suppress(ConnectorError):
            self.note()
        return done

    def sleep(self, seconds: float) -> None:
        self.steps.sleep(seconds)


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
    @property
    def locked(self) -> Locked: ...
    @property
    def locks(self) -> ModuleLocks: ...


def open_run(work: Worked, run: str, company: str, flow: str) -> None:
    """Record that the run begins; one before it that a fault of ours broke off is closed, its staged rows cleared.

    One run of a flow is under way at a time, so another that has no end will never go on.
    """
    now = work.clock.now()
    with work.database.begin() as tx:
        for broken in cursors.unended(tx, company, flow):
            if broken.run != run:
                staging.clear(tx, broken.run)
                cursors.close_run(tx, broken.run, now, "broken", _BROKEN, broken.counts, goes_on=True)
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
    told |= _whose(error) if error else {"system": "", "reason": ""}
    return told | {"notes": list(notes), "load": {}}


def load_of(work: Worked, run: str) -> Result:
    """The load that the run put on the source, in all its attempts."""
    with work.database.read() as tx:
        told = cursors.find_run(tx, run)
    return {"load": told.load.to_json() if told and told.load != NO_LOAD else {}}


@contextmanager
def locked_modules(work: Worked, run: str, modules: Iterable[str]) -> Iterator[None]:
    """Hold the locks of these modules, except while a step of the run waits long; who waits for one says so."""
    with work.locks.held(partial(_take, work, run, [f"create-{module}" for module in modules])):
        yield


@contextmanager
def _take(work: Worked, run: str, names: Sequence[str]) -> Iterator[None]:
    told: list[str] = []

    def tell(said: str) -> None:
        told.append(said)
        _note(work, run, "waiting", said)

    with work.locked(names, tell):
        if told:
            _note(work, run, "running", "")
        yield


def do(steps: Steps, work: Worked, run: str, name: str, step: Callable[[], Result]) -> Result:
    """One durable step, waiting for a system that is away; expected errors never leave it as exceptions.

    While it waits long, other runs may write into the modules; what they did is read before the step is tried again.
    Raises StoppedError.
    """
    patience = _Patience(work.options)
    while True:
        work.locks.bring_up_to_date()
        told = _done(steps, work, run, name, step)
        if "wait" not in told:
            return told | {"waited": any(patience.waited.values())}
        _wait(steps, work, run, told, patience)


def _done(steps: Steps, work: Worked, run: str, name: str, step: Callable[[], Result]) -> Result:
    """What the step came to, once; StoppedError where the run cannot go on."""
    told = steps.do(name, partial(_guarded, step))
    _add_load(work, run)
    if "stop" in told:
        error = _owned(ConfigurationError(told["stop"], told["remedy"]), told)
        raise StoppedError(told["state"], error, stays=told.get("stays", True))
    return told


@dataclass(slots=True)
class _Patience:
    """How long a step has waited: for a system that is away, and apart from that for credits."""

    options: Options
    waited: dict[bool, float] = field(default_factory=lambda: {False: 0.0, True: 0.0})
    delay: float = FIRST_WAIT

    def pause(self, told: Result) -> float:
        """How long to wait now, seconds; StoppedError where that would be too long in all."""
        for_credits = "wanted" in told
        longest = self.options.credits_wait if for_credits else self.options.max_wait
        pause: float = told["after_seconds"] or self.delay
        if self.waited[for_credits] + pause > longest.total_seconds():
            raise StoppedError("away", _owned(RetryableError(told["wait"], told["remedy"]), told))
        self.waited[for_credits] += pause
        self.delay = min(self.delay * 2, LONGEST_WAIT)
        return pause


def _wait(steps: Steps, work: Worked, run: str, told: Result, patience: _Patience) -> None:
    """Wait as long as the step needs, and for credits until they are free.

    That may be hours: the step, which may read a whole window from the source first, is not tried in vain, and the
    modules are free for other runs.
    """
    wanted, waiting = told.get("wanted", 0), told.get("waiting", "")
    pause = patience.pause(told)
    with nullcontext() if pause <= LONG_WAIT and not wanted else work.locks.let_go():
        _rest(steps, work, run, told["wait"], pause)
        while wanted:
            told = _done(steps, work, run, "credits", partial(_find_credits, work, wanted, waiting))
            if "wait" not in told:
                break
            wanted = told.get("wanted", wanted)
            _rest(steps, work, run, told["wait"], patience.pause(told))
    _note(work, run, "running", "")


def _rest(steps: Steps, work: Worked, run: str, why: str, seconds: float) -> None:
    _note(work, run, "waiting", why)
    steps.sleep(seconds)


def _find_credits(work: Worked, wanted: int, waiting: str) -> Result:
    """Nothing, once so many credits are free."""
    try:
        work.target.require_credits(wanted)
    except AllowanceError as error:
        return _waits(error) | {"wait": f"{waiting} {error.happened}".lstrip(), "waiting": waiting}
    return {}


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
        told = {"stop": error.happened, "remedy": error.remedy, "state": state, "stays": stays}
        return told | _whose(error)


def _waits(error: RetryableError) -> Result:
    told: Result = {"wait": error.happened, "remedy": error.remedy, "after_seconds": error.after_seconds}
    if isinstance(error, AllowanceError):
        told |= {"wanted": error.wanted, "waiting": error.waiting}
    return told | _whose(error)


def _whose(error: ConnectorError) -> Result:
    """Which system it is that the run cannot go on without, and why it has to be waited for."""
    return {"system": error.system, "reason": reason_of(error)}


def _owned(error: ConnectorError, told: Result) -> ConnectorError:
    """The same with what its step told; a step of an earlier version told less."""
    error.system, error.reason = told.get("system", ""), told.get("reason", "")
    return error


def _note(work: Worked, run: str, state: str, note: str) -> None:
    with work.database.begin() as tx:
        cursors.note_run(tx, run, state, note)
