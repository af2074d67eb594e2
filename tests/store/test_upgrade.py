"""Databases of every earlier revision are brought up to date with all their rows, whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from every_table import row_of
from processes import die, exit_codes

from ml_connector import store
from ml_connector.core.errors import ConfigurationError
from ml_connector.store.database import Database
from ml_connector.store.tables import metadata


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    return config


#: The oldest first.
REVISIONS = [one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]
HEAD = REVISIONS[-1]

Rows = dict[str, list[dict[str, Any]]]


def made(url: str, revision: str) -> Rows:
    """A database of that revision with rows in every table that it has; the rows."""
    database, config = Database(url), _config()
    with database.begin() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, revision)
    with database.begin() as tx:
        for table in _tables(tx):
            tx.execute(table.insert(), [row_of(table, number) for number in (1, 2)])
    with database.read() as tx:
        found = _rows(tx, _tables(tx))
    database.close()
    return found


def _tables(tx: sa.Connection) -> list[sa.Table]:
    """The tables that are there, as they are there."""
    there = sa.MetaData()
    there.reflect(tx)
    return [table for table in there.sorted_tables if table.name != "alembic_version"]


def _rows(tx: sa.Connection, tables: list[sa.Table]) -> Rows:
    return {
        table.name: sorted((dict(row) for row in tx.execute(sa.select(table)).mappings()), key=repr)
        for table in tables
    }


def assert_upgraded(url: str, before: Rows) -> None:
    """It has exactly our tables, and every row of before as it was."""
    database = Database(url)
    with database.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        now = _rows(tx, _tables(tx))
    for name, rows in before.items():
        kept = [{column: row[column] for column in rows[0]} for row in now[name]]
        assert sorted(kept, key=repr) == rows, name
    assert database.revision == HEAD
    database.close()


def upgrade(url: str) -> None:
    database = Database(url)
    database.upgrade()
    database.close()


def test_the_newest_revision_is_known_without_reading_the_migrations(empty_url: str) -> None:
    assert store.database.HEAD == HEAD
    upgrade(empty_url)
    program = (
        "import sys; from ml_connector.store.database import Database\n"
        "database = Database(sys.argv[1]); database.upgrade(); database.close()\n"
        "sys.exit('alembic' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program, empty_url], check=True)


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_revision_is_upgraded_with_its_rows(empty_url: str, revision: str) -> None:
    before = made(empty_url, revision)
    assert all(len(rows) == 2 for rows in before.values())
    upgrade(empty_url)
    assert_upgraded(empty_url, before)


def _upgrade_and_die(url: str, revision: str) -> None:
    """Be killed when this revision's changes are made and not yet noted."""
    database = Database(url)

    def look(_connection: object, _cursor: object, statement: str, given: Any, *_: object) -> None:
        if statement.startswith("UPDATE alembic_version") and f"'{revision}'" in f"{statement} {given}":
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(database.engine, "before_cursor_execute", look)
    database.upgrade()


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_an_upgrade_that_is_killed_is_done_again(empty_url: str, revision: str) -> None:
    before = made(empty_url, REVISIONS[0])
    die(_upgrade_and_die, empty_url, revision)
    database = Database(empty_url)
    assert database.revision == REVISIONS[0]  # all or nothing
    database.close()
    upgrade(empty_url)
    assert_upgraded(empty_url, before)


def test_two_processes_that_start_at_once_upgrade_once(empty_url: str) -> None:
    before = made(empty_url, REVISIONS[0])
    assert exit_codes(upgrade, (empty_url,), (empty_url,)) == [0, 0]
    assert_upgraded(empty_url, before)


def test_a_newer_database_is_refused_and_left_as_it_is(empty_url: str) -> None:
    before = made(empty_url, HEAD)
    database = Database(empty_url)
    with database.begin() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="written by a newer version of ml-connector") as caught:
        database.upgrade()
    assert caught.value.remedy == "Run that version, or a newer one."
    assert database.revision == "9999"
    with database.read() as tx:
        assert _rows(tx, _tables(tx)) == before
    database.close()
