"""Notification channels: who is told of which changes of which modules, where, and until when (facts 4).

A channel is a number that its maker chose. For each module whose events it asks for it has a subscription of its own,
with its own expiry: Zoho's own example of GET shows one channel twice, with two expiries. A channel belongs to the user
who made it; to other users it does not exist.
"""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from ml_connector.simulators.zoho.options import ZohoOptions
from ml_connector.simulators.zoho.replies import JsonObject
from ml_connector.simulators.zoho.watch_conditions import Selection

EVENTS = ("edit", "create", "delete")
"""In the order in which Zoho lists them."""
ALL_EVENTS = "all"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a channel is told of one module. Times are seconds since 1970."""

    user: str
    channel_id: str
    module: str
    notify_url: str
    token: str | None
    events: tuple[str, ...]
    enabled_at: float
    expires_at: int
    returns_values: bool = False
    """Whether it is told the values that changed, too."""
    on_related_action: bool = True
    """Whether it is told of a record when one that points to it is written."""
    condition: Selection | None = None
    """The fields that must have changed."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is known by."""
        return self.user, self.channel_id, self.module

    def query_params(self) -> dict[str, str]:
        """Those of the URL, which every notification repeats; of several with one name the last."""
        return dict(parse_qsl(urlsplit(self.notify_url).query, keep_blank_values=True))

    def event_names(self) -> list[str]:
        """As GET shows them: `all` is spelled out."""
        return [f"{self.module}.{event}" for event in EVENTS if event in self.events]


@dataclass(slots=True)
class Watch:
    """Every subscription of the organisation; its lock is held for each method."""

    _subscriptions: dict[tuple[str, str, str], Subscription] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nobody has ever watched anything, or everybody has left."""
        return not self._subscriptions

    def live(self, now: float) -> list[Subscription]:
        """Those that have not expired, in the order in which they were made."""
        return [one for one in self._subscriptions.values() if now < one.expires_at]

    def of_user(self, user: str, now: float) -> list[Subscription]:
        """A user's live ones."""
        return [one for one in self.live(now) if one.user == user]

    def of_channel(self, user: str, channel_id: str, now: float) -> dict[str, Subscription]:
        """The live ones of a user's channel, by module; none when it expired, or is somebody else's."""
        return {one.module: one for one in self.of_user(user, now) if one.channel_id == channel_id}

    def put(self, subscription: Subscription) -> None:
        """A new one, or another in the place of the one with its key."""
        self._subscriptions[subscription.key] = subscription

    def remove(self, subscription: Subscription) -> None:
        """Nothing is told to it from now on."""
        self._subscriptions.pop(subscription.key, None)

    def forget_module(self, module: str) -> None:
        """The module is gone, and what was watched of it."""
        kept = {key: one for key, one in self._subscriptions.items() if one.module != module}
        self._subscriptions = kept


def granted_expiry(options: ZohoOptions, asked: int | None, now: float, enabled_at: float) -> int:
    """Until when a subscription lives: as asked, or for an hour when nothing or too much was asked for.

    Zoho says nothing of the difference. The longest time counts from now, or from when it was enabled (see options.py).
    """
    start = enabled_at if options.watch_renewal == "from_enabling" else now
    if asked is None or asked > start + options.watch_maximum_seconds:
        return int(now + options.watch_default_seconds)
    return asked


def shown(subscription: Subscription, module_id: str, expiry: str, base_url: str) -> JsonObject:
    """One of the events in the details of an answer."""
    return {
        "channel_expiry": expiry,
        "resource_uri": f"{base_url}/crm/v8/{subscription.module}",
        "resource_id": module_id,
        "resource_name": subscription.module,
        "channel_id": subscription.channel_id,
    }
