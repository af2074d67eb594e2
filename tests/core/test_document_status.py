"""What the CRM is told of documents of the ERP."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from documents import done, standing, wanted
from hypothesis import given
from hypothesis import strategies as st

from memory import START
from ml_connector.core.deal_fields import deal_needs
from ml_connector.core.document_fields import AS_OF, document_needs
from ml_connector.core.document_status import (
    NUMBERS_LONGEST,
    Came,
    Chain,
    Status,
    combined,
    says_more,
    status_of,
    tells_of,
    together,
    told_of_order,
    told_of_orders_of,
    told_of_quote,
    told_of_removed,
)
from ml_connector.core.record import fold_key
from ml_connector.core.sales import Kind

D = Decimal
ORDER = standing(wanted({}, {"Quantity": D(5)}), "ORDST2230")
TWO, FIVE = 16384, 32768


def told_of_deal(chains):
    """What a deal is told of the orders among these."""
    return together([told_of_order(one) for one in chains if one.document.document.kind is Kind.ORDER])


@pytest.mark.parametrize(
    ("progress", "state", "status"),
    [
        ((), {}, Status.ENTERED),
        ((done(TWO, allocated=2),), {}, Status.ENTERED),  # a part of it
        ((done(TWO, allocated=2), done(FIVE, allocated=4)), {}, Status.ENTERED),
        ((done(TWO, allocated=2), done(FIVE, allocated=5)), {}, Status.ALLOCATED),
        ((done(TWO, allocated=2), done(FIVE, allocated=4, cancelled=1)), {}, Status.ALLOCATED),
        ((done(TWO, allocated=2, fulfilled=2), done(FIVE, allocated=5)), {}, Status.ALLOCATED),
        ((done(TWO, cancelled=2), done(FIVE, cancelled=5)), {}, Status.ENTERED),  # nothing is reserved
        ((done(TWO, invoiced=1), done(FIVE)), {}, Status.PARTLY_INVOICED),
        ((done(TWO, invoiced=2), done(FIVE, allocated=5)), {}, Status.PARTLY_INVOICED),
        ((done(TWO, invoiced=2), done(FIVE, invoiced=5)), {"is_in_history": True}, Status.INVOICED),
        ((done(TWO, invoiced=2), done(FIVE, cancelled=5)), {}, Status.INVOICED),
        ((done(TWO, invoiced=2), done(FIVE)), {"is_in_history": True}, Status.IN_HISTORY),
        ((), {"is_in_history": True}, Status.IN_HISTORY),
        ((done(TWO, allocated=2),), {"is_in_history": True, "is_voided": True}, Status.VOIDED),
    ],
)
def test_how_far_a_document_is(progress, state, status):
    assert status_of(replace(ORDER, progress=progress, **state)) is status


def invoice(number, total, cost, **state):
    document = replace(ORDER.document, kind=Kind.INVOICE, number=number)
    lines = tuple(replace(done(), cost=one if one is None else D(one)) for one in cost)
    return replace(ORDER, document=document, total=D(total), progress=lines, is_in_history=True, **state)


def test_an_order_with_its_invoices():
    voided = invoice("INV3", 7, [1], is_voided=True)
    invoices = (invoice("INV2", "100.00", ["30", "12.50"]), invoice("INV1", "50.00", ["9"]), voided)
    chain = Chain(replace(ORDER, progress=(done(TWO, invoiced=2),)), Came(invoices))
    assert told_of_order(chain) == {
        "GP_Order_Number": "ORDST2230",
        "GP_Order_Status": "Partly invoiced",
        "GP_Ordered_Amount": ORDER.total,
        "GP_Invoiced_Amount": D("150.00"),
        "GP_Invoiced_Cost": D("51.50"),
        "GP_Invoices": "INV1, INV2",
    }


def test_a_voided_order_is_worth_nothing():
    told = told_of_order(Chain(replace(ORDER, is_voided=True, is_in_history=True)))
    assert (told["GP_Order_Status"], told["GP_Ordered_Amount"], told["GP_Invoices"]) == ("Voided", 0, None)


def test_a_cost_that_the_erp_does_not_tell_whole_is_not_told():
    assert told_of_order(Chain(ORDER, Came((invoice("INV1", 1, ["5", None]),))))["GP_Invoiced_Cost"] is None


def test_a_quote():
    quote = replace(ORDER, document=replace(ORDER.document, kind=Kind.QUOTE, number="Q1"), is_in_history=True)
    assert told_of_quote(Chain(quote)) == {
        "GP_Quote_Number": "Q1",
        "GP_Quote_Status": "In history",
        "GP_Quoted_Amount": ORDER.total,
    }


def test_what_the_erp_s_people_made_from_a_quote():
    other = replace(ORDER, document=replace(ORDER.document, number="ORD1"), total=D(1), is_voided=True)
    invoices = (invoice("INV1", 5, [1]),)
    assert told_of_orders_of(Came()) == {}
    assert told_of_orders_of(Came(invoices, (ORDER, other))) == {
        "GP_Order_Number": "ORD1, ORDST2230",
        "GP_Order_Status": "Entered",
        "GP_Ordered_Amount": ORDER.total,
        "GP_Invoiced_Amount": D(5),
        "GP_Invoiced_Cost": D(1),
        "GP_Invoices": "INV1",
    }
    alone = told_of_orders_of(Came(invoices))
    assert (alone["GP_Order_Number"], alone["GP_Order_Status"]) == ("", "Invoiced")
    assert (alone["GP_Ordered_Amount"], alone["GP_Invoiced_Amount"]) == (0, 5)


def test_what_came_from_an_order_of_another_is_left_out():
    other = replace(ORDER, document=replace(ORDER.document, number="ORD1"))
    own, others = (
        replace(invoice(name, 5, [1]), came_from=of) for name, of in (("I1", "ORDST2230"), ("I2", "ord1 "))
    )
    came = Came((own, others), (ORDER, other))
    assert came.without({fold_key("ORD1")}) == Came((own,), (ORDER,))
    assert (came.without(()), came.is_open, came.numbers) == (came, True, ["ORDST2230", "ORD1", "I1", "I2"])


def test_what_the_erp_removed_when_it_was_invoiced_or_transferred():
    order, quote = told_of_order(Chain(ORDER)), told_of_quote(Chain(ORDER))
    told = told_of_removed(order, Came((invoice("INV1", 5, [1]),)))
    assert (told["GP_Order_Status"], told["GP_Invoiced_Amount"], told["GP_Invoices"]) == (
        "Invoiced",
        5,
        "INV1",
    )
    assert told["GP_Ordered_Amount"] == ORDER.total
    told = told_of_removed(quote, Came((), (ORDER,)))
    assert (told["GP_Quote_Status"], told["GP_Order_Number"]) == ("In history", "ORDST2230")
    assert tells_of(told) == {**quote, "GP_Quote_Status": "In history"}


def test_a_deal_with_several_orders():
    other = replace(ORDER, document=replace(ORDER.document, number="ORD1"), total=D(1))
    quote = replace(ORDER, document=replace(ORDER.document, kind=Kind.QUOTE, number="Q1"))
    told = told_of_deal(
        [
            Chain(ORDER, Came((invoice("INV1", 5, [1]),))),
            Chain(other, Came((invoice("INV2", 6, [2]),))),
            Chain(quote),
        ]
    )
    assert told["GP_Order_Number"] == "ORD1, ORDST2230"
    assert (told["GP_Ordered_Amount"], told["GP_Invoiced_Amount"], told["GP_Invoiced_Cost"]) == (
        ORDER.total + 1,
        11,
        3,
    )
    assert told_of_deal([Chain(quote)]) == {}


def test_numbers_that_the_field_has_no_room_for():
    chains = [
        Chain(replace(ORDER, document=replace(ORDER.document, number=f"ORDST{n:08}"))) for n in range(30)
    ]
    text = told_of_deal(chains)["GP_Order_Number"]
    assert isinstance(text, str)
    assert len(text) <= NUMBERS_LONGEST
    assert text.endswith(", ...")
    assert all(len(number) == 13 for number in text.removesuffix(", ...").split(", "))


@pytest.mark.parametrize(
    ("statuses", "together"),
    [
        ([Status.ALLOCATED], Status.ALLOCATED),
        ([Status.VOIDED, Status.INVOICED], Status.INVOICED),
        ([Status.VOIDED, Status.VOIDED], Status.VOIDED),
        ([Status.INVOICED, Status.ENTERED], Status.PARTLY_INVOICED),
        ([Status.PARTLY_INVOICED, Status.INVOICED], Status.PARTLY_INVOICED),
        ([Status.ALLOCATED, Status.ENTERED], Status.ENTERED),
        ([Status.IN_HISTORY, Status.ALLOCATED], Status.ENTERED),
    ],
)
def test_several_together_in_any_order(statuses, together):
    assert {combined(order) for order in permutations(statuses)} == {together}


FIELDS = st.fixed_dictionaries({"GP_Order_Status": st.sampled_from([status.value for status in Status])})
READINGS = st.lists(st.tuples(FIELDS, st.integers(0, 5)), min_size=1, max_size=8)


@given(READINGS)
def test_in_whatever_order_readings_come_the_latest_is_what_stands(readings):
    kept, kept_at = None, None
    for fields, seconds in readings:
        if says_more(kept_at, read_at := START + timedelta(seconds=seconds)):
            kept, kept_at = fields, read_at
    latest = max(seconds for _, seconds in readings)
    assert kept_at == START + timedelta(seconds=latest)
    assert kept in [fields for fields, seconds in readings if seconds == latest]


def test_an_earlier_reading_says_nothing():
    assert not says_more(START, START - timedelta(seconds=1))
    assert says_more(START, START + timedelta(seconds=1))
    assert says_more(START, START)
    assert says_more(None, START)


def test_every_field_that_is_told_is_made():
    needs = {
        (need.module, need.name) for need in document_needs(["Sales_Orders", "Quotes", "Deals", "Deals"])
    }
    for module, told in (
        ("Sales_Orders", told_of_order(Chain(ORDER))),
        ("Quotes", told_of_quote(Chain(ORDER))),
        ("Deals", told_of_deal([Chain(ORDER)])),
    ):
        wanted_ = {(module, name) for name in (*told, AS_OF[module])}
        assert {need for need in needs if need[0] == module} == wanted_
    assert document_needs(["Accounts"]) == []
    assert not needs & {(n.module, n.name) for n in deal_needs(tagging=True, profitability=True)}


def test_every_label_makes_its_api_name_and_fits():
    for need in document_needs(["Sales_Orders", "Quotes", "Deals"]):
        assert need.label.replace(" ", "_") == need.name
        assert len(need.label) <= 25


def test_the_status_is_a_closed_list():
    (need,) = [n for n in document_needs(["Quotes"]) if n.name == "GP_Quote_Status"]
    assert need.choices == ("Entered", "Allocated", "Partly invoiced", "Invoiced", "In history", "Voided")
