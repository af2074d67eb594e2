"""Histories of a source: within the overlap no change is missed, and beyond it the next ``reconcile keys`` finds it.

The model is independent of the flows: it knows when each change became visible, and where a window has to begin at
least. Every kind of history has to occur, or the test fails as saying nothing.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import count
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory import FakeClock, MemorySource, MemoryTarget, Row
from ml_connector.core.change import DAY_OVERLAP
from ml_connector.flows.pull import pull
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.steps import DirectSteps, Result, Steps
from ml_connector.store.database import Database
from world import CUSTOMER, World

MARKED = CUSTOMER.replace("match =", 'marks = { vanished = "Gone" }\nmatch =')
BEGAN = datetime(2026, 10, 30, 12, 0, 5, tzinfo=UTC)  # the clocks go back two days later
OVERLAP = timedelta(seconds=1800)
LONG_AGO = BEGAN - timedelta(days=900)
NEVER = timedelta(days=99_999)
ZONES = ("UTC", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe")
KEYS = ("A", "B", "C", "D", "E", "F")


class DiedError(Exception):
    """The process was killed here."""


@dataclass
class DieAfterPages:
    """Steps of a process that dies between two key ranges, its engine with it."""

    clock: FakeClock
    pages: int

    def do(self, name: str, step: Callable[[], Result]) -> Result:
        if name == "list" and self.pages == 0:
            raise DiedError
        self.pages -= name == "list"
        return step()

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)


@dataclass
class Gp(MemorySource):
    """A source whose clock may be wrong, whose commits may be late, whose stamps may be days of some time zone."""

    offset: timedelta = timedelta(0)  #: of its clock against ours
    zone: str = ""  #: set: stamps are local dates of it
    late: list[tuple[datetime, Row]] = field(
        default_factory=list
    )  #: what becomes visible at this instant of ours

    def clock_difference(self) -> float:
        return self.offset.total_seconds()

    def stamp(self) -> datetime:
        """What an edit of this moment is stamped with."""
        here = self.clock.now() + self.offset
        if self.zone:
            return self.midnight(here.astimezone(ZoneInfo(self.zone)))
        return here.replace(microsecond=0)

    def is_put_back(self) -> bool:
        """Whether daylight saving has ended since the history began."""
        zone = ZoneInfo(self.zone or "UTC")
        return self.clock.now().astimezone(zone).utcoffset() != BEGAN.astimezone(zone).utcoffset()

    @staticmethod
    def midnight(at: datetime) -> datetime:
        return datetime.combine(at.date(), time(), UTC)


@dataclass
class Change:
    """The last change of a record, as the model knows it."""

    at: datetime
    visible: int  #: number of the first run that begins with it visible; -1: not yet
    sure: bool = False  #: an ordinary run has to bring it


@dataclass
class History:
    """One history and its model."""

    world: World
    kinds: Counter[str]
    numbers: Iterator[int] = field(default_factory=count)
    runs: int = 0
    seen: set[datetime] = field(
        default_factory=set
    )  #: stamps that completed runs may have taken into the cursor
    changes: dict[str, Change] = field(default_factory=dict)
    stamps: dict[str, set[datetime]] = field(default_factory=dict)  #: every stamp that a record ever had

    @property
    def gp(self) -> Gp:
        source = self.world.source
        assert isinstance(source, Gp)
        return source

    @property
    def rows(self) -> dict[str, Row]:
        return self.gp.rows["customers"]

    # -- what happens in the source

    def edit(self, key: str, at: datetime | None = None, visible_at: datetime | None = None) -> None:
        """Change a record (or make it anew): every edit has an e-mail address of its own."""
        stamp = at or self.gp.stamp()
        self.kinds["after the clocks were put back"] += self.gp.is_put_back()
        fields = {"customer_id": key, "name": f"Company {key}", "email": f"e{next(self.numbers)}@gp.example"}
        row = Row(key, fields, stamp)
        if any(late.key == key for _, late in self.gp.late):
            return  # one edit of a record at a time: GP locks it
        if visible_at is not None:
            self.gp.late.append((visible_at, row))
        else:
            self.show(row)

    def show(self, row: Row) -> None:
        assert row.at is not None
        self.kinds["equal instants"] += sum(other.at == row.at for other in self.rows.values())
        known = self.changes.get(row.key)
        self.kinds["the same stamp once more"] += bool(known and known.visible > 0 and known.at == row.at)
        self.rows[row.key] = row
        self.stamps.setdefault(row.key, set()).add(row.at)
        self.changes[row.key] = Change(row.at, -1)

    def apply(self, op: tuple[str, str, int]) -> None:
        what, key, n = op
        self.kinds[what] += 1
        getattr(self, f"op_{what}")(key, n)

    def op_edit(self, key: str, _n: int) -> None:
        self.edit(key)

    def op_wait(self, _key: str, n: int) -> None:
        """From a fraction of a second to days."""
        self.world.clock.sleep((0.2, 0.3, 1.0, 40.0, 1200.0, 2500.0, 40_000.0, 300_000.0)[n % 8])

    def op_future(self, key: str, _n: int) -> None:
        ahead = timedelta(days=30 + next(self.numbers), seconds=next(self.numbers))
        self.edit(key, self.fine(self.world.clock.now() + ahead))

    def op_set_back(self, key: str, _n: int) -> None:
        self.edit(key, self.fine(LONG_AGO + timedelta(days=next(self.numbers), seconds=next(self.numbers))))

    def op_late(self, key: str, n: int) -> None:
        """A commit some seconds to days after its stamp, which is another one than the record ever had.

        What becomes visible long after, under a stamp that was read long before, no comparison of stamps can see.
        """
        while self.gp.stamp() in self.stamps.get(key, ()):
            self.world.clock.sleep(86_400 if self.gp.zone else 1)
        delay = timedelta(seconds=(5, 600, 1500, 4000, 90_000, 400_000)[n % 6])
        self.edit(key, visible_at=self.world.clock.now() + delay)

    def op_clock(self, _key: str, n: int) -> None:
        """GP's clock is set: some seconds or minutes off, or right."""
        self.gp.offset = timedelta(seconds=(-240, -3, 0, 2, 280)[n % 5])

    def op_delete(self, key: str, _n: int) -> None:
        if self.rows.pop(key, None):
            self.changes.pop(key)

    def fine(self, at: datetime) -> datetime:
        return Gp.midnight(at) if self.gp.zone else at.replace(microsecond=0)

    # -- runs

    def op_run(self, _key: str, _n: int) -> None:
        self.run()

    def op_run_while_edited(self, key: str, n: int) -> None:
        """Somebody edits while the pages are read."""
        self.gp.between_pages.extend([lambda: None] * (n % 3) + [lambda: self.edit(key)])
        self.run()
        self.gp.between_pages.clear()

    def op_run_that_dies(self, _key: str, n: int) -> None:
        self.run(DieAfterPages(self.world.clock, 1 + n % 2))

    def begin(self) -> None:
        """What is visible now; and whether a window that begins where the cursor may be has to show it."""
        now = self.world.clock.now()
        due = [row for at, row in self.gp.late if at <= now]
        self.gp.late = [(at, row) for at, row in self.gp.late if at > now]
        for row in due:
            self.show(row)
        self.runs += 1
        newest = max(self.seen)
        finer = any(Gp.midnight(at) != at for at in self.seen)
        since = newest - (OVERLAP if finer else DAY_OVERLAP)
        for change in self.changes.values():
            if change.visible < 0:
                change.visible, change.sure = self.runs, change.at >= since
                self.kinds["sure by the overlap alone"] += since <= change.at < newest

    def run(self, steps: Steps | None = None, asked: Asked = EVERYTHING) -> Result | None:
        self.begin()
        shown = {row.at for row in self.rows.values() if row.at is not None}
        bound = self.world.clock.now() + min(self.gp.offset, timedelta(0))
        steps = steps or DirectSteps(self.world.clock)
        try:
            told = pull(steps, self.world.work("customers", asked), f"run-{self.runs}")
        except DiedError:
            self.kinds["died"] += 1
            return None
        assert told["state"] == "done", told
        shown |= {
            row.at for row in self.rows.values() if row.at is not None
        }  # perhaps of those made meanwhile
        self.seen |= {at for at in shown if at <= bound}
        return told

    # -- what has to hold

    def is_there(self, key: str) -> bool:
        found = self.world.target.by_key(key)
        record = self.world.target.records[found[0]] if found else {}
        return record.get("Email") == self.rows[key].fields["email"] and not record.get("Gone")

    def check(self) -> None:
        """Bring it to rest, and compare: what was sure to be seen is there, and after ``reconcile keys`` everything."""
        self.gp.offset = timedelta(0)
        for _ in range(2):
            self.world.clock.sleep(timedelta(days=6).total_seconds())
            self.run()
        sure = [key for key, change in self.changes.items() if change.sure]
        assert [key for key in sure if not self.is_there(key)] == []
        self.kinds["sure"] += len(sure)
        self.kinds["missed by every window"] += sum(not self.is_there(key) for key in self.rows)
        told = self.run(asked=Asked(reconcile=True))
        assert told is not None
        assert [key for key in self.rows if not self.is_there(key)] == []
        self.kinds["found by reconcile"] += told["counts"].get("missed", 0) + told["counts"].get(
            "unrecorded", 0
        )
        gone = [r for r in self.world.target.of() if r["GP_Customer_ID"] not in self.rows]
        assert all(record.get("Gone") is True for record in gone)
        self.kinds["marked"] += len(gone)


