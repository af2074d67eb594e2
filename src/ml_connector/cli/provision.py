"""``ml-connector provision``: the modules and fields that flows and settings need in Zoho, shown first, then made."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.exits import Exit
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.provision_show import (
    End,
    missing_of,
    question,
    show_by_hand,
    show_end,
    show_modules,
    show_states,
    states_after,
)
from ml_connector.core.deal_fields import CHART, MAX_CHOICES, first_choices
from ml_connector.core.errors import ConfigurationError, ConnectorError, NotPermittedError
from ml_connector.core.ports import FieldNeed, FieldState, ModuleNeed, ModuleState

if TYPE_CHECKING:
    from ml_connector.bootstrap import App

Yes = Annotated[bool, typer.Option("--yes", help="Make them without asking.")]
OnlyCheck = Annotated[bool, typer.Option("--check", help="Only look whether all is there.")]


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is in Zoho, and what is known of GP's names for it."""

    modules: Sequence[ModuleState]
    fields: Sequence[FieldState]
    notes: tuple[str, ...] = ()

    @property
    def modules_to_make(self) -> list[ModuleNeed]:
        """Modules that are not there and can be made."""
        return [s.need for s in self.modules if not (s.exists or s.left_out or s.problem)]

    @property
    def missing(self) -> list[FieldNeed]:
        """Fields that are not there and would be ours to make."""
        return missing_of(self.fields)

    @property
    def relabel(self) -> list[FieldNeed]:
        """Fields that people see under another label than they should."""
        return list({(s.need.module, s.need.name): s.need for s in self.fields if s.relabel}.values())

    @property
    def is_whole(self) -> bool:
        """Whether nothing is to be made."""
        return not (self.modules_to_make or self.missing or self.relabel)

    @property
    def modules_left_out(self) -> frozenset[str]:
        """The modules that the edition does not have."""
        return frozenset(state.need.name for state in self.modules if state.left_out)

    def ended(self, made: Collection[FieldNeed] = (), relabelled: Collection[FieldNeed] = ()) -> End:
        """The same as the end of the command tells it."""
        return End(self.modules, self.fields, self.missing, list(made), list(relabelled), self.notes)


def provision(
    settings: SettingsPath = None, *, yes: Yes = False, check: OnlyCheck = False, as_json: AsJson = False
) -> None:
    """Show which modules and fields Zoho lacks, ask, and make them. Done twice, it changes nothing the second time."""
    from ml_connector.bootstrap import open_app

    if yes and check:
        raise ConfigurationError("--yes and --check contradict each other.", "Give one of the two.")
    with open_app(load(settings)) as app:
        app.check_identity()
        seen = _look(app, _read_labels(app), as_refused=check)
        if not as_json:
            _show(seen)
        if check:
            code = show_end(seen.ended(), as_json=as_json)
            raise typer.Exit(code if seen.is_whole else Exit.NEEDS_A_PERSON)
        if not seen.is_whole and not (yes or agreed(seen)):
            raise typer.Exit(_not_agreed(seen, as_json=as_json))
        app.keep_identity()
        code = _make(app, seen, yes=yes, as_json=as_json)
    raise typer.Exit(code)


# -- looking


def _read_labels(app: App) -> tuple[str, ...]:
    """Take over what GP calls its fields now; where it does not tell, what it called them last, and a note."""
    notes = []
    labels = {}
    for entity, source in app.entities_to_label().items():
        try:
            labels[entity] = dict(source.labels(entity))
        except ConnectorError as error:
            labels[entity] = dict(app.labels.get(entity, {}))
            notes.append(
                f"What GP calls the fields of {entity} could not be read: {error.happened} It stays as it was known"
                " last; run `ml-connector provision` again when GP can be reached."
            )
    app.use_labels(labels)
    return tuple(notes)


def _look(app: App, notes: tuple[str, ...], *, as_refused: bool = False) -> Seen:
    """What there is in Zoho; ``as_refused``: a module that Zoho refused is not asked for again."""
    modules = app.target.check_modules(app.module_needs())
    if as_refused:
        modules = [_as_refused(app, state) for state in modules]
    return _look_at_fields(app, Seen(modules, (), notes))


def _look_at_fields(app: App, seen: Seen) -> Seen:
    """The same with the fields as they are now."""
    return replace(seen, fields=app.target.check_fields(app.needs(seen.modules_left_out)))


