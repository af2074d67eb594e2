"""Which revenue and cost belong to which deal and Account: nothing guessed, nothing lost, exact to the cent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.profitability import (
    NOTHING,
    Deal,
    Figures,
    Posted,
    assign,
    document_numbers,
    total,
)

SALES, SERVICE, COST = "000-4110-01", "000-4120-01", "000-4510-01"
AARON, ADAM = "7001", "7002"


def sale(number: str, revenue: str, cost: str = "0", parent: str = AARON, on: str = SALES) -> list[Posted]:
    """The lines of an invoice."""
    found = [Posted(parent, f"-1/{parent}", number, on, Figures(Decimal(revenue)))]
    if cost != "0":
        found.append(Posted(parent, f"-1/{parent}", number, COST, Figures(cost=Decimal(cost))))
    return found


def deal(name: str, *documents: str, parent: str = AARON, won: bool = True, account: str = SALES) -> Deal:
    return Deal(name, parent, won, account, frozenset(map(str.casefold, documents)))


@pytest.mark.parametrize(
    ("deals", "owner"),
    [
        ([deal("a", "INV1")], "a"),  # it names the document
        ([deal("a", "inv1")], "a"),
        ([deal("a", "INV1", won=False, account="")], "a"),  # whatever it is otherwise
        ([deal("a", "INV1"), deal("b")], "a"),  # naming counts more than being like it
        ([deal("a", "INV1"), deal("b", "INV1")], ""),  # two name it
        ([deal("a", "INV2")], ""),  # it names another one
        ([deal("a")], "a"),  # the only deal that was won on the account that it earns on
        ([deal("a"), deal("b")], ""),
        ([deal("a"), deal("b", "INV2")], ""),  # the list of b may have gaps
        ([deal("a"), deal("b", won=False)], "a"),
        ([deal("a"), deal("b", account=SERVICE)], "a"),
        ([deal("a", account=COST)], ""),  # it has cost on that account, not revenue
        ([deal("a", account="")], ""),
        ([deal("a", won=False)], ""),
        ([deal("a", parent=ADAM)], ""),  # of another Account
        ([deal("a", "INV1", parent=ADAM)], ""),
        ([], ""),
    ],
)
def test_a_document_belongs_to_the_one_deal_that_it_fits(deals, owner):
    told = assign(sale("INV1", "100.10", "60.05"), deals)
    whole = Figures(Decimal("100.10"), Decimal("60.05"))
    assert told.deals == ({owner: whole} if owner else {})
    assert told.rest == ({} if owner else {AARON: whole})
    assert told.elsewhere == NOTHING


def test_lines_without_a_document_stay_with_the_account():
    told = assign(sale("", "5.00"), [deal("a")])
    assert told.rest == {AARON: Figures(Decimal("5.00"))}


def test_lines_without_an_account_are_told_apart():
    told = assign(sale("INV1", "5.00", parent=""), [deal("a", "INV1", parent="")])
    assert told.elsewhere == Figures(Decimal("5.00"))
    assert not told.deals
    assert not told.rest


def test_a_return_lessens_what_the_deal_earned():
    lines = [*sale("INV1", "100.00", "60.00"), *sale("RTN1", "-25.50", "-15.30")]
    told = assign(lines, [deal("a", "INV1", "RTN1")])
    assert told.deals["a"] == Figures(Decimal("74.50"), Decimal("44.70"))
    assert told.deals["a"].margin == Decimal("29.80")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", set()),
        (" , ;\n", set()),
        ("INV1", {"inv1"}),
        ("INV1, INV2;INV3\tinv4\nINV1", {"inv1", "inv2", "inv3", "inv4"}),
    ],
)
def test_document_numbers_as_people_write_them(text, numbers):
    assert document_numbers(text) == numbers


_CENTS = st.integers(-(10**9), 10**9).map(lambda cents: Decimal(cents) / 100)
_PARENTS, _NUMBERS = ["", "1", "2", "3"], ["", "INV1", "INV2", "inv1", "RTN1"]
_POSTED = st.builds(
    Posted,
    st.sampled_from(_PARENTS),
    st.sampled_from(["-1/a", "2/a"]),
    st.sampled_from(_NUMBERS),
    st.sampled_from([SALES, SERVICE, COST]),
    st.builds(Figures, _CENTS, _CENTS),
)
_DEALS = st.lists(
    st.builds(
        Deal,
        st.uuids().map(str),
        st.sampled_from(_PARENTS[1:]),
        st.booleans(),
        st.sampled_from(["", SALES, SERVICE]),
        st.frozensets(st.sampled_from(["inv1", "inv2", "rtn1"])),
    )
)


@given(st.lists(_POSTED), _DEALS)
def test_the_sum_of_all_is_the_ledger_to_the_cent(posted, deals):
    told = assign(posted, deals)
    assert told.whole == total(one.figures for one in posted)
    for parent in _PARENTS[1:]:
        own = [d for d in deals if d.parent == parent]
        expected = total(one.figures for one in posted if one.parent == parent)
        assert told.of_account(parent, own) == expected
    assert told.elsewhere == total(one.figures for one in posted if not one.parent)


@given(st.lists(_POSTED), _DEALS, st.randoms())
def test_the_order_of_lines_and_deals_does_not_matter(posted, deals, random):
    mixed, mixed_deals = list(posted), list(deals)
    random.shuffle(mixed)
    random.shuffle(mixed_deals)
    assert assign(mixed, mixed_deals) == assign(posted, deals)


@given(st.lists(_POSTED), _DEALS)
def test_no_deal_has_anything_that_fits_another_as_well(posted, deals):
    """A twin of every deal that names no documents takes what fits them from both."""
    twins = [Deal(f"{d.id}-twin", d.parent, d.is_won, d.account, d.documents) for d in deals]
    assert not assign(posted, [*deals, *twins]).deals
