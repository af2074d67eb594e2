"""What deals and Accounts earned stands on their records, to the cent as the ledger has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from deal_world import COMPANY, SALES, TODAY, DealWorld, line

from ml_connector.core.deal_fields import TAG
from ml_connector.core.deals import PROFITABILITY
from ml_connector.core.errors import RetryableError
from ml_connector.core.line_limits import limits_of
from ml_connector.core.profitability import Figures, total
from ml_connector.flows.earnings import read_earnings
from ml_connector.flows.edits import LOST_ANSWER
from ml_connector.flows.profit import preview
from ml_connector.store import bulk_jobs, intents, links
from ml_connector.store.bulk_jobs import BulkJob
from ml_connector.store.database import Database
from ml_connector.store.links import Pair

COST, CASH = "000-4510-01", "000-1100-00"


def cents(*amounts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, amounts))


@pytest.fixture
def world(database: Database) -> DealWorld:
    world = DealWorld(database)
    world.chart(a000_4110_01="Sales", a000_4510_01="COST OF GOODS SOLD", a000_1100_00="Cash")
    world.journals_read()
    return world


@pytest.fixture
def aaron(world: DealWorld) -> str:
    account = world.account()
    world.link("AARONFIT0001", account)
    return account


def invoice(
    world: DealWorld, number: str, revenue: str, cost: str, customer: str = "AARONFIT0001", **more
) -> None:
    whole = Decimal(revenue)
    world.post(
        f"{number}/2026-11-02",
        line(SALES, revenue, customer, number, **more),
        line(COST, f"-{cost}", customer, number, **more),
        line(CASH, str(Decimal(cost) - whole), customer, number, **more),
    )


def counts(world: DealWorld) -> dict[str, int]:
    return world.counts(flow=PROFITABILITY)


def test_a_deal_has_the_documents_that_it_names(world, aaron):
    deal = world.deal(account=aaron, GP_Documents="inv1; INV2")
    invoice(world, "INV1", "100.10", "60.05")
    invoice(world, "INV2", "0.01", "0.02")
    invoice(world, "INV3", "7.00", "3.00")
    assert counts(world) == {"updated": 2}
    assert world.figures(deal) == cents("100.11", "60.07", "40.04")
    assert world.figures(aaron) == cents("107.11", "63.07", "44.04")
    (row,) = world.rows(deal)
    assert (row["action"], row["flow"], row["entity"]) == ("record:updated", "profitability", "deals")


def test_the_only_won_deal_on_the_account_that_was_earned_on(world, aaron):
    sales = world.gl_account(SALES)
    deal = world.deal(account=aaron, **{TAG: sales})
    world.target.edit(deal, Stage="Closed Won")
    invoice(world, "INV1", "100.10", "60.05")
    assert counts(world) == {"updated": 2}
    assert world.figures(deal) == cents("100.10", "60.05", "40.05")
    other = world.deal("Another", account=aaron, **{TAG: sales})
    world.target.edit(other, Stage="closed won")
    assert counts(world) == {"updated": 1}  # it fits two now, and so belongs to none
    assert world.figures(deal) == cents("0.00", "0.00", "0.00")
    assert world.figures(other) == (None, None, None)
    assert world.figures(aaron) == cents("100.10", "60.05", "40.05")


def test_a_tag_may_be_a_number(world, aaron):
    deal = world.deal(account=aaron, **{TAG: f"{SALES} "})
    world.target.edit(deal, Stage="Closed Won")
    invoice(world, "INV1", "5.00", "2.00")
    counts(world)
    assert world.figures(deal) == cents("5.00", "2.00", "3.00")


def test_a_second_run_writes_nothing_and_what_never_earned_stays_empty(world, aaron):
    deal, idle = world.deal(account=aaron, GP_Documents="INV1"), world.account("Idle")
    invoice(world, "INV1", "100.10", "60.05")
    assert counts(world) == {"updated": 2}
    written = len(world.target.writes)
    world.journals_read()
    assert counts(world) == {}
    assert len(world.target.writes) == written
    assert world.figures(idle) == (None, None, None)
    assert (
        world.target.records[deal]["GP_Profit_As_Of"]
        == world.target.records[aaron]["GP_Account_Profit_As_Of"]
    )


def test_what_a_person_overwrote_is_put_right(world, aaron):
    invoice(world, "INV1", "100.10", "60.05")
    counts(world)
    world.target.edit(aaron, GP_Account_Revenue=Decimal(1))
    assert counts(world) == {"updated": 1}
    assert world.figures(aaron) == cents("100.10", "60.05", "40.05")
    assert '"GP_Account_Revenue":"1"' in world.rows(aaron)[-1]["before"]


def test_only_posted_lines_that_are_not_voided_on_accounts_of_these_categories(world, aaron):
    invoice(world, "INV1", "1.00", "0.50")
    invoice(world, "INV2", "10.00", "5.00", is_posted=False)
    invoice(world, "INV3", "100.00", "50.00", is_voided=True)
    world.chart(a000_4110_09="Other Income")
    world.post("9/2026-11-02", line("000-4110-09", "1000.00", "AARONFIT0001", "INV9"))
    counts(world)
    assert world.figures(aaron) == cents("1.00", "0.50", "0.50")


def test_accounts_may_be_named_by_number(world, aaron):
    world.terms = replace(world.terms, revenue=limits_of(None, (CASH,), ()), cost=limits_of(None, (), ()))
    invoice(world, "INV1", "9.00", "4.00")
    counts(world)
    assert world.figures(aaron) == cents("-5.00", "0.00", "-5.00")


def test_a_customer_whose_account_is_gone_belongs_to_nobody(world, aaron):
    invoice(world, "INV1", "9.00", "4.00")
    with world.database.begin() as tx:
        links.lose(tx, "Accounts", [aaron], links.DELETED)
    earnings = read_earnings(world.work(PROFITABILITY))
    assert earnings.assigned.elsewhere == Figures(Decimal("9.00"), Decimal("4.00"))
    assert earnings.of_account(aaron) == Figures()


def test_several_accounts_deals_and_nobody_make_up_the_whole_ledger(world, aaron):
    adam = world.account("Adam Park Resort")
    world.link("ADAMPARK0001", adam)
    world.deal(account=aaron, GP_Documents="INV1")
    for number, customer in enumerate(["AARONFIT0001", "ADAMPARK0001", "", "NOBODY", "aaronfit0001 "] * 7):
        invoice(world, f"INV{number}", f"{number}.{number:02}", f"0.{number:02}", customer)
    earnings = read_earnings(world.work(PROFITABILITY))
    assert earnings.assigned.whole == earnings.ledger.whole
    each = [earnings.of_account(aaron), earnings.of_account(adam), earnings.assigned.elsewhere]
    assert total(each) == earnings.ledger.whole
    assert all(figures.revenue for figures in each)
    assert earnings.ledger.whole.revenue == sum(Decimal(f"{n}.{n:02}") for n in range(35))


def test_a_period_has_only_its_days(world, aaron):
    yesterday = TODAY - timedelta(days=1)
    invoice(world, "INV1", "1.00", "0.50", on=yesterday)
    invoice(world, "INV2", "10.00", "5.00")
    work = world.work(PROFITABILITY)
    assert read_earnings(work, TODAY, TODAY).of_account(aaron).revenue == 10
    assert read_earnings(work, last=yesterday).of_account(aaron).revenue == 1
    assert read_earnings(work, yesterday, TODAY).of_account(aaron).revenue == 11
    assert read_earnings(work, date(2027, 1, 1)).ledger.whole == Figures()


def test_another_currency_is_told_and_not_added(world, aaron):
    invoice(world, "INV1", "1.00", "0.50")
    invoice(world, "INV2", "10.00", "5.00", currency="EUR")
    told = world.run(flow=PROFITABILITY)
    assert "Lines in EUR are not among the figures: revenue 10.00, cost 5.00." in told["notes"]
    assert world.figures(aaron) == cents("1.00", "0.50", "0.50")


def test_an_account_without_a_known_category_is_told(world, aaron):
    invoice(world, "INV1", "1.00", "0.50")
    world.post("9/2026-11-02", line("000-4999-00", "1000.00", "AARONFIT0001", "INV9"))
    told = world.run(flow=PROFITABILITY)
    assert any("000-4999-00" in note and "sync gl_accounts" in note for note in told["notes"])
    assert world.figures(aaron) == cents("1.00", "0.50", "0.50")


def test_without_any_category_it_says_what_to_do(database):
    world = DealWorld(database)
    world.journals_read()
    world.post("9/2026-11-02", line(SALES, "1.00"))
    told = world.run(flow=PROFITABILITY)
    assert told["state"] == "failed"
    assert "[flows.gl_accounts]" in told["remedy"]


def test_before_the_journal_entries_were_read_it_says_what_to_do(database):
    told = DealWorld(database).run(flow=PROFITABILITY)
    assert told["state"] == "failed"
    assert "never read" in told["happened"]
    assert "[flows.journal_entries]" in told["remedy"]


# ---- what goes wrong


def test_an_answer_that_was_lost_is_told_once(world, aaron):
    invoice(world, "INV1", "1.00", "0.50")
    world.target.after_write = [RetryableError("The answer was lost.")]
    assert counts(world) == {"updated": 1}
    (row,) = world.rows(aaron)
    assert row["reason"].endswith(LOST_ANSWER)
    assert counts(world) == {}


@pytest.mark.parametrize("when", ["before_write", "after_write"])
def test_a_crash_is_made_good_by_the_next_run(world, aaron, when):
    deal = world.deal(account=aaron, GP_Documents="INV1")
    invoice(world, "INV1", "1.00", "0.50")
    setattr(world.target, when, [KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        counts(world)
    assert counts(world) == {"updated": 2}
    assert world.figures(deal) == world.figures(aaron) == cents("1.00", "0.50", "0.50")
    assert [len(world.rows(one)) for one in (deal, aaron)] == [1, 1]
    with world.database.read() as tx:
        assert intents.open_keys(tx, Pair(COMPANY, PROFITABILITY, "Deals")) == []


def test_a_refused_record_waits_until_it_goes_through(world, aaron):
    deal = world.deal(account=aaron, GP_Documents="INV1")
    invoice(world, "INV1", "1.00", "0.50")
    world.target.locked = {deal}
    assert counts(world) == {"held": 1, "updated": 1}
    assert [hold.source_key for hold in world.held()] == [deal]
    world.target.locked = set()
    assert counts(world) == {"updated": 1}
    assert not world.held()


def test_a_record_that_waits_needs_nothing_once_it_is_right(world, aaron):
    invoice(world, "INV1", "1.00", "0.50")
    world.target.locked = {aaron}
    assert counts(world) == {"held": 1}
    invoice(world, "INV1", "0.00", "0.00")
    assert counts(world) == {}
    assert not world.held()


def test_a_preview_writes_nothing(world, aaron):
    deal = world.deal(account=aaron, GP_Documents="INV1")
    invoice(world, "INV1", "1.00", "0.50")
    told = {
        module: [edit.target_id for edit in edits]
        for module, edits in preview(world.work(PROFITABILITY))[1].items()
    }
    assert told == {"Deals": [deal], "Accounts": [aaron]}
    assert not world.target.writes


def test_nothing_is_written_while_a_bulk_job_may_be_under_way_in_the_module(
    world: DealWorld, aaron: str
) -> None:
    world.options = replace(world.options, max_wait=timedelta(seconds=1))
    invoice(world, "1", "100", "60")
    started = BulkJob("Accounts", "file-0", "update", "run", 50, world.clock.now())
    with world.database.begin() as tx:
        bulk_jobs.put(tx, started)
    told = world.run(flow=PROFITABILITY)
    assert told["state"] == "away"
    assert "its answer was lost" in told["happened"]
    assert world.target.writes == []
    world.clock.sleep(world.options.bulk_timeout.total_seconds())
    assert counts(world)["updated"] == 1
