"""Runs as a process of its own: ``sync`` of a flow into GP over the real systems, killed by itself at some instant.

    python killed_documents.py SETTINGS SECONDS FLOW [INSTANT]

SECONDS: by how much its clock is ahead of this machine's. INSTANT, as JSON: which (see ``points.Instant``), or its
number among all, from 1. Left out, it lives and takes up what another one left.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from datetime import timedelta
from itertools import count
from pathlib import Path

from points import Instant, watch
from turns import MovedClock

from ml_connector.bootstrap import open_app
from ml_connector.cli.sync import run_flows
from ml_connector.flows.range import EVERYTHING
from ml_connector.settings_file import load_settings


class Hasty(MovedClock):
    """Waits for nobody: what waits for GP asks again at once, until it gives up."""

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.005))


def main(settings: str, seconds: str, flow: str, instant: str = "") -> None:
    kill, numbers = json.loads(instant or "null"), count(1)

    def reached(here: Instant) -> None:
        if kill in (next(numbers), [*here]):
            os.kill(os.getpid(), signal.SIGKILL)

    if kill is not None:
        watch(reached, Path(settings).parent / "data", one_at_a_time=False)
    clock = Hasty(timedelta(seconds=float(seconds)))
    with open_app(load_settings(Path(settings)), clock=clock) as app:
        run_flows(app, {flow: EVERYTHING})


if __name__ == "__main__":
    main(*sys.argv[1:])
