"""Reading a mapping file of documents: TOML in, a frozen DocumentMapping out; a fault names file, line and what fits.

The fields of the CRM are not checked here, for every organisation has its own: ``DocumentMapping.needs`` says which
have to be there.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import replace

from ml_connector.core.document_mapping import (
    HEADER,
    LINES,
    ROW,
    TABLES,
    DocumentMapping,
    DocumentRule,
    Shape,
    Type,
)
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.mapping_text import MappingText
from ml_connector.core.record import Value
from ml_connector.core.sales import Kind
from ml_connector.core.transform import ARITY

TOP = ("name", "module", "kind", "rows", "header", "lines")
RULE = ("from", "transform", "value", "lookup", "table")
#: Of all transforms, those that make something of values of the CRM.
TRANSFORMS_OF_DOCUMENTS = ("copy", "first", "lines", "title", "total")
_KINDS = (Kind.ORDER.value, Kind.QUOTE.value)
_OWN_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CRM_FIELD = re.compile(r"(line\.)?[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)?")
_REQUIRED = {"header": ("customer",), "lines": ("quantity",)}


def read_document_mapping(path: str, text: str) -> DocumentMapping:
    """The mapping that ``text`` describes; ``path`` is for messages. Raises ConfigurationError."""
    file = MappingText(path, text, {})
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.", "Correct that line.") from error
    file.check_names(table, TOP, "a mapping of documents")
    for name in ("name", "module", "kind", "header", "lines"):
        if name not in table:
            raise file.fault(f"The mapping has no “{name}”.", name)
    mapping = DocumentMapping(
        name=_name(file, table),
        module=file.field_name(file.typed(table, "module", str)),
        kind=_kind(file, table),
        rows=file.field_name(file.typed(table, "rows", str)) if "rows" in table else "",
        header=_rules(file, table, "header", HEADER),
        lines=_rules(file, table, "lines", LINES),
    )
    _refuse_rows(file, mapping)
    return replace(mapping, fingerprint=_fingerprint(mapping))


def _refuse_rows(file: MappingText, mapping: DocumentMapping) -> None:
    """A field of a row has many values in a record: only a line can take it."""
    rules = mapping.header if mapping.rows else (*mapping.header, *mapping.lines)
    for source in (source for rule in rules for source in rule.sources if source.startswith(ROW)):
        remedy = "rules of [lines] alone" if mapping.rows else "mappings with “rows” alone"
        raise file.fault(f"“{source}” is a field of a row, which is for {remedy}.", source)


def _name(file: MappingText, table: MappingOf[str, object]) -> str:
    name = file.typed(table, "name", str)
    if not _OWN_NAME.fullmatch(name):
        raise file.fault(
            f"“{name}” is no name for a mapping: small letters, digits and _, 64 at most.", "name"
        )
    return name


def _kind(file: MappingText, table: MappingOf[str, object]) -> Kind:
    kind = file.typed(table, "kind", str)
    if kind not in _KINDS:
        raise file.fault(f"“{kind}” is no kind of document that can be made.", kind, _KINDS)
    return Kind(kind)


def _rules(
    file: MappingText, table: MappingOf[str, object], section: str, shapes: MappingOf[str, Shape]
) -> tuple[DocumentRule, ...]:
    """The rules of [header] or of [lines]."""
    given = file.table(table, section)
    for name in _REQUIRED[section]:
        if name not in given:
            raise file.fault(
                f"[{section}] has no “{name}”, which every document needs.", section, section=section
            )
    return tuple(
        _rule(file, name, spec, (section, shapes)) for name, spec in _flat(file, given, section, shapes)
    )


def _flat(
    file: MappingText, given: MappingOf[str, object], section: str, shapes: MappingOf[str, Shape]
) -> Iterable[tuple[str, object]]:
    """Every value that is given, with its name; ``ship_to.city = ...`` is a table in a table to TOML."""
    for name, spec in given.items():
        inner = [known for known in shapes if known.startswith(f"{name}.")]
        if inner and isinstance(spec, dict):
            yield from _flat(file, {f"{name}.{key}": one for key, one in spec.items()}, section, shapes)
        elif name not in shapes:
            raise file.fault(f"“{name}” is no value of [{section}].", _at(file, name), shapes, section)
        else:
            yield name, spec


def _at(file: MappingText, name: str) -> str:
    """What of a name stands in the file: all of it, or the last part where the first is a table's."""
    return name if any(name in line for line in file.lines) else name.rpartition(".")[2]


