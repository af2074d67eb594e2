"""Which record is which on the other side; a link belongs to a pair (entity, module) and serves both directions."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from ml_connector.core.record import Ident, fold_key
from ml_connector.store.database import Found, in_portions, select_in, upsert
from ml_connector.store.tables import links, match_index

DELETED = "deleted"  #: a person deleted the record of the target
LOST = "lost"  #: it is not to be seen, and nobody said why


@dataclass(frozen=True, slots=True)
class Pair:
    """A source entity and a target module, within one company."""

    company: str
    entity: str
    module: str

    def within(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """The condition for this pair's rows of a table that has them by pair."""
        c = table.c
        return sa.and_(c.company == self.company, c.entity == self.entity, c.module == self.module)

    def columns(self) -> dict[str, object]:
        """What a row of this pair begins with."""
        return {"company": self.company, "entity": self.entity, "module": self.module}


@dataclass(frozen=True, slots=True)
class Link:
    """One record's counterpart, or that of one part of it."""

    source_key: str
    target_id: str
    linked_by: str  #: "created", "key", "name"
    linked_at: datetime
    #: The target's stamp of our last write. None: it is not known, or there was somebody else's value beside ours then.
    modified_at: datetime | None
    part: str = ""
    gone: str = ""  #: "" it is there; DELETED; LOST

    @property
    def ident(self) -> Ident:
        """What names it: the folded key, and the part."""
        return fold_key(self.source_key), self.part


_SAME = tuple(field.name for field in dataclasses.fields(Link))


def _link(row: Found) -> Link:
    return Link(**{name: getattr(row, name) for name in _SAME})


def find(tx: sa.Connection, pair: Pair, keys: Collection[str]) -> dict[Ident, Link]:
    """The links of these source keys with all their parts, those that are gone too."""
    rows = select_in(tx, _of(pair), links.c.key, map(fold_key, keys))
    return {(row.key, row.part): _link(row) for row in rows}


@lru_cache
def _of(pair: Pair) -> sa.Select[Any]:
    return sa.select(links).where(pair.within(links))


@lru_cache
def _gone_of(pair: Pair) -> sa.Select[Any]:
    return _of(pair).where(links.c.gone != "")


def gone(tx: sa.Connection, pair: Pair, keys: Collection[str]) -> list[Link]:
    """The links of these source keys to records that are gone."""
    return [_link(row) for row in select_in(tx, _gone_of(pair), links.c.key, map(fold_key, keys))]


def lost(tx: sa.Connection, pair: Pair) -> list[Link]:
    """All links to records that are gone, by key."""
    return [_link(row) for row in tx.execute(_gone_of(pair).order_by(links.c.key, links.c.part))]


def on(tx: sa.Connection, pair: Pair, target_ids: Collection[str]) -> dict[str, Link]:
    """Target id -> the pair's link to it, gone or not."""
    return {row.target_id: _link(row) for row in select_in(tx, _of(pair), links.c.target_id, target_ids)}


def put(tx: sa.Connection, pair: Pair, rows: Sequence[Link]) -> None:
    """Remember these links; how and when a record was first linked stays as it was."""
    values: list[dict[str, object]] = [
        pair.columns() | {"key": fold_key(link.source_key)} | {name: getattr(link, name) for name in _SAME}
        for link in rows
    ]
    upsert(tx, links, values, keep=("linked_by", "linked_at"))


def remove(tx: sa.Connection, pair: Pair, key: str, part: str = "") -> None:
    """The record has no counterpart that we know of."""
    one = (links.c.key == fold_key(key), links.c.part == part)
    tx.execute(sa.delete(links).where(pair.within(links), *one))


Lost = tuple[str, str, Link]  #: company, entity, link


def lose(tx: sa.Connection, module: str, ids: Collection[str], how: str) -> list[Lost]:
    """These records of the target are gone, DELETED or LOST: the links of all companies of which that is news.

    One that is known as lost can still be told as deleted; never the other way round.
    """
    before = ("", LOST) if how == DELETED else ("",)
    found = _to(tx, module, ids, links.c.gone.in_(before))
    _mark(tx, module, ids, links.c.gone.in_(before), how)
    return [(company, entity, dataclasses.replace(link, gone=how)) for company, entity, link in found]


def regain(tx: sa.Connection, module: str, ids: Collection[str]) -> list[Lost]:
    """These records of the target are there: the links of all companies that were gone until now."""
    found = _to(tx, module, ids, links.c.gone != "")
    _mark(tx, module, ids, links.c.gone != "", "")
    return [(company, entity, dataclasses.replace(link, gone="")) for company, entity, link in found]


def _to(tx: sa.Connection, module: str, ids: Collection[str], state: sa.ColumnElement[bool]) -> list[Lost]:
    query = sa.select(links).where(links.c.module == module, state)
    return [(row.company, row.entity, _link(row)) for row in select_in(tx, query, links.c.target_id, ids)]


def _mark(
    tx: sa.Connection, module: str, ids: Collection[str], state: sa.ColumnElement[bool], gone: str
) -> None:
    these = sa.update(links).where(links.c.module == module, state)
    for portion in in_portions(ids):
        tx.execute(these.where(links.c.target_id.in_(portion)).values(gone=gone))


def elsewhere(tx: sa.Connection, company: str, module: str, ids: Collection[str]) -> dict[str, str]:
    """Which of these target records belong to another company: target id -> that company's key there."""
    found = _to(tx, module, ids, links.c.company != company)
    return {link.target_id: link.source_key for _, _, link in found}


def entities_on(
    tx: sa.Connection, company: str, module: str, target_ids: Collection[str]
) -> dict[str, set[str]]:
    """Which entities have a link to each of these target records that are there."""
    found: dict[str, set[str]] = {}
    here = sa.and_(links.c.company == company, links.c.gone == "")
    for _, entity, link in _to(tx, module, target_ids, here):
        found.setdefault(link.target_id, set()).add(entity)
    return found


def keys(tx: sa.Connection, pair: Pair) -> list[str]:
    """The source key of every record that is linked to one that is there."""
    query = sa.select(links.c.source_key).where(pair.within(links), links.c.gone == "").distinct()
    return list(tx.execute(query).scalars())


def count(tx: sa.Connection, pair: Pair) -> int:
    """How many records are linked to one that is there."""
    here = sa.select(sa.func.count()).select_from(links).where(pair.within(links), links.c.gone == "")
    return tx.execute(here).scalar_one()


def unstamped(tx: sa.Connection, pair: Pair) -> tuple[datetime | None, int]:
    """The links of which the stamp of our last write is unknown: the earliest change of their records, and how many.

    As far as the index knows these records.
    """
    there = sa.and_(match_index.c.module == links.c.module, match_index.c.target_id == links.c.target_id)
    query = (
        sa.select(sa.func.min(match_index.c.modified_at), sa.func.count())
        .select_from(links.join(match_index, there))
        .where(pair.within(links), links.c.gone == "", links.c.modified_at.is_(None))
    )
    since, number = tx.execute(query).one()
    return since, number


def stamp(tx: sa.Connection, pair: Pair, stamps: Mapping[str, datetime]) -> None:
    """Target id -> the stamp of our last write, where that is not known yet."""
    unknown = sa.and_(
        pair.within(links), links.c.modified_at.is_(None), links.c.target_id == sa.bindparam("to")
    )
    rows = [{"to": target_id, "at": at} for target_id, at in stamps.items()]
    if rows:
        tx.execute(sa.update(links).where(unknown).values(modified_at=sa.bindparam("at")), rows)
