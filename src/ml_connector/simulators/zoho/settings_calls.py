"""/settings: modules, fields, profiles and layouts; and /org and /users."""

import re
from typing import Any

from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.field import Field
from ml_connector.simulators.zoho.metadata import Module, custom_module
from ml_connector.simulators.zoho.org import ZGID
from ml_connector.simulators.zoho.people import TYPES
from ml_connector.simulators.zoho.record_reads import MAX_PER_PAGE, NOTHING
from ml_connector.simulators.zoho.replies import (
    JsonObject,
    Reply,
    failure,
    invalid_parameter,
    items_reply,
    json_reply,
    missing_parameter,
)

MAX_FIELDS_A_CALL = 5
MAX_KEYS = 2
"""Unique fields of a module, in every edition."""
MAX_MODULES_A_CALL = 1
CUSTOM_FIELDS = {"free": 0, "standard": 10, "professional": 155, "enterprise": 300, "ultimate": 500}
_EDITIONS_WITH_MODULES = frozenset({"enterprise", "ultimate"})
# Type: shortest and longest length that may be asked for, and the length when none is.
LENGTHS = {
    "text": (1, 255, 255),
    "textarea": (1, 50_000, 2_000),
    "email": (1, 100, 100),
    "phone": (1, 30, 30),
    "website": (1, 450, 450),
    "integer": (1, 9, 9),
    "bigint": (1, 18, 18),
    "double": (1, 18, 16),
    "currency": (1, 16, 16),
    "percent": (1, 5, 5),
    "autonumber": (1, 255, 255),
    "picklist": (1, 120, 120),
}
_TYPES = LENGTHS.keys() | {"date", "datetime", "boolean", "lookup", "userlookup", "multiselectpicklist"}
_UNIQUE_TYPES = frozenset({"text", "email", "phone", "integer", "bigint", "website"})
_LABEL = re.compile(r"[A-Za-z0-9 ]{1,25}")
_MODULE_NAME = re.compile(r"[A-Za-z](?!.*__)\w{0,48}[A-Za-z0-9]")


def get_org(call: Call) -> Reply:
    """GET /org."""
    options = call.org.options
    org = {
        "id": call.org.id,
        "zgid": ZGID,
        "company_name": "Fabrikam, Inc.",
        "time_zone": "America/Chicago",
        "currency": "US Dollar",
        "currency_symbol": "$",
        "iso_code": "USD",
        "country_code": "US",
        "country": "United States",
        "primary_email": "crm@fabrikam.example",
        "license_details": {
            "paid": options.edition != "free",
            "paid_type": options.edition,
            "users_license_purchased": options.users,
            "trial_type": None,
            "trial_expiry": None,
        },
        "mc_status": False,
        "type": "production",
    }
    return json_reply(200, {"org": [org]})


def get_users(call: Call) -> Reply:
    """GET /users: a page of those of a `type`."""
    chosen = TYPES.get(call.query.get("type", "AllUsers"))
    if chosen is None:
        raise invalid_parameter("type")
    per_page = call.whole("per_page", MAX_PER_PAGE, 1, MAX_PER_PAGE)
    page = call.whole("page", 1, 1, 10_000)
    found = [user for user in call.org.people.values() if chosen(user)]
    start = (page - 1) * per_page
    administrator, standard = call.org.profiles
    users = [
        user.to_json(administrator if user.is_administrator else standard)
        for user in found[start : start + per_page]
    ]
    if not users:
        return NOTHING
    more = start + per_page < len(found)
    info = {"per_page": per_page, "count": len(users), "page": page, "more_records": more}
    return json_reply(200, {"users": users, "info": info})


def list_modules(call: Call) -> Reply:
    """GET /settings/modules."""
    modules = [table.module.to_json(call.org.profiles) for table in list(call.org.tables.values())]
    return json_reply(200, {"modules": modules})


def get_module(call: Call) -> Reply:
    """GET /settings/modules/{api_name}."""
    return json_reply(200, {"modules": [call.table.module.to_json(call.org.profiles)]})


