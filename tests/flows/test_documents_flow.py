"""Sales orders of the CRM become documents of the ERP, each once, and the CRM is told."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sales_world import COMPANY, SalesWorld

from memory_crm import DyingDatabase
from memory_crm import KilledError as StoreKilledError
from memory_documents import Fault, KilledError, MemoryDocuments, away, late, lost, unsure
from memory_sales import ACCOUNT, CUSTOMER, DEALS, ORDERS, QUOTES
from ml_connector.core.document_decisions import Answer, Choice
from ml_connector.core.document_mapping import Numbering
from ml_connector.core.errors import ConfigurationError, RecordRejectedError, RetryableError
from ml_connector.core.numbering import number_of
from ml_connector.core.sales import Kind
from ml_connector.flows.decide import Decider
from ml_connector.flows.document_work import cases_of
from ml_connector.flows.documents import DocumentMaker
from ml_connector.flows.documents_decide import discard, release
from ml_connector.flows.range import Asked
from ml_connector.flows.receive import Handed
from ml_connector.store import links
from ml_connector.store.database import Database
from ml_connector.store.links import Link, Pair

ORDER, OTHER = "5725767000000000900", "5725767000000000901"
BOTH = pytest.mark.parametrize("numbering", list(Numbering))


@pytest.fixture
def sales(database: Database) -> SalesWorld:
    return SalesWorld(database)


@BOTH
def test_an_order_becomes_one_of_the_erp_and_the_crm_has_its_number(database, numbering):
    world = SalesWorld(database, numbering)
    world.crm.edit(ORDERS, ORDER, Purchase_Order="PO 7")
    world.pass_time(minutes=1)
    counts = world.run()["counts"]
    assert (counts["created"], counts["crm_told"]) == (1, 1)
    document = world.only().document
    assert (document.customer, document.reference, document.lines[0].item) == (
        "AARONFIT0001", ORDER, "128 SDRAM"
    )  # fmt: skip
    ours = number_of(ORDER, "ZO")
    if numbering is Numbering.OWN:
        assert (document.number, document.customer_po, document.texts) == (ours, "PO 7", {})
    else:
        assert (document.number, document.customer_po, document.texts) == ("ORDST1001", ours, {1: "PO 7"})
    told = world.crm.told(ORDERS, ORDER)
    assert told["GP_Order_Number"] == document.number
    assert (told["GP_Order_Status"], told["GP_Ordered_Amount"]) == ("Entered", Decimal("379.90"))
    assert told["GP_Order_As_Of"] is not None
    assert world.story(ORDER) == ["created"]
    assert world.is_quiet()
    with database.read() as tx:
        (link,) = links.on(tx, Pair(COMPANY, "sales_orders", ORDERS), [ORDER]).values()
    assert link.source_key == document.number


def test_our_own_write_comes_back_and_the_erp_is_not_even_asked(sales):
    sales.crm.edit(ORDERS, ORDER)
    sales.pass_time(minutes=1)
    sales.run()
    calls = len(sales.erp.calls.made)
    sales.pass_time(minutes=10)
    counts = sales.run()["counts"]
    assert (counts["polled"], counts["unchanged"]) == (1, 1)
    assert len(sales.erp.calls.made) == calls


def test_a_change_follows_and_what_a_person_changed_in_the_erp_stays(sales):
    sales.crm.edit(ORDERS, ORDER)
    sales.pass_time(minutes=1)
    sales.run()
    number = sales.only().document.number
    sales.erp.change(Kind.ORDER, number, comment="call first")
    sales.crm.edit(ORDERS, ORDER, {"Quantity": Decimal(3)})
    sales.pass_time(minutes=10)
    counts = sales.run()["counts"]
    assert counts["updated"] == 1
    assert (sales.only().document.lines[0].quantity, sales.only().document.comment) == (3, "call first")
    assert sales.crm.told(ORDERS, ORDER)["GP_Ordered_Amount"] == Decimal("569.85")
    assert sales.story(ORDER) == ["created", "updated"]
    assert sales.is_quiet()


def test_an_order_of_no_customer_waits_until_its_account_is_one(sales):
    account = "5725767000000000199"
    sales.crm.edit(ORDERS, ORDER, Account_Name__id=account)
    sales.pass_time(minutes=1)
    assert sales.run()["counts"]["held"] == 1
    assert (sales.held(), sales.erp.every()) == (["CUSTOMER_MISSING"], [])
    sales.pass_time(minutes=10)
    assert "held" not in sales.run()["counts"]  # nothing is different
    sales.link(account, "ADAMPARK0001")
    sales.pass_time(minutes=10)
    assert sales.run(polls=False)["counts"]["created"] == 1
    assert (sales.held(), sales.only().document.customer) == ([], "ADAMPARK0001")
    assert sales.story(ORDER) == ["held", "created", "released"]


def test_what_the_erp_refuses_is_held_and_the_others_go_on(sales):
    sales.erp.customers["AARONFIT0001"] = "CUSTOMER_ON_HOLD"
    sales.link("5725767000000000199", "ADAMPARK0001")
    sales.crm.edit(ORDERS, ORDER)
    sales.crm.edit(ORDERS, OTHER, Account_Name__id="5725767000000000199")
    sales.pass_time(minutes=1)
    counts = sales.run()["counts"]
    assert (counts["held"], counts["created"]) == (1, 1)
    assert sales.held() == ["CUSTOMER_ON_HOLD"]
    assert sales.became(ORDERS, ORDER).intent is None
    sales.erp.customers["AARONFIT0001"] = ""
    sales.pass_time(minutes=10)
    sales.run()  # it heals by itself
    assert (sales.held(), len(sales.erp.every())) == ([], 2)


def test_another_total_is_held_with_both_figures_until_a_person_says_that_it_is_right(sales):
    sales.erp.reckons_prices = True
    sales.erp.items["128 SDRAM"] = Decimal(100)
    sales.crm.edit(ORDERS, ORDER, Grand_Total=Decimal("379.90"))
    sales.pass_time(minutes=1)
    sales.run()
    assert sales.held() == ["TOTALS_DIFFER"]
    assert sales.crm.told(ORDERS, ORDER)["GP_Ordered_Amount"] == 200  # it stands there all the same
    sales.release(ORDERS, ORDER, "TOTALS_DIFFER")
    sales.run(asked=_keys(ORDER))
    assert sales.held() == []
    assert sales.sent() == ["create"]
    assert sales.is_quiet()


def _keys(*keys: str):
    return Asked(keys=keys)


def test_what_does_not_go_to_the_erp_yet_costs_no_call_and_follows_later(sales):
    sales.more_rules = {"stages": frozenset({"approved"})}
    sales.crm.edit(ORDERS, ORDER, Status="Created")
    sales.pass_time(minutes=1)
    assert sales.run()["counts"]["skipped"] == 1
    assert sales.erp.calls.made == []
    sales.crm.edit(ORDERS, ORDER, Status="Approved")
    sales.pass_time(minutes=10)
    assert sales.run()["counts"]["created"] == 1


def test_a_deleted_order_is_held_until_somebody_voids_its_document(sales):
    sales.crm.edit(ORDERS, ORDER)
    sales.crm.edit(ORDERS, OTHER)
    sales.pass_time(minutes=1)
    sales.run()
    sales.crm.delete(ORDERS, ORDER)
    sales.pass_time(minutes=10)
    sales.run()
    assert sales.held() == ["WITHDRAWN"]
    number = sales.became(ORDERS, ORDER).linked.number
    sales.erp.void(Kind.ORDER, number)
    sales.pass_time(hours=1)
    sales.run()
    assert sales.held() == []
    assert sales.is_quiet()


def test_an_order_deleted_before_it_went_is_nothing(sales):
    sales.crm.edit(ORDERS, ORDER)
    sales.crm.delete(ORDERS, ORDER)
    sales.tell(ORDERS, ORDER)
    sales.pass_time(minutes=1)
    sales.run()
    assert (sales.erp.calls.made, sales.held()) == ([], [])


def test_what_is_gone_in_the_erp_is_made_anew_where_a_person_says_so(sales):
    sales.crm.edit(ORDERS, ORDER)
    sales.pass_time(minutes=1)
    sales.run()
    sales.erp.remove(Kind.ORDER, sales.only().document.number)
    sales.crm.edit(ORDERS, ORDER, {"Quantity": Decimal(5)})
    sales.pass_time(minutes=10)
    sales.run()
    assert sales.held() == ["DOCUMENT_GONE"]
    sales.release(ORDERS, ORDER, "DOCUMENT_GONE")
    sales.run(asked=_keys(ORDER))
    assert (sales.held(), sales.only().document.lines[0].quantity) == ([], 5)
    assert sales.is_quiet()


def test_several_at_once_are_each_made_once(sales):
    sales.at_once = 4
    keys = [str(int(ORDER) + 10 * n) for n in range(30)]
    for key in keys:
        sales.crm.edit(ORDERS, key)
    sales.pass_time(minutes=1)
    assert sales.run()["counts"]["created"] == 30
    assert sorted(one.document.reference for one in sales.erp.every()) == sorted(keys)
    assert len([name for name in sales.crm.calls.made if name == "write"]) == 1
    assert sales.is_quiet()


def test_what_the_crm_refuses_to_be_told_is_told_later(sales):
    sales.crm.edit(ORDERS, ORDER)
    sales.crm.refuses[ORDER] = RecordRejectedError("It is locked.", "Unlock it.")
    sales.pass_time(minutes=1)
    for attempts in (1, 2):
        assert sales.run()["counts"]["crm_refused"] == 1
        [hold] = sales.holds_of("document_status")
        assert (hold.source_key, hold.happened, hold.attempts) == (ORDER, "It is locked.", attempts)
    sales.crm.refuses.clear()
    sales.follow()
    assert sales.crm.told(ORDERS, ORDER)["GP_Order_Status"] == "Entered"
    assert sales.holds_of("document_status") == []
    assert sales.story(ORDER, told=True) == ["held", "held", "updated", "released"]


def test_what_the_crm_refused_waits_no_more_once_it_is_again_as_the_crm_knows_it(sales):
    sales.crm.edit(ORDERS, ORDER)
    sales.pass_time(minutes=1)
    sales.run()
    document, told = sales.only().document, sales.crm.told(ORDERS, ORDER)["GP_Order_Status"]
    sales.crm.refuses[ORDER] = RecordRejectedError("It is locked.", "Unlock it.")
    for allocated, waiting in ((Decimal(2), 1), (Decimal(2), 1), (Decimal(0), 0)):
        sales.pass_time(hours=1)
        sales.erp.advance(document.number, document.lines[0].sequence, allocated=allocated)
        sales.follow()
        assert len(sales.holds_of("document_status")) == waiting
    assert sales.crm.told(ORDERS, ORDER)["GP_Order_Status"] == told
    assert sales.story(ORDER, told=True) == ["updated", "held", "held", "released"]


# -- quotes and deals


def test_an_order_whose_account_is_a_customer_of_two_companies_waits_until_it_is_one_s(sales):
    sales.more_erps["7"] = MemoryDocuments(sales.clock)
    sales.link(ACCOUNT, CUSTOMER, "7")
    sales.crm.edit(ORDERS, ORDER)
    for _ in range(3):
        sales.pass_time(minutes=5)
        sales.run()
    (hold,) = sales.holds_of("sales_orders")
    assert (hold.code, hold.attempts, sales.story(ORDER)) == ("CUSTOMER_MISSING", 1, ["held"])
    with sales.database.begin() as tx:
        links.remove(tx, Pair("7", "customers", "Accounts"), CUSTOMER)
    sales.run()
    assert (sales.held(), sales.only().document.customer) == ([], CUSTOMER)


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_document_of_a_company_that_left_the_settings_is_held_and_others_go_on(sales, is_deleted):
    sales.crm.edit(QUOTES, "90")
    sales.crm.edit(ORDERS, ORDER)
    sales.pass_time(minutes=1)
    sales.run(QUOTES)
    sales.run()
    sales.is_left, sales.more_erps["7"] = True, MemoryDocuments(sales.clock)
    sales.link("1", CUSTOMER, "7")
    if is_deleted:
        sales.crm.delete(ORDERS, ORDER)
    else:
        sales.crm.edit(ORDERS, ORDER, Purchase_Order="3")
    sales.crm.edit(ORDERS, OTHER, Account_Name__id="1")
    sales.crm.edit(ORDERS, "91", Account_Name__id="1", Quote_Name__id="90")
    for _ in range(2):
        sales.pass_time(minutes=10)
        sales.run()
    assert sales.held() == ["COMPANY_GONE"] * 2
    assert sales.story(ORDER) == ["created", "held"]
    assert "in the company -1, which is no more in the settings" in sales.holds_of("sales_orders")[0].happened
    assert [one.document.reference for one in sales.more_erps["7"].every()] == [OTHER]
    sales.is_left = False
    sales.run(asked=_keys(ORDER))
    codes = {hold.source_key: hold.code for hold in sales.holds_of("sales_orders")}
    assert codes.get(ORDER) == ("WITHDRAWN" if is_deleted else None)


def test_a_quote_becomes_a_quote(sales):
    sales.crm.edit(QUOTES, ORDER)
    sales.pass_time(minutes=1)
    assert sales.run(QUOTES)["counts"]["created"] == 1
    assert sales.only().document.kind is Kind.QUOTE
    assert sales.crm.told(QUOTES, ORDER)["GP_Quoted_Amount"] == Decimal("379.90")
    assert sales.is_quiet([QUOTES])


def test_a_deal_that_was_won_a_day_ago_becomes_an_order_unless_it_has_one(sales):
    for deal in ("71", "72"):
        sales.crm.edit(DEALS, deal, Stage="Closed Won", Deal_Name="Fibre")
    sales.crm.edit(ORDERS, ORDER, Deal_Name__id="72")
    sales.pass_time(minutes=1)
    assert sales.run(DEALS)["counts"]["waiting"] == 2
    sales.run()
    assert sales.crm.told(DEALS, "72")["GP_Order_Number"] == sales.only().document.number
    sales.pass_time(hours=23)
    assert sales.run(DEALS)["counts"].get("created", 0) == 0
    sales.pass_time(hours=2)
    assert sales.run(DEALS)["counts"]["created"] == 1
    assert len(sales.erp.every()) == 2
    assert sales.crm.told(DEALS, "71")["GP_Ordered_Amount"] == 500
    assert sales.is_quiet([DEALS, ORDERS])


def test_a_won_deal_has_a_sales_order_that_no_flow_has_seen(sales):
    sales.crm.edit(DEALS, "71", Stage="Closed Won")
    sales.crm.edit(ORDERS, ORDER, Deal_Name__id="71")
    sales.pass_time(minutes=1)
    sales.run(DEALS)
    sales.pass_time(hours=25)
    assert sales.run(DEALS)["counts"]["skipped"] == 1
    assert sales.erp.every() == []
    assert sales.is_quiet([DEALS])


def test_of_deals_made_before_the_flow_those_won_since_become_orders_and_no_others(sales):
    """Whether or not anybody touched them, and although a row is kept of what a deal was told."""
    for deal, stage in (("71", "Closed Won"), ("72", "Negotiation"), ("73", "closed won"), ("74", "Lost")):
        sales.crm.edit(DEALS, deal, Stage=stage, Created_Time=sales.clock.now())
    sales.pass_time(days=100)
    sales.since = sales.clock.now()
    sales.crm.edit(QUOTES, ORDER, Deal_Name__id="71", Created_Time=sales.clock.now())
    sales.pass_time(minutes=1)
    sales.run(QUOTES)
    assert sales.became(DEALS, "71").won_at is None  # a row for what it is told
    sales.run(DEALS)
    sales.pass_time(days=10)
    for deal in ("71", "73", "74"):
        sales.crm.edit(DEALS, deal, Description="A word")
    sales.crm.edit(DEALS, "72", Stage="Closed Won")
    sales.pass_time(minutes=1)
    sales.run(DEALS)
    sales.pass_time(days=2)
    assert sales.run(DEALS)["counts"]["created"] == 1
    assert [sales.became(DEALS, deal).linked is not None for deal in ("71", "72", "73", "74")] == [
        False, True, False, False,
    ]  # fmt: skip
    assert sales.is_quiet([DEALS, QUOTES])
    sales.crm.edit(DEALS, "73", Stage="Negotiation")
    sales.pass_time(minutes=1)
    sales.run(DEALS)
    sales.crm.edit(DEALS, "73", Stage="Closed Won")
    sales.pass_time(days=2)
    sales.run(DEALS)
    sales.pass_time(days=2)
    assert sales.run(DEALS)["counts"]["created"] == 1
    assert sales.held(DEALS) == []


def test_which_deals_are_won_already_is_asked_until_it_is_known_and_then_no_more(sales):
    sales.crm.edit(DEALS, "71", Stage="Closed Won", Created_Time=sales.clock.now())
    sales.pass_time(days=1)
    sales.since, asked = sales.clock.now(), []

    def texts(columns):
        asked.append(list(columns))
        if len(asked) == 1:
            raise RetryableError("Zoho is away.", "")
        return sales.crm.list_texts(DEALS, columns)

    maker = DocumentMaker(replace(sales.work(DEALS), texts=texts))
    with pytest.raises(RetryableError):
        maker.begin()
    maker.begin()
    maker.begin()
    assert asked == [["Stage"], ["Stage"]]
    # So is a stage that won deals have only since later, of those made before.
    sales.crm.edit(DEALS, "72", Stage="Signed", Created_Time=sales.since - timedelta(days=1))
    sales.more_rules = {"stages": frozenset({"closed won", "signed"})}
    DocumentMaker(replace(sales.work(DEALS), texts=texts)).begin()
    assert len(asked) == 3
    sales.pass_time(days=1)
    sales.crm.edit(DEALS, "72", Amount=Decimal(600))
    sales.crm.edit(DEALS, "71", Amount=Decimal(600))
    sales.pass_time(days=2)
    sales.run(DEALS)
    assert sales.erp.every() == []


def test_what_does_not_go_to_the_erp_is_not_held_for_what_it_lacks(sales):
    """Neither a deal that is not won, nor what was made before; nor does it go there once it lacks nothing."""
    for module, key in ((DEALS, "71"), (DEALS, "72"), (ORDERS, ORDER)):
        sales.crm.edit(module, key, Account_Name__id="1", Created_Time=sales.clock.now())
    sales.crm.edit(DEALS, "72", Stage="Closed Won")
    sales.pass_time(days=1)
    sales.since = sales.clock.now()
    sales.run(DEALS)
    for account in ("1", ACCOUNT):
        sales.pass_time(days=1)
        for module, key in ((DEALS, "71"), (DEALS, "72"), (ORDERS, ORDER)):
            sales.crm.edit(module, key, Account_Name__id=account)
        sales.pass_time(minutes=1)
        assert sales.run()["counts"]["skipped"] == 1
        assert sales.run(DEALS)["counts"]["skipped"] == 2
        assert sales.held(DEALS) + sales.held() == []
    assert sales.erp.every() == []
    sales.since = None
    assert sales.run(asked=_keys(ORDER))["counts"]["created"] == 1


def test_an_order_that_moves_to_another_deal_is_told_of_there(sales):
    for deal in ("71", "72"):
        sales.crm.edit(DEALS, deal)
    sales.crm.edit(ORDERS, ORDER, Deal_Name__id="71")
    sales.pass_time(minutes=1)
    sales.run()
    assert sales.crm.told(DEALS, "71")["GP_Ordered_Amount"] == Decimal("379.90")
    sales.crm.edit(ORDERS, ORDER, Deal_Name__id="72")
    sales.pass_time(minutes=10)
    sales.erp.calls.faults[:] = [lost()]
    sales.run()
    assert sales.crm.told(DEALS, "71")["GP_Ordered_Amount"] is None
    assert sales.crm.told(DEALS, "72")["GP_Ordered_Amount"] == Decimal("379.90")
    assert sales.is_quiet()


def test_a_sales_order_whose_deal_became_an_order_is_held(sales):
    sales.crm.edit(DEALS, "71", Stage="Closed Won")
    sales.pass_time(minutes=1)
    sales.run(DEALS)
    sales.pass_time(hours=25)
    sales.run(DEALS)
    sales.crm.edit(ORDERS, ORDER, Deal_Name__id="71")
    sales.pass_time(minutes=1)
    sales.run()
    assert (sales.held(), len(sales.erp.every())) == (["ALREADY_ORDERED"], 1)
    sales.release(ORDERS, ORDER, "ALREADY_ORDERED")
    sales.run(asked=_keys(ORDER))
    assert (sales.held(), len(sales.erp.every())) == ([], 2)
    assert sales.crm.told(DEALS, "71")["GP_Ordered_Amount"] == Decimal("879.90")
    assert sales.is_quiet([DEALS, ORDERS])


@pytest.mark.parametrize(("choice", "quantity"), [(Choice.LINK, 1), (Choice.REPLACE, 2)])
def test_a_person_says_which_order_it_is(sales, choice, quantity):
    sales.crm.edit(DEALS, "71", Stage="Closed Won")
    sales.pass_time(minutes=1)
    sales.run(DEALS)
    sales.pass_time(hours=25)
    sales.run(DEALS)
    number = sales.only().document.number
    sales.crm.edit(ORDERS, ORDER, Deal_Name__id="71")
    sales.pass_time(minutes=1)
    sales.run()
    assert sales.held() == ["ALREADY_ORDERED"]
    release(sales.work(), ORDER, Decider("anna", "so"), Answer(choice, number))
    sales.pass_time(minutes=1)
    sales.run()
    assert sales.held() == []
    assert sales.only().document.lines[0].quantity == quantity
    assert sales.became(DEALS, "71").linked is None
    assert sales.became(ORDERS, ORDER).linked.number == number
    assert sales.crm.told(DEALS, "71")["GP_Order_Number"] == number
    assert sales.is_quiet([DEALS, ORDERS])
    assert len(sales.erp.every()) == 1


def test_what_is_discarded_waits_no_longer_until_it_changes(sales):
    sales.crm.edit(ORDERS, ORDER, Account_Name__id="5725767000000000199")
    sales.pass_time(minutes=1)
    sales.run()
    discard(sales.work(), ORDER, Decider("anna", "a test order"))
    sales.pass_time(hours=1)
    sales.run()
    assert (sales.held(), sales.story(ORDER)) == ([], ["held", "discarded"])
    with pytest.raises(ConfigurationError):
        release(sales.work(), ORDER, Decider("anna", "so"))


def test_an_order_that_the_erp_made_of_the_quote_is_in_the_way(sales):
    sales.crm.edit(QUOTES, OTHER)
    sales.pass_time(minutes=1)
    sales.run(QUOTES)
    quote = sales.only()
    made = replace(quote.document, kind=Kind.ORDER, number="ORDST77", reference="", customer_po="")
    sales.erp._keep(made, quote.master_number)
    sales.crm.edit(ORDERS, ORDER, Quote_Name__id=OTHER)
    sales.pass_time(minutes=1)
    sales.run()
    assert (sales.held(), len(sales.erp.every())) == (["ALREADY_ORDERED"], 2)


# -- answers that are lost, and deaths


def _settle(world: SalesWorld) -> None:
    """Whatever was sent is done by now, or never."""
    world.erp.calls.faults.clear()
    world.crm.calls.faults.clear()
    for _ in range(4):
        world.pass_time(minutes=11)
        world.run()


FAULTS = {
    "lost": lost,
    "unsure": unsure,
    "late": late,
    "away": away,
    "killed before": lambda: Fault(KilledError()),
    "killed behind": lambda: Fault(KilledError(), after=True),
    "killed, done late": lambda: Fault(KilledError(), late=True),
}


@BOTH
@pytest.mark.parametrize("fault", list(FAULTS))
@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("changes", [False, True], ids=["made", "changed"])
def test_whatever_call_fails_there_is_one_document(database, numbering, fault, at, changes):
    world = SalesWorld(database, numbering)
    world.crm.edit(ORDERS, ORDER)
    world.pass_time(minutes=1)
    if changes:
        world.run()
        world.crm.edit(ORDERS, ORDER, {"Quantity": Decimal(7)}, Purchase_Order="PO 8")
        world.pass_time(minutes=10)
    world.erp.calls.faults[:] = [*[None] * at, FAULTS[fault]()]
    with suppress(KilledError):
        world.run()
    _settle(world)
    assert world.only().document.lines[0].quantity == (7 if changes else 2)
    assert world.held() == []
    assert world.crm.told(ORDERS, ORDER)["GP_Order_Number"] == world.only().document.number
    assert world.story(ORDER) == ["created", *["updated"] * changes]
    assert world.is_quiet()


@BOTH
@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("at", range(1, 11))
@pytest.mark.parametrize("changes", [False, True], ids=["made", "changed"])
def test_killed_at_any_commit(database, numbering, at, committed, changes):
    world = SalesWorld(database, numbering)
    world.crm.edit(ORDERS, ORDER)
    world.pass_time(minutes=1)
    if changes:
        world.run()
        world.crm.edit(ORDERS, ORDER, {"Quantity": Decimal(7)})
        world.pass_time(minutes=10)
    with pytest.raises(StoreKilledError):
        world.run(database=DyingDatabase(database, at, committed))
    _settle(world)
    assert world.only().document.lines[0].quantity == (7 if changes else 2)
    assert world.story(ORDER) == ["created", *["updated"] * changes]
    assert (world.held(), world.is_quiet()) == ([], True)


def test_the_places_to_be_killed_at_are_all_there_are(database):
    world = SalesWorld(database)
    world.crm.edit(ORDERS, ORDER)
    world.pass_time(minutes=1)
    counting = DyingDatabase(database, 10**9, committed=True)
    world.run(database=counting)
    assert counting.done == 10


@pytest.mark.parametrize("fault", ["lost", "unsure", "killed before", "killed behind"])
def test_what_the_crm_was_told_is_told_again_where_nobody_knows(sales, fault):
    sales.crm.edit(ORDERS, ORDER)
    sales.pass_time(minutes=1)
    sales.crm.calls.faults.append(FAULTS[fault]())
    with suppress(KilledError):
        sales.run()
    _settle(sales)
    assert sales.crm.told(ORDERS, ORDER)["GP_Order_Status"] == "Entered"
    assert sales.is_quiet()


def test_where_the_erp_numbers_nothing_is_sent_again_before_its_time(database):
    world = SalesWorld(database, Numbering.GP)
    world.crm.edit(ORDERS, ORDER)
    world.pass_time(minutes=1)
    world.erp.calls.faults[:] = [None, unsure()]
    world.run()
    assert world.sent() == ["create"]
    assert world.became(ORDERS, ORDER).next_at is not None
    world.pass_time(minutes=5)
    world.run()
    assert world.sent() == ["create"]
    world.pass_time(minutes=6)
    world.run()
    assert (world.sent(), len(world.erp.every())) == (["create", "create"], 1)


def test_an_account_in_two_companies_is_nobodys_guess(sales):
    other = replace(sales.work(), erps={COMPANY: sales.erp, "2": sales.erp})
    with sales.database.begin() as tx:
        pair = Pair("2", "customers", "Accounts")
        links.put(tx, pair, [Link("B", ACCOUNT, "created", sales.clock.now(), None)])
    sales.crm.edit(ORDERS, ORDER)
    (record,) = sales.crm.fetch(ORDERS, [ORDER])
    (case,) = cases_of(other, [Handed(ORDER, None, record, timedelta(0))])
    assert case.fault is not None
    assert case.fault.code == "CUSTOMER_MISSING"


def test_notifications_copied_shuffled_and_lost_make_each_document_once(sales):
    """Each 1 to 5 times, a tenth never: the safety poll finds those."""
    chance, sales.at_once = random.Random(11), 4
    keys = [str(int(ORDER) + 10 * n) for n in range(200)]
    for key in keys:
        sales.crm.edit(ORDERS, key, {"Quantity": Decimal(chance.randint(1, 9))})
    told = [key for key in keys if chance.random() >= 0.1]
    copies = [key for key in told for _ in range(chance.randint(1, 5))]
    chance.shuffle(copies)
    for start in range(0, len(copies), 100):
        for some in range(start, min(start + 100, len(copies)), 25):
            sales.tell(ORDERS, *copies[some : some + 25])
        sales.pass_time(seconds=4)
        sales.run(polls=False)
    sales.pass_time(hours=2)
    sales.run()
    assert sorted(one.document.reference for one in sales.erp.every()) == keys
    assert sales.sent() == ["create"] * len(keys)
    assert sales.is_quiet()
