"""The fault plan: which of the next calls go wrong, and how."""

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ml_connector.simulators.zoho.oauth import ACCESS_DENIED
from ml_connector.simulators.zoho.replies import Reply, failure, json_reply

_PAGE = b"<html><head><title>Zoho</title></head><body><h1>We'll be back soon</h1></body></html>"


class FaultKind(StrEnum):
    """What happens to the call."""

    DROP = "drop"
    """The connection is reset before any work."""
    CUT_AFTER_WORK = "cut_after_work"
    """The work is done, the connection is reset before the answer."""
    CUT_MID_ANSWER = "cut_mid_answer"
    """The work is done, half of the answer is sent."""
    DELAY = "delay"
    """The answer is right, `seconds` late; the wait is before the work."""
    DELAY_AFTER_WORK = "delay_after_work"
    """The answer is right, `seconds` late; the work is done at once."""
    DUPLICATE = "duplicate"
    """The work is done twice, as when something on the way sends the request again; the second answer is returned."""
    HTTP_500 = "http_500"
    HTTP_500_AFTER_WORK = "http_500_after_work"
    HTML_503 = "html_503"
    HTML_200 = "html_200"
    """A page where JSON should be."""
    HTTP_429 = "http_429"
    GARBAGE_JSON = "garbage_json"
    """The work is done; the answer is cut off JSON in a complete HTTP answer."""
    INVALID_TOKEN = "invalid_token"  # noqa: S105 -- a kind of fault
    """401, though the token is good."""
    TOKEN_ACCESS_DENIED = "token_access_denied"  # noqa: S105
    """The accounts server's throttle, HTTP 200 with `error`."""


INSTEAD_OF_WORK: dict[FaultKind, Reply] = {
    FaultKind.HTTP_500: json_reply(500, failure("INTERNAL_ERROR", "Internal Server Error", {})),
    FaultKind.HTML_503: Reply(503, _PAGE, "text/html;charset=UTF-8"),
    FaultKind.HTML_200: Reply(200, _PAGE, "text/html;charset=UTF-8"),
    FaultKind.HTTP_429: json_reply(
        429, failure("TOO_MANY_REQUESTS", "The concurrency limit of the user for the app is exceeded", {})
    ),
    FaultKind.INVALID_TOKEN: json_reply(401, failure("INVALID_TOKEN", "invalid oauth token", {})),
    FaultKind.TOKEN_ACCESS_DENIED: json_reply(200, ACCESS_DENIED),
}
INSTEAD_OF_ANSWER: dict[FaultKind, Reply] = {
    FaultKind.HTTP_500_AFTER_WORK: INSTEAD_OF_WORK[FaultKind.HTTP_500],
    FaultKind.GARBAGE_JSON: Reply(200, b'{"data":[{"code":"SUCCESS","details":{"id":"57257'),
}


@dataclass(slots=True)
class Fault:
    """Calls that match go wrong: only the `nth` of them, `every` so many of them, or the first `count`."""

    match: str
    """`*`, or method and the beginning of the path: `POST /crm/v8/Accounts`."""
    kind: FaultKind
    nth: int | None = None
    every: int | None = None
    """5: the fifth, the tenth and so on, which is 20 % of them."""
    count: int = 1
    seconds: float = 0.0
    seen: int = 0
    fired: int = 0

    def meets(self, call: str) -> bool:
        """Counts the call and says whether it goes wrong."""
        if self.match != "*" and not call.startswith(self.match):
            return False
        self.seen += 1
        if self.nth is not None:
            due = self.seen == self.nth
        elif self.every is not None:
            due = self.seen % self.every == 0
        else:
            due = self.fired < self.count
        self.fired += due
        return due

    def to_json(self) -> dict[str, Any]:
        """As the control endpoint shows it."""
        return {
            "match": self.match,
            "kind": self.kind.value,
            "nth": self.nth,
            "every": self.every,
            "count": self.count,
            "seconds": self.seconds,
            "seen": self.seen,
            "fired": self.fired,
        }


class FaultPlan:
    """The faults in order; the first that meets a call decides."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._released = threading.Event()

    @property
    def released(self) -> threading.Event:
        """Set by the next `release`: what delays a call that came before."""
        with self._lock:
            return self._released

    def release(self) -> None:
        """End every delay of the calls that came so far."""
        with self._lock:
            self._released.set()
            self._released = threading.Event()

    def replace(self, faults: list[Fault]) -> None:
        """The plan from now on."""
        with self._lock:
            self._faults = faults

    def take(self, method: str, path: str) -> Fault | None:
        """What goes wrong with this call."""
        if not self._faults:
            return None
        call = f"{method} {path}"
        with self._lock:
            return next((fault for fault in self._faults if fault.meets(call)), None)

    def to_json(self) -> list[dict[str, Any]]:
        """The plan with how often each fault was met and fired."""
        with self._lock:
            return [fault.to_json() for fault in self._faults]
