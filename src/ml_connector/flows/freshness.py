"""How old what we know of each group of fields may be, and what that means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_connector.core.entity import Facet
from ml_connector.core.flow import Flow
from ml_connector.store import looks, readings, staging
from ml_connector.store.database import Connection
from ml_connector.store.looks import Looked


@dataclass(frozen=True, slots=True)
class Freshness:
    """One group of fields of a flow."""

    flow: str
    group: str  #: "record", a facet's name, or "keys"
    seen_at: datetime | None  #: an edit before this instant has been seen; None: no such instant is known
    age_seconds: float | None
    meaning: str


def find_freshness(tx: Connection, flow: Flow, now: datetime) -> list[Freshness]:
    """Every group of the flow's fields that a mapping uses, the record's own first, the comparison of keys last."""
    ran = looks.find(tx, flow.company, flow.name, looks.RECORD).looked_at
    keys = looks.find(tx, flow.company, flow.name, looks.KEYS).looked_at
    watched = [facet for facet in flow.entity.facets if facet.name in flow.watched_facets()]
    told = [
        (looks.RECORD, ran, "An edit that is stamped on the record was seen up to then."),
        *(_of_facet(tx, flow, facet) for facet in watched),
        (looks.KEYS, keys, _KEYS if keys else f"{_NEVER} Run “ml-connector reconcile keys {flow.name}”."),
    ]
    return [
        Freshness(flow.name, group, at, (now - at).total_seconds() if at else None, meaning)
        for group, at, meaning in told
    ]


_KEYS = "Deletions, and changes that no list showed, were looked for then."
_NEVER = "Deletions, and changes that no list showed, were never looked for."


def _of_facet(tx: Connection, flow: Flow, facet: Facet) -> tuple[str, datetime | None, str]:
    whole_at = readings.swept_at(tx, flow.company, flow.name, facet.name)
    looked = looks.find(tx, flow.company, flow.name, facet.name)
    if facet.listed and not looked.looked_at:
        return facet.name, whole_at, "All of them were compared then."
    if facet.listed:
        last = max(filter(None, (whole_at, looked.looked_at)))
        return facet.name, last, f"What had changed was looked at then; all of them {_shown(whole_at)}."
    if looked.tracked_at and looked.looked_at and whole_at and whole_at >= looked.tracked_at:
        return facet.name, looked.looked_at, "The source's own track was read up to then."
    return facet.name, whole_at, _turns(tx, flow, looked)


def _turns(tx: Connection, flow: Flow, looked: Looked) -> str:
    """How far the turns are that records take."""
    if looked.round_at is None:
        return "Every record was read since then; an edit of these fields alone is seen when its turn comes."
    company, entity = flow.company, flow.entity.name
    done = staging.count_names(tx, company, entity, up_to=looked.position)
    whole = staging.count_names(tx, company, entity)
    return f"Every record was read since then; {done:,} of {whole:,} were read anew since {_shown(looked.round_at)}."


def _shown(at: datetime | None) -> str:
    return "never" if at is None else f"{at - timedelta(microseconds=at.microsecond):%Y-%m-%d %H:%M} UTC"
