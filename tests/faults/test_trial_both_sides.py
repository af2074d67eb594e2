"""A day of edits on both sides, with everything switched on that goes either way; then both agree and nothing moves.

Finance works in GP, sales in Zoho, the process that serves runs by its schedule between them; each value that a person
wrote is noted. ``TRIALS`` in the environment: so many days, each by another seed; ``TRIAL_SIZE``: so much goes on.
"""

from __future__ import annotations

import logging
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest
from agreement import CUSTOMER, VENDOR, content_of_gp, content_of_zoho, differences, same
from past import SEEDS, SIZE, contents, go_back, load_first, passing, to_the_present, writes
from people import DOCUMENTS, ITEMS, KEYS, OWNED, People, of_gp
from turns import HOUR, MovedClock, Turned

import ml_connector
from summary import TOLD
from systems import World, assert_settled, gp_options, opened, unreachable, zoho_options

EDITS = 80 * SIZE
SCHEDULE = f"'0 */{max(1, 4 // SIZE)} * * *'"
DAY, ROUND = timedelta(days=1), timedelta(hours=13)
#: It is still after a night and more without a write, of so many rounds at the most.
STILL, AT_MOST = 2, 8
MAPPINGS = Path(ml_connector.__file__).parent / "mappings"


@contextmanager
def offices(folder: Path) -> Iterator[tuple[World, MovedClock]]:
    """Both systems some days ago, customers and vendors brought over; from then on sales keeps some of their fields."""
    options = {"gp": gp_options(12 * SIZE, 6 * SIZE), "zoho": zoho_options(), "mappings": ()}
    with opened(folder, **options, provisioned=False) as world:
        world.write_settings(
            flows__gl_accounts="{ enabled = true, schedule = '0 0 * * *' }",
            sales_orders__enabled="true",
            sales_quotes__enabled="true",
            sales_deals__enabled="true",
            sales_deals__item="'DEAL'",
            sales_deals__settle_hours="2",
            serve__schedule=SCHEDULE,
            serve__wait_seconds="0",
            sync__max_change_ratio="1",
            sync__email_sweep_nights="1",
            sync__addresses_every_seconds="0",
        )
        world.here("provision", "--yes")
        for operation in ("CreateSalesOrder", "UpdateSalesOrder", "CreateSalesQuote", "UpdateSalesQuote"):
            world.gp.control(
                "POST", f"policies/{operation}", {"Calculate Unit Price": 0, "Check Credit Limit": 0}
            )
        clock = go_back(world, DAY + AT_MOST * ROUND + 2 * HOUR)
        with passing(world, clock) as turned:
            load_first(turned, ["gl_accounts", "customers", "vendors"])
        have_sales_keep(world)
        yield world, clock


def have_sales_keep(world: World) -> None:
    """The fields that are sales' own from now on."""
    folder = world.folder / "mappings"
    shutil.copytree(MAPPINGS, folder)
    for entity, names in OWNED.items():
        path = folder / f"{entity.removesuffix('s')}_accounts.toml"
        text = path.read_text("utf-8")
        for name in names:
            text, times = re.subn(
                rf"^({name} = {{ .*) }}$", r'\1, owner = "zoho" }', text, count=1, flags=re.MULTILINE
            )
            assert times == 1, name
        path.write_text(text, "utf-8")
    world.write_settings(mappings__folder="'mappings'", sales_master_edits__enabled="true")


@pytest.mark.parametrize("seed", SEEDS)
def test_both_sides_agree_after_a_day_of_edits_on_both(tmp_path: Path, seed: int) -> None:
    with offices(tmp_path) as (world, clock):
        people = People(world, random.Random(seed), products=products(world))
        with passing(world, clock) as turned:
            deeds = work_for_a_day(turned, people)
            rounds = until_still(turned)
            to_the_present(turned)
        waited = Counter(hold["code"] for hold in world.held().values())
        settle(people)
        people.words.close()
        found, lost = differences(world, people.deal_of), people.words.lost(world)
        behind = read_everything(world)
        with passing(world, clock) as turned:
            written = stays_still(turned)
        TOLD.append(
            f"both sides: seed {seed}, {DAY / HOUR:.0f} hours, {deeds.total()} deeds of people"
            f" ({people.words.said} values written, {len(people.words.overwritten)} of them written over by us),"
            f" still after {rounds} rounds, then waited {dict(waited)}; settled: differences {len(found)},"
            f" values lost {len(lost)}, writes after that {sum(written.values())}"
        )
        assert found == []
        assert lost == []
        assert behind == {}
        assert written == {}
        assert_settled(world)


def products(world: World) -> dict[str, str]:
    made = world.seed(*({"Product_Name": one, "Product_Code": one} for one in ITEMS), module="Products")
    return dict(zip(ITEMS, made, strict=True))


def work_for_a_day(turned: Turned, people: People) -> Counter[str]:
    """They do something now and then, also in the very moment in which runs begin or have ended."""
    chance, deeds = people.chance, Counter[str]()
    turned.turn()
    instants = sorted(chance.uniform(0, 1) for _ in range(EDITS))
    for before, after in zip([0, *instants], [*instants, 1], strict=True):
        turned.pass_time((after - before) * DAY)
        if chance.random() < 0.5:
            turned.turn()
        if after < 1:
            deeds[people.act()] += 1
        turned.turn()
    return deeds


