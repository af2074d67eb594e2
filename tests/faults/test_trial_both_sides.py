"""Days of edits on both sides, with everything switched on that goes either way; then both agree and nothing moves.

Finance works in GP, sales in Zoho, the process that serves runs by its schedule between them; each value that a person
wrote is noted. ``EDITS`` in the environment: so many deeds of people (``make faults``: 1,000), in days of 200 at the
most, each by another seed.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from agreement import differences
from past import contents, go_back, load_first, passing, to_the_present, writes
from people import ITEMS, People
from settling import command, settle
from sides import OWNED
from turns import HOUR, MovedClock, Turned

from summary import TOLD
from systems import World, assert_settled, gp_options, opened, unreachable, zoho_options

EDITS, A_DAY = int(os.environ.get("EDITS", "60")), 200
SEEDS = range(20261128, 20261128 + max(1, EDITS // A_DAY))
DAY, ROUND = timedelta(days=1), timedelta(hours=13)
#: It is still after a night and more without a write, of so many rounds at the most.
STILL, AT_MOST = 2, 8


@contextmanager
def offices(folder: Path) -> Iterator[tuple[World, MovedClock]]:
    """Both systems some days ago, customers and vendors brought over; from then on sales keeps some of their fields."""
    options = {"gp": gp_options(12, 6), "zoho": zoho_options(), "mappings": ()}
    with opened(folder, **options, provisioned=False) as world:
        world.write_settings(
            flows__gl_accounts="{ enabled = true, schedule = '0 0 * * *' }",
            sales_orders__enabled="true",
            sales_quotes__enabled="true",
            sales_deals__enabled="true",
            sales_deals__item="'DEAL'",
            sales_deals__settle_hours="2",
            serve__schedule="'0 */2 * * *'",
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
        clock = go_back(world, DAY + AT_MOST * ROUND + 5 * HOUR)
        with passing(world, clock) as turned:
            load_first(turned, ["gl_accounts", "customers", "vendors"])
        have_sales_keep(world)
        with passing(world, clock) as turned:
            turned.pass_time(3 * HOUR)
            turned.turn()  # what stood on both sides before this stays, whoever wrote it
        yield world, clock


def have_sales_keep(world: World) -> None:
    """The fields that are sales' own from now on."""
    folder = world.own_mappings()
    for entity, names in OWNED.items():
        path = folder / f"{entity.removesuffix('s')}_accounts.toml"
        text = path.read_text("utf-8")
        for name in names:
            text, times = re.subn(
                rf"^({name} = {{ .*) }}$", r'\1, owner = "zoho" }', text, count=1, flags=re.MULTILINE
            )
            assert times == 1, name
        path.write_text(text, "utf-8")
    world.write_settings(sales_master_edits__enabled="true")


@pytest.mark.parametrize("seed", SEEDS)
def test_both_sides_agree_after_a_day_of_edits_on_both(tmp_path: Path, seed: int) -> None:
    with offices(tmp_path) as (world, clock):
        people = People(world, random.Random(seed), products=products(world))
        with passing(world, clock) as turned:
            deeds = work_for_a_day(turned, people)
            rounds = until_still(turned)
            to_the_present(turned)
        held = world.held()
        waited = Counter(hold["code"] for hold in held.values())
        disagreed = [one for one in differences(world, people.deal_of) if one.record not in held]
        unexplained = [one for one in disagreed if not one.is_let_be(people.words)]
        settle(people)
        people.words.close()
        found, lost = differences(world, people.deal_of), people.words.lost(world)
        behind = read_everything(world)
        with passing(world, clock) as turned:
            written = stays_still(turned)
        TOLD.append(
            f"both sides: seed {seed}, {DAY / HOUR:.0f} hours, {deeds.total()} deeds of people"
            f" ({people.words.said} values written, {len(people.words.overwritten)} of them written over by us),"
            f" still after {rounds} rounds, then waited {dict(waited)}, let be {len(disagreed) - len(unexplained)},"
            f" neither {len(unexplained)}; settled: differences {len(found)},"
            f" values lost {len(lost)}, writes after that {sum(written.values())}"
        )
        assert unexplained == []
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
    instants = sorted(chance.uniform(0, 1) for _ in range(min(EDITS, A_DAY)))
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
    assert world.here("reconcile", "fields", "--all", "--json").json["differences"] == []
    return writes(world)


def stays_still(turned: Turned) -> Mapping[str, int]:
    """What is written in another day without a person."""
    turned.world.forget()
    for _ in range(STILL):
        turned.pass_time(ROUND)
        turned.turn()
    return writes(turned.world)
