"""Staging the records that no listing names: those that waited, and for which something may be different now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ml_connector.core.catalogue import CHANGED_SINCE_APPROVAL, SCHEMA_DRIFT, TARGET_GONE
from ml_connector.core.record import fold_key
from ml_connector.flows.drift import find_drift, still_waits
from ml_connector.flows.work import Work
from ml_connector.store import asked, awaited, decisions, holds, links, staging
from ml_connector.store.database import Connection
from ml_connector.store.holds import Hold

#: So many records that the source refused are tried again by one run: staged together they come in a row, and a source
#: that refuses many in a row is taken for one that is away.
FEW = 3


def stage_waiting(work: Work, run: str, *, preview: bool) -> dict[str, Any]:
    """Beside what is listed: facets that moved, what was asked, and what waits for something that may have happened.

    That is an approval, a mended field, a parent that is there, a record that is seen again, or time alone.
    ``preview``: a plan shows what waits for its approval; a run reads only what has it by now.
    """
    flow = work.flow
    drifts = {module: find_drift(work, module) for module in flow.modules}
    modules = {mapping.name: mapping.target for mapping in flow.mappings}
    visible = _visible_again(work)
    with work.database.begin() as tx:
        mended = [
            hold
            for hold in _waiting(tx, work, SCHEMA_DRIFT)
            if hold.mapping in modules
            and not still_waits(drifts[modules[hold.mapping]], hold.field, hold.detail.get("value"))
        ]
        unapproved = _waiting(tx, work, CHANGED_SINCE_APPROVAL)
        approved = unapproved if preview else _approved(tx, work, unapproved)
        healed = _perhaps_healed(tx, work)
        keys = [hold.source_key for hold in (*mended, *approved, *healed)] + visible
        keys += asked.keys(tx, flow.company, flow.entity.name)
        staging.put_keys(tx, run, flow.company, flow.entity.name, keys)
        _stage_ready(tx, work, run)
        staging.put_pending_facets(tx, run, flow.company, flow.entity.name, flow.watched_facets())
        return {"staged": staging.count(tx, run)}


def _visible_again(work: Work) -> list[str]:
    """Of the records whose counterpart could not be seen, those that it is there for again: asked of the target."""
    with work.database.read() as tx:
        keys = [hold.source_key for hold in _waiting(tx, work, TARGET_GONE)]
        gone = {module: links.gone(tx, work.pair(module), keys) for module in work.flow.modules if keys}
    again: list[str] = []
    for module, lost in gone.items():
        ids = [link.target_id for link in lost]
        there = work.target.read(module, ids, [work.flow.key_field(module)]) if ids else {}
        again += [link.source_key for link in lost if link.target_id in there]
    return again


def _perhaps_healed(tx: Connection, work: Work) -> list[Hold]:
    """What is due to be tried again by itself: of what the source refused, a few.

    A hold under a mapping that left the flow is not: it is closed when the record goes through.
    """
    found = holds.due(tx, work.flow.company, work.flow.name, work.clock.now())
    due = [hold for hold in found if hold.mapping in work.flow.meanings]
    refused = dict.fromkeys(fold_key(hold.source_key) for hold in due if hold.unread)
    few = set(list(refused)[:FEW])
    return [hold for hold in due if not hold.unread or fold_key(hold.source_key) in few]


def _waiting(tx: Connection, work: Work, code: str) -> list[Hold]:
    return holds.find(tx, work.flow.company, flow=work.flow.name, codes=[code])


def _approved(tx: Connection, work: Work, waiting: Sequence[Hold]) -> list[Hold]:
    """Those whose last attempt is older than the plan that was approved: the others would be read for nothing."""
    flow, keys = work.flow, [hold.source_key for hold in waiting]
    never = datetime.min.replace(tzinfo=UTC)
    planned: dict[str, datetime] = {}
    for module in flow.modules:
        for ident, decision in decisions.approved(tx, flow.company, flow.name, module, keys).items():
            at = datetime.fromisoformat(decision.plan)
            planned[ident[0]] = max(at, planned.get(ident[0], at))
    return [hold for hold in waiting if planned.get(fold_key(hold.source_key), never) >= hold.at]


def stage_again(work: Work, run: str) -> dict[str, Any]:
    """When all is worked off: the records whose parent came behind them in the order of keys."""
    with work.database.begin() as tx:
        staging.clear(tx, run)
        _stage_ready(tx, work, run)
        return {"staged": staging.count(tx, run)}


def _stage_ready(tx: Connection, work: Work, run: str) -> None:
    if not work.flow.modules:  # what a mapping that left it waited for
        return
    company, entity = work.flow.company, work.flow.entity.name
    staging.put_keys(tx, run, company, entity, awaited.ready(tx, company, entity))
