"""The commands as a user types them: what they say where, how they end, and that no secret is in any of it."""

import json
import os
import re
import stat
import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from ml_connector.cli import app
from ml_connector.cli.exits import MEANINGS

CANARY = "kanarienvogel-7Q!"
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


def test_help_lists_every_command_and_exit_code(run):
    result = run("--help")
    assert result.exit_code == 0
    for command in (
        "init",
        "secrets",
        "zoho",
        "ping",
        "provision",
        "plan",
        "review",
        "sync",
        "held",
        "links",
        "report",
    ):
        assert re.search(rf"(?m)^  {command} ", result.stdout)
    for code, meaning in MEANINGS.items():
        assert re.search(rf"(?m)^ +{code.value}  {re.escape(meaning)}$", result.stdout)


def test_version(run):
    assert run("--version").stdout.strip() == version("ml-connector")


def test_init_makes_settings_and_key_and_says_what_is_next(run, tmp_path):
    result = run("init")
    assert result.exit_code == 0
    assert "ml-connector secrets set gp.password" in result.stdout
    assert stat.S_IMODE((tmp_path / "data" / "master.key").stat().st_mode) == 0o600
    assert (tmp_path / "data" / "master.key").read_text().strip() not in result.output


def test_init_again_overwrites_nothing(ready, tmp_path):
    kept = {p: p.read_bytes() for p in (tmp_path / "ml-connector.toml", tmp_path / "data" / "master.key")}
    result = ready("init")
    assert result.exit_code == 0
    assert result.stdout.count("it stays as it is") == 2
    assert {path: path.read_bytes() for path in kept} == kept


def test_init_elsewhere(run, tmp_path):
    (tmp_path / "etc").mkdir()
    assert run("init", "--settings", "etc/ours.toml").exit_code == 0
    assert (tmp_path / "etc" / "ours.toml").is_file()
    assert (tmp_path / "etc" / "data" / "master.key").is_file()
    result = run("init", "--settings", "nowhere/ours.toml")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_an_unfilled_file_is_wrong_use_with_two_sentences(run):
    run("init")
    result = run("secrets", "list")
    assert result.exit_code == 2
    assert result.stdout == ""
    happened, remedy = result.stderr.strip().splitlines()
    assert "[gp] has no “endpoint”" in happened
    assert "[gp]" in remedy


def test_the_settings_file_by_option_before_or_after_and_by_environment(ready, tmp_path):
    moved = tmp_path / "moved.toml"
    (tmp_path / "ml-connector.toml").rename(moved)
    assert ready("secrets", "list").exit_code == 2
    assert ready("--settings", "moved.toml", "secrets", "list").exit_code == 0
    assert ready("secrets", "list", "--settings", "moved.toml").exit_code == 0
    assert ready("secrets", "list", env={"ML_CONNECTOR_SETTINGS": str(moved)}).exit_code == 0
    wins = ready("--settings", "moved.toml", "secrets", "list", env={"ML_CONNECTOR_SETTINGS": "none.toml"})
    assert wins.exit_code == 0


def test_secrets_are_set_from_standard_input_and_listed_without_their_values(ready):
    assert ready("secrets", "set", "gp.password", stdin=f"{CANARY}\n").exit_code == 0
    table = ready("secrets", "list")
    assert re.search(r"gp.password +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", table.stdout)
    assert re.search(r"zoho.client_secret +not set", table.stdout)
    listed = json.loads(ready("secrets", "list", "--json").stdout)
    assert {row["name"]: row["set"] for row in listed} == {
        "gp.password": True,
        "zoho.client_secret": False,
        "zoho.refresh_token": False,
    }


def test_a_secret_as_an_argument_is_refused_without_repeating_it(ready):
    result = ready("secrets", "set", "gp.password", CANARY)
    assert result.exit_code == 2
    assert CANARY not in result.output
    assert "never given on the command line" in result.stderr


