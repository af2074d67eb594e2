"""How things stand in numbers, on both databases; what runs came to is added up once, whatever is done twice."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from memory import START
from ml_connector.core.alerts import Holds
from ml_connector.core.change import Cursor
from ml_connector.store import cursors, figures, holds, tallies
from ml_connector.store.cursors import Progress
from ml_connector.store.figures import Ends
from ml_connector.store.holds import Hold

HOUR = timedelta(hours=1)
MINE = ("-1", "customers")


def run(tx, name, at, state="", note="", flow=MINE, **counts):
    cursors.open_run(tx, name, *flow, at)
    if state:
        cursors.close_run(tx, name, at + HOUR, state, note, counts)
    else:
        cursors.note_counts(tx, name, counts)


def test_what_runs_came_to_is_added_up(tx):
    run(tx, "a", START, "done", created=3, held=1, updated=0)
    run(tx, "b", START, "done", created=2)
    run(tx, "c", START, "failed")
    run(tx, "d", START, "done", flow=("-1", "vendors"), created=9)
    assert tallies.find(tx, *MINE, tallies.RECORDS) == {"created": 5, "held": 1}
    assert tallies.find(tx, *MINE, tallies.RUNS) == {"done": 2, "failed": 1}
    assert tallies.find(tx, "-1", "never", tallies.RUNS) == {}


def test_a_run_whose_end_is_recorded_twice_counts_once(tx):
    """The step was done, and the process died before the engine knew of it."""
    run(tx, "a", START, "done", created=3)
    cursors.close_run(tx, "a", START + 2 * HOUR, "done", "", {"created": 3})
    cursors.open_run(tx, "a", *MINE, START)
    assert tallies.find(tx, *MINE, tallies.RECORDS) == {"created": 3}
    cursors.close_run(tx, "no such run", START, "done", "", {"created": 3})
    assert tallies.find(tx, *MINE, tallies.RUNS) == {"done": 1}


def test_a_run_under_way_is_counted_beside_and_then_among_them(tx):
    run(tx, "a", START, created=2)
    assert figures.count_under_way(tx, MINE) == {"created": 2}
    cursors.note_run(tx, "a", "waiting", "GP does not answer.")
    assert figures.count_under_way(tx, MINE) == {"created": 2}
    cursors.close_run(tx, "a", START, "done", "", {"created": 4})
    assert figures.count_under_way(tx, MINE) == {}
    assert tallies.find(tx, *MINE, tallies.RECORDS) == {"created": 4}


def test_how_the_runs_of_a_flow_ended(tx):
    assert figures.find_ends(tx, MINE) == Ends()
    run(tx, "a", START, "failed", "The first.")
    run(tx, "b", START + HOUR, "limit", "The second.")
    assert figures.find_ends(tx, MINE) == Ends(None, "limit", START + HOUR, "The second.")
    run(tx, "c", START + 2 * HOUR, "done")
    assert figures.find_ends(tx, MINE) == Ends(START + 3 * HOUR, "done")
    run(tx, "d", START + 3 * HOUR, "away", "GP does not answer.")
    assert figures.find_ends(tx, MINE) == Ends(START + 3 * HOUR, "away"), "no failure: it is waited for"
    run(tx, "e", START + 4 * HOUR, "broken", "A fault.")
    run(tx, "f", START + 5 * HOUR)
    run(tx, "g", START + 9 * HOUR, "failed", flow=("-1", "vendors"))
    assert figures.find_ends(tx, MINE) == Ends(
        START + 3 * HOUR, "broken", START + 5 * HOUR, "A fault.", START + 5 * HOUR
    )


def hold(key, code, at=START, flow="customers"):
    return Hold(flow, "customer_accounts", key, code, "", "It waits.", "Mend it.", "", at)


def test_open_holds_are_counted_by_flow_and_code(tx):
    holds.put(tx, "-1", [hold("A", "LOCKED"), hold("B", "LOCKED", START - HOUR), hold("C", "OTHER")])
    holds.put(tx, "-1", [hold("A", "LOCKED", flow="vendors")])
    holds.close(tx, "-1", "customers", [("customer_accounts", "C")], START)
    assert figures.find_holds(tx) == {
        ("-1", "customers"): {"LOCKED": Holds(2, START - HOUR)},
        ("-1", "vendors"): {"LOCKED": Holds(1, START)},
    }


def test_how_far_each_flow_has_read(tx):
    cursors.put(tx, "-1", "customers", Progress(Cursor(START, finer_than_day=True), "f"))
    cursors.put(tx, "-1", "vendors", Progress(None, "f"))
    assert figures.find_cursors(tx) == {MINE: START}


@pytest.mark.parametrize("kind", ["sqlite"])
def test_nothing_that_grows_is_scanned(tx):
    """The plan of every statement: an index, the primary key, or a table with a row for each flow."""
    run(tx, "a", START, "failed", "Why.")
    run(tx, "b", START)
    seen = []
    sa.event.listen(tx.engine, "before_cursor_execute", look := lambda *given: seen.append(given[2:4]))
    try:
        figures.find_ends(tx, MINE), figures.count_under_way(tx, MINE), figures.find_holds(tx)
        tallies.find(tx, *MINE, tallies.RUNS)
    finally:
        sa.event.remove(tx.engine, "before_cursor_execute", look)
    assert len(seen) >= 8
    for statement, given in seen:
        plan = [row[3] for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)]
        assert plan, statement
        assert all(line.startswith(("SEARCH", "USE TEMP B-TREE")) for line in plan), json.dumps(plan)
