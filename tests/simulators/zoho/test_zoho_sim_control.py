import http.client
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest


def test_counts_tell_calls_writes_and_records(zoho):
    first, second = zoho.insert("Accounts", {"Account_Name": "A"}, {"Account_Name": "B"}).ids
    zoho.update("Accounts", {"id": first, "Fax": "1"})
    zoho.upsert("Accounts", {"Account_Name": "A"}, {"Account_Name": "C"})
    zoho.call("DELETE", f"Accounts/{second}")
    zoho.call("GET", "nothing/at/all/here")
    counts = zoho.control("GET", "counts")
    assert counts["writes"] == {"Accounts": {"insert": 3, "update": 2, "delete": 1}}
    assert counts["records"]["Accounts"] == 2
    assert counts["calls_by_kind"]["records.upsert"] == 1
    assert counts["calls_by_status"]["404"] == 1
    assert counts["tokens_issued"] == 1
    requests = zoho.control("GET", "requests")
    assert [(one["method"], one["path"], one["status"], one["records"]) for one in requests[1:3]] == [
        ("POST", "/crm/v8/Accounts", 201, 2),
        ("PUT", "/crm/v8/Accounts", 200, 1),
    ]
    assert requests[1]["credits"] == 1
    zoho.control("DELETE", "requests")
    assert (zoho.control("GET", "requests"), zoho.control("GET", "counts")["calls"]) == ([], 0)


def test_the_request_log_is_bounded_the_counts_are_not(start):
    zoho = start(request_log_size=3)
    for _ in range(5):
        zoho.call("GET", "org")
    assert len(zoho.control("GET", "requests")) == 3
    assert zoho.control("GET", "counts")["calls_by_kind"]["org"] == 5


def test_seeds_set_stamps_and_cost_nothing(zoho):
    zoho.add_key()
    before = zoho.control("GET", "counts")
    records = [
        {"Account_Name": f"A{n}", "GP_Customer_ID": str(n), "Created_Time": "2020-01-01T00:00:00+00:00"}
        for n in range(500)
    ]
    records[1]["Modified_Time"] = "2021-01-01T00:00:00+00:00"
    seeded = zoho.control("POST", "records/Accounts", {"records": [*records, {"GP_Customer_ID": "1"}]})
    assert len(seeded["ids"]) == 500
    assert seeded["errors"][0]["code"] == "MULTIPLE_OR_MULTI_ERRORS"
    after = zoho.control("GET", "counts")
    assert (after["credits_used"], after["writes"]) == (before["credits_used"], {})
    page = zoho.control("GET", "records/Accounts?offset=1&limit=1")
    assert page["total"] == 500
    assert page["data"][0]["Created_Time"] == "2019-12-31T19:00:00-05:00"
    assert page["data"][0]["Modified_Time"] == "2020-12-31T19:00:00-05:00"


def test_a_person_edits_deletes_restores_and_merges(zoho):
    zoho.add_key()
    one, two, three = zoho.insert(
        "Accounts",
        {"Account_Name": "A"},
        {"Account_Name": "B", "Fax": "2", "GP_Customer_ID": "K"},
        {"Account_Name": "C", "Fax": "3", "Phone": "3"},
    ).ids
    assert zoho.control("POST", "edit/Accounts", {"records": [{"id": one, "Rating": "Hot"}]})["ids"] == [one]
    edited = zoho.get("Accounts", one)
    assert (edited["Modified_By"]["name"], edited["Created_By"]["name"]) == (
        "Sally Sales",
        "Integration User",
    )
    zoho.control("POST", "delete/Accounts", {"ids": [two]})
    assert zoho.call("GET", "Accounts/deleted").items[0]["deleted_by"]["name"] == "Sally Sales"
    assert zoho.control("POST", "restore/Accounts", {"ids": [two]})["ids"] == [two]
    assert zoho.get("Accounts", two)["GP_Customer_ID"] == "K"
    zoho.control("POST", "merge/Accounts", {"master": one, "children": [two, three]})
    merged = zoho.get("Accounts", one)
    assert (merged["Account_Name"], merged["Fax"], merged["Phone"], merged["GP_Customer_ID"]) == (
        "A",
        "2",
        "3",
        "K",
    )
    assert {gone["id"] for gone in zoho.call("GET", "Accounts/deleted").items} == {two, three}
    zoho.control("POST", "delete/Accounts", {"ids": [one], "permanent": True})
    assert zoho.call("GET", "Accounts/deleted?type=permanent").items[0]["id"] == one
    listed = zoho.insert("Accounts", {"Account_Name": "Z", "GP_Customer_ID": "K"})
    assert listed.status == 201
    assert zoho.control("POST", "restore/Accounts", {"ids": [two]})["code"] == "INVALID_DATA"


def test_settings_change_while_it_runs(zoho):
    assert zoho.control("GET", "settings")["edition"] == "enterprise"
    changed = zoho.control("POST", "settings", {"edition": "free", "unknown_fields": "error"})
    assert (changed["edition"], changed["credits_remaining"]) == ("free", 5_000)
    assert zoho.insert("Accounts", {"Account_Name": "A", "Nothing": 1}).codes == ["INVALID_DATA"]
    assert zoho.control("POST", "settings", {"client_id": "x"})["code"] == "INVALID_DATA"
    assert zoho.control("GET", "nothing")["code"] == "INVALID_URL_PATTERN"


