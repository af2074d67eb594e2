"""A module of a CRM in memory, and somebody who takes what it brings: fakes at the ports of receiving."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from memory import FakeClock, MemorySource
from ml_connector.core.change import Change, is_settled
from ml_connector.core.entity import Entity, SourceField
from ml_connector.core.ports import Absent, Fetched
from ml_connector.core.record import Record
from ml_connector.flows.receive import Handed
from ml_connector.store import inbox
from ml_connector.store.database import Database
from ml_connector.store.inbox import Told

DEALS = "Deals"
FAR = datetime(2100, 1, 1, tzinfo=UTC)
ENTITY = Entity(
    DEALS,
    {
        one.name: one
        for one in (
            SourceField("id", "text"),
            SourceField("name", "text"),
            SourceField("amount", "integer"),
            SourceField("modified_at", "instant"),
        )
    },
    key="id",
)


class KilledError(BaseException):
    """The process dies here."""


@dataclass
class MemoryCrm(MemorySource):
    """Deals that people make, change and delete; counts how often it is asked for some."""

    entities: dict[str, Entity] = field(default_factory=lambda: {DEALS: ENTITY})
    rows: dict = field(default_factory=lambda: {DEALS: {}})
    deleted: dict[str, datetime] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)  #: for records
    listings: list[datetime | None] = field(default_factory=list)  #: since when was asked
    before_fetch: list[BaseException] = field(default_factory=list)
    while_fetching: list[Callable[[], object]] = field(default_factory=list)

    def edit(self, key: str, amount: int) -> None:
        """A person makes or changes a deal; its stamp is a whole second, as a CRM's are."""
        at = self.clock.now().replace(microsecond=0)
        self.put(key, DEALS, at, id=key, name=f"Deal {key}", amount=amount, modified_at=at)
        self.deleted.pop(key, None)

    def delete(self, key: str) -> None:
        """A person deletes a deal."""
        del self.rows[DEALS][key]
        self.deleted[key] = self.clock.now().replace(microsecond=0)

    def state(self) -> dict[str, int]:
        """What there is now."""
        return {key: row.fields["amount"] for key, row in self.rows[DEALS].items()}

    def list_changes(self, entity, since, after):
        self.listings.append(since)
        return super().list_changes(entity, since, after)

    def list_deleted(self, entity: str, since: datetime) -> list[Change]:
        return [Change(key, "", at) for key, at in self.deleted.items() if at >= since]

    def fetch(self, entity: str, keys: Sequence[str]) -> Iterator[Fetched]:
        self.calls.append(list(keys))
        if self.before_fetch:
            raise self.before_fetch.pop(0)
        found = list(super().fetch(entity, keys))
        while self.while_fetching:
            self.while_fetching.pop(0)()
        yield from found


@dataclass
class Kept:
    """What became of one record."""

    amount: int | None  #: None: it is gone
    at: datetime | None
    fetched_at: datetime
    skew: timedelta


@dataclass
class MemoryBooks:
    """Keeps what it is handed; what is in it outlives a killed process."""

    kept: dict[str, Kept] = field(default_factory=dict)
    amount: str = "amount"
    stamp: str = "modified_at"
    handed: list[str] = field(default_factory=list)
    replays: set[str] = field(default_factory=set)
    before: list[BaseException] = field(default_factory=list)  #: raised before anything is kept
    midway: list[BaseException] = field(default_factory=list)  #: raised when half is
    after: list[BaseException] = field(default_factory=list)

    def begin(self) -> None:
        """It has to know nothing before."""

    def unsettled(self, changes: Sequence[Change], doubt: timedelta) -> list[Change]:
        def is_done(change: Change) -> bool:
            known = self.kept.get(change.key)
            return known is not None and is_settled(change.at, known.at, known.fetched_at, doubt)

        return [change for change in changes if not is_done(change)]

    def waiting(self, _tx: object) -> Collection[str]:
        return sorted(self.replays)

    def take(self, _run: str, handed: Sequence[Handed]) -> Mapping[str, int]:
        _die(self.before)
        for number, one in enumerate(handed):
            if 2 * number >= len(handed):
                _die(self.midway)
            self._keep(one)
        _die(self.after)
        return {"written": len(handed)}

    def _keep(self, one: Handed) -> None:
        self.handed.append(one.key)
        self.replays.discard(one.key)
        record, known = one.result, self.kept.get(one.key)
        if isinstance(record, Absent):
            at = one.at or (known.at if known else None)
            self.kept[one.key] = Kept(None, at, record.fetched_at, one.skew)
            return
        assert isinstance(record, Record)
        at = record.fields[self.stamp]
        self.kept[one.key] = Kept(record.fields[self.amount], at, record.fetched_at - one.skew, one.skew)

    def state(self) -> dict[str, int]:
        """What it holds of records that are there."""
        return {key: one.amount for key, one in self.kept.items() if one.amount is not None}


def _die(errors: list[BaseException]) -> None:
    if errors:
        raise errors.pop(0)


@dataclass
class DyingDatabase:
    """A store at whose n-th transaction the process dies, before it is committed or after it was."""

    database: Database
    at: int
    committed: bool
    done: int = 0

    def __getattr__(self, name: str):
        return getattr(self.database, name)

    @contextmanager
    def begin(self):
        self.done += 1
        dies = self.done == self.at
        with self.database.begin() as tx:
            yield tx
            if dies and not self.committed:
                raise KilledError
        if dies:
            raise KilledError


def tell(database: Database, clock: FakeClock, *keys: str, operation: str = "update") -> None:
    """Notifications of these records arrive, in this order."""
    with database.begin() as tx:
        inbox.put(tx, [Told(DEALS, key, operation, clock.now()) for key in keys])


def waits(database: Database) -> set[str]:
    """The records in the inbox, ripe or not."""
    with database.read() as tx:
        return {row.record_id for row in inbox.due(tx, FAR, 0, 10**6)}
