"""What a scrape finds of an installation: everything, or what can be told while the database is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_connector.bootstrap import open_app
from ml_connector.duties import find_standing, limits, watched
from ml_connector.serve_settings import AlertsSettings
from ml_connector.settings_file import load_settings
from ml_connector.store.database import Database


@pytest.mark.usefixtures("ready")
def test_a_database_that_is_away_leaves_what_the_process_knows(tmp_path: Path) -> None:
    with open_app(load_settings(tmp_path / "ml-connector.toml")) as app:
        flows = watched(app)
        engine = app.engine()
        there = find_standing(app, engine, flows, {"LOCKED"})
        app.works.database = Database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere")
        away = find_standing(app, engine, flows, {"LOCKED"})
        app.database.close()
    assert (there.readable, away.readable) == (True, False)
    assert [flow.facts.flow for flow in there.flows] == [flow.scheduled.flow for flow in flows]
    assert {flow.entity for flow in there.flows} >= {"customers", "vendors"}
    assert there.credits is not None
    assert (away.flows, away.credits, away.own.costs.keys()) == ((), None, {"gp", "zoho"})


def test_limits_are_those_of_the_settings() -> None:
    found = limits(
        AlertsSettings(
            waiting_minutes=2,
            failed_minutes=3,
            late_minutes=4,
            held_days=0.5,
            database_minutes=1,
            about=("held",),
        )
    )
    assert [
        one.total_seconds() for one in (found.waiting, found.failed, found.late, found.held, found.database)
    ] == [
        120,
        180,
        240,
        43_200,
        60,
    ]
    assert [kind.value for kind in found.about] == ["held"]
