"""Account months: what was posted on an account in a month, as one record that follows its lines."""

from __future__ import annotations

import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journals import BOOKS, Ledger, new_ledger
from months import MODULE, Months, new_months
from test_properties import MEMORY, new_store

from ml_connector.core.line_limits import limits_of
from ml_connector.core.postings import Posting
from ml_connector.flows.plan import FlowPlan
from ml_connector.store import holds, postings
from ml_connector.store.database import Database
from world import done

MAY = date(2026, 5, 3)


@pytest.fixture
def books(database: Database) -> Ledger:
    made = new_ledger(database)
    made.entity, made.texts = BOOKS, []
    made.loaded()
    return made


@pytest.fixture
def months(books: Ledger) -> Months:
    return new_months(books.database, books.clock)


def nets(months: Months) -> dict[str, object]:
    return {key: record["Net"] for key, record in months.there().items()}


def test_each_account_and_month_is_a_record_with_its_sums(books: Ledger, months: Months) -> None:
    months.know("000-4000", "Sales", "Credit")
    books.entry("7", {"1": "000-1100", "2": "000-4000", "30": "000-4000"})
    books.entry("8", {"4": "000-4000"}, date=MAY)
    books.sync()
    assert done(months.sync()) == {"created": 3}
    assert nets(months) == {"000-1100/2026-04": 1, "000-4000/2026-04": 32, "000-4000/2026-05": 4}
    april = months.there()["000-4000/2026-04"]
    assert (april["Account"], april["Category"], april["Month"], april["Lines"]) == (
        "000-4000", "Sales", date(2026, 4, 1), 2,
    )  # fmt: skip
    assert (april["Debit"], april["Credit"], april["Amount"]) == (32, 0, -32)
    assert months.there()["000-1100/2026-04"].get("Amount") is None, "of an account that is not known"
    assert done(months.sync()) == {}
    assert months.target.writes == []


def test_only_months_that_changed_are_written(books: Ledger, months: Months) -> None:
    books.entry("7", {"1": "000-1100"})
    books.entry("8", {"2": "000-4000"})
    books.sync()
    months.sync()
    books.entry("9", {"3": "000-4000"})
    books.sync()
    assert done(months.sync()) == {"updated": 1}
    assert nets(months) == {"000-1100/2026-04": 1, "000-4000/2026-04": 5}


def test_what_is_not_posted_counts_once_it_is(books: Ledger, months: Months) -> None:
    books.entry("7", {"1": "000-1100"}, posted=False)
    books.sync()
    assert done(months.sync()) == {}
    books.entry("7", {"1": "000-1100"})
    books.sync()
    assert done(months.sync()) == {"created": 1}


def test_a_year_end_close_changes_no_month(books: Ledger, months: Months) -> None:
    for number in range(40):
        books.entry(str(number), {"1": "000-1100", "2": f"000-40{number:02}"})
    books.sync()
    assert done(months.sync()) == {"created": 41}
    books.stamp()
    books.sync()
    told = months.sync()
    assert (done(told), months.target.writes) == ({}, [])


def test_a_posted_entry_that_is_read_anew_and_says_the_same_changes_no_month(
    books: Ledger, months: Months
) -> None:
    books.entry("7", {"1": "000-1100"})
    books.sync()
    with books.database.read() as tx:
        before = postings.months(tx, "-1", "gl_accounts", None, None, 9)
    assert done(books.sync(("7",))) == {"kept": 1}
    with books.database.read() as tx:
        assert postings.months(tx, "-1", "gl_accounts", None, None, 9) == before


def test_a_month_whose_lines_are_all_voided_is_zero(books: Ledger, months: Months) -> None:
    books.entry("7", {"1": "000-1100"})
    books.sync()
    months.sync()
    books.source.rows["journals"]["7"].fields["is_voided"] = True
    books.sync(("7",))
    assert done(months.sync()) == {"updated": 1}
    record = months.there()["000-1100/2026-04"]
    assert (record["Debit"], record["Net"], record["Lines"]) == (0, 0, 0)


