"""Files that a command writes for a person: all of them or none, and never half a file where there was a whole one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from ml_connector.core.errors import ConfigurationError


def require_writable(path: Path) -> None:
    """Raises ConfigurationError if a file of this name cannot be put there, before any work is done for it."""
    try:
        if path.exists():
            with path.open("r+b"):  # a folder, a file that is not ours to write, one that Excel holds
                pass
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"{path} is no ordinary file.", "Name a file.")
        draft = _draft(path)
        draft.touch()
        draft.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def write_all(files: Mapping[Path, Callable[[Path], None]]) -> None:
    """Each file by what writes it: all of them, or none. Raises ConfigurationError where one cannot be written."""
    drafts = {path: _draft(path) for path in files}
    at = next(iter(files), Path())
    try:
        for at, write in files.items():
            write(drafts[at])
            if at.exists():  # who may read it stays as it was
                shutil.copymode(at, drafts[at])
        for at, draft in drafts.items():
            draft.replace(at.resolve())
    except OSError as error:
        raise _unwritable(at, error) from error
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    """Beside it, for only within a folder one file takes another's place at once."""
    whole = path.resolve()
    return whole.with_name(f".{whole.name}.{os.getpid()}.part")


def _unwritable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be written: {error.strerror}.", "Close it in Excel, or name another place for it."
    )
