"""Verdicts: what a person decided about a record is kept until it is taken back, one decision for each part."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from ml_connector.core.match import Verdict
from ml_connector.store import tables, verdicts
from ml_connector.store.links import Pair

AT = datetime(2026, 11, 2, 8, 30, 15, tzinfo=UTC)
PAIR = Pair("-1", "customers", "Accounts")
OTHERS = [
    Pair("2", "customers", "Accounts"),
    Pair("-1", "vendors", "Accounts"),
    Pair("-1", "customers", "Contacts"),
]
WHOLE = Verdict("7", "OLD", frozenset({"8", "9"}), frozenset({"SIMILAR_RECORD", "DECLINED"}), declined=True)


def put(tx, key: str, verdict: Verdict, part: str = "", reason: str = "Seen.") -> None:
    verdicts.put(tx, PAIR, key, part, verdict, reason=reason, actor="ann", at=AT)


@pytest.mark.parametrize("verdict", [Verdict(), WHOLE, Verdict(chosen="7")], ids=["empty", "whole", "chosen"])
def test_a_verdict_comes_back_as_it_was_decided(tx, verdict):
    for _ in range(2):
        put(tx, "Aaron", verdict)
    assert verdicts.find(tx, PAIR, ["AARON ", "B"]) == {("aaron", ""): verdict}


def test_a_later_verdict_takes_the_place_of_the_first(tx):
    put(tx, "Aaron", WHOLE)
    put(tx, "aaron ", Verdict(chosen="9"), reason="Seen \x00 again.")
    assert verdicts.find(tx, PAIR, ["Aaron"]) == {("aaron", ""): Verdict(chosen="9")}
    kept = tx.execute(sa.select(tables.verdicts)).one()
    assert (kept.reason, kept.actor, kept.decided_at) == ("Seen \ufffd again.", "ann", AT)


def test_what_was_followed_is_forgotten_but_what_goes_on_to_count(tx):
    put(tx, "Own", Verdict(released=frozenset({"AMBIGUOUS_MATCH"})))
    put(tx, "Chosen", Verdict(chosen="7"))
    put(tx, "Not", Verdict(chosen="7", rejected=frozenset({"8"})))
    keys = ["Own", "Chosen", "Not"]
    assert verdicts.with_own(tx, PAIR, keys) == set(), "nobody has followed them yet"
    for _ in range(2):
        verdicts.use(tx, PAIR, [(key.casefold(), "") for key in keys])
        assert verdicts.find(tx, PAIR, keys) == {
            ("own", ""): Verdict(),
            ("not", ""): Verdict(rejected=frozenset({"8"})),
        }
    assert ("own", "") in verdicts.with_own(tx, PAIR, keys)
    assert ("chosen", "") not in verdicts.with_own(tx, PAIR, keys)
    put(tx, "Own", Verdict(chosen="9"))
    assert verdicts.with_own(tx, PAIR, ["Own"]) == set(), "another decision takes its place"


def test_parts_are_decided_about_and_taken_back_apart(tx):
    put(tx, "Aaron", WHOLE)
    put(tx, "Aaron", Verdict(chosen="5"), "ann")
    put(tx, "B", WHOLE)
    found = verdicts.find(tx, PAIR, ["aaron"])
    assert found == {("aaron", ""): WHOLE, ("aaron", "ann"): Verdict(chosen="5")}
    for _ in range(2):
        verdicts.remove(tx, PAIR, [("aaron", "ann"), ("nobody", "")])
        assert verdicts.find(tx, PAIR, ["aaron", "b"]) == {("aaron", ""): WHOLE, ("b", ""): WHOLE}


@pytest.mark.parametrize("pair", OTHERS, ids=str)
def test_a_verdict_belongs_to_its_pair(tx, pair):
    put(tx, "Aaron", WHOLE)
    verdicts.remove(tx, pair, [("aaron", "")])
    assert verdicts.find(tx, pair, ["Aaron"]) == {}
    assert verdicts.find(tx, PAIR, ["Aaron"]) == {("aaron", ""): WHOLE}
