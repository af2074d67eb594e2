"""Zoho CRM as a source: what changed, what was deleted, and whole records, a hundred at once with their line items.

A list gives a hundred records for one credit and never their line items; COQL gives the line items of all of them for
one to three credits more. Only a single record read by its id comes with everything. So records are read by list and
COQL, and alone where there is but one, or where the two cannot be known to show the same moment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from functools import cached_property, partial
from itertools import islice
from typing import Any

from ml_connector.connectors.zoho_crm import coql, documents, reading, schema, wire
from ml_connector.connectors.zoho_crm.checks import allowed, tried
from ml_connector.connectors.zoho_crm.client import ZohoClient
from ml_connector.connectors.zoho_crm.deleted import list_deleted
from ml_connector.connectors.zoho_crm.documents import LINE, MADE, MODULES, STAMP, SourceModule
from ml_connector.connectors.zoho_crm.metadata import Metadata
from ml_connector.connectors.zoho_crm.target import CHEAP_ROWS, MAX_BATCH, MAX_FIELDS, MAX_ROWS, chunks
from ml_connector.core.change import Change, Page
from ml_connector.core.entity import Entity
from ml_connector.core.errors import ConfigurationError, NotPermittedError, RecordRejectedError
from ml_connector.core.load import NO_LOAD, Load
from ml_connector.core.ports import Absent, Check, Clock, Fetched, Unreadable
from ml_connector.core.record import Reading, Record

NOBODY = "1"  #: no record has this id: theirs have 18 digits and more
_AHEAD = 2  #: calls' worth of records that are read while others are worked on
#: The rows of a COQL query for two credits: enough for a hundred documents of ten lines.
_LINE_ROWS, _LINES_EACH = 1000, 10

Row = dict[str, Any]


class ZohoSource:
    """The records of some modules; implements ``core.ports.SourceWithDeletions``. Thread-safe."""

    def __init__(
        self,
        client: ZohoClient,
        clock: Clock,
        modules: Mapping[str, SourceModule] = MODULES,
        *,
        page_rows: int = MAX_ROWS,
    ) -> None:
        """``page_rows``: the most changes of one page, up to 2,000."""
        self.client = client
        self.entities: Mapping[str, Entity] = {name: module.entity() for name, module in modules.items()}
        self._clock = clock
        self._modules = modules
        self._page_rows = page_rows
        self._metadata = Metadata(client)
        self._without_query: set[str] = set()  # whose line items COQL does not give here
        self._pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="zoho-read")

    def close(self) -> None:
        """End the threads; the client is closed by who opened it."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    # -- the system

    def clock_difference(self) -> float:
        """Zoho's clock minus ours, seconds, good to about half a second."""
        return self.client.measure_clock()

    @cached_property
    def own_user(self) -> str:
        """The id of the user as whom we write: ``Modified_By.id`` of what we changed last. Asked once."""
        return str(self.client.current_user().get("id") or "")

    def labels(self, entity: str) -> Mapping[str, str]:
        """Nothing: no field is named by number only."""
        return {}

    def take_load(self) -> Load:
        """Nothing: what is asked of Zoho is counted in credits."""
        return NO_LOAD

    def checks(self, entities: Sequence[str]) -> list[Check]:
        """What ``ping`` tries for these: every call that reads them, of a record that is not there."""
        return [check for entity in entities for check in self._checks(self._modules[entity])]

    def _checks(self, module: SourceModule) -> Iterator[Check]:
        name, now = module.name, self._clock.now()
        yield tried(f"read {name} one by one", allowed, partial(self.client.get_record, name, NOBODY))
        yield tried(f"read {name} by the hundred", allowed, partial(self._heads, module, [NOBODY]))
        yield tried(f"query {name}", allowed, partial(self.list_changes, name, now, None))
        yield tried(f"read deleted {name}", allowed, partial(self.list_deleted, name, now))
        if module.lines:
            yield tried(f"query {module.lines}", self._try_lines, module)

    def _try_lines(self, module: SourceModule) -> str:
        self._without_query.discard(module.lines)
        self._lines(module, [NOBODY])
        if module.lines in self._without_query:
            return f"not possible: each of {module.name} is read by itself, for a credit"
        return "allowed"

    # -- what changed

    def list_changes(self, entity: str, since: datetime | None, after: str | None) -> Page[Change]:
        """A page by id of what changed at or after ``since``, by COQL, which sees what was written a moment ago.

        Of a few changes, 200 cost one credit; further pages have 2,000 for three.
        """
        first = CHEAP_ROWS if since is not None and after is None else MAX_ROWS
        limit, name = min(first, self._page_rows), schema.name_field(entity)
        columns = list(dict.fromkeys(["id", name, STAMP]))
        query = coql.candidates_query(entity, columns, since, after, limit)
        rows, more, answered_at = self.client.query_exactly(entity, query, limit)
        page = [
            Change(str(row["id"]), str(row.get(name) or ""), wire.instant(row.get(STAMP))) for row in rows
        ]
        return Page(page, page[-1].key if more and page else None, answered_at)

    def find_pointing(self, entity: str, lookup: str, record_id: str) -> list[str]:
        """The ids of records of ``entity``, up to 200, whose ``lookup`` is this record; one credit.

        By COQL, which sees what was written a moment ago.
        """
        query = coql.values_query(entity, ["id"], lookup, [coql.checked_id(record_id)], CHEAP_ROWS)
        rows, _more = self.client.query(entity, query, CHEAP_ROWS)
        return [str(row["id"]) for row in rows]

    def list_texts(self, entity: str, columns: Sequence[str]) -> Iterator[Record]:
        """Every record of ``entity`` with these texts and when it was made; 2,000 cost three credits. By COQL."""
        names, after = list(dict.fromkeys(["id", MADE, *columns])), ""
        while True:
            query = coql.candidates_query(entity, names, None, after or None, self._page_rows)
            read_at = self._clock.now()
            rows, more, _ = self.client.query_exactly(entity, query, self._page_rows)
            for row in rows:
                texts = {name: text for name in columns if isinstance(text := row.get(name), str)}
                yield Record(entity, str(row["id"]), {**texts, MADE: wire.instant(row.get(MADE))}, read_at)
            if not more or not rows:
                return
            after = str(rows[-1]["id"])

    def list_deleted(self, entity: str, since: datetime) -> list[Change]:
        """What was deleted at or after ``since``, each once, with when it was."""
        return list_deleted(self.client, entity, since)

    def list_readings(
        self, entity: str, facet: str, after: str | None, since: datetime | None = None
    ) -> Page[Reading]:
        """There are no facets: Zoho stamps a record whatever of it changes."""
        raise ValueError(f"{entity} has no facet {facet!r} ({after}, {since})")

    def follows(self, entity: str, facet: str) -> bool:
        """No."""
        return False

    # -- whole records

    def read_ahead(self, entity: str, keys: Sequence[str]) -> None:
        """Nothing: a hundred are read by a few calls, and the younger a reading the better."""

    def forget_ahead(self) -> None:
        """Nothing was read ahead."""

    def fetch(self, entity: str, keys: Sequence[str]) -> Iterator[Fetched]:
        """The records of these ids, in this order, a hundred at once, some of them ahead of the consumer."""
        portions = iter([list(portion) for portion in chunks(keys, MAX_BATCH)])
        ahead: deque[tuple[list[str], Future[dict[str, Fetched]]]] = deque()
        try:
            while True:
                for portion in islice(portions, _AHEAD - len(ahead)):
                    ahead.append((portion, self._pool.submit(self._fetch_some, entity, portion)))
                if not ahead:
                    return
                portion, future = ahead.popleft()
                found = future.result()
                yield from (found[key] for key in portion)
        finally:
            for _, future in ahead:
                future.cancel()
            wait([future for _, future in ahead if not future.cancelled()])

    def _fetch_some(self, entity: str, keys: Sequence[str]) -> dict[str, Fetched]:
        module, fetched_at = self._modules[entity], self._clock.now()
        ids = [key for key in dict.fromkeys(keys) if coql.is_id(key)]
        found: dict[str, Fetched] = {key: Absent(key, fetched_at) for key in keys}
        heads = self._heads(module, ids) if len(ids) > 1 else dict.fromkeys(ids)
        lines = self._lines(module, [key for key, head in heads.items() if head]) if module.lines else {}
        for key, head in heads.items():
            own = lines.get(key, [])
            if head is None or not _is_as_of(head, own) or (module.lines and not own):
                found[key] = self._fetch_one(module, key)
            else:
                found[key] = _made(module, key, head, own, fetched_at)
        return found

    def _fetch_one(self, module: SourceModule, key: str) -> Fetched:
        """The record by itself: everything is of one moment."""
        fetched_at = self._clock.now()
        row = self.client.get_record(module.name, key)
        if row is None:
            return Absent(key, fetched_at)
        _require(module.name, module.columns, _own(module.wanted), row)
        lines: list[Row] = (row.get(module.lines) or []) if module.lines else []
        for line in lines:
            _require(module.lines, module.line_columns, _of_lines(module.wanted), line)
        return _made(module, key, row, lines, fetched_at)

    def _heads(self, module: SourceModule, ids: Sequence[str]) -> dict[str, Row | None]:
        """The records without line items, by id; None: read it by itself. Those that are gone are left out.

        More columns than a list gives take several, which may show different moments.
        """
        columns = self._there(module.name, module.columns, _own(module.wanted))
        whole: dict[str, Row | None] = dict.fromkeys(ids)
        for number, names in enumerate(chunks([name for name in columns if name not in _ALWAYS], _COLUMNS)):
            rows = self.client.list_whole(module.name, ids, [*_ALWAYS, *names])
            for row in rows:
                _require(module.name, names, _own(module.wanted), row)
            part = {str(row.get("id")): row for row in rows}
            whole = {key: _joined(whole[key], part[key], number) for key in whole if key in part}
        return {
            key: head if head and not reading.may_be_cut(module, head) else None
            for key, head in whole.items()
        }

    def _lines(self, module: SourceModule, parents: Sequence[str]) -> dict[str, list[Row]]:
        """The line items by record, of those that have any; nothing at all where COQL does not give them."""
        if module.lines in self._without_query or not parents:
            return {}
        columns = self._there(module.lines, module.line_columns, _of_lines(module.wanted))
        try:
            return self._query_lines(module.lines, documents.line_query_columns(columns), parents)
        except NotPermittedError:
            raise
        except ConfigurationError:
            self._without_query.add(module.lines)  # too little is said of it to rely on it: one by one, then
            return {}

    def _query_lines(
        self, lines: str, columns: Sequence[str], parents: Sequence[str]
    ) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        limit = CHEAP_ROWS if len(parents) * _LINES_EACH <= CHEAP_ROWS else _LINE_ROWS
        after: str | None = None
        while True:
            query = coql.lines_query(lines, columns, parents, after, limit)
            rows, more = self.client.query_whole(lines, query, limit)
            for row in rows:
                found.setdefault(str(wire.plain(row.get(documents.PARENT))), []).append(row)
            if not more or not rows:
                return found
            after, limit = str(rows[-1]["id"]), MAX_ROWS

    # -- fields

    def _there(self, module: str, columns: Mapping[str, str], wanted: frozenset[str]) -> dict[str, str]:
        """The columns that the organisation has. ConfigurationError: one is missing that somebody named."""
        fields = self._metadata.with_fields(module, wanted).fields
        return {name: kind for name, kind in columns.items() if name == "id" or name in fields}