def create_module(call: Call) -> Reply:
    """POST /settings/modules: one custom module, Enterprise and up."""
    spec = call.items("modules", MAX_MODULES_A_CALL)[0]
    with call.org.lock:
        error = _module_error(call, spec)
        if error:
            return items_reply("modules", [error])
        display = spec["display_field"]
        name = Field(
            id=call.org.metadata_ids.new(),
            api_name="Name",
            data_type=display.get("data_type", "text"),
            label=str(display["field_label"]),
            length=120,
            mandatory=display.get("data_type", "text") == "text",
            read_only=display.get("data_type") == "autonumber",
        )
        api_name = spec.get("api_name") or str(spec["plural_label"]).replace(" ", "_")
        module = custom_module(
            call.org.metadata_ids, api_name, spec["singular_label"], spec["plural_label"], name
        )
        call.org.add_module(module)
    return items_reply("modules", [_made(module.id, "module created successfully")], created=201)


def list_fields(call: Call) -> Reply:
    """GET /settings/fields?module=."""
    ids, closed_key = call.org.module_ids(), call.org.options.closed_picklist_key
    fields = _asked_module(call).fields.values()
    return json_reply(200, {"fields": [field.to_json(ids, closed_key) for field in fields]})


def create_fields(call: Call) -> Reply:
    """POST /settings/fields?module=: at most five custom fields, each refused or made by itself."""
    _asked_module(call)
    specs = call.items("fields", MAX_FIELDS_A_CALL)
    with call.org.lock:
        items = [_create_field(call, spec, f"$.fields[{number}]") for number, spec in enumerate(specs)]
    return items_reply("fields", items, created=201)


def list_profiles(call: Call) -> Reply:
    """GET /settings/profiles."""
    profiles = [
        {**profile, "display_label": profile["name"], "custom": False} for profile in call.org.profiles
    ]
    return json_reply(200, {"profiles": profiles})


def list_layouts(call: Call) -> Reply:
    """GET /settings/layouts?module=."""
    module, profiles = _asked_module(call), call.org.profiles
    layouts = [layout.to_json(module, profiles) for layout in call.org.layouts_of(module.api_name)]
    return json_reply(200, {"layouts": layouts})


def _asked_module(call: Call) -> Module:
    if not call.query.get("module"):
        raise missing_parameter("module")
    call.module = call.query["module"]
    return call.table.module


def _create_field(call: Call, spec: JsonObject, path: str) -> JsonObject:
    module = call.table.module
    if not isinstance(spec, dict):
        return failure(
            "INVALID_DATA", "invalid data", {"expected_data_type": "jsonobject", "json_path": path}
        )
    error = _shape_error(call, spec, path) or _place_error(call, module, spec, path)
    if error:
        return error
    field = _new_field(call, spec)
    call.table.alter(module.with_fields([field]))
    return _made(field.id, "field created")


def _new_field(call: Call, spec: JsonObject) -> Field:
    kind = spec["data_type"]
    lookup = spec.get("lookup") or {}
    external = spec.get("external") or {}
    return Field(
        id=call.org.metadata_ids.new(),
        api_name=api_name_of(spec["field_label"]),
        data_type=kind,
        label=spec["field_label"],
        length=spec.get("length") or LENGTHS.get(kind, (0, 0, 120))[2],
        decimal_place=spec.get("decimal_place", 2 if kind == "currency" else None),
        read_only=kind == "autonumber",
        custom=True,
        unique=spec.get("unique") is not None and spec.get("unique") != {},
        external=external.get("type"),
        lookup=lookup.get("module", {}).get("api_name") if kind == "lookup" else None,
        pick_list=tuple(value.get("display_value", "") for value in spec.get("pick_list_values") or ()),
    )


def api_name_of(label: str) -> str:
    """The API name that Zoho derives: signs and blanks become one underscore."""
    return re.sub(r"\W+", "_", label).strip("_")


