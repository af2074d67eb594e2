"""Moving the store into another database: everything is copied, and what it came from stays as it is."""

from __future__ import annotations

from ml_connector.core.errors import ConfigurationError
from ml_connector.store.copying import Counts, copy_rows, is_empty
from ml_connector.store.database import Database
from ml_connector.store.verification import chain

_HAS_ROWS = "The other database has rows already, so nothing was moved."
_NAME_EMPTY = "Name an empty one: a new file, or a database of PostgreSQL that was made for this."


def require_empty(target: Database) -> None:
    """ConfigurationError: the target has rows."""
    target.upgrade()
    with target.read() as tx:
        if not is_empty(tx):
            raise ConfigurationError(_HAS_ROWS, _NAME_EMPTY)


def move(source: Database, target: Database) -> Counts:
    """Copy every row into an empty database, all or nothing; table -> rows.

    ConfigurationError: the target has rows, a row does not fit there, or the audit trail did not arrive as it is.
    """
    target.upgrade()
    with source.read() as there, target.begin() as tx:
        if not is_empty(tx):
            raise ConfigurationError(_HAS_ROWS, _NAME_EMPTY)
        rows = copy_rows(there, tx)
        if chain(tx) != chain(there):
            raise ConfigurationError(
                "The audit trail did not arrive as it is, so nothing was moved.",
                "This is a fault of ml-connector: report it with this sentence.",
            )
    return rows
