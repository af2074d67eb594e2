"""A flow's attempts on a store of either kind: due, done again after a break, written once."""

from datetime import timedelta

import pytest

from memory import FakeClock, MemorySource, MemoryTarget
from ml_connector.core.errors import RecordRejectedError
from ml_connector.store import holds
from world import CUSTOMER, FINANCIALS, World, done


@pytest.fixture
def world(database):
    clock = FakeClock()
    texts = {"customers": [CUSTOMER, FINANCIALS]}
    return World(clock, MemorySource(clock), MemoryTarget(clock), database, texts)


def next_due(world):
    with world.database.read() as tx:
        return holds.next_due(tx, world.company, "customers")


def test_a_locked_record_is_tried_at_growing_distances_and_written_once(world):
    world.customer("C1")
    world.first("customers")
    world.target.refuse["Locked"] = RecordRejectedError("Locked.", code="RECORD_LOCKED", heals=True)
    world.customer("C1", name="Locked")
    world.sync()
    distances = []
    for _ in range(4):
        told, now = next_due(world), world.clock.now()
        distances.append(round((told - now) / timedelta(minutes=5)))
        world.clock.sleep((told - now).total_seconds())
        world.sync()
    assert distances == [1, 1, 2, 4]
    assert {hold.attempts for hold in world.held()} == {5}
    world.target.refuse.clear()
    world.source.put("C1", city="Boston")
    writes = len(world.target.writes)
    world.clock.sleep(24 * 3600)
    world.target.after_write.append(KeyError("killed here"))
    with pytest.raises(KeyError):
        world.sync()
    world.sync()
    world.sync(keys=("C1",))
    [there] = world.target.of()
    assert (there["Account_Name"], there["City"]) == ("Locked", "Boston")
    assert (next_due(world), world.held(), done(world.sync())) == (None, [], {})
    assert {fields["City"] for _, fields in world.target.writes[writes:]} == {"Boston"}
    assert [action for _, action in world.told("C1")].count("record:released") == 2  # one for each mapping
