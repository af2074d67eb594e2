"""SBA as the simulator speaks it, asked by a stranger's client."""

from __future__ import annotations

import threading

import pytest
from gp_sim_sba_wire import COMPANY, SbaWire
from gp_sim_wire import PASSWORD, USER

from ml_connector.simulators.gp import Account, GpOptions, GpSimulator
from ml_connector.simulators.gp.sba import Runtimes


@pytest.fixture
def wired():
    opened = []

    def start(**options) -> SbaWire:
        simulator = GpSimulator(GpOptions(**options)).start()
        wire = SbaWire(simulator.url)
        opened.append((simulator, wire))
        wire.simulator = simulator
        return wire

    yield start
    for simulator, wire in opened:
        wire.http.close()
        simulator.stop()


def test_nobody_reads_unsigned(wired):
    reply = wired().send("GET", f"{COMPANY}/Purchasing/Vendors")
    assert reply.status == 401
    assert reply.headers.get_all("WWW-Authenticate") == ["Negotiate", "NTLM"]


def test_discovery_is_a_page(wired):
    reply = wired().get("/gpservice/Tenants(DefaultTenant)/help")
    assert reply.headers["Content-Type"] == "text/html"
    assert b"Dictionaries:" in reply.body
    assert b"Microsoft.Dynamics.GP.BusinessObjects" in reply.body


def test_three_envelopes(wired):
    wire = wired(sba_envelope="bare")
    bare = wire.read("/Purchasing/Vendors")
    assert bare[0]["VendorId"].rstrip() == "ACETRAVE0001"
    wire.simulator.control("POST", "settings", {"sba_envelope": "resource"})
    assert wire.read("/Purchasing/Vendors") == {"Vendors": bare}
    wire.simulator.control("POST", "settings", {"sba_envelope": "payload"})
    assert wire.read("/Purchasing/Vendors")["Payload"] == bare


def test_objects_stand_under_their_keys(wired):
    wire = wired(sba_envelope="bare")
    vendor = wire.read("/Purchasing/Vendors(acetrave0001)")
    assert vendor["PaymentTermsId"].rstrip() == "Net 30"
    address = wire.read("/Purchasing/VendorAddresses(ACETRAVE0001;REMIT%20TO)")
    assert address["Address1"].rstrip() == "Box 342"
    assert address in wire.read("/Purchasing/Vendors(ACETRAVE0001)/VendorAddresses")
    assert address in wire.read("/Purchasing/VendorAddresses")
    customer = wire.read("/Sales/Customers(AARONFIT0001)")
    assert customer["CustomerName"].rstrip() == "Aaron Fitz Electrical"
    assert (
        wire.read("/Sales/Customers(AARONFIT0001)/CustomerAddresses")[0]["OwnerId"].rstrip() == "AARONFIT0001"
    )


def test_a_custom_dictionary_lists_what_changed(wired):
    wire = wired(sba_envelope="bare")
    wire.simulator.control(
        "POST", "vendors", {"id": "NEW", "name": "New", "modified_at": "2031-02-03T04:05:06"}
    )
    since = "2031-02-03T04:05:06"
    for found in (
        wire.read(f"/ZohoSync/Purchasing/VendorsModified({since})"),
        wire.read(f"/ZohoSync/Purchasing/VendorsModified?since={since}"),
        wire.read("/ZohoSync/Purchasing/VendorsModified", **{"X-Modified-Since": since}),
    ):
        assert [row["VendorId"] for row in found] == ["NEW"]
        assert found[0]["Addresses"][0]["AddressId"] == "PRIMARY"
    assert wire.get(f"{COMPANY}/ZohoSync/Purchasing/VendorsModified(soon)").status == 400


def test_pages_follow_each_other_and_end(wired):
    wire = wired(vendors=2500, sba_envelope="bare")
    keys, after = [], ""
    while rows := wire.read(f"/ZohoSync/Purchasing/VendorPages({after})"):
        keys += [row["VendorId"].rstrip() for row in rows]
        after = keys[-1]
    assert len(keys) == len(set(keys)) == 2500


