"""What a whole list of keys and instants says of what was recorded: pure decisions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ml_connector.core.change import Change


class Finding(StrEnum):
    """What one row of the list means; the value is the word under which a run counts it."""

    SAME = "same"  #: recorded for exactly this instant
    ORDINARY = "ordinary"  #: the next ordinary run would list it by itself
    MISSED = "missed"  #: recorded for another instant, earlier or later, and no ordinary run would list it
    UNRECORDED = "unrecorded"  #: no instant of it was ever recorded, and no ordinary run would list it
    REAPPEARED = "reappeared"  #: recorded as gone from the source


#: These are read now, whatever an ordinary run would do.
TO_READ = (Finding.MISSED, Finding.UNRECORDED, Finding.REAPPEARED)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of a key."""

    instants: Collection[datetime | None]  #: one for each outcome
    absent: bool = False  #: the source did not have it any more
    final: bool = False  #: the source said that it never changes again
    outdated: bool = False  #: under mappings that mean something else by now


def judge(change: Change, recorded: Recorded | None, since: datetime | None) -> Finding:
    """What this row means. ``since``: where an ordinary run's window begins; None: it lists everything.

    The instants are compared for being different, not later: a stamp that was set back is a change, too.
    """
    if recorded is not None and recorded.absent:
        return Finding.REAPPEARED
    if recorded is not None and (recorded.final or all(at == change.at for at in recorded.instants)):
        return Finding.SAME
    if since is None or (change.at is not None and change.at >= since):
        return Finding.ORDINARY
    never = recorded is None or not any(recorded.instants)
    return Finding.UNRECORDED if never else Finding.MISSED
