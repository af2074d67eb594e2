"""The HTTP side: one thread for each connection, because sign-in belongs to the connection.

A request goes the way of the methods of `_Connection` from top to bottom: read, sign in, meet a planned
fault, carry out, answer in one piece.
"""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ml_connector.simulators.gp import control, faults, sba
from ml_connector.simulators.gp.answers import envelope
from ml_connector.simulators.gp.criteria import describe
from ml_connector.simulators.gp.operations import SIGNATURES, perform
from ml_connector.simulators.gp.requests import Call, MalformedError, read_call
from ml_connector.simulators.gp.sba_request import RefusedError, Request
from ml_connector.simulators.gp.state import Simulation
from ml_connector.simulators.gp.traffic import LoggedRequest
from ml_connector.simulators.gp.windows_auth import Accounts, Identity, SignIn, Verdict, judge, vouched

SERVICE_PATH = "/DynamicsGPWebServices/DynamicsGPService.asmx"
_MAX_BODY = 4 * 1024 * 1024
_MAX_LINE, _MAX_HEADERS = 65_536, 100
_log = logging.getLogger(__name__)

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
            405: "Method Not Allowed", 411: "Length Required", 413: "Request Entity Too Large",
            415: "Unsupported Media Type", 500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip

_HELP = (
    "<HTML><HEAD><TITLE>DynamicsGP Service</TITLE></HEAD><BODY><H1>DynamicsGP Service</H1>"
    "<P>You have created a service. To test this service, you will need to create a client and use it to call the "
    "service.</P></BODY></HTML>"
)


def _page(title: str) -> bytes:
    return f"<HTML><HEAD><TITLE>{title}</TITLE></HEAD><BODY><h2>{title}</h2></BODY></HTML>".encode()


@dataclass(frozen=True, slots=True)
class _Reply:
    """One HTTP answer; `cut` ends the connection in its middle, `drop` before it."""

    status: int
    body: bytes
    content_type: str = "text/html"
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False
    cut: bool = False
    drop: bool = False


@dataclass(slots=True)
class _Work:
    """What is known of a SOAP request so far; becomes its line in the log."""

    identity: Identity
    began: float
    operation: str = ""
    asked: str = ""
    company_id: int | None = None
    rows: int = 0
    fault: str = ""


class Server(ThreadingHTTPServer):
    """Listens and remembers its connections, so that all of them can be ended."""

    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, simulation: Simulation, accounts: Accounts) -> None:
        self.simulation, self.accounts = simulation, accounts
        options = simulation.options
        self.runtimes = sba.Runtimes(options.sba_instances, options.cold_start_seconds, options.idle_seconds)
        self.live: dict[socket.socket, threading.Thread] = {}
        self.live_lock = threading.Lock()
        super().__init__((options.host, options.port), _Connection)
        if options.tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*options.tls)
            # The handshake is done by the connection's thread: a client that refuses must not stop the others.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away; anything else is a fault of the simulator."""
        _log.exception("while answering %s", client_address)

    def end_connections(self) -> None:
        """End all connections and wait for their threads."""
        with self.live_lock:
            live = dict(self.live)
        for connection in live:
            _shut(connection)
        for thread in live.values():
            thread.join(timeout=10)


def _shut(connection: socket.socket) -> None:
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return  # the other side was quicker


