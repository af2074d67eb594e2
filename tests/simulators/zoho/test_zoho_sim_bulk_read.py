"""Bulk read: jobs, criteria, pages and results."""

import pytest


@pytest.fixture
def three(bulk):
    aaron = bulk.insert("Aaron", GP_Customer_ID="A1", Employees=5, Phone="312")
    bulk.insert("Berta", GP_Customer_ID="B1", Employees=50, Parent_Account={"id": aaron})
    bulk.insert("Carl", Employees=500)
    return bulk


def names(rows):
    return [row["Account_Name"] for row in rows]


def single(field, comparator, value):
    return {"field": {"api_name": field}, "comparator": comparator, "value": value}


def test_job_goes_through_its_states(start, bulk_of):
    bulk = bulk_of(start(bulk_wait_seconds=60, bulk_seconds=60))
    bulk.insert("Aaron")
    made = bulk.read({"module": {"api_name": "Accounts"}, "fields": ["Account_Name"]})
    assert (made.status, made.body["data"][0]["code"]) == (201, "ADDED_SUCCESSFULLY")
    job_id = made.body["data"][0]["details"]["id"]
    second = bulk.read({"module": {"api_name": "Accounts"}}).body["data"][0]["details"]["id"]
    assert [bulk.read_job(one)["state"] for one in (job_id, second)] == ["ADDED", "QUEUED"]
    bulk.forward(90)
    assert bulk.read_job(job_id)["state"] == "IN PROGRESS"
    assert bulk.ask("GET", f"/crm/bulk/v8/read/{job_id}/result").status == 404
    bulk.forward(130)
    done = bulk.read_job(job_id)
    assert (done["state"], done["query"]["module"]["api_name"], done["file_type"]) == (
        "COMPLETED",
        "Accounts",
        "csv",
    )
    assert done["result"] == {
        "page": 1,
        "per_page": 200_000,
        "count": 1,
        "download_url": f"/crm/bulk/v8/read/{job_id}/result",
        "more_records": False,
    }


def test_result_has_the_id_first_and_lookups_by_dots(three):
    fields = ["Account_Name", "Parent_Account", "Parent_Account.Account_Name", "Employees", "Modified_Time"]
    rows = three.exported(fields=fields)
    assert list(rows[0]) == ["id", *fields]
    aaron, berta = three.rows()[:2]
    assert rows[1]["Parent_Account"] == aaron["id"]
    assert rows[1]["Parent_Account.Account_Name"] == "Aaron"
    assert (rows[1]["id"], rows[1]["Modified_Time"]) == (berta["id"], berta["Modified_Time"])
    assert rows[0]["Parent_Account"] == ""


def test_all_fields_when_none_are_named(three):
    [row, *_] = three.exported()
    assert {"id", "Account_Name", "GP_Customer_ID", "Owner", "Created_Time"} <= row.keys()


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (single("Account_Name", "equal", "aaron"), ["Aaron"]),
        (single("Account_Name", "contains", "ar"), ["Aaron", "Carl"]),
        (single("Account_Name", "ends_with", "ta"), ["Berta"]),
        (single("Account_Name", "not_contains", "ar"), ["Berta"]),
        (single("Account_Name", "in", ["Aaron", "Carl"]), ["Aaron", "Carl"]),
        (single("Employees", "between", ["10", "500"]), ["Berta", "Carl"]),
        (single("Employees", "less_than", 50), ["Aaron"]),
        (single("GP_Customer_ID", "equal", "${EMPTY}"), ["Carl"]),
        (single("GP_Customer_ID", "not_equal", "${EMPTY}"), ["Aaron", "Berta"]),
        (single("Parent_Account.Phone", "equal", "312"), ["Berta"]),
        (
            {
                "group_operator": "or",
                "group": [
                    single("Account_Name", "starts_with", "C"),
                    {
                        "group_operator": "and",
                        "group": [single("Employees", "greater_than", "1"), single("Phone", "equal", "312")],
                    },
                ],
            },
            ["Aaron", "Carl"],
        ),
    ],
)
def test_criteria(three, criteria, expected):
    assert names(three.exported(fields=["Account_Name"], criteria=criteria)) == expected


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"module": {"api_name": "Nothing"}}, "MODULE_NOT_AVAILABLE"),
        ({"fields": ["Nothing"]}, "FIELD_NOT_AVAILABLE"),
        ({"page": 0}, "PAGE_RANGE_EXCEEDED"),
        ({"cvid": "1"}, "NOT_SUPPORTED_FEATURE"),
        ({"criteria": single("Nothing", "equal", "1")}, "FIELD_IN_CRITERIA_NOT_AVAILABLE"),
        ({"criteria": single("Description", "equal", "1")}, "FIELD_IN_CRITERIA_NOT_SUPPORTED"),
        ({"criteria": single("Employees", "contains", "1")}, "FIELD_COMPARATOR_IN_CRITERIA_NOT_SUPPORTED"),
        ({"criteria": single("Employees", "equal", "many")}, "FIELD_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE"),
        ({"criteria": single("Employees", "between", ["1"])}, "FIELD_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE"),
        ({"criteria": {"group_operator": "xor", "group": []}}, "GROUP_OPERATOR_NOT_SUPPORTED"),
        ({"criteria": {"group_operator": "or", "group": []}}, "AMBIGUOUS_GROUP_IN_CRITERIA"),
        ({"criteria": {"comparator": "equal"}}, "AMBIGUOUS_CRITERIA"),
    ],
)
def test_query_is_refused(bulk, query, code):
    answer = bulk.read({"module": {"api_name": "Accounts"}} | query)
    assert (answer.status, answer.body["code"]) == (400, code)


