"""How every flow stands: what alerts are decided from, and what the metrics show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ml_connector.core.alerts import FlowFacts
from ml_connector.core.waits import Wait
from ml_connector.flows.agenda import Scheduled, is_owed
from ml_connector.store import figures, schedules, tallies, waits
from ml_connector.store.database import Connection
from ml_connector.store.schedules import Kept


@dataclass(frozen=True, slots=True)
class Watched:
    """A flow that is looked at."""

    company: str  #: under which it is recorded
    entity: str
    scheduled: Scheduled

    @property
    def named(self) -> tuple[str, str]:
        """What names it in the store."""
        return self.company, self.scheduled.flow


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """What the metrics show of a flow, beside its facts."""

    entity: str
    facts: FlowFacts
    cursor_at: datetime | None
    records: Mapping[str, int]  #: by what became of them, in all runs that ended and the one under way
    runs: Mapping[str, int]  #: by how they ended


def find_facts(
    tx: Connection, watched: Sequence[Watched], now: datetime
) -> tuple[list[FlowFacts], dict[str, Wait]]:
    """How each flow stands, and which systems are waited for."""
    kept, held = schedules.find(tx), figures.find_holds(tx)
    facts = []
    for flow in watched:
        scheduled, ends = flow.scheduled, figures.find_ends(tx, flow.named)
        mine = kept.get(scheduled.flow)
        facts.append(
            FlowFacts(
                scheduled.flow,
                scheduled.needs,
                mine is not None and mine.paused,
                mine is not None and is_owed(mine, now),
                ends.done_at,
                due_since(scheduled, mine, ends.done_at, now),
                ends.failing_since,
                ends.under_way_since,
                ends.state,
                ends.note,
                held.get(flow.named, {}),
            )
        )
    return facts, waits.find(tx)


def due_since(flow: Scheduled, kept: Kept | None, done_at: datetime | None, now: datetime) -> datetime | None:
    """The first instant since its last good end, or since its schedule was changed, that it should have run for.

    None: there is none yet, or it is paused. One that never ended well is due from when it is known.
    """
    if kept is None or kept.paused:
        return None
    since = max(done_at, kept.changed_at or done_at) if done_at else kept.due_at
    at = flow.as_kept(kept).following(since)
    return at if at <= now else None


def find_figures(tx: Connection, watched: Sequence[Watched], now: datetime) -> list[FlowFigures]:
    """Everything that the metrics show of flows."""
    facts, _waits = find_facts(tx, watched, now)
    read_up_to = figures.find_cursors(tx)
    found = []
    for flow, known in zip(watched, facts, strict=True):
        records = Counter(tallies.find(tx, *flow.named, tallies.RECORDS)) + figures.count_under_way(
            tx, flow.named
        )
        runs = tallies.find(tx, *flow.named, tallies.RUNS)
        found.append(FlowFigures(flow.entity, known, read_up_to.get(flow.named), records, runs))
    return found
