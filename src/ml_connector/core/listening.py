"""How a module of the CRM is listened to: when it is polled, how far back, and up to when all of it is known. Pure.

A live channel tells of changes, and a poll finds them. While a channel is live a poll is only for safety; while it is
not, polls are all there is. What was not told of, before a channel was enabled and while nobody was there to be told,
is found by a poll that began after that. A poll looks back to the cursor, which polls alone move: so that it does not
matter to it what was told of meanwhile, or was lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ml_connector.core.change import Cursor
from ml_connector.core.channels import Channel, is_live

#: So long after we asked for a channel it tells of everything at the latest: the call itself may take a minute.
SETTLES_IN = timedelta(minutes=5)


class Way(StrEnum):
    """How changes of a module become known at present."""

    TOLD = "told"  #: by its channel; polls are for safety
    CATCHING_UP = "catching up"  #: by its channel, and what that did not tell of is being polled
    POLLED = "polled"  #: by polls alone


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a module is polled."""

    poll: timedelta  #: while its channel is not live
    safety: timedelta  #: while it is


@dataclass(frozen=True, slots=True)
class Listening:
    """What is known of a module's channel and polls; instants are our clock's."""

    module: str
    channel: Channel | None = None
    polled_at: datetime | None = None  #: when the last poll began of which everything is recorded
    up_since: datetime | None = None  #: since when somebody takes notifications; None: nobody does
    missed_at: datetime | None = None  #: when one was last refused that may have been the CRM's

    def told_from(self, now: datetime) -> datetime | None:
        """From when on everything is told of, which may be a moment ahead; None: it is not told of."""
        channel = self.channel
        if (
            channel is None
            or self.up_since is None
            or channel.enabled_at is None
            or not is_live(channel, now)
        ):
            return None
        return max(channel.enabled_at + SETTLES_IN, self.up_since)


def way(listening: Listening, now: datetime) -> Way:
    """How its changes become known."""
    told_from = listening.told_from(now)
    if told_from is None:
        return Way.POLLED
    polled_at, missed_at = listening.polled_at, listening.missed_at
    if polled_at is None or not told_from <= polled_at <= now:
        return Way.CATCHING_UP
    return Way.CATCHING_UP if missed_at is not None and polled_at <= missed_at else Way.TOLD


def poll_due_at(listening: Listening, pace: Pace, now: datetime) -> datetime:
    """When it is to be polled next; not later than ``now``: it is due.

    A gap is closed at once, and a new channel's beginning once that has settled. A notification that was refused has
    it polled as if there were no channel: who can have many refused cannot have it polled all the time.
    """
    polled_at = listening.polled_at
    if polled_at is None or polled_at > now:  # never, or before our clock was set back
        return now
    told_from = listening.told_from(now)
    if told_from is not None and polled_at < told_from:
        return min(polled_at + pace.poll, told_from)
    return polled_at + (pace.safety if way(listening, now) is Way.TOLD else pace.poll)


def since(cursor: Cursor | None, overlap: timedelta, start_at: datetime | None) -> datetime | None:
    """From when on a poll lists changes; None: all there are. ``start_at``: nothing before it is of any interest."""
    if cursor is None:
        return start_at
    back = cursor.since(overlap)
    return back if start_at is None else max(back, start_at)


def deleted_since(
    listening: Listening, cursor: Cursor | None, overlap: timedelta, began_at: datetime
) -> datetime:
    """From when on a poll lists what was deleted, which has no stamp that would move a cursor: since the last poll.

    When that was is not known after a restore: then since the cursor, which is older.
    """
    last = listening.polled_at or (cursor.at if cursor else began_at)
    return min(last, began_at) - overlap


def known_up_to(listening: Listening, waiting_since: datetime | None, now: datetime) -> datetime | None:
    """Up to when every change is known and recorded; None: up to no instant.

    ``waiting_since``: since when the longest waiting record has waited that was told of. What is on its way to us for
    a few seconds is not seen here.
    """
    polled_at = listening.polled_at
    if polled_at is None:
        return None
    up_to = min(polled_at, now)
    if way(listening, now) is not Way.TOLD:
        return up_to
    return max(up_to, min(waiting_since or now, now))
