"""Answers that are lost, late or wrong on either wire: the run waits, asks again, and ends whole."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from systems import INSERT, UPDATE, World, assert_whole, gp_options, opened

BY_KEY, LIST, BALANCES = "GetCustomerByKey", "GetCustomerList", "GetCustomerReceivablesSummaryList"
NUMBERS = count(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("wire"), gp=gp_options(60)) as world:
        world.first("customers")
        yield world


def edit(world: World, new: int = 0) -> str:
    """New customers, and another class for those that were there. 110: two calls that insert, one that updates."""
    number = next(NUMBERS)
    for customer in world.customers()[:90]:
        world.gp.control("POST", f"customers/{customer['id']}", {"set": {"class_id": f"WIRE{number}"}})
    for i in range(new):
        record = {"id": f"W{number}N{i:03}", "name": f"Wire {number} number {i}", "class_id": f"WIRE{number}"}
        world.gp.control("POST", "customers", record)
    world.forget()
    return f"WIRE{number}"


def assert_classes(world: World, value: str) -> None:
    """Every Account has the class of its customer, and those that were edited have this one."""
    classes = {c["id"].rstrip(): c["class_id"] for c in world.customers()}
    assert value in classes.values()
    assert {a["GP_Customer_ID"]: a.get("GP_Customer_Class") or "" for a in world.accounts()} == classes


@pytest.mark.parametrize(
    ("inserts", "update", "gp"),
    [
        (["cut_after_work", "http_429"], "cut_after_work", [("drop", LIST, 1), ("drop", BY_KEY, 20)]),
        (["http_500_after_work", "html_200"], "html_503", [("soap_system_fault", BY_KEY, 30)]),
        (
            ["cut_mid_answer", "http_500"],
            "http_429",
            [("http_503", BY_KEY, 2), ("cut_after_work", LIST, 1)],
        ),  # 503 with Retry-After: 1
        (["duplicate", "garbage_json"], "drop", [("html_200", BALANCES, 1), ("garbage_xml", BY_KEY, 40)]),
        (["http_429", "http_429"], "http_500_after_work", [("delay", BY_KEY, 1)]),
    ],
)
def test_a_run_over_broken_wires_ends_whole(
    world: World, inserts: list[str], update: str, gp: list[tuple[str, str, int]]
) -> None:
    value = edit(world, 110)
    planned = [{"match": INSERT, "kind": kind} for kind in inserts]
    world.zoho_faults(*planned, {"match": UPDATE, "kind": update})
    world.gp_faults(*({"kind": kind, "operation": name, "nth": nth, "seconds": 1} for kind, name, nth in gp))
    done = world.sync("customers", "--over-limit")["customers"]
    assert [fault["fired"] for fault in world.zoho_call("GET", "faults")] == [1, 1, 1]
    assert world.gp.control("GET", "faults") == {"faults": []}
    assert done.keys() <= {"created", "matched", "updated"}
    assert_classes(world, value)
    assert_whole(world)


def test_an_expired_token_is_renewed(world: World) -> None:
    value = edit(world)
    world.zoho_call("POST", "tokens/expire")
    world.sync("customers")
    assert_classes(world, value)


def test_a_system_that_stays_away_ends_the_run_and_the_next_does_the_rest(world: World) -> None:
    value = edit(world)
    world.zoho_faults({"match": "*", "kind": "html_503", "count": 1000})
    world.write_settings(sync__max_wait_seconds="1")
    said = world.run("sync", "customers")
    assert said.code == 4
    assert "Zoho" in said.err
    world.zoho_faults()
    world.write_settings(sync__max_wait_seconds="20")
    world.sync("customers")
    assert_classes(world, value)
    assert_whole(world)
