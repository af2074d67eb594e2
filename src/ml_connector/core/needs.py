"""What the mappings need in the target, modules and fields, and what is there of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldNeed:
    """A field that the mappings need in the target."""

    module: str
    name: str  #: API name
    label: str = ""  #: set: ours to make; empty: has to exist
    type: str = ""
    length: int | None = None
    decimal_places: int | None = None
    unique: bool = False
    external: bool = False
    essential: bool = False  #: made first where an edition has room for a few fields only
    lookup: str = ""  #: of a lookup: the module that it points to
    related: str = ""  #: of a lookup: what the list of these records is called on a record there
    choices: tuple[str, ...] = ()  #: of a picklist: its first values
    shown_as: str = ""  #: what people see in place of ``label`` once it is made; empty: the label
    is_only_read: bool = False  #: nothing is written into it
    module_is_ours: bool = False  #: the module is ours to make, too: where it is missing, this comes with it


def once(needs: Iterable[FieldNeed]) -> list[FieldNeed]:
    """Each field once: as one of ours where one of the needs makes it, as only read where all of them do so."""
    found: dict[tuple[str, str], FieldNeed] = {}
    for need in needs:
        place = need.module, need.name
        if place not in found or _says_more(need, found[place]):
            found[place] = need
    return list(found.values())


def _says_more(need: FieldNeed, than: FieldNeed) -> bool:
    return (bool(need.label), not need.is_only_read) > (bool(than.label), not than.is_only_read)


@dataclass(frozen=True, slots=True)
class ModuleNeed:
    """A module that the mappings write into and that is ours to make."""

    name: str  #: API name
    singular: str
    plural: str
    name_label: str  #: what the field that names a record is called


@dataclass(frozen=True, slots=True)
class ModuleState:
    """What the target has in place of a module; ``problem`` in a sentence, empty when it is there or can be made."""

    need: ModuleNeed
    exists: bool
    problem: str = ""
    remedy: str = ""
    left_out: bool = False  #: the edition has no modules of one's own: the mappings do without
    note: str = ""


@dataclass(frozen=True, slots=True)
class FieldState:
    """What the target has in place of a need; ``problem`` in a sentence, empty when it fits."""

    need: FieldNeed
    exists: bool
    problem: str = ""
    remedy: str = ""
    left_out: bool = False  #: the edition has no room for it: the mappings do without
    note: str = ""  #: what a person may want to know although it is no problem
    relabel: bool = False  #: it is there, and people see another label than they should


@dataclass(frozen=True, slots=True)
class FieldShape:
    """A field of the target as it is now: what may be written into it."""

    name: str  #: API name
    type: str
    writable: bool = True
    length: int | None = None  #: characters; None: no limit that we know
    mandatory: bool = False  #: a create without it is refused
    choices: frozenset[str] | None = None  #: None: any value; else the only ones (a closed picklist)
    unique: bool = False
