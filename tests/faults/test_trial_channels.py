"""A month of sales orders in which Zoho's channel fails in every way: no document of GP is missed or doubled.

See ``channel_month`` for how a month passes. ``CHANNEL_DAYS`` in the environment: so many days of every scenario
(``make faults``: 30); else eight days of a few of them.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from channel_month import DAY, HOUR, MODULE, Month, Process, Spell, Time, Way, process

from ml_connector.bootstrap import open_app
from ml_connector.cli.plan import make_plan
from ml_connector.core.numbering import number_of
from ml_connector.flows import approval
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.steps import DirectSteps
from ml_connector.settings_file import load_settings
from ports import kept_port
from summary import TOLD
from systems import World, assert_settled, gp_options, opened, zoho_options

DAYS = int(os.environ.get("CHANNEL_DAYS", "8"))
SEED = 20261128
CUSTOMER, ITEM = "AARONFIT0001", "128 SDRAM"
AN_HOUR = {"watch_maximum_seconds": 3600}  #: six days are asked for, which is more, and an hour is granted
LOSSES = {"notice_drop_share": 0.3, "notice_copies": (1, 3), "notice_wrong_token_share": 0.1}
WELL = {
    "watch_maximum_seconds": 604_800,
    "notice_drop_share": 0.0,
    "notice_copies": (1, 1),
    "notice_wrong_token_share": 0.0,
}
IN_MANY_WAYS = {"PATCH": "http_500_after_work", "POST": "cut_after_work", "GET": "drop"}

#: What goes on, over and over until the days are over. A renewal is due two days after a channel was granted for six,
#: and is tried every hour in the end: 60 times in vain are no harm, 150 times are. Of an hour, 40 minutes are left.
SCENARIOS: Mapping[str, tuple[Spell, ...]] = {
    "renewals fail 4 times": (Spell(DAY, fails=4, how=IN_MANY_WAYS),),
    "renewals fail 60 times": (Spell(30 * DAY, fails=60),),
    "renewals fail 150 times": (Spell(HOUR), Spell(30 * DAY, fails=150)),
    "granted an hour of six days": (Spell(2 * DAY), Spell(HOUR * 12, zoho=AN_HOUR)),
    "granted an hour, 8 failures": (Spell(2 * DAY), Spell(HOUR * 12, zoho=AN_HOUR, fails=8)),
    "ended sooner than granted": (Spell(30 * DAY, ends_after=12 * HOUR),),
    "asleep over the expiry": (Spell(2 * DAY), Spell(6 * DAY + HOUR, Way.ASLEEP)),
    "asleep every night": (Spell(14 * HOUR), Spell(10 * HOUR, Way.ASLEEP)),
    "down for a week": (Spell(DAY), Spell(7 * DAY, Way.DOWN)),
    "notifications lost": (Spell(30 * DAY, zoho=LOSSES),),
}
#: Those in which an expiry is missed while somebody is there.
MISSED = {"renewals fail 150 times", "granted an hour, 8 failures"}
SHORT = ("renewals fail 150 times", "ended sooner than granted", "down for a week")


@contextmanager
def office(folder: Path, name: str) -> Iterator[Month]:
    """A customer who orders, and nothing else that goes on."""
    zoho = zoho_options(notice_seed=SEED)
    with kept_port() as port, opened(folder, gp=gp_options(0), zoho=zoho, provisioned=False) as world:
        world.write_settings(
            flows_vendors__enabled="false",
            sales_orders__enabled="true",
            serve__schedule="'0 0 1 1 *'",
            serve__wait_seconds="0",
            alerts__to="['alerts.people']",
            webhooks__url=f"'http://127.0.0.1:{port}'",
            webhooks__modules="['Sales_Orders']",
            webhooks__poll_seconds="7200",
            webhooks__safety_poll_seconds="20000",  # not a part of a day, after which a channel is looked at
        )
        world.here("provision", "--yes")
        load_customers(world)
        world.change(CUSTOMER, set={"credit_limit": "1000000000"})
        [product] = world.seed({"Product_Name": "Memory", "Product_Code": ITEM}, module="Products")
        yield Month(world, Time(world), port, world.account(CUSTOMER)["id"], product, random.Random(name))


def load_customers(world: World) -> None:
    """Each is an Account."""
    with open_app(load_settings(world.settings)) as app:
        make_plan(app, ["customers"], 0, EVERYTHING)
        flows = app.roster.in_order(["customers"])
        approval.approve(app.database, flows, approval.plan_hash(app.database, flows))
        assert app.run(DirectSteps(app.clock), "customers-first", "customers", EVERYTHING)["state"] == "done"


def live_through(month: Month, spells: Iterator[Spell], days: float) -> None:
    """One process as long as there is one: a machine that sleeps keeps it, one that is off does not."""
    end = month.time.now() + days * DAY
    with ExitStack() as stack:
        one: Process | None = None
        while month.time.now() < end:
            spell = next(spells)
            spell = replace(spell, span=min(spell.span, end - month.time.now()))
            was_up, month.way = month.way is Way.UP, spell.way
            if spell.way is Way.DOWN:
                stack.close()
                one = None
            if spell.way is Way.UP:
                one = one or stack.enter_context(process(month))
                if not was_up:
                    one.wake()
                month.world.zoho_call("POST", "settings", spell.zoho)
                one.live(spell)
                month.world.zoho_call("POST", "settings", WELL)
            else:
                month.pass_unseen(spell.span)


def live_well(month: Month) -> None:
    """All is well again, and nobody orders any more; then another look at everything writes nothing."""
    month.order_at += 100 * DAY
    with process(month) as one:
        one.wake()
        one.live(Spell(DAY))
        month.counted["created"] = month.world.operations().get("CreateSalesOrder", 0)
        month.world.forget()
        one.live(Spell(DAY))
        told = one.app.run(DirectSteps(month.time), "at-last", "sales_orders", Asked(full=True))
        assert told["state"] == "done", told


def in_gp(world: World) -> Counter[str]:
    """Id of each order -> how many documents GP has of it."""
    rows = world.gp.control("GET", "sales?limit=1000000")["rows"]
    return Counter(row["integration_id"] for row in rows if row["customer_po"].startswith("PO "))


@pytest.mark.parametrize("name", SCENARIOS if "CHANNEL_DAYS" in os.environ else SHORT)
def test_no_document_is_missed_or_doubled(tmp_path: Path, name: str) -> None:
    with office(tmp_path, name) as month:
        month.world.forget()
        live_through(month, cycle(SCENARIOS[name]), DAYS)
        live_well(month)
        tell(month, name)
        assert_each_is_there_once(month)
        assert month.unannounced == []
        assert month.late == set()
        assert (month.counted["missed"] > 0) is (name in MISSED)


def assert_each_is_there_once(month: Month) -> None:
    """As it is now in Zoho, with its number there; nothing was written that need not be."""
    world, orders = month.world, month.orders
    assert in_gp(world) == dict.fromkeys(orders, 1)
    rows = world.gp.control("GET", "sales?limit=1000000")["rows"]
    own = {row["integration_id"]: row["customer_po"] for row in rows if row["integration_id"] in orders}
    assert own == orders
    numbers = {row["id"]: row.get("GP_Order_Number") for row in world.records(MODULE)}
    assert numbers == {one: number_of(one, "ZO") for one in orders}
    assert month.counted["created"] == len(orders), "GP was asked for each once"
    written = [one for one in world.operations() if one.startswith(("Create", "Update", "Void", "Delete"))]
    assert written == []
    assert world.writes(MODULE) == {}
    assert_settled(world)


def told_of(world: World) -> set[str]:
    """The orders of whose making somebody was told."""
    sent = world.zoho_call("GET", "notices/sent")
    taken = [one for one in sent if (one["operation"], one["status"]) == ("insert", 200)]
    return {key for notice in taken for key in notice["ids"]}


def tell(month: Month, name: str) -> None:
    """A row of the table."""
    there, told, counted = in_gp(month.world), told_of(month.world), month.counted
    row: dict[str, Any] = {
        "orders": len(month.orders),
        "changed": counted["changed"],
        "no channel": counted["no channel"],
        "asleep": counted[Way.ASLEEP],
        "down": counted[Way.DOWN],
        "told of": len(told),
        "polled": len(month.orders) - len(told),
        "grants": counted["granted"],
        "ended unattended": counted["ended unattended"],
        "expiries missed": counted["missed"],
        "alarms": month.mail.raised,
        "without one": len(month.unannounced),
        "late": len(month.late),
        "missed": len(month.orders.keys() - there.keys()),
        "doubled": there.total() - len(there),
    }
    head = f"{'channel trials, ' + str(DAYS) + ' days each':30}  {'  '.join(row)}"
    if head not in TOLD:
        TOLD.append(head)
    cells = (str(value).rjust(len(column)) for column, value in row.items())
    TOLD.append(f"{name:30}  {'  '.join(cells)}")