def test_pages_go_on_by_number_and_by_token(three):
    three.wire.control("POST", "settings", {"bulk_read_rows": 2})
    query = {"module": {"api_name": "Accounts"}, "fields": ["Account_Name"]}
    first = three.read(query).body["data"][0]["details"]["id"]
    three.end(first)
    result = three.read_job(first)["result"]
    assert (result["count"], result["more_records"]) == (2, True)
    token = result["next_page_token"]
    assert names(three.exported(fields=["Account_Name"], page=2)) == ["Carl"]
    assert names(three.exported(fields=["Account_Name"], page_token=token)) == ["Carl"]
    other = three.read(query | {"fields": ["Phone"], "page_token": token})
    assert other.body["code"] == "TOKEN_BOUND_DATA_MISMATCH"
    three.forward(90_000)
    three.wire.sign_in()
    assert three.read(query | {"page_token": token}).body["code"] == "EXPIRED_VALUE"


def test_records_are_those_of_the_end_of_the_job(start, bulk_of):
    bulk = bulk_of(start(bulk_wait_seconds=0, bulk_seconds=100))
    bulk.insert("Aaron")
    job_id = bulk.read({"module": {"api_name": "Accounts"}}).body["data"][0]["details"]["id"]
    bulk.insert("Berta")
    bulk.forward(200)
    bulk.insert("Carl")
    assert bulk.read_job(job_id)["result"]["count"] == 2


def test_reads_and_writes_stand_in_one_row(bulk):
    written = bulk.start(["Account_Name", "GP_Customer_ID"], ["Aaron", "A1"])
    read = bulk.read({"module": {"api_name": "Accounts"}}).body["data"][0]["details"]["id"]
    bulk.forward(100)
    assert bulk.read_job(read)["result"]["count"] == 1
    assert bulk.job(written)["status"] == "COMPLETED"


def test_failed_job_has_no_result(bulk):
    bulk.wire.control("POST", "bulk/fates", [{"ending": "failed"}])
    job_id = bulk.read({"module": {"api_name": "Accounts"}}).body["data"][0]["details"]["id"]
    bulk.forward(60)
    assert bulk.read_job(job_id)["state"] == "FAILURE"
    assert bulk.ask("GET", f"/crm/bulk/v8/read/{job_id}/result").body["code"] == "RESOURCE_NOT_FOUND"


def test_jobs_of_the_other_kind_are_not_found(bulk):
    written = bulk.start(["Account_Name", "GP_Customer_ID"], ["Aaron", "A1"])
    assert bulk.ask("GET", f"/crm/bulk/v8/read/{written}").status == 404
    read = bulk.read({"module": {"api_name": "Accounts"}}).body["data"][0]["details"]["id"]
    assert bulk.job(read)["code"] == "RESOURCE_NOT_FOUND"


def test_scopes_and_credits(start, bulk_of):
    scopes = "ZohoCRM.modules.accounts.READ,ZohoCRM.settings.ALL,ZohoCRM.bulk.READ"
    bulk = bulk_of(start(scopes=scopes, bulk_read_credits=70))
    spent = bulk.wire.control("GET", "counts")["credits_used"]
    assert bulk.read({"module": {"api_name": "Accounts"}}).status == 201
    assert bulk.wire.control("GET", "counts")["credits_used"] - spent == 70
    assert bulk.read({"module": {"api_name": "Contacts"}}).body["code"] == "OAUTH_SCOPE_MISMATCH"
