"""What is checked of a whole test run: what was sent to Zoho, and that no secret was left anywhere.

Every request that ml-connector sends to the Zoho simulator in a test run is held against Zoho's OpenAPI files.

The simulators, in this process or in others, write an example of each shape of request into one file (see
`ml_connector.simulators.zoho.examples`); the end of the session checks it, and fails the session. So does a secret of
the tests in whatever file they left (see `canaries`).
"""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

import canaries
import openapi
import summary
from ml_connector.simulators.zoho.examples import VARIABLE
from postgres import postgres

__all__ = ["postgres"]

# A landing is not refused for an example that chance found that day: chance looks on every other machine.
settings.register_profile(
    "run",
    derandomize=bool(os.environ.get("CI")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("run")

_FOLDER = pytest.StashKey[Path]()
_FINDINGS = pytest.StashKey[openapi.Findings]()
_EXAMPLES = "zoho-requests.jsonl"
_LONGEST_END_SECONDS = 300
_PLACE = pytest.StashKey[Path]()
_LEFT = pytest.StashKey[canaries.Findings]()


def pytest_addoption(parser):
    parser.addoption(
        "--database",
        choices=["sqlite", "postgresql"],
        help="the kind of database that tests of the store and of flows use; left out: SQLite, and PostgreSQL for"
        " those of the store and a part of the others",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "sqlite_only: what it is about is a file of SQLite")


def pytest_sessionstart(session):
    # A line for each record, which nobody reads, would be most of what a test does.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    os.environ["KRB5_CONFIG"] = os.devnull  # no test asks the realm that this machine may belong to
    if openapi.FILES.is_dir():
        folder = session.config.stash[_FOLDER] = Path(tempfile.mkdtemp(prefix="ml-connector-"))
        os.environ[VARIABLE] = str(folder / _EXAMPLES)


def pytest_collection_finish():
    """What is there now stays: to search it for garbage again and again would take a quarter of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _temporary_folders(request, tmp_path_factory):
    """Where tests leave their files: searched when all of them are through."""
    request.config.stash[_PLACE] = tmp_path_factory.getbasetemp()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    if place := session.config.stash.get(_PLACE, None):
        left = session.config.stash[_LEFT] = canaries.search(place)
        _fail(session, left.faults)
    folder = session.config.stash.get(_FOLDER, None)
    if folder is None:
        return
    examples = folder / _EXAMPLES
    if examples.exists():
        lines = examples.read_text(encoding="utf-8", errors="replace").splitlines()
        findings = session.config.stash[_FINDINGS] = openapi.check(lines)
        _fail(session, findings.faults)
    os.environ.pop(VARIABLE, None)
    shutil.rmtree(folder)


def _fail(session, faults):
    if faults and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    for line in summary.lines():
        terminalreporter.write_line(line)
    _tell_secrets(terminalreporter, config)
    _tell_requests(terminalreporter, config)


def _tell_secrets(terminalreporter, config):
    if left := config.stash.get(_LEFT, None):
        terminalreporter.write_line(
            f"{left.searched} files that tests left searched for secrets: {len(left.faults)} found"
        )
        for fault in left.faults:
            terminalreporter.write_line(fault, red=True)


def _tell_requests(terminalreporter, config):
    if _FOLDER not in config.stash:
        terminalreporter.write_line(f"no check against OpenAPI: there is no {openapi.FILES}")
    findings = config.stash.get(_FINDINGS, None)
    if findings is None:
        return
    terminalreporter.write_line(
        f"{findings.checked} distinct requests of {findings.requests} checked against OpenAPI: "
        f"{len(findings.faults)} faults"
    )
    for fault in findings.faults:
        terminalreporter.write_line(fault, red=True)
    if config.args_source == pytest.Config.ArgsSource.TESTPATHS:
        for known in findings.unused:
            terminalreporter.write_line(f"never used: {known.operation} {known.complaint} ({known.reason})")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure():
    """A thread that a test left shows where it stands, and ends the process, which waits for it without end."""
    faulthandler.dump_traceback_later(_LONGEST_END_SECONDS, exit=True, file=sys.__stderr__)
