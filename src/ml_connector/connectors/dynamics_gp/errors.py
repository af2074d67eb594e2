"""From what GP, its web server and the network say to our kinds of error: tables, in the order they are tried.

What each code means and what to do about it stands in ``meanings.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Protocol

import httpcore2

from ml_connector.connectors.dynamics_gp import meanings, sba_meanings, write_meanings
from ml_connector.connectors.dynamics_gp.meaning import Meaning
from ml_connector.connectors.dynamics_gp.meanings import SHORT_WAIT_SECONDS
from ml_connector.connectors.dynamics_gp.soap import AnswerError, FaultError, is_html
from ml_connector.core.catalogue import Entry
from ml_connector.core.errors import ConnectorError

__all__ = ["CATALOGUE", "SHORT_WAIT_SECONDS"]

#: GP's part of the error catalogue.
CATALOGUE: Sequence[Entry] = tuple(
    meaning.entry() for meaning in (*meanings.ALL, *sba_meanings.ALL, *write_meanings.ALL)
)

_ANSWER_LENGTH = 2000
_SAID_LENGTH = 300
_A_DAY_SECONDS = 86_400
_UNSIGNED = 0xFFFFFFFF  # the same code has a sign in krb5 and none in GSSAPI
#: What looks like a secret: a part of a connection string or an element, and a header's token.
_SECRETS = re.compile(
    r"""(?ix) ( (?<![/\w]) \w* (?: passw | pwd | kennwort | secret | token ) \w* ["']? \s* [=:>] \s* )
        (?: "[^"]*" | '[^']*' | [^\s;,<"']+ )
      | ( \b (?: negotiate | ntlm | basic | bearer ) \s+ ) [\w+/=.~-]{16,}"""
)


class Answer(Protocol):
    """What is looked at of an HTTP answer."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


class FaultKind(Enum):
    """What a SOAP fault means for us."""

    ABSENT = "the record does not exist"
    VALIDATION = "a rule of GP was broken; the reasons are in its log"
    SECURITY = "the account lacks a right"
    COMPANY = "the company is unknown or closed to the account"
    SYSTEM = "GP hides the cause"
    CONTRACT = "the service does not know what we asked"
    UNKNOWN = "nothing of the above"


#: These say nothing of the cause: the record, the company, or GP itself.
HIDDEN = (FaultKind.SYSTEM, FaultKind.UNKNOWN)

#: The codes of held records behind which GP itself may be unwell.
HIDDEN_CODES = (meanings.SYSTEM_FAULT.code, meanings.UNKNOWN_FAULT.code, sba_meanings.FAILED.code)


#: Fault codes of the service framework are the same in every language; GP's own texts follow the server's (facts.md 4).
#: ``InvalidSecurity`` is what the native endpoint, which wants signed messages, says to ours (facts.md 2.2, 2.11).
_BY_CODE: tuple[tuple[str, FaultKind], ...] = (
    ("ActionNotSupported", FaultKind.CONTRACT),
    ("DeserializationFailed", FaultKind.CONTRACT),
    ("InvalidSecurity", FaultKind.CONTRACT),
    ("FailedAuthentication", FaultKind.SECURITY),
)
_BY_TEXT: tuple[tuple[re.Pattern[str], FaultKind], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"business object not found", FaultKind.ABSENT),
        (r"validation exception", FaultKind.VALIDATION),
        (
            r"security|not authori[sz]ed|unauthori[sz]ed|access (is )?denied|permission|privilege",
            FaultKind.SECURITY,
        ),
        (r"unhandled system exception|system exception", FaultKind.SYSTEM),
        (
            r"\bcompany\b.*(not|invalid|unknown|denied)|(not|invalid|unknown|no)\b.*\bcompany\b",
            FaultKind.COMPANY,
        ),
        (
            r"contractfilter|deserializ|did not recognize the value of http header soapaction",
            FaultKind.CONTRACT,
        ),
    )
)
#: Kind of a fault that is not about one record's data -> meaning.
_OF_LIST: Mapping[FaultKind, Meaning] = {
    FaultKind.ABSENT: meanings.UNKNOWN_FAULT_OF_LIST,  # there is no one object that could be missing
    FaultKind.VALIDATION: meanings.VALIDATION_OF_LIST,
    FaultKind.SECURITY: meanings.NO_RIGHT,
    FaultKind.COMPANY: meanings.NO_COMPANY,
    FaultKind.SYSTEM: meanings.SYSTEM_FAULT_OF_LIST,
    FaultKind.CONTRACT: meanings.UNKNOWN_OPERATION,
    FaultKind.UNKNOWN: meanings.UNKNOWN_FAULT_OF_LIST,
}
#: Kind of a fault that holds one record -> meaning.
_OF_RECORD: Mapping[FaultKind, Meaning] = {
    FaultKind.VALIDATION: meanings.VALIDATION,
    FaultKind.SYSTEM: meanings.SYSTEM_FAULT,
    FaultKind.UNKNOWN: meanings.UNKNOWN_FAULT,
}


def fault_kind(fault: FaultError) -> FaultKind:
    """What the fault is: by its code first, by its text second."""
    for name, kind in _BY_CODE:
        if name in fault.code:
            return kind
    return next((kind for pattern, kind in _BY_TEXT if pattern.search(fault.text)), FaultKind.UNKNOWN)


def holds(kind: FaultKind) -> bool:
    """Whether a fault of this kind concerns only the record that was asked for."""
    return kind in _OF_RECORD


