"""``ml-connector serve``: one process that runs the flows by their schedules, and what other commands ask of it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector.cli.codes import catalogue
from ml_connector.cli.costs import Spent
from ml_connector.cli.exits import Exit
from ml_connector.cli.group import keep
from ml_connector.cli.leaving import STOP_SECONDS, leave, stop_in_good_order, told_as_lines, when_lost
from ml_connector.cli.options import SettingsPath, load

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.core.channels import Channel
    from ml_connector.core.ports import Tell
    from ml_connector.flows.alerting import Alerting, Post
    from ml_connector.flows.engine import Engine
    from ml_connector.flows.figures import Watched
    from ml_connector.flows.listening import Listener
    from ml_connector.flows.serving import Place, Serving
    from ml_connector.settings import Settings
    from ml_connector.web.webhooks import Receiving

_AGAIN_SECONDS = 1.0


def serve(settings: SettingsPath = None) -> None:
    """Run the flows by their schedules until stopped; other commands may be given meanwhile."""
    read, stopping = load(settings).as_served, threading.Event()
    stop_in_good_order(stopping)
    with told_as_lines(read.log) as tell:
        _serve(read, stopping, tell, (settings or Path()).absolute().parent)


def _serve(read: Settings, stopping: threading.Event, tell: Tell, folder: Path) -> None:
    from ml_connector.bootstrap import open_app
    from ml_connector.duties import find_standing, watched
    from ml_connector.flows.serving import Serving
    from ml_connector.web.app import create_app
    from ml_connector.web.metrics import exposition
    from ml_connector.web.server import served
    from ml_connector.web.webhooks import webhooks

    fault = partial(_keep_fault, tell, folder)
    with (
        open_app(read, tell) as app,
        _engine(app, stopping, tell, folder) as engine,
        receiving_of(app, fault) as receiving,
    ):
        flows = watched(app)
        serving = Serving(place_of(app, engine, tell, fault), stopping)
        codes = frozenset(entry.code for entry in catalogue())
        web = create_app(
            partial(_problems, app, serving, engine),
            exposition(partial(find_standing, app, engine, flows, codes, receiving.counted)),
            webhooks(receiving),
        )
        with (
            served(web, read.serve.address, read.serve.port) as url,
            _alerting(app, flows, tell, fault, stopping),
            _keeping_channels(app, tell, fault, stopping),
            _listening(app, receiving, tell, fault, stopping),
        ):
            tell(f"Serving. The pages are at {url}; “ml-connector flows list” tells what runs when.")
            serving.serve()
        leave(engine, tell)


def _keep_fault(tell: Tell, folder: Path, error: Exception) -> None:
    tell(f"What it was doing is in {keep(error, folder)}.", level="error")


def place_of(app: App, engine: Engine, tell: Tell, fault: Callable[[Exception], None]) -> Place:
    """What a process that serves works with."""
    from ml_connector.duties import AwaitedSystems, attempt_at, scheduled
    from ml_connector.flows import approval
    from ml_connector.flows.serving import Place

    def unapproved() -> Sequence[str]:
        return approval.unapproved(app.database, app.in_order())

    def spent(before: Mapping[str, Any]) -> Mapping[str, Any]:
        now = Spent.of(app)
        return asdict(now.with_more(before, -1) if before else now)

    return Place(
        database=app.database,
        clock=app.clock,
        engine=engine,
        systems=AwaitedSystems(app),
        flows=scheduled(app),
        beside=app.beside,
        unapproved=unapproved,
        attempt_at=partial(attempt_at, app),
        spent=spent,
        trim=app.trim_trail,
        tell=tell,
        fault=fault,
        at_once=app.settings.serve.runs_at_once,
    )


@contextmanager
def receiving_of(app: App, fault: Callable[[Exception], None]) -> Iterator[Receiving]:
    """What takes Zoho's notifications; those that wait at the end of the block are kept."""
    from ml_connector.store import channels, inbox
    from ml_connector.store.group_commit import GroupCommit
    from ml_connector.web.webhooks import AT_MOST_WAITING, KnownChannels, Receiving

    def find(path: str) -> Channel | None:
        with app.database.read() as tx:
            return channels.find_by_path(tx, path)

    with GroupCommit(app.database, inbox.put, fault, AT_MOST_WAITING) as commit:
        known = KnownChannels(find, app.clock)
        yield Receiving(known, commit.put, app.clock, app.settings.webhooks)


