"""``ml-connector secrets``: what it says, what it changes, and that no secret is in any of it."""

import json
import re
from pathlib import Path

import pytest

from ml_connector.store.master_keys import new_master_key

CANARY = "kanarienvogel-7Q!"
NAMES = ("gp.password", "zoho.client_secret", "zoho.refresh_token")


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
    assert ready("secrets", "rotate-key").exit_code == 0
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
        ready("secrets", "rotate-key"),
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


# -- check


@pytest.fixture
def sealed(ready):
    """Every secret is set."""
    for name in NAMES:
        assert ready("secrets", "set", name, stdin=f"{CANARY}\n").exit_code == 0
    return ready


def checked(type_, code):
    result = type_("secrets", "check", "--json")
    assert result.exit_code == code, result.output
    told = json.loads(result.stdout)
    assert told["ok"] is (code == 0)
    return told, {row["name"]: row for row in told["secrets"]}


def test_a_check_of_secrets_that_all_open(sealed):
    told, rows = checked(sealed, 0)
    assert {rows[name]["state"] for name in NAMES} == {"opens"}
    assert list(told["keys"].values()) == [3]
    assert rows["(master key)"]["state"].endswith("master.key, for its owner alone")
    table = sealed("secrets", "check").stdout
    assert re.search(r"gp.password +opens +[0-9a-f]{16}", table)
    assert re.search(r"Master key 1 \(current\): [0-9a-f]{16}, secrets under it: 3\.", table)


def test_a_check_names_what_is_not_set(ready):
    _, rows = checked(ready, 1)
    assert rows["gp.password"]["state"] == "not set"
    assert rows["zoho.refresh_token"]["remedy"] == "set it: ml-connector zoho authorize"


def test_a_check_tells_which_key_each_secret_is_under(sealed, tmp_path):
    """As where rotation was broken off between the file and the database."""
    file = tmp_path / "data" / "master.key"
    file.write_text(f"{new_master_key().reveal()}\n{file.read_text()}")
    told, rows = checked(sealed, 0)
    assert {rows[name]["state"] for name in NAMES} == {"under an earlier key"}
    assert list(told["keys"].values()) == [0, 3]
    assert "rotate-key" in rows["gp.password"]["remedy"]
    assert sealed("secrets", "rotate-key").exit_code == 0
    told, _ = checked(sealed, 0)
    assert list(told["keys"].values()) == [3, 0, 0]


def test_a_check_under_a_wrong_key_says_what_to_do(sealed, tmp_path):
    (tmp_path / "data" / "master.key").write_text(f"{new_master_key().reveal()}\n")
    _, rows = checked(sealed, 1)
    assert {rows[name]["state"] for name in NAMES} == {"under an unknown key"}
    assert rows["gp.password"]["remedy"].endswith("set the secret anew: ml-connector secrets set gp.password")


def test_a_check_finds_a_key_that_others_could_replace(sealed, tmp_path):
    (tmp_path / "data").chmod(0o770)
    _, rows = checked(sealed, 1)
    assert (
        rows["(master key)"]["remedy"]
        == f"a group may replace the key file. Run: chmod go-w {tmp_path / 'data'}"
    )


def test_a_key_file_that_others_may_read_is_refused(sealed, tmp_path):
    (tmp_path / "data" / "master.key").chmod(0o644)
    for words in (("check",), ("list",), ("rotate-key",)):
        result = sealed("secrets", *words)
        assert result.exit_code == 2
        assert result.stderr.splitlines()[-1] == f"Run: chmod 600 {tmp_path / 'data' / 'master.key'}"


def test_setting_one_secret_under_a_wrong_key_says_that_the_others_do_not_open(sealed, tmp_path):
    (tmp_path / "data" / "master.key").write_text(f"{new_master_key().reveal()}\n")
    said = sealed("secrets", "set", "gp.password", stdin=f"{CANARY}\n").stderr
    assert "WARNING: these do not open: zoho.client_secret, zoho.refresh_token." in said


# -- rotation


def test_rotation_under_a_wrong_key_touches_neither_file_nor_database(sealed, tmp_path):
    file = tmp_path / "data" / "master.key"
    file.write_text(f"{new_master_key().reveal()}\n")
    before = file.read_bytes(), json.loads(sealed("secrets", "list", "--json").stdout)
    result = sealed("secrets", "rotate-key")
    assert result.exit_code == 2
    assert "is sealed under another master key" in result.stderr
    assert (file.read_bytes(), json.loads(sealed("secrets", "list", "--json").stdout)) == before


@pytest.fixture
def from_elsewhere(sealed, tmp_path, monkeypatch):
    """The key comes from a variable, or is printed by a command; what puts a new one first there."""
    file, settings = tmp_path / "data" / "master.key", tmp_path / "ml-connector.toml"
    vault = tmp_path / "vault"
    file.rename(vault)
    text = settings.read_text()

    def use(place: str) -> None:
        if place == "variable":
            monkeypatch.setenv("OUR_MASTER_KEY", vault.read_text())
        line = 'key_env = "OUR_MASTER_KEY"' if place == "variable" else f'key_command = ["cat", "{vault}"]'
        settings.write_text(re.sub(r"(?m)^#key_env = .*$", line, text))

    def put_first(place: str) -> None:
        vault.write_text(f"{new_master_key().reveal()}\n{vault.read_text()}")
        use(place)

    return use, put_first


@pytest.mark.parametrize("place", ["variable", "command"])
def test_rotation_where_the_key_is_not_in_a_file(sealed, from_elsewhere, place):
    use, put_first = from_elsewhere
    use(place)
    assert "put a new one before it" in sealed("secrets", "rotate-key").stderr
    put_first(place)
    assert "master key: 3." in sealed("secrets", "rotate-key").stdout
    told, _ = checked(sealed, 0)
    assert list(told["keys"].values()) == [3, 0]


def test_the_file_keeps_its_owner_and_its_rights(sealed, tmp_path):
    file: Path = tmp_path / "data" / "master.key"
    before = file.stat()
    sealed("secrets", "rotate-key")
    after = file.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert after.st_ino != before.st_ino
