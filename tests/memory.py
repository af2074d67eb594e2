"""A source and a target in memory: fakes that stand at the ports, for testing what the flows decide."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from ml_connector.core.change import Change, Page
from ml_connector.core.entity import Entity, Facet, Lasting, SourceField
from ml_connector.core.errors import AllowanceError, ConfigurationError, RecordRejectedError
from ml_connector.core.load import Load
from ml_connector.core.needs import FieldNeed, FieldShape, FieldState, ModuleNeed, ModuleState
from ml_connector.core.ports import (
    Absent,
    BulkFile,
    Candidate,
    Candidates,
    Duplicate,
    Fetched,
    JobState,
    Refused,
    Standing,
    Unreadable,
    Wanted,
    Write,
    WriteResult,
    Written,
)
from ml_connector.core.record import Reading, Record, Value, digest, fold_key
from ml_connector.core.write_plan import JobPrice, WritePrices

START = datetime(2026, 11, 2, 8, 30, 15, tzinfo=UTC)


class FakeClock:
    """Time that only moves when it is told to."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def _field(name: str, type_: str = "text", **more: object) -> SourceField:
    return SourceField(name, type_, **more)


PAID = Lasting("paid_on", frozenset({"paid_on", "paid"}), timedelta(days=400))
CUSTOMERS = Entity(
    "customers",
    {
        f.name: f
        for f in (
            _field("customer_id"),
            _field("name"),
            _field("city"),
            _field("email"),
            _field("phone"),
            _field("postal_code"),
            _field("contact_person"),
            _field("corporate_id"),
            _field("class_id"),
            _field("is_active", "boolean"),
            _field("salesperson"),
            _field("limit", "money", carried=True),
            _field("balance", "money", facet="receivables"),
            _field("paid", "money", facet="receivables"),
            _field("paid_on", "date", facet="receivables"),
        )
    },
    (
        Facet("receivables", brings_fields=True, empty={"balance": Decimal(0)}, lasting=PAID),
        Facet("addresses", brings_fields=False),
        Facet("emails", brings_fields=False, listed=False, of=frozenset({"email"})),
    ),
)
VENDORS = Entity(
    "vendors",
    {
        f.name: f
        for f in (
            _field("vendor_id"),
            _field("name"),
            _field("city"),
            _field("email"),
            _field("contact_person"),
        )
    },
)


@dataclass
class Row:
    """One record of the memory source."""

    key: str
    fields: dict[str, object]
    at: datetime | None
    city: str = ""


