"""Zoho's query language, and what may stand in a query or a path: values are quoted, names and ids are checked here.

Source: Zoho CRM API v8, page "Query Records through COQL".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import reduce

import orjson

from ml_connector.connectors.zoho_crm import wire
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ports import Wanted

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*){0,2}")
_ID = re.compile(r"[0-9]{1,20}")


def quote(value: str | datetime) -> str:
    """A value as a COQL literal: the only place where a value becomes part of a query.

    A quote is doubled (Zoho, "Kaizen #171: FAQs on COQL API").
    """
    text = wire.stamp(value) if isinstance(value, datetime) else value
    return "'" + text.replace("'", "''") + "'"


def checked_name(name: str) -> str:
    """The API name unchanged, if it can be one; a ConfigurationError otherwise, so that no name can carry a query."""
    if _NAME.fullmatch(name):
        return name
    raise ConfigurationError(f"{name!r} is not an API name of Zoho.", "Correct it in the mapping.")


def is_id(text: str) -> bool:
    """Whether it is digits as Zoho's ids are."""
    return _ID.fullmatch(text) is not None


def checked_id(record_id: str) -> str:
    """The record id unchanged, if it is digits as Zoho's ids are."""
    if is_id(record_id):
        return record_id
    raise ConfigurationError(
        f"{record_id!r} is not the id of a Zoho record.", "Correct it where it was given."
    )


def candidates_query(
    module: str, columns: Sequence[str], since: datetime | None, after: str | None, limit: int
) -> str:
    """Keyset paging by id, which has no end at 100,000 rows as offsets have; "where" is compulsory in COQL."""
    criteria = [f"id > {checked_id(after)}" if after else "id is not null"]
    if since is not None:
        criteria.append(f"Modified_Time >= {quote(since)}")
    return _select(module, columns, " and ".join(criteria), limit)


def wanted_query(module: str, columns: Sequence[str], wanted: Wanted, after: str | None, limit: int) -> str:
    """The wanted records, by id.

    Criteria are bracketed in pairs, as COQL asks for (Zoho's Kaizen 171); a lookup's field may stand among them (207).
    """
    criteria = [f"id > {checked_id(after)}" if after else "id is not null"]
    if wanted.ids:
        criteria.append(f"id in ({', '.join(map(checked_id, wanted.ids))})")
    if wanted.empty:
        criteria.append(f"{checked_name(wanted.empty)} is null")
    if wanted.since is not None:
        own, at = "Modified_Time >= ", quote(wanted.since)
        parent = f" or {checked_name(wanted.parent)}.{own}{at}" if wanted.parent else ""
        criteria.append(f"({own}{at}{parent})" if parent else f"{own}{at}")
    return _select(module, columns, reduce(lambda a, b: f"({a} and {b})", criteria), limit)


def lines_query(
    module: str, columns: Sequence[str], parents: Sequence[str], after: str | None, limit: int
) -> str:
    """The line items of these records (at most 100), by id. A lookup is compared with ids (facts 2.7)."""
    criteria = f"Parent_Id in ({', '.join(quote(checked_id(one)) for one in parents)})"
    if after:
        criteria = f"{criteria} and id > {checked_id(after)}"
    return _select(module, columns, criteria, limit)


def values_query(module: str, columns: Sequence[str], name: str, values: Sequence[str], limit: int) -> str:
    """The records whose field ``name`` is one of ``values`` (at most 100)."""
    literals = ", ".join(quote(value) for value in values)
    return _select(module, columns, f"{checked_name(name)} in ({literals})", limit)


def _select(module: str, columns: Sequence[str], criteria: str, limit: int) -> str:
    names = ", ".join(checked_name(column) for column in columns)
    return f"select {names} from {checked_name(module)} where {criteria} order by id asc limit {limit}"


def encode_query(query: str) -> bytes:
    """The body of a COQL call."""
    return orjson.dumps({"select_query": query})
