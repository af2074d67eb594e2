"""What a test or a demo does with channels and notifications, behind Zoho's back: calls below `/_control/`.

| call | does |
| --- | --- |
| GET channels | every user's live subscriptions: user, channel_id, module, notify_url, token, events, expires_at |
| POST channels | `{"user", "watch": [...]}`: enables channels as another application, of this or of another user |
| POST channels/remove | `{"channel_ids": [...]}`: they are gone and nobody is told; without the key all of them |
| GET/DELETE notices | notifications made, dropped, sent, with a wrong token, under way, and statuses of the answers |
| GET notices/sent | the latest ones that were sent, the latest last; status 0: there was no answer, see `said` |
| POST notices/wait | `{"seconds": 30}`: waits until none is under way; `idle` says whether it is, beside the counts |
"""

from collections.abc import Callable
from typing import Any

from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.people import API_USER
from ml_connector.simulators.zoho.replies import JsonObject
from ml_connector.simulators.zoho.watch_calls import enabled

_PATIENCE_SECONDS = 30


def watch_controls(org: Org) -> dict[str, Callable[[Any], object]]:
    """The calls by method and path."""
    return {
        "GET channels": lambda _: _channels(org),
        "POST channels": lambda given: _enable(org, given),
        "POST channels/remove": lambda given: _remove(org, given),
        "GET notices": lambda _: org.notices.counts(),
        "DELETE notices": lambda _: org.notices.clear(),
        "GET notices/sent": lambda _: org.notices.sent(),
        "POST notices/wait": lambda given: _wait(org, given),
    }


def _channels(org: Org) -> list[JsonObject]:
    names = ("user", "channel_id", "module", "notify_url", "token", "expires_at")
    with org.lock:
        live = org.watch.live(org.clock.now())
    return [{**{name: getattr(one, name) for name in names}, "events": one.event_names()} for one in live]


def _enable(org: Org, given: JsonObject) -> list[JsonObject]:
    call = Call(org, "POST", {}, {}, user=given.get("user", API_USER), body=given)
    return enabled(call)


def _remove(org: Org, given: JsonObject) -> list[JsonObject]:
    gone = given.get("channel_ids")
    with org.lock:
        for one in org.watch.live(org.clock.now()):
            if gone is None or one.channel_id in gone:
                org.watch.remove(one)
    return _channels(org)


def _wait(org: Org, given: JsonObject) -> JsonObject:
    idle = org.notices.wait_until_idle(given.get("seconds", _PATIENCE_SECONDS))
    return {"idle": idle, **org.notices.counts()}
