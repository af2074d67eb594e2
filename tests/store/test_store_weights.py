"""What a run weighs: kept record by record, whatever is done again."""

from datetime import UTC, datetime

from ml_connector.store import cursors, weights


def test_what_is_weighed_again_counts_once_and_what_weighs_less_now_counts_as_before(tx):
    weights.put(tx, "r", "Accounts", {"c1": 1, "c2": 3})
    weights.put(tx, "r", "Accounts", {"c1": 1, "c2": 1, "c3": 2})
    weights.put(tx, "r", "Contacts", {"c1": 1})
    weights.put(tx, "other", "Accounts", {"c1": 9})
    assert weights.total(tx, "r") == 1 + 3 + 2 + 1


def test_what_a_run_weighed_that_was_broken_off_counts_for_the_one_that_does_the_rest(tx):
    at = datetime(2026, 11, 2, tzinfo=UTC)
    for run, flow in (("r1", "customers"), ("other", "vendors"), ("r2", "customers")):
        cursors.open_run(tx, run, "-1", flow, at)
        weights.put(tx, run, "Accounts", {"c1": 1, run: 2})
    cursors.close_run(tx, "r1", at, "away", "", {}, goes_on=True)
    for _ in range(2):
        cursors.go_on(tx, "r2", "-1", "customers")
        assert [weights.total(tx, run) for run in ("r1", "other", "r2")] == [0, 3, 1 + 2 + 2]
    cursors.close_run(tx, "r2", at, "done", "", {})
    assert [weights.total(tx, run) for run in ("r1", "other", "r2")] == [0, 3, 0]


def test_the_end_of_a_run_forgets_it(tx):
    weights.put(tx, "r", "Accounts", {"c1": 1})
    weights.put(tx, "other", "Accounts", {"c1": 9})
    cursors.close_run(tx, "r", datetime(2026, 11, 2, tzinfo=UTC), "done", "", {})
    assert (weights.total(tx, "r"), weights.total(tx, "other")) == (0, 9)
