"""Just before creates: what a person typed since the index was read, and creates of ours that may be under way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from ml_connector.core.errors import RetryableError
from ml_connector.core.match import (
    Evidence,
    Found,
    Match,
    Nothing,
    Verdict,
    find_match,
    normalise_name,
)
from ml_connector.core.plan import Desired, Plan
from ml_connector.core.ports import Candidate, Candidates
from ml_connector.core.record import Ident, fold_key
from ml_connector.flows.recognise import namesakes, others, unlike
from ml_connector.flows.work import Work
from ml_connector.store import intents, verdicts
from ml_connector.store.intents import Intent

Matched = tuple[Desired, Match]


@dataclass(frozen=True, slots=True)
class _Question:
    """A field by which the target is asked; the name field is ""."""

    by: str  #: "key", "email", "name"
    field: str

    def text(self, desired: Desired) -> str:
        """What is looked for."""
        own = {"key": desired.key_value, "name": desired.name}
        return own[self.by] if self.by in own else desired.text(self.field)

    def mark(self, text: str) -> str:
        """The text as it is compared."""
        return normalise_name(text) if self.by == "name" else fold_key(text)

    def mark_on(self, candidate: Candidate) -> str:
        """What stands on a record of the target, as it is compared."""
        return self.mark(candidate.values.get(self.field, "") if self.field else candidate.name)


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the target said to one question."""

    near: Mapping[Ident, list[Candidate]] = field(default_factory=dict)
    crowded: Mapping[Ident, str] = field(default_factory=dict)  #: whose text too many have -> that text

    def __bool__(self) -> bool:
        return bool(self.near or self.crowded)


_SILENCE = _Answers()


def look_again(work: Work, module: str, batch: Sequence[Plan]) -> tuple[list[Plan], list[Matched]]:
    """Ask the target once more for the names (or e-mail addresses) of a batch of creates.

    Gives the plans that are still new, and the others with what is there now. A key that the target does not hold to
    be unique is asked for too: nothing else would refuse a second record with it.
    """
    found = {question.by: _ask(work, module, question, batch) for question in _questions(work, module)}
    if not any(found.values()):
        return list(batch), []
    matched = _match(work, module, [plan.desired for plan in batch], found)
    new = [plan for plan, (_, match) in zip(batch, matched, strict=True) if isinstance(match, Nothing)]
    return new, [(desired, match) for desired, match in matched if not isinstance(match, Nothing)]


def _questions(work: Work, module: str) -> list[_Question]:
    rule = work.flow.match_rule(module)
    key = [] if is_unique(work, module) else [_Question("key", work.flow.key_field(module))]
    email = [_Question("email", rule.email)] if rule.email else []
    return [*key, *email, *([_Question("name", "")] if rule.name else [])]


def count_questions(work: Work, module: str) -> int:
    """How many questions looking again asks of a batch of creates."""
    return len(_questions(work, module))


def is_unique(work: Work, module: str) -> bool:
    """Whether the target itself refuses a second record with our key."""
    shape = work.target.describe(module).get(work.flow.key_field(module))
    return shape is not None and shape.unique


def _ask(work: Work, module: str, question: _Question, batch: Sequence[Plan]) -> _Answers:
    """The records of the target that answer, for each of the batch; those of another parent are not meant."""
    texts = {plan.desired.ident: text for plan in batch if (text := question.text(plan.desired))}
    within = work.flow.match_rule(module).within if question.by == "email" else ""
    parents = {plan.desired.ident: plan.desired.text(within) for plan in batch if within}
    told = _find(work, module, question.field, texts.values())
    crowded = {ident: text for ident, text in texts.items() if text.casefold() in told.crowded}
    among = list(told.found)
    if within and crowded:  # thousands have the address, but few have the parent
        family = _find(work, module, within, [parents[ident] for ident in crowded])
        crowded = {i: text for i, text in crowded.items() if parents[i].casefold() in family.crowded}
        among += family.found
    by_mark: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in {one.target_id: one for one in among}.values():
        by_mark[question.mark_on(candidate)].append(candidate)
    answers = {}
    for ident, text in texts.items():
        known = by_mark.get(question.mark(text), [])
        if near := [c for c in known if not within or c.values.get(within) == parents[ident]]:
            answers[ident] = near
    return _Answers(answers, crowded)


