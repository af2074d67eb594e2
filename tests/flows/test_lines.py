"""Records that consist of many parts: the lines of a journal entry, each a record of its own in the target."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from journals import ENTRIES, ENTRY, JOURNALS, LINE, LINES, Ledger, many, new_ledger

from memory import FakeClock
from ml_connector.core.errors import ConfigurationError, RecordRejectedError, RetryableError
from ml_connector.core.mapping_file import read_mapping
from ml_connector.flows import approval
from ml_connector.flows.plan import FlowPlan
from ml_connector.store import asked as wants
from ml_connector.store import cursors, holds, outcomes
from ml_connector.store.database import Database
from world import done


@pytest.fixture
def ledger(database: Database) -> Ledger:
    made = new_ledger(database)
    made.loaded()
    return made


def test_each_line_is_a_record_with_the_fields_of_its_entry(ledger: Ledger) -> None:
    ledger.entry("7", {"1": "000-1100", "2": "000-4000"})
    assert done(ledger.sync()) == {"created": 2}
    assert ledger.target.of(LINES) == [
        {"GP_Line_Key": "7:1", "Name": "Entry 7", "Account": "000-1100", "Debit": Decimal(1)},
        {"GP_Line_Key": "7:2", "Name": "Entry 7", "Account": "000-4000", "Debit": Decimal(2)},
    ]
    assert ledger.source.fetched == ["7"], "an entry is fetched once for all its lines"
    assert done(ledger.sync()) == {}
    assert ledger.source.fetched == []


def test_an_entry_and_its_lines_are_written_from_one_reading(ledger: Ledger) -> None:
    ledger.texts = [ENTRY, LINE]
    ledger.loaded()
    ledger.entry("7", many(3))
    assert done(ledger.sync()) == {"created": 4}
    assert (ledger.keys(ENTRIES), len(ledger.keys())) == (["7"], 3)
    assert ledger.source.fetched == ["7"]


def test_a_first_load_of_lines_is_planned_and_approved_line_by_line(database: Database) -> None:
    ledger = new_ledger(database)
    for number in range(30):
        ledger.entry(str(number), many(5))
    work = ledger.work(over_limit=False)
    list(FlowPlan(work, {}))
    flows = [work.flow]
    approval.approve(ledger.database, flows, approval.plan_hash(ledger.database, flows))
    ledger.entry("late", many(2))
    told = ledger.sync()
    assert done(told) == {"created": 150, "held": 2}, "what was not approved waits, line by line"
    assert len(ledger.keys()) == 150


def test_a_changed_line_is_the_only_one_written(ledger: Ledger) -> None:
    ledger.entry("7", many(3), posted=False)
    ledger.sync()
    ledger.entry("7", many(3) | {"32768": "000-9999"}, posted=False)
    assert done(ledger.sync()) == {"updated": 1, "unchanged": 2}


def test_an_entry_without_lines_makes_nothing_and_is_settled(ledger: Ledger) -> None:
    ledger.entry("7", {})
    assert done(ledger.sync()) == {"empty": 1}
    assert done(ledger.sync()) == {}
    assert ledger.source.fetched == []


def test_a_refused_line_waits_alone_and_is_released_alone(ledger: Ledger) -> None:
    ledger.texts = [
        LINE.replace('Account = "line.account"', 'Account = {from="line.account", transform="email"}')
    ]
    ledger.loaded()
    ledger.entry("7", {"1": "good@example.com", "2": "bad", "3": "worse"})
    assert done(ledger.sync()) == {"created": 1, "held": 2}
    ledger.source.lines["7"] = {"1": "good@example.com", "2": "better@example.com", "3": "worse"}
    assert done(ledger.sync(("7",))) == {"unchanged": 1, "created": 1, "held": 1}
    with ledger.database.read() as tx:
        assert [hold.part for hold in holds.find(tx, "-1")] == ["3"]


def test_an_entry_that_could_not_be_read_waits_no_longer_once_its_lines_went_through(ledger: Ledger) -> None:
    ledger.entry("7", many(2))
    ledger.source.unreadable["7"] = RecordRejectedError("GP refuses it.", code="SYSTEM_FAULT")
    assert done(ledger.sync()) == {"held": 1}
    ledger.source.unreadable.clear()
    assert done(ledger.sync(("7",))) == {"created": 2}
    with ledger.database.read() as tx:
        assert holds.find(tx, "-1") == []


@pytest.mark.parametrize("asked", [False, True])
def test_a_run_that_dies_between_two_batches_of_one_entry_does_the_rest(
    ledger: Ledger, *, asked: bool
) -> None:
    """250 lines are three calls; after the first the target is away for good."""
    ledger.entry("7", many(250))
    if asked:
        with ledger.database.begin() as tx:
            wants.put(tx, "-1", "journals", ["7"], "a test")
    write, calls = ledger.target.write, []

    def away(module, batch, trigger=()):
        calls.append(len(batch))
        if len(calls) == 2:
            raise RetryableError("It is away.", after_seconds=10_000)
        return write(module, batch, trigger)

    ledger.target.write = away
    assert ledger.sync()["state"] == "away"
    assert 0 < len(ledger.keys()) < 250
    ledger.target.write = write
    assert ledger.sync()["state"] == "done"
    assert len(ledger.keys()) == len(set(ledger.keys())) == 250


class Died(BaseException):
    """The process is gone: nobody catches it, nothing is recorded any more."""


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_process_killed_at_a_call_leaves_every_line_once(
    ledger: Ledger, nth: int, *, answered: bool
) -> None:
    """At the first, second or third call of an entry of 250 lines, before it is carried out or before its answer."""
    ledger.entry("7", many(250))
    ledger.entry("8", many(3))
    write, calls = ledger.target.write, []

    def dying(module, batch, trigger=()):
        calls.append(len(batch))
        if len(calls) < nth:
            return write(module, batch, trigger)
        if len(calls) == nth and answered:
            write(module, batch, trigger)
        raise Died

    ledger.target.write = dying
    with pytest.raises(Died):
        ledger.sync()
    ledger.target.write = write
    assert ledger.sync()["state"] == "done"
    assert len(ledger.keys()) == len(set(ledger.keys())) == 253
    ledger.target.writes.clear()
    assert done(ledger.sync()) == {}
    assert (ledger.source.fetched, ledger.target.writes) == ([], [])


def test_a_year_end_close_reads_and_writes_nothing(ledger: Ledger) -> None:
    for number in range(40):
        ledger.entry(str(number), many(3))
    assert done(ledger.sync()) == {"created": 120}
    ledger.stamp()
    moved = ledger.clock.now()
    ledger.target.writes.clear()
    told = ledger.sync()
    assert (done(told), told["counts"]["settled"]) == ({}, 40)
    assert (ledger.source.fetched, ledger.target.writes) == ([], [])
    with ledger.database.read() as tx:
        found = cursors.find(tx, "-1", "journals")
    assert found is not None
    assert found.cursor is not None
    assert found.cursor.at == moved, "the cursor moves on all the same"


def test_an_entry_that_was_read_before_it_was_posted_is_read_again(ledger: Ledger) -> None:
    ledger.entry("7", many(2), posted=False)
    ledger.sync()
    ledger.entry("7", many(2), posted=True)
    assert done(ledger.sync()) == {"unchanged": 2}
    assert ledger.source.fetched == ["7"]
    ledger.stamp()
    assert done(ledger.sync()) == {}
    assert ledger.source.fetched == []


def test_a_changed_mapping_reads_posted_entries_once_more(ledger: Ledger) -> None:
    ledger.entry("7", many(2))
    ledger.sync()
    ledger.texts = [LINE.replace('Name = "reference"', 'Name = "line.account"')]
    assert done(ledger.sync()) == {"updated": 2}
    assert done(ledger.sync()) == {}


def test_a_line_that_an_unposted_entry_lost_is_marked(ledger: Ledger) -> None:
    ledger.texts = [LINE.replace("creates = true", 'creates = true\nmarks = { former = "Gone" }')]
    ledger.loaded()
    ledger.entry("7", many(3), posted=False)
    ledger.sync()
    ledger.entry("7", many(2), posted=False)
    ledger.sync()
    assert {r["GP_Line_Key"]: r["Gone"] for r in ledger.target.of(LINES)} == {
        "7:16384": False, "7:32768": False, "7:49152": True,
    }  # fmt: skip


def test_what_a_line_waits_for_is_kept_for_the_whole_entry(ledger: Ledger) -> None:
    """A lookup to another entry's record: of many lines, in many batches, each keeps what it waits for."""
    text = LINE.replace(
        'Debit = "line.debit"', 'Of = { from = "line.account", lookup = "GP_Journal_Entries" }'
    )
    ledger.texts = [ENTRY, text]
    ledger.loaded()
    ledger.entry("A", {"1": "B", "2": "C"})
    ledger.sync()
    ledger.entry("B", {"1": ""})
    ledger.sync()
    ledger.entry("C", {"1": ""})
    ledger.sync()
    entries = {record["GP_Entry_Key"]: target_id for target_id, record in ledger.target.records.items()
               if record.get("GP_Entry_Key")}  # fmt: skip
    lines = {record["GP_Line_Key"]: record.get("Of") for record in ledger.target.of(LINES)}
    assert (lines["A:1"], lines["A:2"]) == (entries["B"], entries["C"])


