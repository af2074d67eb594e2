"""Users and owners, layouts, contacts and their accounts, and records that are merged."""

import pytest

from ml_connector.simulators.zoho.people import TYPES


def users(zoho, kind):
    answer = zoho.call("GET", f"users?type={kind}")
    return (
        {user["email"].partition("@")[0].lower(): user for user in answer.body["users"]}
        if answer.body
        else {}
    )


# -- users


def test_users_of_each_type(zoho):
    everybody = users(zoho, "AllUsers")
    active = users(zoho, "ActiveUsers")
    assert active.keys() == everybody.keys() - {"greg.erickson", "nancy.buchanan"}
    assert {user["status"] for user in active.values()} == {"active"}
    assert users(zoho, "DeactiveUsers").keys() == {"greg.erickson"}
    assert users(zoho, "DeletedUsers").keys() == {"nancy.buchanan"}
    assert "ian.marsh" not in users(zoho, "ActiveConfirmedUsers")
    assert users(zoho, "AdminUsers").keys() == users(zoho, "CurrentUser").keys() == {"integration"}
    assert zoho.call("GET", "users?type=ActiveLiteUser").status == 204
    assert zoho.call("GET", "users?type=Nobody").body["details"] == {"param_name": "type"}
    assert len(TYPES) == 13


def test_users_come_in_pages(zoho):
    first = zoho.call("GET", "users?type=ActiveUsers&per_page=3").body
    assert first["info"] == {"per_page": 3, "count": 3, "page": 1, "more_records": True}
    last = zoho.call("GET", "users?type=ActiveUsers&per_page=3&page=2").body
    assert (len(last["users"]), last["info"]["more_records"]) == (2, False)


def test_only_active_users_own_records(zoho):
    sandra = users(zoho, "ActiveUsers")["sandra.martinez"]["id"]
    greg = users(zoho, "DeactiveUsers")["greg.erickson"]["id"]
    made = zoho.insert("Accounts", {"Account_Name": "A", "Owner": {"id": sandra}}).ids[0]
    assert zoho.get("Accounts", made)["Owner"] == {"name": "Sandra Martinez", "id": sandra}
    for nobody in (greg, "123"):
        refused = zoho.update("Accounts", {"id": made, "Owner": {"id": nobody}}).items[0]
        assert (refused["code"], refused["details"]["api_name"]) == ("INVALID_DATA", "Owner")
    leaver = {"first_name": "Sandra", "last_name": "Martinez", "email": "s@x.example", "status": "inactive"}
    zoho.control("POST", "users", {"users": [{"id": sandra, **leaver}]})
    assert zoho.get("Accounts", made)["Owner"]["id"] == sandra
    assert zoho.insert("Accounts", {"Account_Name": "B", "Owner": {"id": sandra}}).codes == ["INVALID_DATA"]


# -- layouts


def test_every_module_has_its_standard_layout_and_records_show_theirs(zoho):
    ids = set()
    for module in ("Accounts", "Contacts", "Deals"):
        [layout] = zoho.call("GET", f"settings/layouts?module={module}").body["layouts"]
        assert (layout["name"], layout["status"]) == ("Standard", "active")
        ids.add(layout["id"])
    assert len(ids) == 3
    made = zoho.insert("Contacts", {"Last_Name": "L"}).ids[0]
    [layout] = zoho.call("GET", "settings/layouts?module=Contacts").body["layouts"]
    assert zoho.get("Contacts", made)["Layout"] == {"name": "Standard", "id": layout["id"]}
    required = [field["api_name"] for field in layout["sections"][0]["fields"] if field["required"]]
    assert required == ["Last_Name"]


def test_a_record_sent_with_its_layout_is_held_to_it(zoho):
    plan = {"name": "From the ERP", "required": ["Phone"], "without": ["Fax"]}
    layout = zoho.control("POST", "layouts/Accounts", plan)["id"]
    names = [one["name"] for one in zoho.call("GET", "settings/layouts?module=Accounts").body["layouts"]]
    assert names == ["Standard", "From the ERP"]
    record = {"Account_Name": "A", "Fax": "1", "Layout": {"id": layout}}
    refused = zoho.insert("Accounts", record).items[0]
    assert (refused["code"], refused["details"]["api_name"]) == ("MANDATORY_NOT_FOUND", "Phone")
    made = zoho.insert("Accounts", record | {"Phone": "2"}).ids[0]
    shown = zoho.get("Accounts", made)
    assert (shown["Layout"]["name"], shown["Fax"]) == ("From the ERP", None)
    zoho.update("Accounts", {"id": made, "Fax": "3"})
    assert zoho.get("Accounts", made)["Fax"] == "3"
    zoho.control("POST", "fields/Accounts", {"changes": [{"api_name": "Phone", "rename": "Main_Phone"}]})
    assert zoho.insert("Accounts", record).items[0]["details"]["api_name"] == "Main_Phone"


def test_a_layout_of_another_module_is_refused(zoho):
    [layout] = zoho.call("GET", "settings/layouts?module=Deals").body["layouts"]
    refused = zoho.insert("Accounts", {"Account_Name": "A", "Layout": {"id": layout["id"]}}).items[0]
    assert (refused["code"], refused["details"]["api_name"]) == ("INVALID_DATA", "Layout")
    assert (
        zoho.control("POST", "layouts/Accounts", {"name": "X", "without": ["No"]})["code"] == "INVALID_DATA"
    )


# -- contacts and parents


