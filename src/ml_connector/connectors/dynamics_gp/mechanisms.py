"""Which way we sign in: Kerberos while it can be had, NTLM otherwise, unless the settings name one of them.

Going over to NTLM is said, never silent; what the domain says against the account itself is final, because NTLM would
send the same password once more.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import spnego
import structlog
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from ml_connector.connectors.dynamics_gp import errors, meanings
from ml_connector.connectors.dynamics_gp.config import GpConfig
from ml_connector.connectors.dynamics_gp.tickets import NoTicketError, Tickets, let_go

_KERBEROS_AGAIN_AFTER = timedelta(minutes=15)  # each vain try may wait for domain controllers that are away
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Beginning:
    """A sign-in that has begun, and its first token."""

    context: spnego.ContextProxy
    token: bytes | None
    cache: str = ""  #: where its ticket is; empty: it is NTLM

    @property
    def kerberos(self) -> bool:
        return bool(self.cache)

    @property
    def mechanism(self) -> str:
        return "kerberos" if self.kerberos else "ntlm"


class Mechanisms:
    """How one account signs in to one server. Thread-safe."""

    def __init__(
        self, config: GpConfig, host: str, password: Callable[[], str], tickets: Tickets | None
    ) -> None:
        """Nothing is asked yet; without ``tickets`` there is no Kerberos."""
        self._config = config
        self._host = host
        self._password = password
        self._tickets = tickets
        self._lock = threading.Lock()
        self._ntlm_until: datetime | None = None
        self._why_ntlm = ""

    @property
    def downgrade(self) -> str:
        """Why NTLM is used although Kerberos would be, and what to do about it; empty: it is not so."""
        return self._why_ntlm

    def begin(self, binding: GssChannelBindings | None) -> Beginning:
        """The first token of a sign-in; NoTicketError where Kerberos is not to be had and NTLM is no way out.

        Kerberos asks the domain here, before anything is sent to the server. SpnegoError.
        """
        if self._tries_kerberos():
            try:
                return self._kerberos(self._tickets, binding)
            except NoTicketError as error:
                self.go_without(error)
        return self._ntlm(binding)

    def go_without(self, error: NoTicketError) -> None:
        """Use NTLM for a while, and say why; raises the error where NTLM is no way out."""
        if self._config.mechanism == "kerberos" or error.meaning.code in meanings.ACCOUNT_AT_FAULT:
            raise error
        why = str(error.meaning.error(host=self._host, user=self._config.user, **error.told))
        with self._lock:
            news, self._why_ntlm = why != self._why_ntlm, why
            if self._tickets is not None:
                self._ntlm_until = self._tickets.clock.now() + _KERBEROS_AGAIN_AFTER
        if news:
            say = _log.info if error.meaning.code in meanings.AS_SET_UP else _log.warning
            say(f"{self._host} is signed in to by NTLM, not by Kerberos. {why}")

    def take_ticket_anew(self, refused: Beginning) -> None:
        """The server did not take ours: its account may have another password since it was made."""
        if self._tickets is not None:
            self._tickets.drop(refused.cache)

    def forget_ticket(self) -> None:
        """The password was set anew."""
        if self._tickets is not None:
            self._tickets.forget()

    def accepted(self, beginning: Beginning) -> None:
        """The server let us in so."""
        if beginning.kerberos:
            with self._lock:
                self._ntlm_until, self._why_ntlm = None, ""

    def _tries_kerberos(self) -> bool:
        if self._config.mechanism != "negotiate" or self._tickets is None:
            return self._config.mechanism == "kerberos"
        with self._lock:
            return self._ntlm_until is None or self._tickets.clock.now() >= self._ntlm_until

    def _kerberos(self, tickets: Tickets | None, binding: GssChannelBindings | None) -> Beginning:
        if tickets is None:
            raise NoTicketError(meanings.NO_KERBEROS)
        if _is_address(self._host):
            raise NoTicketError(meanings.NO_HOST_NAME)
        cache = tickets.cache()
        try:
            context = self._context(spnego.KerberosCCache(cache), "negotiate", binding)
            return Beginning(context, context.step(), cache)
        except SpnegoError as error:
            failed = NoTicketError(errors.ticket_meaning(error), cause=str(error))
            let_go(error)
        raise failed

    def _ntlm(self, binding: GssChannelBindings | None) -> Beginning:
        """Without Negotiate's envelope, which Windows needs for neither scheme.

        With a password, pyspnego's "negotiate" would ask the domain for a ticket by itself, behind our back.
        """
        context = self._context(spnego.Password(self._config.user, self._password()), "ntlm", binding)
        return Beginning(context, context.step())

    def _context(
        self, credential: spnego.Credential, protocol: str, binding: GssChannelBindings | None
    ) -> spnego.ContextProxy:
        return spnego.client(
            credential, hostname=self._host, service="HTTP", protocol=protocol, channel_bindings=binding
        )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
