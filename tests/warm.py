"""Everything that a command may need, imported: what processes are forked from begins with this (see ``forked``)."""

from __future__ import annotations

import gc
import pkgutil
import re
from importlib import import_module

import ml_connector

#: What the libraries import when it is needed.
_LATER = (
    "alembic.command",
    "alembic.operations.toimpl",
    "cryptography.hazmat.backends.openssl.backend",
    "dbos._sys_db_postgres",
    "dbos._sys_db_sqlite",
    "encodings.idna",
    "phonenumbers",
    "psycopg",
    "pydantic.type_adapter",
    "rich._emoji_codes",
)
_NOT_OURS = re.compile(r"__main__|migrations|simulators")

for _found in pkgutil.walk_packages(ml_connector.__path__, "ml_connector."):
    if not _NOT_OURS.search(_found.name):
        import_module(_found.name)
for _name in _LATER:
    import_module(_name)
gc.collect()
gc.freeze()  # or the first collection in a process would copy all of it
