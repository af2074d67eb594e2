"""What the calls of bulk write and bulk read have in common."""

from typing import TypeVar

from ml_connector.simulators.zoho.bulk_jobs import Job, Work
from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.csv_rows import zipped
from ml_connector.simulators.zoho.replies import Reply, RequestRefusedError

WRITE_CREDITS = 500
_Work = TypeVar("_Work", bound=Work)


def call_credits(call: Call) -> int:
    """Of an upload, a poll or a download: not documented, hence an option."""
    return call.org.options.bulk_call_credits


def write_credits(_call: Call) -> int:
    """Of creating a bulk write job."""
    return WRITE_CREDITS


def add_job(call: Call, operation: str, work: Work, rows: int) -> Job:
    """A new job over so many rows, with the times of the options; the organisation's lock is held."""
    org, options = call.org, call.org.options
    job = Job(
        id=org.record_ids.new(),
        operation=operation,
        created_by=call.user,
        created_at=org.clock.now(),
        work=work,
        rows=rows,
        seconds=options.bulk_seconds + rows * options.bulk_seconds_per_row,
        wait=options.bulk_wait_seconds,
        gradual=options.bulk_rows_appear == "gradually",
    )
    org.jobs.add(job)
    return job


def find_job(call: Call, kind: type[_Work], status: int) -> tuple[Job, _Work]:
    """The job of the path and its work; RequestRefusedError for one that is not there or is of another kind."""
    job = call.org.jobs.by_id.get(call.record)
    if job is None or not isinstance(job.work, kind):
        raise RequestRefusedError(status, "RESOURCE_NOT_FOUND", "The requested resource doesn't exist.")
    return job, job.work


def zip_reply(archive: str, name: str, content: bytes, records: int) -> Reply:
    """A zip archive with one file."""
    headers = (("Content-Disposition", f'attachment; filename="{archive}"'),)
    return Reply(200, zipped(name, content), "application/octet-stream", headers, records)
