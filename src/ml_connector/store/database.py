"""The database: one engine, two kinds of transaction, migrations, upserts. The same code on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
import stamina
from sqlalchemy.dialects import postgresql, sqlite

from ml_connector.core.errors import ConfigurationError, ConnectorError, RetryableError
from ml_connector.core.waits import DATABASE
from ml_connector.store.many import execute_many

_MIGRATIONS = Path(__file__).parent / "migrations"
_UPGRADE_LOCK = 0x6D6C63  # any number of our own: the advisory lock that upgrades take on PostgreSQL

_PATIENCE_SECONDS = 30  # for another process's transaction
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
#: The file, its folder or its disk: for a person.
FILE_TROUBLE = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_NOTADB,
    }
)

Connection = sa.Connection
Row = Mapping[str, Any]
Found = sa.Row[Any]


#: Alembic's own.
_REVISIONS = sa.table("alembic_version", sa.column("version_num", sa.String))

#: The newest revision: each file of a migration begins with its own.
HEAD = max(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


class NewerStoreError(ConfigurationError):
    """The tables are of a revision that this version does not know."""


class Database:
    """Where our tables are. ``read()`` sees a snapshot; ``begin()`` is the one writer and commits at its end."""

    def __init__(self, url: str) -> None:
        try:
            # An error is shown and kept: the values of the statement that failed are nobody's business.
            self.engine = sa.create_engine(url, hide_parameters=True, connect_args=_options(url))
        except sa.exc.ArgumentError as error:
            raise ConfigurationError(
                "The database address cannot be read.",
                "Write it as sqlite:///file.db or postgresql+psycopg://...",
            ) from error
        #: SQLite has one writer, and who waits for it looks again now and then: threads of ours take turns instead.
        self._turn: AbstractContextManager[object] = threading.RLock() if self.is_sqlite else nullcontext()
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of one machine, and not a server that several share."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for looking. RetryableError: locked or away; ConfigurationError: the file or its disk."""
        options: dict[str, Any] = {}
        if self.engine.dialect.name == "postgresql":
            options["isolation_level"] = "REPEATABLE READ"  # as SQLite reads anyway: one instant
        with self.told(), self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction that writes: committed at the end of the block, undone if it raises. Errors as ``read``."""
        with (
            self.told(),
            self._turn,
            self.engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def told(self) -> Iterator[None]:
        """What the database itself suffers from is one of our errors; a statement that is wrong stays a bug."""
        try:
            yield
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            if (told := self._trouble(error)) is not None:
                told.system = DATABASE
                raise told from error
            raise

    def _trouble(self, error: sa.exc.DBAPIError | sa.exc.TimeoutError) -> ConnectorError | None:
        if isinstance(error, sa.exc.TimeoutError):
            return RetryableError(
                f"No connection to the database {self.place} became free.",
                "Try again when less is under way.",
            )
        if not self.is_sqlite:
            return self._unreachable(error) if _is_away(error) else None
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _LOCKED:
            return RetryableError(
                f"The database {self.place} is locked by another program.",
                "Try again when that has finished.",
            )
        return self._unreachable(error) if code in FILE_TROUBLE else None

    def upgrade(self) -> None:
        """Bring the tables to this version's shape; one process at a time."""
        if self.revision == HEAD:  # to read all migrations takes longer than a short command
            return
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        try:
            with self.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except sa.exc.DatabaseError as error:
            raise self._unreachable(error) from error
        except CommandError as error:
            raise NewerStoreError(
                "The database was written by a newer version of ml-connector.",
                "Run that version, or a newer one.",
            ) from error

    @property
    def revision(self) -> str:
        """Of the tables as they are; empty: there are none."""
        with self.read() as tx:
            if not sa.inspect(tx).has_table(_REVISIONS.name):
                return ""
            return tx.execute(sa.select(_REVISIONS.c.version_num)).scalar() or ""

    def _unreachable(self, error: sa.exc.DBAPIError) -> ConnectorError:
        """A server that does not answer may come back; a file that cannot be opened is for a person."""
        if self.is_sqlite:
            return ConfigurationError(
                f"The database {self.place} cannot be used: {error.orig}.",
                "Check the folder, its rights and the disk.",
            )
        return RetryableError(
            f"The database {self.place} does not answer: {error.orig}.", "Check that it runs."
        )

    @property
    def place(self) -> str:
        """Its address, without a password."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def url(self) -> str:
        """Its address, with the password if it has one: for whoever connects."""
        return self.engine.url.render_as_string(hide_password=False)

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:  # noqa: ANN401 -- SQLAlchemy's hook
    dbapi_connection.isolation_level = None  # we begin ourselves, below
    for pragma in (f"busy_timeout={_PATIENCE_SECONDS * 1000}", "synchronous=FULL", "foreign_keys=ON"):
        dbapi_connection.execute(f"PRAGMA {pragma}")
    _write_ahead(dbapi_connection)


def _options(url: str) -> dict[str, Any]:
    """A lock is held on a connection that is silent for hours: a firewall on the way would forget it unseen."""
    postgres = sa.make_url(url).get_backend_name() == "postgresql"
    return {"keepalives_idle": 60, "keepalives_interval": 10, "keepalives_count": 6} if postgres else {}


def _is_away(error: sa.exc.DBAPIError) -> bool:
    """Whether the server is at fault, or the way to it: a session that it ended, too."""
    return error.connection_invalidated or isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)


def _is_locked(error: Exception) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in _LOCKED


@stamina.retry(on=_is_locked, attempts=None, timeout=_PATIENCE_SECONDS, wait_initial=0.02, wait_jitter=0.1)
def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL. On a new file that needs the file alone, and there SQLite fails at once instead of waiting."""
    connection.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: sa.Connection) -> None:
    # IMMEDIATE: a writer waits for its turn at the start instead of failing in the middle.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def upsert(
    tx: sa.Connection,
    table: sa.Table,
    rows: Sequence[Row],
    *,
    keep: Sequence[str] = (),
    add: Sequence[str] = (),
) -> None:
    """Insert rows or replace what has the same primary key; columns in ``keep`` stay as they were.

    Numbers in ``add`` are added to those that are there.

    All rows have the same columns. One statement, executed for many (never ``.values(list)``: far slower).
    """
    if rows:
        execute_many(tx, _upsert(tx.dialect.name, table, tuple(rows[0]), tuple(keep), tuple(add)), rows)


