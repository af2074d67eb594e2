"""The command line: one command a file, each of them thin: parse, call, show.

``main`` is the program. A new command is a function in a file of its own and one line in ``commands``.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from ml_connector.cli.commands import Program
from ml_connector.cli.exits import EPILOGUE
from ml_connector.cli.interrupts import end_in_good_order
from ml_connector.cli.logs import to_standard_error
from ml_connector.cli.options import SettingsPath

app = typer.Typer(
    cls=Program,
    help="Keeps Microsoft Dynamics GP and Zoho CRM in step.",
    epilog=EPILOGUE,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # the names of sections have square brackets, which Rich would eat
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 -- Typer's callback
    if wanted:
        typer.echo(version("ml-connector"))
        raise typer.Exit


@app.callback()
def _common(
    settings: SettingsPath = None,
    debug: Annotated[  # noqa: FBT002 -- a switch of the command line
        bool, typer.Option("--debug", help="Show where an error came from.", envvar="ML_CONNECTOR_DEBUG")
    ] = False,
    show_version: Annotated[  # noqa: FBT002 -- a switch of the command line
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Keep Microsoft Dynamics GP and Zoho CRM in step."""
    to_standard_error(debug=debug)


def main() -> None:
    """The program ``ml-connector``."""
    end_in_good_order()
    app(prog_name="ml-connector")
