"""A record, its key and its values: plain, frozen, the same for every system."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

Value = str | int | bool | Decimal | date | datetime | None
Fields = Mapping[str, Value]

#: What names one target record of a source record: the folded key, and the part of it ("" where there is one only).
Ident = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the source as it was read."""

    entity: str  #: which kind, in the source's words as the connector's schema names it
    key: str  #: what names it within its company, right-trimmed
    fields: Fields  #: flat: "name", "bill_to.city", "receivables.balance"
    fetched_at: datetime  #: when the reading began, by our clock
    digests: Mapping[str, str] = field(default_factory=dict)  #: facet -> hash of its content in this reading
    parts: Mapping[str, Fields] = field(
        default_factory=dict
    )  #: what it consists of (lines): part -> its fields


@dataclass(frozen=True, slots=True)
class Reading:
    """One facet of a record, read apart from the record itself because the source stamps it apart."""

    key: str
    facet: str  #: "receivables", "addresses", ...
    fields: Fields  #: empty where the facet only says that the record has to be read again
    digest: str  #: hash of the content; equal digest = nothing changed


def fold_key(key: str) -> str:
    """The key as the ERP compares it: without trailing blanks and without case."""
    return key.rstrip().casefold()


_TAGS: Mapping[str, Callable[[str], Value]] = {
    "dec": Decimal,
    "date": date.fromisoformat,
    "at": datetime.fromisoformat,
}


def to_json(value: Value) -> object:
    """The value as JSON can carry it and ``from_json`` gives it back: ["dec", "12.50"], ["at", "2026-..."]."""
    if isinstance(value, Decimal):
        return ["dec", str(value)]
    if isinstance(value, datetime):  # before date: a datetime is a date too
        return ["at", value.isoformat()]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    return value


def from_json(value: object) -> Value:
    """The value that ``to_json`` wrote."""
    if isinstance(value, list):
        tag, text = value
        return _TAGS[tag](text)
    if value is None or isinstance(value, str | int):
        return value
    raise ValueError(f"not a stored value: {value!r}")


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=to_json)


def dump_fields(fields: Fields) -> str:
    """Fields as one line of JSON, sorted, so that equal fields give equal text."""
    return _ENCODER.encode(dict(fields))


def load_fields(text: str) -> dict[str, Value]:
    """The fields that ``dump_fields`` wrote."""
    return {name: from_json(value) for name, value in json.loads(text).items()}


def digest(fields: Fields) -> str:
    """A short hash of the fields (128 bits, hexadecimal): equal content, equal digest; 12.50 equals 12.5."""
    told = "\x1f".join(f"{name}\x1e{_told(value)}" for name, value in sorted(fields.items()))
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _told(value: Value) -> str:
    if isinstance(value, Decimal):
        return f"Decimal {value.normalize() if value else 0}"
    return repr(value)
