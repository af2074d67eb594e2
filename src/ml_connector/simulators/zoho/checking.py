"""What can be said of a record in a write call without looking at other records."""

from dataclasses import dataclass
from typing import Any

from ml_connector.simulators.zoho.metadata import Module
from ml_connector.simulators.zoho.records import Row
from ml_connector.simulators.zoho.replies import JsonObject, failure
from ml_connector.simulators.zoho.values import InvalidValueError


@dataclass(slots=True)
class Candidate:
    """One item of a write call."""

    path: str
    """Where it stands in the body: `$.data[0]`."""
    values: Row
    """What is to be stored; the very object that was sent, cleaned in place."""
    errors: list[JsonObject]
    cleared: list[str]
    """Fields that were sent as null or as an empty text."""
    references: list[str]
    """Fields that name another record, a user or a layout."""
    id: str | None = None
    lines: list["Candidate"] | None = None
    """Line items; None when they were not sent."""
    is_removed: bool = False
    """A line that carries `_delete`."""


def missing(path: str, name: str) -> JsonObject:
    """A mandatory field is absent."""
    return failure(
        "MANDATORY_NOT_FOUND", "required field not found", {"api_name": name, "json_path": f"{path}.{name}"}
    )


def invalid(path: str, name: str, message: str = "invalid data", **details: Any) -> JsonObject:  # noqa: ANN401
    """A field's value is refused."""
    return failure("INVALID_DATA", message, {**details, "api_name": name, "json_path": f"{path}.{name}"})


def invalid_id(path: str, name: str) -> JsonObject:
    """A field names a record that does not exist."""
    return invalid(path, name, "the id given seems to be invalid")


class Checker:
    """Checks items for one module; line items for the module of its lines."""

    def __init__(self, module: Module, line_module: Module | None, *, refuse_unknown: bool) -> None:
        self._module = module
        self._validators = module.validators
        self._text_lengths = module.text_lengths
        self._references = module.references
        self._refuse_unknown = refuse_unknown
        self._subform = module.subform.api_name if module.subform else None
        self._lines = Checker(line_module, None, refuse_unknown=refuse_unknown) if line_module else None

    def check(self, item: JsonObject, path: str) -> Candidate:
        """The item with everything that is wrong with it."""
        candidate = Candidate(path, item, [], [], [])
        sent_id = item.pop("id", None)
        candidate.id = str(sent_id) if sent_id is not None else None
        lines = item.pop(self._subform, None) if self._subform else None
        self._check_values(candidate)
        if lines is not None:
            self._check_lines(candidate, lines)
        return candidate

    def _check_values(self, candidate: Candidate) -> None:
        values, lengths, validators = candidate.values, self._text_lengths, self._validators
        dropped = []
        for name, value in values.items():
            # Most values are plain texts that fit: they pass here, without a call.
            if value.__class__ is str and 0 < len(value) <= lengths.get(name, 0):
                continue
            if value is None or value == "":
                candidate.cleared.append(name)
            elif name in validators:
                values[name] = self._stored(candidate, name, value)
            else:
                dropped.append(name)
        for name in dropped:
            self._drop(candidate, name)
        for name in candidate.cleared:
            del values[name]

    def _stored(self, candidate: Candidate, name: str, value: Any) -> Any:  # noqa: ANN401
        try:
            stored = self._validators[name](value)
        except InvalidValueError as error:
            candidate.errors.append(invalid(candidate.path, name, **error.details))
            return value
        if name in self._references:
            candidate.references.append(name)
        return stored

    def _drop(self, candidate: Candidate, name: str) -> None:
        """Read-only fields and `$` keys are ignored; an unknown name is, too, unless the settings say otherwise."""
        del candidate.values[name]
        if name == "_delete":
            candidate.is_removed = True
        elif self._refuse_unknown and name not in self._module.fields and not name.startswith("$"):
            message = "the field api name given seems to be invalid"
            candidate.errors.append(invalid(candidate.path, name, message))

    def _check_lines(self, candidate: Candidate, lines: Any) -> None:  # noqa: ANN401
        assert self._subform is not None
        assert self._lines is not None
        if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
            candidate.errors.append(invalid(candidate.path, self._subform, expected_data_type="jsonarray"))
            return
        candidate.lines = []
        for number, line in enumerate(lines):
            if "_delete" in line:
                line["_delete"] = True  # sent as null, which would look like an emptied field
            checked = self._lines.check(line, f"{candidate.path}.{self._subform}[{number}]")
            candidate.lines.append(checked)
            candidate.errors += checked.errors
        if lines:
            candidate.values[self._subform] = []  # its presence counts; the row ids come when it is stored
        else:
            candidate.cleared.append(self._subform)
