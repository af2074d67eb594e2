"""Postings: what is read of journal entries is kept, whatever of them goes to the target; and limits of lines."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from journals import APRIL, BOOKS, LINE, LINES, Ledger, Lines, many, new_ledger

from ml_connector.core.audit import AuditAction
from ml_connector.core.catalogue import POSTING_UNREADABLE
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.flow import CARRIED
from ml_connector.core.line_limits import LineLimits, limits_of
from ml_connector.core.record import Reading, digest
from ml_connector.flows import approval, decide
from ml_connector.flows.decide import Decider
from ml_connector.flows.plan import FlowPlan
from ml_connector.store import asked, audit, awaited, holds, postings, readings
from ml_connector.store.database import Database
from world import done

TWO: Lines = {"1": "000-1100", "2": "000-4000"}
BY_CATEGORY = limits_of(None, (), ("Sales",))


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Past the first load."""
    made = new_ledger(database)
    made.entity = BOOKS
    made.loaded()
    return made


@pytest.fixture
def books(ledger: Ledger) -> Ledger:
    """Nothing goes to the target."""
    ledger.texts = []
    ledger.loaded()
    return ledger


def kept(ledger: Ledger, key: str = "7") -> list[tuple[str, str, Decimal, bool]]:
    with ledger.database.read() as tx:
        found = postings.of_entry(tx, "-1", key)
    return [(one.line, one.account, one.debit, one.is_posted) for one in found]


def limit(ledger: Ledger, limits: LineLimits) -> None:
    ledger.limits = limits
    ledger.loaded()


def know(ledger: Ledger, account: str, category: str) -> None:
    """What the flow of accounts keeps of one."""
    fields = {"category": category}
    with ledger.database.begin() as tx:
        reading = Reading(account, CARRIED, fields, digest(fields))
        readings.put(tx, "-1", "gl_accounts", [reading], ledger.clock.now(), settled=True)


# ---- beside the lines


def test_the_lines_that_are_written_are_kept_as_postings(ledger: Ledger) -> None:
    ledger.entry("7", TWO)
    assert done(ledger.sync()) == {"created": 2}
    assert kept(ledger) == [("1", "000-1100", 1, True), ("2", "000-4000", 2, True)]
    assert done(ledger.sync()) == {}
    assert ledger.source.fetched == []


def test_an_entry_that_changes_before_it_is_posted_is_replaced(ledger: Ledger) -> None:
    ledger.entry("7", TWO, posted=False)
    ledger.sync()
    ledger.entry("7", {"2": "000-4000", "3": "000-5000"}, posted=False)
    ledger.sync()
    assert kept(ledger) == [("2", "000-4000", 2, False), ("3", "000-5000", 3, False)]
    ledger.entry("7", {"2": "000-4000", "3": "000-5000"})
    ledger.sync()
    assert kept(ledger) == [("2", "000-4000", 2, True), ("3", "000-5000", 3, True)]


@pytest.mark.parametrize("posted", [False, True])
@pytest.mark.parametrize("texts", [[], [LINE]])
def test_of_an_entry_that_vanished_only_what_was_posted_stays(
    ledger: Ledger, texts: list[str], *, posted: bool
) -> None:
    ledger.texts = texts
    ledger.entry("7", TWO, posted=posted)
    ledger.entry("8", TWO)
    ledger.sync()
    del ledger.source.rows["journals"]["7"]
    assert done(ledger.sync(reconcile=True))["absent"] == 1
    assert len(kept(ledger)) == (2 if posted else 0)
    assert len(kept(ledger, "8")) == 2
    ledger.entry("7", TWO, posted=posted)
    ledger.sync()
    assert len(kept(ledger)) == 2, "it is there again"


