"""An administrator changes fields in Zoho: only what the change touches waits, and follows when it is mended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from systems import Said, World, gp_options, opened

ONE, OTHER = "AARONFIT0001", "ADAMPARK0001"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("schema"), gp=gp_options(0), mappings=()) as world:
        world.first("customers")
        yield world


def sync_around(world: World, field: str, module: str = "Accounts") -> Said:
    """A run in which one record waits for a field, and names it."""
    said = world.ok("sync", "customers", code=1)
    assert f"{module}.{field}" in said.err
    assert {key: (h["code"], h["field"]) for key, h in world.held().items()} == {ONE: ("SCHEMA_DRIFT", field)}
    return said


def assert_mended(world: World) -> None:
    """The next run lets the record through by itself."""
    world.sync("customers")
    assert world.held() == {}


def test_a_renamed_field(world: World) -> None:
    world.change_fields({"api_name": "GP_Customer_Class", "rename": "Customer_Class"})
    world.change(ONE, set={"class_id": "RENAMED"})
    world.change(OTHER, set={"is_on_hold": True})
    sync_around(world, "GP_Customer_Class")
    assert world.account(OTHER)["GP_Customer_On_Hold"] is True
    world.change_fields({"api_name": "Customer_Class", "rename": "GP_Customer_Class"})
    assert_mended(world)
    assert world.account(ONE)["GP_Customer_Class"] == "RENAMED"


def test_a_renamed_field_by_which_similar_records_are_told_apart(world: World) -> None:
    world.change_fields({"api_name": "GP_Email", "rename": "Mail"})
    world.change(ONE, set={"class_id": "AGAIN"}, email={"to": "new@example.com"})
    world.change(OTHER, set={"is_on_hold": False})
    sync_around(world, "GP_Email")
    assert world.account(OTHER)["GP_Customer_On_Hold"] is False
    world.change_fields({"api_name": "Mail", "rename": "GP_Email"})
    assert_mended(world)
    assert world.account(ONE)["GP_Email"] == "new@example.com"


def test_a_shortened_field(world: World) -> None:
    world.change_fields({"api_name": "GP_Payment_Terms", "length": 10})
    world.change(ONE, set={"payment_terms": "2% EOM/Net 15th"})
    world.change(OTHER, set={"payment_terms": "Net 15"})
    before = world.account(ONE)["GP_Payment_Terms"]
    sync_around(world, "GP_Payment_Terms")
    shown = world.here("held", "show", ONE).out
    assert shown.count("value: 2% EOM/Net 15th") == 1  # once for all mappings
    assert f"value in the CRM: {before}" in shown
    assert world.account(OTHER)["GP_Payment_Terms"] == "Net 15"
    world.change_fields({"api_name": "GP_Payment_Terms", "length": 30})
    assert_mended(world)
    assert world.account(ONE)["GP_Payment_Terms"] == "2% EOM/Net 15th"


def test_a_closed_picklist(world: World) -> None:
    closed = {"api_name": "Salutation", "pick_list": ["Mr.", "Ms."], "restricted": True}
    world.change_fields(closed, module="Contacts")
    for key, person in {"DOCTOR": "Dr. Eva Corets", "MISTER": "Mr. Max Benson"}.items():
        world.customer(key, f"The {key} Company", addresses=[{"id": "PRIMARY", "contact": person}])
    world.ok("sync", "customers", code=1)
    [hold] = world.here("held", "list", "--json").json["held"]
    assert (hold["key"], hold["code"], hold["field"]) == ("DOCTOR", "SCHEMA_DRIFT", "Salutation")
    assert world.contacts("DOCTOR") == []
    assert [c["Salutation"] for c in world.contacts("MISTER")] == ["Mr."]
    world.change_fields({"api_name": "Salutation", "restricted": False}, module="Contacts")
    world.ok("held", "retry", "DOCTOR")
    assert [c["Salutation"] for c in world.contacts("DOCTOR")] == ["Dr."]
    assert world.held() == {}


def test_without_the_key_the_run_stops(world: World) -> None:
    world.change_fields({"api_name": "GP_Customer_ID", "rename": "Old_Customer_ID"})
    world.change(ONE, set={"class_id": "NO KEY"})
    world.forget()
    said = world.ok("sync", "customers", code=2)
    assert "Accounts.GP_Customer_ID" in said.err
    assert world.writes() == {}
    world.change_fields({"api_name": "Old_Customer_ID", "rename": "GP_Customer_ID"})
    world.sync("customers")
    assert world.account(ONE)["GP_Customer_Class"] == "NO KEY"


def test_a_filter_whose_field_is_not_provisioned_yet_stops_the_run_and_holds_nothing(world: World) -> None:
    world.write_settings(flows_customers__filter="{ is_active = true }")
    said = world.ok("sync", "customers", code=2)
    assert "Accounts.GP_Customer_Filtered" in said.err
    assert "ml-connector provision" in said.err
    assert world.held() == {}
    world.here("provision", "--yes")
    world.ok("sync", "customers")
    assert world.held() == {}
