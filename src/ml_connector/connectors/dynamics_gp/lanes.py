"""Connection lanes: each owns one connection, taken by one request at a time, because Windows signs in a connection.

How a connection is signed in stands in ``auth.py``; here it is opened, verified, written to and read from.
"""

from __future__ import annotations

import hashlib
import queue
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpcore2
import truststore
from cryptography import x509
from spnego.channel_bindings import GssChannelBindings

from ml_connector.connectors.dynamics_gp import errors, meanings

_MAX_ANSWER_BYTES = 64 * 1024 * 1024
#: The other side gave the connection up, so that the request may be sent on another.
DROPPED = (httpcore2.ReadError, httpcore2.WriteError, httpcore2.RemoteProtocolError)
#: Nothing was answered.
SILENT = (httpcore2.TimeoutException, httpcore2.LocalProtocolError, httpcore2.NetworkError)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, whole; header names in lower case, of repeated ones the last."""

    status: int
    headers: Mapping[str, str]
    challenges: Sequence[str]  #: each ``WWW-Authenticate`` as it came
    body: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A request: its headers, its body, how long its answer may take, its method, where it goes, whether only once."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    timeout_seconds: float
    method: bytes
    target: httpcore2.URL
    once: bool = False


class Server:
    """Where connections go. TLS is always verified: against the system's certificates and the customer's file."""

    def __init__(self, endpoint: str, ca_file: Path | None) -> None:
        parts = urlsplit(endpoint)
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.url = httpcore2.URL(endpoint)
        self._tls = _trust(ca_file) if parts.scheme == "https" else None

    def connect(self, timeout_seconds: float) -> tuple[httpcore2.HTTP11Connection, GssChannelBindings | None]:
        """A new connection, and over TLS what binds a sign-in to it. RetryableError, ConfigurationError."""
        binding = None
        try:
            stream = httpcore2.SyncBackend().connect_tcp(self.host, self.port, timeout=timeout_seconds)
            if self._tls is not None:
                stream = stream.start_tls(self._tls, server_hostname=self.host, timeout=timeout_seconds)
                binding = channel_binding(stream.get_extra_info("socket").getpeercert(binary_form=True))
        except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
            raise errors.from_connecting(error, f"{self.host}:{self.port}") from error
        return httpcore2.HTTP11Connection(self.url.origin, stream), binding


@dataclass(slots=True)
class Lane:
    """One connection and whether it is signed in."""

    server: Server
    connection: httpcore2.HTTP11Connection | None = None
    binding: GssChannelBindings | None = None
    signed_in: bool = False
    generation: int = 0  #: of the password that it was opened under

    def is_open(self) -> bool:
        """Whether the next request may go over the connection that is there."""
        return self.connection is not None and not (
            self.connection.is_closed() or self.connection.has_expired()
        )

    def open(self, timeout_seconds: float) -> None:
        """Give up the connection for a new one, which nobody has signed in."""
        self.close()
        self.connection, self.binding = self.server.connect(timeout_seconds)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection, self.signed_in = None, False

    def send(self, call: Call, authorization: bytes | None) -> Answer:
        """Send with this Authorization header or none, and read the whole answer; one of DROPPED or SILENT."""
        assert self.connection is not None
        headers = list(call.headers)
        if call.method != b"GET":
            headers.append((b"Content-Length", str(len(call.body)).encode()))
        if authorization is not None:
            headers.append((b"Authorization", authorization))
        wait = call.timeout_seconds
        ends_at = time.monotonic() + wait
        request = httpcore2.Request(
            call.method,
            call.target,
            headers=headers,
            content=call.body,
            extensions={"timeout": {"connect": wait, "read": wait, "write": wait}},
        )
        response = self.connection.handle_request(request)
        try:
            return _read(response, ends_at)
        finally:
            response.close()


class Lanes:
    """As many lanes as requests may go at once. Last in, first out: few lanes stay warm. Thread-safe."""

    def __init__(self, server: Server, count: int) -> None:
        self._all = [Lane(server) for _ in range(count)]
        self._free: queue.LifoQueue[Lane] = queue.LifoQueue()
        self._generation = 0
        for lane in self._all:
            self._free.put(lane)

    @contextmanager
    def taken(self, timeout_seconds: float) -> Iterator[Lane]:
        """A lane for one request alone; whatever ends it early ends the connection, whose state nobody knows then."""
        try:
            lane = self._free.get(timeout=timeout_seconds)
        except queue.Empty:
            raise meanings.LANES_BUSY.error() from None
        if lane.generation != self._generation:
            lane.close()
            lane.generation = self._generation
        try:
            yield lane
        except BaseException:
            lane.close()
            raise
        finally:
            self._free.put(lane)

    def renew(self) -> None:
        """No connection of before is used again; a request that is under way has its answer."""
        self._generation += 1

    def close(self) -> None:
        """Close all connections; they are opened again when needed."""
        for lane in self._all:
            lane.close()


def _read(response: httpcore2.Response, ends_at: float) -> Answer:
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers]
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_stream():
        size += len(chunk)
        if size > _MAX_ANSWER_BYTES:
            raise meanings.ANSWER_TOO_LARGE.error()
        if time.monotonic() > ends_at:  # each piece came in time, and all of them may never end
            raise httpcore2.ReadTimeout
        chunks.append(chunk)
    challenges = [value for name, value in pairs if name == "www-authenticate"]
    return Answer(response.status, dict(pairs), challenges, b"".join(chunks))


def channel_binding(certificate: bytes) -> GssChannelBindings:
    """The channel binding of a TLS connection (RFC 5929, tls-server-end-point)."""
    algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    name = algorithm.name if algorithm is not None else "sha256"
    name = "sha256" if name in ("md5", "sha1") else name
    return GssChannelBindings(
        application_data=b"tls-server-end-point:" + hashlib.new(name, certificate).digest()
    )


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """The system's certificates and the customer's; verification cannot be switched off."""
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise meanings.CA_FILE.error(file=ca_file) from error
    return context
