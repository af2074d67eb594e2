"""Bulk jobs: the files and bodies that are sent, what their results mean, and every value through the simulator."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
import zipfile
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from ml_connector.connectors.zoho_crm import ZohoConfig, bulk, schema
from ml_connector.connectors.zoho_crm.schema import FieldMeta, ModuleMeta
from ml_connector.connectors.zoho_crm.wire import Reply
from ml_connector.core.errors import ConfigurationError, NotDoneError, RetryableError
from ml_connector.core.needs import FieldNeed
from ml_connector.core.ports import BulkFile, Refused, Write, Written

META = ModuleMeta.of(
    [
        FieldMeta("Key", "Key", "text"),
        FieldMeta("Parent_Account", "Parent", "lookup"),
        FieldMeta("Paid_On", "Paid on", "date"),
        FieldMeta("As_Of", "As of", "datetime"),
        FieldMeta("Balance", "Balance", "currency"),
        FieldMeta("Open", "Open", "boolean"),
        FieldMeta("Street", "Street", "textarea"),
    ]
)
AT = datetime(2026, 3, 1, 23, 30, 5, 999, timezone(timedelta(hours=-5)))
CREATES = [
    Write({"Street": 'Line 1\nLine "2", both', "Key": "A-1", "Balance": Decimal("1E+3"), "Open": True}),
    Write({"Key": "b 2", "Parent_Account": "42", "Paid_On": date(2026, 3, 1), "As_Of": AT, "Open": False}),
]
UPDATES = [Write({"Street": "X"}, "11"), Write({"Balance": Decimal("-0.50")}, "12")]


def sheet(content: bytes) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        (name,) = files.namelist()
        return list(csv.reader(io.StringIO(files.read(name).decode(), newline="")))


def test_the_file_of_creates_begins_with_the_key() -> None:
    columns = bulk.columns_of(CREATES, "Key")
    assert columns == ("Key", "Street", "Balance", "Open", "Parent_Account", "Paid_On", "As_Of")
    assert sheet(bulk.zipped("Accounts.csv", CREATES, columns)[0]) == [
        list(columns),
        ["A-1", 'Line 1\nLine "2", both', "1000", "true", "", "", ""],
        ["b 2", "", "", "false", "42", "2026-03-01", "2026-03-02T04:30:05+00:00"],
    ]


def test_the_file_of_updates_begins_with_the_id_and_leaves_empty_what_is_not_touched() -> None:
    columns = bulk.columns_of(UPDATES, "Key")
    assert sheet(bulk.zipped("Accounts.csv", UPDATES, columns)[0]) == [
        ["id", "Street", "Balance"],
        ["11", "X", ""],
        ["12", "", "-0.50"],
    ]


def noise(number: int, length: int) -> str:
    """A text that hardly gets smaller."""
    return base64.b64encode(random.Random(number).randbytes(length)).decode()[:length]


@pytest.mark.parametrize("length", [400, 5_000, 60_000])
@pytest.mark.parametrize("most", [600_000, 2_000_000])
def test_a_file_has_as_many_rows_as_fit(length: int, most: int) -> None:
    many = 2 * most // length + 10
    writes = [Write({"Key": f"C{n}", "Street": noise(n, length)}) for n in range(many)]
    content, rows = bulk.zipped("Accounts.csv", writes, ("Key", "Street"), most)
    assert 0 < rows < many
    assert most / 4 < len(content) <= most, "and not many fewer"
    assert [row[0] for row in sheet(content)] == ["Key", *(f"C{n}" for n in range(rows))]
    _, of_fewer = bulk.zipped("Accounts.csv", writes[:rows], ("Key", "Street"), most)
    assert of_fewer == rows


def test_one_row_that_is_too_long_is_no_file() -> None:
    writes = [Write({"Key": "A", "Street": noise(1, 500_000)})]
    with pytest.raises(ConfigurationError, match="one record has more"):
        bulk.zipped("Accounts.csv", writes, ("Key", "Street"), 600_000)


@pytest.mark.parametrize(
    ("fields", "exact"),
    [
        ({"A": "x", "B": 0, "C": False}, True),
        ({"A": None}, False),  # an empty cell would leave the field as it is
        ({"A": ""}, False),
        ({"A": "  "}, False),
        ({"Layout": "5"}, False),
    ],
)
def test_what_a_row_can_say(fields: dict[str, object], exact: bool) -> None:
    assert bulk.is_exact(Write(fields, "1")) is exact  # type: ignore[arg-type]


def test_the_body_of_a_job() -> None:
    columns = ("id", "Parent_Account", "Paid_On", "As_Of", "Street")
    file = BulkFile("77", "Accounts", creates=False, columns=columns, rows=2)
    assert json.loads(bulk.encode_job(META, file)) == {
        "character_encoding": "UTF-8",
        "operation": "update",
        "ignore_empty": True,
        "resource": [
            {
                "type": "data",
                "module": {"api_name": "Accounts"},
                "file_id": "77",
                "file_names": ["Accounts.csv"],
                "ignore_empty": True,
                "find_by": "id",
                "field_mappings": [
                    {"api_name": "id", "index": 0},
                    {"api_name": "Parent_Account", "index": 1, "find_by": "id"},
                    {"api_name": "Paid_On", "index": 2, "format": "yyyy-MM-dd"},
                    {"api_name": "As_Of", "index": 3, "format": "yyyy-MM-dd'T'HH:mm:ssXXX"},
                    {"api_name": "Street", "index": 4},
                ],
            }
        ],
    }


def results(*rows: list[str], creates: bool = True) -> dict[str, object]:
    text, archive = io.StringIO(), io.BytesIO()
    csv.writer(text).writerows([["Key", "Name", "City", "STATUS", "RECORD_ID", "ERRORS"], *rows])
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("Accounts-rows.csv", text.getvalue())
    file = BulkFile("77", "Accounts", creates, ("Key" if creates else "id", "Name", "City"), 3)
    return bulk.read_results(Reply(200, {}, archive.getvalue()), file)  # type: ignore[return-value]


def test_what_the_rows_of_a_result_mean() -> None:
    found = results(
        ["A-1 ", "", "", "ADDED", "101", ""],
        ["B", "", "", "SKIPPED", "", "MANDATORY_NOT_FOUND-Account_Name,City:INVALID_DATA-Parent_Account.id"],
        ["C", "", "", "SKIPPED", "", "DUPLICATE_DATA-Key"],
        ["D", "", "", "UNPROCESSED", "", ""],
        ["E", "", "", "SKIPPED", "", "INVALID_DATA-City"],
    )
    assert found["a-1"] == Written("101", None)
    assert (found["c"], found["d"]) == (None, None)  # the ordinary call tells of whom, and writes the other
    several, one = found["b"], found["e"]
    assert isinstance(several, Refused)
    assert several.error.field == "Account_Name, City, Parent_Account"
    assert "asks for a value of City" in several.error.happened
    assert "MANDATORY_NOT_FOUND-Account_Name,City" in several.error.answer
    assert isinstance(one, Refused)
    assert (one.error.code, one.error.field) == ("INVALID_DATA", "City")


def test_a_row_that_may_have_been_written_is_not_told_as_unwritten() -> None:
    """Whose create it was would be forgotten, and it would be found as a stranger's."""
    told = [["A", "", "", "ADDED", "", ""], ["B", "", "", "", "", ""], ["C", "", "", "NEW WORD", "", ""]]
    assert results(*told) == {}
    assert results(["11", "", "", "UPDATED", "12", ""], creates=False) == {}


