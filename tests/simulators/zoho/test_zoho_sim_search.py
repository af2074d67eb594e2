from urllib.parse import quote

import pytest


def names(zoho, criteria=None, **parameters):
    if criteria:
        parameters["criteria"] = criteria
    query = "&".join(f"{name}={quote(value)}" for name, value in parameters.items())
    answer = zoho.ask(
        "GET",
        f"/crm/v8/Accounts/search?{query}".replace("%", "%"),
        Authorization=f"Zoho-oauthtoken {zoho.token}",
    )
    if answer.status == 204:
        return []
    assert answer.status == 200, answer.body
    return [row["Account_Name"] for row in answer.items]


@pytest.fixture
def filled(start):
    zoho = start(search_lag_seconds=0)
    zoho.insert(
        "Accounts",
        {"Account_Name": "Fabrikam", "Phone": "312", "Employees": 5},
        {"Account_Name": "Fabrikam (Canada), Ltd.", "Employees": 50, "Website": "fabrikam.ca"},
        {"Account_Name": "Contoso", "Account_Type": "Customer"},
    )
    return zoho


def test_a_change_is_found_only_after_the_lag(start):
    zoho = start(search_lag_seconds=30)
    account = zoho.insert("Accounts", {"Account_Name": "Old"}).ids[0]
    assert names(zoho, word="Old") == []
    assert zoho.coql("select id from Accounts where Account_Name = 'Old'").status == 200
    zoho.control("POST", "settings", {"clock_offset_seconds": 31})
    assert names(zoho, word="Old") == ["Old"]
    zoho.update("Accounts", {"id": account, "Account_Name": "New"})
    assert (names(zoho, word="Old"), names(zoho, word="New")) == (["Old"], [])
    zoho.control("POST", "settings", {"clock_offset_seconds": 62})
    assert (names(zoho, word="Old"), names(zoho, word="New")) == ([], ["New"])
    zoho.call("DELETE", f"Accounts/{account}")
    assert names(zoho, word="New") == ["New"]
    zoho.control("POST", "settings", {"clock_offset_seconds": 93})
    assert names(zoho, word="New") == []


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ("(Account_Name:equals:fabrikam)", ["Fabrikam (Canada), Ltd.", "Fabrikam"]),
        ("(Account_Name:equals:Fabrikam \\(Canada\\)\\, Ltd.)", ["Fabrikam (Canada), Ltd."]),
        ("(Account_Name:not_equal:fabrikam)", ["Contoso"]),
        ("(Account_Name:starts_with:con)", ["Contoso"]),
        ("(Account_Name:in:Contoso,Fabrikam)", ["Contoso", "Fabrikam"]),
        ("(Employees:greater_than:5)", ["Fabrikam (Canada), Ltd."]),
        ("(Employees:between:5,49)", ["Fabrikam"]),
        ("((Employees:equals:5)or(Account_Type:equals:Customer))", ["Contoso", "Fabrikam"]),
        ("((Employees:less_equal:50)and(Phone:equals:312))", ["Fabrikam"]),
        ("((Phone:equals:312)and((Employees:equals:5)or(Employees:equals:6)))", ["Fabrikam"]),
    ],
)
def test_criteria_where_equals_means_contains(filled, criteria, expected):
    assert names(filled, criteria) == expected


def test_word_phone_and_email(filled):
    assert names(filled, word="fabrikam.ca") == ["Fabrikam (Canada), Ltd."]
    assert names(filled, phone="12") == ["Fabrikam"]
    assert names(filled, email="nobody@example.com") == []
    assert names(filled, word="Contoso", criteria="(Employees:equals:5)") == ["Fabrikam"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "EXPECTED_PARAM_MISSING"),
        ("criteria=Account_Name:equals:x", "INVALID_QUERY"),
        ("criteria=(Nothing:equals:x)", "INVALID_QUERY"),
        ("criteria=(Account_Name:contains:x)", "INVALID_QUERY"),
        ("criteria=(Employees:equals:x)", "INVALID_QUERY"),
        ("criteria=(Employees:equals:1)and", "INVALID_QUERY"),
        ("criteria=((Employees:equals:1)", "INVALID_QUERY"),
        ("criteria=((Employees:equals:1)xor(Employees:equals:2))", "INVALID_QUERY"),
        ("criteria=(" + "(Employees:equals:1)or" * 15 + "(Employees:equals:1))", "LIMIT_EXCEEDED"),
        ("criteria=(Employees:in:" + "1," * 100 + "1)", "LIMIT_EXCEEDED"),
        ("word=x&page=11", "LIMIT_REACHED"),
    ],
)
def test_searches_that_are_refused(zoho, query, code):
    answer = zoho.call("GET", f"Accounts/search?{query}")
    assert (answer.status, answer.body["code"]) == (400, code)


def test_pages_and_fields(filled):
    answer = filled.call("GET", "Accounts/search?word=o&per_page=1&page=1&fields=Account_Name")
    assert answer.items == [{"Account_Name": "Contoso", "id": answer.items[0]["id"]}]
    assert answer.body["info"]["more_records"] is False
