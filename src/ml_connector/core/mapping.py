"""From a source record to what the target should hold: a table of fields, applied."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import asdict, astuple, dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations

from ml_connector.core.catalogue import PARENT_WAITS
from ml_connector.core.companies import owner
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.needs import FieldNeed, ModuleNeed
from ml_connector.core.people import person_key
from ml_connector.core.record import Record, Value, fold_key
from ml_connector.core.transform import TRANSFORMS, MapContext

#: Who decides what stands in a field: the ERP whenever its value changes; the ERP when the record is made, or where the
#: field is still empty when it is recognised; the CRM alone.
OWNERS = ("gp", "once", "zoho")
#: What a record of the target can be marked as by a field of its own: the person left, the record left the filter, the
#: source has it no more.
MARKS = ("former", "filtered", "vanished")
#: What of a record, beside its name, tells similar ones apart.
FACTS = ("city", "postal_code", "phone", "email")


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Where one target field's value comes from: source fields and a transform, or a constant."""

    target: str
    sources: tuple[str, ...] = ()
    transform: str = "copy"
    constant: Value = None
    owner: str = "gp"  #: one of ``OWNERS``
    lookup: str = ""  #: a module: the value is the record there of the first key in ``sources`` that is set
    of: tuple[str, ...] = ()  #: of a lookup: the entity of each key; empty: the mapping's own
    required: bool = False  #: of a lookup: without that record this one waits
    decimal_places: int | None = None  #: so many the target keeps of a number, where that is known


@dataclass(frozen=True, slots=True)
class CustomField:
    """A target field that is ours to make."""

    name: str
    label: str
    type: str
    length: int | None = None
    decimal_places: int | None = None
    unique: bool = False
    external: bool = False
    essential: bool = False
    related: str = ""  #: of a lookup: what the list of these records is called on a record there
    choices: tuple[str, ...] = ()  #: of a picklist: its first values
    shown_as: str = ""  #: what people see in place of ``label`` once it is made
    label_of: str = ""  #: the source field whose name in the source is what people see


@dataclass(frozen=True, slots=True)
class CustomModule:
    """A target module that is ours to make."""

    singular: str
    plural: str
    name_label: str


@dataclass(frozen=True, slots=True)
class MatchRule:
    """How a record that has no link and no key is recognised; empty: not in this way."""

    name: str = ""  #: source field compared with the module's name field
    email: str = ""  #: target field that holds an e-mail address, compared with what we would write there
    within: str = ""  #: target lookup that has to be the same for it
    facts: MappingOf[str, str] = field(
        default_factory=dict
    )  #: one of ``FACTS`` -> target field, for similar names

    @property
    def fields(self) -> tuple[str, ...]:
        """The target fields that it looks at, the name field apart."""
        return tuple(filter(None, (self.email, self.within, *self.facts.values())))


@dataclass(frozen=True, slots=True)
class Mapping:
    """One mapping file."""

    name: str
    source: str  #: entity
    target: str  #: module
    key_field: str  #: target field that carries our key
    key_source: str  #: source field that it comes from
    rules: tuple[FieldRule, ...]
    key_person: str = ""  #: source field with a person, who makes the key's second part: one record for each
    each: str = (
        ""  #: the parts of a source record ("lines") that make the key's second part: one record for each
    )
    match: MatchRule = MatchRule()
    marks: MappingOf[str, str] = field(default_factory=dict)  #: one of ``MARKS`` -> boolean target field
    trigger: tuple[str, ...] = ()  #: automations of the target that a write of these fields may start
    creates: bool = False  #: whether a record may be created for this mapping alone
    precedence: int = 0  #: among mappings of different pairs that name the same field, the lowest wins
    as_of: str = ""  #: target field for the instant at which a reading last changed this group
    custom: tuple[CustomField, ...] = ()
    module: CustomModule | None = None  #: how the target module is made, where it is ours to make
    fingerprint: str = ""  #: changes when the file's meaning changes
    reads: frozenset[str] = field(default_factory=frozenset)  #: every source field it needs
    once: frozenset[str] = field(
        default_factory=frozenset
    )  #: target fields written only where nothing stands yet


@dataclass(frozen=True, slots=True)
class Reference:
    """The record that a lookup points to, in the source's words."""

    entity: str
    module: str
    key: str
    required: bool


@dataclass(frozen=True, slots=True)
class Part:
    """What one mapping wants of the target record."""

    mapping: Mapping
    fields: MappingOf[str, Value]
    fault: RecordRejectedError | None = None  #: set: this mapping could not be applied, ``fields`` is empty
    references: MappingOf[str, Reference] = field(default_factory=dict)  #: lookups that are not resolved yet


