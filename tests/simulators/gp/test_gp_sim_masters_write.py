"""Customers and vendors are created and changed by the service."""

from __future__ import annotations

import pytest
from gp_sim_sales import CUSTOMER, create, document, key, reasons, send

NOT_FOUND = "Business object not found."


def address(address_id="PRIMARY", owner="Customer", inside="", end=""):
    return f"<g:{owner}Address>{inside}<g:Key><g:Id>{address_id}</g:Id></g:Key>{end}</g:{owner}Address>"


def customer(customer_id="ZC1", name="Elm & Co", before="", behind="", addresses=""):
    """The inside of a customer: `before` stands before the name's neighbours, `behind` behind them."""
    named = f"<g:Name>{name}</g:Name>" if name else ""
    identity = f"<g:Key><g:Id>{customer_id}</g:Id></g:Key>" if customer_id else ""
    return f"{identity}{before}{named}{behind}<g:Addresses>{addresses}</g:Addresses>".replace(
        "Elm &", "Elm &amp;"
    )


def make(wire, inside):
    return send(wire, "CreateCustomer", "customer", inside)


def change(wire, inside, kind="Customer"):
    return send(wire, f"Update{kind}", kind.lower(), inside)


def dumped(wire, path):
    status, told = wire.control("GET", path)
    assert status == 200, told
    return told


def test_a_customer_is_created_with_its_classes_defaults(wire):
    line = "<g:Line1>1 Elm</g:Line1><g:City>Elgin</g:City>"
    mail = "<g:InternetAddresses><g:EmailToAddress>a@elm.example</g:EmailToAddress></g:InternetAddresses>"
    reply = make(wire, customer(behind=key("ClassKey", "USA-ILMO-T1"), addresses=address(inside=line + mail)))
    assert reply.status == 200, reasons(wire, reply)
    assert len(reply.root.find(".//{*}CreateCustomerResponse")) == 0
    read = wire.by_key("GetCustomerByKey", "zc1")
    told = {
        name: read.text(f"GetCustomerByKeyResult/{name}")
        for name in ("Name", "StatementName", "PaymentTermsKey/Id", "CreditLimit/SpecialAmount", "IsActive",
                     "DefaultAddressKey/Id", "BillToAddressKey/Id")
    }  # fmt: skip
    assert told == {
        "Name": "Elm & Co",
        "StatementName": "Elm & Co",
        "PaymentTermsKey/Id": "Net 30",
        "CreditLimit/SpecialAmount": "Unlimited Credit",
        "IsActive": "true",
        "DefaultAddressKey/Id": "PRIMARY",
        "BillToAddressKey/Id": "PRIMARY",
    }
    assert read.text("CustomerAddress/InternetAddresses/EmailToAddress") == "a@elm.example"
    assert create(wire, document("ZO1", customer="ZC1")).status == 200


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (customer(CUSTOMER), f"The id {CUSTOMER} already exists."),
        (customer("aaronfit0001 "), "The id aaronfit0001 already exists."),
        (customer(""), "A new record needs an id."),
        (customer(name=""), "A name is required."),
        (customer("Z" * 16), "The value of id is longer than 15 characters."),
        (customer(behind=key("ClassKey", "NONE")), "The class NONE does not exist."),
        (customer(behind=key("DefaultAddressKey", "MOON")), "There is no address MOON."),
        (customer(addresses=address(inside=f"<g:City>{'Z' * 36}</g:City>")),
         "The value of city is longer than 35 characters."),
    ],
)  # fmt: skip
def test_a_customer_is_refused(wire, sent, reason):
    before = dumped(wire, "customers")["total"]
    assert reasons(wire, make(wire, sent))[0].endswith(reason)
    assert dumped(wire, "customers")["total"] == before


def test_an_update_clears_what_it_leaves_out_and_keeps_what_has_no_text(wire):
    before = dumped(wire, f"customers/{CUSTOMER}")
    reply = change(wire, customer(CUSTOMER, "Aaron Fitz Electric"))
    assert reply.status == 200, reasons(wire, reply)
    after = dumped(wire, f"customers/{CUSTOMER}")
    assert (after["name"], after["payment_terms"], after["class_id"]) == ("Aaron Fitz Electric", "", "")
    kept = ("is_active", "credit_limit", "currency", "receivables", "created_on", "addresses")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert after["modified_at"] > before["modified_at"]
    assert after["row_stamp_at"] == after["modified_at"]


def test_addresses_are_changed_added_and_removed_by_their_ids(wire):
    phone = "<g:Phone1><g:Value>31255501990000</g:Value></g:Phone1>"
    gone = "<g:DeleteOnUpdate>true</g:DeleteOnUpdate>"
    sent = (
        address(inside=phone)
        + address("WAREHOUSE", end=gone)
        + address("ANNEX", inside="<g:City>Elgin</g:City>")
    )
    assert change(wire, customer(CUSTOMER, addresses=sent)).status == 200
    found = {one["id"]: one for one in dumped(wire, f"customers/{CUSTOMER}")["addresses"]}
    assert set(found) == {"PRIMARY", "ANNEX"}
    assert (found["PRIMARY"]["phone1"], found["PRIMARY"]["city"]) == ("31255501990000", "")
    assert found["PRIMARY"]["email"]["to"]  # was not sent and is in another table
    assert found["ANNEX"]["city"] == "Elgin"


def test_a_vendor_is_changed(wire):
    phone = "<g:Phone1><g:Value>61255501990000</g:Value></g:Phone1>"
    sent = "<g:Key><g:Id>ACETRAVE0001</g:Id></g:Key><g:Name>A Travel Company</g:Name>"
    sent += f"<g:Addresses>{address('PRIMARY', 'Vendor', phone)}</g:Addresses>"
    before = dumped(wire, "vendors/ACETRAVE0001")
    assert change(wire, sent, "Vendor").status == 200
    after = dumped(wire, "vendors/ACETRAVE0001")
    assert after["addresses"][0]["phone1"] == "61255501990000"
    assert (after["addresses"][1], after["balance"]) == (before["addresses"][1], before["balance"])
    assert after["modified_at"] > before["modified_at"]


def test_who_is_not_there_is_not_changed(wire):
    assert change(wire, customer("NOBODY")).fault == NOT_FOUND
    assert change(wire, "<g:Key><g:Id>NOBODY</g:Id></g:Key><g:Name>N</g:Name>", "Vendor").fault == NOT_FOUND


def test_what_was_done_is_tracked(wire):
    wire.control("POST", "settings", {"action_tracking": True})
    make(wire, customer())
    change(wire, customer(CUSTOMER))
    reply = wire.list("GetChangedCustomerKeyList")
    rows = zip(reply.texts("ChangedCustomerKey/Id"), reply.texts("ChangedCustomerKey/Action"), strict=True)
    assert list(rows) == [(CUSTOMER, "Updated"), ("ZC1", "Created")]
