"""GL accounts and journal entries by SBA: the same records, under the same keys, as by SOAP; and what else comes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from test_gp_ledger import ACCOUNTS, JOURNALS, calls, listed, one

from ml_connector.connectors.dynamics_gp import GpSource, ledger
from ml_connector.connectors.dynamics_gp.sba_config import SbaAccounts, SbaConfig
from ml_connector.connectors.dynamics_gp.sba_names import LINE, RECORD, known_fields, line_fields
from ml_connector.core.ports import Absent
from ml_connector.core.record import Record

LEDGER = "/Tenants({tenant})/Companies({company})/ZohoSync/Financial"
#: A service written for one site, as summaries.
RESOURCES: dict[str, dict[str, Any]] = {
    ACCOUNTS: {"list_path": f"{LEDGER}/Accounts", "record_path": f"{LEDGER}/Accounts({{key}})"},
    JOURNALS: {"list_path": f"{LEDGER}/JournalEntries", "record_path": f"{LEDGER}/JournalEntries({{key}})"},
}
#: Whole records, page by page.
PAGES: dict[str, dict[str, Any]] = {
    ACCOUNTS: RESOURCES[ACCOUNTS] | {"list_path": f"{LEDGER}/AccountPages({{after}})", "whole": True},
    JOURNALS: RESOURCES[JOURNALS] | {"list_path": f"{LEDGER}/JournalEntryPages({{after}})", "whole": True},
}
SEGMENTS = {
    "segment.main": "MainSegment",
    **{f"segment.{number}": f"Segment{number}" for number in (1, 2, 3)},
    **{f"segment.{number}.name": f"SegmentName{number}" for number in (1, 2, 3)},
}
NOW = datetime(2031, 1, 31, 12, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TWO_LINES = [{"account": "000-1100-00", "debit": "7"}, {"account": "000-4000-00", "credit": "7"}]


@pytest.fixture
def by_sba(connect):
    """A source that reads the ledger of a simulator by SBA; by entity what differs from ``RESOURCES``."""

    def start(simulator, resources=RESOURCES, **settings) -> GpSource:
        sba = {"entities": list(resources), "address": simulator.sba_address, "company": "Fabrikam, Inc."}
        return connect(simulator, sba={**sba, "resources": resources}, **settings)

    return start


# ---- as by SOAP


@pytest.mark.parametrize("entity", [ACCOUNTS, JOURNALS])
@pytest.mark.parametrize("envelope", ["bare", "resource", "payload"])
@pytest.mark.parametrize("resources", [RESOURCES, PAGES], ids=["summaries", "whole"])
def test_every_record_is_what_it_is_by_soap(simulate, connect, by_sba, entity, envelope, resources):
    gp = simulate(sba_envelope=envelope)
    soap, source = connect(gp, unposted_entries=True), by_sba(gp, resources, unposted_entries=True)
    assert_same(soap, source, entity)


@pytest.mark.parametrize("unposted", [False, True])
@pytest.mark.parametrize("resources", [RESOURCES, PAGES], ids=["summaries", "whole"])
def test_every_entry_of_a_large_company_is_what_it_is_by_soap(simulate, connect, by_sba, unposted, resources):
    gp = simulate(journal_entries=1500, seed=3)
    soap, source = connect(gp, unposted_entries=unposted), by_sba(gp, resources, unposted_entries=unposted)
    assert_same(soap, source, JOURNALS)


def assert_same(soap: GpSource, source: GpSource, entity: str) -> None:
    """The same changes, and record for record the same key, fields and lines; no field is left out."""
    changes = {change.key: change for change in listed(source, entity)}
    assert changes == {change.key: change for change in listed(soap, entity)}
    assert len(changes) > 10
    found = dict(zip(changes, source.fetch(entity, list(changes)), strict=True))
    for wanted in soap.fetch(entity, list(changes)):
        assert isinstance(wanted, Record)
        record = found[wanted.key]
        assert isinstance(record, Record), record
        assert (record.key, record.fields, record.parts) == (wanted.key, wanted.fields, wanted.parts)
        assert list(record.parts) == list(wanted.parts)


def test_nothing_is_asked_of_soap_but_the_format(simulate, by_sba):
    gp = simulate()
    source = by_sba(gp)
    keys = {entity: [change.key for change in listed(source, entity)] for entity in (ACCOUNTS, JOURNALS)}
    for entity, wanted in keys.items():
        assert all(isinstance(found, Record) for found in source.fetch(entity, wanted))
    assert calls(gp) == {
        "GET Accounts": 1 + len(keys[ACCOUNTS]),
        "GET JournalEntries": 1 + len(keys[JOURNALS]),
        "GetGLAccountFormatList": 1,
        "GetWSEnabledCompanyForUserList": 1,  # the separator
    }


def test_an_accounts_segments_may_come_with_it(simulate, connect, by_sba):
    gp = simulate()
    resources = {ACCOUNTS: RESOURCES[ACCOUNTS] | {"fields": SEGMENTS}}
    source = by_sba(gp, resources)
    assert_same(connect(gp), source, ACCOUNTS)
    gp.control("DELETE", "requests")
    assert one(source, ACCOUNTS, "000-4110-01").fields["segment.main"] == "4110"
    assert calls(gp) == {"GET Accounts": 1}


# ---- keys, states, and what moves


def test_reversing_and_recurring_entries_are_named_apart(simulate, by_sba):
    source = by_sba(simulate(), unposted_entries=True)
    found = {change.key for change in listed(source, JOURNALS)}
    assert {key for key in found if key.startswith(("3002/", "3003/"))} == {
        "3002/2026-04-30", "3002/2026-05-01",
        "3003/2026-01-01/1", "3003/2026-02-01/2", "3003/2026-03-01/3", "3003/2026-04-01",
    }  # fmt: skip
    assert one(source, JOURNALS, "3003/2026-02-01/2").fields["recurring_sequence"] == 2
    waiting = one(source, JOURNALS, "3003/2026-04-01").fields
    assert (waiting["state"], waiting["recurring_sequence"], waiting["fiscal_year"]) == ("Work", 0, None)


@pytest.mark.parametrize("resources", [RESOURCES, PAGES], ids=["summaries", "whole"])
def test_entries_in_work_are_read_only_where_the_settings_say_so(simulate, by_sba, resources):
    gp = simulate()
    posted, everything = by_sba(gp, resources), by_sba(gp, resources, unposted_entries=True)
    assert {c.key for c in listed(everything, JOURNALS)} - {c.key for c in listed(posted, JOURNALS)} == {
        "3006/2026-05-06",
        "3003/2026-04-01",
    }
    assert isinstance(next(posted.fetch(JOURNALS, ["3006/2026-05-06"])), Absent)
    assert one(everything, JOURNALS, "3006/2026-05-06").fields["is_posted"] is False


def test_a_key_and_its_lines_outlast_posting_and_the_years_close(simulate, by_sba):
    gp = simulate()
    source = by_sba(gp, unposted_entries=True)
    key = "3006/2026-05-06"
    before = one(source, JOURNALS, key)
    gp.control("POST", "journals/3006", {"post": True})
    posted = one(source, JOURNALS, key)
    gp.control("POST", "journals/close", {"year": 2026})
    closed = one(source, JOURNALS, key)
    assert before.parts == posted.parts == closed.parts
    assert [record.fields["state"] for record in (before, posted, closed)] == ["Work", "Open", "History"]
    assert [record.fields["is_posted"] for record in (before, posted, closed)] == [False, True, True]


def test_a_recurring_entry_that_is_posted_before_it_is_read_is_gone_under_its_old_key(simulate, by_sba):
    gp = simulate()
    source = by_sba(gp, unposted_entries=True)
    gp.control("POST", "journals/3003", {"post": True})
    gone, there = source.fetch(JOURNALS, ["3003/2026-04-01", "3003/2026-04-01/4"])
    assert isinstance(gone, Absent)
    assert isinstance(there, Record)


def test_what_is_no_key_or_not_there_is_absent(simulate, by_sba):
    source = by_sba(simulate())
    keys = ["nonsense", "3001", "3001/2026-05-07", "3001/2026-05-06/9"]
    assert [type(found) for found in source.fetch(JOURNALS, keys)] == [Absent] * 4
    assert isinstance(next(iter(source.fetch(ACCOUNTS, ["999-9999-99"]))), Absent)


@pytest.mark.parametrize("by", ["soap", "sba"])
def test_a_key_in_another_spelling_is_no_second_record(simulate, connect, by_sba, by):
    """Under it the lines of the entry would be created once more: the key in Zoho is made of what was typed."""
    gp = simulate()
    source = connect(gp) if by == "soap" else by_sba(gp)
    spelled = [
        "3001/2026-05-06/0",
        "3001/2026-05-06/",
        " 3001/2026-05-06",
        "03001/2026-05-06",
        "٣001/2026-05-06",
    ]
    spelled += ["3003/2026-02-01/02", "3003/2026-02-01"]
    assert [type(found) for found in source.fetch(JOURNALS, spelled)] == [Absent] * len(spelled)
    for key in ("3001/2026-05-06", "3003/2026-02-01/2"):
        assert one(source, JOURNALS, key).fields["entry_key"] == key
    assert one(source, JOURNALS, "3001/2026-05-06  ").fields["entry_key"] == "3001/2026-05-06"
    assert one(source, ACCOUNTS, "000-1100-00  ").key == "000-1100-00"


# ---- pages, and changes only


@pytest.mark.parametrize("rows", [1, 7, 499, 500, 501, 1000])
def test_entries_are_complete_whatever_the_size_of_a_page(simulate, by_sba, rows):
    gp = simulate(journal_entries=60 if rows == 1 else 500, seed=rows)
    paged = RESOURCES[JOURNALS] | {"list_path": f"{LEDGER}/JournalEntryPages({{after}})?rows={rows}"}
    found = Counter(change.key for change in listed(by_sba(gp, {JOURNALS: paged}), JOURNALS))
    known = gp.control("GET", "journals?limit=10000")["rows"]
    keys = {
        str(ledger.EntryKey(row["journal_id"], date.fromisoformat(row["on"]), row["sequence"]))
        for row in known
        if row["state"] != "Work"
    }
    assert found == Counter(keys)
    asked = gp.control("GET", "requests?limit=1000")["operations"]["GET JournalEntryPages"]
    assert asked == -(-len(known) // rows) + 1  # an empty page ends it


def test_a_page_of_nothing_but_unposted_entries_is_no_end(simulate, by_sba):
    gp = simulate()
    for day in (1, 2, 3):
        gp.control(
            "POST",
            "journals",
            {"journal_id": 1, "on": f"2026-01-0{day}", "state": "Work", "lines": TWO_LINES},
        )
    paged = RESOURCES[JOURNALS] | {"list_path": f"{LEDGER}/JournalEntryPages({{after}})?rows=1"}
    source = by_sba(gp, {JOURNALS: paged})
    page = source.list_changes(JOURNALS, None, None)
    assert (page.rows, page.next_after) == ([], "1/2026-01-01")
    assert len(listed(source, JOURNALS)) == len(listed(by_sba(gp), JOURNALS))


@pytest.mark.parametrize("rows", [1, 7, 42, 43, 1000])
def test_accounts_are_complete_whatever_the_size_of_a_page(simulate, by_sba, rows):
    gp = simulate()
    paged = RESOURCES[ACCOUNTS] | {"list_path": f"{LEDGER}/AccountPages({{after}})?rows={rows}"}
    found = [change.key for change in listed(by_sba(gp, {ACCOUNTS: paged}), ACCOUNTS)]
    assert found == [row["id"] for row in gp.control("GET", "accounts?limit=999")["rows"]]


@pytest.mark.parametrize(
    ("resource", "operation"),
    [
        ({}, "GET ROWS"),
        ({"changed_path": f"{LEDGER}/ROWSModified({{since}})"}, "GET ROWSModified"),
        ({"changed_path": f"{LEDGER}/ROWSModified?since={{since}}", "whole": True}, "GET ROWSModified"),
        ({"changed_path": f"{LEDGER}/ROWSModified", "since_header": "X-Modified-Since"}, "GET ROWSModified"),
        ({"changed_path": f"{LEDGER}/ROWSModified({{since}})", "action": "LIST"}, "POST ROWSModified"),
    ],
)
@pytest.mark.parametrize(("entity", "rows"), [(ACCOUNTS, "Accounts"), (JOURNALS, "JournalEntries")])
def test_changes_only(simulate, by_sba, entity, rows, resource, operation):
    gp = simulate()
    for number in range(3):
        at = (NOW + number * MINUTE).isoformat()
        if entity == ACCOUNTS:
            gp.control("POST", "accounts", {"id": f"00{number}-9999-00", "modified_at": at})
        else:
            gp.control("POST", "journals", {"on": "2030-12-31", "lines": TWO_LINES, "modified_at": at})
    given = {
        name: said.replace("ROWS", rows) if name == "changed_path" else said
        for name, said in resource.items()
    }
    source = by_sba(gp, {entity: RESOURCES[entity] | given})
    gp.control("DELETE", "requests")
    page = source.list_changes(entity, NOW + MINUTE, None)
    assert {change.at for change in page.rows} >= {NOW + MINUTE, NOW + 2 * MINUTE}
    assert len(page.rows) <= 3  # whether "since" means "at" is not known: a second less is asked for
    assert calls(gp) == {operation.replace("ROWS", rows): 1}
    keys = [change.key for change in page.rows]
    assert all(isinstance(found, Record) for found in source.fetch(entity, keys))


def test_whole_entries_of_a_list_are_not_read_once_more(simulate, by_sba):
    gp = simulate()
    source = by_sba(gp, {JOURNALS: PAGES[JOURNALS]})
    keys = [change.key for change in listed(source, JOURNALS)]
    gp.control("DELETE", "requests")
    found = list(source.fetch(JOURNALS, keys))
    assert [record.key for record in found] == keys
    assert calls(gp) == {}
    source.forget_ahead()
    assert one(source, JOURNALS, keys[0]).parts == found[0].parts
    assert calls(gp) == {"GET JournalEntries": 1, "GET Companies": 1} or calls(gp) == {
        "GET JournalEntries": 1
    }


@pytest.mark.parametrize("by", ["soap", "sba"])
def test_few_entries_are_read_ahead_for_each_may_have_many_lines(simulate, connect, by_sba, by):
    gp = simulate(journal_entries=500)
    source = connect(gp) if by == "soap" else by_sba(gp)
    keys = [change.key for change in listed(source, JOURNALS)]
    gp.control("DELETE", "requests")
    source.read_ahead(JOURNALS, keys)
    assert len(list(source.fetch(JOURNALS, keys[:200]))) == 200
    asked = calls(gp)
    assert asked["GetGLPostedTransactionByKey" if by == "soap" else "GET JournalEntries"] == 200


# ---- ping and settings


def test_ping_proves_the_services_and_the_format(simulate, by_sba):
    gp = simulate()
    checks = {check.name: check.ok for check in by_sba(gp).checks([ACCOUNTS, JOURNALS])}
    assert checks == {
        "reach GP": True, "sign in": True, "company": True, "clock": True, "GetLoggedValidationResultByKey": True,
        "gl_accounts by SBA": True, "one of gl_accounts by SBA": True, "GetGLAccountFormatList": True,
        "journal_entries by SBA": True, "one of journal_entries by SBA": True,
    }  # fmt: skip
    with_segments = {ACCOUNTS: RESOURCES[ACCOUNTS] | {"fields": SEGMENTS}}
    names = {check.name for check in by_sba(gp, with_segments).checks([ACCOUNTS])}
    assert "GetGLAccountFormatList" not in names
    elsewhere = {JOURNALS: RESOURCES[JOURNALS] | {"record_path": f"{LEDGER}/Journals({{key}})"}}
    failed = [check for check in by_sba(gp, elsewhere).checks([JOURNALS]) if not check.ok]
    assert [(check.name, "SBA has nothing at" in check.detail) for check in failed] == [
        ("one of journal_entries by SBA", True)
    ]


@pytest.mark.parametrize("entity", [ACCOUNTS, JOURNALS])
@pytest.mark.parametrize("resource", [{}, {"list_path": "/L"}, {"record_path": "/R({key})"}])
def test_what_does_not_ship_has_to_be_named(entity, resource):
    given = {"entities": [entity], "address": "https://gp/GPService", "company": "C"}
    with pytest.raises(ValueError, match="needs list_path and record_path: nothing that ships") as told:
        SbaConfig.model_validate({**given, "resources": {entity: resource}})
    assert f"[gp.sba.resources.{entity}]" in str(told.value)
    assert SbaConfig.model_validate(
        {**given, "resources": {entity: {"list_path": "/L", "record_path": "/R({key})"}}}
    )


@pytest.mark.parametrize(
    ("entity", "resource", "words"),
    [
        (JOURNALS, {"record_path": "/R"}, "needs {key}"),
        (JOURNALS, {"record_path": "/R({journal})"}, "{journal} is not known"),
        (JOURNALS, {"record_path": "/R({key};{after})"}, "{after} is not known here; known .* {key} "),
        (JOURNALS, {"record_path": "/R({key:>9})"}, "needs {key}|{key:>9} is not known here"),
        (JOURNALS, {"list_path": "/L({key})"}, "{key} is not known here"),
        (JOURNALS, {"list_path": "/L({after:d})"}, "{after:d} is not known here"),
        (JOURNALS, {"list_path": "/L({after!r})"}, "{after!r} is not known here"),
        (JOURNALS, {"changed_path": "/C"}, "needs {since}"),
        (JOURNALS, {"since_header": "Modified since"}, "name of a header"),
        (JOURNALS, {"since_header": "Seit-Änderung"}, "name of a header"),
        (JOURNALS, {"since_form": "%Y\n%m"}, "letters of ASCII"),
        (JOURNALS, {"action": "Einträge"}, "letters of ASCII"),
        (JOURNALS, {"fields": {"entry_key": "x"}}, "not a field"),
        (JOURNALS, {"fields": {"line.account": "x"}}, "not a field"),
        (JOURNALS, {"line_fields": {"quantity": "x"}}, "not a field"),
        (JOURNALS, {"lines_at": ""}, "at least 1"),
        (JOURNALS, {"addresses_path": "/A({key})"}, "not permitted"),
        (ACCOUNTS, {"lines_at": "Lines"}, "not permitted"),
        (ACCOUNTS, {"fields": {"segment.11": "x"}}, "not a field"),
    ],
)
def test_settings_of_the_ledger_that_cannot_work_are_refused(entity, resource, words):
    with pytest.raises(ValueError, match=words):
        SbaConfig.model_validate({"resources": {entity: resource}})


def test_every_field_that_a_record_may_bring_is_mapped_or_known_to_be_missing():
    segments = {name for name in known_fields(ACCOUNTS) if name.startswith("segment.")}
    assert len(segments) == 21
    assert set(known_fields(ACCOUNTS)) - set(RECORD[ACCOUNTS]) == segments
    assert set(known_fields(JOURNALS)) == set(RECORD[JOURNALS])
    assert {item.name for item in line_fields()} | {"is_unit"} == set(LINE)
    every = GpSource.entities[JOURNALS].fields
    assert set(every) - set(RECORD[JOURNALS]) - {f"line.{name}" for name in LINE} == {
        "entry_key", "is_posted", "line_count", "line.quantity", "line.customer_id", "line.vendor_id",
        "line.sales_document_id",
    }, "these follow from the others"  # fmt: skip
    assert SbaAccounts().brings_segments is False
