"""The general ledger as GP keeps it: accounts (GL00100), and journal entries with their lines in three states.

An entry is named by journal id, date and recurring sequence: a reversing entry has two dates under one journal id, a
recurring one is posted again and again. Posting moves an entry from Work (GL10000) to Open (GL20000), the year-end
close from Open to History (GL30000); each move makes new rows, and so new stamps (facts 3.1).
Amounts are whole cents, first of the company's own currency, then of the entry's. Stamps are aware UTC.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, NamedTuple

AccountType = Literal["Posting", "Unit", "Fixed Allocation", "Variable Allocation"]
State = Literal["Work", "Open", "History"]

SEQUENCE_STEP = 16384
"""Line sequence numbers go up by so much (facts 3.2)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of the account format (SY00300)."""

    number: int
    name: str
    length: int
    is_main: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """One account; category, posting type and typical balance only count for a posting account."""

    id: str
    description: str
    alias: str = ""
    type: AccountType = "Posting"
    category: str = ""
    posting_type: str = "BalanceSheet"
    typical_balance: str = "Debit"
    is_active: bool = True
    decimal_places: str = "Zero"
    distributions: tuple[tuple[str, int], ...] = ()  # (account, percent) of an allocation account
    user_defined1: str = ""
    user_defined2: str = ""
    created_on: date | None = None
    modified_at: datetime | None = None


class Origin(NamedTuple):
    """The document of another series that a line comes from."""

    control_id: str  # the voucher or document number within GP (ORCTRNUM)
    document: str  # ORDOCNUM: of a payables document the vendor's own number
    master_id: str  # ORMSTRID: the vendor or customer
    master_name: str  # ORMSTRNM
    type: int  # ORTRXTYP


class Line(NamedTuple):
    """One line of an entry; a line of a unit account has a quantity instead of money."""

    sequence: int
    account: str
    debit: int
    credit: int
    original_debit: int
    original_credit: int
    description: str = ""
    origin: Origin | None = None
    is_unit: bool = False


EntryKey = tuple[date, int, int, bool]  # date, journal id, recurring sequence, whether it is in Work
NumberKey = tuple[int, date, int]  # journal id, date, recurring sequence


@dataclass(frozen=True, slots=True)
class Entry:
    """One journal entry."""

    journal_id: int
    on: date
    lines: tuple[Line, ...]
    state: State = "Open"
    sequence: int = 0  # recurring sequence; of one in Work, how often it was posted
    fiscal_year: int = 0
    reference: str = ""
    source_document: str = "GJ"
    series: str = "Financial"
    currency: str = "USD"
    ledger: str = "Base"
    batch: str = ""
    is_recurring: bool = False
    is_voided: bool = False
    posted_by: str = "sa"
    modified_at: datetime | None = None

    @property
    def key(self) -> EntryKey:
        """What names it within the company, in the order of dates."""
        return self.on, self.journal_id, self.sequence, self.state == "Work"

    @property
    def number_key(self) -> NumberKey:
        """What names it beside its state, in the order of journal ids."""
        return self.journal_id, self.on, self.sequence

    @property
    def balance(self) -> int:
        """Debits less credits of the money lines, cents: nothing."""
        return sum(line.debit - line.credit for line in self.lines if not line.is_unit)


class Journals:
    """The entries of a company by key, with an index by date; safe for many threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        """For what has to be done in one go; may be taken again by who has it."""
        self._entries: dict[EntryKey, Entry] = {}
        self._keys: list[EntryKey] = []
        self._of: dict[int, list[EntryKey]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def load(self, entries: Iterable[Entry]) -> None:
        """Add many entries at once."""
        with self.lock:
            for entry in entries:
                self._entries[entry.key] = entry
                self._of.setdefault(entry.journal_id, []).append(entry.key)
            self._keys = sorted(self._entries)

    def put(self, entry: Entry) -> None:
        """Add or replace one entry."""
        with self.lock:
            if entry.key not in self._entries:
                insort(self._keys, entry.key)
                self._of.setdefault(entry.journal_id, []).append(entry.key)
            self._entries[entry.key] = entry

    def remove(self, entry: Entry) -> None:
        """Take one entry out."""
        with self.lock:
            del self._entries[entry.key]
            del self._keys[bisect_left(self._keys, entry.key)]
            self._of[entry.journal_id].remove(entry.key)

    def next_id(self) -> int:
        """A journal id that nothing has."""
        with self.lock:
            return max(self._of, default=0) + 1

    def of(self, journal_id: int) -> list[Entry]:
        """The entries of one journal id, by date and sequence."""
        with self.lock:
            return [self._entries[key] for key in sorted(self._of.get(journal_id, ()))]

    def within(self, low: date | None, high: date | None) -> Iterator[Entry]:
        """Yield the entries dated from low to high, both included, in the order of journal ids."""
        with self.lock:
            first = 0 if low is None else bisect_left(self._keys, (low, 0, 0, False))
            last = len(self._keys) if high is None else bisect_right(self._keys, (high, 1 << 31, 0, False))
            keys = sorted(self._keys[first:last], key=lambda key: (key[1], key[0], key[2]))
        found = map(self._entries.get, keys)
        return (entry for entry in found if entry is not None)

    def behind(self, key: NumberKey | None) -> Iterator[Entry]:
        """Yield the entries behind a key, or all, in the order of their number keys; what is posted before Work."""
        with self.lock:
            ids = sorted(number for number in self._of if key is None or number >= key[0])
        found = (entry for number in ids for entry in self.of(number))
        return (entry for entry in found if key is None or entry.number_key > key)

    def post(self, entry: Entry, at: datetime) -> Entry:
        """Move an entry from Work to Open; a recurring one stays in Work, a month later, for the next time."""
        with self.lock:
            posted = replace(
                entry,
                state="Open",
                sequence=entry.sequence + 1 if entry.is_recurring else 0,
                fiscal_year=entry.on.year,
                batch="",
                modified_at=at,
            )
            self.remove(entry)
            self.put(posted)
            if entry.is_recurring:
                self.put(replace(entry, on=_month_later(entry.on), sequence=posted.sequence, modified_at=at))
        return posted

    def open_until(self, year: int) -> list[Entry]:
        """What is open of a year and before it."""
        with self.lock:
            return [e for e in self._entries.values() if e.state == "Open" and e.fiscal_year <= year]

    def to_history(self, entries: Iterable[Entry], at: datetime) -> None:
        """Move these from Open to History, all under one stamp."""
        with self.lock:
            for entry in entries:
                self._entries[entry.key] = replace(entry, state="History", modified_at=at)


def _month_later(on: date) -> date:
    return date(on.year + on.month // 12, on.month % 12 + 1, min(on.day, 28))
