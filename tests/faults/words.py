"""What people write, and whether each value can be found still: where it was written, in the audit trail, in a hold."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from systems import World

_PHONE = re.compile(r"[\d -]{10,}")


@dataclass(frozen=True)
class Word:
    """A value that somebody wrote."""

    place: tuple[str, ...]  #: system, record, field
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
    last: dict[tuple[str, ...], Word] = field(default_factory=dict)
    overwritten: list[Word] = field(default_factory=list)  #: by somebody else than a person

    def write(self, word: Word, do: Callable[[], object]) -> None:
        """A person writes it."""
        before = self.last.get(word.place)
        if before is not None and not before.is_there:
            self.overwritten.append(before)
        do()
        self.said += 1
        self.last[word.place] = word

    def give_up(self, record: str) -> None:
        """A person takes back whatever was said of this record."""
        mine = [place for place in self.last if place[1] == record]
        self.overwritten += [word for place in mine if not (word := self.last.pop(place)).is_there]

    def close(self) -> None:
        """All has been said."""
        for record in {place[1] for place in self.last}:
            self.give_up(record)

    def lost(self, world: World) -> list[tuple[tuple[str, ...], object]]:
        """Those that were overwritten and that nothing keeps."""
        return [
            (word.place, word.value)
            for word in self.overwritten
            if plain(word.value) not in set(_kept(world, word.names))
        ]


def plain(value: object) -> str:
    """The value as it is compared: GP pads its texts and telephone numbers, and amounts have noughts behind them."""
    text = "" if value is None else str(value).strip()
    if _PHONE.fullmatch(text):
        digits = re.sub("[ -]", "", text)
        return digits.removesuffix("0000") if len(digits) == 14 else digits
    try:
        return f"{Decimal(text).normalize():f}"
    except InvalidOperation:
        return text


def _kept(world: World, names: Collection[str]) -> Iterator[str]:
    """Every value that the audit trail or a hold has of the record."""
    for name in names:
        rows = world.rows("SELECT before, after FROM audit WHERE source_key = ? OR target_id = ?", name, name)
        rows += world.rows("SELECT detail, detail FROM holds WHERE source_key = ?", name)
        yield from (plain(value) for row in rows for told in row for value in json.loads(told).values())
