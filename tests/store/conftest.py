"""A store of its own for each test, on SQLite and on PostgreSQL by one switch."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from ml_connector.store.database import Database
from postgres import run


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy, and beside it one for tests that leave nothing behind."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    shutil.copyfile(path, path.with_name("shared.db"))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def empty_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    yield from _database_of_test(request.getfixturevalue("postgres"), "template0")


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated database without rows."""
    if kind == "sqlite":
        path = tmp_path / "test.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    yield from _database_of_test(request.getfixturevalue("postgres"), "template_of_tests")


def _database_of_test(postgres: Callable[[str], str], template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    run(postgres("postgres"), f"create database {name} template {template}")
    yield postgres(name)
    run(postgres("postgres"), f"drop database {name} with (force)")


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
