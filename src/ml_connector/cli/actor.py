"""Who gives a command, and why."""

from __future__ import annotations

import os
import pwd
import socket
import sys
from typing import Annotated

import typer

from ml_connector.core.errors import ConfigurationError

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it goes into the audit trail.")]

_LENGTH = 64  # of an actor in the audit trail


def actor() -> str:
    """The user of the operating system, and this machine: ``sally@desk``."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user may have no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"[:_LENGTH]


def ask_reason(given: str) -> str:
    """The reason that was given; asked for at a terminal. Raises ConfigurationError where nobody can be asked."""
    if given.strip():
        return given.strip()
    if not sys.stdin.isatty():
        raise ConfigurationError("A decision needs a reason.", "Give one with --reason TEXT.")
    answer: str = typer.prompt("Reason", err=True)
    return answer.strip()
