"""Whether the audit trail is as it was written, by itself and by the checkpoints that are kept outside the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

import sqlalchemy as sa

from ml_connector.core.audit import GENESIS, Checkpoint, Outline
from ml_connector.store.audit import Start, Wanted, end, find, is_as_written, start
from ml_connector.store.tables import audit

_PORTION = 1000  # checkpoints that are looked up at once

#: What the lines of the file say, from the first on, each time it is called; None: one that cannot be read.
Lines = Callable[[], Iterable[Checkpoint | None]]


class How(StrEnum):
    """What is wrong with the trail at a row."""

    CHANGED = "changed"  #: the row says something else than when it was written
    MISSING = "missing"  #: at least one row before it was removed
    MOVED = "moved"  #: the row that it followed stands behind it now
    INSERTED = "inserted"  #: something stands between it and the row that it followed
    BEGINNING = (
        "beginning"  #: it is the first, and rows before it were removed by somebody else than ``trim``
    )
    UNTOLD = "untold"  #: rows before it were removed, and the checkpoints do not know of that
    REWRITTEN = "rewritten"  #: a checkpoint knows another row in its place
    CUT_OFF = "cut off"  #: a checkpoint knows it, and the trail ends before it


@dataclass(frozen=True, slots=True)
class Fault:
    """The first row at which something is wrong."""

    how: How
    seq: int
    by: Checkpoint | None = None  #: the checkpoint that shows it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found."""

    rows: int  #: that follow each other unbroken, from the first that is kept
    first: int | None  #: ``seq`` of that one
    last: int | None  #: ``seq`` of the last row there is
    start: Start | None  #: what was removed before, as the trail itself tells
    guarded_to: Checkpoint | None  #: the last checkpoint that the trail agrees with
    faults: tuple[Fault, ...]  #: the first within the chain, and the first that a checkpoint shows
    unreadable: int = 0  #: lines of the file that are no checkpoints

    @property
    def ok(self) -> bool:
        """Nothing is wrong as far as can be told."""
        return not self.faults

    @property
    def broken_at(self) -> int | None:
        """``seq`` of the first row at which the chain itself is broken."""
        return next((fault.seq for fault in self.faults if fault.by is None), None)


def verify(tx: sa.Connection, lines: Lines = tuple) -> Verdict:
    """Go through the whole trail, a page at a time, then through the checkpoints.

    Others may add rows and lines meanwhile: rows count as they are at the first look into the database, so lines that
    came after it say nothing of them; a removal, though, is noted before it is done.
    """
    noted_before = Outline.of(lines()).lines
    first = tx.execute(sa.select(audit.c.seq, audit.c.previous).order_by(audit.c.seq).limit(1)).first()
    told = start(tx) if first and first.previous != GENESIS else None
    outline = Outline.of(lines())
    faults = [] if first is None else list(_wrong_start(first, told, outline))
    rows, broken = walk(tx, told.hash if told else GENESIS)
    if broken and not any(fault.how is How.BEGINNING for fault in faults):
        faults.insert(0, broken)
    last = end(tx)
    binding = _binding(islice(lines(), noted_before), outline, told)
    guarded_to, contradicted = _compare(tx, binding, last[0] if last else 0)
    faults += [contradicted] if contradicted else []
    seqs = (first.seq if first else None, last[0] if last else None)
    return Verdict(rows, *seqs, told, guarded_to, tuple(faults), outline.unreadable)


def chain(tx: sa.Connection) -> tuple[int, int | None]:
    """By the rows alone: how many follow each other unbroken, and ``seq`` of the first that does not (None: all do)."""
    found = verify(tx)
    return found.rows, found.broken_at


def _wrong_start(first: sa.Row[Any, Any], told: Start | None, outline: Outline) -> Iterator[Fault]:
    """What is wrong with where the trail begins."""
    if first.previous == GENESIS:
        return
    if told is None or told.hash != first.previous:
        yield Fault(How.BEGINNING, first.seq)
    elif not outline.knows_start(told.seq, told.hash):
        yield Fault(How.UNTOLD, first.seq)


def walk(tx: sa.Connection, previous: str, up_to: int | None = None) -> tuple[int, Fault | None]:
    """How many rows follow each other unbroken, the first of them the one with the hash ``previous``."""
    good, last = 0, 0
    for row in find(tx, Wanted()):
        if up_to is not None and row["seq"] > up_to:
            break
        if not is_as_written(row):
            return good, Fault(How.CHANGED, row["seq"])
        if row["previous"] != previous:
            return good, Fault(_how(tx, row, last), row["seq"])
        previous, good, last = row["hash"], good + 1, row["seq"]
    return good, None


def _how(tx: sa.Connection, row: Mapping[str, Any], last: int) -> How:
    """What became of the row that this one followed when it was written."""
    stands = tx.execute(sa.select(audit.c.seq).where(audit.c.hash == row["previous"]).limit(1)).scalar()
    if stands is None:
        return How.MISSING
    return How.INSERTED if stands <= last else How.MOVED


def _binding(
    lines: Iterable[Checkpoint | None], outline: Outline, told: Start | None
) -> Iterator[Checkpoint]:
    """The checkpoints that the rows which are kept have to agree with."""
    kept_from = told.seq if told else 0
    for number, one in enumerate(lines):
        if one is not None and one.seq > kept_from and outline.holds(number, one):
            yield one


def _compare(
    tx: sa.Connection, checkpoints: Iterator[Checkpoint], last: int
) -> tuple[Checkpoint | None, Fault | None]:
    """The greatest checkpoint that the trail agrees with, and the first of the file that it does not."""
    guarded: Checkpoint | None = None
    while portion := list(islice(checkpoints, _PORTION)):
        query = sa.select(audit.c.seq, audit.c.hash).where(audit.c.seq.in_({one.seq for one in portion}))
        hashes = {row.seq: row.hash for row in tx.execute(query)}
        for one in portion:
            if hashes.get(one.seq) != one.hash:
                return guarded, Fault(How.CUT_OFF if one.seq > last else How.REWRITTEN, one.seq, one)
            if guarded is None or one.seq >= guarded.seq:
                guarded = one
    return guarded, None
