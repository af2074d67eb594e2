"""GET /{Module}/search: an index that lags, where `equals` on text means "contains" (Zoho's "Search Records" page)."""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.coql import Both, Condition, Criteria
from ml_connector.simulators.zoho.metadata import Module
from ml_connector.simulators.zoho.predicates import (
    TEXT,
    Getter,
    Predicate,
    coerce,
    is_allowed,
    kind_of,
    predicate,
)
from ml_connector.simulators.zoho.record_reads import MAX_PER_PAGE, NOTHING
from ml_connector.simulators.zoho.records import Row, Table
from ml_connector.simulators.zoho.replies import Reply, RequestRefusedError, json_reply

MAX_ROWS = 2_000
MAX_CRITERIA = 15
MAX_MEMBERS = 100
_TYPES_OF_PARAMETER = {
    "email": ("email",),
    "phone": ("phone",),
    "word": ("text", "email", "phone", "website", "picklist"),
}
_OPERATORS = {
    "equals": "=",
    "not_equal": "!=",
    "greater_than": ">",
    "greater_equal": ">=",
    "less_than": "<",
    "less_equal": "<=",
    "between": "between",
    "in": "in",
    "starts_with": "like",
}
_CRITERION = re.compile(r"\(\s*([\w.]+):(\w+):((?:\\.|[^\\()])*)\)", re.DOTALL)
_SPLIT = re.compile(r"(?<!\\),")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def search_records(call: Call) -> Reply:
    """One of criteria, email, phone and word, in this priority."""
    table = call.table
    holds = _asked(call, table.module)
    per_page = call.whole("per_page", MAX_PER_PAGE, 1, MAX_PER_PAGE)
    page = call.whole("page", 1, 1, 1_000_000)
    if page * per_page > MAX_ROWS:
        raise RequestRefusedError(
            400, "LIMIT_REACHED", "Maximum response iteration limit reached", {"limit": MAX_ROWS}
        )
    with call.org.lock:
        rows = _indexed(table, call.org.clock.now() - call.org.options.search_lag_seconds)
    start = (page - 1) * per_page
    found = list(islice((row for row in rows if holds(row)), start, start + per_page + 1))
    if not found:
        return NOTHING
    names = call.query["fields"].split(",") if "fields" in call.query else list(table.module.fields)
    fields = [table.module.fields[name] for name in [*names, "id"] if name in table.module.fields]
    data = [
        {
            field.api_name: call.org.render(field, row.get(field.api_name))
            for field in fields
            if not field.subform
        }
        for row in found[:per_page]
    ]
    info = {"per_page": per_page, "count": len(data), "page": page, "more_records": len(found) > per_page}
    return json_reply(200, {"data": data, "info": info}, len(data))


def _indexed(table: Table, as_of: float) -> Iterator[Row]:
    """The rows as they were then, latest first."""
    before: dict[str, Row | None] = {}
    for at, row_id, row in table.recent:
        if at > as_of:
            before.setdefault(row_id, row)
    ids = set(table.ids) | before.keys() if before else table.ids
    rows = [
        before[row_id] if row_id in before else table.rows[row_id] for row_id in sorted(ids, reverse=True)
    ]
    return (row for row in rows if row is not None)


def _asked(call: Call, module: Module) -> Predicate:
    if "criteria" in call.query:
        return _compiled(module, parse_criteria(call.query["criteria"]))
    for parameter, types in _TYPES_OF_PARAMETER.items():
        if parameter in call.query:
            return _anywhere(module, types, call.query[parameter].lower())
    details = {"param_names": ["criteria", "email", "phone", "word"]}
    raise RequestRefusedError(
        400, "EXPECTED_PARAM_MISSING", "one of the expected parameter is missing", details
    )


def parse_criteria(text: str) -> Criteria:
    """`((A:op:v)and(B:op:v))`; `( ) ,` within a value are escaped with a backslash."""
    if len(_CRITERION.findall(text)) > MAX_CRITERIA:
        raise RequestRefusedError(400, "LIMIT_EXCEEDED", "criteria limit exceeded", {"limit": MAX_CRITERIA})
    criteria, end = _group(text.strip(), 0)
    if end != len(text.strip()):
        raise _invalid(text)
    return criteria


def _group(text: str, at: int) -> tuple[Criteria, int]:
    """Operands joined by and/or, up to the closing bracket or the end."""
    left, at = _operand(text, at)
    while at < len(text) and text[at] != ")":
        joiner = re.compile(r"\s*(and|or)\s*", re.IGNORECASE).match(text, at)
        if not joiner:
            raise _invalid(text)
        right, at = _operand(text, joiner.end())
        left = Both(joiner[1].lower(), left, right)
    return left, at


def _operand(text: str, at: int) -> tuple[Criteria, int]:
    single = _CRITERION.match(text, at)
    if single:
        name, operator, value = single.groups()
        values = tuple(_ESCAPED.sub(r"\1", part) for part in _SPLIT.split(value))
        if operator not in ("in", "between"):
            values = (_ESCAPED.sub(r"\1", value),)
        return Condition((name,), operator, values), single.end()
    if not text.startswith("(", at):
        raise _invalid(text)
    inner, at = _group(text, at + 1)
    if not text.startswith(")", at):
        raise _invalid(text)
    return inner, at + 1


def _compiled(module: Module, criteria: Criteria) -> Predicate:
    if isinstance(criteria, Both):
        left, right = _compiled(module, criteria.left), _compiled(module, criteria.right)
        if criteria.joiner == "and":
            return lambda row: left(row) and right(row)
        return lambda row: left(row) or right(row)
    return _single(module, criteria)


def _single(module: Module, condition: Condition) -> Predicate:
    name = condition.column[0]
    field = module.fields.get(name)
    kind = kind_of(field) if field else None
    comparison = _OPERATORS.get(condition.operator)
    if kind is None or comparison is None or not is_allowed(kind, comparison):
        raise _invalid(name)
    if len(condition.values) > MAX_MEMBERS:
        raise RequestRefusedError(
            400, "LIMIT_EXCEEDED", "in operator values limit exceeded", {"limit": MAX_MEMBERS}
        )
    try:
        values = [coerce(kind, value.strip()) for value in condition.values]
    except ValueError as error:
        raise _invalid(name) from error
    get: Getter = lambda row: row.get(name)  # noqa: E731 -- a getter as the others
    if kind == TEXT and comparison in ("=", "!="):
        return _containing(get, values[0], wanted=comparison == "=")
    return predicate(get, kind, comparison, [f"{values[0]}%"] if comparison == "like" else values)


def _containing(get: Getter, text: str, *, wanted: bool) -> Predicate:
    def holds(row: Row) -> bool:
        value = get(row)
        return value is not None and (text in value.lower()) == wanted

    return holds


def _anywhere(module: Module, types: tuple[str, ...], text: str) -> Predicate:
    names = [name for name, field in module.fields.items() if field.data_type in types]
    contains: Callable[[Any], bool] = lambda value: isinstance(value, str) and text in value.lower()  # noqa: E731
    return lambda row: any(contains(row.get(name)) for name in names)


def _invalid(reason: str) -> RequestRefusedError:
    return RequestRefusedError(400, "INVALID_QUERY", "Invalid query formed", {"reason": reason})
