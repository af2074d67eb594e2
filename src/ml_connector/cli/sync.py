"""``ml-connector sync``: run the flows now, to their end, with progress; interrupted runs are taken up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ml_connector.cli.costs import Spent, load_in_words, show_spent
from ml_connector.cli.exits import Exit
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.plan import Flows
from ml_connector.cli.show import in_words, note, say, show_failure, show_json, show_table
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.load import Load
from ml_connector.core.ports import Absent
from ml_connector.flows.range import Asked
from ml_connector.flows.runs import Ran, Runs

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.core.flow import Flow
    from ml_connector.flows.engine import Engine

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

_COLUMNS = (
    "created",
    "matched",
    "updated",
    "unchanged",
    "settled",
    "held",
    "filtered",
    "nobody",
    "empty",
    "absent",
    "future",
)
#: What a comparison of keys finds, and marks that any run may write: shown where there is something to show.
_FOUND = ("compared", "missed", "unrecorded", "reappeared", "vanished", "marked", "untagged", "meanwhile")
_SOMETIMES = (*_FOUND, "kept")  #: and entries whose postings are all that is kept of them
_ENDS = {
    "done": Exit.DONE,
    "away": Exit.SYSTEM_AWAY,
    "failed": Exit.WRONG_USE,
    "limit": Exit.WAITS_FOR_APPROVAL,
    "broken": Exit.BUG,
}
_NOT_STAGED = ("settled", "future", *_FOUND)  #: counted as they are listed, before there is anything to do
EVERY_SECONDS = 2.0  #: so often a command tells how far it is
_APPROVE_IT = "Run “ml-connector plan”, look at it, and approve it with “ml-connector sync --approve HASH”."


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
    from ml_connector.flows import approval

    with open_app(load(settings), note) as app:
        wanted, over_deals = app.both(flows)
        each = _of_each(app, wanted, asked) if wanted else {}
        if approve:
            approval.approve(app.database, wanted, approve)
        waits = approval.unapproved(app.database, [flow for flow in wanted if flow.name in each])
        ready = {name: asked_here for name, asked_here in each.items() if name not in waits}
        over_deals = [] if asked.keys and wanted else over_deals  # keys are GP's, unless only deals are meant
        for flow in over_deals:
            if before := app.first_loads_before(flow, waits):
                note(f"Not run: {flow.name}, which needs the first load of {in_words(before)}.")
            else:
                ready[flow.name] = asked
        if ready:
            raise typer.Exit(run_and_show(app, ready, waits, as_json=as_json))
    raise typer.Exit(show_waiting(waits, as_json=as_json))


def show_waiting(waits: Sequence[str], *, as_json: bool) -> Exit:
    """Nothing can be done, for no first load of these flows is approved; how the command ends."""
    happened = f"Nothing was written: {_waiting(waits)}"
    show_failure(happened, _APPROVE_IT, Exit.WAITS_FOR_APPROVAL, as_json=as_json)
    return Exit.WAITS_FOR_APPROVAL


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
    fetched = app.source_of(flow).fetch(flow.entity.name, new)
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


def _waiting(waits: Sequence[str]) -> str:
    return f"the first load of {in_words(waits)} waits for its approval."


def run_and_show(app: App, asked: Mapping[str, Asked], waits: Sequence[str] = (), *, as_json: bool) -> Exit:
    """Run these flows (name -> what is asked), show what came of it; how the command ends."""
    from ml_connector.flows import approval

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
        with app.engine() as engine:
            return runs_here(app, engine).run_all(asked, app.beside)
    except ServingError:
        return ask(app, asked)


def runs_here(app: App, engine: Engine) -> Runs:
    """Runs of this process, which tells how far they are."""

    def taking_up(flow: str, run: str) -> None:
        note(f"{flow}: going on with the run {run}, which was interrupted.")

    def watch(flow: str, run: str) -> Callable[[], None]:
        return Progress(app, flow, run).show

    return Runs(engine, app.database, app.clock, watch, taking_up)


def how_far(done: int, whole: int) -> str:
    """How many records are done in all rounds; of how many, as long as those of the present round can tell that."""
    return f"{done:,} of {whole:,} records" if done <= whole else f"{done:,} records"


class Progress:
    """Tells on standard error how far a run is, now and then."""

    def __init__(self, app: App, flow: str, run: str, *, is_here: bool = True) -> None:
        """``is_here``: it runs in this process."""
        self._app, self._flow, self._run, self._is_here = app, flow, run, is_here
        self._told, self._at = "", time.monotonic()

    def show(self) -> None:
        from ml_connector.store import cursors, staging

        if time.monotonic() - self._at < EVERY_SECONDS:
            return
        self._at = time.monotonic()
        with self._app.database.read() as tx:
            run, staged = cursors.find_run(tx, self._run), staging.count(tx, self._run)
        if run is None:
            return
        if run.state == "waiting":
            text = f"{self._flow}: waiting. {run.note}"
        else:
            done = sum(number for what, number in run.counts.items() if what not in _NOT_STAGED)
            flow = self._app.flows.get(self._flow)  # it may have left the settings since the run began
            whole = staged * (len(flow.modules) or 1 if flow else 1)
            asked = sum(self._app.gp_cost().calls.values()) if self._is_here else run.load.requests
            over_deals = self._flow in self._app.deal_flows  # nothing is staged there, and GP is not asked
            far = f"{done:,} records" if over_deals else f"{how_far(done, whole)}, {asked:,} GP requests"
            text = f"{self._flow}: {far}"
        if text != self._told:
            note(text)
        self._told = text


def show_results(ran: Ran, held: int, spent: Spent, waits: Sequence[str] = (), *, as_json: bool) -> Exit:
    """What was done, what waits, what it cost; how the command ends."""
    end = end_of(ran, held, waits)
    named = [(f"{result['flow']} (interrupted)", result) for result in ran.interrupted]
    named += ran.flows.items()
    if as_json:
        show_json(
            {
                "ok": end is Exit.DONE,
                "exit_code": int(end),
                "flows": ran.flows,
                "interrupted": ran.interrupted,
                "not_run": ran.not_run,
                "waits_for_approval": waits,
                "held": held,
                "cost": spent,
            }
        )
    else:
        columns = (*(c for c in _SOMETIMES if any(c in r["counts"] for _, r in named)), *_COLUMNS)
        rows = [(name, *(f"{r['counts'].get(c, 0):,}" for c in columns)) for name, r in named]
        show_table(("flow", *columns), rows)
    for result in ran.results:
        note(" ".join(filter(None, (result["happened"], result["remedy"]))))
        for text in result["notes"]:
            note(text)
    if ran.not_run:
        note(f"Not run after that: {', '.join(ran.not_run)}. Run the command again when that is mended.")
    if waits:
        note(f"Not run: {_waiting(waits)} {_APPROVE_IT}")
    if not as_json:
        if held:
            say(f"Waiting for a person: {held:,} (ml-connector held list)")
        show_spent(spent)
        _show_loads(named)
    return end


def _show_loads(named: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    for name, result in named:
        if told := load_in_words(Load.from_json(result["load"])):
            say(f"Load on GP, {name}: {told}.")


def end_of(ran: Ran, held: int, waits: Sequence[str]) -> Exit:
    """A run that stopped comes before a flow that waits, and that before records that wait."""
    stopped = next((_ENDS[r["state"]] for r in ran.results if r["state"] != "done"), None)
    if stopped is not None:
        return stopped
    if waits:
        return Exit.WAITS_FOR_APPROVAL
    return Exit.NEEDS_A_PERSON if held else Exit.DONE
