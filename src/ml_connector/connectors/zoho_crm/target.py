"""Zoho CRM as a target: what the flows write to and recognise records in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from ml_connector.connectors.zoho_crm import bulk, coql, errors, limits, schema, wire
from ml_connector.connectors.zoho_crm.checks import Checks
from ml_connector.connectors.zoho_crm.client import ZohoClient
from ml_connector.connectors.zoho_crm.deleted import list_deleted
from ml_connector.connectors.zoho_crm.metadata import Metadata
from ml_connector.connectors.zoho_crm.modules import ModuleMaker
from ml_connector.connectors.zoho_crm.provision import Provisioner
from ml_connector.connectors.zoho_crm.schema import LAYOUT
from ml_connector.core.change import Page
from ml_connector.core.errors import RetryableError
from ml_connector.core.needs import FieldNeed, FieldShape, FieldState, ModuleNeed, ModuleState
from ml_connector.core.ports import (
    BulkFile,
    Candidate,
    Candidates,
    Check,
    JobState,
    Standing,
    Wanted,
    Write,
    WriteResult,
)
from ml_connector.core.write_plan import WritePrices

MAX_BATCH = 100  #: records of one insert or update, ids of one list, values of one COQL "in"
MAX_FIELDS = 50  #: fields of one list
MAX_ROWS = 2000  #: rows of one COQL query
CHEAP_ROWS = 200  #: rows of a COQL query for one credit


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation of Zoho."""

    org_id: str
    currency: str  #: ISO code


