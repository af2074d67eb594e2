"""The simulated year-end close: what it moves, and the entry in which it brings the balances forward."""

from collections import Counter
from decimal import Decimal

import pytest
from gp_sim_wire import Wire

from ml_connector.simulators.gp import ControlError, GpOptions, GpSimulator

AT = "2027-01-15T03:00:00+00:00"


@pytest.fixture
def gp():
    with GpSimulator(GpOptions(journal_entries=300, seed=3)) as simulator:
        yield simulator


def entries(gp):
    return gp.control("GET", "journals?limit=9999")["rows"]


def chart(gp):
    return {row["id"]: row["posting_type"] for row in gp.control("GET", "accounts?limit=999")["rows"]}


def balances(rows):
    """(account, whether units) -> debits less credits of what was posted."""
    sums: Counter[tuple[str, bool]] = Counter()
    for entry in rows:
        if entry["state"] != "Work" and not entry["is_voided"]:
            for line in entry["lines"]:
                side = Decimal(line["debit"]) - Decimal(line["credit"])
                sums[line["account"], line["is_unit"]] += side
    return sums


def close(gp, year=2026):
    return gp.control("POST", "journals/close", {"year": year, "modified_at": AT})


def test_the_new_year_begins_with_what_the_old_one_ended_with(gp):
    before = entries(gp)
    told = close(gp)
    assert told["moved"] == sum(e["state"] == "Open" for e in before)
    made = told["brought_forward"]
    assert (made["on"], made["fiscal_year"], made["state"]) == ("2027-01-01", 2027, "Open")
    assert (made["source_document"], made["modified_at"]) == ("BBF", AT)
    assert made["journal_id"] > max(e["journal_id"] for e in before)
    assert len(entries(gp)) == len(before) + 1

    types, owed = chart(gp), balances(before)
    stand = balances([made])
    kept = {key: left for key, left in owed.items() if types[key[0]] == "BalanceSheet" and left}
    earned = sum(left for (account, _), left in owed.items() if types[account] == "ProfitLoss")
    kept["000-3030-00", False] = kept.get(("000-3030-00", False), 0) + earned
    assert dict(stand) == kept
    assert sum(left for (_, units), left in stand.items() if not units) == 0


def test_what_the_year_earned_has_a_line_of_its_own(gp):
    open_ones = [e for e in entries(gp) if e["state"] == "Open"]
    types, of_year = chart(gp), balances(open_ones)
    earned = sum(left for (account, _), left in of_year.items() if types[account] == "ProfitLoss")
    assert earned
    last = close(gp)["brought_forward"]["lines"][-1]
    assert last["account"] == "000-3030-00"
    assert Decimal(last["debit"]) - Decimal(last["credit"]) == earned


def test_an_entry_that_brings_forward_is_listed_and_read_as_any_other(gp):
    made = close(gp)["brought_forward"]
    with Wire(gp.url) as wire:
        wanted = f"<g:EqualValue>{made['journal_id']}</g:EqualValue>"
        listed = wire.list("GetGLTransactionList", f"<g:JournalId>{wanted}</g:JournalId>")
        assert listed.texts("GLTransactionSummary/SourceDocumentKey/Id") == ["BBF"]
        assert listed.texts("GLTransactionSummary/Key/FiscalYear") == ["2027"]


def test_the_next_close_counts_no_entry_of_a_close(gp):
    close(gp)
    lines = [{"account": "000-1100-00", "debit": "10.00"}, {"account": "000-4000-00", "credit": "10.00"}]
    gp.control("POST", "journals", {"on": "2027-03-01", "lines": lines})
    postings = [e for e in entries(gp) if e["source_document"] != "BBF"]
    told = close(gp, 2027)
    assert told["moved"] == 2, "the posting, and what brought 2026 forward"
    made = told["brought_forward"]
    stand, owed = balances([made]), balances(postings)
    assert stand["000-1100-00", False] == owed["000-1100-00", False]
    assert Decimal(made["lines"][-1]["credit"]) == 10, "2027 alone earned it"
    assert stand.total() - sum(left for (_, units), left in stand.items() if units) == 0


def test_where_nothing_is_open_nothing_is_posted(gp):
    close(gp)
    assert close(gp) == {"moved": 0, "brought_forward": None}
    assert gp.control("POST", "journals/close?company=2", {"year": 2026})["brought_forward"] is None


def test_without_an_account_for_the_earnings_no_year_is_closed(gp):
    gp.control("DELETE", "accounts/000-3030-00")
    before = entries(gp)
    with pytest.raises(ControlError, match="retained earnings"):
        close(gp)
    assert entries(gp) == before
