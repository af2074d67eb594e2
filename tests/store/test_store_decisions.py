"""Decisions: the hash stands for what would be done, and an approval for exactly that plan."""

from __future__ import annotations

from collections import Counter
from itertools import count

import pytest
import sqlalchemy as sa

from ml_connector.store import decisions, tables
from ml_connector.store.decisions import Decision

NUMBERS = count()
PLAN = [
    Decision("Aaron", "create", "", "", "Aaron Fitz"),
    Decision("B", "update", "7", "name", "Bee, Inc."),
    Decision("C", "hold", "", "", "Cee"),
]


def put(tx, *rows: Decision, flow: str = "customers", company: str = "-1") -> None:
    """A whole plan."""
    name = f"plan {next(NUMBERS)}"
    decisions.put(tx, decisions.Place(company, flow, "Accounts", name), rows)
    decisions.finish(tx, company, flow, name)


_CUSTOMERS = tables.decisions.c.flow == "customers"


def outcomes(tx) -> dict[str, int]:
    """Outcome -> how many, of everything that is kept."""
    return Counter(tx.execute(sa.select(tables.decisions.c.outcome).where(_CUSTOMERS)).scalars())


def told(tx, *flows: str) -> str:
    return decisions.report_hash(tx, {"-1": flows or ("customers",)})


def test_the_same_plan_has_the_same_hash(tx):
    put(tx, *PLAN)
    once = told(tx)
    put(tx, *PLAN[::-1])
    assert told(tx) == once
    put(tx, *PLAN)
    assert told(tx) == once


@pytest.mark.parametrize(
    "other",
    [
        Decision("Aaron", "skip", "", "", "Aaron Fitz"),
        Decision("Aaron", "update", "9", "key", "Aaron Fitz"),
        Decision("Aaron", "create", "", "", "Aaron Fitz", part="ann"),
        Decision("D", "create", "", "", "Dee"),
    ],
    ids=str,
)
def test_another_decision_has_another_hash(tx, other):
    put(tx, *PLAN)
    once = told(tx)
    put(tx, *[row for row in PLAN if row.source_key != other.source_key], other)
    assert told(tx) != once


def test_a_hash_is_over_what_would_be_done_and_not_over_what_led_to_it(tx):
    put(tx, *PLAN)
    once = told(tx)
    put(tx, *PLAN[:2], Decision("C", "hold", "", "similar", "Cee", score=87.5, candidates=("9", "8")))
    assert told(tx) == once


def test_the_rows_of_a_plan_come_back_in_order(tx):
    whole = [
        Decision("Aaron", "create", "", "", "Aaron Fitz"),
        Decision("Aaron", "update", "5", "e-mail", "Ann Fitz", part="ann fitz"),
        Decision("B", "hold", "", "similar", "Bee, Inc.", score=87.5, candidates=("9", "8")),
        Decision("C", "hold", "", "", "Cee"),
    ]
    put(tx, *whole, flow="vendors")
    put(tx, *PLAN)
    put(tx, *whole[::-1])  # the later plan counts
    put(tx, *PLAN, company="2")
    told = list(decisions.rows(tx, "-1", ["vendors", "customers"]))
    assert told == [(flow, "Accounts", row) for flow in ("customers", "vendors") for row in whole]
    assert list(decisions.rows(tx, "-1", [])) == []


def test_a_long_plan_is_read_page_by_page_while_others_are_asked(tx):
    put(tx, *(Decision(f"K{n:04}", "create", "", "", f"Name {n}") for n in range(2500)))
    keys = []
    for _, module, row in decisions.rows(tx, "-1", ["customers"]):
        keys.append(row.source_key)
        if len(keys) % 500 == 0:
            assert decisions.approved(tx, "-1", "customers", module, [row.source_key]) == {}
    assert keys == [f"K{n:04}" for n in range(2500)]


def test_parts_are_approved_each_for_itself(tx):
    ann, bob = (Decision("Aaron", "create", "", "", name, part=name) for name in ("ann", "bob"))
    put(tx, PLAN[0], ann, bob)
    decisions.approve(tx, "-1", ["customers"])
    put(tx, PLAN[0], ann, Decision("Aaron", "update", "9", "e-mail", "bob", part="bob"))
    found = decisions.approved(tx, "-1", "customers", "Accounts", ["aaron"])
    assert found == {("aaron", ""): PLAN[0], ("aaron", "ann"): ann}
    assert decisions.planned_creates(tx, "-1", ["customers"], ["ann", "bob"]) == {}


def test_a_hash_is_of_the_flows_that_it_names(tx):
    put(tx, *PLAN)
    alone, empty = told(tx), told(tx, "vendors")
    put(tx, *PLAN, flow="vendors")
    put(tx, *PLAN[:1], company="2")
    assert told(tx) == alone
    assert len({alone, empty, told(tx, "vendors"), told(tx, "customers", "vendors")}) == 4


def test_an_approval_is_for_the_plan_that_was_seen(tx):
    put(tx, *PLAN)
    put(tx, *PLAN, flow="vendors")
    assert decisions.approved(tx, "-1", "customers", "Accounts", ["AARON"]) == {}
    assert not decisions.is_approved(tx, "-1", "customers")
    for _ in range(2):
        decisions.approve(tx, "-1", ["customers"])
    assert decisions.approved(tx, "-1", "customers", "Accounts", ["AARON ", "x"]) == {("aaron", ""): PLAN[0]}
    assert decisions.is_approved(tx, "-1", "customers")
    assert not decisions.is_approved(tx, "-1", "vendors")


def test_a_new_plan_keeps_what_was_approved_and_is_decided_the_same(tx):
    """Who only looks while an approved first load runs destroys nothing."""
    put(tx, *PLAN)
    decisions.approve(tx, "-1", ["customers"])
    other = Decision("B", "update", "8", "name", "Bee, Inc.")
    put(tx, PLAN[0], other)
    assert decisions.is_approved(tx, "-1", "customers")
    found = decisions.approved(tx, "-1", "customers", "Accounts", ["Aaron", "B", "C"])
    assert found == {("aaron", ""): PLAN[0], ("c", ""): PLAN[2]}


def test_a_plan_that_was_broken_off_is_no_plan(tx):
    put(tx, *PLAN)
    once = told(tx)
    decisions.put(
        tx,
        decisions.Place("-1", "customers", "Accounts", "broken off"),
        [Decision("N", "create", "", "", "N")],
    )
    assert told(tx) == once


def test_what_is_about_to_be_created_is_found_by_name(tx):
    put(tx, *PLAN)
    put(tx, Decision("V", "create", "", "", "AARON-FITZ"), flow="vendors")
    found = decisions.planned_creates(tx, "-1", ["customers", "vendors"], ["aaron fitz", "bee inc"])
    assert {name: sorted(rows) for name, rows in found.items()} == {
        "aaron fitz": [("customers", "Aaron", "Aaron Fitz"), ("vendors", "V", "AARON-FITZ")]
    }
    assert decisions.planned_creates(tx, "-1", [], ["aaron fitz"]) == {}
    assert outcomes(tx) == {"create": 1, "update": 1, "hold": 1}


def test_a_name_of_any_length_can_be_decided_about(tx):
    put(tx, Decision("A", "create", "", "", "Long " * 1000))
    assert outcomes(tx) == {"create": 1}
