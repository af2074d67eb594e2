"""Is what a client sent what Zoho's own OpenAPI files describe? Those of August 2026 in the reference folder are asked.

They are advisory: what they are known to be wrong about stands in `KNOWN_FAULTS`, each with its reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

FILES = Path(__file__).parents[2] / "shared" / "reference" / "zoho" / "oas" / "zoho-2026-08-oas3.1"
AGENT = "ml-connector"
_BASES = {"bulk": "/crm/bulk/v8"}  #: of the files with "bulk" in their name
_BASE = "/crm/v8"
_METHODS = ("get", "post", "put", "patch", "delete")
_SHOWN = 300


@dataclass(frozen=True)
class KnownFault:
    """A complaint that does not count."""

    operation: str
    complaint: str  #: how it begins, without the places in lists
    reason: str


KNOWN_FAULTS = (
    KnownFault(
        "GET /settings/fields",
        "query include: required",
        "Zoho's page of the call has `include` as optional, and the files' own example is without it",
    ),
    *(
        KnownFault(
            "POST /settings/modules",
            f"body $.modules[].{name}: pattern",
            "Zoho's page of the call has letters, digits and blanks in labels, and _ in API names; the files themselves"
            " have _ in the path of GET /settings/modules/{moduleIdentifier}",
        )
        for name in ("singular_label", "plural_label", "api_name")
    ),
    KnownFault(
        "POST /settings/modules",
        "body $.modules: minItems",
        "sent empty on purpose: `ping` learns whether we may create modules without creating one",
    ),
    KnownFault(
        "POST /settings/fields",
        "body $.fields[].pick_list_values: maxItems",
        "the files' own answer of GET /settings/fields/{fieldId}/pick_list_values has up to 2,000 of them, and those of"
        " June 2025 have no limit",
    ),
    KnownFault(
        "GET /{module}",
        "query ids: maxLength",
        "Zoho's page has no such limit, and a hundred ids of 19 digits are 1,999 characters",
    ),
    KnownFault(
        "POST /settings/fields",
        "body $.fields: minItems",
        "sent empty on purpose: `ping` learns whether we may create fields without creating one",
    ),
    KnownFault(
        "POST /write",
        "body $.resource[].find_by: enum",
        "Zoho's page of the call has the API name of a unique field there, or id; the file has id alone",
    ),
    KnownFault(
        "POST /write",
        "body $.resource[]: required",
        "on Zoho's page file_names is for several files in one archive, and find_by optional for an insert",
    ),
    KnownFault(
        "POST /write",
        "body $.resource[].field_mappings[]: additionalProperties",
        "Zoho's page has find_by, format and default_value, and its SDK sends them",
    ),
    KnownFault(
        "POST /write",
        "body $: additionalProperties",
        "Zoho's page and its SDK have ignore_empty beside operation, the file in the resource",
    ),
    KnownFault(
        "POST /actions/watch",
        "body $.watch[]: additionalProperties",
        "Zoho's page has notify_on_related_action for all calls that make or change a channel, the file for PATCH",
    ),
    *(
        KnownFault(
            "PATCH /actions/watch",
            f"body $: {rule}",
            "Zoho's page and its SDK have the channels of PATCH within watch, as POST has them; the file has one alone",
        )
        for rule in ("additionalProperties", "required")
    ),
    *(
        KnownFault(
            "GET /actions/watch",
            f"query {name}: no such parameter",
            "Zoho's page and its SDK have page and per_page, and the file's own answer of the call tells of pages",
        )
        for name in ("page", "per_page")
    ),
)


@dataclass(frozen=True)
class Operation:
    """One call as a file describes it."""

    name: str
    path: re.Pattern[str]
    described: dict[str, Any]
    document: dict[str, Any]
    uri: str
    pointer: str
    registry: Registry[Any] = field(repr=False)

    def complaints(self, example: dict[str, Any], values: dict[str, str]) -> Iterator[str]:
        """What is wrong with a request; `values` are those of the path."""
        declared = {(p["in"], p["name"]): p for p in self._parameters}
        for (place, name), parameter in declared.items():
            given = {"path": values, "query": example["query"], "header": example["headers"]}.get(place, {})
            key = name.lower() if place == "header" else name
            if key in given:
                yield from self._value(parameter, f"{place} {name}", given[key])
            elif parameter.get("required") and place in ("query", "header"):
                yield f"{place} {name}: required"
        for name in example["query"]:
            if ("query", name) not in declared:
                yield f"query {name}: no such parameter"
        yield from self._body(example)

    @cached_property
    def _parameters(self) -> list[dict[str, Any]]:
        return [self._resolved(one) for one in self.described.get("parameters", ())]

    def _resolved(self, parameter: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in parameter:
            return parameter
        found = self.document
        for step in parameter["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found

    def _value(self, parameter: dict[str, Any], where: str, text: str) -> Iterator[str]:
        """A parameter is text: it is right if it is so as text, as a number or as a truth."""
        schema = _with_base(parameter["schema"], self.uri)
        readings: list[Any] = [text]
        if re.fullmatch(r"-?\d+", text):
            readings.append(int(text))
        if text in ("true", "false"):
            readings.append(text == "true")
        validator = Draft202012Validator(schema, registry=self.registry)
        if not any(validator.is_valid(reading) for reading in readings):
            yield from _said(validator, where, readings[-1])

    def _body(self, example: dict[str, Any]) -> Iterator[str]:
        body, described = example["body"], self.described.get("requestBody")
        if described is None:
            if body is not None:
                yield "body: there is none"
            return
        if body is None:
            if described.get("required"):
                yield "body: required"
            return
        media = example["headers"].get("content-type", "").partition(";")[0]
        if media != self._media:
            yield f"header Content-Type: not {self._media}"
        yield from _said(self._body_validator, "body $", _at_full_length(body, example["lengths"]))

    @cached_property
    def _media(self) -> str:
        """There is one for each operation."""
        return next(iter(self.described["requestBody"]["content"]))

    @cached_property
    def _body_validator(self) -> Draft202012Validator:
        media = self._media.replace("/", "~1")
        pointer = f"{self.pointer}/requestBody/content/{media}/schema"
        return Draft202012Validator({"$ref": f"{self.uri}#{pointer}"}, registry=self.registry)


class Description:
    """Every operation of the files."""

    def __init__(self, files: Path = FILES) -> None:
        documents = {
            f"urn:{path.stem}": json.loads(path.read_text(encoding="utf-8")) for path in files.glob("*.json")
        }
        registry: Registry[Any] = Registry().with_resources(
            (uri, Resource.opaque(document)) for uri, document in documents.items()
        )
        self.operations = [
            operation
            for uri, document in documents.items()
            for operation in _operations(uri, document, registry)
        ]
        # Of several that fit, the one with the fewest placeholders is meant: /coql before /{module}.
        self.operations.sort(key=lambda operation: operation.name.count("{"))

    def complaints(self, example: dict[str, Any]) -> tuple[str, list[str]]:
        """The operation that a request means, and what is wrong with the request."""
        for operation in self.operations:
            found = operation.path.fullmatch(f"{example['method']} {unquote(example['path'])}")
            if found:
                return operation.name, list(operation.complaints(example, found.groupdict()))
        return example["path"], ["there is no such operation"]


@dataclass(frozen=True)
class Findings:
    """What came of checking requests."""

    requests: int  #: distinct ones of any client
    checked: int  #: distinct ones of ours
    faults: list[str]
    unused: list[KnownFault]


def check(lines: Iterable[str], known: tuple[KnownFault, ...] = KNOWN_FAULTS) -> Findings:
    """Check the examples of a simulator's file (see its examples.py); a line cut off by a kill is left out."""
    distinct = {json.dumps(example, sort_keys=True): example for example in map(_example, lines) if example}
    ours = [one for one in distinct.values() if one["headers"].get("user-agent") == AGENT]
    description = Description() if ours else None
    faults, used = [], set()
    for example in ours:
        assert description is not None
        operation, complaints = description.complaints(example)
        for complaint in complaints:
            excuse = next((one for one in known if _excuses(one, operation, complaint)), None)
            if excuse:
                used.add(excuse)
            else:
                faults.append(f"{operation}: {complaint}\n  in {_shown(example)}")
    return Findings(len(distinct), len(ours), faults, [one for one in known if one not in used])


