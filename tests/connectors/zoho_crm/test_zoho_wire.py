"""The dialect, on samples: values to JSON, answers item by item, instants, secrets."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from ml_connector.connectors.zoho_crm import wire
from ml_connector.connectors.zoho_crm.schema import FieldMeta, ModuleMeta
from ml_connector.connectors.zoho_crm.wire import Reply
from ml_connector.core.errors import RetryableError
from ml_connector.core.needs import FieldNeed
from ml_connector.core.ports import Write


def meta(name, kind="text", **more):
    return FieldMeta(name, name, kind, **more)


ACCOUNTS = ModuleMeta.of(
    [meta("Account_Name"), meta("Parent_Account", "lookup"), meta("Account_Number", "bigint")]
)
PLAIN = ModuleMeta.of([])


def sent(value, module=PLAIN, name="F"):
    body = wire.encode_writes(module, [Write({name: value})], ())
    return body.decode().removeprefix('{"data":[{"' + name + '":').removesuffix('}],"trigger":[]}')


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.000000001"), "-0.000000001"),
        (Decimal("1234567890123456.123456789"), "1234567890123456.123456789"),
        (date(2026, 1, 31), '"2026-01-31"'),
        (datetime(2026, 1, 31, 23, 59, 58, 999999, UTC), '"2026-01-31T23:59:58+00:00"'),
        (None, "null"),
        (True, "true"),
        (7, "7"),
        ('Z"\\ü\n', '"Z\\"\\\\ü\\n"'),
    ],
)
def test_values_are_written_as_zoho_takes_them(value, text):
    assert sent(value) == text


def test_lookups_and_bigints_have_their_own_shape():
    assert sent("5725767000000524157", ACCOUNTS, "Parent_Account") == '{"id":"5725767000000524157"}'
    assert sent(None, ACCOUNTS, "Parent_Account") == "null"
    assert sent(10023, ACCOUNTS, "Account_Number") == '"10023"'
    assert sent(None, ACCOUNTS, "Account_Number") == "null"


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), b"bytes"])
def test_what_is_no_value_is_a_bug(value):
    with pytest.raises(TypeError):
        sent(value)


def test_an_update_carries_the_id_and_the_trigger_is_always_there():
    fields = {"Account_Name": "A"}
    body = json.loads(wire.encode_writes(ACCOUNTS, [Write(fields, "77")], ("workflow",)))
    assert body == {"data": [{"Account_Name": "A", "id": "77"}], "trigger": ["workflow"]}
    assert fields == {"Account_Name": "A"}


def test_field_bodies_say_what_the_need_says():
    needs = [
        FieldNeed("Accounts", "GP_ID", "GP ID", "text", 30, None, unique=True, external=True),
        FieldNeed("Accounts", "Balance", "Balance", "currency", 16, 2),
        FieldNeed("Accounts", "Note", "Note", "textarea", 5000),
    ]
    assert json.loads(wire.encode_fields(needs))["fields"] == [
        {
            "field_label": "GP ID",
            "data_type": "text",
            "length": 30,
            "unique": {"case_sensitive": False},
            "external": {"type": "org", "show": False},
        },
        {"field_label": "Balance", "data_type": "currency", "length": 16, "decimal_place": 2},
        {"field_label": "Note", "data_type": "textarea", "textarea": {"type": "large"}},
    ]


def reply(status, body):
    return Reply(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


GOOD = {"code": "SUCCESS", "details": {"id": "1"}, "message": "record added", "status": "success"}
BAD = {"code": "INVALID_DATA", "details": {"api_name": "Phone"}, "message": "invalid data", "status": "error"}


@pytest.mark.parametrize("status", [200, 201, 202, 207, 400])
def test_items_are_read_whatever_the_status(status):
    items = wire.read_items(reply(status, {"data": [GOOD, BAD]}), "data", 2)
    assert [item.code for item in items] == ["SUCCESS", "INVALID_DATA"]
    assert items[0].raw == ""
    assert json.loads(items[1].raw) == BAD


def test_an_answer_about_the_whole_request_has_no_items():
    assert wire.read_items(reply(400, {"code": "INVALID_MODULE", "details": {}}), "data", 2) is None
    assert wire.read_items(reply(500, {"data": [GOOD]}), "data", 1) is None


@pytest.mark.parametrize(
    "answer",
    [
        {"data": [GOOD]},
        {"data": [GOOD, GOOD, GOOD]},
        {"data": [GOOD, None]},
        b"<html><body>Maintenance 1000.abcdef123456.zyx</body></html>",
        b'{"data":[{"code":"SUCC',
        b"[1]",
        b"{}",
        b"",
        b"\xff\xfe",
    ],
)
def test_an_answer_that_cannot_be_counted_on_is_retried(answer):
    with pytest.raises(RetryableError) as caught:
        wire.read_items(reply(200, answer), "data", 2)
    assert "1000." not in str(caught.value)


def test_the_head_of_an_answer_may_be_cut_inside_a_letter():
    assert wire.head(Reply(200, {}, ("x" * 499 + "ü").encode())).startswith("x" * 499)


def test_empty_answers_are_empty():
    assert wire.decode(Reply(204, {"Content-Type": "application/json"}, b"")) == {}
    assert wire.decode(Reply(304, {}, b"")) == {}
    assert wire.exact_rows(Reply(204, {}, b"")) == []


def test_money_is_read_exactly():
    body = b'{"data":[{"id":"1","Balance":1234567890123456.123456789,"Employees":3,"Ok":true}]}'
    assert wire.exact_rows(reply(200, body)) == [
        {"id": "1", "Balance": Decimal("1234567890123456.123456789"), "Employees": 3, "Ok": True}
    ]
    for broken in (b"<html>", b"[]"):
        with pytest.raises(RetryableError):
            wire.exact_rows(reply(200, broken))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-31T10:00:00+05:30", datetime(2026, 1, 31, 4, 30, tzinfo=UTC)),
        ("2026-07-01T00:00:00-05:00", datetime(2026, 7, 1, 5, tzinfo=UTC)),
        ("2026-07-01T00:00:00Z", datetime(2026, 7, 1, tzinfo=UTC)),
        ("2026-07-01T00:00:00", None),
        ("yesterday", None),
        (None, None),
        (5, None),
    ],
)
def test_instants_become_utc(text, at):
    assert wire.instant(text) == at


def test_a_stamp_has_seconds_and_an_offset():
    at = datetime(2026, 1, 31, 10, 0, 0, 900000, timezone(timedelta(hours=5, minutes=30)))
    assert wire.stamp(at) == "2026-01-31T04:30:00+00:00"


def test_the_date_of_an_answer():
    assert wire.http_date(Reply(200, {"Date": "Mon, 23 Nov 2026 00:00:05 GMT"}, b"")) == datetime(
        2026, 11, 23, 0, 0, 5, tzinfo=UTC
    )
    for unread in ({}, {"Date": "soon"}, {"Date": "Mon, 99 Nov 2026 00:00:05 GMT"}):
        with pytest.raises(RetryableError, match="no date"):
            wire.http_date(Reply(200, unread, b""))


# ---- COQL


def test_a_call_that_did_nothing_because_one_record_was_changed_is_told_of_all_its_records():
    """Zoho's OpenAPI description of 412 has one item, however many records were sent."""
    item = {"code": "ALREADY_MODIFIED", "message": "m", "status": "error", "details": {"id": "7"}}
    reply = Reply(412, {}, json.dumps({"data": [item]}).encode())
    items = wire.read_items(reply, "data", 3)
    assert [one.code for one in items] == ["ALREADY_MODIFIED"] * 3
    with pytest.raises(RetryableError, match="1 of 3"):
        wire.read_items(Reply(400, {}, reply.content), "data", 3)


