"""``ml-connector sync``: run the flows now, to their end, with progress; interrupted runs are taken up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ml_connector.cli.costs import Spent
from ml_connector.cli.exits import Exit
from ml_connector.cli.leaving import when_lost
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.plan import Flows
from ml_connector.cli.progress import runs_here
from ml_connector.cli.results import show_results, show_waiting
from ml_connector.cli.show import in_words, note
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ports import Absent
from ml_connector.flows.range import Asked

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.core.flow import Flow
    from ml_connector.flows.runs import Ran

Approve = Annotated[
    str, typer.Option(metavar="HASH", help="Approve the plan that printed this hash, then run.")
]

Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--key", metavar="KEY", help="Only this record, whatever its stamp; may be given several times."
    ),
]
Full = Annotated[bool, typer.Option("--full", help="Read every record, whatever its stamp.")]
OverLimit = Annotated[
    bool, typer.Option("--over-limit", help="Let this run go beyond the safety limit (max_change_ratio).")
]


def sync(  # noqa: PLR0913 -- one parameter an option
    flows: Flows = None,
    settings: SettingsPath = None,
    *,
    approve: Approve = "",
    key: Keys = None,
    full: Full = False,
    over_limit: OverLimit = False,
    as_json: AsJson = False,
) -> None:
    """Bring what changed in GP into Zoho. A first load waits until its plan is approved."""
    asked = Asked(tuple(key or ()), full, over_limit)
    if asked.keys and full:
        raise ConfigurationError("--key and --full contradict each other.", "Give one of the two.")
    sync_flows(settings, flows or (), asked, approve, as_json=as_json)


def sync_flows(
    settings: SettingsPath, flows: Sequence[str], asked: Asked, approve: str = "", *, as_json: bool
) -> NoReturn:
    """Run these flows, or all, but those whose first load waits; then the command ends. ``approve``: a plan's hash."""
    from ml_connector.bootstrap import open_app
    from ml_connector.core.document_flow import DocumentFlow
    from ml_connector.flows import approval

    with open_app(load(settings), note) as app:
        wanted, over_deals = app.roster.both(flows)
        each = _of_each(app, wanted, asked) if wanted else {}
        if approve:
            approval.approve(app.database, wanted, approve)
        waits = approval.unapproved(app.database, [flow for flow in wanted if flow.name in each])
        ready = {name: asked_here for name, asked_here in each.items() if name not in waits}
        over_deals = [] if asked.keys and wanted else over_deals  # keys are GP's, unless only deals are meant
        for flow in over_deals:
            if before := app.roster.first_loads_before(flow, waits):
                note(f"Not run: {flow.name}, which needs the first load of {in_words(before)}.")
            else:
                # Old orders go to GP where they are named, and not because everything of GP is read.
                is_named = flow.name in flows or not isinstance(flow, DocumentFlow)
                ready[flow.name] = asked if is_named else replace(asked, full=False)
        if ready:
            raise typer.Exit(run_and_show(app, ready, waits, as_json=as_json))
    raise typer.Exit(show_waiting(waits, as_json=as_json))


def _of_each(app: App, flows: Sequence[Flow], asked: Asked) -> dict[str, Asked]:
    """What is asked of each flow; a flow that knows none of the keys, and has none of them in GP, is left out.

    A key that no flow knows is a slip of the pen, which leaves no trace. Raises ConfigurationError.
    """
    if not asked.keys:
        return {flow.name: asked for flow in flows}
    known = {flow.name: _known(app, flow, asked.keys) for flow in flows}
    if missing := [key for key in asked.keys if not any(key in keys for keys in known.values())]:
        raise ConfigurationError(
            f"GP has no {' and no '.join(missing)} in {', '.join(known)}.", "Check the key, or name the flow."
        )
    return {name: replace(asked, keys=keys) for name, keys in known.items() if keys}


def _known(app: App, flow: Flow, keys: Sequence[str]) -> tuple[str, ...]:
    """Those of these keys that the flow has met before or that GP has a record of."""
    from ml_connector.core.record import fold_key

    seen = _seen(app, flow, keys)
    new = [key for key in keys if fold_key(key) not in seen]
    fetched = app.works.source_of(flow).fetch(flow.entity.name, new)
    absent = {key for key, found in zip(new, fetched, strict=True) if isinstance(found, Absent)}
    return tuple(key for key in keys if key not in absent)


def _seen(app: App, flow: Flow, keys: Sequence[str]) -> set[str]:
    """Which of these keys, folded, this flow knows: listed, linked or decided before."""
    from ml_connector.store import links, outcomes, staging

    pairs = [links.Pair(flow.company, flow.entity.name, module) for module in flow.modules]
    with app.database.read() as tx:
        listed = staging.names_of(tx, flow.company, flow.entity.name, keys)
        linked = {key for pair in pairs for key, _ in links.find(tx, pair, keys)}
        decided = outcomes.find(tx, flow.company, list(flow.meanings), keys)
    return {*listed, *linked, *(key for key, _ in decided)}


def run_and_show(app: App, asked: Mapping[str, Asked], waits: Sequence[str] = (), *, as_json: bool) -> Exit:
    """Run these flows (name -> what is asked), show what came of it; how the command ends."""
    from ml_connector.flows import approval
    from ml_connector.flows.runs import Ran

    ran = run_flows(app, asked) if asked else Ran()
    held = approval.count_held(app.database, list(app.companies))
    return show_results(ran, held, Spent.of(app, ran.spent), waits, as_json=as_json)


def run_flows(app: App, asked: Mapping[str, Asked]) -> Ran:
    """Run these flows (name -> what is asked): here, or in the process that serves.

    See ``Runs.run_all``. Raises RetryableError while another command is at work.
    """
    from ml_connector.cli.asking import ask
    from ml_connector.store.engine_lock import ServingError

    try:
        with app.engine(lost=when_lost()) as engine:
            return runs_here(app, engine).run_all(asked, app.roster.beside)
    except ServingError:
        return ask(app, asked)
