"""A temporary folder that takes nothing is told as what it is."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ml_connector.core.errors import ConfigurationError, RetryableError
from ml_connector.flows.spool import Spool, disk_error

#: More than is kept in memory, in a process that may write no file longer than 64 kB.
_TOO_LONG = """
import gc, resource
from ml_connector.core.errors import ConfigurationError
from ml_connector.flows.spool import Spool

resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
spool = Spool()
try:
    spool.extend("x" * 10_000 for _ in range(400))
    print(len(list(spool)))
except ConfigurationError as error:
    print(error)
del spool
gc.collect()
"""


def test_a_disk_that_takes_no_more_is_told_and_leaves_no_traceback(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _TOO_LONG],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.startswith(f"The temporary folder {tmp_path} takes no more files: File too large.")
    assert "TMPDIR" in told.stdout
    assert told.stderr == ""


def test_a_folder_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    spool: Spool[str] = Spool()
    with pytest.raises(ConfigurationError, match=r"nowhere takes no more files: No such file.*TMPDIR"):
        spool.extend("x" * 10_000 for _ in range(200))


def test_a_full_disk_is_waited_for() -> None:
    error = disk_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert isinstance(error, RetryableError)
    assert "No space left on device" in error.happened
    assert "Make room there" in error.remedy
