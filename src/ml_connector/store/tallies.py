"""What all runs of a flow came to, added up: sums that no restart sets back, and that are read without a scan."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from ml_connector.store.database import upsert
from ml_connector.store.tables import tallies

RUNS, RECORDS = "runs", "records"


def add_run(tx: sa.Connection, company: str, flow: str, state: str, counts: Mapping[str, int]) -> None:
    """A run ended as ``state`` and did this to records. The caller sees to it that each is added once."""
    sums = _find(tx, company, flow)
    more = {(RUNS, state): 1} | {(RECORDS, outcome): n for outcome, n in counts.items() if n}
    rows = [
        {"company": company, "flow": flow, "kind": kind, "outcome": outcome}
        | {"number": sums.get((kind, outcome), 0) + number}
        for (kind, outcome), number in more.items()
    ]
    upsert(tx, tallies, rows)


def find(tx: sa.Connection, company: str, flow: str, kind: str) -> dict[str, int]:
    """The sums of a flow's ``RUNS`` or ``RECORDS``, by how they ended or what became of them."""
    return {outcome: number for (of, outcome), number in _find(tx, company, flow).items() if of == kind}


def _find(tx: sa.Connection, company: str, flow: str) -> dict[tuple[str, str], int]:
    mine = sa.select(tallies).where(tallies.c.company == company, tallies.c.flow == flow)
    return {(row.kind, row.outcome): row.number for row in tx.execute(mine)}
