"""The runs that a command, or a request of one, consists of: first what was interrupted, then one after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self

from ml_connector.core.ports import Clock
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.steps import Result
from ml_connector.store import cursors
from ml_connector.store.database import Database


class StoppingError(Exception):
    """The process is to end; what is under way is taken up by the next one."""


class Pending(Protocol):
    """A run that is under way or was interrupted."""

    @property
    def run(self) -> str: ...
    @property
    def flow(self) -> str: ...
    @property
    def asked(self) -> Asked: ...


class Engine(Protocol):
    """What runs flows."""

    def start(self, flow: str, run: str, asked: Asked) -> None:
        """Begin this run, if it did not begin before."""

    def pending(self) -> Collection[Pending]:
        """Every run that is under way or was interrupted."""

    def wait(self, run: str, every: Callable[[], None]) -> Result:
        """How the run ended; ``every`` is called now and then until it has."""

    def look(self, run: str) -> Result | None:
        """How the run ended; None: it has not."""

    def forget(self, before: datetime) -> None:
        """Forget the runs that had ended by then."""


def run_of(flow: str, request: str) -> str:
    """What the run of a flow for this request is called, however often that is worked off."""
    return f"{flow}-{request}"


@dataclass(slots=True)
class Ran:
    """How runs ended; a result is that of ``flows.steps.ended`` with its flow, run and seconds."""

    flows: dict[str, Mapping[str, Any]] = field(default_factory=dict)  #: what was asked for
    interrupted: list[Mapping[str, Any]] = field(default_factory=list)  #: of earlier commands, finished first
    not_run: list[str] = field(default_factory=list)  #: asked for, but ended by another that did not end well
    spent: Mapping[str, Any] = field(
        default_factory=dict
    )  #: by another process, for these; empty: by this one

    @property
    def results(self) -> list[Mapping[str, Any]]:
        """All of them."""
        return [*self.interrupted, *self.flows.values()]

    def ends(self, company_flows: Collection[str], asked: Collection[str]) -> bool:
        """Whether a run that did not end well ends the flows of a company: it is one of them, or a system is away."""
        stopped = [result for result in self.results if result["state"] != "done" and result["flow"] in asked]
        return any(result["state"] == "away" or result["flow"] in company_flows for result in stopped)

    def to_json(self) -> dict[str, Any]:
        told = {"flows": list(self.flows.items()), "interrupted": self.interrupted}
        return told | {"not_run": self.not_run, "spent": self.spent}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        return cls(dict(told["flows"]), list(told["interrupted"]), list(told["not_run"]), told["spent"])


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs flows on an engine, to their end."""

    engine: Engine
    database: Database
    clock: Clock
    watch: Callable[
        [str, str], Callable[[], None]
    ]  #: (flow, run) -> what is called now and then until it has ended
    taking_up: Callable[[str, str], None] = lambda _flow, _run: (
        None
    )  #: (flow, run): it was interrupted, and goes on

    def finish_interrupted(self, asked: Mapping[str, Asked], own: Collection[str] = ()) -> Ran:
        """Finish what was interrupted, but runs that are called as ``own`` ones will be.

        An interrupted ordinary run of a flow is that flow's ordinary run.
        """
        ran = Ran()
        for run in self.engine.pending():
            if run.run in own:
                continue
            self.taking_up(run.flow, run.run)
            told = self.ended(run.flow, run.run)
            if asked.get(run.flow) == run.asked == EVERYTHING:
                ran.flows[run.flow] = told
            else:
                ran.interrupted.append(told)
        return ran

    def run_all(
        self,
        asked: Mapping[str, Asked],
        beside: Callable[[str], Collection[str]],
        name: Callable[[str], str] | None = None,
    ) -> Ran:
        """Finish what was interrupted, then run these flows (name -> what is asked) one after the other.

        One that does not end well ends the rest of its company (``beside``: all flows of a flow's company), and where
        a system is away, of all: they share it. ``name``: what the run of a flow is called.
        """
        ran = self.finish_interrupted(asked, [name(flow) for flow in asked] if name else ())
        for flow, wanted in asked.items():
            if flow in ran.flows:
                continue
            if ran.ends(beside(flow), asked):
                ran.not_run.append(flow)
            else:
                run = name(flow) if name else f"{flow}-{self.clock.now():%Y%m%dT%H%M%S.%f}"
                ran.flows[flow] = self.run_one(flow, run, wanted)
        return ran

    def run_one(self, flow: str, run: str, asked: Asked = EVERYTHING) -> Mapping[str, Any]:
        """Run a flow to its end; how it ended."""
        self.engine.start(flow, run, asked)
        return self.ended(flow, run)

    def ended(self, flow: str, run: str) -> Mapping[str, Any]:
        """Wait for the run; how it ended."""
        return result_of(self.database, flow, run, self.engine.wait(run, self.watch(flow, run)))


def result_of(database: Database, flow: str, run: str, told: Result) -> Mapping[str, Any]:
    """How a run ended, with what it is called and how long it took, interruptions included."""
    with database.read() as tx:
        found = cursors.find_run(tx, run)
    whole = found.ended_at - found.started_at if found and found.ended_at else None
    seconds = round(whole.total_seconds(), 3) if whole is not None else 0.0
    return told | {"flow": flow, "run": run, "seconds": seconds}
