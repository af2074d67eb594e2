"""Reading a mapping file: TOML in, a frozen Mapping out; a fault names file, line and the known alternatives."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping as MappingOf
from dataclasses import replace

from ml_connector.core.document_fields import SALES_DOCUMENTS
from ml_connector.core.entity import Entity
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.mapping import (
    FACTS,
    MARKS,
    OWNERS,
    CustomField,
    CustomModule,
    FieldRule,
    Mapping,
    MatchRule,
    fingerprint,
)
from ml_connector.core.mapping_text import MappingText
from ml_connector.core.record import Value
from ml_connector.core.transform import ARITY, TRANSFORMS

_TOP = ("name", "source", "target", "key", "match", "as_of", "precedence", "creates", "layout", "trigger", "marks",
        "fields", "custom", "module")  # fmt: skip
_KEY = ("field", "from", "person", "each")
_MATCH = ("name", "email", "within", "facts")
_RULE = ("from", "transform", "value", "owner", "lookup", "of", "required")
_CUSTOM = ("label", "type", "length", "decimal_places", "unique", "external", "essential", "related", "choices",
           "label_of")  # fmt: skip
_MODULE = ("singular", "plural", "name_label")
#: Zoho CRM API v8, "Create Custom Fields": the types that hold what a rule gives (formulas take nothing).
_TYPES = ("text", "textarea", "email", "phone", "website", "integer", "bigint", "double", "currency", "percent", "date",
          "datetime", "boolean", "picklist", "lookup")  # fmt: skip
_AUTOMATIONS = ("workflow", "approval", "blueprint", "pathfinder", "orchestration")
_OWN_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LONGEST_LABEL = 25
_MODULE_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ]{0,24}")  # Zoho CRM API v8, "Create Custom Module"


def read_mapping(path: str, text: str, entities: MappingOf[str, Entity]) -> Mapping:
    """The mapping that ``text`` describes; ``path`` is for messages. Raises ConfigurationError."""
    file = MappingText(path, text, entities)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.", "Correct that line.") from error
    file.check_names(table, _TOP, "a mapping")
    for name in ("name", "source", "target", "key", "fields"):
        if name not in table:
            raise file.fault(f"The mapping has no “{name}”.", name)
    source, name = file.typed(table, "source", str), file.typed(table, "name", str)
    if source not in entities:
        raise file.fault(f"“{source}” is not an entity of the source.", source, entities)
    if not _OWN_NAME.fullmatch(name):
        raise file.fault(
            f"“{name}” is no name for a mapping: small letters, digits and _, 64 at most.", "name"
        )
    mapping = _mapping(file, table, entities[source])
    _refuse_own_fields(file, mapping)
    return mapping


def _refuse_own_fields(file: MappingText, mapping: Mapping) -> None:
    """The key, the as-of instant and the marks are written by themselves: each has a field, and no rule is for one."""
    own = {mapping.key_field: "the key"}
    if mapping.as_of in own:
        raise file.fault(f"{mapping.as_of} is the key and cannot be the as-of instant too.", "as_of")
    own |= {mapping.as_of: "the as-of instant"}
    for mark, name in mapping.marks.items():
        if what := own.get(name):
            raise file.fault(f"{name} is {what} and cannot be the mark “{mark}” too.", mark, section="marks")
        own[name] = f"the mark “{mark}”"
    for rule in mapping.rules:
        if what := own.get(rule.target):
            raise file.fault(
                f"{rule.target} is {what} and cannot be a field too.", rule.target, section="fields"
            )


def _mapping(file: MappingText, table: MappingOf[str, object], entity: Entity) -> Mapping:
    key = _key(file, table, entity)
    key_person = file.source_field(str(key["person"]), entity) if "person" in key else ""
    each = _each(file, key, entity)
    custom = tuple(_custom(file, name, spec, entity) for name, spec in file.table(table, "custom").items())
    places = {one.name: one.decimal_places for one in custom}
    rules = tuple(
        replace(_rule(file, name, spec, entity), decimal_places=places.get(name))
        for name, spec in file.table(table, "fields").items()
    )
    if "layout" in table:
        rules += (FieldRule("Layout", constant=file.typed(table, "layout", str), owner="once"),)
    match = _match(file, file.table(table, "match"), entity)
    mapping = Mapping(
        name=str(table["name"]),
        source=entity.name,
        target=file.field_name(file.typed(table, "target", str)),
        key_field=file.field_name(str(key["field"])),
        key_source=str(key["from"]),
        key_person=key_person,
        each=each,
        rules=rules,
        match=match,
        marks=_marks(file, file.table(table, "marks")),
        trigger=_trigger(file, table.get("trigger", [])),
        creates=file.typed(table, "creates", bool),
        precedence=file.typed(table, "precedence", int),
        as_of=file.field_name(str(table["as_of"])) if "as_of" in table else "",
        custom=custom,
        module=_module(file, file.table(table, "module")) if "module" in table else None,
        reads=frozenset(filter(None, (key_person, *(name for rule in rules for name in rule.sources)))),
        once=frozenset(rule.target for rule in rules if rule.owner == "once"),
    )
    _check_match(file, mapping)
    _check_each(file, mapping, entity)
    _check_lookups(file, mapping)
    return replace(mapping, fingerprint=fingerprint(mapping))


def _key(file: MappingText, table: MappingOf[str, object], entity: Entity) -> MappingOf[str, object]:
    """The table that says what names a record, here and there."""
    key = file.table(table, "key")
    file.check_names(key, _KEY, "[key]")
    for name in _KEY[:2]:
        if name not in key:
            raise file.fault(f"[key] has no “{name}”.", "key")
    source = file.source_field(str(key["from"]), entity)
    if entity.key and source != entity.key:
        raise file.fault(f"{entity.name} are named by “{entity.key}”; no other field can be the key.", source)
    return key


def _each(file: MappingText, key: MappingOf[str, object], entity: Entity) -> str:
    """What of a record is a record of its own in the target."""
    if "each" not in key:
        return ""
    each = file.typed(key, "each", str)
    if not entity.each or each != entity.each:
        known = [entity.each] if entity.each else []
        raise file.fault(f"{entity.name} do not consist of “{each}”.", each, known)
    if "person" in key:
        raise file.fault("[key] has “person” and “each”: a key has one second part.", "each")
    return each


def _check_each(file: MappingText, mapping: Mapping, entity: Entity) -> None:
    """A part's field has many values in a record: only a mapping of the parts can use it."""
    for name in (*sorted(mapping.reads), mapping.match.name):
        if not mapping.each and name and entity.fields[name].each:
            raise file.fault(
                f'“{name}” is a field of the {entity.each} of {entity.name}; write each = "{entity.each}" into'
                " [key].",
                name,
            )


