"""How far each flow has read its entity, and the runs that read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ml_connector.core.change import Cursor
from ml_connector.core.load import NO_LOAD, Load
from ml_connector.store import tallies, weights
from ml_connector.store.database import insert_new, upsert
from ml_connector.store.tables import cursors, runs


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a flow has come."""

    cursor: Cursor | None  #: None: no record had a stamp
    fingerprint: str  #: of its mappings then
    modules: tuple[str, ...] = ()  #: those whose first load is done
    limited: bool = False  #: the last whole run stopped at the safety limit


def find(tx: sa.Connection, company: str, flow: str) -> Progress | None:
    """How far the flow has come; None: the first load is not done."""
    query = sa.select(cursors).where(cursors.c.company == company, cursors.c.flow == flow)
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    cursor = Cursor(row.at, row.finer_than_day) if row.at else None
    return Progress(cursor, row.fingerprint, tuple(json.loads(row.modules)), row.limited)


def put(tx: sa.Connection, company: str, flow: str, done: Progress) -> None:
    """Everything up to here is recorded as written, skipped or held."""
    at, finer = (done.cursor.at, done.cursor.finer_than_day) if done.cursor else (None, False)
    row = {"company": company, "flow": flow, "at": at, "finer_than_day": finer, "limited": done.limited}
    upsert(tx, cursors, [row | {"fingerprint": done.fingerprint, "modules": json.dumps(list(done.modules))}])


def limit(tx: sa.Connection, company: str, flow: str) -> None:
    """A run of the flow stopped at the safety limit."""
    tx.execute(
        sa.update(cursors).where(cursors.c.company == company, cursors.c.flow == flow).values(limited=True)
    )


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a flow."""

    run: str
    company: str
    flow: str
    started_at: datetime
    ended_at: datetime | None
    state: str  #: running, waiting; done, away, failed, limit, broken
    note: str
    counts: Mapping[str, int]
    load: Load = NO_LOAD  #: on the source, interruptions included


def open_run(tx: sa.Connection, run: str, company: str, flow: str, at: datetime) -> None:
    """A run began (or goes on after an interruption)."""
    row = {"run": run, "company": company, "flow": flow, "started_at": at, "ended_at": None}
    insert_new(tx, runs, [row | {"state": "running", "note": "", "counts": "{}"}])


def go_on(tx: sa.Connection, run: str, company: str, flow: str) -> None:
    """What runs of the flow weighed that were broken off counts for this one: it does the rest of them."""
    c = runs.c
    ended = sa.select(c.run).where(c.company == company, c.flow == flow, c.ended_at.is_not(None))
    weights.take_over(tx, ended.where(c.run != run), run)


def note_run(tx: sa.Connection, run: str, state: str, note: str) -> None:
    """What the run is at: running, or waiting and for what."""
    tx.execute(sa.update(runs).where(runs.c.run == run).values(state=state, note=note))


def note_counts(tx: sa.Connection, run: str, counts: Mapping[str, int]) -> None:
    """How far the run is."""
    tx.execute(sa.update(runs).where(runs.c.run == run).values(counts=json.dumps(dict(counts))))


def close_run(  # noqa: PLR0913 -- how it ended is all of this
    tx: sa.Connection,
    run: str,
    at: datetime,
    state: str,
    note: str,
    counts: Mapping[str, int],
    *,
    goes_on: bool = False,
) -> None:
    """The run ended: what it did is added up, once; ``goes_on``: what it weighed counts for the flow's next one."""
    if not goes_on:
        weights.clear(tx, run)
    before = find_run(tx, run)
    if before is not None and before.ended_at is None:
        tallies.add_run(tx, before.company, before.flow, state, counts)
    values = {"ended_at": at, "state": state, "note": note, "counts": json.dumps(dict(counts))}
    tx.execute(sa.update(runs).where(runs.c.run == run).values(**values))


def find_run(tx: sa.Connection, run: str) -> Run | None:
    """One run."""
    row = tx.execute(sa.select(runs).where(runs.c.run == run)).one_or_none()
    return None if row is None else run_of(row)


def last_run(tx: sa.Connection, company: str, flow: str) -> Run | None:
    """The run of the flow that began last."""
    query = sa.select(runs).where(runs.c.company == company, runs.c.flow == flow)
    row = tx.execute(query.order_by(runs.c.started_at.desc(), runs.c.run.desc()).limit(1)).one_or_none()
    return None if row is None else run_of(row)


def unended(tx: sa.Connection, company: str, flow: str) -> list[Run]:
    """The runs of the flow that are under way, or of which nobody recorded how they ended."""
    query = sa.select(runs).where(runs.c.company == company, runs.c.flow == flow, runs.c.ended_at.is_(None))
    return [run_of(row) for row in tx.execute(query)]


def run_of(row: sa.Row[Any]) -> Run:
    """A row of the table."""
    counts, load = json.loads(row.counts), Load.from_json(json.loads(row.load))
    return Run(
        row.run, row.company, row.flow, row.started_at, row.ended_at, row.state, row.note, counts, load
    )


def add_load(tx: sa.Connection, run: str, load: Load) -> None:
    """The run has put this load, too, on the source; of what is no run (a plan), nothing is kept."""
    one = runs.c.run == run
    kept = tx.execute(sa.select(runs.c.load).where(one)).scalar_one_or_none()
    if kept is None:
        return
    whole = Load.from_json(json.loads(kept)) + load
    tx.execute(sa.update(runs).where(one).values(load=json.dumps(whole.to_json())))
