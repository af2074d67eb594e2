"""Recognising records: everything that the store and the source know about them, handed to ``core.match``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ml_connector.core.catalogue import AMBIGUOUS, AMBIGUOUS_KEY, OTHER_COMPANY
from ml_connector.core.mapping import MatchRule, is_another_company_s, source_key
from ml_connector.core.match import (
    Evidence,
    Found,
    Match,
    Similar,
    Unclear,
    Verdict,
    find_match,
    normalise_name,
)
from ml_connector.core.people import person_key
from ml_connector.core.plan import NOTHING_THERE, Desired
from ml_connector.core.ports import Absent, Candidate
from ml_connector.core.record import Ident, fold_key
from ml_connector.core.similar import REVIEW, Facts, NameIndex, best, score
from ml_connector.flows.range import Range
from ml_connector.flows.work import Work
from ml_connector.store import decisions, intents, links, match_index, staging, verdicts
from ml_connector.store.database import Connection
from ml_connector.store.intents import Intent
from ml_connector.store.links import Link

#: Target id of a record that another flow of the same plan creates: "new:ENTITY:KEY".
NEW = "new:"
NONE_PLANNED: MappingOf[str, str] = {}


@dataclass(slots=True)
class _Known:
    """What the store knows that recognises the records of a chunk, read at one instant."""

    links: MappingOf[Ident, Link]
    verdicts: MappingOf[Ident, Verdict]
    lost: MappingOf[Ident, Intent]  #: creates that were sent and never recorded
    by_key: MappingOf[str, list[Candidate]]
    by_name: MappingOf[str, list[Candidate]]
    by_email: MappingOf[str, list[Candidate]]
    namesakes: MappingOf[str, int]
    similar: MappingOf[Ident, list[Similar]] = field(default_factory=dict)


def recognise(
    work: Work,
    module: str,
    wanted: Sequence[Desired],
    span: Range,
    planned: MappingOf[str, str] = NONE_PLANNED,
) -> list[tuple[Desired, Match]]:
    """The match of each; asks the source whether a key that stands on a namesake is still there."""
    rule = work.flow.match_rule(module)
    _regain(work, module, wanted)
    with work.database.read() as tx:
        known = _look_up(tx, work, module, wanted, rule, planned)
        _add_similar(tx, work, module, wanted, rule, known)
        taken = {d.ident: _taken(work, d, rule, known) for d in wanted if _is_wanted(d, known)}
    absent = _absent(work, [key for found in taken.values() for key in found.values()], span)
    gone = {
        ident: {target_id: key for target_id, key in found.items() if fold_key(key) in absent}
        for ident, found in taken.items()
    }
    return [(d, _match(work, d, rule, known, gone.get(d.ident, {}))) for d in wanted]


def _regain(work: Work, module: str, wanted: Sequence[Desired]) -> None:
    """Look whether what was gone is there again: what comes back from the recycle bin may keep its old stamp."""
    with work.database.read() as tx:
        gone = [link.target_id for link in links.gone(tx, work.pair(module), [d.key for d in wanted])]
    there = work.target.read(module, gone, [wanted[0].key_field]) if gone else {}
    if there:
        with work.database.begin() as tx:
            links.regain(tx, module, list(there))


def _look_up(
    tx: Connection,
    work: Work,
    module: str,
    wanted: Sequence[Desired],
    rule: MatchRule,
    planned: MappingOf[str, str],
) -> _Known:
    pair, keys = work.pair(module), [desired.key for desired in wanted]
    known = _Known(links.find(tx, pair, keys), verdicts.find(tx, pair, keys), {}, {}, {}, {}, {})
    new = [desired for desired in wanted if _is_new(desired, known)]
    if not new:
        return known
    key_field = work.flow.key_field(module)
    known.lost = intents.find(tx, pair, [desired.key for desired in new])
    known.by_key = match_index.by_value(tx, module, key_field, [desired.key_value for desired in new])
    if rule.email:
        emails = [email for desired in new if (email := desired.text(rule.email))]
        known.by_email = match_index.by_value(tx, module, rule.email, emails)
    names = {normalise_name(desired.name) for desired in new if desired.name} if rule.name else set()
    known.by_name = _by_name(tx, work, module, names, planned) if names else {}
    looks = [c for found in (known.by_email, known.by_name) for some in found.values() for c in some]
    apart = others(tx, work, module, looks)
    known.by_email, known.by_name = (
        {mark: [c for c in some if c.target_id not in apart] for mark, some in found.items()}
        for found in (known.by_email, known.by_name)
    )
    known.namesakes = namesakes(tx, work, module, {name: known.by_name.get(name, []) for name in names})
    return known


def namesakes(
    tx: Connection, work: Work, module: str, by_name: MappingOf[str, Sequence[Candidate]]
) -> dict[str, int]:
    """How many records of the source could be meant by what stands in the target under each of these names.

    What belongs to this company is nobody else's; what a person typed could be any company's.
    """
    company, entity = work.flow.company, work.flow.entity.name
    own = staging.namesakes(tx, company, entity, by_name.keys()) if by_name else {}
    if not own or not work.context().other_prefixes:
        return own
    candidates = {c.target_id: c for some in by_name.values() for c in some}
    linked = links.entities_on(tx, company, module, candidates.keys())
    keys = _key_fields(work, module)
    typed = {
        i
        for i, c in candidates.items()
        if not (i in linked or i.startswith(NEW) or any(map(c.values.get, keys)))
    }
    could_be_any = [name for name, some in by_name.items() if any(c.target_id in typed for c in some)]
    return own | staging.namesakes(tx, None, entity, could_be_any)


def _key_fields(work: Work, module: str) -> set[str]:
    """The fields of the module that carry a key of ours, whichever flow's."""
    return {m.key_field for m in (*work.flow.mappings, *work.others) if m.target == module}


