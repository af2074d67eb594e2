"""Modules and fields: what /settings tells about them and what writes are checked against.

The standard ones stand in `modules.json`; lengths are data, because Zoho publishes them for few modules only.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from itertools import count
from typing import Any

from ml_connector.simulators.zoho.field import Field
from ml_connector.simulators.zoho.replies import JsonObject
from ml_connector.simulators.zoho.values import Validator, line_taxes, validator_of

_FIRST_ID = 5_725_767_000_000_000_000
_ID_LENGTH = 19
CUSTOM_SCOPE = "custom"

PLAIN_TEXT_TYPES = frozenset({"text", "textarea", "picklist"})
PERSON_TYPES = frozenset({"ownerlookup", "userlookup"})
LAYOUT = "Layout"
"""API name and, in lower case, type of the field that says by which form a record is kept."""

LINE_TAX = "$line_tax"
"""The taxes of a whole quote or order; no field of the module, but written and shown like one."""


class Ids:
    """18-19 digit ids, ascending over the whole organisation."""

    def __init__(self, start: int) -> None:
        self._numbers = count(_FIRST_ID + start)

    def new(self) -> str:
        """The next id."""
        return str(next(self._numbers))


def padded_id(text: str) -> str:
    """An id or a smaller number as text that sorts like the number."""
    return text.zfill(_ID_LENGTH)


@dataclass(frozen=True)
class Module:
    """A module with its fields, and what writes need to know of them, compiled once."""

    id: str
    api_name: str
    singular_label: str
    plural_label: str
    scope: str
    display_field: str | None
    check_field: str | None
    """Zoho's own duplicate check field for upserts."""
    fields: dict[str, Field]
    generated_type: str = "default"
    parent_module: str | None = None

    @cached_property
    def validators(self) -> dict[str, Validator]:
        """Of the fields that may be written, and of `$line_tax`; subforms are checked row by row elsewhere."""
        taxes: dict[str, Validator] = {LINE_TAX: line_taxes} if self.subform else {}
        return taxes | {
            name: validator_of(field)
            for name, field in self.fields.items()
            if not field.read_only and field.data_type != "subform"
        }

    @cached_property
    def mandatory(self) -> frozenset[str]:
        """Fields without which nothing is created."""
        return frozenset(name for name, field in self.fields.items() if field.mandatory)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Unique and external fields, in the order they were made."""
        return tuple(name for name, field in self.fields.items() if field.is_key)

    @cached_property
    def text_lengths(self) -> dict[str, int]:
        """Writable fields for which any text up to this length will do."""
        return {
            name: field.length
            for name, field in self.fields.items()
            if field.data_type in PLAIN_TEXT_TYPES and not (field.read_only or field.restricted)
        }

    @cached_property
    def lookups(self) -> dict[str, str]:
        """Writable lookup fields and the module each points to."""
        return {n: f.lookup for n, f in self.fields.items() if f.lookup and not f.read_only}

    @cached_property
    def references(self) -> frozenset[str]:
        """Writable fields that hold another record, a user or a layout."""
        layout = {LAYOUT} & self.fields.keys()
        persons = {n for n, f in self.fields.items() if f.data_type in PERSON_TYPES and not f.read_only}
        return frozenset(self.lookups.keys() | persons | layout)

    @cached_property
    def subform(self) -> Field | None:
        """The line items, where the module has them."""
        return next((field for field in self.fields.values() if field.subform), None)

    @cached_property
    def auto_numbers(self) -> tuple[str, ...]:
        """Fields that are numbered on insert."""
        return tuple(name for name, field in self.fields.items() if field.data_type == "autonumber")

    def with_fields(self, added: Iterable[Field]) -> "Module":
        """The module after fields were created."""
        return replace(self, fields=self.fields | {field.api_name: field for field in added})

    def to_json(self, profiles: list[JsonObject]) -> JsonObject:
        """As GET /settings/modules shows it."""
        plain = self.generated_type != "subform"
        return {
            "id": self.id,
            "api_name": self.api_name,
            "module_name": self.api_name,
            "generated_type": self.generated_type,
            "api_supported": True,
            "singular_label": self.singular_label,
            "plural_label": self.plural_label,
            "creatable": plain,
            "editable": plain,
            "deletable": plain,
            "viewable": plain,
            "profiles": profiles,
            "parent_module": {"api_name": self.parent_module} if self.parent_module else {},
            "status": "visible" if plain else "system_hidden",
        }


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Any]:
    text = files(__package__).joinpath("modules.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def standard_modules(ids: Ids) -> dict[str, Module]:
    """The modules of a fresh organisation."""
    shipped = _shipped()
    modules = {}
    for name, plan in shipped["modules"].items():
        specs = [*plan["fields"], *shipped["common_fields"]]
        if "parent_module" not in plan:
            specs.append(shipped["layout_field"])
        modules[name] = Module(
            id=ids.new(),
            api_name=name,
            singular_label=plan["singular_label"],
            plural_label=plan["plural_label"],
            scope=plan["scope"],
            display_field=plan["display_field"],
            check_field=plan["check_field"],
            fields={spec["api_name"]: _field(ids, spec) for spec in specs},
            generated_type="subform" if "parent_module" in plan else "default",
            parent_module=plan.get("parent_module"),
        )
    return modules


def custom_module(ids: Ids, api_name: str, singular_label: str, plural_label: str, display: Field) -> Module:
    """A module as POST /settings/modules makes it; its display field has the API name Name."""
    shipped = _shipped()
    specs = [*shipped["custom_module_fields"], *shipped["common_fields"], shipped["layout_field"]]
    return Module(
        id=ids.new(),
        api_name=api_name,
        singular_label=singular_label,
        plural_label=plural_label,
        scope=CUSTOM_SCOPE,
        display_field="Name",
        check_field="Name",
        fields={"Name": display} | {spec["api_name"]: _field(ids, spec) for spec in specs},
        generated_type="custom",
    )


def _field(ids: Ids, spec: dict[str, Any]) -> Field:
    known = {name: value for name, value in spec.items() if name != "pick_list"}
    label = spec["api_name"].removesuffix("__s").replace("_", " ")
    standard = ids.new() if spec["api_name"] == LAYOUT else None
    pick_list = tuple(spec.get("pick_list", ()))
    return Field(id=ids.new(), label=label, pick_list=pick_list, standard=standard, **known)
