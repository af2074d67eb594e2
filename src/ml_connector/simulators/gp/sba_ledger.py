"""The general ledger by SBA: the Financial series of one customer's own dictionary ``ZohoSync``; nothing that ships.

Accounts stand under their numbers. A journal entry stands under journal id, date and recurring sequence, joined by
``;``: ``JournalEntries(3003;2026-02-01;2)``. One in Work is not in a sequence yet; it stands under 0, though its row
says how often it was posted. Pages follow journal id, date and sequence, and a key is never divided over two of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby, islice

from ml_connector.simulators.gp import sba_json
from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.ledger import Entry, NumberKey
from ml_connector.simulators.gp.sba_request import Asked, Place, RefusedError, Resource, not_there
from ml_connector.simulators.gp.tables import EMPTY_DATE, KeyRange

_ACCOUNTS, _ENTRIES = "Accounts", "JournalEntries"
Shown = tuple[str, object]


def _account(asked: Asked) -> Shown:
    found = asked.company.accounts.get(asked.key or "")
    if found is None:
        raise not_there()
    return "Account", sba_json.account(found, asked.company)


def _accounts(asked: Asked) -> Shown:
    return _ACCOUNTS, [sba_json.account_summary(row) for row in asked.company.accounts.rows()]


def _accounts_modified(asked: Asked) -> Shown:
    rows, since = asked.company.accounts.rows(), asked.since
    changed = (row for row in rows if (row.modified_at or EMPTY_DATE) >= since)
    return _ACCOUNTS, [sba_json.account(row, asked.company) for row in changed]


def _account_pages(asked: Asked) -> Shown:
    low = collation_key(asked.key) if asked.key else None
    rows = asked.company.accounts.rows(KeyRange(low=low))
    behind = (row for row in rows if low is None or collation_key(row.id) != low)
    return _ACCOUNTS, [sba_json.account(row, asked.company) for row in islice(behind, asked.page_rows)]


def _entry(asked: Asked) -> Shown:
    journal_id, on, sequence = _key(asked.key or "")
    there = [entry for entry in asked.company.journals.of(journal_id) if entry.on == on]
    found = [entry for entry in there if (0 if entry.state == "Work" else entry.sequence) == sequence]
    if not found:
        raise not_there()
    return "JournalEntry", sba_json.entry(found[0])


def _entries(asked: Asked) -> Shown:
    return _ENTRIES, [sba_json.entry_summary(entry) for entry in asked.company.journals.within(None, None)]


def _entries_modified(asked: Asked) -> Shown:
    rows, since = asked.company.journals.within(None, None), asked.since
    return _ENTRIES, [sba_json.entry(row) for row in rows if (row.modified_at or EMPTY_DATE) >= since]


def _entry_pages(asked: Asked) -> Shown:
    behind = asked.company.journals.behind(_key(asked.key) if asked.key else None)
    return _ENTRIES, [sba_json.entry(entry) for entry in _whole_keys(behind, asked.page_rows)]


def _whole_keys(entries: Iterable[Entry], most: int) -> Iterator[Entry]:
    """Yield so many entries, and what stands under the same key as the last of them."""
    count = 0
    for _, same in groupby(entries, key=lambda entry: entry.number_key):
        if count >= most:
            return
        for entry in same:
            count += 1
            yield entry


def _key(said: str) -> NumberKey:
    try:
        journal_id, on, sequence = said.split(";")
        return int(journal_id), date.fromisoformat(on), int(sequence)
    except ValueError as error:
        raise RefusedError(400, f"The key {said} is not journal id, date and sequence.") from error


#: Name -> what it answers without a key, and with one.
_RESOURCES: dict[str, tuple[Resource, Resource]] = {
    _ACCOUNTS: (_accounts, _account),
    "AccountsModified": (_accounts_modified, _accounts_modified),
    "AccountPages": (_account_pages, _account_pages),
    _ENTRIES: (_entries, _entry),
    "JournalEntriesModified": (_entries_modified, _entries_modified),
    "JournalEntryPages": (_entry_pages, _entry_pages),
}
NAMES = tuple(_RESOURCES)
RESOURCES: dict[Place, Resource] = {
    (("zohosync", "financial", name.lower()), with_key): run
    for name, runs in _RESOURCES.items()
    for with_key, run in zip((False, True), runs, strict=True)
}
