import pytest


@pytest.fixture
def thousand(zoho):
    """2,500 accounts, one modified in each second from 2026-01-01 on."""
    records = [
        {
            "Account_Name": f"Account {n}",
            "Modified_Time": f"2026-01-01T{n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}+00:00",
        }
        for n in range(2_500)
    ]
    zoho.ids = zoho.control("POST", "records/Accounts", {"records": records})["ids"]
    return zoho


def pages(zoho, query, **headers):
    token, found = "", []
    while token is not None:
        suffix = f"&page_token={token}" if token else ""
        answer = zoho.call("GET", f"Accounts?fields=Account_Name&{query}{suffix}", **headers)
        found += [row["id"] for row in answer.items]
        token = answer.body["info"]["next_page_token"]
    return found


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "REQUIRED_PARAM_MISSING"),
        ("fields=" + ",".join(f"F{n}" for n in range(51)), 400, "LIMIT_EXCEEDED"),
        ("fields=id&page=11", 400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED"),
        ("fields=id&page=1&page_token=x", 400, "AMBIGUITY_DURING_PROCESSING"),
        ("fields=id&page_token=x", 400, "INVALID_DATA"),
        ("fields=id&per_page=201", 400, "INVALID_DATA"),
        ("fields=id&sort_by=Account_Name", 400, "INVALID_DATA"),
        ("fields=id&sort_order=up", 400, "INVALID_DATA"),
        ("fields=id&sort_by=id&cvid=1", 400, "NOT_SUPPORTED_FEATURE"),
    ],
)
def test_lists_that_are_refused(zoho, query, status, code):
    answer = zoho.call("GET", f"Accounts?{query}")
    assert (answer.status, answer.body["code"]) == (status, code)


def test_nothing_is_204_without_a_body_and_not_modified_is_304(zoho):
    empty = zoho.call("GET", "Accounts?fields=id")
    assert (empty.status, empty.body) == (204, b"")
    zoho.insert("Accounts", {"Account_Name": "A"})
    since = {"If_Modified_Since": "2099-01-01T00:00:00+00:00"}
    assert zoho.call("GET", "Accounts?fields=id", **since).status == 304
    assert zoho.call("GET", "Accounts?fields=id", If_Modified_Since="yesterday").status == 400


def test_the_default_is_200_by_id_descending(thousand):
    answer = thousand.call("GET", "Accounts?fields=Account_Name,Owner,Nothing")
    info = answer.body["info"]
    assert (info["count"], info["per_page"], info["page"], info["more_records"]) == (200, 200, 1, True)
    assert (info["sort_by"], info["sort_order"], info["previous_page_token"]) == ("id", "desc", None)
    assert [row["id"] for row in answer.items] == thousand.ids[::-1][:200]
    assert set(answer.items[0]) == {"Account_Name", "Owner", "id"}


@pytest.mark.parametrize("sort_by", ["id", "Created_Time", "Modified_Time"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_tokens_lead_through_everything_once(thousand, sort_by, order):
    found = pages(thousand, f"sort_by={sort_by}&sort_order={order}")
    assert found == (thousand.ids if order == "asc" else thousand.ids[::-1])


def test_pages_by_number_end_at_2000(thousand):
    answer = thousand.call("GET", "Accounts?fields=id&page=10&sort_order=asc")
    assert [row["id"] for row in answer.items] == thousand.ids[1_800:2_000]


def test_what_is_inserted_meanwhile_does_not_shift_pages(thousand):
    first = thousand.call("GET", "Accounts?fields=id&per_page=100")
    thousand.insert("Accounts", {"Account_Name": "New"})
    token = first.body["info"]["next_page_token"]
    second = thousand.call("GET", f"Accounts?fields=id&per_page=100&page_token={token}")
    assert [row["id"] for row in second.items] == thousand.ids[::-1][100:200]
    assert second.body["info"]["page"] == 2


def test_tokens_are_bound_to_their_list_and_a_day(thousand):
    token = thousand.call("GET", "Accounts?fields=id").body["info"]["next_page_token"]
    other = thousand.call("GET", f"Accounts?fields=Fax&page_token={token}")
    assert other.body["code"] == "TOKEN_BOUND_DATA_MISMATCH"
    thousand.control("POST", "settings", {"clock_offset_seconds": 86_401})
    thousand.sign_in()
    assert thousand.call("GET", f"Accounts?fields=id&page_token={token}").body["code"] == "EXPIRED_VALUE"


def test_modified_since_is_strict_and_counts_instants(thousand):
    since = {"If_Modified_Since": "2026-01-01T06:11:38+05:30"}  # 00:41:38 UTC is the last but one
    assert thousand.call("GET", "Accounts?fields=id", **since).items == [{"id": thousand.ids[-1]}]
    wide = {"If_Modified_Since": "2026-01-01T00:30:00+00:00"}
    assert pages(thousand, "sort_by=Modified_Time&sort_order=asc", **wide) == thousand.ids[1_801:]


def test_ids_choose_records(thousand):
    chosen = [thousand.ids[5], thousand.ids[3], "5725767000000000001"]
    answer = thousand.call("GET", f"Accounts?fields=id&ids={','.join(chosen)}&sort_order=asc")
    assert [row["id"] for row in answer.items] == [thousand.ids[3], thousand.ids[5]]


def test_one_record_with_everything_or_some_fields(zoho):
    created = zoho.insert("Accounts", {"Account_Name": "A"}).ids[0]
    assert zoho.get("Accounts", created)["$approval_state"] == "approved"
    some = zoho.call("GET", f"Accounts/{created}?fields=Account_Name").items[0]
    assert some == {"Account_Name": "A", "id": created}
    assert zoho.call("GET", "Accounts/5725767000000000001").status == 204
