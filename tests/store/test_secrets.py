"""Secrets at rest, and the shelf of the access token."""

import base64
import os
import pickle
import stat
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from ml_connector.core.errors import ConfigurationError
from ml_connector.store import tables
from ml_connector.store.database import Database
from ml_connector.store.master_keys import (
    MasterKeys,
    add_key,
    load_master_keys,
    make_key_file,
    new_master_key,
)
from ml_connector.store.sealing import Secret
from ml_connector.store.secrets import Secrets
from ml_connector.store.token_shelf import TokenShelf

CANARY = "kanarienvogel-7Q!é"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class StillClock:
    def now(self):
        return NOON

    def sleep(self, seconds):
        raise AssertionError("nothing here sleeps")


@dataclass(frozen=True, slots=True)
class SampleToken:
    value: str = field(repr=False)
    api_domain: str
    expires_at: datetime


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.upgrade()
    yield database
    database.close()


@pytest.fixture
def database_of_any_kind(url):
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "master.key"
    make_key_file(path)
    return path


@pytest.fixture
def secrets(database, key_file):
    return Secrets(database, MasterKeys.from_file(key_file), StillClock())


def test_a_secret_comes_back_and_can_be_replaced(secrets):
    secrets.put("gp.password", Secret("first"))
    secrets.put("gp.password", CANARY)
    assert secrets.get("gp.password") == CANARY
    assert secrets.reader("gp.password")() == CANARY


def test_a_mark_tells_that_a_secret_was_set_anew_even_to_the_same_value(secrets):
    marks = [secrets.mark("sally", "a", "b")]
    for name in ("a", "a", "b"):
        secrets.put(name, CANARY)
        marks.append(secrets.mark("sally", "a", "b"))
    marks.append(secrets.mark("tom", "a", "b"))
    assert len(set(marks)) == 5
    secrets.put("c", CANARY)
    assert secrets.mark("tom", "a", "b") == marks[-1]
    assert not [mark for mark in marks if CANARY in mark]


def test_what_is_listed_is_never_the_value(secrets):
    secrets.put("zoho.client_secret", CANARY)
    secrets.put("gp.password", CANARY)
    listed = secrets.names()
    assert [(entry.name, entry.changed_at, entry.is_current) for entry in listed] == [
        ("gp.password", NOON, True),
        ("zoho.client_secret", NOON, True),
    ]
    assert CANARY not in repr(listed)


def test_a_missing_secret_names_the_command(secrets):
    with pytest.raises(ConfigurationError) as caught:
        secrets.get("gp.password")
    assert caught.value.remedy == "Run: ml-connector secrets set gp.password"


def test_a_deleted_secret_is_gone(secrets):
    secrets.put("gp.password", CANARY)
    assert secrets.has("gp.password")
    assert secrets.delete("gp.password")
    assert not secrets.delete("gp.password")
    assert not secrets.has("gp.password")


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{:>20}".format, lambda s: repr([s]), "%s".__mod__])
def test_a_secret_does_not_show_itself(show):
    assert CANARY not in show(Secret(CANARY))


def test_a_secret_is_not_pickled():
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(CANARY))


def test_the_database_file_does_not_hold_the_value(secrets, database, tmp_path):
    secrets.put("gp.password", CANARY)
    database.close()
    for path in tmp_path.glob("test.db*"):
        assert CANARY.encode() not in path.read_bytes()


def test_equal_values_are_sealed_differently(secrets, database):
    secrets.put("a", CANARY)
    secrets.put("b", CANARY)
    with database.read() as tx:
        sealed = tx.execute(sa.select(tables.secrets.c.sealed)).scalars().all()
    assert len(set(sealed)) == 2


@pytest.mark.parametrize("column", ["wrapped_key", "sealed"])
@pytest.mark.parametrize("position", [0, 12, -1])
def test_a_row_that_was_tampered_with_is_refused(secrets, database, column, position):
    secrets.put("gp.password", CANARY)
    with database.begin() as tx:
        row = tx.execute(sa.select(tables.secrets)).one()
        changed = bytearray(getattr(row, column))
        changed[position] ^= 1
        tx.execute(sa.update(tables.secrets).values({column: bytes(changed)}))
    with pytest.raises(ConfigurationError, match="changed outside") as caught:
        secrets.get("gp.password")
    assert "secrets set gp.password" in caught.value.remedy


@pytest.mark.parametrize("columns", [("sealed",), ("wrapped_key",), ("wrapped_key", "sealed")])
def test_a_row_under_another_name_does_not_open(secrets, database, columns):
    secrets.put("gp.password", "one")
    secrets.put("zoho.client_secret", "two")
    with database.begin() as tx:
        other = tx.execute(
            sa.select(tables.secrets).where(tables.secrets.c.name == "zoho.client_secret")
        ).one()
        values = {column: getattr(other, column) for column in columns}
        tx.execute(sa.update(tables.secrets).where(tables.secrets.c.name == "gp.password").values(values))
    with pytest.raises(ConfigurationError, match="changed outside"):
        secrets.get("gp.password")


