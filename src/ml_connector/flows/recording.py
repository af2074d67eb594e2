"""Recording what was decided and done: links, outcomes, audit, holds and the index, in one transaction a batch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog

from ml_connector.core.audit import AuditAction
from ml_connector.core.flow import BACK
from ml_connector.core.mapping import Part
from ml_connector.core.plan import Action
from ml_connector.core.ports import Candidate, Written
from ml_connector.core.record import Fields, Ident, fold_key
from ml_connector.flows.done import Done, fault_of
from ml_connector.flows.telling import Teller
from ml_connector.flows.work import Work
from ml_connector.store import (
    asked,
    audit,
    awaited,
    holds,
    intents,
    links,
    match_index,
    outcomes,
    readings,
    verdicts,
)
from ml_connector.store.audit import AuditRow
from ml_connector.store.database import Connection
from ml_connector.store.holds import Hold
from ml_connector.store.links import Link
from ml_connector.store.outcomes import Outcome


def record(work: Work, run: str, module: str, done: Sequence[Done]) -> Counter[str]:
    """Commit what became of these records; doing it again changes nothing."""
    now = work.clock.now()
    good = [d for d in done if d.error is None and d.target_id]
    with work.database.begin() as tx:
        _link(tx, work, module, good, now)
        decided = [d.plan.desired.ident for d in done if d.sent or d.plan.by == "created"]
        intents.remove(tx, work.pair(module), decided)
        links.lose(tx, module, [d.target_id for d in done if d.is_gone], links.LOST)
        _put_outcomes(tx, work, done)
        _await_parents(tx, work, module, done)
        # In the last module that it concerns: every module has followed by then.
        last = {facet_only: work.flow.last_module(facet_only=facet_only) for facet_only in (False, True)}
        through = [d for d in done if module == last[d.plan.desired.facet_only]]
        _settle_readings(tx, work, through)
        looked_at = _looked_at(tx, work, module, through)
        asked.remove(tx, work.flow.company, work.flow.entity.name, looked_at)
        missed = [d.plan.desired.key for d in done if d.is_gone and d.error]
        asked.put(
            tx, work.flow.company, work.flow.entity.name, missed, "gone from the target: who is it now?"
        )
        faults = [
            _hold(work, run, d, part) for d in done for part in d.plan.desired.parts if fault_of(d, part)
        ]
        held = holds.put(tx, work.flow.company, faults)
        closed = _close(tx, work, module, done, now) + _close_unread(tx, work, looked_at, faults, now)
        teller = Teller(work, run, module, now, {(h.mapping, h.source_key, h.part): h for h in held})
        rows = [row for d in done for row in teller.of(d)]
        rows += [teller.released(hold) for hold in closed]
        audit.append(tx, rows)
    _log_all(rows)
    return Counter(d.count for d in done)


def _log_all(rows: Sequence[AuditRow]) -> None:
    """A line for each thing that happened to a record, without its values: who runs it wants to see what is held."""
    log = structlog.get_logger().bind()
    for row in rows:
        write = log.info if row.action is AuditAction.HELD else log.debug
        where = {"flow": row.flow, "run": row.run, "key": row.source_key, "mapping": row.mapping}
        write(f"{row.flow}: {row.action}", **where, target_id=row.target_id, module=row.module)


def _link(tx: Connection, work: Work, module: str, good: Sequence[Done], now: datetime) -> None:
    """Link what was written or recognised; where nothing was written, a link stands as it is."""
    pair = work.pair(module)
    linked = [d for d in good if isinstance(d.result, Written) or d.plan.by != "link"]
    created = [d for d in linked if d.plan.action is Action.CREATE]
    found = [d for d in linked if d.plan.action is not Action.CREATE]
    links.put(tx, pair, [_link_of(d, now) for d in linked])
    verdicts.use(tx, pair, [d.plan.desired.ident for d in linked if d.plan.by != "link"])
    match_index.put(tx, module, [_candidate(d, now) for d in created], now)
    keys = [(d.target_id, d.plan.desired.key_field, d.plan.desired.key_value) for d in found]
    match_index.put_key(tx, module, keys)


def _link_of(d: Done, now: datetime) -> Link:
    linked_by = "created" if d.plan.action is Action.CREATE else d.plan.by
    stamp = d.result.modified_at if isinstance(d.result, Written) and not d.plan.lets_be else None
    return Link(d.plan.desired.key, d.target_id, linked_by, now, stamp, d.plan.desired.part)


def _candidate(d: Done, now: datetime) -> Candidate:
    desired = d.plan.desired
    stamp = d.result.modified_at if isinstance(d.result, Written) else None
    return Candidate(d.target_id, desired.name, {desired.key_field: desired.key_value}, stamp or now)


def _await_parents(tx: Connection, work: Work, module: str, done: Sequence[Done]) -> None:
    """Remember which records they still wait for; a link to one of these, or its reading, stages them again."""
    looks_up = any(rule.lookup for mapping in work.flow.of_module(module) for rule in mapping.rules)
    if not looks_up and not work.flow.limits.needs_categories:
        return
    waits = {
        d.plan.desired.key: [(r.entity, r.module, r.key) for r in d.plan.desired.awaits]
        for d in done
        if not d.plan.desired.former and not d.plan.desired.facet_only and not d.plan.desired.vanished
    }
    awaited.put_many(tx, work.pair(module), waits)


def _put_outcomes(tx: Connection, work: Work, done: Sequence[Done]) -> None:
    told: dict[tuple[str, ...], list[Outcome]] = defaultdict(list)
    for d in done:
        for part in d.plan.desired.parts:
            if outcome := _outcome(d, part):
                told[_stays(d, part)].append(outcome)
    for keep, rows in told.items():
        outcomes.put(tx, work.flow.company, rows, keep=keep)


def _stays(d: Done, part: Part) -> tuple[str, ...]:
    """The columns of the outcome that stay: what was last left where nothing was written, and the change's instant.

    A record that was asked for comes without its instant; the one known before is still dealt with.
    """
    desired = d.plan.desired
    of_record = ("at", "fetched_at", "of_parts", "final")
    stays = of_record if desired.facet_only else ("at",) if desired.at is None else ()
    return (*stays, *(("fields",) if d.is_gone or fault_of(d, part) is not None else ()))


def _outcome(d: Done, part: Part) -> Outcome | None:
    """What became of one part; None: nothing to write to yet, it comes with the record that it belongs to."""
    desired, mapping, faulty = d.plan.desired, part.mapping, fault_of(d, part) is not None
    if desired.former:
        result = "former"  # whatever became of it, it says nothing of the person that the record names now
    elif faulty:
        result = "held"
    elif desired.vanished:
        result = "absent"
    elif d.target_id:
        result = "written"
    elif desired.left_alone:
        result = "skipped"
    else:
        return None
    left: Fields = {}
    if d.target_id and not faulty and not d.is_gone:
        left = {n: v for n, v in part.fields.items() if n not in d.plan.withheld}
    return Outcome(
        mapping.name,
        desired.key,
        result,
        desired.at,
        desired.fetched_at - desired.skew,
        mapping.fingerprint,
        left,
        desired.part,
        desired.of_parts,
        desired.final,
    )


def _looked_at(tx: Connection, work: Work, module: str, through: Sequence[Done]) -> list[str]:
    """The keys of which everything is recorded: a record of many parts may be in several batches."""
    wanted = [d.plan.desired for d in through if not (d.plan.desired.former or d.plan.desired.vanished)]
    single = [d.key for d in wanted if d.of_parts == 1]
    many = {d.key: None for d in wanted if d.of_parts > 1}
    names = [mapping.name for mapping in work.flow.of_module(module)]
    found = outcomes.by_key(tx, work.flow.company, names, many) if many else {}
    of_key = {key: [found[fold_key(key), n] for n in names if (fold_key(key), n) in found] for key in many}
    return single + [key for key, known in of_key.items() if all(map(outcomes.is_whole, known))]


def _hold(work: Work, run: str, d: Done, part: Part) -> Hold:
    error = fault_of(d, part)
    assert error is not None
    detail: dict[str, object] = {}
    # Parts that are sent together wait together: each hold has the value, whichever part it is of.
    wanted = {name: value for one in (*d.plan.desired.parts, part) for name, value in one.fields.items()}
    if error.field in wanted:
        detail["value"] = wanted[error.field]
    if error.field in d.plan.before:
        detail["value in the CRM"] = d.plan.before[error.field]
    if d.plan.desired.part:
        detail["part"] = d.plan.desired.part
    if d.plan.candidates:
        detail["candidates"] = ", ".join(d.plan.candidates)
    return Hold(
        work.flow.name, part.mapping.name, d.plan.desired.key, error.code, error.field, error.happened,
        error.remedy, error.answer, work.clock.now(), detail, run, part=d.plan.desired.part, heals=error.heals,
    )  # fmt: skip


def _close(tx: Connection, work: Work, module: str, done: Sequence[Done], now: datetime) -> list[Hold]:
    """Close the holds of what went through; what a former person waits for is that one's own."""
    company, flow = work.flow.company, work.flow.name
    current = [d for d in done if not d.plan.desired.former]
    former = [d for d in done if d.plan.desired.former]
    went = _through(tx, work, current)
    if work.flow.of_module(module)[0].each:
        gone = _parts_gone(tx, work, module, current)
        went += [(mapping, key) for mapping, (key, _part) in gone]
        return holds.close(
            tx, company, flow, went, now, only=partial(_is_of_part, _parts_through(done) | gone)
        )
    others: set[Ident] = set()
    if work.flow.of_module(module)[0].key_person:
        known = links.find(tx, work.pair(module), [key for _, key in went])
        others = known.keys() - {d.plan.desired.ident for d in current}
    closed = holds.close(tx, company, flow, went, now, only=lambda hold: hold.ident not in others)
    idents = {d.plan.desired.ident for d in former}
    return closed + holds.close(
        tx, company, flow, _through(tx, work, former), now, only=lambda hold: hold.ident in idents
    )


