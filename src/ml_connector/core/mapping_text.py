"""The text of a mapping file while it is read: what stands where, of which type; a fault names file and line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from difflib import get_close_matches
from typing import TypeVar

from ml_connector.core.entity import Entity
from ml_connector.core.errors import ConfigurationError

_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}")

Given = TypeVar("Given")
_TYPE_NAMES: MappingOf[type, str] = {bool: "true or false", int: "a whole number", str: "a text"}


class MappingText:
    """The text being read, so that a fault can say where; and the entities that it may name."""

    def __init__(self, path: str, text: str, entities: MappingOf[str, Entity]) -> None:
        self.path = path
        self.lines = text.splitlines()
        self.entities = entities

    def fault(self, what: str, near: str, known: Iterable[str] = (), section: str = "") -> ConfigurationError:
        """An error at the first line that has the word ``near``, behind the header of ``section`` if there is one."""
        pattern = re.compile(rf"(?<![\w.]){re.escape(near)}(?![\w.])")
        begin = next(
            (n for n, text in enumerate(self.lines) if section and text.startswith(f"[{section}")), 0
        )
        lines = enumerate(self.lines[begin:], begin + 1)
        line = next((n for n, text in lines if near and pattern.search(text)), 1)
        return ConfigurationError(f"{self.path}, line {line}: {what}", _suggest(near, known))

    def check_names(self, given: Iterable[str], known: tuple[str, ...], where: str) -> None:
        """Refuse the first name that is not known."""
        for name in given:
            if name not in known:
                raise self.fault(f"“{name}” is not a setting of {where}.", name, known)

    def table(self, table: MappingOf[str, object], name: str) -> MappingOf[str, object]:
        """The table of this name; left out: an empty one."""
        value = table.get(name, {})
        if not isinstance(value, dict):
            raise self.fault(f"“{name}” is a table.", name)
        return value

    def typed(self, table: MappingOf[str, object], name: str, kind: type[Given], section: str = "") -> Given:
        """The setting of this name, of exactly this type (a yes is no number); left out: no, 0 or an empty text."""
        value = table.get(name, kind())
        if not isinstance(value, kind) or type(value) is not kind:
            raise self.fault(f"“{name}” is {_TYPE_NAMES[kind]}.", name, section=section)
        return value

    def field_name(self, name: str) -> str:
        """The name unchanged, if a field or a module of the target can have it."""
        if not _FIELD_NAME.fullmatch(name):
            raise self.fault(f"“{name}” is not a name that the target can have.", name)
        return name

    def source_field(self, name: str, entity: Entity) -> str:
        """The name unchanged, if the entity has such a field."""
        if name not in entity.fields:
            raise self.fault(f"{entity.name} has no field “{name}”.", name, entity.fields)
        return name


def _suggest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean “{near[0]}”?"
    return f"Known are: {', '.join(names)}." if names else "Correct it and run the command again."