def _find(work: Work, module: str, field: str, texts: Iterable[str]) -> Candidates:
    """The records with one of these texts; those of the crowded come back folded."""
    wanted = list({text.casefold(): text for text in texts if text}.values())
    if not wanted:
        return Candidates(())
    told = work.target.find_candidates(module, field, wanted, work.recognised_by(module))
    return Candidates(told.found, frozenset(text.casefold() for text in told.crowded))


def _match(
    work: Work, module: str, wanted: Sequence[Desired], found: Mapping[str, _Answers]
) -> list[Matched]:
    pair, keys = work.pair(module), [desired.key for desired in wanted]
    with work.database.read() as tx:
        decided = verdicts.find(tx, pair, keys)
        lost = intents.find(tx, pair, keys)
        looks = [c for by, told in found.items() if by != "key" for some in told.near.values() for c in some]
        apart = others(tx, work, module, looks)
        alike = {normalise_name(d.name): _near(found, "name", d, apart) for d in wanted if d.name}
        same_name = namesakes(tx, work, module, alike)
    return [
        (
            desired,
            _one_match(
                desired,
                Evidence(
                    verdict=decided.get(desired.ident, Verdict()),
                    by_key=_near(found, "key", desired),
                    by_email=_near(found, "email", desired, apart),
                    by_name=_near(found, "name", desired, apart),
                    unlike=_unlike(work, module, desired, found),
                    crowded=_crowded(found, desired),
                    namesakes=same_name.get(normalise_name(desired.name), 1),
                ),
                lost,
                work.options.automatic_score,
            ),
        )
        for desired in wanted
    ]


def _unlike(work: Work, module: str, desired: Desired, found: Mapping[str, _Answers]) -> frozenset[str]:
    rule = work.flow.match_rule(module)
    return unlike(desired, rule, _near(found, "name", desired), _near(found, "email", desired))


def _near(
    found: Mapping[str, _Answers], by: str, desired: Desired, apart: Collection[str] = ()
) -> Sequence[Candidate]:
    """What was found for this record, without what is another company's."""
    near = found.get(by, _SILENCE).near.get(desired.ident, ())
    return [candidate for candidate in near if candidate.target_id not in apart]


def _crowded(found: Mapping[str, _Answers], desired: Desired) -> dict[str, str]:
    return {by: told.crowded[desired.ident] for by, told in found.items() if desired.ident in told.crowded}


def _one_match(desired: Desired, seen: Evidence, lost: dict[Ident, Intent], automatic: float) -> Match:
    match = find_match(desired.key_field, seen, automatic)
    if isinstance(match, Found) and match.by == "key" and desired.ident in lost:
        return Found(match.target_id, "created")  # our own create, whose answer was lost
    return match


def wait_for_lost(work: Work, module: str, batch: Sequence[Plan]) -> None:
    """Raise RetryableError while a create of ours, whose answer was lost, may still be under way in the target.

    A unique key needs no waiting: the target refuses the second one.
    """
    if is_unique(work, module):
        return
    pair, now = work.pair(module), work.clock.now()
    with work.database.read() as tx:
        lost = intents.find(tx, pair, [plan.desired.key for plan in batch])
    if any(intent.opened_at > now for intent in lost.values()):
        with work.database.begin() as tx:
            intents.set_back(tx, pair, now)
    left = [
        work.options.operation_timeout - max(now - intent.opened_at, timedelta(0))
        for ident, intent in lost.items()
        if ident in {plan.desired.ident for plan in batch}
    ]
    if max(left, default=timedelta(0)) > timedelta(0):
        raise RetryableError(
            f"A create in {module} lost its answer, and its key is not unique there.",
            "It is looked for again when the CRM is done with it for certain.",
            after_seconds=max(left).total_seconds(),
        )
