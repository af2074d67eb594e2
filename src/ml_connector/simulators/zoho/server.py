"""A lean HTTP/1.1 server: one thread a connection, keep-alive, no Nagle, header and body in one send.

The standard library's http.server parses headers as e-mail, which takes longer than the work of a 100-record call.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Self

from ml_connector.simulators.zoho.courier import Courier
from ml_connector.simulators.zoho.gateway import Gateway, Request
from ml_connector.simulators.zoho.notice_courier import NoticeCourier
from ml_connector.simulators.zoho.options import ZohoOptions
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.replies import Reply

_BACKLOG = 512
_CHUNK = 262_144
_MAX_HEADER = 65_536
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_RESET = struct.pack("ii", 1, 0)  # linger on, zero seconds: close() sends RST instead of FIN


class BrokenRequestError(Exception):
    """What came is not HTTP that this server reads; the status to answer with."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Connection:
    """One client's socket with what was received and not yet used."""

    def __init__(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = client
        self._received = bytearray()

    def read(self) -> Request | None:
        """The next request; None when the client closed."""
        received = self._received
        while (end := received.find(b"\r\n\r\n")) < 0:
            if len(received) > _MAX_HEADER:
                raise BrokenRequestError(431)
            if not self._receive():
                return None
        lines = received[:end].decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3:
            raise BrokenRequestError(400)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        del received[: end + 4]
        body = self._read_body(headers)
        return None if body is None else Request(words[0], words[1], headers, body)

    def send(self, reply: Reply, date: str) -> None:
        """Header and body in one go, or the part of it that the reply says, followed by a reset."""
        extra = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
        head = (
            f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, '')}\r\nDate: {date}\r\nServer: ZGS\r\n"
            f"Content-Type: {reply.content_type}\r\n{extra}"
        )
        length = "" if reply.status in (204, 304) else f"Content-Length: {len(reply.body)}\r\n"
        answer = f"{head}{length}\r\n".encode("latin-1") + reply.body
        if reply.sent_share < 1:
            answer = answer[: int(len(answer) * reply.sent_share)]
        self.socket.sendall(answer)

    def reset(self) -> None:
        """Ends the connection the hard way."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def _read_body(self, headers: dict[str, str]) -> bytes | None:
        if "transfer-encoding" in headers:
            raise BrokenRequestError(411)
        text = headers.get("content-length", "0")
        if not text.isdecimal():
            raise BrokenRequestError(400)
        if headers.get("expect", "").lower() == "100-continue":
            self.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = int(text)
        while len(self._received) < length:
            if not self._receive():
                return None
        body = bytes(self._received[:length])
        del self._received[:length]
        return body

    def _receive(self) -> bool:
        chunk = self.socket.recv(_CHUNK)
        self._received += chunk
        return bool(chunk)


class ZohoSimulator:
    """A simulated Zoho CRM on a TCP port: accounts server, API and control endpoint.

    Use it as a context manager, or call `start` and `stop`.
    """

    def __init__(self, options: ZohoOptions | None = None, org: Org | None = None) -> None:
        """`org`: goes on with this organisation, of a simulator that was stopped; the port is another one."""
        self.options = org.options if org else options or ZohoOptions()
        self._listener = socket.create_server(
            (self.options.host, self.options.port), backlog=_BACKLOG, reuse_port=False
        )
        self._port: int = self._listener.getsockname()[1]
        self.org = org or Org(self.options)
        self._stopping = threading.Event()
        self._gateway = Gateway(self.org, self.url, self._stopping)
        self._courier = Courier(self.org, self.url, self._stopping)
        self._notice_courier = NoticeCourier(self.org, self.url, self._stopping)
        self._lock = threading.Lock()
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._acceptor = threading.Thread(target=self._accept, name="zoho-simulator", daemon=True)

    @property
    def url(self) -> str:
        """`http://host:port`: accounts server and API domain at once."""
        return f"http://{self.options.host}:{self._port}"

    def start(self) -> Self:
        """Begins to answer."""
        self._acceptor.start()
        self._courier.start()
        self._notice_courier.start()
        return self

    def stop(self) -> None:
        """Ends all connections and threads and frees the port."""
        self._stopping.set()
        self.org.faults.release()
        self._courier.stop()
        self._notice_courier.stop()
        if self._acceptor.is_alive():
            with (
                contextlib.suppress(OSError),
                socket.create_connection((self.options.host, self._port), timeout=5),
            ):
                self._acceptor.join()  # the connection woke it up
        self._listener.close()
        with self._lock:
            clients = dict(self._clients)
        for client in clients:
            with contextlib.suppress(OSError):  # the client may be gone already
                client.shutdown(socket.SHUT_RDWR)
        for thread in clients.values():
            thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if self._stopping.is_set():
                client.close()
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            with self._lock:
                self._clients[client] = thread
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError):  # the client went away, or stop() shut the socket
                self._answer_all(_Connection(client))
        finally:
            with self._lock:
                del self._clients[client]
            client.close()

    def _answer_all(self, connection: _Connection) -> None:
        clock = self.org.clock
        while request := self._next(connection):
            reply = self._gateway.answer(request)
            if reply.sent_share:
                connection.send(reply, clock.http_date())
            if reply.sent_share < 1:
                connection.reset()
                return
            if request.headers.get("connection", "").lower() == "close":
                return

    def _next(self, connection: _Connection) -> Request | None:
        try:
            return connection.read()
        except BrokenRequestError as error:
            connection.send(Reply(error.status, content_type="text/plain"), self.org.clock.http_date())
            return None


def serve_forever(options: ZohoOptions, announce: Callable[[str], None]) -> None:
    """Runs a simulator until the process is interrupted; `announce` is told its URL."""
    with ZohoSimulator(options) as simulator, contextlib.suppress(KeyboardInterrupt):
        announce(simulator.url)
        threading.Event().wait()
