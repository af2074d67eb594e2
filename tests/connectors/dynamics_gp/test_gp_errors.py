"""What GP, its web server and the network say, as our kinds of error."""

from __future__ import annotations

import re
import socket
import ssl

import httpcore2
import pytest
from spnego.exceptions import SpnegoError

from ml_connector.connectors.dynamics_gp import errors, meanings, sba_meanings, write_meanings
from ml_connector.connectors.dynamics_gp.errors import FaultKind
from ml_connector.connectors.dynamics_gp.meaning import Meaning
from ml_connector.connectors.dynamics_gp.soap import AnswerError, FaultError
from ml_connector.core.catalogue import Again, Kind
from ml_connector.core.errors import ConfigurationError, NotDoneError, RecordRejectedError, RetryableError

SYSTEM = "The application encountered an unhandled system exception. Contact your system administrator for details."


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        ("s:Client", "Business object not found.", FaultKind.ABSENT),
        (
            "s:Client",
            "A validation exception has occurred. Contact your administrator.",
            FaultKind.VALIDATION,
        ),
        ("s:Server", SYSTEM, FaultKind.SYSTEM),
        ("s:Client", "A security exception has occurred.", FaultKind.SECURITY),
        ("s:Client", "Access is denied.", FaultKind.SECURITY),
        ("s:Client", "The company 99 does not exist or is not set up for Web Services.", FaultKind.COMPANY),
        ("a:ActionNotSupported", "Die Nachricht kann nicht verarbeitet werden.", FaultKind.CONTRACT),
        ("a:DeserializationFailed", "Fehler", FaultKind.CONTRACT),
        ("a:InvalidSecurity", "An error occurred when verifying security.", FaultKind.CONTRACT),
        ("a:FailedAuthentication", "Fehler", FaultKind.SECURITY),
        ("s:Client", "Das Objekt wurde nicht gefunden.", FaultKind.UNKNOWN),
    ],
)
def test_a_fault_is_known_by_its_code_then_by_its_text(code, text, kind):
    assert errors.fault_kind(FaultError(code, text, "")) is kind


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, None),
        (500, None),
        (302, ConfigurationError),
        (401, ConfigurationError),
        (403, ConfigurationError),
        (404, ConfigurationError),
        (415, ConfigurationError),
        (429, RetryableError),
        (502, RetryableError),
        (503, RetryableError),
    ],
)
def test_a_status(status, expected):
    error = errors.from_status(status, {}, "http://gp/x")
    assert type(error) is (expected or type(None))
    assert error is None or error.remedy


def test_the_server_says_when_to_come_back():
    assert errors.from_status(503, {"retry-after": "120"}, "http://gp/x").after_seconds == 120
    assert errors.from_status(503, {"retry-after": "tomorrow"}, "http://gp/x").after_seconds == 30


@pytest.mark.parametrize(
    ("cause", "expected", "said"),
    [
        (socket.gaierror(-2, "Name or service not known"), NotDoneError, "unknown"),
        (ConnectionRefusedError(111, "Connection refused"), NotDoneError, "no connection on this port"),
        (TimeoutError("timed out"), NotDoneError, "in time"),
        (ssl.SSLCertVerificationError(1, "unable to get local issuer"), ConfigurationError, "not trusted"),
        (ssl.SSLError(1, "wrong version number"), ConfigurationError, "TLS"),
        (OSError(113, "No route to host"), NotDoneError, "No route to host"),
    ],
)
def test_a_connection_that_does_not_come_about(cause, expected, said):
    error = httpcore2.ConnectError(str(cause))
    error.__cause__ = cause
    known = errors.from_connecting(error, "gp:443")
    assert type(known) is expected
    assert said in known.happened
    assert known.remedy


def test_a_call_without_an_answer():
    late = errors.from_exchange(httpcore2.ReadTimeout("late"), "gp", 60.0)
    assert "60 seconds" in late.happened
    assert late.after_seconds > errors.SHORT_WAIT_SECONDS
    assert (
        errors.from_exchange(httpcore2.ReadError("reset"), "gp", 60.0).after_seconds
        <= errors.SHORT_WAIT_SECONDS
    )


def test_a_web_page_is_called_one():
    page = errors.from_answer(AnswerError(b"<html><body>Sign in</body></html>", html=True), "GetVendorList")
    assert "web page" in page.happened
    assert "Sign in" in page.happened
    assert "not whole XML" in errors.from_answer(AnswerError(b"<a>", html=False), "GetVendorList").happened


READING = (*meanings.ALL, *sba_meanings.ALL)
MEANINGS = (*READING, *write_meanings.ALL)


