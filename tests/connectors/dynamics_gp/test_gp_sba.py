"""The dialect of SBA: paths out, JSON in; whatever comes back is rows, a record or an error of one of our kinds."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.connectors.dynamics_gp import errors, masters, sba, sba_trees, schema
from ml_connector.connectors.dynamics_gp.sba_config import SbaCustomers, SbaVendors
from ml_connector.connectors.dynamics_gp.sba_names import RECORD, known_fields
from ml_connector.connectors.dynamics_gp.soap import AnswerError
from ml_connector.core.errors import ConfigurationError, ConnectorError, RecordRejectedError
from ml_connector.core.record import digest, dump_fields

PLACES = ("Vendors", "Payload", ".")
VENDORS = SbaVendors()
MEGABYTE = 1024 * 1024


def rows(body: bytes | str) -> list:
    return list(sba.read_rows(body.encode() if isinstance(body, str) else body, PLACES, "GET Vendors"))


def one(body: bytes | str):
    return sba.read_object(
        body.encode() if isinstance(body, str) else body, ("Vendor", "Payload", "."), "GET Vendors"
    )


def flat(row: dict, *addresses: dict) -> dict:
    """The fields of a vendor in this JSON."""
    trees = [sba_trees.address_tree(VENDORS.address_paths, address) for address in addresses]
    return schema.flatten(masters.VENDORS, sba_trees.record_tree(VENDORS, row, "GET Vendors", trees))[0]


# -- addresses


IN_C = {"company": "C"}
KEYS = "/Companies({company})/X({key};{after})"
SINCE = "/Companies({company})/X?since={since}"


@pytest.mark.parametrize(
    ("template", "places", "wanted"),
    [
        (VENDORS.list_path, {"company": "Fabrikam, Inc."}, "(Fabrikam%2C%20Inc.)/Purchasing/Vendors"),
        (VENDORS.list_path, {"company": "Foo (Bermuda) LTD"}, "(Foo%20(Bermuda)%20LTD)/Purchasing/Vendors"),
        (VENDORS.list_path, {"company": "Zürich"}, "(Z%C3%BCrich)/Purchasing/Vendors"),
        (
            VENDORS.record_path,
            {**IN_C, "key": "A/B;(1) ?#%"},
            "(C)/Purchasing/Vendors(A%2FB%3B%281%29%20%3F%23%25)",
        ),
        (KEYS, {**IN_C, "key": "A;", "after": "B"}, "(C)/X(A%3B;B)"),
        (VENDORS.record_path, {**IN_C, "key": ("7", "a;b", "2")}, "(C)/Purchasing/Vendors(7;a%3Bb;2)"),
        (SINCE, {**IN_C, "since": "2026-01-31T00:00:00"}, "(C)/X?since=2026-01-31T00%3A00%3A00"),
    ],
)
def test_what_is_put_into_a_path_is_encoded(template, places, wanted):
    target = sba.target("/GPService", template, tenant="DefaultTenant", **places)
    assert target.replace("/Tenants(DefaultTenant)", "") == f"/GPService/Companies{wanted}"


@pytest.mark.parametrize(
    ("template", "name"),
    [
        (VENDORS.list_path, "Vendors"),
        (VENDORS.record_path, "Vendors"),
        (VENDORS.addresses_path, "VendorAddresses"),
        ("/ZohoSync/Purchasing/VendorsModified({since})", "VendorsModified"),
        ("/ZohoSync/Purchasing/VendorsModified?since={since}", "VendorsModified"),
    ],
)
def test_a_call_is_counted_by_its_resource(template, name):
    assert sba.resource_name(template) == name


def test_a_custom_action_is_a_header():
    assert sba.headers() == {"Accept": "application/json"}
    assert sba.headers("LIST")["GP-Custom-Action"] == "LIST"


# -- rows and records


@pytest.mark.parametrize(
    "body",
    [
        '[{"VendorId": "A"}, {"VendorId": "B"}]',
        '\ufeff {"Vendors": [{"VendorId": "A"},\r\n{"VendorId": "B"} ] } ',
        '{"Status": {"Code": 0, "a": [1, "]"]}, "Payload": [{"VendorId": "A"}, {"VendorId": "B"}]}',
        '{"x": "\\"Vendors\\": [", "\\u0056endors": [{"VendorId": "A"}, {"VendorId": "B"}], "y": null}',
    ],
)
def test_rows_stand_in_any_envelope(body):
    assert [row["VendorId"] for row in rows(body)] == ["A", "B"]


def test_a_record_stands_in_any_envelope():
    for body in ('{"Vendor": %s}', '{"Status": {}, "Payload": %s}', '{"Payload": [%s]}', "%s", "[%s]"):
        assert one(body % '{"VendorId": "A"}') == {"VendorId": "A"}
    assert rows("[]") == rows('{"Vendors": [ ]}') == []


def test_numbers_stay_what_gp_wrote():
    (row,) = rows('[{"a": 1234567890123.12345, "b": 0.1, "c": 12, "d": true, "e": null, "f": 1E+2}]')
    assert row == {"a": "1234567890123.12345", "b": "0.1", "c": "12", "d": "true", "e": None, "f": "1E+2"}


def test_values_are_read_as_those_of_soap_are():
    found = flat(
        json.loads(
            '{"VendorId": "ACETRAVE0001   ", "VendorName": "A Travel Company  ", "IsActive": "1", "IsOnHold": "false",'
            ' "MinimumOrder": "12.50000", "CreditLimitType": "2", "CreditLimitAmount": "5000.00", "Comment1": "  ",'
            ' "CreatedDate": "1900-01-01T00:00:00", "ModifiedDate": "/Date(1492128000000+0200)/",'
            ' "PrimaryAddressId": "PRIMARY ", "RemitToAddressId": "REMIT TO"}'
        ),
        {"AddressId": "Primary", "Phone1": "29855501010123", "City": "Sydney", "EmailTo": "a@b.example"},
        {"AddressId": "REMIT TO", "Phone1": "00000000000000", "Address1": "Box 342  "},
    )
    assert found["vendor_id"] == "ACETRAVE0001"
    assert found["name"] == "A Travel Company"
    assert (found["is_active"], found["is_on_hold"], found["is_one_time"]) == (True, False, None)
    assert (found["credit_limit.kind"], found["credit_limit.amount"]) == ("amount", Decimal(5000))
    assert found["minimum_order.amount"] == Decimal("12.5")
    assert (found["comment1"], found["created_at"]) == (None, None)
    assert found["modified_at"] == datetime(2017, 4, 14, tzinfo=UTC)
    assert (found["default.phone1"], found["default.phone1_extension"]) == ("2985550101", "0123")
    assert (found["default.city"], found["default.email"]) == ("Sydney", "a@b.example")
    assert (found["remit_to.line1"], found["remit_to.phone1"]) == ("Box 342", None)
    assert found["purchase.address_id"] is None


@pytest.mark.parametrize(
    ("said", "kind"), [("0", "none"), ("1", "unlimited"), ("2", "amount"), ("Unlimited Credit", "unlimited")]
)
def test_a_credit_limit_is_told_by_gps_codes(said, kind):
    assert flat({"CreditLimitType": said, "CreditLimitAmount": "1"})["credit_limit.kind"] == kind


def test_every_field_that_a_record_may_bring_is_mapped_or_known_to_be_missing():
    for resource, missing in (
        (VENDORS, {"minimum_order.currency", "purchases_account", "payables_account", "credit_limit.currency"}),
        (SbaCustomers(), {"credit_limit.currency", "sales_account", "receivables_account", "cost_of_sales_account"}),
    ):  # fmt: skip
        assert set(known_fields(resource.entity)) - set(RECORD[resource.entity]) == missing


# -- what is no answer

BROKEN = {
    "nothing": "",
    "blanks": " \r\n",
    "a web page": "<!DOCTYPE html><html><body>Runtime Error</body></html>",
    "a page in capitals": "<HTML><BODY>Service Unavailable</BODY></HTML>",
    "XML": "<Vendors/>",
    "a text": '"busy"',
    "a number": "12",
    "null": "null",
    "cut off in a text": '{"Vendors": [{"VendorId": "A',
    "cut off in a row": '{"Vendors": [{"VendorId": "A"}, {"Vend',
    "cut off behind the rows": '{"Vendors": [{"VendorId": "A"}]',
    "more behind the end": "[] []",
    "two documents": '[{"VendorId": "A"}]{"x": 1}',
    "a comma too many": '[{"VendorId": "A"},]',
    "no comma": '[{"VendorId": "A"} {"VendorId": "B"}]',
    "a row that is a text": '["A"]',
    "a row that is a list": "[[[]]]",
    "a row that is null": "[null]",
    "a name twice": '[{"VendorId": "A", "VendorId": "B"}]',
    "a name twice below": '[{"VendorId": "A", "b": {"c": 1, "c": 2}}]',
    "NaN": '[{"VendorId": "A", "MinimumOrder": NaN}]',
    "infinity": '[{"VendorId": "A", "MinimumOrder": -Infinity}]',
    "a bare word": '[{"VendorId": A}]',
    "single quotes": "[{'VendorId': 'A'}]",
    "a comment": '[{"VendorId": "A" /* first */}]',
    "a line break in a text": '[{"VendorId": "A\nB"}]',
    "a zero byte in a text": '[{"VendorId": "A\0B"}]',
    "deep nesting": '[{"a": ' + "[" * 200 + "]" * 200 + "}]",
    "endless nesting": "[" * 1_000_000,
    "endless quotes": '["' + '\\"' * 1_000_000,
    "brackets that cross": '[{"VendorId": ["A"}]',
}
ENCODINGS = ("utf-16", "utf-32", "utf-16-le", "cp037")


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_json_is_an_error_in_words(what):
    with pytest.raises(AnswerError) as told:
        rows(BROKEN[what])
    error = errors.from_json(told.value, "GET Vendors")
    assert error.happened
    assert error.remedy
    assert len(error.happened) < 400


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_another_encoding_is_not_guessed(encoding):
    with pytest.raises(AnswerError):
        rows('[{"VendorId": "Zürich"}]'.encode(encoding))
    with pytest.raises(AnswerError):
        rows('[{"VendorId": "Zürich"}]'.encode("latin-1"))


@pytest.mark.parametrize("body", ["{}", '{"Customers": []}', '{"Vendors": {"a": 1}}', '{"Payload": null}'])
def test_rows_that_are_elsewhere_stop_the_run_and_name_the_setting(body):
    with pytest.raises(ConfigurationError, match="answers with no list") as told:
        rows(body)
    assert "rows_at" in told.value.remedy
    with pytest.raises(ConfigurationError, match="answers with no record"):
        sba.read_object(body.encode(), ("Vendor",), "GET Vendors")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("VendorName", "a\\u0000b"),
        ("VendorName", "\\ud800"),
        ("MinimumOrder", "NaN"),
        ("MinimumOrder", "1e400"),
        ("MinimumOrder", "9" * 60),
        ("IsActive", "perhaps"),
        ("ModifiedDate", "/Date(999999999999999)/"),
        ("ModifiedDate", "/Date(0-9900)/"),
        ("ModifiedDate", "yesterday"),
        ("CreatedDate", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_a_value_that_is_none_holds_its_record(field, text):
    (row,) = rows(f'[{{"VendorId": "A", "{field}": "{text}"}}]')
    with pytest.raises(RecordRejectedError) as told:
        flat(row)
    assert told.value.code == "UNREADABLE_VALUE"
    assert len(told.value.happened) < 500
    told.value.happened.encode()


def test_a_huge_number_is_a_text_and_holds_its_record():
    (row,) = rows('[{"VendorId": "A", "MinimumOrder": %s}]' % ("9" * 100_000))
    with pytest.raises(RecordRejectedError):
        flat(row)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["VendorId", "ModifiedDate", "Vendors", "Payload", "IsActive", "City"]), inner),
    max_leaves=12,
)  # fmt: skip


@given(JSON_VALUES)
def test_json_of_any_shape_is_rows_a_record_or_a_typed_error(value):
    body = json.dumps(value).encode()
    for read in (rows, one):
        try:
            found = read(body)
        except (AnswerError, ConnectorError):
            continue
        for row in found if isinstance(found, list) else [found]:
            try:
                fields = flat(row, row)
            except RecordRejectedError as error:
                error.happened.encode()
                continue
            digest(fields)
            dump_fields(fields)


GOOD = b'{"Status": {"Code": 0}, "Payload": [{"VendorId": "A", "ModifiedDate": "2026-01-31T00:00:00", "x": [1, {}]}]}'


@given(st.data())
def test_a_damaged_answer_is_rows_or_a_typed_error(data):
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, min(len(GOOD), start + 30)))
    damage = data.draw(
        st.sampled_from((b"", b'"', b"[", b"}", b",", b"\\", b"\xff", b"\0", GOOD[start:end] * 2))
    )
    for read in (rows, one):
        try:
            read(GOOD[:start] + damage + GOOD[end:])
        except (AnswerError, ConnectorError):
            continue


@given(st.binary(max_size=200))
def test_any_bytes_are_a_typed_error(body):
    try:
        rows(body)
    except (AnswerError, ConnectorError):
        return
    assert body.strip().startswith((b"[", b"{"))


def test_a_record_beyond_eight_megabytes_is_refused_before_it_is_parsed():
    with pytest.raises(ConfigurationError, match="larger than"):
        rows(b'[{"a": "' + b"x" * 9_000_000 + b'"}]')


def test_a_list_costs_its_bytes_and_one_row():
    body = b"[" + b",".join(b'{"VendorId": "%08d", "a": [[],[],[],[]]}' % n for n in range(20_000)) + b"]"
    tracemalloc.start()
    count = sum(1 for _ in sba.read_rows(body, PLACES, "GET Vendors"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 2 * len(body) + MEGABYTE


def test_days_keep_their_own_zone():
    said = sba.value({"x": "/Date(1492128000000-0500)/"}, "x")
    assert schema.GpField("x", "date", (("x",),)).read({"x": said}) == date(2017, 4, 13)
