"""/settings/modules: the modules that there are, and new ones (Zoho's "Create Custom Module" page)."""

import re
from typing import Any

from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.field import Field
from ml_connector.simulators.zoho.field_rules import invalid
from ml_connector.simulators.zoho.metadata import Module, custom_module
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.replies import (
    JsonObject,
    Reply,
    RequestRefusedError,
    done,
    failure,
    items_reply,
    json_reply,
)

MAX_MODULES_A_CALL = 1
_MAX_FIELD_LABEL = 50
_PATH = "$.modules[0]"
_EDITIONS_WITH_MODULES = frozenset({"enterprise", "ultimate"})
_LABEL = re.compile(r"[A-Za-z0-9 ]{1,25}")
_MODULE_NAME = re.compile(r"[A-Za-z](?!.*__)\w{0,48}[A-Za-z0-9]", re.ASCII)


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
        error = _edition_error(call.org) or _shape_error(spec) or _profile_error(call.org, spec)
        error = error or _name_error(call.org, spec)
        if error:
            return items_reply("modules", [error])
        _check_room(call.org, spec)
        module = new_module(call.org, spec)
        call.org.add_module(module)
    return items_reply("modules", [done(module.id, "module created successfully")], created=201)


def new_module(org: Org, spec: JsonObject) -> Module:
    """The module that a description means; without a display field its name is a text (seen by a third party)."""
    display = spec.get("display_field") or {}
    kind = display.get("data_type", "text")
    name = Field(
        id=org.metadata_ids.new(),
        api_name="Name",
        data_type=kind,
        label=str(display.get("field_label") or f"{spec['singular_label']} Name"),
        length=120,
        mandatory=kind == "text",
        read_only=kind == "autonumber",
    )
    return custom_module(
        org.metadata_ids, _api_name(spec), spec["singular_label"], spec["plural_label"], name
    )


def _api_name(spec: JsonObject) -> str:
    return str(spec.get("api_name") or str(spec["plural_label"]).replace(" ", "_"))


def _edition_error(org: Org) -> JsonObject | None:
    if org.options.edition in _EDITIONS_WITH_MODULES:
        return None
    return failure("NOT_SUPPORTED", "the feature is not supported in this edition", {})


def _shape_error(spec: JsonObject) -> JsonObject | None:
    """Labels and the display field."""
    for name in ("singular_label", "plural_label"):
        if not spec.get(name):
            return _missing(_PATH, name)
    if "profiles" not in spec:
        return _missing(_PATH, "profiles")
    for name in ("singular_label", "plural_label"):
        if not _LABEL.fullmatch(str(spec[name])):
            return invalid(_PATH, name, maximum_length=25)
    return None if spec.get("display_field") is None else _display_error(spec["display_field"])


def _display_error(display: Any) -> JsonObject | None:  # noqa: ANN401 -- from the body
    path = f"{_PATH}.display_field"
    if not isinstance(display, dict) or display.get("data_type", "text") not in ("text", "autonumber"):
        return invalid(_PATH, "display_field")
    if not display.get("field_label"):
        return _missing(path, "field_label")
    if len(str(display["field_label"])) > _MAX_FIELD_LABEL:
        return invalid(path, "field_label", maximum_length=_MAX_FIELD_LABEL)
    return _number_error(display, path)


def _number_error(display: JsonObject, path: str) -> JsonObject | None:
    """What a name that is counted needs; the numbers begin at 1 here whatever it says."""
    if display.get("data_type") != "autonumber":
        return None
    if not display.get("auto_number"):
        details = {"api_name": "auto_number", "json_path": f"{_PATH}.auto_number"}
        return failure("DEPENDENT_FIELD_MISSING", "autonumber data is not found", details)
    if not display["auto_number"].get("start_number"):
        return _missing(f"{path}.auto_number", "start_number")
    return None


def _profile_error(org: Org, spec: JsonObject) -> JsonObject | None:
    profiles, known = spec["profiles"], {profile["id"] for profile in org.profiles}
    if not profiles:
        details: JsonObject = {"api_name": "profiles", "json_path": f"{_PATH}.profiles"}
        return failure("MINIMUM_DATA_NOT_FOUND", "at least one profile is needed", details)
    for number, profile in enumerate(profiles):
        path = f"{_PATH}.profiles[{number}]"
        if not isinstance(profile, dict) or not profile.get("id"):
            return _missing(path, "id")
        if str(profile["id"]) not in known:
            return invalid(path, "id")
    return None


def _name_error(org: Org, spec: JsonObject) -> JsonObject | None:
    api_name = _api_name(spec)
    details: JsonObject = {"api_name": "api_name", "json_path": f"{_PATH}.api_name"}
    if not _MODULE_NAME.fullmatch(api_name):
        return invalid(_PATH, "api_name")
    if api_name.lower() in {name.lower() for name in org.options.reserved_module_names}:
        message = "The api_name contains a reserved system keyword. Please choose a different name."
        return failure("RESERVED_KEYWORD_NOT_ALLOWED", message, details)
    if api_name.lower() in {name.lower() for name in org.tables}:
        message = "A module with the provided api_name already exists. Please use a unique api_name."
        return failure("DUPLICATE_DATA", message, details)
    return None


def _check_room(org: Org, spec: JsonObject) -> None:
    """What refuses the whole call, as Zoho's OpenAPI file shows it: labels that are taken, and too many modules."""
    modules = [table.module for table in org.tables.values()]
    for name in ("singular_label", "plural_label"):
        if spec[name].lower() in {getattr(module, name).lower() for module in modules}:
            details = {"api_name": name, "json_path": f"{_PATH}.{name}"}
            message = f"A module with this {name.replace('_', ' ')} already exists."
            raise RequestRefusedError(400, "DUPLICATE_DATA", message, details)
    limit = org.options.custom_module_limit
    if sum(module.generated_type == "custom" for module in modules) >= limit:
        message = f"The maximum number of custom modules ({limit}) for your current edition has been reached."
        raise RequestRefusedError(400, "LIMIT_EXCEEDED", message, {"limit": limit})


def _missing(path: str, name: str) -> JsonObject:
    details = {"api_name": name, "json_path": f"{path}.{name}"}
    return failure("MANDATORY_NOT_FOUND", "required field not found", details)
