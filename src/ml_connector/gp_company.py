"""One company of GP as commands and flows read it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from ml_connector.connectors.dynamics_gp import GpClient, GpSource, GpTarget
from ml_connector.core.companies import Company
from ml_connector.core.ports import Cost


@dataclass(frozen=True, slots=True)
class GpCompany:
    """One company of GP; all of them share the account, the connections and the gate."""

    settings: Company
    gp: GpClient
    source: GpSource  #: for commands
    another: Callable[[], GpSource]  #: with nothing read ahead and nothing counted
    target: GpTarget  #: for all flows: what it learns of GP's policies is kept
    _of_flows: dict[str, GpSource] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def source_of(self, flow: str) -> GpSource:
        """What the runs of this flow read through: beside each other, flows know nothing of what others read ahead."""
        with self._turn:
            if flow not in self._of_flows:
                self._of_flows[flow] = self.another()
            return self._of_flows[flow]

    def cost(self) -> Cost:
        """What was asked of this company so far, for commands and all flows."""
        reading = [source.cost() for source in (self.source, *self._of_flows.values())]
        costs = [*reading, self.target.client.cost()]
        calls = sum((Counter(cost.calls) for cost in costs), Counter[str]())
        return Cost(dict(calls), sum(cost.seconds for cost in costs))
