"""What is to be done with a module's notification channel now. Pure: its row, the address it is to have, an instant.

A channel is a row of ours from before it is enabled until it is removed; its id and its path stay, its token is another
with each renewal for which no older one is taken still. What Zoho is to be asked for is kept first (``asked``). So
whatever is known to Zoho is known here, and what became of an ask whose answer was lost is found out by looking
(``Step.LOOK``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ml_connector.core.errors import ConfigurationError, ConnectorError, NotDoneError, RetryableError
from ml_connector.core.ports import FoundChannel

#: So long a channel is asked for. Zoho grants a week at the most; for what is longer by its own clock it grants an hour
#: and says nothing (facts 4), so a day is left to clocks that differ.
LIFE = timedelta(days=6)
#: A channel that is looked at less often may be gone unseen.
LOOKED_EVERY = timedelta(days=1)
FIRST_AGAIN, LONGEST_AGAIN = timedelta(minutes=1), timedelta(hours=1)
_DOUBLINGS = 10


class Step(StrEnum):
    """What may be done with a channel."""

    NOTHING = ""
    ENABLE = "enable"
    RENEW = "renew"
    LOOK = "look"  #: ask Zoho how it stands
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Channel:
    """A module's channel, as far as we know."""

    module: str
    channel_id: str  #: a number that we chose, as text
    path: str  #: the end of its address: random, which nobody guesses
    notify_url: str = ""  #: the whole address, as it was asked for last
    token_hash: str = ""  #: SHA-256 of the token as it was asked for last, in hexadecimal
    is_taken: bool = False  #: Zoho has that token, for certain
    old_token_hash: str = ""  #: of the token before it; empty: there is none
    old_until: datetime | None = (
        None  #: until then that one is taken, too: the expiry that it was asked for with
    )
    expires_at: datetime | None = (
        None  #: as Zoho granted it; None: there is no channel, or nobody knows of one
    )
    enabled_at: datetime | None = None
    renewed_at: datetime | None = None
    verified_at: datetime | None = None  #: when Zoho last told us of it
    todo: Step = Step.NOTHING  #: what has to be done whatever the instant
    tries: int = 0  #: in vain
    failing_since: datetime | None = None
    next_try_at: datetime | None = None
    reason: str = ""  #: why the last try was in vain, or what else there is to say


# -- what is to be done


def next_step(channel: Channel, notify_url: str, now: datetime) -> Step:
    """What is to be done now. ``notify_url``: the address that it is to have; empty: it is not wanted any more."""
    if _is_put_off(channel, now):
        return Step.NOTHING
    if not notify_url:
        return Step.REMOVE
    if channel.todo:
        return channel.todo
    if channel.expires_at is None or channel.expires_at <= now:
        return Step.ENABLE
    if channel.notify_url != notify_url or renewal_at(channel, channel.expires_at) <= now:
        return Step.RENEW
    return Step.LOOK if _is_long_ago(channel.verified_at, now) else Step.NOTHING


def is_live(channel: Channel, now: datetime) -> bool:
    """Whether its module's changes are told of, as far as we know; else the module is to be polled."""
    return channel.expires_at is not None and now < channel.expires_at


def renewal_at(channel: Channel, expires_at: datetime) -> datetime:
    """When it is to be renewed: once a third of its granted life has passed."""
    begun_at = _begun_at(channel) or expires_at - LIFE
    return begun_at + (expires_at - begun_at) / 3


def keeps_token(channel: Channel, now: datetime) -> bool:
    """Whether it is asked for with the token that it has: Zoho may have that by now, or one before it is taken still.

    So two tokens are taken at the most, and each for as long as it was granted.
    """
    return not channel.is_taken or (channel.old_until is not None and now < channel.old_until)


def alarm_at(channel: Channel) -> datetime | None:
    """From when a person is to be told that it fails: two thirds into its life, so before it ends. None: it is well."""
    if channel.failing_since is None:
        return None
    if channel.expires_at is None:
        return channel.failing_since
    renewal = renewal_at(channel, channel.expires_at)
    return max(channel.failing_since, renewal + (channel.expires_at - renewal) / 2)


def is_ours(channel: Channel, found: FoundChannel) -> bool:
    """Whether what Zoho shows under its id is this channel: nobody else knows the path of its address."""
    return found.channel_id == channel.channel_id and found.notify_url.endswith(f"/{channel.path}")


def not_ours(found: Iterable[FoundChannel], known: Iterable[Channel]) -> list[FoundChannel]:
    """Those of other applications."""
    ours = {channel.channel_id: channel for channel in known}
    return [one for one in found if (own := ours.get(one.channel_id)) is None or not is_ours(own, one)]


