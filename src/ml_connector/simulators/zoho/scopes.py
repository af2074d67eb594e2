"""Which OAuth scopes cover which call (Zoho's "Scopes" page).

Module scopes have no underscores; all custom modules share one.
"""

from enum import StrEnum

SEARCH = "zohosearch.securesearch"
FILES = "zohofiles.files"


class Operation(StrEnum):
    """What a call does, as scopes name it."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


_WRITES = frozenset({Operation.CREATE, Operation.UPDATE, Operation.DELETE})


def split_scopes(text: str) -> frozenset[str]:
    """Scope names, lower-cased: Zoho does not mind their case."""
    return frozenset(part.strip().lower() for part in text.replace(" ", ",").split(",") if part.strip())


def covers(granted: frozenset[str], area: str, operation: Operation) -> bool:
    """Whether one of the granted scopes allows `operation` in `area` (such as `zohocrm.modules.accounts`).

    A scope of a whole group (`zohocrm.modules.READ`, `zohocrm.settings.ALL`) covers every area below it.
    """
    endings = ["all", operation.value]
    if operation in _WRITES:
        endings.append("write")
    parts = area.split(".")
    return any(
        f"{'.'.join(parts[:depth])}.{ending}" in granted
        for depth in range(2, len(parts) + 1)
        for ending in endings
    )
