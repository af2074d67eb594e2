"""Vendors by setting as Contacts instead of Accounts: one Contact for each person, and no Account at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ml_connector.demo.comparison import person_of
from systems import World, assert_quiet, assert_settled, gp_options, opened


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("vendors")
    with opened(folder, gp=gp_options(0, 12), provisioned=False) as world:
        world.write_settings(flows_vendors__mappings='["vendor_contacts"]', sync__addresses_every_seconds="0")
        world.here("provision", "--yes")
        world.first("vendors")
        yield world


def of(world: World, key: str) -> list[dict[str, Any]]:
    contacts = (c for c in world.records("Contacts") if c.get("GP_Vendor_Contact_Key"))
    return [c for c in contacts if c["GP_Vendor_Contact_Key"].startswith(f"{key}:")]


def test_each_person_is_a_contact_and_no_vendor_an_account(world: World) -> None:
    persons = {v["id"].rstrip(): person_of(v) for v in world.vendors()}
    named = {key: person for key, person in persons.items() if person}
    assert len(named) > 5
    assert {key: [c["Full_Name"] for c in of(world, key)] for key in named} == {
        key: [person] for key, person in named.items()
    }
    names = {v["id"].rstrip(): v["name"].strip() for v in world.vendors()}
    assert {key: of(world, key)[0]["GP_Vendor_Name"] for key in named} == {key: names[key] for key in named}
    assert len(world.records("Contacts")) == len(named)
    assert world.accounts() == []
    assert_quiet(world, "vendors")


def test_another_person_is_another_contact(world: World) -> None:
    key = next(v["id"].rstrip() for v in world.vendors() if person_of(v))
    [old] = of(world, key)
    world.gp.control("POST", f"vendors/{key}", {"address": {"contact": "Zoë O'Neill"}})
    world.sync("vendors")
    former, new = sorted(of(world, key), key=lambda contact: contact["id"])
    assert (former["id"], former["GP_Former_Vendor_Contact"]) == (old["id"], True)
    assert (new["First_Name"], new["Last_Name"], new["GP_Former_Vendor_Contact"]) == ("Zoë", "O'Neill", False)
    assert_settled(world)