def test_an_unknown_secret_names_the_nearest(ready):
    result = ready("secrets", "set", "gp.pasword", stdin=f"{CANARY}\n")
    assert result.exit_code == 2
    assert "Did you mean gp.password?" in result.stderr


def test_an_empty_secret_changes_nothing(ready):
    result = ready("secrets", "set", "gp.password", stdin="\n")
    assert result.exit_code == 2
    assert not json.loads(ready("secrets", "list", "--json").stdout)[0]["set"]


def test_rotation_seals_everything_anew(ready, tmp_path):
    ready("secrets", "set", "gp.password", stdin=f"{CANARY}\n")
    before = json.loads(ready("secrets", "list", "--json").stdout)[0]["key_id"]
    assert ready("secrets", "rotate").exit_code == 0
    after = json.loads(ready("secrets", "list", "--json").stdout)[0]["key_id"]
    assert before != after
    assert len((tmp_path / "data" / "master.key").read_text().split()) == 2


def test_a_lost_master_key_is_a_sentence(ready, tmp_path):
    ready("secrets", "set", "gp.password", stdin=f"{CANARY}\n")
    (tmp_path / "data" / "master.key").unlink()
    result = ready("secrets", "list")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr


def test_a_new_master_key_says_which_secrets_it_does_not_open(ready, tmp_path):
    ready("secrets", "set", "gp.password", stdin=f"{CANARY}\n")
    ready("secrets", "set", "zoho.refresh_token", stdin=f"{CANARY}\n")
    (tmp_path / "data" / "master.key").unlink()
    result = ready("init")
    assert result.exit_code == 0
    assert "not to be opened by this one: gp.password, zoho.refresh_token." in result.stderr
    assert "ml-connector secrets set gp.password" in result.stderr
    assert "ml-connector zoho authorize" in result.stderr
    assert "WARNING" not in ready("init").output


def test_the_canary_is_nowhere(ready, tmp_path):
    """A secret's value is in no output, no error and no file, whatever is done with it."""
    results = [
        ready("secrets", "set", "gp.password", stdin=f"{CANARY}\n"),
        ready("--debug", "secrets", "set", "gp.pass", stdin=f"{CANARY}\n"),
        ready("secrets", "set", "gp.password", CANARY),
        ready("secrets", "list"),
        ready("--debug", "secrets", "list", "--json"),
        ready("secrets", "rotate"),
    ]
    settings = tmp_path / "ml-connector.toml"
    text = settings.read_text()
    settings.write_text(text.replace("[gp]", f"[gp]\npassword = '{CANARY}'"))
    results.append(ready("--debug", "secrets", "list"))
    settings.write_text(text)
    with (tmp_path / "data" / "master.key").open("a") as file:
        file.write(CANARY)
    results.append(ready("--debug", "secrets", "list"))
    for result in results:
        assert CANARY not in result.output
        assert CANARY not in repr(result.exception)
    (tmp_path / "data" / "master.key").unlink()
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or CANARY.encode() not in path.read_bytes(), path


def test_even_what_no_command_expects_is_two_sentences(ready, tmp_path):
    """A folder stands where the database should be."""
    (tmp_path / "data" / "ml-connector.db").mkdir()
    result = ready("secrets", "list")
    assert result.exit_code in (2, 5)
    assert "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) == 2


def test_wrong_use_is_exit_code_2(run):
    assert run("secrets", "st").exit_code == 2
    assert run("nonsense").exit_code == 2
    assert run("ping", "--no-such-option").exit_code == 2


def test_the_program_itself_runs(tmp_path):
    program = os.path.join(os.path.dirname(sys.executable), "ml-connector")  # noqa: PTH118, PTH120 -- no resolving of the venv's link
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, version("ml-connector"), "")


def test_nobody_reading_on_is_no_bug(tmp_path):
    program = os.path.join(os.path.dirname(sys.executable), "ml-connector")  # noqa: PTH118, PTH120 -- no resolving of the venv's link
    done = subprocess.run(
        ["bash", "-c", f"{program} --help | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert "bug" not in done.stderr
    assert done.returncode != 5
