"""Waiting for systems that are away: since when and why is kept, and looked at again until they are there.

A probe that finds a system there is believed until a run finds otherwise: then the wait goes on as the one it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ml_connector.core.errors import ConnectorError
from ml_connector.core.ports import Clock, Tell
from ml_connector.core.waits import AWAITED, NAMES, UNTIL_SET, Reason, Wait, reason_of
from ml_connector.flows.agenda import Scheduled
from ml_connector.store import waits
from ml_connector.store.database import Database


class Systems(Protocol):
    """The systems that may have to be waited for."""

    def probe(self, system: str, reason: str) -> None:
        """Look whether it is there again, by one cheap call or none; raises what keeps us out."""

    def mark(self, system: str) -> str:
        """Another one once what we sign in with was set anew."""

    def missing(self, system: str) -> Sequence[ConnectorError]:
        """What we would sign in with and nobody has set, an error for each."""


@dataclass(slots=True)
class Awaiting:
    """What is waited for; all of it is in the store, but which probes are not proved."""

    database: Database
    clock: Clock
    systems: Systems
    tell: Tell
    _doubtful: dict[str, Wait] = field(
        default_factory=dict
    )  #: by system: it is there as far as a probe tells

    def require_secrets(self) -> None:
        """What we would sign in with and nobody has set is said, and waited for."""
        now = self.clock.now()
        for system in sorted(AWAITED):
            if missing := self.systems.missing(system):
                self._wait_for_secrets(system, missing, now)

    def _wait_for_secrets(self, system: str, missing: Sequence[ConnectorError], now: datetime) -> None:
        for error in missing:
            self.tell(str(error), level="warning", system=system)
        told = " ".join(error.happened for error in missing), " ".join(error.remedy for error in missing)
        wait = Wait.begin(system, Reason.NOT_SET, told, self.systems.mark(system), now)
        with self.database.begin() as tx:
            waits.put(tx, wait)
        told_so = f"{wait.name} is waited for until that is done; no flow that needs it runs before."
        self.tell(told_so, level="warning", system=system)

    def begin(self, result: Mapping[str, Any]) -> None:
        """A run that ended like this found a system away."""
        wait = self._wait(result)
        with self.database.begin() as tx:
            waits.put(tx, wait)
        told = f"{wait.name} is waited for ({wait.reason}). {wait.remedy}".rstrip()
        self.tell(told, level="warning", system=wait.system, reason=wait.reason)

    def _wait(self, result: Mapping[str, Any]) -> Wait:
        """The wait that this end of a run begins; or goes on with, where only the probe had found the system there."""
        system, reason, told = result["system"], result["reason"], (result["happened"], result["remedy"])
        mark, now = self.systems.mark(system), self.clock.now()
        if (former := self._doubtful.get(system)) is not None:
            return former.still(reason, told, mark, now)
        return Wait.begin(system, reason, told, mark, now)

    def prove(self, used: Collection[str]) -> None:
        """A run that needs these systems ended well: they are there."""
        self._close(used)
        self._doubtful = {system: wait for system, wait in self._doubtful.items() if system not in used}

    def _close(self, systems: Collection[str]) -> None:
        with self.database.read() as tx:
            there = waits.find(tx).keys() & set(systems)
        if there:
            with self.database.begin() as tx:
                for system in there:
                    waits.close(tx, system)
            for system in sorted(there):
                self.tell(f"{NAMES[system]} is no longer waited for.", system=system)

    def still_away(self, flow: Scheduled) -> Wait | None:
        """The system that keeps this flow back; whoever asks just now may know that it is there, so it is looked at."""
        now = self.clock.now()
        with self.database.read() as tx:
            open_waits = waits.find(tx)
        for wait in open_waits.values():
            if wait.system in flow.needs:
                self._look_at(wait, now)
        with self.database.read() as tx:
            return flow.waits_for(waits.find(tx))

    def look(self, before_each: Callable[[], None]) -> None:
        """Look whether what is waited for is there again, where that is due; ``before_each`` may break it off."""
        now = self.clock.now()
        with self.database.read() as tx:
            open_waits = waits.find(tx)
        for wait in open_waits.values():
            before_each()
            if wait.is_due(now):
                self._look_at(wait, now)

    def _look_at(self, wait: Wait, now: datetime) -> None:
        """What was refused is never tried again by us: only whether it was set anew is looked at."""
        systems, told = self.systems, (wait.happened, wait.remedy)
        mark, reason = systems.mark(wait.system), wait.reason
        if reason not in UNTIL_SET or mark != wait.mark:
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
        with self.database.begin() as tx:
            waits.put(tx, wait.still(reason, told, mark, now))
