"""Approving a first load: nothing is written until a person has seen what would be.

Before a run: whose plan nobody has approved. In a run: what of its plans may be written, as it is decided now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ml_connector.core.catalogue import AMBIGUOUS, CHANGED_SINCE_APPROVAL, OWN_CODES
from ml_connector.core.errors import ConfigurationError, RecordRejectedError
from ml_connector.core.flow import Flow
from ml_connector.core.plan import Action, Plan
from ml_connector.core.record import fold_key
from ml_connector.flows.ledger_months import LedgerMonths
from ml_connector.flows.recognise import NEW
from ml_connector.flows.work import Work
from ml_connector.store import cursors, decisions, holds, links, verdicts
from ml_connector.store.database import Connection, Database

_OURS = ("link", "created")  #: approved and begun before an interruption


def unapproved(database: Database, flows: Sequence[Flow]) -> list[str]:
    """The flows whose first load is not done and whose plan nobody has approved; one that writes nothing needs none."""
    with database.read() as tx:
        return [
            flow.name
            for flow in flows
            if flow.modules
            and not _is_loaded(tx, flow)
            and not decisions.is_approved(tx, flow.company, flow.name)
        ]


def _is_loaded(tx: Connection, flow: Flow) -> bool:
    """Whether the flow ran with a module to write into."""
    done = cursors.find(tx, flow.company, flow.name)
    return done is not None and bool(done.modules)


def too_early(database: Database, flow: Flow, flows: Mapping[str, Flow]) -> list[str]:
    """The flows (of ``flows``, by name) that keep what this one is made from, and never came to their end.

    Before that nobody can say what it would write: a plan of it is empty, and to approve that would hold everything.
    """
    if flow.entity.name not in LedgerMonths.entities:
        return []
    with database.read() as tx:
        before = (flows[name] for name in flow.after if name in flows)
        return [one.name for one in before if cursors.find(tx, one.company, one.name) is None]


def plan_hash(database: Database, flows: Sequence[Flow]) -> str:
    """The hash of the plan that is kept for these flows."""
    with database.read() as tx:
        return decisions.report_hash(tx, _by_company(flows))


def approve(database: Database, flows: Sequence[Flow], given: str) -> None:
    """Approve the kept plan, if ``given`` is its hash. Raises ConfigurationError."""
    names = [flow.name for flow in flows]
    with database.begin() as tx:
        if given != decisions.report_hash(tx, _by_company(flows)):
            raise ConfigurationError(
                f"{given} is not the hash of the last plan of {', '.join(names)}.",
                "Run “ml-connector plan” with the same flows, look at it, and approve the hash that it prints.",
            )
        for company, of_company in _by_company(flows).items():
            decisions.approve(tx, company, of_company)


def _by_company(flows: Sequence[Flow]) -> dict[str, list[str]]:
    """Company -> the names of its flows among these."""
    found: dict[str, list[str]] = {}
    for flow in flows:
        found.setdefault(flow.company, []).append(flow.name)
    return found


def count_changed(database: Database, flows: Collection[Flow]) -> int:
    """How many records of these flows wait because what would be written was not in the approved plan."""
    with database.read() as tx:
        found = (holds.find(tx, f.company, flow=f.name, codes=[CHANGED_SINCE_APPROVAL]) for f in flows)
        return holds.count_records([hold for of_flow in found for hold in of_flow])


def count_held(database: Database, companies: Sequence[str]) -> int:
    """How many records of these companies wait for a person."""
    with database.read() as tx:
        return holds.count_records([hold for company in companies for hold in holds.find(tx, company)])


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
