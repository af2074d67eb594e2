"""Runs as a process of its own: ``sync`` over the real systems, killed by itself at an edit of a master of GP.

    python killed_edit.py SETTINGS before|after FLOW

``before``: the edit is intended and not sent any more. ``after``: its answer has arrived and nothing of it is recorded.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ml_connector.bootstrap import open_app
from ml_connector.cli.sync import run_flows
from ml_connector.core.sales_ports import Edit, MasterEdits, Outcome
from ml_connector.flows.range import EVERYTHING
from ml_connector.settings_file import load_settings


@dataclass
class Deadly:
    """What stands at a port, with other things in places of it."""

    inner: Any
    masters: MasterEdits

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@dataclass
class DeadlyMasters:
    """Masters during whose first edit the process is killed."""

    inner: MasterEdits
    when: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def edit(self, edit: Edit) -> Outcome:
        if self.when == "after":
            self.inner.edit(edit)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody is here any more")


def main(settings: str, when: str, flow: str) -> None:
    with open_app(load_settings(Path(settings))) as app:
        companies = {
            key: replace(one, target=Deadly(one.target, DeadlyMasters(one.target.masters, when)))
            for key, one in app.companies.items()
        }
        run_flows(replace(app, works=replace(app.works, companies=companies)), {flow: EVERYTHING})


if __name__ == "__main__":
    main(*sys.argv[1:])
