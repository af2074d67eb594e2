"""What ``ml-connector provision`` shows: what is missing, what was made, and what somebody else has to make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml_connector.cli.exits import Exit
from ml_connector.cli.show import NAMED, by_remedy, note, say, show_json, show_table
from ml_connector.core.errors import NotPermittedError
from ml_connector.core.needs import FieldNeed, FieldState, ModuleNeed, ModuleState

#: What Zoho's setup calls a type.
_TYPES: Mapping[str, str] = {
    "text": "Single Line",
    "textarea": "Multi-Line",
    "email": "Email",
    "phone": "Phone",
    "website": "URL",
    "integer": "Number",
    "bigint": "Long Integer",
    "double": "Decimal",
    "currency": "Currency",
    "date": "Date",
    "datetime": "Date/Time",
    "boolean": "Checkbox",
    "picklist": "Pick List",
    "lookup": "Lookup",
}

_BY_HAND = """
An administrator of Zoho makes them so:
  1. Setup > Customization > Modules and Fields > the module > its layout: drag a new field of the type into it;
     label, length and decimal places are in the table.
  2. Unique: tick “Do not allow duplicate values” in the field's properties. External id: mark it there as one.
  3. Setup > APIs > API Names > the module: the API name has to be as in the table.
Then look with:  ml-connector provision --check"""
_MODULES_BY_HAND = """
An administrator of Zoho makes them so, before their fields:
  1. Setup > Customization > Modules and Fields > Create New Module: singular, plural and the label of the name field.
  2. Give all profiles access to it.
  3. Setup > APIs > API Names: the API name has to be as in the table.
"""


@dataclass(frozen=True, slots=True)
class End:
    """What there is when the command ends, and what it did."""

    modules: Sequence[ModuleState]
    fields: Sequence[FieldState]
    missing: Sequence[FieldNeed]
    created: Sequence[FieldNeed] = ()
    relabelled: Sequence[FieldNeed] = ()
    created_modules: Sequence[ModuleNeed] = ()
    notes: tuple[str, ...] = ()

    @property
    def problems(self) -> list[ModuleState | FieldState]:
        """What is in the way."""
        states: list[ModuleState | FieldState] = [*self.modules, *self.fields]
        return [state for state in states if state.problem]


def missing_of(states: Sequence[FieldState]) -> list[FieldNeed]:
    """What is not there and would be ours to make, each field once."""
    missing = (s.need for s in states if not s.exists and s.need.label and not s.left_out)
    return list({(need.module, need.name): need for need in missing}.values())


def states_after(before: Sequence[FieldState], made: Sequence[FieldState]) -> list[FieldState]:
    """The newest state of every field."""
    newest = {(state.need.module, state.need.name): state for state in (*before, *made)}
    return list(newest.values())


def question(modules: Sequence[ModuleNeed], fields: Sequence[FieldNeed], labels: Sequence[FieldNeed]) -> str:
    """What a person is asked before anything is made."""
    counted = (("module", len(modules)), ("field", len(fields)), ("label", len(labels)))
    *others, last = [f"{count} {what}{'s' if count != 1 else ''}" for what, count in counted if count]
    return f"Make {', '.join(others)} and {last} in Zoho?" if others else f"Make these {last} in Zoho?"


# -- before


def show_modules(states: Sequence[ModuleState]) -> None:
    """The modules that are missing, left out or in the way."""
    rows = [(s.need.name, s.need.plural, _told_of_module(s)) for s in states if s.problem or not s.exists]
    if rows:
        show_table(("module", "label", "state"), rows)
    for state in states:
        note(state.note)


def _told_of_module(state: ModuleState) -> str:
    if state.left_out:
        return "left out: not in this edition"
    return state.problem or "missing"


def show_states(states: Sequence[FieldState], notes: Sequence[str] = ()) -> None:
    """What is missing, what is in the way, what is left out."""
    rows = [_row(state) for state in states if state.problem or state.relabel or not state.exists]
    if rows:
        show_table(("module", "field", "type", "state"), list(dict.fromkeys(rows)))
    fitting = sum(state.exists and not (state.problem or state.relabel) for state in states)
    say(f"{fitting} of {len(states)} fields are there and fit.")
    for text in (*notes, *notes_of(states)):
        note(text)


def notes_of(states: Sequence[FieldState]) -> list[str]:
    """What a person may want to know; of the fields that are left out of a module, one sentence."""
    left_out: dict[str, dict[str, FieldState]] = {}
    for state in states:
        if state.left_out:
            left_out.setdefault(state.need.module, {}).setdefault(state.need.name, state)
    told = [state.note for state in states if state.note and not state.left_out]
    for of_module in left_out.values():
        first, *others = of_module.values()
        names = ", ".join(state.need.name for state in others)
        told.append(f"{first.note} The same holds for {len(others)} more: {names}." if others else first.note)
    return list(dict.fromkeys(told))


def _row(state: FieldState) -> tuple[str, str, str, str]:
    need = state.need
    size = f"({need.length})" if need.length else ""
    points = f" to {need.lookup}" if need.lookup else ""
    kind = f"{need.type}{size}{points}{', unique' if need.unique else ''}"
    return need.module, need.name, kind, _told(state)


def _told(state: FieldState) -> str:
    if state.left_out:
        return "left out: no room"
    if state.exists:
        return state.problem or (f"to be labelled “{state.need.shown_as}”" if state.relabel else "there")
    if not state.need.label:
        return "comes with the module" if state.need.module_is_ours else state.problem
    return f"missing, to be labelled “{state.need.shown_as}”" if state.need.shown_as else "missing"


# -- after


def show_end(end: End, *, as_json: bool, missing: Sequence[FieldNeed] | None = None) -> Exit:
    """What was made, and what is still in the way; how the command ends. ``missing``: in place of the end's own."""
    if as_json:
        show_json(_document(end, end.missing if missing is None else missing))
    else:
        say(_made(end))
        problems = ((state.remedy, state.problem) for state in end.problems)
        for remedy, told_of in by_remedy(problems).items():
            more = f" And {len(told_of) - NAMED} more like it." if len(told_of) > NAMED else ""
            note(f"{' '.join(told_of[:NAMED])}{more} {remedy}".rstrip())
    return Exit.NEEDS_A_PERSON if end.problems else Exit.DONE


