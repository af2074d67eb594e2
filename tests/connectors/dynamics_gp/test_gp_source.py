"""The source against a simulated GP: complete lists, whole records, facets, faults, ping."""

from __future__ import annotations

import threading
from concurrent.futures import wait
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, RequestGate
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.connectors.dynamics_gp.masters import ENTITIES
from ml_connector.core.errors import ConfigurationError, RetryableError
from ml_connector.core.ports import Absent, Unreadable
from ml_connector.core.record import Record, fold_key

CONNECTOR = "FABRIKAM\\connector"
COUNT = 3000
PASSWORD = "Sample-Pa55word"


def every_page(read) -> list:
    """The rows of all pages, by ``read(after)``."""
    after, rows = None, []
    while True:
        page = read(after)
        rows += page.rows
        after = page.next_after
        if after is None:
            return rows


def changes(source, entity, since=None) -> list:
    return every_page(lambda after: source.list_changes(entity, since, after))


def readings(source, entity, facet) -> list:
    return every_page(lambda after: source.list_readings(entity, facet, after))


def plan(simulator, kind, operation, count=1) -> None:
    simulator.control("POST", "faults", {"faults": [{"kind": kind, "operation": operation, "count": count}]})


def dump(simulator, table) -> list[dict]:
    return simulator.control("GET", f"{table}?limit=100000")["rows"]


@pytest.fixture(scope="module")
def large():
    """Many vendors, all changed in one and the same second."""
    from ml_connector.simulators.gp import GpOptions, GpSimulator

    with GpSimulator(GpOptions(vendors=COUNT, same_second=True)) as simulator:
        yield simulator


