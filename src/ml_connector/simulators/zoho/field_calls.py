"""/settings/fields: the fields of a module, and custom ones made, changed and deleted.

Source: Zoho's "Create", "Update" and "Delete Custom Fields" pages and the OpenAPI file of August 2026. The API name of
a field comes from its first label and stays. Type and `external` cannot be changed, nor the label of Zoho's own field.
"""

from dataclasses import replace

from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.field import PICK_TYPES, Field
from ml_connector.simulators.zoho.field_rules import (
    LENGTHS,
    MAX_KEYS,
    api_name_of,
    has_label,
    invalid,
    length_error,
    module_of,
    picks_error,
    place_error,
    shape_error,
)
from ml_connector.simulators.zoho.metadata import Module
from ml_connector.simulators.zoho.replies import (
    JsonObject,
    Reply,
    RequestRefusedError,
    done,
    failure,
    items_reply,
    json_reply,
    missing_parameter,
)
from ml_connector.simulators.zoho.schema_changes import change_fields, put_field

MAX_FIELDS_A_CALL = 5
_FIXED = ("data_type", "external")
"""What a change cannot touch."""


def list_fields(call: Call) -> Reply:
    """GET /settings/fields?module=."""
    return _shown(call, list(asked_module(call).fields.values()))


def get_field(call: Call) -> Reply:
    """GET /settings/fields/{id}?module=."""
    return _shown(call, [_field_of_path(call, asked_module(call))])


def create_fields(call: Call) -> Reply:
    """POST /settings/fields?module=: at most five custom fields, each refused or made by itself."""
    asked_module(call)
    specs = call.items("fields", MAX_FIELDS_A_CALL)
    with call.org.lock:
        items = [_create(call, spec, f"$.fields[{number}]") for number, spec in enumerate(specs)]
    return items_reply("fields", items, created=201)


def update_fields(call: Call) -> Reply:
    """PATCH /settings/fields?module=: each item carries its id."""
    asked_module(call)
    specs = call.items("fields", MAX_FIELDS_A_CALL)
    with call.org.lock:
        items = [_update(call, spec, f"$.fields[{number}]") for number, spec in enumerate(specs)]
    return items_reply("fields", items)


def update_field(call: Call) -> Reply:
    """PATCH /settings/fields/{id}?module=."""
    module = asked_module(call)
    spec = call.items("fields", MAX_FIELDS_A_CALL)[0]
    with call.org.lock:
        field = _field_of_path(call, module)
        return items_reply("fields", [_update(call, {**spec, "id": field.id}, "$.fields[0]")])


def delete_field(call: Call) -> Reply:
    """DELETE /settings/fields/{id}?module=: a custom field goes with its values."""
    asked_module(call)
    with call.org.lock:
        field = _field_of_path(call, call.table.module)
        if not field.custom:
            message, details = "the field cannot be deleted", {"resource_path_index": 2}
            raise RequestRefusedError(400, "NOT_ALLOWED", message, details)
        change_fields(call.org, call.table, [{"api_name": field.api_name, "remove": True}])
    return items_reply("fields", [done(field.id, "field deleted")])


def asked_module(call: Call) -> Module:
    """The module of the parameter."""
    if not call.query.get("module"):
        raise missing_parameter("module")
    call.module = call.query["module"]
    return call.table.module


def _shown(call: Call, fields: list[Field]) -> Reply:
    ids, closed_key = call.org.module_ids(), call.org.options.closed_picklist_key
    return json_reply(200, {"fields": [field.to_json(ids, closed_key) for field in fields]})


def _field_of_path(call: Call, module: Module) -> Field:
    found = _by_id(module, call.record)
    if found is None:
        message, details = "the id given seems to be invalid", {"resource_path_index": 2}
        raise RequestRefusedError(400, "INVALID_DATA", message, details)
    return found


def _by_id(module: Module, field_id: str) -> Field | None:
    return next((field for field in module.fields.values() if field.id == field_id), None)


def _create(call: Call, spec: JsonObject, path: str) -> JsonObject:
    module = call.table.module
    error = shape_error(call.org, spec, path) or place_error(call.org, module, spec, path)
    if error:
        return error
    field = _new_field(call, spec)
    call.table.alter(module.with_fields([field]))
    return done(field.id, "field created")


