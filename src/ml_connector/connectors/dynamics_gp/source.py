"""Dynamics GP as a source: complete lists, whole records, and the parts of a record that GP stamps apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from ml_connector.connectors.dynamics_gp import errors, ledger, masters, meanings, schema, soap, tracks
from ml_connector.connectors.dynamics_gp.checks import Checks
from ml_connector.connectors.dynamics_gp.client import GpClient
from ml_connector.connectors.dynamics_gp.ledger import ACCOUNTS
from ml_connector.connectors.dynamics_gp.ledger_reader import LedgerReader
from ml_connector.connectors.dynamics_gp.listing import Lister, RowLimit
from ml_connector.connectors.dynamics_gp.masters import MASTERS
from ml_connector.connectors.dynamics_gp.owed import PayablesReader, by_record
from ml_connector.connectors.dynamics_gp.sba_reader import SbaReader
from ml_connector.connectors.dynamics_gp.schema import GpEntity, Listing
from ml_connector.connectors.dynamics_gp.soap import Where
from ml_connector.connectors.dynamics_gp.values import Tree, find, to_instant, to_text
from ml_connector.core.change import Change, Page
from ml_connector.core.entity import Entity
from ml_connector.core.errors import ConfigurationError, RecordRejectedError
from ml_connector.core.flow import Flow
from ml_connector.core.load import Load
from ml_connector.core.ports import Absent, Check, Cost, Fetched, KeptLimits, KnownLimit, Unreadable
from ml_connector.core.record import Reading, Record, digest, fold_key

_PARSING = 3  # threads beside the lanes: while one answer is parsed, its lane works on the next
_READ_AHEAD = 2000  # records, some thirty megabytes: the lanes work while all balances are listed
_ENTRIES_AHEAD = 200  # each may have thousands of lines, of nearly a kilobyte
_BATCH = 100  # the target writes so many at once; so many are read ahead, or the lanes would idle meanwhile
_SYSTEM_FAULTS_IN_A_ROW = 10  # then it is not the records: GP itself is unwell
_HINTS = (10, 100, 900)  # answers up to these lengths are proved with one small question
_SECOND = timedelta(seconds=1)

_WANTED = {name: gp.wanted() for name, gp in MASTERS.items()}


class GpSource:
    """The records of one GP company; implements ``core.ports.Source``. Thread-safe."""

    entities: Mapping[str, Entity] = {**masters.ENTITIES, **ledger.ENTITIES}

    def __init__(
        self, client: GpClient, sba: SbaReader | None = None, limits: KeptLimits | None = None
    ) -> None:
        """Read through ``client``, whose calls run on a pool of as many threads as there are lanes.

        ``sba`` reads the entities that the settings give to it, under the same gate. ``limits``: where what is learned
        of row limits is kept for later runs; none: it is learned in every run.
        """
        self._client = client
        self._sba = sba
        self._limits = limits
        lanes = client.config.max_requests
        self._look_ahead = 2 * lanes + _BATCH
        self._pool = ThreadPoolExecutor(lanes + _PARSING, thread_name_prefix="gp")
        self._list_pool = ThreadPoolExecutor(1, thread_name_prefix="gp-list")
        self._listers: dict[str, Lister] = {}  # by list operation
        self._marks: dict[str, list[str]] = {}  # entity -> where the pages of its last whole listing ended
        self._begun: dict[tuple[str, str], Future[Fetched]] = {}  # read ahead
        self._ledger = LedgerReader(client)
        self._owed = PayablesReader(client, self._lister, self._keep, self._pool.map)

    def close(self) -> None:
        """End the pool's threads and close the connections."""
        for pool in (self._pool, self._list_pool):
            pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()
        if self._sba is not None:
            self._sba.close()

    def clock_difference(self) -> float:
        """GP's clock minus ours, seconds, by a call."""
        return self._client.clock_difference()

    def cost(self) -> Cost:
        """What was asked of GP through this source so far."""
        return self._client.cost()

    def labels(self, entity: str) -> Mapping[str, str]:
        """What the company calls the segments of its account numbers: field -> name; of other entities nothing."""
        return self._ledger.segment_labels() if entity == ACCOUNTS.name else {}

    def take_load(self) -> Load:
        """What load this source put on GP since this was asked last."""
        return self._client.take_load()

    def list_changes(self, entity: str, since: datetime | None, after: str | None) -> Page[Change]:
        """One key range of what changed at or after ``since``, by ModifiedDate; see the port.

        GP has no "greater or equal" without an upper end, so one second less is asked for (facts.md 2.4).
        """
        if sba := self._by_sba(entity):
            return sba.list_changes(entity, since, after)
        gp = ledger.EVERY[entity]
        listing, where = gp.listing, self._ledger.where(gp)
        if since is not None:
            where = {**where, "ModifiedDate": {"GreaterThan": soap.instant_text(since - _SECOND)}}
        lister = self._lister(listing, after, where)
        rows, next_after = lister.page(after)
        self._keep(lister, rows if after is None and since is None else (), next_after)
        if after is None:
            self._marks[entity] = []
        if since is None and next_after is not None:
            self._marks.setdefault(entity, []).append(next_after)  # another process may have begun
        return Page([_change(gp, key, row) for key, row in self._keyed(gp, rows)], next_after)

    def _keyed(self, gp: GpEntity, rows: Sequence[Tree]) -> list[tuple[str, Tree]]:
        """The rows with the key of each; a journal entry's is made up of several values."""
        if gp is not ledger.JOURNALS:
            return [(schema.key_of(gp.listing.levels[0], row), row) for row in rows]
        try:
            return self._ledger.see(rows)
        except RecordRejectedError as error:
            raise ConfigurationError(f"{gp.listing.operation}: {error.happened}", error.remedy) from error

    def list_readings(
        self, entity: str, facet: str, after: str | None, since: datetime | None = None
    ) -> Page[Reading]:
        """One key range of a facet's present content; a record's rows are never split over two pages."""
        gp = MASTERS[entity]
        try:
            if facet == "emails":
                return Page([] if since is None else tracks.read(self._client, gp, since), None)
            if sba := self._by_sba(entity):
                if facet == "addresses" and sba.lists_addresses(entity):
                    return sba.list_addresses(entity)
                if not any(
                    known.brings_fields for known in self.entities[entity].facets if known.name == facet
                ):
                    sba.forget()  # what its lists brought is older than what is listed now
            listing = gp.facets[facet]
            if facet == "payables":
                return self._owed.everything(after) if since is None else self._owed.changed(after, since)
            lister = self._lister(listing, after, {}, self._marks.get(entity, ()))
            rows, next_after = lister.page(after)
            self._keep(lister, rows if after is None else (), next_after)
            if facet == "addresses":
                groups = by_record(listing, rows).values()
                readings = [_addresses(listing, group) for group in groups]
            else:
                readings = [_reading(gp, listing, row) for row in rows]
            return Page(readings, next_after)
        except RecordRejectedError as error:
            raise ConfigurationError(f"{facet} of {entity}: {error.happened}", error.remedy) from error

    def follows(self, entity: str, facet: str) -> bool:
        """Whether GP tells what changed: of documents always, of e-mail where its track is on and open to us."""
        if facet != "emails":
            return facet == "payables"
        try:
            return tracks.is_kept(self._client, MASTERS[entity])
        except ConfigurationError:
            return False  # the account may not ask, or the service has no such operation: ping tells

    def fetch(self, entity: str, keys: Sequence[str]) -> Iterator[Fetched]:
        """The records of these keys, in this order, read side by side and ahead of the consumer."""
        ahead: deque[Future[Fetched]] = deque()
        waiting = iter(keys)
        faults = 0
        try:
            while True:
                for key in islice(waiting, self._look_ahead - len(ahead)):
                    ahead.append(self._begin(entity, key))
                if not ahead:
                    return
                result = ahead.popleft().result()
                faults = faults + 1 if _is_system_fault(result) else 0
                _stop_at(faults)
                yield result
        except Exception:
            self.forget_ahead()  # what failed with it would fail the next attempt, too
            raise
        finally:
            for future in ahead:
                future.cancel()
            wait([future for future in ahead if not future.cancelled()])

    def read_ahead(self, entity: str, keys: Sequence[str]) -> None:
        """Begin to read these keys, as far as there is room: the lanes do not idle meanwhile."""
        most = _ENTRIES_AHEAD if self.entities[entity].each else _READ_AHEAD
        for key in keys:
            if len(self._begun) >= most:
                return
            if (entity, key) not in self._begun:
                self._begun[entity, key] = self._begin(entity, key)

    def _begin(self, entity: str, key: str) -> Future[Fetched]:
        begun = self._begun.pop((entity, key), None)
        if begun is not None and not _has_failed(begun):
            return begun
        return self._pool.submit(self._fetch_one, ledger.EVERY[entity], key)

    def forget_ahead(self) -> None:
        """Drop what was read ahead: in the next run it would be stale."""
        for future in self._begun.values():
            future.cancel()
        self._begun.clear()
        if self._sba is not None:
            self._sba.forget()

    def checks(
        self, entities: Sequence[str] = tuple(ledger.EVERY), flows: Sequence[Flow] = ()
    ) -> list[Check]:
        """What ``ping`` tries: reach, sign in, company, each operation that these entities need, the clocks.

        Of an entity that one of ``flows`` reads, only what that flow uses.
        """
        readers = {flow.entity.name: flow for flow in flows}
        asked = [(ledger.EVERY[name], readers.get(name)) for name in entities]
        return Checks(self._client, self._by_sba, self._ledger).of(asked)

    def _lister(self, listing: Listing, after: str | None, where: Where, marks: Sequence[str] = ()) -> Lister:
        """The reader of this listing; what is known of the row limit lasts for one, begun by ``after`` None."""
        lister = self._listers.get(listing.operation)
        if after is None or lister is None or (lister.listing, lister.where) != (listing, where):
            known = self._limits.find(listing.operation) if self._limits else KnownLimit()
            hints = known.hints or (lister.hints if lister else ())
            limit = RowLimit(limit=known.limit) if after is None or lister is None else lister.limit
            lister = Lister(
                listing, self._client.list_rows, limit, where, self._begin_list, tuple(marks), hints
            )
            self._listers[listing.operation] = lister
        return lister

    def _keep(self, lister: Lister, first: Sequence[Tree], next_after: str | None) -> None:
        """Keep what a listing taught, where it is news; ``first``: the first rows of a whole one."""
        operation = lister.listing.operation
        if first and lister.listing.levels[0].order is None:
            keys = [schema.key_of(lister.listing.levels[0], row) for row in first]
            lister.hints = tuple((size, keys[size]) for size in _HINTS if size < len(keys))
        if next_after is not None or self._limits is None:
            return
        known, limit = self._limits.find(operation), lister.limit
        still = known.limit if limit.longest <= (known.limit or 0) else None  # a longer answer disproved it
        learned = KnownLimit(limit.longest, limit.limit or still, tuple(lister.hints))
        is_stale = not known.longest
        if is_stale or (learned.limit, learned.hints) != (known.limit, known.hints):
            self._limits.keep(operation, learned)

    def _begin_list(self, listing: Listing, where: Where) -> Future[list[Tree]]:
        return self._list_pool.submit(self._client.list_rows, listing, where)

    def _fetch_one(self, gp: GpEntity, key: str) -> Fetched:
        fetched_at = self._client.clock.now()
        try:
            if sba := self._by_sba(gp.name):
                tree, fetched_at = sba.read(gp.name, key)  # the list may have brought it, earlier
            else:
                tree = self._by_soap(gp)(key)
            return Absent(key, fetched_at) if tree is None else self._made(gp)(key, tree, fetched_at)
        except RecordRejectedError as error:
            return Unreadable(key, error, fetched_at)

    def _by_soap(self, gp: GpEntity) -> Callable[[str], Tree | None]:
        """What reads one record of this entity by SOAP."""
        own = {ledger.ACCOUNTS.name: self._ledger.account, ledger.JOURNALS.name: self._ledger.entry}
        master = partial(self._client.read, gp.read_operation, wanted=_WANTED.get(gp.name))
        return own.get(gp.name) or master

    def _made(self, gp: GpEntity) -> Callable[[str, Tree, datetime], Record]:
        """What makes a record of it."""
        own = {
            ledger.ACCOUNTS.name: self._ledger.account_record,
            ledger.JOURNALS.name: self._ledger.entry_record,
        }
        sba = self._by_sba(gp.name)
        compared = sba is None or sba.lists_addresses(gp.name)
        return own.get(gp.name) or partial(_master, gp, compared=compared)

    def _by_sba(self, entity: str) -> SbaReader | None:
        """What reads this entity by SBA; None: it is read by SOAP."""
        return self._sba if self._sba is not None and self._sba.serves(entity) else None


