"""A request of SBA, taken apart: the address says everything, and keys are joined by ``;`` (facts 1.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ml_connector.simulators.gp.company import Company
from ml_connector.simulators.gp.criteria import read_instant
from ml_connector.simulators.gp.state import Simulation
from ml_connector.simulators.gp.tables import EMPTY_DATE

PAGE = 1000
"""Rows of a page of ZohoSync's; ``?rows=`` asks for fewer."""


class RefusedError(Exception):
    """A request that is not answered with what was asked; `reasons` are the broken rules."""

    def __init__(self, status: int, said: str, *, page: bool = False, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(said)
        self.reasons = reasons
        self.status = status
        self.said = said
        self.page = page  # the web server's own HTML


@dataclass(frozen=True, slots=True)
class Request:
    """One request: segments are (name in lower case, key); it is counted as ``operation``."""

    method: str
    operation: str
    segments: tuple[tuple[str, str | None], ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a resource gets: where, the company, its key and its owner's, and the request."""

    simulation: Simulation
    company: Company
    key: str | None
    owner: str | None
    request: Request

    @property
    def since(self) -> datetime:
        """The instant that is asked for: the key, a query or a header; the oldest of all where none is told."""
        request = self.request
        said = self.key or request.query.get("since") or request.headers.get("x-modified-since")
        try:
            return read_instant(said) if said else EMPTY_DATE
        except ValueError as error:
            raise RefusedError(400, f"The date cannot be read: {error}") from error

    @property
    def page_rows(self) -> int:
        """How many rows a page has."""
        said = self.request.query.get("rows", "")
        return min(PAGE, int(said)) if said.isdecimal() and int(said) else PAGE


Place = tuple[tuple[str, ...], bool]
"""Where a resource stands, in lower case, and whether it has a key."""
Write = tuple[str, tuple[str, ...], bool]
"""Method, place, and whether there is a key."""
Resource = Callable[[Asked], tuple[str, object]]
"""What it answers: under which name an envelope shows it, and what."""


def not_there() -> RefusedError:
    """An object that does not exist."""
    return RefusedError(404, "The object does not exist.")
