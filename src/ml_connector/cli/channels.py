"""``ml-connector channels``: of which modules' changes Zoho tells us, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.exits import Exit
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import in_words, note, say, show_json, show_table, shown
from ml_connector.core.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector.app import App
    from ml_connector.core.channels import Channel
    from ml_connector.core.ports import FoundChannel
    from ml_connector.flows.channels import Keeping
    from ml_connector.flows.listening import ModuleStanding

app = typer.Typer(help="Of which modules' changes Zoho tells us, and until when.", no_args_is_help=True)

Modules = Annotated[
    list[str] | None, typer.Argument(metavar="[MODULE]...", help="Only these, by API name; left out: all.")
]
Others = Annotated[
    bool,
    typer.Option("--others", help="Ask Zoho for the channels of other applications, too, and show them."),
]


@app.command("list")
def list_(settings: SettingsPath = None, *, others: Others = False, as_json: AsJson = False) -> None:
    """Our channels: of which module, until when, when each was renewed and seen in Zoho, and what is wrong."""
    from ml_connector.bootstrap import open_app
    from ml_connector.core.channels import not_ours
    from ml_connector.store import channels

    with open_app(load(settings), note) as opened:
        with opened.database.read() as tx:
            known = channels.find_all(tx)
        found = not_ours(opened.channels.every(), known) if others else []
        _show(opened, known, found, with_others=others, as_json=as_json)


@app.command()
def renew(modules: Modules = None, settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Renew channels before their time, or enable those that are missing."""
    from ml_connector.bootstrap import open_app

    with open_app(load(settings), note) as opened:
        keeping = _keeping(opened)
        if not keeping.url:
            raise ConfigurationError(
                "Zoho cannot tell of anything, for there is no address of ours.",
                "Set url below [webhooks], to the address at which Zoho reaches this machine.",
            )
        kept = []
        for module in _chosen(modules, keeping.modules):
            with keeping.alone(module):
                kept.append(keeping.renew(module))
        _show(opened, kept, (), with_others=False, as_json=as_json)
    raise typer.Exit(Exit.NEEDS_A_PERSON if any(one.failing_since for one in kept) else Exit.DONE)


@app.command()
def remove(modules: Modules = None, settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Remove channels of ours from Zoho, and forget their addresses and tokens; other applications' stay.

    A module that [webhooks] modules names has another one, with another address, as soon as serve looks.
    """
    from ml_connector.bootstrap import open_app
    from ml_connector.store import channels

    with open_app(load(settings), note) as opened:
        with opened.database.read() as tx:
            known = {channel.module: channel for channel in channels.find_all(tx)}
        keeping, chosen = _keeping(opened), _chosen(modules, list(known))
        for module in chosen:
            with keeping.alone(module):
                keeping.remove(known[module])
    if as_json:
        show_json({"removed": chosen})
    else:
        say(f"Removed: {in_words(chosen)}." if chosen else "There is no channel of ours.")


def _keeping(opened: App) -> Keeping:
    def tell(event: str, /, *, level: str = "info", **_: object) -> None:
        note(event if level != "info" else "")

    return opened.keeping(tell)


def _chosen(wanted: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """The modules that were named, or all."""
    if unknown := [module for module in wanted or () if module not in known]:
        has = f"Known are: {in_words(list(known))}." if known else "There is none."
        raise ConfigurationError(f"There is no channel of {unknown[0]}.", has)
    return list(dict.fromkeys(wanted or known))


def _show(
    opened: App,
    known: Sequence[Channel],
    others: Sequence[FoundChannel],
    *,
    with_others: bool,
    as_json: bool,
) -> None:
    from ml_connector.duties import find_modules

    now, is_served = opened.clock.now(), opened.is_served()
    with opened.database.read() as tx:
        standing = {one.module: one for one in find_modules(opened, tx, now, is_served=is_served)}
    told = [_told(channel, now) | _polled(standing.get(channel.module)) for channel in known]
    rest = [_other(one) for one in others]
    if as_json:
        show_json({"channels": told} | ({"others": rest} if with_others else {}))
        return
    columns = ("module", "until", "renewed", "verified", "known up to")
    rows = [(one["module"], *(_shown(one[name]) for name in _TIMES)) for one in told]
    show_table(columns, rows)
    for one in told:
        if one["reason"]:
            say(f"{one['module']}: {one['reason']}")
    read = {flow.module for flow in opened.roster.document_flows.values()}
    if beside := [one["module"] for one in told if one["module"] not in read]:
        say(f"No flow reads {in_words(beside)}: what Zoho tells of it is forgotten after a while.")
    if not told:
        say("There is no channel of ours.")
    if with_others:
        say("Of other applications:" if rest else "Other applications have none.")
    for one in rest:
        say(
            f"    {one['module']}, channel {one['channel_id']}, until {shown(one['until'])}: {one['address']}"
        )


_TIMES = ("until", "renewed_at", "verified_at", "known_up_to")


def _told(channel: Channel, now: datetime) -> dict[str, Any]:
    from ml_connector.core.channels import is_live

    return {
        "module": channel.module,
        "channel_id": channel.channel_id,
        "live": is_live(channel, now),
        "until": channel.expires_at,
        "enabled_at": channel.enabled_at,
        "renewed_at": channel.renewed_at,
        "verified_at": channel.verified_at,
        "failing_since": channel.failing_since,
        "next_try_at": channel.next_try_at,
        "reason": channel.reason,
    }


def _polled(standing: ModuleStanding | None) -> dict[str, Any]:
    """How the module's changes become known; of one that the settings do not name (any more) nothing is known."""
    return {
        "way": standing.way.value if standing else None,
        "known_up_to": standing.known_up_to if standing else None,
        "polled_at": standing.polled_at if standing else None,
        "next_poll_at": standing.next_poll_at if standing else None,
        "waiting_since": standing.waiting_since if standing else None,
    }


def _other(found: FoundChannel) -> dict[str, Any]:
    """Another application's; of its address only the host, for the rest may be its secret."""
    from urllib.parse import urlsplit

    host = urlsplit(found.notify_url).hostname or ""
    return {
        "module": found.module,
        "channel_id": found.channel_id,
        "address": host,
        "until": found.expires_at,
    }


def _shown(at: datetime | None) -> str:
    return shown(at) if at else "–"
