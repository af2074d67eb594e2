"""Organisations as customers have them: small editions, no rights, and administrators who change the fields."""

import pytest

CUSTOMER = {"Account_Name": "Aaron Fitz"}
PICKS = [{"display_value": "A", "actual_value": "A"}]


def fields_of(zoho, module="Accounts"):
    found = zoho.call("GET", f"settings/fields?module={module}").body["fields"]
    return {field["api_name"]: field for field in found}


def change(zoho, *changes, module="Accounts"):
    return zoho.control("POST", f"fields/{module}", {"changes": list(changes)})


# -- what the edition and the profile permit


def test_a_free_edition_makes_no_custom_field(start):
    refused = start(edition="free").add_field(label="GP Customer ID")
    assert (refused.status, refused.body["fields"][0]["code"]) == (400, "NOT_SUPPORTED")


@pytest.mark.parametrize(("edition", "limit"), [("standard", 10), ("professional", 155)])
def test_custom_fields_of_the_organisations_own_count(start, edition, limit):
    zoho = start(edition=edition)
    change(zoho, *({"api_name": f"Own_{n}", "data_type": "text"} for n in range(limit - 1)))
    specs = [{"field_label": f"GP {n}", "data_type": "text"} for n in range(3)]
    answer = zoho.call("POST", "settings/fields?module=Accounts", {"fields": specs})
    assert answer.status == 207
    assert [item["code"] for item in answer.body["fields"]] == ["SUCCESS", "LIMIT_EXCEEDED", "LIMIT_EXCEEDED"]
    assert answer.body["fields"][1]["details"]["limit"] == limit
    assert zoho.add_field("Contacts", "GP 1").status == 201
    assert change(zoho, {"api_name": "One_More", "data_type": "text"})["code"] == "INVALID_DATA"


def test_a_profile_that_may_not_create_fields(start):
    zoho = start(may_customise=False)
    for answer in (
        zoho.add_field(label="GP Customer ID"),
        zoho.call("POST", "settings/fields?module=Accounts", {"fields": []}),
        zoho.call("POST", "settings/modules", {"modules": [{"singular_label": "A"}]}),
    ):
        assert (answer.status, answer.body["code"]) == (403, "NO_PERMISSION")
        assert answer.body["details"] == {"permissions": ["Crm_Implied_Customize_Zoho_CRM"]}
    assert zoho.call("GET", "settings/fields?module=Accounts").status == 200
    zoho.control("POST", "settings", {"may_customise": True})
    assert zoho.add_field(label="GP Customer ID").status == 201


# -- an administrator changes fields


def test_a_renamed_field_keeps_its_values_and_loses_its_old_name(zoho):
    zoho.add_key()
    old = fields_of(zoho)["GP_Customer_ID"]
    made = zoho.insert("Accounts", CUSTOMER | {"GP_Customer_ID": "K1"}).ids[0]
    change(zoho, {"api_name": "GP_Customer_ID", "rename": "ERP_Key", "label": "ERP key"})
    fields = fields_of(zoho)
    assert "GP_Customer_ID" not in fields
    assert (fields["ERP_Key"]["id"], fields["ERP_Key"]["field_label"]) == (old["id"], "ERP key")
    assert zoho.get("Accounts", made)["ERP_Key"] == "K1"
    assert zoho.coql("select id from Accounts where ERP_Key = 'k1'").items == [{"id": made}]
    zoho.update("Accounts", {"id": made, "GP_Customer_ID": "K2"})
    assert zoho.get("Accounts", made)["ERP_Key"] == "K1"
    zoho.control("POST", "settings", {"unknown_fields": "error"})
    assert zoho.update("Accounts", {"id": made, "GP_Customer_ID": "K2"}).codes == ["INVALID_DATA"]
    assert zoho.insert("Accounts", CUSTOMER | {"ERP_Key": "K1"}).codes == ["DUPLICATE_DATA"]


def test_a_renamed_name_field_still_names_the_records(zoho):
    change(zoho, {"api_name": "Account_Name", "rename": "Firm"})
    made = zoho.insert("Accounts", {"Firm": "A"}).ids[0]
    assert zoho.insert("Accounts", CUSTOMER).items[0]["details"]["api_name"] == "Firm"
    contact = zoho.insert("Contacts", {"Last_Name": "L", "Account_Name": {"id": made}}).ids[0]
    assert zoho.get("Contacts", contact)["Account_Name"] == {"id": made, "name": "A"}


def test_a_removed_field_takes_its_values_along_and_frees_its_unique_place(zoho):
    zoho.add_key()
    zoho.add_key(label="Other")
    made = zoho.insert("Accounts", CUSTOMER | {"GP_Customer_ID": "K1"}).ids[0]
    change(zoho, {"api_name": "GP_Customer_ID", "remove": True})
    assert "GP_Customer_ID" not in zoho.get("Accounts", made)
    assert zoho.add_key().status == 201
    assert zoho.get("Accounts", made)["GP_Customer_ID"] is None
    assert change(zoho, {"api_name": "Nothing", "remove": True})["code"] == "INVALID_DATA"


