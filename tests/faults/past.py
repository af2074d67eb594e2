"""Days that pass in a second: both systems and the process that serves begin so far back, and end at the present.

Behind them every command is at work on what is there as ever, by this machine's clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from turns import HOUR, MovedClock, Turned

from ml_connector.app import App
from ml_connector.bootstrap import open_app
from ml_connector.cli.plan import make_plan
from ml_connector.cli.serve import place_of
from ml_connector.flows import approval
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.serving import Serving
from ml_connector.flows.steps import DirectSteps
from ml_connector.settings_file import load_settings
from systems import World, unreachable


def go_back(world: World, by: timedelta) -> MovedClock:
    """It is so long ago and a little more, a midnight, for both systems and for whoever has this clock."""
    now = datetime.now(UTC)
    midnight = (now - by).replace(hour=0, minute=0, second=0, microsecond=0)
    world.move_clocks(midnight - now)
    return MovedClock(midnight - now)


@dataclass
class AtOnce:
    """An engine that does a run when it is to begin: nothing is killed here, and a month has many runs."""

    app: App
    ends: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def start(self, flow: str, run: str, asked: Asked) -> None:
        self.ends[run] = self.app.run(DirectSteps(self.app.clock), run, flow, asked)

    def pending(self) -> Collection[Any]:
        return ()

    def look(self, run: str) -> Mapping[str, Any]:
        return self.ends[run]

    def wait(self, run: str, every: object) -> Mapping[str, Any]:
        unreachable(f"who serves waits for no run: {run}, {every}")

    def forget(self, before: datetime) -> None:
        """Nothing is kept that long."""


@contextmanager
def passing(world: World, clock: MovedClock) -> Iterator[Turned]:
    """A process that serves, by this clock, turn by turn; its runs are done when they begin."""
    told: list[str] = []
    read = load_settings(world.settings).as_served

    def tell(event: str, /, **_where: object) -> None:
        told.append(event)

    def fault(error: Exception) -> None:
        raise error

    with open_app(read, tell, clock) as app:
        turned = Turned(world, app, clock, Serving(place_of(app, AtOnce(app), tell, fault)), told)
        turned.turn()
        yield turned


def load_first(turned: Turned, flows: Sequence[str]) -> None:
    """Plan, approve and do the first load."""
    app = turned.app
    make_plan(app, flows, 0, EVERYTHING)
    wanted = app.roster.in_order(flows)
    approval.approve(app.database, wanted, approval.plan_hash(app.database, wanted))
    for flow in wanted:
        told = app.run(DirectSteps(app.clock), f"{flow.name}-first", flow.name, EVERYTHING)
        assert told["state"] == "done", told
    turned.pass_time(HOUR)


def to_the_present(turned: Turned) -> None:
    """What is left of the time passes."""
    turned.pass_time(-turned.clock.by)
    turned.turn()


def writes(world: World) -> dict[str, int]:
    """The calls since ``World.forget`` that write something, as each simulator was asked them; no person's edit."""
    zoho = world.zoho_call("GET", "counts")["calls_by_kind"]
    told = {call: number for call, number in zoho.items() if call.startswith(_WRITES) and call not in _READS}
    return told | {name: n for name, n in world.operations().items() if name.startswith(_DEEDS)}


def contents(world: World) -> tuple[object, ...]:
    """Every record of either system that is written there, with its stamps."""
    zoho = [world.records(module) for module in ("Accounts", "Contacts", "Deals", "Quotes", "Sales_Orders")]
    sales = world.gp.control("GET", "sales?limit=1000000")
    return zoho, world.customers(), world.vendors(), sales


_WRITES, _READS = ("POST ", "PUT ", "PATCH ", "DELETE "), ("POST /crm/v8/coql", "POST /oauth/v2/token")
_DEEDS = ("Create", "Update", "Void", "Delete")
