"""What an operation is: a function from the simulation, a call and a company to an answer; and what all of them do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from ml_connector.simulators.gp.company import Company
from ml_connector.simulators.gp.criteria import Criteria
from ml_connector.simulators.gp.faults import NOT_FOUND, SoapFaultError
from ml_connector.simulators.gp.options import Account
from ml_connector.simulators.gp.requests import Call, key_id
from ml_connector.simulators.gp.state import Simulation
from ml_connector.simulators.gp.tables import Keyed, KeyedTable

Row = TypeVar("Row")
KeyedRow = TypeVar("KeyedRow", bound=Keyed)

BY_CRITERIA = ("criteria", "context")
BY_KEY = ("key", "context")


@dataclass(frozen=True, slots=True)
class Answer:
    """The inside of a result element, and how many records it holds; None is no result element at all."""

    result: str | None
    rows: int = 1
    kind: str = ""  # the result's own type where the declared one is abstract


NOTHING = Answer(None, 0)
"""What an operation that changes something answers (facts 2.9): an empty response element."""


@dataclass(frozen=True, slots=True)
class CompanyOperation:
    """An operation on a company's records; `arguments` in their order."""

    arguments: tuple[str, ...]
    run: Callable[[Simulation, Call, Company], Answer]


@dataclass(frozen=True, slots=True)
class SystemOperation:
    """An operation that needs no company."""

    arguments: tuple[str, ...]
    run: Callable[[Simulation, Call, Account], Answer]


def stamped_rows(table: KeyedTable[KeyedRow], asked: Criteria[KeyedRow], key: str) -> Iterator[KeyedRow]:
    """Return the rows that may be admitted, in key order, by the shorter of the two indexes."""
    stamps = asked.instants("ModifiedDate")
    if stamps is not None and key not in asked.restrictions:
        changed = table.rows_stamped(*stamps)
        if changed is not None:
            return changed
    return table.rows(asked.key_range(key))


def admitted(rows: Iterable[Row], asked: Criteria[Row]) -> Iterator[Row]:
    """Yield the rows that a criteria admits."""
    if not asked.everyone:
        return iter(())
    return filter(asked.admits, rows) if asked.restrictions else iter(rows)


def listed(elements: Iterable[str], simulation: Simulation, entity: str) -> Answer:
    """Cut an answer at the entity's row limit; nothing in it tells."""
    limit = simulation.settings.row_limits[entity]
    shown = list(islice(elements, limit))
    return Answer("".join(shown), len(shown))


def key_of(call: Call) -> str:
    """Return the Id of the key argument."""
    return key_id(call.arguments.get("key"), call.operation)


def found(row: Row | None) -> Row:
    """Return a row that has to be there; a fault where it is not."""
    if row is None:
        raise SoapFaultError(NOT_FOUND)
    return row
