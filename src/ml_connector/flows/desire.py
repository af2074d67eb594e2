"""From arrivals to what is wanted of the target: mapped, marked, its lookups resolved. Reads the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import replace

from ml_connector.core.document_fields import SALES_DOCUMENTS
from ml_connector.core.flow import CARRIED
from ml_connector.core.mapping import Mapping, Part, Reference, key_value, map_record, person_of, resolve
from ml_connector.core.plan import Desired
from ml_connector.core.record import Ident, Reading, Record, digest, fold_key
from ml_connector.flows.arrivals import Arrival
from ml_connector.flows.within import awaited_accounts, limit_lines
from ml_connector.flows.work import Work
from ml_connector.store import document_deals, links, outcomes
from ml_connector.store.database import Connection
from ml_connector.store.links import Link, Pair

#: Target ids of records that the plan being made would create or has found: folded source key -> id.
Parents = MappingOf[str, str]
NO_PARENTS: Parents = {}


def desire(
    tx: Connection, work: Work, module: str, arrived: Sequence[Arrival], parents: Parents = NO_PARENTS
) -> list[Desired]:
    """What these records want of ``module``; one that has several target records there is told for each.

    ``parents``: in a plan, the records of the modules before this one that are not written yet.
    """
    arrived = limit_lines(tx, work, arrived)
    mappings = work.flow.of_module(module)
    wanted = [d for arrival in arrived for d in _desired(work, mappings, arrival) if d.parts]
    wanted = _resolved(tx, work, wanted, parents)
    unknown = awaited_accounts(work, arrived)
    wanted = [replace(d, awaits=(*d.awaits, *unknown[d.key])) if d.key in unknown else d for d in wanted]
    left_out = {(fold_key(arrival.record.key), part) for arrival in arrived for part in arrival.left_out}
    return wanted + _formers(tx, work, module, wanted, left_out)


def _desired(work: Work, mappings: Sequence[Mapping], arrival: Arrival) -> list[Desired]:
    """What one record wants: one target record, or one for each of its parts."""
    first = mappings[0]
    if not first.each or arrival.facet_only:
        return [_one(work, mappings, arrival, person_of(arrival.record, first))]
    record = arrival.record
    parts = {part: {**record.fields, **fields} for part, fields in record.parts.items()}
    split = [(part, replace(arrival, record=replace(record, fields=both))) for part, both in parts.items()]
    many = len(split) or 1
    return [replace(_one(work, mappings, one, part), of_parts=many) for part, one in split or [("", arrival)]]


def _one(work: Work, mappings: Sequence[Mapping], arrival: Arrival, part: str) -> Desired:
    record, context = arrival.record, work.context()
    first = mappings[0]
    if arrival.facet_only:
        mappings = [mapping for mapping in mappings if work.flow.follows_facet(mapping)]
    filtered = not arrival.facet_only and not work.flow.lets_in(record.fields)
    marked = {"former": False, "vanished": False} | ({"filtered": filtered} if work.flow.filter else {})
    if arrival.facet_only:
        marked = {}  # it says nothing of any of them
    nothing = "" if part else "nobody" if first.key_person else "empty" if first.each else ""
    return Desired(
        key=record.key,
        key_field=first.key_field,
        key_value=key_value(record, context, part),
        name=_name(record, first, arrival.name),
        at=arrival.at,
        fetched_at=record.fetched_at,
        parts=tuple(Part(m, {}) if nothing else map_record(record, m, context, marked) for m in mappings),
        part=part,
        left_alone="filtered" if filtered else nothing,
        final=record.fields.get(work.flow.entity.final) is True,
        facet_only=arrival.facet_only,
        skew=arrival.skew,
        seen=arrival.seen,
        readings=() if arrival.facet_only else read_along(work, record),
    )


def _name(record: Record, mapping: Mapping, listed: str) -> str:
    """What the target record is called, as the source writes it."""
    source = mapping.key_person or mapping.match.name
    return str(record.fields.get(source) or "") if source in record.fields else listed


def read_along(work: Work, record: Record) -> tuple[Reading, ...]:
    """What came with the record itself and is kept, so that a facet's change needs no new reading of the record."""
    carried = {name: record.fields.get(name) for name, f in work.flow.entity.fields.items() if f.carried}
    marks = (Reading(record.key, facet, {}, mark) for facet, mark in record.digests.items())
    return (Reading(record.key, CARRIED, carried, digest(carried)), *marks)


def _resolved(tx: Connection, work: Work, wanted: Sequence[Desired], parents: Parents) -> list[Desired]:
    """The lookups of the parts filled in, as far as the records that they point to are linked."""
    references = {r for d in wanted for part in d.parts for r in part.references.values()}
    if not references:
        return list(wanted)
    linked = _linked(tx, work, references, parents)
    resolved = [tuple(resolve(part, linked) for part in d.parts) for d in wanted]
    awaits: dict[str, dict[Reference, None]] = {}
    for d, parts in zip(wanted, resolved, strict=True):
        awaits.setdefault(d.key, {}).update({r: None for part in parts for r in part.references.values()})
    return [
        replace(d, parts=parts, awaits=tuple(awaits[d.key]))
        for d, parts in zip(wanted, resolved, strict=True)
    ]


def _linked(tx: Connection, work: Work, references: set[Reference], parents: Parents) -> dict[Reference, str]:
    found: dict[Reference, str] = {}
    for entity, module in {(r.entity, r.module) for r in references}:
        these = [r for r in references if (r.entity, r.module) == (entity, module)]
        if entity == SALES_DOCUMENTS:
            deals = document_deals.find(tx, work.flow.company, [r.key for r in these])
            found |= {r: deals[fold_key(r.key)] for r in these if fold_key(r.key) in deals}
            continue
        known = links.find(tx, Pair(work.flow.company, entity, module), [r.key for r in these])
        for reference in these:
            link = known.get((fold_key(reference.key), ""))
            target_id = link.target_id if link and not link.gone else parents.get(fold_key(reference.key))
            if target_id:
                found[reference] = target_id
    return found


def _formers(
    tx: Connection, work: Work, module: str, wanted: Sequence[Desired], left_out: Collection[Ident]
) -> list[Desired]:
    """Target records of a person or line that the source record no longer has: they stay, and are marked.

    ``left_out``: lines that it has and that are not wanted (now). What was written of them stays as it is.
    """
    mapping = next((m for m in work.flow.of_module(module) if "former" in m.marks), None)
    at_hand = {fold_key(d.key): d for d in wanted if not d.facet_only and d.left_alone != "filtered"}
    if mapping is None or not at_hand:
        return []
    present = {*left_out, *(d.ident for d in wanted)}
    keys = list(at_hand)
    marked = outcomes.find(tx, work.flow.company, [mapping.name], keys)
    former: list[Desired] = []
    for ident, link in links.find(tx, work.pair(module), keys).items():
        left = marked.get(ident, {}).get(mapping.name)
        is_marked = left is not None and left.fields.get(mapping.marks["former"]) is True
        if ident not in present and not link.gone and not is_marked:
            former.append(_former(at_hand[ident[0]], link, mapping))
    return former


def _former(now: Desired, link: Link, mapping: Mapping) -> Desired:
    part = Part(mapping, {mapping.marks["former"]: True})
    return replace(
        now, part=link.part, name=link.part, parts=(part,), left_alone="", former=True, seen=(), readings=(),
        awaits=(), of_parts=1,
    )  # fmt: skip
