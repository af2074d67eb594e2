"""Control of sales: what people do in GP's windows (enter, change, allocate, invoice, post, void), and its set-up.

Every change stamps what it touches with the simulator's clock, or with `modified_at`. A document's path is its type
and its number, such as `sales/Order/ORDST2228`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from ml_connector.simulators.gp import control_ledger, policies, sales_posting
from ml_connector.simulators.gp import control_records as records
from ml_connector.simulators.gp.control_records import ControlError
from ml_connector.simulators.gp.items import Item, Stock, UnitSchedule
from ml_connector.simulators.gp.ledger import SEQUENCE_STEP
from ml_connector.simulators.gp.sales_documents import (
    DOCUMENT_TYPES,
    Batch,
    Discount,
    DocumentType,
    SalesDocument,
    SalesLine,
    UserDefined,
)
from ml_connector.simulators.gp.sales_posting import Office
from ml_connector.simulators.gp.state import Simulation

Json = Any  # what json reads and writes
Given = Mapping[str, Any]

TABLES = ("sales", "items", "batches", "policies", "periods")


@dataclass(frozen=True, slots=True)
class SalesRequest:
    """One request: the path behind the table, where it is done, what was sent and asked, the instant of now."""

    path: str
    office: Office
    payload: Given
    query: Mapping[str, str]
    at: datetime


def carry_out(
    simulation: Simulation, method: str, name: str, path: str, sent: tuple[Given, Mapping[str, str]]
) -> Json:
    """Do what a request about sales asks for; ControlError for what cannot be done."""
    payload, query = sent
    act = _ACTIONS.get((method, name, bool(path)))
    if act is None:
        raise ControlError(f"nothing is done for {method} {name}/{path}", 405)
    try:
        office = Office(simulation, records.company_of(simulation, query))
        given = payload.get("modified_at")
        at = simulation.now() if given is None else records.read_instant(given)
        return act(SalesRequest(path, office, payload, query, at))
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise ControlError(f"the request cannot be done: {error!r}") from error


def plain(document: SalesDocument) -> dict[str, Any]:
    """Return a document as JSON can hold it, with its amounts."""
    lines = [
        dict(records.plain(line)) | {"extended": f"{line.extended:.2f}", "remaining": f"{line.remaining:.2f}"}
        for line in document.lines
    ]
    totals = {"line_total": f"{document.line_total:.2f}", "total": f"{document.total:.2f}"}
    return dict(records.plain(document)) | {"lines": lines} | totals


# ---- documents


def _documents(request: SalesRequest) -> Json:
    wanted = request.query.get("type")
    rows = [d for d in request.office.sales.every() if wanted in (None, d.type)]
    offset, limit = records.number(request.query, "offset", 0), records.number(request.query, "limit", 1000)
    return {"total": len(rows), "rows": [plain(d) for d in islice(rows, offset, offset + limit)]}


def _document(request: SalesRequest) -> Json:
    return plain(_existing(request))


def _kind(written: object) -> DocumentType:
    found = next((kind for kind in DOCUMENT_TYPES if kind == written), None)
    if found is None:
        raise ControlError(f"there is no type {written!r}; there are {DOCUMENT_TYPES}", 404)
    return found


def _existing(request: SalesRequest) -> SalesDocument:
    kind, _, number = request.path.partition("/")
    document = request.office.sales.documents[_kind(kind)].get(number)
    if document is None:
        raise ControlError(f"there is no {request.path}", 404)
    return document


def _add_document(request: SalesRequest) -> Json:
    """Enter a document: {"type", "customer_id", "lines": [{"item_id", "quantity", ...}], ...}, defaults as GP's."""
    given = dict(request.payload)
    given.pop("modified_at", None)
    lines = given.pop("lines")
    sales, kind = request.office.sales, _kind(given.pop("type", "Order"))
    customer = request.office.company.customers.get(str(given["customer_id"]))
    numbering = sales.numbering(kind, str(given.get("document_type", "")))
    if customer is None or numbering is None:
        raise ControlError("the customer or the document type does not exist")
    today = request.at.date()
    entered: dict[str, Any] = {
        "id": "",
        "document_type": numbering.id,
        "customer_name": customer.name.rstrip(),
        "currency": customer.currency,
        "bill_to": customer.bill_to_address,
        "ship_to": customer.ship_to_address,
        "price_level": customer.price_level,
        "on": today,
        "created_on": today,
        "created_by": "sa",
    } | records.values(SalesDocument, given, _READERS)
    with sales.lock:
        entered["id"] = entered["id"] or sales.take_number(numbering)
        if sales.documents[kind].get(entered["id"]) is not None:
            raise ControlError(f"there is a {kind} {entered['id']!r} already", 409)
        document = SalesDocument(
            type=kind, lines=_entered_lines(request, lines), master_number=sales.take_master(), **entered
        )
        return plain(request.office.keep(document, None, request.at))