@dataclass
class MemorySource:
    """Records by entity; counts what it is asked."""

    clock: FakeClock
    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {"customers": {}, "vendors": {}})
    balances: dict[str, Decimal] = field(default_factory=dict)
    payments: dict[str, tuple[Decimal, date]] = field(default_factory=dict)  #: an old one is not told
    page_size: int = 1000
    unreadable: dict[str, RecordRejectedError] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    entities: dict[str, Entity] = field(default_factory=lambda: {"customers": CUSTOMERS, "vendors": VENDORS})
    track: dict[str, datetime] | None = None  #: key -> when its e-mail changed; None: no track is kept
    asked_for_track: int = 0
    between_pages: list[Callable[[], object]] = field(default_factory=list)  #: what happens meanwhile
    forgotten: int = 0  #: so often what was read ahead was dropped
    ahead: timedelta = timedelta()  #: its clock is so far ahead of ours

    def put(self, key: str, entity: str = "customers", at: datetime | None = None, **fields: object) -> None:
        """Add or change a record; its stamp is the clock's unless given."""
        known = self.rows[entity].get(key)
        merged = {**(known.fields if known else {}), **fields}
        self.rows[entity][key] = Row(key, merged, at or self.clock.now())

    def clock_difference(self) -> float:
        return self.ahead.total_seconds()

    def list_changes(self, entity: str, since: datetime | None, after: str | None) -> Page[Change]:
        rows = sorted(self.rows[entity].values(), key=lambda row: row.key)
        rows = [r for r in rows if since is None or (r.at is not None and r.at >= since)]
        rows = [r for r in rows if after is None or r.key > after]
        page = [
            Change(r.key, str(r.fields["name"]), r.at, r.fields.get("date")) for r in rows[: self.page_size]
        ]
        if self.between_pages:
            self.between_pages.pop(0)()
        return Page(page, page[-1].key if len(rows) > self.page_size else None)

    def follows(self, entity: str, facet: str) -> bool:
        self.asked_for_track += 1
        return facet == "emails" and self.track is not None

    def list_readings(
        self, entity: str, facet: str, after: str | None, since: datetime | None = None
    ) -> Page[Reading]:
        if facet == "emails":
            assert since is not None
            touched = {key: at for key, at in (self.track or {}).items() if at >= since}
            return Page([Reading(key, facet, {}, at.isoformat()) for key, at in touched.items()], None)
        if facet == "addresses":
            rows = [Reading(r.key, facet, {}, str(r.fields.get("city"))) for r in self.rows[entity].values()]
            return Page(rows, None)
        values: dict[str, dict[str, Value]] = {key: {"balance": owed} for key, owed in self.balances.items()}
        oldest = (self.clock.now() - PAID.shown_for).date()
        for key, (paid, on) in self.payments.items():
            if on > oldest:
                values.setdefault(key, {"balance": Decimal(0)}).update(paid=paid, paid_on=on)
        return Page([Reading(key, facet, v, digest(v)) for key, v in values.items()], None)

    def labels(self, entity: str) -> dict[str, str]:
        return {}

    def take_load(self) -> Load:
        return Load()

    def forget_ahead(self) -> None:
        """Nothing is read ahead, so it is only counted."""
        self.forgotten += 1

    def read_ahead(self, entity: str, keys: Sequence[str]) -> None:
        """Nothing is slow here."""

    def fetch(self, entity: str, keys: Sequence[str]) -> Iterator[Fetched]:
        for key in keys:
            self.fetched.append(key)
            if key in self.unreadable:
                yield Unreadable(key, self.unreadable[key], self.clock.now())
            elif key not in self.rows[entity]:
                yield Absent(key, self.clock.now())
            else:
                row = self.rows[entity][key]
                yield Record(
                    entity,
                    key,
                    dict(row.fields),
                    self.clock.now(),
                    {"addresses": str(row.fields.get("city"))},
                )


#: Module -> the fields that name a record of it.
Of = ParamSpec("Of")
Answer = TypeVar("Answer")

NAMES = {
    "Accounts": ("Account_Name",),
    "Contacts": ("First_Name", "Last_Name"),
    "Vendors": ("Vendor_Name",),
    "Deals": ("Deal_Name",),
    "GL_Accounts": ("Name",),
    "GP_Journal_Entries": ("Name",),
    "GP_Journal_Lines": ("Name",),
    "GP_Account_Months": ("Name",),
}
#: Module -> its fields that point to another record.
LOOKUPS = {
    "Accounts": ("Parent_Account",),
    "Contacts": ("Account_Name", "Vendor_Name"),
    "Deals": ("Account_Name",),
}


def _one_at_a_time(
    method: Callable[Concatenate[MemoryTarget, Of], Answer],
) -> Callable[Concatenate[MemoryTarget, Of], Answer]:
    """The target's own lock around a call: flows write from several threads."""

    @wraps(method)
    def alone(self: MemoryTarget, *args: Of.args, **named: Of.kwargs) -> Answer:
        with self.lock:
            return method(self, *args, **named)

    return alone


@dataclass
class Job:
    """A bulk job of the memory target."""

    file: BulkFile
    rows: list[Write]
    looks: int  #: so often it is looked at before it is done
    results: dict[str, WriteResult | None] = field(default_factory=dict)
    done: bool = False


