"""Postings: one row a line, replaced with their entry, and summed exactly by account and month."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_connector.core.flow import CARRIED
from ml_connector.core.postings import Posting
from ml_connector.core.record import Reading, digest
from ml_connector.store import postings, readings
from ml_connector.store.postings import Month, Sums

AT = datetime(2026, 11, 2, 8, 30, 15, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
APRIL = date(2026, 4, 21)


def posting(line: str = "1", account: str = "000-4100-00", credit: str = "7", **more: object) -> Posting:
    told = Posting(line, APRIL, account, Decimal(0), Decimal(credit), "USD", True, False, "A1", "", "INV1", "", "SJ",
                   "Sales")  # fmt: skip
    return replace(told, **more)


def put(tx, *rows: Posting, entry: str = "7/2026-04-21", at: datetime = AT) -> None:
    postings.put(tx, "-1", {entry: rows}, at)


def months(tx, since: datetime | None = None, after=None, most: int = 100) -> list[Month]:
    return postings.months(tx, "-1", "gl_accounts", since, after, most)


def sums(
    tx, account: str = "000-4100-00", month: str = "2026-04", from_date: date | None = None
) -> Sums | None:
    return postings.sums(tx, "-1", [(account, month)], from_date).get((account, month))


def test_an_entry_is_kept_line_by_line_as_it_is(tx):
    rows = [
        posting("16384"),
        posting("32768.2", credit="0.00001"),
        posting("32768", debit=Decimal("-9999999999999.99999")),
    ]
    put(tx, *rows)
    assert postings.of_entry(tx, "-1", "7/2026-04-21") == [rows[0], rows[2], rows[1]]
    assert postings.of_entry(tx, "2", "7/2026-04-21") == []


def test_writing_an_entry_replaces_all_of_it_and_again_changes_nothing(tx):
    put(tx, posting("1"), posting("2"))
    put(tx, posting("2", credit="9"), posting("3"))
    put(tx, posting("2", credit="9"), posting("3"))
    assert [(p.line, p.credit) for p in postings.of_entry(tx, "-1", "7/2026-04-21")] == [("2", 9), ("3", 7)]
    put(tx)
    assert postings.of_entry(tx, "-1", "7/2026-04-21") == []


def test_one_entry_leaves_the_others(tx):
    put(tx, posting(), entry="7/2026-04-21")
    put(tx, posting(), entry="7/2026-04-21/2")
    put(tx, entry="7/2026-04-21")
    assert len(postings.of_entry(tx, "-1", "7/2026-04-21/2")) == 1


def test_of_a_vanished_entry_only_what_was_posted_stays(tx):
    put(tx, posting(is_posted=False), entry="1/2026-04-21")
    put(tx, posting(), entry="2/2026-04-21")
    postings.remove_unposted(tx, "-1", ["1/2026-04-21", "2/2026-04-21"])
    assert postings.of_entry(tx, "-1", "1/2026-04-21") == []
    assert len(postings.of_entry(tx, "-1", "2/2026-04-21")) == 1


def test_a_month_is_what_was_posted_and_not_voided(tx):
    put(
        tx, posting("1", credit="0.1"), posting("2", credit="0.2"), posting("3", debit=Decimal("0.05"), credit="0"),
        posting("4", credit="50", on=date(2026, 5, 1)), posting("5", account="000-1100-00", credit="60"),
    )  # fmt: skip
    put(tx, posting(credit="70", is_posted=False), entry="8/2026-04-01")
    put(tx, posting(credit="80", is_voided=True), entry="9/2026-04-01")
    put(tx, posting(credit="3", on=date(2026, 4, 2)), entry="6/2026-04-02")
    assert sums(tx) == Sums(
        "000-4100-00", Decimal("0.05"), Decimal("3.3"), ("USD",), 4, date(2026, 4, 2), APRIL
    )
    since = sums(tx, from_date=APRIL)
    assert since is not None
    assert (since.credit, since.line_count, since.first_on) == (Decimal("0.3"), 3, APRIL)
    assert sums(tx, month="2026-06") is None


def test_a_month_of_voided_lines_alone_is_zero_and_one_of_unposted_alone_is_none(tx):
    put(tx, posting(is_voided=True))
    put(tx, posting(account="U", is_posted=False), entry="8/2026-04-21")
    assert sums(tx) == Sums("000-4100-00", Decimal(0), Decimal(0), (), 0, None, None)
    assert sums(tx, "u") is None
    assert [month.key for month in months(tx)] == [("000-4100-00", "2026-04")]


def test_currencies_are_told_apart(tx):
    put(tx, posting("1"), posting("2", currency="EUR"), posting("3", currency="GBP", is_voided=True))
    told = sums(tx)
    assert told is not None
    assert told.currencies == ("EUR", "USD")


def test_a_change_marks_the_months_before_and_now(tx):
    put(tx, posting())
    assert months(tx) == [Month("000-4100-00", "2026-04", AT)]
    put(tx, posting(account="000-1100-00"), at=LATER)
    assert months(tx) == [Month("000-1100-00", "2026-04", LATER), Month("000-4100-00", "2026-04", LATER)]
    assert sums(tx) == Sums("000-4100-00", Decimal(0), Decimal(0), (), 0, None, None), "it stays, with zeros"


def test_an_unposted_entry_marks_no_month(tx):
    put(tx, posting(is_posted=False))
    assert months(tx) == []
    put(tx, posting(), at=LATER)
    assert months(tx) == [Month("000-4100-00", "2026-04", LATER)]


def test_a_change_is_later_than_every_one_before_although_the_clock_was_set_back(tx):
    put(tx, posting(), at=LATER)
    put(tx, posting(account="000-1100-00"), entry="8/2026-04-21", at=AT)
    first, second = months(tx)
    assert first.changed_at == LATER + timedelta(microseconds=1)
    assert second.changed_at == LATER
    assert [month.account for month in months(tx, since=LATER + timedelta(microseconds=1))] == ["000-1100-00"]


def test_months_come_in_pages_in_order_of_keys(tx):
    accounts = ["B", "a", "C/1"]
    put(tx, *(posting(f"{a}{m}", account=a, on=date(2026, m, 1)) for a in accounts for m in (1, 2, 11)))
    found, after = [], None
    while page := months(tx, after=after, most=2):
        found += page
        after = page[-1].key
    assert found == months(tx)
    assert [month.key for month in found] == [
        (account, month) for account in ("a", "b", "c/1") for month in ("2026-01", "2026-02", "2026-11")
    ]
    assert found[-1].account == "C/1"


def test_a_month_changes_with_what_is_known_of_its_account(tx):
    put(tx, posting(), posting("2", account="000-1100-00"))
    fields = {"category": "Sales"}
    reading = Reading("000-4100-00", CARRIED, fields, digest(fields))
    readings.put(tx, "-1", "gl_accounts", [reading], LATER, settled=True)
    assert [(month.account, month.changed_at) for month in months(tx)] == [
        ("000-1100-00", AT),
        ("000-4100-00", LATER),
    ]
    assert [month.account for month in months(tx, since=LATER)] == ["000-4100-00"]
    readings.put(tx, "-1", "gl_accounts", [reading], LATER + timedelta(1), settled=True)
    assert [month.changed_at for month in months(tx, since=LATER)] == [LATER], "read again, it is the same"


def test_companies_are_kept_apart(tx):
    put(tx, posting())
    postings.put(tx, "2", {"7/2026-04-21": [posting(credit="9")]}, AT)
    postings.put(tx, "2", {}, AT)
    told = sums(tx)
    assert told is not None
    assert told.credit == 7
    assert len(months(tx)) == 1
    assert postings.sums(tx, "-1", [], None) == {}


AMOUNT = st.decimals(-1_000_000, 1_000_000, places=5)
ROW = st.tuples(
    st.sampled_from(["000-1100-00", "000-4100-00"]),
    st.sampled_from([date(2026, 4, 1), date(2026, 4, 30), date(2026, 5, 1)]),
    AMOUNT, AMOUNT, st.booleans(), st.booleans(),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["1", "2", "3"]), st.lists(ROW, max_size=6), max_size=3))
def test_the_sums_of_months_are_those_of_the_lines(shared, entries):
    made = {
        key: [
            Posting(str(n), on, account, debit, credit, "USD", posted, voided, "", "", "", "", "", "")
            for n, (account, on, debit, credit, posted, voided) in enumerate(rows)
        ]
        for key, rows in entries.items()
    }
    with shared("sqlite").engine.connect().execution_options(writes=True) as tx:
        outer = tx.begin()
        postings.put(tx, "-1", made, AT)
        keys = [month.key for month in postings.months(tx, "-1", "gl_accounts", None, None, 100)]
        found = postings.sums(tx, "-1", keys, None)
        outer.rollback()
    wanted: dict[tuple[str, str], list[Decimal]] = {}
    for told in made.values():
        for one in told:
            if one.is_posted:
                pair = wanted.setdefault((one.account, one.month), [Decimal(0), Decimal(0)])
                if not one.is_voided:
                    pair[0] += one.debit
                    pair[1] += one.credit
    assert {key: [one.debit, one.credit] for key, one in found.items()} == wanted


def test_a_hundred_thousand_lines_are_kept_in_one_transaction(tx):
    entries = {
        f"{entry}/2026-04-21": [posting(str(line), account=f"000-{line:04}-00") for line in range(100)]
        for entry in range(1000)
    }
    postings.put(tx, "-1", entries, AT)
    told = sums(tx, "000-0042-00")
    assert told is not None
    assert (told.line_count, told.credit) == (1000, 7000)
