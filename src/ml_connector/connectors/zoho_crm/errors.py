"""What Zoho's answers mean: from statuses and the codes of the tables in ``codes`` to our kinds of error.

Source: Zoho CRM API v8, "Status Codes and Errors" and each operation's page; bodies of the token endpoint as seen
by others (it answers errors with HTTP 200).
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2

from ml_connector.connectors.zoho_crm import codes, wire
from ml_connector.connectors.zoho_crm.codes import Meaning
from ml_connector.connectors.zoho_crm.wire import Item, Reply
from ml_connector.core.catalogue import Again, Entry
from ml_connector.core.errors import (
    ConfigurationError,
    ConnectorError,
    NotDoneError,
    NotPermittedError,
    RecordRejectedError,
    RetryableError,
)
from ml_connector.core.ports import Duplicate, Refused, WriteResult, Written

#: Every code of Zoho's that we know, for the error catalogue.
CATALOGUE: Sequence[Entry] = codes.entries()


# ---- requests as a whole


class BusyError(NotDoneError):
    """The call was one too many at once. It did nothing, so that whatever it is may be made again."""

    def __init__(self, why: Meaning) -> None:
        super().__init__(f"{why.happened}.", why.remedy, after_seconds=why.after_seconds)


@contextmanager
def nothing_sent() -> Iterator[None]:
    """For what comes before a call: a system that is away there leaves the call not done, for certain."""
    try:
        yield
    except NotDoneError:
        raise
    except RetryableError as error:
        raise NotDoneError(error.happened, error.remedy, after_seconds=error.after_seconds) from error


def request_error(reply: Reply, operation: str, scope: str, price: int = 1) -> ConnectorError:
    """What a refused request means.

    ``operation`` completes "does not let us ...", ``scope`` is what it needs, ``price`` its credits.
    """
    if (why := too_many(reply, price)) is not None:
        return BusyError(why) if why is codes.TOO_MANY_AT_ONCE else why.raised(why.happened)
    if reply.status >= 500:
        return _away("Zoho", reply)
    if 300 <= reply.status < 400:
        return _redirected("Zoho")
    body = wire.fault(wire.decode(reply))
    code = str(body.get("code", ""))
    if reply.status == 401 and code != "OAUTH_SCOPE_MISMATCH":
        code = "INVALID_TOKEN"
    meaning = codes.meaning_in(codes.REQUEST_CODES, code) or codes.REQUEST_STATUSES.get(
        reply.status, codes.REQUEST_CODES["INVALID_REQUEST"]
    )
    happened = meaning.happened.format(operation=operation, scope=scope)
    return meaning.raised(f"{happened}{_said(body, reply)}")


def _away(what: str, reply: Reply, after_seconds: float | None = None) -> RetryableError:
    return RetryableError(
        f"{what} is away (HTTP {reply.status}).", codes.TRY_AGAIN, after_seconds=after_seconds
    )


def _redirected(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"Something redirects us away from {what}; it was not followed.",
        "Look for a proxy that asks to be signed in to.",
    )


def _said(body: Mapping[str, Any], reply: Reply) -> str:
    """Zoho's own words, and the permission it names, where it does."""
    details = body.get("details")
    permissions = details.get("permissions") if isinstance(details, dict) else None
    named = f" ({', '.join(map(str, permissions))})" if isinstance(permissions, list) else ""
    return f"{named}; it said: {wire.head(reply)}"


def too_many(reply: Reply, price: int) -> Meaning | None:
    """Why Zoho refused a call with 429, having done nothing; None: it did not.

    One code covers both; the header of the remaining credits tells them apart, where it is missing the words. Zoho's
    general message names the 24 hours and the concurrency in one sentence, and so says neither.
    """
    if reply.status != 429:
        return None
    left = credits_remaining(reply)
    names_credits = b"24 hour" in reply.content and b"concurrency" not in reply.content
    used_up = left < price if left is not None else names_credits
    return codes.CREDITS_USED_UP if used_up else codes.TOO_MANY_AT_ONCE


