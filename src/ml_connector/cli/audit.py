"""``ml-connector audit``: what happened to every record, whether the trail is as written, how long it is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.actor import Reason, actor, ask_reason
from ml_connector.cli.exits import Exit
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import note, say, show_json
from ml_connector.core.audit import AuditAction
from ml_connector.core.errors import ConfigurationError

if TYPE_CHECKING:
    from ml_connector.cli.audit_rows import Row
    from ml_connector.store.audit import Wanted

app = typer.Typer(help="What happened to every record.", no_args_is_help=True)

Key = Annotated[
    str | None, typer.Argument(help="The record's key in GP, or its id in Zoho; left out: of all records.")
]
Run = Annotated[str, typer.Option("--run", metavar="RUN", help="Only what this run did.")]
Flow = Annotated[str, typer.Option("--flow", metavar="FLOW", help="Only what this flow did.")]
Action = Annotated[
    list[str] | None,
    typer.Option(
        "--action", metavar="ACTION", help="Only this action, such as created; may be given several times."
    ),
]
From = Annotated[
    str,
    typer.Option("--from", metavar="WHEN", help="From this day or instant on: 2026-11-02, 2026-11-02T08:30."),
]
To = Annotated[
    str, typer.Option("--to", metavar="WHEN", help="Up to the end of this day, or before this instant; UTC.")
]


@app.command()
def show(  # noqa: PLR0913 -- one parameter an option
    key: Key = None,
    settings: SettingsPath = None,
    *,
    run: Run = "",
    flow: Flow = "",
    action: Action = None,
    from_: From = "",
    to: To = "",
    as_json: AsJson = False,
) -> None:
    """Everything that happened to one record, or to all that a run, flow, action or time names; oldest first."""
    from ml_connector.cli import audit_rows

    wanted = _wanted(key, run, flow, action, from_, to)
    with _rows(settings, wanted) as rows:
        if as_json:
            found = _show_document(key, rows)
        elif key:
            found = _count(audit_rows.show_story, rows)
        else:
            found = _count(say, audit_rows.table(rows)) - 1
    if not found:
        note(f"Nothing is known of {key}." if key else "Nothing like that is in the audit trail.")
        raise typer.Exit(Exit.WRONG_USE)


@app.command()
def export(  # noqa: PLR0913 -- one parameter an option
    key: Key = None,
    settings: SettingsPath = None,
    *,
    run: Run = "",
    flow: Flow = "",
    action: Action = None,
    from_: From = "",
    to: To = "",
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="jsonl (a JSON document a line), csv or table.")
    ] = "jsonl",
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Into this file; left out: shown.")
    ] = None,
) -> None:
    """The same rows for another program: as JSON lines, CSV or a table, however many there are."""
    from ml_connector.cli.audit_rows import FORMATS, lines_to

    if format_ not in FORMATS:
        raise ConfigurationError(f"There is no format {format_}.", f"Known are: {', '.join(FORMATS)}.")
    wanted = _wanted(key, run, flow, action, from_, to)
    with _rows(settings, wanted) as rows, lines_to(output, mark=format_ == "csv") as write:
        written = _count(write, FORMATS[format_](rows))
    if output is not None:
        note(f"{written - (format_ != 'jsonl'):,} rows are in {output}.")


@app.command()
def verify(
    settings: SettingsPath = None,
    *,
    checkpoints: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A copy of the checkpoint file that was kept elsewhere."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that no row of the audit trail was changed, removed or moved, and none cut off at its end."""
    from ml_connector.bootstrap import open_trail
    from ml_connector.cli.audit_verdict import document, show_verdict
    from ml_connector.store.checkpoints import CheckpointFile

    if checkpoints is not None and not checkpoints.is_file():
        raise ConfigurationError(f"There is no file {checkpoints}.", "Name the copy of the checkpoint file.")
    with open_trail(load(settings)) as trail:
        file = CheckpointFile(checkpoints) if checkpoints else trail.file
        found = trail.verify(file)
    if as_json:
        show_json(document(found, file.path))
    else:
        show_verdict(found, file.path)
    raise typer.Exit(Exit.DONE if found.ok else Exit.NEEDS_A_PERSON)


@app.command()
def trim(settings: SettingsPath = None) -> None:
    """Remove rows older than [audit] keep_days from the beginning of the trail, which stays verifiable."""
    from ml_connector.bootstrap import open_trail

    tree = load(settings)
    if tree.audit.keep_days is None:
        raise ConfigurationError("Rows of the audit trail are kept for ever.", "Set keep_days under [audit].")
    with open_trail(tree) as trail:
        removed = trail.trim(timedelta(days=tree.audit.keep_days))
    say(f"Rows older than {tree.audit.keep_days} days that were removed: {removed:,}.")


@app.command()
def restored(settings: SettingsPath = None, *, reason: Reason = "") -> None:
    """After an earlier copy of the database was put back: say that the trail goes on from there.

    Until then “audit verify” reports the rows that the checkpoint file knows and the copy does not have.
    """
    from ml_connector.bootstrap import open_trail

    with open_trail(load(settings)) as trail:
        since = trail.restored(ask_reason(reason), actor())
    where = f"after row {since.seq:,}" if since.seq else "from its beginning"
    say(f"The audit trail goes on {where}; what is known of rows behind it is given up.")


# -- which rows


def _wanted(
    key: str | None, run: str, flow: str, action: Sequence[str] | None, from_: str, to: str
) -> Wanted:
    from ml_connector.store.audit import Wanted

    actions = tuple(name for one in action or () for name in _actions(one))
    return Wanted(key or "", run, flow, actions, _instant(from_), _instant(to, end_of_day=True))


def _actions(word: str) -> list[str]:
    """An action by its name, or those that have this word behind the colon."""
    short: dict[str, list[str]] = {}
    for action in AuditAction:
        short.setdefault(action.value.partition(":")[2], []).append(action.value)
    names = [action.value for action in AuditAction]
    if word in names:
        return [word]
    if word in short:
        return short[word]
    near = get_close_matches(word, [*short, *names], n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(short)}."
    raise ConfigurationError(f"There is no action {word}.", hint)


def _instant(text: str, *, end_of_day: bool = False) -> datetime | None:
    """A day or an instant, UTC unless it says otherwise."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=at.tzinfo or UTC)
        return at + timedelta(days=1) if end_of_day and len(text) == len("2026-11-02") else at
    except (ValueError, OverflowError):
        raise ConfigurationError(
            f"{text} is neither a day nor an instant.", "Write it as 2026-11-02 or 2026-11-02T08:30."
        ) from None


@contextmanager
def _rows(settings: Path | None, wanted: Wanted) -> Iterator[Iterator[Row]]:
    from ml_connector.bootstrap import open_trail
    from ml_connector.store.audit import find

    with open_trail(load(settings)) as trail, trail.database.read() as tx:
        yield find(tx, wanted)


def _count(do: Any, given: Iterable[Any]) -> int:  # noqa: ANN401 -- whatever is shown or written one by one
    number = 0
    for number, one in enumerate(given, 1):  # noqa: B007 -- the last number is how many there were
        do(one)
    return number


def _show_document(key: str | None, rows: Iterator[Row]) -> int:
    """One JSON document, written row by row: there may be more of them than fit into memory."""
    from ml_connector.cli.audit_rows import json_lines

    say(f'{{"key": {json.dumps(key, ensure_ascii=False)}, "rows": [')
    number = 0
    for number, line in enumerate(json_lines(rows), 1):
        say(f"{', ' if number > 1 else '  '}{line}")
    say("]}")
    return number