class _Connection(BaseHTTPRequestHandler):
    """One connection, its sign-in included."""

    server: Server
    raw_requestline: bytes
    sent: dict[str, str]  # headers, by names in lower case
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        self.sign_in = SignIn()
        with self.server.live_lock:
            self.server.live[self.connection_socket] = threading.current_thread()
        self.server.simulation.traffic.opened()
        super().setup()

    @property
    def connection_socket(self) -> socket.socket:
        assert isinstance(self.request, socket.socket)
        return self.request

    def parse_request(self) -> bool:
        """Read request line and headers; by way of the base class's e-mail parser this would cost more than GP."""
        words = str(self.raw_requestline, "latin-1").split()
        self.sent = {}
        while (line := self.rfile.readline(_MAX_LINE)) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            self.sent[name.strip().lower()] = value.strip()
        self.close_connection = True
        if not line or len(words) != 3 or len(self.sent) > _MAX_HEADERS:
            return False  # cut off, or no HTTP: nothing is answered
        self.command, self.path, self.request_version = words
        self.close_connection = words[2] != "HTTP/1.1" or self.sent.get("connection", "").lower() == "close"
        if self.sent.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def handle(self) -> None:
        """Serve the connection until either side ends it."""
        try:
            super().handle()
        except OSError:  # reset, broken pipe, refused certificate: the client's business
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            _log.debug("the client was gone before the end")
        with self.server.live_lock:
            self.server.live.pop(self.connection_socket, None)
        self.server.simulation.traffic.closed()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Write nothing: the request log is kept by Traffic."""

    def do_GET(self) -> None:
        """Answer the help page, or control."""
        if self.path.startswith(control.PREFIX):
            self._control()
        elif self._is_sba():
            self._counted(self._sba)
        elif self.path.partition("?")[0].lower() == SERVICE_PATH.lower():
            self._send(_Reply(200, _HELP.encode()))
        else:
            self._send(_Reply(404, _page("Not Found")))

    def do_DELETE(self) -> None:
        """Answer control; the service has no such method."""
        if self.path.startswith(control.PREFIX):
            self._control()
        else:
            self._send(_Reply(405, _page("Method not allowed.")))

    def do_POST(self) -> None:
        """Answer control or a SOAP request."""
        if self.path.startswith(control.PREFIX):
            self._control()
            return
        body = self._body()
        if isinstance(body, _Reply):
            self._send(body)
            return
        if self._is_sba():
            self._counted(self._sba)
        elif self.path.partition("?")[0].lower() != SERVICE_PATH.lower():
            self._send(_Reply(404, _page("Not Found")))
        else:
            self._counted(partial(self._soap, body))

    def _is_sba(self) -> bool:
        return self.path.lower().startswith(sba.BASE.lower() + "/")

    def _counted(self, carry_out: Callable[[_Work], _Reply]) -> None:
        """Answer a request of a service, in flight until its answer is ready."""
        traffic = self.server.simulation.traffic
        traffic.begin()
        try:
            reply = self._service(carry_out)
        finally:
            traffic.end()
        self._send(reply)

    def _body(self) -> bytes | _Reply:
        length = self.sent.get("content-length")
        if length is None or not length.isdigit():
            return _Reply(411, _page("Length Required"), close=True)
        if int(length) > _MAX_BODY:
            return _Reply(413, _page("Request Entity Too Large"), close=True)
        return self.rfile.read(int(length))

    def _service(self, carry_out: Callable[[_Work], _Reply]) -> _Reply:
        """Sign in, then carry out."""
        began = time.perf_counter()
        simulation = self.server.simulation
        if simulation.options.trusted_proxy:
            verdict = vouched(self.sent.get("x-remote-user"), self.server.accounts)
        else:
            verdict = judge(self.sign_in, self.sent.get("authorization"), self.server.accounts)
        if verdict.identity is None:
            simulation.traffic.challenged()
            offered = tuple(("WWW-Authenticate", value) for value in verdict.authenticate)
            return _Reply(401, _page("Not Authorized"), headers=offered, close=verdict.refused)
        if self.sent.get("authorization") is not None:
            simulation.traffic.signed_in(verdict.identity.mechanism)
        per_request = simulation.settings.auth_per_request
        if per_request:
            self.sign_in.identity = None
        work = _Work(verdict.identity, began)
        reply = carry_out(work)
        self._log_work(work, 0 if reply.drop or reply.cut else reply.status)
        return _signed(reply, verdict, bound=not per_request)

    def _sba(self, work: _Work) -> _Reply:
        """Answer SBA: start a program where none runs, meet a planned fault, do the work on one of them."""
        simulation, runtimes = self.server.simulation, self.server.runtimes
        if self.path.partition("?")[0].lower().endswith(f"/tenants({sba.TENANT.lower()})/help"):
            return _Reply(200, sba.DISCOVERY.encode())
        try:
            request = sba.read_request(self.command, self.path, self.sent)
            work.operation, work.asked = request.operation, self.path
            planned = simulation.faults.strike(work.operation)
            cold = runtimes.cold_seconds(refuse=simulation.settings.sba_starting == "503")
            with runtimes:
                simulation.wait(cold + simulation.settings.latency_seconds)
                return self._perform_sba(request, work, planned)
        except RefusedError as error:
            work.fault = error.said
            said, media_type = sba.refusal(error)
            return _Reply(error.status, said, content_type=media_type)

    def _perform_sba(self, request: Request, work: _Work, planned: faults.PlannedFault | None) -> _Reply:
        simulation = self.server.simulation
        if planned is not None:
            work.fault = planned.kind
            simulation.wait(planned.seconds if planned.kind == "delay" else 0)
            if planned.kind in _SBA_FAULTS:
                raise RefusedError(*_SBA_FAULTS[planned.kind])
            if (instead := self._instead(planned, work)) is not None:
                return instead
        found = sba.perform(simulation, request, work.identity.account)
        work.rows, work.company_id = found.rows, found.company_id
        reply = _Reply(
            200, sba.body(found, simulation.settings.sba_envelope), content_type="application/json"
        )
        return reply if planned is None else _spoiled(reply, planned.kind)

    def _soap(self, body: bytes, work: _Work) -> _Reply:
        media_type = self.sent.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "text/xml":
            work.fault = "the content type is not text/xml"
            return _Reply(415, b"")
        try:
            call = read_call(body, self.sent.get("soapaction", ""), SIGNATURES)
        except MalformedError as error:
            work.fault = str(error)
            return _Reply(400, b"")
        except faults.SoapFaultError as fault:
            return self._fault(fault, work)
        work.operation, work.company_id = call.operation, call.context.company_id
        work.asked = " ".join(filter(None, map(describe, call.arguments.values())))
        return self._carry_out(call, work)

    def _carry_out(self, call: Call, work: _Work) -> _Reply:
        simulation = self.server.simulation
        planned = simulation.faults.strike(call.operation)
        simulation.wait(simulation.cold_seconds() + simulation.settings.latency_seconds)
        if planned is None:
            return self._perform(call, work)
        work.fault = planned.kind
        simulation.wait(planned.seconds if planned.kind == "delay" else 0)
        instead = self._instead(planned, work)
        return instead or _spoiled(self._perform(call, work), planned.kind)

    def _perform(self, call: Call, work: _Work) -> _Reply:
        try:
            answer = perform(self.server.simulation, call, work.identity.account)
        except faults.SoapFaultError as fault:
            return self._fault(fault, work)
        work.rows = answer.rows
        return _xml(200, envelope(call.operation, answer.result, answer.kind))

    def _instead(self, planned: faults.PlannedFault, work: _Work) -> _Reply | None:
        """Return what a planned fault answers instead of doing the work; None where the work is done."""
        retry = (("Retry-After", f"{planned.seconds:.0f}"),) if planned.seconds else ()
        replies = {
            "drop": _Reply(0, b"", drop=True),
            "http_500": _Reply(500, _page("Server Error in Application")),
            "http_503": _Reply(503, _page("Service Unavailable"), headers=retry),
            "html_200": _Reply(200, _page("Scheduled maintenance")),
        }
        planned_faults = {
            "soap_system_fault": faults.SystemFaultError(),
            "soap_validation_fault": faults.SoapFaultError(faults.VALIDATION, _PLANNED_REASONS),
            "soap_foreign_fault": faults.SoapFaultError(faults.FOREIGN),
        }
        if planned.kind in planned_faults:
            return self._fault(planned_faults[planned.kind], work)
        return replies.get(planned.kind)

    def _fault(self, fault: faults.SoapFaultError, work: _Work) -> _Reply:
        work.fault = work.fault or fault.text
        log_id = self.server.simulation.exceptions.record(fault) if fault.logged else None
        return _xml(500, faults.fault_envelope(fault, log_id))

    def _log_work(self, work: _Work, status: int) -> None:
        simulation = self.server.simulation
        simulation.traffic.log(
            LoggedRequest(
                at=simulation.now(),
                operation=work.operation,
                asked=work.asked,
                company_id=work.company_id,
                user=work.identity.account.name,
                mechanism=work.identity.mechanism,
                status=status,
                milliseconds=round((time.perf_counter() - work.began) * 1000, 3),
                rows=work.rows,
                fault=work.fault,
            )
        )

    def _control(self) -> None:
        length = self.sent.get("content-length", "0")
        body = self.rfile.read(int(length)) if length.isdigit() else b""
        status, answer = control.answer(
            control.Controlled(self.server.simulation, self.server.accounts), self.command, self.path, body
        )
        self._send(_Reply(status, json.dumps(answer).encode(), content_type="application/json"))

    def _send(self, reply: _Reply) -> None:
        """Send head and body in one piece, or as much of it as the reply says."""
        if reply.drop:
            self.close_connection = True
            return
        close = reply.close or reply.cut or self.close_connection
        head = [
            f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Unknown')}",
            f"Content-Length: {len(reply.body)}",
            f"Content-Type: {reply.content_type}",
            "Server: Microsoft-HTTPAPI/2.0",
            f"Date: {format_datetime(self.server.simulation.now(), usegmt=True)}",
            *(f"{name}: {value}" for name, value in reply.headers),
            *(["Connection: close"] if close and not reply.cut else []),
        ]
        body = reply.body[: len(reply.body) // 2] if reply.cut else reply.body
        self.close_connection = close
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)


#: What the faults of SOAP's names are in SBA.
_SBA_FAULTS = {
    "soap_system_fault": (500, faults.SYSTEM),
    "soap_validation_fault": (400, "The object does not meet a rule of this company."),
    "soap_foreign_fault": (500, faults.FOREIGN),
}
_PLANNED_REASONS = (
    faults.ValidationError(
        "The business object does not meet a rule of this company.", "5432", "Customer", ("Name",)
    ),
)


def _xml(status: int, text: str) -> _Reply:
    return _Reply(status, text.encode(), content_type="text/xml; charset=utf-8")


def _spoiled(reply: _Reply, kind: str) -> _Reply:
    """Return a reply to work that was done, as the planned fault lets it arrive."""
    if kind == "cut_after_work":
        return _Reply(reply.status, reply.body, reply.content_type, cut=True)
    if kind == "garbage_xml":
        return _Reply(reply.status, reply.body[: len(reply.body) * 2 // 3], reply.content_type)
    return reply


def _signed(reply: _Reply, verdict: Verdict, *, bound: bool) -> _Reply:
    last = tuple(("WWW-Authenticate", value) for value in verdict.authenticate)
    stays = (("Persistent-Auth", "true"),) if bound else ()
    headers = (*reply.headers, *last, *stays)
    return _Reply(reply.status, reply.body, reply.content_type, headers, reply.close, reply.cut, reply.drop)
