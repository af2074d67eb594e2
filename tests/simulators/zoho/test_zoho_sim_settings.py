import pytest

PROFILE = [{"id": "5725767000000001002"}]


def fields_of(zoho, module):
    return {
        field["api_name"]: field
        for field in zoho.call("GET", f"settings/fields?module={module}").body["fields"]
    }


def test_field_metadata_has_what_clients_read(zoho):
    fields = fields_of(zoho, "Accounts")
    assert (
        fields["Account_Name"]
        | {
            "data_type": "text",
            "json_type": "string",
            "length": 200,
            "system_mandatory": True,
        }
        == (fields["Account_Name"])
    )
    assert fields["Account_Number"]["data_type"] == "bigint"
    assert fields["Parent_Account"]["lookup"]["module"]["api_name"] == "Accounts"
    assert fields["Modified_Time"]["read_only"]
    assert fields["Account_Type"]["pick_list_values"][0]["actual_value"] == "Analyst"


def test_custom_field_gets_its_api_name_from_the_label_and_can_be_written(zoho):
    made = zoho.add_key(external={"type": "org", "show": False})
    assert (made.status, made.body["fields"][0]["code"]) == (201, "SUCCESS")
    field = fields_of(zoho, "Accounts")["GP_Customer_ID"]
    assert field["unique"] == {"case_sensitive": False}
    assert field["external"] == {"type": "org", "show": False}
    assert field["custom_field"]
    created = zoho.insert("Accounts", {"Account_Name": "A", "GP_Customer_ID": "AARONFIT0001"}).ids[0]
    assert zoho.get("Accounts", created)["GP_Customer_ID"] == "AARONFIT0001"


def test_two_unique_fields_a_module_and_no_more(zoho):
    assert zoho.add_key(label="One").status == 201
    assert zoho.add_key(label="Two").status == 201
    third = zoho.add_key(label="Three")
    assert (third.status, third.body["fields"][0]["code"]) == (400, "LIMIT_EXCEEDED")


def test_a_label_once_only_and_mixed_answers(zoho):
    zoho.add_field(label="Credit Limit", kind="currency")
    specs = [
        {"field_label": "credit limit", "data_type": "text"},
        {"field_label": "Other", "data_type": "date"},
        {"field_label": "Odd", "data_type": "nothing"},
    ]
    answer = zoho.call("POST", "settings/fields?module=Accounts", {"fields": specs})
    assert answer.status == 207
    assert [item["code"] for item in answer.body["fields"]] == ["DUPLICATE_DATA", "SUCCESS", "INVALID_DATA"]


def test_five_fields_a_call(zoho):
    specs = [{"field_label": f"F{n}", "data_type": "text"} for n in range(6)]
    answer = zoho.call("POST", "settings/fields?module=Accounts", {"fields": specs})
    assert (answer.status, answer.body["code"]) == (400, "LIMIT_EXCEEDED")


def test_the_edition_limits_custom_fields(start):
    zoho = start(edition="standard")
    for n in range(10):
        assert zoho.add_field(label=f"Field {n}").status == 201
    refused = zoho.add_field(label="Field 11")
    assert refused.body["fields"][0]["code"] == "LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    "spec",
    [
        {"data_type": "text"},
        {"field_label": "A", "data_type": "text", "length": 256},
        {"field_label": "A", "data_type": "text", "unique": {"case_sensitive": True}},
        {"field_label": "A", "data_type": "boolean", "unique": {"case_sensitive": False}},
        {"field_label": "A", "data_type": "integer", "external": {"type": "org"}},
        {"field_label": "A", "data_type": "lookup", "lookup": {"module": {"api_name": "Nothing"}}},
    ],
)
def test_field_descriptions_that_are_refused(zoho, spec):
    assert zoho.call("POST", "settings/fields?module=Accounts", {"fields": [spec]}).status == 400


def test_a_custom_module_costs_500_credits_and_holds_records(zoho):
    spec = {
        "singular_label": "GL Account",
        "plural_label": "GL Accounts",
        "api_name": "GL_Accounts",
        "profiles": PROFILE,
        "display_field": {"field_label": "Account", "data_type": "text"},
    }
    zoho.sign_in()
    before = zoho.control("GET", "counts")["credits_used"]
    made = zoho.call("POST", "settings/modules", {"modules": [spec]})
    assert (made.status, made.body["modules"][0]["message"]) == (201, "module created successfully")
    assert zoho.control("GET", "counts")["credits_used"] - before == 500
    assert zoho.insert("GL_Accounts", {"Name": "000-1100-00"}).status == 201
    assert zoho.insert("GL_Accounts", {}).items[0]["details"]["api_name"] == "Name"
    assert zoho.call("GET", "settings/modules/GL_Accounts").body["modules"][0]["generated_type"] == "custom"
    again = zoho.call("POST", "settings/modules", {"modules": [spec]})
    assert again.body["modules"][0]["code"] == "DUPLICATE_DATA"
    zoho.add_field("GL_Accounts", "Parent", "lookup", lookup={"module": {"api_name": "GL_Accounts"}})
    assert fields_of(zoho, "GL_Accounts")["Parent"]["lookup"]["module"]["api_name"] == "GL_Accounts"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"profiles": []}, "MINIMUM_DATA_NOT_FOUND"),
        ({"plural_label": ""}, "MANDATORY_NOT_FOUND"),
        ({"singular_label": "x" * 26}, "INVALID_DATA"),
        ({"api_name": "two__lines"}, "INVALID_DATA"),
    ],
)
def test_modules_that_are_refused(zoho, change, code):
    spec = {
        "singular_label": "Journal",
        "plural_label": "Journals",
        "profiles": PROFILE,
        "display_field": {"field_label": "Journal", "data_type": "text"},
    } | change
    answer = zoho.call("POST", "settings/modules", {"modules": [spec]})
    assert (answer.status, answer.body["modules"][0]["code"]) == (400, code)


def test_small_editions_have_no_custom_modules(start):
    answer = start(edition="standard").call(
        "POST", "settings/modules", {"modules": [{"singular_label": "A"}]}
    )
    assert answer.body["modules"][0]["code"] == "NOT_SUPPORTED"


def test_the_rest_of_settings(zoho):
    modules = {module["api_name"]: module for module in zoho.call("GET", "settings/modules").body["modules"]}
    assert modules["Ordered_Items"]["generated_type"] == "subform"
    assert zoho.call("GET", "settings/profiles").body["profiles"][0]["name"] == "Administrator"
    assert zoho.call("GET", "settings/layouts?module=Deals").body["layouts"][0]["name"] == "Standard"
    assert zoho.call("GET", "settings/fields").body["code"] == "REQUIRED_PARAM_MISSING"
    user = zoho.call("GET", "users?type=CurrentUser").body["users"]
    assert [one["full_name"] for one in user] == ["Integration User"]
    assert zoho.call("GET", "org").body["org"][0]["license_details"]["paid_type"] == "enterprise"
