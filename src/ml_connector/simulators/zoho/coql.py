"""COQL's grammar: text to query. What exists in the organisation is not asked here (see coql_run.py).

Covered: select with Lookup.Field, from, where with and/or/brackets, order by, limit/offset. Not covered: aggregates,
group by, aliases, subqueries; they are refused as Zoho refuses what it does not support. A quote within a literal is
doubled (Zoho, "Kaizen #171: FAQs on COQL API"); that a backslash is a sign like any other is inferred.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn, TypeAlias

from ml_connector.simulators.zoho.replies import JsonObject, RequestRefusedError

DEFAULT_LIMIT = 200
MAX_LIMIT = 2_000
MAX_ROWS = 100_000
MAX_COLUMNS = 500
MAX_CRITERIA = 25
MAX_MEMBERS = 100
MAX_ORDER = 10

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:''|[^'])*')
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<name>[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*)
      | (?P<sign><=|>=|!=|[=<>(),])
    )""",
    re.VERBOSE | re.DOTALL,
)
_CLAUSES = frozenset({"from", "where", "order", "group", "limit", "offset", "and", "or"})

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """A column compared with literals (their text without quotes)."""

    column: Path
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Both:
    """Two criteria joined by `and` or `or`."""

    joiner: str
    left: "Criteria"
    right: "Criteria"


