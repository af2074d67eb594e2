"""Zoho's own Python SDK keeps a channel, and must not notice that it talks to a simulator."""

import pytest

from zoho_sdk import IS_INSTALLED, run_sdk

pytestmark = pytest.mark.skipif(not IS_INSTALLED, reason="Zoho's SDK is not installed")

SCRIPT = r"""
from zohocrmsdk.src.com.zoho.crm.api.notifications import (
    BodyWrapper, Criteria, DeleteNotificationParam, Field, GetNotificationsParam, Module, Notification,
    NotificationCondition, NotificationsOperations)

calls = NotificationsOperations()
def channel(number, *events, **more):
    one = Notification()
    one.set_channel_id(number)
    one.set_events(list(events))
    one.set_notify_url("http://127.0.0.1:1/hooks")
    for name, value in more.items():
        getattr(one, "set_" + name)(value)
    return one
def body(*channels):
    wrapper = BodyWrapper()
    wrapper.set_watch(list(channels))
    return wrapper
def items(response):
    found = response.get_object().get_watch()
    return [response.get_status_code(), [(type(one).__name__, one.get_code().get_value()) for one in found]]
def listed():
    parameters = ParameterMap()
    parameters.add(GetNotificationsParam.channel_id, 10001)
    answer = calls.get_notifications(parameters)
    if answer.get_status_code() == 204:
        return 204
    return [[one.get_resource_name(), one.get_events(), one.get_token()] for one in answer.get_object().get_watch()]

condition, selection, module, field, part = NotificationCondition(), Criteria(), Module(), Field(), Criteria()
module.set_api_name("Deals")
field.set_api_name("Stage")
part.set_field(field)
selection.set_group_operator("or")
selection.set_group([part])
condition.set_type("field_selection")
condition.set_module(module)
condition.set_field_selection(selection)

expiry = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=6)
good = channel("10001", "Deals.all", "Quotes.edit", token="secret", channel_expiry=expiry,
               notification_condition=[condition], return_affected_field_values=True, notify_on_related_action=False)
made = calls.enable_notifications(body(good, channel("10002", "Dreams.all")))
seen["enabled"] = items(made)
event = made.get_object().get_watch()[0].get_details()["events"][0]
seen["granted"] = event.get_channel_expiry() == expiry
seen["listed"] = listed()
seen["changed"] = items(calls.update_notification(body(channel("10001", "Deals.edit", token="other"))))
seen["taken"] = items(calls.disable_notification(body(channel("10001", "Deals.delete", delete_events=True))))
seen["listed_later"] = listed()
seen["replaced"] = items(calls.update_notifications(body(channel("10001", "Contacts.create"))))
seen["listed_last"] = listed()
parameters = ParameterMap()
parameters.add(DeleteNotificationParam.channel_ids, "10001")
seen["disabled"] = items(calls.delete_notification(parameters))
seen["gone"] = items(calls.delete_notification(parameters))
seen["none"] = listed()
"""


def test_zohos_sdk_keeps_a_channel(zoho, tmp_path):
    good, refused = ["SuccessResponse", "SUCCESS"], "APIException"
    assert run_sdk(zoho, tmp_path, SCRIPT) == {
        "enabled": [207, [good, [refused, "INVALID_DATA"]]],
        "granted": True,
        "listed": [
            ["Deals", ["Deals.edit", "Deals.create", "Deals.delete"], "secret"],
            ["Quotes", ["Quotes.edit"], "secret"],
        ],
        "changed": [200, [good]],
        "taken": [200, [good]],
        "listed_later": [
            ["Deals", ["Deals.edit", "Deals.create"], "other"],
            ["Quotes", ["Quotes.edit"], "secret"],
        ],
        "replaced": [200, [good]],
        "listed_last": [["Contacts", ["Contacts.create"], None]],
        "disabled": [200, [good]],
        "gone": [400, [[refused, "NOT_SUBSCRIBED"]]],
        "none": 204,
    }
