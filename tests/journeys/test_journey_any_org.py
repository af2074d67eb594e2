"""Organisations as they are: few custom fields, no right to make any, no unique field left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from systems import (
    INSERT,
    World,
    assert_contacts,
    assert_quiet,
    assert_settled,
    assert_whole,
    gp_options,
    opened,
    zoho_options,
)


def custom_fields(world: World, module: str) -> set[str]:
    """Our fields of a module, as its records tell them."""
    return {name for record in world.records(module) for name in record if name.startswith("GP_")}


def test_the_standard_edition_has_ten_custom_fields(tmp_path: Path) -> None:
    zoho = zoho_options(edition="standard")
    with opened(tmp_path, gp=gp_options(0), zoho=zoho, mappings=(), provisioned=False) as world:
        said = world.ok("provision", "--yes")
        assert "left out" in said.text
        assert "GP_Aging_Period_3" in said.text
        assert world.ok("provision", "--yes", "--json").json["created"] == []
        done = world.first()
        assert done["customers"]["created"] > len(world.customers())
        assert_contacts(world)
        assert_settled(world)
        kept = custom_fields(world, "Accounts")
        assert len(kept) == 10
        assert {"GP_Customer_ID", "GP_Vendor_ID", "GP_Balance", "GP_Customer_On_Hold"} <= kept
        world.change("AARONFIT0001", set={"payment_terms": "Net 60"}, balance={"amount": "77.50"})
        world.sync("customers")
        account = world.account("AARONFIT0001")
        assert (account["GP_Payment_Terms"], account["GP_Balance"]) == ("Net 60", 77.5)
        assert_quiet(world)


def test_without_the_right_to_make_fields_an_administrator_is_told_which(tmp_path: Path) -> None:
    zoho = zoho_options(may_customise=False)
    with opened(tmp_path, gp=gp_options(0), zoho=zoho, mappings=(), provisioned=False) as world:
        said = world.ok("provision", "--yes", code=1)
        for word in ("GP_Customer_ID", "GP_Contact_Key", "GP Balance", "currency", "unique"):
            assert word in said.text
        assert world.ok("plan", "customers", code=2).err
        world.zoho_call("POST", "settings", {"may_customise": True})
        world.here("provision", "--yes")  # the administrator makes them, by whatever way
        world.zoho_call("POST", "settings", {"may_customise": False})
        world.ok("provision", "--check")
        world.first("customers")
        assert_whole(world)
        assert_contacts(world)


def test_both_unique_fields_are_the_orgs_own_and_answers_are_lost(tmp_path: Path) -> None:
    """The key is a plain field then: what was sent before is found by asking for it, never by a refusal."""
    with opened(tmp_path, gp=gp_options(130), provisioned=False) as world:
        own = (
            {"api_name": name, "data_type": "text", "unique": True} for name in ("Tax_Number", "Old_ERP_ID")
        )
        world.change_fields(*own)
        assert "not unique" in world.ok("provision", "--yes").text
        approve = world.plan("customers")
        world.zoho_faults({"match": INSERT, "kind": "cut_after_work"})
        world.sync("customers", approve=approve, code=4)
        assert len(world.accounts()) == 100 + 30
        an_operation_later(world)
        world.sync("customers")
        assert_whole(world)
        assert_quiet(world, "customers")


def an_operation_later(world: World) -> None:
    """As if the five minutes had passed in which Zoho may still be at a create."""
    before = datetime.now(UTC) - timedelta(seconds=301)
    world.rewrite("UPDATE intents SET opened_at = ?", f"{before:%Y-%m-%d %H:%M:%S.%f}")
