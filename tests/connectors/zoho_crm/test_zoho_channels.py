"""Channels over Zoho's simulator: what is sent, what is refused and how that is told, what is somebody else's."""

import json
from datetime import timedelta

import pytest

from ml_connector.connectors.zoho_crm import ZohoChannels
from ml_connector.connectors.zoho_crm.channels import encode
from ml_connector.core.errors import ConfigurationError, NotPermittedError, RetryableError
from ml_connector.core.ports import WantedChannel
from ml_connector.core.waits import ZOHO

URL, TOKEN = "http://127.0.0.1:1/webhooks/zoho/p1", "a-token-that-nobody-shows"
STRANGE = {"channel_id": "77", "events": ["Deals.all"], "notify_url": "https://crm.example.net/hook"}


@pytest.fixture
def channels(org):
    return ZohoChannels(org.target().client)


@pytest.fixture
def wanted(clock):
    def channel(**more):
        given = {"module": "Deals", "channel_id": "123456789012345678", "notify_url": URL, "token": TOKEN}
        return WantedChannel(**given | more, expires_at=clock.now() + timedelta(days=6))

    return channel


def kept(org):
    return {one["channel_id"]: one for one in org.control("GET", "channels")}


def test_the_whole_object_is_sent_each_time(wanted):
    channel = wanted()
    assert encode(channel) == {
        "channel_id": "123456789012345678",
        "events": ["Deals.all"],
        "notify_url": URL,
        "token": TOKEN,
        "channel_expiry": channel.expires_at.replace(microsecond=0).isoformat(),
        "notify_on_related_action": False,
    }
    assert TOKEN not in repr(channel)


def test_other_applications_channels_are_listed_and_left_alone(org, channels, wanted):
    org.control("POST", "channels", {"watch": [STRANGE]})
    org.control(
        "POST", "channels", {"user": "5725767000000411002", "watch": [STRANGE | {"channel_id": "78"}]}
    )
    channels.enable(wanted())
    assert [one.channel_id for one in channels.every()] == ["77", "123456789012345678"]
    assert channels.every()[0].token_hash == ""
    channels.remove("123456789012345678")
    assert kept(org).keys() == {"77", "78"}
    assert channels.find("78", "Deals") is None, "it is another user's"


def test_lists_of_several_pages_are_read_whole(org, channels):
    for start in range(1, 406, 45):
        many = [STRANGE | {"channel_id": str(number)} for number in range(start, start + 45)]
        org.control("POST", "channels", {"watch": many})
    assert [one.channel_id for one in channels.every()] == [str(number) for number in range(1, 406)]


@pytest.mark.parametrize("kind", ["cut_after_work", "http_500_after_work", "drop", "garbage_json"])
def test_a_lost_answer_is_asked_for_again_which_changes_nothing(org, channels, wanted, kind):
    for method, ask in (("POST", channels.enable), ("PATCH", channels.renew)):
        org.faults({"match": f"{method} /crm/v8/actions/watch", "kind": kind})
        assert ask(wanted()) is not None
        assert kept(org).keys() == {"123456789012345678"}
    org.faults({"match": "DELETE /crm/v8/actions/watch", "kind": kind})
    channels.remove("123456789012345678")
    assert kept(org) == {}


def test_what_stays_away_is_for_the_next_turn(org, channels, wanted):
    org.faults({"match": "POST /crm/v8/actions/watch", "kind": "http_500", "count": 10})
    with pytest.raises(RetryableError) as caught:
        channels.enable(wanted())
    assert caught.value.system == ZOHO


@pytest.mark.parametrize("status", [400, 202])
@pytest.mark.parametrize(
    ("more", "remedy"),
    [
        ({"module": "Dreams"}, "[webhooks] modules"),
        ({"notify_url": "ftp://example.com/hook"}, "[webhooks] url"),
        ({"token": "t" * 51}, "report it"),
    ],
)
def test_a_refusal_says_what_to_change_and_never_the_token(start, wanted, status, more, remedy):
    channels = ZohoChannels(start(watch_refusal_status=status).target().client)
    with pytest.raises(ConfigurationError) as caught:
        channels.enable(wanted(**more))
    assert remedy in str(caught.value)
    assert "INVALID_DATA" in str(caught.value)
    assert not any(secret in str(caught.value) for secret in (TOKEN, "ttt"))
    assert caught.value.system == ZOHO


def test_an_expiry_in_the_past_is_a_matter_of_clocks(channels, wanted, clock):
    clock.ahead -= timedelta(days=30)
    with pytest.raises(ConfigurationError, match="clock"):
        channels.enable(wanted())


def test_a_missing_scope_is_named(start, wanted):
    channels = ZohoChannels(start(scopes="ZohoCRM.org.READ").target().client)
    with pytest.raises(NotPermittedError, match=r"ZohoCRM\.notifications\.ALL"):
        channels.enable(wanted())
    with pytest.raises(NotPermittedError, match="read the notification channels"):
        channels.every()


def test_where_the_longest_life_counts_from_enabling_a_renewal_says_so(start, wanted, clock):
    org = start(watch_renewal="from_enabling")
    channels = ZohoChannels(org.target().client)
    channels.enable(wanted())
    clock.ahead += timedelta(days=2)
    org.control("POST", "settings", {"clock_offset_seconds": 2 * 86_400})
    until = channels.renew(wanted())
    assert timedelta(minutes=55) < until - clock.now() < timedelta(minutes=65)


def test_a_renewal_changes_address_and_token_and_nothing_is_added(org, channels, wanted):
    channels.enable(wanted())
    channels.renew(wanted(token="another", notify_url=f"{URL}/new"))
    [now] = kept(org).values()
    assert (now["token"], now["notify_url"]) == ("another", f"{URL}/new")
    assert sorted(now["events"]) == ["Deals.create", "Deals.delete", "Deals.edit"]
    assert json.dumps(now).count("Deals.") == 3
