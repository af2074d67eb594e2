"""Bulk jobs that may be under way, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from memory import START
from ml_connector.store import bulk_jobs
from ml_connector.store.bulk_jobs import BulkJob


def test_a_job_is_known_until_it_is_resolved(database):
    one = BulkJob("Accounts", "file-2", "create", "run-1", 25_000, START + timedelta(seconds=5))
    other = BulkJob("Accounts", "file-1", "update", "run-1", 7, START)
    with database.begin() as tx:
        for job in (one, other, replace(other, module="Contacts")):
            bulk_jobs.put(tx, job)
        assert bulk_jobs.find(tx, "Accounts") == [other, one]
        started = replace(one, job_id="77")
        bulk_jobs.put(tx, started)
        assert bulk_jobs.find(tx, "Accounts") == [other, started]
        bulk_jobs.remove(tx, other)
        assert bulk_jobs.find(tx, "Accounts") == [started]
        assert len(bulk_jobs.find(tx, "Contacts")) == 1
        assert len(bulk_jobs.find_all(tx)) == 2
