"""SBA, GP's REST service, as facts 1.1 to 1.6 describe it; what they do not tell is invented and can be switched.

The address says everything: tenant, company by its name, dictionary, series, resource, keys joined by ``;``. A
resource is a function of what is asked; the table at the end is the contract. Beside what ships (vendors, customers
and their addresses) stands one customer's own dictionary, ``ZohoSync``, of whole records with their addresses within:
one (``Vendors(KEY)``), lists by the instant of their change (``VendorsModified(2026-01-31T00:00:00)``, or behind
``?since=``, or in the header ``X-Modified-Since``), or page by page behind a key (``VendorPages(KEY)``). Its Financial
series is in ``sba_ledger``, its Sales series in ``sba_sales``.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ml_connector.simulators.gp import sba_json, sba_ledger, sba_masters, sba_sales
from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.company import Company, Master
from ml_connector.simulators.gp.options import Account
from ml_connector.simulators.gp.sba_request import (
    Asked,
    Place,
    RefusedError,
    Request,
    Resource,
    not_there,
)
from ml_connector.simulators.gp.state import Simulation
from ml_connector.simulators.gp.tables import EMPTY_DATE, KeyedTable, KeyRange

BASE = "/GPService"
TENANT = "DefaultTenant"
_SEGMENT = re.compile(r"([^()]*)(?:\((.*)\))?")

DISCOVERY = (
    "<HTML><HEAD><TITLE>Discovery</TITLE></HEAD><BODY><H1>Discovery</H1><H2>Dictionaries:</H2>"
    '<A href="help/Dynamics">Dynamics</A><H2>Object Libraries:</H2>'
    '<A href="help/1">Microsoft.Dynamics.GP.BusinessObjects</A> '
    '<A href="help/2">Microsoft.Dynamics.GP.ManagementReporterServices</A> '
    '<A href="help/3">Microsoft.Dynamics.GP.Svc.Application</A></BODY></HTML>'
)


@dataclass(frozen=True, slots=True)
class Found:
    """What is answered, and under which name an envelope shows it."""

    name: str
    content: object
    company_id: int | None = None
    status: int = 200

    @property
    def rows(self) -> int:
        """How many records it holds."""
        return len(self.content) if isinstance(self.content, list) else 1


class Runtimes:
    """The Dynamics programs that do the work: each takes one request at a time, and starts slowly."""

    def __init__(self, instances: int, cold_start_seconds: float, idle_seconds: float) -> None:
        self._free = threading.Semaphore(instances)
        self._cold_start_seconds = cold_start_seconds
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._last_used: float | None = None
        self._warm_at = 0.0

    def cold_seconds(self, *, refuse: bool) -> float:
        """How long a request that begins now waits for a program to start; ``refuse``: it is answered 503 instead."""
        now = time.monotonic()
        with self._lock:
            idle = self._last_used is None or now - self._last_used > self._idle_seconds
            if idle:
                self._warm_at = now + self._cold_start_seconds
            self._last_used = now
            cold = max(0.0, self._warm_at - now)
        if cold and refuse:
            raise RefusedError(503, "Service Unavailable", page=True)
        return cold

    def __enter__(self) -> None:
        self._free.acquire()

    def __exit__(self, *_: object) -> None:
        self._free.release()


def read_request(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Request:
    """Take an address apart; RefusedError where it is none of ours."""
    parts = urlsplit(target)
    segments = []
    for written in parts.path[len(BASE) :].strip("/").split("/"):
        found = _SEGMENT.fullmatch(unquote(written))
        if found is None:
            raise RefusedError(400, "Bad Request", page=True)
        segments.append((found[1].lower(), found[2]))
    name = segments[-1][0]
    operation = f"{method} {_WRITTEN.get(name, name)}"
    return Request(method, operation, tuple(segments), dict(parse_qsl(parts.query)), headers, body)


def perform(simulation: Simulation, request: Request, account: Account) -> Found:
    """Answer a request; RefusedError for what is unknown, not allowed or wrong."""
    tenant, *rest = request.segments
    if tenant[0] != "tenants" or (tenant[1] or "").casefold() != TENANT.casefold():
        raise RefusedError(404, "The tenant is not known.")
    if not rest or rest[0][0] != "companies":
        raise RefusedError(404, "Not Found", page=True)
    allowed = [c for c in simulation.companies.values() if c.id in account.companies]
    if rest[0][1] is None:
        return Found("Companies", [{"CompanyName": c.name} for c in allowed])
    company = _company(simulation, rest[0][1], account)
    if len(rest) == 1:
        return Found("Company", {"CompanyName": company.name}, company.id)
    if request.operation in simulation.settings.denied_operations.get(account.name.casefold(), ()):
        raise RefusedError(403, "The user does not have security access to the service.")
    return _resource(simulation, company, rest[1:], request)


def _company(simulation: Simulation, name: str, account: Account) -> Company:
    wanted = name.rstrip().casefold()
    company = next((c for c in simulation.companies.values() if c.name.casefold() == wanted), None)
    if company is None:
        raise RefusedError(404, "The company is not known.")
    if company.id not in account.companies:
        raise RefusedError(403, "The user does not have access to the company.")
    return company


def _resource(
    simulation: Simulation, company: Company, segments: list[tuple[str, str | None]], request: Request
) -> Found:
    """The last segment names the resource, what stands before it its dictionary, series or owner."""
    *before, (name, key) = segments
    owner = before[-1][1] if before else None
    place = (*(part for part, _ in before), name)
    asked = Asked(simulation, company, key, owner, request)
    write = _WRITES.get((request.method, place, key is not None))
    if write is not None:
        shown, content = write(asked)
        return Found(shown, content, company.id, 201 if request.method == "POST" and key is None else 200)
    run = RESOURCES.get((place, key is not None))
    if run is None:
        raise RefusedError(404, "Not Found", page=True)
    custom = request.headers.get("gp-custom-action")
    if request.method != "GET" and not (custom and place[0] == "zohosync"):
        raise RefusedError(405, "The method is not allowed for this object.")
    shown, content = run(asked)
    return Found(shown, content, company.id)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the resources of one kind of master are named and written."""

    series: str
    many: str
    one: str
    table: Callable[[Company], KeyedTable[Any]]
    summary: Callable[[Any], sba_json.Json]
    whole: Callable[[Any], sba_json.Json]

    def listed(self, asked: Asked) -> tuple[str, object]:
        return self.many, [self.summary(row) for row in self.table(asked.company).rows()]

    def single(self, asked: Asked) -> tuple[str, object]:
        return self.one, self.whole(self._find(asked, asked.key))

    def complete(self, asked: Asked) -> tuple[str, object]:
        return self.one, self._complete(self._find(asked, asked.key))

    def of_owner(self, asked: Asked) -> tuple[str, object]:
        owner = self._find(asked, asked.owner)
        return f"{self.one}Addresses", [sba_json.address(owner, a) for a in owner.addresses]

    def addresses(self, asked: Asked) -> tuple[str, object]:
        rows = self.table(asked.company).rows()
        return f"{self.one}Addresses", [sba_json.address(row, a) for row in rows for a in row.addresses]

    def address(self, asked: Asked) -> tuple[str, object]:
        owner_id, _, address_id = (asked.key or "").partition(";")
        owner = self._find(asked, owner_id)
        wanted = collation_key(address_id)
        found = next((a for a in owner.addresses if collation_key(a.id) == wanted), None)
        if found is None:
            raise not_there()
        return f"{self.one}Address", sba_json.address(owner, found)

    def modified(self, asked: Asked) -> tuple[str, object]:
        """Whole records stamped at or after an instant; all of them where none is told."""
        since = asked.since
        rows = self.table(asked.company).rows()
        return self.many, [self._complete(r) for r in rows if (r.modified_at or EMPTY_DATE) >= since]

    def pages(self, asked: Asked) -> tuple[str, object]:
        """A page of whole records behind a key, in the order of the keys."""
        low = collation_key(asked.key) if asked.key else None
        rows = self.table(asked.company).rows(KeyRange(low=low))
        behind = (row for row in rows if low is None or collation_key(row.id) != low)
        return self.many, [self._complete(row) for row in islice(behind, asked.page_rows)]

    def _complete(self, row: Master) -> sba_json.Json:
        return {**self.whole(row), "Addresses": [sba_json.address(row, a) for a in row.addresses]}

    def _find(self, asked: Asked, key: str | None) -> Any:  # noqa: ANN401 -- a vendor or a customer
        found = self.table(asked.company).get(key or "")
        if found is None:
            raise not_there()
        return found


