"""``ml-connector ping``: whether each system is there and lets us do what the flows need."""

from __future__ import annotations

from typing import Annotated

import typer

from ml_connector.cli.checks import gp_systems, show_tried, try_systems, zoho_system
from ml_connector.cli.options import AsJson, SettingsPath, load

Items = Annotated[
    bool,
    typer.Option(
        "--items",
        help="Look, too, whether GP has the items of Zoho's products and whatever else orders and quotes would refer"
        " to: batches, sites, units, price levels, shipping methods.",
    ),
]


def ping(settings: SettingsPath = None, *, items: Items = False, as_json: AsJson = False) -> None:
    """Try both systems: reached, signed in, every right that the flows need, the clocks. Changes nothing."""
    from ml_connector.bootstrap import open_app
    from ml_connector.cli.ping_items import set_up_systems

    with open_app(load(settings)) as app:
        app.refusals.overlook()  # a refused password is tried once: this is the command to find out
        more = set_up_systems(app) if items else []
        tried = try_systems([*gp_systems(app), zoho_system(app), *more])
    raise typer.Exit(show_tried(tried, as_json=as_json))
