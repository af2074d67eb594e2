"""Runs as a process of its own: ``sync`` over the real systems, killed by itself at a call to the target.

    python killed_sync.py SETTINGS before|after N MODULE [HASH] [FLOW ...]

``before``: the Nth write to the module is not sent any more. ``after``: its answer has arrived and nothing of it is
recorded.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml_connector.bootstrap import open_app
from ml_connector.cli.sync import run_flows
from ml_connector.core.ports import Target, Write, WriteResult
from ml_connector.flows import approval
from ml_connector.flows.range import EVERYTHING
from ml_connector.settings_file import load_settings


class DeadlyTarget:
    """A target during whose Nth write to a module the process is killed."""

    def __init__(self, inner: Target, when: str, number: int, module: str) -> None:
        self._inner, self._when, self._left, self._module = inner, when, number, module
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(
        self, module: str, batch: Sequence[Write], trigger: Sequence[str] = (), **more: Any
    ) -> list[WriteResult]:
        with self._lock:  # one after the other, so that the number says which
            self._left -= module == self._module
            if self._left == 0 and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            results = self._inner.write(module, batch, trigger, **more)
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return results


def main(settings: str, when: str, number: str, module: str, approve: str, *flows: str) -> None:
    with open_app(load_settings(Path(settings))) as app:
        deadly = replace(
            app, works=replace(app.works, target=DeadlyTarget(app.target, when, int(number), module))
        )
        wanted, over_deals = app.roster.both(flows)
        if approve:
            approval.approve(app.database, wanted, approve)
        names = [*(flow.name for flow in wanted), *(flow.name for flow in over_deals)]
        run_flows(deadly, dict.fromkeys(names, EVERYTHING))


if __name__ == "__main__":
    main(*sys.argv[1:])