def others(tx: Connection, work: Work, module: str, candidates: Sequence[Candidate]) -> set[str]:
    """The ids of those that are another company's: linked to it, or with a key that has its prefix.

    Two customers of the same name in two companies are two records.
    """
    context = work.context()
    if not context.other_prefixes or not candidates:
        return set()
    fields = _key_fields(work, module)
    carrying = {
        c.target_id
        for c in candidates
        if any(is_another_company_s(c.values[name], context) for name in fields if c.values.get(name))
    }
    return carrying.union(links.elsewhere(tx, work.flow.company, module, [c.target_id for c in candidates]))


def _by_name(
    tx: Connection, work: Work, module: str, names: set[str], planned: MappingOf[str, str]
) -> dict[str, list[Candidate]]:
    by_name = match_index.by_name(tx, module, names)
    for name, rows in decisions.planned_creates(tx, work.flow.company, list(planned), names).items():
        virtual = [
            Candidate(f"{NEW}{planned[flow]}:{key}", shown, {}, work.clock.now()) for flow, key, shown in rows
        ]
        by_name.setdefault(name, []).extend(virtual)
    return by_name


def _is_new(desired: Desired, known: _Known) -> bool:
    link = known.links.get(desired.ident)
    return (
        (link is None or bool(link.gone))
        and desired.left_alone not in NOTHING_THERE
        and not desired.facet_only
    )


def _is_wanted(desired: Desired, known: _Known) -> bool:
    """Whether it is looked for by more than its key: what the filter does not let in is only known again."""
    return _is_new(desired, known) and not desired.left_alone


# ---- similar names


def _add_similar(
    tx: Connection, work: Work, module: str, wanted: Sequence[Desired], rule: MatchRule, known: _Known
) -> None:
    """Similar names for the records that nothing else recognises."""
    if not rule.facts:
        return
    alone = [d for d in wanted if _is_wanted(d, known) and d.name and not _has_candidates(d, rule, known)]
    if not alone:
        return
    index = _names(tx, work, module)
    near = {d.ident: index.near(d.name) for d in alone}
    candidates = match_index.candidates(tx, module, {i for ids in near.values() for i in ids})
    apart = others(tx, work, module, list(candidates.values()))
    candidates = {i: candidate for i, candidate in candidates.items() if i not in apart}
    known.similar = {
        d.ident: best(
            _our_facts(d, rule), [(i, _facts(candidates[i], rule)) for i in near[d.ident] if i in candidates]
        )
        for d in alone
    }


def _names(tx: Connection, work: Work, module: str) -> NameIndex:
    """The names of the module's records that carry no key of ours; read once a run, our own creates carry one."""
    if module not in work.names:
        key_field = work.flow.key_field(module)
        work.names[module] = NameIndex(match_index.names_without(tx, module, key_field))
    return work.names[module]


def _has_candidates(desired: Desired, rule: MatchRule, known: _Known) -> bool:
    return bool(
        known.by_key.get(fold_key(desired.key_value))
        or known.by_name.get(normalise_name(desired.name))
        or _by_email(desired, rule, known)
    )


def _our_facts(desired: Desired, rule: MatchRule) -> Facts:
    return Facts(desired.name, **{fact: desired.text(name) for fact, name in rule.facts.items()})


def _facts(candidate: Candidate, rule: MatchRule) -> Facts:
    return Facts(
        candidate.name, **{fact: candidate.values.get(name, "") for fact, name in rule.facts.items()}
    )


def unlike(
    desired: Desired, rule: MatchRule, by_name: Sequence[Candidate], by_email: Sequence[Candidate]
) -> frozenset[str]:
    """Candidates that all else speaks against: a namesake elsewhere, another person behind the same e-mail address.

    On a record that carries a key of ours the facts are ours, and say nothing.
    """
    facts = set(rule.facts.values())
    typed = [c for c in by_name if facts and c.values.keys() <= {*facts, *rule.fields}]
    ours = _our_facts(desired, rule) if typed else Facts("")
    elsewhere = {c.target_id for c in typed if score(ours, _facts(c, rule)) < REVIEW}
    persons = {c.target_id for c in by_email if desired.part and not _shares_a_name(desired.part, c.name)}
    return frozenset(elsewhere | persons)


def _shares_a_name(person: str, other: str) -> bool:
    return not set(person.split()).isdisjoint(person_key(other).split())


# ---- renamed in the source


