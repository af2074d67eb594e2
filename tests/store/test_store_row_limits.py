"""What was learned of row limits, and how far facets have come, on both databases."""

from __future__ import annotations

from datetime import timedelta

from memory import START, FakeClock
from ml_connector.core.ports import KnownLimit
from ml_connector.store import looks
from ml_connector.store.looks import Looked
from ml_connector.store.row_limits import RowLimits

OPERATION = "GetCustomerList"


def test_what_was_learned_long_ago_is_learned_again(database):
    clock = FakeClock()
    limits = RowLimits(database, "-1", clock)
    assert limits.find(OPERATION) == KnownLimit()
    known = KnownLimit(500, 500, ((10, "A"), (100, "B\u00e9")))
    limits.keep(OPERATION, known)
    clock.sleep(3600)
    assert limits.find(OPERATION) == known
    assert limits.find("GetVendorList") == RowLimits(database, "2", clock).find(OPERATION) == KnownLimit()
    clock.sleep(86_400)
    assert limits.find(OPERATION) == KnownLimit(hints=known.hints), "where to ask may be as old as it likes"
    limits.keep(OPERATION, KnownLimit(30))
    assert limits.find(OPERATION) == KnownLimit(30)


def test_how_far_a_facet_has_come(database):
    with database.begin() as tx:
        assert looks.find(tx, "-1", "customers", "emails") == Looked()
        for looked in (
            Looked(position="c2", round_at=START, rolled_at=START + timedelta(hours=1)),
            Looked(looked_at=START, tracked_at=START),
        ):
            looks.put(tx, "-1", "customers", "emails", looked)
            assert looks.find(tx, "-1", "customers", "emails") == looked
        assert looks.find(tx, "-1", "vendors", "emails") == Looked()
