"""Whole objects become flat records; documents become what a vendor is owed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ml_connector.connectors.dynamics_gp import payables, schema
from ml_connector.connectors.dynamics_gp.masters import CUSTOMERS, ENTITIES, VENDORS

PRIMARY = {
    "Line1": "11403 45 St. South  ",
    "Line2": None,
    "City": "Chicago",
    "Phone1": {"Value": "31255501020123"},
    "Fax": {"Value": "00000000000000"},
    "Name": "Aaron Fitz Electrical",
    "CountryRegion": "Canada",
    "CountryRegionCodeKey": {"Id": "CA"},
    "InternetAddresses": {"EmailToAddress": "bob@example.com", "EmailCcAddress": "ann@example.com"},
    "Key": {"CustomerKey": {"Id": "AARONFIT0001"}, "Id": "PRIMARY  "},
    "SalespersonKey": {"Id": "PAUL W."},
}
WAREHOUSE = {"Line1": "Dock 4", "Key": {"Id": "WAREHOUSE"}}
CUSTOMER = {
    "Key": {"CompanyKey": {"Id": "-1"}, "Id": "AARONFIT0001   "},
    "Name": "Aaron Fitz Electrical",
    "DefaultAddressKey": {"Id": "primary"},
    "ShipToAddressKey": {"Id": "WAREHOUSE"},
    "BillToAddressKey": {"Id": "GONE"},
    "IsActive": "true",
    "CreditLimit": {"Amount": {"Currency": "USD", "Value": "30000.00", "DecimalDigits": "2"}},
    "CreatedDate": "1900-01-01T00:00:00",
    "ModifiedDate": "2026-11-22T08:01:02",
    "Addresses": {"CustomerAddress": [PRIMARY, WAREHOUSE]},
}


def test_a_customer_becomes_flat():
    fields, _ = schema.flatten(CUSTOMERS, CUSTOMER)
    assert set(fields) == {item.name for item in ENTITIES["customers"].fields.values() if not item.facet}
    expected = {
        "customer_id": "AARONFIT0001",
        "salesperson_id": "PAUL W.",
        "is_active": True,
        "is_on_hold": None,
        "credit_limit.kind": "amount",
        "credit_limit.amount": Decimal("30000.00"),
        "credit_limit.currency": "USD",
        "created_at": None,
        "modified_at": datetime(2026, 11, 22, 8, 1, 2, tzinfo=UTC),
        "default.address_id": "PRIMARY",
        "default.line1": "11403 45 St. South",
        "default.phone1": "3125550102",
        "default.phone1_extension": "0123",
        "default.fax": None,
        "default.country": "Canada",
        "default.country_code": "CA",
        "default.email": "bob@example.com",
        "default.email_cc": "ann@example.com",
        "ship_to.line1": "Dock 4",
        "ship_to.email": None,
        "bill_to.address_id": None,
        "bill_to.line1": None,
        "statement_to.line1": None,
    }
    assert {name: fields[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("internet", "expected"),
    [
        ({"EmailToAddress": "bob@example.com", "InternetField1": "old@example.com"}, "bob@example.com"),
        ({"EmailToAddress": " ", "InternetField1": "old@example.com "}, "old@example.com"),
        ({"InternetField1": "www.example.com"}, None),
        ({"EmailToAddress": "see notes", "InternetField1": "old@example.com"}, "see notes"),
        ({}, None),
    ],
)
def test_an_older_companys_email_stands_in_its_first_internet_field(internet, expected):
    address = {**PRIMARY, "InternetAddresses": internet}
    fields, _ = schema.flatten(CUSTOMERS, {**CUSTOMER, "Addresses": {"CustomerAddress": address}})
    assert fields["default.email"] == expected


def test_what_contacts_and_filters_need_is_there():
    person = ("contact_person", "email", "email_cc", "phone1", "phone1_extension", "phone2", "phone3", "fax",
              "country", "country_code")  # fmt: skip
    for entity, own in (
        ("customers", ("corporate_account_id", "salesperson_id")),
        ("vendors", ("is_one_time",)),
    ):
        needed = {*own, "class_id", "is_active", "is_on_hold", *(f"default.{name}" for name in person)}
        assert needed <= set(ENTITIES[entity].fields)


def test_the_address_list_and_the_full_object_give_the_same_digest():
    _, whole = schema.flatten(CUSTOMERS, CUSTOMER)
    listed = [{name: value for name, value in PRIMARY.items() if name != "InternetAddresses"}, WAREHOUSE]
    assert schema.address_digest(listed) == whole
    assert schema.address_digest(listed[::-1]) == whole
    moved = [listed[0] | {"Line1": "1 Elm St."}, WAREHOUSE]
    assert schema.address_digest(moved) != whole
    assert schema.address_digest([WAREHOUSE]) != whole


def test_what_the_flows_are_told_of_the_entities():
    customers, vendors = ENTITIES["customers"], ENTITIES["vendors"]
    assert [facet.name for facet in customers.facets if facet.brings_fields] == ["receivables"]
    assert [facet.name for facet in vendors.facets if facet.brings_fields] == ["payables"]
    assert sorted(name for name, item in customers.fields.items() if item.carried) == [
        "credit_limit.amount",
        "credit_limit.currency",
        "credit_limit.kind",
    ]
    empty = next(facet.empty for facet in vendors.facets if facet.name == "payables")
    assert empty == {"payables.balance": Decimal(0), "payables.open_documents": 0, "payables.basis": "exact"}
    assert all(set(facet.empty) <= set(vendors.fields) for facet in vendors.facets)
    assert {item.type for entity in ENTITIES.values() for item in entity.fields.values()} <= {
        "text", "boolean", "integer", "money", "date", "instant",
    }  # fmt: skip
    assert not any("tax_identification" in name for name in vendors.fields)


def test_year_to_date_figures_fall_back_to_life_to_date():
    row = {
        "YearToDate": {"AverageDaysToPay": "12"},
        "LifeToDate": {"AverageDaysToPay": "40", "HighBalance": {"Value": "9"}},
    }
    fields = schema.facet_values(CUSTOMERS, "receivables", row)
    assert fields["receivables.average_days_to_pay"] == 12
    assert fields["receivables.high_balance"] == Decimal(9)
    assert schema.facet_values(VENDORS, "addresses", row) == {}


def document(number: str, kind: str, amount: str, on: str) -> dict:
    return {
        "Key": {"Id": number},
        "Type": kind,
        "Date": f"{on}T00:00:00",
        "DocumentAmount": {"Currency": "USD", "Value": amount},
    }


OPEN = [
    document("1", "Invoice", "100.00", "2026-03-01"),
    document("2", "Finance Charge", "5.00", "2026-02-01"),
    document("3", "Credit Memo", "30.00", "2026-01-01"),
    document("4", "Payment", "25.00", "2026-04-01"),
]


def test_open_documents_add_up_to_an_estimate():
    paid = [document("8", "Payment", "7.00", "2026-04-01"), document("9", "Payment", "8.00", "2026-05-01")]
    assert payables.summarise(OPEN, paid, {}) == {
        "payables.balance": Decimal("50.00"),
        "payables.basis": "estimated",
        "payables.open_documents": 4,
        "payables.oldest_due_on": date(2026, 2, 1),
        "payables.last_payment_amount": Decimal("8.00"),
        "payables.last_payment_on": date(2026, 5, 1),
        "payables.currency": "USD",
    }


def test_invoices_that_were_read_are_exact():
    invoice = {
        "DocumentAmount": {"Value": "100.00"},
        "TotalPayments": {"Value": "40.00"},
        "WriteoffAmount": {"Value": "1.50"},
        "Terms": {"DueDate": "2026-03-31T00:00:00"},
        "Date": "2026-03-01T00:00:00",
    }
    exact = {"1": payables.from_invoice(invoice)}
    fields = payables.summarise(OPEN[:1], [], exact)
    assert fields["payables.balance"] == Decimal("58.50")
    assert fields["payables.basis"] == "exact"
    assert fields["payables.oldest_due_on"] == date(2026, 3, 31)
    assert payables.summarise(OPEN, [], exact)["payables.basis"] == "estimated", "a credit's rest is not told"


def test_a_vendor_with_payments_only_owes_exactly_nothing():
    fields = payables.summarise([], [document("9", "Payment", "8.00", "2026-05-01")], {})
    assert (fields["payables.balance"], fields["payables.basis"]) == (Decimal(0), "exact")
    assert fields["payables.open_documents"] == 0
