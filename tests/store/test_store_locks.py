"""One holder at a time; who waits says so."""

from queue import SimpleQueue
from threading import Thread

import pytest
import sqlalchemy as sa

from ml_connector.store.locks import Locks


def test_who_waits_says_for_what(database, tmp_path):
    told, own = SimpleQueue(), SimpleQueue()

    def second():
        with Locks(database, tmp_path, told.put).held(["create-Accounts"], own.put):
            told.put("held")

    waiting = Thread(target=second)
    with Locks(database, tmp_path, told.put).held(["create-Contacts", "create-Accounts"]):
        waiting.start()
        said = told.get()
        assert "working at Accounts. Waiting until it has finished." in said
        assert own.get() == said
        assert told.empty()
    assert told.get() == "held"
    waiting.join()


def test_who_need_not_wait_says_nothing(database, tmp_path):
    told = []
    for name in ("create-Accounts", "create-Accounts", "create-Contacts"):
        with Locks(database, tmp_path, told.append).held([name]):
            pass
    assert told == []


@pytest.mark.parametrize("kind", ["postgresql"])  # a lock of a SQLite database is a file
def test_a_server_that_ends_idle_transactions_takes_no_lock_away(database, tmp_path):
    """A run that waits for credits holds its locks for hours on a silent connection."""
    with database.engine.begin() as tx:
        name = tx.execute(sa.select(sa.func.current_database())).scalar_one()
        tx.execute(sa.text(f'ALTER DATABASE "{name}" SET idle_in_transaction_session_timeout = 1000'))
    database.engine.dispose()
    with Locks(database, tmp_path).held(["create-Accounts"]), database.engine.connect() as other:
        other.execution_options(isolation_level="AUTOCOMMIT")
        other.execute(sa.select(sa.func.pg_sleep(1.5)))
        held = sa.text(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )
        assert other.execute(held).scalar_one() == 1