def test_the_date_header_is_the_simulators_clock(zoho):
    zoho.control("POST", "settings", {"clock_offset_seconds": 365 * 86_400 * 20})
    assert int(zoho.call("GET", "org").headers["Date"].split()[3]) >= 2046


def plan(zoho, **fault):
    return zoho.control("POST", "faults", [fault])


@pytest.mark.parametrize(("kind", "stored"), [("drop", 0), ("cut_after_work", 1)])
def test_cut_connections_before_and_after_the_work(zoho, kind, stored):
    zoho.sign_in()
    plan(zoho, match="POST /crm/v8/Accounts", kind=kind)
    with pytest.raises((ConnectionError, http.client.BadStatusLine)):
        zoho.insert("Accounts", {"Account_Name": "A"})
    zoho.close()
    counts = zoho.control("GET", "counts")
    assert (counts["records"]["Accounts"], counts["faults"]) == (stored, {kind: 1})
    assert counts["calls_by_status"]["0"] == 1
    assert zoho.insert("Accounts", {"Account_Name": "B"}).status == 201


def test_half_an_answer(zoho):
    zoho.sign_in()
    plan(zoho, match="POST", kind="cut_mid_answer")
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        zoho.insert("Accounts", {"Account_Name": "A"})
    zoho.close()
    assert zoho.control("GET", "counts")["records"]["Accounts"] == 1


@pytest.mark.parametrize(
    ("kind", "status", "stored"),
    [
        ("http_500", 500, 0),
        ("http_500_after_work", 500, 1),
        ("html_503", 503, 0),
        ("html_200", 200, 0),
        ("http_429", 429, 0),
        ("invalid_token", 401, 0),
        ("delay", 201, 1),
        ("delay_after_work", 201, 1),
        ("duplicate", 201, 2),
    ],
)
def test_answers_that_are_wrong_late_or_doubled(zoho, kind, status, stored):
    zoho.sign_in()
    plan(zoho, match="POST /crm/v8/Accounts", kind=kind, seconds=0.01)
    assert zoho.insert("Accounts", {"Account_Name": "A"}).status == status
    assert zoho.control("GET", "counts")["records"]["Accounts"] == stored
    assert zoho.insert("Accounts", {"Account_Name": "B"}).status == 201


def test_an_answer_that_is_owed_is_given_when_the_delays_end(zoho):
    zoho.sign_in()
    plan(zoho, match="POST /crm/v8/Accounts", kind="delay_after_work", seconds=3600)
    with ThreadPoolExecutor(1) as other:
        owed = other.submit(zoho.insert, "Accounts", {"Account_Name": "A"})
        with closing(type(zoho)(zoho.simulator)) as beside:
            while beside.control("GET", "counts")["records"].get("Accounts") != 1:
                assert not owed.done()
            beside.control("DELETE", "delays")
        assert owed.result(60).status == 201


def test_garbage_for_json_after_the_work(zoho):
    zoho.sign_in()
    plan(zoho, match="*", kind="garbage_json")
    with pytest.raises(json.JSONDecodeError):
        zoho.insert("Accounts", {"Account_Name": "A"})
    assert zoho.control("GET", "counts")["records"]["Accounts"] == 1


def test_the_nth_call_and_the_first_calls(zoho):
    zoho.sign_in()
    plan(zoho, match="GET /crm/v8/org", kind="http_500", nth=2)
    assert [zoho.call("GET", "org").status for _ in range(3)] == [200, 500, 200]
    plan(zoho, match="GET /crm/v8/org", kind="http_500", count=2)
    assert [zoho.call("GET", "org").status for _ in range(3)] == [500, 500, 200]
    assert zoho.control("GET", "faults")[0]["fired"] == 2
    plan(zoho, match="GET /crm/v8/org", kind="http_429", every=2)
    assert [zoho.call("GET", "org").status for _ in range(5)] == [200, 429, 200, 429, 200]
    zoho.control("DELETE", "faults")
    plan(zoho, match="POST /oauth", kind="token_access_denied")
    assert zoho.sign_in().body["error"] == "Access Denied"
    assert zoho.control("POST", "faults", [{"match": "*", "kind": "nothing"}])["code"] == "INVALID_DATA"


def test_a_fifth_of_all_calls(zoho):
    zoho.sign_in()
    plan(zoho, match="*", kind="http_429", every=5)
    statuses = [zoho.call("GET", "org").status for _ in range(10)]
    assert statuses == [200, 200, 200, 200, 429] * 2
    assert zoho.control("GET", "faults")[0]["fired"] == 2


def test_latency_is_spent_while_the_call_runs(start):
    zoho = start(latency_seconds=0.01, latency_per_record_seconds=0.01)
    zoho.insert("Accounts", {"Account_Name": "A"}, {"Account_Name": "B"})
    assert zoho.control("GET", "requests")[-1]["milliseconds"] >= 30


def test_a_process_of_its_own():
    command = [sys.executable, "-m", "ml_connector.simulators.zoho", '{"edition": "free"}']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().strip().removeprefix("http://")
        connection = http.client.HTTPConnection(address, timeout=120)
        connection.request("GET", "/_control/settings")
        assert json.loads(connection.getresponse().read())["edition"] == "free"
        connection.close()
        process.terminate()
    assert process.returncode == 0