def _new_field(call: Call, spec: JsonObject) -> Field:
    kind = spec["data_type"]
    external = spec.get("external") or {}
    picks = spec.get("pick_list_values") or []
    return Field(
        id=call.org.metadata_ids.new(),
        api_name=api_name_of(spec["field_label"]),
        data_type=kind,
        label=spec["field_label"],
        length=spec.get("length") or LENGTHS.get(kind, (0, 0, 120))[2],
        decimal_place=spec.get("decimal_place", 2 if kind == "currency" else None),
        read_only=kind == "autonumber",
        custom=True,
        unique=bool(spec.get("unique")),
        external=external.get("type"),
        lookup=module_of(spec) if kind == "lookup" else None,
        pick_list=tuple(value["actual_value"] for value in picks),
        pick_labels=tuple(value["display_value"] for value in picks),
    )


def _update(call: Call, spec: JsonObject, path: str) -> JsonObject:
    module = call.table.module
    old = _by_id(module, str(spec.get("id")))
    if old is None:
        return invalid(path, "id")
    picks = _picks_after(old, spec, replaces=call.org.options.pick_list_update == "replace")
    error = _change_error(module, old, spec, path) or (
        picks_error({"pick_list_values": picks}, f"{path}") if "pick_list_values" in spec else None
    )
    if error:
        return error
    new = replace(
        old,
        label=spec.get("field_label", old.label),
        length=spec.get("length") or old.length,
        decimal_place=spec.get("decimal_place", old.decimal_place),
        unique=bool(spec["unique"]) if "unique" in spec else old.unique,
        pick_list=tuple(value["actual_value"] for value in picks),
        pick_labels=tuple(value["display_value"] for value in picks),
    )
    try:
        put_field(call.table, old, new)
    except ValueError:  # a value stands in two records
        return failure(
            "DUPLICATE_DATA", "duplicate data", {"api_name": "unique", "json_path": f"{path}.unique"}
        )
    return done(old.id, "field updated")


def _change_error(module: Module, old: Field, spec: JsonObject, path: str) -> JsonObject | None:
    label = spec.get("field_label")
    fixed = [name for name in _FIXED if name in spec] + (["field_label"] if label and not old.custom else [])
    if fixed:
        details: JsonObject = {"api_name": fixed[0], "json_path": f"{path}.{fixed[0]}"}
        return failure("NOT_ALLOWED", "the change is not allowed", details)
    if label is not None and (not isinstance(label, str) or not label):
        return invalid(path, "field_label")
    if label and label.lower() != old.label.lower() and has_label(module, label):
        details = {"api_name": "field_label", "json_path": f"{path}.field_label"}
        return failure("DUPLICATE_DATA", "duplicate data", details)
    if "pick_list_values" in spec and old.data_type not in PICK_TYPES:
        return invalid(path, "pick_list_values")
    if spec.get("unique") and not old.is_key and len(module.keys) >= MAX_KEYS:
        details = {"limit": MAX_KEYS, "api_name": "unique", "json_path": f"{path}.unique"}
        return failure("LIMIT_EXCEEDED", "unique field limit exceeded", details)
    return length_error(old.data_type, spec.get("length"), path)


def _picks_after(old: Field, spec: JsonObject, *, replaces: bool) -> list[JsonObject]:
    """The values after a change: those with an id or a known `actual_value` are changed, others are added."""
    before = old.pick_values()
    given = [value for value in spec.get("pick_list_values") or [] if isinstance(value, dict)]
    if not given:
        return before
    after = {value["id"]: value for value in before}
    named = []
    for number, value in enumerate(given):
        same = [one["id"] for one in before if _is_same(one, value)]
        key = same[0] if same else f"new {number}"
        named.append(key)
        if "_delete" in value:
            after.pop(key, None)
        else:
            after[key] = {**after.get(key, {}), **value}
    kept = named if replaces else after
    return [after[key] for key in kept if key in after]


def _is_same(old: JsonObject, value: JsonObject) -> bool:
    if "id" in value:
        return bool(old["id"] == str(value["id"]))
    return bool(old["actual_value"] == value.get("actual_value"))