@pytest.mark.parametrize(
    ("path", "status", "html"),
    [
        ("/GPService/Tenants(Other)/Companies", 404, False),
        ("/GPService/Tenants(DefaultTenant)/Companies(Nobody)/Purchasing/Vendors", 404, False),
        (f"{COMPANY}/Purchasing/Vendors(NOBODY)", 404, False),
        (f"{COMPANY}/Purchasing/Suppliers", 404, True),
        (f"{COMPANY}/Sales/Vendors", 404, True),
        ("/GPService/Tenants(DefaultTenant)/Companies(Fabrikam%20Test)/Purchasing/Vendors", 403, False),
    ],
)
def test_what_is_not_there_or_not_allowed(wired, path, status, html):
    account = Account(*USER.split("\\"), PASSWORD, companies=(-1,))
    reply = wired(accounts=(account,)).get(path)
    assert reply.status == status
    assert (b"<HTML>" in reply.body) is html


def test_nothing_is_written_and_a_custom_action_is_a_header(wired):
    wire = wired(sba_envelope="bare")
    nothing = {"Content-Length": "0"}
    assert wire.get(f"{COMPANY}/Purchasing/Vendors", "POST", **nothing).status == 405
    listed = wire.get(
        f"{COMPANY}/ZohoSync/Purchasing/VendorsModified", "POST", **nothing, **{"GP-Custom-Action": "LIST"}
    )
    assert listed.status == 200


def test_a_service_that_starts_answers_503(wired):
    wire = wired(cold_start_seconds=3600, sba_starting="503")
    assert wire.get(f"{COMPANY}/Purchasing/Vendors").status == 503


def test_a_program_takes_one_request_at_a_time():
    programs = Runtimes(1, 0.0, 600.0)
    waiting = threading.Thread(target=programs.__enter__)
    with programs:
        waiting.start()
        waiting.join(0.05)
        assert waiting.is_alive(), "the only program is at work"
    waiting.join(120)
    assert not waiting.is_alive()


def test_what_was_asked_is_counted(wired):
    wire = wired()
    wire.read("/Purchasing/Vendors")
    wire.read("/Purchasing/Vendors(ACETRAVE0001)")
    counts = wire.simulator.control("GET", "requests?limit=10")
    assert counts["operations"] == {"GET Vendors": 2}
    assert counts["log"][-1]["asked"].endswith("Vendors(ACETRAVE0001)")
    assert counts["log"][-1]["company_id"] == -1


# -- the general ledger: a customer's own services, nothing that ships

LEDGER = "/ZohoSync/Financial"


def test_nothing_that_ships_has_the_ledger(wired):
    wire = wired()
    for path in ("/Financial/Accounts", "/Financial/JournalEntries", "/Financial/JournalEntries(1)"):
        assert wire.get(f"{COMPANY}{path}").status == 404


def test_an_account_stands_under_its_number_with_its_segments(wired):
    wire = wired(sba_envelope="bare")
    account = wire.read(f"{LEDGER}/Accounts(000-4110-01)")
    assert account["AccountNumber"] == "000-4110-01".ljust(15)
    assert (account["Segment2"].rstrip(), account["SegmentName2"], account["MainSegment"]) == (
        "4110", "Account", "4110",
    )  # fmt: skip
    assert (account["AccountType"], account["Category"], account["TypicalBalance"]) == (
        "Posting", "Sales", "Credit",
    )  # fmt: skip
    unit = wire.read(f"{LEDGER}/Accounts(000-9045-00)")
    assert (unit["AccountType"], unit["Category"], unit["DecimalPlaces"]) == ("Unit", None, "Zero")
    assert wire.get(f"{COMPANY}{LEDGER}/Accounts(999-9999-99)").status == 404


