"""Links, outcomes and intents: keys fold, parts are apart, rows written again change nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from ml_connector.store import intents, links, outcomes
from ml_connector.store.intents import Intent
from ml_connector.store.links import DELETED, LOST, Link, Pair
from ml_connector.store.outcomes import Outcome

AT = datetime(2026, 11, 2, 8, 30, 15, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
PAIR = Pair("-1", "customers", "Accounts")
OTHERS = [
    Pair("2", "customers", "Accounts"),
    Pair("-1", "vendors", "Accounts"),
    Pair("-1", "customers", "Contacts"),
]


def link(key: str, target_id: str, **more) -> Link:
    return Link(key, target_id, **{"linked_by": "created", "linked_at": AT, "modified_at": AT, **more})


def test_a_link_is_found_by_any_spelling_of_its_key(tx):
    links.put(tx, PAIR, [link("Aaron", "7"), link("B", "8", modified_at=None)])
    found = links.find(tx, PAIR, ["AARON  ", "b", "c"])
    assert found == {("aaron", ""): link("Aaron", "7"), ("b", ""): link("B", "8", modified_at=None)}
    assert all(one.ident == ident for ident, one in found.items())


def test_the_longest_account_number_is_a_key_like_any_other(tx):
    account = "-".join(["1234567", *["12345678"] * 2, *["123456"] * 7])  # 10 segments, 65 characters of them
    links.put(tx, PAIR, [link(account, "7")])
    assert links.find(tx, PAIR, [account])[account, ""].target_id == "7"


def test_a_record_has_a_counterpart_for_each_part(tx):
    rows = [link("Aaron", "7"), link("Aaron", "8", part="ann"), link("AARON", "9", part="bob " * 200)]
    for _ in range(2):
        links.put(tx, PAIR, rows)
    assert links.find(tx, PAIR, ["aaron"]) == {one.ident: one for one in rows}
    links.remove(tx, PAIR, "aaron ", "ann")
    links.remove(tx, PAIR, "nobody")
    links.remove(tx, OTHERS[0], "aaron")
    assert links.find(tx, PAIR, ["aaron"]) == {one.ident: one for one in (rows[0], rows[2])}
    links.remove(tx, PAIR, "AARON")
    assert links.find(tx, PAIR, ["aaron"]) == {rows[2].ident: rows[2]}


@pytest.mark.parametrize("pair", OTHERS, ids=str)
def test_a_link_belongs_to_its_pair(tx, pair):
    links.put(tx, PAIR, [link("A", "7")])
    assert links.find(tx, pair, ["A"]) == {}
    links.put(tx, pair, [link("A", "7")])
    assert (links.count(tx, pair), links.count(tx, PAIR)) == (1, 1)


def test_a_link_keeps_how_it_was_first_linked(tx):
    links.put(tx, PAIR, [link("A", "7", linked_by="name")])
    for _ in range(2):
        links.put(tx, PAIR, [link("a", "8", linked_by="link", linked_at=LATER, modified_at=LATER)])
    assert links.find(tx, PAIR, ["A"]) == {("a", ""): Link("a", "8", "name", AT, LATER)}
    assert links.count(tx, PAIR) == 1


@pytest.mark.parametrize("other", [link("B", "7"), link("A", "7", part="ann")], ids=["record", "part"])
def test_two_records_of_an_entity_are_never_one_in_the_target(database, other):
    with database.begin() as tx:
        links.put(tx, PAIR, [link("A", "7")])
    with pytest.raises(sa.exc.IntegrityError), database.begin() as tx:
        links.put(tx, PAIR, [other])
    with database.read() as tx:
        assert links.count(tx, PAIR) == 1


def test_who_is_on_a_record_of_the_target(tx):
    links.put(tx, PAIR, [link("A", "7"), link("B", "8")])
    links.put(tx, Pair("-1", "vendors", "Accounts"), [link("V", "7")])
    links.put(tx, Pair("2", "vendors", "Accounts"), [link("V", "8")])
    assert links.entities_on(tx, "-1", "Accounts", ["7", "8", "9"]) == {
        "7": {"customers", "vendors"},
        "8": {"customers"},
    }
    assert links.entities_on(tx, "-1", "Accounts", []) == {}
    links.lose(tx, "Accounts", ["8"], DELETED)
    assert links.entities_on(tx, "-1", "Accounts", ["8"]) == {}
    assert links.count(tx, PAIR) == 1


def test_which_link_is_on_a_record_of_the_target(tx):
    rows = [link("A", "7"), link("B", "8", part="ann"), link("C", "9", gone=LOST)]
    links.put(tx, PAIR, rows)
    links.put(tx, OTHERS[1], [link("V", "7")])
    assert links.on(tx, PAIR, ["7", "8", "9", "10"]) == {one.target_id: one for one in rows}
    assert links.on(tx, PAIR, []) == {}


def test_what_is_gone_is_told_once_and_again_when_it_is_back(tx):
    links.put(tx, PAIR, [link("A", "7"), link("B", "8"), link("C", "9")])
    links.put(tx, OTHERS[1], [link("V", "7")])
    told = [
        ("-1", "customers", link("A", "7", gone=DELETED)),
        (OTHERS[1].company, "vendors", link("V", "7", gone=DELETED)),
    ]
    assert sorted(links.lose(tx, "Accounts", ["7", "404"], DELETED)) == told
    assert links.lose(tx, "Accounts", ["7"], DELETED) == []
    assert links.find(tx, PAIR, ["A", "B"]) == {
        ("a", ""): link("A", "7", gone=DELETED),
        ("b", ""): link("B", "8"),
    }
    back = [("-1", "customers", link("A", "7")), (OTHERS[1].company, "vendors", link("V", "7"))]
    assert sorted(links.regain(tx, "Accounts", ["7", "8", "404"])) == back
    assert links.regain(tx, "Accounts", ["7", "8"]) == []
    assert links.find(tx, PAIR, ["A"]) == {("a", ""): link("A", "7")}


def test_a_person_who_deleted_it_is_known_from_then_on(tx):
    links.put(tx, PAIR, [link("A", "7")])
    assert len(links.lose(tx, "Accounts", ["7"], LOST)) == 1
    assert len(links.lose(tx, "Accounts", ["7"], DELETED)) == 1
    for how in (DELETED, LOST):
        assert links.lose(tx, "Accounts", ["7"], how) == []
        assert links.find(tx, PAIR, ["A"])["a", ""].gone == DELETED


def test_what_is_gone_from_another_module_is_still_there(tx):
    links.put(tx, PAIR, [link("A", "7")])
    assert links.lose(tx, OTHERS[2].module, ["7"], DELETED) == []
    assert links.find(tx, PAIR, ["A"]) == {("a", ""): link("A", "7")}


def test_a_link_put_anew_is_there(tx):
    links.put(tx, PAIR, [link("A", "7")])
    links.lose(tx, "Accounts", ["7"], LOST)
    links.put(tx, PAIR, [link("A", "8")])
    assert links.find(tx, PAIR, ["A"]) == {("a", ""): link("A", "8")}


FIELDS = {"Name": "Zürich", "Limit": Decimal("12.50"), "On": date(2026, 1, 2), "Active": True, "City": None}
OUTCOME = Outcome("m", "aaron", "written", AT, LATER, "f" * 16, FIELDS)


def outcome(**more) -> Outcome:
    same = {name: getattr(OUTCOME, name) for name in OUTCOME.__slots__}
    return Outcome(**same | more)


def test_an_outcome_comes_back_as_it_was_put(tx):
    for _ in range(2):
        outcomes.put(tx, "-1", [outcome(key="AARON ")])
    assert outcomes.find(tx, "-1", ["m"], ["Aaron"]) == {("aaron", ""): {"m": OUTCOME}}
    assert outcomes.find(tx, "-1", ["n"], ["Aaron"]) == {}
    assert outcomes.find(tx, "2", ["m"], ["Aaron"]) == {}


def test_a_hold_leaves_what_was_last_left(tx):
    outcomes.put(tx, "-1", [outcome()])
    held = outcome(result="held", at=LATER, fields={})
    outcomes.put(tx, "-1", [held], keep=("fields",))
    assert outcomes.find(tx, "-1", ["m"], ["aaron"]) == {
        ("aaron", ""): {"m": outcome(result="held", at=LATER)},
    }


def test_mappings_have_outcomes_of_their_own(tx):
    other = outcome(mapping="n", result="held", at=None)
    outcomes.put(tx, "-1", [outcome(), other])
    assert outcomes.find(tx, "-1", ["m", "n"], ["aaron"]) == {("aaron", ""): {"m": OUTCOME, "n": other}}


def test_an_outcome_knows_its_reading_s_parts_and_whether_it_is_final(tx):
    lines = [outcome(part=part, of_parts=2, final=True) for part in ("16384", "32768")]
    outcomes.put(tx, "-1", [*lines, outcome(part="ann", result="former")])
    assert outcomes.by_key(tx, "-1", ["m", "n"], ["AARON"]) == {("aaron", "m"): lines}
    outcomes.put(tx, "-1", [outcome(part="16384", of_parts=3)])
    (first, second) = outcomes.by_key(tx, "-1", ["m"], ["aaron"])["aaron", "m"]
    assert (first.of_parts, first.final, second.of_parts, second.final) == (3, False, 2, True)


def test_parts_have_outcomes_of_their_own(tx):
    ann = outcome(part="ann", result="held")
    for _ in range(2):
        outcomes.put(tx, "-1", [outcome(), ann, outcome(mapping="n")])
    assert outcomes.find(tx, "-1", ["m"], ["AARON"]) == {
        ("aaron", ""): {"m": OUTCOME},
        ("aaron", "ann"): {"m": ann},
    }
    outcomes.remove(tx, "2", ["m"], "aaron", "ann")
    outcomes.remove(tx, "-1", ["m"], "AARON ", "ann")
    assert outcomes.find(tx, "-1", ["m"], ["aaron"]) == {("aaron", ""): {"m": OUTCOME}}
    outcomes.remove(tx, "-1", ["m"], "aaron")
    assert outcomes.find(tx, "-1", ["m", "n"], ["aaron"]) == {("aaron", ""): {"n": outcome(mapping="n")}}


def test_intents_count_their_attempts_until_they_are_removed(tx):
    intents.put(tx, PAIR, [("a", ""), ("b", "")], AT)
    intents.put(tx, PAIR, [("A ", "")], LATER)
    first, second = Intent(1, AT), Intent(2, LATER)
    assert intents.find(tx, PAIR, ["A", "b", "C"]) == {("a", ""): second, ("b", ""): first}
    intents.remove(tx, PAIR, [("A ", "")])
    assert intents.find(tx, PAIR, ["A", "B"]) == {("b", ""): first}
    intents.put(tx, PAIR, [("a", "")], LATER)
    assert intents.find(tx, PAIR, ["A"]) == {("a", ""): Intent(1, LATER)}


def test_parts_have_intents_of_their_own(tx):
    intents.put(tx, PAIR, [("a", ""), ("a", "ann")], AT)
    intents.put(tx, PAIR, [("a", "ann"), ("a", "bob")], LATER)
    assert intents.find(tx, PAIR, ["A"]) == {
        ("a", ""): Intent(1, AT),
        ("a", "ann"): Intent(2, LATER),
        ("a", "bob"): Intent(1, LATER),
    }
    intents.remove(tx, PAIR, [("a", "ann"), ("a", "bob")])
    assert intents.find(tx, PAIR, ["A"]) == {("a", ""): Intent(1, AT)}


@pytest.mark.parametrize("pair", OTHERS, ids=str)
def test_intents_belong_to_their_pair(tx, pair):
    intents.put(tx, PAIR, [("a", "")], AT)
    intents.remove(tx, pair, [("a", "")])
    assert intents.find(tx, pair, ["A"]) == {}
    assert intents.find(tx, PAIR, ["A"]) == {("a", ""): Intent(1, AT)}


def test_no_intents_is_no_statement(tx):
    intents.put(tx, PAIR, [], AT)
    intents.remove(tx, PAIR, [])
    assert intents.find(tx, PAIR, []) == {}


def test_a_deletion_is_told_of_whichever_company_it_concerns(tx):
    """The index of a module is one for all companies: who reads it first must not keep it to itself."""
    links.put(tx, OTHERS[0], [link("A", "7")])
    links.put(tx, PAIR, [link("A", "8")])
    lost = ("2", "customers", link("A", "7", gone=DELETED))
    assert links.lose(tx, "Accounts", ["7"], DELETED) == [lost]
    assert links.count(tx, PAIR) == 1


def test_whose_a_record_of_the_target_is(tx):
    links.put(tx, OTHERS[0], [link("A", "7")])
    links.put(tx, PAIR, [link("B", "8")])
    links.put(tx, OTHERS[1], [link("V", "8")])
    assert links.elsewhere(tx, "-1", "Accounts", ["7", "8", "9"]) == {"7": "A"}
    assert links.elsewhere(tx, "2", "Accounts", ["7", "8"]) in ({"8": "B"}, {"8": "V"})
    assert links.elsewhere(tx, "-1", "Contacts", ["7"]) == {}
