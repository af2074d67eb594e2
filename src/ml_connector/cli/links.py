"""``ml-connector links move``: a record that GP has under another key now keeps its records in Zoho."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.actor import Reason, actor, ask_reason
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import note
from ml_connector.core.errors import ConfigurationError
from ml_connector.flows.range import Asked

if TYPE_CHECKING:
    from ml_connector.app import App

app = typer.Typer(help="Which record of GP is which in Zoho.", no_args_is_help=True)

Old = Annotated[str, typer.Argument(metavar="OLD", help="The key that GP no longer has.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="The key that GP has instead.")]
InFlow = Annotated[
    str, typer.Option("--flow", metavar="FLOW", help="In which flow, where several know the key.")
]


@app.callback()
def _links() -> None:
    """Which record of GP is which in Zoho."""


@app.command()
def move(
    old: Old,
    new: New,
    settings: SettingsPath = None,
    *,
    flow: InFlow = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """GP renamed OLD to NEW: the record in Zoho goes on under the new key, and nothing is created."""
    from ml_connector.bootstrap import open_app
    from ml_connector.cli.sync import run_and_show
    from ml_connector.flows import decide

    with open_app(load(settings), note) as opened:
        name = _flow_of(opened, old, flow)
        by = decide.Decider(actor(), ask_reason(reason))
        moved = decide.move(opened.works.work(opened.roster.flows[name]), old, new, by)
        note(f"{name}: {old} goes on as {moved.key} ({', '.join(moved.target_ids)}).")
        code = run_and_show(opened, {name: Asked((moved.key,))}, as_json=as_json)
    raise typer.Exit(code)


def _flow_of(opened: App, key: str, wanted: str) -> str:
    """The one flow that has a link for the key. Raises ConfigurationError if that is not told."""
    from ml_connector.store import links

    if wanted:
        return opened.roster.in_order([wanted])[0].name
    with opened.database.read() as tx:
        known = [
            flow.name
            for flow in opened.roster.flows.values()
            if any(links.find(tx, opened.works.work(flow).pair(module), [key]) for module in flow.modules)
        ]
    if len(known) == 1:
        return known[0]
    if not known:
        raise ConfigurationError(
            f"No record of Zoho is linked to {key}.", "ml-connector audit show KEY tells what is known of it."
        )
    raise ConfigurationError(
        f"{key} is linked in the flows {' and '.join(known)}.", "Name one with --flow FLOW."
    )
