"""What of the plans may be written: on a first load, only what a person approved as it is decided now."""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.core.catalogue import AMBIGUOUS, CHANGED_SINCE_APPROVAL, OWN_CODES
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.plan import Action, Plan
from ml_connector.core.record import fold_key
from ml_connector.flows.recognise import NEW
from ml_connector.flows.work import Work
from ml_connector.store import decisions, holds, links, verdicts
from ml_connector.store.database import Connection

_OURS = ("link", "created")  #: approved and begun before an interruption


def hold_unapproved(work: Work, module: str, plans: Sequence[Plan], *, everything: bool) -> list[Plan]:
    """Let through what was approved as it is decided now; hold every other create and join until it is.

    ``everything``: a first load. Otherwise only records that wait for their approval already are looked at.
    """
    keys = [plan.desired.key for plan in plans]
    company, flow = work.flow.company, work.flow.name
    with work.database.read() as tx:
        waiting = holds.find(tx, company, flow=flow, keys=keys, codes=[CHANGED_SINCE_APPROVAL])
        guarded = {fold_key(key) for key in (keys if everything else [hold.source_key for hold in waiting])}
        approved = decisions.approved(tx, company, flow, module, keys)
        real = {ident: _real_id(tx, work, module, row.target_id) for ident, row in approved.items()}
        decided = verdicts.find(tx, work.pair(module), list(guarded))
        ids = [plan.target_id for plan in plans if plan.target_id and plan.desired.ident[0] in guarded]
        shared = decisions.shared(tx, company, flow, module, ids)
    released = {ident for ident, verdict in decided.items() if CHANGED_SINCE_APPROVAL in verdict.released}

    def is_free(plan: Plan) -> bool:
        ident = plan.desired.ident
        if plan.action not in (Action.CREATE, Action.UPDATE) or plan.by in _OURS or ident[0] not in guarded:
            return True
        agreed = ident in approved and (approved[ident].outcome, real[ident]) == (
            plan.action.value,
            plan.target_id or "",
        )
        return agreed or ident in released

    def checked(plan: Plan) -> Plan:
        joined = shared.get(plan.target_id or "", {}).items()
        others = sorted(key for ident, key in joined if ident != plan.desired.ident)
        if others and plan.action is Action.UPDATE and plan.by not in _OURS:
            return claimed_twice(plan, others[0])
        return plan if is_free(plan) else _unapproved(plan)

    return [checked(plan) for plan in plans]


def claimed_twice(plan: Plan, other: str) -> Plan:
    """The plan of a record that is recognised where another one is, too: which of them it is cannot be told."""
    error = RecordRejectedError(
        f"It cannot be told which record of the CRM this is: {plan.target_id} could be {other} as well.",
        OWN_CODES[AMBIGUOUS].remedy,
        code=AMBIGUOUS,
    )
    return plan.held(error)


def _real_id(tx: Connection, work: Work, module: str, target_id: str) -> str:
    """The id of a record that was planned as "new:ENTITY:KEY" and exists by now."""
    if not target_id.startswith(NEW):
        return target_id
    entity, key = target_id.removeprefix(NEW).split(":", 1)
    found = links.find(tx, links.Pair(work.flow.company, entity, module), [key])
    return next((link.target_id for link in found.values()), target_id)


def _unapproved(plan: Plan) -> Plan:
    what = "would be created" if plan.action is Action.CREATE else f"would be joined with {plan.target_id}"
    error = RecordRejectedError(
        f"This record {what}, and that was not in the approved plan.",
        OWN_CODES[CHANGED_SINCE_APPROVAL].remedy,
        code=CHANGED_SINCE_APPROVAL,
    )
    return plan.held(error)
