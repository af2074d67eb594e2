"""What a sales document is refused for, and which behaviours of the policies change that."""

from __future__ import annotations

import pytest
from gp_sim_sales import (
    CUSTOMER,
    POLICIES,
    create,
    document,
    dumped,
    key,
    money,
    order_line,
    quote_line,
    reasons,
    select,
    update,
)

NOT_FOUND = "Business object not found."
SYSTEM = (
    "The application encountered an unhandled system exception. "
    "Contact your system administrator for details."
)


def refused(wire, inside, *wanted, kind="Order"):
    reply = create(wire, inside, kind)
    assert reply.fault.startswith("A validation exception has occurred"), reply.body
    assert [reason.partition(" ")[2].split(" ", 3)[3] for reason in reasons(wire, reply)] == list(wanted)


def text(name, value):
    return {name: f"<g:{name}>{value}</g:{name}>"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"customer": "NOBODY"}, "The customer NOBODY does not exist."),
        ({"customer": "LAWRENCE0001"}, "The customer LAWRENCE0001 is inactive."),
        ({"BatchKey": ""}, "A batch is required."),
        ({"BatchKey": key("BatchKey", "NONE")}, "The batch NONE does not exist."),
        ({"DocumentTypeKey": key("DocumentTypeKey", "NONE")},
         "The document type NONE does not exist for this kind of document."),
        ({"DocumentTypeKey": "<g:DocumentTypeKey><g:Type>Invoice</g:Type><g:Id>STDORD</g:Id></g:DocumentTypeKey>"},
         "The document type STDORD does not exist for this kind of document."),
        ({"ShipToAddressKey": key("ShipToAddressKey", "MOON")}, "The customer has no address MOON."),
        ({"ShippingMethodKey": key("ShippingMethodKey", "PIGEON")}, "The shipping method PIGEON does not exist."),
        ({"PriceLevelKey": key("PriceLevelKey", "LOW")}, "The price level LOW does not exist."),
        ({"WarehouseKey": key("WarehouseKey", "CELLAR")}, "The site CELLAR does not exist."),
        ({"FreightAmount": money("FreightAmount", 5, "EUR")}, "Amounts in EUR were sent for a document in USD."),
        ({"CurrencyKey": "<g:CurrencyKey><g:ISOCode>XXX</g:ISOCode></g:CurrencyKey>"},
         "The currency XXX does not exist."),
        ({"number": "Z" * 22}, "The value of id is longer than 21 characters."),
        (text("CustomerPONumber", "Z" * 21), "The value of customer_po is longer than 20 characters."),
        ({"UserDefined": "<g:UserDefined><g:Text04>" + "Z" * 21 + "</g:Text04></g:UserDefined>"},
         "The value of text4 is longer than 20 characters."),
    ],
)  # fmt: skip
def test_a_document_is_refused(wire, changes, reason):
    refused(wire, document(**{"number": "ZO1", **changes}), reason)
    assert wire.by_key("GetSalesOrderByKey", "ZO1").fault == NOT_FOUND


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (order_line("NO SUCH"), "The item NO SUCH does not exist."),
        (order_line(quantity=0), "The quantity 0 of the item 100XLG is not valid."),
        (order_line(quantity="1.5"), "The quantity 1.5 of the item 100XLG is not valid."),
        (order_line(**text("UofM", "Pallet")), "The unit of measure Pallet does not exist for the item 100XLG."),
        (order_line(WarehouseKey=key("WarehouseKey", "CELLAR")), "The site CELLAR does not exist."),
        (order_line(WarehouseKey=key("WarehouseKey", "01-N")), "The item 100XLG is not assigned to the site 01-N."),
        (order_line(SalesGLAccountKey=key("SalesGLAccountKey", "999-9999-99")),
         "The account 999-9999-99 does not exist or is not active."),
        (order_line("DEAL", 1, UnitPrice=money("UnitPrice", "-1")), "The unit price -1 is negative."),
    ],
)  # fmt: skip
def test_a_line_is_refused(wire, line, reason):
    refused(wire, document("ZO1", lines=(line,)), reason)


