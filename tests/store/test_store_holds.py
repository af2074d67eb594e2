"""Holds: one row a record and mapping, attempts counted, closed by a later success and by nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ml_connector.store import holds
from ml_connector.store.holds import Hold

AT = datetime(2026, 11, 2, 8, 30, 15, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)


def hold(key: str = "Aaron", **more) -> Hold:
    base = {
        "flow": "customers",
        "mapping": "accounts",
        "code": "INVALID_EMAIL",
        "field": "GP_Email",
        "happened": "“x” is no address.",
        "remedy": "Correct it.",
        "answer": "",
        "at": AT,
    }
    return Hold(source_key=key, **base | more)


def open_keys(tx, **asked) -> list[str]:
    return [one.source_key for one in holds.find(tx, "-1", **asked)]


def test_a_hold_comes_back_with_its_detail(tx):
    holds.put(tx, "-1", [hold(detail={"value": "x", "limit": Decimal("1.50")})])
    (found,) = holds.find(tx, "-1")
    assert found == hold(detail={"value": "x", "limit": "1.50"}, opened_at=AT)
    shown = found.to_json()
    assert (shown["key"], shown["attempts"], shown["opened_at"]) == ("Aaron", 1, AT.isoformat())


def test_another_attempt_is_counted_and_the_first_is_remembered(tx):
    holds.put(tx, "-1", [hold()])
    for _ in range(2):  # a step that is done twice is one attempt
        holds.put(tx, "-1", [hold("AARON ", at=LATER, code="TARGET_GONE", run="run-2")])
    (found,) = holds.find(tx, "-1")
    assert (found.attempts, found.opened_at, found.at, found.code) == (2, AT, LATER, "TARGET_GONE")


def test_mappings_flows_and_companies_hold_apart(tx):
    rows = [hold(), hold(mapping="financials"), hold(flow="vendors")]
    holds.put(tx, "-1", rows)
    holds.put(tx, "2", [hold()])
    assert [one.attempts for one in holds.find(tx, "-1")] == [1, 1, 1]
    closed = holds.close(tx, "-1", "customers", [("accounts", "aaron")], LATER)
    assert [(one.flow, one.mapping) for one in closed] == [("customers", "accounts")]
    left = {(one.flow, one.mapping) for one in holds.find(tx, "-1")}
    assert left == {("customers", "financials"), ("vendors", "accounts")}
    assert len(holds.find(tx, "2")) == 1


def test_a_hold_is_closed_once(tx):
    holds.put(tx, "-1", [hold()])
    assert len(holds.close(tx, "-1", "customers", [("accounts", "AARON")], LATER)) == 1
    assert holds.close(tx, "-1", "customers", [("accounts", "AARON")], LATER) == []
    assert holds.close(tx, "-1", "customers", [], LATER) == []
    assert holds.find(tx, "-1") == []


def test_a_person_closes_everything_of_a_key_in_a_flow(tx):
    rows = [hold(), hold(mapping="financials"), hold("B"), hold(flow="vendors")]
    holds.put(tx, "-1", rows)
    holds.put(tx, "2", [hold()])
    closed = holds.discard(tx, "-1", "customers", ["AARON ", "nobody"], LATER)
    assert sorted(one.mapping for one in closed) == ["accounts", "financials"]
    assert holds.discard(tx, "-1", "customers", ["AARON"], LATER) == []
    left = [(one.flow, one.source_key) for one in holds.find(tx, "-1")]
    assert sorted(left) == [("customers", "B"), ("vendors", "Aaron")]
    assert len(holds.find(tx, "2")) == 1


def test_open_holds_are_counted_by_code(tx):
    assert holds.find(tx, "-1") == []
    rows = [hold("A"), hold("B"), hold("C", code="AMBIGUOUS_MATCH"), hold("D", code="TARGET_GONE")]
    holds.put(tx, "-1", rows)
    holds.put(tx, "2", [hold()])
    holds.close(tx, "-1", "customers", [("accounts", "D")], LATER)
    assert Counter(hold.code for hold in holds.find(tx, "-1")) == {"INVALID_EMAIL": 2, "AMBIGUOUS_MATCH": 1}


def test_a_hold_opened_again_begins_anew(tx):
    holds.put(tx, "-1", [hold()])
    holds.put(tx, "-1", [hold(at=LATER)])
    holds.close(tx, "-1", "customers", [("accounts", "AARON")], LATER)
    again = LATER + timedelta(days=1)
    holds.put(tx, "-1", [hold(at=again)])
    (found,) = holds.find(tx, "-1")
    assert (found.attempts, found.opened_at) == (1, again)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["B", "A", "C"]),
        ({"flow": "customers"}, ["A", "C"]),
        ({"keys": ["a", "b "]}, ["B", "A"]),
        ({"keys": []}, []),
        ({"codes": ["AMBIGUOUS_MATCH"]}, ["C"]),
        ({"codes": {"AMBIGUOUS_MATCH", "INVALID_EMAIL"}}, ["B", "A", "C"]),
        ({"codes": []}, []),
        ({"flow": "vendors", "codes": ["AMBIGUOUS_MATCH"]}, []),
    ],
)
def test_what_is_asked_for_is_found_oldest_first(tx, asked, found):
    rows = [hold("A", at=LATER), hold("C", at=LATER, code="AMBIGUOUS_MATCH"), hold("B", flow="vendors")]
    holds.put(tx, "-1", rows)
    assert open_keys(tx, **asked) == found


@pytest.mark.parametrize("length", [65, 500])
def test_a_long_word_of_the_target_does_not_stop_the_others(tx, length):
    """Codes and fields are words of the system's answer: nobody promises that they are short."""
    holds.put(tx, "-1", [hold("A", code="X" * length), hold("B", field="$.data[0]." + "y" * length)])
    assert open_keys(tx) == ["A", "B"]


def test_a_text_with_a_null_character_does_not_stop_the_others(tx):
    holds.put(tx, "-1", [hold("A", answer="\x00", happened="It said \x00."), hold("B")])
    assert open_keys(tx) == ["A", "B"]
