"""``ml-connector sync``: run the flows now, to their end, with progress; interrupted runs are taken up."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

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
}
_NOT_STAGED = ("settled", "future", *_FOUND)  #: counted as they are listed, before there is anything to do
EVERY_SECONDS = 2.0  #: so often a command tells how far it is
_APPROVE_IT = "Run “ml-connector plan”, look at it, and approve it with “ml-connector sync --approve HASH”."


@dataclass(slots=True)
class Ran:
    """How the runs of a command ended; a result is that of ``flows.steps.ended`` with its flow, run and seconds."""

    flows: dict[str, Mapping[str, Any]] = field(default_factory=dict)  #: what was asked for
    interrupted: list[Mapping[str, Any]] = field(default_factory=list)  #: of earlier commands, finished first
    not_run: list[str] = field(default_factory=list)  #: asked for, but ended by another that did not end well

    @property
    def results(self) -> list[Mapping[str, Any]]:
        """All of them."""
        return [*self.interrupted, *self.flows.values()]

    def ends(self, company_flows: Collection[str], asked: Collection[str]) -> bool:
        """Whether a run that did not end well ends the flows of a company: it is one of them, or a system is away."""
        stopped = [result for result in self.results if result["state"] != "done" and result["flow"] in asked]
        return any(result["state"] == "away" or result["flow"] in company_flows for result in stopped)


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
    from ml_connector.bootstrap import open_app
    from ml_connector.flows import approval

    asked = Asked(tuple(key or ()), full, over_limit)
    if asked.keys and full:
        raise ConfigurationError("--key and --full contradict each other.", "Give one of the two.")
    with open_app(load(settings), note) as app:
        wanted, over_deals = app.both(flows or ())
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
    return show_results(ran, held, Spent.of(app), waits, as_json=as_json)


def run_flows(app: App, asked: Mapping[str, Asked]) -> Ran:
    """Finish what was interrupted, then run these flows (name -> what is asked) one after the other.

    One that does not end well ends the rest of its company, and where a system is away, of all: they share it. An
    interrupted ordinary run of a flow is that flow's ordinary run.
    """
    ran = Ran()
    with app.engine() as engine:
        for run in engine.pending():
            note(f"{run.flow}: going on with the run {run.run}, which was interrupted.")
            told = _ended(app, engine, run.flow, run.run)
            if asked.get(run.flow) == run.asked == Asked():
                ran.flows[run.flow] = told
            else:
                ran.interrupted.append(told)
        for name, wanted in asked.items():
            if name in ran.flows:
                continue
            if ran.ends(app.beside(name), asked):
                ran.not_run.append(name)
            else:
                run_name = f"{name}-{app.clock.now():%Y%m%dT%H%M%S.%f}"
                engine.start(name, run_name, wanted)
                ran.flows[name] = _ended(app, engine, name, run_name)
    return ran


def _ended(app: App, engine: Engine, flow: str, run: str) -> Mapping[str, Any]:
    """Wait for the run, telling how far it is; how it ended."""
    ended = engine.wait(run, _Progress(app, flow, run).show)
    return ended | {"flow": flow, "run": run, "seconds": _seconds(app, run)}


def _seconds(app: App, run: str) -> float:
    """How long the run took, interruptions included."""
    from ml_connector.store import cursors

    with app.database.read() as tx:
        told = cursors.find_run(tx, run)
    return round((told.ended_at - told.started_at).total_seconds(), 3) if told and told.ended_at else 0.0


def how_far(done: int, whole: int) -> str:
    """How many records are done in all rounds; of how many, as long as those of the present round can tell that."""
    return f"{done:,} of {whole:,} records" if done <= whole else f"{done:,} records"


class _Progress:
    """Tells on standard error how far a run is, now and then."""

    def __init__(self, app: App, flow: str, run: str) -> None:
        self._app, self._flow, self._run = app, flow, run
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
            asked = sum(self._app.gp_cost().calls.values())
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
