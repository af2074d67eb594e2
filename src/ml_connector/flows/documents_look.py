"""Looking in the ERP: what stands there under a record's link, number or reference, and what came from its quote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ml_connector.core.deal_fields import DEALS
from ml_connector.core.document_fields import QUOTES
from ml_connector.core.document_status import Came, Chain
from ml_connector.core.record import fold_key
from ml_connector.core.sales import Kind, Listed, Standing
from ml_connector.core.sales_ports import Documents, Sought
from ml_connector.flows.document_work import DocumentWork
from ml_connector.store import documents
from ml_connector.store.documents import Became


def look(work: DocumentWork, became: Became, customer: str) -> list[Standing]:
    """Its document; where none is known as its own, everything under our number or reference.

    ``customer``: whose documents are looked through where the ERP numbers and a create may have been done. Errors as
    those of ``Documents.find``.
    """
    erp, flow = work.erp_of(became.company), work.flow
    if became.linked is not None:
        return list(_standing(erp, became.linked.kind, became.linked.number))
    kind, number = flow.mapping.kind, flow.number(became.key)
    if flow.is_own:
        return list(_standing(erp, kind, number))
    kinds = frozenset({kind})
    found = _all(erp, Sought(kinds, customer_po=number))
    if not found and became.intent is not None and customer:  # somebody may have written over our number
        since = became.intent.at - work.send_within
        found = [
            one
            for one in _all(erp, Sought(kinds, customer=customer, since=since))
            if one.document.reference == became.key
        ]
    return found


def _standing(erp: Documents, kind: Kind, number: str) -> Iterator[Standing]:
    if (found := erp.find(kind, number)) is not None:
        yield found


def _all(erp: Documents, sought: Sought) -> list[Standing]:
    return [found for one in listed(erp, sought) for found in _standing(erp, one.kind, one.number)]


def listed(erp: Documents, sought: Sought) -> Iterator[Listed]:
    """All of these, page after page."""
    after: str | None = None
    while True:
        page = erp.list_documents(sought, after)
        yield from page.rows
        if (after := page.next_after) is None:
            return


def related(work: DocumentWork, became: Became) -> tuple[list[Standing], list[Became]]:
    """(What its deal and its quote became, and what came from these; those of them that are not settled yet)."""
    with work.database.read() as tx:
        rows = [
            (row, documents.find_told(tx, module, [key])[key].master_number)
            for module, key in ((DEALS, became.deal), (QUOTES, became.quote))
            if key and (module, key) != (became.module, became.key)
            for row in documents.find(tx, module, [key]).values()
        ]
    found: dict[tuple[Kind, str], Standing] = {}
    for row, master_number in rows:
        if row.linked is None:
            continue
        erp, kind, number = work.erp_of(row.company), row.linked.kind, row.linked.number
        there = list(_standing(erp, kind, number))
        if kind is Kind.QUOTE:  # an ERP that keeps no history has only what came from it
            came = came_of(erp, kind, number, there[0].master_number if there else master_number)
            there += [*came.orders, *came.invoices]
        found |= {_name(one): one for one in there}
    return list(found.values()), [row for row, _ in rows if row.linked is None and row.intent is not None]


def taken(work: DocumentWork, became: Became, there: Sequence[Standing]) -> dict[str, str]:
    """Folded number -> the other sales order of the CRM that became this document."""
    numbers = [one.document.number for one in there]
    with work.database.read() as tx:
        rows = documents.of_documents(tx, became.company, numbers, ())
    others = [row for row in rows if row.module == work.flow.module and row.key != became.key]
    return {fold_key(row.linked.number): row.key for row in others if row.linked}


def came_of_gone(work: DocumentWork, became: Became) -> list[str]:
    """The numbers of what came from its document, which is no more."""
    assert became.linked is not None
    with work.database.read() as tx:
        known = documents.find_told(tx, became.module, [became.key])[became.key]
    erp, linked = work.erp_of(became.company), became.linked
    return came_of(erp, linked.kind, linked.number, known.master_number).numbers


def _name(standing: Standing) -> tuple[Kind, str]:
    return standing.document.kind, fold_key(standing.document.number)


def came_of(erp: Documents, kind: Kind, number: str, master_number: int) -> Came:
    """What came from this document; of a chain with several orders an invoice is that of the one it came from.

    ``master_number`` 0: nothing is known of it. Errors as those of ``Documents.find``.
    """
    if not master_number:
        return Came()
    rows = list(listed(erp, Sought(frozenset({Kind.ORDER, Kind.INVOICE}), master_number=master_number)))
    orders, invoices = ([row for row in rows if row.kind is one] for one in (Kind.ORDER, Kind.INVOICE))
    found = tuple(one for row in invoices for one in _standing(erp, row.kind, row.number))
    if kind is Kind.QUOTE:
        return Came(found, tuple(one for row in orders for one in _standing(erp, row.kind, row.number)))
    return Came(found).without({fold_key(row.number) for row in orders} - {fold_key(number)})


def chain_of(erp: Documents, standing: Standing) -> Chain:
    """The document with what came from it, which is looked for only where there may be some."""
    document = standing.document
    if not standing.is_in_history and not any(one.invoiced for one in standing.progress):
        return Chain(standing)
    return Chain(standing, came_of(erp, document.kind, document.number, standing.master_number))
