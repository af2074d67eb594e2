"""The process that serves: it works off requests, runs what is due, and waits for systems that are away.

One run at a time. Everything that it knows is in the store and the engine, so that it may be killed anywhere: a run
goes on where it was, a request that was not ended is worked off again by runs of the same names, and what was due is
due still.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from ml_connector.core.errors import ConnectorError
from ml_connector.core.ports import Clock
from ml_connector.core.waits import Reason, Wait, reason_of
from ml_connector.flows.agenda import Due, Scheduled, find_due, find_set_back, is_awaited, owed_at
from ml_connector.flows.range import Asked
from ml_connector.flows.runs import Engine, Runs, StoppingError, run_of
from ml_connector.store import requests, schedules, waits
from ml_connector.store.database import Database
from ml_connector.store.requests import Request

_DAY, _KEPT = timedelta(days=1), timedelta(days=45)
_POLL_SECONDS = 1.0  #: so often it looks whether something is asked
_LONGEST_PAUSE = 60.0  #: between two tries while the store or the engine cannot be used


class Systems(Protocol):
    """The systems that may have to be waited for."""

    def probe(self, system: str, reason: str) -> None:
        """Look whether it is there again, by one cheap call or none; raises what keeps us out."""

    def mark(self, system: str) -> str:
        """Another one once what we sign in with was set anew."""


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
    spent: Callable[[Mapping[str, Any]], Mapping[str, Any]]  #: what was asked of both systems, less this
    trim: Callable[[], object]  #: removes what the store is to keep no longer
    tell: Callable[[str], None]  #: a sentence for the log
    fault: Callable[[Exception], None]  #: keeps a bug for whoever looks after this program


@dataclass(slots=True)
class Serving:
    """Serves until it is told to stop."""

    place: Place
    stopping: threading.Event = field(default_factory=threading.Event)
    trouble: str = ""  #: why nothing can be done at present; empty: nothing is wrong
    _doubtful: dict[str, Wait] = field(
        default_factory=dict
    )  #: by system: it is there as far as a probe tells
    _forgot_at: datetime | None = None
    _request: Request | None = None  #: that is worked off
    _said: set[str] = field(default_factory=set)  #: flows that it said will not run
    _broken_off: dict[str, datetime] = field(
        default_factory=dict
    )  #: flow -> the instant that its run was for

    def serve(self) -> None:
        """Until ``stopping`` is set. What the store or the engine suffers from is told, and passes or is mended."""
        pause = 0.0
        while not self.stopping.wait(pause):
            try:
                self.turn()
                self._recovered()
                pause = _POLL_SECONDS
            except StoppingError:
                return
            except ConnectorError as error:
                pause = min(max(2 * pause, _POLL_SECONDS), _LONGEST_PAUSE)
                self._suffer(error)

    def turn(self) -> None:
        """Everything that is to be done now."""
        self._settle_marks()
        self._take_up()
        self._work_off()
        self._look()
        for due in self._due():
            self._run(due)
            self._work_off()
        self._forget()

    # -- runs

    @property
    def _runs(self) -> Runs:
        place = self.place
        return Runs(place.engine, place.database, place.clock, self._watch, self._taking_up, self._fault)

    def _watch(self, flow: str, run: str) -> Callable[[], None]:
        if self._request is not None:
            with self.place.database.begin() as tx:
                requests.note_at_work(tx, self._request.request, flow, run)
        return self._stop_if_asked

    def _stop_if_asked(self) -> None:
        if self.stopping.is_set():
            raise StoppingError

    def _taking_up(self, flow: str, run: str) -> None:
        self.place.tell(f"{flow}: going on with the run {run}, which was interrupted.")

    def _fault(self, flow: str, error: Exception) -> None:
        self.place.tell(f"{flow}: a bug of ml-connector ({type(error).__name__}) broke the run off.")
        self.place.fault(error)

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
            place.tell(f"The clock was set back: {', '.join(back)} will run at times that come once more.")

    def _take_up(self) -> None:
        """Go on with what was interrupted; requests take up their own runs."""
        place = self.place
        with place.database.read() as tx:
            own = [run_of(flow, r.request) for r in requests.waiting(tx) for flow in r.asked]
            due = {one.run: one for one in find_due(place.flows, schedules.find(tx), {}, place.clock.now())}
        for result in self._runs.finish_interrupted({}, own).interrupted:
            if result["run"] in due:
                self._mark(due[result["run"]], result)
            self._note(result)

    def _due(self) -> list[Due]:
        """What is to run now. A flow whose first load is not approved is named once, and this time of its passes."""
        place = self.place
        with place.database.read() as tx:
            found = find_due(place.flows, schedules.find(tx), waits.find(tx), place.clock.now())
        unapproved = frozenset(place.unapproved()) if found else frozenset()
        kept_back = [due for due in found if due.flow.first_loads & unapproved]
        for due in kept_back:
            self._pass_over(due, min(due.flow.first_loads & unapproved))
        return [due for due in found if due not in kept_back]

    def _pass_over(self, due: Due, first: str) -> None:
        name = due.flow.flow
        if name not in self._said:
            self.place.tell(f"{name} does not run: the first load of {first} waits for its approval.")
        self._said.add(name)
        with self.place.database.begin() as tx:
            schedules.note_run(tx, name, due.at, None)

    def _run(self, due: Due) -> None:
        """Run what is due, unless a run before it found a system away."""
        self._stop_if_asked()
        with self.place.database.read() as tx:
            if due.flow.waits_for(waits.find(tx)):
                return
        name = due.flow.flow
        try:
            result = self._runs.run_one(name, due.run)
        except ConnectorError:  # the store or the engine: nobody can tell how it ended
            self._broken_off[name] = due.at
            raise
        self._mark(due, result)
        self._note(result)

    def _mark(self, due: Due, result: Mapping[str, Any]) -> None:
        """It was run for this instant."""
        owed = owed_at(result, self.place.clock.now())
        with self.place.database.begin() as tx:
            schedules.note_run(tx, due.flow.flow, due.at, owed)

    def _forget(self) -> None:
        """Once a day, what is long done is forgotten; of the engine's, no request or time is that old."""
        now = self.place.clock.now()
        if self._forgot_at is None or abs(now - self._forgot_at) >= _DAY:
            self._forgot_at = now
            self.place.engine.forget(now - _KEPT)
            self.place.trim()

    # -- requests

    def _work_off(self) -> None:
        """What commands have asked for, in order."""
        while True:
            self._stop_if_asked()
            with self.place.database.read() as tx:
                waiting = requests.waiting(tx)
            if not waiting:
                return
            self.work_off(waiting[0])

    def work_off(self, request: Request) -> None:
        """Run what one request asks for, and keep what came of it. Done again, it finds its runs done."""
        place, before = self.place, self.place.spent({})
        asked = {flow: Asked.from_json(told) for flow, told in request.asked.items()}
        self._request = request
        try:
            ran = self._runs.run_all(asked, place.beside, partial(run_of, request=request.request))
        finally:
            self._request = None
        ran.spent = place.spent(before)
        for result in ran.results:
            self._note(result)
        with place.database.begin() as tx:
            requests.end(tx, request.request, ran.to_json(), place.clock.now())

    # -- systems

    def _note(self, result: Mapping[str, Any]) -> None:
        """Tell how a run ended; a system that it found away is waited for, one that it worked with is there."""
        place = self.place
        place.tell(f"{result['flow']}: {result['state']}. {result['happened']}".rstrip())
        if result["state"] == "done":
            used = next((flow.needs for flow in place.flows if flow.flow == result["flow"]), frozenset[str]())
            self._close(used)
            self._doubtful = {system: wait for system, wait in self._doubtful.items() if system not in used}
        elif is_awaited(result):
            wait = self._wait(result)
            with place.database.begin() as tx:
                waits.put(tx, wait)
            place.tell(f"{wait.system} is waited for ({wait.reason}). {wait.remedy}".rstrip())

    def _wait(self, result: Mapping[str, Any]) -> Wait:
        """The wait that this end of a run begins; or goes on with, where only the probe had found the system there."""
        system, reason, told = result["system"], result["reason"], (result["happened"], result["remedy"])
        mark, now = self.place.systems.mark(system), self.place.clock.now()
        if (former := self._doubtful.get(system)) is not None:
            return former.still(reason, told, mark, now)
        return Wait.begin(system, reason, told, mark, now)

    def _close(self, systems: Collection[str]) -> None:
        with self.place.database.read() as tx:
            there = waits.find(tx).keys() & set(systems)
        if there:
            with self.place.database.begin() as tx:
                for system in there:
                    waits.close(tx, system)
            for system in sorted(there):
                self.place.tell(f"{system} is no longer waited for.")

    def _look(self) -> None:
        """Look whether what is waited for is there again, where that is due."""
        now = self.place.clock.now()
        with self.place.database.read() as tx:
            open_waits = waits.find(tx)
        for wait in open_waits.values():
            self._stop_if_asked()
            if wait.is_due(now):
                self._look_at(wait, now)

    def _look_at(self, wait: Wait, now: datetime) -> None:
        """What was refused is never tried again by us: only whether it was set anew is looked at."""
        systems, told = self.place.systems, (wait.happened, wait.remedy)
        mark, reason = systems.mark(wait.system), wait.reason
        if reason != Reason.REFUSED or mark != wait.mark:
            try:
                systems.probe(wait.system, reason)
                reason = ""
            except ConnectorError as error:
                if error.system not in ("", wait.system):
                    raise  # the store
                reason, told = reason_of(error), (error.happened, error.remedy)
                mark = systems.mark(wait.system)
        if not reason:  # or something that a run tells better
            self._doubtful[wait.system] = wait
            self._close([wait.system])
            return
        with self.place.database.begin() as tx:
            waits.put(tx, wait.still(reason, told, mark, now))

    # -- what this process suffers from

    def _suffer(self, error: ConnectorError) -> None:
        if str(error) != self.trouble:
            self.place.tell(str(error))
        self.trouble = str(error)

    def _recovered(self) -> None:
        if self.trouble:
            self.place.tell("That has passed: it goes on.")
        self.trouble = ""
