"""POST /read, its job and its result: up to 200,000 records as a CSV file (Zoho's "Bulk Read" pages).

Inferred: the records are those of the second at which the job ends, in the order of their ids; a lookup's cell has the
other record's id; a job that goes wrong is in state FAILURE and has no result. Not simulated: custom views, ICS files,
and the limit of ten downloads a minute.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ml_connector.simulators.zoho.bulk_calls import (
    add_job,
    callback_of,
    find_job,
    refused,
    table_of,
    zip_reply,
)
from ml_connector.simulators.zoho.bulk_criteria import compile_criteria, find_column
from ml_connector.simulators.zoho.bulk_jobs import Job, JobState
from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.coql_run import Column, Resolver
from ml_connector.simulators.zoho.csv_rows import write_sheet, zipped
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.paging import TOKEN_SECONDS, Page, new_token
from ml_connector.simulators.zoho.predicates import Predicate
from ml_connector.simulators.zoho.records import Row, Table
from ml_connector.simulators.zoho.replies import (
    JsonObject,
    Reply,
    RequestRefusedError,
    json_reply,
)
from ml_connector.simulators.zoho.scopes import Operation

MAX_PAGE = 500
_STATES = {JobState.FAILED: "FAILURE", JobState.SKIPPED: "FAILURE"}


@dataclass(slots=True)
class ReadWork:
    """A bulk read."""

    org: Org
    table: Table
    shown_query: JsonObject
    columns: list[Column]
    holds: Predicate
    after: str
    """Records with greater ids; from a page token."""
    page: int
    bound_to: tuple[Any, ...]
    """What the token of the next page is good for."""
    per_page: int
    callback: JsonObject | None
    rows: list[Row] = field(default_factory=list)
    next_token: str | None = None
    more: bool = False

    def advance(self, first: int, last: int, at: int) -> None:
        """See bulk_jobs.Work: everything is read at the end."""

    def end(self) -> None:
        """Keeps the rows as they are now; they are never changed, only replaced."""
        table = self.table
        found = [
            row for row_id in table.ids_between(self.after, None) if self.holds(row := table.rows[row_id])
        ]
        start = 0 if self.after else (self.page - 1) * self.per_page
        end = start + self.per_page
        self.rows, self.more = found[start:end], len(found) > end
        if self.more:
            self.next_token = new_token()
            expires_at = self.org.clock.now() + TOKEN_SECONDS
            last_id, number = self.rows[-1]["id"], self.page + 1
            self.org.page_tokens.keep(
                Page(self.bound_to, last_id, 0, number, self.next_token, None, expires_at)
            )

    def result(self) -> bytes:
        """The CSV file."""
        writers = [_writer(self.org, column) for column in self.columns]
        headings = [".".join(column.path) for column in self.columns]
        return write_sheet(headings, ([write(row) for write in writers] for row in self.rows))


def create_job(call: Call) -> Reply:
    """POST /read."""
    query = call.body.get("query")
    if not isinstance(query, dict):
        raise refused("INVALID_REQUEST", "the query is missing", api_name="query")
    if call.body.get("file_type", "csv") != "csv" or query.get("cvid") is not None:
        raise refused("NOT_SUPPORTED_FEATURE", "only CSV files of whole modules are simulated")
    callback = callback_of(call.body)
    table = table_of(call, query.get("module"), Operation.READ, lines=True)
    with call.org.lock:
        work = _work(call, table, query, callback)
        rows = sum(work.holds(row) for row in table.rows.values())
        job = add_job(call, "read", work, min(rows, work.per_page))
    details = {
        "id": job.id,
        "operation": "read",
        "state": JobState.ADDED.value,
        "created_by": call.org.users[call.user],
        "created_time": call.org.clock.render(int(job.created_at)),
    }
    made = {"status": "success", "code": "ADDED_SUCCESSFULLY", "message": "Added successfully."}
    return json_reply(201, {"data": [{**made, "details": details}], "info": {}})


def get_job(call: Call) -> Reply:
    """GET /read/{id}."""
    with call.org.lock:
        job, work = _found(call)
        return json_reply(200, details_of(call.org, job, work))


def details_of(org: Org, job: Job, work: ReadWork) -> JsonObject:
    """What a look at the job answers; the organisation's lock is held."""
    queued = job.state == JobState.ADDED and org.jobs.is_queued(job)
    shown: JsonObject = {
        "id": job.id,
        "operation": "read",
        "state": "QUEUED" if queued else _STATES.get(job.state, job.state.value),
        "query": work.shown_query,
        "created_by": org.users[job.created_by],
        "created_time": org.clock.render(int(job.created_at)),
        "file_type": "csv",
    }
    if work.callback:
        shown["callback"] = work.callback
    if job.state == JobState.COMPLETED:
        shown["result"] = _shown_result(job, work)
    return {"data": [shown]}