def _check_lookups(file: MappingText, mapping: Mapping) -> None:
    """A field that is made as a lookup points to what its rule says; no other rule can fill one."""
    lookups = {rule.target for rule in mapping.rules if rule.lookup}
    for custom in mapping.custom:
        if (custom.type == "lookup") != (custom.name in lookups):
            raise file.fault(
                f"{custom.name} is a lookup in one of [fields] and [custom], and not in the other.",
                custom.name,
                section="custom",
            )


def _module(file: MappingText, spec: MappingOf[str, object]) -> CustomModule:
    """How the target module is made, where the organisation does not have it."""
    file.check_names(spec, _MODULE, "[module]")
    labels = {name: file.typed(spec, name, str, "module") for name in _MODULE}
    for name, label in labels.items():
        if not _MODULE_LABEL.fullmatch(label):
            raise file.fault(
                f"“{name}” of [module] is letters, digits and blanks, 25 at most.",
                name if name in spec else "module",
                section="module",
            )
    return CustomModule(**labels)


def _match(file: MappingText, match: MappingOf[str, object], entity: Entity) -> MatchRule:
    file.check_names(match, _MATCH, "[match]")
    facts = file.table(match, "facts")
    file.check_names(facts, FACTS, "“facts” of [match]")
    return MatchRule(
        name=file.source_field(str(match["name"]), entity) if "name" in match else "",
        email=file.field_name(str(match["email"])) if "email" in match else "",
        within=file.field_name(str(match["within"])) if "within" in match else "",
        facts={fact: file.field_name(str(name)) for fact, name in facts.items()},
    )


def _check_match(file: MappingText, mapping: Mapping) -> None:
    """What is compared is what we would write: a field without a rule could never be equal."""
    written = {rule.target for rule in mapping.rules}
    for name in mapping.match.fields:
        if name not in written:
            raise file.fault(f"[match] compares {name}, which [fields] does not write.", name, written)
    if mapping.match.within and not mapping.match.email:
        raise file.fault("“within” of [match] narrows the search by “email”, which is not there.", "within")
    if mapping.match.facts and not mapping.match.name:
        raise file.fault("“facts” of [match] help to compare names, but there is no “name”.", "facts")


def _marks(file: MappingText, marks: MappingOf[str, object]) -> dict[str, str]:
    file.check_names(marks, MARKS, "[marks]")
    return {mark: file.field_name(str(name)) for mark, name in marks.items()}


def _trigger(file: MappingText, given: object) -> tuple[str, ...]:
    if not isinstance(given, list):
        raise file.fault(f"“trigger” is a list of: {', '.join(_AUTOMATIONS)}.", "trigger")
    for word in given:
        if word not in _AUTOMATIONS:
            raise file.fault(f"“{word}” is no automation of the CRM.", str(word), _AUTOMATIONS)
    return tuple(given)


def _rule(file: MappingText, name: str, spec: object, entity: Entity) -> FieldRule:
    target = file.field_name(name)
    if isinstance(spec, str):
        return FieldRule(target, (file.source_field(spec, entity),))
    if not isinstance(spec, dict):
        raise file.fault(f"{name} needs a source field, or a table with “from” or “value”.", name)
    file.check_names(spec, _RULE, f"the field {name}")
    owner = str(spec.get("owner", "gp"))
    if owner not in OWNERS:
        raise file.fault(f"“{owner}” is no owner of a field.", owner, OWNERS)
    if "value" in spec:
        return _fixed(file, target, spec, owner)
    sources = _sources(file, name, spec.get("from", ()), entity)
    make = _lookup if "lookup" in spec else _transformed
    return make(file, target, spec, sources, owner)


