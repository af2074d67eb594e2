"""What a bulk write job is told of its file: which column goes to which field, and how records are found.

Source: Zoho's "Create Bulk Write Job" page, its table of errors included. Inferred are the message texts that it does
not give, and: a heading that is no field is refused, also when the columns are mapped by their headings alone; the
field of `find_by` must be mapped; an update need not map the mandatory fields.
"""

from dataclasses import dataclass
from typing import Any

from ml_connector.simulators.zoho.bulk_calls import refused
from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.csv_cells import FORMATS, is_format
from ml_connector.simulators.zoho.field import Field
from ml_connector.simulators.zoho.metadata import LAYOUT, PERSON_TYPES, Module
from ml_connector.simulators.zoho.replies import JsonObject, RequestRefusedError

MAX_COLUMNS = 200
_PERSON_KEYS = frozenset({"id", "email"})


@dataclass(frozen=True, slots=True)
class Column:
    """Where the values of a field come from."""

    field: Field
    index: int | None
    """None: every row has the default."""
    heading: str
    """Of the file; the API name when there is none."""
    find_by: str | None = None
    """Of a reference: the other record's field that the cells hold."""
    format: str | None = None
    default: str | None = None

    def to_json(self) -> JsonObject:
        """As the job's details show it."""
        return {
            "api_name": self.field.api_name,
            "index": self.index,
            "format": self.format,
            "find_by": self.find_by,
            "default_value": None if self.default is None else {"value": self.default},
            "module": None,
            "parent_column_index": None,
        }


def columns_of(call: Call, module: Module, resource: JsonObject, headings: list[str]) -> list[Column]:
    """The columns; RequestRefusedError for what Zoho refuses before the job begins."""
    if len(headings) > MAX_COLUMNS:
        raise refused("HEADER_LIMIT_EXCEEDED", f"a file has {MAX_COLUMNS} columns", limit=MAX_COLUMNS)
    mappings = resource.get("field_mappings")
    if mappings is None:
        mappings = [_by_heading(module, index, heading) for index, heading in enumerate(headings)]
    if not isinstance(mappings, list) or not all(isinstance(one, dict) for one in mappings):
        raise refused("INVALID_DATA", "invalid data", api_name="field_mappings")
    if len(mappings) > MAX_COLUMNS:
        message = f"only {MAX_COLUMNS} fields can be mapped"
        raise refused("HEADER_LIMIT_EXCEEDED", message, limit=MAX_COLUMNS)
    columns = [_column(call, module, mapping, headings) for mapping in mappings]
    names = [column.field.api_name for column in columns]
    if len(set(names)) < len(names):
        raise refused("DUPLICATE_DATA", "a field is mapped twice", api_name="field_mappings")
    return columns


def check_operation(module: Module, operation: str, find_by: Any, columns: list[Column]) -> None:  # noqa: ANN401
    """RequestRefusedError when the columns do not do for the operation."""
    mapped = {column.field.api_name for column in columns}
    if find_by is None and operation != "insert":
        raise refused("MANDATORY_NOT_FOUND", "Required key find_by is not available", api_name="find_by")
    if find_by is not None and str(find_by) not in {"id", module.check_field, *module.keys}:
        raise refused("INVALID_FIELD", f"invalid mapping. invalid find_by {find_by}.", api_name="find_by")
    needed = set() if find_by is None else {find_by}
    if operation != "update":
        needed |= module.mandatory
    if not needed <= mapped:
        message = "All mandatory fields are not mapped for the layout"
        raise refused("MANDATORY_FIELDS_NOT_MAPPED", message, fields=sorted(needed - mapped))


def _by_heading(module: Module, index: int, heading: str) -> JsonObject:
    """`Account_Name.id` is a lookup by id, `Account_Name.Account_Name` one by the other's field."""
    name, _, find_by = heading.partition(".")
    mapping: JsonObject = {"api_name": name, "index": index}
    if find_by:
        mapping["find_by"] = find_by
    elif name in module.references and name != LAYOUT:
        raise _no_find_by(name)
    return mapping


def _column(call: Call, module: Module, mapping: JsonObject, headings: list[str]) -> Column:
    name, index, default = mapping.get("api_name"), mapping.get("index"), mapping.get("default_value")
    field = module.fields.get(name) if isinstance(name, str) else None
    if field is None or field.subform or (field.read_only and name != "id"):
        raise refused("INVALID_FIELD", f"invalid mapping. invalid api_name {name}.", api_name=name)
    value = _default(default) if default is not None else None
    if index is None and value is None:
        message = f"required key index for field {name} is not found in request body."
        raise refused("COLUMN_INDEX_NOT_FOUND", message, api_name=name)
    if index is not None and (index.__class__ is not int or not 0 <= index < len(headings)):
        raise refused("COLUMN_INDEX_NOT_FOUND", f"no column {index} for field {name}", api_name=name)
    heading = field.api_name if index is None else headings[index]
    return Column(field, index, heading, _find_by(call, field, mapping), _format(field, mapping), value)


def _default(given: Any) -> str:  # noqa: ANN401 -- from the body
    value = given.get("value") if isinstance(given, dict) else None
    if value is None or isinstance(value, (dict, list)):
        raise refused("INVALID_DATA", "invalid data", api_name="default_value")
    return str(value)


def _format(field: Field, mapping: JsonObject) -> str | None:
    given = mapping.get("format")
    if given is None:
        return None
    if field.data_type not in FORMATS or not is_format(given):
        raise refused("INVALID_FORMAT", f"invalid format {given}", api_name=field.api_name)
    return str(given)


def _find_by(call: Call, field: Field, mapping: JsonObject) -> str | None:
    """Lookups and users must have it; the layout is found by its id or its name without."""
    given = mapping.get("find_by")
    if field.lookup:
        target = call.org.tables[field.lookup].module
        allowed = {"id", target.check_field, target.display_field, *target.keys}
    elif field.data_type in PERSON_TYPES:
        allowed = {*_PERSON_KEYS}
    else:
        return str(given) if given is not None else None
    if given is None:
        raise _no_find_by(field.api_name)
    if str(given) not in allowed:
        message = f"invalid mapping. invalid find_by {given}."
        raise refused("INVALID_FIELD", message, api_name=field.api_name)
    return str(given)


def _no_find_by(name: str) -> RequestRefusedError:
    return refused("MANDATORY_NOT_FOUND", "Required key find_by is not available", api_name=name)
