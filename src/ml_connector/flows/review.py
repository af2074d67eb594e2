"""Reading a review back: what a person decided row by row, all of it or nothing.

A row is checked against what is proposed now: nobody approves what he was not shown.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ml_connector.core.audit import AuditAction
from ml_connector.core.catalogue import DELETED, RENAMED, TARGET_GONE
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.flow import Flow
from ml_connector.core.match import Verdict
from ml_connector.core.ports import Clock
from ml_connector.core.record import fold_key
from ml_connector.flows.proposals import CREATE, Place, Proposal, all_proposals, is_done, standing_links
from ml_connector.flows.recognise import NEW
from ml_connector.flows.work import CHUNK, chunked
from ml_connector.store import asked, audit, links, match_index, verdicts
from ml_connector.store.audit import AuditRow
from ml_connector.store.database import Connection, Database
from ml_connector.store.links import Link, Pair

#: What a person may say of a row.
WORDS = ("approve", "reject", "choose")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a review that comes back."""

    number: int  #: of the line in the file
    flow: str
    module: str
    key: str
    person: str
    outcome: str  #: as it was shown
    target_id: str  #: as it was shown
    candidates: str  #: as they were shown, ids and names
    decision: str  #: one of ``WORDS``; empty: none
    chosen: str  #: with "choose": the target's record

    @property
    def place(self) -> Place:
        """What names it."""
        return self.flow, self.module, fold_key(self.key), self.person


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What came of reading a review."""

    words: Counter[str]  #: how often each of ``WORDS`` stood there
    changed: int  #: how many of these are decided otherwise than before


class _FaultError(Exception):
    """What is wrong with one line."""


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a line is judged by."""

    proposal: Proposal
    known: Verdict  #: what was decided before
    link: Link | None


Faults = dict[int, str]  #: number of a line -> what is wrong with it


def read_review(
    database: Database, flows: Mapping[str, Flow], lines: Sequence[Line], actor: str, clock: Clock
) -> Reviewed:
    """Keep what a person decided, all of it or nothing; decided the same before, nothing changes.

    Raises ConfigurationError that names the lines at fault.
    """
    faults = _misplaced(flows, lines)
    placed = [line for line in lines if line.number not in faults]
    with database.begin() as tx:
        judged = _judge_all(tx, _grounds(tx, flows, placed), placed, faults)
        if faults:
            raise _refused(faults)
        _keep(tx, judged, actor, clock)
    return Reviewed(Counter(line.decision for line in lines if line.decision), len(judged))


_NAMED = 5


def _refused(faults: Faults) -> ConfigurationError:
    told = [f"Line {number}: {fault}" for number, fault in sorted(faults.items())]
    more = f" And {len(told) - _NAMED} more lines." if len(told) > _NAMED else ""
    return ConfigurationError(
        f"{' '.join(told[:_NAMED])}{more}", "Nothing was read. Correct the file and read it again."
    )


def _misplaced(flows: Mapping[str, Flow], lines: Sequence[Line]) -> Faults:
    """The lines that name no flow, no module of it, no word, or what another line names already."""
    faults: Faults = {}
    first: dict[Place, int] = {}
    for line in lines:
        if line.flow not in flows:
            faults[line.number] = f"there is no flow “{line.flow}”."
        elif line.module not in flows[line.flow].modules:
            faults[line.number] = f"the flow {line.flow} writes no module “{line.module}”."
        elif line.decision and line.decision not in WORDS:
            faults[line.number] = f"“{line.decision}” is none of {', '.join(WORDS)}."
        elif first.setdefault(line.place, line.number) != line.number:
            faults[line.number] = f"{line.key} stands in line {first[line.place]} as well."
    return faults


def _grounds(tx: Connection, flows: Mapping[str, Flow], lines: Sequence[Line]) -> dict[Place, _Ground]:
    """What is proposed, decided and linked of the records that the lines name."""
    places = {line.place for line in lines}
    named = [flows[name] for name in dict.fromkeys(line.flow for line in lines)]
    found: dict[Place, _Ground] = {}
    for some in chunked((one for one in all_proposals(tx, named) if one.place in places), CHUNK):
        linked, decided = standing_links(tx, some), _decided(tx, some)
        found |= {
            one.place: _Ground(one, decided.get(one.place, Verdict()), linked.get(one.place)) for one in some
        }
    return found


def _decided(tx: Connection, some: Sequence[Proposal]) -> dict[Place, Verdict]:
    found: dict[Place, Verdict] = {}
    for flow, module in {(one.flow.name, one.module) for one in some}:
        these = [one for one in some if (one.flow.name, one.module) == (flow, module)]
        known = verdicts.find(tx, these[0].pair, [one.decision.source_key for one in these])
        found |= {(flow, module, *ident): verdict for ident, verdict in known.items()}
    return found