def _master(gp: GpEntity, key: str, tree: Tree, fetched_at: datetime, *, compared: bool) -> Record:
    """A customer or vendor; ``compared``: its addresses have a list that this reading can be compared with."""
    fields, addresses = schema.flatten(gp, tree)
    own = str(fields[gp.fields[0].name] or "")  # as GP writes it, however it was asked for
    own_key = own if fold_key(own) == fold_key(key) else key
    return Record(gp.name, own_key, fields, fetched_at, {"addresses": addresses} if compared else {})


def _change(gp: GpEntity, key: str, row: Tree) -> Change:
    return Change(key, to_text(find(row, gp.listing.name)) or "", _stamp(row), ledger.day_of(gp.name, key))


def _stamp(row: Tree) -> datetime | None:
    try:
        return to_instant(row.get("ModifiedDate"))
    except RecordRejectedError:
        return None  # an unreadable stamp settles nothing: the record is simply read


def _addresses(listing: Listing, rows: list[Tree]) -> Reading:
    """A record's addresses bring no fields: a digest that differs says that the record has to be read again."""
    key = schema.key_of(listing.levels[0], rows[0])
    return Reading(key, listing.facet, {}, schema.address_digest(rows))


def _reading(gp: GpEntity, listing: Listing, row: Tree) -> Reading:
    fields = schema.facet_values(gp, listing.facet, row)
    return Reading(schema.key_of(listing.levels[0], row), listing.facet, fields, digest(fields))


def _stop_at(faults: int) -> None:
    """So many system faults in a row are not the records' own."""
    if faults >= _SYSTEM_FAULTS_IN_A_ROW:
        raise meanings.FAULTS_IN_A_ROW.error(count=faults)


def _has_failed(begun: Future[Fetched]) -> bool:
    return begun.cancelled() or (begun.done() and begun.exception() is not None)


def _is_system_fault(result: Fetched) -> bool:
    return isinstance(result, Unreadable) and result.error.code in errors.HIDDEN_CODES
