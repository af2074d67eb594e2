"""Secrets in real runs: rotated while one is under way, refused when they do not open, and nowhere to be read."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from canaries import files, found_in
from forked import Forked
from hooks import SECRET, hooked
from ml_connector.bootstrap import open_secrets
from ml_connector.cli import app
from ml_connector.settings_file import load_settings
from ml_connector.simulators.zoho import GrantCode
from ml_connector.store.master_keys import make_key_file
from systems import INSERT, SECRETS, World, assert_whole, gp_options, opened, zoho_options

WAIT_SECONDS = 240


def wait_until(condition: Callable[[], bool], process: Forked) -> None:
    ends_at = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends_at, "it does not get that far"
        time.sleep(0.1)


def key_file(world: World) -> Path:
    return world.folder / "data" / "master.key"


# -- rotated while a run is under way


def test_the_master_key_is_rotated_while_a_sync_is_under_way(tmp_path: Path) -> None:
    """The run read the old key at its start. It is to sign in to GP anew, and to have a token refreshed, after that."""
    with opened(tmp_path, gp=gp_options(60, auth_per_request=True)) as world:
        world.write_settings(sync__window_size="5")
        plan = world.plan("customers")
        world.owe_answer(INSERT, nth=2)
        process = world.start("sync", "customers", "--approve", plan)
        wait_until(lambda: len(world.accounts()) == 10, process)
        for _ in range(2):
            world.here("secrets", "rotate-key")
            world.zoho_call("POST", "tokens/expire")
        assert process.poll() is None
        world.answer()
        assert world.finish(process).code == 0
        assert len(world.accounts()) == 60
        assert_whole(world)
        assert len(key_file(world).read_text().split()) == 3
        keys = world.here("secrets", "check", "--json").json["keys"]
        assert list(keys.values()) == [4, 0, 0]  # the token that came after it is under the newest, too


# -- a key that is wrong or lost


def contents(world: World) -> dict[str, list[tuple[object, ...]]]:
    """Every row of its database."""
    with closing(sqlite3.connect(world.folder / "data" / "ml-connector.db")) as file:
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(file.execute(f"SELECT * FROM {name}"), key=repr) for name in tables}


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("keys"), gp=gp_options(10)) as world:
        world.first("customers")
        world.change("AARONFIT0001", set={"name": "Another name"})
        yield world


@contextmanager
def without_key(world: World, instead: str) -> Iterator[None]:
    """The key file is gone, or others may read it, or it is another one."""
    file = key_file(world)
    kept = file.read_bytes()
    if instead == "open to others":
        file.chmod(0o644)
    else:
        file.unlink()
    if instead == "another":
        make_key_file(file)
    yield
    file.write_bytes(kept)
    file.chmod(0o600)


REFUSALS = {
    "another": "is sealed under another master key",
    "lost": "master.key does not exist.",
    "open to others": "Others may read the key file",
}


@pytest.mark.parametrize("instead", REFUSALS)
@pytest.mark.parametrize("words", [("sync",), ("secrets", "rotate-key")], ids=" ".join)
def test_a_key_that_does_not_open_is_a_refusal_that_touches_nothing(
    ready: World, words: tuple[str, ...], instead: str
) -> None:
    before, calls = contents(ready), ready.zoho_call("GET", "counts")["calls"]
    ready.gp.control("DELETE", "requests")
    with without_key(ready, instead):
        key = key_file(ready).read_bytes() if key_file(ready).exists() else b""
        said = ready.ok(*words, code=2)
        assert REFUSALS[instead] in said.text
        assert key == (key_file(ready).read_bytes() if key_file(ready).exists() else b"")
    assert contents(ready) == before
    assert (ready.operations(), ready.zoho_call("GET", "counts")["calls"]) == ({}, calls)


def test_with_its_key_back_all_goes_on(ready: World) -> None:
    with without_key(ready, "another"):
        ready.ok("sync", code=2)
    ready.sync("customers")
    assert ready.account("AARONFIT0001")["Account_Name"] == "Another name"


# -- nowhere to be read

CODE, TYPED = "1000.rotkehlchen", "blaumeise-4711"
IN_SETTINGS, OF_DATABASE, IN_ADDRESS = "goldammer-5x", "stieglitz-8y", "zeisig-9z"
PLACE = "postgresql+psycopg://anna{}@127.0.0.1:1/nowhere"


class Canary:
    """Types commands, with everything logged that any library says, and keeps what they said."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.said: list[tuple[tuple[str, ...], str]] = []
        self.log = world.folder / "everything.log"

    def type(self, *words: str, stdin: str = "", env: dict[str, str] | None = None) -> int:
        settings = ["--settings", str(self.world.settings)]
        done = CliRunner().invoke(app, ["--debug", *settings, *words], input=stdin, env=env)
        logging.getLogger(
            "dbos"
        ).handlers.clear()  # they write to this command's standard error, which is closed
        origin = [] if done.exception is None else [repr(done.exception), str(done.exception.__context__)]
        self.said.append((words, "\n".join([done.output, *origin])))
        return done.exit_code

    @contextmanager
    def logging(self) -> Iterator[None]:
        # SQLAlchemy keeps its own level, and tells its statements and what it was given only below that.
        loggers = [
            logging.getLogger(),
            logging.getLogger("sqlalchemy"),
            logging.getLogger("sqlalchemy.engine"),
        ]
        levels, handler = [logger.level for logger in loggers], logging.FileHandler(self.log)
        loggers[0].addHandler(handler)
        for logger in loggers:
            logger.setLevel(1)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            loggers[0].removeHandler(handler)
            handler.close()

    def minted(self) -> list[str]:
        """What the systems gave us to keep."""
        with open_secrets(load_settings(self.world.settings)) as secrets:
            names = ("zoho.refresh_token", "zoho.access_token")
            kept = {name: secrets.get(name) for name in names if secrets.has(name)}
        return [kept["zoho.refresh_token"], json.loads(kept["zoho.access_token"])["value"]]


