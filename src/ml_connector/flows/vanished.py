"""Records that the source has no more: their counterparts stay, and are marked where a mapping has a field for it."""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.core.mapping import Mapping, Part
from ml_connector.core.match import Linked, Match
from ml_connector.core.plan import Desired, Plan
from ml_connector.core.record import Fields, fold_key
from ml_connector.flows.arrivals import Missing
from ml_connector.flows.drift import find_drift, without_drifted
from ml_connector.flows.planning import plan_matched
from ml_connector.flows.work import Work
from ml_connector.store import links, outcomes
from ml_connector.store.links import Link


def plan_vanished(work: Work, module: str, missing: Sequence[Missing]) -> list[Plan]:
    """The updates that mark the counterparts in ``module`` of absent records; those that are marked need none."""
    mapping = next((m for m in work.flow.of_module(module) if "vanished" in m.marks), None)
    absent = {fold_key(m.key): m for m in missing if m.error is None}
    if mapping is None or not absent:
        return []
    with work.database.read() as tx:
        found = links.find(tx, work.pair(module), list(absent))
        left = outcomes.find(tx, work.flow.company, [mapping.name], list(absent))
    marked: list[tuple[Desired, Match]] = []
    for ident, link in found.items():
        outcome = left.get(ident, {}).get(mapping.name)
        fields = outcome.fields if outcome else {}
        if not link.gone and fields.get(mapping.marks["vanished"]) is not True:
            marked.append((_desired(mapping, absent[ident[0]], link, fields), Linked(link.target_id)))
    return without_drifted(plan_matched(work, module, marked), find_drift(work, module), module)


def _desired(mapping: Mapping, missing: Missing, link: Link, left: Fields) -> Desired:
    """What was last left there, and the mark: nothing else is written, and nothing is forgotten."""
    return Desired(
        key=link.source_key,
        key_field=mapping.key_field,
        key_value="",
        name=link.source_key,
        at=missing.at,
        fetched_at=missing.fetched_at,
        parts=(Part(mapping, {**left, mapping.marks["vanished"]: True}),),
        part=link.part,
        vanished=True,
    )
