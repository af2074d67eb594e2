"""How far a run is, told on standard error now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ml_connector.cli.results import FOUND
from ml_connector.cli.show import note

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.flows.engine import Engine
    from ml_connector.flows.runs import Runs

EVERY_SECONDS = 2.0  #: so often a command tells how far it is
_NOT_STAGED = (
    "settled",
    "future",
    "back",
    *FOUND,
)  #: counted as they are listed, before there is anything to do


def runs_here(app: App, engine: Engine) -> Runs:
    """Runs of this process, which tells how far they are."""
    from ml_connector.flows.runs import Runs

    def taking_up(flow: str, run: str) -> None:
        note(f"{flow}: going on with the run {run}, which was interrupted.")

    def watch(flow: str, run: str) -> Callable[[], None]:
        return Progress(app, flow, run).show

    return Runs(engine, app.database, app.clock, watch, taking_up)


def how_far(done: int, whole: int) -> str:
    """How many records are done in all rounds; of how many, as long as those of the present round can tell that."""
    return f"{done:,} of {whole:,} records" if done <= whole else f"{done:,} records"


class Progress:
    """Tells on standard error how far a run is, now and then."""

    def __init__(self, app: App, flow: str, run: str, *, is_here: bool = True) -> None:
        """``is_here``: it runs in this process."""
        self._app, self._flow, self._run, self._is_here = app, flow, run, is_here
        self._told, self._at = "", time.monotonic()

    def show(self) -> None:
        from ml_connector.store import cursors, staging

        if time.monotonic() - self._at < EVERY_SECONDS:
            return
        self._at = time.monotonic()
        with self._app.database.read() as tx:
            run, staged = cursors.find_run(tx, self._run), staging.count(tx, self._run)
        if run is None:
            return
        if run.state == "waiting":
            text = f"{self._flow}: waiting. {run.note}"
        else:
            done = sum(number for what, number in run.counts.items() if what not in _NOT_STAGED)
            flow = self._app.roster.flows.get(self._flow)  # it may have left the settings since the run began
            whole = staged * (len(flow.modules) or 1 if flow else 1)
            asked = sum(self._app.gp_cost().calls.values()) if self._is_here else run.load.requests
            over_deals = (
                self._flow in self._app.roster.deal_flows
            )  # nothing is staged there, and GP is not asked
            far = f"{done:,} records" if over_deals else f"{how_far(done, whole)}, {asked:,} GP requests"
            text = f"{self._flow}: {far}"
        if text != self._told:
            note(text)
        self._told = text
