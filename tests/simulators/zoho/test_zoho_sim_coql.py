import pytest

ALL = "id is not null"


@pytest.fixture
def filled(zoho):
    """Four accounts (the last without a phone), two contacts of the first."""
    zoho.add_key()
    zoho.add_field(label="Credit Limit", kind="currency")
    zoho.add_field(label="Is Held", kind="boolean")
    accounts = [
        {"Account_Name": "Aaron Fitz", "Phone": "1", "GP_Customer_ID": "AARONFIT0001", "Credit_Limit": 10.5},
        {"Account_Name": "O'Neil \\ Sons", "Phone": "2", "GP_Customer_ID": "ONEIL", "Credit_Limit": 20},
        {"Account_Name": "Zeta 100%", "Phone": "3", "Employees": 5, "Is_Held": True, "Account_Number": "9"},
        {"Account_Name": "aaron", "Employees": 7, "Account_Number": "10"},
    ]
    for number, account in enumerate(accounts, 1):
        account["Modified_Time"] = f"2026-01-0{number}T12:00:00+00:00"
    zoho.ids = zoho.control("POST", "records/Accounts", {"records": accounts})["ids"]
    contacts = [{"Last_Name": name, "Account_Name": {"id": zoho.ids[0]}} for name in ("Fitz", "Baker")]
    zoho.contacts = zoho.control("POST", "records/Contacts", {"records": contacts})["ids"]
    return zoho


def found(zoho, where, tail=""):
    answer = zoho.coql(f"select id from Accounts where {where} {tail}")
    if answer.status == 204:
        return []
    assert answer.status == 200, answer.body
    return [zoho.ids.index(row["id"]) for row in answer.items]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (ALL, [0, 1, 2, 3]),
        ("GP_Customer_ID = 'aaronfit0001'", [0]),
        ("GP_Customer_ID in ('ONEIL','AARONFIT0001','X')", [0, 1]),
        ("GP_Customer_ID not in ('ONEIL')", [0]),
        ("Account_Name = 'O''Neil \\ Sons'", [1]),
        ("Account_Name = 'AARON'", [3]),
        ("Account_Name != 'aaron'", [0, 1, 2]),
        ("Account_Name like 'aaron%'", [0, 3]),
        ("Account_Name like '%sons'", [1]),
        ("Account_Name like '%FIT%'", [0]),
        ("Account_Name not like '%aaron%'", [1, 2]),
        ("Phone is null", [3]),
        ("Phone is not null", [0, 1, 2]),
        ("Credit_Limit > 10.5", [1]),
        ("Credit_Limit >= 10.50", [0, 1]),
        ("Credit_Limit between 10 and 20", [0, 1]),
        ("Credit_Limit not between 10 and 15", [1]),
        ("Employees < 7", [2]),
        ("Employees <= 7", [2, 3]),
        ("Employees in (5, 6)", [2]),
        ("Account_Number > 9", [3]),
        ("Is_Held = true", [2]),
        ("Is_Held = 'true'", [2]),
        ("Modified_Time >= '2026-01-03T17:30:00+05:30'", [2, 3]),
        ("Modified_Time > '2026-01-03T12:00:00+00:00'", [3]),
        ("Modified_Time between '2026-01-01T00:00:00Z' and '2026-01-02T23:00:00+00:00'", [0, 1]),
        ("(Phone = '1' or Phone = '2')", [0, 1]),
        ("((Phone is not null and Employees = 5) or Account_Name = 'aaron')", [2, 3]),
        ("(Phone is null or (Phone > '1'))", None),
        ("Owner = '5725767000000411001'", [0, 1, 2, 3]),
        ("Created_By.id = '5725767000000411001'", [0, 1, 2, 3]),
        ("Account_Name = 'Zeta 100%'", [2]),
    ],
)
def test_criteria(filled, where, expected):
    if expected is None:
        refused = filled.coql(f"select id from Accounts where {where}")
        assert refused.body["details"] == {
            "column_name": "Phone",
            "operator": ">",
            "reason": "invalid operator found",
        }
    else:
        assert found(filled, where) == expected


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("limit 2", [0, 1]),
        ("limit 2 offset 1", [1, 2]),
        ("limit 1, 2", [1, 2]),
        ("offset 3", [3]),
        ("order by id desc", [3, 2, 1, 0]),
        ("order by Account_Name asc limit 2", [3, 0]),
        ("order by Employees desc, id desc", [3, 2, 1, 0]),
        ("order by Modified_Time desc limit 1", [3]),
    ],
)
def test_order_and_limits(filled, tail, expected):
    assert found(filled, ALL, tail) == expected


def test_id_comparisons_page_by_key(filled):
    ids = filled.ids
    assert found(filled, f"id > '{ids[1]}'", "order by id limit 1") == [2]
    assert found(filled, f"id >= {ids[1]}") == [1, 2, 3]
    assert found(filled, f"(id > {ids[0]} and id < {ids[3]})") == [1, 2]
    assert found(filled, f"id in ('{ids[2]}','{ids[0]}')") == [0, 2]
    assert found(
        filled, f"(Modified_Time >= '2026-01-02T00:00:00Z' and id > {ids[1]})", "order by id limit 5"
    ) == [2, 3]
    assert found(filled, "id > 0", "limit 1") == [0]