def _taken(work: Work, desired: Desired, rule: MatchRule, known: _Known) -> dict[str, str]:
    """Records that look like this one and carry the key of another: target id -> that source key."""
    if known.by_key.get(fold_key(desired.key_value)):
        return {}
    alike = [*known.by_name.get(normalise_name(desired.name), ()), *_by_email(desired, rule, known)]
    mapping, context = desired.parts[0].mapping, work.context()
    keys = {c.target_id: source_key(c.values.get(desired.key_field, ""), mapping, context) for c in alike}
    return {
        target_id: key for target_id, key in keys.items() if key and fold_key(key) != fold_key(desired.key)
    }


def _by_email(desired: Desired, rule: MatchRule, known: _Known) -> list[Candidate]:
    """Records with its e-mail address, within the same parent where the mapping says so."""
    found = known.by_email.get(fold_key(desired.text(rule.email)), []) if rule.email else []
    if not rule.within:
        return found
    parent = desired.text(rule.within)
    return [candidate for candidate in found if parent and candidate.values.get(rule.within) == parent]


def _absent(work: Work, keys: Sequence[str], span: Range) -> set[str]:
    """Those of these keys, folded, that the source has no more: this run did not list them, and it gives none."""
    if not keys:
        return set()
    company, entity = work.flow.company, work.flow.entity.name
    with work.database.read() as tx:
        listed = staging.listed_since(tx, company, entity, keys, span.began_at)
    suspects = list({fold_key(key): key for key in keys if fold_key(key) not in listed}.values())
    told = work.source.fetch(entity, suspects) if suspects else ()
    return {fold_key(one.key) for one in told if isinstance(one, Absent)}


# ---- the match


def _match(
    work: Work, desired: Desired, rule: MatchRule, known: _Known, vanished: MappingOf[str, str]
) -> Match:
    link = known.links.get(desired.ident)
    seen = Evidence(
        link=link.target_id if link else "",
        gone=link.gone if link else "",
        verdict=known.verdicts.get(desired.ident, Verdict()),
        by_key=known.by_key.get(fold_key(desired.key_value), ()),
    )
    if _is_wanted(desired, known):
        seen = _with_likeness(seen, desired, rule, known, vanished)
    options, context = work.options, work.context()
    if _is_new(desired, known) and is_another_company_s(desired.key_value, context):
        return Unclear(OTHER_COMPANY, f"the key {desired.key_value} begins as those of another company do")
    match = find_match(desired.key_field, seen, options.automatic_score, recreate=options.recreate_deleted)
    if isinstance(match, Found) and match.by == "key" and desired.ident in known.lost:
        return Found(match.target_id, "created")  # our own create, whose answer was lost
    return match


def _with_likeness(
    seen: Evidence, desired: Desired, rule: MatchRule, known: _Known, vanished: MappingOf[str, str]
) -> Evidence:
    """The evidence with the records that only look like it."""
    name = normalise_name(desired.name) if rule.name else ""
    by_name, by_email = known.by_name.get(name, []) if name else [], _by_email(desired, rule, known)
    return replace(
        seen,
        by_email=by_email,
        by_name=by_name,
        unlike=unlike(desired, rule, by_name, by_email),
        similar=known.similar.get(desired.ident, ()),
        namesakes=known.namesakes.get(name, 1),
        vanished=vanished,
    )


def without_taken(
    tx: Connection, work: Work, module: str, matched: Sequence[tuple[Desired, Match]]
) -> list[tuple[Desired, Match]]:
    """A record found anew that is linked to another key already is not taken over: a person decides."""
    found = [match.target_id for _, match in matched if isinstance(match, Found)]
    owners = links.on(tx, work.pair(module), found)
    apart = links.elsewhere(tx, work.flow.company, module, found)
    claims: dict[str, dict[Ident, str]] = defaultdict(dict)
    for desired, match in matched:
        if isinstance(match, Found):
            claims[match.target_id][desired.ident] = desired.key
    return [
        (desired, _unless_another_company(_unless_taken(desired, match, owners, claims), apart))
        for desired, match in matched
    ]


def _unless_another_company(match: Match, apart: MappingOf[str, str]) -> Match:
    if not isinstance(match, Found) or match.target_id not in apart:
        return match
    reason = f"{match.target_id} is linked to {apart[match.target_id]} of another company"
    return Unclear(OTHER_COMPANY, reason, (match.target_id,))


def _unless_taken(
    desired: Desired,
    match: Match,
    owners: MappingOf[str, Link],
    claims: MappingOf[str, MappingOf[Ident, str]],
) -> Match:
    if not isinstance(match, Found):
        return match
    taken = owners.get(match.target_id)
    if taken is not None and taken.ident != desired.ident:
        reason = f"it carries this one's {match.by}, and is linked to {taken.source_key}"
        return Unclear(AMBIGUOUS_KEY, reason, (match.target_id,))
    others = [key for ident, key in sorted(claims[match.target_id].items()) if ident != desired.ident]
    if others and match.by not in ("key", "created"):
        reason = f"{match.target_id} could be {others[0]} as well"
        return Unclear(AMBIGUOUS, reason, (match.target_id,), match.score)
    return match
