"""``ml-connector plan``: what the next sync would do, decided now and shown; nothing is written to Zoho."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.costs import Spent, show_spent
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import in_words, note, say, show_json, show_table, shown_value
from ml_connector.core.deals import DealFlow
from ml_connector.core.errors import ConfigurationError
from ml_connector.flows.range import Asked

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.cli.planned import FlowFigures, Shown
    from ml_connector.core.flow import Flow

Flows = Annotated[
    list[str] | None, typer.Argument(metavar="[FLOW]...", help="Which flows, or all of a company; none: all.")
]
Limit = Annotated[int, typer.Option("--show", min=0, help="How many records of each outcome to show.")]
Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--key", metavar="KEY", help="Only this record, field by field; may be given several times."
    ),
]
Fields = Annotated[bool, typer.Option("--fields", help="Show the records field by field.")]

OUTCOMES = ("create", "match", "update", "skip", "hold")
_BY = {"email": "e-mail", "similar": "a similar name", "review": "a review"}


def plan(
    flows: Flows = None,
    settings: SettingsPath = None,
    *,
    show: Limit = 5,
    key: Keys = None,
    fields: Fields = False,
    as_json: AsJson = False,
) -> None:
    """Decide what the next sync would do, show it, and print the hash that approves a first one."""
    from ml_connector.bootstrap import open_app
    from ml_connector.flows import approval

    asked = Asked(tuple(key or ()))
    with open_app(load(settings), note) as app:
        wanted, over_deals = app.roster.both(flows or ())
        ready = _not_too_early(app, wanted)
        figures, records = make_plan(app, [flow.name for flow in ready], show, asked)
        for flow in () if key and wanted else over_deals:  # keys are GP's, unless only deals are meant
            if not isinstance(flow, DealFlow):
                note(f"{flow.name} is not planned: it works off each record as it comes.")
                continue
            figures_of, more = _plan_deals(app, flow, asked, show, must=bool(flows))
            figures |= figures_of
            records += more
        report = "" if key else approval.plan_hash(app.database, wanted)
        waits = approval.unapproved(app.database, ready)
        changed = approval.count_changed(app.database, wanted)
        spent = Spent.of(app)
    if key:
        _check_found(key, records, list(figures))
    if as_json:
        show_json(_document(figures, records) | {"hash": report, "waits_for_approval": waits, "cost": spent})
        return
    show_plan(figures, records, fields=fields or bool(key))
    if not key:
        _show_approval(waits, changed, " ".join([*(flows or ()), "--approve", report]))
    show_spent(spent)


def _plan_deals(
    app: App, flow: DealFlow, asked: Asked, show: int, *, must: bool
) -> tuple[dict[str, FlowFigures], list[Shown]]:
    """What a flow over deals would do; what it needs may come by the very flows that are planned before it."""
    from ml_connector.cli.planned_deals import plan_over_deals

    note(f"Planning {flow.name} ...")
    try:
        figures, records = plan_over_deals(app.works.deal_work(flow, asked), show)
    except ConfigurationError as error:
        if must:
            raise
        note(f"{flow.name} is not planned: {error}")
        return {}, []
    return {flow.name: figures}, records


def _show_approval(waits: Sequence[str], changed: int, words: str) -> None:
    """What waits for an approval, and how it is given; ``words``: behind ``ml-connector sync``."""
    if waits:
        say(f"This is the first load of {in_words(waits)}: nothing is written until it is approved.")
    if changed:
        say(f"{changed:,} records wait because they were not in the plan that was approved.")
    if waits or changed:
        say("Decide record by record:  ml-connector review export FILE")
        say(f"Approve it with:  ml-connector sync {words}")


def _not_too_early(app: App, flows: Sequence[Flow]) -> list[Flow]:
    """The flows that can be planned; of the others it is said why not. Raises ConfigurationError if none can."""
    from ml_connector.flows import approval

    ready = []
    for flow in flows:
        missing = approval.too_early(app.database, flow, app.roster.flows)
        if not missing:
            ready.append(flow)
            continue
        error = ConfigurationError(
            f"{flow.name} is not planned: it is summed from what {in_words(missing)} brought over,"
            " and that has not run yet.",
            f"Run “ml-connector sync {' '.join(missing)}” (planned and approved, where it writes to Zoho),"
            f" then “ml-connector plan {flow.name}”.",
        )
        if len(flows) == 1:
            raise error
        note(str(error))
    return ready


def make_plan(
    app: App, names: Sequence[str], show: int, asked: Asked
) -> tuple[dict[str, FlowFigures], list[Shown]]:
    """Plan the flows in order; the figures of each, and the first ``show`` records of each outcome."""
    from ml_connector.cli.planned import Collected
    from ml_connector.flows.plan import FlowPlan, note_names

    figures: dict[str, FlowFigures] = {}
    records: list[Shown] = []
    planned: dict[str, str] = {}
    if not asked.keys and len({app.roster.flows[name].company for name in names}) > 1:
        for name in names[1:]:
            note_names(app.works.work(app.roster.flows[name], preview=True))
    for name in names:
        note(f"Planning {name} ...")
        work = app.works.work(app.roster.flows[name], asked, preview=True)
        collected = Collected(work, show)
        collected.take_all(FlowPlan(work, dict(planned)))
        figures[name] = collected.figures
        records += collected.shown
        if not asked.keys:  # the plan of a few records is not kept
            planned[name] = work.flow.entity.name
    return figures, records


def _check_found(keys: Sequence[str], records: Sequence[Shown], flows: Sequence[str]) -> None:
    from ml_connector.core.record import fold_key

    known = {fold_key(one.key) for one in records}
    missing = [key for key in keys if fold_key(key) not in known]
    if missing:
        raise ConfigurationError(
            f"GP has no {' and no '.join(missing)} in {', '.join(flows)}.", "Check the key, or name the flow."
        )


def _document(figures: Mapping[str, FlowFigures], records: Sequence[Shown]) -> dict[str, Any]:
    counts = {flow: {one: found.outcomes[one] for one in OUTCOMES} for flow, found in figures.items()}
    return {"flows": counts, "figures": figures, "records": records}


def show_plan(figures: Mapping[str, FlowFigures], records: Sequence[Shown], *, fields: bool) -> None:
    """The plan as tables."""
    rows = [(flow, *(f"{found.outcomes[o]:,}" for o in OUTCOMES)) for flow, found in figures.items()]
    show_table(("flow", *OUTCOMES), rows)
    _show_reasons(figures)
    for flow, found in figures.items():
        _show_span(flow, found)
    _show_mappings(figures)
    if fields:
        _show_fields(records)
    elif records:
        say("")
        columns = ("flow", "module", "key", "name", "outcome", "Zoho id", "score", "why")
        show_table(columns, _rows(records))
    say("")


def _rows(records: Sequence[Shown]) -> Iterator[tuple[str, ...]]:
    """A line for each; where a key has several, it stands once above them, with how many there are."""
    for together in _together(records):
        first = together[0]
        if first.of == 1:
            yield first.flow, first.module, first.key, *_row(first)
            continue
        yield first.flow, first.module, first.key, _how_many(first), first.outcome, "", "", ""
        for one in together:
            yield "", "", f"  {one.part}", *_row(one)
        if first.of > len(together):
            yield "", "", f"  … {first.of - len(together):,} more", "", "", "", "", ""


def _together(records: Sequence[Shown]) -> list[list[Shown]]:
    """The records by key and outcome, in the order in which each of these comes first."""
    found: dict[tuple[str, str, str, str], list[Shown]] = {}
    for one in records:
        found.setdefault(one.is_of, []).append(one)
    return list(found.values())


def _how_many(one: Shown) -> str:
    return f"{one.of:,} records"


def _row(one: Shown) -> tuple[str, ...]:
    score = f"{one.score:g}" if one.score else ""
    return one.name, one.outcome, one.target_id, score, one.why


def _show_reasons(figures: Mapping[str, FlowFigures]) -> None:
    """How records were recognised, and why others wait."""
    rows = [
        (flow, outcome, text, f"{number:,}")
        for flow, found in figures.items()
        for outcome, told in (("match", found.matches), ("hold", found.holds))
        for text, number in ((_BY.get(what, what), n) for what, n in told.most_common())
    ]
    if rows:
        say("")
        show_table(("flow", "outcome", "by", "records"), rows)


def _show_span(flow: str, found: FlowFigures) -> None:
    for text in (*found.notes, found.limit):
        note(f"{flow}: {text}" if text else "")
    if found.backfill:
        rewritten = found.outcomes["update"]
        say("")
        say(
            f"{flow}: the mappings changed: the next run reads all {found.records:,} records of GP"
            f" and rewrites {rewritten:,} in Zoho."
        )


_FIELDS_NAMED = 4


def _show_mappings(figures: Mapping[str, FlowFigures]) -> None:
    """What each mapping writes, and of what stands there already, into which fields how often."""
    rows = [
        (flow, name, m.module, f"{m.creates:,}", f"{m.updates:,}", _often(m.fields))
        for flow, found in figures.items()
        for name, m in found.mappings.items()
        if m.creates or m.updates
    ]
    if rows:
        say("")
        show_table(("flow", "mapping", "module", "creates", "updates", "fields (updates)"), rows)


def _often(fields: Mapping[str, int]) -> str:
    """The fields that are written most often; all of them are in the JSON."""
    ordered = sorted(fields.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{name} {number:,}" for name, number in ordered[:_FIELDS_NAMED])
    return f"{told}, {len(ordered) - _FIELDS_NAMED} more" if len(ordered) > _FIELDS_NAMED else told


def _show_fields(records: Sequence[Shown]) -> None:
    for together in _together(records):
        first = together[0]
        if first.of > 1:
            say(f"\n{first.key}  {_how_many(first)} of {first.module}: {first.outcome}")
        for one in together:
            say("")
            _show_one(one, one.key if first.of == 1 else f"  {one.part}")
        if first.of > len(together):
            say(f"\n  … {first.of - len(together):,} more")


def _show_one(one: Shown, which: str) -> None:
    where = f"{one.module} {one.target_id}".rstrip()
    part = f" ({one.part})" if one.part and one.of == 1 else ""
    score = f", score {one.score:g}" if one.score else ""
    why = f" ({one.why}{score})" if one.why and not (one.fields and one.outcome == "update") else ""
    say(f"{which}{part}  {one.name}: {one.outcome}{why} -> {where}")
    if one.fields:
        rows = [(f.field, shown_value(f.now), shown_value(f.will_be), f.mapping) for f in one.fields]
        show_table(("field", "in Zoho now (or as we left it)", "will be", "mapping"), rows)
