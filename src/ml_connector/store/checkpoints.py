"""The checkpoints of the audit trail: a file outside the database, to which lines are added and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ml_connector.core.audit import Checkpoint
from ml_connector.core.errors import ConfigurationError
from ml_connector.store.disk import sync_folder

_LONGEST = 4096  # more than any line of ours has


class CheckpointFile:
    """One checkpoint a line. Whoever can change the database, and not this file, is found out."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, checkpoint: Checkpoint) -> None:
        """Add it and have it on the disk. ConfigurationError: it cannot be written."""
        try:
            is_new = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                # One write: what others add at the same time stands before or behind it. What a crash left half done
                # ends here.
                os.write(descriptor, f"{_line_end(descriptor)}{checkpoint.line()}\n".encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if is_new:
                sync_folder(self.path.parent)
        except OSError as error:
            raise ConfigurationError(
                f"The checkpoint file {self.path} of the audit trail cannot be written: {error.strerror}.",
                "Check the disk and the rights of its folder, or set another checkpoint_file under [audit].",
            ) from error

    def lines(self) -> Iterator[Checkpoint | None]:
        """Every line from the first on; None: one that is no checkpoint. No file has no lines."""
        try:
            with self.path.open("r", encoding="utf-8", errors="replace") as file:
                while line := file.readline(_LONGEST):
                    if line.strip():
                        yield Checkpoint.read(line)
        except FileNotFoundError:
            return
        except OSError as error:
            raise ConfigurationError(
                f"The checkpoint file {self.path} of the audit trail cannot be read: {error.strerror}.",
                "Let the user who runs ml-connector read it, or set another checkpoint_file under [audit].",
            ) from error

    def last(self) -> Checkpoint | None:
        """The last line, however many stand before it; None: there is none, or it cannot be read."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _LONGEST))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return None
        return Checkpoint.read(lines[-1]) if lines else None


def _line_end(descriptor: int) -> str:
    """What ends a line that was not written whole."""
    size = os.fstat(descriptor).st_size
    return "" if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n" else "\n"
