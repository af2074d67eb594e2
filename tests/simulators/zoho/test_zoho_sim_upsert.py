"""The table of Zoho's "Upsert Records" page, row by row, with its traps."""

import pytest


@pytest.fixture
def keyed(zoho):
    zoho.add_key(label="Key One")
    zoho.add_key(label="Key Two")
    zoho.records = zoho.insert(
        "Accounts",
        {"Account_Name": "Same", "Key_One": "a"},
        {"Account_Name": "Other", "Key_Two": "b"},
    ).ids
    return zoho


def test_it_tells_what_it_did(keyed):
    inserted = keyed.upsert("Accounts", {"Account_Name": "New"})
    assert inserted.status == 200
    assert (inserted.items[0]["action"], inserted.items[0]["duplicate_field"]) == ("insert", None)
    assert inserted.items[0]["message"] == "record added"
    updated = keyed.upsert("Accounts", {"Account_Name": "New", "Fax": "1"})
    assert (updated.items[0]["action"], updated.items[0]["duplicate_field"]) == ("update", "Account_Name")
    assert updated.ids == inserted.ids


def test_without_check_fields_the_name_decides_first_and_merges_two_customers(keyed):
    item = keyed.upsert("Accounts", {"Account_Name": "SAME", "Key_One": "z"}).items[0]
    assert (item["duplicate_field"], item["details"]["id"]) == ("Account_Name", keyed.records[0])
    assert keyed.get("Accounts", keyed.records[0])["Key_One"] == "z"


def test_naming_one_key_does_not_stop_a_match_on_the_other(keyed):
    item = keyed.upsert(
        "Accounts",
        {"Account_Name": "New", "Key_One": "new", "Key_Two": "B"},
        duplicate_check_fields=["Key_One"],
    ).items[0]
    assert (item["duplicate_field"], item["details"]["id"]) == ("Key_Two", keyed.records[1])


def test_a_list_without_the_system_field_ignores_it(keyed):
    item = keyed.upsert(
        "Accounts", {"Account_Name": "Same", "Key_One": "new"}, duplicate_check_fields=["Key_One"]
    ).items[0]
    assert item["action"] == "insert"


def test_the_system_field_listed_is_tried_first_then_every_key(keyed):
    record = {"Account_Name": "Same", "Key_Two": "b"}
    item = keyed.upsert("Accounts", record, duplicate_check_fields=["Account_Name"]).items[0]
    assert item["code"] == "DUPLICATE_DATA"  # matched the first record, whose new key belongs to the second
    assert item["details"]["id"] == keyed.records[1]
    record = {"Account_Name": "Nobody", "Key_Two": "b"}
    item = keyed.upsert("Accounts", record, duplicate_check_fields=["Account_Name"]).items[0]
    assert (item["duplicate_field"], item["details"]["id"]) == ("Key_Two", keyed.records[1])


def test_an_empty_key_inserts(keyed):
    record = {"Account_Name": "Same", "Key_One": None}
    assert keyed.upsert("Accounts", record, duplicate_check_fields=["Key_One"]).items[0]["action"] == "insert"


@pytest.mark.parametrize("fields", [["Phone"], ["Nothing"], "Key_One"])
def test_a_field_that_is_no_key_may_not_be_listed(keyed, fields):
    answer = keyed.upsert("Accounts", {"Account_Name": "A"}, duplicate_check_fields=fields)
    assert (answer.status, answer.body["code"]) == (400, "INVALID_DATA")


def test_an_update_needs_no_mandatory_fields_an_insert_does(keyed):
    answer = keyed.upsert("Accounts", {"Key_One": "A", "Fax": "1"}, {"Key_One": "n"})
    assert answer.status == 207
    assert answer.codes == ["SUCCESS", "MANDATORY_NOT_FOUND"]


def test_of_twins_the_oldest_is_updated(keyed):
    twin = keyed.insert("Accounts", {"Account_Name": "Same"}).ids[0]
    item = keyed.upsert("Accounts", {"Account_Name": "Same"}).items[0]
    assert item["details"]["id"] == keyed.records[0] < twin


@pytest.mark.parametrize(
    ("module", "record", "field"),
    [
        ("Contacts", {"Last_Name": "L", "Email": "a@b.com"}, "Email"),
        ("Deals", {"Deal_Name": "D", "Stage": "Closed Won"}, "Deal_Name"),
        ("Vendors", {"Vendor_Name": "V"}, "Vendor_Name"),
        ("Products", {"Product_Name": "P"}, "Product_Name"),
    ],
)
def test_system_fields_of_other_modules(zoho, module, record, field):
    actions = [zoho.upsert(module, record).items[0] for _ in range(2)]
    assert [item["action"] for item in actions] == ["insert", "update"]
    assert actions[1]["duplicate_field"] == field


def test_two_items_of_one_call_with_the_same_key(keyed):
    answer = keyed.upsert(
        "Accounts", {"Account_Name": "N", "Key_One": "q"}, {"Account_Name": "N", "Key_One": "Q"}
    )
    assert answer.ids[0] == answer.ids[1]
