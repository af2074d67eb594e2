"""Backups: one instant of every table, into either kind of database; verified, and put back whole or not at all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from every_table import AT, audit_row, everything, fill
from processes import die

from ml_connector.core.audit import AuditAction
from ml_connector.core.change import Cursor
from ml_connector.core.channels import Channel, Step
from ml_connector.core.document_decisions import How, Intent, Linked
from ml_connector.core.errors import ConfigurationError, RetryableError
from ml_connector.core.record import fold_key
from ml_connector.core.sales import Kind
from ml_connector.flows.restore import move as move_all
from ml_connector.flows.restore import restore
from ml_connector.store import (
    audit,
    backup,
    channels,
    cursors,
    document_deals,
    documents,
    frozen,
    inbox,
    master_edits,
    tables,
)
from ml_connector.store.copying import count_rows, is_empty
from ml_connector.store.cursors import Progress
from ml_connector.store.database import Database
from ml_connector.store.documents import Became
from ml_connector.store.engine_locks import alone
from ml_connector.store.identity import ORG
from ml_connector.store.links import Pair
from ml_connector.store.master_edits import Kept, Sent
from ml_connector.store.moving import move
from ml_connector.store.restoring import Restoring
from ml_connector.store.verification import chain
from postgres import run

NOW = AT + timedelta(days=100)
ASKED = Restoring("sally@desk", NOW, timedelta(hours=1), [("-1", "deal_tagging")])
ACCOUNTS = Pair("-1", "customers", "Accounts")
#: What is not as it was after restoring.
CHANGED = {"staged", "weights", "requests", "runs", "refreshes", "audit", "channels", "listening"}


@pytest.fixture(params=["sqlite", "postgresql"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind beside ``database``."""
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path / 'other.db'}")
        opened.upgrade()
        yield opened
        opened.close()
        return
    server, name = request.getfixturevalue("postgres"), f"other_{uuid4().hex}"
    run(server("postgres"), f"create database {name} template template_of_tests")
    opened = Database(server(name))
    yield opened
    opened.close()
    run(server("postgres"), f"drop database {name} with (force)")