def test_a_line_that_moves_to_another_account_moves_between_the_months(books: Ledger, months: Months) -> None:
    """GP never does that to what is posted; a backup that is put back may."""
    books.entry("7", {"1": "000-1100", "2": "000-1100"})
    books.sync()
    months.sync()
    books.source.lines["7"] = {"1": "000-1100", "2": "000-2000"}
    books.sync(("7",))
    assert done(months.sync()) == {"created": 1, "updated": 1}
    assert nets(months) == {"000-1100/2026-04": 1, "000-2000/2026-04": 2}


def test_a_month_in_which_nothing_is_posted_any_more_is_zero(books: Ledger, months: Months) -> None:
    books.entry("7", {"1": "000-1100"})
    books.sync()
    months.sync()
    books.source.lines["7"] = {"1": "000-2000"}
    books.sync(("7",))
    assert done(months.sync()) == {"created": 1, "updated": 1}
    assert nets(months) == {"000-1100/2026-04": 0, "000-2000/2026-04": 1}
    assert done(months.sync()) == {}
    assert done(months.sync(reconcile=True)) == {"compared": 2}


def test_limits_leave_months_out_and_what_was_written_as_it_is(books: Ledger, months: Months) -> None:
    books.entry("7", {"1": "000-1100", "2": "000-4000"})
    books.entry("8", {"2": "000-4000"}, date=MAY)
    books.sync()
    months.sync()
    months.limits = limits_of(MAY, ("000-4000..000-4999",), ())
    books.entry("9", {"4": "000-4000", "5": "000-1100"}, date=MAY)
    books.entry("10", {"8": "000-4000"})
    books.sync()
    assert done(months.sync()) == {"updated": 1}
    assert nets(months) == {"000-1100/2026-04": 1, "000-4000/2026-04": 2, "000-4000/2026-05": 6}
    months.limits = limits_of(date(2026, 4, 22), (), ())
    months.sync()
    assert nets(months)["000-1100/2026-05"] == 5


def test_a_date_within_a_month_counts_the_lines_from_then_on(books: Ledger, months: Months) -> None:
    books.entry("7", {"1": "000-1100"})
    books.entry("8", {"2": "000-1100"}, date=date(2026, 4, 22))
    books.sync()
    months.limits = limits_of(date(2026, 4, 22), (), ())
    months.sync()
    assert nets(months) == {"000-1100/2026-04": 2}


def test_months_come_once_the_category_of_their_account_is_known(books: Ledger, months: Months) -> None:
    months.limits = limits_of(None, (), ("Sales",))
    months.loaded()
    books.entry("7", {"1": "000-1100", "2": "000-4000"})
    books.sync()
    assert done(months.sync()) == {}
    books.clock.sleep(7200)
    months.know("000-1100", "Cash")
    months.know("000-4000", "Sales")
    assert done(months.sync()) == {"created": 1}
    assert nets(months) == {"000-4000/2026-04": 2}


def test_an_account_that_is_renamed_or_moved_to_another_category_is_followed(
    books: Ledger, months: Months
) -> None:
    months.know("000-1100", "Cash")
    books.entry("7", {"1": "000-1100"})
    books.sync()
    months.sync()
    books.clock.sleep(7200)
    months.know("000-1100", "Other Income", "Credit")
    assert done(months.sync()) == {"updated": 1}
    record = months.there()["000-1100/2026-04"]
    assert (record["Category"], record["Amount"]) == ("Other Income", -1)


def test_two_currencies_in_one_month_are_not_added_up(books: Ledger, months: Months) -> None:
    books.entry("7", {"1": "000-1100"}, currency="USD")
    books.entry("8", {"1": "000-1100"}, currency="EUR")
    books.entry("9", {"1": "000-4000"}, currency="EUR")
    books.sync()
    assert done(months.sync()) == {"held": 2}
    with months.database.read() as tx:
        codes = {hold.source_key: hold.code for hold in holds.find(tx, "-1", flow="account_months")}
    assert codes == {"000-1100/2026-04": "MIXED_CURRENCIES", "000-4000/2026-04": "FOREIGN_CURRENCY"}


def test_a_plan_shows_the_months_and_one_can_be_asked_for_by_its_key(books: Ledger, months: Months) -> None:
    books.entry("7", {"1": "000-1100", "2": "000-4000"})
    books.sync()
    planned = list(FlowPlan(months.work(), {}))
    assert sorted(one.plan.desired.key for one in planned if one.plan) == [
        "000-1100/2026-04", "000-4000/2026-04",
    ]  # fmt: skip
    assert done(months.sync(("000-4000/2026-04",))) == {"created": 1}
    assert list(months.there()) == ["000-4000/2026-04"]


