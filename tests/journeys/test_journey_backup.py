"""Yesterday's backup is restored: the next sync creates nothing twice, whichever database it came from and goes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from ml_connector.store.database import Database
from ml_connector.store.tables import metadata
from postgres import run
from systems import SECRETS, World, assert_quiet, gp_options, opened

TWIN = "Zwillinge der Ambiguität"
NEW = ("NEU-1", "NEU-2", "NEU-3")
CHANGED, DELETED, WAITS = "ADAMPARK0001", "ASTORSUI0001", "WARTET-1"
PERSON = {"id": "PRIMARY", "contact": "Erika Neu"}

Databases = Callable[[str], str]


@pytest.fixture
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """The setting of a new database, by its kind; empty: SQLite in the folder."""
    made = []

    def make(kind: str) -> str:
        if kind == "sqlite":
            return ""
        made.append(f"journey_{uuid4().hex}")
        run(request.getfixturevalue("postgres")("postgres"), f"create database {made[-1]}")
        return str(request.getfixturevalue("postgres")(made[-1]))

    yield make
    for name in made:
        run(request.getfixturevalue("postgres")("postgres"), f"drop database {name} with (force)")


def rows(world: World, query: str) -> list[tuple[Any, ...]]:
    """Rows of its database, of whichever kind."""
    url = world.values.get("store__url", "''").strip("'")
    file = f"sqlite:///{world.folder / 'data' / 'ml-connector.db'}"
    with closing(Database(url or file)) as database, database.read() as tx:
        return [tuple(row) for row in tx.execute(sa.text(query))]


def first_day(world: World) -> None:
    """The first load, and one record that waits for a person."""
    world.first()
    world.seed({"Account_Name": TWIN}, {"Account_Name": TWIN})
    world.customer(WAITS, TWIN)
    world.sync(code=1)
    assert set(world.held()) == {WAITS}


def second_day(world: World) -> None:
    """What happens after the backup: new customers, a change, a deletion, and what waited goes through."""
    for key in NEW:
        world.customer(key, f"{key} since the backup", addresses=[PERSON])
    world.change(CHANGED, set={"class_id": "AFTER"})
    world.zoho_call("POST", "delete/Accounts", {"ids": [world.account(DELETED)["id"]]})
    [twin, _] = [a["id"] for a in world.accounts() if a["Account_Name"] == TWIN]
    world.edit(twin, Account_Name="Another name altogether")
    world.ok("held", "retry", WAITS)  # before an ordinary run, which may read it once more by itself
    world.sync(code=1)  # the deleted one waits from now on
    assert set(world.held()) == {DELETED}
    assert world.account(WAITS)["Account_Name"] == TWIN


def assert_nothing_doubled(world: World) -> None:
    """Every customer is linked to the one Account that carries its key, and the trail is whole."""
    carrying = Counter(a["GP_Customer_ID"] for a in world.accounts() if a.get("GP_Customer_ID"))
    keys = {c["id"].rstrip() for c in world.customers()}
    assert carrying == dict.fromkeys(keys - {DELETED}, 1)
    ids = {a["id"]: a["GP_Customer_ID"] for a in world.accounts() if a.get("GP_Customer_ID")}
    links = rows(
        world,
        "SELECT source_key, target_id, gone FROM links WHERE entity = 'customers' AND module = 'Accounts'",
    )
    assert {key.rstrip(): gone or ids[target_id] for key, target_id, gone in links} == {
        key: "deleted" if key == DELETED else key for key in keys
    }
    names = Counter(c["Full_Name"] for c in world.contacts())
    assert names["Erika Neu"] == len(NEW)
    assert world.here("audit", "verify", "--json").json["ok"]


@pytest.mark.parametrize(
    ("kind", "into"),
    [("sqlite", "sqlite"), ("sqlite", "postgresql"), ("postgresql", "postgresql")],
)
def test_yesterday_s_backup_is_restored(tmp_path: Path, databases: Databases, kind: str, into: str) -> None:
    with opened(tmp_path, gp=gp_options(0), mappings=(), provisioned=False) as world:
        world.write_settings(store__url=f"'{databases(kind)}'")
        for name, secret in zip(
            ("gp.password", "zoho.client_secret", "zoho.refresh_token"), SECRETS, strict=True
        ):
            world.here("secrets", "set", name, stdin=secret)
        world.here("provision", "--yes")
        first_day(world)
        said = world.ok("backup", "yesterday.backup")
        assert "The master key is not in it" in said.text
        second_day(world)
        before = [len(world.records(module)) for module in ("Accounts", "Contacts")]

        over = ["--over"] if kind == into else []
        if kind != into:
            world.write_settings(store__url=f"'{databases(into)}'")
        else:
            refused = world.run("restore", "yesterday.backup")
            assert (refused.code, "not empty" in refused.err) == (2, True)
        told = world.ok("restore", "yesterday.backup", *over, "--json").json
        assert told["rows"]["links"] > 0
        assert told["audit_broken_at"] is None
        assert set(world.held()) == {WAITS}
        assert world.here("audit", "verify", "--json").json["ok"]
        [(reason,)] = rows(world, "SELECT reason FROM audit WHERE action = 'store:restored'")
        assert "put back as it was" in reason

        world.forget()
        counts = world.sync(code=1)["customers"]
        assert "created" not in counts
        assert world.writes().get("insert", 0) == world.writes("Contacts").get("insert", 0) == 0
        assert [len(world.records(module)) for module in ("Accounts", "Contacts")] == before
        # The run reads it once more by itself where GP stamped it only seconds before.
        if WAITS in world.held():
            world.ok("held", "retry", WAITS, code=1)  # the deleted one waits on
        assert set(world.held()) == {DELETED}
        assert_nothing_doubled(world)
        matched = rows(
            world,
            "SELECT DISTINCT source_key FROM audit WHERE action = 'record:matched' AND module = 'Accounts'",
        )
        assert {key.rstrip() for (key,) in matched} == {*NEW, WAITS}


def test_the_store_moves_to_postgresql_and_back(tmp_path: Path, databases: Databases) -> None:
    with opened(tmp_path, gp=gp_options(0), mappings=()) as world:
        first_day(world)
        url = databases("postgresql")
        told = world.ok("database", "move", url, "--json").json
        assert told["rows"] == {
            name: rows(world, f'SELECT COUNT(*) FROM "{name}"')[0][0] for name in metadata.tables
        }
        world.write_settings(store__url=f"'{url}'")
        second_day(world)
        assert_nothing_doubled(world)
        again = world.run("database", "move", f"sqlite:///{world.folder / 'data' / 'ml-connector.db'}")
        assert (again.code, "has rows already" in again.err) == (2, True)
        world.ok("database", "move", f"sqlite:///{world.folder / 'back.db'}")
        world.write_settings(store__url=f"'sqlite:///{world.folder / 'back.db'}'")
        assert_nothing_doubled(world)
        world.here("held", "discard", DELETED, "--reason", "deleted by a person")
        world.settle()
        assert_quiet(world)


def test_a_password_is_not_given_on_the_command_line(tmp_path: Path) -> None:
    with opened(tmp_path, gp=gp_options(0), provisioned=False) as world:
        said = world.run("database", "move", "postgresql+psycopg://me:geheim@host/name")
        assert (said.code, "never given on the command line" in said.err) == (2, True)
        assert "geheim" not in said.text
