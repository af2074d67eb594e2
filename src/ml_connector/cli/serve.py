"""``ml-connector serve``: one process that runs the flows by their schedules, and what other commands ask of it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector.cli.costs import Spent
from ml_connector.cli.exits import Exit
from ml_connector.cli.group import keep
from ml_connector.cli.leaving import leave, stop_in_good_order, when_lost
from ml_connector.cli.options import SettingsPath, load
from ml_connector.cli.show import note
from ml_connector.core.errors import ConnectorError

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.flows.engine import Engine
    from ml_connector.flows.serving import Place, Serving

_AGAIN_SECONDS = 1.0


def serve(settings: SettingsPath = None) -> None:
    """Run the flows by their schedules until stopped; other commands may be given meanwhile."""
    from ml_connector.bootstrap import open_app
    from ml_connector.flows.serving import Serving
    from ml_connector.web.app import create_app
    from ml_connector.web.server import served

    read, stopping = load(settings).as_served, threading.Event()
    stop_in_good_order(stopping)
    with open_app(read, note) as app, _engine(app, stopping) as engine:
        serving = Serving(_place(app, engine, (settings or Path()).absolute().parent), stopping)
        web = create_app(partial(_problems, app, serving))
        with served(web, read.serve.address, read.serve.port) as url:
            note(f"Serving. The pages are at {url}; “ml-connector flows list” tells what runs when.")
            serving.serve()
        leave(engine)


def _place(app: App, engine: Engine, folder: Path) -> Place:
    from ml_connector.duties import AwaitedSystems, scheduled
    from ml_connector.flows import approval
    from ml_connector.flows.serving import Place

    def unapproved() -> Sequence[str]:
        return approval.unapproved(app.database, app.in_order())

    def spent(before: Mapping[str, Any]) -> Mapping[str, Any]:
        now = Spent.of(app)
        return asdict(now.with_more(before, -1) if before else now)

    def fault(error: Exception) -> None:
        note(f"What it was doing is in {keep(error, folder)}.")

    return Place(
        database=app.database,
        clock=app.clock,
        engine=engine,
        systems=AwaitedSystems(app),
        flows=scheduled(app),
        beside=app.beside,
        unapproved=unapproved,
        spent=spent,
        trim=app.trim_trail,
        tell=note,
        fault=fault,
    )


@contextmanager
def _engine(app: App, stopping: threading.Event) -> Iterator[Engine]:
    """The engine, once no command is it any more; another process that serves is refused."""
    from ml_connector.store.engine_lock import Duty, ServingError, TakenError

    engine, told = app.engine(Duty.SERVE, when_lost(stopping)), ""
    while True:
        try:
            engine.__enter__()
            break
        except ServingError:
            raise
        except TakenError as error:
            told = told or _say(f"{error.happened} Waiting until it has finished.")
        if stopping.wait(_AGAIN_SECONDS):
            sys.exit(Exit.DONE)
    try:
        yield engine
    finally:
        engine.__exit__(None, None, None)


def _say(text: str) -> str:
    note(text)
    return text


def _problems(app: App, serving: Serving) -> list[str]:
    """Why nothing can be done at present."""
    from ml_connector.store import waits

    try:
        with app.database.read() as tx:
            waits.find(tx)
    except ConnectorError as error:
        return [str(error)]
    return [serving.trouble] if serving.trouble else []
