"""The database: migrations give the tables, a reader sees one instant, a writer is undone as a whole."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from ml_connector import store
from ml_connector.core.change import Change, Cursor
from ml_connector.core.errors import ConfigurationError
from ml_connector.store import (
    cursors,
    frozen,
    holds,
    links,
    match_index,
    outcomes,
    readings,
    staging,
)
from ml_connector.store.column_types import Instant
from ml_connector.store.cursors import Progress
from ml_connector.store.database import Database, insert_new, upsert
from ml_connector.store.tables import frozen as frozen_table
from ml_connector.store.tables import metadata, refreshes

AT = datetime(2026, 11, 2, 8, 30, 15, 123456, tzinfo=UTC)
INDIA = timezone(timedelta(hours=5, minutes=30))
MANY = 70_000  # more than PostgreSQL takes in one statement


def test_migrations_give_exactly_the_tables(empty_url):
    database = Database(empty_url)
    database.upgrade()
    with database.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    database.close()


def test_upgrading_twice_changes_nothing(empty_url):
    database = Database(empty_url)
    database.upgrade()
    with database.begin() as tx:
        frozen.freeze(tx, "key_prefix", "A-")
    database.upgrade()
    with database.read() as tx:
        assert frozen.find(tx, "key_prefix") == "A-"
    database.close()


def test_the_outcomes_of_an_older_database_have_one_part_and_are_not_final(empty_url):
    database = Database(empty_url)
    with database.begin() as tx:
        config = Config()
        config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
        config.attributes["connection"] = tx
        command.upgrade(config, "0001")
        of_old = {"company": "-1", "mapping": "m", "direction": outcomes.TO_TARGET, "key": "a", "part": ""}
        of_old |= {"result": "written", "at": AT, "fetched_at": AT, "fingerprint": "f", "fields": "{}"}
        names = ", ".join(of_old)
        values = ", ".join(f":{name}" for name in of_old)
        typed = sa.text(f"INSERT INTO outcomes ({names}) VALUES ({values})").bindparams(
            *(sa.bindparam(name, type_=Instant()) for name in ("at", "fetched_at"))
        )
        tx.execute(typed, of_old)
    database.upgrade()
    with database.read() as tx:
        (found,) = outcomes.by_key(tx, "-1", ["m"], ["A"])["a", "m"]
    assert (found.at, found.of_parts, found.final) == (AT, 1, False)
    assert outcomes.is_whole([found])
    database.close()


@pytest.mark.parametrize(
    ("code", "is_due", "unread"),
    [("RECORD_LOCKED", True, False), ("SYSTEM_FAULT", True, True), ("INVALID_EMAIL", False, False)],
)
def test_the_holds_of_an_older_database_that_may_have_healed_are_due(empty_url, code, is_due, unread):
    database = Database(empty_url)
    with database.begin() as tx:
        config = Config()
        config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
        config.attributes["connection"] = tx
        command.upgrade(config, "0009")
        of_old = {
            name: name for name in ("mapping", "key", "part", "source_key", "field", "happened", "remedy")
        }
        of_old |= {"company": "-1", "flow": "customers", "code": code, "answer": "", "detail": "{}"}
        of_old |= {"attempts": 3, "run": "run-1", "opened_at": AT, "last_at": AT + timedelta(hours=2)}
        names, values = ", ".join(of_old), ", ".join(f":{name}" for name in of_old)
        typed = sa.text(f"INSERT INTO holds ({names}) VALUES ({values})").bindparams(
            *(sa.bindparam(name, type_=Instant()) for name in ("opened_at", "last_at"))
        )
        tx.execute(typed, of_old)
    database.upgrade()
    with database.read() as tx:
        (found,) = holds.find(tx, "-1")
        due = holds.due(tx, "-1", "customers", AT + timedelta(hours=2))
    assert (found.attempts, found.since, found.unread) == (3, AT, unread)
    assert due == ([found] if is_due else [])
    database.close()


def _upgrade(url: str) -> None:
    database = Database(url)
    database.upgrade()
    database.close()


def test_two_processes_may_start_at_once(empty_url):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_upgrade, args=(empty_url,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]


def test_a_new_file_that_another_process_is_writing_is_waited_for(tmp_path):
    file = tmp_path / "new.db"
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.5, other.execute, ["COMMIT"])
        release.start()
        _upgrade(f"sqlite:///{file}")
        release.join()


@pytest.mark.parametrize("address", ["", "what", "sqlite//file.db", "oracel://x"])
def test_an_address_that_is_none_is_told(address):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Database(address)


def test_what_raises_is_undone_as_a_whole(database):
    def write_and_stumble():
        with database.begin() as tx:
            frozen.freeze(tx, "a", "1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_stumble()
    with database.read() as tx:
        assert frozen.find(tx, "a") is None


def test_a_reader_sees_one_instant(database):
    with database.read() as reader:
        assert frozen.find(reader, "a") is None
        with database.begin() as writer:
            frozen.freeze(writer, "a", "1")
        assert frozen.find(reader, "a") is None
    with database.read() as reader:
        assert frozen.find(reader, "a") == "1"


def test_the_first_value_stays_frozen(tx):
    assert frozen.freeze(tx, "a", "1") == "1"
    assert frozen.freeze(tx, "a", "2") == "1"
    assert frozen.find(tx, "b") is None


@pytest.mark.parametrize(
    "given",
    [
        AT,
        AT.astimezone(timezone(timedelta(hours=-7))),
        datetime(1900, 1, 1, tzinfo=UTC),
        datetime(2199, 12, 31, tzinfo=UTC),
    ],
)
def test_an_instant_comes_back_as_utc(tx, given):
    cursors.put(tx, "-1", "f", Progress(Cursor(given, finer_than_day=True), "x"))
    found = cursors.find(tx, "-1", "f")
    assert found is not None
    assert found.cursor.at == given
    assert found.cursor.at.utcoffset() == timedelta(0)


def test_upserts_of_nothing_do_nothing(tx):
    upsert(tx, frozen_table, [])
    insert_new(tx, frozen_table, [])
    assert tx.execute(sa.select(frozen_table)).all() == []


def test_an_upsert_replaces_and_an_insert_keeps(tx):
    row = {"module": "Accounts", "refreshed_at": AT, "filled_at": AT, "fields": "[1]"}
    upsert(tx, refreshes, [row])
    insert_new(tx, refreshes, [row | {"fields": "[2]"}])
    upsert(
        tx, refreshes, [row | {"fields": "[3]", "refreshed_at": AT + timedelta(1)}], keep=("refreshed_at",)
    )
    assert tx.execute(sa.select(refreshes)).one() == ("Accounts", AT, AT, "[3]")


def test_the_same_row_twice_in_one_call_is_one_row(tx):
    upsert(tx, frozen_table, [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}])
    assert frozen.find(tx, "a") == "2"


def test_rows_are_what_their_columns_say_whichever_order_they_are_named_in(tx):
    row = {"module": "Accounts", "refreshed_at": AT, "filled_at": AT.astimezone(INDIA), "fields": "[1]"}
    other = dict(reversed(row.items())) | {"module": "Deals", "fields": "[2]"}
    upsert(tx, refreshes, [row, other])
    found = tx.execute(sa.select(refreshes).order_by(refreshes.c.module)).all()
    assert found == [("Accounts", AT, AT, "[1]"), ("Deals", AT, AT, "[2]")]


@pytest.mark.parametrize("kind", ["sqlite"])  # PostgreSQL keeps no such text
def test_a_key_with_a_null_character_names_no_other_record(tx):
    keys = ["a", "a\0b"]
    staging.put_names(tx, "-1", "customers", [Change(key, f"of {key}", AT) for key in keys], AT)
    assert staging.names_of(tx, "-1", "customers", ["A\0b"]) == {"a\0b": "of a\0b"}
    assert staging.names_of(tx, "-1", "customers", keys) == {key: f"of {key}" for key in keys}


@pytest.mark.parametrize(
    "key", ["\u00e9", "\u65e5\u672c", "\U0001f600", '"', "\\", "'", "%s", "{}", "a,b", "a\tb"]
)
def test_a_key_of_any_signs_is_found(tx, key):
    staging.put_names(tx, "-1", "customers", [Change(key, "-", AT)], AT)
    assert staging.names_of(tx, "-1", "customers", [key, "other"]) == {key: "-"}


MANY_KEYS = [f"KEY{n}" for n in range(MANY)]
QUESTIONS = {
    "outcomes": lambda tx: outcomes.find(tx, "-1", ["m"], MANY_KEYS),  # of a page of changes
    "readings": lambda tx: readings.find(tx, "-1", "customers", MANY_KEYS),  # of a page of a facet
    "staging": lambda tx: staging.put_keys(tx, "r", "-1", "customers", MANY_KEYS),  # of all that waits
    "the index": lambda tx: match_index.remove(tx, "Accounts", MANY_KEYS),  # of what was deleted
    "candidates": lambda tx: match_index.candidates(tx, "Accounts", MANY_KEYS),  # of a city with many
    "what is gone": lambda tx: links.lose(tx, "Accounts", MANY_KEYS, links.DELETED),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_as_many_keys_as_a_list_can_bring_are_answered(tx, question):
    """A site may set GP's row limit as high as it likes, so a page of a listing has no greatest size."""
    assert not question(tx)


