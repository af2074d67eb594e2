"""Custom modules: what refuses them, and that they then are modules as any other."""

import pytest

from zoho_bulk import Bulk

PROFILE = [{"id": "5725767000000001002"}]
ACCOUNTS = {"singular_label": "GL Account", "plural_label": "GL Accounts", "api_name": "GL_Accounts"}
LINES = {"singular_label": "Journal Line", "plural_label": "Journal Lines", "api_name": "Journal_Lines"}


def create(zoho, **spec):
    return zoho.call("POST", "settings/modules", {"modules": [ACCOUNTS | {"profiles": PROFILE} | spec]})


def code(answer):
    item = answer.body["modules"][0] if "modules" in answer.body else answer.body
    return answer.status, item["code"], item["details"].get("json_path")


@pytest.fixture
def ledger(zoho):
    """Ledger accounts with a key, and lines that point to them."""
    assert create(zoho).status == 201
    assert create(zoho, **LINES).status == 201
    zoho.add_key("GL_Accounts", "GP Account")
    zoho.add_field("Journal_Lines", "GL Account", "lookup", lookup={"module": {"api_name": "GL_Accounts"}})
    zoho.add_key("Journal_Lines", "GP Line")
    cash = zoho.insert("GL_Accounts", {"Name": "Cash", "GP_Account": "000-1100-00"}).ids[0]
    zoho.insert("GL_Accounts", {"Name": "Sales", "GP_Account": "000-4100-00"})
    zoho.insert(
        "Journal_Lines", {"Name": "1|1", "GP_Line": "1|1", "GL_Account": {"id": cash}}, {"Name": "1|2"}
    )
    return zoho


def test_name_field_is_made_by_itself(zoho):
    assert create(zoho).status == 201
    fields = zoho.call("GET", "settings/fields?module=GL_Accounts").body["fields"]
    name = next(field for field in fields if field["api_name"] == "Name")
    assert (name["field_label"], name["system_mandatory"]) == ("GL Account Name", True)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"api_name": "users"}, ("RESERVED_KEYWORD_NOT_ALLOWED", "api_name")),
        ({"api_name": "accounts"}, ("DUPLICATE_DATA", "api_name")),
        ({"singular_label": "account"}, ("DUPLICATE_DATA", "singular_label")),
        ({"plural_label": "Contacts"}, ("DUPLICATE_DATA", "plural_label")),
        ({"api_name": "1st"}, ("INVALID_DATA", "api_name")),
        ({"api_name": "Bücher"}, ("INVALID_DATA", "api_name")),
        ({"api_name": "GL__Books"}, ("INVALID_DATA", "api_name")),
        ({"api_name": "GL_Books_"}, ("INVALID_DATA", "api_name")),
        ({"api_name": "B" * 51}, ("INVALID_DATA", "api_name")),
        ({"plural_label": "G/L Accounts"}, ("INVALID_DATA", "plural_label")),
        ({"profiles": [{}]}, ("MANDATORY_NOT_FOUND", "profiles[0].id")),
        ({"profiles": [{"id": "1"}]}, ("INVALID_DATA", "profiles[0].id")),
        ({"display_field": {"data_type": "text"}}, ("MANDATORY_NOT_FOUND", "display_field.field_label")),
        ({"display_field": {"field_label": "N", "data_type": "date"}}, ("INVALID_DATA", "display_field")),
        (
            {"display_field": {"field_label": "N", "data_type": "autonumber"}},
            ("DEPENDENT_FIELD_MISSING", "auto_number"),
        ),
    ],
)
def test_descriptions_that_are_refused(zoho, spec, expected):
    assert code(create(zoho, **spec)) == (400, expected[0], f"$.modules[0].{expected[1]}")


def test_profiles_must_be_there(zoho):
    answer = zoho.call("POST", "settings/modules", {"modules": [ACCOUNTS]})
    assert code(answer) == (400, "MANDATORY_NOT_FOUND", "$.modules[0].profiles")


def test_number_of_custom_modules_is_limited(start):
    zoho = start(custom_module_limit=1)
    assert create(zoho).status == 201
    refused = create(zoho, **LINES)
    assert (refused.status, refused.body["code"], refused.body["details"]) == (
        400,
        "LIMIT_EXCEEDED",
        {"limit": 1},
    )


def test_rights_to_make_one(start):
    zoho = start(scopes="ZohoCRM.settings.modules.READ")
    assert create(zoho).body["code"] == "OAUTH_SCOPE_MISMATCH"
    assert create(start(may_customise=False)).body["code"] == "NO_PERMISSION"


def test_unknown_module_is_invalid_everywhere(zoho):
    for path in ("settings/modules/Nothing", "settings/fields?module=Nothing", "Nothing?fields=id"):
        assert zoho.call("GET", path).body["code"] == "INVALID_MODULE"
    assert zoho.coql("select id from Nothing where id is not null").body["code"] == "INVALID_MODULE"


