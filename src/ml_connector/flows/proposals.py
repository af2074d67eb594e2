"""What the last plan proposes and what waits for a choice: the rows of a review."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ml_connector.core.catalogue import (
    AMBIGUOUS,
    AMBIGUOUS_KEY,
    DECLINED,
    DELETED,
    OTHER_COMPANY,
    OWN_CODES,
    RENAMED,
    SIMILAR,
    TARGET_GONE,
    Kind,
)
from ml_connector.core.flow import Flow
from ml_connector.core.plan import NOTHING_THERE
from ml_connector.core.record import fold_key
from ml_connector.flows.work import CHUNK, chunked
from ml_connector.store import decisions, history, holds, links, match_index, staging
from ml_connector.store.database import Connection, Database
from ml_connector.store.decisions import Decision
from ml_connector.store.links import Link, Pair

CREATE = "create"
#: How a record was recognised -> what that is called.
_MATCHES = {
    "link": "update",
    "key": "match by key",
    "created": "match by key",
    "email": "match by e-mail",
    "name": "match by name",
    "similar": "match by similarity",
    "review": "match by review",
}
#: Why a record waits -> what that is called.
_HOLDS = {
    AMBIGUOUS: "ambiguous",
    AMBIGUOUS_KEY: "ambiguous key",
    OTHER_COMPANY: "another company's",
    SIMILAR: "similar",
    RENAMED: "renamed?",
    DECLINED: "declined",
    DELETED: "deleted in Zoho",
    TARGET_GONE: "gone from Zoho",
}
#: Why nothing is made of a record, as a plan has it.
_LEFT_ALONE = ("filtered", *NOTHING_THERE)
#: Reasons to wait that a person can answer by choosing a record.
_CHOOSABLE = [code for code, own in OWN_CODES.items() if own.kind in (Kind.MATCH, Kind.TARGET)]

Place = tuple[str, str, str, str]  #: flow, module, folded key, part


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would become of one record."""

    flow: Flow
    module: str
    decision: Decision
    outcome: str  #: in a few words
    is_newer: bool = False  #: it has waited since, or was tried again, after the last plan

    @property
    def place(self) -> Place:
        """What names it."""
        return (self.flow.name, self.module, *self.decision.ident)

    @property
    def pair(self) -> Pair:
        """Entity and module."""
        return Pair(self.flow.company, self.flow.entity.name, self.module)

    @property
    def named(self) -> tuple[str, ...]:
        """The records of the target that it is about."""
        return tuple(dict.fromkeys(filter(None, (self.decision.target_id, *self.decision.candidates))))


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal with the names of the target's records."""

    proposal: Proposal
    target_name: str
    candidates: Sequence[tuple[str, str]]  #: (id, name)


def proposals(database: Database, flows: Sequence[Flow], *, everything: bool = False) -> Iterator[Shown]:
    """The proposals of the last plan of these flows that are still open, then other records that wait for a choice.

    ``everything``: those too that write nothing.
    """
    with database.read() as tx:
        for chunk in chunked(all_proposals(tx, flows), CHUNK):
            done = standing_links(tx, chunk)
            names = _names(tx, chunk)
            for one in chunk:
                is_skip = one.decision.outcome == "skip" and one.outcome.startswith("skip")
                if (everything or not is_skip) and not is_done(one, done.get(one.place)):
                    known = names.get(one.module, {})
                    candidates = [(i, known.get(i, "")) for i in one.decision.candidates]
                    yield Shown(one, known.get(one.decision.target_id, ""), candidates)


def all_proposals(tx: Connection, flows: Sequence[Flow]) -> Iterator[Proposal]:
    """Those of the last plan, then the records that wait for a choice, and did not yet when it was made."""
    by_name = {flow.name: flow for flow in flows}
    waiting = _waiting(tx, flows)
    planned = (row for flow in flows for row in decisions.rows(tx, flow.company, [flow.name]))
    for flow, module, decision in planned:
        place = (flow, module, *decision.ident)
        hold = waiting.get(place)
        if hold is not None and hold.is_newer:
            continue
        waiting.pop(place, None)
        outcome = hold.outcome if hold and decision.outcome == "hold" else _outcome(decision)
        yield Proposal(by_name[flow], module, decision, outcome)
    yield from waiting.values()


def _waiting(tx: Connection, flows: Sequence[Flow]) -> dict[Place, Proposal]:
    """The open holds that can be answered by a choice: one proposal for each target record."""
    found: dict[Place, Proposal] = {}
    for flow in flows:
        modules = {mapping.name: mapping.target for mapping in flow.mappings}
        opened = holds.find(tx, flow.company, flow=flow.name, codes=_CHOOSABLE)
        names = staging.names_of(tx, flow.company, flow.entity.name, [hold.source_key for hold in opened])
        planned_at = history.planned_at(tx, flow.company, flow.name)
        for hold in opened:
            if hold.mapping not in modules:
                continue
            candidates = tuple(filter(None, str(hold.detail.get("candidates", "")).split(", ")))
            name = hold.part or names.get(fold_key(hold.source_key), "")
            by = "key" if hold.code == AMBIGUOUS_KEY else ""
            decision = Decision(hold.source_key, "hold", "", by, name, hold.part, 0.0, candidates)
            newer = planned_at is None or hold.at > planned_at
            proposal = Proposal(flow, modules[hold.mapping], decision, _HOLDS[hold.code], newer)
            found.setdefault(proposal.place, proposal)
    return found


def _outcome(decision: Decision) -> str:
    """What is proposed, in the words of the review."""
    if decision.outcome == "hold":
        several = "ambiguous" if len(decision.candidates) > 1 else "held"
        return "similar" if decision.score and decision.candidates else several
    if decision.outcome == "skip" and decision.by in _LEFT_ALONE:
        return f"skip: {decision.by}"
    if decision.outcome == "skip" and decision.by in ("", "link"):
        return "skip"
    return CREATE if decision.outcome == "create" else _MATCHES.get(decision.by, "update")


def standing_links(tx: Connection, some: Collection[Proposal]) -> dict[Place, Link]:
    """The links, to records that are there, that stand for these proposals now."""
    found: dict[Place, Link] = {}
    for flow, module in {(one.flow.name, one.module) for one in some}:
        these = [one for one in some if (one.flow.name, one.module) == (flow, module)]
        known = links.find(tx, these[0].pair, [one.decision.source_key for one in these])
        found |= {(flow, module, *ident): link for ident, link in known.items() if not link.gone}
    return found


def _names(tx: Connection, some: Sequence[Proposal]) -> dict[str, dict[str, str]]:
    """Module -> id -> name of the target's records that these are about."""
    ids: dict[str, set[str]] = {}
    for one in some:
        ids.setdefault(one.module, set()).update(one.named)
    return {
        module: {i: c.name for i, c in match_index.candidates(tx, module, wanted).items()}
        for module, wanted in ids.items()
    }


def is_done(proposal: Proposal, link: Link | None) -> bool:
    """Whether it was carried out since: a link stands that the plan did not know."""
    decision = proposal.decision
    if link is None or decision.by == "link" or (decision.outcome == "skip" and not decision.target_id):
        return False
    return decision.outcome not in ("update", "skip") or decision.target_id == link.target_id
