"""The process that serves: it works off requests, runs what is due, and waits for systems that are away.

Runs are begun on the engine and looked at until they have ended, several beside each other, each of another flow.
Everything that it knows is in the store and the engine, so that it may be killed anywhere: a run goes on where it was,
a request that was not ended is worked off again by runs of the same names, and what was due is due still.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ml_connector.core.errors import ConnectorError, RetryableError
from ml_connector.core.ports import Clock, Tell
from ml_connector.core.waits import Wait
from ml_connector.flows.agenda import (
    Assignment,
    Due,
    Scheduled,
    find_due,
    find_set_back,
    in_turn,
    is_awaited,
    may_begin,
    owed_at,
    soonest,
    tried_again_at,
)
from ml_connector.flows.awaiting import Awaiting, Systems
from ml_connector.flows.errand import Errand
from ml_connector.flows.runs import Engine, StoppingError, result_of, run_of
from ml_connector.flows.steps import BROKEN_OFF, ended
from ml_connector.store import requests, schedules, waits
from ml_connector.store.database import Database

_DAY, _KEPT = timedelta(days=1), timedelta(days=45)
_POLL_SECONDS = 1.0  #: so often it looks whether something is asked
_SHORT_SECONDS, _LONGER = 0.2, 1.2  #: first, and by how much longer, while a run is under way
_LONGEST_PAUSE = 60.0  #: between two tries while the store or the engine cannot be used


@dataclass(frozen=True, slots=True)
class Place:
    """What a serving process works with."""

    database: Database
    clock: Clock
    engine: Engine
    systems: Systems
    flows: Sequence[Scheduled]  #: each after those that it comes after
    beside: Callable[[str], Collection[str]]  #: all flows of a flow's company
    unapproved: Callable[[], Collection[str]]  #: the flows whose first load nobody has approved
    attempt_at: Callable[[str], datetime | None]  #: when a record of this flow is to be tried again by itself
    spent: Callable[[Mapping[str, Any]], Mapping[str, Any]]  #: what was asked of both systems, less this
    trim: Callable[[], object]  #: removes what the store is to keep no longer
    tell: Tell  #: the log
    fault: Callable[[Exception], None]  #: keeps a bug for whoever looks after this program
    at_once: int = 1  #: so many runs beside each other
    begin: Callable[[], None] = lambda: None  #: notes that the flows are looked after from now on


@dataclass(slots=True)
class Serving:
    """Serves until it is told to stop."""

    place: Place
    stopping: threading.Event = field(default_factory=threading.Event)
    trouble: str = ""  #: why nothing can be done at present; empty: nothing is wrong
    _under_way: dict[str, Assignment] = field(default_factory=dict)  #: by run
    _errands: dict[str, Errand] = field(default_factory=dict)  #: by request
    _forgot_at: datetime | None = None
    _is_started: bool = False
    _has_adopted: bool = False  #: every run that is under way is known here
    _said: set[str] = field(default_factory=set)  #: flows that it said will not run
    _broken_off: dict[str, datetime] = field(
        default_factory=dict
    )  #: flow -> the instant that its run was for
    _awaiting: Awaiting = field(init=False)

    def __post_init__(self) -> None:
        place = self.place
        self._awaiting = Awaiting(place.database, place.clock, place.systems, place.tell)

    def serve(self) -> None:
        """Until ``stopping`` is set. What the store or the engine suffers from is told, and passes or is mended."""
        pause = 0.0
        while not self.stopping.wait(pause):
            try:
                moved = self.turn()
                self._recovered()
                pause = self._pause_after(pause, moved=moved)
            except StoppingError:
                return
            except ConnectorError as error:
                pause = min(max(2 * pause, _POLL_SECONDS), _LONGEST_PAUSE)
                self._suffer(error)

    def _pause_after(self, before: float, *, moved: bool) -> float:
        """What has just begun may end soon; what takes long is looked at more seldom."""
        if not self.is_at_work:
            return _POLL_SECONDS
        return _SHORT_SECONDS if moved else min(max(before, _SHORT_SECONDS) * _LONGER, _POLL_SECONDS)

    @property
    def is_at_work(self) -> bool:
        """Whether a run is under way."""
        return bool(self._under_way)

    def turn(self) -> bool:
        """Everything that is to be done now; whether a run began or ended."""
        try:
            return self._turn()
        except ConnectorError:
            self._has_adopted = False  # a run may have begun, and nobody knows of it
            raise

    def _turn(self) -> bool:
        self._settle_marks()
        self._start_up()
        self._adopt()
        self._awaiting.look(self._stop_if_asked)
        moved = False
        while self._begin() | self._collect():
            moved = True
        self._forget()
        return moved

    # -- runs

    def _settle_marks(self) -> None:
        """Schedules that are new, a clock that was set back, and runs that the store could not be told the end of."""
        place, now = self.place, self.place.clock.now()
        names = {flow.flow for flow in place.flows}
        with place.database.read() as tx:
            kept = schedules.find(tx)
        back = find_set_back(place.flows, kept, now)
        if names <= kept.keys() and not self._broken_off and not back:
            return
        with place.database.begin() as tx:
            schedules.know(tx, names - kept.keys(), now)
            schedules.set_back(tx, back, now)
            for flow, at in self._broken_off.items():
                schedules.note_run(tx, flow, at, now)
        self._broken_off.clear()
        if back:
            told = f"The clock was set back: {', '.join(back)} will run at times that come once more."
            place.tell(told, level="warning")

    def _start_up(self) -> None:
        """Once: what is missing before anything can be done, and what is to be tried again by itself."""
        if self._is_started:
            return
        self.place.begin()
        self._awaiting.require_secrets()
        self._owe_attempts()
        self._is_started = True

    def _owe_attempts(self) -> None:
        """What runs of other processes left to be tried again by itself."""
        place, now = self.place, self.place.clock.now()
        found = {flow.flow: place.attempt_at(flow.flow) for flow in place.flows}
        with place.database.begin() as tx:
            for flow, at in found.items():
                if at is not None:
                    schedules.owe(tx, flow, soonest(at, now))

    def _adopt(self) -> None:
        """What was interrupted is under way again, and is followed to its end like what begins here."""
        place = self.place
        if self._has_adopted:
            return
        pending = [one for one in place.engine.pending() if one.run not in self._under_way]
        with place.database.read() as tx:
            own = {run_of(flow, r.request): r.request for r in requests.waiting(tx) for flow in r.asked}
            due = {one.run: one for one in find_due(place.flows, schedules.find(tx), {}, place.clock.now())}
        for one in pending:
            flow, run = one.flow, one.run
            place.tell(f"{flow}: going on with the run {run}, which was interrupted.", flow=flow, run=run)
            known = Assignment(flow, run, self._modules(flow), one.asked, due.get(run), own.get(run, ""))
            self._under_way[run] = known
        self._has_adopted = True

    def _begin(self) -> bool:
        """Begin what may begin now, what was asked for before what is due; whether there was anything."""
        wanted = [*self._asked_for(), *self._due()]
        begun = may_begin(wanted, self._under_way.values(), self.place.at_once)
        for one in begun:
            self._stop_if_asked()
            self._start(one)
        return bool(begun)

    def _stop_if_asked(self) -> None:
        if self.stopping.is_set():
            raise StoppingError

    def _start(self, one: Assignment) -> None:
        place = self.place
        if one.request and (wait := self._still_away(one.flow)) is not None:
            self._errands[one.request].add(one.flow, _kept_back(one, wait))
            return
        if errand := self._errands.get(one.request):
            errand.spent = errand.spent or place.spent({})
            with place.database.begin() as tx:
                requests.note_at_work(tx, one.request, one.flow, one.run)
        known = replace(one, attempt_at=place.attempt_at(one.flow))
        place.engine.start(one.flow, one.run, one.asked)
        self._under_way[one.run] = known

    def _collect(self) -> bool:
        """Note how runs ended; whether one did."""
        some_ended = False
        for one in [*self._under_way.values()]:
            if (told := self._end_of(one)) is not None:
                del self._under_way[one.run]  # a store that fails now finds it ended when it begins it again
                self._settle(one, told)
                some_ended = True
        return some_ended

    def _end_of(self, one: Assignment) -> Mapping[str, Any] | None:
        """How it ended; None: it has not. Where nobody can tell, it is lost sight of, and owed once more."""
        try:
            told = self.place.engine.look(one.run)
        except ConnectorError:  # the store or the engine
            del self._under_way[one.run]
            if one.due is not None:
                self._broken_off[one.flow] = one.due.at
            raise
        except Exception as error:  # noqa: BLE001 -- a bug, which is kept; the other flows go on
            bug = f"{one.flow}: a bug of ml-connector ({type(error).__name__}) broke the run off."
            self.place.tell(bug, level="error", flow=one.flow, run=one.run)
            self.place.fault(error)
            told = ended("broken", {}, BROKEN_OFF)
        return None if told is None else result_of(self.place.database, one.flow, one.run, told)

    def _settle(self, one: Assignment, result: Mapping[str, Any]) -> None:
        """It is over: for an instant, for a request, and for whoever reads the log."""
        now = self.place.clock.now()
        again = tried_again_at(result, now, one.attempt_at, self.place.attempt_at(one.flow))
        with self.place.database.begin() as tx:
            if one.due is not None:
                schedules.note_run(tx, one.flow, one.due.at, owed_at(result, now) or again)
            elif again is not None:
                schedules.owe(tx, one.flow, again)
        if errand := self._errands.get(one.request):
            errand.add(one.flow, result)
        self._note(result)

    # -- what is due

    def _due(self) -> list[Assignment]:
        """What is to run now. A flow whose first load is not approved is named once, and this time of its passes."""
        place = self.place
        at_work = {one.flow for one in self._under_way.values()}
        with place.database.read() as tx:
            kept = schedules.find(tx)
            every = find_due(place.flows, kept, waits.find(tx), place.clock.now())
        found = [due for due in every if due.flow.flow not in at_work]
        unapproved = frozenset(place.unapproved()) if found else frozenset()
        kept_back = [due for due in found if due.flow.first_loads & unapproved]
        for due in kept_back:
            self._pass_over(due, min(due.flow.first_loads & unapproved))
        ready = in_turn([due for due in found if due not in kept_back], kept, at_work)
        return [Assignment(due.flow.flow, due.run, due.flow.modules, due=due) for due in ready]

    def _pass_over(self, due: Due, first: str) -> None:
        name = due.flow.flow
        if name not in self._said:
            told = f"{name} does not run: the first load of {first} waits for its approval."
            self.place.tell(told, level="warning", flow=name)
        self._said.add(name)
        with self.place.database.begin() as tx:
            schedules.note_run(tx, name, due.at, None)

    def _modules(self, flow: str) -> Collection[str]:
        return next((one.modules for one in self.place.flows if one.flow == flow), ())

    def _forget(self) -> None:
        """Once a day, what is long done is forgotten; of the engine's, no request or time is that old."""
        now = self.place.clock.now()
        if self._forgot_at is None or abs(now - self._forgot_at) >= _DAY:
            self._forgot_at = now
            self.place.engine.forget(now - _KEPT)
            self.place.trim()

    # -- requests

    def _asked_for(self) -> list[Assignment]:
        """The next run of each request, in the order in which they were made; one that has none is ended."""
        place, found = self.place, []
        at_work = {one.request for one in self._under_way.values()}
        with place.database.read() as tx:
            waiting = requests.waiting(tx)
        for request in waiting:
            errand = self._errands.setdefault(request.request, Errand.of(request))
            if request.request in at_work:
                continue
            flow = errand.following(place.beside)
            if flow is None:
                self._end(errand)
            else:
                found.append(self._assigned(errand, flow))
        return found

    def _assigned(self, errand: Errand, flow: str) -> Assignment:
        run = run_of(flow, errand.request)
        return Assignment(flow, run, self._modules(flow), errand.asked[flow], request=errand.request)

    def _end(self, errand: Errand) -> None:
        """Keep what came of it. Done again after a crash, it finds its runs done."""
        place = self.place
        if errand.spent:  # what else ran meanwhile is in it: nobody counts calls by run
            errand.ran.spent = place.spent(errand.spent)
        with place.database.begin() as tx:
            requests.end(tx, errand.request, errand.ran.to_json(), place.clock.now())
        del self._errands[errand.request]

    def _still_away(self, flow: str) -> Wait | None:
        """The system that keeps this flow back, looked at once more."""
        scheduled = next((one for one in self.place.flows if one.flow == flow), None)
        return None if scheduled is None else self._awaiting.still_away(scheduled)

    def _note(self, result: Mapping[str, Any]) -> None:
        """Tell how a run ended; a system that it found away is waited for, one that it worked with is there."""
        place = self.place
        where = {name: result[name] for name in ("flow", "run", "state", "counts", "seconds")}
        told = f"{result['flow']}: {result['state']}. {result['happened']}".rstrip()
        place.tell(told, level="info" if result["state"] == "done" else "warning", **where)
        if result["state"] == "done":
            self._awaiting.prove(
                next((flow.needs for flow in place.flows if flow.flow == result["flow"]), frozenset[str]())
            )
        elif is_awaited(result):
            self._awaiting.begin(result)

    # -- what this process suffers from

    def _suffer(self, error: ConnectorError) -> None:
        if str(error) != self.trouble:
            self.place.tell(str(error), level="error", system=error.system)
        self.trouble = str(error)

    def _recovered(self) -> None:
        if self.trouble:
            self.place.tell("That has passed: it goes on.")
        self.trouble = ""


def _kept_back(one: Assignment, wait: Wait) -> Mapping[str, Any]:
    """How a run ends that is not begun, because its system is waited for."""
    error = RetryableError(
        f"{wait.name} is waited for ({wait.reason}) since {wait.since_at:%Y-%m-%d %H:%M} UTC. {wait.happened}",
        wait.remedy,
    )
    error.system, error.reason = wait.system, wait.reason
    return ended("away", {}, error) | {"flow": one.flow, "run": one.run, "seconds": 0.0}