def _close_unread(
    tx: Connection, work: Work, looked_at: Sequence[str], faults: Sequence[Hold], now: datetime
) -> list[Hold]:
    """Close what waited because the source did not give the record: it has, and now parts of it wait."""
    waits = {fold_key(hold.source_key) for hold in faults}
    read = [(work.flow.first_meaning, key) for key in looked_at if fold_key(key) in waits]
    company, flow = work.flow.company, work.flow.name
    return holds.close(tx, company, flow, read, now, only=lambda hold: hold.unread) if read else []


def _parts_through(done: Sequence[Done]) -> set[tuple[str, Ident]]:
    """The (mapping, ident) that went through, part by part."""
    return {
        (part.mapping.name, d.plan.desired.ident)
        for d in done
        if d.error is None
        for part in d.plan.desired.parts
        if not fault_of(d, part)
    }


def _parts_gone(tx: Connection, work: Work, module: str, done: Sequence[Done]) -> set[tuple[str, Ident]]:
    """The (mapping, ident) of the parts that wait, and that their record, whole as it was read now, has no more."""
    wanted = [d.plan.desired for d in done if not (d.plan.desired.facet_only or d.plan.desired.vanished)]
    read_at = {desired.ident[0]: desired.fetched_at - desired.skew for desired in wanted}
    waits = holds.find(tx, work.flow.company, flow=work.flow.name, keys=list(read_at))
    if not any(hold.part for hold in waits):
        return set()
    names = [mapping.name for mapping in work.flow.of_module(module)]
    return {
        (mapping, (key, outcome.part))
        for (key, mapping), told in outcomes.by_key(tx, work.flow.company, names, list(read_at)).items()
        if outcomes.is_whole([outcome for outcome in told if outcome.fetched_at == read_at[key]])
        for outcome in told
        if outcome.fetched_at != read_at[key]
    }


