"""What records of the CRM became: kept whole, and what is told apart from what is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ml_connector.core.document_decisions import How, Intent, Left, Linked
from ml_connector.core.sales import Kind
from ml_connector.store import documents
from ml_connector.store.documents import Became, Told

NOW = datetime(2026, 11, 2, 8, 30, 15, tzinfo=UTC)
LEFT = Left(
    {"customer_po": "PO 7", "lines.1.quantity": Decimal("2.5")}, {"customer_po": "PO 7", "on": NOW.date()}
)
ROW = Became(
    "-1",
    "Sales_Orders",
    "900",
    Linked(Kind.ORDER, "ZO1", How.MADE, LEFT),
    Intent(NOW, {"customer_po": "PO 8"}),
    is_total_open=True,
    wanted="digest",
    deal="71",
    quote="72",
    won_at=NOW,
    next_at=NOW + timedelta(minutes=5),
)


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        Became("-1", "Sales_Orders", "900"),
        replace(ROW, linked=Linked(Kind.QUOTE, "Q1", How.NUMBER), intent=None),
    ],
)
def test_a_row_is_found_as_it_was_put(database, row):
    with database.begin() as tx:
        documents.put(tx, ROW)
        documents.put(tx, row)
        assert documents.find(tx, "Sales_Orders", ["900", "901"]) == {"900": row}
        assert documents.find(tx, "Quotes", ["900"]) == {}


def test_what_it_became_and_what_is_told_do_not_touch_each_other(database):
    told = Told({"GP_Ordered_Amount": Decimal("1.50")}, {"GP_Invoices": None}, NOW, 7, is_open=True)
    with database.begin() as tx:
        documents.put_told(tx, Became("-1", "Sales_Orders", "900"), told)
        documents.put(tx, ROW)
        assert documents.find_told(tx, "Sales_Orders", ["900"]) == {"900": told}
        documents.put_told(tx, Became("2", "Sales_Orders", "900"), replace(told, master_number=8))
        assert documents.find(tx, "Sales_Orders", ["900"]) == {"900": ROW}


def test_what_the_crm_was_told_is_not_to_be_told_until_it_differs(database):
    told = Told({}, {"GP_Order_Status": "Entered"}, NOW)
    with database.begin() as tx:
        for key in ("1", "2", "3"):
            documents.put_told(tx, Became("-1", "Sales_Orders", key), told)
        documents.put(tx, Became("-1", "Sales_Orders", "4"))
        found = documents.untold(tx, "Sales_Orders", 2)
        assert [(one.key, one.fields, one.as_of) for one in found] == [
            (k, told.tells, NOW) for k in ("1", "2")
        ]
        documents.tell(tx, found)
        assert [one.key for one in documents.untold(tx, "Sales_Orders", 9)] == ["3"]
        documents.put_told(tx, Became("-1", "Sales_Orders", "1"), replace(told, as_of=NOW + timedelta(1)))
        assert [one.key for one in documents.untold(tx, "Sales_Orders", 9)] == ["3"]
        more = replace(told, tells={"GP_Order_Status": "Voided"})
        documents.put_told(tx, Became("-1", "Sales_Orders", "1"), more)
        assert [one.key for one in documents.untold(tx, "Sales_Orders", 9)] == ["1", "3"]


def test_what_waits_and_what_belongs_together(database):
    other = replace(ROW, key="901", next_at=None, linked=Linked(Kind.ORDER, "ZO2", How.MADE))
    with database.begin() as tx:
        assert documents.next_due(tx, "Sales_Orders") is None
        for row in (ROW, other):
            documents.put(tx, row)
        assert documents.waiting(tx, "Sales_Orders", NOW) == []
        assert documents.waiting(tx, "Sales_Orders", NOW + timedelta(hours=1)) == ["900"]
        assert documents.next_due(tx, "Sales_Orders") == ROW.next_at
        assert documents.of_deal(tx, "71") == [ROW, other]
        documents.put_told(tx, other, Told(as_of=NOW, master_number=7, is_open=True))
        assert documents.of_documents(tx, "-1", ["ZO1"], [7, 0]) == [ROW, other]
        assert documents.of_documents(tx, "2", ["ZO1"], [7]) == []
        assert documents.not_read_since(tx, "-1", NOW, 9) == []
        assert documents.not_read_since(tx, "-1", NOW + timedelta(1), 9) == [other]
