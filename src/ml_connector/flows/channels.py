"""Keeping the notification channels: each module's is enabled, renewed, looked at, enabled anew where it is gone.

    its row -> what is to be done now -> token, row (committed) -> Zoho -> row

Whoever dies anywhere in that leaves a row that says what was asked and not that it was done: the next turn looks. A
callback that comes before the answer is known by path and token all the same.
"""

from __future__ import annotations

import hashlib
import secrets as random
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from ml_connector.core import channels as deciding
from ml_connector.core.channels import Channel, Step
from ml_connector.core.errors import ConfigurationError, ConnectorError
from ml_connector.core.ports import Channels, Clock, Tell, WantedChannel
from ml_connector.core.waits import DATABASE
from ml_connector.flows.turns import turn_by_turn
from ml_connector.store import channels
from ml_connector.store.database import Database

#: Below the public address: what Zoho posts to, a path of a channel behind it.
PATH = "/webhooks/zoho/"
_RANDOM_BYTES = 32  # 43 characters; Zoho takes tokens of 50
_FIRST_ID, _IDS = 10**17, 9 * 10**17  # numbers of 18 digits, which fit 64 bits
_STEPS = 4  # look, renew, enable anew, and nothing more: one turn needs no more of them
_EVERY_SECONDS = 15.0


class Tokens(Protocol):
    """The secrets, as far as they are needed here."""

    def put(self, name: str, value: str) -> None:
        """Keep it in place of what was there."""

    def get(self, name: str) -> str:
        """The value. ConfigurationError: there is none, or it does not open."""

    def delete(self, name: str) -> bool:
        """Forget it."""


