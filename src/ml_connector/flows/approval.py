"""Approving a first load: nothing is written until a person has seen what would be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ml_connector.core.catalogue import CHANGED_SINCE_APPROVAL
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.flow import Flow
from ml_connector.flows.ledger_months import LedgerMonths
from ml_connector.store import cursors, decisions, holds
from ml_connector.store.database import Connection, Database


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