def _rule(
    file: MappingText, name: str, spec: object, where: tuple[str, MappingOf[str, Shape]]
) -> DocumentRule:
    section, shapes = where
    if isinstance(spec, str):
        spec = {"from": spec}
    if not isinstance(spec, dict) or ("from" in spec) == ("value" in spec):
        raise file.fault(
            f"{name} is a field of the CRM, or a table with “from” or “value”.",
            _at(file, name),
            section=section,
        )
    file.check_names(spec, RULE, f"the value {name}")
    if "value" in spec:
        return DocumentRule(name, constant=_constant(file, name, spec, (section, shapes[name])))
    sources = _sources(file, name, spec["from"], section)
    table, lookup = file.typed(spec, "table", str, section), file.typed(spec, "lookup", str, section)
    if "table" in spec and table not in TABLES:
        raise file.fault(f"“{table}” is no table of [sales].", table, TABLES, section)
    if "lookup" in spec and ("transform" in spec or "table" in spec):
        raise file.fault(
            f"The lookup {name} takes fields with an id, and neither a transform nor a table.",
            _at(file, name),
            section=section,
        )
    return DocumentRule(
        name,
        sources,
        _transform(file, name, spec, (section, sources)),
        lookup=file.field_name(lookup) if "lookup" in spec else "",
        table=table,
    )


def _constant(file: MappingText, name: str, spec: MappingOf[str, object], where: tuple[str, Shape]) -> Value:
    """A value that is always the same: a text, a whole number, yes or no, as the document has it."""
    section, shape = where
    if len(spec) > 1:
        raise file.fault(
            f"{name} has a “value” and something beside it; a constant stands alone.",
            _at(file, name),
            section=section,
        )
    value, wanted = spec["value"], {Type.YES_NO: bool, Type.AMOUNT: int}.get(shape.type, str)
    if type(value) is not wanted:
        raise file.fault(f"The value of {name} is not {shape.type.value}.", _at(file, name), section=section)
    assert isinstance(value, str | int)
    return value


def _sources(file: MappingText, name: str, given: object, section: str) -> tuple[str, ...]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not names:
        raise file.fault(
            f"“from” of {name} is a field of the CRM, or a list of them.", _at(file, name), section=section
        )
    for source in names:
        if not isinstance(source, str) or not _CRM_FIELD.fullmatch(source):
            raise file.fault(
                f"“{source}” is no field of the CRM: an API name, or that of a lookup with a field behind a dot; of a"
                " row behind line.",
                _at(file, name),
                section=section,
            )
    return tuple(names)


def _transform(
    file: MappingText, name: str, spec: MappingOf[str, object], where: tuple[str, tuple[str, ...]]
) -> str:
    section, sources = where
    if "lookup" in spec:
        return "copy"  # of the first that is set
    transform = file.typed(spec, "transform", str, section) if "transform" in spec else "copy"
    if transform not in TRANSFORMS_OF_DOCUMENTS:
        raise file.fault(
            f"“{transform}” is not a transform of documents.", transform, TRANSFORMS_OF_DOCUMENTS, section
        )
    if len(sources) not in ARITY.get(transform, range(1, 100)):
        raise file.fault(
            f"The transform “{transform}” of {name} does not take {len(sources)} fields.",
            _at(file, name),
            section=section,
        )
    return transform


def _fingerprint(mapping: DocumentMapping) -> str:
    """A hash of what the mapping means; not of comments or order."""
    rules = (sorted(map(repr, mapping.header)), sorted(map(repr, mapping.lines)))
    meaning = repr((mapping.module, mapping.kind.value, mapping.rows, rules))
    return hashlib.sha256(meaning.encode()).hexdigest()[:16]
