"""Zoho tells of many sales orders: of each one to five times, out of order, and of a tenth of them never.

Each is made by a person in Zoho and is a notification by itself, which Zoho's simulator drops, copies and shuffles as
its seed says, and posts to ``serve``. What is never told of is found by the poll that is for safety.
``NOTIFICATIONS`` in the environment: how many (``make faults``: 10,000).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ml_connector.core.numbering import number_of
from ports import kept_port
from served import LONGEST_SECONDS, Served, serving
from summary import TOLD
from systems import World, assert_settled, gp_options, opened, zoho_options

NUMBER = int(os.environ.get("NOTIFICATIONS", "300"))
SEED = 20261128
IN_A_CALL = 100  #: orders that are made at once; each is told of by itself all the same
CUSTOMERS = 10
FATES = {
    "notice_seed": SEED,
    "notice_ids_per_call": 1,
    "notice_copies": (1, 5),
    "notice_shuffle_seconds": 5.0,
    "notice_drop_share": 0.1,
    "notice_timeout_seconds": LONGEST_SECONDS,
}
LONG_AGO = "UPDATE listening SET polled_at = '2026-01-01 00:00:00.000000'"  # as if an hour passed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Customers are Accounts, and sales orders go to GP from now on."""
    zoho = zoho_options(notice_senders=8, request_log_size=10 * NUMBER, **FATES)
    with kept_port() as port, opened(tmp_path, gp=gp_options(0), zoho=zoho, provisioned=False) as world:
        world.write_settings(
            flows_vendors__enabled="false",
            serve__port=str(port),
            serve__schedule="'0 0 1 1 *'",
            serve__wait_seconds="0",
            webhooks__url=f"'http://127.0.0.1:{port}'",
            webhooks__modules='["Sales_Orders"]',
            sales_orders__enabled="true",
        )
        world.here("provision", "--yes")
        world.first("customers")
        world.sync("sales_orders")
        yield world


def make_orders(world: World) -> dict[str, str]:
    """Id of each order -> the customer's own number in it, which no two have."""
    (product,) = world.seed({"Product_Name": "Memory", "Product_Code": "128 SDRAM"}, module="Products")
    may_order = (one for one in world.customers() if one["is_active"] and not one["is_on_hold"])
    keys = [one["id"].rstrip() for one in may_order][:CUSTOMERS]
    for key in keys:
        world.change(key, set={"credit_limit": "1000000000"})
    accounts = [world.account(key)["id"] for key in keys]
    line = {"Product_Name": {"id": product}, "Quantity": 1, "List_Price": 189.95}
    records = [
        {
            "Subject": f"Order {number}",
            "Account_Name": {"id": accounts[number % len(accounts)]},
            "Purchase_Order": f"PO {number}",
            "Ordered_Items": [line],
        }
        for number in range(NUMBER)
    ]
    made: dict[str, str] = {}
    for at in range(0, NUMBER, IN_A_CALL):
        some = records[at : at + IN_A_CALL]
        told = world.zoho_call("POST", "create/Sales_Orders", {"records": some})
        assert not told["errors"], told
        made |= {one: record["Purchase_Order"] for one, record in zip(told["ids"], some, strict=True)}
    return made


def in_gp(world: World) -> dict[str, Mapping[str, Any]]:
    """Number -> each of GP's documents that came from us; there are others that it was shipped with."""
    rows = world.gp.control("GET", "sales?limit=1000000")["rows"]
    ours = {row["id"].rstrip(): row for row in rows if row["customer_po"].startswith("PO ")}
    assert len(ours) == sum(row["customer_po"].startswith("PO ") for row in rows)
    return ours


def told_of(world: World) -> Counter[str]:
    """Id of each order of whose making we were told -> how often we were, and said so."""
    sent = world.zoho_call("GET", "notices/sent")
    taken = [one for one in sent if (one["operation"], one["status"]) == ("insert", 200)]
    return Counter(key for notice in taken for key in notice["ids"])


def work_off(served: Served, left: Callable[[], int]) -> None:
    """Wait until nothing is left, for as long as it takes while it changes."""
    while now := left():
        served.until(lambda before=now: left() != before, f"any progress with what is left, {now},")


def on_the_way(world: World) -> int:
    """Notifications that are on the way or wait, and runs that are under way."""
    [(waiting,)] = world.rows("SELECT COUNT(*) FROM inbox")
    [(running,)] = world.rows("SELECT COUNT(*) FROM runs WHERE ended_at IS NULL")
    return int(world.zoho_call("GET", "notices")["under_way"] + waiting + running)


def untold(world: World, orders: Mapping[str, str]) -> int:
    """Orders of which Zoho was not told what they became."""
    [(told,)] = world.rows("SELECT COUNT(*) FROM documents WHERE told IS NOT NULL")
    return len(orders) - int(told)


def test_every_order_is_one_of_gp_however_it_is_told_of(world: World) -> None:
    with serving(world) as served:
        served.said("Zoho tells of changes in Sales_Orders until ")
        orders = make_orders(world)
        work_off(served, lambda: on_the_way(world))
        by_notice, told = len(in_gp(world)), told_of(world)
        world.rewrite(LONG_AGO)
        work_off(served, lambda: untold(world, orders))
        work_off(served, lambda: on_the_way(world))
    there = in_gp(world)
    wanted = {number_of(one, "ZO"): customers_own for one, customers_own in orders.items()}
    missed = len(wanted.keys() - there.keys())
    doubled = len(there) - len({row["customer_po"] for row in there.values()})
    tell(world, orders, told, by_notice, missed, doubled)
    assert {number: row["customer_po"] for number, row in there.items()} == wanted
    numbers = {row["id"]: row.get("GP_Order_Number") for row in world.records("Sales_Orders")}
    assert numbers == {one: number_of(one, "ZO") for one in orders}
    created = Counter(
        key for mapping, key in world.told("record:created").elements() if mapping == "sales_orders"
    )
    assert created == dict.fromkeys(orders, 1)
    assert 0 < len(told) < len(orders), "some were told of, and some were not"
    assert max(told.values()) > 1
    assert_nothing_is_left_to_do(world)


def tell(
    world: World, orders: Mapping[str, str], told: Counter[str], by_notice: int, missed: int, doubled: int
) -> None:
    notices = world.zoho_call("GET", "notices")
    TOLD.append(
        f"sales orders that Zoho tells of, seed {SEED}: {len(orders):,} notifications offered, {len(told):,} of them"
        f" delivered {told.total():,} times out of order, {len(orders) - len(told):,} dropped"
        f" (and {notices['made'] - len(orders):,} of our own writes); GP had {by_notice:,} documents before the poll"
        f" for safety and {len(orders) - missed:,} of {len(orders):,} behind it: missed {missed}, doubled {doubled}"
    )


def assert_nothing_is_left_to_do(world: World) -> None:
    """Another look at every order writes nothing on either side."""
    world.forget()
    world.sync("sales_orders", "--full")
    asked = world.operations()
    assert [name for name in asked if name.startswith(("Create", "Update", "Void", "Delete"))] == []
    assert world.writes("Sales_Orders") == {}
    assert_settled(world)
