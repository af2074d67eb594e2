"""A command beside the process that serves: it asks by a row in the store, and follows what comes of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from ml_connector.cli.actor import actor
from ml_connector.cli.exits import LeftRunningError
from ml_connector.cli.leaving import when_lost
from ml_connector.cli.progress import Progress, runs_here
from ml_connector.cli.show import note
from ml_connector.flows.range import Asked
from ml_connector.flows.runs import Ran, run_of
from ml_connector.store import requests
from ml_connector.store.requests import Request

if TYPE_CHECKING:
    from ml_connector.app import App

_POLL_SECONDS = 0.2


def ask(app: App, asked: Mapping[str, Asked]) -> Ran:
    """Ask the process that serves for these runs and wait for their end, telling how far they are.

    Where it ends before they do, this process becomes the engine. Raises LeftRunningError at Ctrl-C.
    """
    told = {flow: one.to_json() for flow, one in asked.items()}
    request = Request(uuid4().hex, told, actor(), app.clock.now())
    with app.database.begin() as tx:
        requests.put(tx, request)
    try:
        note(
            "“ml-connector serve” is at work here, and does this as soon as what is under way leaves room for it."
        )
        return _follow(app, request)
    except KeyboardInterrupt:
        raise LeftRunningError(
            "Stopped waiting: “ml-connector serve” does it all the same.",
            "“ml-connector report” tells what came of it.",
        ) from None


def _follow(app: App, request: Request) -> Ran:
    progress: dict[str, Progress] = {}
    while True:
        with app.database.read() as tx:
            found = requests.find(tx, request.request)
        if found is not None and found.ran is not None:
            return Ran.from_json(found.ran)
        if found is not None and found.run:
            progress.setdefault(found.run, Progress(app, found.flow, found.run, is_here=False)).show()
        if (ran := _become_engine(app, request)) is not None:
            return ran
        time.sleep(_POLL_SECONDS)


def _become_engine(app: App, request: Request) -> Ran | None:
    """Do it here if nobody serves any more; None: somebody is at work."""
    from ml_connector.store.engine_lock import TakenError

    if app.is_served():
        return None
    try:
        with app.engine(lost=when_lost()) as engine:
            note("“ml-connector serve” has ended: this command goes on by itself.")
            with app.database.read() as tx:
                found = requests.find(tx, request.request)
            if found is not None and found.ran is not None:
                return Ran.from_json(found.ran)
            asked = {flow: Asked.from_json(told) for flow, told in request.asked.items()}
            name = partial(run_of, request=request.request)
            ran = runs_here(app, engine).run_all(asked, app.roster.beside, name)
    except TakenError:
        return None
    with app.database.begin() as tx:
        requests.end(tx, request.request, ran.to_json(), app.clock.now())
    return ran
