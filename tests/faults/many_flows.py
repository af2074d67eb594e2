"""Runs as a process of its own: begins a run of each flow at once, as ``serve`` does, and is killed.

python many_flows.py SETTINGS FLOW ...
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ml_connector.bootstrap import open_app
from ml_connector.flows.range import EVERYTHING
from ml_connector.settings_file import load_settings


def main(settings: str, *flows: str) -> None:
    with open_app(load_settings(Path(settings))) as app, app.engine() as engine:
        for flow in flows:
            engine.start(flow, f"{flow}-at-once", EVERYTHING)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
