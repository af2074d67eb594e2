"""``ml-connector ping``: whether each system is there and lets us do what the flows need."""

from __future__ import annotations

import typer

from ml_connector.cli.checks import gp_systems, show_tried, try_systems, zoho_system
from ml_connector.cli.options import AsJson, SettingsPath, load


def ping(settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Try both systems: reached, signed in, every right that the flows need, the clocks. Changes nothing."""
    from ml_connector.bootstrap import open_app

    with open_app(load(settings)) as app:
        app.refusals.overlook()  # a refused password is tried once: this is the command to find out
        tried = try_systems([*gp_systems(app), zoho_system(app)])
    raise typer.Exit(show_tried(tried, as_json=as_json))
