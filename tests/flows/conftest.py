"""Fixtures of the flow tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory import FakeClock, MemorySource, MemoryTarget
from ml_connector.store.database import Database
from world import CUSTOMER, FINANCIALS, VENDOR, World


@pytest.fixture(scope="session")
def new_store(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An empty store: making one takes longer than most tests."""
    file = tmp_path_factory.mktemp("store") / "new.db"
    database = Database(f"sqlite:///{file}")
    database.upgrade()
    database.close()
    return file.read_bytes()


@pytest.fixture
def database(tmp_path: Path, new_store: bytes) -> Iterator[Database]:
    file = tmp_path / "test.db"
    file.write_bytes(new_store)
    opened = Database(f"sqlite:///{file}")
    yield opened
    opened.close()


@pytest.fixture
def world(database: Database) -> World:
    clock = FakeClock()
    source, target = MemorySource(clock), MemoryTarget(clock)
    return World(clock, source, target, database, {"customers": [CUSTOMER, FINANCIALS], "vendors": [VENDOR]})
