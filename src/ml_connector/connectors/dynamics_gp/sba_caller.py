"""One request to SBA and its answer, for who reads and who writes: under the same gate, counted with SOAP's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

from ml_connector.connectors.dynamics_gp import errors, sba, sba_meanings
from ml_connector.connectors.dynamics_gp.client import GpClient, Transport
from ml_connector.connectors.dynamics_gp.lanes import Answer
from ml_connector.connectors.dynamics_gp.sba_config import SbaConfig
from ml_connector.connectors.dynamics_gp.soap import AnswerError, is_html
from ml_connector.core.errors import RecordRejectedError

Parsed = TypeVar("Parsed")

_IDLE = timedelta(minutes=5)  # after such a pause GP may have to start a program first
_COMPANY = "/Tenants({tenant})/Companies({company})"


@dataclass(frozen=True, slots=True)
class Question:
    """One request that reads."""

    operation: str  #: as it is counted: "GET Vendors"
    target: str  #: path and query
    headers: Mapping[str, str]
    wait_seconds: float
    one: bool = False  #: about one record, which may be held or gone
    post: bool = False


class SbaCaller:
    """Asks one company's services. Thread-safe; errors as for ``GpClient``."""

    def __init__(self, config: SbaConfig, caller: GpClient, transport: Transport) -> None:
        """``caller`` counts and holds the gate; ``transport`` goes to the server of ``config.address``."""
        self._config = config
        self._base = urlsplit(config.address).path
        self._caller = caller
        self._transport = transport
        self._answered_at: datetime | None = None
        self._company_proved = False

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def question(self, template: str, wait_seconds: float, **places: str | Sequence[str]) -> Question:
        """What is asked of a path."""
        name = f"GET {sba.resource_name(template)}"
        return Question(name, self.target(template, **places), sba.headers(), wait_seconds)

    def target(self, template: str, **places: str | Sequence[str]) -> str:
        """A path of this company."""
        config = self._config
        return sba.target(self._base, template, tenant=config.tenant, company=config.company, **places)

    def prove_company(self) -> None:
        """A record that is gone is told from a company that never was: both are 404."""
        if not self._company_proved:
            self.ask(self.question(_COMPANY, self._caller.config.timeout_seconds), lambda _: None)

    def ask_twice(self, question: Question, parse: Callable[[bytes], Parsed]) -> Parsed | None:
        """About one record: GP is asked again before its failure holds the record."""
        try:
            return self.ask(question, parse)
        except RecordRejectedError as error:
            if error.code != sba_meanings.FAILED.code:
                raise
            return self.ask(question, parse)

    def ask(self, question: Question, parse: Callable[[bytes], Parsed]) -> Parsed | None:
        """The parsed answer; None where the one record that was asked for does not exist."""

        def parsed(answer: Answer) -> Parsed | None:
            if question.one and answer.status == 404 and not is_html(answer.body):
                return None  # GP says so; a page is the web server's, which has no service at this path (any more)
            error = errors.from_sba(answer, question.operation, question.target, one=question.one)
            if error is not None:
                raise error
            try:
                found = parse(answer.body)
            except AnswerError as broken:
                raise errors.from_json(broken, question.operation) from broken
            self._company_proved = True
            return found

        return self._caller.ask(question.operation, partial(self._send, question), parsed)

    def change(self, method: str, target: str, body: bytes, *, operation: str, action: str = "") -> Answer:
        """Send what changes something, once, and return the answer whatever its status.

        RetryableError: it may have been done or not; NotDoneError, ConfigurationError: it was not.
        """
        headers = {**sba.headers(action), "Content-Type": "application/json; charset=utf-8"}
        wait = self._patience(self._caller.config.change_timeout_seconds)
        send = partial(self._transport.send_once, method, body, headers, wait, target)
        answer = self._caller.ask(operation, send, lambda answer: answer, tries=1)
        self._answered_at = self._caller.clock.now()
        return answer

    def _send(self, question: Question) -> Answer:
        wait = self._patience(question.wait_seconds)
        if question.post:
            answer = self._transport.post(b"", question.headers, wait, question.target)
        else:
            answer = self._transport.get(question.target, question.headers, wait)
        self._answered_at = self._caller.clock.now()
        return answer

    def _patience(self, wait_seconds: float) -> float:
        """The first call after a pause may take as long as GP needs to start a program."""
        now, answered_at = self._caller.clock.now(), self._answered_at
        cold = answered_at is None or now - answered_at > _IDLE
        return max(wait_seconds, self._config.first_timeout_seconds if cold else 0)


def about_one(question: Question) -> Question:
    """The same, about one record."""
    return replace(question, one=True)
