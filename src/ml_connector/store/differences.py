"""Fields of ours that say something else in the target than we last left there, and up to when that was compared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ml_connector.core.reconcile import Difference
from ml_connector.core.record import dump_fields, fold_key, load_fields
from ml_connector.store.database import Found, in_portions, select_in, upsert
from ml_connector.store.links import Pair
from ml_connector.store.tables import compared, differences, links


@dataclass(frozen=True, slots=True)
class Place:
    """One module of one flow."""

    company: str
    flow: str
    module: str

    def within(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """The condition for this place's rows of a table."""
        c = table.c
        return sa.and_(c.company == self.company, c.flow == self.flow, c.module == self.module)

    def columns(self) -> dict[str, object]:
        """What a row of this place begins with."""
        return {"company": self.company, "flow": self.flow, "module": self.module}


@dataclass(frozen=True, slots=True)
class Drifted:
    """One difference, and the record it is in."""

    target_id: str
    source_key: str
    part: str
    difference: Difference
    found_at: datetime

    @property
    def is_of(self) -> tuple[str, str]:
        """What names it within its place."""
        return self.target_id, self.difference.field


def replace(
    tx: sa.Connection, place: Place, ids: Collection[str], found: Sequence[Drifted], at: datetime
) -> list[Drifted]:
    """These are all the differences in these records, seen by the comparison that began ``at``; which are news.

    One that is known with the same two values keeps the instant at which it was found.
    """
    known = {row.is_of: row for row in _of(tx, place, ids)}
    same = {
        row.is_of for row in found if row.is_of in known and known[row.is_of].difference == row.difference
    }
    for portion in in_portions(ids):
        tx.execute(
            sa.delete(differences).where(place.within(differences), differences.c.target_id.in_(portion))
        )
    kept = [known[row.is_of] if row.is_of in same else row for row in found]
    upsert(tx, differences, [_row(place, row, at) for row in kept])
    return [row for row in found if row.is_of not in same]


def _row(place: Place, row: Drifted, at: datetime) -> dict[str, object]:
    told = row.difference
    return place.columns() | {
        "target_id": row.target_id,
        "field": told.field,
        "mapping": told.mapping,
        "key": fold_key(row.source_key),
        "source_key": row.source_key,
        "part": row.part,
        "said": dump_fields({"ours": told.ours, "theirs": told.theirs}),
        "found_at": row.found_at,
        "seen_at": at,
    }


def _drifted(row: Found) -> Drifted:
    said = load_fields(row.said)
    told = Difference(row.field, row.mapping, said["ours"], said["theirs"])
    return Drifted(row.target_id, row.source_key, row.part, told, row.found_at)


def _of(tx: sa.Connection, place: Place, ids: Collection[str]) -> Iterator[Drifted]:
    query = sa.select(differences).where(place.within(differences))
    return map(_drifted, select_in(tx, query, differences.c.target_id, ids))


def standing(tx: sa.Connection, place: Place, most: int | None = None) -> list[Drifted]:
    """The differences there are, by key; ``most``: those of the first so many fields only."""
    c = differences.c
    query = (
        sa.select(differences).where(place.within(differences)).order_by(c.key, c.part, c.target_id, c.field)
    )
    return [_drifted(row) for row in tx.execute(query.limit(most))]


def remove(tx: sa.Connection, place: Place, rows: Sequence[Drifted]) -> None:
    """These are dealt with."""
    one = sa.delete(differences).where(
        place.within(differences),
        differences.c.target_id == sa.bindparam("of_id"),
        differences.c.field == sa.bindparam("of_field"),
    )
    if rows:
        tx.execute(one, [{"of_id": row.target_id, "of_field": row.difference.field} for row in rows])


def forget_unlinked(tx: sa.Connection, place: Place, pair: Pair) -> None:
    """What is linked no more, or is gone, is compared no more."""
    c = links.c
    linked = sa.exists().where(pair.within(links), c.gone == "", c.target_id == differences.c.target_id)
    tx.execute(sa.delete(differences).where(place.within(differences), ~linked))


def sweep(tx: sa.Connection, place: Place, at: datetime) -> None:
    """The comparison that began ``at`` read everything: what it did not see is no difference any more."""
    tx.execute(sa.delete(differences).where(place.within(differences), differences.c.seen_at != at))


def compared_to(tx: sa.Connection, place: Place, fingerprint: str) -> datetime | None:
    """Up to which stamp of the target all was compared under these mappings; None: it never was."""
    row = tx.execute(sa.select(compared).where(place.within(compared))).one_or_none()
    return row.compared_to if row is not None and row.fingerprint == fingerprint else None


def mark_compared(tx: sa.Connection, place: Place, fingerprint: str, to: datetime) -> None:
    """All was compared up to this stamp of the target."""
    upsert(tx, compared, [place.columns() | {"fingerprint": fingerprint, "compared_to": to}])
