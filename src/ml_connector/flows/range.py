"""What a run looks at: what it was asked for, and the bounds that are fixed at its beginning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked of a run; nothing: whatever changed."""

    keys: tuple[str, ...] = ()  #: only these records, whatever their stamp, and the cursor stays
    full: bool = False  #: every record, whatever its stamp
    over_limit: bool = False  #: the safety limit does not stop it
    reconcile: bool = False  #: all keys and their instants are compared with what was recorded

    def to_json(self) -> dict[str, Any]:
        told = {"keys": list(self.keys), "full": self.full, "over_limit": self.over_limit}
        return told | {"reconcile": self.reconcile}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Asked:
        reconcile = told.get("reconcile", False)  # a run of an earlier version is taken up, too
        return cls(tuple(told["keys"]), told["full"], told["over_limit"], reconcile)


EVERYTHING = Asked()


@dataclass(frozen=True, slots=True)
class Range:
    """What a run looks at, fixed at its beginning."""

    began_at: datetime
    bound: datetime  #: the earlier of our clock and the source's
    since: datetime | None  #: None: everything (a first load, a backfill, or asked for)
    first_load: bool
    doubt: timedelta  #: granularity of the entity's stamps plus the difference of the clocks
    skew: timedelta = field(default=timedelta(0), kw_only=True)  #: difference of the clocks, without its sign
    fingerprint: str  #: of the mappings when the run began; edited meanwhile, the next run is a backfill
    backfill: bool = False  #: everything, because the mappings mean something else than before
    linked: int = 0  #: records that were linked when the run began: what the safety limit is measured by
    fresh: tuple[
        str, ...
    ] = ()  #: modules without a linked record when the run began: what is made there is approved first

    def is_first(self, module: str) -> bool:
        """Whether only approved decisions are written into this module."""
        return self.first_load or module in self.fresh

    def to_json(self) -> dict[str, Any]:
        return {
            "began_at": self.began_at.isoformat(),
            "bound": self.bound.isoformat(),
            "since": self.since and self.since.isoformat(),
            "first_load": self.first_load,
            "doubt_seconds": self.doubt.total_seconds(),
            "skew_seconds": self.skew.total_seconds(),
            "fingerprint": self.fingerprint,
            "backfill": self.backfill,
            "linked": self.linked,
            "fresh": list(self.fresh),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Range:
        at = datetime.fromisoformat
        return cls(
            began_at=at(told["began_at"]),
            bound=at(told["bound"]),
            since=at(told["since"]) if told["since"] else None,
            first_load=told["first_load"],
            doubt=timedelta(seconds=told["doubt_seconds"]),
            skew=timedelta(seconds=told.get("skew_seconds", 0.0)),
            fingerprint=told["fingerprint"],
            backfill=told["backfill"],
            linked=told["linked"],
            fresh=tuple(told["fresh"]),
        )
