"""kill -9 in a sync, then a newer version starts: the tables are brought up to date, and the run goes on to its end."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from kills import die

from ml_connector import store
from ml_connector.store.database import Database
from systems import World, assert_quiet, assert_whole, gp_options, opened


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    return config


REVISIONS = [one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]


def become(world: World, revision: str) -> None:
    """Let the database be one of that revision, with all that it had at this point: its tables and columns."""
    path = world.folder / "data" / "ml-connector.db"
    now, before = path.rename(path.with_name("now.db")), Database(f"sqlite:///{path}")
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    config, tables = _config(), sa.MetaData()
    with closing(before), closing(Database(f"sqlite:///{now}")) as source:
        with before.begin() as tx:
            config.attributes["connection"] = tx
            command.upgrade(config, revision)
        with before.begin() as tx, source.read() as there:
            tables.reflect(tx)
            for table in tables.sorted_tables:
                rows = [dict(row) for row in there.execute(sa.select(table)).mappings()]
                if rows and table.name != "alembic_version":
                    tx.execute(table.insert(), rows)
        assert before.revision == revision


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_interrupted_run_goes_on_after_the_upgrade(tmp_path: Path, revision: str) -> None:
    with opened(tmp_path, gp=gp_options(120)) as world:
        world.write_settings(zoho__heavy_requests="1")
        die(world, "after", 2, world.plan("customers"))
        [(run,)] = world.rows("SELECT run FROM runs WHERE ended_at IS NULL")
        staged = world.rows("SELECT COUNT(*) FROM staged WHERE run = ?", run)
        become(world, revision)
        assert staged == world.rows("SELECT COUNT(*) FROM staged WHERE run = ?", run) != [(0,)]
        said = world.ok("sync", "customers", "--json")
        assert f"going on with the run {run}" in said.err
        assert world.rows("SELECT version_num FROM alembic_version") == [(REVISIONS[-1],)]
        assert world.rows("SELECT state FROM runs WHERE run = ?", run) == [("done",)]
        assert_whole(world)
        assert_quiet(world, "customers")


def test_a_newer_database_is_refused_by_every_command_and_left_as_it_is(tmp_path: Path) -> None:
    with opened(tmp_path, gp=gp_options(0), provisioned=False) as world:
        world.rewrite("UPDATE alembic_version SET version_num = '9999'")
        path = world.folder / "data" / "ml-connector.db"
        before = path.read_bytes()
        for words in (["sync"], ["held", "list"], ["backup", "a.backup"], ["audit", "verify"]):
            said = world.run(*words)
            assert (said.code, "written by a newer version of ml-connector" in said.err) == (2, True)
        assert path.read_bytes() == before
        assert not (world.folder / "a.backup").exists()
