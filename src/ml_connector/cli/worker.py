"""``ml-connector worker``: one more process that does what the process that serves has begun."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.group import keep
from ml_connector.cli.leaving import leave, stop_in_good_order, told_as_lines, when_lost
from ml_connector.cli.options import SettingsPath, load
from ml_connector.core.errors import ConnectorError

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.core.ports import Tell
    from ml_connector.flows.engine import Engine, Job
    from ml_connector.flows.range import Asked
    from ml_connector.flows.steps import Result, Steps


def worker(
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=0,
            max=65_535,
            show_default=False,
            help="Where its /health and /metrics are, in place of [worker] port; 0: any free one.",
        ),
    ] = None,
    settings: SettingsPath = None,
) -> None:
    """Share the work of “ml-connector serve”, on this machine or another; on PostgreSQL only."""
    from ml_connector.bootstrap import open_app
    from ml_connector.store.engine_lock import Duty

    read, stopping = load(settings).as_served, threading.Event()
    folder = (settings or Path()).absolute().parent
    stop_in_good_order(stopping)
    with told_as_lines(read.log) as tell, open_app(read, tell) as app:
        told = _telling(app.run, folder, tell)
        with app.engine(Duty.WORK, when_lost(stopping, tell, folder), told) as engine:
            with _pages(app, engine, port) as where:
                tell(
                    f"Working: runs that “ml-connector serve” or another command begins are done here, too.{where}"
                )
                stopping.wait()
            leave(engine, tell)


@contextmanager
def _pages(app: App, engine: Engine, port: int | None) -> Iterator[str]:
    """Its health and what it tells of itself, as long as the block takes; where that is, in a sentence."""
    own = app.settings.worker
    port = own.port if port is None else port
    if port is None:
        yield ""
        return
    from ml_connector.duties import find_worker, problems
    from ml_connector.web.app import create_app
    from ml_connector.web.metrics import exposition
    from ml_connector.web.server import served

    numbers = exposition(partial(find_worker, app, engine), own_only=True)
    with served(create_app(partial(problems, app, engine), numbers), own.address, port, "worker") as url:
        yield f" Its pages are at {url}."


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
