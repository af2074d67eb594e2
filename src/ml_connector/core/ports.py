"""What the flows need from a system, whichever it is; `tests/connectors/contract.py` holds every promise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ml_connector.core.change import Change, Page
from ml_connector.core.entity import Entity
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.load import Load
from ml_connector.core.needs import FieldNeed, FieldShape, FieldState, ModuleNeed, ModuleState
from ml_connector.core.record import Fields, Reading, Record
from ml_connector.core.write_plan import WritePrices


class Clock(Protocol):
    """Time is a port: nothing asks the system clock outside ``bootstrap``."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""


class Tell(Protocol):
    """The log of a process that nobody watches: a line for each event."""

    def __call__(self, event: str, /, *, level: str = "info", **where: object) -> None:
        """``event``: a sentence. ``level``: info, warning or error. ``where``: flow, run, key, system, counts, ..."""


@dataclass(frozen=True, slots=True)
class Absent:
    """The source no longer has the record of this key."""

    key: str
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The source refused this one record; the others go on."""

    key: str
    error: RecordRejectedError
    fetched_at: datetime


Fetched = Record | Absent | Unreadable


class Source(Protocol):
    """A system that records are read from. Errors: RetryableError, ConfigurationError."""

    entities: Mapping[str, Entity]

    def clock_difference(self) -> float:
        """The source's clock minus ours, seconds, measured by a call (HTTP ``Date``)."""

    def list_changes(self, entity: str, since: datetime | None, after: str | None) -> Page[Change]:
        """One key range of what changed at or after ``since`` (None: everything), complete or an error.

        ``after`` is the last page's ``next_after``. Every record is in exactly one page, stamps in the future too.
        """

    def list_readings(
        self, entity: str, facet: str, after: str | None, since: datetime | None = None
    ) -> Page[Reading]:
        """One key range of a facet's present content: of all records, or of those where it may have changed ``since``.

        ``since`` only where the source ``follows`` the facet; of a facet that is not ``listed`` never without it. The
        reading of such a facet has no fields, and its digest says when it changed.
        """

    def follows(self, entity: str, facet: str) -> bool:
        """Whether the source tells at present of which records a facet changed since an instant. It may be asked."""

    def fetch(self, entity: str, keys: Sequence[str]) -> Iterator[Fetched]:
        """The records of these keys in this order, read with bounded look-ahead; one result for each key."""

    def read_ahead(self, entity: str, keys: Sequence[str]) -> None:
        """These keys will be fetched soon: some of them may be read meanwhile."""

    def forget_ahead(self) -> None:
        """Whatever was read ahead and not fetched is not to be used: a new run begins."""

    def labels(self, entity: str) -> Mapping[str, str]:
        """What the source's own users call fields that it names by number only: field -> label.

        Of such fields, one that is not among them is not in use there.
        """

    def take_load(self) -> Load:
        """What load was put on the source since this was asked last."""


class SourceWithDeletions(Source, Protocol):
    """A source that tells what was deleted, too."""

    def list_deleted(self, entity: str, since: datetime) -> list[Change]:
        """The records deleted at or after ``since``, each once with when it was; ones that are back may be there."""


