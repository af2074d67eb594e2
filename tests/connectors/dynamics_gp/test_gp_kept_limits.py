"""What is kept of row limits saves calls and hides nothing, whatever the site sets between two runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from test_gp_listing import VENDORS, Gp, document, names, vendor

from memory import START, FakeClock
from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpSource, RequestGate
from ml_connector.connectors.dynamics_gp.listing import Lister, RowLimit
from ml_connector.connectors.dynamics_gp.masters import PAYABLES
from ml_connector.connectors.dynamics_gp.schema import key_of
from ml_connector.core.ports import KnownLimit
from ml_connector.store.database import Database
from ml_connector.store.row_limits import RowLimits

OPERATION = "GetCustomerList"


def listed(gp: Gp, known: KnownLimit) -> list[str]:
    """All keys of a listing by a run that knows this from earlier ones."""
    lister, after, found = (
        Lister(gp.listing, gp.ask, RowLimit(limit=known.limit), hints=known.hints),
        None,
        [],
    )
    while True:
        rows, after = lister.page(after)
        found += [key_of(gp.listing.levels[0], row) for row in rows]
        if after is None:
            return found


def hints(gp: Gp) -> tuple[tuple[int, str], ...]:
    keys = [key_of(gp.listing.levels[0], row) for row in gp.rows]
    return tuple((size, keys[size]) for size in (10, 100, 900) if size < len(keys))


@pytest.mark.parametrize("before", [1, 7, 50, 1000, None])
@pytest.mark.parametrize("count", [1, 9, 10, 11, 50, 120])
def test_whatever_was_kept_and_whatever_the_limit_is_now_nothing_is_hidden(before, count):
    gp = Gp(VENDORS, [vendor(name) for name in names(count)], None)
    known = KnownLimit(before or 0, before, hints(gp))
    for now in {1, 7, 10, 49, 50, 51, count - 1, count, count + 1, None} - {0}:
        gp.limit = now
        assert sorted(listed(gp, known)) == sorted(names(count)), (before, now)


def test_a_limit_lowered_to_exactly_the_number_of_changes_hides_nothing():
    """The answer looks complete by everything that was known: only a longer answer of today could prove it."""
    for size in (1, 2, 9, 10, 11, 12, 40, 99, 100, 101):
        gp = Gp(VENDORS, [vendor(name) for name in names(150)], size)
        assert sorted(listed(gp, KnownLimit(1000, 1000, hints(gp)))) == sorted(names(150))


@pytest.mark.parametrize("kept", [((10, "nobody"),), ((10, ""), (100, "~")), ((900, "A00000"),)])
def test_hints_that_mean_nothing_hide_nothing(kept):
    for limit in (3, 25, None):
        gp = Gp(VENDORS, [vendor(name) for name in names(100)], limit)
        assert sorted(listed(gp, KnownLimit(25, 25, kept))) == sorted(names(100))


def test_documents_of_two_levels_are_complete_too():
    chance = random.Random(5)
    rows = [document(v, f"{n:03}") for v in names(20) for n in range(chance.randrange(1, 6))]
    for limit in (1, 2, 17, 100, None):
        gp = Gp(PAYABLES, rows, limit)
        assert len(listed(gp, KnownLimit(100, 100, hints(gp)))) == len(rows)


def test_a_short_answer_takes_two_questions_instead_of_three():
    calls = {}
    for known in (False, True):
        gp = Gp(VENDORS, [vendor(name) for name in names(400)], 1000)
        few = hints(gp) if known else ()
        changed = {f"{name}" for name in names(400)[:5]}

        def ask(listing, where, gp=gp, changed=changed):
            rows = gp.ask(listing, {m: r for m, r in where.items() if m != "ModifiedDate"})
            return [row for row in rows if row["Key"]["Id"] in changed] if "ModifiedDate" in where else rows

        lister = Lister(
            VENDORS, ask, RowLimit(), {"ModifiedDate": {"GreaterThan": "2026-01-01T00:00:00"}}, hints=few
        )
        rows, after = lister.page(None)
        assert ({row["Key"]["Id"] for row in rows}, after) == (changed, None)
        calls[known] = gp.calls
    assert calls == {False: 3, True: 2}


@pytest.fixture
def store(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    database.upgrade()
    yield database
    database.close()


@pytest.fixture
def later_run(opened, tmp_path, clock, store) -> Callable[..., GpSource]:
    """The source of one run more: a new process that has only what is kept."""

    def open_source(simulator) -> GpSource:
        config = GpConfig(endpoint=simulator.endpoint, company_id=-1, user="FABRIKAM\\connector")
        gate = opened.enter_context(closing(RequestGate(tmp_path / "gate", config.max_requests, 0.0, clock)))
        client = GpClient(config, lambda: "Sample-Pa55word", gate, clock)
        return opened.enter_context(
            closing(GpSource(client, limits=RowLimits(store, "-1", FakeClock(START))))
        )

    return open_source


def keys(source: GpSource, since: datetime | None = None) -> set[str]:
    after, found = None, set()
    while True:
        page = source.list_changes("customers", since, after)
        found |= {change.key for change in page.rows}
        after = page.next_after
        if after is None:
            return found


def test_later_runs_ask_less_and_a_limit_set_between_them_hides_nothing(simulate, later_run, store):
    simulator = simulate(customers=300, row_limit=100)
    whole = keys(later_run(simulator))
    assert RowLimits(store, "-1", FakeClock(START)).find(OPERATION).limit == 100
    since = datetime.now(UTC) - timedelta(minutes=10)
    changed = {f"NEW{n:02}" for n in range(25)}
    for key in sorted(changed)[:5]:
        simulator.control("POST", "customers", {"id": key, "name": key})
    simulator.control("DELETE", "requests")
    assert len(keys(later_run(simulator), since)) == 5
    assert simulator.control("GET", "state")["operations"][OPERATION] == 2
    for key in sorted(changed)[5:]:
        simulator.control("POST", "customers", {"id": key, "name": key})
    for limit in (5, 24, 25, 26, 100, 101, 400):
        simulator.control("POST", "settings", {"row_limits": {"customers": limit}})
        assert keys(later_run(simulator), since) == changed, limit
        assert keys(later_run(simulator)) == whole | changed, limit
