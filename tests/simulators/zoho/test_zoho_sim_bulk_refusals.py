"""Bulk write: what is refused before a job begins, and what goes wrong with one that has begun."""

import http.client

import pytest

from zoho_bulk import archive, form, table

HEAD = ["Account_Name", "GP_Customer_ID", "Phone"]
MAPPED = [{"api_name": name, "index": index} for index, name in enumerate(HEAD)]
ROWS = (HEAD, ["Aaron", "A1", "1"], ["Berta", "B1", "2"], ["Carl", "C1", "3"])


def code(answer):
    return answer.status, answer.body["code"]


def test_upload_needs_one_csv_in_a_zip(bulk):
    assert code(bulk.upload(form(archive(table(HEAD))))) == (200, "FILE_UPLOAD_SUCCESS")
    for content in (b"Account_Name\n", archive(b"x", name="x.txt"), archive(b"x", second=b"y"), b""):
        assert code(bulk.upload(form(content))) == (400, "INVALID_FILE_FORMAT")


def test_upload_needs_its_headers_and_the_form(bulk):
    good = form(archive(table(HEAD)))
    assert code(bulk.upload(good, feature=None)) == (400, "MANDATORY_NOT_FOUND")
    assert code(bulk.upload(good, feature="bulk-read")) == (400, "NOT_SUPPORTED_FEATURE")
    assert code(bulk.upload(good, **{"X-CRM-ORG": None})) == (400, "MANDATORY_NOT_FOUND")
    assert code(bulk.upload(good, **{"X-CRM-ORG": "1"})) == (400, "INVALID_DATA")
    assert code(bulk.upload(form(archive(table(HEAD)), field="other"))) == (400, "MANDATORY_NOT_FOUND")
    assert code(bulk.upload(b"{}", **{"Content-Type": "application/json"})) == (400, "INVALID_DATA")


def test_upload_ends_at_25_megabytes(bulk):
    assert code(bulk.upload(form(b"x" * (25 * 1024 * 1024 + 1)))) == (413, "FILE_TOO_LARGE")


