"""Whatever the site's row limit is, every customer arrives, though all share one second.

3,000 customers; 120 where a list may hold only one of them, because a listing takes as many requests as there are rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from systems import World, assert_whole, gp_options, opened

BY_LIMIT = {1: 120, 7: 3000, 500: 3000, 1000: 3000, 1001: 3000}
OTHERS = {
    1: (7,),
    7: (500,),
    500: (7,),
    1000: (500, 1001),
    1001: (1000,),
}  #: what the site is given afterwards


@pytest.fixture(scope="module", params=BY_LIMIT)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    gp = gp_options(BY_LIMIT[request.param], same_second=True, row_limit=request.param)
    with opened(tmp_path_factory.mktemp("limits"), gp=gp) as world:
        world.first("customers")
        yield world


def test_all_arrive_and_then_nothing_costs_anything(world: World) -> None:
    assert_whole(world)
    first = world.gp.options.row_limit
    for limit in (first, *OTHERS.get(first, ())):
        limits = dict.fromkeys(("customers", "addresses", "receivables"), limit)
        world.gp.control("POST", "settings", {"row_limits": limits})
        assert_settled(world)


def assert_settled(world: World) -> None:
    """A sync lists every customer, reads none and writes nothing."""
    world.forget()
    result = world.ok("sync", "customers", "--json").json["flows"]["customers"]
    assert result["counts"] == {"settled": len(world.customers())}
    assert "GetCustomerByKey" not in world.operations()
    assert world.writes() == {}


def test_what_changed_within_one_second_arrives(world: World) -> None:
    edited = [customer["id"].rstrip() for customer in world.customers()[::10]]
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    for key in edited:
        world.gp.control("POST", f"customers/{key}", {"set": {"class_id": "EDITED"}, "modified_at": now})
    assert world.sync("customers") == {"customers": {"updated": len(edited)}}
    arrived = [a["GP_Customer_ID"] for a in world.accounts() if a.get("GP_Customer_Class") == "EDITED"]
    assert sorted(arrived) == sorted(edited)
