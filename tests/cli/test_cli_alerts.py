"""``ml-connector alerts`` and the secrets that are its addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hooks import SECRET, Hook, hooked
from ml_connector.core.alerts import Alert, Change, Kind
from ml_connector.store import alerts
from ml_connector.store.database import Database

AT = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as opened:
        yield opened


@pytest.fixture
def told(ready, tmp_path: Path):
    """Types commands where alerts go to two addresses."""
    path = tmp_path / "ml-connector.toml"
    path.write_text(path.read_text().replace("#to = []", 'to = ["alerts.hook", "alerts.mail"]'))
    return ready


def test_a_test_message_goes_to_every_address_and_each_answer_is_told(told, hook: Hook) -> None:
    assert told("secrets", "set", "alerts.hook", stdin=f"{hook.url}\n").exit_code == 0
    said = told("alerts", "test")
    assert said.exit_code == 1
    assert "alerts.hook  taken" in said.stdout
    assert "alerts.mail  not taken" in said.stdout
    assert "The secret alerts.mail is not set. Run: ml-connector secrets set alerts.mail" in said.stderr
    assert hook.titles == ["a test"]
    hook.status = 410
    answers = json.loads(told("alerts", "test", "--json").stdout)
    assert [(one["address"], one["ok"]) for one in answers] == [
        ("alerts.hook", False),
        ("alerts.mail", False),
    ]
    assert "error=410" in answers[0]["detail"]
    hook.status = 200
    assert told("secrets", "set", "alerts.mail", stdin=f"{hook.url}\n").exit_code == 0
    assert told("alerts", "test").exit_code == 0


def test_without_an_address_it_says_how_to_give_one(ready) -> None:
    said = ready("alerts", "test")
    assert said.exit_code == 2
    assert "name no address for alerts" in said.stderr
    assert "ml-connector secrets set alerts.NAME" in said.stderr


def test_an_address_in_the_settings_is_refused_without_repeating_it(
    ready, tmp_path: Path, hook: Hook
) -> None:
    path = tmp_path / "ml-connector.toml"
    path.write_text(path.read_text().replace("#to = []", f'to = ["{hook.url}"]'))
    said = ready("alerts", "list")
    assert said.exit_code == 2
    assert "an address is a secret" in said.stderr
    assert SECRET not in said.output
    path.write_text(
        path.read_text().replace(hook.url, "alerts.hook")
    )  # the search for secrets looks here, too


def test_addresses_are_secrets_like_others(told, hook: Hook) -> None:
    said = told("secrets", "set", "alerts.hook", stdin=f"{hook.url}\n")
    assert "Try it with “ml-connector alerts test”." in said.stderr
    listed = {one["name"]: one["set"] for one in json.loads(told("secrets", "list", "--json").stdout)}
    assert (listed["alerts.hook"], listed["alerts.mail"]) == (True, False)
    checked = {
        row["name"]: row["state"] for row in json.loads(told("secrets", "check", "--json").stdout)["secrets"]
    }
    assert (checked["alerts.hook"], checked["alerts.mail"]) == ("opens", "not set")
    assert "alerts.NAME" in told("secrets", "set", "alarm", stdin="x\n").stderr


def test_what_is_open_is_listed_with_who_was_told(told, tmp_path: Path) -> None:
    assert "No alert is open." in told("alerts", "list").stdout
    assert json.loads(told("alerts", "list", "--json").stdout) == {"alerts": [], "to_send": []}
    found = Alert(Kind.FAILED, "customers", AT, "customers fails.", "Change that.")
    database = Database(f"sqlite:///{tmp_path / 'data' / 'ml-connector.db'}")
    with database.begin() as tx:
        alerts.note(tx, Change([found], []), ["alerts.hook", "alerts.mail"], AT)
        hook, mail = alerts.messages(tx)
        alerts.take(tx, hook, AT)
        alerts.end(tx, hook, AT)
        alerts.take(tx, mail, AT)
    database.close()
    said = told("alerts", "list").stdout
    assert "failed  customers  2026-11-02 08:30:00 UTC  alerts.hook" in said
    assert "customers fails. Change that." in said
    assert "To alerts.mail a message did not get through so far" in said
    document = json.loads(told("alerts", "list", "--json").stdout)
    assert document["alerts"][0]["told"] == ["alerts.hook"]
    assert [(one["address"], one["tries"]) for one in document["to_send"]] == [("alerts.mail", 1)]
