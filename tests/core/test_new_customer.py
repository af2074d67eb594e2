"""Customers of the ERP that are made of Accounts."""

from __future__ import annotations

from pathlib import Path

import pytest

import ml_connector
from ml_connector.connectors.dynamics_gp import GpSource
from ml_connector.core import catalogue
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.mapping_file import read_mapping
from ml_connector.core.new_customer import CustomerTerms, new_customer
from ml_connector.core.numbering import number_of

FILE = Path(ml_connector.__file__).parent / "mappings" / "customer_accounts.toml"
RULES = read_mapping(FILE.name, FILE.read_text("utf-8"), GpSource.entities).rules
TERMS = CustomerTerms("ZC", "USA")
ID = "5725767000000000100"
SETTABLE = {
    "name", "class_id", "bill_to.phone1", "bill_to.email", "bill_to.line1", "bill_to.line2", "bill_to.line3",
    "bill_to.city", "bill_to.state", "bill_to.country", "ship_to.line1", "ship_to.line2", "ship_to.city",
    "ship_to.country", "bill_to.address_id", "ship_to.address_id", "default.address_id",
}  # fmt: skip
ACCOUNT = {"Account_Name": "Contoso", "Phone": "312-555-0101", "Billing_Street": "One Way\nGate 2",
           "Billing_City": "Chicago", "Owner": "7", "GP_Customer_Active": True, "Fax": None}  # fmt: skip
BILLED = {"name": "Contoso", "class_id": "USA", "bill_to.phone1": "31255501010000", "bill_to.line1": "One Way",
          "bill_to.line2": "Gate 2", "bill_to.city": "Chicago"}  # fmt: skip
IDS = {"bill_to.address_id": "PRIMARY", "ship_to.address_id": "PRIMARY", "default.address_id": "PRIMARY"}


def made(terms=TERMS, **account):
    return new_customer(ID, {**ACCOUNT, **account}, RULES, SETTABLE, terms)


def test_an_account_with_one_address():
    customer = made()
    assert customer.key == number_of(ID, "ZC")
    assert customer.fields == {**BILLED, **IDS}


def test_goods_that_go_to_the_same_place_need_no_second_address():
    same = made(Shipping_Street="One Way\nGate 2", Shipping_City="Chicago")
    assert same.fields == {**BILLED, **IDS}


def test_goods_that_go_elsewhere_do():
    customer = made(Shipping_City="Skokie")
    assert customer.fields == {**BILLED, **IDS, "ship_to.city": "Skokie", "ship_to.address_id": "SHIP TO"}


def test_the_account_s_own_class_counts():
    assert made(GP_Customer_Class="EU").fields["class_id"] == "EU"
    assert "class_id" not in made(CustomerTerms("ZC")).fields


def test_an_account_without_a_name():
    with pytest.raises(RecordRejectedError) as caught:
        made(Account_Name=" " * 0)
    assert (caught.value.code, caught.value.field) == (catalogue.VALUE_MISSING, "name")


def test_a_street_that_the_erp_has_no_room_for():
    with pytest.raises(RecordRejectedError) as caught:
        made(Billing_Street="a\nb\nc\nd")
    assert (caught.value.code, caught.value.field) == (catalogue.VALUE_UNFIT, "Billing_Street")
