"""The decision: every match against every base, nothing twice, and calls without two of the same."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import AT, KEY_FIELD, desired, mapping, values

from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.mapping import FieldRule, Part
from ml_connector.core.match import Found, Linked, Nothing, Unclear
from ml_connector.core.plan import Action, Plan, decisions_hash, pack, plan_write, same_value
from ml_connector.core.record import fold_key

ACCOUNTS = mapping("accounts", as_of="As_Of")
MONEY = mapping("money", {"Balance": "balance"}, creates=False, as_of="Money_As_Of")
WANTED = desired(ACCOUNTS, MONEY, name="Aaron", city="Fargo", balance=Decimal("12.50"))
KEYED = {KEY_FIELD: "AARON"}
ALL = {"Account_Name": "Aaron", "City": "Fargo", "Balance": Decimal("12.50")}
STAMPS = {"As_Of": AT, "Money_As_Of": AT}
SAME = {"accounts": {"Account_Name": "Aaron", "City": "Fargo"}, "money": {"Balance": Decimal("12.5")}}
MOVED = {"accounts": {"Account_Name": "Aaron", "City": "Bismarck"}, "money": {"Balance": Decimal("12.5")}}
THERE = {**KEYED, "Account_Name": "Aaron", "City": "Fargo", "Balance": 12.5}
EMPTY = {KEY_FIELD: None, "Account_Name": "AARON", "City": None, "Balance": None}

CREATE, UPDATE, SKIP, HOLD = Action.CREATE, Action.UPDATE, Action.SKIP, Action.HOLD
AMBIGUOUS = Unclear("AMBIGUOUS_MATCH", "2 records", ("1", "2"))


@pytest.mark.parametrize(
    ("match", "left", "current", "action", "fields"),
    [
        (Nothing(), {}, None, CREATE, {**KEYED, **ALL, **STAMPS}),
        (AMBIGUOUS, {}, None, HOLD, {}),
        (AMBIGUOUS, SAME, None, HOLD, {}),
        (Linked("7"), SAME, None, SKIP, {}),
        (Linked("7"), SAME, EMPTY, SKIP, {}),  # what a person changed since stays, as long as the source does
        (Linked("7"), MOVED, None, UPDATE, {"City": "Fargo", "As_Of": AT}),
        (Linked("7"), MOVED, THERE, UPDATE, {"City": "Fargo", "As_Of": AT}),
        (Linked("7"), {}, None, UPDATE, {**ALL, **STAMPS}),
        (Linked("7"), {}, EMPTY, UPDATE, {**KEYED, **ALL, **STAMPS}),  # linked by us, and not written yet
        (Linked("7"), {}, THERE, SKIP, {}),
        (Linked("7"), SAME, {**EMPTY, **ALL}, SKIP, {}),
        (Linked("7"), {"accounts": SAME["accounts"]}, None, UPDATE, {"Balance": Decimal("12.50"), "Money_As_Of": AT}),
        (Linked("7"), {**SAME, "accounts": {"City": "Fargo"}}, None, UPDATE, {"Account_Name": "Aaron", "As_Of": AT}),
        (Found("7", "key"), {}, THERE, SKIP, {}),
        (Found("7", "name"), {}, {**THERE, KEY_FIELD: None}, UPDATE, KEYED),
        (Found("7", "name"), {}, EMPTY, UPDATE, {**KEYED, **ALL, **STAMPS}),
        (Found("7", "name"), {}, None, UPDATE, {**KEYED, **ALL, **STAMPS}),
        (Found("7", "key"), {}, {**THERE, "City": "Bismarck"}, UPDATE, {"City": "Fargo", "As_Of": AT}),
    ],
)  # fmt: skip
def test_what_is_decided(match, left, current, action, fields):
    plan = plan_write(WANTED, match, left, current)
    assert (plan.action, plan.fields) == (action, fields)
    assert plan.target_id == getattr(match, "target_id", None)


def test_a_record_found_anew_is_compared_with_what_stands_there():
    """What we left on another record (or in another module, before the mapping changed) says nothing of this one."""
    plan = plan_write(WANTED, Found("7", "name"), SAME, EMPTY)
    assert plan.fields == {**KEYED, **ALL, **STAMPS}


@pytest.mark.parametrize(
    ("by", "there"), [("name", "SOMEONE"), ("key", "SOMEONE"), ("key", None), ("created", "")]
)
def test_a_record_whose_key_is_not_what_it_was_recognised_by_is_held(by, there):
    plan = plan_write(WANTED, Found("7", by), {}, {**EMPTY, "GP_Customer_ID": there})
    assert (plan.action, plan.hold.code, plan.candidates) == (Action.HOLD, "AMBIGUOUS_KEY", ("7",))


def test_a_key_that_the_target_states_in_another_case_is_the_same():
    plan = plan_write(WANTED, Found("7", "key"), {}, {**EMPTY, "GP_Customer_ID": "aaron "})
    assert plan.action is Action.UPDATE
    assert "GP_Customer_ID" not in plan.fields


@pytest.mark.parametrize(
    ("left", "current", "before"),
    [
        (MOVED, None, {"City": "Bismarck"}),
        (MOVED, {"City": "Minot"}, {"City": "Minot", "As_Of": None}),
    ],
)
def test_what_stood_there_before(left, current, before):
    assert plan_write(WANTED, Linked("7"), left, current).before == before


def test_an_empty_value_empties_the_field():
    wanted = desired(ACCOUNTS, name="Aaron")
    assert plan_write(wanted, Linked("7"), SAME, None).fields == {"City": None, "As_Of": AT}
    assert "City" not in plan_write(wanted, Nothing(), {}, None).fields


def test_fields_of_a_higher_rank_are_left_alone_and_come_back():
    kept = plan_write(WANTED, Linked("7"), {}, None, frozenset({"Account_Name", "City", "Balance"}))
    assert (kept.action, kept.fields) == (SKIP, {})
    some = plan_write(WANTED, Linked("7"), {}, None, frozenset({"City"}))
    assert "City" not in some.fields
    assert some.withheld == {"City"}
    left = {"accounts": {"Account_Name": "Aaron"}, "money": SAME["money"]}  # as it is recorded while withheld
    assert plan_write(WANTED, Linked("7"), left, None).fields == {"City": "Fargo", "As_Of": AT}


FAULT = RecordRejectedError("It is no address.", code="INVALID_EMAIL")


def with_fault(name: str):
    parts = [Part(p.mapping, {}, FAULT) if p.mapping.name == name else p for p in WANTED.parts]
    return replace(WANTED, parts=tuple(parts))


@pytest.mark.parametrize(
    ("faulty", "match", "action", "fields"),
    [
        ("accounts", Nothing(), HOLD, {}),
        ("accounts", Found("7", "key"), HOLD, {}),
        ("accounts", AMBIGUOUS, HOLD, {}),
        ("accounts", Linked("7"), UPDATE, {"Balance": Decimal("12.50"), "Money_As_Of": AT}),
        (
            "money",
            Nothing(),
            CREATE,
            {**KEYED, "Account_Name": "Aaron", "City": "Fargo", "As_Of": AT},
        ),
        ("money", Linked("7"), UPDATE, {"Account_Name": "Aaron", "City": "Fargo", "As_Of": AT}),
    ],
)
def test_a_mapping_at_fault_leaves_the_others_their_way(faulty, match, action, fields):
    plan = plan_write(with_fault(faulty), match, {}, None)
    assert (plan.action, plan.fields) == (action, fields)
    assert (plan.hold is FAULT) is (action is HOLD)


@pytest.mark.parametrize("match", [Nothing(), Found("7", "key"), AMBIGUOUS])
def test_a_facet_alone_makes_no_record(match):
    assert plan_write(replace(WANTED, facet_only=True), match, {}, None).action is SKIP


def test_a_facet_alone_updates_what_is_linked():
    wanted = replace(desired(MONEY, balance=Decimal(1)), facet_only=True)
    assert plan_write(wanted, Linked("7"), SAME, None).fields == {"Balance": Decimal(1), "Money_As_Of": AT}


def test_a_mapping_that_creates_nothing_waits_for_its_parent():
    assert plan_write(desired(MONEY, balance=Decimal(1)), Nothing(), {}, None).action is SKIP


def test_ambiguity_is_told_with_its_candidates():
    plan = plan_write(WANTED, AMBIGUOUS, {}, None)
    assert plan.hold is not None
    assert (plan.hold.code, plan.candidates) == ("AMBIGUOUS_MATCH", ("1", "2"))


contents = st.fixed_dictionaries({"name": values, "city": values, "balance": values})


@given(contents, contents, st.sampled_from([Nothing(), Linked("7"), Found("7", "key")]))
def test_planning_applying_and_planning_again_is_nothing(before, after, match):
    """What was written is what the next run finds equal, whatever stood there and whatever was left before."""
    old, new = desired(ACCOUNTS, MONEY, **before), desired(ACCOUNTS, MONEY, **after)
    left = {} if match == Nothing() else {part.mapping.name: part.fields for part in old.parts}
    plan = plan_write(new, match, left, dict(KEYED))
    recorded = {part.mapping.name: part.fields for part in new.parts}
    again = plan_write(new, Linked(plan.target_id or "8"), recorded, None)
    assert (again.action, again.fields) == (SKIP, {})


@given(contents)
def test_a_lost_answer_is_found_and_nothing_is_written_again(content):
    """A create whose answer was lost: what stands there is what we sent, so there is nothing to do."""
    wanted = desired(ACCOUNTS, MONEY, **content)
    sent = plan_write(wanted, Nothing(), {}, None).fields
    stands = {name: _as_json(value) for name, value in sent.items()}
    assert plan_write(wanted, Found("7", "created"), {}, stands).fields == {}


def _as_json(value):
    """A value as a target states it."""
    if isinstance(value, datetime):
        return value.replace(microsecond=0).isoformat()
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        (None, None, True),
        (None, "", True),
        ("", None, True),
        (None, "x", False),
        (None, 0, False),
        (None, False, False),
        ("x", None, False),
        (0, None, False),
        (False, None, False),
        (True, True, True),
        (True, False, False),
        (True, 1, False),
        (1, True, False),
        (True, "true", False),
        ("x", "x", True),
        ("x", "X", False),
        ("5", 5, True),
        (5, 5, True),
        (5, "5", True),
        (5, 5.0, True),
        (5, 5.5, False),
        (Decimal("12.50"), 12.5, True),
        (Decimal("12.50"), Decimal("12.5"), True),
        (Decimal("12.50"), "12.50", True),
        (Decimal("12.50"), "12,50", False),
        (Decimal("0.1"), 0.1, True),
        (Decimal(0), "NaN", False),
        (Decimal(1), {"id": "7"}, False),
        (date(2026, 2, 3), "2026-02-03", True),
        (date(2026, 2, 3), "2026-02-04", False),
        (date(2026, 2, 3), None, False),
        (datetime(2026, 2, 3, 8, tzinfo=UTC), "2026-02-03T08:00:00+00:00", True),
        (datetime(2026, 2, 3, 8, tzinfo=UTC), "2026-02-03T03:00:00-05:00", True),
        (datetime(2026, 2, 3, 8, 0, 0, 5, tzinfo=UTC), "2026-02-03T08:00:00Z", True),
        (datetime(2026, 2, 3, 8, tzinfo=UTC), "2026-02-03T08:00:01Z", False),
        (datetime(2026, 2, 3, 8, tzinfo=UTC), "2026-02-03T08:00:00", False),
        (datetime(2026, 2, 3, 8, tzinfo=UTC), "soon", False),
        (datetime(2026, 2, 3, 8, tzinfo=UTC), 5, False),
    ],
    ids=repr,
)
def test_whether_the_target_says_the_same(ours, theirs, same):
    assert same_value(ours, theirs) is same


@given(values, values)
def test_equality_is_told_for_any_two_values(ours, theirs):
    assert same_value(ours, theirs) in (True, False)


ids = st.sampled_from(["1", "2", "3", "4"])
keys = st.sampled_from(["A", "a", "B", "b ", "B", "ß", "SS", "1"])


def creating(key: str) -> Plan:
    return Plan(CREATE, desired(ACCOUNTS, key=key))


def updating(target_id: str, key: str) -> Plan:
    return Plan(UPDATE, desired(ACCOUNTS, key=key), target_id=target_id)


def check_batches(plans, size, marks):
    batches = pack(plans, size)
    assert sorted(id(plan) for batch in batches for plan in batch) == sorted(id(plan) for plan in plans)
    for batch in batches:
        assert 0 < len(batch) <= size
        assert len({marks(plan) for plan in batch}) == len(batch)
    for mark in {marks(plan) for plan in plans}:  # and what has the same mark stays in its order
        mine = [id(plan) for batch in batches for plan in batch if marks(plan) == mark]
        assert mine == [id(plan) for plan in plans if marks(plan) == mark]


@given(st.lists(keys, max_size=12), st.integers(1, 4))
def test_creates_of_a_call_have_different_keys(chosen, size):
    check_batches([creating(key) for key in chosen], size, lambda p: fold_key(p.desired.key_value))


@given(st.lists(st.tuples(ids, st.sampled_from(["A", "B"])), max_size=12), st.integers(1, 4))
def test_updates_of_a_call_have_different_ids(chosen, size):
    check_batches([updating(*one) for one in chosen], size, lambda p: p.target_id)


def test_a_full_call_is_a_hundred():
    assert [len(b) for b in pack([creating(str(n)) for n in range(250)])] == [100, 100, 50]
    assert pack([]) == []


ROWS = [("f", "a", "create", ""), ("f", "b", "update", "7"), ("g", "a", "hold", "")]


def test_the_hash_of_decisions_does_not_follow_their_order():
    assert decisions_hash(ROWS) == decisions_hash(ROWS[::-1])


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("column", range(4))
def test_the_hash_of_decisions_follows_each_of_them(index, column):
    row = list(ROWS[index])
    row[column] += "x"
    assert decisions_hash([*ROWS[:index], tuple(row), *ROWS[index + 1 :]]) != decisions_hash(ROWS)
    assert decisions_hash([*ROWS[:index], *ROWS[index + 1 :]]) != decisions_hash(ROWS)


def test_a_constant_is_sent_once():
    typed = replace(MONEY, rules=(FieldRule("Kind", constant="Customer"),))
    wanted = desired(typed)
    assert plan_write(wanted, Linked("7"), {}, None).fields == {"Kind": "Customer", "Money_As_Of": AT}
    assert plan_write(wanted, Linked("7"), {"money": {"Kind": "Customer"}}, None).action is SKIP