def test_outcomes_of_two_readings_make_no_whole_one() -> None:
    clock = FakeClock()
    first, second = clock.now(), clock.now() + timedelta(seconds=9)
    one = outcomes.Outcome("m", "7", "written", first, first, "f", {}, "1", of_parts=2)
    assert not outcomes.is_whole([one])
    assert not outcomes.is_whole([one, replace(one, part="2", fetched_at=second)])
    assert outcomes.is_whole([one, replace(one, part="2")])
    assert outcomes.is_whole([replace(one, part="", of_parts=1)])
    assert not outcomes.is_whole([])


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ('each = "rows"', "journals do not consist of “rows”"),
        ('each = "lines", person = "reference"', "a key has one second part"),
        ("each = true", "“each” is a text"),
    ],
)
def test_a_key_of_parts_is_checked(key: str, said: str) -> None:
    text = LINE.replace('each = "lines"', key)
    with pytest.raises(ConfigurationError, match=said):
        read_mapping("test.toml", text, {"journals": JOURNALS})


def test_a_mapping_of_whole_entries_cannot_use_a_lines_field() -> None:
    text = ENTRY.replace('Name = "reference"', 'Name = "line.account"')
    with pytest.raises(ConfigurationError, match=r"“line.account” is a field of the lines of journals"):
        read_mapping("test.toml", text, {"journals": JOURNALS})
