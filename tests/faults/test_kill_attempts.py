"""kill -9 around an attempt that nobody asked for: whenever it comes, the record is written once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

import pytest
from kills import die

from ml_connector.flows.waiting import FEW
from systems import INSERT, World, assert_whole, gp_options, opened

READ = "GetCustomerByKey"
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("attempts"), gp=gp_options(60)) as world:
        world.first("customers")
        yield world


def hold_new_ones(world: World) -> list[str]:
    """New customers that GP cannot give, for no reason that it names; GP is well again, and they are due.

    No window brings them any more: they were read later than a second, and the clocks' difference, after their stamp.
    Nor does an attempt of its own, however long that took, before they are due.
    """
    number = next(_NUMBERS)
    keys = [f"NEW{number}{letter}" for letter in "ABC"][:FEW]
    for key in keys:
        world.customer(key, f"Company {key}")
    world.gp_faults({"kind": "soap_system_fault", "operation": READ, "count": 100})
    world.sync("customers", code=1)
    world.settle("customers", code=1)
    world.rewrite("UPDATE holds SET next_at = '2100-01-01 00:00:00.000000' WHERE closed_at IS NULL")
    world.gp_faults()
    assert "created" not in world.sync("customers", code=1)["customers"]
    assert {world.held()[key]["code"] for key in keys} == {"SYSTEM_FAULT"}
    world.rewrite("UPDATE holds SET next_at = last_at WHERE closed_at IS NULL")
    return keys


def killed_unanswered(world: World) -> None:
    """Zoho has made them and has not answered."""
    world.owe_answer(INSERT)
    process = world.start("sync", "customers")
    try:
        while not world.writes().get("insert"):
            assert process.poll() is None
    finally:
        process.kill()
        world.finish(process)
        world.zoho_faults()


@pytest.mark.parametrize(
    "die_then",
    [partial(die, when="before", number=1), partial(die, when="after", number=1), killed_unanswered],
    ids=["before it is sent", "after its answer", "before its answer"],
)
def test_what_is_tried_by_itself_is_written_once(synced: World, die_then: Callable[[World], None]) -> None:
    keys = hold_new_ones(synced)
    synced.forget()
    die_then(synced)
    assert synced.held().keys() == set(keys)  # nothing of it is recorded
    synced.sync("customers")
    assert synced.held() == {}
    assert_whole(synced)
    released = synced.rows("SELECT source_key FROM audit WHERE action = 'record:released'")
    assert [key for (key,) in released if key in keys].count(keys[0]) == 1
