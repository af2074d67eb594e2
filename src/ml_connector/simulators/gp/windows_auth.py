"""Windows sign-in over HTTP: NTLM and Negotiate (raw NTLM or wrapped in SPNEGO), bound to the connection.

The handshakes are checked for real by pyspnego's acceptor, NTLMv2 only. Accounts lock after too many wrong
passwords, as in a domain; a refused handshake ends its connection. With `auth_per_request` a connection never
stays signed in: that is how self-hosted WCF and HttpListener behave by default
(UnsafeConnectionNtlmAuthentication=false).
"""

from __future__ import annotations

import base64
import binascii
import os
import struct
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import spnego
from spnego.exceptions import SpnegoError

from ml_connector.simulators.gp.options import Account

SCHEMES = {"ntlm": "NTLM", "negotiate": "Negotiate"}
_NTLM_SIGNATURE = b"NTLMSSP\0"
_AUTHENTICATE = 3
_NTLM_V1_LENGTH = 24
_UNICODE = 0x1
_USER_FILE = "NTLM_USER_FILE"
#: pyspnego takes the accounts from the environment only, and that is one for all.
_environment = threading.Lock()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in, and by which scheme."""

    account: Account
    mechanism: str  # by which scheme, or "proxy"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a request: carried out for `identity`, or answered 401 with these WWW-Authenticate values."""

    identity: Identity | None = None
    authenticate: tuple[str, ...] = ()
    refused: bool = False  # a handshake failed: the connection ends with the answer


@dataclass(slots=True)
class SignIn:
    """Where one connection stands: who it belongs to, and the handshake that is under way."""

    identity: Identity | None = None
    handshake: spnego.ContextProxy | None = None
    scheme: str = ""


_CHALLENGE = Verdict(authenticate=("Negotiate", "NTLM"))


@dataclass(slots=True)
class Accounts:
    """The accounts that may sign in, their wrong passwords, and the private file pyspnego reads them from."""

    accounts: Iterable[Account]
    lockout_after: int
    _by_principal: dict[str, Account] = field(default_factory=dict)
    _wrong: Counter[str] = field(default_factory=Counter)
    _failed: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _folder: tempfile.TemporaryDirectory[str] | None = None

    def open(self) -> None:
        """Write the file of accounts; ValueError for one the file's format cannot hold."""
        lines = []
        for account in self.accounts:
            if ":" in account.domain + account.user + account.password:
                raise ValueError(f"no colon in an account, please: {account.name}")
            upn = f"{account.user}@{account.domain}"
            self._by_principal[account.name.casefold()] = account
            self._by_principal[upn.casefold()] = account
            lines += [f"{account.domain}:{account.user}:{account.password}", f":{upn}:{account.password}"]
        self._folder = tempfile.TemporaryDirectory(prefix="gp-simulator-")
        self._file.touch(mode=0o600)
        self._file.write_text("\n".join(lines), encoding="utf-8")
        with _environment:
            os.environ.setdefault(_USER_FILE, os.devnull)

    def close(self) -> None:
        """Remove the file of accounts."""
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def _file(self) -> Path:
        assert self._folder is not None, "open() was not called"
        return Path(self._folder.name, "accounts")

    def begin(self) -> spnego.ContextProxy:
        """Return a new acceptor."""
        pure_python = spnego.NegotiateOptions.use_negotiate | spnego.NegotiateOptions.use_ntlm
        with _accounts_of(self._file):
            return spnego.server(protocol="negotiate", options=pure_python)

    def step(self, handshake: spnego.ContextProxy, token: bytes) -> bytes | None:
        """Go on with a handshake; SpnegoError where it fails."""
        with _accounts_of(self._file):
            return handshake.step(token)

    def find(self, principal: str) -> Account | None:
        """Return the account of a principal, whatever its state."""
        return self._by_principal.get(principal.casefold())

    def admit(self, principal: str) -> Account | None:
        """Return the account of a proved principal unless it is locked; a right password forgives wrong ones."""
        account = self._by_principal.get(principal.casefold())
        with self._lock:
            if account is None or self._wrong[account.name] >= self.lockout_after:
                self._failed[principal] += 1
                return None
            del self._wrong[account.name]
        return account

    def refuse(self, principal: str) -> None:
        """Count a wrong password; for an unknown name only the failure counts."""
        account = self._by_principal.get(principal.casefold())
        with self._lock:
            self._failed[account.name if account else principal] += 1
            if account is not None:
                self._wrong[account.name] += 1

    def unlock(self, principal: str | None = None) -> None:
        """Forget the wrong passwords of one account or of all."""
        with self._lock:
            if principal is None:
                self._wrong.clear()
            else:
                account = self._by_principal.get(principal.casefold())
                self._wrong.pop(account.name if account else principal, None)

    def failed(self) -> dict[str, int]:
        """Return the failed sign-ins by account, wrong passwords and refusals of locked accounts alike."""
        with self._lock:
            return dict(self._failed)

    def locked(self) -> list[str]:
        """Return the accounts that are locked."""
        with self._lock:
            return sorted(name for name, wrong in self._wrong.items() if wrong >= self.lockout_after)