_KINDS = (
    _Kind("purchasing", "Vendors", "Vendor", lambda c: c.vendors, sba_json.vendor_summary, sba_json.vendor),
    _Kind("sales", "Customers", "Customer", lambda c: c.customers, sba_json.customer_summary, sba_json.customer),
)  # fmt: skip


def _of_kind(kind: _Kind) -> Iterable[tuple[Place, Resource]]:
    many, series, addresses = kind.many.lower(), kind.series, f"{kind.one}addresses".lower()
    yield ((series, many), False), kind.listed
    yield ((series, many), True), kind.single
    yield ((series, many, addresses), False), kind.of_owner
    yield ((series, addresses), False), kind.addresses
    yield ((series, addresses), True), kind.address
    yield (("zohosync", series, many), True), kind.complete
    for with_key in (False, True):
        yield (("zohosync", series, f"{many}modified"), with_key), kind.modified
        yield (("zohosync", series, f"{kind.one}pages".lower()), with_key), kind.pages


RESOURCES: dict[Place, Resource] = {
    **{place: run for kind in _KINDS for place, run in _of_kind(kind)},
    **sba_ledger.RESOURCES,
    **sba_sales.RESOURCES,
}
"""Where a resource stands and whether it has a key -> what it answers."""

_WRITES = {**sba_masters.WRITES, **sba_sales.WRITES}
_OF_KINDS = [
    name
    for kind in _KINDS
    for name in (kind.many, f"{kind.one}Addresses", f"{kind.many}Modified", f"{kind.one}Pages")
]
_WRITTEN = {name.lower(): name for name in ("Companies", *_OF_KINDS, *sba_ledger.NAMES, *sba_sales.NAMES)}


def body(found: Found, envelope: str) -> bytes:
    """The answer in one of the three forms that facts 1.6 think possible."""
    wrapped = {
        "bare": found.content,
        "resource": {found.name: found.content},
        "payload": {"Status": {"Code": 0, "Message": "Success"}, "Payload": found.content},
    }
    return json.dumps(wrapped[envelope], ensure_ascii=False).encode()


def refusal(error: RefusedError) -> tuple[bytes, str]:
    """What is said instead, and its media type."""
    if error.page:
        return f"<HTML><BODY><h2>{error.said}</h2></BODY></HTML>".encode(), "text/html"
    told: dict[str, object] = {"Message": error.said}
    if error.reasons:
        told["Errors"] = list(error.reasons)
    return json.dumps(told).encode(), "application/json; charset=utf-8"
