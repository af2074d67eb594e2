"""Answers COQL queries: finds the rows by the cheapest index, tests each against the whole criteria.

Unlike search, COQL sees every write at once.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ml_connector.simulators.zoho.coql import Both, Condition, Criteria, Path, Query, invalid_query
from ml_connector.simulators.zoho.field import Field
from ml_connector.simulators.zoho.metadata import PERSON_TYPES
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.predicates import (
    ID,
    REFERENCE,
    TEXT,
    Getter,
    Predicate,
    coerce,
    is_allowed,
    kind_of,
    predicate,
)
from ml_connector.simulators.zoho.records import Row, Table
from ml_connector.simulators.zoho.replies import JsonObject, RequestRefusedError

_MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A path resolved in a module."""

    path: Path
    field: Field
    get: Getter

    @property
    def kind(self) -> str | None:
        """How it is compared; see predicates.kind_of."""
        return REFERENCE if self.path[-1] == "id" and len(self.path) > 1 else kind_of(self.field)


@dataclass(frozen=True, slots=True)
class _Term:
    """A resolved condition that every row of the answer must meet."""

    name: str
    kind: str
    operator: str
    values: list[Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows as JSON, and whether there would be more."""

    data: list[JsonObject]
    more_records: bool


def run_query(org: Org, query: Query) -> Answer:
    """The rows; RequestRefusedError for modules, columns, operators and values that do not fit."""
    table = org.tables.get(query.module)
    if table is None:
        raise RequestRefusedError(400, "INVALID_MODULE", "the given module is not supported in api")
    resolver = Resolver(org, table)
    shown = [(".".join(path), _shown(org, resolver.column(path))) for path in query.columns]
    order = [(resolver.column(path), descending) for path, descending in query.order]
    holds = resolver.compile(query.where)
    natural = _natural_order(query)
    with org.lock:
        ids = _candidates(table, resolver.terms(query.where), query.offset + query.limit, natural)
    rows = table.rows
    found: Iterator[Row] = (row for row_id in ids if (row := rows.get(row_id)) is not None and holds(row))
    # Rows are never changed in place, so that walking ids needs no lock; a row may move in the order of Modified_Time.
    with org.lock if natural == "Modified_Time" else nullcontext():
        if natural is None:
            found = _sorted(found, order)
        page = list(islice(found, query.offset, query.offset + query.limit + 1))
    data = [{**{name: show(row) for name, show in shown}, "id": row["id"]} for row in page[: query.limit]]
    return Answer(data, len(page) > query.limit)


def _natural_order(query: Query) -> str | None:
    """`id` or `Modified_Time` when an index has the rows in the order that is asked for."""
    match query.order:
        case () | ((("id",), False), *_):
            return "id"
        case ((("Modified_Time",), False),) | ((("Modified_Time",), False), (("id",), False)):
            return "Modified_Time"
        case _:
            return None


class Resolver:
    """Column names to getters, criteria to predicates, for one module."""

    def __init__(self, org: Org, table: Table) -> None:
        self._org = org
        self._table = table

    def column(self, path: Path) -> Column:
        """RequestRefusedError for one that is not there."""
        name = ".".join(path)
        if len(path) > _MAX_DEPTH:
            raise invalid_query(
                "Invalid query formed", {"column_name": name, "reason": "lookup depth exceeded"}
            )
        table, get = self._table, _own(path[0])
        for depth, part in enumerate(path):
            field = table.module.fields.get(part)
            if field is None:
                raise invalid_query("column given seems to be invalid", {"column_name": name})
            rest = path[depth + 1 :]
            if not rest or rest == ("id",):
                return Column(path, field, get)
            if not field.lookup:
                raise invalid_query("column given seems to be invalid", {"column_name": name})
            table = self._org.tables[field.lookup]
            get = _through(get, table, rest[0])
        raise AssertionError(path)

    def compile(self, criteria: Criteria) -> Predicate:
        """A test of one row; RequestRefusedError for what cannot be compared."""
        if isinstance(criteria, Both):
            left, right = self.compile(criteria.left), self.compile(criteria.right)
            if criteria.joiner == "and":
                return lambda row: left(row) and right(row)
            return lambda row: left(row) or right(row)
        column, kind, values = self._checked(criteria)
        return predicate(column.get, kind, criteria.operator, values)

    def terms(self, criteria: Criteria) -> list[_Term]:
        """The conditions on the module's own columns that are joined by `and` only."""
        if isinstance(criteria, Both):
            return self.terms(criteria.left) + self.terms(criteria.right) if criteria.joiner == "and" else []
        if len(criteria.column) > 1:
            return []
        column, kind, values = self._checked(criteria)
        return [_Term(column.field.api_name, kind, criteria.operator, values)]

    def _checked(self, condition: Condition) -> tuple[Column, str, list[Any]]:
        column = self.column(condition.column)
        name = ".".join(condition.column)
        kind = column.kind
        if kind is None:
            raise invalid_query(
                "unsupported column in criteria", {"column_name": name, "operator": condition.operator}
            )
        if not is_allowed(kind, condition.operator):
            details = {
                "column_name": name,
                "operator": condition.operator,
                "reason": "invalid operator found",
            }
            raise invalid_query("Invalid query formed", details)
        try:
            return column, kind, [coerce(kind, literal) for literal in condition.values]
        except ValueError as error:
            details = {"column_name": name, "operator": condition.operator, "reason": "invalid value found"}
            raise invalid_query("Invalid query formed", details) from error


def _candidates(table: Table, terms: list[_Term], wanted: int, natural: str | None) -> Iterable[str]:
    """Ids among which every answer is, in the natural order if there is one."""
    for term in terms:
        if natural != "Modified_Time" and term.operator in ("=", "in") and term.kind in (TEXT, REFERENCE, ID):
            return sorted({row_id for value in term.values for row_id in table.having(term.name, value)})
    since = max(
        (
            t.values[0]
            for t in terms
            if t.name == "Modified_Time" and t.operator in (">", ">=", "=", "between")
        ),
        default=0,
    )
    if natural == "Modified_Time":
        return table.modified_since(since)
    ids = _id_range(table, terms)
    recent = table.count_modified_since(since)
    # Walking by id stops as soon as enough are found: about so many rows are looked at if matches are spread evenly.
    walked = min(len(ids), wanted * len(table.rows) // max(1, recent)) if natural == "id" else len(ids)
    if not ids or walked <= recent:
        return ids
    return table.modified_between(since, ids[0], ids[-1])


def _id_range(table: Table, terms: list[_Term]) -> list[str]:
    above, below = "", None
    for term in terms:
        if term.kind == ID and term.operator in (">", ">="):
            value = term.values[0]
            above = max(above, value if term.operator == ">" else str(int(value) - 1).zfill(len(value)))
        elif term.kind == ID and term.operator == "<":
            below = min(below or term.values[0], term.values[0])
    return table.ids_between(above, below)


def _sorted(rows: Iterable[Row], order: list[tuple[Column, bool]]) -> Iterator[Row]:
    found = sorted(rows, key=lambda row: str(row["id"]))
    for column, descending in reversed(order):
        found.sort(key=_sort_key(column.get), reverse=descending)
    return iter(found)


def _sort_key(get: Getter) -> Callable[[Row], tuple[bool, Any]]:
    def key(row: Row) -> tuple[bool, Any]:
        value = get(row)
        if value is None:
            return (False, 0)
        return (True, value.lower() if isinstance(value, str) else value)

    return key


def _shown(org: Org, column: Column) -> Getter:
    """The column's value as COQL writes it: of another record its id only."""
    get, field = column.get, column.field
    if column.path[-1] == "id":
        return get
    if field.data_type == "datetime":
        render = org.clock.render
        return lambda row: None if (at := get(row)) is None else render(at)
    if field.lookup:
        others = org.tables[field.lookup].rows
        return lambda row: {"id": other} if (other := get(row)) in others else None
    if field.data_type in PERSON_TYPES:
        return lambda row: None if (person := get(row)) is None else {"id": person}
    return get


def _own(name: str) -> Getter:
    return lambda row: row.get(name)


def _through(get: Getter, table: Table, name: str) -> Getter:
    def through(row: Row) -> Any:  # noqa: ANN401 -- any stored value
        other = table.rows.get(get(row))
        return other.get(name) if other else None

    return through
