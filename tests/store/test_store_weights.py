"""What a run weighs: kept record by record, whatever is done again."""

from datetime import UTC, datetime

from ml_connector.store import cursors, weights


def test_what_is_weighed_again_counts_once_and_what_weighs_less_now_counts_as_before(tx):
    weights.put(tx, "r", "Accounts", {"c1": 1, "c2": 3})
    weights.put(tx, "r", "Accounts", {"c1": 1, "c2": 1, "c3": 2})
    weights.put(tx, "r", "Contacts", {"c1": 1})
    weights.put(tx, "other", "Accounts", {"c1": 9})
    assert weights.total(tx, "r") == 1 + 3 + 2 + 1


def test_the_end_of_a_run_forgets_it(tx):
    weights.put(tx, "r", "Accounts", {"c1": 1})
    weights.put(tx, "other", "Accounts", {"c1": 9})
    cursors.close_run(tx, "r", datetime(2026, 11, 2, tzinfo=UTC), "done", "", {})
    assert (weights.total(tx, "r"), weights.total(tx, "other")) == (0, 9)