def _fixed(file: MappingText, target: str, spec: MappingOf[str, object], owner: str) -> FieldRule:
    """A field that always holds the same."""
    if set(spec) - {"value", "owner"}:
        raise file.fault(f"{target} has a “value” and something beside it; a constant stands alone.", target)
    return FieldRule(target, constant=_constant(file, target, spec["value"]), owner=owner)


def _transformed(
    file: MappingText, target: str, spec: MappingOf[str, object], sources: tuple[str, ...], owner: str
) -> FieldRule:
    """A field that is made of source fields."""
    for name in ("required", "of"):
        if name in spec:
            raise file.fault(
                f"“{name}” of {target} belongs to a lookup, which it is not.", target, section="fields"
            )
    transform = str(spec.get("transform", "copy"))
    if transform not in TRANSFORMS:
        raise file.fault(f"“{transform}” is not a transform.", transform, TRANSFORMS)
    if not sources or len(sources) not in ARITY.get(transform, range(1, 100)):
        raise file.fault(
            f"The transform “{transform}” of {target} does not take {len(sources)} fields.", target
        )
    return FieldRule(target, sources, transform, owner=owner)


def _lookup(
    file: MappingText, target: str, spec: MappingOf[str, object], sources: tuple[str, ...], owner: str
) -> FieldRule:
    """A field that points to another record, by that one's key: of the same entity, or of those in “of”."""
    if "transform" in spec or not sources:
        raise file.fault(f"The lookup {target} takes source fields with a key, and no transform.", target)
    module = file.field_name(file.typed(spec, "lookup", str))
    required = file.typed(spec, "required", bool)
    return FieldRule(
        target, sources, owner=owner, lookup=module, of=_of(file, target, spec, sources), required=required
    )


def _of(
    file: MappingText, target: str, spec: MappingOf[str, object], sources: tuple[str, ...]
) -> tuple[str, ...]:
    """The entity of each source field of a lookup; left out: the mapping's own, which one field can name."""
    given = spec.get("of", [])
    names = tuple(map(str, given if isinstance(given, list) else [given]))
    for name in names:
        if name not in file.entities and name != SALES_DOCUMENTS:
            raise file.fault(f"“{name}” is not an entity of the source.", name, file.entities)
    if len(names) != len(sources) and (names or len(sources) != 1):
        raise file.fault(f"The lookup {target} needs in “of” one entity for each field in “from”.", target)
    return names


def _sources(file: MappingText, name: str, given: object, entity: Entity) -> tuple[str, ...]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list | tuple):
        raise file.fault(f"“from” of {name} is a field of the source, or a list of them.", name)
    return tuple(file.source_field(str(source), entity) for source in names)


def _constant(file: MappingText, name: str, value: object) -> Value:
    if not isinstance(value, str | int | bool):
        raise file.fault(f"The value of {name} is a text, a whole number, true or false.", name)
    return value


def _custom(file: MappingText, name: str, spec: object, entity: Entity) -> CustomField:
    if not isinstance(spec, dict) or "label" not in spec or "type" not in spec:
        raise file.fault(f"The custom field {name} needs a label and a type.", name, section="custom")
    file.check_names(spec, _CUSTOM, f"the custom field {name}")
    kind = file.typed(spec, "type", str, "custom")
    if kind not in _TYPES:
        raise file.fault(f"“{kind}” of {name} is no type that can be made.", kind, _TYPES, section="custom")
    return CustomField(
        name=file.field_name(name),
        label=file.typed(spec, "label", str, "custom"),
        type=kind,
        length=_size(file, name, spec, "length", 50_000),
        decimal_places=_size(file, name, spec, "decimal_places", 9),
        unique=file.typed(spec, "unique", bool, "custom"),
        external=file.typed(spec, "external", bool, "custom"),
        essential=file.typed(spec, "essential", bool, "custom"),
        related=_related(file, name, spec),
        choices=_choices(file, name, spec.get("choices", [])),
        label_of=file.source_field(str(spec["label_of"]), entity) if "label_of" in spec else "",
    )


def _related(file: MappingText, name: str, spec: MappingOf[str, object]) -> str:
    """What the list of these records is called on a record that they point to."""
    related = file.typed(spec, "related", str, "custom")
    if len(related) > _LONGEST_LABEL:
        raise file.fault(
            f"“related” of {name} is {_LONGEST_LABEL} characters at most.", "related", section="custom"
        )
    return related


def _choices(file: MappingText, name: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(value, str) for value in given):
        raise file.fault(f"“choices” of {name} is a list of texts.", name, section="custom")
    return tuple(given)


def _size(file: MappingText, field: str, spec: MappingOf[str, object], name: str, most: int) -> int | None:
    """A length, or how many decimal places, no more than any of Zoho's fields has; left out: Zoho's own choice."""
    size = file.typed(spec, name, int, "custom")
    if name in spec and not 1 <= size <= most:
        raise file.fault(f"“{name}” of {field} is from 1 to {most:,}.", name, section="custom")
    return size or None
