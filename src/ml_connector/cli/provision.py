"""``ml-connector provision``: the modules and fields that flows and settings need in Zoho, shown first, then made."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.exits import Exit
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.provision_seen import Seen, look, look_at_fields, read_labels
from ml_connector.cli.provision_show import (
    question,
    show_by_hand,
    show_end,
    show_modules,
    show_states,
    states_after,
)
from ml_connector.core.deal_fields import CHART, MAX_CHOICES, first_choices
from ml_connector.core.errors import ConfigurationError, NotPermittedError
from ml_connector.core.needs import FieldNeed

if TYPE_CHECKING:
    from ml_connector.app import App

Yes = Annotated[bool, typer.Option("--yes", help="Make them without asking.")]
OnlyCheck = Annotated[bool, typer.Option("--check", help="Only look whether all is there.")]


def provision(
    settings: SettingsPath = None, *, yes: Yes = False, check: OnlyCheck = False, as_json: AsJson = False
) -> None:
    """Show which modules and fields Zoho lacks, ask, and make them. Done twice, it changes nothing the second time."""
    from ml_connector.bootstrap import open_app

    if yes and check:
        raise ConfigurationError("--yes and --check contradict each other.", "Give one of the two.")
    with open_app(load(settings)) as app:
        app.works.check_identity()
        seen = look(app, read_labels(app), as_refused=check)
        if not as_json:
            _show(seen)
        if check:
            code = show_end(seen.ended(), as_json=as_json)
            raise typer.Exit(code if seen.is_whole else Exit.NEEDS_A_PERSON)
        if not seen.is_whole and not (yes or agreed(seen)):
            raise typer.Exit(_not_agreed(seen, as_json=as_json))
        app.works.keep_identity()
        code = _make(app, seen, yes=yes, as_json=as_json)
    raise typer.Exit(code)


# -- asking


def _show(seen: Seen) -> None:
    show_modules(seen.modules)
    show_states(seen.fields, (*seen.instead, *seen.notes))


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
    planned, wanted = seen.modules_left_out, seen.modules_to_make
    try:
        seen = _with_modules(app, seen)
        if seen.modules_left_out != planned:  # Zoho refused one: what is made instead is another plan
            if not as_json:
                _show(seen)
            if not seen.is_whole and not (yes or agreed(seen)):
                _keep(app, seen)
                return _not_agreed(seen, as_json=as_json)
        after = _with_fields(app, seen)
    except NotPermittedError as error:
        seen = look(app, seen.notes)
        _keep(app, seen)
        show_by_hand(error, seen.missing, seen.modules_to_make, seen.relabel, as_json=as_json)
        return Exit.NEEDS_A_PERSON
    _keep(app, after)
    there = {(s.need.module, s.need.name) for s in after.fields if s.exists}
    made = [need for need in seen.missing if (need.module, need.name) in there]
    still = {(need.module, need.name) for need in after.relabel}
    relabelled = [need for need in seen.relabel if (need.module, need.name) not in still]
    modules = [state.need for state in after.modules if state.exists and state.need in wanted]
    return show_end(after.ended(made, relabelled, modules), as_json=as_json)


def _with_modules(app: App, seen: Seen) -> Seen:
    """The modules made, and what fields there are now."""
    if not seen.modules_to_make:
        return seen
    modules = app.target.create_modules([state.need for state in seen.modules])
    return look_at_fields(app, replace(seen, modules=modules))


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
        field_labels.put(tx, app.roster.labels)