def credits_remaining(reply: Reply) -> int | None:
    """The organisation's remaining credits; Zoho tells only when half of the day's are used."""
    text = wire.header(reply, "X-API-CREDITS-REMAINING")
    return int(text) if text.isdigit() else None


# ---- the token endpoint


def token_error(reply: Reply, grant: str) -> ConnectorError:
    """What an answer without an access token means; its status says nothing (errors come as 200 too)."""
    if reply.status >= 500:
        return _away("Zoho's token server", reply, after_seconds=30.0)
    if 300 <= reply.status < 400:
        return _redirected("Zoho's token server")
    name = str(wire.decode(reply).get("error", ""))
    meaning = codes.meaning_in(codes.TOKEN_ERRORS, name)
    if (grant, name) == ("grant code", "invalid_code"):
        meaning = codes.GRANT_REFUSED
    if meaning is None:
        happened = f"Zoho gave out no access token; it said: {wire.head(reply)}."
        return ConfigurationError(happened, codes.AUTHORISE)
    return meaning.raised(meaning.happened.format(grant=grant))


# ---- no answer at all


#: There was no connection to send anything on.
_NEVER_OPENED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


def transport_error(error: httpx2.RequestError, host: str) -> ConnectorError:
    """What it means that no answer came from ``host``; NotDoneError: nothing was sent to it, for certain."""
    away = NotDoneError if isinstance(error, _NEVER_OPENED) else RetryableError
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConfigurationError(
                f"The certificate of {host} is not trusted: {cause}.",
                "If a proxy inspects TLS here, add its certificate to the system's trust store.",
            )
        if isinstance(cause, socket.gaierror):
            return away(f"The name {host} is not known.", "Check the network and its name server.")
        if isinstance(cause, ConnectionRefusedError):
            return away(f"{host} refuses the connection.", "Check the network and its firewall.")
    if isinstance(error, httpx2.ConnectTimeout):
        return away(f"{host} cannot be reached.", "Check the network and its firewall.")
    if isinstance(error, httpx2.TimeoutException):
        return away(f"{host} did not answer in time.", codes.TRY_AGAIN)
    return away(f"The connection to {host} broke off ({type(error).__name__}).", codes.TRY_AGAIN)


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and len(found) < 10:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


# ---- one record of a batch


def check_permitted(item: Item, operation: str) -> None:
    """Raises NotPermittedError for an item that says so of our user; ``operation`` completes "does not let us"."""
    if codes.SAME.get(item.code, item.code) == "NO_PERMISSION":
        raise NotPermittedError(
            f"Zoho does not let us {operation}; it said: {item.raw}.",
            codes.REQUEST_CODES["NO_PERMISSION"].remedy,
        )


_SHOWN = 80  # characters of a value that cannot be read
#: Zoho's words for an id that leads nowhere, the record's own or one that a field names (facts.md, "Errors").
_BAD_ID = "id given seems to be invalid"
_OWN_ID_PATH = re.compile(r"\$\.data\[\d+\]\.id")


def write_result(item: Item, target_id: str | None) -> WriteResult:
    """What Zoho did with one record; ``target_id`` is the record to update, None for a create.

    A success that does not name the new record is a RetryableError: done again, it is found as a duplicate.
    """
    if item.ok:
        written = str(item.details.get("id") or target_id or "")
        if not written:
            raise RetryableError("Zoho wrote a record but did not name it.", codes.TRY_AGAIN)
        return Written(written, wire.instant(item.details.get("Modified_Time")))
    errors = wire.sub_items(item)
    if all(error.code == "DUPLICATE_DATA" for error in errors) and len(set(map(_duplicate_id, errors))) == 1:
        return Duplicate(_duplicate_id(errors[0]), _field(errors[0]), item_error(item))
    overtaken = any(error.code == "ALREADY_MODIFIED" for error in errors)
    gone = target_id is not None and any(map(_is_gone, errors))
    return Refused(item_error(item), gone=gone, overtaken=overtaken)


