"""What a run would do: the same reading, mapping, matching and planning, and nothing written to the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from ml_connector.core.catalogue import AMBIGUOUS_KEY
from ml_connector.core.plan import Action, Plan
from ml_connector.core.record import fold_key
from ml_connector.flows.arrivals import Arrival, Arrived, Missing, arrivals
from ml_connector.flows.planning import plan_chunk
from ml_connector.flows.pull import Prepared, begin, prepare
from ml_connector.flows.range import Range
from ml_connector.flows.recognise import NEW
from ml_connector.flows.steps import DirectSteps, StoppedError
from ml_connector.flows.work import Work
from ml_connector.store import cursors, decisions, staging
from ml_connector.store.decisions import Decision, Place


@dataclass(frozen=True, slots=True)
class Planned:
    """One decision of a plan, or the record that the source refuses to give."""

    module: str
    plan: Plan | None
    refused: Missing | None = None


class FlowPlan:
    """A plan of a flow's next run that is being made: iterate over it once, to the end."""

    def __init__(self, work: Work, planned: Mapping[str, str]) -> None:
        """``planned``: the flows (name -> entity) planned just before, whose creates count as made."""
        self._work = work
        self._planned = planned
        self._run = f"plan:{work.flow.name}"
        self._plan = work.clock.now().isoformat()
        self.prepared: Prepared | None = None  #: known as soon as the first decision is

    def __iter__(self) -> Iterator[Planned]:
        """Every decision as it is made; all are kept for an approval (a plan of certain keys is only shown).

        Raises RetryableError and ConfigurationError as they come: a preview does not wait.
        """
        with self._work.locked([f"plan-{self._work.flow.name}"]):
            self.prepared = self._prepare()
            yield from self._decisions(self.prepared.span)
            with self._work.database.begin() as tx:
                if self.prepared.whole and self._work.flow.modules:
                    decisions.finish(tx, self._work.flow.company, self._work.flow.name, self._plan)
                staging.clear(tx, self._run)

    def _prepare(self) -> Prepared:
        work = self._work
        if not work.flow.modules:  # there is nothing to decide, so nothing is listed for it
            return Prepared(Range.from_json(begin(work)["range"]))
        with work.database.begin() as tx:
            staging.clear(tx, self._run)
        no_time = timedelta(0)
        impatient = replace(work, options=replace(work.options, max_wait=no_time, credits_wait=no_time))
        try:
            return prepare(DirectSteps(work.clock), impatient, self._run, preview=True)
        except StoppedError as stopped:
            raise stopped.error from None

    def _decisions(self, span: Range) -> Iterator[Planned]:
        work, after = self._work, ""
        while True:
            with work.database.read() as tx:
                staged = staging.next_window(tx, self._run, after, work.options.window_size)
            if not staged:
                return
            after = staged[-1].key
            for chunk in arrivals(work, staged, span):
                yield from self._chunk(chunk, span)

    def _chunk(self, chunk: Sequence[Arrived], span: Range) -> Iterator[Planned]:
        """What becomes of a chunk in each module; a parent that is planned counts for its children."""
        work = self._work
        at_hand = [arrived for arrived in chunk if isinstance(arrived, Arrival)]
        refused = [arrived for arrived in chunk if isinstance(arrived, Missing) and arrived.error]
        parents: dict[str, str] = {}
        for module in work.flow.modules:
            plans = plan_chunk(work, module, at_hand, span, planned=self._planned, parents=parents)
            parents |= {fold_key(p.desired.key): id_ for p in plans if (id_ := self._id_of(p))}
            first = refused if module == work.flow.modules[0] else []
            if not work.asked.keys:
                _keep(work, Place(work.flow.company, work.flow.name, module, self._plan), plans, first)
            yield from (Planned(module, plan) for plan in plans)
            yield from (Planned(module, None, missing) for missing in first)

    def _id_of(self, plan: Plan) -> str:
        """The record that a child of this one would point to."""
        if plan.action is Action.CREATE:
            return f"{NEW}{self._work.flow.entity.name}:{plan.desired.key}"
        return plan.target_id or ""


def note_names(work: Work) -> None:
    """Know the names of all records of a flow that was never loaded.

    Before several companies are planned, so that the first one sees the namesakes in those after it. Raises
    RetryableError and ConfigurationError.
    """
    company, entity, after = work.flow.company, work.flow.entity.name, None
    with work.database.read() as tx:
        if cursors.find(tx, company, work.flow.name) is not None:
            return
    while True:
        page = work.source.list_changes(entity, None, after)
        with work.database.begin() as tx:
            staging.put_names(tx, company, entity, page.rows, work.clock.now())
        if (after := page.next_after) is None:
            return


def _keep(work: Work, place: Place, plans: list[Plan], refused: list[Missing]) -> None:
    rows = [
        Decision(
            p.desired.key,
            p.action.value,
            p.target_id or "",
            "key" if p.hold is not None and p.hold.code == AMBIGUOUS_KEY else p.by,
            p.desired.name,
            p.desired.part,
            p.score,
            p.candidates,
        )
        for p in plans
    ]
    rows += [Decision(row.key, "hold", "", "", "") for row in refused]
    with work.database.begin() as tx:
        decisions.put(tx, place, rows)
