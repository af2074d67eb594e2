"""What a person decided about one record; it counts until it is taken back."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from ml_connector.core.match import Verdict
from ml_connector.core.record import Ident, fold_key
from ml_connector.store.database import Found, select_in, upsert
from ml_connector.store.links import Pair
from ml_connector.store.tables import verdicts


def find(tx: sa.Connection, pair: Pair, keys: Collection[str]) -> dict[Ident, Verdict]:
    """What was decided about these source keys, with all their parts."""
    rows = select_in(tx, _of(pair), verdicts.c.key, map(fold_key, keys))
    return {(row.key, row.part): _verdict(row) for row in rows}


@lru_cache
def _of(pair: Pair) -> sa.Select[Any]:
    return sa.select(verdicts).where(pair.within(verdicts))


def choosing(tx: sa.Connection, pair: Pair, target_ids: Collection[str]) -> dict[str, dict[Ident, str]]:
    """Target id -> those for which it was chosen and which are not joined with it yet, with their source keys."""
    found: dict[str, dict[Ident, str]] = {}
    for row in select_in(tx, _of(pair), verdicts.c.chosen, target_ids):
        found.setdefault(row.chosen, {})[row.key, row.part] = row.source_key
    return found


def _verdict(row: Found) -> Verdict:
    rejected, released = (frozenset(json.loads(text)) for text in (row.rejected, row.released))
    return Verdict(row.chosen, row.replaces, rejected, released, row.declined)


def put(  # noqa: PLR0913 -- whose decision it is, why and when, belongs to it
    tx: sa.Connection,
    pair: Pair,
    source_key: str,
    part: str,
    verdict: Verdict,
    *,
    reason: str,
    actor: str,
    at: datetime,
) -> None:
    """Keep what ``actor`` decided, in place of what was decided before."""
    row = {"key": fold_key(source_key), "part": part, "source_key": source_key}
    told = {"chosen": verdict.chosen, "replaces": verdict.replaces, "declined": verdict.declined}
    sets = {name: json.dumps(sorted(getattr(verdict, name))) for name in ("rejected", "released")}
    who = {"reason": reason, "actor": actor, "decided_at": at}
    upsert(tx, verdicts, [pair.columns() | row | told | sets | who | {"own": False}])


def use(tx: sa.Connection, pair: Pair, idents: Collection[Ident]) -> None:
    """These were followed; that a record of the target is not meant, or one of its own is, goes on to count."""
    idents = find(tx, pair, {key for key, _ in idents}).keys() & idents  # there are few
    followed = {"chosen": "", "replaces": "", "released": "[]", "declined": False}
    own = sa.or_(verdicts.c.own, verdicts.c.chosen == "")
    _each(tx, pair, idents, sa.update(verdicts).values(own=own, **followed))
    _each(tx, pair, idents, sa.delete(verdicts).where(verdicts.c.rejected == "[]", ~verdicts.c.own))


def use_released(tx: sa.Connection, pair: Pair, source_key: str, codes: Collection[str]) -> None:
    """These reasons, which a person let through, were followed; what else is decided about the record stays."""
    ident = fold_key(source_key), ""
    known = find(tx, pair, [source_key]).get(ident)
    if known is None or not known.released.intersection(codes):
        return
    rest = json.dumps(sorted(known.released.difference(codes)))
    _each(tx, pair, [ident], sa.update(verdicts).values(released=rest))


def with_own(tx: sa.Connection, pair: Pair, keys: Collection[str]) -> set[Ident]:
    """Those of these that a person decided to have a record of the target of their own."""
    query = sa.select(verdicts.c.key, verdicts.c.part).where(pair.within(verdicts), verdicts.c.own)
    return {(row.key, row.part) for row in select_in(tx, query, verdicts.c.key, map(fold_key, keys))}


def remove(tx: sa.Connection, pair: Pair, idents: Collection[Ident]) -> None:
    """Nothing is decided about these any more."""
    _each(tx, pair, idents, sa.delete(verdicts))


def _each(tx: sa.Connection, pair: Pair, idents: Collection[Ident], statement: sa.Update | sa.Delete) -> None:
    one = (verdicts.c.key == sa.bindparam("b_key"), verdicts.c.part == sa.bindparam("b_part"))
    if idents:
        these = [{"b_key": key, "b_part": part} for key, part in idents]
        tx.execute(statement.where(pair.within(verdicts), *one), these)
