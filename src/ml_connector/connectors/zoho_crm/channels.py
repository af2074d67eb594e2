"""Zoho's notification channels as the port has them. Source: Zoho CRM API v8, "Notification APIs" (facts 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ml_connector.connectors.zoho_crm import codes, errors, wire
from ml_connector.connectors.zoho_crm.client import ZohoClient
from ml_connector.connectors.zoho_crm.wire import Item
from ml_connector.core.errors import ConfigurationError, ConnectorError, RetryableError
from ml_connector.core.ports import FoundChannel, WantedChannel
from ml_connector.core.waits import ZOHO

_NOT_THERE = (
    "NOT_SUBSCRIBED"  #: what changing or removing a channel says that is gone, expired or another user's
)


class ZohoChannels:
    """Implements the port ``Channels``. Thread-safe."""

    def __init__(self, client: ZohoClient) -> None:
        self._client = client

    def enable(self, channel: WantedChannel) -> datetime:
        """Have it, anew where it is there; until when Zoho grants it."""
        return _granted(self._client.watch("POST", encode(channel)), channel)

    def renew(self, channel: WantedChannel) -> datetime | None:
        """Change it to this; until when Zoho grants it. None: Zoho has it no more."""
        item = self._client.watch("PATCH", encode(channel))
        return None if item.code == _NOT_THERE else _granted(item, channel)

    def find(self, channel_id: str, module: str) -> FoundChannel | None:
        """The channel as Zoho has it now; None: there is none."""
        found, _ = self._client.list_watched({"channel_id": channel_id, "module": module})
        return next((one for one in map(_found, found) if _is(one, channel_id, module)), None)

    def every(self) -> list[FoundChannel]:
        """All channels of our user, a row for each of their modules, in Zoho's order."""
        every: list[FoundChannel] = []
        page, more = 1, True
        while more:
            found, more = self._client.list_watched({"page": str(page), "per_page": "200"})
            every += map(_found, found)
            page += 1
        return every

    def remove(self, channel_id: str) -> None:
        """Have it no more; that there is none is no error."""
        item = self._client.unwatch(channel_id)
        if not item.ok and item.code != _NOT_THERE:
            raise _refused(item, "remove a notification channel")


def encode(channel: WantedChannel) -> dict[str, object]:
    """The whole channel, for PATCH, too: most of it is mandatory there, and an expiry that is left out becomes an hour.

    Records that are only pointed to by what was written are not told of; if nothing is said, they are.
    """
    return {
        "channel_id": channel.channel_id,
        "events": [f"{channel.module}.all"],
        "notify_url": channel.notify_url,
        "token": channel.token,
        "channel_expiry": wire.stamp(channel.expires_at),
        "notify_on_related_action": False,
    }


def _granted(item: Item, channel: WantedChannel) -> datetime:
    """The expiry that the answer names for the module; Zoho may have granted another than was asked for."""
    if not item.ok:
        raise _refused(item, f"be notified of {channel.module}")
    events = item.details.get("events")
    told = [one for one in events if isinstance(one, dict)] if isinstance(events, list) else []
    own = (one.get("channel_expiry") for one in told if one.get("resource_name") == channel.module)
    if (until := wire.instant(next(own, None))) is not None:
        return until
    raise _away(f"Zoho made a notification channel of {channel.module} and did not say until when.")


def _found(row: Mapping[str, Any]) -> FoundChannel:
    until = wire.instant(row.get("channel_expiry"))
    if until is None:
        raise _away("Zoho listed a notification channel and did not say until when.")
    token = row.get("token")
    return FoundChannel(
        module=str(row.get("resource_name") or ""),
        channel_id=str(row.get("channel_id") or ""),
        notify_url=str(row.get("notify_url") or ""),
        token_hash=hashlib.sha256(token.encode()).hexdigest() if isinstance(token, str) else "",
        expires_at=until,
    )


def _is(found: FoundChannel, channel_id: str, module: str) -> bool:
    return (found.channel_id, found.module) == (channel_id, module)


def _refused(item: Item, operation: str) -> ConnectorError:
    """Why Zoho refused; its message alone is told, for what else it says may repeat the token."""
    errors.check_permitted(item, operation)
    about = str(item.details.get("api_name") or "")
    said = f"{item.code}: {wire.redact(item.message)}" + (f" ({about})" if about else "")
    error = ConfigurationError(
        f"Zoho did not let us {operation}; it said {said}.", codes.WATCH.get(about, _REPORT)
    )
    error.system = ZOHO
    return error


def _away(happened: str) -> RetryableError:
    error = RetryableError(happened, codes.TRY_AGAIN)
    error.system = ZOHO
    return error


_REPORT = "It is tried again; if it stays, please report it."