class ZohoTarget:
    """Implements the port ``Target``. Thread-safe."""

    def __init__(self, client: ZohoClient) -> None:
        self.client = client
        self._metadata = Metadata(client)
        self._provisioner = Provisioner(client, self._metadata)
        self._modules = ModuleMaker(client)

    def close(self) -> None:
        """Close the client's connections."""
        self.client.close()

    # -- records

    def write(
        self,
        module: str,
        batch: Sequence[Write],
        trigger: Sequence[str] = (),
        *,
        unmodified_since: datetime | None = None,
    ) -> list[WriteResult]:
        """Create or update up to 100 records in one call, one result each, same order.

        ``trigger`` are automations that it may start beside those of the settings. ``Layout`` may be a name.
        ``unmodified_since``: what was changed later than in that second is refused as overtaken.
        RetryableError may leave the batch written or not. ConfigurationError if a field does not exist: Zoho drops
        the values of unknown fields without a word.
        """
        if not batch:
            return []
        if len(batch) > MAX_BATCH or len({write.target_id is None for write in batch}) > 1:
            raise ValueError("a batch is up to 100 records, all to create or all to update")
        meta = self._metadata.with_fields(module, {name for write in batch for name in write.fields})
        named = [self._with_layout_id(module, write) for write in batch]
        items = self.client.write(module, meta, named, trigger, unmodified_since)
        return [errors.write_result(item, write.target_id) for item, write in zip(items, batch, strict=True)]

    def _with_layout_id(self, module: str, write: Write) -> Write:
        layout = write.fields.get(LAYOUT)
        if not isinstance(layout, str):
            return write
        return replace(write, fields={**write.fields, LAYOUT: self._metadata.layout_id(module, layout)})

    # -- many records

    def write_prices(self, module: str) -> WritePrices:
        """What writing costs in this module.

        Bulk jobs are not to be had where the settings say so, for modules with line items, in a data centre without a
        known host for uploads, and where our writes are to start automations: a job cannot say which.
        """
        config = self.client.config
        possible = config.bulk_write and not config.trigger and bool(schema.upload_url(config))
        return limits.write_prices(bulk=possible and schema.takes_bulk_jobs(module))

    def takes_in_bulk(self, module: str, write: Write) -> bool:
        """Whether a row of a bulk job says exactly this: it can empty nothing, and choose no layout."""
        return schema.takes_bulk_jobs(module) and bulk.is_exact(write)

    def upload(self, module: str, writes: Iterable[Write], key: str) -> BulkFile:
        """Hand over the rows of a bulk job, all creates or all updates; ``writes`` is gone through twice.

        A file has a greatest size: of rows with long texts it takes the first ones, and says how many.
        """
        columns = bulk.columns_of(writes, key)
        self._metadata.with_fields(module, set(columns) - {"id"})
        name = bulk.file_name(module)
        content, rows = bulk.zipped(name, writes, columns)
        file_id = self.client.upload(self._org_id, name, content)
        return BulkFile(file_id, module, columns[0] != "id", columns, rows)

    def start_job(self, file: BulkFile) -> str:
        """Have these rows written; the job's id. RetryableError: it may have begun; NotDoneError: it has not."""
        return self.client.start_job(self._metadata.fields(file.module), file)

    def job_state(self, job_id: str) -> JobState:
        """How far the job is."""
        return self.client.get_job(job_id)

    def job_results(self, file: BulkFile, url: str) -> Mapping[str, WriteResult | None]:
        """What became of each row, by its id or its key, folded; None: the ordinary call is to tell."""
        return self.client.get_results(file, url)

    @cached_property
    def _org_id(self) -> str:
        return self.organisation().org_id

    def read(self, module: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, dict[str, object]]:
        """The present values of these records as Zoho states them (JSON; fractions as Decimal), by id.

        A lookup is the id of the record that it points to. A record that Zoho no longer has is left out. Lists give
        no subform rows and 500 characters of rich text.
        """
        found: dict[str, dict[str, object]] = {}
        for some_ids in chunks(list(dict.fromkeys(ids)), MAX_BATCH):
            found |= self._read_some(module, some_ids, fields)
        return found

    def _read_some(
        self, module: str, ids: Sequence[str], fields: Sequence[str]
    ) -> dict[str, dict[str, object]]:
        """Up to 100 records; more fields than one call takes are asked for in several, and merged."""
        wanted = [name for name in dict.fromkeys(fields) if name != "id"]
        whole: dict[str, dict[str, object]] = {record_id: {} for record_id in ids}
        for names in chunks(wanted, MAX_FIELDS - 1) if wanted else [[]]:
            rows = self.client.list_records(module, ids, ["id", *names])
            part = {str(row.get("id")): row for row in rows}
            whole = {
                record_id: values | {name: part[record_id].get(name) for name in names}
                for record_id, values in whole.items()
                if record_id in part  # gone between two calls: gone
            }
        return whole

    def list_values(
        self, module: str, fields: Sequence[str], since: datetime | None, after: str | None
    ) -> Page[Standing]:
        """A page by id, by COQL: up to 2,000 records for three credits; of a few changed ones, the first 200 for one.

        ``Layout`` is left out of the values: it is written by its name and stated by its id.
        """
        limit = CHEAP_ROWS if since is not None and after is None else MAX_ROWS
        names = [name for name in fields if name != LAYOUT]
        columns = list(dict.fromkeys(["id", *names, "Modified_Time"]))
        query = coql.candidates_query(module, columns, since, after, limit)
        rows, more, answered_at = self.client.query_exactly(module, query, limit)
        page = [Standing(str(row["id"]), {n: row.get(n) for n in names}, _stamp(module, row)) for row in rows]
        return Page(page, page[-1].target_id if more and page else None, answered_at)

    # -- recognising

    def list_candidates(
        self, module: str, fields: Sequence[str], since: datetime | None, after: str | None
    ) -> Page[Candidate]:
        """A page of up to 2,000 records by id, by COQL, which (unlike search) sees what was written a moment ago."""
        query = coql.candidates_query(module, _columns(module, fields), since, after, MAX_ROWS)
        rows, more = self.client.query(module, query, MAX_ROWS)
        page = [_candidate(module, fields, row) for row in rows]
        return Page(page, page[-1].target_id if more and page else None)

    def list_wanted(
        self, module: str, fields: Sequence[str], wanted: Wanted, after: str | None
    ) -> Page[Candidate]:
        """A page of the wanted records by id, by COQL; few are expected of certain ids, or of what changed."""
        limit = CHEAP_ROWS if wanted.ids or wanted.since else MAX_ROWS
        query = coql.wanted_query(module, _columns(module, fields), wanted, after, limit)
        rows, more = self.client.query(module, query, limit)
        page = [_candidate(module, fields, row) for row in rows]
        return Page(page, page[-1].target_id if more and page else None)

    def find_candidates(
        self, module: str, field: str, values: Sequence[str], fields: Sequence[str]
    ) -> Candidates:
        """The records that have one of ``values`` in ``field`` ("": the name field), compared without case by Zoho.

        Check exactly. 100 values cost one credit, or four where they have more than 200 records. Where they have more
        than 2,000, they are asked for in halves, down to the one value that so many share: that one is crowded.
        """
        found: list[Candidate] = []
        crowded: set[str] = set()
        portions = list(chunks(list(dict.fromkeys(values)), MAX_BATCH))
        while portions:
            some = portions.pop(0)
            half = len(some) // 2
            rows = self._find_rows(module, field or schema.name_field(module), some, fields)
            if rows is not None:
                found += [_candidate(module, fields, row) for row in rows]
            elif half:
                portions[:0] = [some[:half], some[half:]]
            else:
                crowded.update(some)
        return Candidates(found, frozenset(crowded))

    def _find_rows(
        self, module: str, field: str, values: Sequence[str], fields: Sequence[str]
    ) -> list[dict[str, Any]] | None:
        """None: more than one query gives."""
        for limit in (CHEAP_ROWS, MAX_ROWS):
            query = coql.values_query(module, _columns(module, fields), field, values, limit)
            rows, more = self.client.query(module, query, limit)
            if not more:
                return rows
        return None

    def list_deleted(self, module: str, since: datetime) -> list[str]:
        """The ids deleted at or after ``since``; Zoho remembers 60 days (recycle bin) to 120 days (for good)."""
        return [change.key for change in list_deleted(self.client, module, since)]

    # -- modules and fields

    def check_modules(self, needs: Sequence[ModuleNeed]) -> list[ModuleState]:
        """What is there of these modules, read fresh."""
        return self._modules.check(needs)

    def create_modules(self, needs: Sequence[ModuleNeed]) -> list[ModuleState]:
        """Create those that are missing; what could not be made has a ``problem`` or is ``left_out``.

        NotPermittedError if our user may not; what was made until then stands, and ``check_modules`` sees it.
        """
        return self._modules.create(needs)

    def check_fields(self, needs: Sequence[FieldNeed]) -> list[FieldState]:
        """What is there of these needs, read fresh."""
        return self._provisioner.check(needs)

    def create_fields(self, needs: Sequence[FieldNeed]) -> list[FieldState]:
        """Create those that are missing and ours to make, label anew what is to be seen under another name.

        What could not be made has a ``problem``. NotPermittedError if our user may not; what was made until then
        stands, and ``check_fields`` sees it.
        """
        return self._provisioner.create(needs)

    def describe(self, module: str) -> Mapping[str, FieldShape]:
        """The module's fields by API name, as ``check_fields`` read them last (read now if it never did)."""
        fields = self._metadata.fields(module).fields
        return {name: meta.shape() for name, meta in fields.items()}

    # -- the organisation

    def users(self) -> Mapping[str, str]:
        """The active users: e-mail address (folded) -> id."""
        found: dict[str, str] = {}
        page, more = 1, True
        while more:
            rows, more = self.client.list_users(page)
            found |= {str(row["email"]).casefold(): str(row["id"]) for row in rows if row.get("email")}
            page, more = page + 1, more and bool(rows)
        return found

    def currency(self) -> str:
        """ISO code of the organisation's home currency."""
        return self.organisation().currency

    def credits_left(self) -> int:
        """So many credits may still be spent above the reserve, as far as we know without a call."""
        return self.client.credits_left()

    def require_credits(self, wanted: int) -> None:
        """AllowanceError if so many credits may not be spent now; now and then Zoho is asked first."""
        self.client.require_credits(wanted)

    def organisation(self) -> Organisation:
        """The organisation that answers to our tokens, asked by a call."""
        told = self.client.get_org()
        org_id, code = wire.org_id(told), told.get("iso_code")
        if not isinstance(code, str) or not code:
            raise RetryableError("Zoho did not tell the organisation's currency.")
        if not org_id:
            raise RetryableError("Zoho did not tell the organisation's id.")
        return Organisation(org_id, code)

    def clock_difference(self) -> float:
        """Zoho's clock minus ours, seconds, good to about half a second."""
        return self.client.measure_clock()

    def checks(
        self,
        modules: Sequence[str],
        needs: Sequence[FieldNeed],
        *,
        users: bool = False,
        layouts: Sequence[str] = (),
        own: Sequence[ModuleNeed] = (),
        edited: Sequence[str] = (),
    ) -> list[Check]:
        """Everything that a run needs, tried by calls that change nothing; the first failure of signing in ends it.

        ``users``: records are given owners. ``layouts``: the modules whose layouts are named by their names. ``own``:
        the modules that are ours to make. ``edited``: those in which nothing is created.
        """
        return Checks(self.client, self._provisioner, self._modules, self.users).of(
            modules, needs, users=users, layouts=layouts, own=own, edited=edited
        )


def _columns(module: str, fields: Sequence[str]) -> list[str]:
    """What a candidate is read by, each once."""
    return list(dict.fromkeys(["id", schema.name_field(module), *fields, "Modified_Time"]))


def _candidate(module: str, fields: Sequence[str], row: dict[str, Any]) -> Candidate:
    values = {name: wire.plain(row.get(name)) for name in fields}
    return Candidate(
        target_id=str(row["id"]),
        name=str(row.get(schema.name_field(module)) or ""),
        values={name: str(value) for name, value in values.items() if value not in (None, "")},
        modified_at=_stamp(module, row),
    )


def _stamp(module: str, row: Mapping[str, object]) -> datetime:
    modified_at = wire.instant(row.get("Modified_Time"))
    if modified_at is None:
        raise RetryableError(f"Zoho gave a record of {module} without Modified_Time: {row.get('id')}.")
    return modified_at


def chunks(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """The values in portions of ``size``; the last may be shorter."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
