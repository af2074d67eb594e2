"""Windows sign-in over connection lanes: whom to trust with the password, when, and what a refusal means.

A refused password is sent once and never again (accounts lock): the transport remembers and refuses by itself, and
so do later processes by what ``Refusals`` keeps.
Some servers ask every request to sign in (self-hosted WCF does, by default); that is noticed, not configured. NTLM
then takes two messages a request, Kerberos one, with the ticket that is at hand.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import urlsplit

import httpcore2
from spnego.exceptions import SpnegoError

from ml_connector.connectors.dynamics_gp import errors, meanings
from ml_connector.connectors.dynamics_gp.config import GpConfig
from ml_connector.connectors.dynamics_gp.lanes import DROPPED, SILENT, Answer, Call, Lane, Lanes, Server
from ml_connector.connectors.dynamics_gp.meaning import Meaning
from ml_connector.connectors.dynamics_gp.mechanisms import Beginning, Mechanisms
from ml_connector.connectors.dynamics_gp.tickets import NoTicketError, Tickets
from ml_connector.core.errors import ConfigurationError, ConnectorError
from ml_connector.core.waits import Reason

_MAX_LEGS = 5  # NTLM takes two, Kerberos one or two; more is a server that goes round in circles
_PER_REQUEST_AFTER = 2  # challenges in a row on lanes that were signed in


class Refusals(Protocol):
    """What all processes know of the account and its password."""

    def find(self) -> str:
        """Why this account with this password was refused; empty: it was not."""

    def keep(self, reason: str) -> None:
        """It was refused."""

    def clear(self) -> None:
        """It was accepted."""


class _OfThisProcess:
    """Nothing is known from before."""

    def __init__(self) -> None:
        self._reason = ""

    def find(self) -> str:
        return self._reason

    def keep(self, reason: str) -> None:
        self._reason = reason

    def clear(self) -> None:
        self._reason = ""


@dataclass(slots=True)
class _Habits:
    """What was learned of the server, shared by the lanes."""

    scheme: str  #: the one that NTLM goes under; Kerberos goes under Negotiate
    per_request: bool = False
    challenged: int = 0  #: in a row, on lanes that were signed in
    proved: str | None = field(
        default=None, repr=False
    )  #: the password that was accepted, until that is in doubt
    mechanism: str = ""
    refused: str = ""  #: why the account was refused; nothing is sent any more
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class _Tried:
    """What came of one sign-in; of an answer 401 to a ticket, what the server said of it."""

    answer: Answer
    beginning: Beginning
    meaning: Meaning = meanings.TICKET_REFUSED


class WindowsTransport:
    """Asks one server as one account over at most ``config.max_requests`` connections. Thread-safe."""

    def __init__(
        self,
        config: GpConfig,
        password: Callable[[], str],
        refusals: Refusals | None = None,
        tickets: Tickets | None = None,
    ) -> None:
        """Nothing is sent yet; ``password`` is called when a connection signs in. No ``tickets``: no Kerberos."""
        self._config = config
        self._password = password
        self._refusals = refusals or _OfThisProcess()
        self._server = Server(config.endpoint, config.ca_file)
        self._lanes = Lanes(self._server, config.max_requests)
        self._mechanisms = Mechanisms(config, self._server.host, password, tickets)
        self._habits = _Habits(scheme="NTLM" if config.mechanism == "ntlm" else "Negotiate")
        self._first = threading.Lock()  # until the password is proved, one handshake at a time

    @property
    def mechanism(self) -> str:
        """How the last connection signed in: "kerberos", "ntlm", or empty before the first."""
        return self._habits.mechanism

    @property
    def downgrade(self) -> str:
        """Why it was NTLM although the settings prefer Kerberos, and what to do about it; empty: it was not."""
        return self._mechanisms.downgrade

    @property
    def signs_in_each_request(self) -> bool:
        """Whether the server was found to want a sign-in with every request."""
        return self._habits.per_request

    def post(
        self, body: bytes, headers: Mapping[str, str], timeout_seconds: float, target: str = ""
    ) -> Answer:
        """Send (``target``: to another path of the same server) and return the answer, whatever its status but 401.

        Only for requests that may be sent twice: one is repeated where an idle connection turns out to be dead.
        RetryableError when the server is away; ConfigurationError when it does not let us in.
        """
        return self._ask(Call(self._headers(headers), body, timeout_seconds, b"POST", self._at(target)))

    def get(self, target: str, headers: Mapping[str, str], timeout_seconds: float) -> Answer:
        """Ask for ``target``, a path with its query on the same server, and return the answer; as ``post``."""
        return self._ask(Call(self._headers(headers), b"", timeout_seconds, b"GET", self._at(target)))

    def send_once(
        self, method: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float, target: str = ""
    ) -> Answer:
        """Send what must not be done twice, over a new connection: an idle one may be dead, which only sending tells.

        An answer 401 did nothing, so it may go again with a sign-in. NotDoneError: it was not sent; RetryableError:
        it may have been done or not.
        """
        call = Call(self._headers(headers), body, timeout_seconds, method.encode("ascii"), self._at(target))
        return self._ask(replace(call, once=True))

    def _at(self, target: str) -> httpcore2.URL:
        here = self._server.url
        if not target:
            return here
        return httpcore2.URL(scheme=here.scheme, host=here.host, port=here.port, target=target)

    def sign_in_anew(self) -> None:
        """The password was set anew: the next request signs in with it, and so does every lane."""
        with self._habits.lock:
            self._habits.proved = None
        self._mechanisms.forget_ticket()
        self._lanes.renew()

    def close(self) -> None:
        """Close all connections; the transport may be used again."""
        self._lanes.close()

    def _headers(self, headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
        netloc = urlsplit(self._config.endpoint).netloc
        fixed = {"Host": netloc, "Accept": "text/xml", "Accept-Encoding": "identity", **headers}
        return tuple((name.encode("ascii"), value.encode("ascii")) for name, value in fixed.items())

    def _ask(self, call: Call) -> Answer:
        with self._lanes.taken(call.timeout_seconds) as lane:
            self._stop_if_refused()
            try:
                return self._exchange(lane, call)
            except (*DROPPED, *SILENT) as error:
                raise errors.from_exchange(error, self._server.host, call.timeout_seconds) from error

    def _exchange(self, lane: Lane, call: Call) -> Answer:
        reused = lane.is_open() and not call.once
        if not reused:
            lane.open(self._config.timeout_seconds)
        try:
            return self._signed(lane, call)
        except DROPPED:
            if not reused:
                raise
        lane.open(self._config.timeout_seconds)  # the server had given the idle connection up
        return self._signed(lane, call)

    def _signed(self, lane: Lane, call: Call) -> Answer:
        habits = self._habits
        if lane.signed_in and not habits.per_request:
            answer = lane.send(call, None)
            if answer.status != 401:
                habits.challenged = 0
                return answer
            lane.signed_in = False
            with habits.lock:
                habits.challenged += 1
                habits.per_request = habits.challenged >= _PER_REQUEST_AFTER
                habits.proved = None  # the password may have been changed: one lane finds out
        with self._turn():
            return self._sign_in(lane, call)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Side by side with a proved password; otherwise one after the other, so that a wrong one is sent once."""
        if self._habits.proved is not None and self._habits.proved == self._password():
            yield
            return
        with self._first:
            self._stop_if_refused()
            yield

    def _sign_in(self, lane: Lane, call: Call) -> Answer:
        """Sign in with the call, by the first way that the server takes up."""
        self._stop_if_refused(anew=True)  # another process may have been refused since we signed in
        tried = self._try(lane, call)
        for another_way in (self._anew, self._without_kerberos, self._anew):
            if tried.answer.status == 401 and another_way(tried):
                lane.close()  # it may be poisoned by this sign-in
                tried = self._try(lane, call)
        if tried.answer.status == 401:
            way = tried.beginning.mechanism
            raise self._told(meanings.NOT_OFFERED, mechanism=way, offered=_offered(tried.answer))
        return tried.answer

    def _anew(self, tried: _Tried) -> bool:
        """The connection may be poisoned by an earlier sign-in, the scheme another one, the ticket out of date."""
        offered = _schemes(tried.answer)
        if not tried.beginning.kerberos:
            self._choose_scheme(offered)
        elif "Negotiate" in offered:
            self._mechanisms.take_ticket_anew(tried.beginning)
        else:
            return False
        return True

    def _without_kerberos(self, tried: _Tried) -> bool:
        """The domain gave the ticket, so the account is in order: NTLM may be tried where the settings allow it."""
        if not tried.beginning.kerberos:
            return False
        offered = _schemes(tried.answer)
        meaning = tried.meaning if "Negotiate" in offered else meanings.NOT_OFFERED
        told = {"mechanism": "kerberos", "offered": _offered(tried.answer)}
        try:
            self._mechanisms.go_without(NoTicketError(meaning, **told))
        except NoTicketError as error:
            raise self._told(meaning, **told) from error
        if "Negotiate" not in offered:
            self._choose_scheme(offered)
        return True

    def _choose_scheme(self, offered: Sequence[str]) -> None:
        """Where NTLM is offered as such, it is taken: a server may mean Kerberos alone by Negotiate."""
        self._habits.scheme = next((s for s in ("NTLM", "Negotiate") if s in offered), self._habits.scheme)

    def _try(self, lane: Lane, call: Call) -> _Tried:
        """Sign the lane in and send; an answer 401 says that the server did not take up our first token."""
        self._reopen(lane)
        try:
            beginning = self._mechanisms.begin(lane.binding)
            return (self._by_ticket if beginning.kerberos else self._by_ntlm)(lane, call, beginning)
        except NoTicketError as error:
            raise self._told(error.meaning, **error.told) from error
        except SpnegoError as error:
            raise self._told(meanings.TICKET_FAILED, cause=type(error).__name__) from error

    def _reopen(self, lane: Lane) -> None:
        """A server may end the connection with an answer (http.sys does so with its 503)."""
        if not lane.is_open():
            lane.open(self._config.timeout_seconds)

    def _by_ticket(self, lane: Lane, call: Call, beginning: Beginning) -> _Tried:
        """One message: the ticket goes with the call."""
        answer = lane.send(call, _authorization("Negotiate", beginning.token))
        said = _challenge(answer, "Negotiate")
        if answer.status != 401:
            self._accepted(lane, beginning, said, answer)
        elif said is not None:
            try:
                beginning.context.step(said)
            except SpnegoError as error:
                meaning = errors.ticket_meaning(error, meanings.TICKET_REFUSED)
                if meaning.code in meanings.ACCOUNT_AT_FAULT:
                    meaning = (
                        meanings.TICKET_REFUSED
                    )  # the server says so, not the domain: its own key is meant
                return _Tried(answer, beginning, meaning)
        return _Tried(answer, beginning)

    def _by_ntlm(self, lane: Lane, call: Call, beginning: Beginning) -> _Tried:
        """Two messages: the first has no body, which would be thrown away."""
        scheme, token = self._habits.scheme, beginning.token
        for leg in range(_MAX_LEGS):
            answer = lane.send(call if leg else replace(call, body=b""), _authorization(scheme, token))
            challenge = _challenge(answer, scheme)
            if answer.status != 401:
                if leg == 0:
                    self._reopen(lane)
                    answer = lane.send(call, None)  # it asks nobody to sign in, or not here
                else:
                    self._accepted(lane, beginning, challenge, answer)
                return _Tried(answer, beginning)
            if challenge is None and leg == 0:
                return _Tried(answer, beginning)
            token = beginning.context.step(challenge) if challenge is not None else None
            if token is None:
                break
            if not lane.is_open():
                raise self._told(meanings.CUT_SHORT)
        raise self._refused(lane, beginning)

    def _accepted(self, lane: Lane, beginning: Beginning, challenge: bytes | None, answer: Answer) -> None:
        if challenge is not None and not beginning.context.complete:
            try:
                beginning.context.step(challenge)
            except SpnegoError as error:
                raise self._told(meanings.NOT_PROVED, cause=type(error).__name__) from error
        lane.signed_in = True
        self._mechanisms.accepted(beginning)
        self._habits.mechanism = beginning.mechanism
        if self._habits.proved is None:
            self._refusals.clear()
        self._habits.proved = self._password()
        if answer.headers.get("persistent-auth", "").lower() == "false":
            self._habits.per_request = True

    def _refused(self, lane: Lane, beginning: Beginning) -> ConnectorError:
        lane.close()
        return self._told(meanings.REFUSED, way=beginning.mechanism)

    def _told(self, meaning: Meaning, **told: str) -> ConnectorError:
        """The error of a sign-in that failed; what is the account's fault is remembered, and not tried again."""
        error = meaning.error(host=self._server.host, user=self._config.user, **told)
        if meaning.code in meanings.NEVER_AGAIN:
            error.reason = Reason.REFUSED
            self._habits.refused = error.happened
            self._refusals.keep(error.happened)
        return error

    def _stop_if_refused(self, *, anew: bool = False) -> None:
        habits = self._habits
        if anew or habits.refused or habits.proved is None:
            habits.refused = self._refusals.find()  # the password may have been set anew meanwhile
        if habits.refused:
            error = ConfigurationError(habits.refused, meanings.CHANGE_IT)
            error.reason = Reason.REFUSED
            raise error


def _authorization(scheme: str, token: bytes | None) -> bytes | None:
    return None if token is None else scheme.encode() + b" " + base64.b64encode(token)


def _challenge(answer: Answer, scheme: str) -> bytes | None:
    """The token that comes with the scheme, in a 401 or, as the server's own proof, in what it answers at last."""
    for challenge in answer.challenges:
        name, _, token = challenge.partition(" ")
        if name == scheme and token.strip():
            try:
                return base64.b64decode(token.strip(), validate=True)
            except binascii.Error:
                return None
    return None


def _schemes(answer: Answer) -> tuple[str, ...]:
    return tuple(challenge.partition(" ")[0] for challenge in answer.challenges)


def _offered(answer: Answer) -> str:
    return ", ".join(_schemes(answer)) or "nothing"