def test_how_far_a_job_is() -> None:
    """A job that is under way is waited for without end, so a word that is not known must not count as that."""
    assert [bulk.job_state({"status": word}).final for word in ("ADDED", "IN PROGRESS", "COMPLETED")] == [
        False,
        False,
        True,
    ]
    for word in ("CANCELLED", None):
        with pytest.raises(ConfigurationError, match="no word that we know"):
            bulk.job_state({"status": word})


def test_an_archive_that_is_damaged_within() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr("rows.csv", "Key,STATUS\n" + "A-1,ADDED\n" * 1000)
    content = bytearray(archive.getvalue())
    content[45:60] = b"\xff" * 15
    with pytest.raises(ConfigurationError, match="ordinary way"):
        bulk.read_results(Reply(200, {}, bytes(content)), BulkFile("1", "Accounts", True, ("Key",), 1))


def test_an_update_that_finds_no_record_is_left_to_the_ordinary_call() -> None:
    found = results(
        ["11", "", "", "UPDATED", "11", ""], ["12", "", "", "SKIPPED", "", "INVALID_DATA-id"], creates=False
    )
    assert found == {"11": Written("11", None), "12": None}


@pytest.mark.parametrize("content", [b"<html>", b""])
def test_a_result_that_is_no_archive(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match="ordinary way"):
        bulk.read_results(
            Reply(200, {}, content), BulkFile("1", "Accounts", creates=True, columns=("Key",), rows=1)
        )