def _entered_lines(request: SalesRequest, lines: list[Given]) -> tuple[SalesLine, ...]:
    return tuple(_entered_line(request, number, dict(line)) for number, line in enumerate(lines, 1))


def _entered_line(request: SalesRequest, number: int, given: dict[str, Any]) -> SalesLine:
    item = request.office.sales.items.get(str(given.get("item_id", "")))
    entered: dict[str, Any] = {"sequence": number * SEQUENCE_STEP, "quantity": Decimal(1)}
    if item is not None:
        entered |= {
            "description": item.description,
            "unit": item.selling_unit,
            "unit_price": item.price("") or Decimal(0),
            "unit_cost": item.cost,
            "site": item.default_site,
            "sales_account": item.sales_account,
            "cost_account": item.cost_account,
            "inventory_account": item.inventory_account,
        }
    return SalesLine(**entered | records.values(SalesLine, given, _READERS))


_DEEDS = ("set", "lines", "allocate", "invoice", "transfer", "post", "void", "on", "touch", "modified_at")


def _change_document(request: SalesRequest) -> Json:
    """Do one of: set and lines, allocate, invoice (with post), transfer, post, void. Tells the documents touched.

    With `"touch": false` what is set or allocated leaves the header's stamps as they were: the lines have a table
    and a stamp of their own (facts 3.1), and whether GP writes both is not known.
    """
    if unknown := set(request.payload) - set(_DEEDS):
        raise ControlError(f"no such part of a change: {sorted(unknown)}; there are {_DEEDS}")
    payload, document = request.payload, _existing(request)
    if payload.get("void"):
        return plain(sales_posting.void(request.office, document))
    if payload.get("allocate"):
        return plain(_untouched(request, document, sales_posting.allocate(request.office, document)))
    if payload.get("transfer"):
        quote, order = sales_posting.order_of(request.office, document)
        return {"quote": plain(quote), "order": plain(order)}
    if payload.get("invoice"):
        return _invoice(request, document)
    if payload.get("post"):
        return {"journal": control_ledger.plain(sales_posting.post(request.office, document))}
    return plain(_untouched(request, document, _edited(request, document)))


def _untouched(request: SalesRequest, before: SalesDocument, after: SalesDocument) -> SalesDocument:
    if request.payload.get("touch", True):
        return after
    kept = replace(after, modified_at=before.modified_at, row_stamp_at=before.row_stamp_at)
    request.office.sales.put(kept)
    return kept


def _invoice(request: SalesRequest, order: SalesDocument) -> Json:
    """Invoice: true for all that remains, or {sequence: quantity}; with "post": true the invoice is posted too."""
    wanted = request.payload["invoice"]
    parts = (
        None
        if wanted is True
        else {int(sequence): Decimal(str(many)) for sequence, many in dict(wanted).items()}
    )
    on = request.payload.get("on")
    moved = sales_posting.invoice(
        request.office, order, parts, None if on is None else date.fromisoformat(on)
    )
    told = {"order": plain(moved.source), "invoice": plain(moved.made), "journal": None}
    if request.payload.get("post"):
        entry = sales_posting.post(request.office, moved.made)
        posted = request.office.sales.documents["Invoice"].get(moved.made.id)
        assert posted is not None
        told |= {"invoice": plain(posted), "journal": control_ledger.plain(entry)}
    return told


def _edited(request: SalesRequest, document: SalesDocument) -> SalesDocument:
    """Change fields of a document (`set`) and of its lines, by sequence (`lines`), as a person may."""
    changes = dict(request.payload.get("lines", {}))
    with request.office.sales.lock:
        lines = tuple(
            replace(line, **records.values(SalesLine, changes.pop(str(line.sequence), {}), _READERS))
            for line in document.lines
        )
        if changes:
            raise ControlError(f"{document.id} has no lines {sorted(changes)}")
        own = records.values(SalesDocument, request.payload.get("set", {}), _READERS)
        return request.office.keep(replace(document, lines=lines, **own), document, request.at)


def _remove_document(request: SalesRequest) -> Json:
    document = _existing(request)
    sales_posting.delete(request.office, document)
    return {"deleted": document.id}


# ---- items, batches, policies, periods


def _items(request: SalesRequest) -> Json:
    rows = [records.plain(item) for item in request.office.sales.items.rows()]
    return {"total": len(rows), "rows": rows}


