"""What the postings that are kept come to by customer, document and account: what revenue and cost are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa

from ml_connector.store.column_types import Amount
from ml_connector.store.database import select_in
from ml_connector.store.tables import postings


@dataclass(frozen=True, slots=True)
class DocumentSum:
    """What the posted lines of one document on one account come to; voided ones do not count."""

    customer_id: str  #: empty: the lines come from no customer
    document: str  #: number; empty: they come from no document
    account_key: str  #: folded
    currency: str
    credit_less_debit: Decimal


def accounts(tx: sa.Connection, company: str) -> dict[str, str]:
    """Every account that something was posted on: folded -> as the source writes it."""
    c = postings.c
    query = sa.select(c.account_key, sa.func.max(c.account).label("account"))
    query = query.where(c.company == company, c.is_posted).group_by(c.account_key)
    return {row.account_key: row.account for row in tx.execute(query)}


def by_document(
    tx: sa.Connection, company: str, account_keys: Collection[str], first: date | None, last: date | None
) -> Iterator[DocumentSum]:
    """What was posted on these accounts from the ``first`` to the ``last`` day, both included."""
    c = postings.c
    # Where a line has no number of its document, it has at least the one by which the source controls it.
    document = sa.case((c.document_id != "", c.document_id), else_=c.document_control_id).label("document")
    group = (c.customer_id, document, c.account_key, c.currency)
    query = sa.select(*group, _credit_less_debit()).where(*_counting(company, first, last)).group_by(*group)
    for row in select_in(tx, query, c.account_key, account_keys):
        yield DocumentSum(row.customer_id, row.document, row.account_key, row.currency, row.sum)


def total(
    tx: sa.Connection, company: str, account_keys: Collection[str], first: date | None, last: date | None
) -> dict[str, Decimal]:
    """Currency -> all credits less debits of these accounts, however they are assigned."""
    c = postings.c
    query = sa.select(c.currency, _credit_less_debit()).where(*_counting(company, first, last))
    found: dict[str, Decimal] = {}
    for row in select_in(tx, query.group_by(c.currency), c.account_key, account_keys):
        found[row.currency] = found.get(row.currency, Decimal(0)) + row.sum
    return found


def _credit_less_debit() -> sa.Label[Decimal]:
    """Exact: amounts are kept as whole numbers."""
    debit, credit = (
        sa.type_coerce(column, sa.BigInteger) for column in (postings.c.debit, postings.c.credit)
    )
    return sa.type_coerce(sa.func.sum(credit - debit), Amount).label("sum")


def _counting(company: str, first: date | None, last: date | None) -> list[sa.ColumnElement[bool]]:
    c = postings.c
    found = [c.company == company, c.is_posted, c.is_voided.is_(False)]
    found += [c.date >= first] if first else []
    return found + ([c.date <= last] if last else [])
