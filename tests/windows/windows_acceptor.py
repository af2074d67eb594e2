"""A web server that leaves signing in to something that is not ours: MIT's GSSAPI, or Samba's ``ntlm_auth``."""

from __future__ import annotations

import base64
import ssl
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol, Self

from windows_parts import program

try:
    import gssapi
except ImportError:  # the tests that need it say so
    gssapi = None

_KERBEROS, _SPNEGO, _NTLMSSP = "1.2.840.113554.1.2.2", "1.3.6.1.5.5.2", "1.3.6.1.4.1.311.2.2.10"
_NOTHING: tuple[str, ...] = ()


class RefusedError(Exception):
    """The sign-in failed; ``token`` tells the client why, where the mechanism has words for it."""

    def __init__(self, reason: str, token: bytes = b"") -> None:
        super().__init__(reason)
        self.token = token


@dataclass(frozen=True)
class Step:
    """A token to send back; ``user`` is empty until the sign-in is done."""

    token: bytes = b""
    user: str = ""
    bound: bool = False  #: to the TLS connection, as far as the acceptor says


class Handshake(Protocol):
    """One sign-in, seen from the server."""

    def step(self, token: bytes) -> Step:
        """Go on with what the client sent; RefusedError."""

    def close(self) -> None: ...


class Gss:
    """MIT's acceptor: Kerberos by a keytab, or NTLM by gss-ntlmssp, which takes NTLM_USER_FILE from the environment."""

    def __init__(self, keytab: str = "", binding: bytes | None = None) -> None:
        wanted = (_KERBEROS, _SPNEGO) if keytab else (_NTLMSSP,)
        mechanisms = [gssapi.OID.from_int_seq(oid) for oid in wanted]
        store = {"store": {"keytab": keytab}} if keytab else {}
        bindings = None if binding is None else gssapi.raw.ChannelBindings(application_data=binding)
        acceptor = gssapi.Credentials(usage="accept", mechs=mechanisms, **store)
        self._context = gssapi.SecurityContext(creds=acceptor, usage="accept", channel_bindings=bindings)

    def step(self, token: bytes) -> Step:
        try:
            answer = self._context.step(token) or b""
        except gssapi.exceptions.GSSError as error:
            raise RefusedError(str(error)) from error
        if (late := self._context._last_err) is not None:  # kept back for the sake of the token
            raise RefusedError(str(late), answer)
        if not self._context.complete:
            return Step(answer)
        bound = gssapi.RequirementFlag.channel_bound in self._context.actual_flags
        return Step(answer, str(self._context.initiator_name).rstrip("\0"), bound)

    def close(self) -> None:
        """Nothing is held but memory."""


class NtlmAuth:
    """Samba's helper, as Squid and Apache use it: it asks winbind, and so the domain."""

    def __init__(self, protocol: str) -> None:
        self._gss = protocol == "gss-spnego"
        command = [program("ntlm_auth"), f"--helper-protocol={protocol}"]
        self._helper = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._word = "YR"

    def step(self, token: bytes) -> Step:
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        self._helper.stdin.write(f"{self._word} {base64.b64encode(token).decode()}\n")
        self._helper.stdin.flush()
        self._word = "KK"
        word, *said = self._helper.stdout.readline().split()
        if word == "TT":
            return Step(base64.b64decode(said[0]))
        if word == "AF":
            last = base64.b64decode(said[0]) if self._gss and said[0] != "*" else b""
            return Step(last, said[-1])
        raise RefusedError(" ".join(said))

    def close(self) -> None:
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        self._helper.stdin.close()
        self._helper.stdout.close()
        self._helper.wait()


@dataclass
class Ways:
    """How the server behaves."""

    begin: Callable[[], Handshake]
    offered: tuple[str, ...] = ("Negotiate",)
    per_request: bool = False
    tls: tuple[str, str] | None = None  #: certificate file, key file


class Acceptor(ThreadingHTTPServer):
    """Answers every POST of who is signed in; for a with statement."""

    daemon_threads = True

    def __init__(self, ways: Ways) -> None:
        self.ways = ways
        self.signed: list[Step] = []  #: each sign-in that was done
        self.refused: list[str] = []  #: why each other was not
        self.messages = 0  #: requests in all
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Connection)
        if ways.tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*ways.tls)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    @property
    def endpoint(self) -> str:
        scheme = "https" if self.ways.tls else "http"
        return f"{scheme}://localhost:{self.server_address[1]}/DynamicsGPService.asmx"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


class _Connection(BaseHTTPRequestHandler):
    server: Acceptor
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.handshake: Handshake | None = None
        self.user = ""

    def finish(self) -> None:
        self.give_up()
        super().finish()

    def give_up(self) -> None:
        if self.handshake is not None:
            self.handshake.close()
        self.handshake = None

    def log_message(self, *_: object) -> None:
        """Write nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.messages += 1
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if not token:
            self.answer(*((200, _NOTHING) if self.user else (401, self.server.ways.offered)))
        elif scheme not in self.server.ways.offered:
            self.answer(401, self.server.ways.offered)
        else:
            self.sign_in(scheme, base64.b64decode(token))

    def sign_in(self, scheme: str, token: bytes) -> None:
        ways = self.server.ways
        self.user = ""
        try:
            self.handshake = self.handshake or ways.begin()
            step = self.handshake.step(token)
        except RefusedError as error:
            self.give_up()
            self.close_connection = True
            self.server.refused.append(str(error))
            self.answer(401, _with(scheme, error.token) or ways.offered)
            return
        said = _with(scheme, step.token)
        if not step.user:
            self.answer(401, said)
            return
        self.give_up()
        self.user = "" if ways.per_request else step.user
        self.server.signed.append(step)
        self.answer(200, said)

    def answer(self, status: int, authenticate: tuple[str, ...]) -> None:
        self.send_response(status)
        for value in authenticate:
            self.send_header("WWW-Authenticate", value)
        self.send_header("Content-Length", "0")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()


def _with(scheme: str, token: bytes) -> tuple[str, ...]:
    return (f"{scheme} {base64.b64encode(token).decode()}",) if token else _NOTHING
