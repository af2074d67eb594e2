"""What an administrator does to the fields of a module, for tests of a client's answer to it. Writes obey at once.

A change is an object with the `api_name` of the field and any of these:

| key | does |
| --- | --- |
| `rename` | gives it another API name; the values stay |
| `label`, `length`, `decimal_place`, `mandatory`, `unique`, `external`, `lookup` | set what they say |
| `pick_list`, `restricted` | the picklist's values, and whether others are refused |
| `data_type` | deletes the field with its values and creates it anew |
| `remove` | deletes it |

A field that the module does not have is created; it needs `data_type`. The limits of the edition hold here, too.
"""

from dataclasses import replace
from typing import Any

from ml_connector.simulators.zoho.field import Field
from ml_connector.simulators.zoho.field_rules import CUSTOM_FIELDS, LENGTHS, MAX_KEYS
from ml_connector.simulators.zoho.metadata import Module
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.records import Row, Table
from ml_connector.simulators.zoho.replies import JsonObject

_ATTRIBUTES = {
    "rename": "api_name",
    "data_type": "data_type",
    "label": "label",
    "length": "length",
    "decimal_place": "decimal_place",
    "mandatory": "mandatory",
    "unique": "unique",
    "external": "external",
    "lookup": "lookup",
    "pick_list": "pick_list",
    "restricted": "restricted",
}


def change_fields(org: Org, table: Table, changes: list[JsonObject]) -> None:
    """Makes the changes in order, all or none; the lock is held. KeyError and ValueError for what cannot be."""
    module, rows, renamed = table.module, table.rows, []
    for change in changes:
        old = module.fields.get(change["api_name"])
        new = _after(org, change, old)
        module = _with(module, old, new)
        if old and (new is None or new.id != old.id):
            rows = _moved(rows, old.api_name, None)
        elif old and new and new.api_name != old.api_name:
            rows = _moved(rows, old.api_name, new.api_name)
            renamed.append((old.api_name, new.api_name))
    _check_limits(org, module)
    table.rebuild(module, rows)
    for was, name in renamed:
        org.rename_in_layouts(module.api_name, was, name)


def put_field(table: Table, old: Field, new: Field) -> None:
    """Puts a field in the place of another of the same name and type; ValueError when its values are not unique."""
    table.rebuild(_with(table.module, old, new), table.rows)


def remove_module(org: Org, table: Table) -> None:
    """A custom module goes with its records, its layouts and the lookups to it; the lock is held."""
    name = table.module.api_name
    if table.module.generated_type != "custom":
        raise ValueError(name)
    for other in [one for one in org.tables.values() if one is not table]:
        lookups = [field.api_name for field in other.module.fields.values() if field.lookup == name]
        change_fields(org, other, [{"api_name": lookup, "remove": True} for lookup in lookups])
    for layout in org.layouts_of(name):
        del org.layouts[layout.id]
    org.watch.forget_module(name)
    del org.tables[name]


def _after(org: Org, change: JsonObject, old: Field | None) -> Field | None:
    """The field as the change leaves it; None: gone."""
    given = dict(change)
    name = given.pop("api_name")
    if given.pop("remove", False):
        if old is None:
            raise KeyError(name)
        return None
    values: dict[str, Any] = {_ATTRIBUTES[key]: value for key, value in given.items()}
    if "pick_list" in values:
        values |= {"pick_list": tuple(values["pick_list"]), "pick_labels": ()}
    if old is not None and values.get("data_type", old.data_type) == old.data_type:
        return replace(old, **values)
    kind = values["data_type"]
    label = old.label if old else name.replace("_", " ")
    fresh = {"api_name": name, "label": label, "length": LENGTHS.get(kind, (0, 0, 120))[2], "custom": True}
    return Field(id=org.metadata_ids.new(), **{**fresh, **values})


def _with(module: Module, old: Field | None, new: Field | None) -> Module:
    """The module with the one field in the other's place."""
    if old is None:
        assert new is not None
        return module.with_fields([new])
    fields = {}
    for name, field in module.fields.items():
        if field is not old:
            fields[name] = field
        elif new is not None:
            fields[new.api_name] = new
    after = new.api_name if new else None
    display = after if module.display_field == old.api_name else module.display_field
    check = after if module.check_field == old.api_name else module.check_field
    return replace(module, fields=fields, display_field=display, check_field=check)


def _moved(rows: dict[str, Row], old: str, new: str | None) -> dict[str, Row]:
    """The rows with a value under another name, or without it."""
    moved = {}
    for row_id, row in rows.items():
        moved[row_id] = {name: value for name, value in row.items() if name != old}
        if new and old in row:
            moved[row_id][new] = row[old]
    return moved


def _check_limits(org: Org, module: Module) -> None:
    if len(module.keys) > MAX_KEYS:
        raise ValueError(f"{module.api_name} would have more than {MAX_KEYS} unique fields")
    custom, limit = sum(field.custom for field in module.fields.values()), CUSTOM_FIELDS[org.options.edition]
    if custom > limit:
        raise ValueError(f"{module.api_name} would have more than {limit} custom fields")
