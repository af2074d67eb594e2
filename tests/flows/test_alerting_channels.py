"""A channel that cannot be kept, from the row to the message and to its all-clear."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from memory import START, FakeClock
from ml_connector.core.alerts import Limits
from ml_connector.core.channels import Channel
from ml_connector.flows.alerting import Alerting
from ml_connector.store import channels
from ml_connector.store.database import Database

DAY = timedelta(days=1)
LIMITS = Limits(timedelta(minutes=30), timedelta(), timedelta(hours=1), 7 * DAY, timedelta(minutes=5))
LIVE = Channel("Deals", "1", "p", expires_at=START + 6 * DAY, enabled_at=START)


class Postbox:
    """Takes every message."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, address: str, title: str, text: str) -> str:
        self.sent.append((title, text))
        return ""

    def remember(self, addresses: object) -> None:
        """Nothing."""


def test_it_is_told_once_before_the_end_and_once_that_it_is_well(database: Database) -> None:
    clock, post = FakeClock(), Postbox()
    alerting = Alerting(database, clock, post, ["alerts.mail"], [], LIMITS, lambda *_, **__: None, START)

    def turn(channel: Channel, at: timedelta) -> list[str]:
        clock.at = START + at
        with database.begin() as tx:
            channels.put(tx, channel)
        alerting.turn()
        return [title.removeprefix("ml-connector: ") for title, _ in post.sent]

    fails = replace(LIVE, failing_since=START + 2 * DAY, tries=1, reason="The scope was not granted.")
    assert turn(LIVE, 2 * DAY) == []
    assert turn(fails, 3 * DAY) == []
    told = ["Zoho may tell no more of Deals"]
    assert turn(fails, 4 * DAY) == told
    assert turn(replace(fails, tries=9), 5 * DAY) == told
    assert "ends at 2026-11-08 08:30 UTC" in post.sent[0][1]
    well = replace(LIVE, renewed_at=START + 5 * DAY, expires_at=START + 11 * DAY)
    assert turn(well, 5 * DAY) == [*told, "Deals is well again"]
    assert turn(well, 6 * DAY) == [*told, "Deals is well again"]
