"""/actions/watch: channels are enabled, replaced, changed, listed and disabled (Zoho's "Notification APIs" pages).

Every object of a call is answered by itself: 201 or 200 when all went well, 207 for some, 400 for none.
"""

from collections.abc import Callable
from dataclasses import replace

from ml_connector.simulators.zoho.call import Call, split_ids
from ml_connector.simulators.zoho.metadata import Module
from ml_connector.simulators.zoho.replies import (
    ItemRefusedError,
    JsonObject,
    Reply,
    failure,
    items_reply,
    json_reply,
    missing_parameter,
)
from ml_connector.simulators.zoho.watch import Subscription, granted_expiry, shown
from ml_connector.simulators.zoho.watch_checks import (
    MAX_CHANNELS,
    channel_id_of,
    events_of,
    expiry_of,
    flag_of,
    in_order,
    need,
    token_of,
    url_of,
)
from ml_connector.simulators.zoho.watch_conditions import KEY, conditions_of

MAX_PER_PAGE = 200
_MANDATORY = ("channel_id", "events", "notify_url")
_SUBSCRIBED = "Successfully subscribed for actions-watch of the given module"
_UPDATED = "Successfully updated the subscribe details"
_REMOVED = "Successfully removed the subscribe details"
_UNSUBSCRIBED = "Successfully un-subscribed from actions-watch"
# As an integrator's catalogue of the call has it (withone.ai); Zoho's files have the code alone.
_NOT_SUBSCRIBED = "Not subscribed for actions-watch of the given module/channel"

_Subscriptions = dict[str, Subscription]


def enable_channels(call: Call) -> Reply:
    """POST: of an existing channel, the modules that are named begin anew and the others stay (inferred)."""
    return _reply(call, enabled(call), created=201)


def enabled(call: Call) -> list[JsonObject]:
    """What is answered for each object of a POST."""
    return _each(call, lambda spec, path: _enable(call, spec, path))


def replace_channels(call: Call) -> Reply:
    """PUT: "all the provided details would be persisted and rest of the details would be removed"."""

    def change(spec: JsonObject, path: str) -> JsonObject:
        need(spec, _MANDATORY, path)
        before = _subscribed(call, channel_id_of(spec, path))
        item = _enable(call, spec, path)
        for module in before.keys() - events_of(call.org, spec, path).keys():
            call.org.watch.remove(before[module])
        return item

    return _reply(call, _each(call, change))


def update_channels(call: Call) -> Reply:
    """PATCH: changes what is said; with `_delete_events`, events are taken away."""

    def change(spec: JsonObject, path: str) -> JsonObject:
        if flag_of(spec, "_delete_events", path):
            return _remove_events(call, spec, path)
        return _update(call, spec, path)

    return _reply(call, _each(call, change))


def disable_channels(call: Call) -> Reply:
    """DELETE: each module of the channels is answered by itself, as Zoho's example has it."""
    channel_ids = split_ids(call.query.get("channel_ids", ""))
    if not channel_ids:
        raise missing_parameter("channel_ids")
    items: list[JsonObject] = []
    with call.org.lock:
        for channel_id in channel_ids:
            try:
                items += [_disabled(call, one) for one in _subscribed(call, channel_id).values()]
            except ItemRefusedError as error:
                items.append(error.item)
    return _reply(call, items)


def list_channels(call: Call) -> Reply:
    """GET: the user's live ones, those of other applications among them."""
    page, per_page = call.whole("page", 1, 1, 10_000), call.whole("per_page", MAX_PER_PAGE, 1, MAX_PER_PAGE)
    with call.org.lock:
        live = call.org.watch.of_user(call.user, call.org.clock.now())
        chosen = [one for one in live if _is_asked_for(call, one)]
        start = (page - 1) * per_page
        data = [_listed(call, one) for one in chosen[start : start + per_page]]
    if not data:
        return Reply(204)
    more = start + per_page < len(chosen)
    info = {"per_page": per_page, "count": len(data), "page": page, "more_records": more}
    return json_reply(200, {"watch": data, "info": info}, len(data))


def _each(call: Call, change: Callable[[JsonObject, str], JsonObject]) -> list[JsonObject]:
    """The items of the answer. A PATCH may come without `watch`, as Zoho's OpenAPI file has it."""
    if call.method == "PATCH" and "watch" not in call.body and "channel_id" in call.body:
        call.body = {"watch": [call.body]}
    items = []
    with call.org.lock:
        for number, spec in enumerate(call.items("watch", MAX_CHANNELS)):
            try:
                items.append(change(spec, f"$.watch[{number}]"))
            except ItemRefusedError as error:
                items.append(error.item)
    return items


def _enable(call: Call, spec: JsonObject, path: str) -> JsonObject:
    need(spec, _MANDATORY, path)
    org, now = call.org, call.org.clock.now()
    events = events_of(org, spec, path)
    modules = {module: org.tables[module].module for module in events}
    conditions = conditions_of(spec, path, modules)
    first = Subscription(
        user=call.user,
        channel_id=channel_id_of(spec, path),
        module="",
        notify_url=url_of(spec, path),
        token=token_of(spec, path),
        events=(),
        enabled_at=now,
        expires_at=granted_expiry(org.options, expiry_of(spec, path, now), now, now),
        returns_values=flag_of(spec, "return_affected_field_values", path) or False,
        on_related_action=flag_of(spec, "notify_on_related_action", path) is not False,
    )
    made = [
        replace(first, module=module, events=events[module], condition=conditions.get(module))
        for module in modules
    ]
    return _kept(call, made, _SUBSCRIBED)