@dataclass(slots=True)
class Keeping:
    """Keeps the channels of the modules; called again and again."""

    database: Database
    clock: Clock
    tokens: Tokens
    target: Channels
    url: str  #: the public address; empty: there is none, and no channel
    modules: Sequence[str]
    alone: Callable[[str], AbstractContextManager[None]]  #: no other process does anything with its channel
    tell: Tell
    stopping: threading.Event = field(default_factory=threading.Event)

    def turn(self) -> None:
        """Everything that is to be done now. RetryableError, ConfigurationError: of the store.

        What goes wrong at the target is kept with the channel, and tried again.
        """
        for module in self._every():
            if self.stopping.is_set():
                return
            if self._next(module)[1] is not Step.NOTHING:
                with self.alone(module):
                    self.keep(module)

    def keep(self, module: str) -> None:
        """Do with its channel what is to be done now; the caller is alone."""
        for _ in range(_STEPS):
            channel, step = self._next(module)
            if step is Step.NOTHING:
                return
            self._take(step, channel)

    def renew(self, module: str) -> Channel:
        """Renew it before its time, or enable it where there is none; as it is then. The caller is alone."""
        channel, step = self._next(module)
        if step in (Step.NOTHING, Step.LOOK, Step.REMOVE):
            step = Step.RENEW if deciding.is_live(channel, self.clock.now()) else Step.ENABLE
        self._take(step, channel)
        self.keep(module)
        return self._find(module) or channel

    def remove(self, channel: Channel) -> None:
        """Remove it from the target and forget it. RetryableError, ConfigurationError. The caller is alone."""
        self._keep(replace(channel, todo=Step.LOOK))  # should it be wanted again before it is forgotten
        found = self.target.find(channel.channel_id, channel.module)
        if found is not None and deciding.is_ours(channel, found):
            self.target.remove(channel.channel_id)
        self._forget(channel)

    # -- one step

    def _every(self) -> Sequence[str]:
        """The modules that have a channel, or are to have one."""
        with self.database.read() as tx:
            known = [channel.module for channel in channels.find_all(tx)]
        return list(dict.fromkeys([*(self.modules if self.url else ()), *known]))

    def _next(self, module: str) -> tuple[Channel, Step]:
        """Its channel, a new one where there is none, and what is to be done with it."""
        channel = self._find(module)
        if channel is None:
            if not self._is_wanted(module):
                return _new(module), Step.NOTHING
            channel = _new(module)
        return channel, deciding.next_step(channel, self._address(channel), self.clock.now())

    def _is_wanted(self, module: str) -> bool:
        return bool(self.url) and module in self.modules

    def _address(self, channel: Channel) -> str:
        """Where its notifications are to arrive; empty: nobody wants them any more."""
        return f"{self.url}{PATH}{channel.path}" if self._is_wanted(channel.module) else ""

    def _find(self, module: str) -> Channel | None:
        with self.database.read() as tx:
            return channels.find(tx, module)

    def _take(self, step: Step, channel: Channel) -> None:
        """One step; what goes wrong at the target is kept with the channel."""
        if step in (Step.ENABLE, Step.RENEW):
            channel = self._prepared(step, channel)
        try:
            _TAKE[step](self, channel)
        except ConnectorError as error:
            if error.system == DATABASE:
                raise
            self._fail(step, channel, error)

    def _prepared(self, step: Step, channel: Channel) -> Channel:
        """The channel as it will be asked for, with its token: kept before the target knows of it."""
        token = self._token(channel) or random.token_urlsafe(_RANDOM_BYTES)
        self.tokens.put(channels.token_name(channel.module), token)
        prepared = deciding.asked(channel, step, self._address(channel), fingerprint(token), self.clock.now())
        self._keep(prepared)
        return prepared

    def _token(self, channel: Channel) -> str:
        """The token that it keeps; empty: it is given another."""
        if not channel.token_hash or not deciding.keeps_token(channel, self.clock.now()):
            return ""
        try:
            kept = self.tokens.get(channels.token_name(channel.module))
        except ConfigurationError:  # the master key is another
            return ""
        return kept if fingerprint(kept) == channel.token_hash else ""

    def _wanted(self, channel: Channel, now: datetime) -> WantedChannel:
        token = self.tokens.get(channels.token_name(channel.module))
        until = now + deciding.LIFE
        return WantedChannel(channel.module, channel.channel_id, channel.notify_url, token, until)

    def _enable(self, channel: Channel) -> None:
        now = self.clock.now()
        self._grant(Step.ENABLE, channel, self.target.enable(self._wanted(channel, now)), now)

    def _renew(self, channel: Channel) -> None:
        now = self.clock.now()
        until = self.target.renew(self._wanted(channel, now))
        if until is None:
            self._keep(deciding.gone(channel))
            self._say(channel, _GONE.format(channel.module), level="warning")
        else:
            self._grant(Step.RENEW, channel, until, now)

    def _grant(self, step: Step, channel: Channel, until: datetime, now: datetime) -> None:
        if until <= now:
            raise ConfigurationError(
                f"Zoho granted the channel until {until:%Y-%m-%d %H:%M} UTC, which has passed by our clock.",
                "Compare this machine's clock with the time elsewhere.",
            )
        granted = deciding.granted(channel, step, until, now)
        self._keep(granted)
        told = f"Zoho tells of changes in {channel.module} until {until:%Y-%m-%d %H:%M} UTC."
        self._say(channel, f"{told} {granted.reason}".rstrip())

    def _look(self, channel: Channel) -> None:
        now = self.clock.now()
        found = self.target.find(channel.channel_id, channel.module)
        if found is not None and not deciding.is_ours(channel, found):
            self._forget(channel)  # another application chose the same number: ours is another from now on
            return
        self._keep(deciding.looked(channel, found, now))
        if found is None and deciding.is_live(channel, now):
            self._say(channel, _GONE.format(channel.module), level="warning")

    def _forget(self, channel: Channel) -> None:
        with self.database.begin() as tx:
            channels.forget(tx, channel.module)
        self.tokens.delete(channels.token_name(channel.module))

    def _fail(self, step: Step, channel: Channel, error: ConnectorError) -> None:
        failed = deciding.failed(channel, step, error, self.clock.now())
        self._keep(failed)
        if failed.reason != channel.reason:
            told = f"The channel of {channel.module} could not be kept ({step.value}): {error}"
            self._say(channel, told, level="warning")

    def _keep(self, channel: Channel) -> None:
        with self.database.begin() as tx:
            channels.put(tx, channel)

    def _say(self, channel: Channel, told: str, level: str = "info") -> None:
        self.tell(told, level=level, module=channel.module)


_TAKE: dict[Step, Callable[[Keeping, Channel], None]] = {
    Step.ENABLE: Keeping._enable,  # noqa: SLF001 -- the table of its own steps
    Step.RENEW: Keeping._renew,  # noqa: SLF001
    Step.LOOK: Keeping._look,  # noqa: SLF001
    Step.REMOVE: Keeping.remove,
}


def keep(keeping: Keeping, fault: Callable[[Exception], None], every: float = _EVERY_SECONDS) -> None:
    """Until its ``stopping`` is set. While the store is away nothing can be done; the flows tell that."""
    if not keeping.url:
        keeping.tell("Zoho tells of no change by itself, for [webhooks] url is not set.")
    turn_by_turn(keeping.turn, keeping.stopping, every, "Channels wait", keeping.tell, fault)


_GONE = "Zoho has no channel of {} any more; it is enabled anew."


def fingerprint(token: str) -> str:
    """How a token is kept where it may be seen: its SHA-256, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def _new(module: str) -> Channel:
    """A channel that nobody knows of yet."""
    channel_id = str(_FIRST_ID + random.randbelow(_IDS))
    return Channel(module, channel_id, random.token_urlsafe(_RANDOM_BYTES))
