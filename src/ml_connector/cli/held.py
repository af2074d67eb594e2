"""``ml-connector held``: the records that wait, why, and what a person can do about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.actor import Reason, actor, ask_reason
from ml_connector.cli.codes import entry_of
from ml_connector.cli.exits import Exit
from ml_connector.cli.held_choice import (
    Choice,
    InFlows,
    OfKinds,
    OnFields,
    WithCodes,
    said_again,
    when_again,
)
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import in_words, note, say, show_json, show_table, shown
from ml_connector.core.catalogue import OWN_CODES
from ml_connector.core.document_decisions import Answer
from ml_connector.core.document_decisions import Choice as Meant
from ml_connector.core.errors import ConfigurationError
from ml_connector.flows.range import Asked

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.store.holds import Hold

app = typer.Typer(help="Records that wait for a person.", no_args_is_help=True)

Key = Annotated[str, typer.Argument(help="The record's key in GP.")]
Keys = Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", help="Which records; none named: all.")]
Link = Annotated[
    str,
    typer.Option(
        "--link",
        metavar="NUMBER",
        help="An order of Zoho whose deal or quote GP has an order of: that one is it, and stays as it is.",
    ),
]
Replace = Annotated[
    str,
    typer.Option("--replace", metavar="NUMBER", help="Likewise: that one is it, and says what Zoho's says."),
]
InFlow = Annotated[
    str, typer.Option("--flow", metavar="FLOW", help="In which flow, where the key waits in several.")
]


@app.command("list")
def list_(
    settings: SettingsPath = None,
    *,
    flow: InFlows = None,
    code: WithCodes = None,
    kind: OfKinds = None,
    field: OnFields = None,
    as_json: AsJson = False,
) -> None:
    """Every record that waits, oldest first, with its reason and when it is tried again."""
    from ml_connector.bootstrap import open_app

    choice = Choice(None, flow, code, kind, field)
    with open_app(load(settings)) as opened:
        found = choice.find(opened)
        if as_json:
            show_json({"held": [_told(opened, hold) for hold in found]})
        elif found:
            _show_all(opened, found)
        else:
            say("No such record waits." if choice else "No record waits.")


def _show_all(opened: App, found: Sequence[Hold]) -> None:
    from ml_connector.store import holds

    # one line for all its mappings
    rows = {
        (h.flow, h.source_key, h.part, entry_of(h.code).kind.value, h.code, h.field, h.happened): h
        for h in found
    }
    columns = ("flow", "key", "part", "kind", "code", "field", "attempts", "next (UTC)", "what happened")
    counted = {row: (str(hold.attempts), when_again(opened, hold)) for row, hold in rows.items()}
    show_table(columns, [(*row[:-1], *counted[row], row[-1]) for row in sorted(rows)])
    number = holds.count_records(found)
    each = ", with a line for each of its reasons" if len(rows) > number else ""
    say(f"\nWaiting for a person: {number:,}{each}")
    say("More of one: ml-connector held show KEY.   Try again: ml-connector held retry [KEY].")
    say("Its reason does not count: held release KEY.   Nothing is to be written: held discard KEY.")


@app.command()
def show(key: Key, settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Everything about one record that waits."""
    from ml_connector.bootstrap import open_app

    with open_app(load(settings)) as opened:
        found = Choice([key]).find(opened)
        if as_json:
            show_json({"held": [_told(opened, hold) for hold in found]})
        for alike in () if as_json else _alike(found):
            _show_one(opened, alike)
    if not found:
        note(f"No record with the key {key} waits.")
        raise typer.Exit(Exit.WRONG_USE)


def _told(opened: App, hold: Hold) -> dict[str, object]:
    entry = entry_of(hold.code)
    known = {"system": entry.system, "kind": entry.kind.value, "meaning": entry.meaning}
    known |= {"part": hold.part, "again": said_again(opened, hold)}
    return hold.to_json() | known | {"what_to_do": entry.remedy}


def _alike(found: Sequence[Hold]) -> list[list[Hold]]:
    """The holds of several mappings that say the same, together."""
    together: dict[tuple[str, ...], list[Hold]] = {}
    for hold in found:
        what = (hold.code, hold.field, hold.happened, hold.remedy, hold.answer, repr(hold.detail))
        together.setdefault((hold.flow, hold.source_key, hold.part, *what), []).append(hold)
    return list(together.values())


def _show_one(opened: App, alike: Sequence[Hold]) -> None:
    """What waits in one mapping, or in several for the same reason."""
    hold = alike[0]
    entry = entry_of(hold.code)
    # What is to be done about a reason of our own stands in the hold, with the keys that it is about.
    is_said = bool(hold.remedy) and (hold.code in OWN_CODES or entry.remedy == hold.remedy)
    say(f"{hold.source_key} ({hold.flow}, {', '.join(one.mapping for one in alike)})")
    say(f"  {hold.happened}")
    say(f"  {hold.remedy}")
    lines = {
        "kind": entry.kind.value,
        "code": f"{hold.code} ({entry.system}): {entry.meaning}",
        "what to do": "" if is_said else entry.remedy,
        "field": hold.field,
        **hold.detail,
        "answer": hold.answer,
        "attempts": f"{hold.attempts}, the last {shown(hold.at)}, the first {shown(hold.opened_at or hold.at)}",
        "tried again": said_again(opened, hold),
    }
    for name, value in lines.items():
        if value or name == "value in the CRM":
            say(f"  {name}: {'(empty)' if value in (None, '') else value}")


