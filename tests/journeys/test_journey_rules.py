"""What the settings say about records: which are wanted, whose they are, which belong together, how many at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from systems import World, assert_quiet, gp_options, opened

WANTED = "USA-ILMO-T1"
#: Users of the simulated organisation.
PAUL, SALLY = "5725767000000411003", "5725767000000411002"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("rules")
    with opened(folder, gp=gp_options(0), provisioned=False) as world:
        world.write_settings(
            flows_customers__filter=f"{{ class_id = ['{WANTED}', 'NATIONAL'] }}",
            owners__default="'sally@fabrikam.example'",
            owners__salespeople=f"{{ 'PAUL W.' = 'Paul.West@fabrikam.example', 'GARY W.' = '{SALLY}' }}",
        )
        world.here("provision", "--yes")
        world.first("customers")
        yield world


def wanted(world: World) -> dict[str, str]:
    """Key -> salesperson of the customers that the filter wants."""
    return {c["id"].rstrip(): c["salesperson"] for c in world.customers() if c["class_id"] == WANTED}


def test_only_wanted_records_come_and_each_has_its_owner(world: World) -> None:
    accounts = {a["GP_Customer_ID"]: a for a in world.accounts()}
    assert accounts.keys() == wanted(world).keys()
    owners = {key: account["Owner"]["id"] for key, account in accounts.items()}
    assert owners == {key: PAUL if seller == "PAUL W." else SALLY for key, seller in wanted(world).items()}
    assert set(owners.values()) == {PAUL, SALLY}
    assert {account["GP_Customer_Filtered"] for account in accounts.values()} == {False}
    assert_quiet(world, "customers")


def test_a_record_that_leaves_the_filter_is_kept_up_to_date_and_marked(world: World) -> None:
    key = next(iter(wanted(world)))
    world.change(key, set={"class_id": "OTHER", "payment_terms": "Net 60"})
    assert world.sync("customers") == {"customers": {"updated": 1}}
    account = world.account(key)
    assert (account["GP_Customer_Filtered"], account["GP_Payment_Terms"]) == (True, "Net 60")
    world.change(key, set={"class_id": WANTED})
    world.sync("customers")
    assert world.account(key)["GP_Customer_Filtered"] is False


def test_a_national_account_in_one_run(world: World) -> None:
    """The parent comes after its children in the order of keys; it names itself."""
    for key in ("NAT-A", "NAT-B", "NAT-Z"):
        world.customer(key, f"National {key}", class_id="NATIONAL", corporate_id="NAT-Z")
    world.sync("customers")
    parent = world.account("NAT-Z")
    assert parent.get("Parent_Account") is None
    assert [world.account(key)["Parent_Account"]["id"] for key in ("NAT-A", "NAT-B")] == [parent["id"]] * 2
    assert_quiet(world, "customers")
    world.change("NAT-B", set={"corporate_id": "NAT-A"})
    world.sync("customers")
    assert world.account("NAT-B")["Parent_Account"]["id"] == world.account("NAT-A")["id"]


def test_more_new_records_than_a_day_has_wait_for_a_person(world: World) -> None:
    before = len(world.accounts())
    for number in range(21):
        world.customer(f"MANY{number:02}", f"One of many, number {number}", class_id=WANTED)
    world.forget()
    said = world.ok("sync", "customers", code=3)
    assert "max_change_ratio" in said.err
    assert "ml-connector sync customers --over-limit" in said.err
    assert world.writes() == {}
    assert world.sync("customers", "--over-limit")["customers"]["created"] == 21
    assert len(world.accounts()) == before + 21
