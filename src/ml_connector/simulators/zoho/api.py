"""The API's surface: which path and method is which call, what it needs, what it costs."""

from collections.abc import Callable

from ml_connector.simulators.zoho import (
    bulk_calls,
    bulk_files,
    bulk_read,
    bulk_write,
    field_calls,
    merging,
    module_calls,
    record_reads,
    record_writes,
    settings_calls,
    watch_calls,
)
from ml_connector.simulators.zoho.call import Call, split_ids
from ml_connector.simulators.zoho.coql import parse_query
from ml_connector.simulators.zoho.coql_run import run_query
from ml_connector.simulators.zoho.org import ZGID, Org
from ml_connector.simulators.zoho.replies import (
    Reply,
    RequestRefusedError,
    json_reply,
    no_permission,
    scope_mismatch,
)
from ml_connector.simulators.zoho.route import Needs, Route, one_credit
from ml_connector.simulators.zoho.scopes import FILES, SEARCH, Operation, covers
from ml_connector.simulators.zoho.search import search_records

_PREFIX = "/crm/v8/"
_BULK_PREFIX = "/crm/bulk/v8/"
_DOWNLOAD_PREFIX = "/v2/crm/"  # of the download host, which is this one here
_HEAVY_RECORDS = 10  # a write of more records counts against the sub-concurrency


def run_coql(call: Call) -> Reply:
    """POST /coql."""
    query = parse_query(_select(call))
    call.module = query.module
    table = call.org.tables.get(query.module)
    if table:
        call.need_scope(table, Operation.READ)
    answer = run_query(call.org, query)
    if not answer.data:
        return record_reads.NOTHING
    info = {"count": len(answer.data), "more_records": answer.more_records}
    return json_reply(200, {"data": answer.data, "info": info}, len(answer.data))


def _select(call: Call) -> str:
    text = call.body.get("select_query")
    if not isinstance(text, str):
        details = {"api_name": "select_query"}
        raise RequestRefusedError(400, "MANDATORY_NOT_FOUND", "mandatory key not found", details)
    return text


