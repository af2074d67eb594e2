"""POST /write, its job and its result: many records from a CSV file (Zoho's "Bulk Write" pages).

Not simulated: several resources in one job (a parent with its children).
"""

from typing import Any

from ml_connector.simulators.zoho.bulk_calls import (
    add_job,
    callback_of,
    find_job,
    refused,
    table_of,
    zip_reply,
)
from ml_connector.simulators.zoho.bulk_jobs import RUNNING, Job, JobState
from ml_connector.simulators.zoho.bulk_mapping import check_operation, columns_of
from ml_connector.simulators.zoho.bulk_rows import Plan, WriteWork
from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.csv_rows import Sheet, read_sheet
from ml_connector.simulators.zoho.org import ZGID, Org
from ml_connector.simulators.zoho.records import Table
from ml_connector.simulators.zoho.replies import JsonObject, Reply, json_reply
from ml_connector.simulators.zoho.scopes import Operation

MAX_ROWS = 25_000
OPERATIONS = ("insert", "update", "upsert")


def create_job(call: Call) -> Reply:
    """POST /write."""
    operation = _required(call.body, "operation", "$")
    if operation not in OPERATIONS:
        raise refused("INVALID_DATA", "invalid data", api_name="operation", json_path="$.operation")
    callback = callback_of(call.body)
    resource = _resource(call.body)
    module = _required(resource, "module", "$.resource[0]")
    table = table_of(call, module, Operation.CREATE, lines=False)  # facts 2.10
    given = call.body.get("character_encoding")
    encoding = None if given is None else str(given)
    name, sheet = _file(call, resource, encoding)
    with call.org.lock:
        plan = _plan(call, operation, table, resource, name, sheet.headings)
        work = WriteWork(call.org, plan, sheet.rows, encoding or "UTF-8", callback)
        job = add_job(call, operation, work, work.total)
    details = {"id": job.id, "created_by": call.org.users[call.user]}
    body = {"status": "success", "code": "SUCCESS", "message": "success", "details": details}
    return json_reply(201, body, work.total)


def get_job(call: Call) -> Reply:
    """GET /write/{id}."""
    with call.org.lock:
        try:
            job, work = find_job(call, WriteWork)
        except KeyError as error:
            raise refused("RESOURCE_NOT_FOUND", "The requested resource doesn't exist.") from error
        return json_reply(200, details_of(call.org, call.base_url, job, work))


def download_result(call: Call) -> Reply:
    """GET of the result's address: a zip archive with one CSV file."""
    with call.org.lock:
        job = call.org.jobs.by_id.get(call.record)
        if job is None or not isinstance(job.work, WriteWork) or not _has_result(job):
            forbidden = {"info": "Forbidden", "x-info": "Link not valid", "http_status": "403"}
            return json_reply(403, {**forbidden, "status": "error"})
        work = job.work
    return zip_reply(f"{job.id}.zip", work.archive, work.total, "application/octet-stream")


def _required(given: JsonObject, key: str, path: str) -> Any:  # noqa: ANN401 -- from the body
    if given.get(key) is None:
        message = f"required key {key} is not found in request body."
        raise refused("MISSING_REQUIRED_KEY", message, json_path=f"{path}.{key}")
    return given[key]


def _resource(body: JsonObject) -> JsonObject:
    resources = _required(body, "resource", "$")
    if not isinstance(resources, list) or not all(isinstance(one, dict) for one in resources):
        raise refused("INVALID_DATA", "invalid data", api_name="resource", json_path="$.resource")
    if len(resources) != 1:
        raise refused("INVALID_REQUEST", "several resources are not simulated", json_path="$.resource")
    if _required(resources[0], "type", "$.resource[0]") != "data":
        raise refused("INVALID_DATA", "invalid data", api_name="type", json_path="$.resource[0].type")
    return dict(resources[0])


def _file(call: Call, resource: JsonObject, encoding: str | None) -> tuple[str, Sheet]:
    """Name and content; the code for a file that is too long is inferred ("considered as an improper file")."""
    upload = call.org.uploads.get(str(_required(resource, "file_id", "$.resource[0]")))
    if upload is None:
        raise refused("INVALID_FILE_ID", "improper file id")
    names = resource.get("file_names")
    if names is not None and names != [upload.name]:
        raise refused("FILE_NOT_FOUND", "the file is not in the archive", file_names=names)
    try:
        sheet = read_sheet(upload.content(), encoding)
    except ValueError as error:
        raise refused("FILE_NOT_SUPPORTED", "File not supported for bulk write") from error
    if len(sheet.rows) > MAX_ROWS:
        raise refused("FILE_NOT_SUPPORTED", "File not supported for bulk write", limit=MAX_ROWS)
    return upload.name, sheet


def _plan(
    call: Call, operation: str, table: Table, resource: JsonObject, name: str, headings: list[str]
) -> Plan:
    columns = columns_of(call, table.module, resource, headings)
    find_by = resource.get("find_by")
    check_operation(table.module, operation, find_by, columns)
    # Zoho's page has it beside `operation`, its OpenAPI file in the resource.
    ignore_empty = bool(resource.get("ignore_empty", call.body.get("ignore_empty", False)))
    return Plan(operation, call.user, table, name, headings, columns, find_by, ignore_empty)


def _has_result(job: Job) -> bool:
    """Whether a job that went wrong has one is not documented: it has none here."""
    return job.state == JobState.COMPLETED


def details_of(org: Org, base_url: str, job: Job, work: WriteWork) -> JsonObject:
    """What a look at the job answers; the organisation's lock is held."""
    word = org.options.bulk_progress_word if job.state == JobState.IN_PROGRESS else job.state.value
    body: JsonObject = {
        "status": word,
        "character_encoding": work.encoding,
        "resource": [_shown_resource(work, word, is_running=job.state in RUNNING)],
        "id": job.id,
        "created_by": org.users[job.created_by],
        "operation": job.operation,
        "created_time": org.clock.render(int(job.created_at)),
    }
    if work.callback:
        body["callback"] = work.callback
    if _has_result(job):
        address = f"{base_url}/v2/crm/{ZGID}/bulk-write/{job.id}/{job.id}.zip"
        body["result"] = {"download_url": address}
    return body


def _shown_resource(work: WriteWork, word: str, *, is_running: bool) -> JsonObject:
    plan, counts = work.plan, work.counts
    file: JsonObject = {
        "status": word,
        "name": plan.file_name,
        "added_count": counts["ADDED"],
        "skipped_count": counts["SKIPPED"],
        "updated_count": counts["UPDATED"],
        "total_count": work.total,
    }
    module = plan.table.module
    shown: JsonObject = {
        "status": word,
        "type": "data",
        "module": {"api_name": module.api_name, "id": module.id},
        "ignore_empty": plan.ignore_empty,
        "field_mappings": [column.to_json() for column in plan.columns],
        "file": file,
    }
    return shown if is_running else {**shown, "code": word}