@dataclass(frozen=True, slots=True)
class Write:
    """One record to write: ``target_id`` None = create. Names and values are the target's field API names and ours."""

    fields: Fields
    target_id: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """It stands in the target."""

    target_id: str
    modified_at: datetime | None  #: the target's own stamp of this write, where it tells


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The target refused a create or update because ``target_id`` has this value in unique ``field``."""

    target_id: str  #: empty where the target does not say which
    field: str
    error: RecordRejectedError


@dataclass(frozen=True, slots=True)
class Refused:
    """The target refused this record."""

    error: RecordRejectedError
    gone: bool = False  #: the record to update does not exist any more or is not visible
    overtaken: bool = False  #: somebody changed it later than the write's ``unmodified_since``


WriteResult = Written | Duplicate | Refused


@dataclass(frozen=True, slots=True)
class BulkFile:
    """Rows that were handed to the target, and are written once a job is made of them."""

    file_id: str
    module: str
    creates: bool  #: False: updates
    columns: tuple[str, ...]  #: the target's field API names; the first tells the rows apart
    rows: int  #: how many


@dataclass(frozen=True, slots=True)
class JobState:
    """How far a bulk job is."""

    final: bool  #: nothing more happens to any of its rows
    result_url: str = ""  #: where its results are; empty: it has none (yet)
    said: str = ""  #: the target's own word for it


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record of the target as the match index knows it."""

    target_id: str
    name: str  #: the module's name field, as it stands
    values: Mapping[str, str]  #: the fields asked for that are set: API name -> value; of a lookup, its id
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records of a module are asked for; nothing said: all."""

    ids: Sequence[str] = ()  #: at most 100
    empty: str = ""  #: those in which this field is
    since: datetime | None = None  #: changed at or after it
    parent: str = ""  #: a lookup: one whose record there was changed since counts as changed, too


@dataclass(frozen=True, slots=True)
class Candidates:
    """The records of the target that answer to values which were looked for."""

    found: Sequence[Candidate]
    crowded: frozenset[str] = (
        frozenset()
    )  #: values that too many records have: none of theirs is in ``found``


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in some fields of a record of the target."""

    target_id: str
    values: Mapping[str, object]  #: API name -> value as the target states it; of a lookup, the id
    modified_at: datetime


class Target(Protocol):
    """A system that records are written to. A record's own fault is a result, not an error."""

    def write(
        self,
        module: str,
        batch: Sequence[Write],
        trigger: Sequence[str] = (),
        *,
        unmodified_since: datetime | None = None,
    ) -> list[WriteResult]:
        """Create or update up to 100 records in one call (all creates or all updates), one result each, same order.

        ``trigger``: the target's own automations that this write may start. ``unmodified_since``: what was changed
        later than in that second is left as it is, and refused as overtaken. RetryableError may leave the batch
        written or not; the caller must be able to do it again.
        """

    def write_prices(self, module: str) -> WritePrices:
        """What writing costs in this module; without a ``job`` where bulk jobs are not to be had."""

    def takes_in_bulk(self, module: str, write: Write) -> bool:
        """Whether a row of a bulk job says exactly this: sets these fields and touches no other."""

    def upload(self, module: str, writes: Iterable[Write], key: str) -> BulkFile:
        """Hand over the rows of a bulk job, all creates or all updates; nothing is written by that.

        ``writes`` is gone through more than once. ``key`` is the unique field of creates that tells them apart. The
        file has the first ``rows`` of them, one at least: all, or as many as the target takes in one.
        ConfigurationError: the target does not take them in bulk.
        """

    def start_job(self, file: BulkFile) -> str:
        """Have these rows written; the job's id. RetryableError: it may have begun or not.

        NotDoneError, ConfigurationError: it has not, for certain.
        """

    def job_state(self, job_id: str) -> JobState:
        """How far the job is; ConfigurationError: the target cannot tell (any more)."""

    def job_results(self, file: BulkFile, url: str) -> Mapping[str, WriteResult | None]:
        """What became of each row, by what tells it apart (its id, or its key, folded).

        None: it was not written, for certain; no entry: that is not known. Both are written in the ordinary way, which
        tells.
        """

    def read(self, module: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, dict[str, object]]:
        """The present values of these records as the target states them, by id; ids it lost are left out.

        A lookup's value is the id of the record that it points to.
        """

    def list_values(
        self, module: str, fields: Sequence[str], since: datetime | None, after: str | None
    ) -> Page[Standing]:
        """A page of the module's records (changed at or after ``since``), with what stands in these fields.

        A field that the target states in other words than it is written in may be left out of the values.
        """

    def list_candidates(
        self, module: str, fields: Sequence[str], since: datetime | None, after: str | None
    ) -> Page[Candidate]:
        """A page of the module's records (changed at or after ``since``), with these fields, read cheaply."""

    def list_wanted(
        self, module: str, fields: Sequence[str], wanted: Wanted, after: str | None
    ) -> Page[Candidate]:
        """A page of the wanted records, by id. It sees what was written a moment ago.

        A field may be one of the record that a lookup points to: "Account_Name.Phone".
        """

    def find_candidates(
        self, module: str, field: str, values: Sequence[str], fields: Sequence[str]
    ) -> Candidates:
        """The records that have one of ``values`` in ``field`` now, with ``fields``; ``field`` "" is the name field.

        Case does not count, so the caller checks exactly. It sees what was written a moment ago. A value that too
        many records have is told as such, and does not stop the others.
        """

    def list_deleted(self, module: str, since: datetime) -> list[str]:
        """The ids deleted at or after ``since``."""

    def check_modules(self, needs: Sequence[ModuleNeed]) -> list[ModuleState]:
        """What is there of these modules, read fresh."""

    def create_modules(self, needs: Sequence[ModuleNeed]) -> list[ModuleState]:
        """Create those that are missing; what could not be made has a ``problem`` or is ``left_out``."""

    def check_fields(self, needs: Sequence[FieldNeed]) -> list[FieldState]:
        """What is there of these needs, read fresh."""

    def create_fields(self, needs: Sequence[FieldNeed]) -> list[FieldState]:
        """Create those that are missing and ours to make, label those anew that people see under another name.

        What could not be made has a ``problem``.
        """

    def describe(self, module: str) -> Mapping[str, FieldShape]:
        """The module's fields by API name, as ``check_fields`` read them last (read now if it never did)."""

    def users(self) -> Mapping[str, str]:
        """The target's active users: e-mail address (folded) -> id."""

    def currency(self) -> str:
        """ISO code of the target's home currency."""

    def credits_left(self) -> int | None:
        """So many credits may still be spent, as far as we know without a call; below 0: others took more.

        None: the target counts none.
        """

    def require_credits(self, wanted: int) -> None:
        """AllowanceError if so many credits may not be spent now. The target may be asked, where news may be due."""


