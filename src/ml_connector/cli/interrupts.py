"""Ctrl-C: the first ends the command in good order, the next ends the process where it is."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import NoReturn

from ml_connector.cli.exits import Exit

_AT_ONCE = b"Stopped at once. What was done is recorded, and the same command goes on from there.\n"


def end_in_good_order() -> None:
    """From here on; where Ctrl-C is ignored (a job in the background), it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _first)


def _first(_signal: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGINT, _at_once)
    raise KeyboardInterrupt


def _at_once(_signal: int, _frame: FrameType | None) -> NoReturn:
    """As a kill would, which is as safe: Python's own end waits for calls under way, and shows its insides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.write(2, _AT_ONCE)
    os._exit(Exit.INTERRUPTED)