def _as_refused(app: App, state: ModuleState) -> ModuleState:
    """A module that Zoho refused when it was asked for last is left out until it is asked again."""
    if state.exists or state.left_out or (state.need.name, "") not in app.no_room:
        return state
    note = (
        f"The module {state.need.name} is left out: Zoho did not let this organisation have it."
        " `ml-connector provision` asks for it again."
    )
    return ModuleState(state.need, exists=False, left_out=True, note=note)


def _show(seen: Seen) -> None:
    show_modules(seen.modules)
    show_states(seen.fields, seen.notes)


def agreed(seen: Seen) -> bool:
    """Whether the person says yes; nobody there is a no."""
    try:
        return typer.confirm(question(seen.modules_to_make, seen.missing, seen.relabel), err=True)
    except typer.Abort:
        return False


def _not_agreed(seen: Seen, *, as_json: bool) -> Exit:
    # What is missing stands in the table, and to run this command is no news.
    told = (
        seen.fields
        if as_json
        else [s for s in seen.fields if s.exists or not (s.need.label or s.need.module_is_ours)]
    )
    show_end(replace(seen, fields=told).ended(), as_json=as_json, missing=seen.missing)
    return Exit.WAITS_FOR_APPROVAL


# -- making


def _make(app: App, seen: Seen, *, yes: bool, as_json: bool) -> Exit:
    """Make what is missing, modules first, and keep what there is no room for; how the command ends."""
    try:
        planned = seen.modules_left_out
        seen = _with_modules(app, seen)
        if seen.modules_left_out != planned:  # Zoho refused one: what is made instead is another plan
            if not as_json:
                _show(seen)
            if not seen.is_whole and not (yes or agreed(seen)):
                _keep(app, seen)
                return _not_agreed(seen, as_json=as_json)
        after = _with_fields(app, seen)
    except NotPermittedError as error:
        seen = _look(app, seen.notes)
        _keep(app, seen)
        show_by_hand(error, seen.missing, seen.modules_to_make, seen.relabel, as_json=as_json)
        return Exit.NEEDS_A_PERSON
    _keep(app, after)
    there = {(s.need.module, s.need.name) for s in after.fields if s.exists}
    made = [need for need in seen.missing if (need.module, need.name) in there]
    still = {(need.module, need.name) for need in after.relabel}
    relabelled = [need for need in seen.relabel if (need.module, need.name) not in still]
    return show_end(after.ended(made, relabelled), as_json=as_json)


def _with_modules(app: App, seen: Seen) -> Seen:
    """The modules made, and what fields there are now."""
    if not seen.modules_to_make:
        return seen
    modules = app.target.create_modules([state.need for state in seen.modules])
    return _look_at_fields(app, replace(seen, modules=modules))


def _with_fields(app: App, seen: Seen) -> Seen:
    """The fields made and labelled; those of a module, or pointing to one, that could not be made are left alone."""
    failed = {state.need.name for state in seen.modules if not state.exists}
    needs = [s.need for s in seen.fields if s.need.module not in failed and s.need.lookup not in failed]
    if not (seen.missing or seen.relabel):
        return seen
    made = app.target.create_fields(_with_choices(app, needs, seen.missing))
    return replace(seen, fields=states_after(seen.fields, made))


def _with_choices(app: App, needs: Sequence[FieldNeed], missing: Collection[FieldNeed]) -> list[FieldNeed]:
    """The needs; a picklist that is to be made begins with the account numbers of GP."""
    return [
        replace(need, choices=first_choices(_account_numbers(app)))
        if need.type == "picklist" and not need.choices and need in missing
        else need
        for need in needs
    ]


def _account_numbers(app: App) -> list[str]:
    """The first of the chart of accounts of the first company, as many as a picklist begins with."""
    source = next(iter(app.companies.values())).source
    found: list[str] = []
    after: str | None = None
    while len(found) < MAX_CHOICES:
        page = source.list_changes(CHART, None, after)
        found += [change.key for change in page.rows]
        after = page.next_after
        if after is None:
            break
    return found


def _keep(app: App, seen: Seen) -> None:
    """From now on the flows do without what there is no room for, and with what GP calls its fields."""
    from ml_connector.store import field_labels, left_out

    modules = {(name, "") for name in seen.modules_left_out}
    fields = {(state.need.module, state.need.name) for state in seen.fields if state.left_out}
    with app.database.begin() as tx:
        left_out.put(tx, modules | fields)
        field_labels.put(tx, app.labels)