def item_error(item: Item) -> RecordRejectedError:
    """Why Zoho refused the record: every single error in one message, and Zoho's own words beside it."""
    errors = wire.sub_items(item)
    told = [_tell(error) for error in errors]
    code = errors[0].code if len(errors) == 1 else item.code
    fields = ", ".join(dict.fromkeys(filter(None, map(_field, errors))))
    remedies = " ".join(dict.fromkeys(remedy for _, remedy in told))
    happened = "; ".join(happened for happened, _ in told)
    again = {meaning.again if meaning else Again.NEVER for meaning in map(_meaning, errors)}
    return RecordRejectedError(
        f"{happened}.",
        remedies,
        code=code or "UNKNOWN",
        field=fields,
        answer=item.raw,
        heals=again == {Again.LATER},
    )


def unreadable_value(field: str, value: object, wanted: str) -> RecordRejectedError:
    """Zoho tells a value of ``field`` that is not ``wanted`` ("a date")."""
    meaning = codes.ITEM_CODES["UNREADABLE_VALUE"]
    shown = wire.redact(str(value))[:_SHOWN]
    happened = meaning.happened.format(field=field, detail=f": {shown!r} is not {wanted}")
    return RecordRejectedError(
        f"{happened}.", meaning.remedy, code="UNREADABLE_VALUE", field=field, answer=shown
    )


def _meaning(error: Item) -> Meaning | None:
    if _is_gone(error):
        return codes.ITEM_CODES["RECORD_NOT_FOUND"]
    if error.code == "INVALID_DATA" and _BAD_ID in error.message:
        return codes.OTHER_RECORD_GONE
    return codes.meaning_in(codes.ITEM_CODES, error.code)


def _tell(error: Item) -> tuple[str, str]:
    known = _meaning(error)
    if known is None:
        said = wire.redact(error.message) or error.raw
        return (
            f"Zoho refused the record with {error.code or 'no code'}: {said}",
            f"Look the code up in Zoho's documentation. {codes.RETRY}",
        )
    return known.happened.format(field=_field(error) or "a field", detail=_detail(error)), known.remedy


#: What Zoho names in the details of an error -> how it is told.
_DETAILS: Mapping[str, str] = {
    "maximum_length": "it takes at most {} characters",
    "minimum_length": "it takes at least {} characters",
    "expected_data_type": "it has to be of the type {}",
    "supported_values": "it takes only {}",
    "allowed_values": "it takes only {}",
    "range": "it has to be within {}",
    "regex": "it has to look like {}",
    "limit": "the limit is {}",
    "dependee": "{}",
    "layout_rule": "the layout rule {} asks for it",
    "dependency_error": "{}",
}


def _detail(error: Item) -> str:
    """The limit that Zoho names, or the record that is in the way."""
    if error.code == "DUPLICATE_DATA" and _duplicate_id(error):
        return f": {_duplicate_id(error)}"
    told = [
        words.format(_named(error.details[name])) for name, words in _DETAILS.items() if name in error.details
    ]
    return f": {', '.join(told)}" if told else ""


def _named(value: object) -> str:
    """A detail as a person reads it."""
    if isinstance(value, dict):
        return str(value.get("api_name") or value.get("name") or " to ".join(map(str, value.values())))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _field(error: Item) -> str:
    return str(error.details.get("api_name") or "")


def _duplicate_id(error: Item) -> str:
    """The id of the record that holds the value; an older shape has it one level down."""
    other = error.details.get("duplicate_record")
    nested = other.get("id") if isinstance(other, dict) else None
    return str(error.details.get("id") or nested or "")


def _is_gone(error: Item) -> bool:
    """Whether the record's own id was refused; a lookup's id that is wrong looks alike but for its path."""
    if codes.SAME.get(error.code, error.code) == "RECORD_NOT_FOUND":
        return True
    path = str(error.details.get("json_path", ""))
    own = _OWN_ID_PATH.fullmatch(path) is not None if path else _field(error) in ("id", "")
    about_id = _field(error) == "id" or _BAD_ID in error.message
    return error.code == "INVALID_DATA" and own and about_id
