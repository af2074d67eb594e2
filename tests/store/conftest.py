"""A store of its own for each test, on SQLite and on PostgreSQL by one switch."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ml_connector.store.database import Database
from postgres import database_of_test


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy, and beside it one for tests that leave nothing behind."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    shutil.copyfile(path, path.with_name("shared.db"))
    return path


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """On both kinds, unless one was asked for, or the test says itself on which."""
    own = [mark for mark in metafunc.definition.iter_markers("parametrize") if mark.args[0] == "kind"]
    if "kind" in metafunc.fixturenames and not own:
        asked = metafunc.config.getoption("--database")
        metafunc.parametrize("kind", [asked] if asked else ["sqlite", "postgresql"])


@pytest.fixture
def empty_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with database_of_test(request.getfixturevalue("postgres"), "template0") as address:
        yield address


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated database without rows."""
    if kind == "sqlite":
        path = tmp_path / "test.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    with database_of_test(request.getfixturevalue("postgres")) as address:
        yield address


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Database]]:
    """One migrated database of each kind, for tests that leave nothing behind."""
    opened: dict[str, Database] = {}

    def get(kind: str) -> Database:
        if kind not in opened:
            url = (
                f"sqlite:///{request.getfixturevalue('sqlite_template').with_name('shared.db')}"
                if kind == "sqlite"
                else request.getfixturevalue("postgres")("shared_by_tests")
            )
            opened[kind] = Database(url)
        return opened[kind]

    yield get
    for database in opened.values():
        database.close()


@pytest.fixture
def tx(kind: str, shared: Callable[[str], Database]) -> Iterator[sa.Connection]:
    """One transaction, undone at the end, for a test that looks at what it wrote itself."""
    engine = shared(kind).engine
    with engine.connect().execution_options(writes=True) as connection:
        outer = connection.begin()
        yield connection
        outer.rollback()
