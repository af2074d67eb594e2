"""Deals tag themselves: by a rule, by the default of their Account, and never over what a person chose."""

from __future__ import annotations

import pytest
from deal_world import COMPANY, SALES, SERVICE, DealWorld

from ml_connector.core.companies import Company
from ml_connector.core.deal_fields import TAG
from ml_connector.core.errors import ConfigurationError, RetryableError
from ml_connector.core.needs import FieldShape
from ml_connector.core.tagging import Rule
from ml_connector.flows.edits import LOST_ANSWER
from ml_connector.flows.steps import DirectSteps
from ml_connector.flows.tagging import preview, tag_deals
from ml_connector.store.database import Database


@pytest.fixture
def world(database: Database) -> DealWorld:
    return DealWorld(database)


@pytest.fixture
def sales(world: DealWorld) -> str:
    return world.gl_account(SALES)


@pytest.fixture
def aaron(world: DealWorld, sales: str) -> str:
    return world.account(GP_Sales_GL_Account=sales)


def test_the_default_of_its_account(world, sales, aaron):
    deal = world.deal(account=aaron)
    assert world.counts() == {"updated": 1}
    assert world.tag_of(deal) == sales
    (row,) = world.rows(deal)
    assert (row["action"], row["entity"], row["target_id"]) == ("record:updated", "deals", deal)
    assert (row["before"], row["after"]) == ('{"GP_GL_Account":null}', f'{{"GP_GL_Account":"{sales}"}}')
    assert row["reason"] == "Default GL account of the Account “Aaron Fitz Electrical”."


def test_a_second_run_writes_nothing(world, aaron):
    world.deal(account=aaron)
    world.deal("Without an Account")
    assert world.counts() == {"updated": 1, "untagged": 1}
    written = len(world.target.writes)
    world.counts()
    assert len(world.target.writes) == written


@pytest.mark.parametrize("field", ["Type", "Pipeline"])
def test_a_rule_comes_before_the_default(world, aaron, field):
    service = world.gl_account(SERVICE)
    world.rules(Rule("service", SERVICE, **{field.lower(): "Service"}))
    by_rule = world.deal(account=aaron, **{field: "service"})
    by_default = world.deal(account=aaron, **{field: "New"})
    assert world.counts() == {"updated": 2}
    assert world.tag_of(by_rule) == service
    assert world.tag_of(by_default) != service
    assert world.rows(by_rule)[0]["reason"] == f"Rule “service”: GL account {SERVICE}."


def test_a_product_is_a_text_or_a_record(world):
    service = world.gl_account(SERVICE)
    world.rules(Rule("lamps", SERVICE, product="Lamp L-1"), product_field="Product")
    deal = world.deal(Product="Lamp L-1")
    assert world.counts() == {"updated": 1}
    assert world.tag_of(deal) == service
    world.target.drift["Product"] = FieldShape("Product", "lookup")
    product = world.target.seed("-", Product_Name="Lamp L-1")
    other = world.deal(Product=product)
    assert world.counts(full=True) == {"updated": 1}
    assert world.tag_of(other) == service


def test_where_gl_accounts_are_no_records_the_tag_is_a_number(world):
    world.target.drift[TAG] = FieldShape(TAG, "picklist", choices=frozenset({SALES, SERVICE}))
    world.target.drift.pop("GP_Sales_GL_Account")
    world.rules(Rule("service", SERVICE, type="Service"), Rule("gone", "999-0000-00", type="Gone"))
    aaron = world.account(GP_Sales_Account=SALES)
    adam = world.account("Adam Park Resort", GP_Sales_Account="000-9999-99")  # no choice of the list
    by_default, by_rule = world.deal(account=aaron), world.deal(account=aaron, Type="Service")
    left = [world.deal(account=adam), world.deal(account=aaron, Type="Gone")]
    told = world.run()
    assert {what: n for what, n in told["counts"].items() if n} == {"untagged": 2, "updated": 2}
    assert [world.tag_of(one) for one in (by_default, by_rule, *left)] == [SALES, SERVICE, None, None]
    assert "999-0000-00" in told["notes"][0]