def test_lines_written_by_an_earlier_version_are_read_once_for_their_postings(ledger: Ledger) -> None:
    ledger.entity = BOOKS.__class__(
        BOOKS.name, BOOKS.fields, key=BOOKS.key, each=BOOKS.each, final=BOOKS.final
    )
    ledger.loaded()
    ledger.entry("7", TWO)
    ledger.sync()
    assert kept(ledger) == []
    ledger.entity = BOOKS
    assert done(ledger.sync()) == {"unchanged": 2}
    assert len(kept(ledger)) == 2
    ledger.stamp()
    assert done(ledger.sync()) == {}
    assert ledger.source.fetched == []


def test_an_entry_that_cannot_be_kept_waits_and_the_others_go_on(ledger: Ledger) -> None:
    ledger.entry("7", TWO, date=None)
    ledger.entry("8", TWO)
    assert done(ledger.sync()) == {"created": 2, "held": 1}
    with ledger.database.read() as tx:
        (hold,) = holds.find(tx, "-1")
    assert (hold.code, hold.source_key) == (POSTING_UNREADABLE, "7")
    ledger.source.rows["journals"]["7"].fields["date"] = APRIL
    assert done(ledger.sync(("7",))) == {"created": 2}
    with ledger.database.read() as tx:
        assert holds.find(tx, "-1") == []


class Died(BaseException):
    """The process is gone: nobody catches it, nothing is recorded any more."""


@pytest.mark.parametrize("answered", [False, True])
def test_a_process_that_dies_between_keeping_and_recording_keeps_every_posting_once(
    ledger: Ledger, *, answered: bool
) -> None:
    ledger.entry("7", many(150))
    write = ledger.target.write

    def dying(module, batch, trigger=()):
        if answered:
            write(module, batch, trigger)
        raise Died

    ledger.target.write = dying
    with pytest.raises(Died):
        ledger.sync()
    assert len(kept(ledger)) == 150, "kept before anything is sent"
    ledger.target.write = write
    assert ledger.sync()["state"] == "done"
    assert ledger.source.fetched == ["7"], "and not settled by that"
    assert len(kept(ledger)) == len(ledger.keys()) == 150


# ---- without mappings


def test_without_mappings_the_postings_are_kept_and_nothing_is_written(books: Ledger) -> None:
    for number in range(250):
        books.entry(str(number), TWO)
    assert done(books.sync()) == {"kept": 250}
    assert kept(books, "249") == [("1", "000-1100", 1, True), ("2", "000-4000", 2, True)]
    assert (books.target.writes, books.target.queries) == ([], 0)
    assert done(books.sync()) == {}
    books.stamp()
    told = books.sync()
    assert (done(told), told["counts"]["settled"]) == ({}, 250)
    assert books.source.fetched == []


def test_without_mappings_nothing_is_planned_nor_waits_for_approval(database: Database) -> None:
    books = new_ledger(database)
    books.entity, books.texts = BOOKS, []
    books.entry("7", TWO)
    work = books.work(over_limit=False)
    assert list(FlowPlan(work, {})) == []
    assert books.source.fetched == []
    assert approval.unapproved(database, [work.flow]) == []
    assert done(books.sync()) == {"kept": 1}
    books.texts = [LINE]
    flow = books.work().flow
    assert approval.unapproved(database, [flow]) == ["journals"], "its first record is still to be approved"
    work = books.work(over_limit=False)
    list(FlowPlan(work, {}))
    approval.approve(database, [flow], approval.plan_hash(database, [flow]))
    assert approval.unapproved(database, [flow]) == []
    assert done(books.sync()) == {"created": 2}


def test_without_mappings_what_was_refused_waits_and_is_released(books: Ledger) -> None:
    books.source.unreadable["7"] = RecordRejectedError("GP refuses it.", code="SYSTEM_FAULT")
    books.entry("7", TWO)
    books.entry("8", TWO)
    assert done(books.sync()) == {"kept": 1, "held": 1}
    with books.database.read() as tx:
        assert [hold.source_key for hold in holds.find(tx, "-1")] == ["7"]
    assert done(books.sync()) == {}, "settled as refused"
    books.source.unreadable.clear()
    assert done(books.sync(("7",))) == {"kept": 1}
    with books.database.read() as tx:
        assert holds.find(tx, "-1") == []
        assert [row["action"] for row in audit.of_key(tx, "-1", "7")] == [
            AuditAction.HELD,
            AuditAction.RELEASED,
        ]
    assert len(kept(books)) == 2