Judged = tuple[Line, Proposal, Verdict]


def _judge_all(
    tx: Connection, grounds: Mapping[Place, _Ground], lines: Sequence[Line], faults: Faults
) -> list[Judged]:
    """What is decided otherwise than before; what is wrong is added to ``faults``."""
    judged: list[Judged] = []
    claims: dict[tuple[Pair, str], int] = {}
    for line in lines:
        ground = grounds.get(line.place)
        if ground is None:
            faults[line.number] = (
                f"{line.key} is neither in the last plan nor among the records that wait{_zeros(line)}."
            )
            continue
        try:
            verdict = _judge(line, ground)
            if verdict.chosen != ground.known.chosen:
                _check_choice(tx, line, ground, verdict.chosen, claims)
        except _FaultError as fault:
            faults[line.number] = str(fault)
            continue
        if verdict != ground.known:
            judged.append((line, ground.proposal, verdict))
    _check_chosen_before(tx, judged, faults)
    return judged


def _zeros(line: Line) -> str:
    return " (Excel takes zeros off the front: write ' before a key)" if line.key.isdecimal() else ""


def _check_chosen_before(tx: Connection, judged: Sequence[Judged], faults: Faults) -> None:
    """A record that an earlier review gave to another one is not chosen again, unless that one lets it go here."""
    now = {(proposal.pair, proposal.decision.ident): verdict.chosen for _, proposal, verdict in judged}
    wanted: dict[Pair, set[str]] = defaultdict(set)
    for (pair, _), target_id in now.items():
        wanted[pair].add(target_id)
    before = {pair: verdicts.choosing(tx, pair, ids - {""}) for pair, ids in wanted.items()}
    for line, proposal, verdict in judged:
        pair, ident, target_id = proposal.pair, proposal.decision.ident, verdict.chosen
        known = before[pair].get(target_id, {})
        others = [
            key for i, key in known.items() if i != ident and now.get((pair, i), target_id) == target_id
        ]
        if others:
            faults.setdefault(
                line.number, f"{target_id} was chosen for {others[0]} before: reject it there first."
            )


def _judge(line: Line, ground: _Ground) -> Verdict:
    """What is decided about the record by this line, from what was decided before."""
    if line.chosen and line.decision != "choose":
        said = line.decision or "no decision"
        raise _FaultError(f"an id is given with {said}: write choose, or take the id out.")
    if not line.decision:
        return ground.known
    if line.decision == "choose" and line.chosen:
        return _choose(line, ground)  # a record that is named is meant, whatever was proposed
    if ground.link is not None and is_done(ground.proposal, ground.link):
        _check_carried_out(line, ground, ground.link)
        return ground.known
    if _is_as_shown(line, ground.proposal):
        return _RULES[line.decision](line, ground)
    if _stands_already(line, ground):
        return ground.known
    raise _FaultError("the plan has changed since the file was exported: export it again.")


def _is_as_shown(line: Line, proposal: Proposal) -> bool:
    """Whether the person saw what is proposed now."""
    same = (line.outcome, line.target_id) == (proposal.outcome, proposal.decision.target_id)
    return same and all(target_id in line.candidates for target_id in proposal.decision.candidates)


def _check_carried_out(line: Line, ground: _Ground, link: Link) -> None:
    """A link cannot be taken back by rejecting what led to it."""
    rejected = line.decision == "reject"
    if rejected and (line.outcome == CREATE or link.target_id in ground.proposal.named):
        raise _FaultError(f"it is linked to {link.target_id} meanwhile, and that cannot be taken back here.")


def _stands_already(line: Line, ground: _Ground) -> bool:
    """Whether that was decided before: the same file is read again after another plan."""
    if line.decision == "reject":
        return ground.known.declined if line.outcome == CREATE else bool(ground.known.rejected)
    shown = f"{line.target_id} {line.candidates}"
    return bool(ground.known.chosen) and ground.known.chosen in shown


def _approve(_line: Line, ground: _Ground) -> Verdict:
    """What is proposed stands; of a hold with one candidate, that one is meant."""
    decision, known = ground.proposal.decision, ground.known
    if decision.outcome == "create":
        return replace(known, chosen="", replaces="", declined=False)
    if decision.outcome == "hold" and len(decision.candidates) != 1:
        raise _FaultError(f"{len(decision.candidates)} records are proposed: write choose and an id.")
    is_settled = decision.outcome != "hold" and (decision.by in ("link", "created") or not decision.target_id)
    if is_settled or decision.target_id.startswith(NEW):
        return known
    return _meant(known, decision.target_id or decision.candidates[0])


