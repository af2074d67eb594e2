"""The criteria of a bulk read, nested groups of comparisons, as a test of one row (Zoho's "Create Bulk Read Job" page).

Text is compared without regard to case, as COQL does it (inferred). Which code answers which mistake is inferred where
the page has several that would fit.
"""

from typing import Any

from ml_connector.simulators.zoho.bulk_calls import refused
from ml_connector.simulators.zoho.coql_run import Column, Resolver
from ml_connector.simulators.zoho.predicates import Predicate, coerce, is_allowed, predicate
from ml_connector.simulators.zoho.replies import JsonObject, RequestRefusedError

MAX_CRITERIA = 25
EMPTY = "${EMPTY}"
_LIKE = {
    "contains": ("like", "%{}%"),
    "not_contains": ("not like", "%{}%"),
    "starts_with": ("like", "{}%"),
    "ends_with": ("like", "%{}"),
}
_OPERATORS = {
    "equal": "=",
    "not_equal": "!=",
    "in": "in",
    "not_in": "not in",
    "less_than": "<",
    "less_equal": "<=",
    "greater_than": ">",
    "greater_equal": ">=",
    "between": "between",
    "not_between": "not between",
    **{comparator: operator for comparator, (operator, _) in _LIKE.items()},
}
_NULL = {"=": "is null", "!=": "is not null"}
_JOINERS = {"and": all, "or": any}


def compile_criteria(resolver: Resolver, given: Any) -> Predicate:  # noqa: ANN401 -- from the body
    """A test of one row; no criteria: every row. RequestRefusedError for what does not fit the module."""
    if given is None:
        return lambda _row: True
    if _count(given) > MAX_CRITERIA:
        raise refused("CRITERIA_LIMIT_EXCEEDED", "criteria limit exceeded", max_limit=MAX_CRITERIA)
    return _compiled(resolver, given)


def find_column(resolver: Resolver, name: Any, code: str) -> Column:  # noqa: ANN401
    """`Phone` or `Account_Name.Phone`; RequestRefusedError with this code."""
    try:
        return resolver.column(tuple(str(name).split(".")))
    except RequestRefusedError as error:
        raise refused(code, "the field is not available", api_name=name) from error


def _count(given: Any) -> int:  # noqa: ANN401
    inner = given.get("group") if isinstance(given, dict) else None
    return sum(map(_count, inner)) if isinstance(inner, list) else 1


def _compiled(resolver: Resolver, given: Any) -> Predicate:  # noqa: ANN401
    if not isinstance(given, dict):
        raise refused("INVALID_CRITERIA", "invalid criteria")
    if "group" not in given:
        return _single(resolver, given)
    joiner, inner = _JOINERS.get(str(given.get("group_operator"))), given["group"]
    if joiner is None:
        message = "the group operator is not supported"
        raise refused("GROUP_OPERATOR_NOT_SUPPORTED", message, supported=sorted(_JOINERS))
    if not isinstance(inner, list) or not inner:
        raise refused("AMBIGUOUS_GROUP_IN_CRITERIA", "a group without criteria", api_name="group")
    tests = [_compiled(resolver, one) for one in inner]
    return lambda row: joiner(test(row) for test in tests)


def _single(resolver: Resolver, given: JsonObject) -> Predicate:
    field, comparator, value = given.get("field"), given.get("comparator"), given.get("value")
    if not isinstance(field, dict) or comparator is None or value is None:
        raise refused("AMBIGUOUS_CRITERIA", "field, comparator and value are needed", api_name="criteria")
    name, comparator = field.get("api_name"), str(comparator)
    column = find_column(resolver, name, "FIELD_IN_CRITERIA_NOT_AVAILABLE")
    kind, operator = column.kind, _OPERATORS.get(comparator)
    if kind is None:
        raise refused("FIELD_IN_CRITERIA_NOT_SUPPORTED", "the field is not supported", api_name=name)
    if operator is None or not is_allowed(kind, operator):
        message = "the comparator is not supported for the field"
        code = "FIELD_COMPARATOR_IN_CRITERIA_NOT_SUPPORTED"
        raise refused(code, message, api_name=name, comparator=comparator)
    if value == EMPTY and operator in _NULL:
        return predicate(column.get, kind, _NULL[operator], [])
    try:
        return predicate(column.get, kind, operator, _values(kind, comparator, value))
    except ValueError as error:
        code = "FIELD_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE"
        raise refused(code, "the value does not fit the field", api_name=name, value=value) from error


def _values(kind: str, comparator: str, value: Any) -> list[Any]:  # noqa: ANN401
    """As predicates want them; ValueError for what does not fit. A reference may come as an object with its id."""
    given = value if isinstance(value, list) else [value]
    if (comparator.endswith("between") and len(given) != 2) or (
        comparator not in ("in", "not_in", "between", "not_between") and len(given) != 1
    ):
        raise ValueError(value)
    texts = [str(one["id"] if isinstance(one, dict) and "id" in one else one) for one in given]
    pattern = _LIKE.get(comparator, ("", "{}"))[1]
    return [coerce(kind, pattern.format(text)) for text in texts]