@pytest.mark.parametrize("limit", [7, 500, 1000, 1001, 5000])
def test_a_silent_row_limit_hides_nothing(large, connect, limit):
    large.control("POST", "settings", {"row_limits": {"vendors": limit}})
    large.control("DELETE", "requests")
    source = connect(large)
    since = None
    found = changes(source, "vendors", since)
    assert len(found) == COUNT
    assert {fold_key(change.key) for change in found} == {
        fold_key(row["id"]) for row in dump(large, "vendors")
    }
    assert len({change.at for change in found}) == 1
    lists = large.control("GET", "state")["operations"]["GetVendorList"]
    assert lists <= 2 * -(-COUNT // limit) + 2


def test_a_row_limit_of_one_hides_nothing_either(simulate, connect):
    simulator = simulate(customers=60, row_limit=1)
    assert len(changes(connect(simulator), "customers")) == 60


def test_changes_since_an_instant_include_that_instant(simulate, connect):
    simulator = simulate()
    source = connect(simulator)
    at = datetime(2026, 11, 22, 8, 0, 1, tzinfo=UTC)
    simulator.control(
        "POST", "customers/AARONFIT0001", {"set": {"comment1": "x"}, "modified_at": at.isoformat()}
    )
    assert "AARONFIT0001" in {change.key for change in changes(source, "customers", at)}
    assert "AARONFIT0001" not in {
        change.key for change in changes(source, "customers", at + timedelta(seconds=2))
    }
    found = next(change for change in changes(source, "customers", at) if change.key == "AARONFIT0001")
    assert (found.at, found.name) == (at, "Aaron Fitz Electrical")


def test_records_come_whole_in_the_order_asked(simulate, connect, clock):
    simulator = simulate(customers=200)
    source = connect(simulator)
    keys = [change.key for change in changes(source, "customers")][::-1]
    began_at = clock.now()
    records = list(source.fetch("customers", [*keys[:100], "NOBODY", *keys[100:]]))
    assert [record.key for record in records] == [*keys[:100], "NOBODY", *keys[100:]]
    assert isinstance(records[100], Absent)
    own = {name for name, item in ENTITIES["customers"].fields.items() if not item.facet}
    assert all(set(record.fields) == own for record in records if isinstance(record, Record))
    assert all(record.fetched_at >= began_at for record in records)
    assert simulator.control("GET", "state")["peak_concurrent"] <= 3


def test_a_vendor_is_flat_and_typed(simulate, connect):
    (record,) = connect(simulate()).fetch("vendors", ["ACETRAVE0001"])
    assert record.fields["name"] == "A Travel Company"
    assert record.fields["default.city"] == "Sydney"
    assert record.fields["default.phone1"] == "2985550101"
    assert record.fields["default.phone1_extension"] is None
    assert record.fields["remit_to.line1"] == "Box 342"
    assert record.fields["payment_terms_id"] == "Net 30"
    assert isinstance(record.fields["credit_limit.amount"], Decimal)


@pytest.mark.parametrize(("entity", "limit"), [("customers", 1000), ("vendors", 1000), ("customers", 7)])
def test_address_digests_agree_until_an_address_is_edited(simulate, connect, entity, limit):
    simulator = simulate(customers=60, vendors=60, row_limits={"addresses": limit})
    source = connect(simulator)
    keys = [change.key for change in changes(source, entity)]
    records = {record.key: record for record in source.fetch(entity, keys)}
    listed = {reading.key: reading for reading in readings(source, entity, "addresses")}
    assert set(listed) == set(records)
    assert all(listed[key].digest == records[key].digests["addresses"] for key in keys)
    assert all(not reading.fields for reading in listed.values())
    simulator.control("POST", f"{entity}/{keys[3]}", {"address": {"line1": "1 New Street"}})
    edited = {
        reading.key
        for reading in readings(source, entity, "addresses")
        if reading.digest != listed[reading.key].digest
    }
    assert edited == {keys[3]}


def test_balances_of_customers(simulate, connect):
    simulator = simulate(customers=80, row_limits={"receivables": 30})
    found = {reading.key: reading for reading in readings(connect(simulator), "customers", "receivables")}
    rows = dump(simulator, "customers")
    assert {fold_key(key) for key in found} == {fold_key(row["id"]) for row in rows}
    for row in rows:
        fields = found[row["id"].rstrip()].fields
        assert fields["receivables.balance"] == Decimal(row["balance"])
        assert sum(fields[f"receivables.period{number}"] for number in range(1, 8)) == Decimal(row["balance"])


@pytest.mark.parametrize("limit", [1, 5, 1000])
def test_what_vendors_are_owed(simulate, connect, limit):
    simulator = simulate(vendors=40, row_limits={"payables": limit})
    found = readings(connect(simulator, payables="exact"), "vendors", "payables")
    assert len({reading.key for reading in found}) == len(found)
    owed = {row["id"].rstrip(): Decimal(row["balance"]) for row in dump(simulator, "vendors")}
    documents = [row for row in dump(simulator, "documents") if row["state"] == "Open"]
    counted = {reading.key: reading.fields["payables.open_documents"] for reading in found}
    assert sum(counted.values()) == len(documents)
    exact = [reading for reading in found if reading.fields["payables.basis"] == "exact"]
    assert exact
    assert all(reading.fields["payables.balance"] == owed[reading.key] for reading in exact)
    assert {key for key, balance in owed.items() if balance} <= set(counted)


def test_without_exactness_payables_say_that_they_are_estimated(simulate, connect):
    found = readings(connect(simulate(vendors=40)), "vendors", "payables")
    assert {
        reading.fields["payables.basis"] for reading in found if reading.fields["payables.open_documents"]
    } == {"estimated"}


@pytest.mark.parametrize("kind", ["drop", "cut_after_work", "http_500", "html_200", "garbage_xml"])
def test_what_passes_by_itself_is_asked_again(simulate, connect, kind):
    simulator = simulate()
    source = connect(simulator)
    plan(simulator, kind, "GetCustomerByKey")
    (record,) = source.fetch("customers", ["AARONFIT0001"])
    assert isinstance(record, Record)
    plan(simulator, kind, "GetVendorList")
    assert changes(source, "vendors")


@pytest.mark.parametrize("kind", ["http_503", "html_200", "garbage_xml"])
def test_what_does_not_pass_stops_the_reading(simulate, connect, kind):
    simulator = simulate()
    source = connect(simulator)
    plan(simulator, kind, "*", count=50)
    with pytest.raises(RetryableError):
        list(source.fetch("customers", ["AARONFIT0001", "ADAMPARK0001"]))
    with pytest.raises(RetryableError):
        source.list_changes("vendors", None, None)


def test_a_validation_fault_holds_one_record_with_its_reasons(simulate, connect):
    simulator = simulate()
    source = connect(simulator)
    plan(simulator, "soap_validation_fault", "GetCustomerByKey")
    held, fine = source.fetch("customers", ["AARONFIT0001", "AARONFIT0001"])
    held, fine = sorted((held, fine), key=lambda result: isinstance(result, Record))
    assert isinstance(held, Unreadable)
    assert held.error.code == "VALIDATION"
    assert "does not meet a rule of this company" in held.error.happened
    assert "error number 5432" in held.error.happened
    assert "A validation exception has occurred" in held.error.answer
    assert "error number 5432" in held.error.answer
    assert isinstance(fine, Record)


@pytest.mark.parametrize(("count", "expected"), [(1, Record), (2, Unreadable)])
def test_a_system_fault_is_tried_twice(simulate, connect, count, expected):
    simulator = simulate()
    source = connect(simulator)
    plan(simulator, "soap_system_fault", "GetCustomerByKey", count)
    (result,) = source.fetch("customers", ["AARONFIT0001"])
    assert isinstance(result, expected)


def test_a_fault_in_no_table_is_held_with_gps_own_words_but_its_secrets(simulate, connect):
    simulator = simulate()
    plan(simulator, "soap_foreign_fault", "GetCustomerByKey", 2)
    (held,) = connect(simulator).fetch("customers", ["AARONFIT0001"])
    assert isinstance(held, Unreadable)
    assert held.error.code == "UNKNOWN_FAULT"
    assert "Unerwarteter Fehler des Anbieters" in held.error.happened
    assert "<faultcode>s:Client</faultcode>" in held.error.answer
    assert "Server=GPSQL;User ID=sa;Password=[struck out]" in held.error.answer
    assert "Pa55word" not in str(held.error) + held.error.answer


def test_system_faults_without_end_are_not_the_records_fault(simulate, connect):
    simulator = simulate(customers=60)
    source = connect(simulator)
    keys = [change.key for change in changes(source, "customers")]
    plan(simulator, "soap_system_fault", "GetCustomerByKey", 1000)
    with pytest.raises(RetryableError, match="in a row"):
        list(source.fetch("customers", keys))


def test_a_system_fault_of_a_list_passes(simulate, connect):
    simulator = simulate()
    plan(simulator, "soap_system_fault", "GetVendorList")
    with pytest.raises(RetryableError, match="hides why"):
        connect(simulator).list_changes("vendors", None, None)


def test_a_missing_right_names_operation_and_place(simulate, connect):
    simulator = simulate(denied_operations={CONNECTOR: ("GetVendorList", "GetCustomerByKey")})
    source = connect(simulator)
    with pytest.raises(ConfigurationError, match="GetVendorList") as caught:
        source.list_changes("vendors", None, None)
    assert "Dynamics Security Console" in caught.value.remedy
    with pytest.raises(ConfigurationError, match="GetCustomerByKey"):
        list(source.fetch("customers", ["AARONFIT0001"]))


def test_an_unknown_company_is_told_by_list_and_by_key(simulate, connect):
    source = connect(simulate(), company_id=77)
    with pytest.raises(ConfigurationError, match="company 77"):
        source.list_changes("vendors", None, None)
    with pytest.raises(ConfigurationError, match="company 77"):
        list(source.fetch("vendors", ["ACETRAVE0001"]))


def test_an_empty_company_is_empty(simulate, connect):
    source = connect(simulate(), company_id=2)
    assert changes(source, "customers") == []
    assert readings(source, "customers", "receivables") == []
    assert readings(source, "vendors", "payables") == []


def test_a_reading_that_is_given_up_leaves_no_call_behind(simulate, connect):
    simulator = simulate(customers=150)
    source = connect(simulator)
    keys = [change.key for change in changes(source, "customers")]
    running = source.fetch("customers", keys)
    next(running)
    running.close()
    assert simulator.control("GET", "state")["in_flight"] == 0
    assert list(source.fetch("customers", keys[:2]))


def test_closing_ends_all_threads(simulate, connect):
    source = connect(simulate())
    list(source.fetch("customers", ["AARONFIT0001"]))
    source.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("gp_")]