def test_a_cursor_is_replaced_and_belongs_to_its_company(tx):
    first, second = Cursor(AT, finer_than_day=False), Cursor(AT + timedelta(1), finer_than_day=True)
    for cursor, mark in ((first, "x"), (second, "y"), (second, "y")):
        cursors.put(tx, "-1", "f", Progress(cursor, mark, ("Accounts", "Contacts")))
    assert cursors.find(tx, "-1", "f") == Progress(second, "y", ("Accounts", "Contacts"))
    assert cursors.find(tx, "2", "f") is None


def test_a_run_that_is_opened_again_goes_on(tx):
    cursors.open_run(tx, "r", "-1", "f", AT)
    cursors.note_run(tx, "r", "waiting", "GP is away")
    cursors.note_counts(tx, "r", {"created": 3})
    cursors.open_run(tx, "r", "-1", "f", AT + timedelta(1))
    found = cursors.find_run(tx, "r")
    assert found is not None
    assert (found.started_at, found.counts, found.ended_at) == (AT, {"created": 3}, None)
    cursors.close_run(tx, "r", AT + timedelta(2), "done", "", {"created": 5})
    closed = cursors.find_run(tx, "r")
    assert closed is not None
    assert (closed.state, closed.ended_at, closed.counts) == ("done", AT + timedelta(2), {"created": 5})
    assert cursors.find_run(tx, "s") is None
