"""GL accounts and journal entries, read from the simulator: values, keys, states, and how many calls it takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpSource, RequestGate, ledger, soap
from ml_connector.connectors.dynamics_gp.lanes import Answer
from ml_connector.connectors.dynamics_gp.ledger import AccountFormat, EntryKey, read_key
from ml_connector.core.change import Change
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ports import Absent, Unreadable
from ml_connector.core.record import Record

ACCOUNTS, JOURNALS = "gl_accounts", "journal_entries"


def listed(source: GpSource, entity: str, since: datetime | None = None) -> list[Change]:
    rows, after = [], None
    while True:
        page = source.list_changes(entity, since, after)
        rows += page.rows
        after = page.next_after
        if after is None:
            return rows


def one(source: GpSource, entity: str, key: str) -> Record:
    (found,) = source.fetch(entity, [key])
    assert isinstance(found, Record), found
    return found


def calls(gp) -> dict[str, int]:
    return dict(gp.control("GET", "state")["operations"])


def dumped(gp) -> dict[str, dict]:
    rows = gp.control("GET", "journals?limit=1000000")["rows"]
    return {
        str(
            EntryKey(
                row["journal_id"],
                date.fromisoformat(row["on"]),
                0 if row["state"] == "Work" else row["sequence"],
            )
        ): row
        for row in rows
    }


# ---- accounts


def test_a_posting_account_has_all_its_fields(simulate, connect):
    account = one(connect(simulate()), ACCOUNTS, "000-4110-01")
    assert {name: value for name, value in account.fields.items() if value is not None} == {
        "account_id": "000-4110-01",
        "description": "US Sales - Retail/Parts - Sales",
        "type": "Posting",
        "category": "Sales",
        "posting_type": "Profit and Loss",
        "typical_balance": "Credit",
        "is_active": True,
        "allows_entry": True,
        "created_at": datetime(2014, 1, 1, tzinfo=UTC),
        "modified_at": account.fields["modified_at"],
        "segment.main": "4110",
        "segment.1": "000",
        "segment.1.name": "Division",
        "segment.2": "4110",
        "segment.2.name": "Account",
        "segment.3": "01",
        "segment.3.name": "Department",
    }
    assert account.fields.keys() == GpSource.entities[ACCOUNTS].fields.keys()


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("000-9045-00", "Unit"),
        ("000-6690-00", "Fixed Allocation"),
        ("000-6695-00", "Variable Allocation"),
        ("000-1100-00", "Posting"),
    ],
)
def test_each_type_of_account_is_told_apart(simulate, connect, key, kind):
    fields = one(connect(simulate()), ACCOUNTS, key).fields
    assert fields["type"] == kind
    assert (fields["category"] is None) is (kind != "Posting")
    assert fields["segment.main"] == key[4:8]


def test_an_account_costs_one_call_and_the_format_one_for_all(simulate, connect):
    gp = simulate()
    source = connect(gp)
    keys = [change.key for change in listed(source, ACCOUNTS)]
    gp.control("DELETE", "requests")
    found = list(source.fetch(ACCOUNTS, keys))
    assert all(isinstance(account, Record) for account in found)
    assert calls(gp) == {
        "GetGLAccountByKey": len(keys),
        "GetGLAccountFormatList": 1,
        "GetWSEnabledCompanyForUserList": 1,
    }
    assert len(keys) > 40


@pytest.mark.parametrize("limit", [1, 7, 43, 1000])
def test_all_accounts_are_listed_at_any_row_limit(simulate, connect, limit):
    gp = simulate(row_limits={"accounts": limit})
    found = listed(connect(gp), ACCOUNTS)
    known = [row["id"] for row in gp.control("GET", "accounts?limit=999")["rows"]]
    assert sorted(change.key for change in found) == sorted(known)
    assert {change.name for change in found} >= {"Cash - Payroll", "Accounts Payable"}


def test_a_changed_account_is_listed_by_its_stamp(simulate, connect):
    gp = simulate()
    at = datetime(2026, 9, 1, 8, 30, 5, tzinfo=UTC)
    gp.control("POST", "accounts/000-2100-00", {"set": {"is_active": False}, "modified_at": at.isoformat()})
    source = connect(gp)
    assert listed(source, ACCOUNTS, at) == [Change("000-2100-00", "Accounts Payable", at)]
    assert one(source, ACCOUNTS, "000-2100-00").fields["is_active"] is False


def test_an_account_that_is_not_there_is_absent(simulate, connect):
    (found,) = connect(simulate()).fetch(ACCOUNTS, ["999-9999-99"])
    assert isinstance(found, Absent)


@pytest.mark.parametrize(
    ("separator", "account", "segments"),
    [
        ("-", "000-1100-00", ["000", "1100", "00"]),
        ("-", "0-0-1100-00", ["0-0", "1100", "00"]),
        ("-", "A  -1100-0 ", ["A", "1100", "0"]),
        (".", "000.1100.00", ["000", "1100", "00"]),
        ("", "000-1100-00", ["000", "1100", "00"]),
        ("", "000110000", ["000", "1100", "00"]),
        ("-", "000-11", ["000", "11", ""]),
    ],
)
def test_an_account_number_is_taken_apart_as_the_format_says(separator, account, segments):
    assert AccountFormat(("D", "A", "T"), (3, 4, 2), 1, separator).split(account) == segments


def test_a_company_without_a_format_has_accounts_without_segments():
    fields = ledger.flatten_account({"Key": {"Id": "1100"}}, ledger.account_format([], "-"))
    assert (fields["account_id"], fields["segment.1"], fields["segment.main"]) == ("1100", None, None)


def test_an_answer_of_the_common_type_is_asked_for_once_more():
    assert not ledger.is_whole_account({"Type": "Posting"})
    assert ledger.is_whole_account({"Type": "Posting", "TypicalBalance": None})
    assert ledger.is_whole_account({"Type": "Unit"})


# ---- entries


def test_an_entry_has_all_its_fields_and_its_lines(simulate, connect):
    gp = simulate()
    entry = one(connect(gp), JOURNALS, "3009/2026-05-06")
    vendor = gp.control("GET", "documents?limit=1")["rows"][0]
    assert entry.key == "3009/2026-05-06"
    assert {name: value for name, value in entry.fields.items() if value is not None} == {
        "entry_key": "3009/2026-05-06",
        "journal_id": 3009,
        "date": date(2026, 5, 6),
        "recurring_sequence": 0,
        "fiscal_year": 2026,
        "state": "Open",
        "is_posted": True,
        "is_voided": False,
        "reference": "Purchasing document",
        "source_document": "PMTRX",
        "series": "Purchasing",
        "ledger": "Base",
        "currency_code": "USD",
        "audit_trail_code": "GLTRX00003009",
        "posted_on": date(2026, 5, 6),
        "posted_by": "sa",
        "modified_by": "sa",
        "modified_at": datetime(2026, 5, 6, 14, 30, 5, tzinfo=UTC),
        "line_count": 2,
    }
    assert list(entry.parts) == ["16384", "32768"]
    assert {name: value for name, value in entry.parts["16384"].items() if value is not None} == {
        "line.number": 16384,
        "line.account": "000-6500-00",
        "line.debit": Decimal("450.10"),
        "line.credit": Decimal(0),
        "line.currency": "USD",
        "line.is_unit": False,
        "line.document_id": vendor["number"],
        "line.document_control_id": vendor["id"],
        "line.document_type": 1,
        "line.master_id": vendor["vendor_id"],
        "line.master_name": gp.control("GET", f"vendors/{vendor['vendor_id']}")["name"],
        "line.vendor_id": vendor["vendor_id"],
    }
    fields = GpSource.entities[JOURNALS].fields
    assert {*entry.fields, *entry.parts["16384"]} == fields.keys()
    assert {name for name, field in fields.items() if field.each} == entry.parts["16384"].keys()


def test_a_sale_points_to_its_customer(simulate, connect):
    (first, _) = one(connect(simulate()), JOURNALS, "3010/2026-05-06").parts.values()
    assert (first["line.customer_id"], first["line.vendor_id"]) == ("AARONFIT0001", None)


def test_a_unit_account_has_a_quantity_and_no_money(simulate, connect):
    units, debit, _credit = one(connect(simulate()), JOURNALS, "3004/2026-05-06").parts.values()
    assert (units["line.is_unit"], units["line.quantity"]) == (True, Decimal(14))
    assert (units["line.debit"], units["line.credit"], units["line.currency"]) == (None, None, None)
    assert (debit["line.debit"], debit["line.quantity"]) == (Decimal(1250), None)


def test_amounts_are_in_the_companys_currency_and_say_so(simulate, connect):
    entry = one(connect(simulate()), JOURNALS, "3008/2026-05-06")
    assert entry.fields["currency_code"] == "EUR"
    assert [line["line.currency"] for line in entry.parts.values()] == ["USD", "USD"]
    assert entry.parts["16384"]["line.debit"] == Decimal("1375.00")


def test_every_kind_of_entry_is_named_apart(simulate, connect):
    found = {change.key: change.name for change in listed(connect(simulate()), JOURNALS)}
    assert {key for key in found if key.startswith("3002/")} == {"3002/2026-04-30", "3002/2026-05-01"}, (
        "reversing"
    )
    assert {key for key in found if key.startswith("3003/")} == {
        "3003/2026-01-01/1", "3003/2026-02-01/2", "3003/2026-03-01/3",
    }, "recurring"  # fmt: skip
    assert found["3007/2025-03-31"] == "Of a closed year"
    assert not [key for key in found if key.startswith("3006/")], "it is in Work"


def test_voided_entries_say_so(simulate, connect):
    assert one(connect(simulate()), JOURNALS, "3005/2026-05-06").fields["is_voided"] is True


def test_entries_in_work_are_read_only_where_the_settings_say_so(simulate, connect):
    gp = simulate()
    posted, everything = connect(gp), connect(gp, unposted_entries=True)
    assert isinstance(next(posted.fetch(JOURNALS, ["3006/2026-05-06"])), Absent)
    found = {change.key for change in listed(everything, JOURNALS)}
    assert found - {change.key for change in listed(posted, JOURNALS)} == {
        "3006/2026-05-06",
        "3003/2026-04-01",
    }
    waiting = one(everything, JOURNALS, "3006/2026-05-06").fields
    assert (waiting["state"], waiting["is_posted"], waiting["fiscal_year"]) == ("Work", False, None)
    assert waiting["batch_id"] == "WAITING"


# ---- keys that stay


def test_a_key_and_its_lines_outlast_posting_and_the_years_close(simulate, connect):
    gp = simulate()
    source = connect(gp, unposted_entries=True)
    key = "3006/2026-05-06"
    listed(source, JOURNALS)
    before = one(source, JOURNALS, key)
    gp.control("POST", "journals/3006", {"post": True})
    posted = one(source, JOURNALS, key)
    gp.control("POST", "journals/close", {"year": 2026})
    closed = one(source, JOURNALS, key)
    listed(source, JOURNALS)
    again = one(source, JOURNALS, key)
    assert before.parts == posted.parts == closed.parts == again.parts
    assert [record.fields["state"] for record in (before, posted, closed)] == ["Work", "Open", "History"]
    assert [record.fields["is_posted"] for record in (before, posted, closed)] == [False, True, True]


def test_a_recurring_entry_has_a_key_for_each_posting(simulate, connect):
    gp = simulate()
    source = connect(gp)
    gp.control("POST", "journals/3003", {"post": True})
    assert {c.key for c in listed(source, JOURNALS) if c.key.startswith("3003/")} == {
        "3003/2026-01-01/1", "3003/2026-02-01/2", "3003/2026-03-01/3", "3003/2026-04-01/4",
    }  # fmt: skip
    assert one(source, JOURNALS, "3003/2026-04-01/4").fields["recurring_sequence"] == 4


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("3327/2027-04-21", EntryKey(3327, date(2027, 4, 21), 0)),
        ("3327/2027-04-21/2", EntryKey(3327, date(2027, 4, 21), 2)),
        ("3327/2027-04-21 ", EntryKey(3327, date(2027, 4, 21), 0)),
        (" 3327/2027-04-21", None),
        ("03327/2027-04-21", None),
        ("3327/2027-04-21/0", None),
        ("3327", None),
        ("3327/2027-02-30", None),
        ("3327/2027-04-21/", None),
        ("AARONFIT0001", None),
        ("", None),
    ],
)
def test_keys_are_read_as_they_are_written(text, key):
    assert read_key(text) == key
    assert key is None or str(key) == text.rstrip()


def test_what_is_no_key_is_absent(simulate, connect):
    found = list(connect(simulate()).fetch(JOURNALS, ["nonsense", "3001/2026-05-07", "3001/2026-05-06/9"]))
    assert [type(record) for record in found] == [Absent] * 3


def test_lines_of_one_number_are_told_apart_by_what_they_say():
    def line(account: str, debit: str) -> dict:
        return {
            "Key": {"SequenceNumber": "500"},
            "GLAccountKey": {"Id": account},
            "DebitAmount": {"Currency": "USD", "Value": debit},
        }

    lines = [
        line("B", "2"),
        line("A", "1"),
        {**line("A", "1"), "OriginatingDocument": {"Id": "SALES2"}},
        {**line("C", "3"), "Key": {"SequenceNumber": "9"}},
    ]
    key = EntryKey(1, date(2026, 1, 1), 0)
    one_way = ledger.flatten_entry({"Lines": {"GLTransactionLine": lines}}, key)[1]
    other = ledger.flatten_entry({"Lines": {"GLTransactionLine": lines[::-1]}}, key)[1]
    assert list(one_way) == ["9", "500", "500.2", "500.3"]
    assert one_way == other
    assert [fields["line.account"] for fields in one_way.values()] == ["C", "A", "A", "B"]


# ---- lists at any row limit, and what they cost


@pytest.mark.parametrize("unposted", [False, True])
@pytest.mark.parametrize("limit", [1, 7, 500, 1000, 1001])
def test_all_entries_are_listed_at_any_row_limit(simulate, connect, limit, unposted):
    count = 60 if limit == 1 else 400 if limit == 7 else 4000
    gp = simulate(journal_entries=count, row_limits={"journals": limit}, seed=limit)
    found = [change.key for change in listed(connect(gp, unposted_entries=unposted), JOURNALS)]
    known = {key: row for key, row in dumped(gp).items() if unposted or row["state"] != "Work"}
    assert Counter(found) == Counter(list(known))
    if limit >= 500:
        assert calls(gp)["GetGLTransactionList"] <= 3.5 * count / limit + 6


@pytest.mark.parametrize("limit", [1, 7, 500, 1000, 1001])
def test_a_month_end_with_more_entries_than_the_limit(simulate, connect, limit):
    count = 40 if limit < 500 else 1500
    gp = simulate(row_limits={"journals": limit})
    lines = [{"account": "000-1100-00", "debit": "1"}, {"account": "000-4000-00", "credit": "1"}]
    at = "2026-12-31T20:00:00"
    for _ in range(count):
        gp.control("POST", "journals", {"on": "2026-12-31", "lines": lines, "modified_at": at})
    source = connect(gp)
    since = datetime(2026, 12, 31, tzinfo=UTC)
    found = [change.key for change in listed(source, JOURNALS, since)]
    assert len(found) == len(set(found)) == count
    assert {change.at for change in listed(source, JOURNALS, since)} == {
        datetime(2026, 12, 31, 20, tzinfo=UTC)
    }


def test_an_idle_list_is_one_call_once_the_limit_is_known_and_an_entry_one(simulate, connect):
    gp = simulate(journal_entries=300)
    source = connect(gp)
    keys = [change.key for change in listed(source, JOURNALS)]
    gp.control("DELETE", "requests")
    assert listed(source, JOURNALS, datetime(2027, 1, 1, tzinfo=UTC)) == []
    assert calls(gp) == {"GetGLTransactionList": 1}
    gp.control("DELETE", "requests")
    assert all(isinstance(found, Record) for found in source.fetch(JOURNALS, keys))
    assert calls(gp) == {"GetGLPostedTransactionByKey": len(keys)}


def test_an_entry_that_nobody_listed_costs_one_list_more(simulate, connect):
    """A replay, or a window after a restart."""
    gp = simulate()
    source = connect(gp)
    gp.control("DELETE", "requests")
    one(source, JOURNALS, "3007/2025-03-31")
    assert calls(gp) == {"GetGLTransactionList": 1, "GetGLPostedTransactionByKey": 1}


class Answers:
    """A transport that answers every list of entries with the same rows, where nothing beside them is asked for."""

    mechanism = "none"
    downgrade = ""

    def __init__(self, *rows: str) -> None:
        self.rows = [f"<GLTransactionSummary>{row}</GLTransactionSummary>" for row in rows]

    def post(self, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> Answer:
        operation = headers["SOAPAction"].strip('"').rpartition("/")[2]
        beside = re.search(rb"<gp:(GreaterThan|LessThan)>", body)
        state = re.search(r"<gp:TransactionState><gp:EqualValue>(\w+)<", body.decode())
        rows = [row for row in self.rows if not beside and (state is None or f">{state[1]}<" in row)]
        result = "".join(rows)
        inside = f"<{operation}Result>{result}</{operation}Result>"
        answer = f'<{operation}Response xmlns="{soap.GP}">{inside}</{operation}Response>'
        text = f'<s:Envelope xmlns:s="{soap.ENVELOPE}"><s:Body>{answer}</s:Body></s:Envelope>'
        return Answer(200, {}, (), text.encode())

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def answering(opened, tmp_path, clock):
    """A source that reads from a GP which answers these rows."""

    def start(*rows: str) -> GpSource:
        config = GpConfig(endpoint="http://gp.example/", company_id=-1, user="FABRIKAM\\connector")
        gate = opened.enter_context(closing(RequestGate(tmp_path / "gate", 3, 0.0, clock)))
        client = GpClient(config, lambda: "", gate, clock, Answers(*rows))
        return opened.enter_context(closing(GpSource(client)))

    return start


def row_of(journal_id: str, state: str, stamp: str, year: str = "") -> str:
    year = f"<FiscalYear>{year}</FiscalYear>" if year else ""
    key = f"<Key><JournalId>{journal_id}</JournalId><Date>2026-01-01T00:00:00</Date>{year}</Key>"
    return f"{key}<ModifiedDate>{stamp}</ModifiedDate><TransactionState>{state}</TransactionState>"


def test_a_posted_entry_without_a_year_is_held(answering):
    (found,) = answering(row_of("7", "Open", "2026-01-01T10:00:00")).fetch(JOURNALS, ["7/2026-01-01"])
    assert isinstance(found, Unreadable)
    assert found.error.code == "NO_FISCAL_YEAR"


def test_a_row_whose_journal_id_is_no_number_ends_the_listing(answering):
    with pytest.raises(
        ConfigurationError, match="GetGLTransactionList: Dynamics GP sent 'x' where a whole number"
    ):
        listed(answering(row_of("x", "Open", "2026-01-01T10:00:00", "2026")), JOURNALS)


def test_an_entry_that_moves_while_it_is_listed_is_one_change(answering):
    """For a moment GP shows it in both tables."""
    rows = (
        row_of("7", "History", "2027-01-15T00:00:07", "2026"),
        row_of("7", "Open", "2026-01-01T10:00:00", "2026"),
    )
    assert listed(answering(*rows), JOURNALS) == [
        Change("7/2026-01-01", "", datetime(2027, 1, 15, 0, 0, 7, tzinfo=UTC), date(2026, 1, 1))
    ]


def test_ping_tries_the_ledgers_operations(simulate, connect):
    gp = simulate(
        denied_operations={r"FABRIKAM\connector": ("GetGLTransactionList", "GetGLAccountFormatList")}
    )
    checks = {
        check.name: check.ok for check in connect(gp, unposted_entries=True).checks([ACCOUNTS, JOURNALS])
    }
    assert checks == {
        "reach GP": True, "sign in": True, "company": True, "GetGLAccountList": True, "GetGLAccountByKey": True,
        "GetGLPostingAccountByKey": True, "GetGLAccountFormatList": False, "GetGLTransactionList": False,
        "GetGLPostedTransactionByKey": True, "GetGLTransactionByKey": True,
        "GetLoggedValidationResultByKey": True, "clock": True,
    }  # fmt: skip


def test_a_document_day_is_never_shifted(simulate, connect):
    gp = simulate()
    lines = [{"account": "000-1100-00", "debit": "1"}, {"account": "000-4000-00", "credit": "1"}]
    at = datetime(2026, 7, 31, 23, 59, 59, tzinfo=UTC) + timedelta(seconds=2)
    made = gp.control("POST", "journals", {"on": "2026-07-31", "lines": lines, "modified_at": at.isoformat()})
    entry = one(connect(gp), JOURNALS, f"{made['journal_id']}/2026-07-31")
    assert (entry.fields["date"], entry.fields["modified_at"]) == (date(2026, 7, 31), at)