def test_without_mappings_a_hold_can_be_discarded(books: Ledger) -> None:
    books.source.unreadable["7"] = RecordRejectedError("GP refuses it.", code="SYSTEM_FAULT")
    books.entry("7", TWO)
    books.sync()
    assert len(decide.discard(books.work(), "7", Decider("test", "it is none"))) == 1
    with books.database.read() as tx:
        assert holds.find(tx, "-1") == []


def test_without_mappings_what_is_asked_for_is_read_once(books: Ledger) -> None:
    books.entry("7", TWO)
    books.sync()
    with books.database.begin() as tx:
        asked.put(tx, "-1", "journals", ["7"], "a test")
    assert done(books.sync()) == {"kept": 1}
    assert done(books.sync()) == {}


def test_without_mappings_keys_are_compared_all_the_same(books: Ledger) -> None:
    books.entry("7", TWO, posted=False)
    books.sync()
    books.source.put("7", "journals", at=books.source.rows["journals"]["7"].at.replace(year=2025))
    told = done(books.sync(reconcile=True))
    assert (told["compared"], told["missed"], told["kept"]) == (1, 1, 1)


# ---- limits


def test_entries_before_the_date_are_not_read(ledger: Ledger) -> None:
    limit(ledger, limits_of(date(2026, 4, 1), (), ()))
    ledger.entry("old", TWO, date=date(2026, 3, 31))
    ledger.entry("new", TWO, date=date(2026, 4, 1))
    assert done(ledger.sync()) == {"created": 2}
    assert ledger.source.fetched == ["new"]
    assert ledger.keys() == ["new:1", "new:2"]
    assert done(ledger.sync(full=True)) == {"unchanged": 2}
    assert done(ledger.sync(reconcile=True)) == {"compared": 1}
    assert ledger.source.fetched == []


@pytest.mark.parametrize("texts", [[], [LINE]])
def test_an_earlier_date_brings_what_is_between_and_a_later_one_leaves_it(
    ledger: Ledger, texts: list[str]
) -> None:
    ledger.texts = texts
    limit(ledger, limits_of(date(2026, 4, 1), (), ()))
    ledger.entry("march", TWO, date=date(2026, 3, 31))
    ledger.entry("april", TWO)
    ledger.sync()
    ledger.limits = limits_of(date(2026, 3, 1), (), ())
    ledger.sync()
    assert (len(kept(ledger, "march")), len(kept(ledger, "april"))) == (2, 2)
    assert len(ledger.keys()) == (4 if texts else 0)
    ledger.limits = limits_of(date(2026, 4, 1), (), ())
    ledger.target.writes.clear()
    ledger.sync()
    assert ledger.target.writes == []
    assert len(ledger.keys()) == (4 if texts else 0)


def test_an_old_entry_that_is_asked_for_is_kept_and_not_written(ledger: Ledger) -> None:
    limit(ledger, limits_of(date(2026, 4, 1), (), ()))
    ledger.entry("old", TWO, date=date(2026, 3, 31))
    assert done(ledger.sync(("old",))) == {"empty": 1}
    assert (ledger.keys(), len(kept(ledger, "old"))) == ([], 2)
    ledger.limits = limits_of(date(2026, 3, 1), (), ())
    assert done(ledger.sync()) == {"created": 2}


def test_only_lines_within_the_accounts_are_written_and_all_are_kept(ledger: Ledger) -> None:
    limit(ledger, limits_of(None, ("000-4000..000-4999",), ()))
    ledger.entry("7", {"1": "000-1100", "2": "000-4000", "3": "000-4999", "4": "000-5000"})
    ledger.entry("8", {"1": "000-1100"})
    assert done(ledger.sync()) == {"created": 2, "empty": 1}
    assert ledger.keys() == ["7:2", "7:3"]
    assert (len(kept(ledger, "7")), len(kept(ledger, "8"))) == (4, 1)
    assert done(ledger.sync()) == {}
    assert ledger.source.fetched == []