def _for_each_ten(call: Call) -> int:
    return -(-_records_sent(call) // 10)


def _for_each_hundred(call: Call) -> int:
    return max(1, -(-len(split_ids(call.query.get("ids", ""))) // 100))


def _by_limit(call: Call) -> int:
    return parse_query(_select(call)).credits


def _new_module(_call: Call) -> int:
    return 500


def _merging(_call: Call) -> int:
    return merging.CREDITS


def _records_sent(call: Call) -> int:
    data = call.body.get("data")
    return max(1, len(data)) if isinstance(data, list) else 1


def _sends_many(call: Call) -> bool:
    return _records_sent(call) > _HEAVY_RECORDS


def _sorts(call: Call) -> bool:
    return "sort_by" in call.query or "cvid" in call.query


def _always(_call: Call) -> bool:
    return True


def _write(kind: str, handle: Callable[[Call], Reply], operation: Operation) -> Route:
    return Route(kind, handle, "modules", operation, _for_each_ten, has_body=True, is_heavy=_sends_many)


def _customising(
    kind: str, area: str, handle: Callable[[Call], Reply], operation: Operation, cost: Needs = one_credit
) -> Route:
    return Route(
        f"settings.{kind}", handle, f"settings.{area}", operation, cost, has_body=True, customises=True
    )


def _watching(kind: str, handle: Callable[[Call], Reply], operation: Operation) -> Route:
    return Route(f"watch.{kind}", handle, "notifications", operation, has_body=True)


_READ, _CREATE, _UPDATE, _DELETE = Operation.READ, Operation.CREATE, Operation.UPDATE, Operation.DELETE
_Methods = dict[str, Route]
_NOT_MODULES = frozenset({"settings", "org", "users", "coql", "actions", "upload"})
_FIXED: dict[str, _Methods] = {
    "upload": {"POST": Route("upload", bulk_files.upload_file, "files", _CREATE, bulk_calls.call_credits)},
    "org": {"GET": Route("org", settings_calls.get_org, "org", _READ)},
    "users": {"GET": Route("users", settings_calls.get_users, "users", _READ)},
    "coql": {"POST": Route("coql", run_coql, "coql", _READ, _by_limit, has_body=True, is_heavy=_always)},
    "actions/watch": {
        "GET": Route("watch.list", watch_calls.list_channels, "notifications", _READ),
        "POST": _watching("enable", watch_calls.enable_channels, _CREATE),
        "PUT": _watching("replace", watch_calls.replace_channels, _UPDATE),
        "PATCH": _watching("update", watch_calls.update_channels, _UPDATE),
        "DELETE": Route("watch.disable", watch_calls.disable_channels, "notifications", _DELETE),
    },
    "settings/modules": {
        "GET": Route("settings.modules", module_calls.list_modules, "settings.modules", _READ),
        "POST": _customising("modules.create", "modules", module_calls.create_module, _CREATE, _new_module),
    },
    "settings/fields": {
        "GET": Route("settings.fields", field_calls.list_fields, "settings.fields", _READ),
        "POST": _customising("fields.create", "fields", field_calls.create_fields, _CREATE),
        "PATCH": _customising("fields.update", "fields", field_calls.update_fields, _UPDATE),
    },
    "settings/profiles": {
        "GET": Route("settings.profiles", settings_calls.list_profiles, "settings.profiles", _READ)
    },
    "settings/layouts": {
        "GET": Route("settings.layouts", settings_calls.list_layouts, "settings.layouts", _READ)
    },
}
_ONE_MODULE = {"GET": Route("settings.module", module_calls.get_module, "settings.modules", _READ)}
_ONE_FIELD = {
    "GET": Route("settings.field", field_calls.get_field, "settings.fields", _READ),
    "PATCH": _customising("field.update", "fields", field_calls.update_field, _UPDATE),
    "DELETE": Route(
        "settings.field.delete", field_calls.delete_field, "settings.fields", _DELETE, customises=True
    ),
}
_RECORDS = {
    "GET": Route("records.list", record_reads.list_records, "modules", _READ, is_heavy=_sorts),
    "POST": _write("records.insert", record_writes.insert_records, _CREATE),
    "PUT": _write("records.update", record_writes.update_records, _UPDATE),
    "DELETE": Route("records.delete", record_writes.delete_records, "modules", _DELETE, _for_each_hundred),
}
_RECORD = {
    "GET": Route("record.get", record_reads.get_record, "modules", _READ),
    "PUT": _write("record.update", record_writes.update_record, _UPDATE),
    "DELETE": Route("record.delete", record_writes.delete_records, "modules", _DELETE),
}
_OF_MODULE: dict[str, _Methods] = {
    "search": {"GET": Route("search", search_records, "modules", _READ, also=SEARCH)},
    "deleted": {"GET": Route("deleted", record_reads.list_deleted, "modules", _READ)},
    "upsert": {"POST": _write("records.upsert", record_writes.upsert_records, _CREATE)},
}
_MERGE = {
    "POST": Route("record.merge", merging.merge_records, "modules", _UPDATE, _merging, has_body=True),
}
_BULK_WRITE = {
    "POST": Route(
        "bulk.write", bulk_write.create_job, "bulk", _CREATE, bulk_calls.write_credits, has_body=True
    )
}
# Zoho's page of the job's details asks for ZohoCRM.bulk.CREATE, not READ; for the result it is inferred.
_BULK_WRITE_JOB = {
    "GET": Route("bulk.write.job", bulk_write.get_job, "bulk", _CREATE, bulk_calls.call_credits)
}
_BULK_WRITE_RESULT = {
    "GET": Route("bulk.write.result", bulk_write.download_result, "bulk", _CREATE, bulk_calls.call_credits)
}
_BULK_READ = {
    "POST": Route("bulk.read", bulk_read.create_job, "bulk", _READ, bulk_calls.read_credits, has_body=True)
}
_BULK_READ_JOB = {"GET": Route("bulk.read.job", bulk_read.get_job, "bulk", _READ, bulk_calls.call_credits)}
_BULK_READ_RESULT = {
    "GET": Route("bulk.read.result", bulk_read.download_result, "bulk", _READ, bulk_calls.call_credits)
}


def is_api(path: str) -> bool:
    """Whether a path is one of the API's, not of the accounts server."""
    return path.startswith((_PREFIX, _BULK_PREFIX, _DOWNLOAD_PREFIX))


def find_route(path: str, method: str) -> tuple[Route, str, str]:
    """(route, module, record or job) of a path; RequestRefusedError for what does not exist."""
    if path.startswith(_PREFIX):
        methods, module, record = _place(path.removeprefix(_PREFIX))
    else:
        methods, record = _bulk_place(path)
        module = ""
    if methods is None:
        message = "Please check if the URL trying to access is a correct one"
        raise RequestRefusedError(404, "INVALID_URL_PATTERN", message)
    if method not in methods:
        message = "The http request method type is not a valid one"
        raise RequestRefusedError(400, "INVALID_REQUEST_METHOD", message)
    return methods[method], module, record


def _place(path: str) -> tuple[_Methods | None, str, str]:
    """What a path below /crm/v8/ answers to, its module and its record."""
    if path in _FIXED:
        return _FIXED[path], "", ""
    match path.split("/"):
        case ["settings", "modules", module]:
            return _ONE_MODULE, module, ""
        case ["settings", "fields", record]:
            return _ONE_FIELD, "", record
        case [module] if module and module != "settings":
            return _RECORDS, module, ""
        case [module, word] if word in _OF_MODULE and module != "settings":
            return _OF_MODULE[word], module, ""
        case [module, record] if record and module not in _NOT_MODULES:
            return _RECORD, module, record
        case [module, record, "actions", "merge"]:
            return _MERGE, module, record
        case _:
            return None, "", ""


def _bulk_place(path: str) -> tuple[_Methods | None, str]:
    """What a path of the bulk calls answers to, and its job."""
    match path.removeprefix(_BULK_PREFIX).split("/"):
        case ["write"]:
            return _BULK_WRITE, ""
        case ["write", job]:
            return _BULK_WRITE_JOB, job
        case ["read"]:
            return _BULK_READ, ""
        case ["read", job]:
            return _BULK_READ_JOB, job
        case ["read", job, "result"]:
            return _BULK_READ_RESULT, job
        case ["", "v2", "crm", zgid, "bulk-write", job, file] if zgid == ZGID and file == f"{job}.zip":
            return _BULK_WRITE_RESULT, job
        case _:
            return None, ""


def authorise(org: Org, header: str | None) -> frozenset[str]:
    """Scopes of the token in the Authorization header; RequestRefusedError (401) without a good one."""
    if not header:
        raise RequestRefusedError(401, "AUTHENTICATION_FAILURE", "Authentication failed")
    scheme, _, token = header.partition(" ")
    grant = org.accounts.check(token.strip()) if scheme.lower() in ("zoho-oauthtoken", "bearer") else None
    if grant is None:
        raise RequestRefusedError(401, "INVALID_TOKEN", "invalid oauth token")
    return grant.scopes


def check_scopes(call: Call, route: Route) -> None:
    """RequestRefusedError unless scopes (401) and profile (403) permit the call; an unknown module is told first."""
    area, scopes = route.area, call.scopes
    if area == "modules":
        module = call.table.module
        if module.generated_type == "subform":
            details = {"resource_path_index": 0}
            raise RequestRefusedError(
                400, "INVALID_MODULE", "the given module is not supported in api", details
            )
        if module.api_name in call.org.options.hidden_modules:
            raise no_permission(f"Crm_Implied_View_{module.api_name}")
        area = f"modules.{module.scope}"
    if not covers(scopes, FILES if area == "files" else f"zohocrm.{area}", route.operation):
        raise scope_mismatch()
    if route.also and not covers(scopes, route.also, _READ):
        raise scope_mismatch()
    if route.customises and not call.org.options.may_customise:
        raise no_permission("Crm_Implied_Customize_Zoho_CRM")