def fingerprint(mapping: Mapping, beside: str = "") -> str:
    """A hash of what the mapping means: rules, key, matching, rank; not of comments, labels or order.

    ``beside``: what else decides what it writes, such as the flow's filter.
    """
    rules = sorted(map(_meaning, mapping.rules))
    key: tuple[str, ...] = _key_of(mapping)
    key = (mapping.source, mapping.target, *(key if mapping.each else key[:3]))
    match = (mapping.match.name, mapping.match.email, mapping.match.within)
    marks = sorted(mapping.marks.items())
    meaning = repr((key, match, marks, mapping.creates, mapping.precedence, mapping.as_of, rules, beside))
    return hashlib.sha256(meaning.encode()).hexdigest()[:16]


def _meaning(rule: FieldRule) -> tuple[object, ...]:
    """What a rule means; what it did not have before it could have an ``of`` stays the same."""
    meaning = (
        rule.target,
        rule.sources,
        rule.transform,
        repr(rule.constant),
        rule.owner,
        rule.lookup,
        rule.required,
    )
    return (*meaning, rule.of) if rule.of else meaning


def fitted(mapping: Mapping, without: Collection[str], beside: str = "") -> Mapping:
    """The mapping without these target fields; ``beside``: see ``fingerprint``."""
    rules = tuple(rule for rule in mapping.rules if rule.target not in without)
    match = mapping.match
    fewer = replace(
        mapping,
        rules=rules,
        match=replace(match, facts={fact: name for fact, name in match.facts.items() if name not in without}),
        marks={mark: name for mark, name in mapping.marks.items() if name not in without},
        as_of="" if mapping.as_of in without else mapping.as_of,
        custom=tuple(custom for custom in mapping.custom if custom.name not in without),
        reads=frozenset(name for rule in rules for name in rule.sources)
        | {*filter(None, [mapping.key_person])},
        once=mapping.once.difference(without),
    )
    return replace(fewer, fingerprint=fingerprint(fewer, beside))


def labelled(mapping: Mapping, labels: MappingOf[str, str]) -> Mapping:
    """The mapping with the custom fields that are named after a source field under its label in the source.

    A source field that has no label there is not in use: nothing is made or written of it.
    """
    unused = {c.name for c in mapping.custom if c.label_of and c.label_of not in labels}
    custom = tuple(
        replace(c, shown_as=labels[c.label_of]) if c.label_of in labels else c for c in mapping.custom
    )
    shown = replace(mapping, custom=custom)
    return fitted(shown, unused, mapping.fingerprint) if unused else shown


def person_of(record: Record, mapping: Mapping) -> str:
    """The second part of the key: the person, as names are compared; empty where the record names none."""
    return person_key(str(record.fields.get(mapping.key_person) or "")) if mapping.key_person else ""


def key_value(record: Record, context: MapContext, part: str = "") -> str:
    """The record's key as the target carries it."""
    return carried_key(record.key, context, part)


def carried_key(key: str, context: MapContext, part: str = "") -> str:
    """A source key as the target carries it: prefix, source key, and behind a colon the part."""
    return f"{context.key_prefix}{key}" + (f":{part}" if part else "")


def is_another_company_s(value: str, context: MapContext) -> bool:
    """Whether this key, as the target carries it, begins as those of another company do."""
    whose = owner(value, (context.key_prefix, *context.other_prefixes))
    return whose is not None and whose != context.key_prefix


def source_key(value: str, mapping: Mapping, context: MapContext) -> str:
    """The source key in what the target carries as key, without the part behind it. Another company's: empty."""
    if not value.startswith(context.key_prefix):
        return ""
    key = value.removeprefix(context.key_prefix)
    return key.rpartition(":")[0] if mapping.key_person or mapping.each else key


def map_record(
    record: Record, mapping: Mapping, context: MapContext, marked: MappingOf[str, bool] | None = None
) -> Part:
    """Apply one mapping to one record; a record at fault gives a Part with the fault, naming the target field.

    ``marked``: what the record is marked as now (``MARKS``), where that is to be written.
    """
    fields: dict[str, Value] = {}
    references: dict[str, Reference] = {}
    for rule in mapping.rules:
        if rule.owner == "zoho":
            continue
        if rule.lookup:
            _refer(rule, record, mapping, fields, references)
            continue
        try:
            fields[rule.target] = _value(rule, record, context)
        except RecordRejectedError as error:
            error.field = rule.target
            return Part(mapping, {}, error)
    for mark, is_so in (marked or {}).items():
        if mark in mapping.marks:
            fields[mapping.marks[mark]] = is_so
    return Part(mapping, fields, references=references)


def _refer(
    rule: FieldRule,
    record: Record,
    mapping: Mapping,
    fields: dict[str, Value],
    references: dict[str, Reference],
) -> None:
    """Note what a lookup points to; to nothing, or to the record itself, it is empty."""
    keys = [str(record.fields.get(name) or "").rstrip() for name in rule.sources]
    entities = rule.of or (mapping.source,)
    entity, key = next(((e, key) for e, key in zip(entities, keys, strict=True) if key), ("", ""))
    itself = (mapping.source, mapping.target, fold_key(record.key))
    if not key or (entity, rule.lookup, fold_key(key)) == itself:
        fields[rule.target] = None
    else:
        references[rule.target] = Reference(entity, rule.lookup, key, rule.required)


