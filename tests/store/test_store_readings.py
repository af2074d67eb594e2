"""Facets: what moved stays pending until the mappings have followed exactly that reading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ml_connector.core.record import Reading, digest
from ml_connector.store import readings

AT = datetime(2026, 11, 2, 8, 30, 15, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
FACET = "receivables"
ZERO = {"balance": Decimal(0)}


def reading(key: str, balance: int) -> Reading:
    fields = {"balance": Decimal(balance)}
    return Reading(key, FACET, fields, digest(fields))


def put(tx, *rows: Reading, at: datetime = AT, settled: bool = False) -> None:
    readings.put(tx, "-1", "customers", rows, at, settled=settled)


def pending(tx, *facets: str) -> list[str]:
    rows = tx.execute(readings.pending("-1", "customers", facets or (FACET,)))
    return sorted(row.source_key for row in rows)


def stored(tx, key: str) -> readings.StoredReading:
    return readings.find(tx, "-1", "customers", [key])[key.casefold()][FACET]


def settle(tx, key: str, row: Reading) -> None:
    readings.settle(tx, "-1", "customers", [(key, FACET, row.digest)])


def test_a_first_reading_is_pending_until_it_is_followed(tx):
    row = reading("A", 5)
    for _ in range(2):
        put(tx, row)
        assert pending(tx) == ["A"]
    for _ in range(2):
        settle(tx, "a", row)
        assert pending(tx) == []
    assert stored(tx, "A") == readings.StoredReading(
        FACET, row.fields, row.digest, settled=True, changed_at=AT
    )


def test_an_equal_reading_changes_nothing_and_another_is_pending(tx):
    put(tx, reading("A", 5), settled=True)
    put(tx, reading("A", 5), at=LATER)
    assert (pending(tx), stored(tx, "A").changed_at) == ([], AT)
    put(tx, reading("A", 6), at=LATER)
    assert (pending(tx), stored(tx, "A").changed_at) == (["A"], LATER)
    put(tx, reading("A", 5), at=LATER)  # and back to what the mappings know
    assert pending(tx) == []


def test_settling_an_older_reading_leaves_the_newer_pending(tx):
    seen = reading("A", 5)
    put(tx, seen)
    put(tx, reading("A", 6), at=LATER)
    settle(tx, "A", seen)
    assert pending(tx) == ["A"]


def test_settling_nothing_or_the_unknown_does_nothing(tx):
    readings.settle(tx, "-1", "customers", [])
    settle(tx, "NOBODY", reading("NOBODY", 1))
    assert readings.find(tx, "-1", "customers", ["NOBODY"]) == {}


def unnamed(tx, since, facet=FACET):
    return readings.unnamed(tx, "-1", "customers", facet, digest(ZERO), since)


def test_what_a_listing_no_longer_names_is_told_with_what_it_says(tx):
    put(tx, reading("A", 5), reading("B", 5), reading("C", 0), settled=True)
    put(tx, reading("A", 5), at=LATER)
    assert unnamed(tx, LATER) == [reading("B", 5)]
    put(tx, Reading("B", FACET, ZERO, digest(ZERO)), at=LATER)
    assert pending(tx) == ["B"]
    assert (stored(tx, "A").changed_at, stored(tx, "B").changed_at) == (AT, LATER)
    assert unnamed(tx, LATER + timedelta(1)) == [reading("A", 5)], "what is empty already is not told"


def test_facets_companies_and_entities_are_kept_apart(tx):
    put(tx, reading("A", 5))
    readings.put(tx, "-1", "customers", [Reading("A", "addresses", {}, "x")], AT, settled=False)
    readings.put(tx, "2", "customers", [reading("A", 7)], AT, settled=False)
    readings.put(tx, "-1", "vendors", [reading("A", 8)], AT, settled=False)
    assert [row.facet for row in unnamed(tx, LATER, "addresses")] == ["addresses"]
    assert unnamed(tx, LATER) == [reading("A", 5)]
    assert stored(tx, "A").fields == {"balance": Decimal(5)}
    assert pending(tx, FACET, "addresses") == ["A", "A"]
    assert pending(tx, "addresses") == ["A"]
    assert pending(tx, "others") == []


def test_sweeps(tx):
    assert readings.swept_at(tx, "-1", "f", FACET) is None
    for at in (AT, LATER, LATER):
        readings.mark_swept(tx, "-1", "f", FACET, at)
    assert readings.swept_at(tx, "-1", "f", FACET) == LATER
    assert readings.swept_at(tx, "-1", "g", FACET) is None
