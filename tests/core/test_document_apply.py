"""From an order, a quote or a deal of the CRM to the document that GP should have."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest
from documents import (
    ACCOUNT,
    AROUND,
    DEAL,
    DEALS,
    ITEM,
    ORDER,
    ORDERS,
    OTHER_ROW,
    QUOTES,
    ROW,
    TERMS,
    sales_order,
    total_in_gp,
    wanted,
)
from hypothesis import given
from hypothesis import strategies as st

from memory import START
from ml_connector.core import catalogue
from ml_connector.core.document_amounts import total_of
from ml_connector.core.document_apply import map_document, pointed_by
from ml_connector.core.document_mapping import HEADER, DocumentRule, Numbering, Pointed
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.numbering import number_of
from ml_connector.core.record import Record
from ml_connector.core.sales import Kind, ShipTo

D = Decimal


def fault_of(*rows, terms=TERMS, mapping=ORDERS, around=AROUND, **fields) -> RecordRejectedError:
    with pytest.raises(RecordRejectedError) as caught:
        map_document(sales_order(*rows, **fields), mapping, terms, around)
    assert caught.value.happened
    assert caught.value.remedy
    return caught.value


def test_an_order_with_everything():
    of = wanted(
        {"Quantity": 3, "Discount": D("9.00"), "Tax": D("5.00"), "Description": "with care",
         "Unit": "Each"},
        {"Product_Name.Product_Code": "100XLG ", "Quantity": D(1), "List_Price": 10},
        terms=replace(TERMS, site="WAREHOUSE"),
        Purchase_Order="PO 4711", Due_Date=date(2027, 5, 1), Carrier="FedEx", Discount=D("12.50"), Tax=D("5.00"),
        Adjustment=D("2.00"), Grand_Total=D("570.35"),
        Deal_Name__id=DEAL, Quote_Name__id="42",
    )  # fmt: skip
    document = of.document
    assert (document.kind, document.number) == (Kind.ORDER, number_of(ORDER, "ZO"))
    assert (document.customer, document.reference) == ("AARONFIT0001", ORDER)
    assert (document.customer_po, document.requested_on) == ("PO 4711", date(2027, 5, 1))
    assert (document.type_id, document.batch) == ("STDORD", "ZOHO270412")
    assert (document.shipping_method, document.site, document.currency) == ("FedEx", "WAREHOUSE", "USD")
    assert (document.trade_discount, document.miscellaneous, document.tax) == (
        D("12.50"),
        D("2.00"),
        D("10.00"),
    )
    one, other = document.lines
    assert (one.item, one.quantity, one.unit, one.unit_price) == ("128 SDRAM", 3, "Each", D("189.95"))
    assert (one.discount, one.tax, one.comment, one.reference) == (D("3.00"), D("5.00"), "with care", ROW)
    assert (other.item, other.discount, other.reference, other.sequence) == ("100XLG", 0, OTHER_ROW, 0)
    assert of.total == total_of(document) == D("570.35")
    assert (of.stage, of.deal, of.quote) == ("Approved", DEAL, "42")


def test_what_is_empty_is_left_to_gp_and_an_amount_is_nought():
    document = wanted().document
    assert (document.customer_po, document.requested_on, document.ship_to_key, document.ship_to) == (
        "",
        None,
        "",
        None,
    )
    assert (document.trade_discount, document.tax, document.miscellaneous, document.freight) == (
        0,
        0,
        0,
        None,
    )
    assert document.lines[0].unit == ""


def test_a_total_that_the_crm_does_not_show_is_that_of_the_document():
    assert wanted().total == D("379.90")


# -- amounts: GP's total is the CRM's, whatever the discounts are

CENTS = st.decimals(0, 500, places=2)


@st.composite
def orders(draw):
    """Rows and amounts, and the total as the CRM makes it: each line rounded, less its discount."""
    rows, total = [], D(0)
    for _ in range(draw(st.integers(1, 4))):
        quantity = draw(st.decimals("0.01", 300, places=draw(st.integers(0, 2))).filter(lambda q: q > 0))
        price = draw(CENTS)
        amount = (quantity * price).quantize(D("0.01"), ROUND_HALF_UP)
        discount = (amount * draw(st.integers(0, 99)) / 100).quantize(D("0.01"), ROUND_HALF_UP)
        discount = min(discount, quantity * price).quantize(D("0.01"), "ROUND_DOWN")
        own_tax = draw(CENTS)
        rows.append({"Quantity": quantity, "List_Price": price, "Discount": discount, "Tax": own_tax})
        total += amount - discount + own_tax
    off, tax = draw(CENTS), draw(CENTS)
    adjustment = draw(st.decimals(-100, 100, places=2))
    amounts = {"Discount": off, "Tax": tax, "Adjustment": adjustment}
    return rows, amounts, total - off + tax + adjustment


@given(orders(), st.integers(2, 5))
def test_gp_comes_to_the_total_of_the_crm_to_the_cent(order, decimals):
    rows, amounts, total = order
    fields = amounts if total < 0 else {**amounts, "Grand_Total": total}  # what is below nought is refused
    document = wanted(*rows, terms=replace(TERMS, price_decimals=decimals), **fields).document
    assert total_in_gp(document) == total_of(document) == total
    for line, row in zip(document.lines, rows, strict=True):
        assert line.discount == round(line.discount, decimals)
        assert 0 <= row["Discount"] - line.discount * line.quantity < line.quantity / 10**decimals + D("0.01")


def test_a_discount_that_does_not_divide_loses_no_cent():
    document = wanted({"Quantity": 3, "List_Price": D("100.00"), "Discount": D("10.00")}).document
    assert document.lines[0].discount == D("3.33")
    assert document.trade_discount == D("0.01")
    assert total_in_gp(document) == D("290.00")


def test_prices_with_more_decimals_need_no_trade_discount():
    terms = replace(TERMS, price_decimals=5)
    document = wanted(
        {"Quantity": 3, "List_Price": D("100.00"), "Discount": D("10.00")}, terms=terms
    ).document
    assert document.lines[0].discount == D("3.33333")
    assert document.trade_discount == 0
    assert total_in_gp(document) == D("290.00")


@pytest.mark.parametrize(
    ("shown", "trade_discount", "miscellaneous"),
    [("89.94", 0, 0), ("89.93", D("0.01"), 0), ("89.92", D("0.02"), 0), ("89.95", 0, D("0.01"))],
)
def test_parts_of_a_cent_that_the_crm_rounds_otherwise(shown, trade_discount, miscellaneous):
    """1.5 of 19.99 come to 29.985 each; the third line is of whole cents and says nothing."""
    half = {"Quantity": D("1.5"), "List_Price": D("19.99")}
    rows = (half, half, {"Quantity": D(2), "List_Price": D("14.98")})
    document = wanted(*rows, Grand_Total=D(shown)).document
    assert (document.trade_discount, document.miscellaneous) == (trade_discount, miscellaneous)
    assert total_in_gp(document) == D(shown)


def test_more_than_a_cent_for_each_such_line_is_no_rounding():
    half = {"Quantity": D("1.5"), "List_Price": D("19.99")}
    whole = {"Quantity": D(2), "List_Price": D("14.98")}
    assert fault_of(half, whole, Grand_Total=D("59.97")).code == catalogue.TOTAL_UNEXPLAINED
    assert fault_of(whole, Grand_Total=D("29.95")).code == catalogue.TOTAL_UNEXPLAINED


def test_what_came_of_binary_arithmetic_is_nothing():
    price = D("189.95000000000000284217094304040074348449707031")
    assert wanted({"List_Price": price}).document.lines[0].unit_price == D("189.95")


def test_an_adjustment_below_nought_is_taken_off_the_whole():
    document = wanted(Adjustment=D("-1.50"), Discount=D("2.00")).document
    assert (document.miscellaneous, document.trade_discount) == (0, D("3.50"))


@pytest.mark.parametrize(
    ("shown", "tolerance", "fits"),
    [("379.90", 0, True), ("379.91", 0, False), ("379.91", "0.01", True), ("379.92", "0.01", False)],
)
def test_a_total_that_is_not_explained_is_not_sent(shown, tolerance, fits):
    terms = replace(TERMS, total_tolerance=D(tolerance))
    if fits:
        assert wanted(terms=terms, Grand_Total=D(shown)).total == D(shown)
        return
    fault = fault_of(terms=terms, Grand_Total=D(shown))
    assert (fault.code, fault.field) == (catalogue.TOTAL_UNEXPLAINED, "total")
    assert shown in fault.happened
    assert "379.90" in fault.happened


def test_where_gp_makes_the_price_the_total_is_the_crm_s():
    mapping = replace(ORDERS, lines=tuple(rule for rule in ORDERS.lines if rule.target != "unit_price"))
    record = sales_order({"Discount": D("1.00"), "Quantity": 3}, Grand_Total=D("5.00"))
    of = map_document(record, mapping, TERMS, AROUND)
    assert (of.document.lines[0].unit_price, of.document.lines[0].discount) == (None, D("0.33"))
    assert of.document.trade_discount == D("0.01")
    assert of.total == D("5.00")


# -- what is wrong with a record


@pytest.mark.parametrize(
    ("row", "code", "field", "told"),
    [
        (
            {"Product_Name.Product_Code": None},
            catalogue.VALUE_MISSING,
            "lines.item",
            "Line 2: It has no item.",
        ),
        ({"Quantity": None}, catalogue.VALUE_MISSING, "lines.quantity", "Line 2: It has no quantity."),
        ({"Quantity": D(0)}, catalogue.VALUE_MISSING, "lines.quantity", "Line 2"),
        ({"Quantity": D(-1)}, catalogue.VALUE_UNFIT, "lines.quantity", "below nought"),
        ({"Quantity": "many"}, catalogue.VALUE_UNFIT, "lines.quantity", "“many”, which is not an amount"),
        ({"Quantity": True}, catalogue.VALUE_UNFIT, "lines.quantity", "not an amount"),
        ({"Quantity": D("1e400")}, catalogue.VALUE_UNFIT, "lines.quantity", "not an amount"),
        ({"Quantity": D("1e-400")}, catalogue.VALUE_MISSING, "lines.quantity", "no quantity"),
        ({"List_Price": D("NaN")}, catalogue.VALUE_UNFIT, "lines.unit_price", "not an amount"),
        ({"List_Price": D("0.125")}, catalogue.VALUE_UNFIT, "lines.unit_price", "more than 2 decimals"),
        ({"Discount": D("379.91")}, catalogue.VALUE_UNFIT, "lines.discount", "more than the line comes to"),
        ({"Product_Name.Product_Code": "x" * 31}, catalogue.VALUE_UNFIT, "lines.item", "longer than 30"),
    ],
)
def test_a_line_at_fault_is_told_by_its_place(row, code, field, told):
    fault = fault_of({}, row)
    assert (fault.code, fault.field) == (code, field)
    assert fault.happened.startswith("Line 2: ")
    assert told in fault.happened


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"Account_Name__id": None}, catalogue.CUSTOMER_MISSING, "customer"),
        ({"Account_Name__id": "77"}, catalogue.CUSTOMER_MISSING, "customer"),
        ({"Purchase_Order": "x" * 21}, catalogue.VALUE_UNFIT, "customer_po"),
        ({"Due_Date": "soon"}, catalogue.VALUE_UNFIT, "requested_on"),
        ({"Tax": D(-1)}, catalogue.VALUE_UNFIT, "tax"),
        ({"Shipping_Street": "\n".join(["x" * 59] * 4)}, catalogue.VALUE_UNFIT, "ship_to.street"),
    ],
)
def test_a_header_at_fault_is_told_by_its_field(fields, code, field):
    fault = fault_of(**fields)
    assert (fault.code, fault.field) == (code, field)


def test_an_order_without_lines():
    record = replace(sales_order(), parts={})
    with pytest.raises(RecordRejectedError) as caught:
        map_document(record, ORDERS, TERMS, AROUND)
    assert (caught.value.code, caught.value.field) == (catalogue.VALUE_MISSING, "lines")


def test_a_comment_is_cut_and_a_number_of_the_customer_s_is_not():
    assert wanted({"Description": "x" * 600}).document.lines[0].comment == "x" * 500
    assert wanted(Purchase_Order="x" * 20).document.customer_po == "x" * 20


@pytest.mark.parametrize(
    "given_as",
    [date(2027, 5, 1), "2027-05-01", datetime(2027, 5, 1, 23, 30, tzinfo=UTC), "2027-05-01T23:30:00Z"],
)
def test_a_day_is_the_day_that_is_written(given_as):
    assert wanted(Due_Date=given_as).document.requested_on == date(2027, 5, 1)


# -- tables, addresses, numbering


def test_values_go_through_the_tables_of_the_settings():
    terms = replace(TERMS, tables={"units": {"hours": "HR"}, "shipping_methods": {"fedex": "GROUND"}})
    document = wanted(
        {"Unit": " Hours"},
        {"Unit": "Each"},
        terms=terms,
        Carrier="FedEx",
    ).document
    assert [line.unit for line in document.lines] == ["HR", "Each"]  # what is in no table is as it is
    assert document.shipping_method == "GROUND"


def test_an_address_goes_as_it_is():
    document = wanted(
        Shipping_Street=f"Building 7\r\nat the gate,  {'ring ' * 20}",
        Shipping_City="Chicago",
        Shipping_Country="USA",
    ).document
    assert document.ship_to_key == ""
    assert document.ship_to == ShipTo(
        line1="Building 7, at the gate, ring ring ring ring ring ring ring",
        line2="ring ring ring ring ring ring ring ring ring ring ring ring",
        line3="ring",
        city="Chicago",
        country="USA",
    )


def test_gp_s_own_number_has_ours_in_place_of_the_customer_s():
    terms = replace(TERMS, numbering=Numbering.GP)
    document = wanted(terms=terms, Purchase_Order="PO 4711").document
    assert (document.number, document.customer_po) == ("", number_of(ORDER, "ZO"))
    assert document.texts == {1: "PO 4711"}
    assert wanted(terms=terms).document.texts == {}


# -- quotes and deals


def test_a_quote_expires():
    record = replace(sales_order(Valid_Till=date(2027, 6, 1), Quote_Stage="Delivered"), entity="Quotes")
    of = map_document(record, QUOTES, TERMS, AROUND)
    assert (of.document.kind, of.document.expires_on, of.stage) == (Kind.QUOTE, date(2027, 6, 1), "Delivered")


def test_a_won_deal_is_one_line_with_the_service_item_and_its_account():
    fields = {"Account_Name.id": ACCOUNT, "Deal_Name": "Pumps", "Amount": D("1200.00"), "GP_GL_Account.id": "9",
              "Stage": "Closed Won"}  # fmt: skip
    around = replace(AROUND, names={**AROUND.names, Pointed("GL_Accounts", "9"): "000-4110-01"})
    record = Record("Deals", DEAL, fields, START)
    of = map_document(record, DEALS, replace(TERMS, item="SERVICE"), around)
    (line,) = of.document.lines
    assert (line.item, line.quantity, line.unit_price) == ("SERVICE", 1, D("1200.00"))
    assert (line.account, line.reference) == ("000-4110-01", DEAL)
    assert of.total == D("1200.00")
    with pytest.raises(RecordRejectedError) as caught:
        map_document(record, DEALS, replace(TERMS, item="SERVICE"), AROUND)
    assert (caught.value.code, caught.value.field) == (catalogue.VALUE_MISSING, "lines.account")


def test_what_has_to_be_known_of_other_records():
    assert pointed_by(sales_order(), ORDERS) == {Pointed("Accounts", ACCOUNT)}
    assert pointed_by(sales_order(Account_Name__id=None), ORDERS) == frozenset()
    record = Record("Deals", DEAL, {"Account_Name.id": "1", "GP_GL_Account.id": "9"}, START)
    assert pointed_by(record, DEALS) == {Pointed("Accounts", "1"), Pointed("GL_Accounts", "9")}


def test_a_constant_of_a_mapping():
    mapping = replace(ORDERS, header=(*ORDERS.header, DocumentRule("site", constant="NORTH")))
    assert map_document(sales_order(), mapping, TERMS, AROUND).document.site == "NORTH"


def test_every_value_of_the_header_ends_somewhere():
    """A rule whose value nobody takes would be a promise that is not kept."""
    samples = {"adjustment": D(1), "freight": D(1), "tax": D(1), "trade_discount": D(1), "on": date(2027, 1, 1),
               "expires_on": date(2027, 1, 1), "requested_on": date(2027, 1, 1), "total": D(1)}  # fmt: skip
    bare = replace(ORDERS, header=tuple(r for r in ORDERS.header if r.target == "customer"))
    terms = replace(TERMS, currency="")
    before = map_document(sales_order(ITEM), bare, replace(terms, total_tolerance=D(10**6)), AROUND)
    for name in HEADER.keys() - {"customer"}:
        mapping = replace(bare, header=(*bare.header, DocumentRule(name, ("Field",))))
        record = sales_order(ITEM, Field=samples.get(name, "X"))
        after = map_document(record, mapping, replace(terms, total_tolerance=D(10**6)), AROUND)
        if name in ("ship_to.name", "ship_to.contact", "ship_to.phone"):
            continue  # of an address without a place nothing is said
        assert after != before, name


NUMBERS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True),
    st.decimals(-(10**16), 10**16),
    st.text(max_size=5),
    st.none(),
)


@given(
    st.fixed_dictionaries(dict.fromkeys(("Quantity", "List_Price", "Discount", "Tax"), NUMBERS)),
    NUMBERS,
    NUMBERS,
)
def test_whatever_stands_there_it_is_a_document_or_a_fault(row, adjustment, total):
    made = tried(row, Adjustment=adjustment, Grand_Total=total)
    if isinstance(made, RecordRejectedError):
        assert made.code in catalogue.OWN_CODES
        assert made.happened
        assert made.remedy
    else:
        assert made.document.lines[0].quantity > 0


def tried(row, **fields):
    try:
        return wanted(row, **fields)
    except RecordRejectedError as fault:
        return fault
