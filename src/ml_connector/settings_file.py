"""The settings file: read into the frozen tree, with faults that name their line; and written anew, with comments."""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from ml_connector.core.companies import wrong_company
from ml_connector.core.errors import ConfigurationError
from ml_connector.settings import Settings

#: Where a key that holds a secret is refused, this is the name to keep it under.
_SECRET_NAMES: Mapping[tuple[str, ...], str] = {
    ("gp", "password"): "gp.password",
    ("zoho", "client_secret"): "zoho.client_secret",
    ("zoho", "refresh_token"): "zoho.refresh_token",
}
_SECRET_KEY = re.compile(
    r"(^|[_-])(password|passwd|pwd|passphrase|secret|token|api_?key|private_key)$", re.IGNORECASE
)


def load_settings(path: Path) -> Settings:
    """The settings of this file. ConfigurationError: a sentence with file, line and the nearest known key."""
    path = path.absolute()
    try:
        file = _File(path, path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no settings file {path}.",
            "Make one with ml-connector init, or name another with --settings PATH.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The settings file {path} cannot be read: {error}.",
            "Correct it, or name another with --settings.",
        ) from error
    return _settled(file.parse(), path.parent)


def _settled(settings: Settings, base: Path) -> Settings:
    """The same with every path absolute and every default that depends on another setting filled in."""
    folder = base / settings.store.folder
    store = {"folder": folder, "url": settings.store.url or f"sqlite:///{folder / 'ml-connector.db'}"}
    secrets = settings.secrets
    if secrets.key_env is None and secrets.key_command is None:
        key_file = base / secrets.key_file if secrets.key_file else folder / "master.key"
        secrets = secrets.model_copy(update={"key_file": key_file})
    checkpoints = base / (settings.audit.checkpoint_file or folder / "audit.checkpoints")
    mappings, gp = settings.mappings, settings.gp
    if mappings.folder is not None:
        mappings = mappings.model_copy(update={"folder": base / mappings.folder})
    if gp.ca_file is not None:
        gp = gp.model_copy(update={"ca_file": base / gp.ca_file})
    changed = {
        "store": settings.store.model_copy(update=store),
        "secrets": secrets,
        "audit": settings.audit.model_copy(update={"checkpoint_file": checkpoints}),
        "mappings": mappings,
        "gp": gp,
    }
    return settings.model_copy(update=changed)


