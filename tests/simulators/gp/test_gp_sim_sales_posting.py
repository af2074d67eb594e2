"""What becomes of an order within GP: allocated, invoiced in whole or in part, posted, voided, and what tells of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from gp_sim_sales import (
    CUSTOMER,
    act,
    create,
    document,
    dumped,
    entered,
    key,
    order_line,
    reasons,
    select,
    update,
)
from gp_sim_wire import read_entry


def deed(wire, path, **wanted):
    status, told = wire.control("POST", f"sales/{path}", wanted)
    assert status == 200, told
    return told


def stock(wire, item="100XLG", site="WAREHOUSE"):
    rows = {row["id"]: row for row in wire.control("GET", "items")[1]["rows"]}
    return next((s["on_hand"], s["allocated"]) for s in rows[item]["stock"] if s["site"] == site)


def owed(wire, customer=CUSTOMER):
    shown = wire.control("GET", f"customers/{customer}")[1]
    return Decimal(shown["balance"]), Decimal(shown["receivables"]["on_order"])


def test_an_allocation_takes_stock_and_stamps(wire):
    create(wire, document("ZO1", lines=(order_line("100XLG", 3),)))
    before = dumped(wire, "Order/ZO1")
    wire.control("POST", "settings", {"clock_offset_seconds": 600})
    after = deed(wire, "Order/ZO1", allocate=True)
    assert after["lines"][0]["allocated"] == "3.00"
    assert after["modified_at"] > before["modified_at"]
    assert stock(wire) == ("1000.00", "3.00")
    read = wire.by_key("GetSalesOrderByKey", "ZO1")
    assert read.text("SalesOrderLine/QuantityAllocated/Value") == "3.00000"


def test_a_change_may_leave_the_headers_stamp(wire):
    before = dumped(wire, "Order/ORDST2228")
    for wanted in ({"allocate": True}, {"lines": {"16384": {"quantity": "9"}}}):
        told = deed(wire, "Order/ORDST2228", touch=False, **wanted)
        assert (told["modified_at"], told["row_stamp_at"]) == (before["modified_at"], before["row_stamp_at"])
    assert (told["lines"][0]["allocated"], told["lines"][0]["quantity"]) == ("2.00", "9.00")


def test_what_is_on_order_at_first_is_what_the_orders_come_to(wire):
    orders = wire.control("GET", "sales?type=Order")[1]["rows"]
    assert owed(wire)[1] == sum(Decimal(order["total"]) for order in orders)


def test_a_case_is_twelve(wire):
    create(wire, document("ZO1", lines=(order_line("100XLG", 2, UofM="<g:UofM>Case</g:UofM>"),)))
    deed(wire, "Order/ZO1", allocate=True)
    assert stock(wire) == ("1000.00", "24.00")


def test_an_order_invoiced_whole_is_in_history_and_names_its_invoice(wire):
    balance, on_order = owed(wire)
    create(wire, document("ZO1", lines=(order_line("128 SDRAM", 2), order_line("CONSULTING", 4))))
    assert owed(wire) == (balance, on_order + Decimal("979.90"))
    told = deed(wire, "Order/ZO1", invoice=True, post=True, on="2026-05-20")
    assert owed(wire) == (balance + Decimal("979.90"), on_order)
    assert (told["order"]["state"], told["order"]["is_voided"]) == ("History", False)
    number = told["invoice"]["id"]
    read = wire.by_key("GetSalesInvoiceByKey", number)
    told_of = {
        name: read.text(f"GetSalesInvoiceByKeyResult/{name}")
        for name in ("OriginalSalesDocumentKey/Id", "OriginalSalesDocumentType", "TransactionState", "PostedDate",
                     "TotalAmount/Value", "MasterNumber")
    }  # fmt: skip
    assert told_of == {
        "OriginalSalesDocumentKey/Id": "ZO1",
        "OriginalSalesDocumentType": "Order",
        "TransactionState": "History",
        "PostedDate": "2026-05-20T00:00:00",
        "TotalAmount/Value": "979.90000",
        "MasterNumber": str(told["order"]["master_number"]),
    }
    order = wire.by_key("GetSalesOrderByKey", "ZO1")
    assert order.text("GetSalesOrderByKeyResult/TransactionState") == "History"
    assert set(order.texts("SalesOrderLine/QuantityToInvoice/Value")) == {"0.00000"}
    assert stock(wire, "128 SDRAM") == ("998.00", "0.00")


def test_the_invoice_is_in_the_ledger_under_its_number(wire):
    create(wire, document("ZO1", lines=(order_line("128 SDRAM", 2), order_line("CONSULTING", 4))))
    told = deed(wire, "Order/ZO1", invoice=True, post=True)
    lines = {line["account"]: (line["debit"], line["credit"]) for line in told["journal"]["lines"]}
    assert lines == {
        "000-1200-00": ("979.90", "0.00"),
        "000-4110-01": ("0.00", "379.90"),
        "000-4110-02": ("0.00", "600.00"),
        "000-4510-01": ("184.88", "0.00"),
        "000-1300-01": ("0.00", "184.88"),
    }
    read = read_entry(wire, told["journal"])
    assert set(read.texts("GLTransactionLine/OriginatingDocument/Id")) == {told["invoice"]["id"]}
    assert set(read.texts("GLTransactionLine/OriginatingDocument/MasterId")) == {CUSTOMER}
    assert read.text("GetGLPostedTransactionByKeyResult/OriginatingDocument/Series") == "Sales"


def test_an_entry_balances_whatever_the_invoice_holds(wire):
    line = {"item_id": "100XLG", "quantity": 3, "unit_price": "33.33", "discount": {"percent": "7"}}
    made = entered(wire, id="ZO1", customer_id="ASTORSUI0001", freight="7.77", miscellaneous="1.11", tax="3.33",
                   trade_discount={"percent": "3"}, lines=[line])  # fmt: skip
    told = deed(wire, "Order/ZO1", invoice=True, post=True)
    lines = told["journal"]["lines"]
    assert sum(Decimal(line["debit"]) - Decimal(line["credit"]) for line in lines) == 0
    read = read_entry(wire, told["journal"], currency="Transactional")
    currencies = set(read.texts("GLTransactionLine/DebitAmount/Currency"))
    debits = [Decimal(value) for value in read.texts("GLTransactionLine/DebitAmount/Value")]
    credited = [Decimal(value) for value in read.texts("GLTransactionLine/CreditAmount/Value")]
    assert (currencies, sum(debits), debits[0]) == ({"AUD"}, sum(credited), Decimal(made["total"]))


def test_an_order_invoiced_in_part_stays_and_its_parts_come_to_the_whole(wire):
    made = entered(wire, id="ZO1", freight="10.00", tax="10.00", trade_discount={"amount": "5.00"},
                   lines=[{"item_id": "100XLG", "quantity": 3}, {"item_id": "24X IDE"}])  # fmt: skip
    first = deed(wire, "Order/ZO1", invoice={"16384": 1})
    assert (first["order"]["state"], first["invoice"]["state"], first["journal"]) == ("Work", "Work", None)
    assert [line["remaining"] for line in first["order"]["lines"]] == ["2.00", "1.00"]
    for operation in ("DeleteSalesOrder", "VoidSalesOrder"):
        assert "A part of the document ZO1 is invoiced." in reasons(wire, act(wire, operation, "ZO1"))[0]
    second = deed(wire, "Order/ZO1", invoice={"16384": 2, "32768": 1})
    assert second["order"]["state"] == "History"
    parts = [Decimal(one["invoice"]["total"]) for one in (first, second)]
    assert sum(parts) == Decimal(made["total"])
    assert second["invoice"]["original_id"] == "ZO1"


@pytest.mark.parametrize("parts", [{"16384": 4}, {"16384": -1}, {"16384": 0}, {"1": 1}])
def test_no_more_is_invoiced_than_remains(wire, parts):
    entered(wire, id="ZO1", lines=[{"item_id": "100XLG", "quantity": 3}])
    assert wire.control("POST", "sales/Order/ZO1", {"invoice": parts})[0] == 400


def test_what_is_not_in_stock_is_not_invoiced_and_nothing_has_happened(wire):
    entered(
        wire, id="ZO1", lines=[{"item_id": "100XLG", "quantity": 3}, {"item_id": "24X IDE", "quantity": 2000}]
    )
    before = dumped(wire, "Order/ZO1")
    assert wire.control("POST", "sales/Order/ZO1", {"invoice": True})[0] == 400
    assert dumped(wire, "Order/ZO1") == before
    assert (stock(wire), stock(wire, "24X IDE")) == (("1000.00", "0.00"), ("1000.00", "0.00"))


def test_an_invoice_in_work_is_posted_later(wire):
    entered(wire, id="ZO1", lines=[{"item_id": "100XLG", "quantity": 3}])
    invoice = deed(wire, "Order/ZO1", invoice=True)["invoice"]
    assert wire.by_key("GetSalesInvoiceByKey", invoice["id"]).text("GetSalesInvoiceByKeyResult/PostedDate") == (
        "1900-01-01T00:00:00")  # fmt: skip
    assert wire.control("POST", f"sales/Invoice/{invoice['id']}", {"void": True})[0] == 400
    assert wire.control("DELETE", f"sales/Invoice/{invoice['id']}")[0] == 400
    told = deed(wire, f"Invoice/{invoice['id']}", post=True)
    assert told["journal"]["state"] == "Open"
    assert wire.control("POST", f"sales/Invoice/{invoice['id']}", {"post": True})[0] == 400


def test_a_void_frees_stock_and_what_was_on_order(wire):
    before = owed(wire)
    create(wire, document("ZO1", lines=(order_line("100XLG", 3),)))
    deed(wire, "Order/ZO1", allocate=True)
    told = deed(wire, "Order/ZO1", void=True)
    assert (told["state"], told["is_voided"], stock(wire)) == ("History", True, ("1000.00", "0.00"))
    assert owed(wire) == before
    create(wire, document("ZO2", lines=(order_line("100XLG", 3),)))
    deed(wire, "Order/ZO2", allocate=True)
    assert act(wire, "DeleteSalesOrder", "ZO2").status == 200
    assert (stock(wire), owed(wire)) == (("1000.00", "0.00"), before)


def test_an_update_frees_what_a_line_no_longer_is(wire):
    select(wire, "UpdateSalesOrder", Calculate_Unit_Price=0)
    create(wire, document("ZO1", lines=(order_line("100XLG", 3),)))
    deed(wire, "Order/ZO1", allocate=True)
    numbered = {"Key": "<g:Key><g:LineSequenceNumber>16384</g:LineSequenceNumber></g:Key>"}
    less = update(wire, document("ZO1", lines=(order_line("100XLG", 2, **numbered),)))
    assert "below what is allocated or invoiced" in reasons(wire, less)[0]
    moved = order_line("100XLG", 3, WarehouseKey=key("WarehouseKey", "NORTH"), **numbered)
    assert update(wire, document("ZO1", lines=(moved,))).status == 200
    assert (stock(wire), dumped(wire, "Order/ZO1")["lines"][0]["allocated"]) == (("1000.00", "0.00"), "0.00")


def test_a_quote_becomes_an_order_of_the_same_chain(wire):
    told = deed(wire, "Quote/QTEST1049", transfer=True)
    assert (told["quote"]["state"], told["order"]["id"]) == ("History", "ORDST2230")
    read = wire.by_key("GetSalesOrderByKey", "ORDST2230")
    assert read.text("GetSalesOrderByKeyResult/OriginalSalesDocumentKey/Id") == "QTEST1049"
    assert read.text("GetSalesOrderByKeyResult/MasterNumber") == str(told["quote"]["master_number"])
    assert read.text("SalesOrderLine/ItemKey/Id") == "1-A3261A"
    invoice = deed(wire, "Order/ORDST2230", invoice=True)["invoice"]["id"]
    master = f"<g:MasterNumber><g:EqualValue>{told['quote']['master_number']}</g:EqualValue></g:MasterNumber>"
    chain = wire.list("GetSalesDocumentList", master).texts("SalesDocumentSummary/Key/Id")
    assert chain == ["QTEST1049", "ORDST2230", invoice]


def test_a_person_changes_a_document(wire):
    create(wire, document("ZO1"))
    told = deed(wire, "Order/ZO1", set={"customer_po": "PO 9"}, lines={"16384": {"quantity": "7"}},
                modified_at="2026-05-05T05:05:05")  # fmt: skip
    assert (told["customer_po"], told["total"], told["modified_at"]) == ("PO 9", "419.65",
                                                                         "2026-05-05T05:05:05+00:00")  # fmt: skip
    assert wire.control("POST", "sales/Order/ZO1", {"lines": {"5": {"quantity": "7"}}})[0] == 400
    assert wire.control("POST", "sales/Order/ZO1", {"nothing": 1})[0] == 400
    assert wire.control("DELETE", "sales/Order/ZO1") == (200, {"deleted": "ZO1"})
    assert wire.control("GET", "sales/Order/ZO1")[0] == 404
    assert wire.control("GET", "sales/Letter/ZO1")[0] == 404


def test_documents_are_dumped_by_type_and_page(wire):
    _, told = wire.control("GET", "sales?type=Order&limit=1")
    assert (told["total"], [row["id"] for row in told["rows"]]) == (2, ["ORDST2228"])
    assert wire.control("GET", "sales")[1]["total"] == 4
    assert wire.control("GET", "sales?company=2")[1]["total"] == 0


def test_items_and_batches_come_and_go(wire):
    assert wire.control("POST", "batches", {"id": "NEW"})[0] == 200
    assert create(wire, document("ZO1", BatchKey=key("BatchKey", "NEW"))).status == 200
    assert wire.control("DELETE", "batches/NEW")[0] == 200
    assert wire.control("DELETE", "batches/NEW")[0] == 404
    status, made = wire.control("POST", "items", {"id": "NEW", "prices": [["RETAIL", "5"]],
                                                  "stock": [{"site": "WAREHOUSE", "on_hand": 9}]})  # fmt: skip
    assert (status, made["stock"][0]["on_hand"]) == (200, "9.00")
    assert create(wire, document("ZO2", lines=(order_line("NEW", 2),))).status == 200
    assert dumped(wire, "Order/ZO2")["total"] == "10.00"
    assert wire.control("DELETE", "items/NEW")[0] == 200
    assert create(wire, document("ZO3", lines=(order_line("NEW", 2),))).status == 500