def from_fault(
    fault: FaultError, kind: FaultKind, operation: str, company_id: int, reasons: Sequence[str] = ()
) -> ConnectorError:
    """The error for a fault that is not about one record's data."""
    why = _reasons(fault, reasons)
    return _OF_LIST[kind].error(operation=operation, company=company_id, said=said(fault), reasons=why)


def rejected(fault: FaultError, kind: FaultKind, reasons: Sequence[str]) -> ConnectorError:
    """The error for a fault that holds one record (``holds``), with GP's own answer, secrets struck out."""
    answer = redact(" ".join(filter(None, (fault.answer or fault.text, *reasons))))
    return _OF_RECORD[kind].error(answer, said=said(fault), reasons=_reasons(fault, reasons))


def said(fault: FaultError) -> str:
    """A fault's own text, secrets struck out, with the id that GP's exception log has it under."""
    return redact(fault.text) + (f" (log id {fault.log_id})" if fault.log_id else "")


def _reasons(fault: FaultError, reasons: Sequence[str]) -> str:
    return redact(" ".join(reasons) or fault.text)


def redact(text: str) -> str:
    """At most 2,000 characters of the text, everything struck out that looks like a secret."""
    # Cut before, too: on a text of megabytes that repeats such words the pattern would not come to an end.
    return _SECRETS.sub(r"\1\2[struck out]", text[: 2 * _ANSWER_LENGTH])[:_ANSWER_LENGTH]


def from_status(status: int, headers: Mapping[str, str], endpoint: str) -> ConnectorError | None:
    """The error for an HTTP status; None where a SOAP answer is to be expected (200, and 500 for faults)."""
    if status in (200, 500):
        return None
    return _of_status(status, headers, endpoint, meanings.NOT_READY)


def _of_status(status: int, headers: Mapping[str, str], endpoint: str, otherwise: Meaning) -> ConnectorError:
    """What a status means whichever dialect is spoken, with the wait that the server names: at most a day."""
    meaning = meanings.STATUSES.get(status, meanings.REDIRECT if 300 <= status < 400 else otherwise)
    wait = headers.get("retry-after", "")
    if wait.isascii() and wait.isdecimal():
        meaning = replace(meaning, after_seconds=float(min(int(wait[:9]), _A_DAY_SECONDS)))
    return meaning.error(status=status, endpoint=endpoint)


def from_sba(answer: Answer, operation: str, path: str, *, one: bool) -> ConnectorError | None:
    """The error for an answer of SBA; None for 200. ``one``: it is about one record, which may be held for it."""
    status = answer.status
    if status == 200:
        return None
    said = redact(" ".join(answer.body[:_ANSWER_LENGTH].decode("utf-8", "replace").split()))
    page = is_html(answer.body)
    meaning = sba_meanings.OF_LIST.get(status)
    if meaning is None or (status == 500 and page):
        return _of_status(status, answer.headers, path, sba_meanings.NOT_READY)
    if one and not page:
        meaning = sba_meanings.OF_RECORD.get(status, meaning)
    shown = "a web page" if page else said[:_SAID_LENGTH] or "nothing"
    return meaning.error(said, operation=operation, path=path, status=status, said=shown)


def from_json(error: AnswerError, operation: str) -> ConnectorError:
    """The error for something that is not JSON: a page of a proxy or web server, or an answer that broke off."""
    meaning = sba_meanings.WEB_PAGE if error.html else sba_meanings.BROKEN_ANSWER
    beginning = redact(" ".join(error.answer.split()))[:80]
    return meaning.error(operation=operation, beginning=repr(beginning))


def from_answer(error: AnswerError, operation: str) -> ConnectorError:
    """The error for something that is not SOAP: a page of a proxy or web server, or an answer that broke off."""
    meaning = meanings.WEB_PAGE if error.html else meanings.BROKEN_ANSWER
    beginning = redact(" ".join(error.answer.split()))[:80]
    return meaning.error(operation=operation, beginning=repr(beginning))


def from_connecting(error: Exception, host: str) -> ConnectorError:
    """The error for a connection that did not come about."""
    for cause in chain(error):
        for kind, meaning in meanings.CAUSES:
            if isinstance(cause, kind):
                return meaning.error(host=host, cause=_reason(cause))
    return meanings.UNREACHABLE.error(host=host, cause=error)


def from_exchange(error: Exception, host: str, timeout_seconds: float) -> ConnectorError:
    """The error for a call that was sent and not answered."""
    if isinstance(error, httpcore2.TimeoutException):
        return meanings.ANSWER_TIMEOUT.error(host=host, seconds=f"{timeout_seconds:g}")
    return meanings.CONNECTION_BROKE.error(host=host, cause=type(error).__name__)


def ticket_meaning(error: Exception, otherwise: Meaning = meanings.TICKET_FAILED) -> Meaning:
    """What it means that Kerberos gives no ticket or does not go on: by its code, in whatever library's error it is."""
    codes = (getattr(cause, name, None) for cause in chain(error) for name in ("err_code", "min_code"))
    found = (meanings.TICKETS.get(code & _UNSIGNED) for code in codes if isinstance(code, int))
    return next((meaning for meaning in found if meaning is not None), otherwise)


def chain(error: BaseException | None) -> list[BaseException]:
    """The error and what it came of, however that hangs on it."""
    causes: list[BaseException] = []
    while error is not None and error not in causes:
        causes.append(error)
        error = error.__cause__ or getattr(error, "base_error", None) or error.__context__
    return causes


def _reason(error: BaseException) -> str:
    return getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
