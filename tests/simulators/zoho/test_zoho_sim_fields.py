"""Custom fields: lookups and picklists, changed and deleted."""

import pytest

ENTRIES = {
    "singular_label": "Journal Entry",
    "plural_label": "Journal Entries",
    "api_name": "Journal_Entries",
}
PICKS = [{"display_value": "Open", "actual_value": "O"}, {"display_value": "History", "actual_value": "H"}]


def field_of(zoho, name, module="Accounts"):
    found = zoho.call("GET", f"settings/fields?module={module}").body["fields"]
    return next((field for field in found if field["api_name"] == name), None)


def add(zoho, module="Accounts", **spec):
    """The id of a new field."""
    made = zoho.call("POST", f"settings/fields?module={module}", {"fields": [spec]})
    assert made.status == 201, made.body
    return made.body["fields"][0]["details"]["id"]


def patch(zoho, field_id, **spec):
    return zoho.call("PATCH", f"settings/fields/{field_id}?module=Accounts", {"fields": [spec]})


def code(answer):
    item = answer.body["fields"][0] if "fields" in answer.body else answer.body
    return answer.status, item["code"]


def picks_of(zoho, name):
    values = field_of(zoho, name)["pick_list_values"]
    return [(value["display_value"], value["actual_value"]) for value in values]


def test_lookup_field_needs_its_module(zoho):
    spec = {"field_label": "Journal Entry", "data_type": "lookup"}
    assert code(zoho.add_field(label="Journal Entry", kind="lookup")) == (400, "DEPENDENT_FIELD_MISSING")
    wrong = zoho.add_field(label="Journal Entry", kind="lookup", lookup={"module": {"api_name": "Nothing"}})
    assert code(wrong) == (400, "INVALID_DATA")
    zoho.control("POST", "modules", ENTRIES)
    lookup = {"module": {"api_name": "Journal_Entries"}, "display_label": "Accounts"}
    add(zoho, **spec, lookup=lookup)
    made = field_of(zoho, "Journal_Entry")
    assert (made["data_type"], made["lookup"]["module"]["api_name"]) == ("lookup", "Journal_Entries")
    entry = zoho.insert("Journal_Entries", {"Name": "1"}).ids[0]
    account = zoho.insert("Accounts", {"Account_Name": "A", "Journal_Entry": {"id": entry}}).ids[0]
    assert zoho.get("Accounts", account)["Journal_Entry"] == {"name": "1", "id": entry}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (None, "DEPENDENT_FIELD_MISSING"),
        ([], "DEPENDENT_FIELD_MISSING"),
        ("Open", "INVALID_DATA"),
        ([{"display_value": "Open"}], "MANDATORY_NOT_FOUND"),
        ([PICKS[0], {"display_value": "open", "actual_value": "X"}], "DUPLICATE_DATA"),
        ([{"display_value": "x" * 121, "actual_value": "X"}], "INVALID_DATA"),
    ],
)
def test_picklist_needs_its_values(zoho, values, expected):
    assert code(zoho.add_field(label="State", kind="picklist", pick_list_values=values)) == (400, expected)


def test_picklist_keeps_both_kinds_of_values(zoho):
    add(zoho, field_label="State", data_type="picklist", pick_list_values=PICKS)
    assert picks_of(zoho, "State") == [("Open", "O"), ("History", "H")]
    account = zoho.insert("Accounts", {"Account_Name": "A", "State": "O"}).ids[0]
    assert zoho.get("Accounts", account)["State"] == "O"


def test_keys_of_a_type_are_demanded_when_told_so(start):
    zoho = start(demands_type_keys=True)
    keys = {
        "currency": {"rounding_option": "normal"},
        "textarea": {"type": "small"},
        "auto_number": {"start_number": 1},
    }
    for kind, key in (("currency", "currency"), ("textarea", "textarea"), ("autonumber", "auto_number")):
        assert code(zoho.add_field(label=f"GP {kind}", kind=kind)) == (400, "DEPENDENT_FIELD_MISSING")
        assert zoho.add_field(label=f"GP {kind}", kind=kind, **{key: keys[key]}).status == 201


def test_one_field_of_a_module_counts(zoho):
    assert zoho.add_field(label="Number", kind="autonumber").status == 201
    refused = zoho.add_field(label="Second number", kind="autonumber")
    assert (refused.status, refused.body["fields"][0]["code"]) == (400, "LIMIT_EXCEEDED")
    assert zoho.add_field("Contacts", "Number", "autonumber").status == 201


def test_label_changes_and_the_api_name_stays(zoho):
    field_id = add(zoho, field_label="GP State", data_type="text", length=10)
    account = zoho.insert("Accounts", {"Account_Name": "A", "GP_State": "x" * 10}).ids[0]
    changed = patch(zoho, field_id, field_label="Ledger State", length=20)
    assert (changed.status, changed.body["fields"][0]["message"]) == (200, "field updated")
    field = field_of(zoho, "GP_State")
    assert (field["field_label"], field["length"], field["id"]) == ("Ledger State", 20, field_id)
    assert zoho.get("Accounts", account)["GP_State"] == "x" * 10
    assert zoho.update("Accounts", {"id": account, "GP_State": "x" * 20}).status == 200


