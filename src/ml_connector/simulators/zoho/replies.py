"""What the API answers with."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

JsonObject: TypeAlias = dict[str, Any]

JSON = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; the body is complete."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    records: int = 0
    """For the request log."""
    sent_share: float = 1.0
    """Below 1 the connection is reset after this part of the answer; 0: nothing is sent."""


class RequestRefusedError(Exception):
    """A request-level error: the whole call is answered with one flat object."""

    def __init__(self, status: int, code: str, message: str, details: JsonObject | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.body = failure(code, message, details or {})

    def reply(self) -> Reply:
        """The answer for the wire."""
        return json_reply(self.status, self.body)


class ItemRefusedError(Exception):
    """One item of a call is refused; `item` is what is answered for it."""

    def __init__(self, item: JsonObject) -> None:
        super().__init__(item["code"])
        self.item = item


def json_reply(status: int, content: object, records: int = 0) -> Reply:
    """The content as JSON."""
    return Reply(status, orjson.dumps(content), records=records)


def failure(code: str, message: str, details: JsonObject) -> JsonObject:
    """Zoho's error object, for a request or for one item of it."""
    return {"code": code, "details": details, "message": message, "status": "error"}


def done(new_id: str, message: str) -> JsonObject:
    """An item of /settings that went well."""
    return {"code": "SUCCESS", "details": {"id": new_id}, "message": message, "status": "success"}


def missing_parameter(name: str) -> RequestRefusedError:
    """A query parameter that must be there."""
    return RequestRefusedError(
        400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", {"param_name": name}
    )


def invalid_parameter(name: str) -> RequestRefusedError:
    """A query parameter with a value that cannot be used."""
    return RequestRefusedError(400, "INVALID_DATA", "invalid data", {"param_name": name})


def scope_mismatch() -> RequestRefusedError:
    """The token's scopes do not cover the call."""
    return RequestRefusedError(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL")


def no_permission(permission: str) -> RequestRefusedError:
    """The user's profile does not permit the call."""
    return RequestRefusedError(403, "NO_PERMISSION", "permission denied", {"permissions": [permission]})


def items_reply(key: str, items: list[JsonObject], created: int = 200) -> Reply:
    """The answer for several items: all well, mixed (207) or all refused (400, or 412 when all were stale).

    That each record of a call is measured by itself against If-Unmodified-Since is inferred: Zoho's description of 412
    shows one record.
    """
    codes = {item["code"] for item in items}
    if codes == {"SUCCESS"}:
        status = created
    elif "SUCCESS" in codes:
        status = 207
    else:
        status = 412 if codes == {"ALREADY_MODIFIED"} else 400
    return json_reply(status, {key: items}, len(items))