def test_a_truncated_row_is_refused(secrets, database):
    secrets.put("gp.password", CANARY)
    with database.begin() as tx:
        tx.execute(sa.update(tables.secrets).values(sealed=b""))
    with pytest.raises(ConfigurationError, match="changed outside"):
        secrets.get("gp.password")


def test_another_master_key_is_told_apart_from_tampering(secrets, database, tmp_path):
    secrets.put("gp.password", CANARY)
    make_key_file(tmp_path / "other.key")
    stranger = Secrets(database, MasterKeys.from_file(tmp_path / "other.key"), StillClock())
    with pytest.raises(ConfigurationError, match="another master key"):
        stranger.get("gp.password")


def test_rotation_while_another_process_reads_and_writes(secrets, database, key_file):
    secrets.put("gp.password", CANARY)
    secrets.put("zoho.client_secret", "two")
    running = Secrets(database, MasterKeys.from_file(key_file), StillClock())
    assert running.get("gp.password") == CANARY  # it holds the old key from here on

    add_key(key_file)
    rotating = Secrets(database, MasterKeys.from_file(key_file), StillClock())
    assert not any(entry.is_current for entry in rotating.names())
    assert rotating.rewrap() == 2
    assert all(entry.is_current for entry in rotating.names())
    assert rotating.rewrap() == 0

    assert running.get("gp.password") == CANARY  # the new key is found without a restart
    running.put("gp.password", "three")
    assert rotating.get("gp.password") == "three"


def test_after_a_rewrap_the_old_key_is_not_needed(secrets, database, key_file):
    secrets.put("gp.password", CANARY)
    old = key_file.read_text().split()[0]
    add_key(key_file)
    Secrets(database, MasterKeys.from_file(key_file), StillClock()).rewrap()
    key_file.write_text(key_file.read_text().replace(old, ""))
    assert Secrets(database, MasterKeys.from_file(key_file), StillClock()).get("gp.password") == CANARY


def test_what_is_kept_anew_is_sealed_under_the_key_that_is_current_by_now(secrets, database, key_file):
    """A process that goes on for weeks does not seal under a key that was rotated away."""
    secrets.put("gp.password", CANARY)
    add_key(key_file)
    secrets.put("zoho.client_secret", CANARY)
    assert [entry.is_current for entry in secrets.names()] == [False, True]


def test_two_who_rotate_at_once_both_keep_their_key(key_file):
    threads = [threading.Thread(target=add_key, args=(key_file,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(key_file.read_text().split())) == 9


def test_a_file_of_another_owner_stays_his(key_file):
    """An administrator rotates, and the service goes on to read its key."""
    if os.getuid():
        pytest.skip("only root gives files away")
    os.chown(key_file, 12345, 23456)
    add_key(key_file)
    assert (key_file.stat().st_uid, key_file.stat().st_gid) == (12345, 23456)


def test_what_a_person_set_has_to_open_before_anything_begins(secrets, database, key_file):
    secrets.require_open()
    secrets.put("gp.password", CANARY)
    secrets.put("zoho.access_token", CANARY)
    secrets.require_open()
    key_file.write_text(new_master_key().reveal())
    stranger = Secrets(database, MasterKeys.from_file(key_file), StillClock())
    with pytest.raises(ConfigurationError, match=r"gp\.password is sealed under another master key"):
        stranger.require_open()
    stranger.delete("gp.password")
    stranger.require_open()  # the token alone is fetched anew


def test_each_secret_is_checked(secrets, database, key_file):
    for name in ("changed", "current", "earlier", "unknown"):
        secrets.put(name, CANARY)
    with database.begin() as tx:
        table = tables.secrets
        tx.execute(sa.update(table).where(table.c.name == "changed").values(sealed=b"something else"))
        tx.execute(sa.update(table).where(table.c.name == "unknown").values(key_id="0" * 16))
    add_key(key_file)
    secrets.put("current", CANARY)
    found = {one.name: one.state.value for one in secrets.check()}
    assert found == {
        "changed": "changed outside",
        "current": "opens",
        "earlier": "under an earlier key",
        "unknown": "under an unknown key",
    }


def test_no_column_of_the_table_holds_the_value(database_of_any_kind, key_file):
    secrets = Secrets(database_of_any_kind, MasterKeys.from_file(key_file), StillClock())
    secrets.put("gp.password", CANARY)
    with database_of_any_kind.read() as tx:
        [row] = tx.execute(sa.select(tables.secrets))
    told = [value if isinstance(value, bytes) else str(value).encode() for value in row]
    keys = [base64.b64decode(line) for line in key_file.read_text().split()]
    assert not [value for value in told for secret in (CANARY.encode(), *keys) if secret in value]


def test_the_key_file_is_made_once_and_private(tmp_path):
    path = tmp_path / "data" / "master.key"
    assert make_key_file(path)
    text = path.read_text()
    assert not make_key_file(path)
    assert path.read_text() == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    add_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_file_that_others_may_read_is_refused(key_file):
    key_file.chmod(0o640)
    with pytest.raises(ConfigurationError) as caught:
        _ = MasterKeys.from_file(key_file).current_id
    assert caught.value.remedy == f"Run: chmod 600 {key_file}"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "There is no master key"),
        ("bm90IDMyIGJ5dGVz\n", "not a master key"),
        (CANARY, "not a master key"),
    ],
)
def test_a_key_file_with_something_else_is_refused_without_quoting_it(key_file, content, says):
    key_file.write_text(content)
    with pytest.raises(ConfigurationError, match=says) as caught:
        _ = MasterKeys.from_file(key_file).current_id
    assert not content or content.strip() not in str(caught.value)


