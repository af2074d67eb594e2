"""From what is wanted to plans: decide each, with what stands in the target read where it counts."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ml_connector.core.catalogue import OWN_CODES, TARGET_GONE
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.mapping import Mapping, withheld
from ml_connector.core.match import Found, Linked, Match
from ml_connector.core.plan import Action, Desired, Plan, plan_write
from ml_connector.core.reconcile import compare_fields, owned
from ml_connector.core.record import Fields, Ident
from ml_connector.flows.arrivals import Arrival
from ml_connector.flows.desire import NO_PARENTS, Parents, desire
from ml_connector.flows.drift import find_drift, without_drifted
from ml_connector.flows.range import Range
from ml_connector.flows.recognise import NEW, NONE_PLANNED, recognise, without_taken
from ml_connector.flows.work import Work
from ml_connector.store import links, match_index, outcomes
from ml_connector.store.database import Connection
from ml_connector.store.links import Link


@dataclass(frozen=True, slots=True)
class _Grounds:
    """What the store knows that decides what is written."""

    mappings: Sequence[Mapping]  #: of the flow to this module
    links: MappingOf[Ident, Link]
    left: MappingOf[Ident, MappingOf[str, Fields]]  #: mapping -> the fields we last left
    reserved: MappingOf[str, frozenset[str]]  #: target id -> fields that a higher-ranked mapping owns there
    stamps: MappingOf[str, datetime]  #: target id -> its last change, as far as the index knows


def plan_chunk(
    work: Work,
    module: str,
    arrived: Sequence[Arrival],
    span: Range,
    *,
    planned: MappingOf[str, str] = NONE_PLANNED,
    parents: Parents = NO_PARENTS,
) -> list[Plan]:
    """The plans for these arrivals.

    In a plan that is only shown, ``planned`` are the other flows (name -> entity) whose planned creates count as made,
    and ``parents`` the ids of what the modules before this one will hold.
    """
    with work.database.read() as tx:
        wanted = desire(tx, work, module, arrived, parents)
    return plan_matched(work, module, recognise(work, module, wanted, span, planned))


def plan_matched(work: Work, module: str, matched: Sequence[tuple[Desired, Match]]) -> list[Plan]:
    """Decide for records whose match is known: what may be taken over, what ranks higher, what stands there now."""
    with work.database.read() as tx:
        matched = without_taken(tx, work, module, matched)
        grounds = _grounds(tx, work, module, matched)
    plans = [_decide(desired, match, grounds, None) for desired, match in matched]
    current = _read(work, module, [p for p in plans if _must_read(p, grounds)], grounds)
    plans = [
        _decide(desired, match, grounds, current) if _must_read(plan, grounds) else plan
        for plan, (desired, match) in zip(plans, matched, strict=True)
    ]
    plans = [_stamped(plan, grounds.stamps) for plan in plans]
    return without_drifted(plans, find_drift(work, module), module)


def _stamped(plan: Plan, stamps: MappingOf[str, datetime]) -> Plan:
    stamp = stamps.get(plan.target_id or "")
    return replace(plan, stamp=stamp) if stamp else plan


def _grounds(tx: Connection, work: Work, module: str, matched: Sequence[tuple[Desired, Match]]) -> _Grounds:
    keys = [desired.key for desired, _ in matched]
    ids = [match.target_id for _, match in matched if isinstance(match, Linked | Found)]
    mappings = work.flow.of_module(module)
    done = outcomes.find(tx, work.flow.company, [mapping.name for mapping in mappings], keys)
    return _Grounds(
        mappings,
        links=links.find(tx, work.pair(module), keys),
        left={ident: {m: o.fields for m, o in found.items() if o.fields} for ident, found in done.items()},
        reserved=reserved(work, module, links.entities_on(tx, work.flow.company, module, ids)),
        stamps=match_index.stamps(tx, module, ids),
    )


def reserved(work: Work, module: str, entities: MappingOf[str, set[str]]) -> dict[str, frozenset[str]]:
    """Target id -> the fields that a higher-ranked mapping of another entity owns there."""
    higher_owned = {}
    for target_id, found in entities.items():
        higher = [m for m in work.others if m.source in found and m.source != work.flow.entity.name]
        fields: frozenset[str] = frozenset().union(
            *(withheld(m, higher) for m in work.flow.of_module(module))
        )
        higher_owned[target_id] = fields
    return higher_owned


def _decide(
    desired: Desired, match: Match, grounds: _Grounds, current: MappingOf[str, MappingOf[str, object]] | None
) -> Plan:
    target_id = match.target_id if isinstance(match, Linked | Found) else ""
    if current is not None and target_id not in current:
        return Plan(Action.HOLD, desired, hold=gone(target_id), candidates=(target_id,))
    left = grounds.left.get(desired.ident, {})
    there = current.get(target_id) if current is not None else None
    plan = plan_write(desired, match, left, there, grounds.reserved.get(target_id, frozenset()))
    if there is None or not isinstance(match, Linked):
        return plan
    return replace(plan, lets_be=_lets_be(plan, left, there, grounds.mappings))


def _lets_be(
    plan: Plan, left: MappingOf[str, Fields], there: MappingOf[str, object], mappings: Sequence[Mapping]
) -> bool:
    """Whether a field of ours says what somebody else wrote, and says so still when this is written."""
    return any(
        one.field not in plan.fields
        for mapping in mappings
        for one in compare_fields(
            mapping.name, owned(mapping, left.get(mapping.name, {}), plan.withheld), there
        )
    )


def _must_read(plan: Plan, grounds: _Grounds) -> bool:
    """Whether what stands there counts: recognised just now, changed by a person, or never written by us."""
    if (
        plan.action not in (Action.UPDATE, Action.SKIP)
        or not plan.target_id
        or plan.target_id.startswith(NEW)
    ):
        return False
    if plan.by != "link":
        return True
    ident = plan.desired.ident
    ours, stamp = grounds.links[ident].modified_at, grounds.stamps.get(plan.target_id)
    left = grounds.left.get(ident, {})
    touched = ours is None or (stamp is not None and stamp > ours)
    unwritten = any(
        name not in left.get(part.mapping.name, {})
        for part in plan.desired.parts
        for name in part.fields.keys() & plan.fields
    )
    return plan.action is Action.UPDATE and (touched or unwritten)


def gone(target_id: str) -> RecordRejectedError:
    """The record that this one is linked to or matched with cannot be seen in the target."""
    return RecordRejectedError(
        f"The record {target_id} is gone from the CRM, or our user may not see it.",
        OWN_CODES[TARGET_GONE].remedy,
        code=TARGET_GONE,
    )


def _read(work: Work, module: str, plans: Sequence[Plan], grounds: _Grounds) -> dict[str, dict[str, object]]:
    """What stands in these records, in every field that is ours there."""
    if not plans:
        return {}
    names = {name for plan in plans for part in plan.desired.parts for name in part.fields}
    left = (grounds.left.get(plan.desired.ident, {}) for plan in plans)
    names |= {name for of_mapping in left for fields in of_mapping.values() for name in fields}
    names |= {plan.desired.key_field for plan in plans}
    names &= work.target.describe(module).keys()  # what was removed there cannot be read either
    return work.target.read(module, list({p.target_id: None for p in plans if p.target_id}), sorted(names))