def test_ping_finds_all_in_order(simulate, connect):
    checks = connect(simulate(), payables="exact").checks()
    assert all(check.ok for check in checks), checks
    names = [check.name for check in checks]
    assert names[:3] == ["reach GP", "sign in", "company"]
    assert {"GetCustomerByKey", "GetPayablesDocumentList", "GetPayablesInvoiceByKey", "clock"} <= set(names)
    assert "ntlm" in checks[1].detail


@pytest.mark.parametrize(
    ("options", "settings", "failed"),
    [
        ({}, {"password": "wrong"}, {"reach GP"}),
        ({"denied_operations": {CONNECTOR: ("GetVendorList",)}}, {}, {"GetVendorList"}),
        ({"clock_offset_seconds": 900.0}, {}, {"clock"}),
    ],
)
def test_ping_names_what_is_wrong(simulate, connect, options, settings, failed):
    checks = connect(simulate(**options), **settings).checks()
    assert {check.name for check in checks if not check.ok} == failed
    assert all(check.remedy for check in checks if not check.ok)


def test_ping_names_the_companies_that_are_there(simulate, connect):
    company = next(check for check in connect(simulate(), company_id=77).checks() if check.name == "company")
    assert not company.ok
    assert "-1 (Fabrikam, Inc.)" in company.detail


