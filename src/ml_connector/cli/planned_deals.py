"""What the plan of a flow over deals comes to, in the same figures as that of any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml_connector.cli.planned import FieldChange, FlowFigures, MappingFigures, Shown
from ml_connector.core.deal_fields import DEALS, TAG
from ml_connector.core.deals import TAGGING
from ml_connector.flows import profit, tagging
from ml_connector.flows.deals import DealWork


def plan_over_deals(work: DealWork, show: int) -> tuple[FlowFigures, list[Shown]]:
    """The figures, and the first ``show`` records of each outcome; all where certain ones are asked for.

    Raises RetryableError and ConfigurationError.
    """
    notes, planned = _tags(work) if work.flow.name == TAGGING else _edits(work)
    figures, shown = FlowFigures(notes=tuple(notes)), []
    for one in planned:
        figures.records += 1
        figures.outcomes[one.outcome] += 1
        if one.outcome == "update":
            found = figures.mappings.setdefault(f"{work.flow.name} {one.module}", MappingFigures(one.module))
            found.updates += 1
            found.fields.update(change.field for change in one.fields)
        if work.asked.keys or (one.outcome != "skip" and figures.outcomes[one.outcome] <= show):
            shown.append(one)
    return figures, shown


def _tags(work: DealWork) -> tuple[Sequence[str], list[Shown]]:
    notes, tags = tagging.preview(work)
    shown = []
    for row, tag in tags:
        outcome, why = ("update", tag.reason) if tag else ("skip", "No rule and no default says what it is.")
        fields = {TAG: (None, tag.value)} if tag else {}
        shown.append(_shown(work, DEALS, (row.target_id, row.name, outcome, why), fields))
    return notes, shown


def _edits(work: DealWork) -> tuple[Sequence[str], list[Shown]]:
    notes, edits = profit.preview(work)
    shown = []
    for module, of_module in edits.items():
        for edit in of_module:
            fields = {name: (edit.before.get(name), value) for name, value in edit.fields.items()}
            shown.append(_shown(work, module, (edit.target_id, edit.name, "update", edit.reason), fields))
    return notes, shown


def _shown(
    work: DealWork,
    module: str,
    told: tuple[str, str, str, str],
    fields: Mapping[str, tuple[object, object]],
) -> Shown:
    target_id, name, outcome, why = told
    flow = work.flow.name
    changes = [FieldChange(field, now, will_be, flow) for field, (now, will_be) in fields.items()]
    return Shown(flow, module, target_id, "", name, outcome, target_id, 0.0, why, changes)
