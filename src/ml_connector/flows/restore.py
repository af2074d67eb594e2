"""Restoring: the engine's history and the store, while nobody works."""

from __future__ import annotations

from pathlib import Path

from ml_connector.flows.engine import forget_runs
from ml_connector.store import backup
from ml_connector.store.backup import Copied
from ml_connector.store.database import Database
from ml_connector.store.engine_lock import engine_lock
from ml_connector.store.restoring import Restoring, put_back, require_room


def restore(database: Database, folder: Path, file: Path, asked: Restoring, *, over: bool) -> Copied:
    """Put a backup back, while no process is the engine; ``over``: in place of what is in the store.

    Killed anywhere it is done again, and a sync in between loses nothing: the runs go first, since one that went on
    over an older store would take for done what that one does not know.
    """
    with engine_lock(folder), backup.opened(file, folder) as (copy, told):
        require_room(database, told.header, over=over)
        forget_runs(folder)
        put_back(database, copy, told, asked)
    return told
