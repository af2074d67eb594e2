"""What goes where: a report to standard output (a table or one JSON document), everything else to standard error."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import typer

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.load import Load

#: Columns whose text may be wrapped; what names a thing never is.
_PROSE = frozenset(
    {
        "found",
        "state",
        "why",
        "what happened",
        "load on GP",
        "what it is",
        "name",
        "fields (updates)",
        "in Zoho now (or as we left it)",
        "will be",
        "what we left",
        "in Zoho now",
    }
)
_PIPE_WIDTH = 160
NAMED = 3  #: of many with one remedy, so many are named


def in_words(names: Sequence[str]) -> str:
    """These names as one says them: “a, b and c”."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def note(text: str) -> None:
    """A line that is not the report."""
    if text:
        typer.echo(text, err=True)


def say(text: str) -> None:
    """A line of the report."""
    with _to_standard_output():
        typer.echo(text)


@contextmanager
def _to_standard_output() -> Iterator[None]:
    """Raises ConfigurationError where it takes nothing; from then on it leads nowhere, so that Python can end."""
    try:
        yield
    except BrokenPipeError:
        raise  # nobody reads on
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        raise ConfigurationError(
            f"The report could not be written: {error.strerror}.",
            "Send it somewhere else; what was done is recorded, and “ml-connector report” tells it.",
        ) from error


def show_json(document: object) -> None:
    """The report as one JSON document."""
    with _to_standard_output():
        typer.echo(json.dumps(document, default=_plain, ensure_ascii=False, indent=2))


def show_failure(happened: str, remedy: str, code: int, *, as_json: bool) -> None:
    """Why a command did not do what it was asked: sentences for people, with ``as_json`` a document as well."""
    note(happened)
    note(remedy)
    if as_json:
        with suppress(ConfigurationError):  # the sentences stand beside it
            show_json({"ok": False, "happened": happened, "remedy": remedy, "exit_code": int(code)})


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """The report as a table; what stands in it is shown as it is, never as Rich's markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=column not in _PROSE, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    # Into a file or a pipe a row stays on its line.
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    with _to_standard_output():
        console.print(table)


def shown(moment: datetime) -> str:
    """An instant as people read it, UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def shown_value(value: object) -> str:
    """What stands or would stand in a field, as people read it."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return shown(value)
    return "" if value is None else str(value)


def by_remedy(told: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Remedy -> all that it is the remedy of, each once: of (remedy, what) in any order."""
    found: dict[str, list[str]] = {}
    for remedy, what in dict.fromkeys(told):
        found.setdefault(remedy, []).append(what)
    return found


def _plain(value: object) -> object:
    if isinstance(value, Load):
        return value.to_json()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal | Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