def test_a_missing_key_file_says_so(tmp_path):
    with pytest.raises(ConfigurationError, match="does not exist"):
        _ = load_master_keys(key_file=tmp_path / "none.key").current_id


def test_the_same_key_from_file_variable_and_command(key_file, monkeypatch):
    monkeypatch.setenv("TEST_MASTER_KEY", key_file.read_text())
    places = [
        load_master_keys(key_file=key_file),
        load_master_keys(key_env="TEST_MASTER_KEY"),
        load_master_keys(key_command=("cat", str(key_file))),
    ]
    assert len({keys.current_id for keys in places}) == 1
    assert new_master_key().reveal() not in repr([keys.current_id for keys in places])


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({"key_env": "ML_CONNECTOR_NO_SUCH_VARIABLE"}, "ML_CONNECTOR_NO_SUCH_VARIABLE"),
        ({"key_command": ("/no/such/program",)}, "cannot be started"),
        ({"key_command": ("false",)}, "ended with 1"),
        ({}, "No place"),
    ],
)
def test_a_place_without_a_key_is_a_sentence(place, says):
    with pytest.raises(ConfigurationError, match=says):
        _ = load_master_keys(**place).current_id


def test_what_a_failing_command_says_is_not_repeated():
    keys = load_master_keys(key_command=("sh", "-c", f"echo {CANARY}; echo {CANARY} >&2; exit 3"))
    with pytest.raises(ConfigurationError) as caught:
        _ = keys.current_id
    assert CANARY not in str(caught.value)


def test_the_shelf_keeps_the_token_sealed(secrets, database, tmp_path):
    shelf = TokenShelf(secrets, tmp_path, SampleToken)
    assert shelf.load() is None
    token = SampleToken(CANARY, "https://www.zohoapis.eu", NOON)
    with shelf.lock():
        shelf.save(token)
    assert TokenShelf(secrets, tmp_path, SampleToken).load() == token
    database.close()
    assert all(CANARY.encode() not in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())


def test_a_token_under_a_lost_master_key_is_thrown_away(database, key_file, tmp_path):
    """Nobody can set it: it is fetched anew, and stands in nobody's way."""
    old = Secrets(database, MasterKeys.from_file(key_file), StillClock())
    TokenShelf(old, tmp_path, SampleToken).save(SampleToken(CANARY, "https://x", NOON))
    key_file.unlink()
    make_key_file(key_file)
    secrets = Secrets(database, MasterKeys.from_file(key_file), StillClock())
    secrets.put("gp.password", CANARY)
    shelf, token = TokenShelf(secrets, tmp_path, SampleToken), SampleToken("new", "https://x", NOON)
    assert shelf.load() is None
    assert secrets.rewrap() == 1
    assert [kept.name for kept in secrets.names()] == ["gp.password"]
    shelf.save(token)
    assert shelf.load() == token


def test_a_refresh_token_comes_by_a_command_of_its_own(secrets):
    with pytest.raises(ConfigurationError) as caught:
        secrets.get("zoho.refresh_token")
    assert caught.value.remedy == "Run: ml-connector zoho authorize"


def test_the_shelf_fits_what_the_connector_declares(secrets, tmp_path):
    auth = pytest.importorskip("ml_connector.connectors.zoho_crm.auth", reason="the connector is not there")
    shelf: auth.TokenShelf = TokenShelf(secrets, tmp_path, auth.AccessToken)
    shelf.save(auth.AccessToken("value", "https://www.zohoapis.com", NOON))
    assert shelf.load() == auth.AccessToken("value", "https://www.zohoapis.com", NOON)


def test_the_shelfs_lock_is_held_by_one_thread(secrets, tmp_path):
    shelf = TokenShelf(secrets, tmp_path, SampleToken)
    inside, most, guard = [], [], threading.Lock()

    def work():
        for _ in range(20):
            with shelf.lock():
                with guard:
                    inside.append(1)
                    most.append(len(inside))
                with guard:
                    inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 80
    assert max(most) == 1


def test_the_shelfs_lock_is_freed_by_a_process_that_dies(secrets, tmp_path):
    """Another process takes the lock and is killed with it; we get it."""
    shelf = TokenShelf(secrets, tmp_path, SampleToken)
    code = (
        "import fcntl, sys, time\n"
        f"f = open({str(tmp_path / 'zoho.access_token.lock')!r}, 'a'); fcntl.flock(f, fcntl.LOCK_EX)\n"
        "print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        other.kill()
        other.wait()
        with shelf.lock():
            shelf.save(SampleToken("after", "https://x", NOON))
    assert os.path.exists(tmp_path / "zoho.access_token.lock")  # noqa: PTH110 -- plain is clearer here
