"""What is kept of values that go back into the ERP, on both databases."""

from __future__ import annotations

from dataclasses import replace

from memory import START
from ml_connector.core.change import Change
from ml_connector.core.match import Verdict
from ml_connector.store import master_edits, staging, verdicts
from ml_connector.store.links import Pair
from ml_connector.store.master_edits import Kept, Sent

PAIR = Pair("-1", "customers", "Accounts")
LEFT = {"Phone": "555-1", "Contact": None}
SENT = Sent(START, {"Phone": "555-2", "Contact": None}, {"phone": "555-2"}, {"phone": "555-1"})


def test_what_is_kept_is_found_under_any_way_to_write_the_key(tx):
    master_edits.put(tx, PAIR, [Kept("C1 ", LEFT), Kept("C2", LEFT, SENT), Kept("C3", LEFT, None, {})])
    assert master_edits.find(tx, PAIR, ["c1", "C2", "C9"]) == {
        "c1": Kept("C1 ", LEFT),
        "c2": Kept("C2", LEFT, SENT),
    }
    assert master_edits.open_keys(tx, PAIR) == ["C2", "C3"]
    assert master_edits.open_keys(tx, replace(PAIR, company="2")) == []


def test_what_is_kept_anew_takes_the_place_of_all_that_was(tx):
    master_edits.put(tx, PAIR, [Kept("C1", LEFT, SENT, LEFT)])
    master_edits.put(tx, PAIR, [Kept("c1", {"Phone": "555-2"})])
    assert master_edits.find(tx, PAIR, ["C1"]) == {"c1": Kept("c1", {"Phone": "555-2"})}
    assert master_edits.open_keys(tx, PAIR) == []
    master_edits.put(tx, PAIR, [])


def test_a_reason_that_was_followed_counts_no_more_and_all_else_does(tx):
    verdict = Verdict(rejected=frozenset({"7"}), released=frozenset({"A", "B"}))
    verdicts.put(tx, PAIR, "C1", "", verdict, reason="-", actor="sally", at=START)
    verdicts.use_released(tx, PAIR, "c1", {"A", "C"})
    assert verdicts.find(tx, PAIR, ["C1"]) == {("c1", ""): replace(verdict, released=frozenset({"B"}))}
    verdicts.use_released(tx, PAIR, "C1", {"C"})
    verdicts.use_released(tx, PAIR, "C9", {"A"})
    assert verdicts.find(tx, PAIR, ["C1"])["c1", ""].released == {"B"}


def test_keys_by_name(tx):
    rows = [
        Change("C1", "Aaron Fitz", START),
        Change("C2 ", "AARON  FITZ", START),
        Change("C3", "Other", START),
    ]
    staging.put_names(tx, "-1", "customers", rows, START)
    staging.put_names(tx, "2", "customers", rows, START)
    assert staging.keys_named(tx, "-1", "customers", "aaron fitz") == ["C1", "C2 "]
    assert staging.keys_named(tx, "-1", "vendors", "aaron fitz") == []