def download_result(call: Call) -> Reply:
    """GET /read/{id}/result: a zip archive with one CSV file."""
    with call.org.lock:
        job, work = _found(call)
        if job.state != JobState.COMPLETED:
            raise _not_found(call)
        archive = zipped(f"{job.id}.csv", work.result())
    return zip_reply(f"{job.id}.zip", archive, len(work.rows), "application/zip")


def _found(call: Call) -> tuple[Job, ReadWork]:
    try:
        return find_job(call, ReadWork)
    except KeyError as error:
        raise _not_found(call) from error


def _not_found(call: Call) -> RequestRefusedError:
    message = "The requested resource doesn't exist."
    return RequestRefusedError(404, "RESOURCE_NOT_FOUND", message, {"resource": call.record})


def _shown_result(job: Job, work: ReadWork) -> JsonObject:
    result: JsonObject = {
        "page": work.page,
        "per_page": work.per_page,
        "count": len(work.rows),
        "download_url": f"/crm/bulk/v8/read/{job.id}/result",
        "more_records": work.more,
    }
    return result | ({"next_page_token": work.next_token} if work.next_token else {})


def _work(call: Call, table: Table, query: JsonObject, callback: JsonObject | None) -> ReadWork:
    resolver = Resolver(call.org, table)
    bound_to = (
        "bulk",
        call.user,
        table.module.api_name,
        repr(query.get("fields")),
        repr(query.get("criteria")),
    )
    token, page, after = query.get("page_token"), query.get("page"), ""
    if token is not None:
        if page is not None:
            raise refused("AMBIGUITY_DURING_PROCESSING", "page and page_token cannot be given together")
        found = call.org.page_tokens.find(str(token), bound_to, call.org.clock.now())
        after, page = found.after, found.number
    page = 1 if page is None else page
    if page.__class__ is not int or not 1 <= page <= MAX_PAGE:
        raise refused("PAGE_RANGE_EXCEEDED", "the page is out of range", max_limit=MAX_PAGE)
    module = {"api_name": table.module.api_name, "id": table.module.id}
    return ReadWork(
        org=call.org,
        table=table,
        shown_query={**query, "module": module, "page": page},
        columns=_columns(resolver, table, query.get("fields")),
        holds=compile_criteria(resolver, query.get("criteria")),
        after=after,
        page=page,
        bound_to=bound_to,
        per_page=call.org.options.bulk_read_rows,
        callback=callback,
    )


def _columns(resolver: Resolver, table: Table, names: Any) -> list[Column]:  # noqa: ANN401
    """`id` and the fields that are asked for, by default all but subforms."""
    if names is not None and not isinstance(names, list):
        raise refused("INVALID_REQUEST", "the fields are no list", api_name="fields")
    asked = names or [name for name, one in table.module.fields.items() if not one.subform]
    columns = [find_column(resolver, name, "FIELD_NOT_AVAILABLE") for name in dict.fromkeys(["id", *asked])]
    for column in columns:
        if column.field.subform:
            raise refused("FIELD_NOT_SUPPORTED", "subforms are modules of their own", api_name=column.path[0])
    return columns


def _writer(org: Org, column: Column) -> Callable[[Row], str]:
    get, render = column.get, org.clock.render
    if column.field.data_type == "datetime":
        return lambda row: "" if (at := get(row)) is None else render(at)
    return lambda row: _text(get(row))


def _text(value: Any) -> str:  # noqa: ANN401 -- any stored value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ";".join(value) if isinstance(value, list) else str(value)
