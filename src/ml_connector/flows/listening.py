"""Listening to the modules of the CRM: which flow has something to do now, and how each module stands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ml_connector.core import listening as deciding
from ml_connector.core.errors import ConnectorError
from ml_connector.core.listening import Pace, Way
from ml_connector.core.ports import Clock, Tell
from ml_connector.flows.turns import turn_by_turn
from ml_connector.store import cursors, inbox, listening, schedules
from ml_connector.store.database import Connection, Database

_EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ModuleStanding:
    """How a module is listened to, as people are shown it."""

    module: str
    way: Way
    known_up_to: datetime | None  #: every change before it is known and recorded; None: it was never polled
    polled_at: datetime | None
    next_poll_at: datetime
    waiting_since: datetime | None  #: of the longest waiting notification; None: none waits


def find_standing(
    tx: Connection, module: str, pace: Pace, now: datetime, *, is_served: bool
) -> ModuleStanding:
    """``is_served``: a process is at work that takes notifications."""
    known = listening.find(tx, module)
    if not is_served:
        known = replace(known, up_since=None)
    waiting = inbox.waiting_since(tx, module)
    return ModuleStanding(
        module,
        deciding.way(known, now),
        deciding.known_up_to(known, waiting, now),
        known.polled_at,
        deciding.poll_due_at(known, pace, now),
        waiting,
    )


def is_due(tx: Connection, module: str, pace: Pace, coalesce: timedelta, now: datetime) -> bool:
    """Whether its flow has anything to do now: a notification is ripe, or the module is to be polled."""
    if inbox.due(tx, now, coalesce.total_seconds(), 1, module):
        return True
    return deciding.poll_due_at(listening.find(tx, module), pace, now) <= now


@dataclass(frozen=True, slots=True)
class Heard:
    """A flow that is run whenever its module has something."""

    flow: str
    company: str  #: under which it is recorded
    module: str


@dataclass(slots=True)
class Listener:
    """Has flows run as soon as there is something for them; called again and again."""

    database: Database
    clock: Clock
    modules: Collection[str]  #: of which this process takes notifications
    flows: Sequence[Heard]
    pace: Pace
    coalesce: timedelta
    missed: Callable[[], Mapping[str, datetime]]  #: module -> when one of its notifications was refused
    tell: Tell
    stopping: threading.Event = field(default_factory=threading.Event)
    _has_begun: bool = False

    def turn(self) -> None:
        """Note what was refused, and owe a run to each flow that has something to do. Errors as the store's.

        What was told of a module that no flow reads is forgotten after a while: one that begins to read it polls.
        """
        now, missed = self.clock.now(), self.missed()
        if not self._has_begun:  # what was told before, nobody took
            with self.database.begin() as tx:
                listening.begin(tx, self.modules, now)
            self._has_begun = True
        read, before = {one.module for one in self.flows}, now - self.pace.safety
        with self.database.read() as tx:
            is_left = inbox.is_left(tx, read, before)
            new = {module: at for module, at in missed.items() if listening.find(tx, module).missed_at != at}
            due = [
                one.flow for one in self.flows if self._may_run(tx, one, now) and self._is_due(tx, one, now)
            ]
        if new or due or is_left:
            with self.database.begin() as tx:
                inbox.forget(tx, read, before)
                listening.miss(tx, new)
                for flow in due:
                    schedules.owe(tx, flow, now)

    def end(self) -> None:
        """Nobody takes notifications any more. Errors as the store's: then the next process that does tells it."""
        with self.database.begin() as tx:
            listening.end(tx)

    def _is_due(self, tx: Connection, one: Heard, now: datetime) -> bool:
        return is_due(tx, one.module, self.pace, self.coalesce, now)

    def _may_run(self, tx: Connection, one: Heard, now: datetime) -> bool:
        """Not while a run is under way, nor soon after one that did not end well: the next would end alike."""
        last = cursors.last_run(tx, one.company, one.flow)
        if last is None or (last.ended_at is not None and last.state == "done"):
            return True
        return last.ended_at is not None and abs(now - last.ended_at) >= self.pace.poll


def listen(listener: Listener, fault: Callable[[Exception], None], every: float = _EVERY_SECONDS) -> None:
    """Until its ``stopping`` is set."""
    turn_by_turn(listener.turn, listener.stopping, every, "Nobody listens", listener.tell, fault)
    try:
        listener.end()
    except ConnectorError as error:
        listener.tell(f"That nobody listens any more could not be noted: {error}", level="debug")
