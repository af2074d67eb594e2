"""Types commands in an empty folder, or in one that is set up."""

import re

import pytest
from typer.testing import CliRunner

from ml_connector.cli import app

FILLED = {
    "endpoint": "'http://127.0.0.1:1/DynamicsGPService.asmx'",
    "company_id": "-1",
    "user": r"'FABRIKAM\connector'",
    "data_centre": "'us'",
    "client_id": "'1000.ABC'",
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Types a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ML_CONNECTOR_SETTINGS", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words, stdin="", env=None: CliRunner().invoke(app, list(words), input=stdin, env=env)


@pytest.fixture
def ready(run, tmp_path):
    """The same after init, with the settings filled in."""
    assert run("init").exit_code == 0
    path = tmp_path / "ml-connector.toml"
    text = path.read_text()
    for name, value in FILLED.items():
        text = re.sub(rf"(?m)^#{name} = .*REQUIRED.*$", lambda _, n=name, v=value: f"{n} = {v}", text)
    path.write_text(text)
    return run
