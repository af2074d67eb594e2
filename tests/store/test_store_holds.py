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
    assert found == hold(detail={"value": "x", "limit": "1.50"}, opened_at=AT, since=AT)
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


MINUTE = timedelta(minutes=1)


def locked(key: str = "Aaron", **more) -> Hold:
    return hold(key, **{"code": "RECORD_LOCKED", "heals": True} | more)


def due_keys(tx, at: datetime, flow: str = "customers") -> list[str]:
    return [one.source_key for one in holds.due(tx, "-1", flow, at)]


def test_what_heals_is_tried_again_and_what_does_not_is_not(tx):
    opened = holds.put(tx, "-1", [locked("A"), hold("B")])
    assert [one.next_at for one in opened] == [AT + 5 * MINUTE, None]
    assert holds.find(tx, "-1") == [locked("A", opened_at=AT, since=AT, next_at=AT + 5 * MINUTE), opened[1]]
    assert due_keys(tx, AT + 4 * MINUTE) == []
    assert due_keys(tx, AT + 5 * MINUTE) == ["A"]
    assert due_keys(tx, AT + 5 * MINUTE, "vendors") == []
    holds.close(tx, "-1", "customers", [("accounts", "A")], LATER)
    assert due_keys(tx, AT + 5 * MINUTE) == []


def test_the_distance_grows_with_the_time_since_the_reason(tx):
    holds.put(tx, "-1", [hold()])
    since = AT + timedelta(days=9)
    tried = [since, since + 5 * MINUTE, since + 12 * MINUTE, since + timedelta(days=3)]
    told = [holds.put(tx, "-1", [locked(at=at, run=f"run {at}")])[0] for at in tried]
    assert [one.next_at - one.at for one in told] == [
        5 * MINUTE,
        5 * MINUTE,
        12 * MINUTE,
        timedelta(hours=20),
    ]
    assert {(one.opened_at, one.since) for one in told} == {(AT, since)}
    (found,) = holds.find(tx, "-1")
    assert (found.attempts, found.since, found.next_at) == (5, since, told[-1].next_at)


def test_a_step_that_is_done_twice_delays_nothing(tx):
    first = holds.put(tx, "-1", [locked(run="run-1")])
    assert holds.put(tx, "-1", [locked(run="run-1")]) == first


def test_a_reason_that_does_not_heal_ends_the_attempts(tx):
    holds.put(tx, "-1", [locked()])
    holds.put(tx, "-1", [hold(at=LATER)])
    assert due_keys(tx, AT + timedelta(days=9)) == []
    assert holds.next_due(tx, "-1", "customers") is None


def test_the_longest_due_comes_first_and_a_last_attempt_in_the_future_is_due(tx):
    holds.put(tx, "-1", [locked("A", at=LATER), locked("B"), locked("C", at=AT + timedelta(days=365))])
    assert due_keys(tx, LATER + 5 * MINUTE) == ["B", "A", "C"]


def test_the_next_attempt_of_a_flow_is_its_first(tx):
    assert holds.next_due(tx, "-1", "customers") is None
    rows = [locked("A", at=LATER), locked("B"), locked("C"), hold("D"), locked("E", flow="vendors", at=LATER)]
    holds.put(tx, "-1", rows)
    holds.put(tx, "2", [locked(at=AT - MINUTE)])
    assert holds.next_due(tx, "-1", "customers") == AT + 5 * MINUTE
    holds.close(tx, "-1", "customers", [("accounts", "B"), ("accounts", "C")], LATER)
    assert holds.next_due(tx, "-1", "customers") == LATER + 5 * MINUTE
    assert holds.next_due(tx, "-1", "vendors") == LATER + 5 * MINUTE


def test_what_the_source_did_not_give_is_known_as_that(tx):
    holds.put(tx, "-1", [locked("A", unread=True), locked("B")])
    assert [(one.source_key, one.unread) for one in holds.due(tx, "-1", "customers", LATER)] == [
        ("A", True),
        ("B", False),
    ]
