"""Schema drift: fields of the target that are no longer as the mappings need them. Only what it touches waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ml_connector.core.catalogue import OWN_CODES, SCHEMA_DRIFT
from ml_connector.core.errors import ConfigurationError, RecordRejectedError
from ml_connector.core.mapping import field_needs
from ml_connector.core.needs import FieldNeed, FieldShape, FieldState
from ml_connector.core.plan import Action, Plan
from ml_connector.flows.work import Work


@dataclass(frozen=True, slots=True)
class Drift:
    """What of one module's fields is not as it was provisioned; empty: nothing."""

    unusable: Mapping[str, str]  #: field -> what is wrong with it, whatever the value
    lengths: Mapping[str, int]  #: field that became shorter -> characters that it takes now
    choices: Mapping[str, frozenset[str]]  #: field with a closed picklist -> its values
    mandatory: frozenset[str]  #: fields that a create has to fill and an update may not empty

    @property
    def fields(self) -> frozenset[str]:
        """The fields that records may wait for."""
        return frozenset((*self.unusable, *self.lengths, *self.choices, *self.mandatory))


def require_fields(work: Work, *, all_of_them: bool) -> list[str]:
    """Read the fields anew: what drifted, a sentence each. Raises ConfigurationError for what no record can do without.

    ``all_of_them``: on a first load, and when the mappings were changed since the last run, every field has to be as
    it is needed: it is our own settings that want it anew. Afterwards only what a missing one touches waits.
    """
    work.field_states.clear()
    keys = {mapping.key_field for mapping in work.flow.mappings}
    notes = []
    for state in (state for module in work.flow.modules for state in _states(work, module)):
        if not state.problem and (state.exists or state.left_out):
            continue
        field = f"{state.need.module}.{state.need.name}"
        happened = (
            f"The CRM field {field} is not as the mappings need it: {state.problem or 'it does not exist.'}"
        )
        if all_of_them or state.need.name in keys:
            raise ConfigurationError(happened, state.remedy or "Run “ml-connector provision”.")
        notes.append(f"{happened} Only what it touches waits. {state.remedy}".rstrip())
    return notes


def _states(work: Work, module: str) -> Sequence[FieldState]:
    """The state of every field that the mappings need in the module, read once a run."""
    if module not in work.field_states:
        needs = field_needs(m for m in work.flow.mappings if m.target == module)
        unlabelled = [
            replace(need, shown_as="") for need in needs
        ]  # what people see it under is no matter here
        work.field_states[module] = work.target.check_fields(unlabelled)
    return work.field_states[module]


def find_drift(work: Work, module: str) -> Drift:
    """What stands in the way of writing, as the fields were read at the run's beginning."""
    states, shapes = _states(work, module), work.target.describe(module)
    shorter = {s.need.name: n for s in states if (n := _shorter(s.need, shapes.get(s.need.name)))}
    bad = [s for s in states if s.need.name not in shorter and (s.problem or not s.exists)]
    return Drift(
        {
            state.need.name: "it was removed or renamed" if not state.exists else state.problem
            for state in bad
        },
        shorter,
        {s.need.name: c for s in states if (c := _choices(shapes.get(s.need.name))) is not None},
        frozenset(s.name for s in shapes.values() if s.mandatory and s.writable),
    )


def _shorter(need: FieldNeed, shape: FieldShape | None) -> int:
    """How many characters the field takes now, where that is fewer than it was made for; 0: enough."""
    if shape is None or not need.length or not shape.length or not shape.writable:
        return 0
    return shape.length if shape.length < need.length else 0


def _choices(shape: FieldShape | None) -> frozenset[str] | None:
    return shape.choices if shape else None


def without_drifted(plans: Sequence[Plan], drift: Drift, module: str) -> list[Plan]:
    """The plans; those that a drifted field concerns are held, and say which."""
    return [_held(plan, found, module) if (found := _touched(plan, drift)) else plan for plan in plans]


def _touched(plan: Plan, drift: Drift) -> tuple[str, str] | None:
    """The first field of the plan that cannot be written as it is, and why."""
    if plan.action not in (Action.CREATE, Action.UPDATE):
        return None
    for name in sorted(drift.fields & plan.fields.keys()):
        if why := _why_not(name, plan.fields[name], drift):
            return name, why
    if plan.action is Action.CREATE and (missing := drift.mandatory - plan.fields.keys()):
        name = min(missing)
        is_mapped = any(name in part.fields for part in plan.desired.parts)
        return name, _NO_VALUE if is_mapped else "it was made mandatory, and the mapping does not fill it"
    return None


_NO_VALUE = "it is mandatory, and the ERP has no value for it"


def _why_not(name: str, value: object, drift: Drift) -> str:
    if name in drift.unusable:
        return drift.unusable[name]
    if len(str(value or "")) > drift.lengths.get(name, len(str(value or ""))):
        return f"it takes {drift.lengths[name]} characters now, and the value has {len(str(value))}"
    if name in drift.choices and value is not None and value not in drift.choices[name]:
        return f"it takes only certain values, and {value!r} is not one of them"
    if name in drift.mandatory and value in (None, ""):
        return _NO_VALUE
    return ""


def still_waits(drift: Drift, field: str, value: object) -> bool:
    """Whether a record that was held for this field, with this value, would be held again."""
    return bool(_why_not(field, value, drift))


def _held(plan: Plan, found: tuple[str, str], module: str) -> Plan:
    name, why = found
    return plan.held(
        RecordRejectedError(
            f"The CRM field {module}.{name} cannot take this: {why.rstrip('.')}.",
            OWN_CODES[SCHEMA_DRIFT].remedy,
            code=SCHEMA_DRIFT,
            field=name,
        )
    )