def test_a_shortened_field_refuses_longer_values_and_leaves_those_that_are_there(zoho):
    made = zoho.insert("Accounts", CUSTOMER | {"Billing_City": "Kuala Lumpur"}).ids[0]
    change(zoho, {"api_name": "Billing_City", "length": 5})
    assert fields_of(zoho)["Billing_City"]["length"] == 5
    refused = zoho.update("Accounts", {"id": made, "Billing_City": "Chicago"}).items[0]
    assert (refused["code"], refused["details"]["maximum_length"]) == ("INVALID_DATA", 5)
    assert zoho.update("Accounts", {"id": made, "Fax": "1"}).codes == ["SUCCESS"]
    assert zoho.get("Accounts", made)["Billing_City"] == "Kuala Lumpur"


def test_a_field_of_another_type_is_another_field(zoho):
    zoho.add_field(label="Credit", kind="text")
    old = fields_of(zoho)["Credit"]
    made = zoho.insert("Accounts", CUSTOMER | {"Credit": "5"}).ids[0]
    change(zoho, {"api_name": "Credit", "data_type": "currency"})
    new = fields_of(zoho)["Credit"]
    assert (new["data_type"], new["id"] == old["id"], new["length"]) == ("currency", False, 16)
    assert zoho.get("Accounts", made)["Credit"] is None
    assert zoho.update("Accounts", {"id": made, "Credit": "5"}).codes == ["INVALID_DATA"]
    assert zoho.update("Accounts", {"id": made, "Credit": 5}).codes == ["SUCCESS"]


def test_a_field_made_mandatory(zoho):
    made = zoho.insert("Accounts", CUSTOMER).ids[0]
    change(zoho, {"api_name": "Phone", "mandatory": True})
    assert fields_of(zoho)["Phone"]["system_mandatory"]
    refused = zoho.insert("Accounts", CUSTOMER).items[0]
    assert (refused["code"], refused["details"]["api_name"]) == ("MANDATORY_NOT_FOUND", "Phone")
    assert zoho.update("Accounts", {"id": made, "Fax": "1"}).codes == ["SUCCESS"]
    assert zoho.update("Accounts", {"id": made, "Phone": None}).codes == ["MANDATORY_NOT_FOUND"]


def test_a_closed_picklist_takes_its_own_values_only(zoho):
    assert zoho.insert("Accounts", CUSTOMER | {"Rating": "Junk"}).status == 201
    assert not fields_of(zoho)["Rating"]["restricted"]
    change(zoho, {"api_name": "Rating", "pick_list": ["Hot", "Cold"], "restricted": True})
    rating = fields_of(zoho)["Rating"]
    assert rating["restricted"]
    assert [pick["actual_value"] for pick in rating["pick_list_values"]] == ["Hot", "Cold"]
    refused = zoho.insert("Accounts", CUSTOMER | {"Rating": "Junk"}).items[0]
    assert (refused["code"], refused["details"]["api_name"]) == ("INVALID_DATA", "Rating")
    assert zoho.insert("Accounts", CUSTOMER | {"Rating": "Hot"}).status == 201
    assert zoho.insert("Accounts", CUSTOMER | {"Rating": None}).status == 201


def test_a_closed_list_of_several_picks(zoho):
    zoho.add_field(label="Lines", kind="multiselectpicklist", pick_list_values=PICKS)
    change(zoho, {"api_name": "Lines", "restricted": True})
    assert zoho.insert("Accounts", CUSTOMER | {"Lines": ["A", "B"]}).codes == ["INVALID_DATA"]
    assert zoho.insert("Accounts", CUSTOMER | {"Lines": ["A"]}).codes == ["SUCCESS"]


def test_metadata_that_does_not_tell_of_closed_picklists(start):
    zoho = start(closed_picklist_key="")
    change(zoho, {"api_name": "Rating", "restricted": True})
    assert "restricted" not in fields_of(zoho)["Rating"]
    assert zoho.insert("Accounts", CUSTOMER | {"Rating": "Hot"}).codes == ["INVALID_DATA"]


def test_unique_fields_on_off_and_used_up(zoho):
    unique = [{"api_name": f"Own_{n}", "data_type": "text", "unique": True} for n in (1, 2)]
    change(zoho, *unique)
    assert fields_of(zoho)["Own_1"]["unique"] == {"case_sensitive": False}
    assert zoho.add_key().body["fields"][0]["code"] == "LIMIT_EXCEEDED"
    assert change(zoho, {"api_name": "Phone", "unique": True})["code"] == "INVALID_DATA"
    change(zoho, {"api_name": "Own_1", "unique": False})
    assert zoho.add_key().status == 201
    for status in (201, 400):
        assert zoho.insert("Accounts", CUSTOMER | {"GP_Customer_ID": "K"}).status == status
    change(zoho, {"api_name": "GP_Customer_ID", "unique": False})
    assert zoho.insert("Accounts", CUSTOMER | {"GP_Customer_ID": "K"}).status == 201
    twice = change(zoho, {"api_name": "GP_Customer_ID", "unique": True})
    assert "has a value twice" in twice["message"]
    assert fields_of(zoho)["GP_Customer_ID"]["unique"] == {}


def test_changes_are_made_all_or_none(zoho):
    told = change(zoho, {"api_name": "Phone", "mandatory": True}, {"api_name": "Fax", "nonsense": 1})
    assert told["code"] == "INVALID_DATA"
    assert zoho.insert("Accounts", CUSTOMER).status == 201
    assert change(zoho, {"api_name": "Nothing"})["code"] == "INVALID_DATA"
