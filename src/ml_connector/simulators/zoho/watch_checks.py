"""One object of a call to /actions/watch, key by key: what it asks for, or what is wrong with it."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from ml_connector.simulators.zoho.checking import invalid, missing
from ml_connector.simulators.zoho.clock import parse_instant
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.replies import ItemRefusedError, JsonObject
from ml_connector.simulators.zoho.watch import ALL_EVENTS, EVENTS

MAX_CHANNELS = 50
MAX_EVENTS = 50
MAX_URL = 255
MAX_TOKEN = 50  # Zoho's page; its OpenAPI file of August 2026 has 256
_MAX_LONG = 2**63 - 1


def need(spec: JsonObject, names: Sequence[str], path: str) -> None:
    """ItemRefusedError for the first of these keys that is missing."""
    for name in names:
        if spec.get(name) in (None, "", []):
            raise ItemRefusedError(missing(path, name))


def channel_id_of(spec: JsonObject, path: str) -> str:
    """A "long", as a text (today's samples) or as a number (older ones)."""
    given = spec["channel_id"]
    text = str(given)
    if isinstance(given, bool) or not text.isdecimal() or int(text) > _MAX_LONG:
        raise ItemRefusedError(invalid(path, "channel_id", expected_data_type="long"))
    return text


def url_of(spec: JsonObject, path: str) -> str:
    """Where the notifications go; that plain http is accepted is the simulator's."""
    given = _text(spec, "notify_url", path, MAX_URL)
    try:
        parts = urlsplit(given)
        parts.port  # noqa: B018 -- raises for one that cannot be
    except ValueError as error:
        raise ItemRefusedError(invalid(path, "notify_url")) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ItemRefusedError(invalid(path, "notify_url"))
    return given


def token_of(spec: JsonObject, path: str) -> str | None:
    """What every notification is to carry; None when nothing was said."""
    return None if spec.get("token") is None else _text(spec, "token", path, MAX_TOKEN)


def expiry_of(spec: JsonObject, path: str, now: float) -> int | None:
    """The second that is asked for; None when nothing was said. That one in the past is refused is inferred."""
    given = spec.get("channel_expiry")
    if given is None:
        return None
    try:
        asked = parse_instant(given)
    except (TypeError, ValueError) as error:
        refused = invalid(path, "channel_expiry", expected_data_type="datetime")
        raise ItemRefusedError(refused) from error
    if asked <= now:
        raise ItemRefusedError(invalid(path, "channel_expiry"))
    return asked


def flag_of(spec: JsonObject, name: str, path: str) -> bool | None:
    """True, false, or None when nothing was said."""
    given = spec.get(name)
    if given is not None and not isinstance(given, bool):
        raise ItemRefusedError(invalid(path, name, expected_data_type="boolean"))
    return given


def events_of(org: Org, spec: JsonObject, path: str) -> dict[str, tuple[str, ...]]:
    """The events of each module, from `["Deals.all", "Contacts.edit"]`."""
    given = spec["events"]
    if not isinstance(given, list):
        raise ItemRefusedError(invalid(path, "events", expected_data_type="jsonarray"))
    if len(given) > MAX_EVENTS:
        raise ItemRefusedError(invalid(path, "events", maximum_length=MAX_EVENTS))
    asked: dict[str, set[str]] = {}
    for one in given:
        module, _, event = one.partition(".") if isinstance(one, str) else ("", "", "")
        if not _can_be_watched(org, module) or event not in (*EVENTS, ALL_EVENTS):
            raise ItemRefusedError(invalid(path, "events"))
        asked.setdefault(module, set()).update(EVENTS if event == ALL_EVENTS else (event,))
    return {module: in_order(events) for module, events in asked.items()}


def in_order(events: set[str]) -> tuple[str, ...]:
    """The events in Zoho's order."""
    return tuple(event for event in EVENTS if event in events)


def _can_be_watched(org: Org, module: str) -> bool:
    """Subforms cannot, nor what the user's profile hides; `users` is not simulated."""
    table = org.tables.get(module)
    hidden = module in org.options.hidden_modules
    return table is not None and table.module.generated_type != "subform" and not hidden


def _text(spec: JsonObject, name: str, path: str, length: int) -> str:
    given = spec[name]
    if not isinstance(given, str):
        raise ItemRefusedError(invalid(path, name, expected_data_type="text"))
    if len(given) > length:
        raise ItemRefusedError(invalid(path, name, maximum_length=length))
    return given
