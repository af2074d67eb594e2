"""A flow of journal entries between the memory connectors: records that consist of many parts, and become final."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from memory import FakeClock, MemorySource, MemoryTarget, Row
from ml_connector.core.change import Cursor
from ml_connector.core.entity import Entity, PostingFields, SourceField
from ml_connector.core.flow import Flow
from ml_connector.core.line_limits import NO_LIMITS, LineLimits
from ml_connector.core.mapping import fitted
from ml_connector.core.mapping_file import read_mapping
from ml_connector.core.ports import Fetched
from ml_connector.core.record import Fields, Record
from ml_connector.core.transform import MapContext
from ml_connector.flows.pull import pull
from ml_connector.flows.range import Asked
from ml_connector.flows.steps import DirectSteps, Result
from ml_connector.flows.work import Options, Work
from ml_connector.store import cursors
from ml_connector.store.cursors import Progress
from ml_connector.store.database import Database

LINES, ENTRIES = "GP_Journal_Lines", "GP_Journal_Entries"
JOURNALS = Entity(
    "journals",
    {
        f.name: f
        for f in (
            SourceField("entry_key", "text"),
            SourceField("reference", "text"),
            SourceField("is_posted", "boolean"),
            SourceField("line.account", "text", each="lines"),
            SourceField("line.debit", "money", each="lines"),
        )
    },
    key="entry_key",
    each="lines",
    final="is_posted",
)
#: The same, whose lines are postings on the accounts of another entity.
BOOKS = replace(
    JOURNALS,
    fields={**JOURNALS.fields, "date": SourceField("date", "date")},
    postings=PostingFields(
        {
            "on": "date",
            "account": "line.account",
            "debit": "line.debit",
            "credit": "line.credit",
            "currency": "currency",
            "is_posted": "is_posted",
            "is_voided": "is_voided",
            **{name: name for name in ("customer_id", "vendor_id", "document_id", "document_control_id")},
            **{name: name for name in ("source_document", "series")},
        },
        accounts="gl_accounts",
    ),
)
APRIL = date(2026, 4, 21)
LINE = """
name = "journal_lines"
source = "journals"
target = "GP_Journal_Lines"
creates = true
key = { field = "GP_Line_Key", from = "entry_key", each = "lines" }
fields = { Name = "reference", Account = "line.account", Debit = "line.debit" }
"""
ENTRY = """
name = "journal_entries"
source = "journals"
target = "GP_Journal_Entries"
creates = true
key = { field = "GP_Entry_Key", from = "entry_key" }
fields = { Name = "reference" }
"""
Lines = dict[str, str]  #: line -> account


@dataclass
class Journals(MemorySource):
    """A source of entries."""

    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {"journals": {}})
    entities: dict[str, Entity] = field(default_factory=lambda: {"journals": JOURNALS})
    lines: dict[str, Lines] = field(default_factory=dict)  #: by entry

    def fetch(self, entity: str, keys: Sequence[str]) -> Iterator[Fetched]:
        for found in super().fetch(entity, keys):
            if not isinstance(found, Record):
                yield found
                continue
            parts: dict[str, Fields] = {
                number: {"line.account": account, "line.debit": Decimal(number)}
                for number, account in self.lines[found.key].items()
            }
            yield replace(found, digests={}, parts=parts)


@dataclass
class Ledger:
    """One flow of journal entries, between the memory connectors."""

    clock: FakeClock
    source: Journals
    target: MemoryTarget
    database: Database
    texts: list[str] = field(default_factory=lambda: [LINE])
    entity: Entity = JOURNALS
    limits: LineLimits = NO_LIMITS
    runs: int = 0

    def entry(self, key: str, lines: Lines, *, posted: bool = True, **more: object) -> None:
        self.clock.sleep(60)
        fields = {
            "entry_key": key,
            "reference": f"Entry {key}",
            "is_posted": posted,
            "date": APRIL,
            "currency": "USD",
            **more,
        }
        self.source.put(key, "journals", name=f"Entry {key}", **fields)
        self.source.lines[key] = lines

    def stamp(self) -> None:
        """What a year-end close does: every row is new, and says so."""
        self.clock.sleep(3600)
        for row in self.source.rows["journals"].values():
            row.at = self.clock.now()

    def flow(self) -> Flow:
        read = [read_mapping("test.toml", text, {"journals": self.entity}) for text in self.texts]
        mappings = tuple(fitted(mapping, (), self.limits.told) for mapping in read)
        return Flow("journals", "-1", self.entity, mappings, limits=self.limits)

    def work(self, keys: tuple[str, ...] = (), *, over_limit: bool = True, **more: bool) -> Work:
        return Work(
            self.flow(), self.source, self.target, self.database, self.clock,
            lambda: MapContext("USD"), asked=Asked(keys, over_limit=over_limit, **more),
            options=Options(overlap=timedelta(seconds=60), writes_at_once=1),
        )  # fmt: skip

    def sync(self, keys: tuple[str, ...] = (), **more: bool) -> Result:
        self.runs += 1
        self.clock.sleep(3600)
        self.source.fetched.clear()
        return pull(DirectSteps(self.clock), self.work(keys, **more), f"run-{self.runs}")

    def loaded(self) -> None:
        """Past the first load, which waits for an approval that is none of these tests' business."""
        fingerprint = self.flow().fingerprint
        progress = Progress(Cursor(self.clock.now(), finer_than_day=True), fingerprint, (LINES, ENTRIES))
        with self.database.begin() as tx:
            cursors.put(tx, "-1", "journals", progress)

    def keys(self, module: str = LINES) -> list[str]:
        name = "GP_Line_Key" if module == LINES else "GP_Entry_Key"
        return sorted(str(record[name]) for record in self.target.of(module))


def new_ledger(database: Database) -> Ledger:
    """Nothing is loaded yet."""
    clock = FakeClock()
    return Ledger(
        clock, Journals(clock), MemoryTarget(clock, unique=("GP_Line_Key", "GP_Entry_Key")), database
    )


def many(count: int) -> Lines:
    return {str(16384 * (number + 1)): f"000-{number:04}" for number in range(count)}
