"""Whether a won deal becomes an order by itself, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from memory import START
from ml_connector.core.document_decisions import Skip, Wait
from ml_connector.core.won_deals import WonDeal, plan_won_deal

DAY = timedelta(hours=24)
WON = WonDeal(is_won=True, won_at=START)


@pytest.mark.parametrize(("hours", "waits"), [(0, True), (23, True), (24, False), (100, False)])
def test_a_won_deal_is_left_alone_for_a_day(hours, waits):
    decision = plan_won_deal(WON, START + timedelta(hours=hours), DAY)
    if waits:
        assert isinstance(decision, Wait)
        assert decision.until == START + DAY
    else:
        assert decision is None


@pytest.mark.parametrize(
    "deal",
    [replace(WON, is_won=False), replace(WON, won_at=None), replace(WON, sales_orders=("1",))],
)
def test_a_deal_that_is_not_won_or_has_a_sales_order_goes_nowhere(deal):
    assert isinstance(plan_won_deal(deal, START + 2 * DAY, DAY), Skip)


def test_a_deal_that_became_an_order_is_planned_whatever_happened_to_it():
    deal = replace(WON, is_won=False, is_linked=True, sales_orders=("1",))
    assert plan_won_deal(deal, START, DAY) is None