def test_calls_need_their_scopes(start, bulk_of):
    scopes = "ZohoCRM.modules.accounts.READ,ZohoCRM.settings.ALL,ZohoCRM.bulk.READ"
    bulk = bulk_of(start(scopes=scopes))
    assert code(bulk.upload(form(archive(table(HEAD))))) == (401, "OAUTH_SCOPE_MISMATCH")
    assert code(bulk.create("1")) == (401, "OAUTH_SCOPE_MISMATCH")
    bulk = bulk_of(start(scopes=scopes + ",ZohoCRM.bulk.CREATE,ZohoFiles.files.ALL"))
    file_id = bulk.file(*ROWS)
    assert code(bulk.create(file_id)) == (401, "OAUTH_SCOPE_MISMATCH")  # the module's CREATE is missing


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"module": {"api_name": "Sales_Orders"}}, "MODULE_NOT_AVAILABLE"),
        ({"module": {"api_name": "Ordered_Items"}}, "MODULE_NOT_AVAILABLE"),
        ({"module": {"api_name": "Nothing"}}, "MODULE_NOT_AVAILABLE"),
        ({"module": None}, "MISSING_REQUIRED_KEY"),
        ({"type": "records"}, "INVALID_DATA"),
        ({"file_id": "12345"}, "INVALID_FILE_ID"),
        ({"file_names": ["other.csv"]}, "FILE_NOT_FOUND"),
        ({"find_by": None}, "MANDATORY_NOT_FOUND"),
        ({"find_by": "Phone"}, "INVALID_FIELD"),
        ({"find_by": ["GP_Customer_ID"]}, "INVALID_FIELD"),
        ({"field_mappings": "all"}, "INVALID_DATA"),
        ({"field_mappings": [*MAPPED, {"api_name": "Fax", "default_value": "9"}]}, "INVALID_DATA"),
        ({"field_mappings": MAPPED[:1]}, "MANDATORY_FIELDS_NOT_MAPPED"),
        ({"field_mappings": MAPPED[1:]}, "MANDATORY_FIELDS_NOT_MAPPED"),
        ({"field_mappings": MAPPED * 2}, "DUPLICATE_DATA"),
        ({"field_mappings": MAPPED * 67}, "HEADER_LIMIT_EXCEEDED"),
        ({"field_mappings": [*MAPPED, {"api_name": "Nonsense", "index": 0}]}, "INVALID_FIELD"),
        ({"field_mappings": [*MAPPED, {"api_name": "Modified_Time", "index": 0}]}, "INVALID_FIELD"),
        ({"field_mappings": [*MAPPED, {"api_name": "Fax", "index": 3}]}, "COLUMN_INDEX_NOT_FOUND"),
        ({"field_mappings": [*MAPPED, {"api_name": "Fax", "index": -1}]}, "COLUMN_INDEX_NOT_FOUND"),
        ({"field_mappings": [*MAPPED, {"api_name": "Fax"}]}, "COLUMN_INDEX_NOT_FOUND"),
        ({"field_mappings": [*MAPPED, {"api_name": "Parent_Account", "index": 2}]}, "MANDATORY_NOT_FOUND"),
        (
            {"field_mappings": [*MAPPED, {"api_name": "Parent_Account", "index": 2, "find_by": "Phone"}]},
            "INVALID_FIELD",
        ),
        ({"field_mappings": [*MAPPED, {"api_name": "Fax", "index": 2, "format": "yyyy"}]}, "INVALID_FORMAT"),
        ({"field_mappings": [*MAPPED, {"api_name": "Opened", "index": 2, "format": "QQ"}]}, "INVALID_FORMAT"),
    ],
)
def test_resource_is_refused(bulk, changes, expected):
    bulk.wire.add_field(label="Opened", kind="date")
    resource = {"type": "data", "module": {"api_name": "Accounts"}, "file_id": bulk.file(*ROWS)}
    resource |= {"find_by": "GP_Customer_ID", "field_mappings": MAPPED} | changes
    answer = bulk.ask("POST", "/crm/bulk/v8/write", {"operation": "upsert", "resource": [resource]})
    assert code(answer) == (400, expected)
    assert bulk.wire.control("GET", "bulk/jobs") == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"operation": None}, "MISSING_REQUIRED_KEY"),
        ({"operation": "delete"}, "INVALID_DATA"),
        ({"resource": None}, "MISSING_REQUIRED_KEY"),
        ({"resource": {}}, "INVALID_DATA"),
        ({"callback": {"url": "nowhere", "method": "post"}}, "INVALID_CALLBACK_URL"),
        ({"callback": {"url": "http://crm.example/done", "method": "get"}}, "INVALID_CALLBACK_METHOD"),
    ],
)
def test_job_is_refused(bulk, changes, expected):
    resource = {"type": "data", "module": {"api_name": "Accounts"}, "file_id": "1", "find_by": "id"}
    body = {"operation": "upsert", "resource": [resource]} | changes
    assert code(bulk.ask("POST", "/crm/bulk/v8/write", body)) == (400, expected)


def test_more_than_25000_rows_are_refused(bulk):
    rows = [[f"Account {n}", f"A{n}", ""] for n in range(25_001)]
    assert code(bulk.create(bulk.file(HEAD, *rows))) == (400, "FILE_NOT_SUPPORTED")
    assert bulk.create(bulk.file(HEAD, *rows[1:])).status == 201


def test_a_file_of_more_than_200_columns_is_refused_however_few_are_mapped(bulk):
    wide = [HEAD + ["More"] * (201 - len(HEAD)), ["Aaron", "A1", ""] + [""] * (201 - len(HEAD))]
    assert code(bulk.create(bulk.file(*wide), field_mappings=MAPPED)) == (400, "HEADER_LIMIT_EXCEEDED")
    assert bulk.create(bulk.file(*(row[:200] for row in wide)), field_mappings=MAPPED).status == 201


def test_unknown_jobs_and_results(bulk):
    assert code(bulk.ask("GET", "/crm/bulk/v8/write/123")) == (400, "RESOURCE_NOT_FOUND")
    assert code(bulk.ask("GET", "/crm/bulk/v8/elsewhere")) == (404, "INVALID_URL_PATTERN")
    assert code(bulk.ask("DELETE", "/crm/bulk/v8/write")) == (400, "INVALID_REQUEST_METHOD")
    job_id = bulk.start(*ROWS)
    assert bulk.ask("GET", f"/v2/crm/772033711/bulk-write/{job_id}/{job_id}.zip").status == 403


def test_creating_a_job_costs_500_credits_and_the_rest_what_the_option_says(start, bulk_of):
    bulk = bulk_of(start(bulk_call_credits=3))
    file_id = bulk.file(*ROWS)
    spent = bulk.wire.control("GET", "counts")["credits_used"]
    job_id = bulk.create(file_id).body["details"]["id"]
    assert bulk.wire.control("GET", "counts")["credits_used"] - spent == 500
    bulk.end(job_id)
    bulk.result(job_id)  # a look and a download
    assert bulk.wire.control("GET", "counts")["credits_used"] - spent == 506
    kinds = bulk.wire.control("GET", "counts")["calls_by_kind"]
    assert [kinds[kind] for kind in ("upload", "bulk.write", "bulk.write.job", "bulk.write.result")] == [
        1
    ] * 4


