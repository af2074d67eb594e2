"""Sales by SBA: the same documents by the same rules as by SOAP, in a partner's own resources."""

from __future__ import annotations

import http.client

import pytest
from gp_sim_sales import create, document, select
from gp_sim_sba_wire import COMPANY, SbaWire
from gp_sim_wire import Wire

from ml_connector.simulators.gp import GpOptions, GpSimulator

SALES = "/ZohoSync/Sales"
ORDER = {
    "SalesId": "ZO1",
    "CustomerId": "AARONFIT0001",
    "BatchId": "ZOHO",
    "CustomerPONumber": "PO 7",
    "UserText1": "Z",
    "ShipTo": {"Address1": "1 Elm", "City": "Elgin", "Phone1": "31255501990000"},
    "Lines": [
        {"ItemId": "100XLG", "Quantity": 2, "DiscountPercent": 10},
        {"ItemId": "128 SDRAM", "Quantity": 1},
    ],
}


@pytest.fixture
def gp():
    with GpSimulator(GpOptions(sba_envelope="bare")) as simulator:
        yield simulator


@pytest.fixture
def sba(gp):
    with SbaWire(gp.url) as wire:
        yield wire


def test_an_order_is_created_and_is_the_one_that_soap_reads(gp, sba):
    status, made = sba.write("POST", f"{SALES}/SalesOrders", ORDER)
    assert (status, made["SalesId"], made["TotalAmount"]) == (201, "ZO1", 297.85)
    assert (made["ShipTo"]["City"], made["UserText1"], made["DocumentTypeId"]) == ("Elgin", "Z", "STDORD")
    assert sba.read(f"{SALES}/SalesOrders(zo1)") == made
    with Wire(gp.url) as wire:
        read = wire.by_key("GetSalesOrderByKey", "ZO1")
        assert read.text("GetSalesOrderByKeyResult/TotalAmount/Value") == "297.85000"
        assert create(wire, document("ZO1")).status == 500


def test_the_second_create_of_a_number_is_a_conflict(sba):
    assert sba.write("POST", f"{SALES}/SalesOrders", ORDER)[0] == 201
    status, told = sba.write("POST", f"{SALES}/SalesOrders", ORDER)
    assert status == 409
    assert told["Errors"] == ["Error Number = 6001 The document number ZO1 already exists."]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"CustomerId": "NOBODY"}, "The customer NOBODY does not exist."),
        ({"BatchId": None}, "A batch is required."),
        ({"Lines": [{"ItemId": "NO SUCH", "Quantity": 1}]}, "The item NO SUCH does not exist."),
        ({"Colour": "red"}, "There is no Colour here."),
        ({"Lines": [{"Colour": "red"}]}, "There is no Colour here."),
        ({"Lines": {}}, "Lines is an array."),
        ({"FreightAmount": "lots"}, "'lots' is not a valid Decimal value."),
        ({"FreightAmount": []}, "[] is no text, number or boolean."),
    ],
)
def test_what_is_refused_is_400(sba, changes, said):
    status, told = sba.write("POST", f"{SALES}/SalesOrders", {**ORDER, **changes})
    assert (status, said in told["Message"]) == (400, True), told
    assert sba.get(f"{COMPANY}{SALES}/SalesOrders(ZO1)").status == 404


def test_what_is_no_json_is_400(sba):
    reply = sba.get(f"{COMPANY}{SALES}/SalesOrders", "POST", b"<xml/>")
    assert (reply.status, b"not JSON" in reply.body) == (400, True)


def test_a_patch_changes_what_is_in_it_and_nothing_else(gp, sba):
    gp.control("POST", "policies/UpdateSalesOrder", {"Calculate Unit Price": 0})
    _, before = sba.write("POST", f"{SALES}/SalesOrders", ORDER)
    status, after = sba.write("PATCH", f"{SALES}/SalesOrders(ZO1)", {
        "CustomerPONumber": "PO 8", "Lines": [{"LineSequence": 16384, "Quantity": 3}]})  # fmt: skip
    assert (status, after["CustomerPONumber"], after["TotalAmount"]) == (200, "PO 8", 351.80)
    for told in (before, after):
        for name in ("CustomerPONumber", "TotalAmount", "LineTotal", "ModifiedDate"):
            told.pop(name)
        for name in ("Quantity", "ExtendedAmount", "QuantityRemaining"):
            told["Lines"][0].pop(name)
    assert after == before


