"""What the calls of bulk write and bulk read have in common."""

from typing import TypeVar
from urllib.parse import urlsplit

from ml_connector.simulators.zoho.bulk_jobs import Job, Work
from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.records import Table
from ml_connector.simulators.zoho.replies import JsonObject, Reply, RequestRefusedError, no_permission
from ml_connector.simulators.zoho.scopes import Operation

WRITE_CREDITS = 500
_Work = TypeVar("_Work", bound=Work)


def call_credits(call: Call) -> int:
    """Of an upload, a poll or a download: not documented, hence an option."""
    return call.org.options.bulk_call_credits


def write_credits(_call: Call) -> int:
    """Of creating a bulk write job."""
    return WRITE_CREDITS


def read_credits(call: Call) -> int:
    """Of creating a bulk read job: an option, since it is not documented."""
    return call.org.options.bulk_read_credits


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


def refused(code: str, message: str, **details: object) -> RequestRefusedError:
    """A job that is not begun."""
    return RequestRefusedError(400, code, message, details)


def table_of(call: Call, module: object, operation: Operation, *, lines: bool) -> Table:
    """The records of the module that a job names; ``lines``: it may have lines, or be the lines themselves."""
    name = module.get("api_name") if isinstance(module, dict) else None
    table = call.org.tables.get(name) if isinstance(name, str) else None
    if table is None or not (lines or _is_without_lines(table)):
        raise refused("MODULE_NOT_AVAILABLE", f"Requested module '{name}' is not available.")
    call.module = table.module.api_name
    if call.module in call.org.options.hidden_modules:
        raise no_permission(f"Crm_Implied_View_{call.module}")
    call.need_scope(table, operation)
    return table


def _is_without_lines(table: Table) -> bool:
    return not table.module.subform and table.module.generated_type != "subform"


def callback_of(body: JsonObject) -> JsonObject | None:
    """The callback that a job was given; it is checked here, and posted to at the end (courier.py)."""
    given = body.get("callback")
    if given is None:
        return None
    url = urlsplit(str(given.get("url", ""))) if isinstance(given, dict) else None
    if url is None or url.scheme not in ("http", "https") or not url.netloc:
        raise refused("INVALID_CALLBACK_URL", "Invalid callback URL provided")
    if given.get("method") != "post":
        message = "the callback method is not supported"
        raise refused("INVALID_CALLBACK_METHOD", message, supported_callback_methods=["post"])
    return {"url": given["url"], "method": "post"}


def find_job(call: Call, kind: type[_Work]) -> tuple[Job, _Work]:
    """The job of the path and its work; KeyError for one that is not there or is of another kind."""
    job = call.org.jobs.by_id[call.record]
    if not isinstance(job.work, kind):
        raise KeyError(call.record)
    return job, job.work


def zip_reply(name: str, archive: bytes, records: int, media: str) -> Reply:
    """A zip archive, as this media type."""
    headers = (("Content-Disposition", f'attachment; filename="{name}"'),)
    return Reply(200, archive, media, headers, records)
