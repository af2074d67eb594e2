"""What a run that is under way weighs so far, record by record, as the safety limit counts."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from ml_connector.store.database import Connection, select_in, upsert
from ml_connector.store.tables import weights


def put(tx: Connection, run: str, module: str, weighed: Mapping[str, int]) -> None:
    """These records of the module, by folded key, weigh so much, or what they weighed before if that was more.

    So what is done again counts once, and what was written by then, and is not planned again, still counts.
    """
    c = weights.c
    query = sa.select(c.key, c.weight).where(c.run == run, c.module == module)
    known = {row.key: row.weight for row in select_in(tx, query, c.key, weighed)}
    row = {"run": run, "module": module}
    upsert(
        tx,
        weights,
        [row | {"key": key, "weight": max(weight, known.get(key, 0))} for key, weight in weighed.items()],
    )


def take_over(tx: Connection, runs: sa.Select[tuple[str]], run: str) -> None:
    """What ``runs`` weighed, this one weighs."""
    by_module: dict[str, dict[str, int]] = {}
    for row in tx.execute(sa.select(weights).where(weights.c.run.in_(runs))):
        of_module = by_module.setdefault(row.module, {})
        of_module[row.key] = max(row.weight, of_module.get(row.key, 0))
    for module, weighed in by_module.items():
        put(tx, run, module, weighed)
    if by_module:
        tx.execute(sa.delete(weights).where(weights.c.run.in_(runs)))


def total(tx: Connection, run: str) -> int:
    """All of them together."""
    query = sa.select(sa.func.coalesce(sa.func.sum(weights.c.weight), 0)).where(weights.c.run == run)
    return int(tx.execute(query).scalar_one())


def clear(tx: Connection, run: str) -> None:
    """The run is over."""
    tx.execute(sa.delete(weights).where(weights.c.run == run))