def _is_put_off(channel: Channel, now: datetime) -> bool:
    """Whether the last try was in vain and the next is later; a clock that was set back puts nothing off for long."""
    return channel.next_try_at is not None and now < channel.next_try_at <= now + LONGEST_AGAIN


def _is_long_ago(at: datetime | None, now: datetime) -> bool:
    return at is None or abs(now - at) >= LOOKED_EVERY


def _begun_at(channel: Channel) -> datetime | None:
    """When the life that it has now was granted."""
    return max(filter(None, (channel.enabled_at, channel.renewed_at)), default=None)


# -- what has become of it


def asked(channel: Channel, step: Step, notify_url: str, token_hash: str, now: datetime) -> Channel:
    """As it is kept before Zoho is asked to enable or renew it: the answer is not known yet.

    A callback may carry the new token before our answer is there, and the old one for as long as that was granted.
    """
    new = replace(channel, notify_url=notify_url, token_hash=token_hash, is_taken=False, todo=Step.LOOK)
    if channel.is_taken and token_hash != channel.token_hash:
        new = replace(new, old_token_hash=channel.token_hash, old_until=channel.expires_at)
    return replace(new, enabled_at=None, renewed_at=None) if step is Step.ENABLE else new


def granted(channel: Channel, step: Step, expires_at: datetime, now: datetime) -> Channel:
    """Zoho enabled or renewed it until then.

    Where it counts the longest life from when a channel was enabled ("from the time they are enabled", says its page),
    a renewal is suddenly short: such a channel is enabled anew.
    """
    begun_at, cut = _begun_at(channel), False
    if step is Step.RENEW and begun_at is not None and channel.expires_at is not None:
        cut = 2 * (expires_at - now) < channel.expires_at - begun_at
    new = replace(channel, expires_at=expires_at, todo=Step.ENABLE if cut else Step.NOTHING)
    new = replace(new, renewed_at=now) if step is Step.RENEW else replace(new, enabled_at=now)
    well = _well(new, now, _SHORT if 2 * (expires_at - now) < LIFE else "")
    return replace(well, is_taken=not cut)  # enabled anew it has this token, too


def looked(channel: Channel, found: FoundChannel | None, now: datetime) -> Channel:
    """Zoho showed it so; None: it has none of this id and module. What is found is ours (``is_ours``)."""
    if found is None:
        return gone(channel)
    is_as_asked = (found.token_hash, found.notify_url) == (channel.token_hash, channel.notify_url)
    is_undone = not channel.is_taken and found.expires_at == channel.expires_at
    if not is_as_asked or is_undone:
        seen = replace(channel, expires_at=found.expires_at, verified_at=now)
        return replace(seen, is_taken=False, todo=Step.RENEW)
    if not channel.is_taken:  # the answer was lost, and it had been done
        return granted(channel, Step.RENEW if channel.enabled_at else Step.ENABLE, found.expires_at, now)
    reason = "" if channel.failing_since else channel.reason
    return _well(replace(channel, expires_at=found.expires_at, todo=Step.NOTHING), now, reason)


def gone(channel: Channel) -> Channel:
    """Zoho has it no more, or never had: it is enabled anew, with the token that callbacks may carry already."""
    return replace(channel, expires_at=None, is_taken=False, todo=Step.ENABLE)


def failed(channel: Channel, step: Step, error: ConnectorError, now: datetime) -> Channel:
    """The step was in vain; the next try is after ever longer. What was not done for certain is simply done again."""
    todo = Step.LOOK if step is Step.REMOVE else channel.todo
    if step in (Step.ENABLE, Step.RENEW) and isinstance(error, NotDoneError | ConfigurationError):
        todo = step
    said = error.after_seconds if isinstance(error, RetryableError) else None
    wait = max(FIRST_AGAIN * 2.0 ** min(channel.tries, _DOUBLINGS), timedelta(seconds=said or 0))
    return replace(
        channel,
        todo=todo,
        tries=channel.tries + 1,
        failing_since=channel.failing_since or now,
        next_try_at=now + min(wait, LONGEST_AGAIN),
        reason=str(error),
    )


def _well(channel: Channel, now: datetime, reason: str) -> Channel:
    new = replace(channel, is_taken=True, verified_at=now, reason=reason)
    return replace(new, tries=0, failing_since=None, next_try_at=None)


_SHORT = "Zoho granted it for a shorter time than was asked for; it is renewed the more often."