@dataclass
class MemoryTarget:
    """Records by id, with unique key fields, and errors that can be asked for."""

    clock: FakeClock
    lock: threading.RLock = field(default_factory=threading.RLock)  #: calls come from several threads
    unique: tuple[str, ...] = ("GP_Customer_ID", "GP_Vendor_ID", "GP_Contact_Key")
    records: dict[str, dict[str, object]] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)  #: id -> module
    stamps: dict[str, datetime] = field(default_factory=dict)
    refuse: dict[str, RecordRejectedError] = field(default_factory=dict)  #: by name
    gone: set[str] = field(default_factory=set)  #: deleted by a person
    locked: set[str] = field(default_factory=set)  #: refuse to be written
    hidden: set[str] = field(default_factory=set)  #: our user may not see them, and nobody says why
    drift: dict[str, FieldShape | None] = field(
        default_factory=dict
    )  #: fields as a person left them; None: gone
    unstated: set[str] = field(default_factory=set)  #: fields that its lists of values leave out
    behind: timedelta | None = timedelta(0)  #: its clock is so far behind ours; None: it does not say
    people: dict[str, str] = field(default_factory=lambda: {"sally@fabrikam.example": "411002"})
    before_write: list[Exception] = field(default_factory=list)
    after_write: list[Exception] = field(default_factory=list)
    #: what people do before we look again
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    writes: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    triggered: list[str] = field(default_factory=list)  #: automation, once for each record that started it
    known: dict[tuple[str, str], FieldNeed] = field(default_factory=dict)
    crowd: int = 2000  #: as many records of one value are told
    page_size: int = 2000  #: records of a page of values, or of wanted ones
    between_pages: list[Callable[[], object]] = field(default_factory=list)  #: what people do meanwhile
    reads: int = 0
    queries: int = 0
    job_price: JobPrice | None = None  #: None: no bulk jobs
    file_rows: int | None = None  #: so many fit into one file, where their texts are long
    credits: int | None = None  #: that are left; None: without end
    day: int | None = None  #: credits that are ever free together
    look_price: int = 0  #: credits for looking again for up to a hundred records
    refresh_price: int = 0  #: credits for seeing what changed
    spent: int = 0  #: on writing
    calls: int = 0  #: that wrote
    jobs: dict[str, Job] = field(default_factory=dict)
    files: dict[str, list[Write]] = field(default_factory=dict)
    looks: int = 1  #: at a new job before it is done
    unwritten: set[str] = field(
        default_factory=set
    )  #: ids and folded keys that jobs leave to the ordinary call
    without_results: bool = False  #: whether jobs end without them
    before_job: list[Exception] = field(default_factory=list)
    after_job: list[Exception] = field(default_factory=list)
    before_upload: list[Exception | None] = field(default_factory=list)  #: None: this one goes well
    before_list: list[Exception] = field(default_factory=list)
    after_look: list[Exception] = field(default_factory=list)
    after_results: Callable[[], object] | None = None  #: what happens when results were fetched

    @_one_at_a_time
    def seed(self, name: str, module: str = "Accounts", **fields: object) -> str:
        """A record that was there before."""
        return self._store(module, None, {NAMES[module][-1]: name, **fields})

    def _store(self, module: str, target_id: str | None, fields: dict[str, object]) -> str:
        target_id = target_id or str(7000 + len(self.records))
        self.records.setdefault(target_id, {}).update(fields)
        self.modules[target_id] = module
        self.stamps[target_id] = self.clock.now()
        return target_id

    def _there(self, module: str) -> dict[str, dict[str, object]]:
        away = self.gone | self.hidden
        return {i: r for i, r in self.records.items() if self.modules[i] == module and i not in away}

    def says_date(self) -> datetime | None:
        """When it answers, by its own clock."""
        return self.clock.now() - self.behind if self.behind is not None else None

    @_one_at_a_time
    def edit(self, target_id: str, **fields: object) -> None:
        """What a person changes in the CRM."""
        self._store(self.modules[target_id], target_id, fields)

    @_one_at_a_time
    def merge(self, loser: str, master: str, *kept: str) -> None:
        """A person merges two records: ``kept`` are the fields whose value the master takes from the loser."""
        self.gone.add(loser)
        self.edit(master, **{name: self.records[loser].get(name) for name in kept})
        for target_id, record in list(self.records.items()):
            for lookup in LOOKUPS.get(self.modules[target_id], ()):
                if record.get(lookup) == loser:
                    self.edit(target_id, **{lookup: master})

    def only(self, module: str = "Accounts") -> dict[str, object]:
        """The one record of a module."""
        (record,) = self._there(module).values()
        return record

    def of(self, module: str = "Accounts") -> list[dict[str, object]]:
        """The records of a module that are there, in the order in which they were made."""
        return list(self._there(module).values())

    def by_key(self, value: str, field_name: str = "GP_Customer_ID", module: str = "Accounts") -> list[str]:
        """The ids that carry this key."""
        there = self._there(module)
        return [i for i, r in there.items() if fold_key(str(r.get(field_name) or "")) == fold_key(value)]

    @_one_at_a_time
    def write(
        self,
        module: str,
        batch: Sequence[Write],
        trigger: Sequence[str] = (),
        *,
        unmodified_since: datetime | None = None,
    ) -> list[WriteResult]:
        if self.before_write:
            raise self.before_write.pop(0)
        self._spend(self.write_prices(module).credits(len(batch)))
        results = [
            Refused(RecordRejectedError("It was changed.", code="ALREADY_MODIFIED"), overtaken=True)
            if unmodified_since
            and self.stamps.get(write.target_id or "", unmodified_since) > unmodified_since
            else self._write(module, write)
            for write in batch
        ]
        self.triggered += [name for name in trigger for one in results if isinstance(one, Written)]
        if self.after_write:
            raise self.after_write.pop(0)
        return results

    def _spend(self, price: int) -> None:
        self._charge(price)
        self.spent += price
        self.calls += 1

    def _charge(self, price: int) -> None:
        self.require_credits(price)
        if self.credits is not None:
            self.credits -= price

    def write_prices(self, module: str) -> WritePrices:
        return WritePrices(100, 10, self.job_price, self.look_price, self.refresh_price)

    def takes_in_bulk(self, module: str, write: Write) -> bool:
        return all(value is not None for value in write.fields.values())

    @_one_at_a_time
    def upload(self, module: str, writes: Iterable[Write], key: str) -> BulkFile:
        if self.before_upload and (error := self.before_upload.pop(0)):
            raise error
        rows = list(writes)
        assert len(rows) == len(list(writes)), "they may be gone through again"
        assert self.job_price is not None
        assert len(rows) <= self.job_price.rows
        rows = rows[: self.file_rows]
        creates = rows[0].target_id is None
        columns = dict.fromkeys([key if creates else "id", *(name for row in rows for name in row.fields)])
        file = BulkFile(f"file-{len(self.files)}", module, creates, tuple(columns), len(rows))
        self.files[file.file_id] = rows
        return file

    @_one_at_a_time
    def start_job(self, file: BulkFile) -> str:
        assert self.job_price is not None
        if self.before_job:
            raise self.before_job.pop(0)
        job_id = f"job-{len(self.jobs)}"
        self._spend(self.job_price.credits)
        self.jobs[job_id] = Job(file, self.files[file.file_id], self.looks)
        if self.after_job:
            raise self.after_job.pop(0)
        return job_id

    @_one_at_a_time
    def finish_jobs(self) -> None:
        """Whatever is under way comes to its end."""
        for job in self.jobs.values():
            self._do(job)

    def _do(self, job: Job) -> None:
        if job.done:
            return
        job.done = True
        for row in job.rows:
            mark = row.target_id or fold_key(str(row.fields[job.file.columns[0]]))
            result = None if mark in self.unwritten else self._write(job.file.module, row)
            if isinstance(result, Written):
                job.results[mark] = Written(result.target_id, None)
            elif isinstance(result, Refused) and not result.gone:
                job.results[mark] = result
            else:
                job.results[mark] = None

    @_one_at_a_time
    def job_state(self, job_id: str) -> JobState:
        job = self.jobs[job_id]
        job.looks -= 1
        if job.looks <= 0:
            self._do(job)
        if self.after_look:
            raise self.after_look.pop(0)
        url = "" if self.without_results or not job.done else job_id
        return JobState(job.done, url, "COMPLETED" if job.done else "INPROGRESS")

    def job_results(self, file: BulkFile, url: str) -> Mapping[str, WriteResult | None]:
        if self.after_results is not None:
            self.after_results()
        return self.jobs[url].results

    def _write(self, module: str, write: Write) -> WriteResult:
        there = self._there(module)
        if write.target_id and write.target_id not in there:
            return Refused(RecordRejectedError("It is gone."), gone=True)
        wrong = self._refusal(module, write)
        if wrong is not None:
            return Refused(wrong)
        for unique in write.fields.keys() & set(self.unique):
            taken = self.by_key(str(write.fields[unique]), unique, module)
            if write.fields[unique] and set(taken) - {write.target_id}:
                return Duplicate(
                    taken[0], unique, RecordRejectedError("duplicate data", code="DUPLICATE_DATA")
                )
        target_id = self._store(module, write.target_id, dict(write.fields))
        self.writes.append(("update" if write.target_id else "create", dict(write.fields)))
        return Written(target_id, self.clock.now())

    def _refusal(self, module: str, write: Write) -> RecordRejectedError | None:
        """Asked for by the test, or a lookup that leads nowhere."""
        name = _name(module, write.fields)
        if name in self.refuse:
            return self.refuse[name]
        if write.target_id in self.locked:
            return RecordRejectedError("It is locked.", code="LOCKED")
        for lookup in LOOKUPS.get(module, ()):
            to = write.fields.get(lookup)
            if to is not None and (to not in self.records or to in self.gone):
                return RecordRejectedError("invalid data", code="INVALID_DATA", field=lookup)
        return None

    @_one_at_a_time
    def read(self, module: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, dict[str, object]]:
        self.reads += 1
        there = self._there(module)
        return {i: {n: there[i].get(n) for n in fields} for i in ids if i in there}

    def _candidates(self, module: str, fields: Sequence[str]) -> list[Candidate]:
        self.queries += 1
        return [
            Candidate(i, _name(module, r), {k: str(r[k]) for k in fields if r.get(k)}, self.stamps[i])
            for i, r in self._there(module).items()
        ]

    @_one_at_a_time
    def list_candidates(
        self, module: str, fields: Sequence[str], since: datetime | None, after: str | None
    ) -> Page[Candidate]:
        if self.before_list:
            raise self.before_list.pop(0)
        self._charge(self.refresh_price)
        rows = self._candidates(module, fields)
        return Page([row for row in rows if since is None or row.modified_at >= since], None)

    @_one_at_a_time
    def list_wanted(
        self, module: str, fields: Sequence[str], wanted: Wanted, after: str | None
    ) -> Page[Candidate]:
        self.queries += 1
        there = self._there(module)
        rows = [
            Candidate(i, _name(module, r), self._reached(r, fields), self.stamps[i])
            for i, r in sorted(there.items())
            if (not wanted.ids or i in wanted.ids)
            and (not wanted.empty or r.get(wanted.empty) in (None, ""))
            and (wanted.since is None or self._changed_at(i, wanted.parent) >= wanted.since)
            and (after is None or i > after)
        ]
        page = rows[: self.page_size]
        if self.between_pages:
            self.between_pages.pop(0)()
        return Page(page, page[-1].target_id if len(rows) > self.page_size else None)

    def _reached(self, record: dict[str, object], fields: Sequence[str]) -> dict[str, str]:
        """These fields as far as they are set; "Lookup.Field" is a field of the record that it points to."""
        found = {}
        for name in fields:
            lookup, _, further = name.partition(".")
            to = self.records.get(str(record.get(lookup)), {})
            value = to.get(further) if further else record.get(lookup)
            if value not in (None, ""):
                found[name] = str(value)
        return found

    def _changed_at(self, target_id: str, parent: str) -> datetime:
        to = str(self.records[target_id].get(parent)) if parent else ""
        return max(self.stamps[target_id], self.stamps.get(to, self.stamps[target_id]))

    @_one_at_a_time
    def list_values(
        self, module: str, fields: Sequence[str], since: datetime | None, after: str | None
    ) -> Page[Standing]:
        self.queries += 1
        rows = [
            Standing(i, {n: record.get(n) for n in fields if n not in self.unstated}, self.stamps[i])
            for i, record in sorted(self._there(module).items())
            if (since is None or self.stamps[i] >= since) and (after is None or i > after)
        ]
        page = rows[: self.page_size]
        if self.between_pages:
            self.between_pages.pop(0)()
        return Page(page, page[-1].target_id if len(rows) > len(page) else None, self.says_date())

    @_one_at_a_time
    def find_candidates(
        self, module: str, field: str, values: Sequence[str], fields: Sequence[str]
    ) -> Candidates:
        if self.meanwhile:
            self.meanwhile.pop(0)()
        self._charge(self.look_price)
        there, rows = self._there(module), self._candidates(module, fields)
        texts = {
            row.target_id: str(there[row.target_id].get(field) or "") if field else row.name for row in rows
        }
        of_value = {
            v: [row for row in rows if texts[row.target_id].casefold() == v.casefold()] for v in values
        }
        few = {v.casefold(): found for v, found in of_value.items() if len(found) <= self.crowd}
        crowded = frozenset(v for v, found in of_value.items() if len(found) > self.crowd)
        return Candidates([row for found in few.values() for row in found], crowded)

    @_one_at_a_time
    def list_deleted(self, module: str, since: datetime) -> list[str]:
        return sorted(i for i in self.gone if self.modules.get(i, module) == module)

    def check_modules(self, needs: Sequence[ModuleNeed]) -> list[ModuleState]:
        return [ModuleState(need, exists=True) for need in needs]

    def create_modules(self, needs: Sequence[ModuleNeed]) -> list[ModuleState]:
        return self.check_modules(needs)

    @_one_at_a_time
    def check_fields(self, needs: Sequence[FieldNeed]) -> list[FieldState]:
        self.known |= {(need.module, need.name): need for need in needs}
        return [self._state(need) for need in needs]

    def _state(self, need: FieldNeed) -> FieldState:
        """There, and as it is needed, unless ``drift`` says otherwise."""
        shape = self.drift.get(need.name, FieldShape(need.name, need.type or "text", length=need.length))
        if shape is None:
            return FieldState(need, exists=False)
        if not shape.writable:
            return FieldState(need, exists=True, problem="It cannot be written.")
        if need.type and shape.type != need.type:
            return FieldState(need, exists=True, problem=f"It is of the type {shape.type}.")
        shorter = need.length and shape.length and shape.length < need.length
        return FieldState(need, exists=True, problem="It is too short." if shorter else "")

    def create_fields(self, needs: Sequence[FieldNeed]) -> list[FieldState]:
        return self.check_fields(needs)

    @_one_at_a_time
    def describe(self, module: str) -> dict[str, FieldShape]:
        """Its name, what was asked for and what records carry, and over it what ``drift`` says."""
        shapes = {name: FieldShape(name, "text") for r in self._there(module).values() for name in r}
        shapes |= {
            need.name: FieldShape(need.name, need.type or "text", length=need.length)
            for need in self.known.values()
            if need.module == module
        }
        shapes |= {name: FieldShape(name, "text", unique=True) for name in self.unique}
        name = NAMES[module][-1]
        shapes[name] = FieldShape(name, "text", mandatory=True)
        return {name: shape for name, shape in (shapes | self.drift).items() if shape is not None}

    def users(self) -> dict[str, str]:
        return self.people

    def currency(self) -> str:
        return "USD"

    def credits_left(self) -> int | None:
        return self.credits

    def require_credits(self, wanted: int) -> None:
        if self.day is not None and wanted > self.day:
            raise ConfigurationError("A day has less.", "Correct the settings.")
        if self.credits is not None and wanted > self.credits:
            raise AllowanceError("No credits.", "Wait.", after_seconds=900.0, wanted=wanted)


def _name(module: str, fields: Mapping[str, object]) -> str:
    return " ".join(str(fields[name]) for name in NAMES[module] if fields.get(name))
