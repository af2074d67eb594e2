"""The general ledger on the wire: accounts of each type, entries in each state, and what moves them."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from gp_sim_wire import Wire, entry_key, read_entry

from ml_connector.simulators.gp import GpOptions, GpSimulator

LIST = "GetGLTransactionList"
NOT_FOUND = "Business object not found."


@pytest.fixture(scope="module")
def fabrikam():
    with GpSimulator(GpOptions()) as gp, Wire(gp.url) as wire:
        yield wire


@pytest.fixture(scope="module")
def large():
    """Read only."""
    with (
        GpSimulator(GpOptions(customers=60, vendors=40, journal_entries=3000, seed=4)) as gp,
        Wire(gp.url) as wire,
    ):
        yield wire


def restricted(member, **values):
    inside = "".join(f"<g:{name}>{value}</g:{name}>" for name, value in values.items())
    return f"<g:{member}>{inside}</g:{member}>"


def journals(wire, criteria=""):
    reply = wire.list(LIST, criteria)
    assert reply.status == 200, reply.body
    return reply.texts("GLTransactionSummary/Key/JournalId")


def dumped(wire):
    status, told = wire.control("GET", "journals?limit=100000")
    assert status == 200
    return told["rows"]


# ---- accounts


def test_accounts_are_listed_with_their_type(fabrikam):
    reply = fabrikam.list("GetGLAccountList")
    types = dict(
        zip(reply.texts("GLAccountSummary/Key/Id"), reply.texts("GLAccountSummary/AccountType"), strict=True)
    )
    assert len(types) > 40
    assert (types["000-1100-00"], types["000-9045-00"]) == ("Posting", "Unit")
    assert (types["000-6690-00"], types["000-6695-00"]) == ("Fixed Allocation", "Variable Allocation")


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (restricted("GLAccountId", Like="000-1100-__"), ["000-1100-00", "000-1100-01"]),
        (restricted("GLAccountId", GreaterThan="000-9045-00"), ["000-9050-00"]),
        (restricted("AccountType", EqualValue="Unit"), ["000-9045-00", "000-9050-00"]),
        (restricted("Description", Like="Accum%"), ["000-1510-00"]),
    ],
)
def test_accounts_are_restricted(fabrikam, criteria, expected):
    assert fabrikam.list("GetGLAccountList", criteria).texts("GLAccountSummary/Key/Id") == expected


def test_an_account_says_what_it_is_by_its_type(fabrikam):
    for key, kind in (
        ("000-1100-00", "GLPostingAccount"),
        ("000-9045-00", "GLUnitAccount"),
        ("000-6690-00", "GLFixedAllocationAccount"),
        ("000-6695-00", "GLVariableAllocationAccount"),
    ):
        assert (
            f'<GetGLAccountByKeyResult xsi:type="{kind}">'
            in fabrikam.by_key("GetGLAccountByKey", key).body.decode()
        )
    posting = fabrikam.by_key("GetGLPostingAccountByKey", "000-4000-00")
    assert posting.text("GLAccountCategoryKey/Id") == "Sales"
    assert (posting.text("PostingType"), posting.text("TypicalBalance")) == ("ProfitLoss", "Credit")
    assert b"xsi:type" not in posting.body.replace(b"xmlns:xsi", b"").split(b"Result>", 1)[0]


def test_the_operation_of_another_type_finds_nothing(fabrikam):
    assert fabrikam.by_key("GetGLPostingAccountByKey", "000-9045-00").fault == NOT_FOUND
    assert fabrikam.by_key("GetGLUnitAccountByKey", "000-1100-00").fault == NOT_FOUND
    assert fabrikam.by_key("GetGLAccountByKey", "999-9999-99").fault == NOT_FOUND


def test_the_format_names_the_segments(fabrikam):
    reply = fabrikam.list("GetGLAccountFormatList")
    assert reply.texts("GLAccountFormat/SegmentName") == ["Division", "Account", "Department"]
    assert reply.texts("GLAccountFormat/SegmentLength") == ["3", "4", "2"]
    assert reply.texts("GLAccountFormat/IsMainSegment") == ["false", "true", "false"]
    companies = fabrikam.call("GetWSEnabledCompanyForUserList", company=None)
    assert companies.texts("Company/AccountSegmentSeparator") == ["-", "-"]


# ---- lists of entries


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (restricted("JournalId", EqualValue="3002"), ["3002", "3002"]),
        (restricted("JournalId", EqualValue="3003") + restricted("RecurringTransactionSequence", From="2", To="9"),
         ["3003"] * 3),
        (restricted("FiscalYear", EqualValue="2025"), ["3007"]),
        (restricted("Date", GreaterThan="2026-04-30T00:00:00", LessThan="2026-05-02T00:00:00"), ["3002"]),
        (restricted("TransactionState", EqualValue="Work"), ["3003", "3006"]),
        (restricted("TransactionState", Items="<g:GLTransactionState>History</g:GLTransactionState>"), ["3007"]),
        (restricted("CurrencyISOCode", EqualValue="EUR"), ["3008"]),
        (restricted("BatchId", Like="W%"), ["3006"]),
        (restricted("SourceDocumentId", EqualValue="PMTRX"), ["3009"]),
        (restricted("LedgerType", EqualValue="IFRS"), []),
    ],
)  # fmt: skip
def test_entries_are_restricted(fabrikam, criteria, expected):
    assert journals(fabrikam, criteria) == expected


def test_a_journal_id_is_compared_as_the_text_that_it_is_restricted_by(fabrikam):
    assert journals(fabrikam, restricted("JournalId", LessThan="301")) == [
        key for key in journals(fabrikam) if key < "301"
    ]


def test_members_out_of_order_are_refused(fabrikam):
    wrong = restricted("JournalId", EqualValue="1") + restricted("Date", From="2026-01-01T00:00:00")
    assert fabrikam.list(LIST, wrong).fault_code.endswith("DeserializationFailed")


def test_a_list_stops_at_its_row_limit(large):
    assert len(journals(large)) == 1000
    large.control("POST", "settings", {"row_limits": {"journals": 7}})
    try:
        assert len(journals(large)) == 7
    finally:
        large.control("POST", "settings", {"row_limits": {"journals": 1000}})


def test_posted_keys_have_a_year_and_a_sequence(fabrikam):
    reply = fabrikam.list(LIST, restricted("JournalId", EqualValue="3003"))
    assert reply.body.count(b'xsi:type="GLTransactionPostedKey"') == 3
    assert reply.texts("GLTransactionSummary/Key/FiscalYear") == ["2026"] * 3
    assert reply.texts("GLTransactionSummary/Key/RecurringTransactionSequence") == ["1", "2", "3"]
    assert b"GLTransactionLine" not in reply.body


# ---- entries by key


def test_an_entry_is_found_by_its_whole_key_only(fabrikam):
    entry = {"journal_id": 3003, "on": "2026-02-01", "sequence": 2, "fiscal_year": 2026, "state": "Open"}
    assert read_entry(fabrikam, entry).text("Reference") == "Rent"
    for change in ({"sequence": 1}, {"fiscal_year": 2025}, {"on": "2026-02-02"}):
        found = fabrikam.call("GetGLPostedTransactionByKey", entry_key(entry, **change))
        assert found.fault == NOT_FOUND
    assert fabrikam.call("GetGLTransactionByKey", entry_key({**entry, "state": "Work"})).fault == NOT_FOUND


def test_a_unit_accounts_amount_is_a_quantity(fabrikam):
    (entry,) = [e for e in dumped(fabrikam) if e["journal_id"] == 3004]
    body = read_entry(fabrikam, entry).body.decode()
    assert '<DebitAmount xsi:type="Quantity"><Value>14.00000</Value>' in body
    assert '<DebitAmount xsi:type="MoneyAmount"><Currency>USD</Currency><Value>1250.00000</Value>' in body


def test_amounts_follow_the_currency_that_is_asked_for(fabrikam):
    (entry,) = [e for e in dumped(fabrikam) if e["journal_id"] == 3008]
    local = read_entry(fabrikam, entry, currency="Local")
    assert local.texts("GLTransactionLine/DebitAmount/Value") == ["1375.00000", "0.00000"]
    euros = read_entry(fabrikam, entry, currency="Transactional")
    assert euros.texts("GLTransactionLine/DebitAmount/Value") == ["1250.00000", "0.00000"]
    assert euros.texts("GLTransactionLine/DebitAmount/Currency") == ["EUR", "EUR"]


def test_originating_documents_point_to_masters_that_are_there(large):
    masters = {
        series: {row["id"].rstrip() for row in large.control("GET", f"{table}?limit=9999")[1]["rows"]}
        for series, table in (("Purchasing", "vendors"), ("Sales", "customers"))
    }
    seen: Counter[str] = Counter()
    for entry in dumped(large):
        for line in entry["lines"]:
            if line["origin"]:
                assert line["origin"]["master_id"].rstrip() in masters[entry["series"]]
                seen[entry["series"]] += 1
    assert min(seen.values()) > 1000


# ---- what is generated


def test_everything_balances_to_the_cent(large):
    for entry in dumped(large):
        money = [line for line in entry["lines"] if not line["is_unit"]]
        assert sum(Decimal(line["debit"]) - Decimal(line["credit"]) for line in money) == 0
        assert 2 <= len(entry["lines"]) <= 10
        assert len({line["sequence"] for line in entry["lines"]}) == len(entry["lines"])
        assert all(min(Decimal(line["debit"]), Decimal(line["credit"])) == 0 for line in entry["lines"])


def test_every_kind_of_entry_is_generated(large):
    entries = dumped(large)
    assert len(entries) == 3000
    assert {e["state"] for e in entries} == {"Work", "Open", "History"}
    assert {e["currency"] for e in entries} > {"USD", "EUR", "CAD"}
    assert {e["series"] for e in entries} == {"Financial", "Purchasing", "Sales"}
    assert any(e["is_voided"] for e in entries)
    assert any(e["sequence"] > 1 for e in entries)
    assert any(line["is_unit"] for e in entries for line in e["lines"])
    dates = Counter(e["on"] for e in entries)
    assert dates.most_common(1)[0][1] > 100, "one date alone has very many"
    assert any(len({e["on"] for e in entries if e["journal_id"] == j}) > 1 for j in range(3300, 3400))
    stamps = Counter(e["modified_at"] for e in entries if e["state"] == "History")
    assert len(stamps) == 2, "a closed year carries one stamp"


def test_a_sale_carries_its_cost(large):
    chart = {row["id"]: row["category"] for row in large.control("GET", "accounts?limit=999")[1]["rows"]}
    margins = []
    generated = [e for e in dumped(large) if e["series"] == "Sales" and e["journal_id"] >= 3300]
    for entry in (e for e in generated if e["currency"] == "USD"):  # others leave a cent to rounding
        sums: Counter[str] = Counter()
        for line in (line for line in entry["lines"] if not line["is_unit"]):
            sums[chart[line["account"]]] += Decimal(line["debit"]) - Decimal(line["credit"])
        assert sums["Accounts Receivable"] == -sums["Sales"] != 0
        assert sums["Cost of Goods Sold"] == -sums["Inventory"]
        assert sums.keys() <= {"Accounts Receivable", "Sales", "Cost of Goods Sold", "Inventory"}
        margins.append(1 + sums["Cost of Goods Sold"] / sums["Sales"])
    assert len(margins) > 500
    assert all(0 < margin <= 1 for margin in margins)
    assert 0 < margins.count(1) < len(margins) / 5, "some are not of the inventory"


def test_the_same_seed_gives_the_same_entries():
    options = GpOptions(journal_entries=200, seed=9)
    one, other = (GpSimulator(options).control("GET", "journals?limit=999") for _ in range(2))
    assert one == other
    assert GpSimulator(GpOptions(journal_entries=200, seed=8)).control("GET", "journals?limit=999") != one


# ---- what moves them


def test_an_entry_is_added_posted_and_closed(gp, wire):
    lines = [{"account": "000-1100-00", "debit": "10.00"}, {"account": "000-4000-00", "credit": "10"}]
    made = gp.control("POST", "journals", {"on": "2026-07-31", "lines": lines, "state": "Work", "batch": "B"})
    work_key = entry_key(made)
    assert wire.call("GetGLTransactionByKey", work_key).text("TransactionState") == "Work"

    at = "2026-08-01T10:00:00+00:00"
    (posted,) = gp.control("POST", f"journals/{made['journal_id']}", {"post": True, "modified_at": at})[
        "rows"
    ]
    assert (posted["state"], posted["modified_at"], posted["fiscal_year"]) == ("Open", at, 2026)
    assert wire.call("GetGLTransactionByKey", work_key).fault == NOT_FOUND
    assert read_entry(wire, posted).texts("GLTransactionLine/Key/SequenceNumber") == ["16384", "32768"]

    later = "2027-01-15T03:00:00+00:00"
    assert gp.control("POST", "journals/close", {"year": 2026, "modified_at": later})["moved"] > 10
    entries = gp.control("GET", "journals?limit=999")["rows"]
    assert {e["state"] for e in entries if e["fiscal_year"] <= 2026} == {"Work", "History"}
    assert {e["modified_at"] for e in entries if e["fiscal_year"] == 2026 and e["state"] == "History"} == {
        later
    }
    assert read_entry(wire, posted).text("TransactionState") == "History"


def test_a_recurring_entry_is_posted_again_and_again(gp):
    for sequence, on, next_on in ((4, "2026-04-01", "2026-05-01"), (5, "2026-05-01", "2026-06-01")):
        (posted,) = gp.control("POST", "journals/3003", {"post": True})["rows"]
        assert (posted["sequence"], posted["on"], posted["state"]) == (sequence, on, "Open")
        (waiting,) = [e for e in gp.control("GET", "journals/3003")["rows"] if e["state"] == "Work"]
        assert waiting["on"] == next_on


def test_an_entry_that_does_not_balance_is_refused(gp, wire):
    lines = [{"account": "000-1100-00", "debit": "10.00"}, {"account": "000-4000-00", "credit": "9.99"}]
    status, told = wire.control("POST", "journals", {"lines": lines})
    assert (status, told["error"]) == (400, "debits and credits differ by 0.01")
    assert wire.control("POST", "journals/999999", {"post": True})[0] == 404
    assert wire.control("POST", "journals", {"lines": [{"debit": "1"}]})[0] == 400


def test_an_account_is_added_changed_and_removed(gp, wire):
    gp.control("POST", "accounts", {"id": "000-9999-00", "description": "New", "category": "Cash"})
    assert wire.by_key("GetGLAccountByKey", "000-9999-00").text("GLAccountCategoryKey/Id") == "Cash"
    gp.control(
        "POST", "accounts/000-9999-00", {"set": {"is_active": False}, "modified_at": "2026-09-01T00:00:05"}
    )
    listed = wire.list("GetGLAccountList", restricted("ModifiedDate", From="2026-09-01T00:00:05"))
    assert listed.texts("GLAccountSummary/IsActive")[0] == "false"
    assert wire.control("POST", "accounts", {"id": "000-9999-00"})[0] == 409
    assert wire.control("DELETE", "accounts/000-9999-00")[0] == 200
    assert wire.control("DELETE", "accounts/000-9999-00")[0] == 404
