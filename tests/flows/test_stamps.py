"""What bulk jobs wrote last is not read one by one before its next update, and no person's change goes unseen."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from test_bulk import make

from ml_connector.core.write_plan import JobPrice
from ml_connector.flows.stamps import learn
from ml_connector.store import links, staging
from world import World, done

MANY = 320


@pytest.fixture
def written(world: World) -> World:
    """A target that holds many records as a bulk job left them: without a stamp that we know."""
    world.customer("FIRST")
    world.first("customers", "vendors")
    world.target.job_price = JobPrice(rows=1000, credits=3, calls=5)
    world.change(max_change_ratio=1000.0, window_size=100)
    assert done_by_jobs(world, MANY, jobs=1) == {"created": MANY}
    return world


def done_by_jobs(world: World, number: int, *, jobs: int, **changes: object) -> dict[str, int]:
    """Make or change so many, and run."""
    before = len(world.target.jobs)
    make(world, number, **changes)
    counts = done(world.sync())
    assert len(world.target.jobs) - before == jobs
    return counts


def befores(world: World, key: str) -> list[object]:
    """What the trail says stood in the city before each update."""
    updated = [row for row in world.rows(key) if row["action"] == "record:updated"]
    return [json.loads(str(row["before"])).get("City") for row in updated]


def test_what_stands_as_we_left_it_is_not_read_again(written: World) -> None:
    reads = written.target.reads
    assert done_by_jobs(written, MANY, jobs=1, city="Boston") == {"updated": MANY}
    assert written.target.reads == reads
    assert done_by_jobs(written, MANY, jobs=1, city="Rome") == {"updated": MANY}
    assert written.target.reads == reads
    assert befores(written, "C0007") == ["Chicago", "Boston"]


@pytest.mark.parametrize("pages_of", [7, 2000])
def test_what_a_person_changed_is_read(written: World, pages_of: int) -> None:
    written.target.page_size = pages_of
    mine = written.target.by_key("C0007")[0]
    written.clock.sleep(60)
    written.target.edit(mine, City="Oslo")
    reads = written.target.reads
    assert done_by_jobs(written, MANY, jobs=1, city="Boston") == {"updated": MANY}
    assert written.target.reads == reads + 1
    assert befores(written, "C0007") == ["Oslo"]
    assert befores(written, "C0008") == ["Chicago"]


def test_what_a_person_changes_while_it_is_listed_is_read(written: World) -> None:
    mine = written.target.by_key("C0000")[0]
    written.target.page_size = 100

    def later() -> None:
        written.clock.sleep(60)
        written.target.edit(mine, City="Oslo")

    written.target.between_pages = [later]
    assert done_by_jobs(written, MANY, jobs=1, city="Boston") == {"updated": MANY}
    assert befores(written, "C0000") == ["Oslo"]


def test_a_field_that_the_target_does_not_state_is_read(written: World) -> None:
    written.target.unstated.add("City")
    reads = written.target.reads
    assert done_by_jobs(written, MANY, jobs=1, city="Boston") == {"updated": MANY}
    assert written.target.reads > reads


def test_a_few_changes_among_many_are_read_one_by_one(written: World) -> None:
    queries, reads = written.target.queries, written.target.reads
    make(written, 10, city="Boston")
    assert done(written.sync()) == {"updated": 10}
    assert written.target.reads == reads + 1
    few = written.target.queries - queries
    make(written, 10, city="Rome")
    assert done(written.sync()) == {"updated": 10}
    assert written.target.queries - queries == 2 * few


def test_a_link_that_two_flows_share_is_not_judged_by_one(written: World) -> None:
    make(written, MANY, city="Boston")
    work = written.work()
    with written.database.begin() as tx:
        staging.put_keys(tx, "a-run", "-1", "customers", list(written.source.rows["customers"]))
        assert links.unstamped(tx, work.pair("Accounts"))[1] == MANY
    for others, left in ((work.flow.mappings, MANY), ((), 0)):
        learn(lambda _, step: step(), replace(work, others=others), "a-run", "Accounts")
        with written.database.read() as tx:
            assert links.unstamped(tx, work.pair("Accounts"))[1] == left
