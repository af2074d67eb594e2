"""Fixtures of the flow tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from memory import FakeClock, MemorySource, MemoryTarget
from ml_connector.store.database import Database
from postgres import database_of_test, empty
from world import CUSTOMER, FINANCIALS, VENDOR, World

#: On PostgreSQL, too, whichever database was asked for: the engine, what runs by itself, and runs as a whole.
_BOTH = ("test_engine", "test_serving", "test_sync")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A store on SQLite, or on the kind of database that was asked for."""
    if "kind" not in metafunc.fixturenames:
        return
    asked = metafunc.config.getoption("--database")
    kinds = (
        [asked] if asked else ["sqlite", "postgresql"] if metafunc.module.__name__ in _BOTH else ["sqlite"]
    )
    if any(mark.name == "sqlite_only" for mark in metafunc.definition.iter_markers()):
        kinds = [kind for kind in kinds if kind == "sqlite"]
    metafunc.parametrize("kind", kinds)


@pytest.fixture(scope="session")
def new_store(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An empty store: making one takes longer than most tests."""
    file = tmp_path_factory.mktemp("store") / "new.db"
    database = Database(f"sqlite:///{file}")
    database.upgrade()
    database.close()
    return file.read_bytes()


@pytest.fixture(scope="session")
def opened() -> Iterator[Callable[[str], Database]]:
    """A store by its address, kept for all tests: it knows the statements that it was asked for before."""
    kept: dict[str, Database] = {}

    def get(address: str) -> Database:
        if address not in kept:
            kept[address] = Database(address)
        return kept[address]

    yield get
    for database in kept.values():
        database.close()


@pytest.fixture(scope="session")
def file_of_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "test.db"


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest, file_of_all: Path, new_store: bytes) -> Iterator[str]:
    """The address of a store that is empty; the next test has the same, and finds it empty, too."""
    if kind == "sqlite":
        for left in file_of_all.parent.glob("test.db*"):
            left.unlink()
        file_of_all.write_bytes(new_store)
        yield f"sqlite:///{file_of_all}"
        return
    address = request.getfixturevalue("store_on_server")
    with closing(Database(address)) as left:
        empty(left)
    yield address


@pytest.fixture(scope="session")
def store_on_server(postgres: Callable[[str], str]) -> Iterator[str]:
    """The address of one for all tests: making one takes longer than most tests."""
    with database_of_test(postgres) as address:
        yield address


@pytest.fixture
def database(url: str, opened: Callable[[str], Database]) -> Iterator[Database]:
    database = opened(url)
    yield database
    database.close()


@pytest.fixture
def world(database: Database) -> World:
    clock = FakeClock()
    source, target = MemorySource(clock), MemoryTarget(clock)
    return World(clock, source, target, database, {"customers": [CUSTOMER, FINANCIALS], "vendors": [VENDOR]})
