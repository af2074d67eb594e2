"""Looking in the ERP: what stands there under a record's link, number or reference, and what came from its quote."""

from __future__ import annotations

from collections.abc import Iterator

from ml_connector.core.deal_fields import DEALS
from ml_connector.core.document_fields import QUOTES
from ml_connector.core.document_status import Chain
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
            row
            for module, key in ((DEALS, became.deal), (QUOTES, became.quote))
            if key and (module, key) != (became.module, became.key)
            for row in documents.find(tx, module, [key]).values()
        ]
    found: dict[tuple[Kind, str], Standing] = {}
    for row in rows:
        if row.linked is None:
            continue
        erp = work.erp_of(row.company)
        for standing in _standing(erp, row.linked.kind, row.linked.number):
            found[_name(standing)] = standing
            if standing.document.kind is Kind.QUOTE:
                found |= {
                    _name(one): one
                    for one in come_from(erp, standing.master_number, Kind.ORDER, Kind.INVOICE)
                }
    return list(found.values()), [row for row in rows if row.linked is None and row.intent is not None]


def _name(standing: Standing) -> tuple[Kind, str]:
    return standing.document.kind, fold_key(standing.document.number)


def come_from(erp: Documents, master_number: int, *kinds: Kind) -> list[Standing]:
    """The documents of these kinds in this chain; ``master_number`` 0: none. Errors as those of ``Documents.find``."""
    return _all(erp, Sought(frozenset(kinds), master_number=master_number)) if master_number else []


def chain_of(erp: Documents, standing: Standing) -> Chain:
    """The document with what came from it, which is looked for only where there may be some."""
    if standing.document.kind is Kind.QUOTE:
        came = (
            come_from(erp, standing.master_number, Kind.ORDER, Kind.INVOICE) if standing.is_in_history else []
        )
    elif standing.is_in_history or any(one.invoiced for one in standing.progress):
        came = come_from(erp, standing.master_number, Kind.INVOICE)
    else:
        came = []
    orders, invoices = (
        tuple(one for one in came if one.document.kind is kind) for kind in (Kind.ORDER, Kind.INVOICE)
    )
    return Chain(standing, invoices, orders)
