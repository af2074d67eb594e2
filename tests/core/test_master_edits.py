"""Values of customers and vendors that the CRM owns, on their way back into the ERP."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory import START
from ml_connector.core import catalogue
from ml_connector.core.document_decisions import Intent, Wait
from ml_connector.core.mapping import FieldRule, Mapping
from ml_connector.core.master_edits import (
    HoldMaster,
    Keep,
    Master,
    Settled,
    WriteBack,
    irreversible,
    owned,
    plan_master,
)
from ml_connector.core.transform import TRANSFORMS, MapContext

CONTEXT = MapContext("USD")
TIMEOUT = timedelta(minutes=10)
PHONE = FieldRule(
    "Phone", ("bill_to.phone1", "bill_to.phone1_extension", "bill_to.country"), "phone", owner="zoho"
)
STREET = FieldRule(
    "Billing_Street", ("bill_to.line1", "bill_to.line2", "bill_to.line3"), "lines", owner="zoho"
)
CITY = FieldRule("Billing_City", ("bill_to.city",), owner="zoho")
EMAIL = FieldRule("GP_Email", ("bill_to.email",), "email", owner="zoho")
NAME = FieldRule("Account_Name", ("name",))
RULES = (PHONE, STREET, CITY, EMAIL)
ERP = {"bill_to.phone1": "3125550101", "bill_to.phone1_extension": None, "bill_to.country": "USA",
       "bill_to.line1": "11403 45 St. South", "bill_to.line2": None, "bill_to.line3": None, "bill_to.city": "Chicago",
       "bill_to.email": "a@example.com; b@example.com", "name": "Aaron Fitz Electrical"}  # fmt: skip
CRM = {"Phone": "312-555-0101", "Billing_Street": "11403 45 St. South", "Billing_City": "Chicago",
       "GP_Email": "a@example.com", "Account_Name": "Aaron"}  # fmt: skip
LEFT = {rule.target: CRM[rule.target] for rule in RULES}
MASTER = Master(CRM, ERP, LEFT, START, START)


def plan(erp=None, left=LEFT, rules=RULES, **crm):
    known = {
        name: crm.pop(name)
        for name in ("seen_at", "stamped_at", "is_released", "intent", "looked_at")
        if name in crm
    }
    master = replace(MASTER, crm={**CRM, **crm}, erp={**ERP, **(erp or {})}, left=left, **known)
    return plan_master(rules, master, CONTEXT, TIMEOUT)


def test_nothing_changed():
    assert plan() == Keep(LEFT)


def test_what_stood_on_both_sides_when_it_began_stays():
    assert plan(left=None, Billing_City="Elsewhere") == Keep({**LEFT, "Billing_City": "Elsewhere"})


@pytest.mark.parametrize(
    ("crm", "fields"),
    [
        ({"Billing_City": "Evanston"}, {"bill_to.city": "Evanston"}),
        ({"Billing_City": None}, {"bill_to.city": None}),
        ({"Phone": "312-555-0199"}, {"bill_to.phone1": "31255501990000"}),
        ({"Phone": "312-555-0101 x123"}, {"bill_to.phone1": "31255501010123"}),
        ({"Phone": "+49 30 1234567"}, {"bill_to.phone1": "+49 30 1234567"}),
        ({"Phone": None}, {"bill_to.phone1": None}),
        ({"GP_Email": "c@example.com"}, {"bill_to.email": "c@example.com; b@example.com"}),
        ({"GP_Email": ""}, {"bill_to.email": "b@example.com"}),
        (
            {"Billing_Street": "One Way\r\n\nGate 2"},
            {"bill_to.line1": "One Way", "bill_to.line2": "Gate 2", "bill_to.line3": None},
        ),
    ],
)
def test_what_the_crm_changed_goes_and_nothing_else(crm, fields):
    decision = plan(**crm)
    assert isinstance(decision, WriteBack)
    assert decision.fields == fields
    assert decision.left == {**LEFT, **crm}
    assert set(decision.fields) <= set(decision.expected)
    assert all(ERP[name] == value for name, value in decision.expected.items())


def test_what_only_the_erp_changed_is_left_there():
    assert plan(erp={"bill_to.city": "Evanston"}) == Keep(LEFT)


def test_both_changed_to_another_value():
    decision = plan(erp={"bill_to.city": "Evanston"}, Billing_City="Skokie")
    assert isinstance(decision, HoldMaster)
    assert (decision.code, decision.field) == (catalogue.CHANGED_ON_BOTH_SIDES, "Billing_City")
    assert decision.happened == (
        "Billing_City is “Evanston” in the ERP and “Skokie” in the CRM, and was “Chicago”."
    )
    released = plan(erp={"bill_to.city": "Evanston"}, Billing_City="Skokie", is_released=True)
    assert isinstance(released, WriteBack)
    assert released.fields == {"bill_to.city": "Skokie"}
    assert released.expected == {"bill_to.city": "Evanston"}


def test_both_changed_to_the_same():
    decision = plan(erp={"bill_to.city": "Skokie "}, Billing_City="Skokie")
    assert decision == Keep({**LEFT, "Billing_City": "Skokie"})


def test_our_own_write_coming_back_is_nothing_new():
    erp = {"bill_to.phone1": "3125550101", "bill_to.phone1_extension": "0123"}
    assert plan(erp=erp, Phone="312-555-0101 x123") == Keep({**LEFT, "Phone": "312-555-0101 x123"})


LOST = Intent(START, {**LEFT, "Billing_City": "Skokie"})


def test_an_edit_that_was_done_is_ours_though_its_answer_was_lost():
    decision = plan(erp={"bill_to.city": "Skokie"}, Billing_City="Evanston", intent=LOST, looked_at=START)
    assert decision == Settled(LOST.sent)
    then = plan(erp={"bill_to.city": "Skokie"}, left=LOST.sent, Billing_City="Evanston")
    assert isinstance(then, WriteBack)


def test_an_edit_that_may_still_be_done_is_waited_for():
    for city in ("Evanston", "Chicago"):  # another one, or what stood there
        assert isinstance(plan(Billing_City=city, intent=LOST, looked_at=START), Wait)
        assert isinstance(plan(Billing_City=city, intent=LOST), Wait)
    assert isinstance(plan(Billing_City="Skokie", intent=LOST, looked_at=START), WriteBack)  # the same again
    assert plan(Billing_City="Evanston", intent=LOST, looked_at=START + TIMEOUT) == Settled(LEFT)


@pytest.mark.parametrize(("moved", "is_held"), [(timedelta(0), False), (timedelta(seconds=1), True)])
def test_a_record_that_moved_in_the_erp_is_not_written(moved, is_held):
    decision = plan(stamped_at=START + moved, Billing_City="Skokie")
    assert isinstance(decision, HoldMaster if is_held else WriteBack)
    if isinstance(decision, HoldMaster):
        assert decision.code == catalogue.MASTER_MOVED
    assert isinstance(plan(stamped_at=START + moved), Keep)


@pytest.mark.parametrize(
    ("crm", "field"),
    [
        ({"Billing_Street": "a\nb\nc\nd"}, "Billing_Street"),
        ({"Phone": "+49 30 1234567 1234567"}, "Phone"),
    ],
)
def test_what_the_erp_has_no_room_for(crm, field):
    decision = plan(**crm)
    assert isinstance(decision, HoldMaster)
    assert (decision.code, decision.field) == (catalogue.VALUE_UNFIT, field)


def test_which_rules_the_crm_owns():
    mapping = Mapping("m", "customers", "Accounts", "GP_Customer_ID", "customer_id", (NAME, *RULES))
    assert owned([mapping, mapping]) == RULES


def test_rules_without_a_way_back():
    editable = {name for rule in RULES for name in rule.sources} - {
        "bill_to.country",
        "bill_to.phone1_extension",
    }
    assert irreversible(RULES, editable) == []
    assert irreversible(RULES, editable - {"bill_to.city"}) == [
        "Billing_City goes back into bill_to.city, which may not be changed from outside."
    ]
    for rule in (
        replace(CITY, transform="first"),
        replace(CITY, lookup="Accounts"),
        replace(CITY, sources=()),
    ):
        (fault,) = irreversible([rule], editable)
        assert fault.startswith("Billing_City has no way back")


WORDS = st.sampled_from([None, "", "Chicago", "Skokie", "Evanston"])


@given(WORDS, WORDS, WORDS)
def test_a_person_s_value_is_never_written_over_unseen_and_what_is_written_is_quiet_then(left, crm, erp):
    known = {"Billing_City": left}
    decision = plan_master(
        (CITY,), Master({"Billing_City": crm}, {"bill_to.city": erp}, known), CONTEXT, TIMEOUT
    )
    if isinstance(decision, WriteBack):
        assert (erp or None) == (left or None)  # nobody changed it there
        (value,) = decision.fields.values()
        done = Master({"Billing_City": crm}, {"bill_to.city": value}, decision.left)
        assert plan_master((CITY,), done, CONTEXT, TIMEOUT) == Keep(decision.left)
        lost = replace(done, left=known)  # the answer was lost: what is left is as it was
        assert plan_master((CITY,), lost, CONTEXT, TIMEOUT) == Keep(decision.left)
    if isinstance(decision, HoldMaster):
        assert len({value or None for value in (left, crm, erp)}) == 3


PHONES = st.one_of(
    st.from_regex(r"[2-9][0-9]{2}-[0-9]{3}-[0-9]{4}( x[0-9]{4})?", fullmatch=True), st.just("+49 30 1234567")
)


@given(PHONES)
def test_a_number_reads_as_it_was_written(number):
    decision = plan(
        left={**LEFT, "Phone": "another"}, erp={"bill_to.phone1": None}, Phone=number, is_released=True
    )
    if isinstance(decision, Keep):
        return
    assert isinstance(decision, WriteBack)
    (sent,) = decision.fields.values()
    digits, extension = (sent[:10], sent[10:]) if sent.isdecimal() else (sent, "")
    shown = TRANSFORMS["phone"]((digits, extension.strip("0") and extension, "USA"), CONTEXT)
    assert shown == number or number.endswith(" x0000")


CITIES = st.sampled_from(["Chicago", "Skokie", "Evanston"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("crm"), CITIES),
        st.tuples(st.just("pass"), st.integers(1, 11)),
        st.tuples(st.just("run"), st.tuples(st.sampled_from([0, 0, 1, 9, None]), st.booleans())),
    ),
    max_size=14,
)


class World:
    """One city on both sides, and edits that the ERP does at once, later or never, heard of or not."""

    def __init__(self) -> None:
        self.crm = self.erp = "Chicago"
        self.left, self.intent, self.now = {"Billing_City": "Chicago"}, None, START
        self.under_way = []

    def pass_time(self, minutes):
        self.now += timedelta(minutes=minutes)
        due = sorted((one for one in self.under_way if one[0] <= self.now), key=lambda one: one[0])
        self.under_way = [one for one in self.under_way if one[0] > self.now]
        for _, city in due:
            self.erp = city

    def run(self, minutes=0, is_heard=True):
        crm = {"Billing_City": self.crm}
        master = Master(crm, {"bill_to.city": self.erp}, self.left, intent=self.intent, looked_at=self.now)
        decision = plan_master((CITY,), master, CONTEXT, TIMEOUT)
        if isinstance(decision, Keep):
            self.left = dict(decision.left)
        if isinstance(decision, Settled):
            self.left, self.intent = dict(decision.left), None
        if isinstance(decision, WriteBack):
            self.intent = Intent(self.now, crm)
            if minutes is not None:
                self.under_way.append(
                    (self.now + timedelta(minutes=minutes), decision.fields["bill_to.city"])
                )
            self.pass_time(0)
            if minutes == 0 and is_heard:
                self.left, self.intent = dict(decision.left), None
        return decision


@given(STEPS)
def test_in_the_end_the_erp_says_what_the_crm_says_and_it_is_quiet(steps):
    world = World()
    for what, how in steps:
        if what == "crm":
            world.crm = how
        elif what == "pass":
            world.pass_time(how)
        else:
            world.run(*how)
    world.pass_time(10)
    decisions = [world.run() for _ in range(4)]
    assert isinstance(decisions[-1], Keep)
    assert world.erp == world.crm
