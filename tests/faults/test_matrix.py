"""The crash matrix: every flow is killed at every instant that matters and ends as if it had not been.

``FAULTS=whole`` (``make faults``) makes every kill on both databases; otherwise those that leave something different on
SQLite, and some of them on PostgreSQL. See ``matrix.py``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from scenes import SCENES

from summary import KILLED

_PROGRAM = Path(__file__).with_name("matrix.py")
_TESTS = str(_PROGRAM.parents[1])
_WHOLE = os.environ.get("FAULTS") == "whole"
_OF_POSTGRES = 3  #: kills of each run on PostgreSQL, unless all of them are made
_UNMET = (
    1  #: instants of a run that only the watched one comes to, where threads take another turn without it
)
_LONGEST_SECONDS = 7200 if _WHOLE else 1500


@pytest.mark.parametrize("scene", SCENES)
def test_on_sqlite(scene: str) -> None:
    assert_survives("SQLite", scene, *(["--every"] if _WHOLE else []))


@pytest.mark.parametrize("scene", SCENES)
def test_on_postgresql(scene: str, postgres: Callable[[str], str]) -> None:
    how = ["--every"] if _WHOLE else ["--sample", str(_OF_POSTGRES)]
    assert_survives("PostgreSQL", scene, postgres("postgres"), *how)


def assert_survives(database: str, scene: str, *words: str) -> None:
    """Nothing is lost, doubled or untold, whenever it is killed."""
    rows = [json.loads(line) for line in _said(scene, *words).splitlines()]
    assert [row["phase"] for row in rows] == [*SCENES[scene].phases]
    KILLED.extend({"database": database, "flow": scene, "run": row["phase"]} | row for row in rows)
    for row in rows:
        assert row["faults"] == []
        assert row["kills"] > 0
        assert len(row["not met"]) <= _UNMET, row["not met"]


def _said(*words: str) -> str:
    """What the program printed."""
    program = subprocess.Popen(
        [sys.executable, str(_PROGRAM), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [_TESTS, os.environ.get("PYTHONPATH")])),
        },
        start_new_session=True,
    )
    try:
        out, err = program.communicate(timeout=_LONGEST_SECONDS)
    finally:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
            program.communicate()
    assert program.returncode == 0, err
    return out