def until_still(turned: Turned) -> int:
    """Nobody does anything any more, and runs go on until nothing is written; after how many rounds that was."""
    still, before = 0, contents(turned.world)
    for number in range(AT_MOST):
        turned.pass_time(ROUND)
        turned.turn()
        now = contents(turned.world)
        still, before = (still + 1 if now == before else 0), now
        if still == STILL:
            return number + 1 - STILL
    return unreachable("it writes and writes")


def read_everything(world: World) -> Mapping[str, int]:
    """Read every customer and vendor and every Account, whatever its stamp; what had to be written all the same."""
    world.forget()
    command(world, "sync", "customers", "vendors", "--full")
    told = world.here("reconcile", "fields", "--all", "--json", codes=(0, 1)).json["differences"]
    assert [one for one in told if not _is_cut(one["ours"], one["theirs"])] == []
    return writes(world)


def _is_cut(ours: object, theirs: object) -> bool:
    """Whether Zoho keeps no more of an amount than its field has decimals, of GP's five."""
    try:
        return Decimal(str(ours)).quantize(Decimal("0.01"), ROUND_DOWN) == Decimal(str(theirs))
    except InvalidOperation:
        return False


def stays_still(turned: Turned) -> Mapping[str, int]:
    """What is written in another day without a person."""
    turned.world.forget()
    for _ in range(STILL):
        turned.pass_time(ROUND)
        turned.turn()
    return writes(turned.world)


# -- people settle what waits for them, and what each side was let be


def settle(people: People) -> None:
    """Holds are answered, and what the two systems were let say differently is made the same."""
    for _ in range(8):
        answered = [_answer(people.world, hold) for hold in people.world.held().values()]
        righted = [*_keep_as_sales_says(people), *_take_back(people)]
        command(people.world, "reconcile", "fields", "--put-back")
        command(people.world, "sync")
        if not answered and not righted:
            return
    unreachable(f"it is never settled: {people.world.held()}")


def command(world: World, *words: str) -> None:
    world.here(*words, codes=(0, 1))
    logging.getLogger("dbos").handlers.clear()  # they write to what was standard error for a moment


def _answer(world: World, hold: Mapping[str, Any]) -> str:
    _ANSWERS[hold["code"]](world, hold)
    return str(hold["code"])


def _release(world: World, hold: Mapping[str, Any]) -> None:
    command(world, "held", "release", hold["key"], "--flow", hold["flow"], "--reason", "agreed")


def _void(world: World, hold: Mapping[str, Any]) -> None:
    [order] = [row for row in of_gp(world, "Order") if row["integration_id"] == hold["key"]]
    world.gp.control("POST", f"sales/Order/{order['id']}", {"void": True})
    command(world, "held", "retry", hold["key"])


def _welcome(world: World, hold: Mapping[str, Any]) -> None:
    """The customer may buy again."""
    [order] = [
        row for row in world.records("Sales_Orders") + world.records("Quotes") if row["id"] == hold["key"]
    ]
    [account] = [one for one in world.accounts() if one["id"] == order["Account_Name"]["id"]]
    world.change(account["GP_Customer_ID"], set={"is_active": True, "is_on_hold": False})
    command(world, "held", "retry", hold["key"])


def _leave(world: World, hold: Mapping[str, Any]) -> None:
    """What was changed in Zoho is taken back there, as of every document that differs."""


_ANSWERS: Mapping[str, Callable[[World, Mapping[str, Any]], None]] = {
    "CHANGED_ON_BOTH_SIDES": _release,
    "TOTALS_DIFFER": _release,
    "ALREADY_ORDERED": _release,
    "WITHDRAWN": _void,
    "CUSTOMER_INACTIVE": _welcome,
    "CUSTOMER_ON_HOLD": _welcome,
    "DOCUMENT_FINISHED": _leave,
    "DOCUMENT_FIXED": _leave,
    "BELOW_DONE": _leave,
    "MASTER_MOVED": _leave,
}


def _keep_as_sales_says(people: People) -> Iterator[str]:
    """Where only finance changed what sales keeps, sales says what it is to be."""
    for entity, fields, rows in (
        ("customers", CUSTOMER, people.world.customers()),
        ("vendors", VENDOR, people.world.vendors()),
    ):
        masters = {row["id"].rstrip(): row for row in rows}
        for account in people.world.accounts():
            row = masters.get(account.get(KEYS[entity]) or "")
            if row is None or (entity == "vendors" and account.get(KEYS["customers"])):
                continue
            differing = [name for name in OWNED[entity] if not same(fields[name](row), account[name])]
            if differing and row["id"].rstrip() not in people.world.held():
                for name in differing:
                    people.say(account, name)
                yield row["id"]


def _take_back(people: People) -> Iterator[str]:
    """Sales writes into its documents what stands in GP."""
    for module, (kind, subform) in DOCUMENTS.items():
        there = {row["integration_id"]: row for row in of_gp(people.world, kind)}
        for record in people.world.records(module):
            row = there.get(record["id"])
            if row is None or record.get("Status") == "Cancelled":
                continue
            if content_of_gp(module, row) != content_of_zoho(module, record):
                lines = [
                    {
                        "id": line["integration_id"],
                        "Quantity": float(line["quantity"]),
                        "List_Price": float(line["unit_price"]),
                    }
                    for line in row["lines"]
                ]
                known = {line["id"] for line in lines}
                lines += [
                    {"id": one["id"], "_delete": None} for one in record[subform] if one["id"] not in known
                ]
                po = {"Purchase_Order": row["customer_po"].strip()} if module == "Sales_Orders" else {}
                people.words.give_up(record["id"])
                people.world.edit(record["id"], module=module, **{subform: lines}, **po)
                yield record["id"]