class _File:
    """The text of a settings file, so that a fault can say where it is."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = _lines_of_keys(text)
        self._text = text

    def parse(self) -> Settings:
        """The settings as they are written."""
        try:
            table = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(
                f"{self._path} is not valid TOML: {error}.", "Correct that line."
            ) from error
        self._refuse_secrets(table)
        self._refuse_unknown(table, Settings, ())
        try:
            # JSON is pydantic's strict way in that still takes a text for a path and an array for a tuple.
            settings = Settings.model_validate_json(json.dumps(table, default=str), strict=True)
            wrong = wrong_company(settings.every_company, settings.flows.by_name)
            wrong = wrong or settings.company_without_sba_name()
            if wrong is None:
                return settings
            fault = self._fault(
                ("companies", wrong[0]), f"[companies.{wrong[0]}] {wrong[1]}.", "Correct it and run it again."
            )
        except ValidationError as error:
            fault = self._invalid(error.errors(include_url=False)[0])
        raise fault  # outside the handler: pydantic's own words repeat what was written, which is nobody's business

    def _refuse_secrets(self, table: Mapping[str, object]) -> None:
        for keys in _keys_of(table):
            if not _SECRET_KEY.search(keys[-1]):
                continue
            name = _SECRET_NAMES.get(keys, "NAME")
            raise self._fault(
                keys,
                f"“{keys[-1]}” is a secret, and no secret is written into the settings.",
                f"Remove the line, and run: ml-connector secrets set {name}",
            )

    def _refuse_unknown(
        self, table: Mapping[str, object], model: type[BaseModel], at: tuple[str, ...]
    ) -> None:
        for name, value in table.items():
            keys = (*at, name)
            field = model.model_fields.get(name)
            if field is None:
                where = f"[{'.'.join(at)}]" if at else "the settings"
                raise self._fault(keys, f"“{name}” is not a setting of {where}.", _nearest(name, model))
            section, named = _section_of(field), _named_section_of(field)
            if section is not None and isinstance(value, dict):
                self._refuse_unknown(value, section, keys)
            if named is not None and isinstance(value, dict):
                for key, one in value.items():
                    self._refuse_unknown(one if isinstance(one, dict) else {}, named, (*keys, key))

    def _invalid(self, error: ErrorDetails) -> ConfigurationError:
        keys = tuple(str(part) for part in error["loc"] if isinstance(part, str))
        if error["type"] == "missing":
            return self._missing(keys)
        section, name = ".".join(keys[:-1]), keys[-1] if keys else ""
        subject = f"“{name}” of [{section}]" if section else f"[{name}]"
        message = error["msg"].removeprefix("Value error, ")
        what = message[5:] if message.startswith("Input should ") else f": {message}"
        return self._fault(keys, f"{subject}{what}.", "Correct it and run the command again.")

    def _missing(self, keys: tuple[str, ...]) -> ConfigurationError:
        if len(keys) == 1:
            return self._fault(
                keys, f"There is no section [{keys[0]}].", f"Write it: {_required_of(Settings, keys[0])}."
            )
        section = ".".join(keys[:-1])
        return self._fault(
            keys[:-1], f"[{section}] has no “{keys[-1]}”, which is required.", f"Write it below [{section}]."
        )

    def _fault(self, keys: tuple[str, ...], happened: str, remedy: str) -> ConfigurationError:
        found = (self._lines[keys[:size]] for size in range(len(keys), 0, -1) if keys[:size] in self._lines)
        return ConfigurationError(f"{self._path}, line {next(found, 1)}: {happened}", remedy)


_HEADER = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+")
_KEY = re.compile(r"^\s*((?:[\w\-\"']+\s*\.\s*)*[\w\-\"']+)\s*=")


def _lines_of_keys(text: str) -> dict[tuple[str, ...], int]:
    """Each table and key with the number of the line where it is first named (tomllib does not tell)."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            keys = table = _split(header[1])
        elif key := _KEY.match(line):
            keys = (*table, *_split(key[1]))
        else:
            continue
        for size in range(1, len(keys) + 1):
            lines.setdefault(keys[:size], number)
    return lines


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _keys_of(table: Mapping[str, object], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key with a value that is not a table, whether we know it or not."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _keys_of(value, (*at, name))
        else:
            yield (*at, name)


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _named_section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of the tables that a person names: [companies.NAME]."""
    kinds = [kind for kind in get_args(field.annotation) if isinstance(kind, type)]
    return next((kind for kind in kinds if issubclass(kind, BaseModel)), None)


def _nearest(name: str, model: type[BaseModel]) -> str:
    """Which known key was meant: one like it here, or the same one in another section."""
    near = get_close_matches(name, model.model_fields, n=1)
    if near:
        return f"Did you mean “{near[0]}”?"
    homes = [section for section, field in _sections(Settings) if name in field.model_fields]
    if homes:
        return f"It belongs below [{homes[0]}]."
    return f"Known are: {', '.join(model.model_fields)}."


def _sections(model: type[BaseModel], at: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Every table of the file with its model, in the order of the file."""
    for name, field in model.model_fields.items():
        section = _section_of(field)
        if named := _named_section_of(field):
            yield f"{at}{name}.NAME", named
        if section is None:
            continue
        if any(_section_of(inner) is None for inner in section.model_fields.values()):
            yield at + name, section
        yield from _sections(section, f"{at}{name}.")


def own_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The settings that stand in a section itself, not in a section below it."""
    below = (_section_of, _named_section_of)
    return {k: field for k, field in model.model_fields.items() if not any(of(field) for of in below)}


def _required_of(model: type[BaseModel], name: str) -> str:
    section = _section_of(model.model_fields[name])
    fields = section.model_fields.items() if section else ()
    return f"[{name}] with {', '.join(key for key, field in fields if field.is_required())}"


_PREAMBLE = """\
# Settings of ml-connector. A line “#name = value” shows a default: to change it, take the # away.
# Texts stand in 'single quotes' as they are; in "double quotes" a backslash is written twice.
# No passwords here: ml-connector secrets set NAME keeps them sealed in the database."""


def commented_settings() -> str:
    """The text of a new settings file: every setting, what it means, its default, and which are to be filled in."""
    blocks = [_PREAMBLE]
    for name, model in _sections(Settings):
        lines = [f"[{name}]  # {_purpose(name, model)}"]
        for key, field in own_fields(model).items():
            lines += ["", *_comment(f"{field.description}{_choices(field)}"), _setting_line(key, field)]
        if name.endswith(".NAME"):  # there once a person names it: until then, all of it is a comment
            lines = [f"# {line.removeprefix('#').strip()}".rstrip() for line in lines]
        blocks.append("\n".join(lines))
    return "\n\n\n".join(blocks) + "\n"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)]


def _purpose(name: str, model: type[BaseModel]) -> str:
    top = Settings.model_fields.get(name.removesuffix(".NAME"))
    return (top.description if top else None) or (model.__doc__ or "").split("\n")[0]


def _choices(field: FieldInfo) -> str:
    """The words that a field may have, where they are few and the description has to name them."""
    words = [word for word in get_args(field.annotation) if isinstance(word, str)]
    return f" One of: {', '.join(words)}." if words else ""


def _setting_line(key: str, field: FieldInfo) -> str:
    if field.is_required():
        blank = "" if field.annotation is int else "''"
        return f"#{key} = {blank}   # REQUIRED: fill in and take the # away"
    default = field.default
    if default is None or default is PydanticUndefined:
        return f"#{key} =   # not set"
    return f"#{key} = {_toml(default)}"


def _toml(value: Any) -> str:  # noqa: ANN401 -- a default of any type that a setting can have
    """A value as TOML writes it; for these types that is JSON's way."""
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
