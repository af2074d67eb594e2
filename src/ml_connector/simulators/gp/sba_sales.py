"""Sales by SBA: the Sales series of one customer's own dictionary ``ZohoSync``, and the items that ship.

Microsoft's list of what ships has items and no sales orders (facts 1.3), so these are a partner's services, made up
after facts 1.6: a ``POST`` to ``SalesOrders`` answers 201 and the whole order, ``PATCH`` and ``DELETE`` change and
remove ``SalesOrders(KEY)`` (verbs: facts 1.4), a ``POST`` to it with ``GP-Custom-Action: VOID`` voids it;
``SalesQuotes`` likewise; ``SalesInvoices`` are read. ``PATCH`` leaves alone what is not in it. A broken rule is 400, a
number that is taken 409, with the reasons in the body. The behaviours are those of SOAP's policies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lxml import etree

from ml_connector.simulators.gp import sales_write, sba_sales_json
from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.items import Item
from ml_connector.simulators.gp.sales_documents import DOCUMENT_TYPES, DocumentType, Sales, SalesDocument
from ml_connector.simulators.gp.sales_posting import Office
from ml_connector.simulators.gp.sba_request import Asked, Place, RefusedError, Resource, Write, not_there
from ml_connector.simulators.gp.sba_write import body_of, refusing
from ml_connector.simulators.gp.tables import EMPTY_DATE, KeyRange

Shown = tuple[str, object]


@dataclass(frozen=True, slots=True)
class _Documents:
    """The resources of one type of documents."""

    kind: DocumentType

    @property
    def many(self) -> str:
        return f"Sales{self.kind}s"

    @property
    def one(self) -> str:
        return f"Sales{self.kind}"

    def listed(self, asked: Asked) -> Shown:
        return self.many, [sba_sales_json.summary(row) for row in self._rows(asked)]

    def single(self, asked: Asked) -> Shown:
        return self.one, sba_sales_json.whole(self._found(asked))

    def modified(self, asked: Asked) -> Shown:
        since = asked.since
        rows = (row for row in self._rows(asked) if (row.modified_at or EMPTY_DATE) >= since)
        return self.many, [sba_sales_json.whole(row) for row in rows]

    def pages(self, asked: Asked) -> Shown:
        low = collation_key(asked.key) if asked.key else None
        rows = _sales(asked).documents[self.kind].rows(KeyRange(low=low))
        behind = (row for row in rows if low is None or collation_key(row.id) != low)
        return self.many, [sba_sales_json.whole(row) for row in islice(behind, asked.page_rows)]

    def create(self, asked: Asked) -> Shown:
        element = sba_sales_json.message(body_of(asked), self.kind)
        return self.one, sba_sales_json.whole(self._done(asked, "Create", element))

    def change(self, asked: Asked) -> Shown:
        """Lay the body over the document as it stands; its lines over the lines of the same sequence."""
        with _sales(asked).lock:
            shown = sba_sales_json.whole(self._found(asked))
            element = sba_sales_json.message(_laid(shown, body_of(asked)), self.kind)
            return self.one, sba_sales_json.whole(self._done(asked, "Update", element))

    def remove(self, asked: Asked) -> Shown:
        with refusing():
            sales_write.withdraw(_office(asked), f"DeleteSales{self.kind}", asked.key or "")
        return self.one, {}

    def act(self, asked: Asked) -> Shown:
        if asked.request.headers.get("gp-custom-action", "").upper() != "VOID":
            raise RefusedError(405, "The method is not allowed for this object.")
        with refusing():
            sales_write.withdraw(_office(asked), f"VoidSales{self.kind}", asked.key or "")
        return self.single(asked)

    def _done(self, asked: Asked, verb: str, element: etree._Element) -> SalesDocument:
        office, operation = _office(asked), f"{verb}Sales{self.kind}"
        selected = office.simulation.policies[asked.company.id].selected(operation)
        with refusing():
            return sales_write.written(office, operation, element, selected)

    def _rows(self, asked: Asked) -> Iterator[SalesDocument]:
        return _sales(asked).documents[self.kind].rows()

    def _found(self, asked: Asked) -> SalesDocument:
        found = _sales(asked).documents[self.kind].get(asked.key or "")
        if found is None:
            raise not_there()
        return found


def _laid(shown: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    lines = {line["LineSequence"]: line for line in shown["Lines"]}
    changed = [
        {**lines.get(one.get("LineSequence"), {}), **one} if isinstance(one, Mapping) else one
        for one in given.get("Lines", [])
    ]
    return {**shown, **given, "Lines": changed}


def _sales(asked: Asked) -> Sales:
    return asked.simulation.sales[asked.company.id]


def _office(asked: Asked) -> Office:
    return Office(asked.simulation, asked.company)


def _items(asked: Asked) -> Shown:
    return "Items", [_item(row) for row in _sales(asked).items.rows()]


def _one_item(asked: Asked) -> Shown:
    found = _sales(asked).items.get(asked.key or "")
    if found is None:
        raise not_there()
    return "Item", _item(found)


def _item(item: Item) -> dict[str, Any]:
    return {
        "ItemId": item.id,
        "ItemDescription": item.description,
        "ItemType": item.type,
        "IsDiscontinued": item.is_discontinued,
        "UnitsOfMeasure": [unit for unit, _ in item.schedule.units],
        "SellingUnitOfMeasure": item.selling_unit,
        "Sites": [stock.site for stock in item.stock],
        "Prices": {level: float(price) for level, price in item.prices},
    }


def _batch(asked: Asked) -> Shown:
    """A batch by source and number, joined by ``;`` (facts 1.2)."""
    source, _, number = (asked.key or "").partition(";")
    sales = _sales(asked)
    found = sales.batches.get(number)
    if found is None or collation_key(found.source) != collation_key(source):
        raise not_there()
    return "Batch", sba_sales_json.batch(found, len(sales.in_batch(found.id)))


_DOCUMENTS = tuple(map(_Documents, DOCUMENT_TYPES))


def _reads(of: _Documents) -> Iterator[tuple[str, bool, Resource]]:
    yield of.many, False, of.listed
    yield of.many, True, of.single
    for with_key in (False, True):
        yield f"{of.many}Modified", with_key, of.modified
        yield f"{of.one}Pages", with_key, of.pages


_READS = [read for of in _DOCUMENTS for read in _reads(of)]
NAMES = (*dict.fromkeys(name for name, _, _ in _READS), "Items", "Batches")
RESOURCES: dict[Place, Resource] = {
    **{(("zohosync", "sales", name.lower()), with_key): run for name, with_key, run in _READS},
    (("inventory", "items"), False): _items,
    (("inventory", "items"), True): _one_item,
    (("system", "batches"), True): _batch,
}


def _writes(of: _Documents) -> dict[Write, Resource]:
    place = "zohosync", "sales", of.many.lower()
    return {
        ("POST", place, False): of.create,
        ("PATCH", place, True): of.change,
        ("DELETE", place, True): of.remove,
        ("POST", place, True): of.act,
    }


WRITES: dict[Write, Resource] = {
    key: run for of in _DOCUMENTS if of.kind != "Invoice" for key, run in _writes(of).items()
}