def test_values_of_a_picklist_are_added_changed_and_deleted(zoho):
    field_id = add(zoho, field_label="State", data_type="picklist", pick_list_values=PICKS)
    patch(zoho, field_id, pick_list_values=[{"display_value": "Work", "actual_value": "W"}])
    assert picks_of(zoho, "State") == [("Open", "O"), ("History", "H"), ("Work", "W")]
    first = field_of(zoho, "State")["pick_list_values"][0]["id"]
    patch(zoho, field_id, pick_list_values=[{"id": first, "display_value": "Opened"}])
    assert picks_of(zoho, "State")[0] == ("Opened", "O")
    patch(zoho, field_id, pick_list_values=[{"actual_value": "H", "_delete": None}])
    assert picks_of(zoho, "State") == [("Opened", "O"), ("Work", "W")]


def test_values_that_are_not_named_go_when_told_so(start):
    zoho = start(pick_list_update="replace")
    field_id = add(zoho, field_label="State", data_type="picklist", pick_list_values=PICKS)
    patch(zoho, field_id, pick_list_values=[{"display_value": "Work", "actual_value": "W"}, PICKS[0]])
    assert picks_of(zoho, "State") == [("Work", "W"), ("Open", "O")]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"data_type": "integer"}, "NOT_ALLOWED"),
        ({"external": {"type": "org", "show": False}}, "NOT_ALLOWED"),
        ({"field_label": ""}, "INVALID_DATA"),
        ({"field_label": "phone"}, "DUPLICATE_DATA"),
        ({"length": 256}, "INVALID_DATA"),
        ({"pick_list_values": PICKS}, "INVALID_DATA"),
    ],
)
def test_changes_that_are_refused(zoho, spec, expected):
    field_id = add(zoho, field_label="GP State", data_type="text")
    assert code(patch(zoho, field_id, **spec)) == (400, expected)


def test_zohos_own_fields_keep_their_labels(zoho):
    assert code(patch(zoho, field_of(zoho, "Phone")["id"], field_label="Tel")) == (400, "NOT_ALLOWED")


def test_several_fields_change_in_one_call(zoho):
    first, second = (add(zoho, field_label=label, data_type="text") for label in ("One", "Two"))
    body = {"fields": [{"id": first, "field_label": "Uno"}, {"id": "1", "field_label": "X"}, {"id": second}]}
    answer = zoho.call("PATCH", "settings/fields?module=Accounts", body)
    assert (answer.status, [one["code"] for one in answer.body["fields"]]) == (
        207,
        ["SUCCESS", "INVALID_DATA", "SUCCESS"],
    )


def test_field_becomes_unique_unless_values_are_twice(zoho):
    field_id = add(zoho, field_label="Code", data_type="text")
    zoho.insert("Accounts", {"Account_Name": "A", "Code": "1"}, {"Account_Name": "B", "Code": "1"})
    unique = {"unique": {"case_sensitive": False}}
    assert code(patch(zoho, field_id, **unique)) == (400, "DUPLICATE_DATA")
    zoho.control(
        "POST", "delete/Accounts", {"ids": [zoho.control("GET", "records/Accounts")["data"][0]["id"]]}
    )
    assert patch(zoho, field_id, **unique).status == 200
    assert zoho.insert("Accounts", {"Account_Name": "C", "Code": "1"}).codes == ["DUPLICATE_DATA"]


def test_field_is_deleted_with_its_values(zoho):
    field_id = add(zoho, field_label="GP State", data_type="text")
    account = zoho.insert("Accounts", {"Account_Name": "A", "GP_State": "x"}).ids[0]
    gone = zoho.call("DELETE", f"settings/fields/{field_id}?module=Accounts")
    assert (gone.status, gone.body["fields"][0]["message"]) == (200, "field deleted")
    assert field_of(zoho, "GP_State") is None
    assert "GP_State" not in zoho.get("Accounts", account)
    assert code(zoho.call("DELETE", f"settings/fields/{field_id}?module=Accounts")) == (400, "INVALID_DATA")
    phone = field_of(zoho, "Phone")["id"]
    assert code(zoho.call("DELETE", f"settings/fields/{phone}?module=Accounts")) == (400, "NOT_ALLOWED")
    assert code(zoho.call("DELETE", f"settings/fields/{phone}")) == (400, "REQUIRED_PARAM_MISSING")


def test_one_field_is_shown(zoho):
    field_id = add(zoho, field_label="GP State", data_type="text")
    shown = zoho.call("GET", f"settings/fields/{field_id}?module=Accounts").body["fields"]
    assert [field["api_name"] for field in shown] == ["GP_State"]
    assert code(zoho.call("GET", "settings/fields/1?module=Accounts")) == (400, "INVALID_DATA")


def test_changes_need_scope_and_profile(start):
    zoho = start(scopes="ZohoCRM.settings.fields.READ,ZohoCRM.settings.fields.CREATE")
    field_id = add(zoho, field_label="GP State", data_type="text")
    assert code(patch(zoho, field_id, field_label="X")) == (401, "OAUTH_SCOPE_MISMATCH")
    gone = zoho.call("DELETE", f"settings/fields/{field_id}?module=Accounts")
    assert code(gone) == (401, "OAUTH_SCOPE_MISMATCH")
    zoho = start()
    field_id = add(zoho, field_label="GP State", data_type="text")
    zoho.control("POST", "settings", {"may_customise": False})
    assert code(patch(zoho, field_id, field_label="X")) == (403, "NO_PERMISSION")
    assert code(zoho.call("DELETE", f"settings/fields/{field_id}?module=Accounts")) == (403, "NO_PERMISSION")
