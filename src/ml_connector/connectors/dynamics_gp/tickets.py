"""The Kerberos ticket: taken with the password into this process's memory, shared by all lanes, taken anew in time.

No kinit, no keytab, nothing on disk. The machine's krb5.conf counts (or the files that KRB5_CONFIG names), and ours
after it, for what it leaves open.
"""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ml_connector.connectors.dynamics_gp import errors, meanings
from ml_connector.connectors.dynamics_gp.config import GpConfig
from ml_connector.connectors.dynamics_gp.meaning import Meaning
from ml_connector.core.ports import Clock

try:
    import gssapi  # what pyspnego signs in by: a ticket alone is of no use
    import krb5

    LIBRARY = bool(gssapi)
except (ImportError, OSError):  # not installed, or built for a library that the machine does not have
    LIBRARY = False

_RENEWED_BEFORE_END = timedelta(minutes=5)
_NOTED_AFTER = timedelta(seconds=10)
_AGAIN_AFTER = timedelta(minutes=1)  # where the domain did not answer and the old ticket still holds
_SYSTEM_FILE, _OWN_FILE = "/etc/krb5.conf", str(Path(__file__).with_name("krb5.conf"))
_VARIABLE = "KRB5_CONFIG"


class NoTicketError(Exception):
    """Kerberos is not to be had, and this is why; ``told``: what the sentence has to be filled with."""

    def __init__(self, meaning: Meaning, **told: str) -> None:
        super().__init__(meaning.code)
        self.meaning = meaning
        self.told = told


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks for a ticket; ``enterprise``: the domain finds the account by a name that is not its own."""

    name: str
    enterprise: bool = False


@dataclass(frozen=True, slots=True)
class _Refused:
    """What the domain said to a password."""

    password: str = field(repr=False)
    meaning: Meaning
    at: datetime


@dataclass(frozen=True, slots=True)
class _Held:
    """A ticket in a cache of the krb5 library, which keeps it until it is destroyed."""

    cache: str  #: its name
    renew_at: datetime
    end_at: datetime


def principal_of(user: str, realm: str, default_realm: str) -> Principal | None:
    r"""Whom the domain knows ``DOMAIN\user`` or ``user@domain`` as; None where the realm cannot be known.

    A DOMAIN is a short name, which says nothing of the realm unless it is the first part of the machine's own
    (``default_realm``; Debian's krb5.conf comes with a stranger's).
    """
    domain, backslash, name = user.rpartition("\\")
    if not backslash:
        name, _, suffix = user.partition("@")
        known = realm or suffix
        if suffix and known.upper() != suffix.upper():  # a suffix that is not the domain's name
            return Principal(f"{_escaped(name)}@{suffix}@{known.upper()}", enterprise=True)
    elif "." in domain:
        known = realm or domain
    else:
        own = default_realm.partition(".")[0]
        known = realm or (default_realm if own.upper() == domain.upper() else "")
    return Principal(f"{_escaped(name)}@{known.upper()}") if name and known else None


def _escaped(name: str) -> str:
    return "".join("\\" + letter if letter in "/@\\" else letter for letter in name)


class Tickets:
    """The ticket of one account, for all transports of a process. Thread-safe; one thread at a time asks the domain."""

    def __init__(
        self,
        config: GpConfig,
        password: Callable[[], str],
        clock: Clock,
        is_refused: Callable[[], object] = lambda: True,
    ) -> None:
        """Nothing is asked yet; of the settings ``user`` and ``realm`` count, whatever server is signed in to.

        ``is_refused``: whether a password that was refused still counts as refused: it may have been set anew, or been
        accepted in another process because the account is in order again.
        """
        self.clock = clock
        self._is_refused = is_refused
        self._config = config
        self._password = password
        self._lock = threading.Lock()
        self._refused: _Refused | None = None
        self._held: _Held | None = None
        self._former: _Held | None = None  # a lane may be reading from it
        if LIBRARY:
            _add_own_file()

    def cache(self) -> str:
        """Name of the cache with a ticket that still holds; taken now where there is none. NoTicketError."""
        with self._lock:
            if self._held is None:
                self._held = self._take()
            elif self.clock.now() >= self._held.renew_at:
                self._renew(self._held)
            return self._held.cache

    def drop(self, cache: str) -> None:
        """Forget the ticket in this cache and those for servers that were got with it, unless it is another by now.

        Several lanes may be refused with one ticket: what the first of them took anew serves the others.
        """
        with self._lock:
            if self._held is not None and self._held.cache == cache:
                self._replace(None)

    def forget(self) -> None:
        """The ticket is of a password that is another now."""
        with self._lock:
            if self._held is not None:
                self._replace(None)

    def _renew(self, old: _Held) -> None:
        now = self.clock.now()
        try:
            self._replace(self._take())
        except NoTicketError as error:
            if now >= old.end_at or error.meaning.code in meanings.ACCOUNT_AT_FAULT:
                raise
            self._held = replace(old, renew_at=now + _AGAIN_AFTER)

    def _counts(self, refused: _Refused, password: str) -> bool:
        """Whether this password is refused; at first the refusal may not be noted yet where others find it."""
        noted = abs(self.clock.now() - refused.at) > _NOTED_AFTER
        return refused.password == password and (not noted or bool(self._is_refused()))

    def _replace(self, held: _Held | None) -> None:
        if self._former is not None:
            _destroy(self._former.cache)
        self._held, self._former = held, self._held

    def _take(self) -> _Held:
        if not LIBRARY:
            raise NoTicketError(meanings.NO_KERBEROS)
        password = self._password()
        if self._refused is not None and self._counts(self._refused, password):
            raise NoTicketError(self._refused.meaning)  # whichever transport asks: it is not sent again
        taken = _taken(self._config, password)
        if isinstance(taken, NoTicketError):
            if taken.meaning.code in meanings.ACCOUNT_AT_FAULT:
                self._refused = _Refused(password, taken.meaning, self.clock.now())
            raise taken
        name, end_at = taken
        before = min(_RENEWED_BEFORE_END, (end_at - self.clock.now()) / 2)  # half its time, of a short one
        return _Held(name, end_at - before, end_at)


def let_go(error: BaseException) -> None:
    """Free what hangs on the traceback of an error of pyspnego's, in the right order: see below."""
    for cause in errors.chain(error):
        traceback.clear_frames(cause.__traceback__)


