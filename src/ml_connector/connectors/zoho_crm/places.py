"""Which of the fields that the mappings need can be, in modules as they are: pure decisions, no call.

Source: Zoho CRM API v8, "Create Custom Fields": every edition has two unique fields a module, and custom fields by
edition. Zoho's own fields and those of other people count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ml_connector.connectors.zoho_crm.schema import FieldMeta
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.needs import FieldNeed, FieldState

MAX_UNIQUE = 2  #: unique fields of a module, the organisation's own included

PROVISION = "Run `ml-connector provision` to create it."
_ANEW = (
    " Or give that field another label and another API name than {name} in Zoho, and run `ml-connector provision`,"
    " which makes it anew."
)

#: Type needed -> other types in which our values are kept as well. A key has to be of its own type: it is searched by.
SUITABLE: Mapping[str, frozenset[str]] = {
    "text": frozenset({"textarea"}),
    "email": frozenset({"text"}),
    "phone": frozenset({"text"}),
    "website": frozenset({"text"}),
    "integer": frozenset({"bigint", "double"}),
    "double": frozenset({"currency"}),
    "currency": frozenset({"double"}),
    "picklist": frozenset({"text"}),
}

Name = tuple[str, str]  #: module, API name


@dataclass(frozen=True, slots=True)
class Module:
    """What is known of one module: its fields, or that there is no such module."""

    name: str
    fields: Mapping[str, FieldMeta]
    unknown: ConfigurationError | None = None
    ours: bool = False  #: unknown, it is ours to make, and its fields with it

    @property
    def keys(self) -> list[str]:
        """The fields that are unique already."""
        return [meta.name for meta in self.fields.values() if meta.is_key]

    @property
    def custom(self) -> int:
        """How many of its fields are custom fields."""
        return sum(meta.custom for meta in self.fields.values())

    def labelled(self, label: str) -> FieldMeta | None:
        """The field that has this label already; case does not count."""
        folded = label.casefold()
        return next((meta for meta in self.fields.values() if meta.label.casefold() == folded), None)


@dataclass(frozen=True, slots=True)
class Edition:
    """How many custom fields a module may have."""

    name: str
    custom_fields: int


@dataclass(frozen=True, slots=True)
class Places:
    """Who gets the few places that there are."""

    make: Sequence[FieldNeed]  #: as they are to be made, each field once
    plain: Mapping[Name, str]  #: keys without a place among the unique fields -> why
    left_out: Mapping[Name, str] = field(default_factory=dict)  #: no room among the custom fields -> why
    no_room: Mapping[Name, str] = field(default_factory=dict)  #: the same, but nothing goes without them


def wanted(modules: Mapping[str, Module], needs: Sequence[FieldNeed]) -> list[FieldNeed]:
    """What is missing and ours to make, each field once although several mappings may need it."""
    found: dict[Name, FieldNeed] = {}
    for need in needs:
        if _is_ours_to_make(modules[need.module], need):
            first = found.setdefault(name_of(need), need)
            found[name_of(need)] = replace(
                first,
                unique=first.unique or need.unique,
                external=first.external or need.external,
                essential=first.essential or need.essential,
            )
    return list(found.values())


def give_places(modules: Mapping[str, Module], needs: Sequence[FieldNeed], edition: Edition) -> Places:
    """The places in the order of the needs: unique ones to keys, custom fields to the essential ones first."""
    plain = _without_unique_place(modules, needs)
    missing = [_plainly(need) if name_of(need) in plain else need for need in wanted(modules, needs)]
    make: list[FieldNeed] = []
    left_out: dict[Name, str] = {}
    no_room: dict[Name, str] = {}
    for module in modules.values():
        of_module = [need for need in missing if need.module == module.name]
        room = max(0, edition.custom_fields - module.custom)
        full = (
            f"the {edition.name} edition has {edition.custom_fields} custom fields a module,"
            f" and {module.name} has {module.custom} already"
        )
        essential = [need for need in of_module if need.essential]
        if len(essential) > room:
            no_room |= {name_of(need): full for need in essential}
            room = 0  # none is made for nothing
        order = sorted(of_module, key=lambda need: not need.essential)
        make += [need for need in of_module if need in order[:room]]
        left_out |= {name_of(need): full for need in order[room:] if name_of(need) not in no_room}
    return Places(make, plain, left_out, no_room)


def name_of(need: FieldNeed) -> Name:
    """What names the field of a need."""
    return need.module, need.name


def _plainly(need: FieldNeed) -> FieldNeed:
    return replace(need, unique=False, external=False)


def _is_ours_to_make(module: Module, need: FieldNeed) -> bool:
    """Missing in a module that exists or is ours, with a label to make it from that no other field has."""
    missing = (module.unknown is None or module.ours) and need.name not in module.fields
    return missing and bool(need.label) and module.labelled(need.label) is None


def _without_unique_place(modules: Mapping[str, Module], needs: Sequence[FieldNeed]) -> dict[Name, str]:
    """The keys, there or not, for which their module has no unique place left; places go in the order of the needs."""
    keys = {name: module.keys for name, module in modules.items()}
    refused: dict[Name, str] = {}
    for need in needs:
        module, taken = modules[need.module], keys[need.module]
        there = need.name in module.fields or _is_ours_to_make(module, need)
        if not (need.unique or need.external) or not there or need.name in taken:
            continue
        if len(taken) < MAX_UNIQUE:
            taken.append(need.name)
        else:
            refused[name_of(need)] = (
                f"a module has {MAX_UNIQUE} unique fields, and those of {module.name} are {', '.join(sorted(taken))}"
            )
    return refused


# ---- what is said of each


def state_of(module: Module, need: FieldNeed, places: Places) -> FieldState:
    """What there is in place of a need, given the places."""
    name, meta = name_of(need), module.fields.get(need.name)
    note = _plain_note(need, places)
    if meta is not None:
        fits = _plainly(need) if name in places.plain else need
        problem, remedy = _misfit(fits, meta, key=need.unique or need.external)
        note = "" if problem else " ".join(filter(None, [_type_note(need, meta), note]))
        return FieldState(need, exists=True, problem=problem, remedy=remedy, note=note)
    if name in places.left_out:
        note = f"{_field(need)} is left out: {places.left_out[name]}. The mappings do without it."
        return FieldState(need, exists=False, left_out=True, note=note)
    problem, remedy = _why_missing(module, need, places)
    return FieldState(need, exists=False, problem=problem, remedy=remedy, note=note)


def _field(need: FieldNeed) -> str:
    return f"{need.module}.{need.name}"


def _plain_note(need: FieldNeed, places: Places) -> str:
    why = places.plain.get(name_of(need))
    if why is None:
        return ""
    return f"{_field(need)} is a key that is not unique in Zoho: {why}. Our runs look before they create."


def _type_note(need: FieldNeed, meta: FieldMeta) -> str:
    if not need.type or meta.type == need.type:
        return ""
    return f"{_field(need)} is of the type {meta.type}, not {need.type}; it keeps our values as well."


def _why_missing(module: Module, need: FieldNeed, places: Places) -> tuple[str, str]:
    """Problem and remedy of a field that is not there."""
    field_name = _field(need)
    if module.unknown is not None and module.ours:
        return f"The module {module.name} of {field_name} does not exist in Zoho yet.", PROVISION
    if module.unknown is not None:
        return module.unknown.happened, module.unknown.remedy
    if name_of(need) in places.no_room:
        full = places.no_room[name_of(need)]
        return (
            f"{field_name} does not exist in Zoho, and there is no room for it: {full}.",
            "Delete custom fields that nobody needs, or upgrade the edition; then run `ml-connector provision`.",
        )
    if not need.label:
        return (
            f"{field_name} does not exist in Zoho.",
            "Correct the API name in the mapping, or create the field there.",
        )
    same_label = module.labelled(need.label)
    if same_label is not None:
        return (
            f"The label {need.label!r} of {field_name} is taken by the field {same_label.name}.",
            f"Use {same_label.name} in the mapping, or rename one of the two.",
        )
    return f"{field_name} does not exist in Zoho yet.", PROVISION


def _misfit(need: FieldNeed, meta: FieldMeta, *, key: bool) -> tuple[str, str]:
    """Problem and remedy of a field that is there but not as needed; empty when it fits."""
    field_name = _field(need)
    if not _suits(need.type, meta.type, key=key):
        return (
            f"{field_name} is of the type {meta.type}, not {need.type}.",
            "Use another field in the mapping; Zoho does not change a field's type."
            + (_ANEW.format(name=need.name) if need.label else ""),
        )
    if need.lookup and meta.lookup and need.lookup != meta.lookup:
        return (
            f"{field_name} points to {meta.lookup}, not to {need.lookup}.",
            "Use another field in the mapping." + _ANEW.format(name=need.name),
        )
    if meta.read_only and not need.is_only_read:
        return f"{field_name} cannot be written.", "Use another field in the mapping."
    if _is_shorter(need.length, meta.length):
        return f"{field_name} takes {meta.length} characters, not {need.length}.", "Lengthen it in Zoho."
    if _is_shorter(need.decimal_places, meta.decimal_places):
        return (
            f"{field_name} keeps {meta.decimal_places} decimal places, not {need.decimal_places}.",
            "Raise them in Zoho; it cuts off the others.",
        )
    if need.unique and not meta.is_key:
        return (
            f"{field_name} is not unique.",
            'Tick "Do not allow duplicate values" in Zoho in the properties of the field.',
        )
    if need.external and not meta.external:
        return f"{field_name} is not an external id.", "Set it in Zoho in the properties of the field."
    return "", ""


def _suits(needed: str, there: str, *, key: bool) -> bool:
    if not needed or needed == there:
        return True
    return not key and there in SUITABLE.get(needed, ())


def _is_shorter(needed: int | None, there: int | None) -> bool:
    return needed is not None and there is not None and there < needed