EXAMPLES = 40
#: Where a store is quick: examples are many, and none of them is about a disk.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
KINDS = (
    "edit", "wait", "future", "set_back", "late", "clock", "delete", "run", "run_while_edited", "run_that_dies",
)  # fmt: skip
OFTEN = ("edit", "edit", "edit", "run", "run", "run", "run", "late", "wait")


def history_of(seed: int) -> tuple[str, list[tuple[str, str, int]]]:
    """A history: hypothesis draws its seed, so that long and mixed ones are as many as short and plain ones."""
    chance = Random(seed)
    zone = chance.choice(("",) * 5 + ZONES)
    size = chance.randrange(8, 24)
    return zone, [
        (chance.choice(KINDS + OFTEN), chance.choice(KEYS), chance.randrange(42)) for _ in range(size)
    ]


HISTORIES = st.integers(0, 2**40).map(history_of)


@contextmanager
def opened(new_store: bytes, zone: str) -> Iterator[World]:
    """A world with a store of its own."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        file = Path(folder) / "history.db"
        file.write_bytes(new_store)
        database, clock = Database(f"sqlite:///{file}"), FakeClock(BEGAN)
        gp = Gp(clock, page_size=2, zone=zone)
        world = World(clock, gp, MemoryTarget(clock), database, {"customers": [MARKED]})
        world.change(overlap=OVERLAP, facet_every={"addresses": NEVER}, max_change_ratio=1.0)
        try:
            yield world
        finally:
            database.close()


def begun(world: World, kinds: Counter[str]) -> History:
    """A history whose first load is done."""
    told = History(world, kinds)
    for key in KEYS[:4]:
        told.edit(key)
    told.seen = {LONG_AGO, *(c.at for c in told.changes.values() if c.at <= world.clock.now())}
    for change in told.changes.values():
        change.visible, change.sure = 0, True
    world.approve("customers")
    told.run()
    return told


def test_whatever_the_history(capsys: pytest.CaptureFixture[str], new_store: bytes) -> None:
    kinds: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(HISTORIES)
    def holds(history: tuple[str, list[tuple[str, str, int]]]) -> None:
        zone, ops = history
        with opened(new_store, zone) as world:
            told = begun(world, kinds)
            kinds["days" if zone else "seconds"] += 1
            for op in ops:
                told.apply(op)
            told.check()

    holds()
    with capsys.disabled():  # a reader sees that the histories say something
        sys.stdout.write(f"\n{EXAMPLES} histories: {dict(sorted(kinds.items()))}\n")
    wanted = {*KINDS, "days", "seconds", "equal instants", "died", "sure", "missed by every window"}
    wanted |= {"found by reconcile", "marked", "sure by the overlap alone", "the same stamp once more"}
    wanted |= {"after the clocks were put back"}
    assert {kind for kind in wanted if kinds[kind] < 5} == set(), "the histories say nothing of these"
