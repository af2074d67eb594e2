"""A run that waits long lets its modules go, goes on with what others did meanwhile, and says what it waits for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from memory import FakeClock
from ml_connector.core.errors import RetryableError
from ml_connector.core.write_plan import JobPrice
from ml_connector.flows.pull import pull
from ml_connector.flows.steps import LONG_WAIT, DirectSteps, Result, Steps
from ml_connector.store import cursors
from ml_connector.store.tables import weights
from world import World, done


class KilledError(BaseException):
    """The process ends here."""


@dataclass
class Door:
    """The locks of the modules; whoever wants them while they are held would wait for ever."""

    names: tuple[str, ...] = ()
    taken: int = 0
    busy: list[Callable[[], object]] = field(
        default_factory=list
    )  #: what happens while somebody waits for them

    @contextmanager
    def locked(self, names: Iterable[str], tell: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        assert not self.names, "another run holds them"
        if self.busy:
            tell("Another run is working at Accounts.")
            self.busy.pop(0)()
        self.names = tuple(names)
        self.taken += 1
        try:
            yield
        finally:
            self.names = ()


@dataclass
class Diary:
    """Steps that are kept as the engine keeps them; ``naps`` happen in the first long sleeps."""

    clock: FakeClock
    naps: list[Callable[[], object]] = field(default_factory=list)
    kept: list[tuple[str, Result]] = field(default_factory=list)
    at: int = 0

    def do(self, name: str, step: Callable[[], Result]) -> Result:
        if self.at == len(self.kept):
            self.kept.append((name, step()))
        was, told = self.kept[self.at]
        assert was == name, "a run that is taken up repeats the steps that it did"
        self.at += 1
        return told

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        if seconds > LONG_WAIT and self.naps:
            self.naps.pop(0)()


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def linked(world: World) -> World:
    """Linked to one customer, so that creates need no approval."""
    world.customer("FIRST")
    world.first("customers", "vendors")
    world.change(max_change_ratio=1000.0, window_size=25)
    return world


def make(world: World, number: int, **fields: object) -> list[str]:
    """New customers, or changes of these."""
    world.clock.sleep(3600)
    keys = [f"C{n:04}" for n in range(number)]
    for key in keys:
        known = key in world.source.rows["customers"]
        new = {} if known else {"customer_id": key, "name": f"Company {key}", "city": "Chicago"}
        world.source.put(key, **(new | fields))
    return keys


def run(world: World, door: Door, steps: Steps, flow: str = "customers", name: str = "") -> Result:
    return pull(steps, replace(world.work(flow), locked=door.locked), name or f"{flow}-long")


def state_of(world: World, name: str = "customers-long") -> tuple[str, str]:
    with world.database.read() as tx:
        told = cursors.find_run(tx, name)
    assert told is not None
    return told.state, told.note


def test_others_write_while_a_run_waits_for_credits_and_nothing_is_doubled(linked: World, door: Door) -> None:
    make(linked, 60)
    linked.target.credits = 3  # one window

    def vendors_meanwhile() -> None:
        assert state_of(linked)[0] == "waiting"
        linked.target.credits = None
        linked.source.put("V1", "vendors", vendor_id="V1", name="Company C0059", city="Rome")
        assert done(run(linked, door, DirectSteps(linked.clock), "vendors")) == {"created": 1}

    steps = Diary(linked.clock, [vendors_meanwhile])
    assert done(run(linked, door, steps)) == {"created": 59, "matched": 1}
    assert steps.naps == []
    named = [record for record in linked.target.of() if record["Account_Name"] == "Company C0059"]
    assert [(r["GP_Customer_ID"], r["GP_Vendor_ID"]) for r in named] == [("C0059", "V1")]
    assert state_of(linked)[0] == "done"
    assert (door.names, door.taken) == ((), 3)


def test_what_a_person_changed_during_a_wait_is_read_before_it_is_written(linked: World, door: Door) -> None:
    keys = make(linked, 30)
    linked.sync()
    make(linked, 30, city="Boston")
    linked.target.credits = 0
    mine = linked.target.by_key(keys[5])[0]
    linked.source.forgotten = 0

    def meanwhile() -> None:
        linked.target.edit(mine, City="Rome")
        linked.target.credits = None

    assert done(run(linked, door, Diary(linked.clock, [meanwhile]))) == {"updated": 30}
    assert linked.target.records[mine]["City"] == "Boston"
    assert linked.source.forgotten == 2, "as the run began, and what was read ahead before the wait"
    (update,) = [row for row in linked.rows(keys[5]) if row["action"] == "record:updated"]
    assert json.loads(str(update["before"]))["City"] == "Rome"


def test_credits_that_run_out_while_all_is_read_again_are_waited_for_too(linked: World, door: Door) -> None:
    make(linked, 60)
    linked.target.credits = 3
    counted = linked.target.queries

    def not_yet() -> None:
        linked.target.before_list.append(RetryableError("Away.", after_seconds=60.0))
        linked.target.credits = 100

    steps = Diary(linked.clock, [not_yet, lambda: None])
    assert done(run(linked, door, steps)) == {"created": 60}
    assert steps.naps == []
    assert door.taken == 3
    assert linked.target.queries > counted
    names = [name for name, _ in steps.kept]
    assert names.count("index Accounts") == 3, "the second wait makes the first reading old"


def test_credits_for_a_job_are_waited_for_with_what_looking_again_takes(linked: World, door: Door) -> None:
    """Else it always falls short of a job by that much, and all goes in calls, which cost several times as much."""
    make(linked, 60)
    linked.target.job_price = JobPrice(rows=60, credits=3, calls=5)
    linked.target.credits = linked.target.refresh_price = 1

    def free(number: int) -> Callable[[], object]:
        return lambda: setattr(linked.target, "credits", number)

    steps = Diary(linked.clock, [free(3), free(4)])
    assert done(run(linked, door, steps)) == {"created": 60}
    assert [len(job.rows) for job in linked.target.jobs.values()] == [60]
    assert (linked.target.credits, steps.naps) == (0, [])


def test_a_run_that_is_killed_in_its_wait_goes_on_the_same_way(linked: World, door: Door) -> None:
    keys = make(linked, 60)
    linked.target.credits = 3

    def die() -> None:
        raise KilledError

    steps = Diary(linked.clock, [lambda: None, die])
    with pytest.raises(KilledError):
        run(linked, door, steps)
    assert door.names == ()
    linked.target.credits = None
    again = Diary(linked.clock, [], steps.kept)
    assert run(linked, door, again)["state"] == "done"
    assert door.taken == 3
    for key in keys:
        assert len(linked.target.by_key(key)) == 1


def test_a_short_wait_keeps_the_modules(linked: World, door: Door) -> None:
    make(linked, 3)
    linked.target.before_write.append(RetryableError("Busy.", after_seconds=2.0))
    assert done(run(linked, door, Diary(linked.clock))) == {"created": 3}
    assert door.taken == 1


def test_a_run_that_waits_for_another_ones_locks_says_so(linked: World, door: Door) -> None:
    make(linked, 3)
    seen: list[tuple[str, str]] = []
    door.busy = [lambda: seen.append(state_of(linked))]
    linked.source.between_pages.append(lambda: seen.append(state_of(linked)))
    assert run(linked, door, Diary(linked.clock))["state"] == "done"
    assert seen == [("waiting", "Another run is working at Accounts."), ("running", "")]


# ---- the safety limit


def limited(world: World, window: int) -> None:
    world.change(max_change_ratio=0.1, window_size=window)  # 20 are allowed


def test_what_a_window_wrote_before_it_was_done_again_still_counts(linked: World, door: Door) -> None:
    limited(linked, 18)
    make(linked, 28)
    linked.target.after_write.append(RetryableError("cut"))
    assert run(linked, door, Diary(linked.clock))["state"] == "limit"
    assert len(linked.target.of()) == 1 + 18


def test_what_a_killed_run_wrote_still_counts(linked: World, door: Door) -> None:
    limited(linked, 18)
    make(linked, 28)
    steps = Diary(linked.clock)
    linked.target.after_write.append(KilledError())
    with pytest.raises(KilledError):
        run(linked, door, steps)
    assert run(linked, door, Diary(linked.clock, [], steps.kept))["state"] == "limit"
    assert len(linked.target.of()) == 1 + 18


def test_what_is_tried_again_counts_once(linked: World, door: Door) -> None:
    limited(linked, 250)
    make(linked, 15)
    linked.target.before_write.append(RetryableError("away", after_seconds=60.0))
    assert done(run(linked, door, Diary(linked.clock))) == {"created": 15}
    with linked.database.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(weights)).scalar_one() == 0


def test_a_run_waits_for_credits_no_longer_than_it_may(linked: World, door: Door) -> None:
    linked.change(credits_wait=timedelta(hours=2))
    make(linked, 60)
    linked.target.credits = 3
    began_at = linked.clock.now()
    assert run(linked, door, Diary(linked.clock))["state"] == "away"
    assert linked.clock.now() - began_at <= timedelta(hours=2)
    assert (door.names, door.taken) == ((), 1)
