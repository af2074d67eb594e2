"""The commands as a user types them: what they say where, how they end, and that no secret is in any of it."""

import os
import re
import stat
import subprocess
import sys
from importlib.metadata import version

from ml_connector.cli.exits import MEANINGS

HEAVY = {"sqlalchemy", "dbos", "fastapi", "httpx2", "lxml", "pydantic"}


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
        "serve",
        "flows",
        "held",
        "links",
        "report",
        "audit",
        "backup",
        "restore",
        "database",
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


def test_a_command_loads_only_what_it_needs():
    asked = f"import sys, ml_connector.cli; print(*{HEAVY} & sys.modules.keys())"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.split() == [], "so that each command begins without them"