def test_custom_module_is_listed_with_fields_and_layout(ledger):
    listed = {one["api_name"]: one for one in ledger.call("GET", "settings/modules").body["modules"]}
    assert (listed["GL_Accounts"]["generated_type"], listed["GL_Accounts"]["plural_label"]) == (
        "custom",
        "GL Accounts",
    )
    [layout] = ledger.call("GET", "settings/layouts?module=GL_Accounts").body["layouts"]
    assert "GP_Account" in {field["api_name"] for field in layout["sections"][0]["fields"]}


def test_coql_goes_through_lookups_to_it(ledger):
    answer = ledger.coql(
        "select Name, GL_Account.Name, GL_Account.GP_Account from Journal_Lines "
        "where GL_Account.GP_Account = '000-1100-00'"
    )
    assert [(row["Name"], row["GL_Account.Name"], row["GL_Account.GP_Account"]) for row in answer.items] == [
        ("1|1", "Cash", "000-1100-00")
    ]
    empty = ledger.coql("select Name from Journal_Lines where GL_Account is null")
    assert [row["Name"] for row in empty.items] == ["1|2"]


def test_its_records_are_upserted_listed_searched_and_deleted(ledger):
    answer = ledger.upsert("GL_Accounts", {"Name": "Cash at bank", "GP_Account": "000-1100-00"})
    assert (answer.items[0]["action"], answer.items[0]["duplicate_field"]) == ("update", "GP_Account")
    listed = ledger.call("GET", "GL_Accounts?fields=Name&sort_by=id&sort_order=asc").items
    assert [row["Name"] for row in listed] == ["Cash at bank", "Sales"]
    ledger.control("POST", "settings", {"search_lag_seconds": 0})
    assert ledger.call("GET", "GL_Accounts/search?criteria=(Name:equals:sales)").items[0]["Name"] == "Sales"
    account = answer.ids[0]
    assert ledger.call("DELETE", f"GL_Accounts/{account}").status == 200
    assert ledger.call("GET", "GL_Accounts/deleted?type=all").items[0]["id"] == account
    line = ledger.coql("select GL_Account from Journal_Lines where GP_Line = '1|1'").items[0]
    assert line["GL_Account"] is None


def test_it_is_written_and_read_in_bulk(ledger):
    bulk = Bulk(ledger)
    head = ["Name", "GP_Line", "GL_Account.GP_Account"]
    told = bulk.done(head, ["2|1", "2|1", "000-4100-00"], module="Journal_Lines", find_by="GP_Line")
    assert [row["STATUS"] for row in told] == ["ADDED"]
    rows = bulk.exported(module={"api_name": "Journal_Lines"}, fields=["Name", "GL_Account.Name"])
    assert [(row["Name"], row["GL_Account.Name"]) for row in rows] == [
        ("1|1", "Cash"),
        ("1|2", ""),
        ("2|1", "Sales"),
    ]


def test_scope_of_custom_modules_covers_them_all(start):
    zoho = start(scopes="ZohoCRM.modules.custom.READ,ZohoCRM.modules.custom.CREATE,ZohoCRM.coql.READ")
    zoho.control("POST", "modules", ACCOUNTS)
    zoho.control("POST", "modules", LINES)
    assert zoho.insert("GL_Accounts", {"Name": "Cash"}).status == 201
    assert zoho.call("GET", "Journal_Lines?fields=Name").status == 204
    assert zoho.coql("select Name from GL_Accounts where id is not null").status == 200
    assert zoho.call("GET", "Accounts?fields=id").body["code"] == "OAUTH_SCOPE_MISMATCH"
    assert zoho.update("GL_Accounts", {"id": "1"}).body["code"] == "OAUTH_SCOPE_MISMATCH"


def test_administrator_removes_one_with_the_lookups_to_it(ledger):
    bulk = Bulk(ledger)
    head = ["Name", "GP_Line", "GL_Account.GP_Account"]
    pending = bulk.start(head, ["3|1", "3|1", "000-4100-00"], module="Journal_Lines", find_by="GP_Line")
    ledger.control("DELETE", "modules/GL_Accounts")
    assert ledger.call("GET", "GL_Accounts?fields=id").body["code"] == "INVALID_MODULE"
    fields = ledger.call("GET", "settings/fields?module=Journal_Lines").body["fields"]
    assert "GL_Account" not in {field["api_name"] for field in fields}
    assert ledger.call("GET", "Journal_Lines?fields=Name,GL_Account").status == 200
    bulk.end(pending)
    assert bulk.job(pending)["status"] == "COMPLETED"
    assert ledger.control("DELETE", "modules/Accounts")["code"] == "INVALID_DATA"
    assert create(ledger).status == 201