def test_a_rule_whose_account_is_not_there_is_told_and_the_others_go_on(world, sales, aaron):
    world.rules(Rule("export", "000-4999-99", pipeline="Export"), Rule("home", SALES, pipeline="Home"))
    export, home = world.deal(account=aaron, Pipeline="Export"), world.deal(Pipeline="Home")
    told = world.run()
    assert [note for note in told["notes"] if "[deals.rules.export]" in note and "000-4999-99" in note]
    assert len(told["notes"]) == 1
    assert (world.tag_of(export), world.tag_of(home)) == (None, sales)
    later = world.gl_account("000-4999-99")  # its coming is a reason to look at all of them again
    assert world.counts() == {"updated": 1}
    assert world.tag_of(export) == later


def test_what_became_known_of_an_account_counts_for_its_old_deals(world, sales):
    aaron = world.account()
    deal = world.deal(account=aaron)
    assert world.counts() == {"untagged": 1}
    for _ in range(3):
        world.clock.sleep(86_400)
        world.deal("New", account=None)  # the cursor moves on
        world.counts()
    world.clock.sleep(86_400)
    world.target.edit(aaron, GP_Sales_GL_Account=sales)
    assert world.counts()["updated"] == 1
    assert world.tag_of(deal) == sales


def test_an_ordinary_run_looks_only_at_what_changed(world, aaron):
    world.deal()
    world.clock.sleep(86_400)
    world.deal("Newer")
    assert world.counts() == {"untagged": 2}
    assert world.counts() == {"untagged": 1}  # within the overlap behind the newest stamp
    assert world.counts(full=True) == {"untagged": 2}
    world.rules(Rule("other", SALES, type="Other"))
    assert world.counts() == {"untagged": 2}


def test_a_person_who_empties_the_field_gets_the_default_again(world, sales, aaron):
    deal = world.deal(account=aaron)
    world.counts()
    world.clock.sleep(86_400)
    world.target.edit(deal, **{TAG: None})
    assert world.counts() == {"updated": 1}
    assert world.tag_of(deal) == sales


# ---- a person's choice


def test_what_a_person_chose_is_never_read_nor_written(world, aaron):
    chosen = world.gl_account(SERVICE)
    deal = world.deal(account=aaron, **{TAG: chosen})
    assert world.counts() == {}
    assert world.tag_of(deal) == chosen
    assert not world.target.writes


def test_a_choice_between_the_listing_and_the_second_look(world, sales, aaron):
    chosen = world.gl_account(SERVICE)
    deal, other = world.deal(account=aaron), world.deal("Other", account=aaron)
    # the second page that is read is the second look; the choice bears the stamp of the same second
    world.target.between_pages = [lambda: world.target.edit(deal, **{TAG: chosen})]
    assert world.counts() == {"updated": 1, "meanwhile": 1}
    assert (world.tag_of(deal), world.tag_of(other)) == (chosen, sales)


def test_another_change_between_the_listing_and_the_second_look_is_decided_by_the_next_run(world, aaron):
    service = world.gl_account(SERVICE)
    world.rules(Rule("service", SERVICE, type="Service"))
    deal = world.deal(account=aaron)

    def retype() -> None:
        world.clock.sleep(1)
        world.target.edit(deal, Type="Service")

    world.target.between_pages = [retype]
    assert world.counts() == {"meanwhile": 1}
    assert world.tag_of(deal) is None
    assert world.counts() == {"updated": 1}
    assert world.tag_of(deal) == service


def test_a_choice_between_the_second_look_and_the_write(world, sales, aaron):
    chosen = world.gl_account(SERVICE)
    deal, other = world.deal(account=aaron), world.deal("Other", account=aaron)
    world.target.between_pages = [lambda: None, lambda: world.target.edit(deal, **{TAG: chosen})]
    assert world.counts() == {"updated": 1, "meanwhile": 1}
    assert (world.tag_of(deal), world.tag_of(other)) == (chosen, sales)
    assert world.rows(deal) == []
    assert world.counts() == {}


