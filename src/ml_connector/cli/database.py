"""``ml-connector database move``: everything that is kept into another database."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import typer

from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import note, say, show_json, show_table
from ml_connector.core.errors import ConfigurationError

app = typer.Typer(help="The database that everything is kept in.", no_args_is_help=True)

Url = Annotated[
    str,
    typer.Argument(
        metavar="URL", help="An empty one: postgresql+psycopg://USER@HOST/NAME, or sqlite:////FOLDER/FILE.db."
    ),
]


@app.callback()
def _database() -> None:
    """The database that everything is kept in."""


@app.command()
def move(url: Url, settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Copy everything into another database, SQLite or PostgreSQL; not while another process is working.

    What it came from stays as it is. Afterwards set url under [store].
    """
    from contextlib import closing

    from ml_connector.bootstrap import open_store
    from ml_connector.flows.restore import move as move_all
    from ml_connector.store.database import Database

    _require_no_password(url)
    tree = load(settings)
    with open_store(tree) as source, closing(Database(url)) as target:
        rows = move_all(source, target, tree.store.folder)
    if as_json:
        show_json({"url": url, "rows": dict(rows)})
    else:
        show_table(("table", "rows"), [(name, f"{number:,}") for name, number in rows.items() if number])
        say(f"Moved {sum(rows.values()):,} rows; counted there, and the audit trail followed to its end.")
    note(
        f"Now set url = '{url}' under [store], before anything else runs: the database of before is still in use."
    )


def _require_no_password(url: str) -> None:
    if urlsplit(url).password is not None:
        raise ConfigurationError(
            "A password is never given on the command line, where every user of this machine can see it.",
            "Put it into ~/.pgpass or PGPASSWORD, and take it out of your shell's history.",
        )