def test_fields_metadata_is_read_leniently():
    fields = [
        {
            "api_name": "GP_ID",
            "field_label": "GP ID",
            "id": "9",
            "data_type": "text",
            "length": 30,
            "unique": {"case_sensitive": False},
            "external": {"type": "org", "show": False},
        },
        {"api_name": "Plain", "data_type": "currency", "decimal_place": 2, "unique": {}, "external": None},
    ]
    first, second = wire.field_metas({"fields": fields})
    assert (first.unique, first.external, first.length, first.label) == (True, True, 30, "GP ID")
    assert (second.unique, second.external, second.decimal_places) == (False, False, 2)


@pytest.mark.parametrize(
    ("entry", "read_only"),
    [
        ({}, False),
        ({"read_only": True}, True),
        ({"field_read_only": True}, True),
        ({"operation_type": {"api_create": False, "api_update": False}}, True),
        ({"operation_type": {"api_create": True, "api_update": False}}, False),
        ({"operation_type": {"web_create": False, "web_update": False}}, False),
        ({"operation_type": None}, False),
    ],
)
def test_what_may_not_be_written_is_read_only(entry, read_only):
    (field,) = wire.field_metas({"fields": [{"api_name": "A", "data_type": "text", **entry}]})
    assert field.read_only is read_only
    assert field.shape().writable is not read_only


