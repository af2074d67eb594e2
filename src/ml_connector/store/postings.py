"""The money lines of journal entries that were fetched, and what they come to by account and month."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice

import sqlalchemy as sa

from ml_connector.core.flow import CARRIED
from ml_connector.core.postings import Posting
from ml_connector.core.record import fold_key
from ml_connector.store.column_types import Amount
from ml_connector.store.database import Found, Row, in_portions, select_in, upsert
from ml_connector.store.tables import posted_months, postings, readings

_ROWS = 5000  # of one statement: an entry may have thousands of lines
_MOMENT = timedelta(microseconds=1)
_SAME = tuple(name for name in Posting.__dataclass_fields__ if name != "on")  # in the table and in a posting

MonthKey = tuple[str, str]  #: folded account, month ("2026-04")


def put(tx: sa.Connection, company: str, entries: Mapping[str, Sequence[Posting]], at: datetime) -> None:
    """Keep the postings of these entries (key -> postings) in place of all that was kept of them."""
    if not entries:
        return
    kept_at = _later(tx, company, at)
    before = _posted_in(tx, company, entries)
    for portion in in_portions(map(fold_key, entries)):
        tx.execute(sa.delete(postings).where(_of(company), postings.c.entry.in_(portion)))
    rows = (_row(company, key, posting, kept_at) for key, told in entries.items() for posting in told)
    while portion_of_rows := list(islice(rows, _ROWS)):
        tx.execute(sa.insert(postings), portion_of_rows)
    now = {
        (fold_key(posting.account), posting.month): posting.account
        for told in entries.values()
        for posting in told
        if posting.is_posted
    }
    _mark(tx, company, before | now, kept_at)


def _row(company: str, key: str, posting: Posting, kept_at: datetime) -> Row:
    return {name: getattr(posting, name) for name in _SAME} | {
        "company": company,
        "entry": fold_key(key),
        "date": posting.on,
        "month": posting.month,
        "account_key": fold_key(posting.account),
        "kept_at": kept_at,
    }


def remove_unposted(tx: sa.Connection, company: str, keys: Collection[str]) -> None:
    """Forget the postings of entries that are gone; what was posted counts for good, wherever it was put away."""
    for portion in in_portions(map(fold_key, keys)):
        these = postings.c.entry.in_(portion)
        tx.execute(sa.delete(postings).where(_of(company), these, postings.c.is_posted.is_(False)))


def of_entry(tx: sa.Connection, company: str, key: str) -> list[Posting]:
    """What is kept of one entry, in the order of its lines."""
    query = sa.select(postings).where(_of(company), postings.c.entry == fold_key(key))
    found = [Posting(on=row.date, **{n: getattr(row, n) for n in _SAME}) for row in tx.execute(query)]
    return sorted(found, key=lambda posting: [int(piece) for piece in posting.line.split(".")])


def entries_of(tx: sa.Connection, company: str, documents: Collection[str]) -> list[str]:
    """The folded keys of the entries that have a line of one of these documents. Reads all postings."""
    query = sa.select(postings.c.entry, postings.c.document_id).where(_of(company)).distinct()
    rows = select_in(tx, query, postings.c.document_id, documents)
    return sorted({row.entry for row in rows})


def _of(company: str) -> sa.ColumnElement[bool]:
    return postings.c.company == company


# ---- months


@dataclass(frozen=True, slots=True)
class Month:
    """An account and a month in which something was posted on it."""

    account: str  #: as the source writes it
    month: str  #: "2026-04"
    changed_at: datetime  #: when a posting of it, or what is known of the account, last changed

    @property
    def key(self) -> MonthKey:
        """What names it here."""
        return fold_key(self.account), self.month


@dataclass(frozen=True, slots=True)
class Sums:
    """What the postings of one account and month come to."""

    account: str  #: as the source writes it
    debit: Decimal
    credit: Decimal
    currencies: tuple[str, ...]  #: the first and the last by name, one where they are equal; of no lines none
    line_count: int  #: without voided ones
    first_on: date | None
    last_on: date | None


def _later(tx: sa.Connection, company: str, at: datetime) -> datetime:
    """An instant later than every one before it: our clock may be set back, and a change must not look old."""
    newest = sa.select(sa.func.max(posted_months.c.changed_at)).where(posted_months.c.company == company)
    last = tx.execute(newest).scalar_one()
    return at if last is None or at > last else last + _MOMENT


def _posted_in(tx: sa.Connection, company: str, keys: Iterable[str]) -> dict[MonthKey, str]:
    """(Folded account, month) -> the account, of what is kept as posted of these entries."""
    c = postings.c
    query = sa.select(c.account_key, c.month, sa.func.max(c.account).label("account"))
    query = query.where(_of(company), c.is_posted).group_by(c.account_key, c.month)
    found: dict[MonthKey, str] = {}
    for portion in in_portions(map(fold_key, keys)):
        rows = tx.execute(query.where(c.entry.in_(portion)))
        found |= {(row.account_key, row.month): row.account for row in rows}
    return found


def _mark(tx: sa.Connection, company: str, months: Mapping[MonthKey, str], at: datetime) -> None:
    rows = [
        {"company": company, "account_key": key, "month": month, "account": account, "changed_at": at}
        for (key, month), account in months.items()
    ]
    upsert(tx, posted_months, rows, keep=("account",))


def months(
    tx: sa.Connection,
    company: str,
    accounts: str,
    since: datetime | None,
    after: MonthKey | None,
    most: int,
) -> list[Month]:
    """The next months in our own order of keys, with when they, or their records of ``accounts``, last changed."""
    c, r = posted_months.c, readings.c
    known = sa.and_(r.company == c.company, r.entity == accounts, r.facet == CARRIED, r.key == c.account_key)
    changed_at = sa.case((r.changed_at > c.changed_at, r.changed_at), else_=c.changed_at).label("changed_at")
    query = sa.select(c.account, c.month, changed_at).select_from(posted_months.outerjoin(readings, known))
    query = query.where(c.company == company)
    if since is not None:
        query = query.where(changed_at >= since)
    if after is not None:
        account, month = after
        query = query.where(
            sa.or_(c.account_key > account, sa.and_(c.account_key == account, c.month > month))
        )
    rows = tx.execute(query.order_by(c.account_key, c.month).limit(most))
    return [Month(row.account, row.month, row.changed_at) for row in rows]


def sums(
    tx: sa.Connection, company: str, wanted: Collection[MonthKey], from_date: date | None
) -> dict[MonthKey, Sums]:
    """What is posted in these months, voided lines not added; one in which nothing ever was posted is left out."""
    accounts = _accounts_of(tx, company, wanted)
    c = postings.c
    query = _sums().where(_of(company), c.is_posted, c.month.in_({month for _, month in accounts}))
    if from_date is not None:
        query = query.where(c.date >= from_date)
    rows = select_in(tx, query, c.account_key, {account for account, _ in accounts})
    added = {(row.account_key, row.month): row for row in rows}
    return {key: _sums_of(account, added.get(key)) for key, account in accounts.items()}


def _accounts_of(tx: sa.Connection, company: str, wanted: Collection[MonthKey]) -> dict[MonthKey, str]:
    """Those of these months in which something was posted ever -> the account as the source writes it."""
    these, c = set(wanted), posted_months.c
    query = sa.select(c.account_key, c.month, c.account).where(c.company == company)
    rows = select_in(tx, query, c.account_key, {account for account, _ in these})
    return {
        (row.account_key, row.month): row.account for row in rows if (row.account_key, row.month) in these
    }


def _sums() -> sa.Select[tuple[object, ...]]:
    c = postings.c
    counts = c.is_voided.is_(False)

    def of_counting(column: sa.Column[object]) -> sa.Case[object]:
        return sa.case((counts, column))

    def total(column: sa.Column[Decimal], name: str) -> sa.Label[Decimal]:
        added = sa.func.sum(sa.case((counts, sa.type_coerce(column, sa.BigInteger)), else_=0))
        return sa.type_coerce(added, Amount).label(name)

    return sa.select(
        c.account_key,
        c.month,
        total(c.debit, "debit"),
        total(c.credit, "credit"),
        sa.func.count(of_counting(c.line)).label("line_count"),
        sa.func.min(of_counting(c.currency)).label("first_currency"),
        sa.func.max(of_counting(c.currency)).label("last_currency"),
        sa.func.min(of_counting(c.date)).label("first_on"),
        sa.func.max(of_counting(c.date)).label("last_on"),
    ).group_by(c.account_key, c.month)


def _sums_of(account: str, row: Found | None) -> Sums:
    if row is None:
        return Sums(account, Decimal(0), Decimal(0), (), 0, None, None)
    pair = [row.first_currency, row.last_currency]
    currencies = tuple(dict.fromkeys(one for one in pair if one is not None))
    return Sums(account, row.debit, row.credit, currencies, row.line_count, row.first_on, row.last_on)
