"""Which record an upsert means: Zoho's order of matching (facts: "Upsert Records", the table of check fields).

| `duplicate_check_fields` | fields tried, in order |
| --- | --- |
| absent | the module's system field, then every unique field |
| with the system field | as listed, then every other unique field |
| without it | as listed, then every other unique field; the system field is not looked at |
"""

from typing import Any

from ml_connector.simulators.zoho.metadata import Module
from ml_connector.simulators.zoho.records import Row, Table
from ml_connector.simulators.zoho.replies import RequestRefusedError


def fields_to_try(module: Module, listed: Any) -> list[str]:  # noqa: ANN401 -- from the body
    """In order; RequestRefusedError for a field that is neither unique nor the system's."""
    if listed is None:
        first = [module.check_field] if module.check_field else []
    elif isinstance(listed, list):
        first = [_allowed(module, name, number) for number, name in enumerate(listed)]
    else:
        raise _refused("$.duplicate_check_fields", expected_data_type="jsonarray")
    return list(dict.fromkeys([*first, *module.keys]))


def find_match(table: Table, row: Row, fields: list[str]) -> tuple[str | None, str | None]:
    """(field that matched, id of the record), both None when none does; of several twins the oldest."""
    for name in fields:
        value = row.get(name)
        if value is not None:
            found = table.having(name, value)
            if found:
                return name, found[0]
    return None, None


def _allowed(module: Module, name: Any, number: int) -> str:  # noqa: ANN401
    if name == module.check_field or name in module.keys:
        return str(name)
    raise _refused(f"$.duplicate_check_fields[{number}]")


def _refused(path: str, **details: str) -> RequestRefusedError:
    return RequestRefusedError(
        400,
        "INVALID_DATA",
        "invalid data",
        {**details, "api_name": "duplicate_check_fields", "json_path": path},
    )
