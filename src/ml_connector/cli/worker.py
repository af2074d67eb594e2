"""``ml-connector worker``: one more process that does what the process that serves has begun."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ml_connector.cli.group import keep
from ml_connector.cli.leaving import leave, stop_in_good_order, when_lost
from ml_connector.cli.options import SettingsPath, load
from ml_connector.cli.show import note
from ml_connector.core.errors import ConnectorError

if TYPE_CHECKING:
    from ml_connector.flows.engine import Job
    from ml_connector.flows.range import Asked
    from ml_connector.flows.steps import Result, Steps


def worker(settings: SettingsPath = None) -> None:
    """Share the work of “ml-connector serve”, on this machine or another; on PostgreSQL only."""
    from ml_connector.bootstrap import open_app
    from ml_connector.store.engine_lock import Duty

    read, stopping = load(settings).as_served, threading.Event()
    folder = (settings or Path()).absolute().parent
    stop_in_good_order(stopping)
    with open_app(read, note) as app:
        told = _telling(app.run, folder)
        with app.engine(Duty.WORK, when_lost(stopping), told) as engine:
            note("Working: runs that “ml-connector serve” or another command begins are done here, too.")
            stopping.wait()
            leave(engine)


def _telling(job: Job, folder: Path) -> Job:
    """The job, with a sentence before and after it; a bug is kept for whoever looks after this program."""

    def run(steps: Steps, run: str, flow: str, asked: Asked) -> Result:
        note(f"{flow}: at work at the run {run}.")
        try:
            result = job(steps, run, flow, asked)
        except ConnectorError:
            raise
        except Exception as error:
            note(f"{flow}: a bug of ml-connector broke the run off. It is in {keep(error, folder)}.")
            raise
        note(f"{flow}: {result['state']}. {result['happened']}".rstrip())
        return result

    return run
