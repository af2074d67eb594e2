"""``ml-connector reconcile``: compare both sides where no list of changes tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.plan import Flows
from ml_connector.cli.results import show_waiting
from ml_connector.cli.show import note
from ml_connector.cli.sync import run_and_show

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.core.flow import Flow

app = typer.Typer(help="Compare both sides with what was recorded.", no_args_is_help=True)

All = Annotated[
    bool, typer.Option("--all", help="Compare every record, not only what changed in Zoho since.")
]
PutBack = Annotated[
    bool,
    typer.Option("--put-back", help="Put back what GP says this time, whatever changed_in_zoho is set to."),
]
OverLimit = Annotated[
    bool, typer.Option("--over-limit", help="Mark what vanished although it is more than max_change_ratio.")
]


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

    with open_app(load(settings), note) as app:
        ready, waits = _loaded(app, flows)
        asked = Asked(reconcile=True, over_limit=over_limit)
        if ready:
            wanted = dict.fromkeys((flow.name for flow in ready), asked)
            raise typer.Exit(run_and_show(app, wanted, waits, as_json=as_json))
    raise typer.Exit(show_waiting(waits, as_json=as_json))


@app.command()
def fields(
    flows: Flows = None,
    settings: SettingsPath = None,
    *,
    all_: All = False,
    put_back: PutBack = False,
    as_json: AsJson = False,
) -> None:
    """Find fields of GP's that a person changed in Zoho, show both values, and let them be or put them back."""
    from ml_connector.bootstrap import open_app
    from ml_connector.cli.reconcile_fields import reconcile_fields, show_fields

    with open_app(load(settings), note) as app:
        ready, waits = _loaded(app, flows)
        if ready:
            back = put_back or app.settings.sync.changed_in_zoho == "put_back"
            told = reconcile_fields(app, ready, everything=all_, back=back)
            raise typer.Exit(show_fields(app, told, waits, as_json=as_json))
    raise typer.Exit(show_waiting(waits, as_json=as_json))


def _loaded(app: App, flows: Sequence[str] | None) -> tuple[list[Flow], list[str]]:
    """The flows of which something is recorded that can be compared, and those whose first load is not done."""
    from ml_connector.store import cursors

    wanted = app.roster.in_order(flows or ())
    with app.database.read() as tx:
        waits = [flow.name for flow in wanted if cursors.find(tx, flow.company, flow.name) is None]
    return [flow for flow in wanted if flow.name not in waits], waits
