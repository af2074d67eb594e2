"""Tables of records by key, in the order of the database's collation, with an index of their stamps."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from ml_connector.simulators.gp.collation import collation_key

EMPTY_DATE = datetime(1900, 1, 1, tzinfo=UTC)
"""What GP keeps, compares and answers where a date is empty (facts 3)."""


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Bounds of collation keys, both included; None is open."""

    low: str | None = None
    high: str | None = None


class Keyed(Protocol):
    """What a table can hold."""

    @property
    def id(self) -> str: ...

    @property
    def modified_at(self) -> datetime | None: ...


Row = TypeVar("Row", bound=Keyed)
StampKey = tuple[datetime, str]


class KeyedTable(Generic[Row]):
    """Rows by key, in collation order, with an index of their stamps; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, Row] = {}
        self._keys: list[str] = []
        self._stamps: list[StampKey] = []

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, row_id: str) -> Row | None:
        """Return the row with this id, compared as the collation does."""
        return self._rows.get(collation_key(row_id))

    def load(self, rows: Iterable[Row]) -> None:
        """Add many rows at once; a later one replaces an earlier one of the same key."""
        with self._lock:
            self._rows.update((collation_key(row.id), row) for row in rows)
            self._keys = sorted(self._rows)
            self._stamps = sorted((r.modified_at or EMPTY_DATE, k) for k, r in self._rows.items())

    def put(self, row: Row) -> None:
        """Add or replace one row."""
        key = collation_key(row.id)
        with self._lock:
            self._forget_stamp(key)
            if key not in self._rows:
                insort(self._keys, key)
            self._rows[key] = row
            insort(self._stamps, (row.modified_at or EMPTY_DATE, key))

    def remove(self, row_id: str) -> Row | None:
        """Take a row out and return it, or None where there was none."""
        key = collation_key(row_id)
        with self._lock:
            self._forget_stamp(key)
            row = self._rows.pop(key, None)
            if row is not None:
                del self._keys[bisect_left(self._keys, key)]
        return row

    def _forget_stamp(self, key: str) -> None:
        old = self._rows.get(key)
        if old is not None:
            del self._stamps[bisect_left(self._stamps, (old.modified_at or EMPTY_DATE, key))]

    def rows(self, within: KeyRange = KeyRange()) -> Iterator[Row]:
        """Yield the rows of a key range in key order, as they were when the range was taken."""
        with self._lock:
            low = 0 if within.low is None else bisect_left(self._keys, within.low)
            high = len(self._keys) if within.high is None else bisect_right(self._keys, within.high)
            keys = self._keys[low:high]
        return self._present(keys)

    def rows_stamped(self, low: datetime | None, high: datetime | None) -> Iterator[Row] | None:
        """Yield, in key order, the rows stamped from low to high, both included; None where that is no shortcut."""
        with self._lock:
            first = 0 if low is None else bisect_left(self._stamps, (low, ""))
            last = len(self._stamps) if high is None else bisect_right(self._stamps, (high, "\U0010ffff"))
            if (last - first) * 4 > len(self._keys):
                return None
            keys = [key for _, key in self._stamps[first:last]]
        return self._present(sorted(keys))

    def _present(self, keys: Iterable[str]) -> Iterator[Row]:
        found = map(self._rows.get, keys)
        return (row for row in found if row is not None)
