"""SOAP faults as the legacy endpoint answers them, the log their GUIDs lead to, and the plan of faults to make.

Texts and layout follow facts 2.11: HTTP 500, the GUID the only text of `detail`.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

NOT_FOUND = "Business object not found."
VALIDATION = (
    "A validation exception has occurred. Retrieve the logged validation result for the errors, "
    "or contact your system administrator for details."
)
SYSTEM = (
    "The application encountered an unhandled system exception. "
    "Contact your system administrator for details."
)
FOREIGN = "Unerwarteter Fehler des Anbieters; Verbindung: Server=GPSQL;User ID=sa;Password=Planned-Pa55word."
ADDRESSING_NONE = "http://schemas.microsoft.com/ws/2005/05/addressing/none"
DISPATCHER = "http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher"


@dataclass(frozen=True, slots=True)
class ValidationError:
    """One reason in a validation result; the id is eConnect's error number."""

    message: str
    id: str = ""
    object_type: str = ""
    properties: tuple[str, ...] = ()


class SoapFaultError(Exception):
    """A request that is answered with a SOAP fault."""

    code = "s:Client"
    namespace = ""
    logged = True

    def __init__(self, text: str, errors: tuple[ValidationError, ...] = ()) -> None:
        super().__init__(text)
        self.text = text
        self.errors = errors


class SystemFaultError(SoapFaultError):
    """Anything that is not a broken rule; the text hides the cause."""

    code = "s:Server"

    def __init__(self) -> None:
        super().__init__(SYSTEM)


class DispatchFaultError(SoapFaultError):
    """Refused by the service framework before any operation ran; nothing is logged, so no GUID."""

    logged = False


class UnknownActionError(DispatchFaultError):
    """The SOAPAction names no operation."""

    code = "a:ActionNotSupported"
    namespace = ADDRESSING_NONE

    def __init__(self, action: str) -> None:
        super().__init__(
            f"The message with Action '{action}' cannot be processed at the receiver, due to a ContractFilter "
            "mismatch at the EndpointDispatcher."
        )


class DeserializationError(DispatchFaultError):
    """The body is XML but not the operation's message."""

    code = "a:DeserializationFailed"
    namespace = DISPATCHER

    def __init__(self, operation: str, reason: str) -> None:
        super().__init__(
            f"Error in deserializing body of request message for operation '{operation}'. {reason}"
        )


def fault_envelope(fault: SoapFaultError, log_id: uuid.UUID | None) -> str:
    """Return the SOAP 1.1 answer for a fault; `log_id` is its entry in the exception log."""
    declared = f' xmlns:a="{fault.namespace}"' if fault.namespace else ""
    detail = "" if log_id is None else f"<detail><LogId>{log_id}</LogId></detail>"
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
        f"<faultcode{declared}>{fault.code}</faultcode>"
        f'<faultstring xml:lang="en-US">{escape(fault.text)}</faultstring>{detail}'
        "</s:Fault></s:Body></s:Envelope>"
    )


class ExceptionLog:
    """What GetLoggedValidationResultByKey looks up; the oldest entries go first."""

    def __init__(self, size: int = 10_000) -> None:
        self._size = size
        self._entries: OrderedDict[uuid.UUID, tuple[ValidationError, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def record(self, fault: SoapFaultError) -> uuid.UUID:
        """Keep a fault's reasons and return the GUID they are found by."""
        log_id = uuid.uuid4()
        with self._lock:
            self._entries[log_id] = fault.errors
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)
        return log_id

    def find(self, log_id: uuid.UUID) -> tuple[ValidationError, ...] | None:
        """Return the reasons kept under a GUID; None where it is unknown."""
        with self._lock:
            return self._entries.get(log_id)


FAULT_KINDS = (
    "drop",  # the connection ends before any work is done
    "cut_after_work",  # the work is done, the connection ends within the answer
    "late",  # the connection ends at once, the work is done `seconds` later; with 0 when control bids (`POST late`)
    "delay",  # the answer comes `seconds` later, or when the plan is replaced
    "http_500",  # an HTML page of the web server
    "http_503",  # the same, with Retry-After where seconds are given
    "html_200",  # an HTML page as if all were well
    "soap_system_fault",
    "soap_validation_fault",
    "soap_foreign_fault",  # a fault whose text no documentation has, in the server's language, a password in it
    "garbage_xml",  # text/xml that breaks off, with a right Content-Length
)


@dataclass(slots=True)
class PlannedFault:
    """Skips the first `skip` matching requests, then strikes the next `left`."""

    kind: str
    operation: str = "*"
    skip: int = 0
    left: int = 1
    seconds: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)
    """Set when the delays of its plan end."""

    @classmethod
    def of(cls, wanted: Mapping[str, Any]) -> PlannedFault:
        """Read one entry of a plan: kind, operation, nth (1 is the next request), count, seconds; ValueError."""
        unknown = set(wanted) - {"kind", "operation", "nth", "count", "seconds"}
        if unknown or wanted.get("kind") not in FAULT_KINDS:
            raise ValueError(
                f"a fault is one of {FAULT_KINDS}, with operation, nth, count, seconds: {dict(wanted)}"
            )
        nth, count = int(wanted.get("nth", 1)), int(wanted.get("count", 1))
        if nth < 1 or count < 1:
            raise ValueError("nth and count begin at 1")
        operation, seconds = str(wanted.get("operation", "*")), float(wanted.get("seconds", 0))
        return cls(str(wanted["kind"]), operation, skip=nth - 1, left=count, seconds=seconds)


class FaultPlan:
    """The faults still to come; each request meets at most one."""

    def __init__(self) -> None:
        self._faults: list[PlannedFault] = []
        self._over = threading.Event()
        self._lock = threading.Lock()

    def replace(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Forget the present plan, whose delays end, and take this one; ValueError leaves the present one."""
        planned = [PlannedFault.of(fault) for fault in faults]
        with self._lock:
            self._faults = planned
            self._end_delays()

    def end_delays(self) -> None:
        """Answer what a fault delays now; the plan stays."""
        with self._lock:
            self._end_delays()

    def _end_delays(self) -> None:
        self._over.set()
        self._over = threading.Event()
        for fault in self._faults:
            fault.over = self._over

    def strike(self, operation: str) -> PlannedFault | None:
        """Count one request of an operation and return the fault it meets."""
        with self._lock:
            struck = None
            for fault in self._faults:
                if fault.operation not in ("*", operation):
                    continue
                if fault.skip:
                    fault.skip -= 1
                elif struck is None:
                    fault.left -= 1
                    struck = fault
            self._faults = [fault for fault in self._faults if fault.left]
        return struck

    def remaining(self) -> list[dict[str, Any]]:
        """Return the plan as it stands, in the form it was given in."""
        with self._lock:
            return [
                {
                    "kind": f.kind,
                    "operation": f.operation,
                    "nth": f.skip + 1,
                    "count": f.left,
                    "seconds": f.seconds,
                }
                for f in self._faults
            ]