@lru_cache(maxsize=256)
def _upsert(
    dialect: str, table: sa.Table, names: tuple[str, ...], keep: tuple[str, ...], add: tuple[str, ...]
) -> sa.Insert:
    statement = _insert(dialect, table)
    keys = [column.name for column in table.primary_key]
    changed: dict[str, sa.ColumnElement[Any]] = {
        name: statement.excluded[name] for name in names if name not in keys and name not in keep
    }
    changed |= {name: table.c[name] + statement.excluded[name] for name in add}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def _insert(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    statement = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return statement.inline()  # nobody asks for the number that a row gets


def drop_schema(database: Database, name: str) -> None:
    """Drop a schema of PostgreSQL with all that is in it, if there is one."""
    with database.begin() as tx:
        tx.execute(sa.schema.DropSchema(name, cascade=True, if_exists=True))


def in_portions(keys: Iterable[str], size: int = 10_000) -> Iterator[list[str]]:
    """The keys in lists that one statement can carry: PostgreSQL takes 65,535 parameters."""
    waiting = iter(keys)
    while portion := list(islice(waiting, size)):
        yield portion


def select_in(
    tx: sa.Connection, query: sa.Select[Any], column: sa.ColumnElement[str], keys: Iterable[str]
) -> Iterator[Found]:
    """The rows of ``query`` whose ``column`` is one of ``keys``, however many there are.

    All keys are one parameter, so that it is one statement for any number of them: whoever asks for every batch keeps
    ``query``, and it is compiled once.
    """
    wanted = list(keys)
    if any("\0" in key for key in wanted):  # SQLite's JSON ends a text there
        for portion in in_portions(wanted):
            yield from tx.execute(query.where(column.in_(portion)))
    elif wanted:
        given = wanted if tx.dialect.name == "postgresql" else orjson.dumps(wanted).decode()
        yield from tx.execute(_among(tx.dialect.name, query, column), {"among": given})


@lru_cache(maxsize=256)
def _among(dialect: str, query: sa.Select[Any], column: sa.ColumnElement[str]) -> sa.Select[Any]:
    if dialect == "postgresql":
        return query.where(column == sa.any_(sa.bindparam("among", type_=postgresql.ARRAY(sa.Text))))
    each = sa.func.json_each(sa.bindparam("among", type_=sa.Text)).table_valued("value")
    return query.where(column.in_(sa.select(each.c.value)))


def insert_new(tx: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert the rows whose primary key is not there yet."""
    execute_many(tx, _insert_new(tx.dialect.name, table), rows)


@lru_cache(maxsize=256)
def _insert_new(dialect: str, table: sa.Table) -> sa.Insert:
    return _insert(dialect, table).on_conflict_do_nothing()
