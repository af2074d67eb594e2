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
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ml_connector.simulators.gp import control, sba
from ml_connector.simulators.gp.replies import Reply, page
from ml_connector.simulators.gp.services import Services, Work
from ml_connector.simulators.gp.state import Simulation
from ml_connector.simulators.gp.traffic import LoggedRequest
from ml_connector.simulators.gp.windows_auth import Accounts, SignIn, Verdict, judge, vouched

SERVICE_PATH = "/DynamicsGPWebServices/DynamicsGPService.asmx"
_MAX_BODY = 4 * 1024 * 1024
_MAX_LINE, _MAX_HEADERS = 65_536, 100
_log = logging.getLogger(__name__)

_REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
            405: "Method Not Allowed", 409: "Conflict", 411: "Length Required", 413: "Request Entity Too Large",
            415: "Unsupported Media Type", 500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip

_HELP = (
    "<HTML><HEAD><TITLE>DynamicsGP Service</TITLE></HEAD><BODY><H1>DynamicsGP Service</H1>"
    "<P>You have created a service. To test this service, you will need to create a client and use it to call the "
    "service.</P></BODY></HTML>"
)


class Server(ThreadingHTTPServer):
    """Listens and remembers its connections, so that all of them can be ended."""

    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, simulation: Simulation, accounts: Accounts) -> None:
        self.simulation, self.accounts = simulation, accounts
        options = simulation.options
        self.services = Services(simulation)
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
            self._counted(partial(self.server.services.sba, self.command, self.path, self.sent, b""))
        elif self.path.partition("?")[0].lower() == SERVICE_PATH.lower():
            self._send(Reply(200, _HELP.encode()))
        else:
            self._send(Reply(404, page("Not Found")))

    def do_DELETE(self) -> None:
        """Answer control or SBA; the SOAP service has no such method."""
        if self.path.startswith(control.PREFIX):
            self._control()
        elif self._is_sba():
            unread = self.sent.get("content-length", "0")
            self.rfile.read(int(unread) if unread.isdigit() else 0)
            self._counted(partial(self.server.services.sba, self.command, self.path, self.sent, b""))
        else:
            self._send(Reply(405, page("Method not allowed.")))

    def do_PATCH(self) -> None:
        """Answer SBA; nothing else has such a method."""
        body = self._body()
        if isinstance(body, Reply):
            self._send(body)
        elif self._is_sba():
            self._counted(partial(self.server.services.sba, self.command, self.path, self.sent, body))
        else:
            self._send(Reply(405, page("Method not allowed.")))

    def do_POST(self) -> None:
        """Answer control or a SOAP request."""
        if self.path.startswith(control.PREFIX):
            self._control()
            return
        body = self._body()
        if isinstance(body, Reply):
            self._send(body)
            return
        if self._is_sba():
            self._counted(partial(self.server.services.sba, self.command, self.path, self.sent, body))
        elif self.path.partition("?")[0].lower() != SERVICE_PATH.lower():
            self._send(Reply(404, page("Not Found")))
        else:
            self._counted(partial(self.server.services.soap, self.sent, body))

    def _is_sba(self) -> bool:
        return self.path.lower().startswith(sba.BASE.lower() + "/")

    def _counted(self, carry_out: Callable[[Work], Reply]) -> None:
        """Answer a request of a service, in flight until its answer is ready."""
        traffic = self.server.simulation.traffic
        traffic.begin()
        try:
            reply = self._service(carry_out)
        finally:
            traffic.end()
        self._send(reply)

    def _body(self) -> bytes | Reply:
        length = self.sent.get("content-length")
        if length is None or not length.isdigit():
            return Reply(411, page("Length Required"), close=True)
        if int(length) > _MAX_BODY:
            return Reply(413, page("Request Entity Too Large"), close=True)
        return self.rfile.read(int(length))

    def _service(self, carry_out: Callable[[Work], Reply]) -> Reply:
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
            return Reply(401, page("Not Authorized"), headers=offered, close=verdict.refused)
        if self.sent.get("authorization") is not None:
            simulation.traffic.signed_in(verdict.identity.mechanism)
        per_request = simulation.settings.auth_per_request
        if per_request:
            self.sign_in.identity = None
        work = Work(verdict.identity, began)
        reply = carry_out(work)
        self._log_work(work, 0 if reply.drop or reply.cut else reply.status)
        return _signed(reply, verdict, bound=not per_request)

    def _log_work(self, work: Work, status: int) -> None:
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
        self._send(Reply(status, json.dumps(answer).encode(), content_type="application/json"))

    def _send(self, reply: Reply) -> None:
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


def _signed(reply: Reply, verdict: Verdict, *, bound: bool) -> Reply:
    last = tuple(("WWW-Authenticate", value) for value in verdict.authenticate)
    stays = (("Persistent-Auth", "true"),) if bound else ()
    headers = (*reply.headers, *last, *stays)
    return Reply(reply.status, reply.body, reply.content_type, headers, reply.close, reply.cut, reply.drop)