@contextmanager
def _alerting(
    app: App,
    flows: Sequence[Watched],
    tell: Tell,
    fault: Callable[[Exception], None],
    stopping: threading.Event,
) -> Iterator[None]:
    """Alerts on a thread of their own: an address that is slow to answer keeps nothing waiting, nor does a long run."""
    from ml_connector.connectors.apprise_post import ApprisePost
    from ml_connector.flows.alerting import alert

    post = ApprisePost(app.secrets.get)
    post.remember(app.settings.alerts.to)  # the database may be away before it is looked at first
    alerting = alerting_of(app, flows, post, tell, stopping)
    with _beside(partial(alert, alerting, fault), "alerts", stopping):
        yield


def alerting_of(
    app: App, flows: Sequence[Watched], post: Post, tell: Tell, stopping: threading.Event
) -> Alerting:
    """What tells people, by this post, what they would want to know of a process that begins to serve now."""
    from ml_connector.duties import limits
    from ml_connector.flows.alerting import Alerting

    own, since = app.settings.alerts, app.clock.now()
    return Alerting(app.database, app.clock, post, own.to, flows, limits(own), tell, since, stopping)


@contextmanager
def _keeping_channels(
    app: App, tell: Tell, fault: Callable[[Exception], None], stopping: threading.Event
) -> Iterator[None]:
    """Notification channels on a thread of their own: none ends because a long run is under way."""
    from ml_connector.flows.channels import keep

    with _beside(partial(keep, app.keeping(tell, stopping), fault), "channels", stopping):
        yield


@contextmanager
def _listening(
    app: App, receiving: Receiving, tell: Tell, fault: Callable[[Exception], None], stopping: threading.Event
) -> Iterator[None]:
    """What notes since when notifications are taken, and which were refused; on a thread of its own."""
    from ml_connector.flows.listening import listen

    with _beside(partial(listen, listener_of(app, receiving, tell, stopping), fault), "listening", stopping):
        yield


def listener_of(app: App, receiving: Receiving, tell: Tell, stopping: threading.Event) -> Listener:
    """What has the flows run for which something was told of, or that are to poll."""
    from ml_connector.flows.listening import Heard, Listener

    own = app.settings.webhooks
    coalesce = timedelta(seconds=own.coalesce_seconds)
    flows = [Heard(flow.name, flow.company, flow.module) for flow in app.document_flows.values()]
    return Listener(
        app.database, app.clock, own.modules, flows, own.pace, coalesce, receiving.missed, tell, stopping
    )


@contextmanager
def _beside(work: Callable[[], None], name: str, stopping: threading.Event) -> Iterator[None]:
    """Work on a thread of its own, which ends once ``stopping`` is set: at the end of the block, if not before."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(STOP_SECONDS)


@contextmanager
def _engine(app: App, stopping: threading.Event, tell: Tell, folder: Path) -> Iterator[Engine]:
    """The engine, once no command is it any more; another process that serves is refused."""
    from ml_connector.store.engine_lock import Duty, ServingError, TakenError

    engine, told = app.engine(Duty.SERVE, when_lost(stopping, tell, folder)), ""
    while True:
        try:
            engine.__enter__()
            break
        except ServingError:
            raise
        except TakenError as error:
            if not told:
                told = f"{error.happened} Waiting until it has finished."
                tell(told)
        if stopping.wait(_AGAIN_SECONDS):
            sys.exit(Exit.DONE)
    try:
        yield engine
    finally:
        engine.__exit__(None, None, None)


def _problems(app: App, serving: Serving, engine: Engine) -> list[str]:
    """Why nothing can be done at present."""
    from ml_connector.duties import problems

    return problems(app, engine) or list(filter(None, [serving.trouble]))
