"""``ml-connector reconcile``: compare both sides where no list of changes tells."""

from __future__ import annotations

from typing import Annotated

import typer

from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.plan import Flows
from ml_connector.cli.show import note
from ml_connector.cli.sync import run_and_show, show_waiting

app = typer.Typer(help="Compare whole lists with what was recorded.", no_args_is_help=True)

OverLimit = Annotated[
    bool, typer.Option("--over-limit", help="Mark what vanished although it is more than max_change_ratio.")
]


@app.callback()
def _group() -> None:
    """One command so far."""


@app.command()
def keys(
    flows: Flows = None,
    settings: SettingsPath = None,
    *,
    over_limit: OverLimit = False,
    as_json: AsJson = False,
) -> None:
    """Compare all keys of GP and their instants: bring what was missed, mark in Zoho what GP has no more."""
    from ml_connector.bootstrap import open_app
    from ml_connector.flows.range import Asked
    from ml_connector.store import cursors

    with open_app(load(settings), note) as app:
        wanted = [flow.name for flow in app.in_order(flows or ())]
        with app.database.read() as tx:
            waits = [name for name in wanted if cursors.find(tx, app.flows[name].company, name) is None]
        asked = Asked(reconcile=True, over_limit=over_limit)
        ready = {name: asked for name in wanted if name not in waits}
        if ready:
            raise typer.Exit(run_and_show(app, ready, waits, as_json=as_json))
    raise typer.Exit(show_waiting(waits, as_json=as_json))
