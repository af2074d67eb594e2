"""From a journal entry as it was read to the postings that are kept of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ml_connector.connectors.dynamics_gp import GpSource
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.postings import Posting, digest_of, postings_of
from ml_connector.core.record import Fields, Record

WHERE = GpSource.entities["journal_entries"].postings
ENTRY = {
    "date": date(2026, 4, 21),
    "is_posted": True,
    "is_voided": False,
    "source_document": "SJ",
    "series": "Sales",
}
LINE = {
    "line.account": "000-4100-00 ", "line.debit": Decimal(0), "line.credit": Decimal("12.50"), "line.currency": "USD",
    "line.customer_id": "AARONFIT0001", "line.vendor_id": None, "line.document_id": "INV100",
    "line.document_control_id": "",
}  # fmt: skip


def entry(**lines: Fields) -> Record:
    return Record("journal_entries", "7/2026-04-21", ENTRY, datetime(2026, 5, 1, tzinfo=UTC), parts=lines)


def test_a_line_with_an_amount_is_a_posting() -> None:
    assert WHERE is not None
    assert postings_of(entry(**{"16384": LINE}), WHERE) == [
        Posting("16384", date(2026, 4, 21), "000-4100-00", Decimal(0), Decimal("12.50"), "USD", True, False,
                "AARONFIT0001", "", "INV100", "", "SJ", "Sales")
    ]  # fmt: skip


def test_a_quantity_is_no_money() -> None:
    assert WHERE is not None
    unit = {**LINE, "line.debit": None, "line.credit": None}
    assert [p.line for p in postings_of(entry(**{"1": unit, "2": LINE}), WHERE)] == ["2"]
    assert postings_of(entry(), WHERE) == []


@pytest.mark.parametrize("amount", ["0.000001", "10000000000000", "-10000000000000"])
def test_an_amount_that_no_ledger_has_is_refused_by_its_line(amount: str) -> None:
    assert WHERE is not None
    with pytest.raises(RecordRejectedError, match="Line 5 cannot be kept") as caught:
        postings_of(entry(**{"5": {**LINE, "line.debit": Decimal(amount)}}), WHERE)
    assert caught.value.code == "POSTING_UNREADABLE"
    assert caught.value.remedy


def test_a_line_without_an_account_is_refused() -> None:
    assert WHERE is not None
    with pytest.raises(RecordRejectedError, match="it has no account"):
        postings_of(entry(**{"5": {**LINE, "line.account": " "}}), WHERE)


def test_equal_postings_have_one_digest() -> None:
    assert WHERE is not None
    (one,) = postings_of(entry(**{"1": LINE}), WHERE)
    (other,) = postings_of(entry(**{"1": {**LINE, "line.credit": Decimal("12.5")}}), WHERE)
    (third,) = postings_of(entry(**{"1": {**LINE, "line.credit": Decimal("12.51")}}), WHERE)
    assert digest_of([one]) == digest_of([other])
    assert len({digest_of([one]), digest_of([third]), digest_of([one, third]), digest_of([])}) == 4