def _update(call: Call, spec: JsonObject, path: str) -> JsonObject:
    needed = _MANDATORY if call.org.options.watch_patch_needs == "all" else ("channel_id",)
    need(spec, needed, path)
    before = _subscribed(call, channel_id_of(spec, path))
    events = events_of(call.org, spec, path) if spec.get("events") else {}
    modules = {name: call.org.tables[name].module for name in events or before}
    conditions = conditions_of(spec, path, modules)
    changed = [
        _updated(call, spec, path, before.get(name) or _sibling(before, name), events.get(name))
        for name in modules
    ]
    if KEY in spec:
        changed = [replace(one, condition=conditions.get(one.module)) for one in changed]
    return _kept(call, changed, _UPDATED)


def _sibling(before: _Subscriptions, module: str) -> Subscription:
    """What a module that a channel did not watch begins with: the details of the channel's first one (inferred)."""
    return replace(next(iter(before.values())), module=module, events=(), condition=None)


def _updated(
    call: Call, spec: JsonObject, path: str, old: Subscription, events: tuple[str, ...] | None
) -> Subscription:
    options, now = call.org.options, call.org.clock.now()
    asked = expiry_of(spec, path, now)
    says_nothing = asked is None and options.watch_patch_expiry == "kept"
    expires_at = old.expires_at if says_nothing else granted_expiry(options, asked, now, old.enabled_at)
    if events and options.watch_patch_events == "add":
        events = in_order({*old.events, *events})
    returns = flag_of(spec, "return_affected_field_values", path)
    related = flag_of(spec, "notify_on_related_action", path)
    return replace(
        old,
        notify_url=url_of(spec, path) if spec.get("notify_url") else old.notify_url,
        token=token_of(spec, path) or old.token,
        events=events or old.events,
        expires_at=expires_at,
        returns_values=old.returns_values if returns is None else returns,
        on_related_action=old.on_related_action if related is None else related,
    )


def _remove_events(call: Call, spec: JsonObject, path: str) -> JsonObject:
    need(spec, ("channel_id", "events"), path)
    before = _subscribed(call, channel_id_of(spec, path))
    gone = events_of(call.org, spec, path)
    if not before.keys() & gone.keys():
        raise ItemRefusedError(_not_subscribed())
    touched = [before[module] for module in gone if module in before]
    for old in touched:
        left = in_order({*old.events} - {*gone[old.module]})
        if left:
            call.org.watch.put(replace(old, events=left))
        else:
            call.org.watch.remove(old)
    told = [_event(call, old) for old in touched]
    for event in told:
        del event["channel_expiry"]  # Zoho's example of this answer has none
    return _success({"events": told}, _REMOVED)


def _disabled(call: Call, subscription: Subscription) -> JsonObject:
    call.org.watch.remove(subscription)
    event = _event(call, subscription)
    kept = {name: event[name] for name in ("resource_uri", "resource_id", "channel_id")}
    return _success(kept, _UNSUBSCRIBED)


def _subscribed(call: Call, channel_id: str) -> _Subscriptions:
    found = call.org.watch.of_channel(call.user, channel_id, call.org.clock.now())
    if not found:
        raise ItemRefusedError(_not_subscribed())
    return found


def _kept(call: Call, subscriptions: list[Subscription], message: str) -> JsonObject:
    for one in subscriptions:
        call.org.watch.put(one)
    return _success({"events": [_event(call, one) for one in subscriptions]}, message)


def _event(call: Call, subscription: Subscription) -> JsonObject:
    expiry = call.org.clock.render(subscription.expires_at)
    return shown(subscription, _module(call, subscription).id, expiry, call.base_url)


def _listed(call: Call, one: Subscription) -> JsonObject:
    """A subscription as GET shows it, in the words of Zoho's example."""
    module = _module(call, one)
    condition = None
    if one.condition:
        named = {"api_name": module.api_name, "id": module.id}
        selection = one.condition.to_json(module)
        condition = [{"field_selection": selection, "module": named, "type": "field_selection"}]
    return {
        **_event(call, one),
        "notify_on_related_action": one.on_related_action,
        "return_affected_field_values": one.returns_values,
        "notify_url": one.notify_url,
        "fields": None,
        "notification_condition": condition,
        "events": one.event_names(),
        "token": one.token,
    }


def _module(call: Call, subscription: Subscription) -> Module:
    return call.org.tables[subscription.module].module


def _is_asked_for(call: Call, one: Subscription) -> bool:
    channel_id, module = call.query.get("channel_id"), call.query.get("module")
    return channel_id in (None, one.channel_id) and module in (None, one.module)


def _success(details: JsonObject, message: str) -> JsonObject:
    return {"code": "SUCCESS", "details": details, "message": message, "status": "success"}


def _not_subscribed() -> JsonObject:
    return failure("NOT_SUBSCRIBED", _NOT_SUBSCRIBED, {})


def _reply(call: Call, items: list[JsonObject], created: int = 200) -> Reply:
    reply = items_reply("watch", items, created)
    return replace(reply, status=call.org.options.watch_refusal_status) if reply.status == 400 else reply