def _add_item(request: SalesRequest) -> Json:
    given = dict(request.payload)
    given.pop("modified_at", None)
    made = Item(
        **{"description": "", "created_on": request.at.date(), **records.values(Item, given, _READERS)}
    )
    if request.office.sales.items.get(made.id) is not None:
        raise ControlError(f"there is an item {made.id!r} already", 409)
    return _keep_item(request, made)


def _change_item(request: SalesRequest) -> Json:
    old = request.office.sales.items.get(request.path)
    if old is None:
        raise ControlError(f"there is no item {request.path!r}", 404)
    return _keep_item(request, replace(old, **records.values(Item, request.payload.get("set", {}), _READERS)))


def _keep_item(request: SalesRequest, item: Item) -> Json:
    said = request.office.simulation.said(request.at)
    stamped = replace(item, modified_at=said, row_stamp_at=request.at)
    request.office.sales.items.put(stamped)
    return records.plain(stamped)


def _remove_item(request: SalesRequest) -> Json:
    if request.office.sales.items.remove(request.path) is None:
        raise ControlError(f"there is no item {request.path!r}", 404)
    return {"deleted": request.path}


def _batches(request: SalesRequest) -> Json:
    sales = request.office.sales
    rows = [dict(records.plain(b)) | {"documents": len(sales.in_batch(b.id))} for b in sales.batches.rows()]
    return {"total": len(rows), "rows": rows}


def _add_batch(request: SalesRequest) -> Json:
    made = Batch(str(request.payload["id"]), created_at=request.at, modified_at=request.at)
    request.office.sales.batches.put(made)
    return records.plain(made)


def _remove_batch(request: SalesRequest) -> Json:
    if request.office.sales.batches.remove(request.path) is None:
        raise ControlError(f"there is no batch {request.path!r}", 404)
    return {"deleted": request.path}


def _policies(request: SalesRequest) -> Json:
    chosen = request.office.simulation.policies[request.office.company.id]
    return {operation: dict(chosen.selected(operation)) for operation in policies.ALL}


def _select(request: SalesRequest) -> Json:
    """Select options as the administrator: policies/CreateSalesOrder with {"Calculate Unit Price": 0}."""
    chosen = request.office.simulation.policies[request.office.company.id]
    chosen.select(request.path, {name: int(option) for name, option in request.payload.items()})
    return dict(chosen.selected(request.path))


def _periods(request: SalesRequest) -> Json:
    return {"closed": sorted(f"{y}-{m:02d}" for y, m in request.office.sales.closed_periods)}


def _close_periods(request: SalesRequest) -> Json:
    """Say which months are closed for the sales series: {"closed": ["2026-05"]}; others are open."""
    read = (date.fromisoformat(f"{month}-01") for month in request.payload["closed"])
    request.office.sales.closed_periods = frozenset((day.year, day.month) for day in read)
    return _periods(request)


def _nested(kind: type) -> Callable[[Any], Any]:
    return lambda value: kind(**records.values(kind, value, _READERS))


_READERS: dict[str, Callable[[Any], Any]] = {
    "DocumentType": _kind,
    "SalesState": str,
    "ItemType": str,
    "Discount": _nested(Discount),
    "UserDefined": _nested(UserDefined),
    "Address": records.address,
    "UnitSchedule": lambda value: UnitSchedule(
        str(value["id"]),
        str(value["base"]),
        tuple((str(unit), Decimal(str(many))) for unit, many in value["units"]),
    ),
    "tuple[Stock, ...]": lambda value: tuple(_nested(Stock)(one) for one in value),
    "tuple[tuple[str, Decimal], ...]": lambda value: tuple((str(k), Decimal(str(v))) for k, v in value),
}
"""How the fields of sales are read that no other record has, by their annotation."""

_ACTIONS: dict[tuple[str, str, bool], Callable[[SalesRequest], Json]] = {
    ("GET", "sales", False): _documents,  # ?type=&offset=&limit=
    ("GET", "sales", True): _document,
    ("POST", "sales", False): _add_document,
    ("POST", "sales", True): _change_document,
    ("DELETE", "sales", True): _remove_document,
    ("GET", "items", False): _items,
    ("POST", "items", False): _add_item,
    ("POST", "items", True): _change_item,  # {"set": {...}}
    ("DELETE", "items", True): _remove_item,
    ("GET", "batches", False): _batches,
    ("POST", "batches", False): _add_batch,  # {"id": "..."}
    ("DELETE", "batches", True): _remove_batch,
    ("GET", "policies", False): _policies,
    ("POST", "policies", True): _select,
    ("GET", "periods", False): _periods,
    ("POST", "periods", False): _close_periods,
}
