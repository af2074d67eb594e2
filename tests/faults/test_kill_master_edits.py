"""kill -9 at an edit of a customer of GP: it is made once, and told once, with what stood there before."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from systems import World, assert_settled, gp_options, opened

KEY, DEADLY = "AARONFIT0001", Path(__file__).with_name("killed_edit.py")
CITY = 'Billing_City = "bill_to.city"'
LONG_AGO = "UPDATE master_edits SET sent_at = '2026-01-01 00:00:00.000000' WHERE sent_at IS NOT NULL"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Every customer is an Account, and in which city it is billed is sales' to say."""
    with opened(tmp_path, gp=gp_options(0)) as world:
        world.first("customers")
        path = world.own_mappings() / "customer_accounts.toml"
        text = path.read_text("utf-8")
        path.write_text(
            text.replace(CITY, 'Billing_City = { from = "bill_to.city", owner = "zoho" }'), "utf-8"
        )
        world.settings.write_text(
            world.settings.read_text("utf-8") + "\n[sales.master_edits]\nenabled = true\n", "utf-8"
        )
        world.sync("customers")
        yield world


def city(world: World) -> str:
    [customer] = [one for one in world.customers() if one["id"].rstrip() == KEY]
    return str(customer["addresses"][0]["city"]).strip()


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_the_edit(world: World, when: str) -> None:
    stood = city(world)
    world.edit(world.account(KEY)["id"], Billing_City="Evanston")
    world.forget()
    said = world.run(str(world.settings), when, "customers", script=DEADLY)
    assert said.code == -signal.SIGKILL, said
    assert city(world) == ("Evanston" if when == "after" else stood)
    world.sync("customers")
    if when == "before":  # it may still be under way, for all that anybody knows
        assert city(world) == stood
        world.rewrite(LONG_AGO)
        world.sync("customers")
    assert city(world) == "Evanston"
    assert world.operations()["UpdateCustomer"] == 1
    told = [row for row in world.story(KEY, "(back)") if row["action"] == "record:updated"]
    assert [(row["before"]["bill_to.city"], row["after"]["bill_to.city"]) for row in told] == [
        (stood, "Evanston")
    ]
    world.settle("customers")
    assert world.operations()["UpdateCustomer"] == 1
    assert_settled(world)
