"""The decisions of the last plan, and which of them a person approved."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from ml_connector.core.match import normalise_name
from ml_connector.core.plan import decisions_hash
from ml_connector.core.record import Ident, fold_key
from ml_connector.store.database import Found, select_in, upsert
from ml_connector.store.tables import decisions, plans


@dataclass(frozen=True, slots=True)
class Place:
    """Which plan, of which flow, for which module."""

    company: str
    flow: str
    module: str
    plan: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a plan decided for one record; no values."""

    source_key: str
    outcome: str
    target_id: str  #: empty for a create; "new:ENTITY:KEY" for a record that another flow of the plan creates
    by: str
    name: str
    part: str = ""
    score: float = 0.0  #: of the nearest candidate that is only similar
    candidates: tuple[str, ...] = ()  #: target ids that a person may choose from
    plan: str = field(default="", compare=False)  #: of one that was read: its plan, named by the instant

    @property
    def ident(self) -> Ident:
        """What names it: the folded key, and the part."""
        return fold_key(self.source_key), self.part


def put(tx: sa.Connection, place: Place, rows: Sequence[Decision]) -> None:
    """Add decisions to a plan that is being made. What was approved and is decided the same again stays approved."""
    agreed = approved(tx, place.company, place.flow, place.module, [row.source_key for row in rows])
    values = []
    for row in rows:
        before = agreed.get(row.ident)
        same = before is not None and (before.outcome, before.target_id) == (row.outcome, row.target_id)
        values.append(_values(place, row) | {"approved": same})
    upsert(tx, decisions, values)


def _values(place: Place, row: Decision) -> dict[str, object]:
    same = ("source_key", "part", "outcome", "target_id", "by", "name", "score")
    return {name: getattr(row, name) for name in same} | {
        "company": place.company,
        "flow": place.flow,
        "module": place.module,
        "plan": place.plan,
        "key": fold_key(row.source_key),
        "name_key": normalise_name(row.name),
        "candidates": json.dumps(row.candidates),
    }


def _decision(row: Found) -> Decision:
    candidates = tuple(json.loads(row.candidates))
    return Decision(
        row.source_key,
        row.outcome,
        row.target_id,
        row.by,
        row.name,
        row.part,
        row.score,
        candidates,
        row.plan,
    )


def finish(tx: sa.Connection, company: str, flow: str, plan: str) -> None:
    """The plan is whole: it is the flow's plan from now on; an approval that is in use stays."""
    upsert(
        tx, plans, [{"company": company, "flow": flow, "plan": plan, "approved": False}], keep=("approved",)
    )
    older = (decisions.c.company == company, decisions.c.flow == flow, decisions.c.plan != plan)
    tx.execute(sa.delete(decisions).where(*older, decisions.c.approved.is_(False)))


def _of_last_plan(company: str, flows: Collection[str]) -> sa.ColumnElement[bool]:
    last = sa.select(plans.c.plan).where(plans.c.company == company, plans.c.flow == decisions.c.flow)
    wanted = (decisions.c.company == company, decisions.c.flow.in_(flows))
    return sa.and_(*wanted, decisions.c.plan == last.scalar_subquery())


def report_hash(tx: sa.Connection, flows: Mapping[str, Collection[str]]) -> str:
    """The hash of the last plan of these flows: company -> flows of it."""
    columns = [decisions.c[name] for name in ("flow", "module", "key", "part", "outcome", "target_id")]
    queries = [sa.select(*columns).where(_of_last_plan(company, names)) for company, names in flows.items()]
    return decisions_hash(tuple(row) for query in queries for row in tx.execute(query))


def rows(tx: sa.Connection, company: str, flows: Collection[str]) -> Iterator[tuple[str, str, Decision]]:
    """(Flow, module, decision) of the last plan of these flows, by flow, module, key and part."""
    order = (decisions.c[name] for name in ("flow", "module", "key", "part"))
    query = sa.select(decisions).where(_of_last_plan(company, flows)).order_by(*order)
    for row in tx.execute(query.execution_options(yield_per=1000)):
        yield row.flow, row.module, _decision(row)


def approve(tx: sa.Connection, company: str, flows: Collection[str]) -> None:
    """A person has approved the last plan of these flows."""
    tx.execute(sa.update(decisions).where(_of_last_plan(company, flows)).values(approved=True))
    tx.execute(
        sa.update(plans).where(plans.c.company == company, plans.c.flow.in_(flows)).values(approved=True)
    )


def approved(
    tx: sa.Connection, company: str, flow: str, module: str, keys: Collection[str]
) -> dict[Ident, Decision]:
    """What was approved for these source keys, with all their parts."""
    rows = select_in(tx, _approved_of(company, flow, module), decisions.c.key, map(fold_key, keys))
    return {(row.key, row.part): _decision(row) for row in rows}


@lru_cache
def _approved_of(company: str, flow: str, module: str) -> sa.Select[Any]:
    c = decisions.c
    return sa.select(decisions).where(
        c.company == company, c.flow == flow, c.module == module, c.approved.is_(True)
    )


def shared(
    tx: sa.Connection, company: str, flow: str, module: str, target_ids: Collection[str]
) -> dict[str, dict[Ident, str]]:
    """Target id -> the records, with their source keys, that the last plan joins with it, where these are several."""
    columns = (decisions.c[name] for name in ("target_id", "key", "part", "source_key"))
    query = sa.select(*columns).where(
        _of_last_plan(company, [flow]), decisions.c.module == module, decisions.c.outcome == "update"
    )
    found: dict[str, dict[Ident, str]] = {}
    for row in select_in(tx, query, decisions.c.target_id, target_ids):
        found.setdefault(row.target_id, {})[row.key, row.part] = row.source_key
    return {target_id: keys for target_id, keys in found.items() if len(keys) > 1}


def is_approved(tx: sa.Connection, company: str, flow: str) -> bool:
    """Whether a plan of the flow was ever approved; what of it may be written is decided record by record."""
    query = sa.select(plans.c.approved).where(plans.c.company == company, plans.c.flow == flow)
    return bool(tx.execute(query).scalar_one_or_none())


def planned_creates(
    tx: sa.Connection, company: str, flows: Collection[str], name_keys: Collection[str]
) -> Mapping[str, list[tuple[str, str, str]]]:
    """Normalised name -> (flow, source key, name) of what these flows' plans would create, parts of records apart."""
    query = sa.select(decisions).where(
        _of_last_plan(company, flows),
        decisions.c.outcome == "create",
        decisions.c.part == "",
        decisions.c.name_key.in_(name_keys),
    )
    found: dict[str, list[tuple[str, str, str]]] = {}
    for row in tx.execute(query):
        found.setdefault(row.name_key, []).append((row.flow, row.source_key, row.name))
    return found