def _is_of_part(went: set[tuple[str, Ident]], hold: Hold) -> bool:
    """Whether it is of a part that went through, or of the whole record, which could not be read."""
    return not hold.part or (hold.mapping, hold.ident) in went


def _through(tx: Connection, work: Work, done: Sequence[Done]) -> list[tuple[str, str]]:
    """The (mapping, key) that went through or are left alone, and those whose mapping left the flow meanwhile."""
    good = [d for d in done if d.error is None and (d.target_id or d.plan.desired.left_alone)]
    went = [
        (part.mapping.name, d.plan.desired.key)
        for d in good
        for part in d.plan.desired.parts
        if not fault_of(d, part)
    ]
    mappings = {mapping.name for mapping in work.flow.mappings} | {BACK}  # that is looked at apart
    opened = holds.find(tx, work.flow.company, flow=work.flow.name, keys=[d.plan.desired.key for d in good])
    return [*went, *((hold.mapping, hold.source_key) for hold in opened if hold.mapping not in mappings)]


def _settle_readings(tx: Connection, work: Work, done: Sequence[Done]) -> None:
    """The mappings have followed what these records showed; what was read with a record is kept."""
    company, entity = work.flow.company, work.flow.entity.name
    rows = [reading for d in done for reading in d.plan.desired.readings]
    readings.put(tx, company, entity, rows, work.clock.now(), settled=True)
    with_record = {(row.key, row.facet) for row in rows}
    seen = [(d.plan.desired.key, facet, mark) for d in done for facet, mark in d.plan.desired.seen]
    readings.settle(tx, company, entity, [s for s in seen if (s[0], s[1]) not in with_record])
