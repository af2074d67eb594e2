"""Complete lists in spite of a silent row limit, against a GP in memory with collations that Python does not have."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Future
from datetime import date, timedelta
from itertools import pairwise
from operator import eq, gt, lt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.connectors.dynamics_gp.listing import Lister, RowLimit
from ml_connector.connectors.dynamics_gp.masters import PAYABLES, PAYABLES_TYPES
from ml_connector.connectors.dynamics_gp.schema import DAYS, NUMBERS, Level, Listing, key_of
from ml_connector.connectors.dynamics_gp.values import Tree
from ml_connector.core.errors import ConfigurationError

VENDORS = Listing("GetVendorList", "VendorSummary", (Level("Id", ("Key", "Id")),))
Order = Callable[[str], object]


def by_reversed_text(text: str) -> object:
    """An order that no sorting in Python would guess."""
    return text[::-1]


class Gp:
    """Answers restrictions in an order of its own and stops at ``limit`` rows without a word."""

    def __init__(
        self, listing: Listing, rows: list[Tree], limit: int | None, order: Order = by_reversed_text
    ):
        self.listing, self.limit, self.order = listing, limit, order
        self.rows = sorted(rows, key=lambda row: [order(key_of(level, row)) for level in listing.levels])
        self.calls = 0

    def ask(self, listing: Listing, where) -> list[Tree]:
        self.calls += 1
        paths = {level.member: level for level in listing.levels}
        found = [
            row for row in self.rows if all(self.fits(key_of(paths[m], row), r) for m, r in where.items())
        ]
        return found[: self.limit]

    def fits(self, value: str, restriction) -> bool:
        place = self.order(value)
        return (
            ("EqualValue" not in restriction or place == self.order(restriction["EqualValue"]))
            and ("GreaterThan" not in restriction or place > self.order(restriction["GreaterThan"]))
            and ("LessThan" not in restriction or place < self.order(restriction["LessThan"]))
        )


def vendor(name: str) -> Tree:
    return {"Key": {"Id": name}}


def document(vendor_id: str, number: str, kind: str = "Invoice") -> Tree:
    return {"Key": {"Id": number}, "VendorKey": {"Id": vendor_id}, "Type": kind}


def pages(gp: Gp) -> list[list[Tree]]:
    limit, after, found = RowLimit(), None, []
    while True:
        rows, after = Lister(gp.listing, gp.ask, limit).page(after)
        found.append(rows)
        if after is None:
            return found


def names(count: int) -> list[str]:
    chance = random.Random(7)
    return [f"{chance.choice('AaBb-_')}{number:05}" for number in range(count)]


@pytest.mark.parametrize(
    ("limit", "count"), [(1, 40), (7, 500), (500, 3000), (1000, 3000), (1001, 3000), (None, 3000)]
)
def test_every_row_is_in_exactly_one_page(limit, count):
    gp = Gp(VENDORS, [vendor(name) for name in names(count)], limit)
    found = pages(gp)
    assert sorted(key_of(VENDORS.levels[0], row) for page in found for row in page) == sorted(names(count))
    assert max(map(len, found)) <= (limit or count)
    assert gp.calls <= 2 * len(found) + 2, "about two lists a page"


@pytest.mark.parametrize("count", [0, 1, 2, 6, 7, 8, 14, 15])
def test_a_list_as_long_as_the_limit_is_not_mistaken(count):
    gp = Gp(VENDORS, [vendor(name) for name in names(count)], 7)
    assert sum(map(len, pages(gp))) == count


def test_an_answer_of_nothing_needs_no_second_question():
    gp = Gp(VENDORS, [], 1000)
    assert pages(gp) == [[]]
    assert gp.calls == 1


def test_rows_in_no_order_are_all_found():
    gp = Gp(VENDORS, [vendor(name) for name in names(300)], 20)
    random.Random(3).shuffle(gp.rows)
    found = [key_of(VENDORS.levels[0], row) for page in pages(gp) for row in page]
    assert sorted(found) == sorted(names(300))


def test_rows_in_falling_order_are_all_found():
    gp = Gp(VENDORS, [vendor(name) for name in names(300)], 5)
    gp.rows.reverse()
    found = [key_of(VENDORS.levels[0], row) for page in pages(gp) for row in page]
    assert sorted(found) == sorted(names(300))


@pytest.mark.parametrize("limit", [1, 2, 7, 50, None])
def test_the_documents_of_a_vendor_stay_together(limit):
    chance = random.Random(5)
    rows = [
        document(vendor_id, f"{number:04}", kind)
        for vendor_id in names(12)
        for number in range(chance.randrange(6))
        for kind in chance.sample(PAYABLES_TYPES, chance.randrange(1, 4))
    ]
    gp = Gp(PAYABLES, rows, limit)
    found = pages(gp)
    everything = [row for page in found for row in page]
    assert len(everything) == len(rows)
    assert all(row in everything for row in rows)
    vendors = [{key_of(PAYABLES.levels[0], row) for row in page} for page in found]
    assert all(not (one & other) for one, other in pairwise(vendors))


def test_one_vendor_with_more_documents_than_the_limit():
    rows = [document("ONLY", f"{number:04}") for number in range(100)]
    found = pages(Gp(PAYABLES, rows, 9))
    assert [len(page) for page in found if page] == [100]


def misbehaving(change: Callable[[list[Tree], dict], list[Tree]]) -> Gp:
    gp = Gp(VENDORS, [vendor(name) for name in names(50)], 10)
    honest = gp.ask
    gp.ask = lambda listing, where: change(honest(listing, where), where)
    return gp


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda rows, where: rows + [vendor(r) for w in where.values() for r in w.values()],
            "only rows before or behind",
        ),
        (lambda rows, where: rows + rows[:1], "the same row twice"),
    ],
)
def test_rows_outside_what_was_asked_end_the_listing(change, said):
    with pytest.raises(ConfigurationError, match=said):
        pages(misbehaving(change))


def test_rows_of_another_record_end_the_listing():
    gp = Gp(PAYABLES, [document(name, "1") for name in names(30)], 10)
    lister = Lister(PAYABLES, lambda listing, where: gp.rows[:3], RowLimit())
    with pytest.raises(ConfigurationError, match="though only that was asked for"):
        lister.at("A00001")


def test_a_limit_that_was_raised_while_listing_is_learned_again():
    gp = Gp(VENDORS, [vendor(name) for name in names(100)], 10)
    limit = RowLimit()
    rows, after = Lister(VENDORS, gp.ask, limit).page(None)
    gp.limit = 25
    while after is not None:
        more, after = Lister(VENDORS, gp.ask, limit).page(after)
        rows = rows + more
    assert len(rows) == 100


def marked_pages(gp: Gp, marks: list[str]) -> list[list[str]]:
    """The keys of each page, read by one reader that has marks and asks ahead."""

    def begin(listing: Listing, where) -> Future[list[Tree]]:
        begun: Future[list[Tree]] = Future()
        begun.set_result(gp.ask(listing, where))
        return begun

    lister, after, found = Lister(gp.listing, gp.ask, RowLimit(), {}, begin, tuple(marks)), None, []
    while True:
        rows, after = lister.page(after)
        found.append([key_of(gp.listing.levels[0], row) for row in rows])
        if after is None:
            return found


@pytest.mark.parametrize(("limit", "count"), [(7, 500), (500, 3000), (1000, 3000)])
def test_marks_of_another_listing_save_the_second_question(limit, count):
    gp = Gp(VENDORS, [vendor(name) for name in names(count)], limit)
    ordered = [key_of(VENDORS.levels[0], row) for row in gp.rows]
    found = marked_pages(gp, ordered[limit - 1 :: limit])
    assert sorted(key for page in found for key in page) == sorted(ordered)
    assert (
        gp.calls <= 2 * (count // limit) + 4
    )  # a range and its mark for each page, where it took two whole lists


@pytest.mark.parametrize("marks", [["nobody"], ["A00000", "A00000"], names(3000)[::7], names(3000)[-3:]])
def test_marks_that_mean_nothing_lose_nothing(marks):
    """Unknown, doubled, in any order: every row still comes, for each range is complete by itself."""
    gp = Gp(VENDORS, [vendor(name) for name in names(3000)], 500)
    marks = sorted(set(marks), key=gp.order)
    found = [key for page in marked_pages(gp, marks) for key in page]
    assert set(found) == set(names(3000))
    assert len(found) == len(set(found))


# ---- levels whose order is ours: the journal entries


STATES = ("Open", "History")
ENTRIES = Listing(
    "GetGLTransactionList",
    "GLTransactionSummary",
    (
        Level("Date", ("Key", "Date"), order=DAYS),
        Level("JournalId", ("Key", "JournalId")),
        Level("TransactionState", ("TransactionState",), STATES),
        Level(
            "RecurringTransactionSequence",
            ("Key", "RecurringTransactionSequence"),
            order=NUMBERS,
            missing="0",
        ),
    ),
)


def entry(day: date, journal: int, state: str = "Open", sequence: int = 0) -> Tree:
    key: Tree = {"JournalId": str(journal), "Date": f"{day}T00:00:00"}
    if sequence:
        key["RecurringTransactionSequence"] = str(sequence)
    return {"Key": key, "TransactionState": state}


class Ledger(Gp):
    """Entries; journal ids are compared as numbers or as texts, and listed in the order that is asked for."""

    def __init__(
        self, rows: list[Tree], limit: int | None, listed: str = "journals", *, numbers: bool = False
    ):
        super().__init__(ENTRIES, rows, limit)
        self.numbers = numbers
        orders = {
            "journals": lambda row: int(row["Key"]["JournalId"]),
            "days": lambda row: row["Key"]["Date"],
            "days backward": lambda row: [-ord(c) for c in row["Key"]["Date"]],
        }
        if listed == "any":
            random.Random(5).shuffle(self.rows)
        else:
            self.rows.sort(key=orders[listed])

    def ask(self, listing: Listing, where) -> list[Tree]:
        self.calls += 1
        levels = {level.member: level for level in listing.levels}
        ranks = {
            "Date": DAYS.rank,
            "JournalId": int if self.numbers else str,
            "TransactionState": str,
            "RecurringTransactionSequence": int,
        }
        found = self.rows
        for member, restriction in where.items():
            rank = ranks[member]
            for name, bound in restriction.items():
                compare = {"EqualValue": eq, "GreaterThan": gt, "LessThan": lt}[name]
                found = [row for row in found if compare(rank(key_of(levels[member], row)), rank(bound))]
        return found[: self.limit]


def history(count: int, seed: int = 3) -> list[Tree]:
    """Days of one, many at the end of a month, some journals on two days, some posted again, some in two states."""
    chance, rows = random.Random(seed), []
    for journal in range(count):
        day = date(2025, 1, 1) + timedelta(days=journal * 500 // count)
        if chance.random() < 0.3:
            day = day.replace(day=28)
        rows.append(entry(day, journal + 90))
        if chance.random() < 0.05:
            rows.append(entry(day + timedelta(days=1), journal + 90))
        if chance.random() < 0.05:
            rows.append(entry(day, journal + 90, sequence=2))
        if chance.random() < 0.02:
            rows.append(entry(day, journal + 90, "History"))
    return rows


def ledger_pages(gp: Gp) -> list[list[Tree]]:
    """Read by one reader, as the source does; after the third page by a new one, as after a restart."""
    lister, after, found = Lister(gp.listing, gp.ask, RowLimit()), None, []
    while True:
        rows, after = lister.page(after)
        found.append(rows)
        if after is None:
            return found
        if len(found) == 3:
            lister = Lister(gp.listing, gp.ask, lister.limit)


def told(rows: list[Tree]) -> list[tuple[str, ...]]:
    return sorted(tuple(key_of(level, row) for level in ENTRIES.levels) for row in rows)


@pytest.mark.parametrize("listed", ["journals", "days", "days backward", "any"])
@pytest.mark.parametrize(
    ("limit", "count"), [(1, 30), (7, 400), (500, 3000), (1000, 3000), (1001, 3000), (None, 3000)]
)
def test_every_entry_is_in_exactly_one_page_of_days(limit, count, listed):
    rows = history(count)
    gp = Ledger(rows, limit, listed, numbers=count % 100 == 0)
    found = ledger_pages(gp)
    assert told([row for page in found for row in page]) == told(rows)
    days = [{row["Key"]["Date"] for row in page} for page in found]
    assert all(max(one) < min(other) for one, other in pairwise(filter(None, days)))
    if limit and limit >= 500 and listed in ("journals", "days"):
        assert gp.calls <= 2.5 * len(rows) / limit + 6, "about two lists a page"


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize(("limit", "count"), [(1, 25), (7, 300), (500, 2400), (1000, 2400), (1001, 2400)])
def test_all_entries_on_one_day(limit, count, numbers):
    """The day cannot be split; the journal ids are, in the order that only GP knows."""
    rows = [entry(date(2026, 12, 31), journal, sequence=journal % 3) for journal in range(1, count + 1)]
    rows += [entry(date(2026, 12, 31), 5, "History"), entry(date(2026, 12, 31), 5, "Open", 7)]
    gp = Ledger(rows, limit, numbers=numbers)
    found = ledger_pages(gp)
    assert told([row for page in found for row in page]) == told(rows)
    if limit >= 500:
        assert gp.calls <= 15 * len(rows) / limit + 6


@pytest.mark.parametrize("count", [0, 1, 2, 6, 7, 8, 14, 15])
@pytest.mark.parametrize("days", [1, 2, 30])
def test_entries_as_many_as_the_limit_are_not_mistaken(count, days):
    rows = [entry(date(2026, 1, 1) + timedelta(days=n % days), n) for n in range(count)]
    assert told([row for page in ledger_pages(Ledger(rows, 7)) for row in page]) == told(rows)


@settings(max_examples=120, deadline=None)
@given(
    drawn=st.lists(
        st.tuples(st.integers(0, 6), st.integers(1, 40), st.sampled_from(STATES), st.integers(0, 2)),
        unique=True,
    ),
    limit=st.integers(1, 9),
    listed=st.sampled_from(["journals", "days", "days backward", "any"]),
)
def test_any_entries_at_any_limit_in_any_order(drawn, limit, listed):
    rows = [entry(date(2026, 2, 26) + timedelta(days=d), j, state, n) for d, j, state, n in drawn]
    assert told([row for page in ledger_pages(Ledger(rows, limit, listed)) for row in page]) == told(rows)


def test_a_page_that_is_asked_for_again_lacks_nothing():
    """A step of a run is done twice when its answer was lost."""
    lister = Lister(ENTRIES, Ledger(history(900), 100).ask, RowLimit())
    after = lister.page(None)[1]
    rows, further = lister.page(after)
    again, _ = lister.page(after)
    assert set(told(rows)) <= set(told(again))
    assert further is not None


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (-400, "that are not between"),
        (0, "only rows before or behind"),
        (None, "where a day or a whole number belongs"),
    ],
)
def test_entries_of_other_days_end_the_listing(days, said):
    gp = Ledger(history(200), 20)
    honest = gp.ask

    def dishonest(listing, where):
        bound = where.get("Date", {}).get("GreaterThan")
        if not bound:
            return honest(listing, where)
        moved = "never" if days is None else date.fromisoformat(bound[:10]) + timedelta(days=days)
        return [*honest(listing, where)[:-1], entry(moved, 1)]

    gp.ask = dishonest
    with pytest.raises(ConfigurationError, match=said):
        ledger_pages(gp)


def test_a_restriction_of_the_whole_listing_stays_beside_that_of_a_range():
    asked = []
    lister = Lister(
        ENTRIES, lambda _listing, where: asked.append(where) or [], RowLimit(), {"Date": {"GreaterThan": "A"}}
    )
    lister.between(None, "2026-01-01T00:00:00")
    assert asked == [{"Date": {"GreaterThan": "A", "LessThan": "2026-01-01T00:00:00"}}]
