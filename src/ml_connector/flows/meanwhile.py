"""Updates that waited for their turn: a person may have changed the records since they were planned."""

from __future__ import annotations

from ml_connector.core.match import Found, Linked, Match
from ml_connector.core.plan import Plan
from ml_connector.flows.look_again import Matched
from ml_connector.flows.refresh import refresh
from ml_connector.flows.spool import Spool
from ml_connector.flows.work import Work
from ml_connector.store import match_index


def as_planned(work: Work, run: str, module: str, plans: Spool[Plan]) -> tuple[Spool[Plan], list[Matched]]:
    """Those of these updates whose records are as they were when they were planned; the others to be planned anew.

    One query brings the index up to date. Raises RetryableError, ConfigurationError.
    """
    refresh(lambda _name, step: step(), work, run, module)
    with work.database.read() as tx:
        stamps = match_index.stamps(tx, module, {plan.target_id for plan in plans if plan.target_id})
    rows: Spool[Plan] = Spool()
    changed: list[Matched] = []
    for plan in plans:
        if stamps.get(plan.target_id or "") == plan.stamp:
            rows.append(plan)
        else:
            changed.append((plan.desired, _match(plan)))
    return rows, changed


def _match(plan: Plan) -> Match:
    """As the record was recognised."""
    assert plan.target_id is not None
    if plan.by == "link":
        return Linked(plan.target_id)
    replaces = str(plan.before.get(plan.desired.key_field) or "") if plan.by == "review" else ""
    return Found(plan.target_id, plan.by, plan.score, replaces)
