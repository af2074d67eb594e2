"""The first day of an operator: from an empty folder to a provisioned Zoho, against both simulators."""

import json
import re

import pytest
from typer.testing import CliRunner

from ml_connector.cli import app
from ml_connector.simulators.gp import Account, GpOptions, GpSimulator
from ml_connector.simulators.zoho import GrantCode, ZohoOptions, ZohoSimulator

GP_PASSWORD = "kanarienvogel-7Q!"
CLIENT_SECRET = "wellensittich-3x"
CODE = "1000.zaunkoenig"
SECRETS = (GP_PASSWORD, CLIENT_SECRET, CODE)
ACCOUNT = Account("FABRIKAM", "connector", GP_PASSWORD)


@pytest.fixture
def gp():
    with GpSimulator(GpOptions(accounts=(ACCOUNT,))) as simulator:
        yield simulator


@pytest.fixture
def zoho():
    options = ZohoOptions(client_id="1000.ABC", client_secret=CLIENT_SECRET, grant_codes=(GrantCode(CODE),))
    with ZohoSimulator(options) as simulator:
        yield simulator


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ML_CONNECTOR_SETTINGS", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    said = []

    def type_in(*words, stdin=""):
        result = CliRunner().invoke(app, list(words), input=stdin)
        said.append(result.output)
        return result

    yield type_in
    assert not any(secret in output for secret in SECRETS for output in said)


@pytest.fixture
def ready(run, gp, zoho, tmp_path):
    """Settings are filled in and the passwords are set."""
    assert run("init").exit_code == 0
    values = {
        "endpoint": f"'{gp.endpoint}'",
        "company_id": "-1",
        "user": r"'FABRIKAM\connector'",
        "data_centre": "'us'",
        "client_id": "'1000.ABC'",
        "simulator_url": f"'{zoho.url}'",
    }
    path = tmp_path / "ml-connector.toml"
    text = path.read_text()
    for name, value in values.items():
        text = re.sub(rf"(?m)^#{name} =.*$", lambda _, n=name, v=value: f"{n} = {v}", text)
    path.write_text(text)
    assert run("secrets", "set", "gp.password", stdin=GP_PASSWORD).exit_code == 0
    assert run("secrets", "set", "zoho.client_secret", stdin=CLIENT_SECRET).exit_code == 0
    return run


def test_from_nothing_to_a_provisioned_zoho(ready, zoho, tmp_path):
    authorized = ready("zoho", "authorize", stdin=CODE)
    assert "ZohoCRM.modules.accounts.READ" in authorized.stderr
    assert "the refresh token is kept" in authorized.stderr
    assert authorized.exit_code == 1, authorized.output  # the fields are not there yet

    looked = ready("provision", "--check")
    assert looked.exit_code == 1
    assert "GP_Customer_ID" in looked.stdout
    asked = ready("provision", stdin="n\n")
    assert asked.exit_code == 3
    assert "ml-connector provision" not in asked.stderr  # it was this command
    assert "GP_Customer_ID" in asked.stdout
    nobody = ready("provision", "--json")
    assert nobody.exit_code == 3
    assert "GP_Customer_ID" in {need["name"] for need in json.loads(nobody.stdout)["missing"]}

    made = ready("provision", "--yes", "--json")
    assert made.exit_code == 0, made.output
    assert "GP_Customer_ID" in {need["name"] for need in json.loads(made.stdout)["created"]}
    again = ready("provision", "--yes", "--json")
    assert again.exit_code == 0
    told = ("modules", "created_modules", "missing", "created", "relabelled", "problems", "left_out", "notes")
    nothing: dict[str, list[object]] = {name: [] for name in told}
    assert json.loads(again.stdout) == {"ok": True} | nothing
    assert ready("provision", "--check").exit_code == 0

    ping = ready("ping", "--json")
    assert ping.exit_code == 0, ping.output
    assert set(json.loads(ping.stdout)["systems"]) == {"Dynamics GP", "Zoho CRM"}
    assert ready("ping").exit_code == 0
    for path in (tmp_path / "data").iterdir():  # Zoho's own tokens begin so
        # Tokens begin like the client's id, which is no secret: credits are counted by it.
        assert b"1000." not in path.read_bytes().replace(b"1000.ABC", b""), path
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or not any(s.encode() in path.read_bytes() for s in SECRETS), path


def test_a_used_grant_code_is_a_sentence_and_keeps_nothing(ready):
    said = ready("zoho", "authorize", stdin="1000.other")
    assert said.exit_code == 2
    assert "Zoho does not take this grant code: it was used before" in said.stderr
    assert "Generate a new code in Zoho's API console" in said.stderr
    listed = json.loads(ready("secrets", "list", "--json").stdout)
    assert {row["name"] for row in listed if row["set"]} == {"gp.password", "zoho.client_secret"}


def test_a_wrong_password_is_tried_once_and_said(ready, gp):
    ready("secrets", "set", "gp.password", stdin="not-it")
    result = ready("ping")
    assert result.exit_code == 2
    assert "FAILED" in result.stdout
    assert result.stderr
    assert sum(gp.control("GET", "state")["failed_sign_ins"].values()) == 1


def test_a_system_that_is_away_is_exit_code_4(ready, gp, tmp_path):
    ready("zoho", "authorize", stdin=CODE)
    ready("provision", "--yes")
    gp.stop()
    result = ready("ping", "--json")
    assert result.exit_code == 4
    assert not json.loads(result.stdout)["systems"]["Dynamics GP"][0]["ok"]


def test_without_the_client_secret_no_code_is_asked_for(ready, tmp_path):
    (tmp_path / "data" / "ml-connector.db").unlink()
    result = ready("zoho", "authorize", stdin=CODE)
    assert result.exit_code == 2
    assert "zoho.client_secret is not set" in result.stderr
