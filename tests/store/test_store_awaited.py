"""What records wait for: let through as soon as one of the links they wait for is there, and never before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ml_connector.store import awaited, document_deals, links
from ml_connector.store.links import LOST, Link, Pair

AT = datetime(2026, 11, 2, 8, 30, 15, tzinfo=UTC)
CHILDREN = Pair("-1", "customers", "Contacts")
PARENTS = Pair("-1", "customers", "Accounts")
ON_P, ON_Q = ("customers", "Accounts", "Parent"), ("customers", "Accounts", "Q")


def link(tx, key: str, pair: Pair = PARENTS, **more) -> None:
    links.put(tx, pair, [Link(key, f"id of {key}", "created", AT, AT, **more)])


def ready(tx, entity: str = "customers") -> list[str]:
    return awaited.ready(tx, "-1", entity)


def test_a_child_is_ready_when_its_parent_is_linked(tx):
    for _ in range(2):
        awaited.put(tx, CHILDREN, "Aaron", [ON_P])
        awaited.put(tx, CHILDREN, "B", [ON_P, ON_Q, ON_Q])
        awaited.put(tx, CHILDREN, "C", [("customers", "Accounts", "Other")])
    assert ready(tx) == []
    link(tx, "PARENT ")
    assert ready(tx) == ["Aaron", "B"]
    link(tx, "q")
    assert ready(tx) == ["Aaron", "B"]


@pytest.mark.parametrize(
    ("pair", "more"),
    [
        (Pair("2", "customers", "Accounts"), {}),
        (Pair("-1", "vendors", "Accounts"), {}),
        (Pair("-1", "customers", "Contacts"), {}),
        (PARENTS, {"gone": LOST}),
        (PARENTS, {"part": "ann"}),
    ],
    ids=["company", "entity", "module", "gone", "part"],
)
def test_another_link_is_not_the_one_that_is_awaited(tx, pair, more):
    awaited.put(tx, CHILDREN, "Aaron", [ON_P])
    link(tx, "Parent", pair, **more)
    assert ready(tx) == []


def test_what_is_awaited_is_replaced_and_cleared(tx):
    link(tx, "Parent")
    awaited.put(tx, CHILDREN, "Aaron", [ON_P])
    awaited.put(tx, CHILDREN, "AARON ", [ON_Q])
    assert ready(tx) == []
    awaited.put(tx, CHILDREN, "aaron", [ON_P])
    assert ready(tx) == ["aaron"]
    awaited.put(tx, CHILDREN, "Aaron", [])
    assert ready(tx) == []


def test_many_are_replaced_at_once_and_the_others_stay(tx):
    link(tx, "Parent")
    awaited.put_many(tx, CHILDREN, {"A": [ON_P], "B": [ON_P], "C": [ON_P]})
    awaited.put_many(tx, CHILDREN, {"a": [], "B": [ON_Q]})
    assert ready(tx) == ["C"]
    awaited.put_many(tx, CHILDREN, {})
    assert ready(tx) == ["C"]


def test_a_record_waits_apart_in_each_module_and_is_told_once(tx):
    link(tx, "Parent")
    awaited.put(tx, CHILDREN, "A", [ON_P])
    awaited.put(tx, PARENTS, "A ", [ON_P])
    awaited.put(tx, Pair("-1", "vendors", "Contacts"), "V", [ON_P])
    awaited.put(tx, Pair("2", "customers", "Contacts"), "X", [ON_P])
    assert [key.rstrip() for key in ready(tx)] == ["A"]
    assert ready(tx, "vendors") == ["V"]
    awaited.put(tx, CHILDREN, "A", [])
    assert ready(tx) == ["A "]


def test_what_points_to_the_deal_of_a_document_is_ready_when_that_is_known(tx):
    lines = Pair("-1", "journal_entries", "GL_Journal_Lines")
    awaited.put(tx, lines, "7 2026-11-02", [("sales_documents", "Deals", "inv 1")])
    document_deals.put(tx, "-1", ["INV 2"], "4711")
    document_deals.put(tx, "2", ["INV 1"], "4711")
    assert ready(tx, "journal_entries") == []
    document_deals.put(tx, "-1", ["INV 1 "], "4711")
    assert ready(tx, "journal_entries") == ["7 2026-11-02"]
    assert ready(tx) == []
