"""Values of customers and vendors that sales keeps, on their way from the CRM back into the ERP.

The last thing that a run of their flow does: what the ERP changed is brought over by then, so that an edit begins from
what is known. Only what the CRM changed since the last run is read there. Before an edit is sent its intent is
committed, with what it writes over: one whose answer was lost is found again, and told as what it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.flow import BACK
from ml_connector.core.mapping import FieldRule
from ml_connector.core.master_edits import irreversible, owned
from ml_connector.core.record import Value, digest
from ml_connector.flows.editing import Edited, Editing
from ml_connector.flows.range import Range
from ml_connector.flows.reconcile_fields import compared_to
from ml_connector.flows.refresh import OVERLAP
from ml_connector.flows.steps import Result, Steps, do
from ml_connector.flows.work import CHUNK, Work, chunked
from ml_connector.store import differences, holds, links, master_edits, outcomes, verdicts
from ml_connector.store.differences import Place
from ml_connector.store.links import Pair
from ml_connector.store.master_edits import Kept

Rows = Mapping[str, Mapping[str, object]]  #: target id -> what stands in its fields


def require_ways_back(work: Work) -> None:
    """ConfigurationError: a mapping says that the CRM owns a field whose value has no way back into the ERP."""
    for module in work.flow.modules if work.masters else ():
        rules = _owned(work, module)
        editable = work.masters.editable(work.flow.entity.name) if work.masters and rules else ()
        if faults := irreversible(rules, editable):
            raise ConfigurationError(
                faults[0],
                'Give the field another owner than "zoho" in its mapping, or set enabled = false under'
                " [sales.master_edits].",
            )


def bring_back(steps: Steps, work: Work, run: str, span: Range) -> Counter[str]:
    """Have the ERP say what sales changed in the CRM; {"back": records, "held": records}.

    Of a run for certain keys only these. Raises StoppedError.
    """
    counts: Counter[str] = Counter()
    for module in work.flow.modules:
        if not _owned(work, module):
            continue
        back = _Back(work, run, module, span)
        if work.asked.keys:
            counts.update(do(steps, work, run, f"back {module}", back.asked)["counts"])
        else:
            counts.update(_whole(steps, back))
    return counts


def _whole(steps: Steps, back: _Back) -> Counter[str]:
    """What is open, then what the CRM changed; only then the stamp moves from which the next run reads."""
    work, run, module = back.work, back.run, back.module
    counts: Counter[str] = Counter(do(steps, work, run, f"back open {module}", back.open)["counts"])
    told = [do(steps, work, run, f"back {module}", partial(back.page, None))]
    while told[-1]["next_after"] is not None:
        told.append(do(steps, work, run, f"back {module}", partial(back.page, told[-1]["next_after"])))
    for page in told:
        counts.update(page["counts"])
    greatest = max(filter(None, (page["greatest"] for page in told)), default=None)
    do(steps, work, run, f"back end {module}", partial(back.end, greatest, told[0]["answered_at"]))
    return counts


def _owned(work: Work, module: str) -> tuple[FieldRule, ...]:
    """The rules of the module whose values the CRM owns; persons and lines have no record of their own in the ERP."""
    return owned(m for m in work.flow.of_module(module) if not (m.key_person or m.each))


@dataclass(frozen=True, slots=True)
class _Back:
    """One module of one run."""

    work: Work
    run: str
    module: str
    span: Range

    # -- the steps

    def page(self, after: str | None) -> Result:
        """A page of what changed in the CRM since the last run, or of everything: whose values are new there."""
        with self.work.database.read() as tx:
            known = differences.compared_to(tx, self._place, self._fingerprint)
        since = known - OVERLAP if known else None
        page = self.work.target.list_values(self.module, self._fields, since, after)
        counts = self._bring({row.target_id: row.values for row in page.rows}, is_new=True)
        stamps = [row.modified_at.isoformat() for row in page.rows]
        return {
            "next_after": page.next_after,
            "counts": dict(counts),
            "greatest": max(stamps, default=None),
            "answered_at": page.answered_at and page.answered_at.isoformat(),
        }

    def open(self) -> Result:
        """What was held, or sent without an answer, and may go on now."""
        with self.work.database.read() as tx:
            keys = master_edits.open_keys(tx, self._pair)
        return self._read_and_bring(keys)

    def asked(self) -> Result:
        """The records that were asked for."""
        return self._read_and_bring(self.work.asked.keys)

    def end(self, greatest: str | None, answered_at: str | None) -> Result:
        """All is recorded: from here on the next run reads."""
        to = compared_to(_instant(greatest), _instant(answered_at), self.span.began_at)
        with self.work.database.begin() as tx:
            known = differences.compared_to(tx, self._place, self._fingerprint)
            differences.mark_compared(tx, self._place, self._fingerprint, max(filter(None, (known, to))))
        return {}

    # -- what they work on

    def _read_and_bring(self, keys: Sequence[str]) -> Result:
        with self.work.database.read() as tx:
            found = links.find(tx, self._pair, keys).values()
        counts: Counter[str] = Counter()
        for some in chunked((link.target_id for link in found if not link.gone), CHUNK):
            counts += self._bring(self.work.target.read(self.module, some, self._fields), is_new=False)
        return {"counts": dict(counts)}

    def _bring(self, rows: Rows, *, is_new: bool) -> Counter[str]:
        """Look at these records of the CRM. ``is_new``: at what is open only where the CRM changed it meanwhile."""
        editing = Editing(self.work, self.run, self.module, self.span)
        linked = self._linked(rows)
        if fresh := [one for one in linked if one.is_new]:
            editing.begin(fresh)
            linked = self._linked(rows)
        return Counter(filter(None, map(editing.bring, filter(partial(self._is_due, is_new), linked))))

    def _is_due(self, is_new: bool, one: Edited) -> bool:  # noqa: FBT001 -- bound before it is called
        if not one.kept.is_open:
            return one.is_changed
        if one.kept.sent:
            return not is_new or one.kept.sent.at >= self.span.began_at  # of this run: its step is done again
        if not one.is_as_before:
            return True
        return not is_new and (bool(self.work.asked.keys) or one.is_due(self.work.clock.now()))

    def _linked(self, rows: Rows) -> list[Edited]:
        """Those of them that are linked and there, with all that is known of them."""
        work, pair, flow = self.work, self._pair, self.work.flow
        names = [mapping.name for mapping in flow.of_module(self.module)]
        with work.database.read() as tx:
            found = links.on(tx, pair, rows.keys()).values()
            there = {link.ident: link for link in found if not (link.gone or link.part)}
            keys = [link.source_key for link in there.values()]
            kept = master_edits.find(tx, pair, keys)
            waits = {
                h.ident: h
                for h in holds.find(tx, flow.company, flow=flow.name, keys=keys)
                if h.mapping == BACK
            }
            brought = outcomes.find(tx, flow.company, names, keys)
            decided = verdicts.find(tx, pair, keys)
            linked = links.entities_on(
                tx, flow.company, self.module, [one.target_id for one in there.values()]
            )
        own = self._rules
        return [
            Edited(
                link,
                rules := _stated(own, rows[link.target_id], self._outranked(linked[link.target_id])),
                {rule.target: _value(rows[link.target_id][rule.target]) for rule in rules},
                kept.get(ident[0], Kept(link.source_key)),
                waits.get(ident),
                decided[ident].released if ident in decided else (),
                list(brought.get(ident, {}).values()),
            )
            for ident, link in there.items()
        ]

    def _outranked(self, entities: set[str]) -> set[str]:
        """The fields that a higher-ranked record has on this one, whoever decides what stands in them."""
        own, entity = self.work.flow.of_module(self.module), self.work.flow.entity.name
        ranks = {rule.target: m.precedence for m in own for rule in m.rules if rule.owner == "zoho"}
        others = (m for m in self.work.others if m.target == self.module and m.source in entities - {entity})
        return {
            rule.target
            for mapping in others
            for rule in mapping.rules
            if mapping.precedence < ranks.get(rule.target, 0)
        }

    @property
    def _pair(self) -> Pair:
        return self.work.pair(self.module)

    @property
    def _place(self) -> Place:
        return Place(self.work.flow.company, f"{self.work.flow.name} {BACK}", self.module)

    @property
    def _rules(self) -> Sequence[FieldRule]:
        """Those whose field is (still) there."""
        there = self.work.target.describe(self.module)
        return [rule for rule in _owned(self.work, self.module) if rule.target in there]

    @property
    def _fields(self) -> list[str]:
        return sorted(rule.target for rule in self._rules)

    @property
    def _fingerprint(self) -> str:
        """Changes when other fields are owned, or go elsewhere: everything is looked at then."""
        return digest({rule.target: repr((rule.sources, rule.transform)) for rule in self._rules})


def _stated(
    rules: Sequence[FieldRule], values: Mapping[str, object], others: Collection[str]
) -> list[FieldRule]:
    """Those whose value is stated, and not ``others``: a higher-ranked record's that is linked to the same one."""
    return [rule for rule in rules if rule.target in values and rule.target not in others]


def _instant(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


def _value(stated: object) -> Value:
    """A value of the CRM as a mapping would write it: the transforms that have a way back write texts."""
    return None if stated in (None, "") else str(stated)