def resolve(part: Part, linked: MappingOf[Reference, str]) -> Part:
    """The part with its lookups filled in; what is not ``linked`` yet is left out, or is the part's fault."""
    if not part.references or part.fault:
        return part
    waits = [(name, r) for name, r in part.references.items() if r not in linked]
    required = next(((name, r) for name, r in waits if r.required), None)
    if required is not None:
        return replace(part, fields={}, fault=_parent_waits(*required))
    found = {name: linked[r] for name, r in part.references.items() if r in linked}
    return replace(part, fields={**part.fields, **found}, references=dict(waits))


def _parent_waits(name: str, reference: Reference) -> RecordRejectedError:
    return RecordRejectedError(
        f"It belongs to {reference.key} in {reference.module}, which is not in the CRM yet.",
        f"Work off what {reference.key} waits for: this one goes through with it.",
        code=PARENT_WAITS,
        field=name,
    )


def _value(rule: FieldRule, record: Record, context: MapContext) -> Value:
    if not rule.sources:
        return rule.constant
    if rule.transform == "copy":  # most rules are
        value = record.fields.get(rule.sources[0])
    else:
        value = TRANSFORMS[rule.transform](tuple(record.fields.get(name) for name in rule.sources), context)
    if rule.decimal_places is None or not isinstance(value, Decimal):
        return value
    return _rounded(value, rule.decimal_places)


def _rounded(value: Decimal, places: int) -> Decimal:
    """The value as the target can keep it: it cuts off what is more, and would then seem to have been changed there."""
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return value if rounded == value else rounded


def recognised_by(mappings: Iterable[Mapping]) -> list[str]:
    """Every target field by which records are recognised, the name fields apart: keys, e-mail, facts."""
    return sorted({name for m in mappings for name in (m.key_field, *m.match.fields)})


def field_needs(mappings: Iterable[Mapping]) -> list[FieldNeed]:
    """Every target field that the mappings write or look at, once; ours to make where a mapping describes it."""
    needs: dict[tuple[str, str], FieldNeed] = {}
    every = list(mappings)
    own_modules = {mapping.target for mapping in every if mapping.module}
    for mapping in every:
        made = {custom.name: custom for custom in mapping.custom}
        lookups = {rule.target: rule.lookup for rule in mapping.rules}
        written = [rule.target for rule in mapping.rules if rule.owner != "zoho"]
        names = [mapping.key_field, *written, mapping.as_of, *mapping.marks.values(), *mapping.match.fields]
        for name in filter(None, names):
            ours = made.get(name)
            if ours is not None:
                needs[mapping.target, name] = _need(mapping.target, ours, lookups.get(name, ""))
            else:
                needs.setdefault((mapping.target, name), FieldNeed(mapping.target, name))
    return [replace(need, module_is_ours=need.module in own_modules) for need in needs.values()]


def _need(module: str, custom: CustomField, lookup: str) -> FieldNeed:
    described = asdict(custom)
    del described["label_of"]
    return FieldNeed(module, **described, lookup=lookup)


def module_needs(mappings: Iterable[Mapping]) -> list[ModuleNeed]:
    """Every target module that is ours to make, once."""
    made = {mapping.target: mapping.module for mapping in mappings if mapping.module}
    return [ModuleNeed(name, *astuple(module)) for name, module in made.items()]


def conflicts(mappings: Sequence[Mapping]) -> list[str]:
    """What mappings of one target contradict each other in; a sentence each.

    Two that write the same field need a rank between them, and those of one pair (entity and module) need one key.
    """
    found = []
    for one, other in combinations(mappings, 2):
        if one.target != other.target:
            continue
        same_pair = one.source == other.source
        if same_pair and _key_of(one) != _key_of(other):
            found.append(f"{one.name} and {other.name} find their record of {one.target} by different keys.")
        if not same_pair and one.precedence != other.precedence:
            continue
        shared = _written(one) & _written(other)
        found += [
            f"{one.name} and {other.name} both write {one.target}.{name}, and neither ranks before the other."
            for name in sorted(shared)
        ]
    return found


def _key_of(mapping: Mapping) -> tuple[str, str, str, str]:
    return mapping.key_field, mapping.key_source, mapping.key_person, mapping.each


def _written(mapping: Mapping) -> frozenset[str]:
    return frozenset(rule.target for rule in mapping.rules if rule.owner != "zoho")


def withheld(mapping: Mapping, outranking: Sequence[Mapping]) -> frozenset[str]:
    """The fields that ``mapping`` leaves to the higher-ranked mappings whose record is linked to the same target."""
    higher = [m for m in outranking if m.target == mapping.target and m.precedence < mapping.precedence]
    return frozenset(name for m in higher for name in _written(m)) & _written(mapping)
