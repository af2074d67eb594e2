"""Bulk jobs that may be under way in the target: committed before they start, forgotten once resolved."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from ml_connector.store.database import Connection, upsert
from ml_connector.store.tables import bulk_jobs


@dataclass(frozen=True, slots=True)
class BulkJob:
    """One of them."""

    module: str
    file_id: str
    operation: str  #: "create", "update"
    run: str  #: that started it
    rows: int
    started_at: datetime
    job_id: str = ""  #: empty: whether it was started is not known
    given_up: str = ""  #: by whom, and why: it is not waited for any more

    @property
    def name(self) -> str:
        """What a person calls it by."""
        return self.job_id or self.file_id


def put(tx: Connection, job: BulkJob) -> None:
    """It is about to be started, or has an id now."""
    upsert(tx, bulk_jobs, [asdict(job)])


def find(tx: Connection, module: str) -> list[BulkJob]:
    """Those of a module that are not resolved, the oldest first."""
    query = sa.select(bulk_jobs).where(bulk_jobs.c.module == module)
    rows = tx.execute(query.order_by(bulk_jobs.c.started_at, bulk_jobs.c.file_id)).mappings()
    return [BulkJob(**row) for row in rows]


def find_all(tx: Connection) -> list[BulkJob]:
    """Those of all modules, the oldest first."""
    c = bulk_jobs.c
    return [
        BulkJob(**row)
        for row in tx.execute(sa.select(bulk_jobs).order_by(c.started_at, c.file_id)).mappings()
    ]


def remove(tx: Connection, job: BulkJob) -> None:
    """What became of all its rows is known, or found out in the ordinary way."""
    c = bulk_jobs.c
    tx.execute(sa.delete(bulk_jobs).where(c.module == job.module, c.file_id == job.file_id))
