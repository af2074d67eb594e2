"""Every code that reading from GP can end with, as tables: what it means, what happens next, what to do.

The code that raises an error takes its words from here, and so does the error catalogue: a code that is not here
cannot be raised. Sources: facts.md 2.11 (faults), 2.2 and its simulator checklist (statuses), windows-auth.md 2.2 to
2.6 (signing in). What stands in braces is filled in where it happens.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping, Sequence

from ml_connector.connectors.dynamics_gp.meaning import Meaning
from ml_connector.core.catalogue import Again, Kind

#: A wait this short is served inside the call (a dropped connection, a broken answer); longer ones by the flow.
SHORT_WAIT_SECONDS = 2.0
_LONG_WAIT_SECONDS = 30.0


def _stop(code: str, happened: str, remedy: str) -> Meaning:
    return Meaning(code, Kind.STOP, happened, remedy)


def _wait(code: str, happened: str, remedy: str, after_seconds: float = _LONG_WAIT_SECONDS) -> Meaning:
    return Meaning(code, Kind.WAIT, happened, remedy, after_seconds)


def _unsent(code: str, happened: str, remedy: str, after_seconds: float = _LONG_WAIT_SECONDS) -> Meaning:
    return Meaning(code, Kind.WAIT, happened, remedy, after_seconds, unsent=True)


def _data(code: str, happened: str, remedy: str, again: Again = Again.NEVER) -> Meaning:
    return Meaning(code, Kind.DATA, happened, remedy, again=again)


# ---- SOAP faults (facts.md 2.11)

_LOG = "Its exception log (Exception Management Console) has the cause under the log id"
_RETRY = "then run ml-connector held retry KEY."
#: Of what may heal by itself: GP hides the cause, and it may have been busy, or the record in use.
TRIED_AGAIN = "The record is tried again by itself, and at once by ml-connector held retry KEY."

NOT_FOUND = _wait(
    "NOT_FOUND",
    "GP has no record of this key any more; nothing is written, and whole lists are compared to be sure.",
    "None. If it was renamed in GP, run ml-connector links move OLD NEW.",
)
NO_RIGHT = _stop(
    "NO_RIGHT",
    "The account may not call {operation}. GP said: {said}",
    "In the Dynamics Security Console, give its role a task that has {operation}, for this company.",
)
NO_COMPANY = _stop(
    "NO_COMPANY",
    "GP does not serve company {company} to this account. GP said: {said}",
    "Check company_id, that the company is enabled for Web Services, and the account's rights in it.",
)
UNKNOWN_OPERATION = _stop(
    "UNKNOWN_OPERATION",
    "The service does not know {operation}. GP said: {said}",
    "Check that the endpoint is the legacy DynamicsGPService.asmx and that its contract is not narrowed.",
)
VALIDATION = _data(
    "VALIDATION",
    "GP refused the record: {reasons}",
    f"Correct the record in Dynamics GP, {_RETRY} An error number is one of eConnect's (table taErrorCode).",
)
VALIDATION_OF_LIST = _stop(
    "VALIDATION_OF_LIST", "GP refused {operation}: {reasons}", "Correct what it names, in GP."
)
SYSTEM_FAULT = _data(
    "SYSTEM_FAULT",
    "GP could not read the record, twice, and hides why: {said}",
    f"{_LOG}. {TRIED_AGAIN}",
    Again.LATER,
)
UNKNOWN_FAULT = _data(
    "UNKNOWN_FAULT",
    "GP answered with a fault that is in no table of ours: {said}",
    f"Read GP's own answer in the hold. {_LOG}. {TRIED_AGAIN}",
    Again.LATER,
)
SYSTEM_FAULT_OF_LIST = _wait(
    "SYSTEM_FAULT_OF_LIST", "GP failed in {operation} and hides why. GP said: {said}", f"{_LOG}."
)
UNKNOWN_FAULT_OF_LIST = _wait(
    "UNKNOWN_FAULT_OF_LIST",
    "GP answered {operation} with a fault that is in no table of ours. GP said: {said}",
    f"{_LOG}.",
)
FAULTS_IN_A_ROW = _wait(
    "FAULTS_IN_A_ROW",
    "GP failed on {count} records in a row and hides why.",
    "It is not the records: GP's exception log (Exception Management Console) has the cause.",
    60.0,
)

# ---- what GP sent, and what it cannot be sent

UNREADABLE_VALUE = _data(
    "UNREADABLE_VALUE",
    "Dynamics GP sent {sent} where {wanted} belongs.",
    "Look at the record in GP; when it is in order there, report this as a fault of the connector.",
)
KEY_NOT_XML = _data(
    "KEY_NOT_XML",
    "{key} holds a control character, which no SOAP request can carry.",
    "Correct the key in Dynamics GP.",
)
NO_FISCAL_YEAR = _data(
    "NO_FISCAL_YEAR",
    "Dynamics GP lists the journal entry {key} as posted, but without its fiscal year, so it cannot be read.",
    "Report this as a fault of the connector, with the version of GP: its list tells less than it should.",
)
ROWS_NOT_ASKED = _stop(
    "ROWS_NOT_ASKED",
    "Dynamics GP answered {operation} with {rows}.",
    "A customisation of the service (BusinessObjectFile.config) may change its queries.",
)
ANSWER_TOO_LARGE = _stop(
    "ANSWER_TOO_LARGE",
    "Dynamics GP's answer is larger than 64 MB, or holds more than a million elements.",
    "Lower the row limit of GP's web services; for a custom SBA service, let it answer in pages.",
)
WEB_PAGE = _wait(
    "WEB_PAGE",
    "Instead of SOAP, {operation} brought a web page: {beginning}.",
    "It is asked again; if it stays so, open the endpoint in a browser to see what answers there.",
    SHORT_WAIT_SECONDS,
)
BROKEN_ANSWER = _wait(
    "BROKEN_ANSWER",
    "Instead of SOAP, {operation} brought an answer that is not whole XML: {beginning}.",
    "It is asked again; if it stays so, look for a proxy that cuts answers off.",
    SHORT_WAIT_SECONDS,
)

# ---- HTTP statuses

_ADDRESS = "Check the path: /DynamicsGPWebServices/DynamicsGPService.asmx."


def _status(status: int, happened: str, remedy: str) -> Meaning:
    return _stop(f"HTTP_{status}", f"{happened} (HTTP {status}, {{endpoint}}).", remedy)


#: These need a person; every other status that is not an answer passes by itself.
STATUSES: Mapping[int, Meaning] = {
    400: _status(
        400,
        "The web server could not read the request",
        "Check that the endpoint is the legacy service (SOAP 1.1).",
    ),
    401: _status(
        401,
        "The web server asks to sign in",
        "Internet Information Services or the web service host has to offer Negotiate or NTLM.",
    ),
    403: _status(
        403, "The web server refuses the account", "Give the account access to the web service in GP's server."
    ),
    404: _status(404, "There is nothing at this address", _ADDRESS),
    405: _status(405, "This address takes no calls", _ADDRESS),
    407: _status(407, "A proxy asks to sign in", "Let the connector reach GP without a proxy."),
    413: _status(413, "The web server refuses requests of this size", "Raise its limit."),
    415: _status(
        415,
        "The service does not take SOAP 1.1",
        "Use the legacy endpoint (…/DynamicsGPService.asmx), not the native one.",
    ),
}  # fmt: skip
REDIRECT = _stop(
    "HTTP_REDIRECT", "{endpoint} sends us elsewhere (HTTP {status}).", "Give the final address: it is not followed."
)  # fmt: skip
NOT_READY = _wait(
    "HTTP_NOT_READY",
    "Dynamics GP's web server is not ready (HTTP {status}).",
    "It is asked again, after the time that the server names if it does; see that the service Microsoft Dynamics GP"
    " Service Host runs.",
)

# ---- the connection

_AWAY = "It is tried again by itself; see that GP's server and the network to it are up."

UNREACHABLE = _unsent("UNREACHABLE", "{host} cannot be reached ({cause}).", _AWAY)
#: Cause of a failed connection -> meaning; the first that fits counts.
CAUSES: Sequence[tuple[type[BaseException], Meaning]] = (
    (
        ssl.SSLCertVerificationError,
        _stop(
            "TLS_NOT_TRUSTED",
            "The certificate of {host} is not trusted ({cause}).",
            "Put the certificate of GP's own authority into ca_file, and use the host name that the certificate"
            " carries.",
        ),
    ),
    (
        ssl.SSLError,
        _stop("TLS_FAILED", "{host} does not speak TLS as it should ({cause}).",
              "Check http or https, and the port."),
    ),
    (
        socket.gaierror,
        _unsent("HOST_UNKNOWN", "The host {host} is unknown.",
              f"Check the host name, and the name server. {_AWAY}"),
    ),
    (
        ConnectionRefusedError,
        _unsent("PORT_CLOSED", "{host} takes no connection on this port.",
              f"Check the port, and that the service Microsoft Dynamics GP Service Host runs. {_AWAY}"),
    ),
    (TimeoutError, _unsent("CONNECT_TIMEOUT", "{host} did not answer in time.", _AWAY)),
    (OSError, UNREACHABLE),
)  # fmt: skip
ANSWER_TIMEOUT = _wait(
    "ANSWER_TIMEOUT",
    "{host} did not answer within {seconds} seconds.",
    "It is asked again; GP's first call after a pause is slow, so a longer time-out may help.",
)
CONNECTION_BROKE = _wait(
    "CONNECTION_BROKE", "The connection to {host} broke off ({cause}).", _AWAY, SHORT_WAIT_SECONDS / 4
)
LANES_BUSY = _unsent(
    "LANES_BUSY", "All connections to Dynamics GP are busy.", "It is tried again in a moment.", 1.0
)
QUIET_HOURS = _unsent(
    "QUIET_HOURS",
    "GP has quiet hours until {until}: nothing is asked of it.",
    "Nothing; it goes on by itself then, or with the next sync. The hours are set under [gp.quiet_hours].",
)
CA_FILE = _stop(
    "CA_FILE",
    "The file {file} holds no certificates that can be read.",
    "Give ca_file the path of a PEM file.",
)

# ---- signing in (windows-auth.md 2)

CHANGE_IT = (
    "Check the user and the password (ml-connector secrets set gp.password). It is not tried again, so that the"
    " account is not locked, until the password is set anew or ml-connector ping is run."
)
REFUSED = _stop("SIGN_IN_REFUSED", "{host} refuses the user {user} or the password ({way}).", CHANGE_IT)
TICKET_FAILED = _stop("SIGN_IN_FAILED", "Signing in to {host} as {user} failed ({cause}).", CHANGE_IT)
NO_DOMAIN_CONTROLLER = _unsent(
    "NO_DOMAIN_CONTROLLER",
    "No domain controller is found or answers, so Kerberos gives no ticket.",
    "See that the domain controllers can be reached from here (port 88), and that realm is the name of the domain.",
)
NO_SERVICE_NAME = _stop(
    "NO_SERVICE_NAME",
    "The domain knows no service name for {host}.",
    "Register HTTP/{host} (setspn -S) for the account that GP's service runs as, and use that host name.",
)
CLOCK_SKEW = _stop(
    "CLOCK_SKEW",
    "The clocks of this machine, of the domain and of {host} differ too much for Kerberos.",
    "Set all of them by a time server: Kerberos fails beyond five minutes.",
)
PASSWORD_WRONG = _stop("PASSWORD_WRONG", "The domain refuses the password of {user}.", CHANGE_IT)
PASSWORD_EXPIRED = _stop(
    "PASSWORD_EXPIRED",
    "The password of {user} has expired, or has to be changed before it is first used.",
    "Set a new password in the domain, then run ml-connector secrets set gp.password.",
)
_ASK_DOMAIN = "Ask who looks after the domain; then run ml-connector ping."
ACCOUNT_LOCKED = _stop(
    "ACCOUNT_LOCKED",
    "The domain has locked or disabled the account {user}, or does not let it in at this hour.",
    f"{_ASK_DOMAIN} It is not tried before.",
)
ACCOUNT_EXPIRED = _stop(
    "ACCOUNT_EXPIRED", "The account {user} has expired.", f"{_ASK_DOMAIN} It is not tried before."
)
USER_UNKNOWN = _stop(
    "USER_UNKNOWN",
    "The domain does not know the user {user}.",
    "Check user and realm: realm is the Active Directory domain that the account is in.",
)


def _krb5(number: int) -> int:
    """The code of MIT's library for an error of its table krb5 (RFC 4120 7.5.9 up to 127), without a sign."""
    return (-1765328384 + number) & 0xFFFFFFFF


