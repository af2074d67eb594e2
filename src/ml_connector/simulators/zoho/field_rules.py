"""What a custom field may be: types, lengths and limits (Zoho's "Create Custom Fields" page)."""

import re
from typing import Any

from ml_connector.simulators.zoho.field import PICK_TYPES
from ml_connector.simulators.zoho.metadata import Module
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.replies import JsonObject, failure

MAX_KEYS = 2
"""Unique fields of a module, in every edition."""
CUSTOM_FIELDS = {"free": 0, "standard": 10, "professional": 155, "enterprise": 300, "ultimate": 500}
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
_KEY_OF_TYPE = {"currency": "currency", "textarea": "textarea", "autonumber": "auto_number"}
_MAX_PICK = 120


def api_name_of(label: str) -> str:
    """The API name that Zoho derives: signs and blanks become one underscore."""
    return re.sub(r"\W+", "_", label).strip("_")


def module_of(spec: JsonObject) -> str | None:
    """The module that a lookup is to point to."""
    module = spec["lookup"].get("module") if isinstance(spec.get("lookup"), dict) else None
    return module.get("api_name") if isinstance(module, dict) else None


def shape_error(org: Org, spec: JsonObject, path: str) -> JsonObject | None:
    """What is wrong with the description itself."""
    for name in ("field_label", "data_type"):
        if not isinstance(spec.get(name), str) or not spec[name]:
            details: JsonObject = {"api_name": name, "json_path": f"{path}.{name}"}
            return failure("MANDATORY_NOT_FOUND", "required field not found", details)
    kind = spec["data_type"]
    if kind not in _TYPES:
        return invalid(path, "data_type")
    error = length_error(kind, spec.get("length"), path) or _type_error(org, kind, spec, path)
    return error or _key_error(kind, spec, path)


def _type_error(org: Org, kind: str, spec: JsonObject, path: str) -> JsonObject | None:
    """What lookups and picklists need, and what else a type calls for."""
    if kind in PICK_TYPES:
        return picks_error(spec, path)
    key = _KEY_OF_TYPE.get(kind)
    if key and org.options.demands_type_keys and not spec.get(key):
        return _dependent(path, key)
    if kind != "lookup":
        return None
    if not spec.get("lookup"):
        return _dependent(path, "lookup")
    return None if module_of(spec) in org.tables else invalid(path, "lookup")


def _key_error(kind: str, spec: JsonObject, path: str) -> JsonObject | None:
    if spec.get("unique") and (kind not in _UNIQUE_TYPES or spec["unique"] != {"case_sensitive": False}):
        return invalid(path, "unique")
    if spec.get("external") and (kind != "text" or spec["external"].get("type") not in ("org", "user")):
        return invalid(path, "external")
    return None


def picks_error(spec: JsonObject, path: str) -> JsonObject | None:
    """What is wrong with a picklist's values: there must be some, each once, each with both of its values."""
    values = spec.get("pick_list_values")
    if not values:
        return _dependent(path, "pick_list_values")
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        return invalid(path, "pick_list_values", expected_data_type="jsonarray")
    for key in ("display_value", "actual_value"):
        seen = set()
        for number, value in enumerate(values):
            here, text = f"{path}.pick_list_values[{number}]", value.get(key)
            if not text:
                details: JsonObject = {"api_name": key, "json_path": f"{here}.{key}"}
                return failure("MANDATORY_NOT_FOUND", "required field not found", details)
            if not isinstance(text, str) or len(text) > _MAX_PICK:
                return invalid(here, key, maximum_length=_MAX_PICK)
            if text.lower() in seen:
                details = {"api_name": key, "json_path": f"{here}.{key}"}
                return failure("DUPLICATE_DATA", "duplicate data", details)
            seen.add(text.lower())
    return None


def place_error(org: Org, module: Module, spec: JsonObject, path: str) -> JsonObject | None:
    """Why the module cannot take the field."""
    label = spec["field_label"]
    if api_name_of(label) in module.fields or has_label(module, label):
        details: JsonObject = {"api_name": "field_label", "json_path": f"{path}.field_label"}
        return failure("DUPLICATE_DATA", "duplicate data", details)
    limit = CUSTOM_FIELDS[org.options.edition]
    if not limit:  # the code is inferred: Zoho's page of the call knows only the next one
        return failure("NOT_SUPPORTED", "the feature is not supported in this edition", {"json_path": path})
    if sum(field.custom for field in module.fields.values()) >= limit:
        details = {"limit": limit, "json_path": path}
        return failure("LIMIT_EXCEEDED", "The field has reached its maximum creation limit", details)
    if spec["data_type"] == "autonumber" and _counts(module):
        details = {"limit": 1, "api_name": "data_type", "json_path": f"{path}.data_type"}
        return failure("LIMIT_EXCEEDED", "autonumber field limit exceeded", details)
    if (spec.get("unique") or spec.get("external")) and len(module.keys) >= MAX_KEYS:
        details = {"limit": MAX_KEYS, "api_name": "unique", "json_path": f"{path}.unique"}
        return failure("LIMIT_EXCEEDED", "unique field limit exceeded", details)
    return None


def _counts(module: Module) -> bool:
    """Whether the module has an autonumber field, which is all that it may have (the name counts: inferred)."""
    return any(field.data_type == "autonumber" for field in module.fields.values())


def _dependent(path: str, name: str) -> JsonObject:
    """A key is missing that the data type calls for (which code says so is inferred)."""
    dependee = {"api_name": "data_type", "json_path": f"{path}.data_type"}
    details = {"api_name": name, "json_path": f"{path}.{name}", "dependee": dependee}
    return failure("DEPENDENT_FIELD_MISSING", "dependent field not found", details)


def length_error(kind: str, length: object, path: str) -> JsonObject | None:
    """Whether a length can be asked for."""
    low, high, _ = LENGTHS.get(kind, (0, 10_000, 0))
    if length is None or (length.__class__ is int and low <= length <= high):
        return None
    return invalid(path, "length", range={"from": low, "to": high})


def has_label(module: Module, label: str) -> bool:
    """Whether a field of the module has the label."""
    return any(field.label.lower() == label.lower() for field in module.fields.values())


def invalid(path: str, name: str, **details: Any) -> JsonObject:  # noqa: ANN401
    """A part of the description is refused."""
    return failure(
        "INVALID_DATA", "invalid data", {**details, "api_name": name, "json_path": f"{path}.{name}"}
    )