def test_accounts_are_listed_whole_and_by_what_changed_and_in_pages(wired):
    wire = wired(sba_envelope="bare")
    known = [row["id"] for row in wire.simulator.control("GET", "accounts?limit=999")["rows"]]
    assert [row["AccountNumber"].rstrip() for row in wire.read(f"{LEDGER}/Accounts")] == known
    pages, after = [], ""
    while rows := wire.read(f"{LEDGER}/AccountPages({after})?rows=7"):
        pages += [row["AccountNumber"].rstrip() for row in rows]
        assert len(rows) <= 7
        after = pages[-1]
    assert pages == known
    at = "2031-02-03T04:05:06"
    wire.simulator.control("POST", "accounts/000-2100-00", {"set": {"is_active": False}, "modified_at": at})
    (changed,) = wire.read(f"{LEDGER}/AccountsModified({at})")
    assert (changed["AccountNumber"].rstrip(), changed["IsActive"]) == ("000-2100-00", False)


def test_an_entry_stands_under_journal_date_and_sequence(wired):
    wire = wired(sba_envelope="bare")
    entry = wire.read(f"{LEDGER}/JournalEntries(3003;2026-02-01;2)")
    assert (entry["JournalId"], entry["Date"], entry["RecurringTransactionSequence"]) == (
        3003, "2026-02-01T00:00:00", 2,
    )  # fmt: skip
    assert (entry["TransactionState"], entry["PostedDate"]) == ("Open", "2026-02-01T00:00:00")
    assert [(line["DebitAmount"], line["CreditAmount"]) for line in entry["Lines"]] == [(2100, 0), (0, 2100)]
    waiting = wire.read(f"{LEDGER}/JournalEntries(3003;2026-04-01;0)")
    assert (waiting["TransactionState"], waiting["RecurringTransactionSequence"]) == ("Work", 3)
    assert waiting["PostedDate"] == "1900-01-01T00:00:00"
    (units, *_) = wire.read(f"{LEDGER}/JournalEntries(3004;2026-05-06;0)")["Lines"]
    assert (units["IsUnitAccount"], units["DebitAmount"], units["CurrencyCode"]) == (True, 14, "")
    (bought, _) = wire.read(f"{LEDGER}/JournalEntries(3009;2026-05-06;0)")["Lines"]
    assert (bought["DocumentType"], bought["AccountNumber"]) == (1, "000-6500-00".ljust(15))


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("3003;2026-02-01;9", 404), ("3003;2026-04-01;3", 404), ("1;2026-02-01;0", 404),
        ("3003", 400), ("3003;2026-02-30;1", 400), ("A;2026-02-01;1", 400),
    ],
)  # fmt: skip
def test_keys_of_no_entry(wired, key, status):
    assert wired().get(f"{COMPANY}{LEDGER}/JournalEntries({key})").status == status


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_pages_of_entries_follow_each_other_and_divide_no_key(wired, rows):
    wire = wired(journal_entries=60 if rows == 1 else 300, sba_envelope="bare")
    twin = {"journal_id": 3001, "on": "2026-05-06", "state": "Work", "batch": "TWIN"}
    lines = [{"account": "000-1100-00", "debit": "1"}, {"account": "000-4000-00", "credit": "1"}]
    wire.simulator.control("POST", "journals", {**twin, "lines": lines})
    found, after = [], ""
    while page := wire.read(f"{LEDGER}/JournalEntryPages({after})?rows={rows}"):
        keys = [(e["JournalId"], e["Date"][:10], e["RecurringTransactionSequence"]) for e in page]
        assert not set(keys) & set(found)
        found += keys
        after = ";".join(map(str, keys[-1]))
    assert len(found) == wire.simulator.control("GET", "journals?limit=1")["total"]
    assert found == sorted(found)
    assert found.count((3001, "2026-05-06", 0)) == 2


def test_a_close_stamps_what_it_moves(wired):
    wire = wired(sba_envelope="bare")
    at = "2031-01-15T02:00:00"
    wire.simulator.control("POST", "journals/close", {"year": 2026, "modified_at": at})
    moved = wire.read(f"{LEDGER}/JournalEntriesModified?since={at}")
    states = {entry["SourceDocumentId"].rstrip(): entry["TransactionState"] for entry in moved}
    assert states.pop("BBF") == "Open", "the entry that brings the balances forward"
    assert set(states.values()) == {"History"}
    assert len(moved) > 10
    assert all(entry["Lines"] for entry in moved)
    assert not any("Lines" in entry for entry in wire.read(f"{LEDGER}/JournalEntries"))