def test_the_clocks_are_compared(simulate, connect):
    assert connect(simulate(clock_offset_seconds=-120.0)).clock_difference() == pytest.approx(-120, abs=3)


class Rewritten:
    """A proxy on the way that writes a Date of its own."""

    mechanism = "ntlm"
    downgrade = ""

    def __init__(self, inner, date):
        self._inner, self._date = inner, date
        self.close = inner.close

    def post(self, body, headers, timeout_seconds):
        answer = self._inner.post(body, headers, timeout_seconds)
        return replace(answer, headers={**answer.headers, "date": self._date})


@pytest.mark.parametrize(
    "date", ["", "soon", "Mon, 99 Nov 2026 00:00:05 GMT", "Fri, 31 Dec 9999 23:59:59 -1200"]
)
def test_a_date_that_cannot_be_read_is_no_date(simulate, opened, tmp_path, clock, date):
    config = GpConfig(endpoint=simulate().endpoint, company_id=-1, user="FABRIKAM\\connector")
    gate = opened.enter_context(closing(RequestGate(tmp_path / "gate", config.max_requests, 0.0, clock)))
    transport = Rewritten(WindowsTransport(config, lambda: PASSWORD), date)
    client = opened.enter_context(closing(GpClient(config, lambda: PASSWORD, gate, clock, transport)))
    assert client.clock_difference() == 0


def test_what_was_read_ahead_in_vain_is_read_again(simulate, connect):
    """GP is away while keys are read ahead: the failures do not outlive it."""
    simulator = simulate()
    source = connect(simulator)
    keys = [row["id"].rstrip() for row in simulator.control("GET", "customers?limit=60")["rows"]]
    fault = {"kind": "http_503", "operation": "GetCustomerByKey", "count": 10_000}
    simulator.control("POST", "faults", {"faults": [fault]})
    source.read_ahead("customers", keys)
    with pytest.raises(RetryableError):
        list(source.fetch("customers", keys))
    simulator.control("DELETE", "faults")
    assert [record.key.rstrip() for record in source.fetch("customers", keys)] == keys


def test_a_failed_reading_ahead_is_not_taken(simulate, connect):
    simulator = simulate()
    source = connect(simulator)
    simulator.control(
        "POST", "faults", {"faults": [{"kind": "http_503", "operation": "GetCustomerByKey", "count": 1}]}
    )
    source.read_ahead("customers", ["AARONFIT0001"])
    wait(source._begun.values())
    [record] = source.fetch("customers", ["AARONFIT0001"])
    assert isinstance(record, Record)


def test_what_was_asked_is_counted(simulate, connect):
    source = connect(simulate())
    list(source.fetch("customers", ["AARONFIT0001", "NOBODY"]))
    assert source.cost().calls == {"GetCustomerByKey": 2}
    assert source.cost().seconds >= 0


def test_a_process_goes_on_with_a_whole_listing_that_another_began(simulate, connect):
    simulator = simulate(customers=3000)
    begun = connect(simulator).list_changes("customers", None, None)
    after, keys = begun.next_after, [change.key for change in begun.rows]
    source = connect(simulator)
    while after is not None:
        page = source.list_changes("customers", None, after)
        after, keys = page.next_after, keys + [change.key for change in page.rows]
    assert len(keys) == len(set(keys)) == simulator.control("GET", "customers?limit=1")["total"]
