"""The X-EXTERNAL header: records and lookups addressed by another system's key (Zoho's "External Fields" pages)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.records import Table
from ml_connector.simulators.zoho.replies import JsonObject, RequestRefusedError


@dataclass(frozen=True, slots=True)
class ExternalFields:
    """What the header says for one module."""

    own: str | None = None
    """The external field that stands for the record's id."""
    lookups: dict[str, str] = field(default_factory=dict)
    """Lookup field to the external field of the module it points to."""


def parse_header(table: Table, text: str | None) -> ExternalFields:
    """`Accounts.Ext` or `Contacts.Account_Name.Ext`, several with commas; RequestRefusedError for an unknown field."""
    own, lookups = None, {}
    for part in (text or "").split(","):
        match part.strip().split("."):
            case [""]:
                continue
            case [module, name] if module == table.module.api_name and _is_external(table, name):
                own = name
            case [module, lookup, name] if module == table.module.api_name and lookup in table.module.lookups:
                lookups[lookup] = name
            case _:
                message = "the external field given seems to be invalid"
                raise RequestRefusedError(400, "INVALID_DATA", message, {"header": "X-EXTERNAL"})
    return ExternalFields(own, lookups)


def record_id(table: Table, external: ExternalFields, given: str) -> str | None:
    """The id that is meant; None when no record has the value."""
    if external.own is None:
        return given
    return next(iter(table.having(external.own, given)), None)


def resolve_lookups(org: Org, table: Table, external: ExternalFields, items: Iterable[JsonObject]) -> None:
    """Puts ids where lookups carry an external value; an unknown value becomes an id that does not exist."""
    for item in items:
        for lookup, name in external.lookups.items():
            value = item.get(lookup)
            if isinstance(value, dict) and isinstance(value.get(name), str):
                target = org.tables[table.module.lookups[lookup]]
                with org.lock:
                    found = target.having(name, value[name]) if name in target.module.fields else []
                item[lookup] = {"id": found[0] if found else "0"}


def _is_external(table: Table, name: str) -> bool:
    column = table.module.fields.get(name)
    return column is not None and column.external is not None
