"""Sales documents on the wire: what is created, read, listed, changed and removed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from gp_sim_sales import (
    act,
    create,
    document,
    dumped,
    entered,
    key,
    money,
    order_line,
    quote_line,
    reasons,
    select,
    update,
)
from gp_sim_wire import Wire

from ml_connector.simulators.gp import GpOptions, GpSimulator

NOT_FOUND = "Business object not found."


def restricted(member, **values):
    inside = "".join(f"<g:{name}>{value}</g:{name}>" for name, value in values.items())
    return f"<g:{member}>{inside}</g:{member}>"


def order(wire, number):
    reply = wire.by_key("GetSalesOrderByKey", number, currency="Transactional")
    assert reply.status == 200, reply.fault
    return reply


def amount(reply, path):
    return Decimal(reply.text(f"{path}/Value"))


# ---- create and read


def test_a_create_answers_nothing_and_the_order_is_there(wire):
    reply = create(wire, document("ZO1", lines=(order_line("128 SDRAM", 2), order_line("24X IDE", 1))))
    assert reply.status == 200
    assert len(reply.root.find(".//{*}CreateSalesOrderResponse")) == 0
    read = order(wire, "zo1  ")  # compared as the collation does
    assert read.text("GetSalesOrderByKeyResult/Key/Id") == "ZO1"
    assert read.texts("SalesOrderLine/Key/LineSequenceNumber") == ["16384", "32768"]
    assert amount(read, "GetSalesOrderByKeyResult/TotalAmount") == Decimal("519.85")
    assert read.text("GetSalesOrderByKeyResult/TransactionState") == "Work"


def test_what_is_left_out_comes_from_customer_and_item(wire):
    create(wire, document("ZO1"))
    read = order(wire, "ZO1")
    told = {
        name: read.text(f"GetSalesOrderByKeyResult/{name}")
        for name in ("CustomerName", "DocumentTypeKey/Id", "PaymentTermsKey/Id", "CurrencyKey/ISOCode",
                     "ShipToAddressKey/Id", "BillToAddressKey/Id", "ShipToAddress/City", "PriceLevelKey/Id")
    }  # fmt: skip
    assert told == {
        "CustomerName": "Aaron Fitz Electrical",
        "DocumentTypeKey/Id": "STDORD",
        "PaymentTermsKey/Id": "Net 30",
        "CurrencyKey/ISOCode": "USD",
        "ShipToAddressKey/Id": "WAREHOUSE",
        "BillToAddressKey/Id": "PRIMARY",
        "ShipToAddress/City": "Chicago",
        "PriceLevelKey/Id": "RETAIL",
    }
    assert read.text("SalesOrderLine/UofM") == "Each"
    assert read.text("SalesOrderLine/WarehouseKey/Id") == "WAREHOUSE"
    assert read.text("SalesOrderLine/ItemDescription") == "Green Phone"


def test_without_a_number_the_next_one_is_taken(wire):
    for _ in range(2):
        assert create(wire, document()).status == 200
    numbers = wire.list("GetSalesOrderList").texts("SalesOrderSummary/Key/Id")
    assert numbers == ["ORDST2228", "ORDST2229", "ORDST2230", "ORDST2231"]


def test_a_number_that_a_person_took_is_passed_over(wire):
    entered(wire, id="ORDST2230", lines=[{"item_id": "100XLG"}])
    create(wire, document())
    assert dumped(wire, "Order/ORDST2231")["state"] == "Work"


def test_the_second_create_of_a_number_is_refused(wire):
    assert create(wire, document("ZO1")).status == 200
    again = create(wire, document("zo1 "))
    assert reasons(wire, again) == ["Error Number = 6001 The document number zo1  already exists."]
    assert create(wire, document("ZO1", lines=(quote_line(),)), "Quote").status == 200  # of another type


def test_a_number_in_history_is_taken_too(wire):
    create(wire, document("ZO1"))
    assert act(wire, "VoidSalesOrder", "ZO1").status == 200
    assert create(wire, document("ZO1")).status == 500


def test_of_many_creates_at_once_one_is_done(gp):
    from concurrent.futures import ThreadPoolExecutor

    def attempt(_):
        with Wire(gp.url) as wire:
            return create(wire, document("ZO1")).status

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(attempt, range(6))) == [200, *[500] * 5]


def test_a_missing_document_is_a_fault(wire):
    create(wire, document("ZO1"))
    for operation in ("GetSalesOrderByKey", "GetSalesQuoteByKey", "GetSalesInvoiceByKey"):
        assert wire.by_key(operation, "ZO2").fault == NOT_FOUND
    assert wire.by_key("GetSalesQuoteByKey", "ZO1").fault == NOT_FOUND
    assert act(wire, "DeleteSalesOrder", "ZO2").fault == NOT_FOUND
    assert update(wire, document("ZO2")).fault == NOT_FOUND


def test_all_that_is_sent_is_kept(wire):
    select(wire, "CreateSalesOrder", Calculate_Unit_Price=0)
    sent = document(
        "ZO1",
        Date="<g:Date>2026-05-04T00:00:00</g:Date>",
        FreightAmount=money("FreightAmount", "12.50"),
        TaxAmount=money("TaxAmount", "3.10"),
        TradeDiscount=f"<g:TradeDiscount>{money('Amount', '10.00')}</g:TradeDiscount>",
        CustomerPONumber="<g:CustomerPONumber>PO &amp; 7</g:CustomerPONumber>",
        RequestedShipDate="<g:RequestedShipDate>2026-06-01T00:00:00</g:RequestedShipDate>",
        Comment="<g:Comment>Ring twice</g:Comment>",
        IntegrationId="<g:IntegrationId>5550000000123456</g:IntegrationId>",
        ShippingMethodKey=key("ShippingMethodKey", "OVERNIGHT"),
        ShipToAddress="<g:ShipToAddress><g:Line1>1 Elm</g:Line1><g:City>Elgin</g:City>"
        "<g:Phone1><g:Value>31255501990000</g:Value></g:Phone1><g:Name>Annex</g:Name></g:ShipToAddress>",
        UserDefined="<g:UserDefined><g:Date01>2026-01-02T00:00:00</g:Date01><g:List01>a</g:List01>"
        "<g:Text01>b</g:Text01><g:Text05>c</g:Text05></g:UserDefined>",
        Lines=order_line(
            "100XLG",
            3,
            UnitPrice=money("UnitPrice", "50.00"),
            Discount="<g:Discount><g:Percent><g:Value>10</g:Value></g:Percent></g:Discount>",
            UofM="<g:UofM>Case</g:UofM>",
            WarehouseKey=key("WarehouseKey", "NORTH"),
            SalesGLAccountKey=key("SalesGLAccountKey", "000-4110-02"),
        ),
    )
    reply = create(wire, sent)
    assert reply.status == 200, reasons(wire, reply)
    read, result = order(wire, "ZO1"), "GetSalesOrderByKeyResult"
    assert amount(read, "SalesOrderLine/TotalAmount") == Decimal("135.00")
    assert amount(read, f"{result}/TotalAmount") == Decimal("140.60")  # 135 - 10 + 12.50 + 3.10
    told = [
        read.text(f"{result}/{name}") for name in ("Date", "CustomerPONumber", "Comment", "IntegrationId")
    ]
    assert told == ["2026-05-04T00:00:00", "PO & 7", "Ring twice", "5550000000123456"]
    told = [read.text(f"{result}/ShipToAddress/{name}") for name in ("Line1", "City", "Phone1/Value", "Name")]
    assert told == ["1 Elm", "Elgin", "31255501990000", "Annex"]
    told = [read.text(f"{result}/UserDefined/{name}") for name in ("Date01", "List01", "Text01", "Text05")]
    assert told == ["2026-01-02T00:00:00", "a", "b", "c"]
    told = [
        read.text(f"SalesOrderLine/{name}") for name in ("UofM", "WarehouseKey/Id", "SalesGLAccountKey/Id")
    ]
    assert told == ["Case", "NORTH", "000-4110-02"]
    assert read.text("SalesOrderLine/RequestedShipDate") == "2026-06-01T00:00:00"  # from the document
    assert read.text("SalesOrderLine/ShippingMethodKey/Id") == "OVERNIGHT"


def test_the_price_is_the_items_unless_the_administrator_says_otherwise(wire):
    lines = (order_line("100XLG", 1, UnitPrice=money("UnitPrice", "40.00")),)
    create(wire, document("ZO1", lines=lines))
    assert amount(order(wire, "ZO1"), "SalesOrderLine/UnitPrice") == Decimal("59.95")
    select(wire, "CreateSalesOrder", Calculate_Unit_Price=0)
    create(wire, document("ZO2", lines=lines))
    assert amount(order(wire, "ZO2"), "SalesOrderLine/UnitPrice") == Decimal("40.00")


def test_the_price_follows_level_and_unit(wire):
    case = order_line(
        "100XLG", 1, UofM="<g:UofM>Case</g:UofM>", PriceLevelKey=key("PriceLevelKey", "WHOLESALE")
    )
    create(wire, document("ZO1", lines=(case,)))
    assert amount(order(wire, "ZO1"), "SalesOrderLine/UnitPrice") == Decimal("647.40")  # 12 x 53.95


def test_an_item_without_a_price_keeps_ours(wire):
    create(wire, document("ZO1", lines=(order_line("DEAL", 1, UnitPrice=money("UnitPrice", "1234.50")),)))
    assert amount(order(wire, "ZO1"), "SalesOrderLine/UnitPrice") == Decimal("1234.50")


def test_a_line_of_no_item(wire):
    free = order_line("FREE TEXT", 1, IsNonInventory="<g:IsNonInventory>true</g:IsNonInventory>",
                      ItemDescription="<g:ItemDescription>Work</g:ItemDescription>",
                      UnitPrice=money("UnitPrice", "99.00"))  # fmt: skip
    create(wire, document("ZO1", lines=(free,)))
    read = order(wire, "ZO1")
    assert read.text("SalesOrderLine/ItemDescription") == "Work"
    assert amount(read, "SalesOrderLine/UnitPrice") == Decimal("99.00")


def test_amounts_are_in_the_customers_currency_or_in_ours(wire):
    assert create(wire, document("ZO1", customer="ASTORSUI0001")).status == 200
    own = order(wire, "ZO1")
    assert own.text("GetSalesOrderByKeyResult/TotalAmount/Currency") == "AUD"
    assert amount(own, "SalesOrderLine/UnitPrice") == Decimal("90.83")  # 59.95 / 0.66
    ours = wire.by_key("GetSalesOrderByKey", "ZO1", currency="Local")
    assert ours.text("GetSalesOrderByKeyResult/TotalAmount/Currency") == "USD"
    assert amount(ours, "GetSalesOrderByKeyResult/TotalAmount") == Decimal("119.90")


def test_a_quote_has_its_own_numbers_and_dates(wire):
    expires = "<g:ExpirationDate>2026-07-01T00:00:00</g:ExpirationDate>"
    sent = document(lines=(quote_line("128 SDRAM", 3),), ExpirationDate=expires).replace(
        key("BatchKey", "ZOHO"), ""
    )
    reply = create(wire, sent, "Quote")
    assert reply.status == 200, reasons(wire, reply)
    read = wire.by_key("GetSalesQuoteByKey", "QTEST1050")
    assert read.text("GetSalesQuoteByKeyResult/ExpirationDate") == "2026-07-01T00:00:00"
    assert amount(read, "SalesQuoteLine/QuantityToOrder") == 3


# ---- lists


@pytest.fixture(scope="module")
def listed():
    """Read only."""
    with GpSimulator(GpOptions()) as gp, Wire(gp.url) as wire:
        line = [{"item_id": "100XLG"}]
        for number, customer in enumerate(("AARONFIT0001", "CONTOSOL0001", "PLAZAONE0001"), 1):
            entered(wire, id=f"ZO{number}", customer_id=customer, lines=line, customer_po=f"PO-{number}",
                    modified_at=f"2026-05-0{number}T10:00:0{number}")  # fmt: skip
        entered(wire, id="ZQ1", type="Quote", lines=line, batch="")
        wire.control("POST", "sales/Order/ZO3", {"invoice": True, "post": True, "on": "2026-05-09"})
        yield wire


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (restricted("DocumentId", Like="ZO_"), ["ZO1", "ZO2", "ZO3"]),
        (restricted("TransactionState", EqualValue="Work") + restricted("DocumentId", Like="ZO%"), ["ZO1", "ZO2"]),
        (restricted("TransactionState", EqualValue="History"), ["ZO3"]),
        (restricted("CustomerId", EqualValue="contosol0001"), ["ZO2"]),
        (restricted("CustomerId", EqualValue="AARONFIT0001") + restricted("CustomerPONumber", EqualValue="PO-1"),
         ["ZO1"]),
        (restricted("CustomerName", Like="Contoso%"), ["ZO2"]),
        (restricted("BatchId", EqualValue="SALES ORDERS"), ["ORDST2228", "ORDST2229"]),
        (restricted("MasterNumber", EqualValue="101"), ["ORDST2228"]),
        (restricted("ModifiedDate", From="2026-05-01T10:00:01", To="2026-05-02T10:00:02"), ["ZO1", "ZO2"]),
        (restricted("LastModifiedDate", LessThan="2026-05-01T00:00:00"), ["ORDST2228", "ORDST2229"]),
        (restricted("CreatedDate", LessThan="2018-01-01T00:00:00"), ["ORDST2228", "ORDST2229"]),
    ],
)  # fmt: skip
def test_orders_are_restricted(listed, criteria, expected):
    reply = listed.list("GetSalesOrderList", criteria)
    assert reply.status == 200, reply.fault
    assert reply.texts("SalesOrderSummary/Key/Id") == expected


def test_a_po_number_finds_what_has_it_now(wire):
    def found(po):
        criteria = restricted("CustomerPONumber", EqualValue=po)
        return wire.list("GetSalesOrderList", criteria).texts("SalesOrderSummary/Key/Id")

    for number in ("ZO2", "ZO1"):
        create(wire, document(number, CustomerPONumber="<g:CustomerPONumber>PO 7</g:CustomerPONumber>"))
    assert found("po 7 ") == ["ZO1", "ZO2"]
    update(wire, document("ZO1", CustomerPONumber="<g:CustomerPONumber>PO 8</g:CustomerPONumber>"))
    act(wire, "DeleteSalesOrder", "ZO2")
    assert (found("PO 7"), found("PO 8")) == ([], ["ZO1"])


def test_the_list_of_all_types_says_which(listed):
    reply = listed.list("GetSalesDocumentList", restricted("DocumentId", Like="Z%"))
    rows = zip(
        reply.texts("SalesDocumentSummary/Key/Id"), reply.texts("SalesDocumentSummary/Type"), strict=True
    )
    assert list(rows) == [("ZQ1", "Quote"), ("ZO1", "Order"), ("ZO2", "Order"), ("ZO3", "Order")]
    invoices = listed.list("GetSalesDocumentList", restricted("Type", EqualValue="Invoice"))
    assert invoices.texts("SalesDocumentSummary/Key/Id") == ["STDINV2261", "STDINV2262"]
    assert listed.list("GetSalesInvoiceList").texts("SalesInvoiceSummary/Key/Id") == [
        "STDINV2261",
        "STDINV2262",
    ]
    assert listed.list("GetSalesQuoteList").texts("SalesQuoteSummary/Key/Id") == ["QTEST1049", "ZQ1"]


def test_a_list_stops_at_its_limit(wire):
    wire.control("POST", "settings", {"row_limits": {"sales_documents": 1}})
    assert wire.list("GetSalesOrderList").texts("SalesOrderSummary/Key/Id") == ["ORDST2228"]


def test_by_assignments_of_the_caller_there_is_nothing(listed):
    criteria = "<g:Scope>Return Based on Customer Id</g:Scope>"
    assert listed.list("GetSalesOrderList", criteria).texts("SalesOrderSummary/Key/Id") == []


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (restricted("ItemId", Like="1%"), ["100XLG", "128 SDRAM", "1-A3261A"]),
        (restricted("Type", EqualValue="Service"), ["CONSULTING", "DEAL"]),
        (restricted("Description", Like="%phone%"), ["100XLG", "WIRE100"]),
    ],
)
def test_items_are_restricted(listed, criteria, expected):
    assert listed.list("GetItemList", criteria).texts("ItemSummary/Key/Id") == expected


def test_an_item_says_its_units_sites_and_kind(listed):
    reply = listed.by_key("GetItemByKey", "100xlg")
    assert b'xsi:type="SalesItem"' in reply.body
    assert reply.text("GetItemByKeyResult/DefaultSellingUofM") == "Each"
    assert reply.texts("SalesItemWarehouse/Key/WarehouseKey/Id") == ["WAREHOUSE", "NORTH", "SOUTH"]
    assert b'xsi:type="Service"' in listed.by_key("GetItemByKey", "DEAL").body
    assert listed.by_key("GetItemByKey", "NO SUCH").fault == NOT_FOUND


def test_what_documents_are_checked_against_is_listed(listed):
    sites = listed.list("GetWarehouseList")
    assert sites.texts("WarehouseSummary/Key/Id") == ["01-N", "NORTH", "SOUTH", "WAREHOUSE"]
    south = listed.list("GetWarehouseList", restricted("WarehouseId", EqualValue="south"))
    assert south.texts("WarehouseSummary/Key/Id") == ["SOUTH"]
    levels = listed.list("GetPriceLevelList", restricted("PriceLevelKeyId", From="R", To="Z"))
    assert levels.texts("PriceLevel/Key/Id") == ["RETAIL", "WHOLESALE"]
    methods = listed.list("GetShippingMethodList", restricted("Id", Like="%IGHT"))
    assert methods.texts("ShippingMethod/Key/Id") == ["OVERNIGHT"]
    schedule = listed.by_key("GetItemByKey", "100XLG").text("UofMScheduleKey/Id")
    units = listed.by_key("GetUofMScheduleByKey", schedule)
    assert units.texts("UofMScheduleDetail/UofM") == ["Each", "Case"]
    assert units.texts("UofMScheduleDetail/QuantityInBaseUofM/Value") == ["1.00000", "12.00000"]
    assert listed.by_key("GetUofMScheduleByKey", "NONE").fault == NOT_FOUND


def test_batches_say_what_waits_in_them(listed):
    assert listed.list("GetBatchList").texts("Batch/Key/Id") == ["SALES ORDERS", "SALES QUOTES", "ZOHO"]
    assert listed.list("GetBatchList", restricted("Id", EqualValue="ZOHO")).texts("Batch/Key/Id") == ["ZOHO"]
    reply = listed.by_key("GetBatchByKey", "SALES ORDERS")
    assert reply.text("GetBatchByKeyResult/NumberOfTransactions") == "2"
    assert amount(reply, "GetBatchByKeyResult/Total") == Decimal("819.60")
    assert listed.by_key("GetBatchByKey", "NONE").fault == NOT_FOUND
    other = listed.call("GetBatchByKey", "<g:key><g:Source>GL_Normal</g:Source><g:Id>ZOHO</g:Id></g:key>")
    assert other.fault == NOT_FOUND


# ---- update, delete, void


def test_what_an_update_leaves_out_is_lost(wire):
    comment = "<g:Comment>Ring twice</g:Comment>"
    create(wire, document("ZO1", Comment=comment))
    po = "<g:CustomerPONumber>PO 7</g:CustomerPONumber>"
    assert update(wire, document("ZO1", Comment=comment, CustomerPONumber=po)).status == 200
    assert order(wire, "ZO1").text("GetSalesOrderByKeyResult/Comment") == "Ring twice"
    assert update(wire, document("ZO1", CustomerPONumber=po)).status == 200
    read = order(wire, "ZO1")
    assert read.text("GetSalesOrderByKeyResult/Comment") is None
    assert read.text("GetSalesOrderByKeyResult/CustomerPONumber") == "PO 7"


def test_lines_are_found_by_their_sequence_number(wire):
    create(wire, document("ZO1", lines=(order_line("100XLG", 1), order_line("24X IDE", 1))))
    numbered = "<g:Key><g:LineSequenceNumber>{}</g:LineSequenceNumber></g:Key>".format
    changed = order_line("100XLG", 5, Key=numbered(16384))
    gone = order_line(
        "24X IDE", 1, Key=numbered(32768), DeleteOnUpdate="<g:DeleteOnUpdate>true</g:DeleteOnUpdate>"
    )
    assert update(wire, document("ZO1", lines=(changed, order_line("128 SDRAM", 2)))).status == 200
    lines = dumped(wire, "Order/ZO1")["lines"]
    assert [(line["sequence"], line["item_id"], line["quantity"]) for line in lines] == [
        (16384, "100XLG", "5.00"), (32768, "24X IDE", "1.00"), (49152, "128 SDRAM", "2.00")]  # fmt: skip
    assert update(wire, document("ZO1", lines=(changed, gone))).status == 200
    assert [line["item_id"] for line in dumped(wire, "Order/ZO1")["lines"]] == ["100XLG", "128 SDRAM"]


def test_an_update_stamps_and_keeps_what_only_gp_gives(wire):
    create(wire, document("ZO1"))
    before = dumped(wire, "Order/ZO1")
    wire.control("POST", "settings", {"clock_offset_seconds": 90_000})
    update(wire, document("ZO1", lines=(order_line("128 SDRAM", 2),)))
    after = dumped(wire, "Order/ZO1")
    assert after["modified_at"] > before["modified_at"]
    assert [after[name] for name in ("created_on", "master_number", "on")] == [
        before[name] for name in ("created_on", "master_number", "on")
    ]


def test_a_voided_order_is_in_history_and_a_deleted_one_is_gone(wire):
    create(wire, document("ZO1"))
    create(wire, document("ZO2"))
    assert act(wire, "VoidSalesOrder", "ZO1").status == 200
    read = order(wire, "ZO1")
    assert (read.text("GetSalesOrderByKeyResult/IsVoided"), read.text("GetSalesOrderByKeyResult/TransactionState")) == (
        "true", "History")  # fmt: skip
    for reply in (update(wire, document("ZO1")), act(wire, "VoidSalesOrder", "ZO1")):
        assert reasons(wire, reply) == ["Error Number = 6040 The document ZO1 is in history."]
    assert act(wire, "DeleteSalesOrder", "ZO2").status == 200
    assert wire.by_key("GetSalesOrderByKey", "ZO2").fault == NOT_FOUND
    assert create(wire, document("ZO2")).status == 200  # its number is free again


def test_stamps_are_utc_and_of_a_day_where_the_site_has_days():
    with GpSimulator(GpOptions(stamp_granularity="day")) as gp, Wire(gp.url) as wire:
        before = datetime.now(UTC).replace(microsecond=0)
        create(wire, document("ZO1"))
        read = order(wire, "ZO1")
        stamped = datetime.fromisoformat(read.text("GetSalesOrderByKeyResult/LastModifiedDate") + "+00:00")
        assert before <= stamped <= datetime.now(UTC)
        assert read.text("GetSalesOrderByKeyResult/ModifiedDate") == f"{stamped.date()}T00:00:00"
        assert read.text("GetSalesOrderByKeyResult/CreatedDate") == f"{stamped.date()}T00:00:00"
