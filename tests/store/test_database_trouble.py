"""What the database itself suffers from is a sentence; a statement that is wrong is a bug."""

import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa

from ml_connector.core.errors import ConfigurationError, RetryableError
from ml_connector.core.waits import DATABASE
from ml_connector.store import frozen
from ml_connector.store.database import Database


@pytest.fixture
def path(sqlite_template, tmp_path):
    path = tmp_path / "test.db"
    path.write_bytes(sqlite_template.read_bytes())
    return path


@pytest.fixture
def opened(path):
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


def write(database):
    with database.begin() as tx:
        frozen.freeze(tx, "a", "1")


def test_a_lock_of_another_program_passes(opened, path):
    write(opened)
    sa.event.listen(opened.engine, "connect", lambda made, _: made.execute("PRAGMA busy_timeout=1"))
    opened.engine.dispose()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RetryableError, match="locked by another program"):
            write(opened)
        other.execute("ROLLBACK")
    write(opened)


def test_a_full_disk_is_for_a_person(opened):
    with opened.read() as tx:
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
    sa.event.listen(opened.engine, "connect", lambda made, _: made.execute(f"PRAGMA max_page_count={pages}"))
    opened.engine.dispose()
    with pytest.raises(ConfigurationError, match="full") as caught, opened.begin() as tx:
        frozen.freeze(tx, "a", "1" * 1_000_000)
    assert "disk" in caught.value.remedy


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "x.db").write_bytes(b"garbage" * 1000)
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    for use in (database.upgrade, lambda: write(database)):
        with pytest.raises(ConfigurationError, match="cannot be used"):
            use()
    database.close()


def test_a_server_that_is_not_there():
    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/x")
    for use in (database.upgrade, lambda: write(database)):
        with pytest.raises(RetryableError, match="does not answer"):
            use()
    database.close()


def test_connections_that_are_all_in_use_are_told(database):
    with pytest.raises(RetryableError, match="No connection") as caught, database.told():
        raise sa.exc.TimeoutError("QueuePool limit reached")  # as SQLAlchemy does after half a minute
    assert caught.value.system == DATABASE


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_session_that_the_server_ends_is_one_that_is_away(database):
    def write_on_lost_session():
        with database.begin() as tx:
            pid = tx.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
            with database.begin() as other:
                other.execute(sa.text(f"SELECT pg_terminate_backend({pid}, 60000)"))
            frozen.freeze(tx, "a", "1")

    with pytest.raises(RetryableError, match="does not answer"):
        write_on_lost_session()
    write(database)


def test_a_wrong_statement_is_a_bug_and_shows_no_values(database):
    with pytest.raises(sa.exc.SQLAlchemyError) as caught, database.begin() as tx:
        tx.execute(sa.text("insert into nowhere values (:x)"), {"x": "kanarienvogel"})
    assert "kanarienvogel" not in str(caught.value)
