"""What load a run put on the source: so that nobody has to guess whether it slowed the people down who work there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Load:
    """What was asked of the source in some span of time."""

    requests: int = 0
    seconds: float = 0.0  #: until the answers came, added up over all requests
    peak: int = 0  #: requests at once
    slowest: str = ""  #: the operation whose answer took longest
    slowest_seconds: float = 0.0
    slowed_to: int = (
        0  #: the fewest that were allowed at once because answers had become slow; 0: all the time all
    )
    quiet: bool = False  #: quiet hours kept a request back

    def __add__(self, other: Load) -> Load:
        """Both, one after the other."""
        slower = max(self, other, key=lambda load: load.slowest_seconds)
        return Load(
            self.requests + other.requests,
            self.seconds + other.seconds,
            max(self.peak, other.peak),
            slower.slowest,
            slower.slowest_seconds,
            min(filter(None, (self.slowed_to, other.slowed_to)), default=0),
            self.quiet or other.quiet,
        )

    def to_json(self) -> dict[str, Any]:
        """As it is kept and shown; times in milliseconds."""
        told = asdict(self)
        seconds, slowest_seconds = told.pop("seconds"), told.pop("slowest_seconds")
        return told | {
            "milliseconds": round(seconds * 1000),
            "slowest_milliseconds": round(slowest_seconds * 1000),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Load:
        """What ``to_json`` gave; an empty table is no load."""
        if not told:
            return cls()
        given = dict(told)
        milliseconds, slowest = given.pop("milliseconds"), given.pop("slowest_milliseconds")
        return cls(**given, seconds=milliseconds / 1000, slowest_seconds=slowest / 1000)


NO_LOAD = Load()
