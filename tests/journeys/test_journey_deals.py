"""Deals tag themselves over both real systems: by default, by rule, and never over what a person chose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_connector.bootstrap import open_app
from ml_connector.cli.sync import run_flows
from ml_connector.core.ports import Target, Write, WriteResult
from ml_connector.flows.range import EVERYTHING
from ml_connector.settings_file import load_settings
from systems import World, assert_settled, gp_options, opened, zoho_options

RETAIL, SERVICE, CANADA, DOOMED = "000-4110-01", "000-4110-02", "000-4180-01", "000-4000-02"
RULES = f"""
[deals.rules.canada]
account = "{CANADA}"
pipeline = "Canada"

[deals.rules.service]
account = "{SERVICE}"
type = "Service contract"

[deals.rules.doomed]
account = "{DOOMED}"
type = "Doomed"

[deals.rules."of no account"]
account = "000-9999-99"
type = "Lease"
"""

BY_PRODUCT = f"""
[deals.rules.pumps]
account = "{SERVICE}"
product = "Pump P-1"
"""


def add_rules(world: World, rules: str = RULES) -> None:
    world.settings.write_text(world.settings.read_text("utf-8") + rules, "utf-8")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("deals"), gp=gp_options(0), provisioned=False) as found:
        found.write_settings(
            flows_vendors__enabled="false",
            flows_gl_accounts__enabled="true",
            flows_deal_tagging__enabled="true",
        )
        add_rules(found)
        found.here("provision", "--yes")
        found.first()
        yield found


def gl_accounts(world: World) -> dict[str, str]:
    """Id -> number of every GL account in Zoho."""
    return {row["id"]: row["GP_Account"] for row in world.records("GL_Accounts")}


def deal(world: World, name: str, **values: object) -> str:
    """A deal that a person makes; its id."""
    account = {"id": world.account("AARONFIT0001")["id"]}
    [made] = world.seed(
        {"Deal_Name": name, "Stage": "Qualification", "Account_Name": account, **values}, module="Deals"
    )
    return made


def tags(world: World, *ids: str) -> list[str | None]:
    """The numbers of the GL accounts that these deals have."""
    numbers = gl_accounts(world)
    found = {row["id"]: row["GP_GL_Account"] for row in world.records("Deals")}
    return [found[one] and numbers[found[one]["id"]] for one in ids]


def tagged(world: World, code: int = 0) -> dict[str, int]:
    return world.sync("deal_tagging", code=code)["deal_tagging"]


def test_by_default_by_rule_and_not_at_all(world: World) -> None:
    retail = deal(world, "Lights")
    canada = deal(world, "Lights for Canada", Pipeline="Canada")
    service = deal(world, "Care", Type="Service Contract")
    both = deal(world, "Care in Canada", Pipeline="canada", Type="Service contract")
    nowhere = deal(world, "Lease", Type="Lease")
    alone = deal(world, "Nobody's", Account_Name=None)
    planned = world.here("plan", "deal_tagging", "--json").json
    assert planned["flows"]["deal_tagging"]["update"] == 4
    assert tags(world, retail) == [None]
    told = world.ok("sync", "deal_tagging", "--json").json["flows"]["deal_tagging"]
    assert "[deals.rules.of no account] names the GL account 000-9999-99" in told["notes"][0]
    assert tags(world, retail, canada, service, both, nowhere, alone) == [
        RETAIL, CANADA, SERVICE, CANADA, None, None,
    ]  # fmt: skip
    [row] = world.story(canada)
    assert (row["flow"], row["action"]) == ("deal_tagging", "record:updated")
    assert row["reason"] == f"Rule “canada”: GL account {CANADA}."
    world.forget()
    assert tagged(world) == {"untagged": 2}
    assert world.writes("Deals") == {}
    assert world.zoho_call("GET", "counts")["triggered"] == {}
    assert_settled(world)


def test_a_plan_shows_what_would_be_written_and_where(world: World) -> None:
    made = deal(world, "To be planned")
    said = world.here("plan", "deal_tagging", "--show", "50").out
    assert made in said
    assert "Default GL account of the Account" in said
    fields = world.here("plan", "deal_tagging", "--key", made).out
    assert "GP_GL_Account" in fields
    assert tags(world, made) == [None]
    assert tagged(world)["updated"] == 1


def test_a_certain_deal_alone(world: World) -> None:
    one, other = deal(world, "One"), deal(world, "Other")
    told = world.ok("sync", "deal_tagging", "--key", one, "--json").json["flows"]["deal_tagging"]
    assert told["counts"]["updated"] == 1
    assert tags(world, one, other) == [RETAIL, None]
    assert tagged(world)["updated"] == 1


def test_what_a_person_chose_stays(world: World) -> None:
    [chosen] = [one for one, number in gl_accounts(world).items() if number == CANADA]
    made = deal(world, "Chosen", GP_GL_Account={"id": chosen})
    world.forget()
    tagged(world)
    assert tags(world, made) == [CANADA]
    assert world.writes("Deals") == {}


class Meddled:
    """A target before whose next write to deals a person does something."""

    def __init__(self, inner: Target, world: World, **values: object) -> None:
        self._inner, self._world, self._values = inner, world, values

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self, module: str, batch: Sequence[Write], *given: Any, **more: Any) -> list[WriteResult]:
        self._world.edit(str(batch[0].target_id), module="Deals", **self._values)
        return self._inner.write(module, batch, *given, **more)


@pytest.mark.parametrize("together", [1, 3])
def test_a_choice_between_reading_and_writing_stays(world: World, together: int) -> None:
    """Alone in its call, the whole call is refused; among others, it alone."""
    [chosen] = [one for one, number in gl_accounts(world).items() if number == CANADA]
    ids = [deal(world, f"Contested {together}.{n}") for n in range(together)]
    with open_app(load_settings(world.settings)) as app:
        meddled = replace(
            app, works=replace(app.works, target=Meddled(app.target, world, GP_GL_Account={"id": chosen}))
        )
        ran = run_flows(meddled, {"deal_tagging": EVERYTHING})
    counts = ran.flows["deal_tagging"]["counts"]
    assert (counts.get("meanwhile"), counts.get("updated", 0)) == (1, together - 1)
    assert tags(world, *ids) == [CANADA, *([RETAIL] * (together - 1))]
    assert ids[0] not in {key for _, key in world.told("record:updated")}
    world.forget()
    tagged(world)
    assert world.writes("Deals") == {}
    assert tags(world, ids[0]) == [CANADA]
    assert_settled(world)


def test_another_edit_between_reading_and_writing_is_looked_at_again(world: World) -> None:
    made = deal(world, "Retyped")
    with open_app(load_settings(world.settings)) as app:
        meddled = replace(
            app, works=replace(app.works, target=Meddled(app.target, world, Type="Service contract"))
        )
        run_flows(meddled, {"deal_tagging": EVERYTHING})
    assert tags(world, made) == [None]
    assert tagged(world)["updated"] == 1
    assert tags(world, made) == [SERVICE]


def test_a_deal_that_zoho_refuses_waits_until_somebody_deals_with_it(world: World) -> None:
    """The GL account of its rule was deleted in Zoho, which is not known here yet."""
    [doomed] = [one for one, number in gl_accounts(world).items() if number == DOOMED]
    world.zoho_call("POST", "delete/GL_Accounts", {"ids": [doomed]})
    made, other = deal(world, "Refused", Type="Doomed"), deal(world, "Taken")
    assert tagged(world, code=1)["held"] == 1
    assert tags(world, made, other) == [None, RETAIL]
    hold = world.held()[made]
    assert (hold["code"], hold["field"], hold["flow"]) == ("INVALID_DATA", "GP_GL_Account", "deal_tagging")
    refused = world.run("held", "release", made, "--reason", "-")
    assert refused.code == 2
    assert "held retry" in refused.text
    assert world.run("held", "retry", made).code == 1
    [chosen] = [one for one, number in gl_accounts(world).items() if number == CANADA]
    world.edit(made, module="Deals", GP_GL_Account={"id": chosen})
    world.ok("held", "retry", made)
    assert tags(world, made) == [CANADA]
    assert [row["action"] for row in world.story(made)] == ["record:held", "record:held", "record:released"]
    assert_settled(world)


def test_other_commands_say_that_a_flow_over_deals_is_not_for_them(world: World) -> None:
    said = world.run("reconcile", "keys", "deal_tagging")
    assert said.code == 2
    assert "deal_tagging reads no records of GP" in said.text
    assert "deal_tagging" in world.here("report").out


@pytest.mark.parametrize("kind", ["text", "lookup"])
def test_a_rule_by_product(tmp_path: Path, kind: str) -> None:
    """Deals of Zoho have no product of their own: here it is a text, or points to a record of Products."""
    with opened(tmp_path, gp=gp_options(0), provisioned=False) as world:
        is_record = kind == "lookup"
        made = {"api_name": "Product", "data_type": kind} | ({"lookup": "Products"} if is_record else {})
        world.change_fields(made, module="Deals")
        world.write_settings(
            flows_vendors__enabled="false",
            flows_gl_accounts__enabled="true",
            flows_deal_tagging__enabled="true",
            deals__product_field="'Product'",
        )
        add_rules(world, BY_PRODUCT)
        world.here("provision", "--yes")
        world.first()
        names = ["Pump P-1" if is_record else " pump p-1", "Lamp L-1"]
        products: list[object] = [*names]
        if is_record:
            products = [
                {"id": one} for one in world.seed(*({"Product_Name": n} for n in names), module="Products")
            ]
        pump, lamp = (deal(world, "Product deal", Product=product) for product in products)
        none = deal(world, "Without a product")
        assert tagged(world)["updated"] == 3
        assert tags(world, pump, lamp, none) == [SERVICE, RETAIL, RETAIL]
        assert world.story(pump)[0]["reason"] == f"Rule “pumps”: GL account {SERVICE}."


def test_an_edition_without_modules_of_ones_own_has_numbers(tmp_path: Path) -> None:
    zoho = zoho_options(edition="professional")
    with opened(tmp_path, gp=gp_options(0), zoho=zoho, provisioned=False) as world:
        world.write_settings(flows_vendors__enabled="false", flows_deal_tagging__enabled="true")
        add_rules(world)
        world.here("provision", "--yes")
        world.first()
        retail, canada = deal(world, "Lights"), deal(world, "Lights for Canada", Pipeline="Canada")
        lease = deal(world, "Lease", Type="Lease")
        told = world.ok("sync", "--json").json["flows"]["deal_tagging"]
        found = {row["id"]: row["GP_GL_Account"] for row in world.records("Deals")}
        assert [found[one] for one in (retail, canada, lease)] == [RETAIL, CANADA, None]
        assert "000-9999-99, which the ERP does not have" in told["notes"][0]
        assert_settled(world)