@app.command()
def retry(  # noqa: PLR0913 -- one parameter an option
    keys: Keys = None,
    settings: SettingsPath = None,
    *,
    flow: InFlows = None,
    code: WithCodes = None,
    kind: OfKinds = None,
    field: OnFields = None,
    as_json: AsJson = False,
) -> None:
    """Read the records anew and try them again; what goes through no longer waits."""
    from ml_connector.bootstrap import open_app
    from ml_connector.cli.sync import run_and_show

    choice = Choice(keys, flow, code, kind, field)
    with open_app(load(settings), note) as opened:
        found = choice.find(opened)
        if choice and not found:
            raise ConfigurationError(
                "None of these records waits.", "ml-connector held list names those that do."
            )
        note(_trying(found))
        flows, over_deals = opened.roster.both(sorted({hold.flow for hold in found})) if found else ([], [])
        wanted = {
            name: Asked(tuple(sorted({hold.source_key for hold in found if hold.flow == name})))
            for name in [*(flow.name for flow in flows), *(flow.name for flow in over_deals)]
        }
        ended = run_and_show(opened, wanted, as_json=as_json)
    raise typer.Exit(ended)


def _trying(found: Sequence[Hold]) -> str:
    """What will be tried again, in a sentence."""
    from ml_connector.store import holds

    if not found:
        return "No record waits."
    reasons = Counter(code for _flow, _key, code in {(h.flow, h.source_key, h.code) for h in found})
    if (number := holds.count_records(found)) == 1:
        return f"Trying 1 record again, which waits as {in_words(sorted(reasons))}."
    each = ", ".join(f"{of_code:,} as {code}" for code, of_code in sorted(reasons.items()))
    return f"Trying {number:,} records again, which wait: {each}."


@app.command()
def release(  # noqa: PLR0913 -- one parameter an option
    key: Key,
    settings: SettingsPath = None,
    *,
    flow: InFlow = "",
    link: Link = "",
    replace: Replace = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Say that the reason does not count, and let the record through at once."""
    from ml_connector.bootstrap import open_app
    from ml_connector.cli.sync import run_and_show
    from ml_connector.flows import decide, documents_decide

    answer = _answer(link, replace)
    with open_app(load(settings), note) as opened:
        where = _where(opened, key, flow)
        by = decide.Decider(actor(), ask_reason(reason))
        if into_gp := opened.roster.document_flows.get(where.flow):
            work_of = opened.works.document_work(into_gp)
            released = documents_decide.release(work_of, where.key, by, answer)
        elif answer is not None:
            raise ConfigurationError(
                f"{where.key} of {where.flow} is no order of Zoho.", "Leave out --link and --replace."
            )
        else:
            released = decide.release(opened.works.work(opened.roster.flows[where.flow]), where.key, by)
        codes = ", ".join(sorted({hold.code for hold in released}))
        note(f"{where.flow}: {where.key} is let through although {codes}.")
        code = run_and_show(opened, {where.flow: Asked((where.key,))}, as_json=as_json)
    raise typer.Exit(code)


def _answer(link: str, replace: str) -> Answer | None:
    """Which document of GP is meant, and what becomes of it."""
    if link and replace:
        raise ConfigurationError("--link and --replace contradict each other.", "Give one of the two.")
    if link or replace:
        return Answer(Meant.LINK if link else Meant.REPLACE, link or replace)
    return None


@app.command()
def discard(
    key: Key,
    settings: SettingsPath = None,
    *,
    flow: InFlow = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Write nothing for the record, and wait no longer; a change in GP or a run of everything looks at it again."""
    from ml_connector.bootstrap import open_app
    from ml_connector.flows import decide, documents_decide

    with open_app(load(settings), note) as opened:
        where = _where(opened, key, flow)
        by = decide.Decider(actor(), ask_reason(reason))
        if into_gp := opened.roster.document_flows.get(where.flow):
            discarded = documents_decide.discard(opened.works.document_work(into_gp), where.key, by)
        else:
            discarded = decide.discard(opened.works.work(opened.roster.flows[where.flow]), where.key, by)
        note(" ".join(opened.note_trail()))
        told = [_told(opened, hold) for hold in discarded]
    if as_json:
        show_json({"discarded": told})
    else:
        say(f"{where.flow}: {where.key} no longer waits, and nothing was written.")
        whose = (
            "somebody changes it in Zoho" if where.flow in opened.roster.document_flows else "GP changes it"
        )
        say(f"It is looked at again when {whose}, and by a run that reads everything (sync --full).")


@dataclass(frozen=True, slots=True)
class _Where:
    """One record of one flow that waits."""

    flow: str
    key: str  #: as the source writes it


def _where(opened: App, key: str, wanted: str) -> _Where:
    """The one flow in which the key waits. Raises ConfigurationError if that is not told."""
    found = [hold for hold in Choice([key]).find(opened) if wanted in ("", hold.flow)]
    flows = sorted({hold.flow for hold in found})
    if not flows:
        raise ConfigurationError(f"No record {key} waits.", "ml-connector held list names those that do.")
    if len(flows) > 1:
        raise ConfigurationError(
            f"{key} waits in the flows {' and '.join(flows)}.", "Name one with --flow FLOW."
        )
    if flows[0] in {**opened.roster.deal_flows, **opened.roster.status_flows}:
        raise ConfigurationError(
            f"{key} waits because Zoho refuses what {flows[0]} writes, and nobody can let that through here.",
            "Change in Zoho what is in the way, and run “ml-connector held retry”.",
        )
    if flows[0] not in opened.roster.document_flows:
        opened.roster.in_order(flows)  # it may have left the settings
    return _Where(flows[0], found[0].source_key)