def test_every_code_is_in_the_catalogue_once_with_meaning_and_remedy():
    codes = [entry.code for entry in errors.CATALOGUE]
    assert len(set(codes)) == len(codes) == len(MEANINGS)
    for table in (meanings, sba_meanings, write_meanings):
        written = {value for value in vars(table).values() if isinstance(value, Meaning)}
        assert written <= set(MEANINGS)
    for entry in errors.CATALOGUE:
        assert entry.system == "Dynamics GP"
        assert entry.meaning.endswith((".", "SAID", "REASONS")), entry
        assert entry.remedy.endswith("."), entry
        assert not set("{}") & set(entry.meaning + entry.remedy)


#: A request that ends so did not reach GP: who sends one that changes something need not look whether it was done.
UNSENT = frozenset(
    {
        "UNREACHABLE",
        "HOST_UNKNOWN",
        "PORT_CLOSED",
        "CONNECT_TIMEOUT",
        "LANES_BUSY",
        "QUIET_HOURS",
        "NO_DOMAIN_CONTROLLER",
        "SIGN_IN_CUT_SHORT",
    }
)


@pytest.mark.parametrize("meaning", MEANINGS, ids=lambda meaning: meaning.code)
def test_the_kind_of_a_code_is_the_kind_of_its_error(meaning):
    told = dict.fromkeys(re.findall(r"{(\w+)}", meaning.happened + meaning.remedy), "x")
    error = meaning.error("raw", **told)
    away = NotDoneError if meaning.code in UNSENT else RetryableError
    expected = {Kind.WAIT: away, Kind.STOP: ConfigurationError, Kind.DATA: RecordRejectedError}
    assert type(error) is expected[meaning.kind]
    if isinstance(error, RecordRejectedError):
        assert (error.code, error.answer) == (meaning.code, "raw")
        if meaning in READING:
            assert error.heals is (meaning.code in errors.HIDDEN_CODES)  # GP hides the cause: it may pass
        assert (meaning.entry().again is Again.LATER) is error.heals


def test_an_unknown_fault_is_held_with_gps_own_answer_and_without_secrets():
    raw = (
        "<Fault><faultstring>Unerwartet</faultstring><detail>Server=SQL1;User ID=sa;Password=Geheim1;"
        "<Token>abcdef</Token> Authorization: Negotiate YIIFkgYGKwYBBQUCoIIFhjCC</detail></Fault>"
    )
    fault = FaultError("s:Server", "Unerwartet, pwd: Geheim1", "1b4e", raw)
    error = errors.rejected(fault, errors.fault_kind(fault), [])
    assert isinstance(error, RecordRejectedError)
    assert error.code == "UNKNOWN_FAULT"
    assert "Unerwartet" in error.happened
    assert "log id 1b4e" in error.happened
    assert "User ID=sa" in error.answer
    for secret in ("Geheim1", "abcdef", "YIIFkgYG"):
        assert secret not in error.happened + error.answer
    assert len(errors.redact("x" * 9000)) == 2000


def test_a_sentence_without_secrets_stays_as_it_is():
    said = "The security token could not be read; sign in by NTLM or Negotiate (see basic settings). Password expired."
    assert errors.redact(said) == said


class CodedError(Exception):
    """An error of the Kerberos library (``err_code``) or of GSSAPI (``min_code``, without a sign)."""

    def __init__(self, **code):
        super().__init__("in the server's language")
        vars(self).update(code)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (156, "NO_DOMAIN_CONTROLLER"),
        (7, "NO_SERVICE_NAME"),
        (6, "USER_UNKNOWN"),
        (24, "PASSWORD_WRONG"),
        (23, "PASSWORD_EXPIRED"),
        (18, "ACCOUNT_LOCKED"),
        (1, "ACCOUNT_EXPIRED"),
        (37, "CLOCK_SKEW"),
        (60, "SIGN_IN_FAILED"),
    ],
)
def test_why_kerberos_gives_no_ticket(number, code):
    signed = -1765328384 + number
    assert errors.ticket_meaning(CodedError(err_code=signed)).code == code
    wrapped = SpnegoError(error_code=1, base_error=CodedError(min_code=signed + 2**32))
    assert errors.ticket_meaning(SpnegoError(error_code=1, base_error=wrapped)).code == code


def test_what_the_domain_says_against_the_account_is_final():
    """NTLM would send the same password once more, and accounts lock."""
    final = {meaning.code for meaning in meanings.TICKETS.values()} & meanings.NEVER_AGAIN
    assert final == {"PASSWORD_WRONG", "PASSWORD_EXPIRED", "ACCOUNT_LOCKED", "ACCOUNT_EXPIRED"}


@pytest.mark.parametrize("kind", [FaultKind.SECURITY, FaultKind.COMPANY, FaultKind.CONTRACT])
def test_rights_company_and_contract_need_a_person(kind):
    error = errors.from_fault(FaultError("s:Client", "No.", "1b4e"), kind, "GetVendorList", 7)
    assert isinstance(error, ConfigurationError)
    assert ("company 7" if kind is FaultKind.COMPANY else "GetVendorList") in error.happened
    assert "log id 1b4e" in error.happened
