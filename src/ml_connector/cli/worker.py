"""``ml-connector worker``: one more process that does what the process that serves has begun."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ml_connector.cli.group import keep
from ml_connector.cli.leaving import leave, stop_in_good_order, told_as_lines, when_lost
from ml_connector.cli.options import SettingsPath, load
from ml_connector.core.errors import ConnectorError

if TYPE_CHECKING:
    from ml_connector.core.ports import Tell
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
    with told_as_lines(read.log) as tell, open_app(read, tell) as app:
        told = _telling(app.run, folder, tell)
        with app.engine(Duty.WORK, when_lost(stopping, tell), told) as engine:
            tell("Working: runs that “ml-connector serve” or another command begins are done here, too.")
            stopping.wait()
            leave(engine, tell)


def _telling(job: Job, folder: Path, tell: Tell) -> Job:
    """The job, with a line before and after it; a bug is kept for whoever looks after this program."""

    def run(steps: Steps, run: str, flow: str, asked: Asked) -> Result:
        tell(f"{flow}: at work at the run {run}.", flow=flow, run=run)
        try:
            result = job(steps, run, flow, asked)
        except ConnectorError:
            raise
        except Exception as error:
            told = f"{flow}: a bug of ml-connector broke the run off. It is in {keep(error, folder)}."
            tell(told, level="error", flow=flow, run=run)
            raise
        told = f"{flow}: {result['state']}. {result['happened']}".rstrip()
        tell(told, flow=flow, run=run, state=result["state"], counts=result["counts"])
        return result

    return run
