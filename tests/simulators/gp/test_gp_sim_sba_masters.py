"""Customers and vendors are created and changed by SBA."""

from __future__ import annotations

import pytest
from gp_sim_sba_wire import COMPANY, SbaWire

from ml_connector.simulators.gp import GpOptions, GpSimulator

CUSTOMERS, ADDRESSES = "/Sales/Customers", "/Sales/CustomerAddresses"
NEW = {
    "CustomerId": "ZC1",
    "CustomerName": "Elm & Co",
    "ClassId": "USA-ILMO-T1",
    "Addresses": [{"AddressId": "MAIN", "Address1": "1 Elm", "EmailTo": "a@elm.example"}],
}


@pytest.fixture
def gp():
    with GpSimulator(GpOptions(sba_envelope="bare", action_tracking=True)) as simulator:
        yield simulator


@pytest.fixture
def sba(gp):
    with SbaWire(gp.url) as wire:
        yield wire


def test_a_customer_is_created_with_its_classes_defaults(gp, sba):
    status, made = sba.write("POST", CUSTOMERS, NEW)
    assert (status, made["PaymentTermsId"], made["PrimaryAddressId"]) == (201, "Net 30", "MAIN")
    assert made["CreditLimitType"] == 1
    assert sba.read(f"{ADDRESSES}(ZC1;MAIN)")["EmailTo"] == "a@elm.example"
    kept = gp.control("GET", "customers/ZC1")
    assert kept["modified_at"] == kept["row_stamp_at"]
    assert sba.write("POST", CUSTOMERS, NEW)[0] == 409


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"CustomerName": ""}, "A name is required."),
        ({"CustomerId": ""}, "A new record needs an id."),
        ({"ClassId": "NONE"}, "The class NONE does not exist."),
        ({"Colour": "red"}, "There is no Colour here."),
        ({"IsActive": "yes"}, "IsActive cannot be 'yes'."),
        ({"Addresses": {"AddressId": "MAIN"}}, "Addresses is an array of objects with an AddressId."),
        ({"Addresses": [{"City": "Elgin"}]}, "Addresses is an array of objects with an AddressId."),
    ],
)
def test_what_is_refused_is_400(gp, sba, changes, said):
    status, told = sba.write("POST", CUSTOMERS, {**NEW, **changes})
    assert (status, said in told["Message"]) == (400, True), told
    assert gp.control("GET", "customers")["total"] == 28


@pytest.mark.parametrize(
    ("place", "key", "change"),
    [
        ("Sales/Customers", "AARONFIT0001", {"CustomerName": "Aaron Fitz Electric", "IsOnHold": True}),
        ("Purchasing/Vendors", "ACETRAVE0001", {"VendorName": "A Travel Co.", "Comment1": "x"}),
    ],
)
def test_a_patch_changes_what_is_in_it_and_stamps(sba, place, key, change):
    before = sba.read(f"/{place}({key})")
    status, after = sba.write("PATCH", f"/{place}({key})", change)
    assert status == 200
    assert after.pop("ModifiedDate") > before.pop("ModifiedDate")
    assert after == {**before, **change}
    assert sba.write("PATCH", f"/{place}({key})", {"Colour": 1})[0] == 400
    assert sba.write("PATCH", f"/{place}(NOBODY)", change)[0] == 404


@pytest.mark.parametrize(
    ("owner", "place", "key"),
    [
        ("customers/AARONFIT0001", "Sales/CustomerAddresses", "AARONFIT0001;WAREHOUSE"),
        ("vendors/ACETRAVE0001", "Purchasing/VendorAddresses", "ACETRAVE0001;REMIT TO"),
    ],
)
def test_an_address_is_changed_and_its_master_not_stamped(gp, sba, owner, place, key):
    path = f"/{place}({key.replace(' ', '%20')})"
    before, master = sba.read(path), gp.control("GET", owner)
    status, after = sba.write("PATCH", path, {"Phone1": "31255501990000", "EmailTo": "new@x.example"})
    assert (status, after) == (200, {**before, "Phone1": "31255501990000", "EmailTo": "new@x.example"})
    now = gp.control("GET", owner)
    assert now["modified_at"] == master["modified_at"]
    wanted = key.partition(";")[2]
    changed = next(one for one in now["addresses"] if one["id"] == wanted)
    assert changed["modified_at"] == changed["email"]["modified_at"] > master["modified_at"]
    assert sba.write("PATCH", path, {"City": "Z" * 36})[0] == 400
    assert sba.get(f"{COMPANY}/{place}({key.partition(';')[0]};NONE)", "PATCH", b"{}").status == 404


def test_what_was_done_is_tracked(gp, sba):
    sba.write("POST", CUSTOMERS, NEW)
    sba.write("PATCH", f"{CUSTOMERS}(AARONFIT0001)", {"Comment1": "x"})
    track = gp.simulation.tracks[-1].rows("Customer")
    assert [(row.owner_id, row.action) for row in track] == [("AARONFIT0001", "Updated"), ("ZC1", "Created")]