def _example(line: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads(line))
    except ValueError:
        return None


def _excuses(known: KnownFault, operation: str, complaint: str) -> bool:
    return known.operation == operation and re.sub(r"\[\d+\]", "[]", complaint).startswith(known.complaint)


def _shown(example: dict[str, Any]) -> str:
    text = json.dumps({name: example[name] for name in ("method", "path", "query", "body")})
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _operations(uri: str, document: dict[str, Any], registry: Registry[Any]) -> Iterator[Operation]:
    base = next((base for word, base in _BASES.items() if word in uri), _BASE)
    for template, methods in document["paths"].items():
        path = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(base + template))
        for method in methods.keys() & set(_METHODS):
            pointer = f"/paths/{template.replace('~', '~0').replace('/', '~1')}/{method}"
            pattern = re.compile(f"{method.upper()} {path}")
            name = f"{method.upper()} {template}"
            yield Operation(name, pattern, methods[method], document, uri, pointer, registry)


def _with_base(schema: dict[str, Any], uri: str) -> dict[str, Any]:
    """A schema taken out of its file: what it refers to is still there."""
    reference = schema.get("$ref", "")
    return {**schema, "$ref": f"{uri}{reference}"} if reference.startswith("#") else schema


def _at_full_length(body: Any, lengths: dict[str, int]) -> Any:
    """The body with its lists as long as they were: the file has one item of each shape."""
    if not isinstance(body, dict):
        return body
    whole = dict(body)
    for name, length in lengths.items():
        items = whole[name]
        whole[name] = items + items[-1:] * (length - len(items))
    return whole


def _said(validator: Draft202012Validator, where: str, value: Any) -> Iterator[str]:
    for error in validator.iter_errors(value):
        path = error.json_path.removeprefix("$")
        yield f"{where}{path}: {error.validator} ({error.message[:_SHOWN]})"
