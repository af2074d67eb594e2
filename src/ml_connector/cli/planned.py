"""What a plan comes to: figures of everything, and the first records of each outcome as they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ml_connector.core.plan import Action, Plan
from ml_connector.flows import limit
from ml_connector.flows.done import JOINED
from ml_connector.flows.plan import FlowPlan, Planned
from ml_connector.flows.range import Range
from ml_connector.flows.work import CHUNK, Work, chunked


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one record."""

    field: str
    now: object  #: in Zoho now where it was read, else as we left it; None: empty, or not known
    will_be: object
    mapping: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One decision as it is shown."""

    flow: str
    module: str
    key: str
    part: str  #: of a record that has several in Zoho: which person of it, or which line
    name: str
    outcome: str
    target_id: str
    score: float  #: of a similar name, 0 where that did not count
    why: str
    fields: Sequence[FieldChange] = ()
    of: int = 1  #: so many records of this key have this outcome, whether they are shown or not

    @property
    def is_of(self) -> tuple[str, str, str, str]:
        """What the records of one source record with one outcome have in common."""
        return self.flow, self.module, self.key, self.outcome


@dataclass(slots=True)
class MappingFigures:
    """What one mapping would write."""

    module: str
    creates: int = 0
    updates: int = 0
    fields: Counter[str] = field(default_factory=Counter)  #: of the updates: field -> how many records


@dataclass(slots=True)
class FlowFigures:
    """What the plan of one flow comes to."""

    outcomes: Counter[str] = field(default_factory=Counter)
    matches: Counter[str] = field(default_factory=Counter)  #: how records were recognised for the first time
    holds: Counter[str] = field(default_factory=Counter)  #: code -> records
    mappings: dict[str, MappingFigures] = field(default_factory=dict)
    records: int = 0  #: of the source, that are looked at
    first_load: bool = False
    backfill: bool = False
    linked: int = 0
    limit: str = ""  #: set: the run would stop at the safety limit, and what to do
    notes: tuple[str, ...] = ()


def outcome_of(decided: Plan) -> str:
    """The word for a decision: one that is recognised for the first time is a match."""
    joined = decided.action in (Action.UPDATE, Action.SKIP) and decided.by in JOINED
    return "match" if joined else decided.action.value


class Collected:
    """Takes the plan of one flow, decision by decision; keeps figures and the first ``show`` records of each outcome.

    Where certain keys are asked for, all their records are kept.
    """

    def __init__(self, work: Work, show: int) -> None:
        self.figures = FlowFigures(
            mappings={mapping.name: MappingFigures(mapping.target) for mapping in work.flow.mappings}
        )
        self._shown: list[Shown] = []
        self._of: Counter[tuple[str, str, str, str]] = Counter()  #: of the keys that are shown
        self._work, self._show = work, show
        self._weight = 0

    @property
    def shown(self) -> list[Shown]:
        """The records to show, in the order of the plan."""
        return [replace(one, of=self._of[one.is_of]) for one in self._shown]

    def take_all(self, plan: FlowPlan) -> None:
        """The whole plan. Raises RetryableError and ConfigurationError as it is made."""
        for some in chunked(plan, CHUNK):
            for one in some:
                self._take(one)
            assert plan.prepared is not None
            self._weigh(some, plan.prepared.span)
        assert plan.prepared is not None
        span = plan.prepared.span
        self.figures.first_load, self.figures.backfill = span.first_load, span.backfill
        self.figures.linked, self.figures.notes = span.linked, plan.prepared.notes
        try:
            limit.check(self._work, span, self._weight)
        except limit.LimitError as error:
            self.figures.limit = str(error)

    def _weigh(self, some: Sequence[Planned], span: Range) -> None:
        """Add what the safety limit counts of these."""
        for module in self._work.flow.modules:
            plans = [one.plan for one in some if one.plan and one.module == module]
            if plans and not span.is_first(module):
                self._weight += limit.weigh(self._work, module, plans, ()).total()

    def _take(self, one: Planned) -> None:
        first = one.module == self._work.flow.modules[0]
        if one.plan is None:
            self._count("hold", one)
        else:
            self.figures.records += first and not one.plan.desired.former
            self._count(outcome_of(one.plan), one)
            self._count_fields(one.plan)

    def _count(self, outcome: str, one: Planned) -> None:
        figures = self.figures
        figures.outcomes[outcome] += 1
        if one.plan and outcome == "match":
            figures.matches[one.plan.by] += 1
        if code := _code(one):
            figures.holds[code] += 1
        wanted = self._work.asked.keys or (outcome != "skip" and figures.outcomes[outcome] <= self._show)
        told = self._told(outcome, one) if wanted else None
        if told:
            self._shown.append(told)
        is_of = (self._work.flow.name, one.module, _key(one), outcome)
        if told or is_of in self._of:
            self._of[is_of] += 1

    def _count_fields(self, decided: Plan) -> None:
        written = decided.action in (Action.CREATE, Action.UPDATE)
        for mapping, names in _names_by_mapping(decided).items() if written else ():
            figures = self.figures.mappings[mapping]
            figures.creates += decided.action is Action.CREATE
            if decided.action is Action.UPDATE:
                figures.updates += 1
                figures.fields.update(names)

    def _told(self, outcome: str, one: Planned) -> Shown:
        flow = self._work.flow.name
        if one.plan is None:
            assert one.refused is not None
            return Shown(flow, one.module, _key(one), "", "", outcome, "", 0.0, str(one.refused.error))
        decided, desired = one.plan, one.plan.desired
        return Shown(
            flow, one.module, desired.key, desired.part, desired.name, outcome, decided.target_id or "",
            decided.score, _why(decided), _changes(decided),
        )  # fmt: skip


def _key(one: Planned) -> str:
    if one.plan is not None:
        return one.plan.desired.key
    assert one.refused is not None
    return one.refused.key


def _code(one: Planned) -> str:
    error = one.plan.hold if one.plan else one.refused and one.refused.error
    return error.code if error else ""


def _why(decided: Plan) -> str:
    if decided.hold:
        return decided.hold.happened
    if decided.action is Action.UPDATE and decided.by == "link":
        return ", ".join(sorted(decided.fields))
    return f"by {decided.by}" if decided.by else ""


def _changes(decided: Plan) -> list[FieldChange]:
    of = {name: mapping for mapping, names in _names_by_mapping(decided).items() for name in names}
    return [
        FieldChange(name, decided.before.get(name), value, of.get(name, ""))
        for name, value in decided.fields.items()
    ]


def _names_by_mapping(decided: Plan) -> dict[str, list[str]]:
    """Mapping -> the fields of this plan that it writes; each field once, by the last one that sets it."""
    found: dict[str, list[str]] = {}
    left = set(decided.fields)
    for part in reversed(decided.desired.parts):
        names = {*part.fields, part.mapping.as_of} | (
            {decided.desired.key_field} if part.mapping.creates else set()
        )
        if mine := sorted(left & names):
            found[part.mapping.name] = mine
            left -= names
    return found
