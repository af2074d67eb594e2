"""Vendors by SBA, customers by SOAP: both arrive, one change is one record read, an address that moved is found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from systems import World, gp_options, opened

MOVED = "ACETRAVE0001"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("sba"), gp=gp_options(0)) as world:
        world.write_settings(
            gp_sba__entities='["vendors"]',
            gp_sba__address=f'"{world.gp.sba_address}"',
            gp_sba__company='"Fabrikam, Inc."',
            sync__addresses_every_seconds="0",
        )
        world.forget()
        world.first("customers", "vendors")
        yield world


def by_sba(world: World) -> dict[str, int]:
    return {name: number for name, number in world.operations().items() if " " in name}


def vendor(world: World, key: str = MOVED) -> dict[str, Any]:
    return world.account(key, "GP_Vendor_ID")


def test_all_vendors_arrive_by_sba(world: World) -> None:
    arrived = {a["GP_Vendor_ID"] for a in world.accounts() if a.get("GP_Vendor_ID")}
    assert arrived == {row["id"].rstrip() for row in world.vendors()}
    asked = world.operations()
    assert not {"GetVendorList", "GetVendorByKey"} & set(asked)
    assert {"GET Vendors", "GET VendorAddresses", "GetCustomerByKey", "GetPayablesDocumentList"} <= set(asked)
    assert vendor(world)["Account_Name"] == "A Travel Company"


def test_one_change_is_one_record_read(world: World) -> None:
    world.settle()
    world.gp.control("POST", f"vendors/{MOVED}", {"set": {"name": "A Travel Company, Sydney"}})
    world.forget()
    world.sync("vendors")
    assert vendor(world)["Account_Name"] == "A Travel Company, Sydney"
    assert by_sba(world)["GET VendorAddresses"] == 1
    assert by_sba(world)["GET Vendors"] == 2  # the list, and the record


def test_an_address_that_moved_is_found_by_soap_beside_it(world: World) -> None:
    world.settle()
    world.gp.control("POST", f"vendors/{MOVED}", {"address": {"id": "PRIMARY", "city": "Newcastle"}})
    world.sync("vendors")
    assert "Newcastle" in str(vendor(world))
    world.settle()
    world.forget()
    world.sync("vendors")
    assert "GET VendorAddresses" not in by_sba(world)


def test_ping_says_what_is_read_by_which_service(world: World) -> None:
    told = world.ok("ping", "--json").json["systems"]["Dynamics GP"]
    names = {check["name"] for check in told if check["ok"]}
    assert {"vendors by SBA", "one of vendors by SBA", "GetCustomerByKey"} <= names


def test_a_company_by_a_wrong_name_stops_the_flow_in_words(world: World) -> None:
    right = world.values["gp_sba__company"]
    world.write_settings(gp_sba__company='"Fabrikam"')
    said = world.run("sync", "vendors")
    assert said.code != 0
    assert "SBA has nothing at" in said.text
    world.write_settings(gp_sba__company=right)