Criteria: TypeAlias = Condition | Both


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it was written."""

    columns: tuple[Path, ...]
    module: str
    where: Criteria
    order: tuple[tuple[Path, bool], ...]
    """(column, descending)."""
    limit: int
    offset: int

    @property
    def credits(self) -> int:
        """1, 2 or 3 by its limit."""
        return 1 if self.limit <= 200 else 2 if self.limit <= 1_000 else 3


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind == "name" else self.text


def syntax_error(message: str, details: JsonObject) -> RequestRefusedError:
    """The query is not COQL."""
    return RequestRefusedError(400, "SYNTAX_ERROR", message, details)


def invalid_query(message: str, details: JsonObject) -> RequestRefusedError:
    """The query is COQL, but cannot be answered."""
    return RequestRefusedError(400, "INVALID_QUERY", message, details)


def limit_exceeded(limit: int, what: str) -> RequestRefusedError:
    """More of something than a query may have."""
    return RequestRefusedError(400, "LIMIT_EXCEEDED", f"{what} limit exceeded", {"limit": limit})


@lru_cache(maxsize=64)  # a call is parsed for its credits and again for its answer
def parse_query(text: str) -> Query:
    """The query; RequestRefusedError (400) with Zoho's codes when it is none."""
    return _Parser(text).query()


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            near = text[at : at + 20].strip()
            raise syntax_error("unexpected token", {"line": 1, "column": at + 1, "near": near})
        kind = found.lastgroup or ""
        tokens.append(_Token(kind, found[kind], found.start(kind)))
        at = found.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens of one query."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._place = 0
        self._end = _Token("end", "", len(text))
        self._criteria_count = 0

    def query(self) -> Query:
        self._expect("select")
        columns = self._columns()
        self._expect_clause("from")
        module = self._name()
        self._expect_clause("where")
        where = self._criteria()
        order = self._order()
        limit, offset = self._limit()
        if self._peek.kind != "end":
            self._refuse()
        return Query(tuple(columns), module, where, tuple(order), limit, offset)

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._place] if self._place < len(self._tokens) else self._end

    def _next(self) -> _Token:
        token = self._peek
        self._place += 1
        return token

    def _take(self, word: str) -> bool:
        if self._peek.kind != "string" and self._peek.word == word:
            self._place += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._take(word):
            self._refuse()

    def _expect_clause(self, clause: str) -> None:
        if self._take(clause):
            return
        if self._peek.kind == "end" or self._peek.word in _CLAUSES:
            raise syntax_error("missing clause", {"clause": clause})
        self._refuse()

    def _refuse(self) -> NoReturn:
        token = self._peek
        if token.kind == "end":
            raise syntax_error("error occured while parsing the query", {"near": "end of query"})
        raise syntax_error("unexpected token", {"line": 1, "column": token.at + 1, "near": token.text})

    def _name(self) -> str:
        token = self._peek
        if token.kind != "name" or token.word in _CLAUSES:
            self._refuse()
        self._place += 1
        return token.text

    def _path(self) -> Path:
        token = self._peek
        if token.kind == "string" and re.fullmatch(r"[\w.]+", token.text[1:-1]):
            self._place += 1  # reserved words as field names are quoted
            return tuple(token.text[1:-1].split("."))
        path = tuple(self._name().split("."))
        if self._peek.text == "(":
            raise syntax_error("given coql query not supported", {})
        return path

    def _columns(self) -> list[Path]:
        columns = [self._path()]
        while self._take(","):
            columns.append(self._path())
        if len(columns) > MAX_COLUMNS:
            raise limit_exceeded(MAX_COLUMNS, "select column")
        twice = next((path for path in columns if columns.count(path) > 1), None)
        if twice:
            name = ".".join(twice)
            raise RequestRefusedError(400, "DUPLICATE_DATA", "duplicate select column", {"column_name": name})
        return columns

    def _criteria(self) -> Criteria:
        """Two operands at most: with three or more criteria, brackets must pair them."""
        left = self._operand()
        for joiner in ("and", "or"):
            if self._take(joiner):
                right = self._operand()
                if self._peek.word in ("and", "or"):
                    self._refuse()
                return Both(joiner, left, right)
        return left

    def _operand(self) -> Criteria:
        if self._take("("):
            inner = self._criteria()
            self._expect(")")
            return inner
        return self._condition()

    def _condition(self) -> Condition:
        self._criteria_count += 1
        if self._criteria_count > MAX_CRITERIA:
            raise limit_exceeded(MAX_CRITERIA, "criteria")
        column = self._path()
        operator = self._operator()
        match operator.removeprefix("not "):
            case "is null" | "is not null":
                return Condition(column, operator, ())
            case "in":
                return Condition(column, operator, self._members())
            case "between":
                low = self._literal()
                self._expect("and")
                return Condition(column, operator, (low, self._literal()))
            case _:
                return Condition(column, operator, (self._literal(),))

    def _operator(self) -> str:
        token = self._next()
        match token.word:
            case "=" | "!=" | ">" | ">=" | "<" | "<=" | "like" | "in" | "between":
                return token.word
            case "is":
                negation = "not " if self._take("not") else ""
                self._expect("null")
                return f"is {negation}null"
            case "not" if self._peek.word in ("like", "in", "between"):
                return f"not {self._next().word}"
            case _:
                raise syntax_error("operator not supported", {"operator": token.text})

    def _members(self) -> tuple[str, ...]:
        self._expect("(")
        members = [self._literal()]
        while self._take(","):
            members.append(self._literal())
        self._expect(")")
        if len(members) > MAX_MEMBERS:
            raise limit_exceeded(MAX_MEMBERS, "in operator values")
        return tuple(members)

    def _literal(self) -> str:
        token = self._next()
        if token.kind == "string":
            return token.text[1:-1].replace("''", "'")
        if token.kind == "number" or token.word in ("true", "false"):
            return token.text
        self._place -= 1
        return self._refuse()

    def _order(self) -> list[tuple[Path, bool]]:
        order: list[tuple[Path, bool]] = []
        if not self._take("order"):
            return order
        self._expect("by")
        while True:
            column = self._path()
            descending = self._take("desc")
            if not descending:
                self._take("asc")
            order.append((column, descending))
            if not self._take(","):
                break
        if len(order) > MAX_ORDER:
            raise limit_exceeded(MAX_ORDER, "order by")
        return order

    def _limit(self) -> tuple[int, int]:
        """`limit n`, `limit n offset m`, `limit offset, count` or `offset m`."""
        limit, offset = DEFAULT_LIMIT, 0
        if self._take("limit"):
            limit = self._whole()
            if self._take(","):
                offset, limit = limit, self._whole()
        if self._take("offset"):
            offset = self._whole()
        if limit <= 0:
            raise RequestRefusedError(400, "INVALID_DATA", "limit should be greater than 0")
        if limit > MAX_LIMIT:
            raise limit_exceeded(MAX_LIMIT, "limit")
        if offset + limit > MAX_ROWS:
            raise limit_exceeded(MAX_ROWS, "offset")
        return limit, offset

    def _whole(self) -> int:
        token = self._next()
        if token.kind != "number" or not token.text.isdecimal():
            raise invalid_query("limit given seems to be invalid", {"limit": token.text})
        return int(token.text)