@contextmanager
def _accounts_of(file: Path) -> Iterator[None]:
    """Let pyspnego see one simulator's accounts, and one only at a time.

    The variable is never taken out of the environment again: another thread may be copying it for a child process.
    """
    with _environment:
        before = os.environ.get(_USER_FILE, os.devnull)  # which for pyspnego is no file of accounts
        os.environ[_USER_FILE] = str(file)
        try:
            yield
        finally:
            os.environ[_USER_FILE] = before


def judge(sign_in: SignIn, header: str | None, accounts: Accounts) -> Verdict:
    """Take one request's Authorization header and return what becomes of the request."""
    if header is None:
        return Verdict(sign_in.identity) if sign_in.identity else _CHALLENGE
    scheme, _, encoded = header.strip().partition(" ")
    sign_in.identity = None
    if scheme.lower() not in SCHEMES:
        return _CHALLENGE
    try:
        token = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        return _refused(sign_in)
    if sign_in.handshake is None or sign_in.scheme != scheme.lower():
        sign_in.handshake, sign_in.scheme = accounts.begin(), scheme.lower()
    return _advance(sign_in, sign_in.handshake, token, accounts)


def vouched(principal: str | None, accounts: Accounts) -> Verdict:
    r"""Take the word of a web server in front for who has signed in, as `user@REALM` or as `DOMAIN\user`."""
    account = accounts.find(principal or "")
    return Verdict() if account is None else Verdict(Identity(account, "proxy"))


def _advance(sign_in: SignIn, handshake: spnego.ContextProxy, token: bytes, accounts: Accounts) -> Verdict:
    principal, outdated = _claimed(token)
    if outdated:
        return _refused(sign_in)
    try:
        answer = accounts.step(handshake, token)
    except (SpnegoError, ValueError, struct.error):
        if principal is not None:
            accounts.refuse(principal)
        return _refused(sign_in)
    scheme = SCHEMES[sign_in.scheme]
    said = (f"{scheme} {base64.b64encode(answer).decode()}",) if answer else ()
    if not handshake.complete:
        return Verdict(authenticate=said)
    account = accounts.admit(handshake.client_principal or "")
    if account is None:
        return _refused(sign_in)
    sign_in.handshake = None
    sign_in.identity = Identity(account, sign_in.scheme)
    return Verdict(sign_in.identity, said)


def _refused(sign_in: SignIn) -> Verdict:
    sign_in.handshake = None
    return Verdict(authenticate=_CHALLENGE.authenticate, refused=True)


def _claimed(token: bytes) -> tuple[str | None, bool]:
    """Return who an NTLM type 3 message, wrapped or not, claims to be from, and whether it is NTLMv1."""
    start = token.find(_NTLM_SIGNATURE)
    message = token[start:]
    if start < 0 or len(message) < 64 or struct.unpack_from("<I", message, 8)[0] != _AUTHENTICATE:
        return None, False
    encoding = "utf-16-le" if struct.unpack_from("<I", message, 60)[0] & _UNICODE else "cp437"
    domain = _field(message, 28).decode(encoding, "replace")
    user = _field(message, 36).decode(encoding, "replace")
    return f"{domain}\\{user}" if domain else user, len(_field(message, 20)) <= _NTLM_V1_LENGTH


def _field(message: bytes, at: int) -> bytes:
    length, _, offset = struct.unpack_from("<HHI", message, at)
    return message[offset : offset + length]
