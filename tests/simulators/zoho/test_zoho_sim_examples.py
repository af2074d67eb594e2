"""The file of examples, and the check of it against Zoho's OpenAPI files, which ends every test run."""

import http.client
import json
import os
import subprocess
import sys

import pytest

import openapi
from ml_connector.simulators.zoho.examples import VARIABLE
from zoho_bulk import Bulk, archive, form, table

needs_files = pytest.mark.skipif(not openapi.FILES.is_dir(), reason=f"there is no {openapi.FILES}")
OURS = {"User-Agent": openapi.AGENT, "Content-Type": "application/json"}


@pytest.fixture
def recorded(start, tmp_path):
    """A client that names itself as the connector does, and the examples that the simulator wrote so far."""
    file = tmp_path / "examples.jsonl"
    zoho = start(examples_file=str(file))
    return zoho, lambda: [json.loads(line) for line in file.read_text().splitlines()]


def test_one_example_of_each_shape_without_the_token(recorded):
    zoho, examples = recorded
    for name in ("A", "B", "C"):
        zoho.insert("Accounts", {"Account_Name": name})
    first, second = zoho.insert(
        "Accounts", {"Account_Name": "D", "Fax": "1"}, {"Account_Name": "E", "Fax": "2"}
    ).ids
    for record in (first, second):
        zoho.call("GET", f"Accounts/{record}")
    zoho.call("GET", "Accounts?fields=Account_Name", **OURS)
    told = [
        (one["method"], one["path"].rpartition("/")[2], one["body"], one["lengths"]) for one in examples()
    ]
    rest = {"trigger": []}
    assert told == [
        ("POST", "Accounts", {"data": [{"Account_Name": "A"}], **rest}, {"data": 1, "trigger": 0}),
        (
            "POST",
            "Accounts",
            {"data": [{"Account_Name": "D", "Fax": "1"}], **rest},
            {"data": 2, "trigger": 0},
        ),
        ("GET", first, None, {}),
        ("GET", "Accounts", None, {}),
    ]
    assert examples()[-1]["query"] == {"fields": "Account_Name"}
    assert examples()[-1]["headers"]["user-agent"] == openapi.AGENT
    assert not [one for one in examples() if "authorization" in one["headers"] or "oauth" in one["path"]]


def test_a_process_of_its_own_adds_to_the_file_of_the_environment(tmp_path):
    file = tmp_path / "examples.jsonl"
    file.write_text("{}\n")
    command = [sys.executable, "-m", "ml_connector.simulators.zoho"]
    environment = {**os.environ, VARIABLE: str(file)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        address = process.stdout.readline().strip().removeprefix("http://")
        connection = http.client.HTTPConnection(address, timeout=120)
        connection.request("GET", "/crm/v8/org")
        assert connection.getresponse().status == 401
        connection.close()
        process.terminate()
    assert [json.loads(line).get("path") for line in file.read_text().splitlines()] == [None, "/crm/v8/org"]


def faults_of(zoho, examples, *calls):
    for method, path, body in calls:
        zoho.call(method, path, body, **OURS)
    return openapi.check([json.dumps(one) for one in examples()], known=())


@needs_files
def test_requests_as_zoho_describes_them_pass(recorded):
    found = faults_of(
        *recorded,
        ("GET", "org", None),
        ("GET", "users?type=ActiveUsers", None),
        ("GET", "settings/layouts?module=Accounts", None),
        ("GET", "Accounts?fields=id&per_page=200", None),
        ("POST", "coql", {"select_query": "select id from Accounts where id is not null"}),
        ("POST", "Accounts", {"data": [{"Account_Name": "A"}] * 100, "trigger": ["workflow"]}),
        ("DELETE", "Accounts?ids=1,2", None),
    )
    assert (found.checked, found.faults) == (7, [])


@needs_files
@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (("POST", "coql", {"query": "select id from Accounts"}), "body $: required"),
        (("POST", "coql", None), "body: required"),
        (("GET", "org", {}), "body: there is none"),
        (("POST", "Accounts", {"data": [{"Account_Name": "A"}] * 101}), "body $.data: maxItems"),
        (("POST", "Accounts", {"data": [{}], "trigger": ["everything"]}), "body $.trigger[0]: enum"),
        (("GET", "Accounts?fields=id&per_page=many", None), "query per_page: type"),
        (("GET", "Accounts?fields=id&sort_by=Fax", None), "query sort_by: enum"),
        (("GET", "Accounts?felds=id", None), "query felds: no such parameter"),
        (("GET", "settings/layouts", None), "query module: required"),
        (("GET", "settings/fields?module=Accounts", None), "query include: required"),
        (("PATCH", "Accounts", {"data": [{}]}), "there is no such operation"),
    ],
)
def test_requests_that_zoho_does_not_describe_are_told(recorded, call, complaint):
    found = faults_of(*recorded, call)
    assert any(complaint in fault for fault in found.faults), found.faults


@needs_files
def test_bulk_calls_as_zoho_describes_them_pass(recorded):
    zoho, examples = recorded
    zoho.add_key()
    bulk, named = Bulk(zoho), {"User-Agent": openapi.AGENT}
    content = form(archive(table(["Account_Name", "GP_Customer_ID"], ["Aaron", "A1"])))
    file_id = bulk.upload(content, **named).body["details"]["file_id"]
    mapped = [{"api_name": "Account_Name", "index": 0}, {"api_name": "GP_Customer_ID", "index": 1}]
    resource = {
        "type": "data",
        "module": {"api_name": "Accounts"},
        "file_id": file_id,
        "field_mappings": mapped,
    }
    body = {
        "operation": "upsert",
        "resource": [resource | {"ignore_empty": True, "find_by": "GP_Customer_ID"}],
    }
    job_id = bulk.ask("POST", "/crm/bulk/v8/write", body, **OURS).body["details"]["id"]
    bulk.ask("GET", f"/crm/bulk/v8/write/{job_id}", **named)
    read = {"query": {"module": {"api_name": "Accounts"}, "fields": ["Account_Name"]}, "file_type": "csv"}
    assert bulk.ask("POST", "/crm/bulk/v8/read", read, **OURS).status == 201
    found = openapi.check([json.dumps(one) for one in examples()])
    assert (found.checked, found.faults) == (4, [])
    upload = next(one for one in examples() if one["path"] == "/crm/v8/upload")
    assert upload["body"] == {"file": {}}
    del upload["headers"]["x-crm-org"]
    upload["headers"]["feature"] = "bulk-read"
    [first, second] = openapi.check([json.dumps(upload)]).faults
    assert "header X-CRM-ORG: required" in first
    assert "header feature: enum" in second


@needs_files
def test_a_known_fault_is_excused_and_one_never_met_is_told():
    example = {"method": "GET", "path": "/crm/v8/settings/fields", "query": {"module": "A"}, "body": None}
    example |= {"headers": {"user-agent": openapi.AGENT}, "lengths": {}}
    found = openapi.check([json.dumps(example), '{"cut off'])
    assert (found.requests, found.faults) == (1, [])
    assert [known.operation for known in found.unused][:2] == ["POST /settings/modules"] * 2
    stranger = example | {"headers": {"user-agent": "somebody"}}
    assert openapi.check([json.dumps(stranger)], known=()).faults == []