# The objects of the krb5 library stay inside the functions below, and no exception leaves them: hanging on a traceback
# they would be collected in any order, and freeing one after its context ends the process.


def _taken(config: GpConfig, password: str) -> tuple[str, datetime] | NoTicketError:
    """Ask the domain: the name of the cache that the ticket is in, and its end; or why there is none."""
    try:
        context = krb5.init_context()
        principal = principal_of(config.user, config.realm, _default_realm(context))
        if principal is None:
            return NoTicketError(meanings.NO_REALM)
        return _ask(context, principal, password)
    except krb5.Krb5Error as error:
        return NoTicketError(errors.ticket_meaning(error), cause=str(error))


def _default_realm(context: krb5.Context) -> str:
    try:
        realm: str = krb5.get_default_realm(context).decode()
    except krb5.Krb5Error:
        return ""  # the machine has none
    return realm


def _ask(context: krb5.Context, principal: Principal, password: str) -> tuple[str, datetime]:
    """Krb5Error, to be caught right here."""
    flags = krb5.PrincipalParseFlags.enterprise if principal.enterprise else krb5.PrincipalParseFlags.none
    name = krb5.parse_name_flags(context, principal.name.encode(), flags)
    options = krb5.get_init_creds_opt_alloc(context)
    krb5.get_init_creds_opt_set_canonicalize(options, canonicalize=True)
    # Step by step: get_init_creds_password would send a refused password once more, to a primary controller.
    asked = krb5.init_creds_init(context, name, options)
    krb5.init_creds_set_password(context, asked, password.encode())
    krb5.init_creds_get(context, asked)
    ticket = krb5.init_creds_get_creds(context, asked)
    cache = krb5.cc_new_unique(context, b"MEMORY")
    krb5.cc_initialize(context, cache, ticket.client)
    krb5.cc_store_cred(context, cache, ticket)
    return f"MEMORY:{(cache.name or b'').decode()}", datetime.fromtimestamp(ticket.times.endtime, UTC)


def _destroy(cache: str) -> None:
    context = krb5.init_context()
    krb5.cc_destroy(context, krb5.cc_resolve(context, cache.encode()))


def _add_own_file() -> None:
    """The library and pyspnego take their configuration from the environment, and from nowhere else."""
    files = os.environ.get(_VARIABLE, _SYSTEM_FILE).split(":")
    if _OWN_FILE not in files:
        os.environ[_VARIABLE] = ":".join([*files, _OWN_FILE])