def _meant(known: Verdict, target_id: str) -> Verdict:
    if known.chosen == target_id:
        return known
    rest = known.rejected - {target_id}
    return replace(known, chosen=target_id, replaces="", rejected=rest, declined=False)


def _reject(_line: Line, ground: _Ground) -> Verdict:
    """None of what is proposed is meant; of a create, none is made."""
    decision, known = ground.proposal.decision, ground.known
    if decision.outcome == "create":
        return replace(known, chosen="", replaces="", declined=True)
    if decision.by in ("key", "created"):
        named = ground.proposal.named
        carry = "carries" if len(named) == 1 else "carry"
        raise _FaultError(f"{' and '.join(named)} {carry} its key: take it off in Zoho instead.")
    if decision.target_id.startswith(NEW):
        raise _FaultError("the other record is made by this same plan: sync its flow first, then plan again.")
    if decision.by == "link" or not ground.proposal.named:
        raise _FaultError("there is nothing to reject.")
    # Of a hold it is not known here why: that it was none of these answers a renaming and a deletion, too.
    answers = {RENAMED, DELETED, TARGET_GONE} if decision.outcome == "hold" else set()
    return replace(
        known,
        chosen="",
        replaces="",
        rejected=known.rejected.union(ground.proposal.named),
        released=known.released | answers,
    )


def _choose(line: Line, ground: _Ground) -> Verdict:
    """The record that is named is meant; the only candidate needs no naming."""
    candidates = ground.proposal.decision.candidates
    if not line.chosen and len(candidates) != 1:
        raise _FaultError("choose needs the id of the record that is meant.")
    target_id = line.chosen or candidates[0]
    if ground.link is not None and ground.link.target_id == target_id:
        return ground.known
    return _meant(ground.known, target_id)


_RULES = {"approve": _approve, "reject": _reject, "choose": _choose}


def _check_choice(
    tx: Connection, line: Line, ground: _Ground, target_id: str, claims: dict[tuple[Pair, str], int]
) -> None:
    """A chosen record is one of the module, free, and chosen once."""
    pair = ground.proposal.pair
    linked = ground.link is not None and not ground.link.gone and ground.link.target_id == target_id
    if not target_id or linked:
        return
    if not match_index.known(tx, pair.module, [target_id]):
        raise _FaultError(
            f"{target_id} is no record of {pair.module} (Excel rounds long numbers: write ' before an id)."
        )
    owner = links.on(tx, pair, [target_id]).get(target_id)
    if owner is not None and owner.ident != ground.proposal.decision.ident:
        raise _FaultError(f"{target_id} belongs to {owner.source_key}.")
    if key := links.elsewhere(tx, pair.company, pair.module, [target_id]).get(target_id):
        raise _FaultError(f"{target_id} belongs to {key} of another company.")
    first = claims.setdefault((pair, target_id), line.number)
    if first != line.number:
        raise _FaultError(f"{target_id} is chosen in line {first} as well.")


def _keep(tx: Connection, judged: Sequence[Judged], actor: str, clock: Clock) -> None:
    now = clock.now()
    rows = []
    for line, proposal, verdict in judged:
        flow, key, part = proposal.flow, proposal.decision.source_key, proposal.decision.part
        told = _told(line, verdict, proposal)
        verdicts.put(tx, proposal.pair, key, part, verdict, reason=told, actor=actor, at=now)
        asked.put(tx, flow.company, flow.entity.name, [key], "reviewed")
        row = AuditRow(
            company=flow.company,
            flow=flow.name,
            run="",
            mapping=flow.of_module(proposal.module)[0].name,
            source_key=key,
            entity=flow.entity.name,
            module=proposal.module,
            target_id=verdict.chosen,
            action=AuditAction.REVIEWED,
            at=None,
            happened_at=now,
            reason=told,
            actor=actor,
            part=part,
        )
        rows.append(row)
    for some in chunked(rows, CHUNK):
        audit.append(tx, some)


def _told(line: Line, verdict: Verdict, proposal: Proposal) -> str:
    if verdict.chosen:
        return f"Reviewed ({line.decision}): {verdict.chosen} is meant."
    if verdict.declined:
        return f"Reviewed ({line.decision}): none is created."
    if line.decision == "reject":
        return f"Reviewed (reject): not {', '.join(proposal.named)}."
    return f"Reviewed ({line.decision}): a record is created."