@dataclass(frozen=True, slots=True)
class WantedChannel:
    """A notification channel as the target is to have it: it tells of everything that happens in one module."""

    module: str
    channel_id: str  #: a number of at most 64 bits, as text
    notify_url: str  #: at most 255 characters
    token: str = field(repr=False)  #: at most 50 characters; every notification carries it
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FoundChannel:
    """A channel that the target has, for one of its modules; perhaps another application's."""

    module: str
    channel_id: str
    notify_url: str
    token_hash: str  #: SHA-256 of its token, in hexadecimal; empty: it has none
    expires_at: datetime


class Channels(Protocol):
    """The notification channels of a target. Errors: RetryableError (it may have been done), ConfigurationError."""

    def enable(self, channel: WantedChannel) -> datetime:
        """Have it, anew where it is there; until when is granted, which may be sooner than was asked."""

    def renew(self, channel: WantedChannel) -> datetime | None:
        """Change it to this; until when is granted. None: there is no such channel (any more)."""

    def find(self, channel_id: str, module: str) -> FoundChannel | None:
        """The channel as the target has it now; None: there is none."""

    def every(self) -> list[FoundChannel]:
        """All channels of our user, those of other applications among them."""

    def remove(self, channel_id: str) -> None:
        """Have it no more; that there is none is no error."""


@dataclass(frozen=True, slots=True)
class KnownLimit:
    """What earlier runs learned of the silent row limit of a list: where to probe first, never a proof."""

    longest: int = 0  #: the longest answer
    limit: int | None = None  #: an answer of this length was cut off
    hints: tuple[tuple[int, str], ...] = ()  #: (n, key): about n rows lay before this key


class KeptLimits(Protocol):
    """Keeps what is learned of row limits from one run to the next, by list operation."""

    def find(self, operation: str) -> KnownLimit:
        """What is kept; nothing kept, or too long ago: an empty one."""

    def keep(self, operation: str, known: KnownLimit) -> None:
        """This was learned just now."""


class KeptCredits(Protocol):
    """Keeps what was spent of a target's allowance, by the minute, over all processes."""

    def keep(self, spent: Mapping[datetime, int]) -> None:
        """This process has spent so much in all in each of these minutes; kept again, it changes nothing."""

    def find(self, since: datetime) -> dict[datetime, int]:
        """What all processes have spent in each minute from ``since`` on."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that ``ping`` tried."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(slots=True)
class Cost:
    """What was asked of a system in this process. Thread-safe under the owner's lock."""

    calls: dict[str, int] = field(default_factory=dict)  #: by operation
    seconds: float = 0.0  #: time spent waiting for answers, added up over all lanes
    credits: int = 0
    refused: int = 0  #: of the calls, those that were one too many at once and made again
