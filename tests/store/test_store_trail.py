"""The trail as a whole: what the checkpoints show that the chain alone cannot, and rows that are too old."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ml_connector.core.audit import AuditAction, Checkpoint
from ml_connector.core.errors import ConfigurationError
from ml_connector.store.audit import AuditRow, append
from ml_connector.store.checkpoints import CheckpointFile
from ml_connector.store.database import Database
from ml_connector.store.tables import audit
from ml_connector.store.trail import Trail
from ml_connector.store.verification import How

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
YEAR = timedelta(days=365)


class HandClock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here sleeps")


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def trail(database, tmp_path, clock):
    return Trail(database, CheckpointFile(tmp_path / "audit.checkpoints"), clock)


def row(number: int, at: datetime = NOON) -> AuditRow:
    return AuditRow(
        "-1", "customers", "run-1", "accounts", f"Key{number}", "customers", "Accounts", str(700 + number),
        AuditAction.CREATED, at, at,
    )  # fmt: skip


def tell(trail: Trail, *numbers: int, at: datetime | None = None) -> None:
    with trail.database.begin() as tx:
        append(tx, [row(number, at or trail.clock.now()) for number in numbers])


def seqs(trail: Trail) -> list[int]:
    with trail.database.read() as tx:
        return list(tx.execute(sa.select(audit.c.seq).order_by(audit.c.seq)).scalars())


def change(trail: Trail, statement: sa.Executable) -> None:
    with trail.database.begin() as tx:
        tx.execute(statement)


def hows(trail: Trail) -> list[How]:
    return [fault.how for fault in trail.verify().faults]


def lines(trail: Trail) -> list[Checkpoint | None]:
    return list(trail.file.lines())


# -- checkpoints


def test_a_checkpoint_says_how_the_trail_ends_and_is_written_once(trail):
    trail.checkpoint()
    assert not trail.file.path.exists()  # there is nothing to guard yet
    tell(trail, 1, 2)
    trail.checkpoint()
    trail.checkpoint()
    tell(trail, 3)
    trail.checkpoint()
    assert [line.seq for line in lines(trail)] == [seqs(trail)[1], seqs(trail)[2]]
    assert trail.file.path.stat().st_mode & 0o777 == 0o600
    found = trail.verify()
    assert (found.ok, found.rows, found.guarded_to) == (True, 3, lines(trail)[-1])


def test_while_a_run_goes_on_a_checkpoint_is_due_now_and_then(trail, clock):
    for minute in range(46):
        clock.at = NOON + timedelta(minutes=minute)
        tell(trail, minute)
        trail.checkpoint_when_due()
    assert [line.at.minute for line in lines(trail)] == [0, 15, 30, 45]


def test_rows_cut_off_at_the_end_are_seen_up_to_the_last_checkpoint(trail):
    tell(trail, 1, 2, 3)
    trail.checkpoint()
    tell(trail, 4)
    *_, third, fourth = seqs(trail)
    change(trail, sa.delete(audit).where(audit.c.seq == fourth))
    assert trail.verify().ok  # beyond the checkpoint: nobody can tell, and verify says up to where it can
    assert trail.verify().guarded_to.seq == third
    change(trail, sa.delete(audit).where(audit.c.seq == third))
    [fault] = trail.verify().faults
    assert (fault.how, fault.seq, fault.by) == (How.CUT_OFF, third, lines(trail)[0])


def test_a_trail_that_was_emptied_is_seen(trail):
    tell(trail, 1)
    trail.checkpoint()
    change(trail, sa.delete(audit))
    assert hows(trail) == [How.CUT_OFF]


def test_a_trail_that_was_chained_anew_is_seen(trail):
    """Whoever writes all rows from one on anew leaves a whole chain, and cannot change the file."""
    tell(trail, 1)
    trail.checkpoint()
    tell(trail, 2, 3)
    trail.checkpoint()
    first, second, third = seqs(trail)
    change(trail, sa.delete(audit).where(audit.c.seq > first))
    with trail.database.begin() as tx:
        append(tx, [row(7), row(8), row(9)])
        for new, old in zip(seqs_in(tx)[1:], (second, third, third + 1), strict=True):
            tx.execute(sa.update(audit).where(audit.c.seq == new).values(seq=old))
    found = trail.verify()
    assert (found.rows, [fault.how for fault in found.faults]) == (4, [How.REWRITTEN])
    assert (found.faults[0].seq, found.guarded_to.seq) == (third, first)


def seqs_in(tx) -> list[int]:
    return list(tx.execute(sa.select(audit.c.seq).order_by(audit.c.seq)).scalars())


def test_a_line_that_a_crash_broke_off_spoils_no_other(trail):
    tell(trail, 1)
    trail.checkpoint()
    with trail.file.path.open("a") as file:
        file.write('{"seq": 2, "ha')
    tell(trail, 2)
    trail.checkpoint()
    found = trail.verify()
    assert (found.ok, found.unreadable, found.guarded_to.seq) == (True, 1, seqs(trail)[-1])


def test_many_checkpoints_are_compared(trail):
    tell(trail, *range(2500))
    with trail.database.read() as tx:
        hashes = tx.execute(sa.select(audit.c.seq, audit.c.hash).order_by(audit.c.seq)).all()
    trail.file.path.write_text("".join(f"{Checkpoint(*one, NOON).line()}\n" for one in hashes))
    assert trail.verify().guarded_to.seq == hashes[-1].seq
    change(trail, sa.delete(audit).where(audit.c.seq > hashes[2400].seq))
    assert trail.verify().faults[0].seq == hashes[2401].seq


def test_a_file_that_cannot_be_written_is_a_sentence(trail, tmp_path):
    tell(trail, 1)
    elsewhere = Trail(trail.database, CheckpointFile(tmp_path / "no" / "such" / "folder"), trail.clock)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        elsewhere.checkpoint()
    assert elsewhere.verify().guarded_to is None


class BusyFile(CheckpointFile):
    """Another process goes on with the trail whenever its lines are read."""

    busy: Trail | None = None

    def lines(self):
        yield from list(super().lines())
        if self.busy:
            tell(self.busy, len(seqs(self.busy)) + 1)
            self.busy.checkpoint()


def test_a_trail_that_others_go_on_with_meanwhile_is_whole(trail):
    tell(trail, 1)
    trail.checkpoint()
    file = BusyFile(trail.file.path)
    file.busy = trail
    assert trail.verify(file).ok
    assert len(lines(trail)) > 2
    assert trail.verify().ok


# -- an earlier copy of the database


def give_up_the_end(trail: Trail, kept: int) -> None:
    """As if a copy of the database was put back that has only so many rows."""
    change(trail, sa.delete(audit).where(audit.c.seq > seqs(trail)[kept - 1]))


def test_after_an_earlier_copy_was_put_back_the_trail_goes_on(trail):
    tell(trail, 1)
    trail.checkpoint()
    tell(trail, 2, 3)
    trail.checkpoint()
    give_up_the_end(trail, 2)
    assert hows(trail) == [How.CUT_OFF]
    since = trail.restored("yesterday's copy", "sally@desk")
    assert since.seq == seqs(trail)[0]  # the last that file and trail agree on
    assert trail.verify().ok
    tell(trail, 4)
    trail.checkpoint()
    assert (trail.verify().ok, trail.verify().guarded_to.seq) == (True, seqs(trail)[-1])
    with trail.database.read() as tx:
        told = tx.execute(sa.select(audit).where(audit.c.action == "audit:restored")).mappings().one()
    assert (told["reason"], told["actor"]) == ("yesterday's copy", "sally@desk")
    change(trail, sa.delete(audit).where(audit.c.seq == seqs(trail)[-1]))
    assert hows(trail) == [How.CUT_OFF]  # from then on it is guarded as before


def test_runs_that_went_on_from_an_earlier_copy_are_no_trouble_for_who_tells_it_later(trail):
    tell(trail, 1)
    trail.checkpoint()
    tell(trail, 2, 3)
    trail.checkpoint()
    give_up_the_end(trail, 1)
    tell(trail, 4, 5, 6)
    trail.checkpoint()
    assert trail.verify().faults
    trail.restored("found out later", "sally@desk")
    assert trail.verify().ok


def test_a_new_database_beside_an_old_file_goes_on_from_nothing(trail):
    tell(trail, 1, 2)
    trail.checkpoint()
    change(trail, sa.delete(audit))
    assert trail.restored("all was lost", "sally@desk").seq == 0
    assert trail.verify().ok


def test_what_is_wrong_within_the_chain_stays_wrong(trail):
    tell(trail, 1, 2, 3)
    trail.checkpoint()
    change(trail, sa.update(audit).where(audit.c.seq == seqs(trail)[1]).values(reason="forged"))
    trail.restored("nothing to see here", "sally@desk")
    assert hows(trail) == [How.CHANGED]


# -- rows that are too old


@pytest.fixture
def aged(trail, clock):
    """Three rows of long ago and two of today, with a checkpoint after each."""
    for number, days in ((1, 800), (2, 700), (3, 600), (4, 1), (5, 0)):
        clock.at = NOON - timedelta(days=days)
        tell(trail, number)
        trail.checkpoint()
    return trail


def test_old_rows_are_removed_and_the_rest_is_verifiable(aged):
    before = seqs(aged)
    assert aged.trim(YEAR) == 3
    assert seqs(aged)[:2] == before[3:]
    found = aged.verify()
    assert (found.ok, found.rows, found.first) == (True, 3, before[3])
    assert (found.start.seq, found.start.removed) == (before[2], 3)
    assert found.guarded_to.seq == found.last == seqs(aged)[-1]
    assert aged.trim(YEAR) == 0
    assert len(seqs(aged)) == 3


def test_removing_goes_on_over_the_years(aged, clock):
    aged.trim(YEAR)
    clock.at = NOON + timedelta(days=400)
    tell(aged, 6)
    assert aged.trim(YEAR) == 3  # the row that told of the first removal is old by now, too
    found = aged.verify()
    assert (found.ok, found.start.removed, found.rows) == (True, 6, 2)


def test_when_all_is_old_numbers_are_not_given_twice(aged, clock):
    last = seqs(aged)[-1]
    clock.at = NOON + timedelta(days=3000)
    assert aged.trim(YEAR) == 5
    [kept] = seqs(aged)
    assert kept > last
    assert aged.verify().ok


def test_many_old_rows_are_removed_in_portions(aged):
    aged.portion = 2
    assert aged.trim(YEAR) == 3
    found = aged.verify()
    assert (found.ok, found.start.removed, found.rows) == (
        True,
        3,
        4,
    )  # each portion has a row that tells of it


def test_what_is_young_stays_although_something_old_stands_behind_it(trail, clock):
    """A clock that went wrong for an hour removes nothing too early."""
    tell(trail, 1, at=NOON - 3 * YEAR)
    tell(trail, 2, at=NOON)
    tell(trail, 3, at=NOON - 2 * YEAR)
    assert trail.trim(YEAR) == 1
    assert trail.verify().ok


def test_rows_that_somebody_else_removed_from_the_beginning_are_missed(aged):
    change(aged, sa.delete(audit).where(audit.c.seq == seqs(aged)[0]))
    assert aged.verify().faults[0].how is How.BEGINNING


def test_more_than_was_removed_for_age_is_missed(aged):
    aged.trim(YEAR)
    change(aged, sa.delete(audit).where(audit.c.seq == seqs(aged)[0]))
    assert aged.verify().faults[0].how is How.BEGINNING


def test_a_removal_in_our_name_is_seen_for_the_file_does_not_know_of_it(aged, tmp_path):
    """Somebody with the database and this program removes what he likes, and has another file of checkpoints."""
    Trail(aged.database, CheckpointFile(tmp_path / "his own"), aged.clock).trim(timedelta(hours=1))
    assert How.UNTOLD in hows(aged)


def test_a_file_that_was_begun_after_a_removal_has_nothing_against_it(aged, tmp_path):
    aged.trim(YEAR)
    fresh = Trail(aged.database, CheckpointFile(tmp_path / "fresh"), aged.clock)
    assert fresh.verify().ok
    fresh.checkpoint()
    assert fresh.verify().ok


def test_a_removal_while_checkpoints_were_elsewhere_can_be_told_later(aged, tmp_path):
    Trail(aged.database, CheckpointFile(tmp_path / "meanwhile"), aged.clock).trim(YEAR)
    assert hows(aged) == [How.UNTOLD]
    aged.restored("the share was away", "sally@desk")
    assert aged.verify().ok


def test_a_broken_trail_loses_nothing_more(aged):
    change(aged, sa.update(audit).where(audit.c.seq == seqs(aged)[1]).values(reason="forged"))
    before = seqs(aged)
    with pytest.raises(ConfigurationError, match=f"broken at row {before[1]}"):
        aged.trim(YEAR)
    assert seqs(aged) == before


class _Dies(BaseException):
    """As a process does."""


class FileThatDies(CheckpointFile):
    """The process dies as soon as a line is there, or before."""

    def __init__(self, path, *, after: bool) -> None:
        super().__init__(path)
        self.after = after

    def add(self, checkpoint: Checkpoint) -> None:
        if self.after:
            super().add(checkpoint)
        raise _Dies


@pytest.mark.parametrize("after", [False, True])
def test_a_removal_that_was_broken_off_is_finished_by_the_next(aged, after):
    before = seqs(aged)
    with pytest.raises(_Dies):
        Trail(aged.database, FileThatDies(aged.file.path, after=after), aged.clock).trim(YEAR)
    assert seqs(aged) == before
    assert aged.verify().ok
    assert aged.trim(YEAR) == 3
    assert aged.verify().ok


@pytest.mark.parametrize("after", [False, True])
def test_telling_of_an_earlier_copy_that_was_broken_off_is_done_again(aged, after):
    give_up_the_end(aged, 4)
    with pytest.raises(_Dies):
        Trail(aged.database, FileThatDies(aged.file.path, after=after), aged.clock).restored("x", "y")
    aged.restored("x", "y")
    assert aged.verify().ok


def _trim(url: str, path, number: int, barrier) -> None:
    database = Database(url)
    trail = Trail(database, CheckpointFile(path), HandClock())
    barrier.wait(60)
    for one in range(20):
        tell(trail, 1000 * number + one)
        trail.trim(YEAR)
        trail.checkpoint()
    database.close()


def test_two_processes_tell_and_remove_at_once(url, aged):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    given = [(url, aged.file.path, number, barrier) for number in (1, 2)]
    processes = [context.Process(target=_trim, args=one) for one in given]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    found = aged.verify()
    assert (found.ok, found.start.removed, found.unreadable) == (True, 3, 0)
    assert found.rows == 2 + 40 + 1