def _shape_error(call: Call, spec: JsonObject, path: str) -> JsonObject | None:
    """What is wrong with the description itself."""
    for name in ("field_label", "data_type"):
        if not isinstance(spec.get(name), str) or not spec[name]:
            details: JsonObject = {"api_name": name, "json_path": f"{path}.{name}"}
            return failure("MANDATORY_NOT_FOUND", "required field not found", details)
    kind = spec["data_type"]
    if kind not in _TYPES:
        return _invalid(path, "data_type")
    low, high, _ = LENGTHS.get(kind, (0, 10_000, 0))
    if spec.get("length") is not None and not low <= spec["length"] <= high:
        return _invalid(path, "length", range={"from": low, "to": high})
    if (
        kind == "lookup"
        and (spec.get("lookup") or {}).get("module", {}).get("api_name") not in call.org.tables
    ):
        return _invalid(path, "lookup")
    if spec.get("unique") and (kind not in _UNIQUE_TYPES or spec["unique"] != {"case_sensitive": False}):
        return _invalid(path, "unique")
    if spec.get("external") and (kind != "text" or spec["external"].get("type") not in ("org", "user")):
        return _invalid(path, "external")
    return None


def _place_error(call: Call, module: Module, spec: JsonObject, path: str) -> JsonObject | None:
    """Why the module cannot take the field."""
    name, label = api_name_of(spec["field_label"]), spec["field_label"].lower()
    if name in module.fields or any(field.label.lower() == label for field in module.fields.values()):
        details: JsonObject = {"api_name": "field_label", "json_path": f"{path}.field_label"}
        return failure("DUPLICATE_DATA", "duplicate data", details)
    limit = CUSTOM_FIELDS[call.org.options.edition]
    if not limit:  # the code is inferred: Zoho's page of the call knows only the next one
        return failure("NOT_SUPPORTED", "the feature is not supported in this edition", {"json_path": path})
    if sum(field.custom for field in module.fields.values()) >= limit:
        details = {"limit": limit, "json_path": path}
        return failure("LIMIT_EXCEEDED", "The field has reached its maximum creation limit", details)
    if (spec.get("unique") or spec.get("external")) and len(module.keys) >= MAX_KEYS:
        details = {"limit": MAX_KEYS, "api_name": "unique", "json_path": f"{path}.unique"}
        return failure("LIMIT_EXCEEDED", "unique field limit exceeded", details)
    return None


def _module_error(call: Call, spec: JsonObject) -> JsonObject | None:
    """Why the module cannot be made."""
    path = "$.modules[0]"
    if not isinstance(spec, dict):
        return failure(
            "INVALID_DATA", "invalid data", {"expected_data_type": "jsonobject", "json_path": path}
        )
    if call.org.options.edition not in _EDITIONS_WITH_MODULES:
        return failure("NOT_SUPPORTED", "the feature is not supported in this edition", {})
    for name in ("singular_label", "plural_label", "display_field"):
        if not spec.get(name):
            details: JsonObject = {"api_name": name, "json_path": f"{path}.{name}"}
            return failure("MANDATORY_NOT_FOUND", "required field not found", details)
    if not spec.get("profiles"):
        details = {"api_name": "profiles", "json_path": f"{path}.profiles"}
        return failure("MINIMUM_DATA_NOT_FOUND", "at least one profile is needed", details)
    return _module_name_error(call, spec, path)


def _module_name_error(call: Call, spec: JsonObject, path: str) -> JsonObject | None:
    for name in ("singular_label", "plural_label"):
        if not _LABEL.fullmatch(str(spec[name])):
            return _invalid(path, name)
    api_name = spec.get("api_name") or str(spec["plural_label"]).replace(" ", "_")
    if not _MODULE_NAME.fullmatch(api_name):
        return _invalid(path, "api_name")
    if api_name in call.org.tables:
        details: JsonObject = {"api_name": "api_name", "json_path": f"{path}.api_name"}
        return failure("DUPLICATE_DATA", "duplicate data", details)
    display = spec["display_field"]
    if not isinstance(display, dict) or not display.get("field_label"):
        return _invalid(path, "display_field")
    return None


def _invalid(path: str, name: str, **details: Any) -> JsonObject:  # noqa: ANN401
    return failure(
        "INVALID_DATA", "invalid data", {**details, "api_name": name, "json_path": f"{path}.{name}"}
    )


def _made(new_id: str, message: str) -> JsonObject:
    return {"code": "SUCCESS", "details": {"id": new_id}, "message": message, "status": "success"}
