"""What a process does that lasts or goes over the wire, numbered, so that it can be killed before and after each.

Nothing of ours is touched: it is listened to the database library (commits of the store and of the engine), to the
HTTP library below both connectors, and to the interpreter (files that are opened to be written).
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpcore2
import sqlalchemy as sa

_WRITES = re.compile(
    r"\s*(?:INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|ALTER TABLE)\s+([\w.\"]+)", re.IGNORECASE
)
_ENGINES_OWN = ("main", "dbos")  #: the schema of the engine's tables, on SQLite and on PostgreSQL
_UPKEEP = (
    "dbos-background-jobs"  #: a thread that looks now and then for what ran out of time: nothing does here
)
#: What is written down every few seconds, between other things on each machine; nothing of a record.
_BY_THE_CLOCK = frozenset({"credits"})
#: Files that say what is under way or how fast, and nothing of a record.
_PASSING = re.compile(r"\.lock$|^(gp|zoho)-|\.db(-wal|-shm|-journal)?$|ml-connector-errors")
QUOTE = '"'
_WRITING = os.O_WRONLY | os.O_RDWR


class Instant(NamedTuple):
    """An instant of a run: around the nth time that this happens."""

    what: str  #: such as "zoho: POST /crm/v8/Accounts" or "store: audit, links"
    nth: int
    when: str  #: before, in flight (sent, and not answered), after


Reached = Callable[[Instant], None]


@dataclass
class Points:
    """Numbers what happens, and tells of each instant before anything goes on."""

    reached: Reached
    one_at_a_time: bool  #: nothing else happens meanwhile, so that instants have an order

    def __post_init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._counting, self._turn = threading.Lock(), threading.RLock()

    @contextmanager
    def around(self, what: str) -> Iterator[int]:
        with self._counting:
            self._counts[what] += 1
            nth = self._counts[what]
        if not self.one_at_a_time:
            self.reached(Instant(what, nth, "before"))
            yield nth
            self.reached(Instant(what, nth, "after"))
            return
        with self._turn:
            self.reached(Instant(what, nth, "before"))
            yield nth
            self.reached(Instant(what, nth, "after"))


def watch(reached: Reached, folder: Path, *, one_at_a_time: bool) -> None:
    """From now on this process tells of every instant; there is no end to it."""
    points = Points(reached, one_at_a_time)
    _watch_databases(points)
    _watch_wire(points)
    _watch_files(points, folder)


def _watch_databases(points: Points) -> None:
    @sa.event.listens_for(sa.Engine, "after_cursor_execute")
    def executed(connection: sa.Connection, cursor: Any, statement: str, *_: object) -> None:
        wrote = _WRITES.match(statement)
        if wrote and (cursor.rowcount or "RETURNING" in statement):  # SQLite counts what is returned later
            connection.info.setdefault("wrote", set()).add(wrote[1].replace('"', ""))

    @sa.event.listens_for(sa.Engine, "rollback")
    def undone(connection: sa.Connection) -> None:
        if not connection.invalidated:
            connection.info.pop("wrote", None)

    @sa.event.listens_for(sa.Engine, "commit")
    def committing(connection: sa.Connection) -> None:
        tables = connection.info.pop("wrote", None)
        if tables and not tables <= _BY_THE_CLOCK and threading.current_thread().name != _UPKEEP:
            with points.around(_commit(tables)):
                connection.connection.commit()  # the library does so once more, and there is nothing left


def _commit(tables: set[str]) -> str:
    owned = [table.rpartition(".") for table in sorted(tables)]
    own = any(schema in _ENGINES_OWN for schema, _, _ in owned)
    return f"{'engine' if own else 'store'}: {', '.join(name for _, _, name in owned)}"


def _watch_wire(points: Points) -> None:
    connection = httpcore2.HTTP11Connection
    send, receive = connection.handle_request, connection._receive_response_headers
    under_way = threading.local()

    def sending(self: Any, request: httpcore2.Request) -> httpcore2.Response:
        what = _request(request)
        with points.around(what) as nth:
            under_way.instant = Instant(what, nth, "in flight")
            return send(self, request)

    def receiving(self: Any, request: httpcore2.Request) -> Any:
        points.reached(under_way.instant)
        return receive(self, request)

    connection.handle_request = sending
    connection._receive_response_headers = receiving


def _request(request: httpcore2.Request) -> str:
    for name, value in request.headers:
        if name.lower() == b"soapaction":
            return f"gp: {value.decode().rpartition('/')[2].rstrip(QUOTE)}"
    path = request.url.target.decode().partition("?")[0]
    return f"zoho: {request.method.decode()} {re.sub(r'[0-9]{9,}', 'ID', path)}"


def _watch_files(points: Points, folder: Path) -> None:
    """A file is written behind the instant at which it is opened, and the next instant is behind that."""
    place = f"{folder}{os.sep}"

    def heard(event: str, given: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(given[0], str) or not given[0].startswith(place):
            return
        name = Path(given[0]).name
        if given[2] & _WRITING and not _PASSING.search(name):
            with points.around(f"file: {name}"):
                return

    sys.addaudithook(heard)
