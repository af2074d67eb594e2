"""What happened to a record: one closed list of actions, and rows chained by hash."""

from __future__ import annotations

import hashlib
from enum import StrEnum


class AuditAction(StrEnum):
    """Everything that can happen to a record (``subject:verb``)."""

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
    RESTORED = "store:restored"  #: everything that is kept was put back as it was in a backup


GENESIS = "0" * 64


def chain(previous: str, row: str) -> str:
    """The hash of a row that follows ``previous``; ``row`` is its canonical JSON."""
    return hashlib.sha256(f"{previous}\n{row}".encode()).hexdigest()
