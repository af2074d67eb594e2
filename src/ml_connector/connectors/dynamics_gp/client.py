"""The only file that sends: one call to GP under the gate, its answer parsed, its faults told as our kinds of error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Protocol, TypeVar

from lxml import etree

from ml_connector.connectors.dynamics_gp import errors, reasons, soap
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.connectors.dynamics_gp.config import GpConfig
from ml_connector.connectors.dynamics_gp.errors import FaultKind
from ml_connector.connectors.dynamics_gp.guard import LoadGuard
from ml_connector.connectors.dynamics_gp.lanes import Answer
from ml_connector.connectors.dynamics_gp.limits import RequestGate
from ml_connector.connectors.dynamics_gp.reasons import Reason
from ml_connector.connectors.dynamics_gp.schema import Listing
from ml_connector.connectors.dynamics_gp.soap import AnswerError, FaultError, Wanted, Where
from ml_connector.connectors.dynamics_gp.tickets import Tickets
from ml_connector.connectors.dynamics_gp.values import Tree, find, to_integer, to_text
from ml_connector.core.errors import ConfigurationError, ConnectorError, RetryableError, of_system
from ml_connector.core.load import Load
from ml_connector.core.ports import Clock, Cost
from ml_connector.core.waits import GP

Parsed = TypeVar("Parsed")

_TRIES = 3  # of a call whose connection broke off or that met a page of the web server
_READS = 2  # of a record on which GP reports a system fault
_COMPANIES = "GetWSEnabledCompanyForUserList"
LOGGED_REASONS = "GetLoggedValidationResultByKey"


class Transport(Protocol):
    """What carries a call: direct, relayed or simulated GP."""

    @property
    def mechanism(self) -> str:
        """How the last connection signed in."""

    @property
    def downgrade(self) -> str:
        """Why that was not Kerberos although the settings prefer it, and what to do; empty: nothing to say."""

    def post(
        self, body: bytes, headers: Mapping[str, str], timeout_seconds: float, target: str = ""
    ) -> Answer:
        """Send a request that may be sent twice; RetryableError or ConfigurationError when there is no answer."""

    def get(self, target: str, headers: Mapping[str, str], timeout_seconds: float) -> Answer:
        """The same for a reading of ``target``, a path with its query on the transport's server."""

    def send_once(
        self, method: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float, target: str = ""
    ) -> Answer:
        """Send a request that must not be done twice; NotDoneError: it was not sent, RetryableError: who knows."""

    def close(self) -> None:
        """Close all connections."""


