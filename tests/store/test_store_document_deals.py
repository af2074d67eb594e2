"""Which deal a document belongs to: what moved is told, so that what points there can be looked at again."""

from __future__ import annotations

from ml_connector.store import document_deals

ORDER, INVOICE = "Z00A1", "Inv 7"


def test_a_document_is_of_one_deal_of_its_company(tx):
    for _ in range(2):
        assert document_deals.put(tx, "-1", [ORDER, INVOICE], "1") == []
    assert document_deals.put(tx, "2", [ORDER], "9") == []
    assert document_deals.find(tx, "-1", ["z00a1 ", "INV 7", "other"]) == {"z00a1": "1", "inv 7": "1"}
    assert document_deals.by_deal(tx, ["-1", "2"]) == {"1": {"z00a1", "inv 7"}, "9": {"z00a1"}}
    assert document_deals.by_deal(tx, ["2"]) == {"9": {"z00a1"}}


def test_what_belonged_to_another_deal_is_told(tx):
    document_deals.put(tx, "-1", [ORDER], "1")
    assert document_deals.put(tx, "-1", [ORDER, INVOICE], "2") == [ORDER]
    assert document_deals.by_deal(tx, ["-1"]) == {"2": {"z00a1", "inv 7"}}


def test_of_no_deal_it_is_forgotten(tx):
    document_deals.put(tx, "-1", [ORDER, INVOICE], "1")
    assert document_deals.put(tx, "-1", [INVOICE, "other"], "") == [INVOICE]
    assert document_deals.find(tx, "-1", [ORDER, INVOICE]) == {"z00a1": "1"}
