"""Staging: every record of a run once, windows in one order, and what makes a record be read is not lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ml_connector.core.change import Change
from ml_connector.core.record import Reading
from ml_connector.store import readings, staging

AT = datetime(2026, 11, 2, 8, 30, 15, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)
KEYS = ["b", "A", "Ä", "a1", "Z-9", "zebra", "_x", "10", "9", "a b", "ab", "A-B", "é", "東"]


def put(tx, *changes: Change, run: str = "r") -> None:
    staging.put_changes(tx, run, changes)
    staging.put_names(tx, "-1", "customers", changes, AT)


def pages(tx, size: int, run: str = "r") -> list[list[staging.Staged]]:
    found, after = [], ""
    while page := staging.next_window(tx, run, after, size):
        found.append(page)
        after = page[-1].key
    return found


def test_windows_bring_everything_once_whatever_their_size(tx):
    put(tx, *(Change(key, f"name {key}", AT) for key in KEYS))
    put(tx, Change("OTHER", "", AT), run="another")
    whole = [row.source_key for page in pages(tx, 100) for row in page]
    assert sorted(whole) == sorted(KEYS)
    for size in (1, 2, 5, len(KEYS)):
        found = pages(tx, size)
        assert all(len(page) <= size for page in found)
        assert [row.source_key for page in found for row in page] == whole


def test_staging_twice_is_staging_once(tx):
    for _ in range(2):
        put(tx, Change("A", "Aaron", AT), Change("B", "", None))
    assert staging.count(tx, "r") == 2
    (page,) = pages(tx, 9)
    assert page == [
        staging.Staged("a", "A", "Aaron", AT, "listed"),
        staging.Staged("b", "B", "", None, "listed"),
    ]


def test_a_later_page_brings_the_later_stamp(tx):
    put(tx, Change("A", "Aaron", AT))
    put(tx, Change("a", "Aaron Fitz", LATER))
    ((row,),) = pages(tx, 9)
    assert (row.key, row.name, row.at) == ("a", "Aaron Fitz", LATER)


def test_what_is_asked_for_is_read_and_keeps_its_stamp(tx):
    put(tx, Change("A", "Aaron", AT))
    put(tx, Change("C", "Cohen", AT), run="before")
    for _ in range(2):
        staging.put_keys(tx, "r", "-1", "customers", ["a", "B", "c"])
    ((one, two, three),) = pages(tx, 9)
    assert (one.why, one.at, one.name) == ("asked", AT, "Aaron")
    assert (two.why, two.at, two.name) == ("asked", None, "")
    assert (three.why, three.at, three.name) == ("asked", None, "Cohen")  # its name is known from before


def test_names_are_known_as_they_were_last_listed(tx):
    put(tx, Change("Aaron", "Aaron", AT), Change("B", "Bee", AT))
    put(tx, Change("AARON ", "Aaron Fitz", AT))
    named = {"aaron": "Aaron Fitz", "b": "Bee"}
    assert staging.names_of(tx, "-1", "customers", ["aaron", "B ", "C"]) == named
    assert staging.names_of(tx, "-1", "customers", []) == {}
    assert staging.names_of(tx, "2", "customers", ["B"]) == {}
    assert staging.names_of(tx, "-1", "vendors", ["B"]) == {}


def test_what_a_listing_named_since_is_known(tx):
    staging.put_names(tx, "-1", "customers", [Change("A", "", None), Change("B", "", None)], AT)
    staging.put_names(tx, "-1", "customers", [Change("b ", "", None), Change("C", "", None)], LATER)
    staging.put_names(tx, "2", "customers", [Change("A", "", None)], LATER)

    def since(at: datetime) -> set[str]:
        return staging.listed_since(tx, "-1", "customers", ["A", "B", "C", "D"], at)

    assert since(AT) == {"a", "b", "c"}
    assert since(AT + timedelta(microseconds=1)) == since(LATER) == {"b", "c"}
    assert since(LATER + timedelta(microseconds=1)) == set()
    assert staging.listed_since(tx, "-1", "customers", ["C "], AT) == {"c"}


def test_a_facet_that_moved_does_not_hide_a_listed_change(tx):
    rows = [Reading("A", "receivables", {}, "1"), Reading("B ", "receivables", {}, "1")]
    readings.put(tx, "-1", "customers", rows, AT, settled=False)
    put(tx, Change("A", "Aaron", AT))
    for _ in range(2):
        staging.put_pending_facets(tx, "r", "-1", "customers", ["receivables"])
    ((one, two),) = pages(tx, 9)
    assert (one.why, one.at) == ("listed", AT)
    assert (two.why, two.at, two.source_key) == ("facet", None, "B ")


def test_a_page_that_names_a_record_twice_stages_it_once(tx):
    put(tx, Change("A", "a", AT), Change("a ", "a", AT))
    assert staging.count(tx, "r") == 1


def test_clearing_a_run_leaves_the_others_and_the_names(tx):
    put(tx, Change("A", "Acme, Inc.", AT), Change("B", "ACME INC", AT), Change("C", "Other", AT))
    put(tx, Change("A", "Acme Inc", AT), run="another")
    staging.clear(tx, "r")
    assert (staging.count(tx, "r"), staging.count(tx, "another")) == (0, 1)
    names = ["acme inc", "other", "nobody"]
    assert staging.namesakes(tx, "-1", "customers", names) == {"acme inc": 2, "other": 1}
    assert staging.namesakes(tx, "-1", "vendors", names) == {}
    staging.put_names(tx, "2", "customers", [Change("A", "Other", None)], AT)
    assert staging.namesakes(tx, "2", "customers", names) == {"other": 1}
    assert staging.namesakes(tx, None, "customers", names) == {"acme inc": 2, "other": 2}
