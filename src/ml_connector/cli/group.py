"""Where every command's errors end: two sentences and an exit code, never a traceback unless it is asked for."""

from __future__ import annotations

import errno
import os
import re
import tempfile
import traceback
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from ml_connector.cli.exits import Exit, exit_of
from ml_connector.cli.options import settings_path, wants_json
from ml_connector.cli.show import note, show_failure
from ml_connector.core.errors import ConnectorError

LOG_NAME = "ml-connector-errors.log"

#: What a disk or a folder suffers from: for a person.
_DISK_TROUBLE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG}
)


#: What Typer's checks say of a value, in the words of a program, and how we say it.
_PLAINLY = (
    (r"Input should be a valid integer.*", "a whole number is wanted"),
    (r"Input should be a valid number.*", "a number is wanted"),
    (r"Input should be greater than or equal to (\S+)", r"\1 is the least"),
    (r"Input should be less than or equal to (\S+)", r"\1 is the most"),
    (r"Input should be a valid date.*", "an instant is wanted, such as 2026-11-28T14:30"),
    (r"Input should be (.+)", r"it has to be \1"),
)


class SentenceGroup(TyperGroup):
    """The root of the commands."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 -- Typer keeps the type of its context to itself
        """Run the command; whatever it raises becomes an exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            code = _stopped(ctx)
        except typer.Abort:
            code = _stopped(ctx)
        except ConnectorError as error:
            code = exit_of(error)
            show_failure(error.happened, error.remedy, code, as_json=wants_json(ctx))
            _show_origin(ctx, error)
        except Exception as error:
            if hasattr(error, "exit_code") or isinstance(error, BrokenPipeError):
                _say_plainly(error)
                raise  # wrong use, an exit that is meant, or nobody reads on: Typer's own business
            happened, remedy, code = _unexpected(ctx, error)
            show_failure(happened, remedy, code, as_json=wants_json(ctx))
            _show_origin(ctx, error)
        raise typer.Exit(code)


def _say_plainly(error: Any) -> None:  # noqa: ANN401 -- Typer's own class of it is not public
    said = getattr(error, "message", "")
    for words, plainly in _PLAINLY:
        if isinstance(said, str) and re.fullmatch(words, said, re.DOTALL):
            error.message = re.sub(words, plainly, said, flags=re.DOTALL)
            return


def _stopped(ctx: typer.Context) -> Exit:
    remedy = "What was done is recorded, and the same command goes on from there."
    show_failure("Stopped.", remedy, Exit.INTERRUPTED, as_json=wants_json(ctx))
    return Exit.INTERRUPTED


def _unexpected(ctx: typer.Context, error: Exception) -> tuple[str, str, Exit]:
    """What happened, what to do, the exit code: a disk that takes nothing is no bug of ours."""
    if isinstance(error, OSError) and error.errno in _DISK_TROUBLE:
        happened = f"{error.filename or 'A file'} cannot be used: {error.strerror}."
        return (
            happened,
            "Check the disk and the rights of the folder, and run the command again.",
            Exit.WRONG_USE,
        )
    remedy = f"What it was doing is in {keep(error, settings_path(ctx).absolute().parent)}."
    return f"This is a bug of ml-connector ({type(error).__name__}).", remedy, Exit.BUG


def _show_origin(ctx: typer.Context, error: Exception) -> None:
    if ctx.params.get("debug"):
        note("".join(traceback.format_exception(error)).rstrip())


def keep(error: Exception, folder: Path) -> Path:
    """Add the error with its origin to the log beside the settings (in the temporary folder where that fails)."""
    text = "".join(traceback.format_exception(error))
    for place in (folder, Path(tempfile.gettempdir())):
        try:
            descriptor = os.open(
                place / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600
            )
            with os.fdopen(descriptor, "a") as file:
                file.write(text + "\n")
        except OSError:
            continue
        return place / LOG_NAME
    return Path("no file: none could be written; run the command again with --debug")