def test_where_the_token_may_go() -> None:
    eu = ZohoConfig(data_centre="eu", client_id="x")
    assert schema.upload_url(eu) == "https://content.zohoapis.eu"
    assert schema.is_trusted_download(eu, "https://download-accl.zoho.eu")
    for other in (
        "https://download-accl.zoho.com",
        "https://evil.example",
        "http://download-accl.zoho.eu",
        "",
    ):
        assert not schema.is_trusted_download(eu, other)
    uk = ZohoConfig(data_centre="uk", client_id="x")
    assert schema.upload_url(uk) == ""
    assert not schema.is_trusted_download(uk, "")


# ---- against the simulator

NEEDS = [
    FieldNeed("Accounts", "GP_Customer_ID", "GP Customer ID", "text", 30, unique=True),
    FieldNeed("Accounts", "Paid_On", "Paid On", "date"),
    FieldNeed("Accounts", "As_Of", "As Of", "datetime"),
    FieldNeed("Accounts", "Owed", "Owed", "currency", 16, decimal_places=2),
    FieldNeed("Accounts", "Is_Open", "Is Open", "boolean"),
]


def run(target, writes):
    """One bulk job to its end."""
    file = target.upload("Accounts", writes, "GP_Customer_ID")
    assert file.rows == len(writes)
    job_id = target.start_job(file)
    state = target.job_state(job_id)
    while not state.final:
        state = target.job_state(job_id)
    return target.job_results(file, state.result_url)


@pytest.fixture
def quick(start):
    """An organisation whose jobs take no time, with the fields of the tests."""
    org = start(bulk_seconds=0.0, bulk_wait_seconds=0.0, bulk_seconds_per_row=0.0)
    target = org.target()
    assert [state.problem for state in target.create_fields(NEEDS)] == [""] * len(NEEDS)
    return org, target


def test_every_value_arrives_as_by_the_ordinary_call(quick):
    _, target = quick
    (parent,) = target.write("Accounts", [Write({"Account_Name": "Parent"})])
    fields = {
        "Account_Name": 'Müller; Söhne, "KG"',
        "Billing_Street": "Line 1\nLine 2",
        "Parent_Account": parent.target_id,
        "Paid_On": date(2026, 3, 1),
        "As_Of": AT,
        "Owed": Decimal("-1234.50"),
        "Is_Open": True,
    }
    (ordinary,) = target.write("Accounts", [Write({**fields, "GP_Customer_ID": "C1"})])
    found = run(target, [Write({**fields, "GP_Customer_ID": "C2"})])
    assert isinstance(found["c2"], Written)
    both = target.read("Accounts", [ordinary.target_id, found["c2"].target_id], list(fields))
    assert both[ordinary.target_id] == both[found["c2"].target_id]


def test_no_file_is_larger_than_zoho_takes(quick):
    """25,000 rows are allowed, and a file of 25 MB: of long texts it holds fewer."""
    _, target = quick
    writes = [
        Write({"Account_Name": f"A{n}", "GP_Customer_ID": f"C{n}", "Description": noise(n, 32_000)})
        for n in range(1_200)
    ]
    file = target.upload("Accounts", writes, "GP_Customer_ID")
    assert 1_000 < file.rows < 1_200


