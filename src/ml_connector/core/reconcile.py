"""What a whole list of keys and instants, or of fields, says of what was recorded: pure decisions."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ml_connector.core.change import Change
from ml_connector.core.mapping import Mapping
from ml_connector.core.plan import same_value
from ml_connector.core.record import Fields, Value, fold_key


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


# ---- fields


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of ours in which the target says something else than we last left there."""

    field: str
    mapping: str
    ours: Value
    theirs: Value


def owned(mapping: Mapping, left: Fields, withheld: Collection[str], *, absent: bool = False) -> Fields:
    """Of what the mapping last left in a record, the fields that are the ERP's for good.

    Not those that it only fills at first, and not those that a higher-ranked mapping has there (``withheld``). Of a
    record that the source has no more (``absent``) only the marks are: nobody knows what the rest should be.
    """
    ours = set(mapping.marks.values())
    if not absent:
        ours |= {rule.target for rule in mapping.rules if rule.owner == "gp"}
    return {name: value for name, value in left.items() if name in ours and name not in withheld}


def compare_fields(mapping: str, left: Fields, standing: MappingOf[str, object]) -> list[Difference]:
    """The fields in which the target says something else; one that it does not state is not compared."""
    return [
        Difference(name, mapping, value, _as_value(standing[name]))
        for name, value in left.items()
        if name in standing and not _says(value, standing[name])
    ]


def compare_key(mapping: str, field: str, ours: str, standing: MappingOf[str, object]) -> list[Difference]:
    """Whether the record carries another key than ours, as the ERP compares keys."""
    if field not in standing or fold_key(str(standing[field] or "")) == fold_key(ours):
        return []
    return [Difference(field, mapping, ours, _as_value(standing[field]))]


def _says(ours: Value, theirs: object) -> bool:
    """A check box is never empty: where we have nothing to say, an unticked one says the same."""
    return same_value(ours, theirs) or (ours is None and theirs is False)


def _as_value(theirs: object) -> Value:
    """What stands there as a value that the store keeps; what is no single value (a multi-select) as text."""
    return theirs if theirs is None or isinstance(theirs, str | int | Decimal) else str(theirs)