def test_contacts_belong_to_accounts_and_vendors_that_exist(zoho):
    account = zoho.insert("Accounts", {"Account_Name": "A"}).ids[0]
    vendor = zoho.insert("Vendors", {"Vendor_Name": "V"}).ids[0]
    person = {"First_Name": "Ann", "Last_Name": "Lee", "Account_Name": {"id": account}}
    made = zoho.insert("Contacts", person | {"Vendor_Name": {"id": vendor}}).ids[0]
    shown = zoho.get("Contacts", made)
    assert (shown["Full_Name"], shown["Account_Name"]["name"], shown["Vendor_Name"]["name"]) == (
        "Ann Lee",
        "A",
        "V",
    )
    zoho.update("Contacts", {"id": made, "First_Name": None, "Full_Name": "ignored"})
    assert zoho.get("Contacts", made)["Full_Name"] == "Lee"
    for name, wrong in (("Account_Name", vendor), ("Vendor_Name", account), ("Account_Name", "9")):
        refused = zoho.update("Contacts", {"id": made, name: {"id": wrong}}).items[0]
        assert (refused["code"], refused["details"]["api_name"]) == ("INVALID_DATA", name)
    found = zoho.coql(f"select Full_Name, Account_Name from Contacts where Account_Name = '{account}'").items
    assert [(one["Full_Name"], one["Account_Name"]["id"]) for one in found] == [("Lee", account)]


def test_two_contacts_may_share_an_address_until_it_is_unique(zoho):
    one, two = zoho.insert(
        "Contacts", {"Last_Name": "One", "Email": "a@b.example"}, {"Last_Name": "Two", "Email": "A@B.example"}
    ).ids
    zoho.call("DELETE", f"Contacts/{two}")
    zoho.control("POST", "fields/Contacts", {"changes": [{"api_name": "Email", "unique": True}]})
    refused = zoho.insert("Contacts", {"Last_Name": "Three", "Email": "A@b.EXAMPLE"}).items[0]
    assert (refused["code"], refused["details"]["id"]) == ("DUPLICATE_DATA", one)
    matched = zoho.upsert("Contacts", {"Last_Name": "Four", "Email": "A@B.EXAMPLE"})
    assert (matched.items[0]["action"], matched.items[0]["duplicate_field"]) == ("update", "Email")
    assert zoho.get("Contacts", one)["Email"] == "A@B.EXAMPLE"


@pytest.mark.parametrize(
    ("module", "field", "record"),
    [("Accounts", "Parent_Account", {"Account_Name": "A"}), ("Contacts", "Reporting_To", {"Last_Name": "L"})],
)
def test_no_record_is_its_own_parent(zoho, module, field, record):
    one, two = zoho.insert(module, record, record).ids
    refused = zoho.update(module, {"id": one, field: {"id": one}}).items[0]
    assert (refused["code"], refused["details"]["api_name"]) == ("INVALID_DATA", field)
    assert zoho.update(module, {"id": one, field: {"id": two}}).codes == ["SUCCESS"]


# -- merging


@pytest.fixture
def three(zoho):
    return zoho.insert(
        "Accounts",
        {"Account_Name": "A", "Fax": "1"},
        {"Account_Name": "B", "Fax": "2", "Phone": "2"},
        {"Account_Name": "C", "Rating": "Hot"},
    ).ids


def merge(zoho, master, *children):
    return zoho.call("POST", f"Accounts/{master}/actions/merge", {"merge": [{"data": list(children)}]})


def test_a_merge_takes_the_named_values_and_deletes_the_children(zoho, three):
    master, two, other = three
    contact = zoho.insert("Contacts", {"Last_Name": "L", "Account_Name": {"id": two}}).ids[0]
    before = zoho.control("GET", "counts")["credits_used"]
    done = merge(
        zoho, master, {"id": two, "_fields": [{"api_name": "Fax"}, {"api_name": "Website"}]}, {"id": other}
    )
    assert done.status == 200
    assert done.body["merge"][0]["details"] == {"id": master}
    assert zoho.control("GET", "counts")["credits_used"] - before == 50
    merged = zoho.get("Accounts", master)
    assert [merged[name] for name in ("Account_Name", "Fax", "Phone", "Rating")] == ["A", "2", None, None]
    assert {gone["id"] for gone in zoho.call("GET", "Accounts/deleted").items} == {two, other}
    assert zoho.get("Contacts", contact)["Account_Name"] == {"name": "A", "id": master}
    assert zoho.control("POST", "restore/Accounts", {"ids": [other]})["ids"] == [other]


def test_merges_that_are_refused_leave_everything(zoho, three):
    master, two, other = three
    for code, answer in (
        ("INVALID_DATA", merge(zoho, "9", {"id": two})),
        ("INVALID_DATA", merge(zoho, master, {"id": "9"})),
        ("INVALID_DATA", merge(zoho, master)),
        ("INVALID_DATA", merge(zoho, master, *({"id": one} for one in (two, other, two)))),
        ("DUPLICATE_DATA", merge(zoho, master, {"id": master})),
        ("DUPLICATE_DATA", merge(zoho, master, {"id": two}, {"id": two})),
        ("MANDATORY_NOT_FOUND", merge(zoho, master, {})),
    ):
        assert (answer.status, answer.body["merge"][0]["code"]) == (400, code)
    assert zoho.call("GET", "Accounts/deleted").status == 204
    assert zoho.call("GET", f"Accounts/{master}/actions/merge").body["code"] == "INVALID_REQUEST_METHOD"