class GpClient:
    """Calls the operations of one company. Thread-safe; at most ``config.max_requests`` calls at once.

    Every call may raise RetryableError (away, busy, broken answer) or ConfigurationError (rights, company, address).
    """

    def __init__(
        self,
        config: GpConfig,
        password: Callable[[], str],
        gate: RequestGate,
        clock: Clock,
        transport: Transport | None = None,
    ) -> None:
        """Nothing is sent yet. ``transport`` stands in for the direct one, where GP is reached by other ways."""
        self.config = config
        self.clock = clock
        self._guard = LoadGuard(gate, config.quiet_hours.table(), clock)
        self._transport = transport or WindowsTransport(
            config, password, tickets=Tickets(config, password, clock)
        )
        self._contexts = {
            currency: soap.context(config.company_id, config.culture, currency)
            for currency in (soap.LOCAL, soap.TRANSACTIONAL)
        }
        self._lock = threading.Lock()
        self._company_proved = False
        self._separator: str | None = None  # told with the companies
        self._dated: tuple[datetime, datetime] | None = (
            None  # an answer's Date, and when it was about written
        )

    @property
    def mechanism(self) -> str:
        """How the last connection signed in: "kerberos" or "ntlm"."""
        return self._transport.mechanism

    @property
    def downgrade(self) -> str:
        """Why that was not Kerberos although the settings prefer it, and what to do; empty: nothing to say."""
        return self._transport.downgrade

    def close(self) -> None:
        """Close the connections. The gate is closed by who made it."""
        self._transport.close()

    def cost(self) -> Cost:
        """What was asked of GP by this client so far."""
        return self._guard.meter.cost()

    def take_load(self) -> Load:
        """What load this client put on GP since this was asked last."""
        return self._guard.meter.take_load()

    def list_rows(self, listing: Listing, where: Where) -> list[Tree]:
        """One answer of a list operation, as GP sent it: perhaps cut off at its row limit."""
        operation = listing.operation
        parse = partial(soap.parse_rows, operation=operation, row=listing.row, wanted=listing.wanted)
        try:
            return self.call(
                operation, soap.criteria(operation, where), parse, self.config.list_timeout_seconds
            )
        except FaultError as fault:
            raise self.refusal_of(fault, operation) from fault

    def read(self, operation: str, record_id: str, wanted: Wanted | None = None) -> Tree | None:
        """One object by its id, None if GP has none; RecordRejectedError when GP refuses just this one."""
        return self.read_by(operation, soap.key(record_id), wanted)

    def read_by(self, operation: str, key: str, wanted: Wanted | None = None) -> Tree | None:
        """The same for a key of any form: the key argument, made by ``soap``."""
        parse = partial(soap.parse_object, operation=operation, wanted=wanted)
        return self._one(operation, partial(self.call, operation, key, parse, self.config.timeout_seconds))

    def _one(self, operation: str, read: Callable[[], Parsed | None]) -> Parsed | None:
        for attempt in range(1, _READS + 1):
            try:
                return read()
            except FaultError as fault:
                if errors.fault_kind(fault) is FaultKind.ABSENT:
                    return None
                if attempt < _READS and errors.fault_kind(fault) in errors.HIDDEN:
                    continue
                raise self._read_error(fault, operation) from fault
        raise AssertionError("every reading returns or raises")

    def companies(self) -> dict[int, str]:
        """The companies that the account may use through the web services: id -> name."""
        parse = partial(soap.parse_rows, operation=_COMPANIES, row="Company")
        try:
            rows = self.call(_COMPANIES, "", parse, self.config.timeout_seconds)
        except FaultError as fault:
            raise self.refusal_of(fault, _COMPANIES) from fault
        numbered = ((to_integer(find(row, ("Key", "Id"))), row) for row in rows)
        known = {number: row for number, row in numbered if number is not None}
        with self._lock:
            own = known.get(self.config.company_id, {})
            self._separator = to_text(own.get("AccountSegmentSeparator")) or ""
        return {number: to_text(row.get("Name")) or "" for number, row in known.items()}

    def separator(self) -> str:
        """What stands between the segments of the company's account numbers; empty where GP does not tell."""
        if self._separator is None:
            self.companies()
        return self._separator or ""

    def clock_difference(self) -> float:
        """GP's web server's clock minus ours, seconds, by a call; it tells whole seconds. 0 where it tells no time."""
        self.companies()
        return self._difference().total_seconds()

    def now(self) -> datetime:
        """GP's clock, as its last answer told it."""
        return self.clock.now() + self._difference()

    def _difference(self) -> timedelta:
        with self._lock:
            dated = self._dated
        if dated is None:
            return timedelta(0)
        # The header is cut to the second: on average half a second has passed since.
        return dated[0] + timedelta(seconds=0.5) - dated[1]

    def call(
        self, operation: str, arguments: str, parse: Callable[[bytes], Parsed], timeout_seconds: float
    ) -> Parsed:
        """Send one operation and parse its answer; FaultError for a SOAP fault. Short waits are served here."""
        message = soap.request(operation, arguments, self._contexts[soap.LOCAL])
        return self._exchange(operation, message, parse, timeout_seconds)

    def _exchange(
        self, operation: str, message: bytes, parse: Callable[[bytes], Parsed], timeout_seconds: float
    ) -> Parsed:
        send = partial(self._transport.post, message, _headers(operation), timeout_seconds)
        return self.ask(operation, send, partial(self._parsed, operation, parse))

    def change(self, operation: str, argument: str, policy: str, currency: str = soap.TRANSACTIONAL) -> None:
        """Send an operation that changes something, once; its answer is empty (facts.md 2.9).

        FaultError: GP says why it was not done. RetryableError: it may have been done or not; NotDoneError,
        ConfigurationError: it was not.
        """
        message = soap.request(operation, argument, self._contexts[currency], policy)
        wait = self.config.change_timeout_seconds
        send = partial(self._transport.send_once, "POST", message, _headers(operation), wait)
        parse = partial(soap.parse_element, operation=operation)
        self.ask(operation, send, partial(self._parsed, operation, parse), tries=1)

    def read_element(
        self, operation: str, key: str, currency: str = soap.TRANSACTIONAL
    ) -> etree._Element | None:
        """One object by its key argument, as it came, its amounts in its own currency; None if GP has none."""
        parse = partial(soap.parse_element, operation=operation)
        message = soap.request(operation, key, self._contexts[currency])
        return self._one(
            operation, partial(self._exchange, operation, message, parse, self.config.timeout_seconds)
        )

    def ask(
        self,
        operation: str,
        send: Callable[[], Answer],
        parse: Callable[[Answer], Parsed],
        *,
        tries: int = _TRIES,
    ) -> Parsed:
        """Send under the gate, count it as ``operation`` and parse the answer, whichever dialect it speaks."""
        for attempt in range(1, tries + 1):
            try:
                with of_system(GP):
                    return parse(self._send(operation, send))
            except RetryableError as error:
                wait = error.after_seconds
                if attempt == tries or wait is None or wait > errors.SHORT_WAIT_SECONDS:
                    raise
                self.clock.sleep(wait)  # by the clock that is handed in, which stamina would not use
        raise AssertionError("every call returns or raises")

    def _send(self, operation: str, send: Callable[[], Answer]) -> Answer:
        with self._guard.request(operation) as request:
            answer = send()
            request.answer_size = len(answer.body)
        if date := _date(answer.headers.get("date", "")):
            with self._lock:
                self._dated = (date, request.began_at + (self.clock.now() - request.began_at) / 2)
        return answer

    def _parsed(self, operation: str, parse: Callable[[bytes], Parsed], answer: Answer) -> Parsed:
        if (error := errors.from_status(answer.status, answer.headers, self.config.endpoint)) is not None:
            raise error
        try:
            parsed = parse(answer.body)
        except AnswerError as broken:
            raise errors.from_answer(broken, operation) from broken
        self._company_proved = self._company_proved or operation not in (_COMPANIES, LOGGED_REASONS)
        return parsed

    def _read_error(self, fault: FaultError, operation: str) -> ConnectorError:
        kind, why = self.look_up(fault, operation)
        if errors.holds(kind):
            return errors.rejected(fault, kind, [*map(str, why)])
        return _ours(errors.from_fault(fault, kind, operation, self.config.company_id))

    def refusal_of(self, fault: FaultError, operation: str) -> ConnectorError:
        """The error for a fault that is about no one record."""
        kind, why = self.look_up(fault, operation)
        return _ours(errors.from_fault(fault, kind, operation, self.config.company_id, [*map(str, why)]))

    def look_up(self, fault: FaultError, operation: str) -> tuple[FaultKind, list[Reason]]:
        """What a fault means; texts are in the server's language, so GP's log decides where the text does not."""
        kind = errors.fault_kind(fault)
        why = self._reasons(fault) if kind in (FaultKind.VALIDATION, FaultKind.UNKNOWN) else []
        if why:
            return FaultKind.VALIDATION, why
        if kind in errors.HIDDEN and operation != _COMPANIES and not self._serves_company():
            return FaultKind.COMPANY, []
        return kind, []

    def _reasons(self, fault: FaultError) -> list[Reason]:
        try:
            return self.logged_reasons(fault.log_id) if fault.log_id else []
        except ConfigurationError:
            return []  # the log may be closed to the account; the fault's own text stands

    def logged_reasons(self, log_id: str) -> list[Reason]:
        """What GP logged under this id as reasons of a refusal; none: it has nothing there."""
        parse = partial(soap.parse_object, operation=LOGGED_REASONS)
        try:
            logged = self.call(LOGGED_REASONS, soap.log_id(log_id), parse, self.config.timeout_seconds)
        except FaultError as fault:
            if errors.fault_kind(fault) is not FaultKind.SECURITY:
                return []
            raise errors.from_fault(
                fault, FaultKind.SECURITY, LOGGED_REASONS, self.config.company_id
            ) from fault
        return reasons.read(logged)

    def _serves_company(self) -> bool:
        """Whether GP lets us into our company, as far as it tells: an unknown one is a system fault like any other."""
        if self._company_proved:
            return True
        try:
            return self.config.company_id in self.companies()
        except ConfigurationError:
            return True  # the list of companies is closed to the account; that proves nothing


def _headers(operation: str) -> dict[str, str]:
    return {"Content-Type": soap.CONTENT_TYPE, "SOAPAction": soap.action(operation)}


def _ours(error: ConnectorError) -> ConnectorError:
    error.system = GP
    return error


def _date(header: str) -> datetime | None:
    """The instant of a Date header; None where there is none or a proxy wrote something else."""
    try:
        at = parsedate_to_datetime(header)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
