"""Restoring and moving: the engine's history and the store, while nobody works."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from ml_connector.store import backup, moving
from ml_connector.store.backup import Copied
from ml_connector.store.copying import Counts
from ml_connector.store.database import Database, drop_schema
from ml_connector.store.engine_locks import alone
from ml_connector.store.restoring import Restoring, put_back, require_room

_SCHEMA = "dbos"  #: of the engine's tables in PostgreSQL


def restore(database: Database, folder: Path, file: Path, asked: Restoring, *, over: bool) -> Copied:
    """Put a backup back, while no process runs flows; ``over``: in place of what is in the store.

    Killed anywhere it is done again, and a sync in between loses nothing: the runs go first, since one that went on
    over an older store would take for done what that one does not know.
    """
    with alone(database, folder), backup.opened(file, folder) as (copy, told):
        require_room(database, told.header, over=over)
        _forget_runs(database, folder)
        put_back(database, copy, told, asked)
    return told


def move(source: Database, target: Database, folder: Path) -> Counts:
    """Copy the store into an empty database, while no process runs flows over either; table -> rows.

    Runs that the engine knows of an earlier time there are forgotten; a file's are those of the folder.
    """
    with ExitStack() as stack:
        stack.enter_context(alone(source, folder))
        if not (source.is_sqlite and target.is_sqlite):
            stack.enter_context(alone(target, folder))
            moving.require_empty(target)
            _forget_runs(target, folder)
        return moving.move(source, target)


def _forget_runs(database: Database, folder: Path) -> None:
    """Forget every run that is under way, where the store is set back to before it; the caller is alone.

    A run that went on over an older store would take for done what that one does not know.
    """
    if not database.is_sqlite:
        drop_schema(database, _SCHEMA)
        return
    # The file itself goes first: what is left beside a file that is not there, SQLite throws away.
    for name in ("engine.db", "engine.db-wal", "engine.db-shm"):
        (folder / name).unlink(missing_ok=True)