def rows_of(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as tx:
        return dict(everything(tx))


def filled(database: Database) -> Database:
    with database.begin() as tx:
        fill(tx)
    return database


def written(database: Database, path: Path) -> backup.Copied:
    return backup.write(database, path, AT, "0.1.0")


def restored(database: Database, path: Path, folder: Path, *, over: bool = False) -> backup.Copied:
    return restore(database, folder, path, ASKED, over=over)


# ---- writing


def test_a_backup_has_every_row_of_every_table(database, tmp_path):
    before = rows_of(filled(database))
    told = written(database, tmp_path / "a.backup")
    with backup.opened(tmp_path / "a.backup", tmp_path) as (copy, again):
        assert rows_of(copy) == before
    assert told == again
    assert told.header.rows == {name: len(rows) for name, rows in before.items()}
    assert (told.header.made_at, told.audit_rows, told.broken_at) == (AT, 2, None)
    assert told.header.revision == database.revision


def test_it_is_one_file_that_only_its_owner_reads_and_nothing_else_stays(database, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    written(filled(database), folder / "a.backup")
    with backup.opened(folder / "a.backup", tmp_path):
        pass
    assert [path.name for path in folder.iterdir()] == ["a.backup"]
    assert (folder / "a.backup").stat().st_mode & 0o077 == 0
    assert not (tmp_path / "restoring").exists()


def test_reading_a_backup_leaves_its_file_as_it_is(database, tmp_path):
    written(filled(database), tmp_path / "a.backup")
    before = (tmp_path / "a.backup").read_bytes()
    with backup.opened(tmp_path / "a.backup", tmp_path):
        pass
    assert (tmp_path / "a.backup").read_bytes() == before


def test_a_backup_is_of_one_instant(database, tmp_path):
    """Somebody writes into two tables at once, again and again, while backups are made: no backup has half of it."""
    context = multiprocessing.get_context("spawn")
    url = database.engine.url.render_as_string(hide_password=False)
    begun = context.Event()
    writer = context.Process(target=_write_pairs, args=(url, begun), daemon=True)
    writer.start()
    try:
        assert begun.wait(60)
        seen = []
        for number in range(4):
            rows = written(database, tmp_path / f"{number}.backup").header.rows
            assert rows["links"] == rows["asked"]
            seen.append(rows["links"])
        assert writer.is_alive()
    finally:
        writer.kill()
        writer.join()
    assert seen[-1] > seen[0]


def _write_pairs(url: str, begun: object) -> None:
    database, number = Database(url), 0
    while True:
        number += 1
        link = {
            "company": "-1",
            "entity": "c",
            "module": "A",
            "key": str(number),
            "part": "",
            "source_key": "k",
        }
        link |= {
            "target_id": str(number),
            "gone": "",
            "linked_by": "key",
            "linked_at": AT,
            "modified_at": None,
        }
        one = {"company": "-1", "entity": "c", "key": str(number), "source_key": "k", "reason": ""}
        with database.begin() as tx:
            tx.execute(tables.asked.insert(), [one])
            tx.execute(tables.links.insert(), [link])
        begun.set()  # type: ignore[attr-defined]


def test_a_file_that_is_there_is_not_written_over(database, tmp_path):
    (tmp_path / "a.backup").write_text("mine")
    with pytest.raises(ConfigurationError, match="already"):
        written(database, tmp_path / "a.backup")
    assert (tmp_path / "a.backup").read_text() == "mine"


def test_a_folder_that_is_not_there_is_told(database, tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be written: No such file"):
        written(database, tmp_path / "none" / "a.backup")


def test_a_broken_chain_is_backed_up_and_told(database, tmp_path):
    with filled(database).begin() as tx:
        tx.execute(sa.update(tables.audit).where(tables.audit.c.seq == 2).values(actor="nobody"))
    assert written(database, tmp_path / "a.backup").broken_at == 2


# ---- reading


def test_what_is_no_backup_is_told(tmp_path, database):
    for name, content in {
        "text": b"hello",
        "empty": b"",
        "damaged": b"SQLite format 3\x00" + b"x" * 5000,
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ConfigurationError, match="is no backup of ml-connector, or it is damaged"):
            restored(database, tmp_path / name, tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        restored(database, tmp_path / "none", tmp_path)


def test_a_database_is_no_backup(sqlite_template, tmp_path, database):
    with pytest.raises(ConfigurationError, match="is no backup"):
        restored(database, sqlite_template, tmp_path)


def changed(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        for statement in statements:
            file.execute(statement)


def test_a_backup_that_lost_rows_is_refused(database, tmp_path):
    written(filled(database), tmp_path / "a.backup")
    changed(tmp_path / "a.backup", "DELETE FROM links WHERE rowid = 1")
    with pytest.raises(ConfigurationError, match="other numbers of rows"):
        restored(database, tmp_path / "a.backup", tmp_path, over=True)


def test_a_backup_that_was_cut_off_is_refused(database, tmp_path):
    written(filled(database), tmp_path / "a.backup")
    whole = (tmp_path / "a.backup").read_bytes()
    (tmp_path / "a.backup").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigurationError, match="damaged"):
        restored(database, tmp_path / "a.backup", tmp_path, over=True)


def test_a_backup_of_a_newer_version_is_refused_and_nothing_is_changed(database, tmp_path):
    before = rows_of(filled(database))
    written(database, tmp_path / "a.backup")
    changed(tmp_path / "a.backup", "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="by a newer version of ml-connector"):
        restored(database, tmp_path / "a.backup", tmp_path, over=True)
    assert rows_of(database) == before


# ---- putting back


def test_what_was_backed_up_is_put_back_into_either_kind(database, other, tmp_path):
    before = rows_of(filled(database))
    written(database, tmp_path / "a.backup")
    told = restored(other, tmp_path / "a.backup", tmp_path)
    after = rows_of(other)
    for name in before.keys() - CHANGED:
        assert after[name] == before[name], name
    assert after["staged"] == after["weights"] == []
    assert told.header.total == sum(map(len, before.values()))


def test_the_audit_trail_goes_on_with_a_row_that_tells_it(database, other, tmp_path):
    written(filled(database), tmp_path / "a.backup")
    restored(other, tmp_path / "a.backup", tmp_path)
    with other.begin() as tx:
        audit.append(tx, [audit_row(7)])  # its number comes behind those that were copied
        assert chain(tx) == (4, None)
        [row] = tx.execute(
            sa.select(tables.audit).where(tables.audit.c.action == AuditAction.STORE_RESTORED.value)
        ).mappings()
    assert (row["seq"], row["actor"], row["at"], row["happened_at"]) == (3, "sally@desk", AT, NOW)
    assert "as it was at 2026-11-02 08:30:15 UTC" in row["reason"]


def test_it_may_be_restored_twice(database, tmp_path):
    written(filled(database), tmp_path / "a.backup")
    for _ in range(2):
        restored(database, tmp_path / "a.backup", tmp_path, over=True)
    with database.read() as tx:
        assert chain(tx) == (3, None)


def test_a_store_with_rows_is_replaced_only_where_that_is_said(database, tmp_path):
    written(database, tmp_path / "empty.backup")
    before = rows_of(filled(database))
    with pytest.raises(ConfigurationError, match="not empty") as caught:
        restored(database, tmp_path / "empty.backup", tmp_path)
    assert "--over" in caught.value.remedy
    assert rows_of(database) == before


def test_another_organisation_s_store_is_never_replaced(database, other, tmp_path):
    for store, org in ((database, "1"), (other, "2")):
        with store.begin() as tx:
            frozen.freeze(tx, ORG, org)
    written(database, tmp_path / "a.backup")
    with pytest.raises(ConfigurationError, match="organisation 1, and this store of 2"):
        restored(other, tmp_path / "a.backup", tmp_path, over=True)


def test_nothing_is_restored_while_another_process_works(database, tmp_path):
    written(filled(database), tmp_path / "a.backup")
    with alone(database, tmp_path), pytest.raises(RetryableError, match="Another ml-connector process"):
        restored(database, tmp_path / "a.backup", tmp_path, over=True)


def has_engine_tables(database):
    return not database.is_sqlite and "dbos" in sa.inspect(database.engine).get_schema_names()


def test_runs_that_were_under_way_are_over_and_the_engine_forgets_them(database, tmp_path):
    for name in ("engine.db", "engine.db-wal") if database.is_sqlite else ():
        (tmp_path / name).write_bytes(b"of the engine")
    with database.begin() as tx:
        if not database.is_sqlite:
            tx.execute(sa.text("CREATE SCHEMA dbos CREATE TABLE workflow_status (i int)"))
        cursors.open_run(tx, "r", "-1", "f", AT)
        cursors.open_run(tx, "s", "-1", "f", AT)
        cursors.close_run(tx, "s", AT, "done", "", {})
        row = {"run": "r", "key": "a", "source_key": "A", "name": "", "at": AT, "why": "listed"}
        tx.execute(tables.staged.insert(), [row])
    written(database, tmp_path / "a.backup")
    restored(database, tmp_path / "a.backup", tmp_path, over=True)
    assert not list(tmp_path.glob("engine.db*"))
    assert not has_engine_tables(database)
    with database.read() as tx:
        states = {run: cursors.find_run(tx, run) for run in "rs"}
        assert count_rows(tx)["staged"] == 0
    assert (states["r"].state, states["r"].ended_at, states["s"].state) == ("broken", NOW, "done")


def test_what_is_under_way_outside_stays_known(database, tmp_path):
    """A create, or a bulk job, that was sent after the backup may still arrive: it is not forgotten with the rest."""
    filled(database)
    written(database, tmp_path / "a.backup")
    job = {"module": "Accounts", "file_id": "f", "job_id": "j", "operation": "create", "run": "r", "rows": 9}
    job |= {"started_at": NOW}
    intent = {
        "company": "-1",
        "entity": "c",
        "module": "A",
        "key": "k",
        "part": "",
        "attempt": 1,
        "opened_at": NOW,
    }
    spent = {"account": "a", "minute": NOW, "writer": "w", "spent": 5}
    with database.begin() as tx:
        before = everything(tx)
        for table, row in ((tables.bulk_jobs, job), (tables.intents, intent), (tables.credit_minutes, spent)):
            tx.execute(table.insert(), [row])
            tx.execute(table.insert(), [row | {next(iter(row)): "another"}])
        now = everything(tx)
    restored(database, tmp_path / "a.backup", tmp_path, over=True)
    after = rows_of(database)
    for name in ("bulk_jobs", "intents", "credits"):
        assert after[name] == now[name] != before[name]


def test_what_records_became_in_the_erp_stays_known(database, tmp_path):
    """A number that the ERP gave is known nowhere else, and a create that was sent may still arrive there."""
    filled(database)
    written(database, tmp_path / "a.backup")
    linked = Linked(Kind.ORDER, "ORD-77", How.MADE, None)
    became = Became("-1", "Sales_Orders", "1", linked)
    intended = Became("-1", "Sales_Orders", "2", intent=Intent(NOW, {"number": "x"}))
    planned = Became("-1", "Sales_Orders", "3")
    won = Became("-1", "Deals", "4", won_at=NOW)
    edited, idle = (
        Kept(key, {"Phone": "1"}, sent) for key, sent in (("A", Sent(NOW, {}, {}, {})), ("B", None))
    )
    with database.begin() as tx:
        for row in (became, intended, planned, won):
            documents.put(tx, row)
        document_deals.put(tx, "-1", ["ORD-77"], "4")
        master_edits.put(tx, ACCOUNTS, [edited, idle])
    restored(database, tmp_path / "a.backup", tmp_path, over=True)
    with database.read() as tx:
        found = documents.find(tx, "Sales_Orders", ["1", "2", "3"])
        assert documents.find(tx, "Deals", ["4"]) == {"4": won}
        assert document_deals.find(tx, "-1", ["ORD-77"]) == {fold_key("ORD-77"): "4"}
        kept = master_edits.find(tx, ACCOUNTS, ["A", "B"])
    assert found == {"1": became, "2": intended}
    assert list(kept.values()) == [edited]


def test_since_when_what_is_made_goes_to_the_erp_is_never_later_than_it_was(database, tmp_path):
    """What was made and acknowledged since then would be taken for made before, and left out without a word."""
    orders, quotes, deals = (
        frozen.FIRST_RUN + name for name in ("sales_orders", "sales_quotes", "won_deals")
    )
    noted = frozen.WON_BEFORE + "a stage"
    early, late = NOW.isoformat(), (NOW + timedelta(days=1)).isoformat()
    filled(database)
    with database.begin() as tx:
        frozen.freeze(tx, quotes, late)
        frozen.freeze(tx, deals, early)
    written(database, tmp_path / "a.backup")
    with database.begin() as tx:
        tx.execute(sa.delete(tables.frozen).where(tables.frozen.c.name.in_([quotes, deals])))
        for name, at in ((orders, early), (quotes, early), (deals, late), (noted, late), ("other", early)):
            frozen.freeze(tx, name, at)
    restored(database, tmp_path / "a.backup", tmp_path, over=True)
    with database.read() as tx:
        assert [frozen.find(tx, name) for name in (orders, quotes, deals, noted)] == [early] * 3 + [late]
        assert frozen.find(tx, "other") is None


def test_what_was_acknowledged_since_waits_on(database, tmp_path):
    """Zoho was told that its notifications are kept, and does not send them again."""
    filled(database)
    written(database, tmp_path / "a.backup")
    with database.begin() as tx:
        before = everything(tx)
        inbox.put(tx, [inbox.Told("Deals", "1", "update", NOW)])
        now = everything(tx)
    restored(database, tmp_path / "a.backup", tmp_path, over=True)
    assert rows_of(database)["inbox"] == now["inbox"] != before["inbox"]


def test_after_a_restore_every_module_is_polled(database, tmp_path):
    filled(database)
    written(database, tmp_path / "a.backup")
    restored(database, tmp_path / "a.backup", tmp_path, over=True)
    assert rows_of(database)["listening"] == []


def test_what_stands_in_the_target_is_read_whole_again(database, tmp_path):
    with database.begin() as tx:
        row = {"module": "Accounts", "refreshed_at": AT, "filled_at": AT, "fields": "[]"}
        tx.execute(tables.refreshes.insert(), [row])
    written(database, tmp_path / "a.backup")
    restored(database, tmp_path / "a.backup", tmp_path, over=True)
    with database.read() as tx:
        [kept] = tx.execute(sa.select(tables.refreshes))
    assert (kept.refreshed_at, kept.filled_at) == (AT, datetime(1970, 1, 1, tzinfo=UTC))


def test_a_token_of_then_is_fetched_anew_and_other_secrets_stay(database, tmp_path):
    rows = [
        {"name": name, "key_id": "k", "wrapped_key": b"w", "sealed": b"s", "changed_at": AT}
        for name in ("gp.password", "zoho.access_token", "zoho.channel.Deals")
    ]
    with database.begin() as tx:
        tx.execute(tables.secrets.insert(), rows)
    written(database, tmp_path / "a.backup")
    restored(database, tmp_path / "a.backup", tmp_path, over=True)
    with database.read() as tx:
        assert list(tx.execute(sa.select(tables.secrets.c.name)).scalars()) == ["gp.password"]


def test_channels_are_looked_at_and_those_made_since_stay_known(database, tmp_path):
    old = Channel("Deals", "1", "of-then", is_taken=True, expires_at=AT, next_try_at=AT)
    with database.begin() as tx:
        channels.put(tx, old)
        channels.put(tx, replace(old, module="Quotes", path="of-quotes"))
    written(database, tmp_path / "a.backup")
    with database.begin() as tx:
        channels.put(tx, replace(old, path="of-now"))
        channels.forget(tx, "Quotes")
    restored(database, tmp_path / "a.backup", tmp_path, over=True)
    with database.read() as tx:
        found = channels.find_all(tx)
    assert [(one.path, one.todo, one.next_try_at) for one in found] == [
        ("of-now", Step.LOOK, None),
        ("of-quotes", Step.LOOK, None),
    ]


def test_cursors_of_the_target_go_back_and_those_of_the_source_stay(database, tmp_path):
    late, early = AT - timedelta(minutes=1), AT - timedelta(days=2)
    with database.begin() as tx:
        for flow, at in (("deal_tagging", late), ("customers", late)):
            cursors.put(tx, "-1", flow, Progress(Cursor(at, finer_than_day=True), "f", ("Deals",)))
        cursors.put(tx, "2", "deal_tagging", Progress(Cursor(early, finer_than_day=True), "f"))
    written(database, tmp_path / "a.backup")
    restored(database, tmp_path / "a.backup", tmp_path, over=True)
    with database.read() as tx:
        found = {(c, f): cursors.find(tx, c, f) for c in ("-1", "2") for f in ("deal_tagging", "customers")}
    assert found["-1", "deal_tagging"] == Progress(
        Cursor(AT - timedelta(hours=1), finer_than_day=True), "f", ("Deals",)
    )
    assert found["-1", "customers"].cursor.at == late
    assert found["2", "deal_tagging"].cursor.at == early


# ---- killed


def _restore_and_die(url: str, path: Path, folder: Path, nth: int) -> None:
    """Be killed at the nth statement that writes; 0: at the commit."""
    database, left = Database(url), [nth]

    def look(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        left[0] -= statement.startswith(("INSERT", "DELETE", "UPDATE"))
        if left[0] == 0 and nth:
            os.kill(os.getpid(), signal.SIGKILL)

    def commit(connection: sa.Connection) -> None:
        if not nth and connection.get_execution_options().get("writes"):
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(database.engine, "before_cursor_execute", look)
    sa.event.listen(database.engine, "commit", commit)
    restore(database, folder, path, ASKED, over=True)


@pytest.mark.parametrize("nth", [40, 0])
def test_a_restore_that_is_killed_leaves_the_store_as_it_was_and_is_done_again(database, tmp_path, nth):
    written(filled(database), tmp_path / "a.backup")
    with database.begin() as tx:
        frozen.freeze(tx, "since", "then")
    before = rows_of(database)
    url = database.engine.url.render_as_string(hide_password=False)
    die(_restore_and_die, url, tmp_path / "a.backup", tmp_path, nth)
    assert rows_of(database) == before
    restored(database, tmp_path / "a.backup", tmp_path, over=True)
    with database.read() as tx:
        assert frozen.find(tx, "since") is None
        assert chain(tx) == (3, None)


# ---- moving


def test_the_store_moves_into_either_kind_and_stays_where_it_was(database, other):
    before = rows_of(filled(database))
    rows = move(database, other)
    assert rows_of(other) == rows_of(database) == before
    assert rows == {name: len(of_table) for name, of_table in before.items()}
    with other.begin() as tx:
        audit.append(tx, [audit_row(7)])
        assert chain(tx) == (3, None)


def test_a_database_with_rows_is_moved_into_by_nobody(database, other):
    filled(database)
    with other.begin() as tx:
        frozen.freeze(tx, "a", "1")
    before = rows_of(other)
    with pytest.raises(ConfigurationError, match="has rows already"):
        move(database, other)
    assert rows_of(other) == before


def test_what_the_engine_knows_of_a_database_that_is_moved_into_is_forgotten(database, other, tmp_path):
    filled(database)
    (tmp_path / "engine.db").write_bytes(b"of the engine")
    if not other.is_sqlite:
        with other.begin() as tx:
            tx.execute(sa.text("CREATE SCHEMA dbos CREATE TABLE workflow_status (i int)"))
    move_all(database, other, tmp_path)
    assert rows_of(other) == rows_of(database)
    assert not has_engine_tables(other)
    # of the folder is what a file knows: it goes only when the store comes back from a server
    assert (tmp_path / "engine.db").exists() == (database.is_sqlite or not other.is_sqlite)


def test_nothing_is_moved_while_another_process_works_there(database, other, tmp_path):
    filled(database)
    for one in (database, other):
        with alone(one, tmp_path), pytest.raises(RetryableError, match="Another ml-connector process"):
            move_all(database, other, tmp_path)
    with other.read() as tx:
        assert is_empty(tx)


def test_what_the_engine_knows_of_a_database_with_rows_stays(database, other, tmp_path):
    with other.begin() as tx:
        frozen.freeze(tx, "a", "1")
        if not other.is_sqlite:
            tx.execute(sa.text("CREATE SCHEMA dbos CREATE TABLE workflow_status (i int)"))
    with pytest.raises(ConfigurationError, match="has rows already"):
        move_all(database, other, tmp_path)
    assert has_engine_tables(other) == (not other.is_sqlite)


def _move_and_die(url: str, to: str) -> None:
    target = Database(to)

    def commit(_: sa.Connection) -> None:  # its tables are there, so this is the commit of the rows
        os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(target.engine, "commit", commit)
    move(Database(url), target)


def test_a_move_that_is_killed_leaves_the_other_database_empty(database, other):
    filled(database)
    urls = [one.engine.url.render_as_string(hide_password=False) for one in (database, other)]
    die(_move_and_die, *urls)
    with other.read() as tx:
        assert is_empty(tx)
    move(database, other)
    assert rows_of(other) == rows_of(database)


@pytest.mark.parametrize("kind", ["sqlite"])  # which keeps texts of any length
def test_a_row_that_does_not_fit_is_told_and_nothing_is_moved(database, other, kind):
    with database.begin() as tx:
        frozen.freeze(tx, "x" * 500, "a value that is nobody's business")
    if other.engine.dialect.name == kind:
        assert move(database, other)["frozen"] == 1
        return
    with pytest.raises(ConfigurationError, match="A row of the table frozen does not fit") as caught:
        move(database, other)
    assert "nobody's" not in str(caught.value)
    with other.read() as tx:
        assert is_empty(tx)
