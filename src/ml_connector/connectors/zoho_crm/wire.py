"""Zoho's dialect: pure functions between our values and JSON bytes. Nothing else knows what Zoho's JSON looks like.

Source: Zoho CRM API v8, pages "Insert Records" (sample attributes), "Query Records through COQL", "Fields Metadata".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import orjson

from ml_connector.connectors.zoho_crm.schema import FieldMeta, ModuleMeta, NamedModule
from ml_connector.core.errors import RetryableError
from ml_connector.core.needs import FieldNeed, ModuleNeed
from ml_connector.core.ports import Write

#: Statuses whose body may carry one answer for each item; which one Zoho picks differs between versions and sandboxes.
ITEM_STATUSES = frozenset({200, 201, 202, 207, 400, 412})

_HEAD = 500  #: how much of an unreadable answer is shown


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request."""

    status: int
    headers: Mapping[str, str]  #: names in any case
    content: bytes


def header(reply: Reply, name: str) -> str:
    """One header of the answer; empty if it is not there."""
    return reply.headers.get(name) or reply.headers.get(name.lower()) or ""


@dataclass(frozen=True, slots=True)
class Item:
    """Zoho's answer for one record or field of a request."""

    code: str  #: "SUCCESS" or what was wrong
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)
    raw: str = ""  #: as it came, secrets struck out; empty on success

    @property
    def ok(self) -> bool:
        return self.code == "SUCCESS"


# ---- to Zoho


def encode_writes(module: ModuleMeta, batch: Sequence[Write], trigger: Sequence[str]) -> bytes:
    """The body that inserts (no ``target_id``) or updates these records.

    ``trigger`` is always sent: without it Zoho starts every automation of the organisation.
    """
    data = [_record(module, write) for write in batch]
    return orjson.dumps({"data": data, "trigger": list(trigger)}, _decimal, orjson.OPT_OMIT_MICROSECONDS)


def _record(module: ModuleMeta, write: Write) -> dict[str, object]:
    record: dict[str, object] = dict(write.fields)
    if not module.shaped.isdisjoint(record):
        for name, value in write.fields.items():
            if value is not None and name in module.lookups:
                record[name] = {"id": value}
            elif value is not None and name in module.digit_texts:
                record[name] = str(value)
    if write.target_id is not None:
        record["id"] = write.target_id
    return record


def _decimal(value: object) -> orjson.Fragment:
    """An amount as the number it is, digit for digit: no float in between, no exponent."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{value!r} cannot be written to Zoho")
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    elif not text[-1].isdigit():  # NaN, Infinity
        raise TypeError(f"{value!r} cannot be written to Zoho")
    return orjson.Fragment(text)


def encode_fields(needs: Sequence[FieldNeed]) -> bytes:
    """The body that creates these custom fields (at most five)."""
    return orjson.dumps({"fields": [_field_body(need) for need in needs]})


def _field_body(need: FieldNeed) -> dict[str, object]:
    body: dict[str, object] = {"field_label": need.label, "data_type": need.type}
    if need.length is not None and need.type != "textarea":
        body["length"] = need.length
    if need.type == "textarea":  # a text area has sizes, not lengths: 2,000 / 32,000 characters
        body["textarea"] = {"type": "large" if (need.length or 0) > 2000 else "small"}
    if need.decimal_places is not None:
        body["decimal_place"] = need.decimal_places
    if need.unique:
        body["unique"] = {"case_sensitive": False}  # Zoho takes no other for a custom field
    if need.external:
        body["external"] = {"type": "org", "show": False}
    if need.lookup:
        body["lookup"] = {"module": {"api_name": need.lookup}, "display_label": need.related or need.label}
    if need.choices:
        body["pick_list_values"] = [
            {"display_value": choice, "actual_value": choice} for choice in need.choices
        ]
    return body


def encode_label(label: str) -> bytes:
    """The body that gives a field another label; its API name stays."""
    return orjson.dumps({"fields": [{"field_label": label}]})


def encode_module(need: ModuleNeed | None, profiles: Sequence[str]) -> bytes:
    """The body that creates a custom module which people of these profiles may use; None: no module."""
    return orjson.dumps({"modules": [_module_body(need, profiles)] if need else []})


def _module_body(need: ModuleNeed, profiles: Sequence[str]) -> dict[str, object]:
    return {
        "singular_label": need.singular,
        "plural_label": need.plural,
        "api_name": need.name,
        "profiles": [{"id": profile} for profile in profiles],
        "display_field": {"field_label": need.name_label, "data_type": "text"},
    }


# ---- from Zoho


def decode(reply: Reply) -> dict[str, Any]:
    """The body as an object; empty for 204 and 304. A page of HTML or a cut body is a RetryableError."""
    if reply.status in (204, 304):
        return {}
    try:
        body = orjson.loads(reply.content)
    except orjson.JSONDecodeError as error:
        raise unreadable(reply) from error
    if not isinstance(body, dict) or (reply.status == 200 and not body):
        raise unreadable(reply)
    return body


def unreadable(reply: Reply) -> RetryableError:
    """What an answer that is not Zoho's JSON means: something in between answered, or the answer was cut."""
    return RetryableError(
        f"Zoho's answer (HTTP {reply.status}) is not the JSON that it promises; it begins: {head(reply)!r}.",
        "It is tried again; if it stays, look for a proxy or a maintenance page between here and Zoho.",
    )