def test_all_reasons_are_told_and_whom_they_are_of(wire):
    reply = create(
        wire, document("ZO1", customer="NOBODY", lines=(order_line("NO SUCH"), order_line(quantity=-1)))
    )
    found = wire.call("GetLoggedValidationResultByKey", f"<g:logId>{reply.log_id}</g:logId>")
    assert found.texts("ValidationError/Id") == ["6010", "6031", "6033"]
    assert found.texts("ValidationError/ObjectType") == ["SalesOrder", "SalesOrderLine", "SalesOrderLine"]
    assert found.texts("ValidationError/PropertyNames/string") == ["CustomerKey", "ItemKey", "Quantity"]


def test_a_document_without_lines_is_refused(wire):
    refused(wire, document("ZO1").partition("<g:Lines>")[0], "The document has no lines.")


def test_a_discontinued_item_is_refused(wire):
    wire.control("POST", "items/100XLG", {"set": {"is_discontinued": True}})
    refused(wire, document("ZO1"), "The item 100XLG is discontinued.")


def test_a_closed_period_is_refused(wire):
    assert wire.control("POST", "periods", {"closed": ["2026-05"]}) == (200, {"closed": ["2026-05"]})
    refused(wire, document("ZO1", **text("Date", "2026-05-31T00:00:00")),
            "The fiscal period of 2026-05-31 is closed for the Sales series.")  # fmt: skip
    assert create(wire, document("ZO1", **text("Date", "2026-06-01T00:00:00"))).status == 200


def test_the_credit_limit_counts_what_is_owed_and_ordered(wire):
    wire.control(
        "POST",
        f"customers/{CUSTOMER}",
        {"set": {"credit_limit": "1000"}, "balance": {"amount": "400", "on_order": "0"}},
    )
    assert create(wire, document("ZO1", lines=(order_line("100XLG", 8),))).status == 200  # 479.60 more
    over = "The credit limit of the customer AARONFIT0001 is exceeded by this document."
    refused(wire, document("ZO2", lines=(order_line("100XLG", 3),)), over)
    assert create(wire, document("ZO2", lines=(order_line("100XLG", 2),))).status == 200
    assert create(wire, document("ZQ1", lines=(quote_line("100XLG", 90),)), "Quote").status == 200
    more = update(wire, document("ZO2", lines=(order_line("100XLG", 9),)))
    assert over in reasons(wire, more)[0]
    select(wire, "CreateSalesOrder", Check_Credit_Limit=0)
    assert create(wire, document("ZO3", lines=(order_line("100XLG", 90),))).status == 200


def test_no_credit_is_none_and_unlimited_is_unlimited(wire):
    line = (order_line("100XLG", 900),)
    for limit, status in (({"amount": None}, 500), ({"unlimited": True}, 200)):
        wire.control("POST", f"customers/{CUSTOMER}", {"set": {"credit_limit": limit}})
        assert create(wire, document("ZO1", lines=line)).status == status


def test_a_customer_on_hold_by_behaviour(wire):
    held = document("ZO1", customer="CELLULAR0001")
    reply = create(wire, held)
    assert "The customer CELLULAR0001 is on hold." in reasons(wire, reply)[0]
    select(wire, "CreateSalesOrder", Check_Hold=0, Check_Credit_Limit=0)
    assert create(wire, held).status == 200


def test_a_batch_is_made_where_the_behaviour_says_so(wire):
    select(wire, "CreateSalesOrder", Create_Batch=1)
    assert create(wire, document("ZO1", BatchKey=key("BatchKey", "NEW"))).status == 200
    assert wire.by_key("GetBatchByKey", "NEW").text("GetBatchByKeyResult/NumberOfTransactions") == "1"


def test_stock_is_allocated_where_the_behaviour_says_so(wire):
    select(wire, "CreateSalesOrder", Allocate_Quantities=1, Check_Credit_Limit=0)
    create(wire, document("ZO1", lines=(order_line("24X IDE", 1200),)))
    assert dumped(wire, "Order/ZO1")["lines"][0]["allocated"] == "1000.00"  # all that there is


def test_a_wrong_line_amount_is_refused_where_it_is_not_calculated(wire):
    line = order_line("100XLG", 2, TotalAmount=money("TotalAmount", "100.00"))
    assert create(wire, document("ZO1", lines=(line,))).status == 200
    select(wire, "CreateSalesOrder", Calculate_Total_Amount=0)
    refused(wire, document("ZO2", lines=(line,)), "The line's amount is 119.90, not 100.00.")