#: What Kerberos says when it gives no ticket, or when a server does not take it -> meaning.
TICKETS: Mapping[int, Meaning] = {
    _krb5(number): meaning
    for meaning, numbers in (
        (ACCOUNT_EXPIRED, (1,)),
        (USER_UNKNOWN, (6,)),
        (NO_SERVICE_NAME, (7,)),
        (ACCOUNT_LOCKED, (12, 18)),  # policy: logon hours, or stations that it may sign in from
        (PASSWORD_EXPIRED, (23,)),
        (PASSWORD_WRONG, (24, 31, 210)),  # 31: the answer cannot be read with it
        (CLOCK_SKEW, (33, 37, 148)),  # 33: a ticket that is not valid yet
        (NO_DOMAIN_CONTROLLER, (29, 154, 156, 220)),  # 29: its own services are not up yet
    )
    for number in numbers
}
TICKET_REFUSED = _stop(
    "TICKET_REFUSED",
    "{host} does not take the Kerberos ticket of {user}.",
    "See that HTTP/{host} is registered for the account that GP's service runs as and for no other (setspn -X), and"
    " that the address is GP's own, without a proxy that ends TLS.",
)
NO_REALM = _stop(
    "NO_REALM",
    "The Kerberos realm of {user} is not known.",
    "Set realm to the name of the Active Directory domain, such as CORP.EXAMPLE.COM.",
)
NO_HOST_NAME = _stop(
    "NO_HOST_NAME", "Kerberos knows servers by name, and {host} is an address.", "Put GP's host name into endpoint."
)  # fmt: skip
#: The account or its password is at fault, says the domain: NTLM would ask with them once more.
ACCOUNT_AT_FAULT = frozenset({"PASSWORD_WRONG", "PASSWORD_EXPIRED", "ACCOUNT_LOCKED", "ACCOUNT_EXPIRED"})
#: It is not tried again before a person has changed something.
NEVER_AGAIN = ACCOUNT_AT_FAULT | {"SIGN_IN_REFUSED", "SIGN_IN_FAILED"}
NOT_OFFERED = _stop(
    "SIGN_IN_NOT_OFFERED",
    "{host} does not take {mechanism} to sign in; it offers {offered}.",
    "Set mechanism to what it offers, or have Windows authentication switched on for the web service.",
)
NO_KERBEROS = _stop(
    "NO_KERBEROS",
    "Kerberos needs a library that is not installed.",
    "Install ml-connector with its kerberos extra, or set mechanism to ntlm.",
)
#: What is without Kerberos by how it is set up; everything else happened, and is worth a warning.
AS_SET_UP = frozenset({NO_KERBEROS.code, NO_HOST_NAME.code, NO_REALM.code})
NOT_PROVED = _stop(
    "SERVER_NOT_PROVED",
    "{host} could not prove that it is the server it says it is ({cause}).",
    "Check the address, and that no other machine answers for it.",
)
CUT_SHORT = _unsent(
    "SIGN_IN_CUT_SHORT",
    "{host} ended the connection in the middle of signing in.",
    "If it stays so, a proxy stands between that does not keep connections; NTLM needs one.",
    SHORT_WAIT_SECONDS,
)

#: In the order of the catalogue's page.
ALL: Sequence[Meaning] = (
    *(VALIDATION, SYSTEM_FAULT, UNKNOWN_FAULT, UNREADABLE_VALUE, KEY_NOT_XML, NO_FISCAL_YEAR),
    *(NOT_FOUND, NO_RIGHT, NO_COMPANY, UNKNOWN_OPERATION, VALIDATION_OF_LIST),
    *(SYSTEM_FAULT_OF_LIST, UNKNOWN_FAULT_OF_LIST, FAULTS_IN_A_ROW),
    *(ROWS_NOT_ASKED, ANSWER_TOO_LARGE, WEB_PAGE, BROKEN_ANSWER),
    *(REFUSED, TICKET_FAILED, *dict.fromkeys(TICKETS.values())),
    *(TICKET_REFUSED, NO_REALM, NO_HOST_NAME, NOT_OFFERED, NO_KERBEROS, NOT_PROVED, CUT_SHORT),
    *(*(meaning for _, meaning in CAUSES), ANSWER_TIMEOUT, CONNECTION_BROKE, LANES_BUSY),
    *(QUIET_HOURS, CA_FILE),
    *(*STATUSES.values(), REDIRECT, NOT_READY),
)