# ---- what goes wrong


def test_an_answer_that_was_lost_is_told_once(world, sales, aaron):
    deal = world.deal(account=aaron)
    world.target.after_write = [RetryableError("The answer was lost.")]
    assert world.counts() == {"updated": 1}
    assert world.tag_of(deal) == sales
    (row,) = world.rows(deal)
    assert row["reason"].endswith(LOST_ANSWER)
    assert row["after"] == f'{{"GP_GL_Account":"{sales}"}}'


def test_a_crash_after_the_write_is_told_by_the_next_run(world, sales, aaron):
    deal = world.deal(account=aaron)
    world.target.after_write = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        world.run()
    assert world.rows(deal) == []
    assert world.counts() == {"updated": 1}
    assert len(world.rows(deal)) == 1
    assert world.counts() == {}
    assert len(world.rows(deal)) == 1


def test_a_crash_before_the_write_is_made_good(world, sales, aaron):
    deal = world.deal(account=aaron)
    world.target.before_write = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        world.run()
    assert world.counts() == {"updated": 1}
    (row,) = world.rows(deal)
    assert LOST_ANSWER not in row["reason"]
    assert world.tag_of(deal) == sales


def test_a_persons_choice_after_a_crash_is_not_told_as_ours(world, aaron):
    chosen = world.gl_account(SERVICE)
    deal = world.deal(account=aaron)
    world.target.before_write = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        world.run()
    world.target.edit(deal, **{TAG: chosen})
    assert world.counts() == {}
    assert world.rows(deal) == []


def test_a_refused_deal_waits_and_is_tried_again(world, sales, aaron):
    deal, other = world.deal(account=aaron), world.deal("Other", account=aaron)
    world.target.locked = {deal}
    assert world.counts() == {"held": 1, "updated": 1}
    (hold,) = world.held()
    assert (hold.flow, hold.source_key, hold.code) == ("deal_tagging", deal, "LOCKED")
    world.clock.sleep(86_400)
    assert world.counts() == {"held": 1}  # behind the cursor by now
    assert world.held()[0].attempts == 2
    world.target.locked = set()
    assert world.counts(deal) == {"updated": 1}
    assert not world.held()
    assert world.tag_of(deal) == world.tag_of(other) == sales
    actions = [row["action"] for row in world.rows(deal)]
    assert actions == ["record:held", "record:held", "record:updated", "record:released"]


@pytest.mark.parametrize("how", ["chosen", "deleted"])
def test_a_deal_that_waits_needs_nothing_once_a_person_dealt_with_it(world, sales, aaron, how):
    deal = world.deal(account=aaron)
    world.target.locked = {deal}
    world.counts()
    if how == "chosen":
        world.target.edit(deal, **{TAG: sales})
    else:
        world.target.gone = {deal}
    assert world.counts() == {}
    assert not world.held()


def test_a_system_that_stays_away_ends_the_run_and_the_next_does_the_rest(world, sales, aaron):
    deal = world.deal(account=aaron)
    world.target.before_write = [RetryableError("Zoho is away.") for _ in range(100)]
    assert world.run()["state"] == "away"
    world.target.before_write = []
    assert world.counts() == {"updated": 1}
    assert world.tag_of(deal) == sales


def test_pages_and_batches(world, sales, aaron):
    world.target.page_size = 150
    deals = [world.deal(f"Deal {number}", account=aaron) for number in range(330)]
    assert world.counts() == {"updated": 330}
    assert {world.tag_of(deal) for deal in deals} == {sales}


@pytest.mark.parametrize(
    ("rule", "product", "field"),
    [
        (Rule("a", SALES, pipeline="Export"), "", "Pipeline"),
        (Rule("a", SALES, type="New"), "", "Type"),
        (Rule("a", SALES, product="Lamp"), "Ware", "Ware"),
    ],
)
def test_a_rule_about_a_field_that_deals_do_not_have_stops_the_run(world, sales, rule, product, field):
    world.target.drift = {TAG: FieldShape(TAG, "lookup")}
    world.rules(rule, product_field=product)
    told = world.run()
    assert told["state"] == "failed"
    assert field in told["happened"]


