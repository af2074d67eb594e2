"""What differs in the target: kept until it does not, told once, and up to when all was compared."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from ml_connector.core.reconcile import Difference
from ml_connector.store import differences, links
from ml_connector.store.differences import Drifted, Place
from ml_connector.store.links import LOST, Link, Pair

AT = datetime(2026, 11, 2, 8, 30, 15, 123456, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
PLACE = Place("-1", "customers", "Accounts")
PAIR = Pair("-1", "customers", "Accounts")


def drifted(
    target_id: str = "17", field: str = "City", ours=None, theirs="Elgin", at: datetime = AT
) -> Drifted:
    return Drifted(target_id, f"Key {target_id}", "", Difference(field, "m", ours, theirs), at)


def standing(tx, place: Place = PLACE) -> list[Drifted]:
    return differences.standing(tx, place)


@pytest.mark.parametrize("value", [None, "", "Elgin\n", True, 0, Decimal("12.50"), date(2026, 1, 31), AT])
def test_both_values_come_back_as_they_were(tx, value):
    row = drifted(ours=value, theirs=value)
    differences.replace(tx, PLACE, ["17"], [row], AT)
    assert standing(tx) == [row]


def test_what_is_known_is_no_news_and_keeps_its_instant(tx):
    assert differences.replace(tx, PLACE, ["17"], [drifted()], AT) == [drifted()]
    again = drifted(at=LATER)
    assert differences.replace(tx, PLACE, ["17"], [again], LATER) == []
    assert standing(tx) == [drifted()]
    other = drifted(theirs="Joliet", at=LATER)
    assert differences.replace(tx, PLACE, ["17"], [other], LATER) == [other]
    assert standing(tx) == [other]


def test_what_does_not_differ_any_more_goes_and_other_records_stay(tx):
    rows = [drifted(), drifted(field="Phone"), drifted("18")]
    differences.replace(tx, PLACE, ["17", "18"], rows, AT)
    differences.replace(tx, PLACE, ["17"], [drifted(field="Phone")], LATER)
    assert [row.is_of for row in standing(tx)] == [("17", "Phone"), ("18", "City")]
    differences.sweep(tx, PLACE, LATER)
    assert [row.is_of for row in standing(tx)] == [("17", "Phone")]


def test_places_differ_apart(tx):
    others = [
        Place("2", "customers", "Accounts"),
        Place("-1", "vendors", "Accounts"),
        Place("-1", "customers", "X"),
    ]
    for place in (PLACE, *others):
        differences.replace(tx, place, ["17"], [drifted()], AT)
    differences.replace(tx, PLACE, ["17"], [], LATER)
    differences.sweep(tx, others[0], LATER)
    differences.remove(tx, others[1], [drifted()])
    assert [len(standing(tx, place)) for place in (PLACE, *others)] == [0, 0, 0, 1]


def test_some_are_taken_by_key_and_removed_one_by_one(tx):
    rows = [drifted(str(n), field) for n in (3, 1, 2) for field in ("City", "Phone")]
    differences.replace(tx, PLACE, ["1", "2", "3"], rows, AT)
    some = differences.standing(tx, PLACE, 3)
    assert [row.is_of for row in some] == [("1", "City"), ("1", "Phone"), ("2", "City")]
    differences.remove(tx, PLACE, some)
    differences.remove(tx, PLACE, [])
    assert [row.is_of for row in standing(tx)] == [("2", "Phone"), ("3", "City"), ("3", "Phone")]


def test_what_is_not_linked_any_more_is_forgotten(tx):
    differences.replace(tx, PLACE, ["17", "18", "19"], [drifted(i) for i in ("17", "18", "19")], AT)
    links.put(tx, PAIR, [Link("A", "17", "created", AT, AT), Link("B", "18", "created", AT, AT, gone=LOST)])
    links.put(tx, Pair("-1", "vendors", "Accounts"), [Link("C", "19", "created", AT, AT)])
    differences.forget_unlinked(tx, PLACE, PAIR)
    assert [row.target_id for row in standing(tx)] == ["17"]


def test_other_mappings_were_never_compared(tx):
    assert differences.compared_to(tx, PLACE, "f1") is None
    for at in (AT, LATER):
        differences.mark_compared(tx, PLACE, "f1", at)
        assert differences.compared_to(tx, PLACE, "f1") == at
    assert differences.compared_to(tx, PLACE, "f2") is None
    assert differences.compared_to(tx, Place("2", "customers", "Accounts"), "f1") is None


def test_as_many_as_there_are(tx):
    rows = [drifted(f"{n:05}") for n in range(12_000)]
    assert len(differences.replace(tx, PLACE, [row.target_id for row in rows], rows, AT)) == 12_000
    assert differences.replace(tx, PLACE, [row.target_id for row in rows], rows, LATER) == []
    assert standing(tx) == rows
