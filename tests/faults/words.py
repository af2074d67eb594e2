"""What people write, and whether each value can be found still: where it was written, or in the audit trail."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from sides import Place

from systems import World

_PHONE = re.compile(r"[\d -]{10,}(x\d+)?")


@dataclass(frozen=True)
class Word:
    """A value that somebody wrote."""

    place: Place
    value: object
    names: Collection[str]  #: of the record, in either system
    stands: Callable[[], object]  #: what is there now

    @property
    def is_there(self) -> bool:
        return plain(self.stands()) == plain(self.value)


@dataclass
class Words:
    """Everything that people wrote. What a person wrote over something else in the same place took its place."""

    said: int = 0
    last: dict[Place, tuple[int, Word]] = field(default_factory=dict)  #: with when it was said, of all
    overwritten: list[Word] = field(default_factory=list)  #: by somebody else than a person

    def write(self, word: Word, do: Callable[[], object]) -> None:
        """A person writes it."""
        if word.place in self.last:
            before = self.last[word.place][1]
            self.overwritten += [] if before.is_there else [before]
        do()
        self.said += 1
        self.last[word.place] = self.said, word

    def stands_since(self, place: Place) -> int:
        """When a person said what stands there, of all that was said; 0: nobody did."""
        at, word = self.last.get(place, (0, None))
        return at if word is not None and word.is_there else 0

    def give_up(self, record: str) -> None:
        """A person takes back whatever was said of this record."""
        mine = [self.last.pop(place)[1] for place in [*self.last] if place[1] == record]
        self.overwritten += [word for word in mine if not word.is_there]

    def close(self) -> None:
        """All has been said."""
        for record in {place[1] for place in self.last}:
            self.give_up(record)

    def lost(self, world: World) -> list[tuple[Place, object]]:
        """Those that were overwritten and that no row of the audit trail keeps."""
        return [
            (word.place, word.value)
            for word in self.overwritten
            if plain(word.value) not in set(_kept(world, word.names))
        ]


def plain(value: object) -> str:
    """The value as it is compared: GP pads its texts and telephone numbers, and amounts have noughts behind them."""
    text = "" if value is None else str(value).strip()
    if _PHONE.fullmatch(text):
        digits = re.sub("[ x-]", "", text)
        return digits.removesuffix("0000") if len(digits) == 14 else digits
    try:
        return f"{Decimal(text).normalize():f}"
    except InvalidOperation:
        return text


def _kept(world: World, names: Collection[str]) -> Iterator[str]:
    """Every value that the audit trail has of the record."""
    for name in names:
        rows = world.rows("SELECT before, after FROM audit WHERE source_key = ? OR target_id = ?", name, name)
        yield from (plain(value) for row in rows for told in row for value in json.loads(told).values())
