"""Every request that we make to Zoho's API: where it goes, the scope it needs, what it costs. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

import httpx2
import orjson

from ml_connector.connectors.zoho_crm import bulk, coql, limits, schema, wire
from ml_connector.connectors.zoho_crm.config import ZohoConfig
from ml_connector.connectors.zoho_crm.schema import API_PATH, BULK_PATH, ModuleMeta
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.needs import FieldNeed, ModuleNeed
from ml_connector.core.ports import BulkFile, Write

_WATCH = "/actions/watch"
_NO_FIELD = "1"  #: no field has this id: theirs have 18 digits and more


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the API, and what holds for it."""

    operation: str  #: its name in the costs
    method: str
    path: str  #: below ``root``
    scope: str  #: the OAuth scope that it needs
    does: str  #: completes "Zoho does not let us ..."
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"  #: of the body
    root: str = API_PATH
    base: str = ""  #: another host than the API's, which may have our token
    credits: int = 1
    heavy: bool = False  #: of those that Zoho takes only ten of at once
    repeatable: bool = True  #: doing it twice does the same as once
    vital: bool = False  #: it tells how things stand: made even where few credits are left


ORG = Call("org", "GET", "/org", schema.ORG_SCOPE, "read the organisation", vital=True)
MODULES = Call("modules", "GET", "/settings/modules", schema.MODULES_READ_SCOPE, "read the modules")
CURRENT_USER = Call("users", "GET", "/users", schema.USERS_SCOPE, "read our user", {"type": "CurrentUser"})
PROFILES = Call("profiles", "GET", "/settings/profiles", schema.PROFILES_SCOPE, "read the profiles")


def layouts(module: str) -> Call:
    """The page layouts of a module."""
    params = {"module": coql.checked_name(module)}
    does = f"read the layouts of {module}"
    return Call("layouts", "GET", "/settings/layouts", schema.LAYOUTS_SCOPE, does, params)


def users(page: int) -> Call:
    """A page (from 1) of the active users."""
    params = {"type": "ActiveUsers", "page": str(page), "per_page": "200"}
    return Call("users", "GET", "/users", schema.USERS_SCOPE, "read the users", params)


# ---- records


def records(module: str, ids: Sequence[str], fields: Sequence[str]) -> Call:
    """These fields (at most 50) of these records (at most 100)."""
    params = {"ids": ",".join(map(coql.checked_id, ids)), "fields": ",".join(map(coql.checked_name, fields))}
    return replace(_of_module("read", "GET", module, "READ"), params=params)


def record(module: str, record_id: str) -> Call:
    """One record, whole."""
    call = _of_module("read", "GET", module, "READ")
    return replace(call, path=f"{call.path}/{coql.checked_id(record_id)}")


def query(module: str, text: str, limit: int) -> Call:
    """A COQL query of at most ``limit`` rows."""
    return Call(
        "query",
        "POST",
        "/coql",
        f"{schema.COQL_SCOPE} (with {schema.module_scope(module, 'READ')})",
        f"query {module} by COQL",
        body=coql.encode_query(text),
        credits=limits.query_credits(limit),
        heavy=True,
    )


def deleted(module: str, since: datetime, page: int) -> Call:
    """A page (from 1) of what was deleted at or after ``since``."""
    call = _of_module("deleted", "GET", module, "READ")
    params = {"type": "all", "page": str(page), "per_page": "200"}
    headers = {"If-Modified-Since": wire.stamp(since)}
    return replace(call, path=f"{call.path}/deleted", params=params, headers=headers)


def write(
    module: str,
    meta: ModuleMeta,
    batch: Sequence[Write],
    trigger: Sequence[str],
    unmodified_since: datetime | None,
) -> Call:
    """An insert or an update of up to 100 records, which may start the automations of ``trigger``.

    An update may be repeated, unless it depends on what the record was: the first one, whose answer was lost, would
    make the second one fail.
    """
    if batch[0].target_id is None:
        call = _of_module("insert", "POST", module, "CREATE")
    else:
        call = _of_module("update", "PUT", module, "UPDATE")
    return replace(
        call,
        body=wire.encode_writes(meta, batch, trigger),
        credits=limits.write_credits(len(batch)),
        heavy=len(batch) > limits.LIGHT_WRITE,
        headers={"If-Unmodified-Since": wire.stamp(unmodified_since)} if unmodified_since else {},
        repeatable=call.method == "PUT" and unmodified_since is None,
    )


def write_nothing(module: str, right: str, trigger: Sequence[str]) -> Call:
    """A "CREATE" or "UPDATE" of no records, which changes nothing."""
    method = {"CREATE": "POST", "UPDATE": "PUT"}[right]
    body = wire.encode_writes(ModuleMeta.of([]), [], trigger)
    return replace(_of_module("try", method, module, right), body=body)


def _of_module(operation: str, method: str, module: str, right: str) -> Call:
    """A call to the records of a module, to be completed by ``replace``."""
    verb = {"READ": "read", "CREATE": "create records of", "UPDATE": "update records of"}[right]
    path = f"/{coql.checked_name(module)}"
    return Call(operation, method, path, schema.module_scope(module, right), f"{verb} {module}")


