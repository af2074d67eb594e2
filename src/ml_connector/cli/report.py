"""``ml-connector report``: the last day in one page: what ran, what waits, what a person should look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.codes import entry_of
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.profitability import profitability
from ml_connector.cli.show import say, show_json, show_table, shown
from ml_connector.core.audit import AuditAction
from ml_connector.core.catalogue import SCHEMA_DRIFT

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.core.flow import Flow
    from ml_connector.flows.freshness import Freshness
    from ml_connector.store.cursors import Run
    from ml_connector.store.database import Connection
    from ml_connector.store.holds import Hold
    from ml_connector.store.match_index import Twin

Hours = Annotated[int, typer.Option("--hours", min=1, max=87_600, help="How far it reaches back.")]

_MEANT = (AuditAction.LET_THROUGH, AuditAction.REVIEWED)
_QUIET = ("settled", "unchanged")  #: not worth a word in a report


@dataclass(frozen=True, slots=True)
class Waiting:
    """The records that wait for one reason."""

    kind: str
    code: str
    records: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class TwinIn:
    """A record that a person typed while ml-connector created the same company."""

    flow: str
    module: str
    twin: Twin


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the report tells."""

    since: datetime
    until: datetime
    runs: Sequence[Run]
    waiting: Sequence[Waiting]
    records_waiting: int  #: one that waits for several reasons is one
    twins: Sequence[TwinIn]
    drift: Sequence[
        str
    ]  #: what of Zoho's fields is not as the mappings need it, as far as records wait for it
    freshness: Sequence[Freshness]  #: how old each group of fields may be


app = typer.Typer(invoke_without_command=True)
app.command("profitability")(profitability)


@app.callback()
def report(
    context: typer.Context, settings: SettingsPath = None, *, hours: Hours = 24, as_json: AsJson = False
) -> None:
    """What ran, what waits and for how long, how old what we know is, what was typed twice. Asks no system."""
    from ml_connector.bootstrap import open_app

    if context.invoked_subcommand:
        return
    with open_app(load(settings)) as opened:
        found = make_report(opened, timedelta(hours=hours))
    if as_json:
        show_json(found)
    else:
        show_report(found)


def make_report(opened: App, reach: timedelta) -> Report:
    """Read it all from the store, at one instant."""
    from ml_connector.flows.freshness import find_freshness
    from ml_connector.store import history, holds

    now = opened.clock.now()
    with opened.database.read() as tx:
        opened_holds = [hold for company in opened.companies for hold in holds.find(tx, company)]
        twins = [
            twin
            for flow in opened.roster.flows.values()
            for module in flow.modules
            for twin in _twins(tx, flow, module)
        ]
        ran = history.runs_since(tx, list(opened.companies), now - reach)
        fresh = [one for flow in opened.roster.flows.values() for one in find_freshness(tx, flow, now)]
    drift = dict.fromkeys(hold.happened for hold in opened_holds if hold.code == SCHEMA_DRIFT)
    waiting, records = _by_code(opened_holds), holds.count_records(opened_holds)
    return Report(now - reach, now, ran, waiting, records, twins, list(drift), fresh)


def _twins(tx: Connection, flow: Flow, module: str) -> list[TwinIn]:
    """What is like those that we created; where a person said that a record of its own is meant, nothing is told.

    They are alike in what they are recognised by: the name, or of people the e-mail address below the same parent.
    """
    from ml_connector.store import audit, links, match_index, verdicts

    pair = links.Pair(flow.company, flow.entity.name, module)
    rule = flow.match_rule(module)
    alike = [field for field in (rule.email, rule.within) if rule.email and field]
    found = match_index.twins(tx, pair, flow.of_module(module)[0].key_field, alike)
    owners = links.on(tx, pair, [twin.target_id for twin in found])
    own = verdicts.with_own(tx, pair, [link.source_key for link in owners.values()])
    meant = {  # what was decided before that was kept stands in the trail, as long as its rows are kept
        target_id
        for target_id, link in owners.items()
        if link.ident in own
        or any(row["action"] in _MEANT for row in audit.of_key(tx, flow.company, link.source_key))
    }
    return [TwinIn(flow.name, module, twin) for twin in found if twin.target_id not in meant]


def _by_code(found: Sequence[Hold]) -> list[Waiting]:
    by_code: dict[str, list[Hold]] = {}
    for hold in found:
        by_code.setdefault(hold.code, []).append(hold)
    waiting = [
        Waiting(
            entry_of(code).kind.value,
            code,
            len({(h.flow, h.source_key) for h in of_code}),
            min(h.opened_at or h.at for h in of_code),
        )
        for code, of_code in by_code.items()
    ]
    return sorted(waiting, key=lambda one: (one.kind, one.oldest))


def show_report(found: Report) -> None:
    """The report as tables."""
    say(f"From {shown(found.since)} to {shown(found.until)}")
    say(f"\nRuns: {len(found.runs)}")
    if found.runs:
        show_table(
            ("flow", "began", "took", "state", "what it did", "load on GP", "found"),
            [_run(run) for run in found.runs],
        )
    say(f"\nWaiting for a person: {found.records_waiting:,} records (ml-connector held list)")
    if found.waiting:
        show_table(
            ("kind", "code", "records", "oldest", "what it is"),
            [
                (o.kind, o.code, f"{o.records:,}", _age(found.until - o.oldest), entry_of(o.code).meaning)
                for o in found.waiting
            ],
        )
    if sum(one.records for one in found.waiting) > found.records_waiting:
        say("A record that waits for several reasons is counted under each.")
    _show_freshness(found.freshness)
    _show_twins(found.twins)
    for sentence in found.drift:
        say(f"\n{sentence}")


def _show_freshness(groups: Sequence[Freshness]) -> None:
    say("\nHow old what we know of GP may be:")
    rows = [
        (
            one.flow,
            one.group,
            shown(one.seen_at) if one.seen_at else "never",
            "" if one.age_seconds is None else _age(timedelta(seconds=one.age_seconds)),
            one.meaning,
        )
        for one in groups
    ]
    show_table(("flow", "fields", "seen up to", "age", "what that means"), rows)


def _run(run: Run) -> tuple[str, ...]:
    did = ", ".join(
        f"{what} {number:,}" for what, number in run.counts.items() if number and what not in _QUIET
    )
    took = _age(run.ended_at - run.started_at) if run.ended_at else ""
    asked = f"{run.load.requests:,} requests, {run.load.peak} at once" if run.load.requests else ""
    slowed = f", slowed to {run.load.slowed_to}" if run.load.slowed_to else ""
    quiet = ["quiet hours"] if run.load.quiet else []
    load = ", ".join([*filter(None, [asked + slowed]), *quiet])
    return run.flow, shown(run.started_at), took, run.state, did or "nothing", load, run.note


def _show_twins(twins: Sequence[TwinIn]) -> None:
    say(f"\nTyped by a person while ml-connector created the same: {len(twins)}")
    if twins:
        rows = [
            (t.flow, t.module, t.twin.target_id, t.twin.name, t.twin.twin_id, t.twin.twin_name) for t in twins
        ]
        show_table(("flow", "module", "ours", "name", "the other", "name"), rows)
        say("Merge each pair in Zoho, and keep the record that carries GP's key.")


def _age(span: timedelta) -> str:
    """A time as people say it: 3 d, 5 h, 12 min, 40 s."""
    seconds = int(span.total_seconds())
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