def test_an_update_touches_nothing_else(quick):
    _, target = quick
    made = target.write(
        "Accounts",
        [Write({"Account_Name": f"A{n}", "GP_Customer_ID": f"C{n}", "Phone": "1"}) for n in range(3)],
    )
    ids = [one.target_id for one in made]
    found = run(
        target,
        [
            Write({"Phone": "2"}, ids[0]),
            Write({"Billing_City": "Boston"}, ids[1]),
            Write({"Phone": "3"}, "999"),
        ],
    )
    assert found == {ids[0]: Written(ids[0], None), ids[1]: Written(ids[1], None), "999": None}
    there = target.read("Accounts", ids, ["Phone", "Billing_City"])
    assert [(there[i]["Phone"], there[i]["Billing_City"]) for i in ids] == [
        ("2", None),
        ("1", "Boston"),
        ("1", None),
    ]


def test_a_taken_key_is_left_to_the_ordinary_call(quick):
    _, target = quick
    target.write("Accounts", [Write({"Account_Name": "A", "GP_Customer_ID": "C1"})])
    found = run(target, [Write({"Account_Name": n, "GP_Customer_ID": f"C{n}"}) for n in "12"])
    assert found["c1"] is None
    assert isinstance(found["c2"], Written)


def test_what_is_not_to_be_had_in_bulk(start):
    org = start()
    assert org.target().write_prices("Accounts").job is not None
    assert org.target().write_prices("GP_Journal_Lines").job is not None
    assert org.target().write_prices("Sales_Orders").job is None
    assert org.target(bulk_write=False).write_prices("Accounts").job is None
    assert org.target(trigger=("workflow",)).write_prices("Accounts").job is None


def test_a_cut_answer_may_have_begun_a_job_and_a_zoho_without_credits_has_not(quick):
    org, target = quick
    file = target.upload("Accounts", [Write({"Account_Name": "A", "GP_Customer_ID": "C1"})], "GP_Customer_ID")
    org.faults({"match": "POST /crm/bulk/v8/write", "kind": "cut_after_work", "nth": 1})
    with pytest.raises(RetryableError) as cut:
        target.start_job(file)
    assert not isinstance(cut.value, NotDoneError)
    assert len(org.control("GET", "bulk/jobs")) == 1
    org.control("POST", "settings", {"credits_remaining": 100})  # others took them, and we do not know yet
    with pytest.raises(NotDoneError):
        target.start_job(file)
    assert len(org.control("GET", "bulk/jobs")) == 1


def test_a_job_is_not_begun_where_no_connection_is_opened(quick):
    """Its module is not kept for an hour, as by a lost answer."""
    org, target = quick
    file = target.upload("Accounts", [Write({"Account_Name": "A", "GP_Customer_ID": "C1"})], "GP_Customer_ID")
    org.stop()
    with pytest.raises(NotDoneError, match="refuses the connection"):
        target.start_job(file)


@pytest.mark.parametrize("refused", [False, True])
def test_a_job_is_not_begun_where_there_is_no_token_for_it(quick, clock, refused):
    """It is not taken for one that lost its answer: that would keep its module for an hour."""
    org, target = quick
    file = target.upload("Accounts", [Write({"Account_Name": "A", "GP_Customer_ID": "C1"})], "GP_Customer_ID")
    if refused:
        org.control("POST", "tokens/expire")
    else:
        clock.ahead = timedelta(seconds=3601)
    org.faults({"match": "POST /oauth/v2/token", "kind": "token_access_denied", "count": 9})
    with pytest.raises(NotDoneError):
        target.start_job(file)
    assert org.control("GET", "bulk/jobs") == []


def test_a_token_without_the_scope_is_told(start):
    org = start(scopes="ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.org.READ,ZohoCRM.coql.READ")
    target = org.target()
    target.create_fields(NEEDS[:1])
    with pytest.raises(ConfigurationError, match=r"ZohoFiles\.files\.CREATE"):
        target.upload("Accounts", [Write({"Account_Name": "A", "GP_Customer_ID": "C1"})], "GP_Customer_ID")


def test_what_it_costs(quick):
    _, target = quick
    before = target.client.cost()
    run(target, [Write({"Account_Name": f"N{n}", "GP_Customer_ID": f"C{n}"}) for n in range(300)])
    cost = target.client.cost()
    spent, calls = cost.credits - before.credits, sum(cost.calls.values()) - sum(before.calls.values())
    assert (spent, calls) == (503 + 1, 4 + 1)  # and once the organisation, whose id an upload names
