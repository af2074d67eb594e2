"""Whatever either service answers, the source raises only what its port promises."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpSource, RequestGate, SbaReader, soap
from ml_connector.connectors.dynamics_gp.lanes import Answer
from ml_connector.core.errors import ConfigurationError, ConnectorError, RetryableError

NOW = datetime(2026, 11, 27, tzinfo=UTC)
BY_SBA = ["vendors", "gl_accounts", "journal_entries"]


class Answering:
    """Stands in for the transport: answers everything with one answer."""

    mechanism = "none"
    downgrade = ""
    answer = Answer(200, {}, (), b"[]")

    def get(self, target, headers, timeout_seconds):
        return self.answer

    def post(self, body, headers, timeout_seconds, target=""):
        return self.answer

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def answering(tmp_path_factory):
    transport = Answering()
    sba = {"entities": BY_SBA, "address": "http://gp/GPService", "company": "C"}
    custom = {"list_path": "/List({after})", "record_path": "/One({key})", "whole": True}
    resources = {
        "vendors": {"address_list_path": "/VendorAddresses", "whole": True},
        "gl_accounts": {**custom, "fields": {"segment.1": "Segment1"}},
        "journal_entries": custom,
    }
    config = GpConfig.model_validate(
        {"endpoint": "http://gp/DynamicsGPService.asmx", "company_id": -1, "user": "D\\u"}
        | {"sba": sba | {"resources": resources}}
    )
    clock = NoWait()
    with closing(RequestGate(tmp_path_factory.mktemp("gate"), 2, 0.0, clock)) as gate:
        client = GpClient(config, lambda: "x", gate, clock, transport)
        with closing(GpSource(client, SbaReader(config.sba, client, transport))) as source:
            yield transport, source


class NoWait:
    def now(self) -> datetime:
        return NOW

    def sleep(self, seconds: float) -> None:
        pass


STATUSES = st.sampled_from(
    [200, 200, 200, 204, 301, 400, 401, 403, 404, 405, 409, 415, 422, 429, 500, 500, 502, 503, 599]
)
HEADERS = st.sampled_from(
    [{}, {"retry-after": "30"}, {"retry-after": "9" * 400}, {"retry-after": "٣"}, {"date": "x"}]
)
TEXTS = st.sampled_from(
    ["A", "a", "", " ", "\0", "\ud800", "1900-01-01T00:00:00", "9999-12-31T23:59:59-23:00", "NaN", "x" * 500]
)
NAMES = ["VendorId", "ModifiedDate", "VendorName", "OwnerId", "AddressId", "MinimumOrder", "Addresses"]
LEDGER_NAMES = [
    "AccountNumber",
    "JournalId",
    "Date",
    "TransactionState",
    "DebitAmount",
    "IsUnitAccount",
    "Segment1",
]
SCALARS = TEXTS | st.none() | st.integers() | st.booleans()
ROWS = st.dictionaries(st.sampled_from(NAMES), SCALARS | st.lists(TEXTS, max_size=2), max_size=5)
LINES = st.dictionaries(st.sampled_from(LEDGER_NAMES), SCALARS | st.lists(TEXTS, max_size=2), max_size=5)
#: Often enough one whose key and lines can be read.
ENTRIES = st.builds(
    lambda row, lines, state: {
        "AccountNumber": "A", "JournalId": 7, "Date": "2026-01-01", "TransactionState": state, "Lines": lines, **row,
    },
    LINES, st.lists(LINES, max_size=2) | SCALARS, st.sampled_from(["Work", "Open", "History", "x", None]),
)  # fmt: skip
JSON = st.one_of(
    st.binary(max_size=60),
    st.lists(ROWS, max_size=3).map(lambda rows: json.dumps({"Vendors": rows}).encode()),
    ROWS.map(lambda row: json.dumps({"Vendor": row}).encode()),
    st.lists(ENTRIES, max_size=2).map(lambda rows: json.dumps({"Payload": rows}).encode()),
    ENTRIES.map(lambda row: json.dumps({"Payload": row}).encode()),
    st.sampled_from([b"<html>busy</html>", b"", b"[", b'{"Message": "password=geheim"}']),
)


def told(call) -> ConnectorError | None:
    """The error that a call ends with; any other exception than those the port names goes through."""
    try:
        call()
    except (ConfigurationError, RetryableError) as error:
        return error
    return None


def assert_in_words(error: ConnectorError | None) -> None:
    if error is None:
        return
    assert error.happened
    assert error.remedy
    assert "password=geheim" not in str(error)
    str(error).encode()
    wait = getattr(error, "after_seconds", None)
    assert wait is None or wait <= 86_400


FIXTURE_IS_SHARED = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@FIXTURE_IS_SHARED
@given(status=STATUSES, headers=HEADERS, body=JSON)
def test_any_answer_of_sba_is_records_or_an_error_that_the_port_names(answering, status, headers, body):
    transport, source = answering
    transport.answer = Answer(status, headers, (), body)
    assert_in_words(told(lambda: source.list_readings("vendors", "addresses", None)))
    for entity in BY_SBA:
        for since in (NOW, None):
            assert_in_words(told(lambda e=entity, s=since: source.list_changes(e, s, None)))
        assert_in_words(told(lambda e=entity: list(source.fetch(e, ["A", "7/2026-01-01"]))))
        assert_in_words(told(lambda e=entity: source.list_changes(e, None, "7/2026-01-01")))


MEMBERS = st.dictionaries(
    st.sampled_from(["Name", "ModifiedDate", "IsActive", "CreditLimit", "Aging", "Addresses"]),
    st.sampled_from(["", "A", "perhaps", "1900-01-01T00:00:00", "9999-12-31T23:59:59-23:00", "<a/>"]),
    max_size=3,
)
ELEMENTS = st.sampled_from(
    ["CustomerSummary", "CustomerReceivablesSummary", "CustomerAddressSummary", "Company"]
)
OPERATIONS = [
    "GetCustomerList",
    "GetCustomerByKey",
    "GetCustomerReceivablesSummaryList",
    "GetCustomerAddressList",
]


@st.composite
def envelopes(draw) -> bytes:
    """An answer to some operation, with some rows or members."""
    operation, rows = draw(st.sampled_from(OPERATIONS)), []
    for key in draw(st.lists(st.sampled_from(["A", "a ", "B", "", "C"]), max_size=3)):
        element, members = draw(ELEMENTS), draw(MEMBERS)
        inside = "".join(f"<{name}>{text}</{name}>" for name, text in members.items())
        keyed = f"<Key><CustomerKey><Id>{key}</Id></CustomerKey><Id>{key}</Id></Key>"
        rows.append(f"<{element}>{keyed}{inside}</{element}>" if draw(st.booleans()) else inside)
    fault = "<s:Fault><faultstring>password=geheim</faultstring></s:Fault>"
    result = f"<{operation}Result>{''.join(rows)}</{operation}Result>"
    answer = f'<{operation}Response xmlns="{soap.GP}">{result}</{operation}Response>'
    body = fault if draw(st.integers(0, 5)) == 0 else answer
    return f'<s:Envelope xmlns:s="{soap.ENVELOPE}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


@FIXTURE_IS_SHARED
@given(status=STATUSES, headers=HEADERS, body=envelopes() | st.binary(max_size=60))
def test_any_answer_of_soap_is_records_or_an_error_that_the_port_names(answering, status, headers, body):
    transport, source = answering
    transport.answer = Answer(status, headers, (), body)
    assert_in_words(told(lambda: source.list_changes("customers", NOW, None)))
    assert_in_words(told(lambda: source.list_changes("customers", None, None)))
    for facet in ("addresses", "receivables"):
        assert_in_words(told(lambda facet=facet: source.list_readings("customers", facet, None)))
    assert_in_words(told(lambda: list(source.fetch("customers", ["A", "B"]))))