def test_orders_are_voided_by_an_action_and_deleted(sba):
    sba.write("POST", f"{SALES}/SalesOrders", ORDER)
    assert sba.write("POST", f"{SALES}/SalesOrders(ZO1)")[0] == 405
    status, told = sba.write("POST", f"{SALES}/SalesOrders(ZO1)", **{"GP-Custom-Action": "VOID"})
    assert (status, told["IsVoided"], told["State"]) == (200, True, "History")
    assert sba.write("PATCH", f"{SALES}/SalesOrders(ZO1)", {"Comment": "x"})[0] == 400
    sba.write("POST", f"{SALES}/SalesOrders", {**ORDER, "SalesId": "ZO2"})
    assert sba.write("DELETE", f"{SALES}/SalesOrders(ZO2)") == (200, {})
    for method in ("DELETE", "PATCH"):
        assert sba.write(method, f"{SALES}/SalesOrders(ZO2)", {})[0] == 404


def test_quotes_are_written_and_invoices_are_read(gp, sba):
    quote = {**ORDER, "SalesId": "ZQ1", "ExpirationDate": "2026-07-01T00:00:00"}
    status, made = sba.write("POST", f"{SALES}/SalesQuotes", quote)
    assert (status, made["ExpirationDate"]) == (201, "2026-07-01T00:00:00")
    assert sba.write("POST", f"{SALES}/SalesInvoices", ORDER)[0] == 405
    assert sba.read(f"{SALES}/SalesInvoices(STDINV2261)")["TotalAmount"] == 450.1


def test_lists_by_change_and_by_page(gp, sba):
    for number in range(5):
        made = {"id": f"ZO{number}", "customer_id": "AARONFIT0001", "lines": [{"item_id": "100XLG"}]}
        gp.control("POST", "sales", {**made, "modified_at": f"2031-01-0{number + 1}"})
    changed = sba.read(f"{SALES}/SalesOrdersModified(2031-01-04T00:00:00)")
    assert [row["SalesId"] for row in changed] == ["ZO3", "ZO4"]
    assert all(row["Lines"] for row in changed)
    found, after = [], ""
    while rows := sba.read(f"{SALES}/SalesOrderPages({after})?rows=2"):
        found += [row["SalesId"] for row in rows]
        after = found[-1]
    assert found == ["ORDST2228", "ORDST2229", "ZO0", "ZO1", "ZO2", "ZO3", "ZO4"]
    assert [row["SalesId"] for row in sba.read(f"{SALES}/SalesOrders")] == found


def test_items_and_batches_are_read(sba):
    item = sba.read("/Inventory/Items(100XLG)")
    assert (item["UnitsOfMeasure"], item["Sites"]) == (["Each", "Case"], ["WAREHOUSE", "NORTH", "SOUTH"])
    assert len(sba.read("/Inventory/Items")) == 8
    assert sba.read("/System/Batches(Sales%20Entry;ZOHO)")["NumberOfTransactions"] == 0
    for path in (
        "/Inventory/Items(NONE)",
        "/System/Batches(Sales%20Entry;NONE)",
        "/System/Batches(GL_Normal;ZOHO)",
    ):
        assert sba.get(f"{COMPANY}{path}").status == 404


def test_nothing_that_ships_has_sales_orders(sba):
    assert sba.get(f"{COMPANY}/Sales/SalesOrders").status == 404


def test_the_policies_hold_here_too(gp, sba):
    line = {"ItemId": "100XLG", "Quantity": 1, "UnitPrice": 1.5}
    _, made = sba.write("POST", f"{SALES}/SalesOrders", {**ORDER, "Lines": [line]})
    assert made["Lines"][0]["UnitPrice"] == 59.95
    with Wire(gp.url) as wire:
        select(wire, "CreateSalesOrder", Calculate_Unit_Price=0)
    _, made = sba.write("POST", f"{SALES}/SalesOrders", {**ORDER, "SalesId": "ZO2", "Lines": [line]})
    assert made["Lines"][0]["UnitPrice"] == 1.5


def test_answers_are_lost_before_during_and_after_the_work(gp, sba):
    kinds = {"cut_after_work": True, "drop": False, "late": False}
    for number, (kind, there) in enumerate(kinds.items()):
        fault = {"kind": kind, "operation": "POST SalesOrders"}
        gp.control("POST", "faults", {"faults": [fault]})
        with (
            SbaWire(gp.url) as lost,
            pytest.raises((http.client.RemoteDisconnected, http.client.IncompleteRead)),
        ):
            lost.write("POST", f"{SALES}/SalesOrders", {**ORDER, "SalesId": f"ZO{number}"})
        assert (sba.get(f"{COMPANY}{SALES}/SalesOrders(ZO{number})").status == 200) is there
    assert gp.control("POST", "late") == {"done": 1}
    assert sba.get(f"{COMPANY}{SALES}/SalesOrders(ZO2)").status == 200