def _made(end: End) -> str:
    counted = (
        ("Modules made", end.created_modules),
        ("Fields made", end.created),
        ("Fields labelled", end.relabelled),
    )
    return " ".join(f"{what}: {len(some)}." for what, some in counted if some) or "Nothing was changed."


def _document(end: End, missing: Sequence[FieldNeed]) -> dict[str, object]:
    left_out = [state.need for state in states_after(end.fields, ()) if state.left_out]
    notes = [*(state.note for state in end.modules if state.note), *end.notes, *notes_of(end.fields)]
    return {
        "ok": not end.problems,
        "modules": list(end.modules),
        "created_modules": list(end.created_modules),
        "missing": list(missing),
        "created": list(end.created),
        "relabelled": list(end.relabelled),
        "problems": end.problems,
        "left_out": left_out,
        "notes": notes,
    }


# -- by hand


def show_by_hand(
    error: NotPermittedError,
    to_make: Sequence[FieldNeed],
    modules: Sequence[ModuleNeed] = (),
    relabel: Sequence[FieldNeed] = (),
    *,
    as_json: bool,
) -> None:
    """What somebody with more rights has to make, exactly."""
    note(str(error))
    if as_json:
        told = {"to_make": to_make, "modules": modules, "relabel": relabel}
        failed = {"ok": False, "happened": error.happened, "remedy": error.remedy}
        show_json(failed | told | {"exit_code": int(Exit.NEEDS_A_PERSON)})
        return
    if modules:
        say("These modules have to be made:")
        names = ("singular", "plural", "API name", "label of the name field")
        show_table(names, [(m.singular, m.plural, m.name, m.name_label) for m in modules])
        say(_MODULES_BY_HAND)
    if relabel:
        say("These fields have to be labelled anew:")
        show_table(("module", "API name", "label"), [(n.module, n.name, n.shown_as) for n in relabel])
    if to_make:
        say("These fields have to be made:")
        columns = ("module", "label", "API name", "type", "length", "decimal places", "unique", "external id")
        show_table(columns, [_by_hand(need) for need in to_make])
    say(_BY_HAND)


def _by_hand(need: FieldNeed) -> tuple[str, ...]:
    sizes = (str(size) if size is not None else "" for size in (need.length, need.decimal_places))
    marks = ("yes" if mark else "" for mark in (need.unique, need.external))
    label = f"{need.label}, then {need.shown_as}" if need.shown_as else need.label
    kind = _TYPES.get(need.type, need.type) + (f" to {need.lookup}" if need.lookup else "")
    return need.module, label, need.name, kind, *sizes, *marks
