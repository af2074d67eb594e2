"""`notification_condition`: the fields that must have changed for a notification (Zoho's "Enable Notifications" page).

For each module one selection: fields joined by `and` or `or`, and at most one further group of them inside. The errors
are those of the examples beside Zoho's OpenAPI file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ml_connector.simulators.zoho.checking import invalid, missing
from ml_connector.simulators.zoho.metadata import Module
from ml_connector.simulators.zoho.replies import ItemRefusedError, JsonObject, failure

MAX_FIELDS = 10
MAX_GROUPS = 2
KEY = "notification_condition"
_TYPE = "field_selection"
_OPERATORS = ("or", "and")


@dataclass(frozen=True, slots=True)
class Selection:
    """Fields, and groups of fields, of which one or all must have changed."""

    operator: str
    """`and` or `or`."""
    parts: tuple["str | Selection", ...]

    def holds(self, changed: frozenset[str]) -> bool:
        """Whether the fields that changed satisfy it."""
        met = [part in changed if isinstance(part, str) else part.holds(changed) for part in self.parts]
        return any(met) if self.operator == "or" else all(met)

    def to_json(self, module: Module) -> JsonObject:
        """As GET shows it; a field that is gone has no id."""
        return {
            "group_operator": self.operator,
            "group": [self._part(part, module) for part in self.parts],
        }

    @staticmethod
    def _part(part: "str | Selection", module: Module) -> JsonObject:
        if isinstance(part, Selection):
            return part.to_json(module)
        known = module.fields.get(part)
        name = {"api_name": part, "id": known.id if known else None}
        return {"field": name, "group_operator": None, "group": None}


def conditions_of(spec: JsonObject, path: str, modules: dict[str, Module]) -> dict[str, Selection]:
    """The selection for each module that has one; `modules` are those whose events are asked for."""
    given = spec.get(KEY)
    if given is None:
        return {}
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise ItemRefusedError(invalid(path, KEY))
    return dict(_condition(one, f"{path}.{KEY}[{number}]", modules) for number, one in enumerate(given))


def _condition(given: JsonObject, path: str, modules: dict[str, Module]) -> tuple[str, Selection]:
    _check_word(given, "type", path, (_TYPE,))
    module = _module(given, path, modules)
    if _TYPE not in given:
        dependee = {"api_name": "type", "json_path": f"{path}.type"}
        details = {"api_name": _TYPE, "json_path": f"{path}.{_TYPE}", "dependee": dependee}
        raise ItemRefusedError(failure("DEPENDENT_FIELD_MISSING", "DEPENDENT_FIELD_MISSING", details))
    if not isinstance(given[_TYPE], dict):
        raise ItemRefusedError(invalid(path, _TYPE, expected_data_type="jsonobject"))
    selection = _selection(given[_TYPE], f"{path}.{_TYPE}", module)
    groups, fields = _sizes(selection)
    if groups > MAX_GROUPS:
        raise ItemRefusedError(invalid(path, _TYPE, maximum_length=MAX_GROUPS))
    if fields > MAX_FIELDS:
        raise ItemRefusedError(invalid(path, _TYPE, maximum_length=MAX_FIELDS))
    return module.api_name, selection


def _module(given: JsonObject, path: str, modules: dict[str, Module]) -> Module:
    if "module" not in given:  # that this one is called INVALID_DATA is Zoho's own example
        raise ItemRefusedError(invalid(path, "module", "required field not found"))
    named = given["module"]
    if not isinstance(named, dict):
        raise ItemRefusedError(invalid(path, "module", expected_data_type="jsonobject"))
    inner = f"{path}.module"
    both = [{"api_name": name, "json_path": f"{inner}.{name}"} for name in ("api_name", "id")]
    if not named.keys() & {"api_name", "id"}:
        details = {"expected_fields": both}
        raise ItemRefusedError(failure("EXPECTED_FIELD_MISSING", "Specify atleast one field", details))
    for name in ("api_name", "id"):
        if name in named and not isinstance(named[name], str):
            raise ItemRefusedError(invalid(inner, name, expected_data_type="string"))
    meant = [one for one in modules.values() if named.get("api_name", one.api_name) == one.api_name]
    matching = [one for one in meant if named.get("id", one.id) == one.id]
    if not meant or ("api_name" not in named and not matching):
        raise ItemRefusedError(invalid(path, "module"))
    if not matching:
        details = {"ambiguity_due_to": both}
        raise ItemRefusedError(failure("AMBIGUITY_DURING_PROCESSING", "AMBIGUITY_DURING_PROCESSING", details))
    return matching[0]


def _selection(given: JsonObject, path: str, module: Module) -> Selection:
    _check_word(given, "group_operator", path, _OPERATORS)
    group = given.get("group")
    if not isinstance(group, list) or not group:
        raise ItemRefusedError(missing(path, "group"))
    return Selection(given["group_operator"], tuple(_parts(group, path, module)))


def _parts(group: list[Any], path: str, module: Module) -> Iterator[str | Selection]:
    for number, part in enumerate(group):
        place = f"{path}.group[{number}]"
        if isinstance(part, dict) and part.get("group"):
            yield _selection(part, place, module)
            continue
        if not isinstance(part, dict) or not isinstance(part.get("field"), dict):
            raise ItemRefusedError(missing(place, "field"))
        name = part["field"].get("api_name")
        if name not in module.fields:
            raise ItemRefusedError(invalid(f"{place}.field", "api_name"))
        yield name


def _check_word(given: JsonObject, name: str, path: str, allowed: tuple[str, ...]) -> None:
    if given.get(name) is None:
        raise ItemRefusedError(missing(path, name))
    if not isinstance(given[name], str):
        raise ItemRefusedError(invalid(path, name, expected_data_type="text"))
    if given[name] not in allowed:
        raise ItemRefusedError(invalid(path, name, supported_values=list(allowed)))


def _sizes(selection: Selection) -> tuple[int, int]:
    """How many groups and how many fields there are in all."""
    inner = [_sizes(part) for part in selection.parts if isinstance(part, Selection)]
    own = sum(isinstance(part, str) for part in selection.parts)
    return 1 + sum(groups for groups, _ in inner), own + sum(fields for _, fields in inner)
