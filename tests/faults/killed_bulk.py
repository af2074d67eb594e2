"""Runs as a process of its own: ``sync`` over the real systems, where bulk jobs pay early, killed around one.

    python killed_bulk.py SETTINGS POINT [HASH]

POINT is ``before-METHOD`` or ``after-METHOD`` of the target (upload, start_job, job_state, job_results: the first
call), ``batch-N`` (N batches of results are recorded), or ``never``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ml_connector.bootstrap import SystemClock, open_app
from ml_connector.cli.sync import run_flows
from ml_connector.core.ports import Target
from ml_connector.core.write_plan import JobPrice, WritePrices
from ml_connector.flows import approval
from ml_connector.flows.range import EVERYTHING
from ml_connector.settings_file import load_settings

ROWS = 120
_EARLY = WritePrices(20, 10, JobPrice(ROWS, 3, 5))
_ASKED_FOR_A_BATCH = 2  #: a batch asks for the time twice


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DeadlyClock(SystemClock):
    """Kills who asks for the time, once it is told how often that may be."""

    left: int | None = None

    def now(self) -> datetime:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                die()
        return super().now()


class DeadlyTarget:
    """A target whose bulk jobs are cheap, and which kills the process around one."""

    def __init__(self, inner: Target, point: str, clock: DeadlyClock) -> None:
        self._inner, self._clock = inner, clock
        self._when, _, self._what = point.partition("-")

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._deadly(found) if name == self._what else self._counting(name, found)

    def _deadly(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def deadly(*given: object) -> None:
            if self._when == "after":
                method(*given)
            die()

        return deadly

    def _counting(self, name: str, method: Any) -> Any:
        if name != "job_results" or self._when != "batch":
            return method

        def counted(*given: object) -> Any:
            results = method(*given)
            self._clock.left = int(self._what) * _ASKED_FOR_A_BATCH
            return results

        return counted

    def write_prices(self, module: str) -> WritePrices:
        prices = self._inner.write_prices(module)
        return _EARLY if prices.job else prices


def main(settings: str, point: str, approve: str = "") -> None:
    with open_app(load_settings(Path(settings))) as app:
        clock = DeadlyClock()
        deadly = replace(
            app, works=replace(app.works, target=DeadlyTarget(app.target, point, clock), clock=clock)
        )
        if approve:
            approval.approve(app.database, deadly.roster.in_order(["customers"]), approve)
        ran = run_flows(deadly, {"customers": EVERYTHING})
    sys.stdout.write(json.dumps({"flows": ran.flows}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