def test_the_customer_stays(wire):
    create(wire, document("ZO1"))
    reply = update(wire, document("ZO1", customer="CONTOSOL0001"))
    assert "The customer of an existing document cannot be changed." in reasons(wire, reply)[0]


# ---- policies


def test_the_policy_of_an_operation(wire):
    reply = wire.call("GetPolicyByOperation", "<g:operation>CreateSalesOrder</g:operation>")
    assert reply.text("GetPolicyByOperationResult/Key/Id") == POLICIES["CreateSalesOrder"]
    names = reply.texts("GetPolicyByOperationResult/Behaviors/Behavior/Name")
    assert (len(names), names[:3], names[-1]) == (
        23, ["Assign Batch Prefix", "Calculate Unit Price", "Bin Quantity Shortage"], "Quantity Shortage")  # fmt: skip
    internal = reply.texts("GetPolicyByOperationResult/Behaviors/Behavior/Internal")
    assert internal[:3] == ["true", "true", "false"]
    assert reply.texts("Behavior/SelectedOption/Name")[:2] == ["No Prefix", "Calculate"]
    unknown = wire.call("GetPolicyByOperation", "<g:operation>CreateNothing</g:operation>")
    assert unknown.fault == NOT_FOUND


def test_the_caller_may_choose_only_what_is_not_internal(wire):
    reply = wire.call("GetPolicyByOperation", "<g:operation>CreateSalesOrder</g:operation>")
    ids = dict(zip(reply.texts("Behavior/Name"), reply.texts("Behavior/Key/Id"), strict=True))

    def policy(name, option):
        return (
            f"<g:policy><g:Key><g:Id>{POLICIES['CreateSalesOrder']}</g:Id></g:Key><g:Behaviors><g:Behavior>"
            f"<g:Key><g:Id>{ids[name]}</g:Id></g:Key><g:SelectedOption><g:Key><g:Id>{option}</g:Id></g:Key>"
            "</g:SelectedOption></g:Behavior></g:Behaviors></g:policy>"
        )

    line = (order_line("100XLG", 1, UnitPrice=money("UnitPrice", "1.00")),)
    assert create(wire, document("ZO1", lines=line), policy=policy("Calculate Unit Price", 0)).status == 200
    assert dumped(wire, "Order/ZO1")["lines"][0]["unit_price"] == "59.95"
    batch = document("ZO2", BatchKey=key("BatchKey", "NEW"))
    assert create(wire, batch).status == 500
    assert create(wire, batch, policy=policy("Create Batch", 1)).status == 200


def test_a_policy_is_needed_and_it_is_the_operations_own(wire):
    assert create(wire, document("ZO1"), policy="").fault == SYSTEM
    other = f"<g:policy><g:Key><g:Id>{POLICIES['UpdateSalesOrder']}</g:Id></g:Key></g:policy>"
    assert create(wire, document("ZO1"), policy=other).fault == NOT_FOUND


def test_an_option_that_is_not_there_is_not_selected(wire):
    status, told = wire.control("POST", "policies/CreateSalesOrder", {"Calculate Unit Price": 7})
    assert (status, "has no option 7" in told["error"]) == (400, True)
    assert wire.control("GET", "policies")[1]["CreateSalesOrder"]["Calculate Unit Price"] == 1


# ---- what is not the operation's message


@pytest.mark.parametrize(
    "inside",
    [
        "<g:Nothing/>",
        "<g:Lines/><g:CustomerKey><g:Id>X</g:Id></g:CustomerKey>",  # out of order
        "<g:Date>tomorrow</g:Date>",
        "<g:FreightAmount><g:Value>lots</g:Value></g:FreightAmount>",
        "<g:Lines><g:SalesInvoiceLine/></g:Lines>",
        "<g:Lines><g:SalesOrderLine><g:IsNonInventory>maybe</g:IsNonInventory></g:SalesOrderLine></g:Lines>",
    ],
)
def test_what_cannot_be_read_is_refused_before_any_rule(wire, inside):
    assert create(wire, inside).fault_code == "a:DeserializationFailed"