def test_without_the_field_it_says_what_to_do(world):
    world.target.drift = {}
    told = world.run()
    assert (told["state"], told["remedy"]) == ("failed", "Run “ml-connector provision”.")


def test_a_preview_writes_nothing_and_tells_the_same(world, sales, aaron):
    deal, left = world.deal(account=aaron), world.deal("Left")
    told = {row.target_id: tag and tag.value for row, tag in preview(world.work())[1]}
    assert told == {deal: sales, left: None}
    assert not world.target.writes
    world.target.drift = {}
    with pytest.raises(ConfigurationError):
        preview(world.work())


def test_what_is_refused_for_good_stops_nothing_else(world, sales, aaron):
    deals = [world.deal(f"Deal {n}", account=aaron) for n in range(5)]
    world.target.locked = set(deals[1:3])
    assert world.counts() == {"updated": 3, "held": 2}


# ---- several companies

EUROPE = "7"


@pytest.fixture
def both(world: DealWorld) -> DealWorld:
    """A second company, whose chart has the same numbers."""
    world.companies.append(Company("EU", int(EUROPE), "EU-"))
    return world


def test_a_rule_means_the_account_of_the_company_whose_customer_the_deal_is_for(both):
    here, there = both.gl_account(SERVICE), both.gl_account(SERVICE, EUROPE)
    both.rules(Rule("service", SERVICE))
    accounts = {company: both.account(company) for company in (COMPANY, EUROPE, "nobody's")}
    for company in (COMPANY, EUROPE):
        both.link(f"C{company}", accounts[company], company)
    deals = [both.deal(account=account) for account in accounts.values()]
    without = both.deal("Without an Account")
    assert both.counts() == {"updated": 4}
    assert [both.tag_of(deal) for deal in deals] == [here, there, here]
    assert both.tag_of(without) == here


def test_an_account_that_only_the_other_company_has_is_a_guess(both):
    both.gl_account(SERVICE)
    both.gl_account(SALES, EUROPE)
    both.rules(Rule("service", SERVICE))
    european = both.account()
    both.link("C1", european, EUROPE)
    deal = both.deal(account=european)
    told = both.run()
    (note,) = told["notes"]
    assert note == (
        f"The rule [deals.rules.service] names the GL account {SERVICE}, which is not among the GL accounts of EU"
        " in the CRM: deals of EU that it fits stay without one. Correct the rule, or bring that account over first."
    )
    assert both.tag_of(deal) is None
    both.gl_account(SERVICE, EUROPE)
    assert both.counts() == {"updated": 1}, "its deals are looked at again"


def test_a_rule_may_name_its_company(both):
    sales, service = both.gl_account(SALES, EUROPE), both.gl_account(SERVICE)
    both.rules(Rule("europe", SALES, company=EUROPE), Rule("rest", SERVICE, company=COMPANY))
    european, american = both.account(), both.account()
    both.link("C1", european, EUROPE)
    both.link("C1", american)
    deals = [both.deal(account=european), both.deal(account=american)]
    told = both.run()
    assert told["notes"] == []
    assert [both.tag_of(deal) for deal in deals] == [sales, service]


class EarlierVersion(DirectSteps):
    """The run was begun by a version that kept one value for each rule."""

    def do(self, name, step):
        told = super().do(name, step)
        return {**told, "values": told["values"][COMPANY]} if name == "begin" else told


def test_a_run_of_an_earlier_version_is_taken_up(both):
    sales = both.gl_account(SALES)
    both.rules(Rule("all", SALES))
    deal = both.deal()
    both.clock.sleep(60)
    assert tag_deals(EarlierVersion(both.clock), both.work(), "run")["counts"]["updated"] == 1
    assert both.tag_of(deal) == sales
