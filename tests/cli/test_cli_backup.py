"""``backup``, ``restore`` and ``database move`` as a user types them."""

import json
import re
import sqlite3
from contextlib import closing

import pytest
from typer.testing import CliRunner

from ml_connector.bootstrap import open_secrets
from ml_connector.cli import app
from ml_connector.settings_file import load_settings
from ml_connector.store.engine_lock import FileLock

REQUIRED = {
    "endpoint": "'http://127.0.0.1:1/DynamicsGPService.asmx'",
    "company_id": "-1",
    "user": r"'FABRIKAM\connector'",
    "data_centre": "'us'",
    "client_id": "'1000.ABC'",
}
SECRET = "kanarienvogel-7Q!"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Types a command in a folder that is set up, with one secret in the store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ML_CONNECTOR_SETTINGS", raising=False)

    def typed(*words, stdin=""):
        return CliRunner().invoke(app, list(words), input=stdin)

    assert typed("init").exit_code == 0
    path = tmp_path / "ml-connector.toml"
    text = path.read_text()
    for name, value in REQUIRED.items():
        text = re.sub(rf"(?m)^#{name} = .*REQUIRED.*$", lambda _, n=name, v=value: f"{n} = {v}", text)
    path.write_text(text)
    assert typed("secrets", "set", "gp.password", stdin=SECRET).exit_code == 0
    return typed


def test_a_backup_into_a_folder_has_the_time_in_its_name(run, tmp_path):
    (tmp_path / "backups").mkdir()
    told = run("backup", "backups", "--json")
    assert told.exit_code == 0
    [made] = (tmp_path / "backups").iterdir()
    assert re.fullmatch(r"ml-connector-\d{8}T\d{6}Z\.backup", made.name)
    assert json.loads(told.stdout)["rows"]["secrets"] == 1
    assert json.loads(told.stdout)["master_key"] == str(tmp_path / "data" / "master.key")


def test_a_folder_that_is_named_as_one_is_made_and_takes_a_backup_each_night(run, tmp_path):
    told = run("backup", "backups/", "--json")
    assert told.exit_code == 0
    assert [made.suffix for made in (tmp_path / "backups").iterdir()] == [".backup"]
    assert (tmp_path / "backups").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made_is_a_sentence(run, tmp_path):
    (tmp_path / "taken").touch()
    told = run("backup", "taken/")
    assert told.exit_code == 2
    assert "The folder taken/ cannot be made: File exists." in told.stderr


def test_neither_the_master_key_nor_a_secret_is_in_it(run, tmp_path):
    told = run("backup", "a.backup")
    assert "The master key is not in it" in told.stdout
    content = (tmp_path / "a.backup").read_bytes()
    assert (tmp_path / "data" / "master.key").read_bytes().strip() not in content
    assert SECRET.encode() not in content


def test_restored_beside_its_key_the_secrets_open(run, tmp_path):
    assert run("backup", "a.backup").exit_code == 0
    (tmp_path / "data" / "ml-connector.db").unlink()
    told = run("restore", "a.backup")
    assert (told.exit_code, "Restored as it was at" in told.stdout) == (0, True)
    settings = load_settings(tmp_path / "ml-connector.toml")
    with open_secrets(settings) as secrets:
        assert secrets.get("gp.password") == SECRET
    assert json.loads(run("audit", "verify", "--json").stdout)["ok"]


def test_a_restore_over_what_is_there_is_refused_and_says_how(run):
    assert run("backup", "a.backup").exit_code == 0
    told = run("restore", "a.backup", "--json")
    assert (told.exit_code, json.loads(told.stdout)["ok"]) == (2, False)
    assert "--over" in told.stderr


def test_while_another_process_works_nothing_is_restored_or_moved(run, tmp_path):
    assert run("backup", "a.backup").exit_code == 0
    with closing(FileLock(tmp_path / "data")):
        assert run("backup", "b.backup").exit_code == 0
        for words in (("restore", "a.backup", "--over"), ("database", "move", f"sqlite:///{tmp_path}/b.db")):
            told = run(*words)
            assert (told.exit_code, "Another ml-connector process is working" in told.stderr) == (4, True)


def test_a_trail_that_does_not_hold_is_told_by_backup_and_by_restore(run, tmp_path):
    assert run("backup", "a.backup").exit_code == 0
    assert run("restore", "a.backup", "--over").exit_code == 0
    with closing(sqlite3.connect(tmp_path / "data" / "ml-connector.db")) as file, file:
        file.execute("UPDATE audit SET actor = 'nobody'")
    for words in (("backup", "b.backup"), ("restore", "b.backup", "--over")):
        told = run(*words)
        assert (told.exit_code, "was changed at row 1" in told.stderr) == (1, True)


def test_moving_shows_what_was_moved_and_what_to_set(run, tmp_path):
    told = run("database", "move", f"sqlite:///{tmp_path}/b.db")
    assert told.exit_code == 0
    assert re.search(r"(?m)^secrets +1 *$", told.stdout)
    assert f"Now set url = 'sqlite:///{tmp_path}/b.db' under [store]" in told.stderr
