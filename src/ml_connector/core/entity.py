"""What a source can tell of one kind of record: its fields, its facets, its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from ml_connector.core.record import Fields


@dataclass(frozen=True, slots=True)
class SourceField:
    """One field that a record of an entity can have."""

    name: str  #: flat: "bill_to.city"
    type: str  #: "text", "boolean", "integer", "decimal", "money", "date", "instant"
    facet: str = ""  #: the facet that brings it; empty: the record itself
    carried: bool = False  #: kept in the store, so that a facet's change needs no new reading of the record
    each: str = ""  #: set: each of these parts of the record ("lines") has its own


@dataclass(frozen=True, slots=True)
class Lasting:
    """Values that a facet shows for some time only: once they are older than that, they stay as they were known."""

    dated: str  #: the field that says of which day they are
    fields: frozenset[str]  #: what stays, that field among them
    shown_for: timedelta

    def carried_on(self, known: Fields, told: Fields, at: datetime) -> Fields:
        """What is told at ``at``, with what was known before and is too old to be told.

        What is not that old would have been told if it were there still: it is gone.
        """
        day = known.get(self.dated)
        if told.get(self.dated) is not None or not isinstance(day, date):
            return told
        if day > (at - self.shown_for).date():
            return told
        return {
            **told,
            **{name: known[name] for name in self.fields & known.keys() if told.get(name) is None},
        }


@dataclass(frozen=True, slots=True)
class Facet:
    """A part of a record that the source stamps apart (or not at all), and therefore is listed apart."""

    name: str
    brings_fields: (
        bool  #: True: the listing brings the values; False: a difference means "read the record again"
    )
    empty: Fields = field(default_factory=dict)  #: what holds for a record that the listing does not name
    lasting: Lasting | None = None  #: of its fields, those that outlast what the listing tells
    listed: bool = True  #: it can be listed whole; if not, the records are read anew in their turn
    of: frozenset[str] = frozenset()  #: the record's own fields that it may change; empty: any


@dataclass(frozen=True, slots=True)
class PostingFields:
    """Where an entity's records, of many parts, say what a posting in the ledger consists of."""

    fields: Mapping[str, str]  #: attribute of ``core.postings.Posting`` -> field of the record or of a part
    accounts: str  #: the entity whose records are the accounts; it carries their ``category``


@dataclass(frozen=True, slots=True)
class Entity:
    """What a source can tell of one kind of record."""

    name: str
    fields: Mapping[str, SourceField]
    facets: Sequence[Facet] = ()
    key: str = ""  #: the field that names a record
    each: str = ""  #: what a record consists of, each part a record of its own in the target: "lines"
    final: str = ""  #: the boolean field that says: whatever its stamp, this record never changes again
    postings: PostingFields | None = None  #: set: its parts with an amount are kept as postings
