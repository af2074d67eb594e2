"""Notification channels in memory: a fake that stands at the port, for testing what the flow decides.

It has Zoho's rules of expiry (facts 4): a week at the most, else silently an hour; who expired is gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from memory import FakeClock
from ml_connector.core.errors import ConnectorError, NotDoneError, RetryableError
from ml_connector.core.ports import FoundChannel, WantedChannel

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
Answer = TypeVar("Answer")


class KilledError(BaseException):
    """The process dies here."""


@dataclass
class Fault:
    """What goes wrong with a call: before the work, or after it, when the answer is lost."""

    error: BaseException
    after: bool = False


def away() -> Fault:
    """Nothing was sent."""
    return Fault(NotDoneError("Zoho cannot be reached."))


def lost() -> Fault:
    """It was done, and the answer was lost."""
    return Fault(RetryableError("Zoho did not answer in time."), after=True)


def unsure() -> Fault:
    """It was not done, which nobody can tell."""
    return Fault(RetryableError("Zoho did not answer in time."))


@dataclass
class MemoryChannels:
    """Implements the port ``Channels``."""

    clock: FakeClock
    longest: timedelta = WEEK
    otherwise: timedelta = HOUR
    from_enabling: bool = False  #: the longest life counts from when it was enabled, whatever is renewed
    faults: list[Fault | None] = field(default_factory=list)  #: of the next calls, in order
    calls: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)  #: by module, as Zoho would send it now
    history: dict[str, datetime] = field(default_factory=dict)  #: every token: until when it was granted last
    _kept: dict[str, FoundChannel] = field(default_factory=dict)  #: by id
    _enabled: dict[str, object] = field(default_factory=dict)

    def enable(self, channel: WantedChannel) -> object:
        return self._called("enable", lambda: self._put(channel, anew=True))

    def renew(self, channel: WantedChannel) -> object:
        def work() -> object:
            return self._put(channel, anew=False) if channel.channel_id in self.live() else None

        return self._called("renew", work)

    def find(self, channel_id: str, module: str) -> FoundChannel | None:
        def work() -> FoundChannel | None:
            found = self.live().get(channel_id)
            return found if found and found.module == module else None

        return self._called("find", work)

    def every(self) -> list[FoundChannel]:
        return self._called("every", lambda: list(self.live().values()))

    def remove(self, channel_id: str) -> None:
        self._called("remove", lambda: self._kept.pop(channel_id, None))

    # -- behind the flow's back

    def live(self) -> dict[str, FoundChannel]:
        """What Zoho has now, by id."""
        now = self.clock.now()
        return {key: one for key, one in self._kept.items() if now < one.expires_at}

    def drop(self) -> None:
        """Everything is gone, and nobody is told."""
        self._kept.clear()

    def put(self, found: FoundChannel) -> None:
        """Another application's."""
        self._kept[found.channel_id] = found

    def shorten(self, by: timedelta) -> None:
        """Zoho lets everything expire sooner than it granted."""
        self._kept = {key: replace(one, expires_at=one.expires_at - by) for key, one in self._kept.items()}

    def _put(self, channel: WantedChannel, *, anew: bool) -> object:
        now = self.clock.now()
        if anew:
            self._enabled[channel.channel_id] = now
        start = self._enabled[channel.channel_id] if self.from_enabling else now
        asked = channel.expires_at
        until = asked if asked <= start + self.longest else now + self.otherwise
        until = until.replace(microsecond=0)
        token_hash = hashlib.sha256(channel.token.encode()).hexdigest()
        self._kept[channel.channel_id] = FoundChannel(
            channel.module, channel.channel_id, channel.notify_url, token_hash, until
        )
        self.tokens[channel.module] = channel.token
        self.history[channel.token] = until
        return until

    def _called(self, name: str, work: Callable[[], Answer]) -> Answer:
        self.calls.append(name)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and not fault.after:
            raise _anew(fault.error)
        answer = work()
        if fault is not None:
            raise _anew(fault.error)
        return answer


def _anew(error: BaseException) -> BaseException:
    """The same error: one that was raised before carries its traceback."""
    return type(error)(error.happened) if isinstance(error, ConnectorError) else type(error)()
