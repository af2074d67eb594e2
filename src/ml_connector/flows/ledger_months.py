"""A source over our own store: what was posted on each account in each month, summed from the postings that are kept.

It is for those to whom a record for each line is too much. A month is a record as soon as something was posted in it,
and stays one: where all of that is voided or was moved, with zeros. What is outside the limits is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from ml_connector.core.catalogue import MIXED_CURRENCIES, OWN_CODES
from ml_connector.core.change import Change, Page
from ml_connector.core.entity import Entity, SourceField
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.line_limits import LineLimits, Within
from ml_connector.core.load import Load
from ml_connector.core.ports import Absent, Clock, Fetched, Unreadable
from ml_connector.core.record import Fields, Reading, Record, Value, fold_key
from ml_connector.flows.within import category_of, find_accounts
from ml_connector.flows.work import chunked
from ml_connector.store import postings
from ml_connector.store.database import Database
from ml_connector.store.postings import Month, MonthKey, Sums

ACCOUNTS = "gl_accounts"  #: the entity that tells of an account what it is
#: What of an account stands with its months.
_OF_ACCOUNT = ("description", "category", "posting_type", "typical_balance")
#: Typical balance -> which side counts as positive there.
_SIGNS = {"debit": 1, "credit": -1}

_FIELDS = """
    account_month    text
    account          text
    description      text
    category         text
    posting_type     text
    typical_balance  text
    month            date
    year             integer
    period           text
    debit            money
    credit           money
    net              money
    amount           money
    currency         text
    line_count       integer
    first_date       date
    last_date        date
"""

ACCOUNT_MONTHS = Entity(
    "account_months",
    {name: SourceField(name, type_) for name, type_ in map(str.split, _FIELDS.strip().splitlines())},
    key="account_month",
)


class LedgerMonths:
    """The months of one company's accounts; implements ``core.ports.Source``. Thread-safe."""

    entities: Mapping[str, Entity] = {ACCOUNT_MONTHS.name: ACCOUNT_MONTHS}

    def __init__(
        self, database: Database, company: str, clock: Clock, limits: LineLimits, page_size: int = 5000
    ) -> None:
        """Read what is kept of ``company``; a page of a listing is made from so many months."""
        self._database = database
        self._company = company
        self._clock = clock
        self._limits = limits
        self._page_size = page_size

    def clock_difference(self) -> float:
        """None: what changed is stamped by our own clock."""
        return 0.0

    def list_changes(self, entity: str, since: datetime | None, after: str | None) -> Page[Change]:
        """One key range of the months whose postings, or whose account, changed at or after ``since``.

        An account whose category decides and is not known yet has none; once it is known, it has changed.
        """
        begins_after = None if after is None else _key_of(after)
        with self._database.read() as tx:
            found = postings.months(tx, self._company, ACCOUNTS, since, begins_after, self._page_size)
            known = find_accounts(tx, self._company, ACCOUNTS, {month.account for month in found})
        rows = [
            Change(_name(month), _name(month), month.changed_at)
            for month in found
            if self._lets_in(month.key, known)
        ]
        whole = len(found) < self._page_size
        return Page(rows, None if whole else "/".join(found[-1].key))

    def _lets_in(self, key: MonthKey, known: Mapping[str, Fields]) -> bool:
        account, month = key
        within = self._limits.of_account(account, category_of(known.get(account)))
        return self._limits.lets_in_month(month) and within is Within.YES

    def list_readings(
        self, entity: str, facet: str, after: str | None, since: datetime | None = None
    ) -> Page[Reading]:
        """Nothing: a month has no facets."""
        return Page([], None)

    def follows(self, entity: str, facet: str) -> bool:
        """Nothing: a month has no facets."""
        return False

    def fetch(self, entity: str, keys: Sequence[str]) -> Iterator[Fetched]:
        """The months of these keys, in this order, each summed at the instant at which it is read."""
        for some in chunked(keys, self._page_size):
            fetched_at = self._clock.now()
            wanted = {key: _key_of(key) for key in some}
            with self._database.read() as tx:
                known = find_accounts(
                    tx, self._company, ACCOUNTS, {account for account, _ in wanted.values()}
                )
                there = [month for month in set(wanted.values()) if self._lets_in(month, known)]
                sums = postings.sums(tx, self._company, there, self._limits.from_date)
            for key in some:
                yield _fetched(key, sums.get(wanted[key]), known.get(wanted[key][0], {}), fetched_at)

    def read_ahead(self, entity: str, keys: Sequence[str]) -> None:
        """Nothing is slow here."""

    def forget_ahead(self) -> None:
        """Nothing is read ahead."""

    def labels(self, entity: str) -> Mapping[str, str]:
        """None of its fields is named by number."""
        return {}

    def take_load(self) -> Load:
        """None: no system is asked."""
        return Load()


def _name(month: Month) -> str:
    return f"{month.account}/{month.month}"


def _key_of(key: str) -> MonthKey:
    """The account, which may have a stroke in itself, and the month."""
    account, _, month = fold_key(key).rpartition("/")
    return account, month


def _fetched(key: str, sums: Sums | None, account: Fields, fetched_at: datetime) -> Fetched:
    if sums is None:
        return Absent(key, fetched_at)
    if len(sums.currencies) > 1:
        error = RecordRejectedError(
            f"The lines of {key} are in {' and '.join(sums.currencies)}: they are not added up.",
            OWN_CODES[MIXED_CURRENCIES].remedy,
            code=MIXED_CURRENCIES,
        )
        return Unreadable(key, error, fetched_at)
    own = f"{sums.account}/{_key_of(key)[1]}"  # as the source writes it, however it was asked for
    return Record(ACCOUNT_MONTHS.name, own, _fields(own, sums, account), fetched_at)


def _fields(key: str, sums: Sums, account: Fields) -> dict[str, Value]:
    """Net is debit less credit; the amount is that in the direction of the account's typical balance, if it has one."""
    begins = date.fromisoformat(f"{key.rpartition('/')[2]}-01")
    net = sums.debit - sums.credit
    sign = _SIGNS.get(str(account.get("typical_balance") or "").casefold())
    return {
        "account_month": key,
        "account": sums.account,
        **{name: account.get(name) for name in _OF_ACCOUNT},
        "month": begins,
        "year": begins.year,
        "period": f"{begins:%Y-%m}",
        "debit": sums.debit,
        "credit": sums.credit,
        "net": net,
        "amount": net * Decimal(sign) if sign else None,
        "currency": next(iter(sums.currencies), "") or None,
        "line_count": sums.line_count,
        "first_date": sums.first_on,
        "last_date": sums.last_on,
    }
