"""Which fields people are to see under another label than that which made their API name: pure decisions, no call.

A label is one field's of a module; of two needs that want the same one, the first has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ml_connector.connectors.zoho_crm.places import Module, Name, name_of
from ml_connector.core.needs import FieldNeed, FieldState


@dataclass(frozen=True, slots=True)
class Labels:
    """Who gets another label."""

    change: Mapping[Name, str] = field(default_factory=dict)  #: fields that are there -> the label to give
    free: Mapping[Name, str] = field(
        default_factory=dict
    )  #: of these, first of all: another one waits for theirs
    taken: Mapping[Name, str] = field(default_factory=dict)  #: the label wanted -> the field that has it


def give_labels(modules: Mapping[str, Module], needs: Sequence[FieldNeed]) -> Labels:
    """The labels, in the order of the needs."""
    shown = {name_of(need): need for need in needs if need.shown_as}
    holders = _holders(modules, needs, shown)
    change: dict[Name, str] = {}
    taken: dict[Name, str] = {}
    for name, need in shown.items():
        key = (need.module, need.shown_as.casefold())
        holder = holders.setdefault(key, need.name)
        meta = modules[need.module].fields.get(need.name)
        if holder != need.name:
            taken[name] = holder
        elif meta is not None and meta.label != need.shown_as:
            change[name] = need.shown_as
    return Labels(change, _in_the_way(modules, shown, change), taken)


def _holders(
    modules: Mapping[str, Module], needs: Sequence[FieldNeed], shown: Mapping[Name, FieldNeed]
) -> dict[tuple[str, str], str]:
    """Module and label -> the field that keeps it: those that are there, and those that will be."""
    there = {
        (module.name, meta.label.casefold()): meta.name
        for module in modules.values()
        for meta in module.fields.values()
        if (module.name, meta.name) not in shown
    }
    made = {(n.module, n.label.casefold()): n.name for n in needs if n.label and name_of(n) not in shown}
    return made | there


def _in_the_way(
    modules: Mapping[str, Module], shown: Mapping[Name, FieldNeed], change: Mapping[Name, str]
) -> dict[Name, str]:
    """Fields whose present label another one is to get: they take the label that they were made from meanwhile."""
    wanted = {(module, label.casefold()) for (module, _), label in change.items()}
    return {
        (module, name): shown[module, name].label
        for module, name in change
        if (module, modules[module].fields[name].label.casefold()) in wanted
        and change[module, name].casefold() != modules[module].fields[name].label.casefold()
    }


def with_label(state: FieldState, labels: Labels) -> FieldState:
    """The state, and what is to be said of the label."""
    need, name = state.need, name_of(state.need)
    if name in labels.change:
        return replace(state, relabel=True)
    if name not in labels.taken:
        return state
    told = f"{need.module}.{need.name} cannot be labelled {need.shown_as!r}: {labels.taken[name]} has that label."
    if not state.exists:  # it is made all the same, under its first label
        return replace(state, note=" ".join(filter(None, [state.note, told])))
    remedy = "Rename one of the two, in Zoho or where the name comes from; then run `ml-connector provision`."
    return state if state.problem else replace(state, problem=told, remedy=remedy)