class Died(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("answered", [False, True])
def test_a_process_that_dies_at_a_write_leaves_every_month_once(
    books: Ledger, months: Months, *, answered: bool
) -> None:
    books.entry("7", {str(n): f"000-{n:04}" for n in range(1, 151)})
    books.sync()
    write, calls = months.target.write, []

    def dying(module, batch, trigger=()):
        calls.append(module)
        if len(calls) < 2 or answered:
            results = write(module, batch, trigger)
        if len(calls) < 2:
            return results
        raise Died

    months.target.write = dying
    with pytest.raises(Died):
        months.sync()
    months.target.write = write
    assert months.sync()["state"] == "done"
    assert len(months.target.of(MODULE)) == len(months.there()) == 150


def test_a_clock_that_is_set_back_hides_no_change(books: Ledger, months: Months) -> None:
    books.entry("7", {"1": "000-1100"})
    books.sync()
    months.sync()
    books.clock.sleep(-86_400)
    with books.database.begin() as tx:
        line = Posting(
            "1", date(2026, 4, 2), "000-1100", Decimal(5), Decimal(0), "USD", True, False, *[""] * 6
        )
        postings.put(tx, "-1", {"8": [line]}, books.clock.now())
    months.sync()
    assert nets(months) == {"000-1100/2026-04": 6}


ENTRY = st.sampled_from(["E1", "E2", "E3"])
LINES_OF = st.dictionaries(
    st.sampled_from(["1", "20", "300"]), st.sampled_from(["000-1100", "000-4000"]), max_size=3
)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), ENTRY, LINES_OF, st.sampled_from([date(2026, 4, 30), MAY])),
        st.tuples(st.just("post"), ENTRY),
        st.tuples(st.just("close")),
        st.tuples(st.just("sync")),
        st.tuples(st.just("months")),
        st.tuples(st.just("die")),
    ),
    max_size=14,
)


def act(books: Ledger, months: Months, action: tuple) -> None:
    """One thing that happens; what is posted is not edited any more."""
    rows = books.source.rows["journals"]
    posted = action[0] in ("write", "post") and action[1] in rows and rows[action[1]].fields["is_posted"]
    if action[0] == "write" and not posted:
        books.entry(action[1], action[2], posted=False, date=action[3])
    elif action[0] == "post" and action[1] in rows and not posted:
        fields = rows[action[1]].fields
        books.entry(action[1], books.source.lines[action[1]], date=fields["date"])
    elif action[0] == "close":
        books.stamp()
    elif action[0] == "sync":
        assert books.sync()["state"] == "done"
    elif action[0] == "months":
        assert months.sync()["state"] == "done"
    elif action[0] == "die":
        dies_at_a_write(months)


def dies_at_a_write(months: Months) -> None:
    write = months.target.write

    def dying(module, batch, trigger=()):
        write(module, batch, trigger)
        raise Died

    months.target.write = dying
    try:
        months.sync()
    except Died:
        pass
    finally:
        months.target.write = write


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ACTIONS)
def test_the_months_in_the_target_are_the_sums_of_the_posted_lines(actions: list[tuple]) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        file = Path(folder) / "test.db"
        file.write_bytes(new_store())
        database = Database(f"sqlite:///{file}")
        try:
            books = new_ledger(database)
            books.entity, books.texts = BOOKS, []
            books.loaded()
            months = new_months(database, books.clock)
            for action in [*actions, ("sync",), ("months",)]:
                act(books, months, action)
            wanted: dict[str, Decimal] = {}
            for key, lines in books.source.lines.items():
                fields = books.source.rows["journals"][key].fields
                for line, account in lines.items() if fields["is_posted"] else ():
                    month = f"{account}/{fields['date']:%Y-%m}"
                    wanted[month] = wanted.get(month, Decimal(0)) + Decimal(line)
            assert nets(months) == wanted
            assert len(months.target.of(MODULE)) == len(wanted)
            act(books, months, ("close",))
            books.sync()
            months.sync()
            assert months.target.writes == [], "a close costs nothing"
        finally:
            database.close()
