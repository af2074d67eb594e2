"""A request of a command, as the process that serves works it off: one flow after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ml_connector.flows.range import Asked
from ml_connector.flows.runs import Ran
from ml_connector.store.requests import Request


@dataclass(slots=True)
class Errand:
    """What was asked, and what came of it so far; a later process finds it again by the names of its runs."""

    request: str
    asked: Mapping[str, Asked]  #: by flow, in order
    spent: Mapping[str, Any] = field(
        default_factory=dict
    )  #: of both systems, when it began; empty: it did not
    ran: Ran = field(default_factory=Ran)

    @classmethod
    def of(cls, request: Request) -> Self:
        """Nothing is done yet."""
        return cls(request.request, {flow: Asked.from_json(told) for flow, told in request.asked.items()})

    def add(self, flow: str, result: Mapping[str, Any]) -> None:
        """The run of this flow has ended; one that was interrupted may be the first to."""
        known = self.ran.flows | {flow: result}
        self.ran.flows = {name: known[name] for name in self.asked if name in known}

    def following(self, beside: Callable[[str], Collection[str]]) -> str | None:
        """The flow that is to run next; None: all is done.

        ``beside``: all flows of a flow's company. What a run ended that did not end well is put down as not run.
        """
        for flow in self.asked:
            if flow in self.ran.flows or flow in self.ran.not_run:
                continue
            if not self.ran.ends(beside(flow), self.asked):
                return flow
            self.ran.not_run.append(flow)
        return None
