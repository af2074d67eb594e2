"""Reading accounts and journal entries, one call each where what was listed is still at hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import cached_property, partial

from ml_connector.connectors.dynamics_gp import ledger, meanings, soap
from ml_connector.connectors.dynamics_gp.client import GpClient
from ml_connector.connectors.dynamics_gp.ledger import (
    ACCOUNTS,
    ENTRY_WANTED,
    JOURNALS,
    AccountFormat,
    EntryKey,
    Place,
)
from ml_connector.connectors.dynamics_gp.schema import GpEntity
from ml_connector.connectors.dynamics_gp.soap import Where
from ml_connector.connectors.dynamics_gp.values import Tree
from ml_connector.core.record import Record, fold_key

_NOBODY = "~nobody~"  # an account that no company has


class LedgerReader:
    """Reads the ledger of one company. Thread-safe."""

    def __init__(self, client: GpClient) -> None:
        """Read through ``client``."""
        self._client = client
        self._years: dict[date, int] = {}  # a day lies in one fiscal year: that tells where an entry is found
        self._in_work: set[str] = set()  # keys
        self._lock = threading.Lock()

    def where(self, gp: GpEntity) -> Where:
        """What holds for all of an entity's list."""
        unposted = self._client.config.unposted_entries
        return ledger.wanted_states(unposted=unposted) if gp is JOURNALS else {}

    def see(self, rows: Sequence[Tree]) -> list[tuple[str, Tree]]:
        """The entries that these rows list, once each: of one that moves meanwhile, the row that is further on."""
        seen: dict[str, tuple[str, Tree, Place]] = {}
        for row in rows:
            key, place = ledger.key_of_row(row), ledger.place_of_row(row)
            known = seen.get(key)
            if known is None or place.rank > known[2].rank:
                seen[key] = key, row, place
        for key, _, place in seen.values():
            self._remember(key, place)
        return [(key, row) for key, row, _ in seen.values()]

    def _remember(self, key: str, place: Place) -> None:
        if place.state not in ledger.POSTED:
            self._in_work.add(key)
            return
        self._in_work.discard(key)
        wanted = ledger.read_key(key)
        if wanted is not None and place.fiscal_year is not None:
            self._years[wanted.on] = place.fiscal_year

    def account(self, key: str) -> Tree | None:
        """One account, whatever its type, by SOAP."""
        wanted, argument = ledger.ACCOUNT_WANTED, soap.account_key(key)
        tree = self._client.read_by(ACCOUNTS.read_operation, argument, wanted)
        if tree is not None and not ledger.is_whole_account(tree):
            tree = self._client.read_by(ledger.POSTING_ACCOUNT, argument, wanted)
        return tree

    def entry(self, key: str) -> Tree | None:
        """One journal entry with its lines, by SOAP."""
        wanted = ledger.read_key(key)
        return None if wanted is None else self._read(wanted)

    def account_record(self, key: str, tree: Tree, fetched_at: datetime) -> Record:
        """An account as a record, whichever service it came by."""
        fields = ledger.flatten_account(tree, None if ledger.SEGMENTS_AT in tree else self._format)
        own = str(fields["account_id"] or "")
        return Record(ACCOUNTS.name, own if fold_key(own) == fold_key(key) else key, fields, fetched_at)

    def entry_record(self, key: str, tree: Tree, fetched_at: datetime) -> Record:
        """A journal entry as a record, whichever service it came by."""
        wanted = ledger.read_key(key)
        assert wanted is not None, key  # it was read by it
        fields, lines = ledger.flatten_entry(tree, wanted)
        return Record(JOURNALS.name, key, fields, fetched_at, parts=lines)

    def segment_labels(self) -> dict[str, str]:
        """What the company calls the segments of its account numbers: field -> name."""
        names = enumerate(self._format.names, 1)
        return {f"segment.{number}": name or f"Segment {number}" for number, name in names}

    def _read(self, key: EntryKey) -> Tree | None:
        """The entry where it was listed last; where it is not (any more), the list is asked where it is now."""
        place = self._place(key)
        tree = None if place is None else self._read_at(key, place)
        if tree is None and (found := self._find(key)) is not None:
            tree = self._read_at(key, found)
        return tree

    def _place(self, key: EntryKey) -> Place | None:
        if str(key) in self._in_work:
            return Place(ledger.WORK)
        year = self._years.get(key.on)
        return None if year is None else Place("Open", year)

    def _find(self, key: EntryKey) -> Place | None:
        where = {**self.where(JOURNALS), **ledger.of_key(key)}
        rows = [row for row in self._client.list_rows(JOURNALS.listing, where) if ledger.same_entry(row, key)]
        return max(map(ledger.place_of_row, rows), key=lambda place: place.rank, default=None)

    def _read_at(self, key: EntryKey, place: Place) -> Tree | None:
        if place.state not in ledger.POSTED:
            argument = soap.journal_key(key.journal_id, key.on, None)
            return self._client.read_by(ledger.WORK_OPERATION, argument, ENTRY_WANTED)
        if place.fiscal_year is None:
            raise meanings.NO_FISCAL_YEAR.error(key=key)
        argument = soap.journal_key(key.journal_id, key.on, (key.sequence, place.fiscal_year))
        return self._client.read_by(ledger.POSTED_OPERATION, argument, ENTRY_WANTED)

    def tries(self, gp: GpEntity) -> dict[str, Callable[[], object]]:
        """Operation -> a call that proves the right to it and reads nobody; of no entity of the ledger: none."""
        reads = {
            ACCOUNTS.name: [(name, soap.account_key(_NOBODY)) for name in ledger.ACCOUNT_OPERATIONS],
            JOURNALS.name: [
                (name, soap.journal_key(0, date(2000, 1, 1), posted)) for name, posted in self._by_state()
            ],
        }.get(gp.name, [])
        tries: dict[str, Callable[[], object]] = {
            name: partial(self._client.read_by, name, key) for name, key in reads
        }
        return tries | (self.format_tries() if gp is ACCOUNTS else {})

    def format_tries(self) -> dict[str, Callable[[], object]]:
        """The same for the segments of account numbers."""
        return {ledger.FORMAT.operation: partial(self._client.list_rows, ledger.FORMAT, {})}

    def _by_state(self) -> list[tuple[str, tuple[int, int] | None]]:
        """The operations for what is read, with the shape of a key that nothing has."""
        posted: list[tuple[str, tuple[int, int] | None]] = [(ledger.POSTED_OPERATION, (0, 2000))]
        return [*posted, (ledger.WORK_OPERATION, None)] if self._client.config.unposted_entries else posted

    @property
    def _format(self) -> AccountFormat:
        with self._lock:  # asked for once, however many threads wait for it
            return self._asked_format

    @cached_property
    def _asked_format(self) -> AccountFormat:
        rows = self._client.list_rows(ledger.FORMAT, {})
        return ledger.account_format(rows, self._client.separator())
