"""``ml-connector flows``: when each flow runs, what keeps it back, and a word with the process that serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.actor import actor
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.plan import Flows
from ml_connector.cli.show import note, say, show_json, show_table, shown
from ml_connector.cli.sync import Full, OverLimit, sync_flows
from ml_connector.core.errors import ConfigurationError

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.core.waits import Wait
    from ml_connector.flows.agenda import Scheduled
    from ml_connector.flows.listening import ModuleStanding
    from ml_connector.store.cursors import Run
    from ml_connector.store.schedules import Kept

app = typer.Typer(help="When the flows run, and what keeps them back.", no_args_is_help=True)

OneFlow = Annotated[str, typer.Argument(metavar="FLOW", help="The flow.")]
Cron = Annotated[
    str,
    typer.Argument(
        metavar="CRON",
        help="Minute, hour, day, month and weekday in quotes, such as '30 2 * * *'; default: as the settings say.",
    ),
]
TimeZone = Annotated[
    str,
    typer.Option(
        "--time-zone",
        metavar="ZONE",
        help="On whose wall clock, such as Europe/Berlin; left out: as [serve].",
    ),
]

_DEFAULT = "default"
_ANY = "* * * * *"  #: to check the time zone alone


@dataclass(frozen=True, slots=True)
class FlowState:
    """How things stand with one flow."""

    flow: str
    schedule: str
    time_zone: str
    paused: bool
    changed_by: str  #: who paused it or changed its schedule; empty: nobody
    changed_at: datetime | None
    next_at: datetime | None  #: when it is due; None: it is paused, or nobody serves
    last_run: Run | None
    waiting: Wait | None  #: the system that keeps it back
    first_load_waits: bool  #: for its approval
    listens: ModuleStanding | None = None  #: how it knows of changes in Zoho; None: it does not start there


@app.command("list")
def list_(settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Every flow: when it runs, how its last run ended, and what it waits for."""
    from ml_connector.bootstrap import open_app

    with open_app(load(settings)) as opened:
        found, is_served = _states(opened), opened.is_served()
    if as_json:
        show_json({"serving": is_served, "flows": found})
        return
    show_table(
        ("flow", "schedule", "time zone", "next", "last run", "state"), [_row(state) for state in found]
    )
    for text in dict.fromkeys(f"{s.waiting.happened} {s.waiting.remedy}" for s in found if s.waiting):
        say(text)
    if not is_served:
        say("Nothing runs by itself: “ml-connector serve” is not at work here.")


@app.command()
def pause(flows: Flows = None, settings: SettingsPath = None) -> None:
    """Have these flows, or all, run no more by themselves; what is under way goes on to its end."""
    for name in _change(settings, flows, paused=True):
        say(f"{name} is paused.")


@app.command()
def resume(flows: Flows = None, settings: SettingsPath = None) -> None:
    """Have these flows, or all, run by their schedules again, from the next time on."""
    for name in _change(settings, flows, paused=False):
        say(f"{name} runs by its schedule again.")


@app.command()
def schedule(flow: OneFlow, cron: Cron, settings: SettingsPath = None, *, time_zone: TimeZone = "") -> None:
    """Have a flow run at other times than the settings say, from now on and also after a restart."""
    from ml_connector.core.schedule import Schedule

    try:
        read = Schedule.read(_ANY if cron == _DEFAULT else cron, time_zone or "UTC")
        wanted = "" if cron == _DEFAULT else read.cron
    except ValueError as error:
        raise ConfigurationError(
            f"{error}.", "Give another one; CRON in quotes, which keep the shell from reading *."
        ) from None
    on_whose = f", on the wall clock of {time_zone}" if time_zone else ""
    for name in _change(settings, [flow], cron=wanted, zone=time_zone):
        say(f"{name} runs {f'at {wanted}' if wanted else 'as the settings say'}{on_whose}.")


@app.command()
def run(
    flows: Flows = None,
    settings: SettingsPath = None,
    *,
    full: Full = False,
    over_limit: OverLimit = False,
    as_json: AsJson = False,
) -> None:
    """Run these flows, or all, now, whatever their schedules say; paused ones, too."""
    from ml_connector.flows.range import Asked

    sync_flows(settings, flows or (), Asked((), full, over_limit), as_json=as_json)


def _change(settings: SettingsPath, wanted: Sequence[str] | None, **values: str | bool) -> list[str]:
    from ml_connector.bootstrap import open_app
    from ml_connector.store import schedules

    with open_app(load(settings)) as opened:
        flows, over_deals = opened.roster.both(wanted or ())
        names = [*(flow.name for flow in flows), *(flow.name for flow in over_deals)]
        with opened.database.begin() as tx:
            for name in names:
                schedules.change(tx, name, actor(), opened.clock.now(), **values)
        if not opened.is_served():
            note("It counts from the next start of “ml-connector serve” on, which is not at work here.")
    return names


def _states(opened: App) -> list[FlowState]:
    from ml_connector.duties import find_modules, scheduled
    from ml_connector.flows import approval
    from ml_connector.store import cursors, schedules, waits

    now, companies, flows = opened.clock.now(), opened.roster.company_of, scheduled(opened)
    unapproved = approval.unapproved(opened.database, opened.roster.in_order())
    with opened.database.read() as tx:
        kept, open_waits = schedules.find(tx), waits.find(tx)
        last = {f.flow: cursors.last_run(tx, companies(f.flow), f.flow) for f in flows}
        modules = {one.module: one for one in find_modules(opened, tx, now, is_served=opened.is_served())}
    listens = {name: modules[flow.module] for name, flow in opened.roster.document_flows.items()}
    states = [
        _state(flow, kept.get(flow.flow), open_waits, last[flow.flow], now, unapproved) for flow in flows
    ]
    return [replace(state, listens=listens.get(state.flow)) for state in states]


def _state(
    flow: Scheduled,
    kept: Kept | None,
    open_waits: Mapping[str, Wait],
    last: Run | None,
    now: datetime,
    unapproved: Sequence[str],
) -> FlowState:
    from ml_connector.flows.agenda import next_at

    times = flow.as_kept(kept) if kept else flow.schedule
    return FlowState(
        flow.flow,
        times.cron,
        times.zone.key,
        kept is not None and kept.paused,
        kept.changed_by if kept else "",
        kept.changed_at if kept else None,
        next_at(flow, kept, now) if kept else None,
        last,
        flow.waits_for(open_waits),
        bool(flow.first_loads & set(unapproved)),
    )


def _row(state: FlowState) -> tuple[str, ...]:
    last = f"{shown(state.last_run.started_at)} {state.last_run.state}" if state.last_run else "never"
    kept_back = state.paused or state.waiting is not None  # a time at which it will not run helps nobody
    following = "" if state.next_at is None or kept_back else shown(state.next_at)
    return state.flow, state.schedule, state.time_zone, following, last, _in_words(state)


def _in_words(state: FlowState) -> str:
    if state.paused:
        return f"paused by {state.changed_by}, {shown(state.changed_at)}" if state.changed_at else "paused"
    if state.waiting:
        return (
            f"waits for {state.waiting.name} ({state.waiting.reason}) since {shown(state.waiting.since_at)}"
        )
    if state.first_load_waits:
        return "waits for the approval of a first load"
    if state.listens and state.listens.known_up_to:
        return f"{state.listens.way}: Zoho is known up to {shown(state.listens.known_up_to)}"
    return ""