def test_bulk_calls_tell_what_remains_and_are_refused_without_credits(bulk):
    bulk.wire.control("POST", "settings", {"credits_remaining": 1_000})
    answer = bulk.upload(form(archive(table(*ROWS))))
    assert answer.headers["X-API-CREDITS-REMAINING"] == "999"
    answer = bulk.create(answer.body["details"]["file_id"])
    assert answer.headers["X-API-CREDITS-REMAINING"] == "499"
    job_id = answer.body["details"]["id"]
    assert code(bulk.create("1")) == (429, "TOO_MANY_REQUESTS")
    bulk.end(job_id)
    bulk.wire.control("POST", "settings", {"credits_remaining": 0})
    assert code(bulk.ask("GET", f"/crm/bulk/v8/write/{job_id}")) == (429, "TOO_MANY_REQUESTS")
    assert code(bulk.upload(form(archive(table(*ROWS))))) == (429, "TOO_MANY_REQUESTS")


@pytest.mark.parametrize(
    ("ending", "rows", "names"), [("failed", 2, ["Aaron", "Berta"]), ("skipped", None, [])]
)
def test_job_comes_to_a_bad_end(bulk, ending, rows, names):
    bulk.wire.control("POST", "bulk/fates", [{"ending": ending, "rows": rows}])
    job_id = bulk.start(*ROWS)
    bulk.forward(60)
    job = bulk.job(job_id)
    assert (job["status"], job["resource"][0]["file"]["status"]) == (ending.upper(), ending.upper())
    assert "result" not in job
    assert bulk.names() == names


def test_rows_are_left_unprocessed(bulk):
    bulk.wire.control("POST", "bulk/fates", [{"rows": 1}])
    first, second = bulk.start(*ROWS), bulk.start(HEAD, ["Dora", "D1", ""])
    bulk.forward(60)
    assert bulk.job(first)["status"] == "COMPLETED"
    assert [row["STATUS"] for row in bulk.result(first)] == ["ADDED", "UNPROCESSED", "UNPROCESSED"]
    assert bulk.names() == ["Aaron", "Dora"]
    assert [job["done"] for job in bulk.wire.control("GET", "bulk/jobs")] == [1, 1]
    assert second


def test_job_that_never_ends_holds_up_the_others_until_it_is_ended(bulk):
    bulk.wire.control("POST", "bulk/fates", [{"ending": "never", "rows": 2}])
    first, second = bulk.start(*ROWS), bulk.start(HEAD, ["Dora", "D1", ""])
    bulk.forward(3_000)
    assert [bulk.job(one)["status"] for one in (first, second)] == ["INPROGRESS", "ADDED"]
    assert bulk.names() == ["Aaron", "Berta"]
    bulk.end(first)
    assert bulk.names() == ["Aaron", "Berta", "Carl"]
    bulk.forward(3_100)
    assert bulk.job(second)["status"] == "COMPLETED"


def test_end_of_a_job_that_has_ended_is_refused(bulk):
    job_id = bulk.start(*ROWS)
    bulk.end(job_id)
    assert bulk.end(job_id)["code"] == "INVALID_DATA"


def test_word_for_progress_is_an_option(start, bulk_of):
    bulk = bulk_of(start(bulk_progress_word="IN PROGRESS", bulk_wait_seconds=0, bulk_seconds=100))
    assert bulk.job(bulk.start(*ROWS))["status"] == "IN PROGRESS"


def test_answer_is_lost_though_the_job_was_created(bulk):
    file_id = bulk.file(*ROWS)
    fault = {"match": "POST /crm/bulk/v8/write", "kind": "cut_after_work"}
    bulk.wire.control("POST", "faults", [fault])
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        bulk.create(file_id)
    assert len(bulk.wire.control("GET", "bulk/jobs")) == 1


@pytest.mark.parametrize(("kind", "status"), [("http_500", 500), ("http_429", 429)])
def test_calls_fail_as_planned(bulk, kind, status):
    bulk.wire.control("POST", "faults", [{"match": "POST /crm/v8/upload", "kind": kind}])
    assert bulk.upload(form(archive(table(*ROWS)))).status == status
    assert bulk.upload(form(archive(table(*ROWS)))).status == 200
