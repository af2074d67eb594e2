"""What ran and what was planned, and when."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from ml_connector.store.cursors import Run, run_of
from ml_connector.store.tables import plans, runs


def runs_since(tx: sa.Connection, companies: Collection[str], at: datetime) -> list[Run]:
    """The runs of these companies that began at or after ``at``, or have not ended, oldest first."""
    begun = sa.or_(runs.c.started_at >= at, runs.c.ended_at.is_(None))
    query = (
        sa.select(runs).where(runs.c.company.in_(companies), begun).order_by(runs.c.started_at, runs.c.run)
    )
    return [run_of(row) for row in tx.execute(query)]


def planned_at(tx: sa.Connection, company: str, flow: str) -> datetime | None:
    """When the last whole plan of the flow was made; None: there was none."""
    query = sa.select(plans.c.plan).where(plans.c.company == company, plans.c.flow == flow)
    plan = tx.execute(query).scalar_one_or_none()
    return datetime.fromisoformat(plan) if plan else None
