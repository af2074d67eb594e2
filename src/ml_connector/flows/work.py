"""What a run of a flow works with: the ports and the store, made by bootstrap and handed down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from ml_connector.core.flow import Flow
from ml_connector.core.mapping import Mapping, recognised_by
from ml_connector.core.needs import FieldState
from ml_connector.core.ports import Clock, Source, Target
from ml_connector.core.record import Record, fold_key
from ml_connector.core.sales_ports import MasterEdits
from ml_connector.core.similar import AUTOMATIC, NameIndex
from ml_connector.core.transform import MapContext
from ml_connector.flows.module_locks import Locked, ModuleLocks, unlocked
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.store.database import Database
from ml_connector.store.links import Pair

CHUNK = 100  #: records planned together, and the most that one call to the target may carry
_MOST_KEPT = 2000  # records, some thirty megabytes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """How a run goes about it."""

    overlap: timedelta = timedelta(seconds=1800)  #: how far a window reaches back before the cursor
    window_size: int = 1000  #: changes in one durable step
    writes_at_once: int = 10  #: calls to the target in flight
    facet_every: MappingOf[str, timedelta] = field(default_factory=dict)  #: facet -> how stale it may get
    facet_whole_every: MappingOf[str, timedelta] = field(
        default_factory=dict
    )  #: facet that is looked at by what changed -> how often it is listed whole all the same
    sweep_nights: MappingOf[str, int] = field(
        default_factory=dict
    )  #: facet that no list has -> nights in which every record is read anew; 0 or none: never
    max_wait: timedelta = timedelta(seconds=900)  #: how long a run waits for a system that is away
    credits_wait: timedelta = timedelta(hours=25)  #: how long for the target's credits to be free again
    max_change_ratio: float = 0.1  #: of the linked records: so many may be created, emptied or given up
    automatic_score: float = AUTOMATIC  #: from this score on a similar record is taken for the same
    recreate_deleted: bool = False  #: what a person deleted in the target is made anew
    operation_timeout: timedelta = timedelta(seconds=300)  #: how long a create may be under way in the target
    bulk_poll: timedelta = timedelta(
        seconds=10
    )  #: after its start a bulk job is looked at first, then ever later
    bulk_timeout: timedelta = timedelta(seconds=3600)  #: how long a bulk job may be under way in the target
    edit_timeout: timedelta = timedelta(seconds=600)  #: how long an edit may be under way in the ERP


@dataclass(frozen=True, slots=True)
class Work:
    """One flow and everything it touches."""

    flow: Flow
    source: Source
    target: Target
    database: Database
    clock: Clock
    context: Callable[[], MapContext]  #: asked for within a step: it may need the target
    others: tuple[Mapping, ...] = ()  #: the mappings of the other flows, for rank
    options: Options = field(default_factory=Options)
    locked: Locked = unlocked
    asked: Asked = EVERYTHING
    locks: ModuleLocks = field(default_factory=ModuleLocks)  #: those of the run
    field_states: dict[str, Sequence[FieldState]] = field(
        default_factory=dict
    )  #: by module, as a run read them
    masters: MasterEdits | None = None  #: where values that the CRM owns go back; None: they do not
    names: dict[str, NameIndex] = field(
        default_factory=dict
    )  #: module -> names to be similar to, read when needed
    kept: dict[str, Record] = field(
        default_factory=dict
    )  #: by folded key: read in this run, waits for a parent

    def keep(self, record: Record) -> None:
        """Keep a record that waits for a parent: when that is there, later in the run, it is not read once more."""
        if len(self.kept) < _MOST_KEPT:
            self.kept[fold_key(record.key)] = record

    def forget(self) -> None:
        """Keep nothing that was read before a long wait."""
        for kept in (self.field_states, self.names, self.kept):
            kept.clear()

    def pair(self, module: str) -> Pair:
        """The pair that links between this flow's entity and ``module`` belong to."""
        return Pair(self.flow.company, self.flow.entity.name, module)

    def recognised_by(self, module: str) -> list[str]:
        """Every field of ``module`` that the index has to know, as far as the target has it (still)."""
        there = self.target.describe(module)
        wanted = recognised_by(m for m in (*self.flow.mappings, *self.others) if m.target == module)
        return [name for name in wanted if name in there]


def chunked(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """The rows in lists of ``size``; the last may be shorter."""
    chunk: list[T] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
