"""The tests of ``in_domain_*.py``, run within a namespace that holds a real domain and ends with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from windows_domain import ENTER
from windows_parts import DOMAIN, need

HERE = Path(__file__).parent


@pytest.fixture
def folder():
    """Where the web server's account can read, too."""
    made = Path(tempfile.mkdtemp(prefix="gp-domain-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def refusal() -> str:
    """Why this machine gives no namespace of its own; empty: it does."""
    if os.geteuid() != 0:
        return "a domain needs root"
    tried = subprocess.run([*ENTER, "true"], check=False, capture_output=True, text=True)
    return f"no namespace: {tried.stderr.strip()}" if tried.returncode else ""


def test_in_a_domain(folder):
    need(DOMAIN)
    if why := refusal():
        pytest.skip(f"{why}; Kerberos is tested in a realm without a domain all the same")
    files = sorted(map(str, HERE.glob("in_domain_*.py")))
    tests = [sys.executable, "-m", "pytest", "-rs", "--durations=5", f"--basetemp={folder}/pytest", *files]
    domain = [*ENTER, sys.executable, str(HERE / "windows_domain.py"), str(folder)]
    done = subprocess.run(
        [*domain, *tests], check=False, cwd=HERE.parent.parent, capture_output=True, text=True, timeout=600
    )
    print(done.stdout, done.stderr)  # noqa: T201 -- shown where it failed
    assert done.returncode == 0
