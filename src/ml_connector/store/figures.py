"""How things stand, in numbers, by indexes and small tables alone: it is asked again and again while runs go on."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ml_connector.core.alerts import FAILURES, Holds
from ml_connector.store.tables import cursors, holds, runs

_ENDED = ("done", "away", *FAILURES)  # see cursors.Run
_UNDER_WAY = ("running", "waiting")

Named = tuple[str, str]  #: company, flow


@dataclass(frozen=True, slots=True)
class Ends:
    """How the runs of a flow ended."""

    done_at: datetime | None = None  #: when one last ended well
    state: str = ""  #: how the last one ended; empty: none has
    failing_since: datetime | None = None  #: when the first failure after that ended; None: there was none
    note: str = ""  #: why the last of them failed
    under_way_since: datetime | None = None  #: when the run began that has not ended; None: there is none


def find_ends(tx: sa.Connection, flow: Named) -> Ends:
    """How the runs of this flow ended."""
    last = {state: at for state in _ENDED if (at := _last(tx, flow, state)) is not None}
    done_at, state = last.get("done"), max(last, key=lambda name: last[name], default="")
    begun_at = _begun_at(tx, flow)
    failed = [at for name in FAILURES if (at := last.get(name)) and (done_at is None or at > done_at)]
    if not failed:
        return Ends(done_at, state, under_way_since=begun_at)
    return Ends(done_at, state, _first_failure(tx, flow, done_at), _note(tx, flow, max(failed)), begun_at)


def _last(tx: sa.Connection, flow: Named, state: str) -> datetime | None:
    """One look into the index; over all states at once, every run of the flow would be looked at."""
    query = sa.select(runs.c.ended_at).where(*_in(flow, [state]), runs.c.ended_at.is_not(None))
    return tx.execute(query.order_by(runs.c.ended_at.desc()).limit(1)).scalar_one_or_none()


def _first_failure(tx: sa.Connection, flow: Named, after: datetime | None) -> datetime | None:
    query = sa.select(sa.func.min(runs.c.ended_at)).where(*_in(flow, FAILURES))
    since = query if after is None else query.where(runs.c.ended_at > after)
    return tx.execute(since).scalar_one_or_none()


def _note(tx: sa.Connection, flow: Named, at: datetime) -> str:
    query = sa.select(runs.c.note).where(*_in(flow, FAILURES), runs.c.ended_at == at)
    return tx.execute(query.limit(1)).scalar_one_or_none() or ""


def _begun_at(tx: sa.Connection, flow: Named) -> datetime | None:
    query = sa.select(sa.func.min(runs.c.started_at)).where(*_in(flow, _UNDER_WAY), runs.c.ended_at.is_(None))
    return tx.execute(query).scalar_one_or_none()


def count_under_way(tx: sa.Connection, flow: Named) -> Counter[str]:
    """What runs that have not ended have done to records so far."""
    query = sa.select(runs.c.counts).where(*_in(flow, _UNDER_WAY), runs.c.ended_at.is_(None))
    return sum((Counter(json.loads(counts)) for counts in tx.execute(query).scalars()), Counter[str]())


def _in(flow: Named, states: Collection[str]) -> tuple[sa.ColumnElement[bool], ...]:
    return runs.c.company == flow[0], runs.c.flow == flow[1], runs.c.state.in_(states)


def find_holds(tx: sa.Connection) -> Mapping[Named, Mapping[str, Holds]]:
    """The open holds of every flow, by code: they are counted in an index that has the open ones side by side."""
    c = holds.c
    counted = (c.company, c.flow, c.code, sa.func.count(), sa.func.min(c.opened_at))
    query = sa.select(*counted).where(c.closed_at.is_(None)).group_by(c.company, c.flow, c.code)
    found: dict[Named, dict[str, Holds]] = defaultdict(dict)
    for company, flow, code, number, oldest_at in tx.execute(query):
        found[company, flow][code] = Holds(number, oldest_at)
    return found


def find_cursors(tx: sa.Connection) -> Mapping[Named, datetime]:
    """How far each flow has read, where its records have stamps."""
    query = sa.select(cursors.c.company, cursors.c.flow, cursors.c.at).where(cursors.c.at.is_not(None))
    return {(company, flow): at for company, flow, at in tx.execute(query)}
