"""Reading by SBA against the simulator: ways to ask for changes, envelopes, failing calls, what it costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ml_connector.connectors.dynamics_gp.sba_config import SbaConfig
from ml_connector.core.errors import ConfigurationError, RetryableError
from ml_connector.core.ports import Absent, Unreadable
from ml_connector.core.record import Record
from ml_connector.simulators.gp import Account

HERE = "/Tenants({tenant})/Companies({company})"
OURS = f"{HERE}/ZohoSync/Purchasing"
NOW = datetime(2026, 11, 27, 12, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
VENDOR = "ACETRAVE0001"


@pytest.fixture
def by_sba(simulate, connect):
    """A simulator and a source that reads its vendors by SBA; the resource's settings, and the simulator's options."""

    def start(resource=None, sba=None, **options):
        simulator = simulate(**options)
        wanted = {"entities": ["vendors"], "address": simulator.sba_address, "company": "Fabrikam, Inc."}
        settings = wanted | (sba or {}) | {"resources": {"vendors": resource or {}}}
        return simulator, connect(simulator, sba=settings)

    return start


def operations(source):
    return dict(source.cost().calls)


@pytest.mark.parametrize("envelope", ["bare", "resource", "payload"])
def test_a_record_by_sba_is_the_record_by_soap(by_sba, connect, envelope):
    simulator, source = by_sba(sba_envelope=envelope)
    (by_soap,) = connect(simulator).fetch("vendors", [VENDOR])
    (found,) = source.fetch("vendors", [VENDOR.lower()])
    assert found.key == by_soap.key == VENDOR
    differ = {name for name, value in by_soap.fields.items() if found.fields[name] != value}
    money = {"minimum_order.currency", "credit_limit.currency"}  # no default says where a currency stands
    assert differ <= {"purchases_account", "payables_account", *money}


def test_customers_too(simulate, connect):
    simulator = simulate()
    sba = {"entities": ["customers"], "address": simulator.sba_address, "company": "Fabrikam, Inc."}
    (by_soap,) = connect(simulator).fetch("customers", ["AARONFIT0001"])
    (found,) = connect(simulator, sba=sba).fetch("customers", ["AARONFIT0001"])
    differ = {name for name, value in by_soap.fields.items() if found.fields[name] != value}
    assert differ <= {
        "sales_account",
        "receivables_account",
        "cost_of_sales_account",
        "credit_limit.currency",
    }
    assert found.fields["salesperson_id"] == "PAUL W."


@pytest.mark.parametrize(
    ("resource", "operation"),
    [
        ({}, "GET Vendors"),
        ({"changed_path": f"{OURS}/VendorsModified({{since}})"}, "GET VendorsModified"),
        ({"changed_path": f"{OURS}/VendorsModified?since={{since}}"}, "GET VendorsModified"),
        ({"changed_path": f"{OURS}/VendorsModified", "since_header": "X-Modified-Since"}, "GET VendorsModified"),
        ({"list_path": f"{OURS}/VendorsModified", "since_header": "X-Modified-Since"}, "GET VendorsModified"),
        ({"changed_path": f"{OURS}/VendorsModified({{since}})", "since_form": "%Y-%m-%dT%H:%M"}, "GET VendorsModified"),
        ({"changed_path": f"{OURS}/VendorsModified({{since}})", "action": "LIST"}, "POST VendorsModified"),
    ],
)  # fmt: skip
def test_changes_are_asked_for_wherever_the_date_goes(by_sba, resource, operation):
    simulator, source = by_sba(resource)
    for number in range(3):
        at = (NOW + number * MINUTE).isoformat()
        simulator.control("POST", "vendors", {"id": f"NEW{number}", "name": "New", "modified_at": at})
    page = source.list_changes("vendors", NOW + MINUTE, None)
    assert {(c.key, c.at) for c in page.rows} >= {("NEW1", NOW + MINUTE), ("NEW2", NOW + 2 * MINUTE)}
    assert len(page.rows) <= 3
    assert page.next_after is None
    assert operations(source) == {operation: 1}


def test_a_row_without_an_instant_may_have_changed_but_an_empty_date_is_old(by_sba):
    simulator, source = by_sba()
    simulator.control("POST", "vendors", {"id": "NODATE", "name": "x", "modified_at": "1900-01-01T00:00:00"})
    assert "NODATE" not in {change.key for change in source.list_changes("vendors", NOW, None).rows}
    assert "NODATE" in {change.key for change in source.list_changes("vendors", None, None).rows}
    _, other = by_sba({"fields": {"modified_at": ""}})
    known = other.list_changes("vendors", NOW, None).rows
    assert len(known) == simulator.control("GET", "vendors?limit=1")["total"] - 1
    assert {change.at for change in known} == {None}


def test_whole_records_of_a_list_are_not_read_once_more(by_sba):
    ours = {"list_path": f"{OURS}/VendorPages({{after}})", "whole": True, "addresses_path": ""}
    _, source = by_sba({**ours, "record_path": f"{OURS}/Vendors({{key}})"})
    page = source.list_changes("vendors", None, None)
    assert page.next_after is not None
    assert source.list_changes("vendors", None, page.next_after).rows == []
    keys = [change.key for change in page.rows]
    found = list(source.fetch("vendors", keys))
    assert [record.key for record in found] == keys
    assert operations(source) == {"GET VendorPages": 2}
    source.forget_ahead()
    assert [record.fields for record in source.fetch("vendors", keys[:2])] == [r.fields for r in found[:2]]
    assert operations(source)["GET Vendors"] == 2


def test_facets_by_soap_stand_beside_an_entity_by_sba(by_sba):
    _, source = by_sba()
    (record,) = source.fetch("vendors", [VENDOR])
    assert isinstance(record, Record)
    assert record.digests == {}, "the addresses of two dialects are not compared with each other"
    owed = {r.key: r for r in source.list_readings("vendors", "payables", None).rows}
    assert owed[VENDOR].fields["payables.balance"] is not None
    assert source.list_readings("vendors", "addresses", None).rows
    spent = operations(source)
    assert spent.keys() == {
        "GET Companies", "GET Vendors", "GET VendorAddresses", "GetPayablesDocumentList", "GetVendorAddressList",
    }  # fmt: skip
    assert spent["GET Vendors"] == spent["GET VendorAddresses"] == 1


def test_a_page_of_the_web_server_does_not_say_that_a_record_is_gone(by_sba):
    """While GPService restarts, the web server itself answers for its paths."""
    _, source = by_sba({"record_path": f"{HERE}/Purchasing/Nowhere({{key}})"})
    with pytest.raises(ConfigurationError, match="SBA has nothing at"):
        list(source.fetch("vendors", [VENDOR]))


def test_a_path_of_addresses_that_leads_nowhere_is_told_and_empties_nothing(by_sba):
    _, source = by_sba({"addresses_path": f"{HERE}/Purchasing/Vendors({{key}})/Addresses"})
    with pytest.raises(ConfigurationError, match=r"SBA has nothing at .*/Addresses"):
        list(source.fetch("vendors", [VENDOR]))
    failed = [check for check in source.checks(["vendors"]) if not check.ok]
    assert [check.name for check in failed] == ["one of vendors by SBA"]


def test_what_is_gone_is_absent_and_an_unknown_company_is_not(by_sba):
    _, source = by_sba()
    assert isinstance(next(iter(source.fetch("vendors", ["NOBODY"]))), Absent)
    _, other = by_sba(sba={"company": "Fabrikam"})
    with pytest.raises(ConfigurationError, match="SBA has nothing at") as told:
        list(other.fetch("vendors", [VENDOR]))
    assert "company" in told.value.remedy
    _, third = by_sba(sba={"tenant": "Other"})
    with pytest.raises(ConfigurationError, match="The tenant is not known"):
        third.list_changes("vendors", None, None)


def test_no_right_says_what_to_give(by_sba):
    denied = {"FABRIKAM\\connector": ("GET Vendors",)}
    _, source = by_sba(denied_operations=denied)
    for call in (
        lambda: source.list_changes("vendors", None, None),
        lambda: list(source.fetch("vendors", ["A"])),
    ):
        with pytest.raises(ConfigurationError, match="does not let the account read GET Vendors") as told:
            call()
        assert "GP user" in told.value.remedy
    elsewhere = (Account("FABRIKAM", "connector", "Sample-Pa55word", companies=(2,)),)
    _, other = by_sba(accounts=elsewhere)
    with pytest.raises(ConfigurationError, match="access to the company"):
        other.list_changes("vendors", None, None)


def test_a_wrong_password_is_refused_by_either_service(simulate, connect):
    simulator = simulate()
    sba = {"entities": ["vendors"], "address": simulator.sba_address, "company": "Fabrikam, Inc."}
    source = connect(simulator, password="wrong", sba=sba)
    for _ in range(3):
        with pytest.raises(ConfigurationError, match="refuses the user"):
            source.list_changes("vendors", None, None)
    assert simulator.control("GET", "state")["failed_sign_ins"] == {"FABRIKAM\\connector": 1}


@pytest.mark.parametrize(
    ("kind", "expected", "words"),
    [
        ("http_500", RetryableError, "not ready"),
        ("http_503", RetryableError, "not ready"),
        ("html_200", RetryableError, "web page"),
        ("garbage_xml", RetryableError, "not whole JSON"),
        ("cut_after_work", RetryableError, "broke off"),
        ("drop", RetryableError, "broke off"),
        ("soap_system_fault", RetryableError, "failed in GET Vendors"),
        ("soap_validation_fault", ConfigurationError, "refused GET Vendors"),
        ("soap_foreign_fault", RetryableError, "Unerwarteter Fehler"),
    ],
)
def test_a_failing_list_is_told_in_words(by_sba, kind, expected, words):
    simulator, source = by_sba()
    simulator.control("POST", "faults", {"faults": [{"kind": kind, "operation": "GET Vendors", "count": 9}]})
    with pytest.raises(expected, match=words) as told:
        source.list_changes("vendors", None, None)
    assert told.value.remedy
    assert "Pa55word" not in str(told.value)
    simulator.control("DELETE", "faults")
    assert source.list_changes("vendors", None, None).rows


HOLDS = {
    "soap_system_fault": "SBA_FAILED",
    "soap_foreign_fault": "SBA_FAILED",
    "soap_validation_fault": "SBA_REFUSED",
}


@pytest.mark.parametrize("kind", HOLDS)
def test_a_failing_record_is_held(by_sba, kind):
    simulator, source = by_sba()
    simulator.control("POST", "faults", {"faults": [{"kind": kind, "operation": "GET Vendors", "count": 9}]})
    (held,) = source.fetch("vendors", [VENDOR])
    assert isinstance(held, Unreadable)
    assert held.error.code == HOLDS[kind]
    assert "Pa55word" not in held.error.answer + held.error.happened
    simulator.control("DELETE", "faults")
    assert isinstance(next(iter(source.fetch("vendors", [VENDOR]))), Record)


def test_failures_in_a_row_are_not_the_records_fault(by_sba):
    simulator, source = by_sba()
    plan = [{"kind": "soap_system_fault", "operation": "GET Vendors", "count": 999}]
    simulator.control("POST", "faults", {"faults": plan})
    with pytest.raises(RetryableError, match="in a row"):
        list(source.fetch("vendors", [f"V{number}" for number in range(12)]))


def test_one_failure_is_asked_again(by_sba):
    simulator, source = by_sba()
    plan = [{"kind": "soap_system_fault", "operation": "GET Vendors"}]
    simulator.control("POST", "faults", {"faults": plan})
    (record,) = source.fetch("vendors", [VENDOR])
    assert isinstance(record, Record)
    assert operations(source)["GET Vendors"] == 2


SLOW = {"timeout_seconds": 1, "list_timeout_seconds": 1}


def test_a_cold_start_is_no_outage(simulate, connect):
    """GP needs longer to start than an answer may take; only the first call after a pause may take that long."""
    simulator = simulate(cold_start_seconds=2)
    sba = {"entities": ["vendors"], "address": simulator.sba_address, "company": "Fabrikam, Inc."}
    source = connect(simulator, sba={**sba, "first_timeout_seconds": 600}, **SLOW)
    assert source.list_changes("vendors", None, None).rows


def test_a_cold_start_that_takes_for_ever_is_one(simulate, connect):
    simulator = simulate(cold_start_seconds=3600)
    sba = {"entities": ["vendors"], "address": simulator.sba_address, "company": "Fabrikam, Inc."}
    source = connect(simulator, sba={**sba, "first_timeout_seconds": 1.5}, **SLOW)
    with pytest.raises(RetryableError, match=r"did not answer within 1\.5 seconds"):
        source.list_changes("vendors", None, None)


def test_a_service_that_starts_is_waited_for(by_sba):
    _, source = by_sba(cold_start_seconds=600, sba_starting="503")
    with pytest.raises(RetryableError, match="SBA is not ready") as told:
        source.list_changes("vendors", None, None)
    assert "GPService" in told.value.remedy


def test_a_page_that_comes_again_is_an_error_and_no_loop(by_sba):
    _, source = by_sba({"list_path": f"{OURS}/VendorsModified?x={{after}}"})
    page = source.list_changes("vendors", None, None)
    with pytest.raises(ConfigurationError, match="again, though"):
        source.list_changes("vendors", None, page.next_after)


def test_a_whole_list_in_pages_is_compared_to_its_end(by_sba):
    """Pages of which nothing is new are no end of the list."""
    simulator, source = by_sba({"list_path": f"{OURS}/VendorPages({{after}})"}, vendors=2300)
    simulator.control("POST", "vendors", {"id": "ZZZ", "name": "Last", "modified_at": "2031-01-01T00:00:00"})
    found, after, pages = [], None, 0
    while True:
        page = source.list_changes("vendors", datetime(2030, 1, 1, tzinfo=UTC), after)
        found, after, pages = [*found, *page.rows], page.next_after, pages + 1
        if after is None:
            break
    assert [change.key for change in found] == ["ZZZ"]
    assert pages == 4  # three with rows, and the one that ends it


def test_a_record_that_a_list_names_twice_is_an_error(by_sba):
    _, source = by_sba(
        {"list_path": f"{HERE}/Purchasing/VendorAddresses", "fields": {"vendor_id": "OwnerId"}}
    )
    with pytest.raises(ConfigurationError, match="'ACETRAVE0001' twice"):
        source.list_changes("vendors", None, None)


def test_fields_that_are_elsewhere_are_named(by_sba):
    _, source = by_sba({"fields": {"vendor_id": "VENDORID"}})
    with pytest.raises(ConfigurationError, match="has no key where") as told:
        source.list_changes("vendors", None, None)
    assert "fields" in told.value.remedy


def test_another_record_than_the_one_asked_for_stops_the_run(by_sba):
    _, source = by_sba({"record_path": f"{HERE}/Purchasing/Vendors(ADVANCED0001)?x={{key}}"})
    with pytest.raises(ConfigurationError, match="though 'ACETRAVE0001' was asked for"):
        list(source.fetch("vendors", [VENDOR]))


def test_ping_says_which_dialect_serves_an_entity_and_tries_it(by_sba):
    listed = {"address_list_path": f"{HERE}/Purchasing/VendorAddresses"}
    _, source = by_sba(listed)
    checks = source.checks(["vendors", "customers"])
    assert all(check.ok for check in checks), checks
    names = [check.name for check in checks]
    assert {"vendors by SBA", "one of vendors by SBA", "addresses of vendors by SBA"} <= set(names)
    assert "GetCustomerByKey" in names
    assert not {"GetVendorList", "GetVendorByKey", "GetVendorAddressList"} & set(names)
    _, other = by_sba({"record_path": f"{HERE}/Purchasing/Suppliers({{key}})", "fields": {"name": ""}})
    failed = [check for check in other.checks(["vendors"]) if not check.ok]
    assert [check.name for check in failed] == ["one of vendors by SBA"]


def test_the_gate_holds_for_both_dialects(by_sba):
    simulator, source = by_sba(vendors=60, latency_seconds=0.01)
    keys = [change.key for change in source.list_changes("vendors", None, None).rows]
    source.read_ahead(
        "customers", [row["id"] for row in simulator.control("GET", "customers?limit=20")["rows"]]
    )
    assert len(list(source.fetch("vendors", keys))) == len(keys)
    assert simulator.control("GET", "requests?limit=1")["peak_concurrent"] <= 3


def test_a_server_that_signs_in_every_request(by_sba):
    _, source = by_sba(auth_per_request=True)
    assert source.list_changes("vendors", None, None).rows
    assert isinstance(next(iter(source.fetch("vendors", [VENDOR]))), Record)


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ({"list_path": "Vendors"}, "begins with /"),
        ({"list_path": "/Vendors({id})"}, "{id} is not known"),
        ({"list_path": "/Vendors({"}, "a path has"),
        ({"address_list_path": "/VendorAddresses({after})"}, "{after} is not known here"),
        ({"addresses_path": "/VendorAddresses({since})"}, "{since} is not known here"),
        ({"record_path": "/Vendors"}, "needs {key}"),
        ({"changed_path": "/Vendors"}, "needs {since}"),
        ({"fields": {"vendor_name": "x"}}, "not a field"),
        ({"address_fields": {"town": "x"}}, "not a field"),
        ({"rows_at": []}, "at least 1"),
    ],
)
def test_settings_of_a_resource_that_cannot_work_are_refused(resource, words):
    with pytest.raises(ValueError, match=words):
        SbaConfig.model_validate({"resources": {"vendors": resource}})


def test_entities_need_an_address_and_a_company():
    for given in ({}, {"address": "https://gp/GPService"}, {"company": "C"}):
        with pytest.raises(ValueError, match="needs an address and a company"):
            SbaConfig.model_validate({"entities": ["vendors"], **given})
    for address in ("gp/GPService", "https://u@gp/GPService", "ftp://gp/"):
        with pytest.raises(ValueError, match="address"):
            SbaConfig.model_validate({"address": address})
    assert SbaConfig(address="https://gp/GPService/").address == "https://gp/GPService"
