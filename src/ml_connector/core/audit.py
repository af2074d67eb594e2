"""What happened to a record: one closed list of actions, rows chained by hash, and what is kept of that outside."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AuditAction(StrEnum):
    """Everything that can happen to a record, and to the trail itself (``subject:verb``)."""

    CREATED = "record:created"  #: made in the target by us
    UPDATED = "record:updated"  #: fields of ours changed in the target
    MATCHED = "record:matched"  #: recognised in the target for the first time, and linked
    HELD = "record:held"  #: waits with its reason
    RELEASED = "record:released"  #: a hold closed by a later success
    LET_THROUGH = "record:let_through"  #: a person said that the reason of a hold does not count
    DISCARDED = "record:discarded"  #: a person closed a hold, and nothing is written
    REVIEWED = "record:reviewed"  #: a person decided which record of the target is meant
    MOVED = "record:moved"  #: a person said that a record goes on under another key
    LOST = "record:lost"  #: the linked record of the target is gone
    FOUND_AGAIN = "record:found_again"  #: it is back
    VANISHED = "record:vanished"  #: the source no longer has it
    REAPPEARED = "record:reappeared"  #: the source has it again
    FOUND_CHANGED = (
        "record:found_changed"  #: a person changed fields of ours in the target, found by comparing them
    )
    MISSED = "record:missed"  #: a change that no list had shown, found by comparing all keys and instants
    TRIMMED = "audit:trimmed"  #: the oldest rows of the trail were removed, as ``keep_days`` says
    RESTORED = "audit:restored"  #: a person said that the trail goes on from an earlier copy of the database
    STORE_RESTORED = "store:restored"  #: everything that is kept was put back as it was in a backup


GENESIS = "0" * 64


def chain(previous: str, row: str) -> str:
    """The hash of a row that follows ``previous``; ``row`` is its canonical JSON."""
    return hashlib.sha256(f"{previous}\n{row}".encode()).hexdigest()


class Mark(StrEnum):
    """What a checkpoint says of its row."""

    END = "end"  #: the trail ended with it
    TRIMMED = "trimmed"  #: it and all before it are being removed
    RESTORED = "restored"  #: the trail goes on after it: what was marked beyond it before is given up


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A row of the trail, noted outside the database at an instant."""

    seq: int
    hash: str
    at: datetime
    mark: Mark = Mark.END

    def line(self) -> str:
        """It as a line of the file, without the line's end."""
        told = {"seq": self.seq, "hash": self.hash, "at": self.at.isoformat(), "mark": self.mark.value}
        return json.dumps(told)

    @classmethod
    def read(cls, line: str) -> Checkpoint | None:
        """The checkpoint of a line; None: it is none, as one that a crash broke off."""
        try:
            told = json.loads(line)
            at = datetime.fromisoformat(told["at"])
            return cls(int(told["seq"]), str(told["hash"]), at, Mark(told["mark"]))
        except (ValueError, TypeError, KeyError):
            return None


@dataclass(frozen=True, slots=True)
class Outline:
    """What the file of checkpoints says on the whole; each single line is then judged by it."""

    first: int | None = None  #: the row of the first line
    trimmed: frozenset[tuple[int, str]] = frozenset()  #: (seq, hash) up to which rows were to be removed
    restored: tuple[tuple[int, int], ...] = ()  #: (number of the line, seq after which the trail went on)
    unreadable: int = 0
    lines: int = 0  #: those among them

    @classmethod
    def of(cls, lines: Iterable[Checkpoint | None]) -> Outline:
        """The outline of all lines in their order; None is one that cannot be read."""
        first, trimmed, restored, unreadable, number = None, set(), [], 0, -1
        for number, one in enumerate(lines):
            if one is None:
                unreadable += 1
                continue
            first = one.seq if first is None else first
            if one.mark is Mark.TRIMMED:
                trimmed.add((one.seq, one.hash))
            if one.mark is Mark.RESTORED:
                restored.append((number, one.seq))
        return cls(first, frozenset(trimmed), tuple(restored), unreadable, number + 1)

    def holds(self, number: int, one: Checkpoint) -> bool:
        """Whether this line still binds the trail: no later one says that it goes on from before."""
        return not any(later > number and seq < one.seq for later, seq in self.restored)

    def knows_start(self, seq: int, hash_: str) -> bool:
        """Whether the removal up to this row was told here, or was done before there was such a file."""
        return self.first is None or seq < self.first or (seq, hash_) in self.trimmed
