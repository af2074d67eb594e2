"""The records of one module with their indexes.

A stored row is never changed, only replaced: a reader that holds one needs no lock. Every method here expects the
organisation's lock to be held, unless it says otherwise.
"""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from ml_connector.simulators.zoho.metadata import Module

Row: TypeAlias = dict[str, Any]
"""API name to stored value (see values.py); empty fields are absent. Always has id, Created_Time and Modified_Time."""

_COMPACT_AT = 1_024


def _folded(value: Any) -> Any:  # noqa: ANN401 -- any stored value
    return value.lower() if value.__class__ is str else value


@dataclass(frozen=True, slots=True)
class Deleted:
    """A record that is gone."""

    id: str
    display_name: str | None
    type: str
    """`recycle` or `permanent`."""
    deleted_at: int
    deleted_by: str
    row: Row


class Table:
    """Rows by id, in id order, in order of Modified_Time, and by the values of single fields."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.rows: dict[str, Row] = {}
        self.ids: list[str] = []
        self.modified: list[tuple[int, str]] = []
        """(Modified_Time, id) in order; entries of rows changed since are stale and are skipped."""
        self.deleted: dict[str, Deleted] = {}
        self.recent: deque[tuple[float, str, Row | None]] = deque()
        """What rows were before they changed, for the search index that lags."""
        self.last_number = 0
        self._keys: dict[str, dict[str, str]] = {name: {} for name in module.keys}
        self._equal: dict[str, dict[str, set[str]]] = {}

    def alter(self, module: Module) -> None:
        """New fields."""
        self.module = module
        for name in module.keys:
            self._keys.setdefault(name, {})

    def rebuild(self, module: Module, rows: dict[str, Row]) -> None:
        """Other fields, and the same rows as they are with them; ValueError when a unique field has a value twice."""
        keys: dict[str, dict[str, str]] = {name: {} for name in module.keys}
        for row_id, row in rows.items():
            for name, index in keys.items():
                if name in row and index.setdefault(_folded(row[name]), row_id) != row_id:
                    raise ValueError(f"{name} has a value twice: {row[name]}")
        self.module, self.rows, self._keys = module, rows, keys
        self._equal.clear()
        self.recent.clear()

    def insert(self, row: Row) -> None:
        """A new row; its keys must be free (see `clashes`)."""
        row_id = row["id"]
        if self.ids and row_id < self.ids[-1]:
            insort(self.ids, row_id)  # a restored record comes back with its old id
        else:
            self.ids.append(row_id)
        self.rows[row_id] = row
        self._note_modified(row["Modified_Time"], row_id)
        for name, index in self._keys.items():
            if name in row:
                index[_folded(row[name])] = row_id
        for name, several in self._equal.items():
            if name in row:
                several.setdefault(_folded(row[name]), set()).add(row_id)

    def replace(self, row: Row) -> None:
        """Another version of a row that is here; its keys must be free."""
        row_id = row["id"]
        old = self.rows[row_id]
        self.rows[row_id] = row
        if row["Modified_Time"] != old["Modified_Time"]:
            self._note_modified(row["Modified_Time"], row_id)
        self._unindex(old)
        for name, index in self._keys.items():
            if name in row:
                index[_folded(row[name])] = row_id
        for name, several in self._equal.items():
            if name in row:
                several.setdefault(_folded(row[name]), set()).add(row_id)

    def remove(self, row_id: str) -> Row:
        """Takes a row out; KeyError when there is none."""
        row = self.rows.pop(row_id)
        del self.ids[bisect_left(self.ids, row_id)]
        self._unindex(row)
        return row

    def clashes(self, row: Row) -> list[tuple[str, str]]:
        """(unique field, id of the other row) for each value that another row has; letters' case does not matter."""
        found = []
        for name, index in self._keys.items():
            value = row.get(name)
            if value is not None:
                other = index.get(_folded(value))
                if other is not None and other != row.get("id"):
                    found.append((name, other))
        return found

    def having(self, name: str, value: Any) -> list[str]:  # noqa: ANN401 -- any stored value
        """Ids of rows with this value in a field, ascending, without regard to case; the first call builds an index."""
        folded = _folded(value)
        if name == "id":
            return [value] if value in self.rows else []
        if name in self._keys:
            found = self._keys[name].get(folded)
            return [found] if found is not None else []
        if name not in self._equal:
            self._equal[name] = self._index(name)
        return sorted(self._equal[name].get(folded, ()))

    def ids_between(self, above: str, below: str | None) -> list[str]:
        """Ids from `above` (exclusive) to `below` (exclusive; None: the end), ascending."""
        return self.ids[
            bisect_right(self.ids, above) : None if below is None else bisect_left(self.ids, below)
        ]

    def modified_since(self, at: int) -> Iterator[str]:
        """Ids of rows modified at this second or later, in order of (Modified_Time, id); to be read under the lock."""
        rows = self.rows
        tail = self.modified[bisect_left(self.modified, (at, "")) :]
        return (row_id for when, row_id in tail if row_id in rows and rows[row_id]["Modified_Time"] == when)

    def modified_between(self, at: int, first: str, last: str) -> list[str]:
        """Ascending ids from `first` to `last` among which are all rows modified at this second or later; quick."""
        tail = self.modified[bisect_left(self.modified, (at, "")) :]
        return sorted({row_id for _, row_id in tail if first <= row_id <= last})

    def count_modified_since(self, at: int) -> int:
        """Not fewer than there are, quickly."""
        return len(self.modified) - bisect_left(self.modified, (at, ""))

    def remember(self, now: float, lag_seconds: float, before: list[tuple[str, Row | None]]) -> None:
        """Keeps what rows were before they changed, as long as the search index lags."""
        recent = self.recent
        while recent and recent[0][0] <= now - lag_seconds:
            recent.popleft()
        if lag_seconds > 0:
            recent.extend((now, row_id, row) for row_id, row in before)

    def _note_modified(self, at: int, row_id: str) -> None:
        entry = (at, row_id)
        if not self.modified or entry > self.modified[-1]:
            self.modified.append(entry)
        else:
            place = bisect_left(self.modified, entry)
            if place == len(self.modified) or self.modified[place] != entry:
                self.modified.insert(place, entry)
        if len(self.modified) > 2 * len(self.rows) + _COMPACT_AT:
            self.modified = sorted((row["Modified_Time"], row_id) for row_id, row in self.rows.items())

    def _index(self, name: str) -> dict[str, set[str]]:
        index: dict[str, set[str]] = {}
        for row_id, row in self.rows.items():
            if name in row:
                index.setdefault(_folded(row[name]), set()).add(row_id)
        return index

    def _unindex(self, row: Row) -> None:
        for name, index in self._keys.items():
            if name in row:
                index.pop(_folded(row[name]), None)
        for name, several in self._equal.items():
            if name in row:
                several[_folded(row[name])].discard(row["id"])
