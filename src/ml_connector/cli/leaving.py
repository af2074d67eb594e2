"""How a process that runs flows ends: when it is asked to, and when others may have taken it for dead."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import typer

from ml_connector.cli.exits import Exit, exit_of
from ml_connector.cli.group import keep
from ml_connector.cli.logs import as_lines
from ml_connector.cli.show import note
from ml_connector.core.errors import ConnectorError

if TYPE_CHECKING:
    from ml_connector.core.ports import Tell
    from ml_connector.flows.engine import Engine
    from ml_connector.serve_settings import LogSettings

#: So long the step under way may take to end. systemd kills after 90 seconds, which would do no harm either.
STOP_SECONDS = 20.0
#: So long where another process may be at the same step by now.
_LOST_SECONDS = 5.0


def stop_in_good_order(stopping: threading.Event) -> None:
    """From here on the first signal to end is a wish, and the next ends the process where it is."""

    def wish(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, wish)


def when_lost(
    stopping: threading.Event | None = None,
    tell: Callable[[str], None] = note,
    folder: Path | None = None,
) -> Callable[[ConnectorError], None]:
    """What an engine is to call when others may go on with its runs: the process ends in a moment, or is ended.

    A bug that led to it is kept in this folder; None: the present one.
    """

    def end(error: ConnectorError) -> None:
        tell(str(error))
        sys.stderr.flush()
        os._exit(exit_of(error))

    def lost(error: ConnectorError) -> None:
        if error.__cause__ is not None:
            tell(f"What it was doing is in {keep(error, folder or Path.cwd())}.")
        if stopping is not None:
            stopping.set()
        timer = threading.Timer(_LOST_SECONDS, end, [error])
        timer.daemon = True
        timer.start()

    return lost


def leave(engine: Engine, tell: Callable[[str], None]) -> None:
    """Have what is under way stop behind its step; what takes too long is broken off, as by a kill.

    RetryableError: others took this process for dead.
    """
    if engine.is_held:
        tell("Stopping: what is under way is taken up by another process, or at the next start.")
    if not engine.leave(STOP_SECONDS):
        sys.stderr.flush()
        os._exit(Exit.DONE)
    engine.require_held()


@contextmanager
def told_as_lines(settings: LogSettings) -> Iterator[Tell]:
    """The log of a process that nobody sits before; an error that ends it is a line there, too."""
    tell = as_lines(settings)
    try:
        yield tell
    except ConnectorError as error:
        tell(str(error), level="error", system=error.system)
        raise typer.Exit(exit_of(error)) from None
