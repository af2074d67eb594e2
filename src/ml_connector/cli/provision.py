"""``ml-connector provision``: the fields that the mappings need in Zoho, shown first, then made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.exits import Exit
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import NAMED, by_remedy, note, say, show_json, show_table
from ml_connector.core.errors import ConfigurationError, NotPermittedError
from ml_connector.core.ports import FieldNeed, FieldState

if TYPE_CHECKING:
    from ml_connector.bootstrap import App

Yes = Annotated[bool, typer.Option("--yes", help="Make them without asking.")]
OnlyCheck = Annotated[bool, typer.Option("--check", help="Only look whether all is there.")]

#: What Zoho's setup calls a type.
_TYPES = {
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
}

_BY_HAND = """
An administrator of Zoho makes them so:
  1. Setup > Customization > Modules and Fields > the module > its layout: drag a new field of the type into it;
     label, length and decimal places are in the table.
  2. Unique: tick “Do not allow duplicate values” in the field's properties. External id: mark it there as one.
  3. Setup > APIs > API Names > the module: the API name has to be as in the table.
Then look with:  ml-connector provision --check"""


def provision(
    settings: SettingsPath = None, *, yes: Yes = False, check: OnlyCheck = False, as_json: AsJson = False
) -> None:
    """Show which fields Zoho lacks, ask, and make them. Done twice, it changes nothing the second time."""
    from ml_connector.bootstrap import open_app

    if yes and check:
        raise ConfigurationError("--yes and --check contradict each other.", "Give one of the two.")
    with open_app(load(settings)) as app:
        app.check_identity()
        states = app.target.check_fields(app.needs())
        missing = missing_of(states)
        if not as_json:
            show_states(states)
        if check:
            code = show_end(states, missing, as_json=as_json)
            raise typer.Exit(Exit.NEEDS_A_PERSON if missing else code)
        if missing and not (yes or agreed(len(missing))):
            # What is missing stands in the table, and to run this command is no news.
            told = states if as_json else [state for state in states if state.need not in missing]
            show_end(told, missing, as_json=as_json)
            raise typer.Exit(Exit.WAITS_FOR_APPROVAL)
        app.keep_identity()
        code = _make(app, states, missing, as_json=as_json)
    raise typer.Exit(code)


def _make(app: App, states: Sequence[FieldState], missing: Sequence[FieldNeed], *, as_json: bool) -> Exit:
    """Make what is missing and remember what there is no room for; how the command ends."""
    try:
        made = app.target.create_fields(missing) if missing else []
    except NotPermittedError as error:
        after = app.target.check_fields(app.needs())
        _keep_left_out(app, after)
        show_by_hand(error, missing_of(after), as_json=as_json)
        return Exit.NEEDS_A_PERSON
    after = states_after(states, made)
    _keep_left_out(app, after)
    still = [state.need for state in made if not state.exists and not state.left_out]
    return show_end(after, still, [s.need for s in made if s.exists], as_json=as_json)


def _keep_left_out(app: App, states: Sequence[FieldState]) -> None:
    from ml_connector.store import left_out

    with app.database.begin() as tx:
        left_out.put(tx, {(state.need.module, state.need.name) for state in states if state.left_out})


def missing_of(states: Sequence[FieldState]) -> list[FieldNeed]:
    """What is not there and would be ours to make, each field once."""
    missing = (s.need for s in states if not s.exists and s.need.label and not s.left_out)
    return list({(need.module, need.name): need for need in missing}.values())


def states_after(before: Sequence[FieldState], made: Sequence[FieldState]) -> list[FieldState]:
    """The newest state of every field."""
    newest = {(state.need.module, state.need.name): state for state in (*before, *made)}
    return list(newest.values())


def agreed(count: int) -> bool:
    """Whether the person says yes; nobody there is a no."""
    try:
        return typer.confirm(f"Make these {count} fields in Zoho?", err=True)
    except typer.Abort:
        return False


def show_states(states: Sequence[FieldState]) -> None:
    """What is missing, what is in the way, what is left out."""
    rows = [_row(state) for state in states if state.problem or not state.exists]
    if rows:
        show_table(("module", "field", "type", "state"), list(dict.fromkeys(rows)))
    fitting = sum(state.exists and not state.problem for state in states)
    say(f"{fitting} of {len(states)} fields are there and fit.")
    for text in notes_of(states):
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


def show_end(
    states: Sequence[FieldState],
    missing: Sequence[FieldNeed],
    created: Sequence[FieldNeed] = (),
    *,
    as_json: bool,
) -> Exit:
    """What was made, and what is still in the way; how the command ends."""
    problems = [state for state in states if state.problem]
    if as_json:
        left_out = [state.need for state in states_after(states, ()) if state.left_out]
        told = {"ok": not problems, "missing": missing, "created": created, "problems": problems}
        show_json(told | {"left_out": left_out, "notes": notes_of(states)})
    else:
        say(f"Fields made: {len(created)}." if created else "Nothing was changed.")
        for remedy, told_of in by_remedy((state.remedy, state.problem) for state in problems).items():
            more = f" And {len(told_of) - NAMED} more like it." if len(told_of) > NAMED else ""
            note(f"{' '.join(told_of[:NAMED])}{more} {remedy}".rstrip())
    return Exit.NEEDS_A_PERSON if problems else Exit.DONE


def show_by_hand(error: NotPermittedError, to_make: Sequence[FieldNeed], *, as_json: bool) -> None:
    """What somebody with more rights has to make, exactly."""
    if as_json:
        show_json(
            {"ok": False, "happened": error.happened, "remedy": error.remedy, "to_make": to_make}
            | {"exit_code": int(Exit.NEEDS_A_PERSON)}
        )
    note(str(error))
    if not as_json:
        say("These fields have to be made:")
        columns = ("module", "label", "API name", "type", "length", "decimal places", "unique", "external id")
        show_table(columns, [_by_hand(need) for need in to_make])
        say(_BY_HAND)


def _by_hand(need: FieldNeed) -> tuple[str, ...]:
    sizes = (str(size) if size is not None else "" for size in (need.length, need.decimal_places))
    marks = ("yes" if mark else "" for mark in (need.unique, need.external))
    return need.module, need.label, need.name, _TYPES.get(need.type, need.type), *sizes, *marks


def _told(state: FieldState) -> str:
    if state.left_out:
        return "left out: no room"
    if state.exists:
        return state.problem or "there"
    return "missing" if state.need.label else state.problem


def _row(state: FieldState) -> tuple[str, str, str, str]:
    need = state.need
    size = f"({need.length})" if need.length else ""
    kind = f"{need.type}{size}{', unique' if need.unique else ''}"
    return need.module, need.name, kind, _told(state)