_ALWAYS = ("id", STAMP)  #: of each part of a record, so that parts of different moments are seen
_COLUMNS = MAX_FIELDS - len(_ALWAYS)


def _own(wanted: frozenset[str]) -> frozenset[str]:
    return frozenset(name for name in wanted if not name.startswith(LINE))


def _of_lines(wanted: frozenset[str]) -> frozenset[str]:
    return frozenset(name.removeprefix(LINE) for name in wanted if name.startswith(LINE))


def _joined(before: Row | None, part: Row, number: int) -> Row | None:
    """Two parts of a record; None: it changed between them."""
    if number == 0:
        return part
    return before | part if before is not None and before.get(STAMP) == part.get(STAMP) else None


def _is_as_of(head: Row, lines: Sequence[Row]) -> bool:
    """Whether the record was as ``head`` shows it when its line items were read: its stamp came with them."""
    at, name = wire.instant(head.get(STAMP)), f"{documents.PARENT}.{STAMP}"
    return all(wire.instant(line.get(name)) == at for line in lines)


def _made(module: SourceModule, key: str, row: Row, lines: Sequence[Row], fetched_at: datetime) -> Fetched:
    try:
        return reading.record_of(module, row, lines, fetched_at)
    except RecordRejectedError as error:
        return Unreadable(key, error, fetched_at)


def _require(module: str, names: Sequence[str] | Mapping[str, str], wanted: frozenset[str], row: Row) -> None:
    """A field that somebody named and that is there no more is not taken for an empty one."""
    if missing := sorted(name for name in names if name in wanted and name not in row):
        raise ConfigurationError(
            f"{module} has no field {', '.join(missing)} in Zoho (any more).",
            "Give it back in Zoho, or correct the settings.",
        )
