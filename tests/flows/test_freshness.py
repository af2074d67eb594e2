"""How old each group of fields may be is told with what it means."""

from __future__ import annotations

from datetime import timedelta

from ml_connector.flows.freshness import Freshness, find_freshness
from world import World

DAY = timedelta(days=1)


def told(world: World) -> dict[str, Freshness]:
    with world.database.read() as tx:
        groups = find_freshness(tx, world.work().flow, world.clock.now())
    return {group.group: group for group in groups}


def test_before_anything_ran_nothing_is_known(world):
    groups = told(world)
    assert list(groups) == ["record", "receivables", "addresses", "emails", "keys"]
    assert {group.seen_at for group in groups.values()} == {None}
    assert "reconcile keys customers" in groups["keys"].meaning


def test_each_group_has_an_age_of_its_own(world):
    world.change(facet_every={"addresses": 2 * DAY}, sweep_nights={"emails": 3})
    for n in range(6):
        world.customer(f"C{n}")
    world.first("customers")
    began = world.clock.now()
    world.clock.sleep(DAY.total_seconds())
    world.sync()
    groups = told(world)
    assert groups["record"].age_seconds == groups["receivables"].age_seconds == 0
    assert groups["addresses"].age_seconds > DAY.total_seconds()
    assert groups["emails"].age_seconds > DAY.total_seconds()
    assert "2 of 6 were read anew since" in groups["emails"].meaning
    world.sync(reconcile=True)
    assert told(world)["keys"].seen_at > began
    for _ in range(2):
        world.clock.sleep(DAY.total_seconds())
        world.sync()
    assert 2 * DAY < timedelta(seconds=told(world)["emails"].age_seconds) < 3 * DAY
    assert "when its turn comes" in told(world)["emails"].meaning


def test_a_track_is_read_up_to_the_last_run(world):
    world.source.track = {}
    world.change(sweep_nights={"emails": 3})
    world.customer("C1")
    world.first("customers")
    world.sync()
    emails = told(world)["emails"]
    assert emails.age_seconds == 0
    assert "own track" in emails.meaning


def test_a_group_that_no_mapping_uses_is_not_told(world):
    world.texts["customers"] = world.texts["customers"][:1]
    assert "receivables" not in told(world)
