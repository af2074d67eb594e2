"""What postings come to by customer, document and account, exactly, and all of them together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_connector.core.postings import Posting
from ml_connector.core.record import fold_key
from ml_connector.store import earned, intents, postings
from ml_connector.store.earned import DocumentSum
from ml_connector.store.links import Pair

AT = datetime(2026, 11, 2, 8, 30, 15, tzinfo=UTC)
APRIL = date(2026, 4, 21)
SALES = "000-4100-00"


def posting(credit: str = "7", **more: object) -> Posting:
    told = Posting("1", APRIL, SALES, Decimal(0), Decimal(credit), "USD", True, False, "A1", "", "INV1", "", "SJ",
                   "Sales")  # fmt: skip
    return replace(told, **more)


def put(tx, *rows: Posting, company: str = "-1", entry: str = "7/2026-04-21") -> None:
    numbered = [replace(row, line=str(number)) for number, row in enumerate(rows)]
    postings.put(tx, company, {entry: numbered}, AT)


def sums(tx, first: date | None = None, last: date | None = None, account: str = SALES) -> dict[str, Decimal]:
    """Document -> its sum."""
    rows = list(earned.by_document(tx, "-1", [account], first, last))
    return {row.document: row.credit_less_debit for row in rows}


def test_lines_of_one_document_are_added_and_debits_taken_off(tx):
    put(tx, posting("7.10"), posting("0.01"), posting("0", debit=Decimal("2.00005")))
    [row] = earned.by_document(tx, "-1", [SALES], None, None)
    assert row == DocumentSum("A1", "INV1", SALES, "USD", Decimal("5.10995"))
    assert earned.total(tx, "-1", [SALES], None, None) == {"USD": Decimal("5.10995")}


def test_each_customer_document_and_currency_is_told_apart(tx):
    put(
        tx,
        posting("1"),
        posting("2", customer_id="B2"),
        posting("4", document_id="INV2"),
        posting("8", currency="EUR"),
        posting("16", document_id="", document_control_id="CTRL1"),
        posting("32", document_id=""),
        posting("64", account="000-1100-00"),
    )
    found = list(earned.by_document(tx, "-1", [SALES], None, None))
    assert sorted((r.customer_id, r.document, r.currency, int(r.credit_less_debit)) for r in found) == [
        ("A1", "", "USD", 32),
        ("A1", "CTRL1", "USD", 16),
        ("A1", "INV1", "EUR", 8),
        ("A1", "INV1", "USD", 1),
        ("A1", "INV2", "USD", 4),
        ("B2", "INV1", "USD", 2),
    ]
    assert earned.total(tx, "-1", [SALES], None, None) == {"USD": 55, "EUR": 8}


def test_only_what_is_posted_and_not_voided_in_the_days_of_this_company_counts(tx):
    put(tx, posting("1"), posting("2", is_posted=False), posting("4", is_voided=True))
    put(tx, posting("8", on=date(2026, 4, 20)), posting("16", on=date(2026, 4, 22)), entry="8/2026-04-21")
    put(tx, posting("32"), company="2")
    assert sums(tx) == {"INV1": 25}
    assert sums(tx, APRIL, APRIL) == {"INV1": 1}
    assert sums(tx, last=APRIL) == {"INV1": 9}
    assert sums(tx, first=APRIL) == {"INV1": 17}
    assert earned.total(tx, "-1", [SALES], APRIL, None) == {"USD": 17}
    assert sums(tx, account="000-9999-99") == {}


def test_accounts_are_those_that_something_was_posted_on(tx):
    put(tx, posting(account="000-41A0-00"), posting(account="000-2000-00", is_posted=False))
    assert earned.accounts(tx, "-1") == {"000-41a0-00": "000-41A0-00"}
    assert earned.accounts(tx, "2") == {}


_ROWS = st.lists(
    st.tuples(
        st.integers(-(10**12), 10**12),
        st.sampled_from(["", "A1", "B2"]),
        st.sampled_from(["", "INV1", "INV2"]),
        st.sampled_from([SALES, "000-4510-01"]),
    ),
    max_size=40,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS)
def test_the_sums_make_up_the_total_exactly(tx, rows):
    put(tx, *(posting(str(Decimal(n) / 100), customer_id=c, document_id=d, account=a) for n, c, d, a in rows))
    accounts = [fold_key(SALES), "000-4510-01"]
    found = sum((r.credit_less_debit for r in earned.by_document(tx, "-1", accounts, None, None)), Decimal(0))
    whole = sum((Decimal(n) for n, *_ in rows), Decimal(0)) / 100
    assert found == whole
    assert sum(earned.total(tx, "-1", accounts, None, None).values()) == whole


def test_intents_that_are_open_are_told_by_their_keys(tx):
    pair = Pair("-1", "deal_tagging", "Deals")
    assert intents.open_keys(tx, pair) == []
    intents.put(tx, pair, [("8", ""), ("7", "")], AT)
    assert intents.open_keys(tx, pair) == ["7", "8"]
    intents.remove(tx, pair, [("7", "")])
    assert intents.open_keys(tx, pair) == ["8"]
    assert intents.open_keys(tx, Pair("-1", "profitability", "Deals")) == []
