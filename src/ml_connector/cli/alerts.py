"""``ml-connector alerts``: what is open, who was told, and whether messages get through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from ml_connector.cli.exits import Exit
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import note, say, show_json, show_table, shown
from ml_connector.core.errors import ConfigurationError, ConnectorError

if TYPE_CHECKING:
    from ml_connector.core.alerts import Alert
    from ml_connector.flows.alerting import Post
    from ml_connector.store.alerts import Message

app = typer.Typer(help="What people are told of, and whether it reaches them.", no_args_is_help=True)

_TITLE = "ml-connector: a test"
_TEXT = "This is a test, sent by “ml-connector alerts test”.\n\nThere is nothing to do."


@app.command("list")
def list_(settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Every alert that is open, oldest first: since when, what to do, and who was told."""
    from ml_connector.bootstrap import open_store
    from ml_connector.store import alerts

    with open_store(load(settings)) as database, database.read() as tx:
        found, messages = alerts.find(tx), alerts.messages(tx)
    told = [_told(alert, [m for m in messages if m.alert.named == alert.named]) for alert in found]
    if as_json:
        show_json({"alerts": told, "to_send": [_unsent(m) for m in messages if m.sent_at is None]})
        return
    rows = [(one["kind"], one["subject"], shown(one["since_at"]), ", ".join(one["told"])) for one in told]
    show_table(("alert", "about", "since", "told"), rows)
    for alert in found:
        say(f"{alert.happened} {alert.remedy}")
    if not found:
        say("No alert is open.")
    for message in messages:
        if message.sent_at is None and message.tries:
            when = shown(message.next_at)
            say(f"To {message.address} a message did not get through so far; it is tried again at {when}.")


def _told(alert: Alert, messages: Sequence[Message]) -> dict[str, Any]:
    told = [message.address for message in messages if message.sent_at is not None]
    own = {"kind": alert.kind.value, "subject": alert.subject, "since_at": alert.since_at}
    return own | {"happened": alert.happened, "remedy": alert.remedy, "told": told}


def _unsent(message: Message) -> dict[str, Any]:
    own = {"kind": message.alert.kind.value, "subject": message.alert.subject, "address": message.address}
    return own | {"all_clear": message.passed, "tries": message.tries, "next_at": message.next_at}


@app.command("test")
def try_(settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Send a test message to every address that the settings name, and tell how each answered."""
    from ml_connector.bootstrap import open_secrets
    from ml_connector.connectors.apprise_post import ApprisePost

    tree = load(settings)
    if not tree.alerts.to:
        raise ConfigurationError(
            "The settings name no address for alerts.",
            "Keep one with “ml-connector secrets set alerts.NAME”, and name it in “to” below [alerts].",
        )
    with open_secrets(tree) as secrets:
        answers = {address: _try(ApprisePost(secrets.get), address) for address in tree.alerts.to}
    _show(answers, as_json=as_json)
    raise typer.Exit(Exit.NEEDS_A_PERSON if any(answers.values()) else Exit.DONE)


def _try(post: Post, address: str) -> str:
    try:
        return post.send(address, _TITLE, _TEXT)
    except ConnectorError as error:
        return str(error)


def _show(answers: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        show_json([{"address": name, "ok": not wrong, "detail": wrong} for name, wrong in answers.items()])
        return
    rows = [(name, "not taken" if wrong else "taken") for name, wrong in answers.items()]
    show_table(("address", "answer"), rows)
    for name, wrong in answers.items():
        note(f"{name}: {wrong}" if wrong else "")
