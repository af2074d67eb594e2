"""Where Zoho's notifications come in: each is answered once what it tells of is durable, or is refused and counted.

Killed before the commit, there is no answer, and nothing was acknowledged; killed between commit and answer, the record
may be told of once more, which changes nothing.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from ml_connector.core.errors import ConnectorError
from ml_connector.core.notifications import Channel, Notification, Refusal, judge, read
from ml_connector.core.ports import Clock
from ml_connector.serve_settings import WebhooksSettings
from ml_connector.store.group_commit import FullError
from ml_connector.store.inbox import Told

PATH = "/webhooks/zoho/{path}"
ACCEPTED = "accepted"
AT_MOST_WAITING = 256  #: for their commit; each takes a thread

STATUS = {
    Refusal.PATH: 404,
    Refusal.TOKEN: 403,
    Refusal.MODULE: 422,
    Refusal.GARBAGE: 400,
    Refusal.INCOMPLETE: 408,
    Refusal.SIZE: 413,
    Refusal.RATE: 429,
    Refusal.FULL: 503,
    Refusal.STORE: 503,
}

_THREADS = (
    AT_MOST_WAITING + 40
)  # those beyond what may wait refuse what comes then, and serve the other pages
_BODY_SECONDS = 10.0
_KEPT = timedelta(seconds=5)
_STRANGERS_PER_SECOND = 50  # each costs a query; a channel that nobody asked for yet is one of them, once
_NAME = re.compile(r"[\w-]{1,128}", re.ASCII)

FindChannel = Callable[[str], Channel | None]


@dataclass(slots=True)
class Pace:
    """At most so many in each second; asked by one thread."""

    at_most: int
    _second: int = 0
    _taken: int = 0

    def allows(self, now: datetime) -> bool:
        """Whether this one is not one too many."""
        second = int(now.timestamp())
        self._taken = self._taken + 1 if second == self._second else 1
        self._second = second
        return self._taken <= self.at_most


@dataclass(slots=True)
class KnownChannels:
    """The channels by their paths, each kept for a few seconds; of unknown paths nothing is kept."""

    find: FindChannel
    clock: Clock
    _kept: dict[str, tuple[Channel, datetime]] = field(default_factory=dict)
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def __contains__(self, path: str) -> bool:
        """Whether it had a channel when it was last asked for."""
        return path in self._kept

    def module_of(self, path: str) -> str:
        """The module of its channel, as it was when it was last asked for; empty: it had none."""
        kept = self._kept.get(path)
        return kept[0].module if kept else ""

    def get(self, path: str, *, anew: bool = False) -> Channel | None:
        """Its channel, ``anew`` as it is now. Errors as the store's."""
        kept, now = self._kept.get(path), self.clock.now()
        if kept and not anew and abs(now - kept[1]) < _KEPT:
            return kept[0]
        if not _NAME.fullmatch(
            path
        ):  # no path of ours; a null character in it is none of PostgreSQL's, either
            return None
        with self._asking:  # a flood of unknown paths takes no more than one of the database's connections
            found = self.find(path)
        if found is None:
            self._kept.pop(path, None)
        else:
            self._kept[path] = found, now
        return found


@dataclass(slots=True)
class Receiving:
    """Takes notifications. ``put`` returns once its rows are durable; FullError, ConnectorError: they are not."""

    channels: KnownChannels
    put: Callable[[Sequence[Told]], None]
    clock: Clock
    limits: WebhooksSettings
    body_seconds: float = _BODY_SECONDS  #: for a body to arrive
    _known: Pace = field(init=False)
    _strangers: Pace = field(init=False)
    _counted: Counter[str] = field(default_factory=Counter)
    _missed: dict[str, datetime] = field(default_factory=dict)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        # Apart, so that nobody who knows no path can use up what Zoho may send.
        self._known = Pace(self.limits.rate_per_second)
        self._strangers = Pace(min(_STRANGERS_PER_SECOND, self.limits.rate_per_second))

    def counted(self) -> Mapping[str, int]:
        """What became of notifications -> how many of them."""
        with self._counting:
            return {outcome: self._counted[outcome] for outcome in (ACCEPTED, *Refusal)}

    def missed(self) -> Mapping[str, datetime]:
        """Module -> when something was last refused that came by its channel's path, and so may have been Zoho's."""
        with self._counting:
            return dict(self._missed)

    async def body(self, path: str, request: Request) -> bytes | Refusal:
        """The whole body, or why it was not read; on the event loop."""
        pace = self._known if path in self.channels else self._strangers
        if not pace.allows(self.clock.now()):
            return Refusal.RATE
        try:
            async with asyncio.timeout(self.body_seconds):
                return await _capped(request, self.limits.body_bytes)
        except (TimeoutError, ClientDisconnect):
            return Refusal.INCOMPLETE

    def answer(self, path: str, body: bytes | Refusal) -> int:
        """The status of the answer, once everything is durable that it acknowledges."""
        refusal = body if isinstance(body, Refusal) else self._receive(path, body)
        module = self.channels.module_of(path) if refusal else ""
        with self._counting:
            self._counted[refusal or ACCEPTED] += 1
            if module:
                self._missed[module] = self.clock.now()
        return STATUS[refusal] if refusal else 200

    def _receive(self, path: str, body: bytes) -> Refusal | None:
        now = self.clock.now()
        try:
            told = self._believed(path, body, now)
            if isinstance(told, Refusal):
                return told
            self.put([Told(told.module, one, told.operation, now) for one in told.ids])
        except FullError:
            return Refusal.FULL
        except ConnectorError:
            return Refusal.STORE
        return None

    def _believed(self, path: str, body: bytes, now: datetime) -> Notification | Refusal:
        channel = self.channels.get(path)
        if channel is None:
            return Refusal.PATH
        told = read(body)
        if isinstance(told, Refusal):
            return told
        if judge(told, channel, now):  # its token may be another since it was kept
            return judge(told, self.channels.get(path, anew=True), now) or told
        return told


async def _capped(request: Request, at_most: int) -> bytes | Refusal:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > at_most:
            return Refusal.SIZE
    return bytes(body)


def webhooks(receiving: Receiving) -> APIRouter:
    """The endpoint. It waits on a thread, of which there are enough for all that may wait."""

    @asynccontextmanager
    async def with_threads(_: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = _THREADS
        yield

    router, body_of = APIRouter(lifespan=with_threads), Depends(receiving.body)

    @router.post(PATH)
    def receive(path: str, body: bytes | Refusal = body_of) -> Response:
        return Response(status_code=receiving.answer(path, body))

    return router