def use_everything(canary: Canary) -> list[str]:
    """Broad use, with what goes wrong; the secrets that came on the way."""
    world, type_ = canary.world, canary.type
    assert type_("ping") == 0
    assert type_("sync", "customers", "--approve", world.plan("customers")) == 0
    minted = canary.minted()
    assert type_("secrets", "rotate-key") == 0
    world.change("AARONFIT0001", set={"name": "Another name"})
    world.zoho_faults(*({"match": "*", "kind": kind, "nth": n} for n, kind in enumerate(WRONG, 1)))
    type_("sync")
    world.zoho_faults()
    world.gp_faults(*({"kind": kind, "count": 1} for kind in ("http_500", "drop")))
    type_("sync", "--full")
    world.gp_faults()
    with hooked() as hook:
        assert type_("secrets", "set", "alerts.hook", stdin=hook.url) == 0
        assert type_("alerts", "test") == 0
        hook.status = 500
        assert type_("alerts", "test") == 1
    for words in LOOKS:
        assert type_(*words) == 0, canary.said[-1]
    use_wrongly(canary)
    assert type_("zoho", "authorize", stdin=f"{CODE}\n") == 0
    return minted + canary.minted()


WRONG = (
    "html_200",
    "http_500_after_work",
    "cut_after_work",
    "invalid_token",
    "garbage_json",
    "cut_mid_answer",
)
LOOKS = (
    ("plan", "--json"),
    ("reconcile", "keys"),
    ("reconcile", "fields"),
    ("held", "list", "--json"),
    ("report", "--json"),
    ("secrets", "check", "--json"),
    ("secrets", "list"),
    ("audit", "verify", "--json"),
    ("audit", "show", "AARONFIT0001"),
    ("audit", "export", "--format", "csv", "--output", "trail.csv"),
)


def use_wrongly(canary: Canary) -> None:
    """Whoever writes a secret where none belongs, or has a system say no to it."""
    world, type_ = canary.world, canary.type
    text = world.settings.read_text()

    def write(old: str, new: str) -> None:
        world.settings.write_text(text.replace(old, new, 1))

    assert type_("secrets", "set", "gp.password", TYPED) == 2
    write("[gp]", f"[gp]\npassword = '{IN_SETTINGS}'")
    assert type_("ping") == 2
    write("[gp]", f"[store]\nurl = '{PLACE.format(':' + IN_ADDRESS)}'\n[gp]")
    assert type_("ping") == 2
    write("[gp]", f"[store]\nurl = '{PLACE.format('')}'\n[gp]")
    assert type_("ping", env={"PGPASSWORD": OF_DATABASE}) == 4
    world.settings.write_text(text)
    for name, bird in (("gp.password", TYPED), ("zoho.client_secret", IN_SETTINGS)):
        with open_secrets(load_settings(world.settings)) as secrets:
            kept = secrets.get(name)
        assert type_("secrets", "set", name, stdin=bird) == 0
        world.zoho_call("POST", "tokens/expire")
        assert type_("ping") != 0
        assert type_("secrets", "set", name, stdin=kept) == 0
    world.zoho_call("POST", "tokens/revoke")
    world.zoho_call("POST", "tokens/expire")
    assert type_("sync", "customers") == 2


def test_ten_secrets_are_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In no output, exception, log, report, audit row or page of a database, in whatever form."""
    monkeypatch.chdir(tmp_path)
    zoho = zoho_options(grant_codes=(GrantCode(CODE),))
    with opened(tmp_path, gp=gp_options(8), zoho=zoho) as world:
        world.write_settings(flows_vendors__enabled="false", alerts__to="['alerts.hook']")
        canary = Canary(world)
        with canary.logging():
            minted = use_everything(canary)
        keys = key_file(world).read_text().split()
        values = {*SECRETS, SECRET, CODE, TYPED, IN_SETTINGS, OF_DATABASE, IN_ADDRESS, *minted, *keys}
        assert len(values) >= 10 + 3  # several of what is minted and made
        told = [words for words, said in canary.said if found_in(said.encode(), values)]
        assert told == []
        searched = list(files(tmp_path))
        assert {"ml-connector.db", "engine.db", "everything.log", "trail.csv"} <= {
            path.name for path in searched
        }
        assert [(path, found) for path in searched if (found := found_in(path.read_bytes(), values))] == []
        assert len(canary.log.read_bytes()) > 1000  # the libraries did say something
        assert found_in(key_file(world).read_bytes(), values)  # and the search finds what is there