@pytest.mark.parametrize(
    ("entry", "choices"),
    [
        ({}, None),
        ({"restricted": True}, None),
        ({"restricted": False, "pick_list_values": [{"display_value": "A"}]}, None),
        ({"pick_list_values": [{"display_value": "A"}]}, None),
        ({"restricted": True, "pick_list_values": []}, set()),
        (
            {
                "restricted": True,
                "pick_list_values": [
                    {"display_value": "A", "actual_value": "a", "type": "used"},
                    {"display_value": "B", "type": "unused"},
                ],
            },
            {"A"},
        ),
    ],
)
def test_only_a_closed_picklist_has_choices(entry, choices):
    (field,) = wire.field_metas({"fields": [{"api_name": "A", "data_type": "picklist", **entry}]})
    assert field.choices == choices


def test_a_lookup_is_its_id_in_both_shapes():
    body = b'{"data":[{"id":"1","Owner":{"id":"7","name":"S","email":"s@x"},"Parent":{"id":"8"},"No":null,"L":[1]}]}'
    assert wire.exact_rows(reply(200, body)) == [
        {"id": "1", "Owner": "7", "Parent": "8", "No": None, "L": [1]}
    ]


def test_a_layout_is_an_id_on_the_wire_even_if_no_list_of_fields_names_it():
    assert sent("55", PLAIN, "Layout") == '{"id":"55"}'


def test_a_fault_of_the_module_is_about_the_whole_request():
    fault = {
        "code": "INVALID_MODULE",
        "details": {"resource_path_index": 0},
        "message": "",
        "status": "error",
    }
    assert wire.read_items(reply(400, {"data": [fault]}), "data", 100) is None
    assert wire.read_items(reply(400, {"data": [fault]}), "data", 1) is None
    assert wire.fault({"data": [fault]}) == fault
    record = {**BAD, "details": {"resource_path_index": 1}}
    assert len(wire.read_items(reply(400, {"data": [record]}), "data", 1)) == 1


@pytest.mark.parametrize(
    "secret",
    [
        "Authorization: Zoho-oauthtoken abc.def-123",
        '{"access_token":"x1000.aaa"}',
        '"refresh_token" : "zzz"',
        "client_secret=abc&code=def",
        "1000.0a1b2c3d4e5f.6a7b8c",
    ],
)
def test_secrets_are_struck_out(secret):
    redacted = wire.redact(f"before {secret} after")
    assert "[struck out]" in redacted
    assert not any(part in redacted for part in ("abc", "aaa", "zzz", "def", "0a1b"))
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")


@pytest.mark.parametrize(
    "body", [{"code": "NEW"}, {"data": None}, {"data": {}}, {"data": [1]}, {"status": "error"}]
)
def test_an_answer_without_its_list_is_not_taken_for_an_empty_one(body):
    with pytest.raises(RetryableError, match="has no list"):
        wire.rows(body)
    assert wire.rows({}) == wire.rows({"data": []}) == []