def test_what_is_outside_now_and_was_written_stays_as_it_is(ledger: Ledger) -> None:
    ledger.texts = [LINE.replace("creates = true", 'creates = true\nmarks = { former = "Gone" }')]
    ledger.loaded()
    ledger.entry("7", TWO)
    ledger.entry("8", {"1": "000-1100"})
    assert done(ledger.sync()) == {"created": 3}
    ledger.limits = limits_of(None, ("000-4000..000-4999", "000-6000"), ())
    ledger.entry("9", {"5": "000-6000"})
    ledger.target.writes.clear()
    assert done(ledger.sync()) == {"created": 1, "unchanged": 1, "empty": 1}
    assert sorted(ledger.source.fetched) == ["7", "8", "9"], "a changed limit looks at everything again"
    assert [fields["GP_Line_Key"] for _, fields in ledger.target.writes] == ["9:5"]
    assert {str(r["GP_Line_Key"]): r["Gone"] for r in ledger.target.of(LINES)} == dict.fromkeys(
        ("7:1", "7:2", "8:1", "9:5"), False
    )
    ledger.limits = limits_of(None, ("000-1100",), ())
    ledger.entry("9", {"5": "000-6000"})
    ledger.target.writes.clear()
    ledger.sync()
    assert ledger.target.writes == [], "and comes in again without a write"


@pytest.mark.parametrize("texts", [[], [LINE]])
def test_what_closing_a_year_posts_is_neither_kept_nor_written(ledger: Ledger, texts: list[str]) -> None:
    ledger.texts = texts
    limit(ledger, limits_of(None, (), (), ("BBF", "P/L")))
    ledger.entry("7", TWO)
    ledger.entry("8", TWO, source_document="BBF")
    ledger.sync()
    assert (len(kept(ledger)), kept(ledger, "8")) == (2, [])
    assert ledger.keys() == (["7:1", "7:2"] if texts else [])
    assert done(ledger.sync()) == {}
    ledger.limits = limits_of(None, (), (), ())
    ledger.sync()
    assert len(kept(ledger, "8")) == 2, "the setting is changed: it is looked at again"
    assert len(ledger.keys()) == (4 if texts else 0)


def test_lines_wait_quietly_for_the_category_of_their_account(ledger: Ledger) -> None:
    limit(ledger, BY_CATEGORY)
    know(ledger, "000-1100", "Cash")
    ledger.entry("7", TWO)
    ledger.entry("8", {"1": "000-1100"})
    assert done(ledger.sync()) == {"empty": 2}
    assert done(ledger.sync()) == {}
    assert ledger.source.fetched == [], "nobody reads it again for nothing"
    with ledger.database.read() as tx:
        assert holds.find(tx, "-1") == []
        assert awaited.ready(tx, "-1", "journals") == []
    know(ledger, "000-4000", "Sales")
    assert done(ledger.sync()) == {"created": 1}
    assert (ledger.keys(), ledger.source.fetched) == (["7:2"], ["7"])
    assert done(ledger.sync()) == {}
    assert ledger.source.fetched == []


def test_lines_of_known_accounts_do_not_wait_for_the_others(ledger: Ledger) -> None:
    limit(ledger, BY_CATEGORY)
    know(ledger, "000-4000", "sales")
    ledger.entry("7", {**TWO, "3": "000-4001"})
    assert done(ledger.sync()) == {"created": 1}
    know(ledger, "000-1100", "Cash")
    assert done(ledger.sync()) == {"unchanged": 1}
    know(ledger, "000-4001", "Sales")
    assert done(ledger.sync()) == {"created": 1, "unchanged": 1}
    assert ledger.keys() == ["7:2", "7:3"]
    assert done(ledger.sync()) == {}
    assert ledger.source.fetched == []