# ---- notification channels


def watch(method: str, channel: Mapping[str, object]) -> Call:
    """Enable (POST) or change (PATCH) a channel; the same once more changes nothing."""
    body = orjson.dumps({"watch": [channel]})
    return Call("channels", method, _WATCH, schema.CHANNELS_SCOPE, "be notified of changes", body=body)


def watched(which: Mapping[str, str]) -> Call:
    """Channels: those of a ``channel_id`` or a ``module``, or a ``page`` (from 1) of all."""
    return Call("channels", "GET", _WATCH, schema.CHANNELS_SCOPE, "read the notification channels", which)


def unwatch(channel_id: str) -> Call:
    """Disable a channel."""
    params, does = {"channel_ids": coql.checked_id(channel_id)}, "remove a notification channel"
    return Call("channels", "DELETE", _WATCH, schema.CHANNELS_SCOPE, does, params)


# ---- bulk jobs


def upload(config: ZohoConfig, org_id: str, name: str, content: bytes) -> Call:
    """Hand over the zipped file of a bulk job."""
    content_type, body = bulk.multipart(f"{name}.zip", content)
    return Call(
        "bulk upload",
        "POST",
        "/upload",
        schema.FILES_SCOPE,
        "upload the file of a bulk job",
        headers={"feature": "bulk-write", "X-CRM-ORG": org_id},
        body=body,
        content_type=content_type,
        base=schema.upload_url(config),
        credits=limits.CALL_CREDITS,
    )


def start_job(meta: ModuleMeta, file: BulkFile) -> Call:
    """Make a job of an uploaded file: once, because whether a lost one began cannot be found out."""
    return Call(
        "bulk job",
        "POST",
        "/write",
        f"{schema.BULK_SCOPE} (with {schema.module_scope(file.module, 'CREATE')})",
        f"write {file.module} by a bulk job",
        body=bulk.encode_job(meta, file),
        root=BULK_PATH,
        credits=limits.JOB_CREDITS,
        repeatable=False,
    )


def job(job_id: str) -> Call:
    """How far a bulk job is."""
    path = f"/write/{coql.checked_id(job_id)}"
    return Call("bulk state", "GET", path, schema.BULK_SCOPE, "look at a bulk job", root=BULK_PATH)


def results(config: ZohoConfig, url: str) -> Call:
    """The results of a bulk job. ConfigurationError where ``url`` leads to a host that may not have our token."""
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    if base and not schema.is_trusted_download(config, base):
        raise ConfigurationError(
            f"The results of a bulk job are at {parts.hostname}, which is no host of Zoho's that we know.",
            "Please report it; the records are written in the ordinary way.",
        )
    params = dict(httpx2.QueryParams(parts.query))
    does, scope = "read a bulk job", schema.BULK_SCOPE
    return Call("bulk results", "GET", parts.path, scope, does, params, root="", base=base)


# ---- fields and modules


def fields(module: str) -> Call:
    """The fields of a module."""
    return _fields("fields", "GET", module)


def create_fields(module: str, needs: Sequence[FieldNeed]) -> Call:
    """Create up to five custom fields."""
    return _fields("create fields", "POST", module, wire.encode_fields(needs))


def create_no_fields(module: str) -> Call:
    """A request for no custom fields, which changes nothing."""
    return _fields("try", "POST", module, wire.encode_fields([]))


def relabel_field(module: str, field_id: str, label: str) -> Call:
    """Give a field another label."""
    return _fields("relabel fields", "PATCH", module, wire.encode_label(label), field_id)


def relabel_no_field(module: str, label: str) -> Call:
    """The same for a field that there is not."""
    return _fields("try", "PATCH", module, wire.encode_label(label), _NO_FIELD)


#: Method -> what it does with fields, and the scope for it.
_OF_FIELDS: Mapping[str, tuple[str, str]] = {
    "GET": ("read", schema.FIELDS_READ_SCOPE),
    "POST": ("create", schema.FIELDS_CREATE_SCOPE),
    "PATCH": ("relabel", schema.FIELDS_UPDATE_SCOPE),
}


def _fields(operation: str, method: str, module: str, body: bytes | None = None, field_id: str = "") -> Call:
    verb, scope = _OF_FIELDS[method]
    path = "/settings/fields" + (f"/{coql.checked_id(field_id)}" if field_id else "")
    params, does = {"module": coql.checked_name(module)}, f"{verb} fields of {module}"
    return Call(operation, method, path, scope, does, params, body=body, repeatable=method != "POST")


def create_module(need: ModuleNeed | None, profiles: Sequence[str]) -> Call:
    """Create a custom module for people of these profiles; None: no module, which changes nothing."""
    scope, price = schema.MODULES_CREATE_SCOPE, limits.MODULE_CREDITS
    path, does, body = "/settings/modules", "create modules", wire.encode_module(need, profiles)
    return Call("create modules", "POST", path, scope, does, body=body, credits=price, repeatable=False)
