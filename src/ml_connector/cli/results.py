"""What runs came to, for a person: what was done, what waits, what it cost, and how the command ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ml_connector.cli.costs import Spent, load_in_words, show_spent
from ml_connector.cli.exits import Exit
from ml_connector.cli.show import in_words, note, say, show_failure, show_json, show_table
from ml_connector.core.load import Load

if TYPE_CHECKING:
    from ml_connector.flows.runs import Ran

COLUMNS = (
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
FOUND = ("compared", "missed", "unrecorded", "reappeared", "vanished", "marked", "untagged", "meanwhile")
#: And entries whose postings are all that is kept of them; records whose values went back into GP, or wait for what
#: became of the last time that they did; documents of GP that were read, and records that were told of theirs.
_SOMETIMES = (*FOUND, "kept", "back", "waiting", "read", "unreadable", "crm_told", "crm_refused")
_ENDS = {
    "done": Exit.DONE,
    "away": Exit.SYSTEM_AWAY,
    "failed": Exit.WRONG_USE,
    "limit": Exit.WAITS_FOR_APPROVAL,
    "broken": Exit.BUG,
}
_APPROVE_IT = "Run “ml-connector plan”, look at it, and approve it with “ml-connector sync --approve HASH”."


def show_waiting(waits: Sequence[str], *, as_json: bool) -> Exit:
    """Nothing can be done, for no first load of these flows is approved; how the command ends."""
    happened = f"Nothing was written: {_waiting(waits)}"
    show_failure(happened, _APPROVE_IT, Exit.WAITS_FOR_APPROVAL, as_json=as_json)
    return Exit.WAITS_FOR_APPROVAL


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
        columns = (*(c for c in _SOMETIMES if any(c in r["counts"] for _, r in named)), *COLUMNS)
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


def _waiting(waits: Sequence[str]) -> str:
    return f"the first load of {in_words(waits)} waits for its approval."
