"""A stranger's client for the wire tests: http.client, spnego and lxml, nothing of the simulator's own code."""

from __future__ import annotations

import base64
import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

import spnego
from lxml import etree

GP = "http://schemas.microsoft.com/dynamics/gp/2006/01"
DYN = "http://schemas.microsoft.com/dynamics/2006/01"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
PATH = "/DynamicsGPWebServices/DynamicsGPService.asmx"
USER, PASSWORD = "FABRIKAM\\connector", "Sample-Pa55word"
LONGEST_SECONDS = 120  #: no answer that a test waits for takes as long


def context(company: int | None = -1, currency: str | None = "Local") -> str:
    organization = (
        ""
        if company is None
        else f'<d:OrganizationKey xsi:type="d:CompanyKey"><d:Id>{company}</d:Id></d:OrganizationKey>'
    )
    shown = "" if currency is None else f"<d:CurrencyType>{currency}</d:CurrencyType>"
    return f"<g:context>{organization}<d:CultureName>en-US</d:CultureName>{shown}</g:context>"


def message(operation: str, inside: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:g="{GP}" xmlns:d="{DYN}" xmlns:xsi="{XSI}"><s:Body>'
        f"<g:{operation}>{inside}</g:{operation}></s:Body></s:Envelope>"
    ).encode()


@dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def root(self):
        return etree.fromstring(self.body)

    def texts(self, path: str) -> list[str | None]:
        """Return the texts of all elements at a path of local names of the GP namespace."""
        steps = "/".join(f"{{{GP}}}{step}" for step in path.split("/"))
        return [element.text for element in self.root.iterfind(f".//{steps}")]

    def text(self, path: str) -> str | None:
        (found,) = self.texts(path)
        return found

    @property
    def fault(self) -> str | None:
        return self.root.findtext(".//faultstring")

    @property
    def fault_code(self) -> str | None:
        return self.root.findtext(".//faultcode")

    @property
    def log_id(self) -> str | None:
        detail = self.root.find(".//detail")
        return None if detail is None else "".join(detail.itertext())


class Wire:
    """One connection."""

    def __init__(
        self, url: str, user: str = USER, password: str = PASSWORD, scheme: str = "Negotiate", tls=None
    ):
        parts = urlsplit(url)
        self.host = parts.hostname
        if parts.scheme == "https":
            self.http = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=LONGEST_SECONDS, context=tls
            )
        else:
            self.http = http.client.HTTPConnection(parts.hostname, parts.port, timeout=LONGEST_SECONDS)
        self.user, self.password, self.scheme = user, password, scheme
        self.protocol = "ntlm" if scheme == "NTLM" else "negotiate"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Reply:
        self.http.request(method, path, body, headers or {})
        answer = self.http.getresponse()
        return Reply(answer.status, answer.headers, answer.read())

    def post(self, body: bytes, action: str, authorization: str | None = None, **headers: str) -> Reply:
        sent = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{GP}/{action}"'} | headers
        if authorization is not None:
            sent["Authorization"] = authorization
        return self.send("POST", PATH, body, sent)

    def sign_in(self, body: bytes, action: str, **headers: str) -> Reply:
        """Do a whole handshake; the last leg carries the body."""
        handshake = spnego.client(
            self.user, self.password, hostname=self.host, service="HTTP", protocol=self.protocol,
            options=spnego.NegotiateOptions.use_negotiate | spnego.NegotiateOptions.use_ntlm,
        )  # fmt: skip
        token, reply = handshake.step(), None
        for leg in range(4):
            reply = self.post(
                body if leg else b"", action, f"{self.scheme} {base64.b64encode(token).decode()}", **headers
            )
            answer = token_of(reply, self.scheme)
            if reply.status != 401 or answer is None:
                if answer:
                    handshake.step(answer)
                break
            token = handshake.step(answer)
        return reply

    def call(
        self, operation: str, inside: str = "", company: int | None = -1, currency: str | None = "Local"
    ) -> Reply:
        """Ask one operation, signing in where the connection is not."""
        body = message(operation, inside + context(company, currency))
        reply = self.post(body, operation)
        return self.sign_in(body, operation) if reply.status == 401 else reply

    def change(self, operation: str, argument: str, policy: str = "", currency: str | None = None) -> Reply:
        """Ask one operation that changes something: the policy stands behind the context."""
        body = message(operation, argument + context(-1, currency) + policy)
        reply = self.post(body, operation)
        return self.sign_in(body, operation) if reply.status == 401 else reply

    def by_key(self, operation: str, key: str, **more) -> Reply:
        return self.call(operation, f"<g:key><g:Id>{key}</g:Id></g:key>", **more)

    def list(self, operation: str, criteria: str = "", **more) -> Reply:
        return self.call(operation, f"<g:criteria>{criteria}</g:criteria>", **more)

    def control(self, method: str, path: str, payload=None):
        body = b"" if payload is None else json.dumps(payload).encode()
        reply = self.send(method, f"/_control/{path}", body)
        return reply.status, json.loads(reply.body)


def entry_key(entry, **changes) -> str:
    """The key of a dumped journal entry; of one in Work without sequence and year."""
    entry = {**entry, **changes}
    key = f"<g:JournalId>{entry['journal_id']}</g:JournalId><g:Date>{entry['on']}T00:00:00</g:Date>"
    if entry["state"] != "Work":
        key += (
            f"<g:RecurringTransactionSequence>{entry['sequence']}</g:RecurringTransactionSequence>"
            f"<g:FiscalYear>{entry['fiscal_year']}</g:FiscalYear>"
        )
    return f"<g:key>{key}</g:key>"


def read_entry(wire: Wire, entry, **more) -> Reply:
    posted = entry["state"] != "Work"
    operation = "GetGLPostedTransactionByKey" if posted else "GetGLTransactionByKey"
    return wire.call(operation, entry_key(entry), **more)


def token_of(reply: Reply, scheme: str) -> bytes | None:
    for value in reply.headers.get_all("WWW-Authenticate", []):
        name, _, token = value.partition(" ")
        if name == scheme and token:
            return base64.b64decode(token)
    return None
