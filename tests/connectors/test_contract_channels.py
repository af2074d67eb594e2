"""Notification channels: what the port promises, of Zoho's simulator and of the channels in memory alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from memory import FakeClock
from memory_channels import MemoryChannels
from ml_connector.connectors.zoho_crm import ZohoChannels
from ml_connector.core.ports import Channels, FoundChannel, WantedChannel
from ml_connector.simulators.zoho import ZohoOptions, ZohoSimulator
from zoho_org import zoho_client

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
URL, TOKEN = "http://127.0.0.1:1/webhooks/zoho/p1", "kept-by-nobody"


@dataclass
class World:
    """Channels, whose time can be moved on."""

    channels: Channels
    now: Callable[[], datetime]
    move: Callable[[timedelta], None]

    def wanted(self, life: timedelta = DAY, **more: str) -> WantedChannel:
        given = {"module": "Deals", "channel_id": "123456789012345678", "notify_url": URL, "token": TOKEN}
        return WantedChannel(**given | more, expires_at=self.now() + life)

    def shown(self, wanted: WantedChannel, until: datetime) -> FoundChannel:
        token_hash = hashlib.sha256(wanted.token.encode()).hexdigest()
        return FoundChannel(wanted.module, wanted.channel_id, wanted.notify_url, token_hash, until)

    def is_about(self, until: datetime, life: timedelta) -> bool:
        """Whether it was granted for so long a moment ago."""
        return self.now() + life - timedelta(minutes=2) < until <= self.now() + life


@pytest.fixture(params=["zoho", "memory"])
def world(request: pytest.FixtureRequest, tmp_path) -> Iterator[World]:
    if request.param == "memory":
        clock = FakeClock()
        yield World(MemoryChannels(clock), clock.now, lambda by: clock.sleep(by.total_seconds()))
        return
    with ZohoSimulator(ZohoOptions()) as simulator, zoho_client(simulator.url, tmp_path) as client:
        clock = simulator.org.clock

        def move(by: timedelta) -> None:
            clock.offset_seconds += by.total_seconds()
            client.auth.sign_in_anew()

        yield World(ZohoChannels(client), lambda: datetime.fromtimestamp(clock.now(), UTC), move)


def test_it_is_enabled_found_renewed_and_removed(world: World) -> None:
    first = world.wanted()
    until = world.channels.enable(first)
    assert until == first.expires_at.replace(microsecond=0)
    assert world.channels.find(first.channel_id, "Deals") == world.shown(first, until)
    assert world.channels.find(first.channel_id, "Quotes") is None
    assert world.channels.find("1", "Deals") is None
    world.move(HOUR)
    second = world.wanted(6 * DAY, token="another", notify_url=f"{URL}/more")
    later = world.channels.renew(second)
    assert later == second.expires_at.replace(microsecond=0)
    assert world.channels.every() == [world.shown(second, later)]
    world.channels.remove(first.channel_id)
    assert world.channels.every() == []
    world.channels.remove(first.channel_id)


def test_to_enable_it_twice_is_to_enable_it_once(world: World) -> None:
    world.channels.enable(world.wanted())
    second = world.wanted(2 * DAY, token="another")
    until = world.channels.enable(second)
    assert world.channels.every() == [world.shown(second, until)]


@pytest.mark.parametrize("life", [8 * DAY, 30 * DAY])
def test_more_than_a_week_is_an_hour(world: World, life: timedelta) -> None:
    assert world.is_about(world.channels.enable(world.wanted(life)), HOUR)
    assert world.is_about(world.channels.renew(world.wanted(life)), HOUR)


def test_what_expired_is_not_there_and_cannot_be_renewed(world: World) -> None:
    world.channels.enable(world.wanted())
    world.move(DAY + HOUR)
    assert world.channels.find("123456789012345678", "Deals") is None
    assert world.channels.renew(world.wanted()) is None
    assert world.channels.every() == []
    assert world.channels.enable(world.wanted())