def head(reply: Reply) -> str:
    """The beginning of the answer, to be shown: secrets struck out."""
    return redact(reply.content[:_HEAD].decode("utf-8", "replace"))


def read_items(reply: Reply, key: str, asked: int) -> list[Item] | None:
    """One item for each that was asked, in order; None when the answer is about the request as a whole.

    Fewer or more items than asked is a RetryableError: nothing can be told of any of them.
    """
    body = decode(reply)
    found = body.get(key)
    if reply.status not in ITEM_STATUSES or not isinstance(found, list) or fault(body) is not body:
        return None
    if reply.status == 412 and len(found) == 1:
        found = (
            found * asked
        )  # of a call that did nothing because of one record, the documented answer has one item
    if len(found) != asked or not all(isinstance(item, dict) for item in found):
        raise RetryableError(
            f"Zoho answered for {len(found)} of {asked} records: {head(reply)!r}.",
            "What it did with the others is not known; they are tried again.",
        )
    return [_item(item) for item in found]


def fault(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an error body says of the request as a whole.

    Some operations wrap it in ``data``, as if it were about the first record: it points at the module in the path.
    """
    found = body.get("data")
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0], dict):
        details = found[0].get("details")
        if isinstance(details, dict) and details.get("resource_path_index") == 0:
            return found[0]
    return body


def _item(item: dict[str, Any]) -> Item:
    code, details = str(item.get("code", "")), item.get("details")
    raw = "" if code == "SUCCESS" else redact(orjson.dumps(item).decode())
    return Item(code, str(item.get("message", "")), details if isinstance(details, dict) else {}, raw)


def sub_items(item: Item) -> list[Item]:
    """The single errors of a MULTIPLE_OR_MULTI_ERRORS item; the item itself for any other."""
    errors = item.details.get("errors") if item.code == "MULTIPLE_OR_MULTI_ERRORS" else None
    if not isinstance(errors, list) or not errors:
        return [item]
    return [_item(error) for error in errors if isinstance(error, dict)]


def rows(body: Mapping[str, Any], key: str = "data") -> list[dict[str, Any]]:
    """The entries of a list, COQL, /deleted or metadata answer; none for an empty answer (204, 304).

    An answer without the list is a RetryableError: it must not be taken for "there is nothing".
    """
    found = body.get(key) if body else []
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise RetryableError(
            f"Zoho's answer has no list {key!r}: {redact(str(body)[:_HEAD])}.", "It is tried again."
        )
    return found


def org_id(org: Mapping[str, Any]) -> str:
    """The id of the organisation, by whichever of its names it is told; empty: it is not."""
    return str(org.get("zgid") or org.get("id") or "")


def more_records(body: Mapping[str, Any]) -> bool:
    """Whether the answer says that it was not the last page."""
    info = body.get("info")
    return isinstance(info, dict) and info.get("more_records") is True


def plain(value: object) -> object:
    """A value as the ports have it: a lookup ({"id"} by COQL, {"id", "name"} in lists) is the id it points to."""
    return value["id"] if isinstance(value, dict) and "id" in value else value


def exact_rows(reply: Reply) -> list[dict[str, object]]:
    """The records of a list answer, lookups as ids, and every fraction as a Decimal: as it stands there, not nearly."""
    return exact_page(reply)[0]


def exact_page(reply: Reply) -> tuple[list[dict[str, object]], bool, datetime | None]:
    """``exact_rows`` of a list or COQL answer, whether there are more, and when the server says that it answered."""
    found, more = whole_page(reply)
    return [{name: plain(value) for name, value in row.items()} for row in found], more, date_of(reply)


def whole_rows(reply: Reply) -> list[dict[str, Any]]:
    """The records of an answer just as they stand there, every fraction as a Decimal."""
    return whole_page(reply)[0]


def whole_page(reply: Reply) -> tuple[list[dict[str, Any]], bool]:
    """The same, and whether there are more."""
    if reply.status in (204, 304):
        return [], False
    try:
        body = json.loads(reply.content, parse_float=Decimal)
    except ValueError as error:
        raise unreadable(reply) from error
    if not isinstance(body, dict):
        raise unreadable(reply)
    return rows(body), more_records(body)


def field_metas(body: Mapping[str, Any]) -> list[FieldMeta]:
    """The fields of a /settings/fields answer."""
    return [_field_meta(entry) for entry in rows(body, "fields")]


def _field_meta(entry: Mapping[str, Any]) -> FieldMeta:
    return FieldMeta(
        name=str(entry.get("api_name", "")),
        label=str(entry.get("field_label") or entry.get("display_label") or ""),
        type=str(entry.get("data_type", "")),
        length=_integer(entry.get("length")),
        decimal_places=_integer(entry.get("decimal_place")),
        unique=bool(entry.get("unique")),  # {} and null: not unique
        external=bool(entry.get("external")),
        custom=bool(entry.get("custom_field")),
        read_only=_is_read_only(entry),
        mandatory=bool(entry.get("system_mandatory")),
        choices=_choices(entry),
        id=str(entry.get("id") or ""),
        lookup=_lookup(entry),
    )


def _lookup(entry: Mapping[str, Any]) -> str:
    """The module that a lookup points to; empty for other fields, and where it is not told."""
    lookup = entry.get("lookup")
    module = lookup.get("module") if isinstance(lookup, dict) else None
    return str(module.get("api_name") or "") if isinstance(module, dict) else ""


def named_modules(body: Mapping[str, Any]) -> list[NamedModule]:
    """The modules of a /settings/modules answer."""
    return [
        NamedModule(
            name=str(entry.get("api_name", "")),
            singular=str(entry.get("singular_label") or ""),
            plural=str(entry.get("plural_label") or ""),
            id=str(entry.get("id") or ""),
            by_api=entry.get("api_supported") is not False,
        )
        for entry in rows(body, "modules")
    ]


def whole_item(reply: Reply) -> Item:
    """What a refused request says, as if it were of its only item."""
    return _item(dict(fault(decode(reply))))


def _choices(entry: Mapping[str, Any]) -> frozenset[str] | None:
    """The only values of a closed picklist; None for an open one, which Zoho adds new values to.

    No page of Zoho's says how a closed one is told: where nothing tells it, it is taken for open.
    """
    values = entry.get("pick_list_values")
    if entry.get("restricted") is not True or not isinstance(values, list):
        return None
    used = (value for value in values if isinstance(value, dict) and value.get("type") != "unused")
    return frozenset(str(value.get("display_value", "")) for value in used)


def _is_read_only(entry: Mapping[str, Any]) -> bool:
    operations = entry.get("operation_type")
    if isinstance(operations, dict) and not (
        operations.get("api_create", True) or operations.get("api_update", True)
    ):
        return True
    return bool(entry.get("read_only") or entry.get("field_read_only"))


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def instant(text: object) -> datetime | None:
    """Zoho's "2026-01-31T10:00:00+05:30" (the calling user's zone) as aware UTC; None for what is no instant."""
    return _instant(text) if isinstance(text, str) else None


@lru_cache(maxsize=1024)  # the records of one answer were written in the same few seconds
def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def http_date(reply: Reply) -> datetime:
    """When the server says that it answered: aware UTC, whole seconds (rounded down)."""
    at = date_of(reply)
    if at is None:
        raise RetryableError(
            "Zoho's answer carries no date that can be read.", "Look for a proxy between here and Zoho."
        )
    return at


def date_of(reply: Reply) -> datetime | None:
    """The same; None where it does not say, or says what is no date."""
    try:
        at = parsedate_to_datetime(header(reply, "Date"))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def stamp(at: datetime) -> str:
    """An instant as Zoho takes it: second precision (rounded down), offset spelled out."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat()


# ---- secrets

_SECRETS = re.compile(
    r"""1000\.[0-9A-Za-z._-]{6,}"""  # every token, grant code and client id of Zoho begins so
    r"""|(?<=oauthtoken\s)[^\s"']+"""
    r"""|(?<=bearer\s)[^\s"']+"""
    r"""|(?:access_token|refresh_token|client_secret|code)=[^&\s"']+"""
    r"""|"(?:access_token|refresh_token|client_secret)"\s*:\s*"[^"]*\"""",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """The text with everything struck out that looks like one of Zoho's secrets."""
    return _SECRETS.sub("[struck out]", text)