def test_lookups_give_ids_and_lead_on(filled):
    query = "select Last_Name, Account_Name, Account_Name.Phone, Account_Name.Account_Name, Created_Time from Contacts"
    answer = filled.coql(f"{query} where Account_Name.GP_Customer_ID = 'AARONFIT0001' order by Last_Name")
    first = answer.items[0]
    assert first.pop("Created_Time").endswith("-05:00")
    assert first == {
        "Last_Name": "Baker",
        "Account_Name": {"id": filled.ids[0]},
        "Account_Name.Phone": "1",
        "Account_Name.Account_Name": "Aaron Fitz",
        "id": filled.contacts[1],
    }
    assert answer.body["info"] == {"count": 2, "more_records": False}
    by_id = filled.coql(f"select Last_Name from Contacts where Account_Name = '{filled.ids[0]}'")
    assert by_id.body["info"]["count"] == 2


def test_more_records_and_nothing(filled):
    info = filled.coql(f"select id from Accounts where {ALL} limit 3").body["info"]
    assert info == {"count": 3, "more_records": True}
    nothing = filled.coql("select id from Accounts where Phone = 'none'")
    assert (nothing.status, nothing.body) == (204, b"")


def test_it_sees_every_write_at_once_also_where_it_made_an_index(filled):
    assert found(filled, "Phone = '2'") == [1]
    filled.update("Accounts", {"id": filled.ids[0], "Phone": "2"})
    assert found(filled, "Phone = '2'") == [0, 1]
    filled.call("DELETE", f"Accounts/{filled.ids[1]}")
    assert found(filled, "Phone = '2'") == [0]
    filled.ids += filled.insert("Accounts", {"Account_Name": "N", "Phone": "2"}).ids
    assert found(filled, "Phone = '2'") == [0, 4]
    assert found(filled, "Modified_Time >= '2026-06-01T00:00:00Z'", "limit 2000") == [0, 4]


@pytest.mark.parametrize(
    ("query", "code", "details"),
    [
        ("select id from Accounts", "SYNTAX_ERROR", {"clause": "where"}),
        ("select id where id > 0", "SYNTAX_ERROR", {"clause": "from"}),
        ("select from Accounts where id > 0", "SYNTAX_ERROR", {"line": 1, "column": 8, "near": "from"}),
        (
            "select id from Accounts where id > 0 and id > 1 and id > 2",
            "SYNTAX_ERROR",
            {"line": 1, "column": 49, "near": "and"},
        ),
        ("select id from Accounts where (id > 0", "SYNTAX_ERROR", {"near": "end of query"}),
        ("select id from Accounts where id ~ 0", "SYNTAX_ERROR", {"line": 1, "column": 33, "near": "~ 0"}),
        ("select id from Accounts where id contains 0", "SYNTAX_ERROR", {"operator": "contains"}),
        ("select id from Accounts where Phone = 1 x", "SYNTAX_ERROR", {"line": 1, "column": 41, "near": "x"}),
        ("select count(id) from Accounts where id > 0", "SYNTAX_ERROR", {}),
        ("select Nothing from Accounts where id > 0", "INVALID_QUERY", {"column_name": "Nothing"}),
        ("select Phone.x from Accounts where id > 0", "INVALID_QUERY", {"column_name": "Phone.x"}),
        ("select id from Nothing where id > 0", "INVALID_MODULE", {}),
        ("select id, id from Accounts where id > 0", "DUPLICATE_DATA", {"column_name": "id"}),
        ("select id from Accounts where id > 0 limit 2001", "LIMIT_EXCEEDED", {"limit": 2000}),
        ("select id from Accounts where id > 0 limit 0", "INVALID_DATA", {}),
        ("select id from Accounts where id > 0 limit x", "INVALID_QUERY", {"limit": "x"}),
        (
            "select id from Accounts where id > 0 limit 2000 offset 98001",
            "LIMIT_EXCEEDED",
            {"limit": 100_000},
        ),
        (
            f"select id from Accounts where Employees in ({','.join('1' * 101)})",
            "LIMIT_EXCEEDED",
            {"limit": 100},
        ),
        (
            "select id from Accounts where Employees = 'many'",
            "INVALID_QUERY",
            {"column_name": "Employees", "operator": "=", "reason": "invalid value found"},
        ),
        (
            "select id from Accounts where Modified_Time > '2026-01-01'",
            "INVALID_QUERY",
            {"column_name": "Modified_Time", "operator": ">", "reason": "invalid value found"},
        ),
        (
            "select id from Accounts where Parent_Account like 'x%'",
            "INVALID_QUERY",
            {"column_name": "Parent_Account", "operator": "like", "reason": "invalid operator found"},
        ),
    ],
)
def test_queries_that_are_refused(zoho, query, code, details):
    answer = zoho.coql(query)
    assert (answer.status, answer.body["code"], answer.body["details"]) == (400, code, details)


def test_a_text_of_several_lines_of_a_subform_cannot_be_compared(zoho):
    answer = zoho.coql("select id from Sales_Orders where Ordered_Items = 'x'")
    assert answer.body["message"] == "unsupported column in criteria"
    assert zoho.call("POST", "coql", {}).body["details"] == {"api_name": "select_query"}
    chain = "Fax = '1'"
    for _ in range(25):
        chain = f"({chain} or Fax = '1')"
    assert zoho.coql(f"select id from Accounts where {chain}").body["details"] == {"limit": 25}


@pytest.mark.parametrize(("limit", "credits_used"), [(200, 1), (201, 2), (1_000, 2), (1_001, 3), (2_000, 3)])
def test_credits_by_limit(zoho, limit, credits_used):
    zoho.sign_in()
    zoho.coql(f"select id from Accounts where {ALL} limit {limit}")
    assert zoho.control("GET", "counts")["credits_used"] == credits_used
