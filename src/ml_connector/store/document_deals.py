"""Which deal of the CRM a sales document of the ERP belongs to: an order that was made of it, and its invoices."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from ml_connector.core.record import fold_key
from ml_connector.store.database import in_portions, select_in, upsert
from ml_connector.store.tables import document_deals


def put(tx: sa.Connection, company: str, numbers: Collection[str], deal: str) -> list[str]:
    """From now on these documents belong to this deal; empty: to none. Those that belonged to another one."""
    known = find(tx, company, numbers)
    if deal:
        rows = [{"company": company, "key": fold_key(one), "number": one, "deal": deal} for one in numbers]
        upsert(tx, document_deals, rows)
    else:
        for portion in in_portions(known):
            c = document_deals.c
            tx.execute(sa.delete(document_deals).where(c.company == company, c.key.in_(portion)))
    return [one for one in numbers if known.get(fold_key(one), deal) != deal]


def find(tx: sa.Connection, company: str, numbers: Collection[str]) -> dict[str, str]:
    """Folded number -> id of the deal that this document of the company belongs to."""
    query = sa.select(document_deals).where(document_deals.c.company == company)
    return {row.key: row.deal for row in select_in(tx, query, document_deals.c.key, map(fold_key, numbers))}


def by_deal(tx: sa.Connection, companies: Collection[str]) -> dict[str, frozenset[str]]:
    """Id of a deal -> the folded numbers of all its documents of these companies."""
    c = document_deals.c
    found: dict[str, set[str]] = {}
    for row in tx.execute(sa.select(c.deal, c.key).where(c.company.in_(companies))):
        found.setdefault(row.deal, set()).add(row.key)
    return {deal: frozenset(numbers) for deal, numbers in found.items()}
