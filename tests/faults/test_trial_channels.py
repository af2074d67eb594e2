"""Thirty days in which channels fail in every way, with all that goes into GP at work: no document missed or doubled.

What tells of changes is the simulator, over the wire, to the process that serves; that one sleeps, or is not there,
for a week each. ``TRIALS`` in the environment: so many months, each by another seed; ``TRIAL_SIZE``: so much goes on.
"""

from __future__ import annotations

import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from agreement import differences, documents
from past import SEEDS, SIZE, go_back, load_first, passing, writes
from people import ITEMS, People
from turns import HOUR, MovedClock, Turned

from ml_connector.cli.serve import alerting_of, listener_of, receiving_of
from ml_connector.core import channels as deciding
from ml_connector.core.channels import Channel
from ml_connector.duties import watched
from ml_connector.flows.alerting import Alerting
from ml_connector.flows.channels import Keeping
from ml_connector.flows.listening import Listener
from ml_connector.store import channels
from ml_connector.web.app import create_app
from ml_connector.web.server import served
from ml_connector.web.webhooks import Receiving, webhooks
from summary import TOLD
from systems import World, assert_settled, gp_options, opened, zoho_options

DAY = timedelta(days=1)
WATCH = "/crm/v8/actions/watch"
DEEDS = {
    People.order: 5,
    People.quote: 2,
    People.deal: 3,
    People.reorder: 2,
    People.go_on: 3,
}
#: Hours between two things that people do.
BETWEEN = (3 / SIZE, 18 / SIZE)
#: Turns at which nothing is due are left out, up to so long.
LONGEST = 8 * HOUR
LAST = 4 * DAY  #: in which all is well again, every flow has its time, and so have won deals


class NoPost:
    """Nobody is written to: what is told is heard all the same."""

    def send(self, address: str, title: str, text: str) -> str:
        return ""

    def remember(self, addresses: Sequence[str]) -> None:
        """There are none."""


@dataclass
class Month:
    """Everything of one trial."""

    world: World
    clock: MovedClock
    people: People
    port: int
    alarms: list[tuple[str, datetime]] = field(default_factory=list)  #: of which module, and when
    counted: Counter[str] = field(default_factory=Counter)
    unannounced: list[str] = field(default_factory=list)
    next_deed_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.next_deed_at = self._later()

    def _later(self) -> datetime:
        return self.clock.now() + self.people.chance.uniform(*BETWEEN) * HOUR

    def tell(self, _event: str, /, **where: object) -> None:
        if where.get("alert") == "channel" and where.get("level") == "warning":
            self.alarms.append((str(where["subject"]), self.clock.now()))

    def move_to(self, at: datetime) -> None:
        """It is then, and what people do in that moment is done and told."""
        by = max(at - self.clock.now(), timedelta(seconds=1))
        self.clock.by += by
        self.world.move_clocks(by)
        if self.next_deed_at <= self.clock.now():
            self.counted[f"{self.people.act()}s"] += 1
            self.next_deed_at = self._later()
            assert self.world.zoho_call("POST", "notices/wait", {"seconds": 60})["idle"]

    def pass_unseen(self, span: timedelta) -> None:
        """Nobody is there to be told, or to do anything about it."""
        end = self.clock.now() + span
        while self.clock.now() < end:
            self.move_to(min(self.next_deed_at, end))


@dataclass
class Process:
    """A process that serves: all of it that has a thread of its own there takes its turns here."""

    month: Month
    turned: Turned
    receiving: Receiving
    keeping: Keeping
    listener: Listener
    alerting: Alerting

    def live(self, span: timedelta) -> None:
        """It can be reached for so long, and does what it has to."""
        web = create_app(list, bytes, webhooks(self.receiving))
        with served(web, "127.0.0.1", self.month.port):
            end = self.month.clock.now() + span
            self._turn()
            while (now := self.month.clock.now()) < end:
                due = [at for at in (self.month.next_deed_at, *self._due_at()) if at > now]
                self.month.move_to(min([end, now + LONGEST, *due]))
                self._turn()

    def _turn(self) -> None:
        self.keeping.turn()
        self._look_whether_missed()
        self.listener.turn()
        self.turned.serving.turn()
        self.alerting.turn()

    def _due_at(self) -> Iterator[datetime]:
        """When its channels have something to be done."""
        for row in self._rows():
            if row.expires_at is not None:
                yield from (deciding.renewal_at(row, row.expires_at), row.expires_at)
            if row.next_try_at is not None:
                yield row.next_try_at

    def _look_whether_missed(self) -> None:
        """An expiry that came although a process was there to renew it, and told when."""
        for row in self._rows():
            now, ends = self.month.clock.now(), row.expires_at
            if ends is not None and ends <= now and f"{row.module} {ends}" not in self.month.counted:
                self.month.counted[f"{row.module} {ends}"] = 1
                self.month.counted["expiries missed"] += 1
                since = row.failing_since
                known = [at for module, at in self.month.alarms if module == row.module]
                if since is None or not any(since <= at < ends for at in known):
                    self.month.unannounced.append(f"{row.module} {ends}")

    def _rows(self) -> list[Channel]:
        with self.turned.app.database.read() as tx:
            return channels.find_all(tx)


@contextmanager
def process(month: Month) -> Iterator[Process]:
    def fault(error: Exception) -> None:
        raise error

    with passing(month.world, month.clock) as turned, receiving_of(turned.app, fault) as receiving:
        app, stopping = turned.app, turned.serving.stopping
        alerting = alerting_of(app, watched(app), NoPost(), month.tell, stopping)
        listener = listener_of(app, receiving, month.tell, stopping)
        keeping = app.keeping(month.tell, stopping)
        yield Process(month, turned, receiving, keeping, listener, alerting)
        month.counted["notifications taken"] += receiving.counted()["accepted"]


# -- what happens to channels


def fails_now_and_then(month: Month, one: Process) -> None:
    """Renewals and looks fail some times in a row, before and after Zoho has done them."""
    for _ in range(5):
        kinds = month.people.chance.sample(
            ["http_500", "http_500_after_work", "drop", "cut_after_work", "http_429"], 2
        )
        counts = [month.people.chance.randint(1, 6) for _ in kinds]
        month.world.zoho_faults(
            *(
                {"match": f"{verb} {WATCH}", "kind": kind, "count": count}
                for kind, count in zip(kinds, counts, strict=True)
                for verb in ("PATCH", "POST", "GET")
            )
        )
        one.live(DAY)
    month.world.zoho_faults()


def fails_for_a_week(month: Month, one: Process) -> None:
    """No renewal comes through, nor is any channel enabled."""
    month.world.zoho_faults(
        *({"match": f"{verb} {WATCH}", "kind": "http_500", "count": 10**6} for verb in ("PATCH", "POST"))
    )
    one.live(7 * DAY)
    month.world.zoho_faults()


def is_shortened(month: Month, one: Process) -> None:
    """Zoho lets channels end sooner than it granted, takes them away, and grants an hour in place of days."""
    one.live(2 * HOUR)  # whatever failed before, there are channels again
    _shorten(month, 5 * HOUR)
    one.live(DAY)
    month.world.zoho_call("POST", "channels/remove", {})
    one.live(DAY)
    usual = month.world.zoho_call("GET", "settings")["watch_maximum_seconds"]
    month.world.zoho_call("POST", "settings", {"watch_maximum_seconds": 3600})
    _shorten(month, HOUR)
    one.live(DAY / 2)
    month.world.zoho_call("POST", "settings", {"watch_maximum_seconds": usual})
    one.live(DAY)


def _shorten(month: Month, left: timedelta) -> None:
    until = (month.clock.now() + left).replace(microsecond=0).isoformat()
    watch = [
        {
            "channel_id": one["channel_id"],
            "events": one["events"],
            "channel_expiry": until,
            "token": one["token"],
            "notify_url": one["notify_url"],
        }
        for one in month.world.zoho_call("GET", "channels")
    ]
    month.world.zoho_call("POST", "channels", {"watch": watch})


def loses_what_it_tells(month: Month, one: Process) -> None:
    """Notifications are dropped, doubled, late, out of order and forged."""
    month.world.zoho_call(
        "POST",
        "settings",
        {
            "notice_drop_share": 0.3,
            "notice_copies": (1, 3),
            "notice_shuffle_seconds": 0.2,
            "notice_wrong_token_share": 0.1,
        },
    )
    one.live(2 * DAY)
    month.world.zoho_call(
        "POST",
        "settings",
        {
            "notice_drop_share": 0,
            "notice_copies": (1, 1),
            "notice_shuffle_seconds": 0,
            "notice_wrong_token_share": 0,
        },
    )


def sleeps(month: Month, one: Process) -> None:
    """The machine sleeps over the end of its channels; the process knows nothing of it."""
    month.pass_unseen(6 * DAY + HOUR)
    one.live(DAY / 2)


TROUBLES: tuple[Callable[[Month, Process], None], ...] = (
    fails_now_and_then,
    fails_for_a_week,
    is_shortened,
    loses_what_it_tells,
    sleeps,
)


@contextmanager
def office(folder: Path, seed: int) -> Iterator[Month]:
    with opened(folder, gp=gp_options(0), zoho=zoho_options(), provisioned=False) as world:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        world.write_settings(
            flows__vendors="{ enabled = false }",
            flows__gl_accounts="{ enabled = true, schedule = '0 5 1 * *' }",
            sales_orders__enabled="true",
            sales_quotes__enabled="true",
            sales_deals__enabled="true",
            sales_deals__item="'DEAL'",
            serve__schedule="'0 5 * * 1,4'",
            serve__wait_seconds="0",
            webhooks__url=f"'http://127.0.0.1:{port}'",
            webhooks__coalesce_seconds="0",
            webhooks__poll_seconds="21600",
            webhooks__safety_poll_seconds="86400",
        )
        world.here("provision", "--yes")
        for operation in ("CreateSalesOrder", "UpdateSalesOrder", "CreateSalesQuote", "UpdateSalesQuote"):
            world.gp.control(
                "POST", f"policies/{operation}", {"Calculate Unit Price": 0, "Check Credit Limit": 0}
            )
        for customer in world.customers():
            world.change(customer["id"], set={"is_active": True, "is_on_hold": False})
        made = world.seed(*({"Product_Name": one, "Product_Code": one} for one in ITEMS), module="Products")
        clock = go_back(world, 36 * DAY + LAST)
        people = People(
            world,
            random.Random(seed),
            deeds=DEEDS,
            products=dict(zip(ITEMS, made, strict=True)),
            with_deals=0,
        )
        with passing(world, clock) as turned:
            load_first(turned, ["gl_accounts", "customers"])
        yield Month(world, clock, people, port)


@pytest.mark.parametrize("seed", SEEDS)
def test_thirty_days_of_trouble_with_channels(tmp_path: Path, seed: int) -> None:
    with office(tmp_path, seed) as month:
        began_at = month.clock.now()
        troubles = month.people.chance.sample(TROUBLES, len(TROUBLES))
        with process(month) as one:
            one.live(DAY)
            for trouble in troubles[:2]:
                trouble(month, one)
            if month.people.chance.random() < 0.5:
                one.listener.end()  # in good order; else it was killed
        month.pass_unseen(7 * DAY)
        with process(month) as one:
            for trouble in troubles[2:]:
                trouble(month, one)
            days = (month.clock.now() - began_at) / DAY
            month.next_deed_at += 100 * DAY
            one.live(LAST)
            month.world.forget()
            one.live(DAY)
            written = writes(month.world)
        found = differences(month.world, month.people.deal_of)
        rows = documents(month.world)
        TOLD.append(_told(month, seed, days, rows, found))
        assert days >= 30
        assert found == []
        assert month.unannounced == []
        assert month.counted["expiries missed"] > 0
        assert {call: n for call, n in written.items() if WATCH not in call} == {}
        assert_settled(month.world)


def _told(month: Month, seed: int, days: float, rows: Mapping[str, int], found: Sequence[Any]) -> str:
    counted = month.counted
    missed = sum(one[1] == "documents" and one[2] == 0 for one in found)
    return (
        f"channels: seed {seed}, {days:.0f} days: {sum(rows.values())} documents of {len(rows)} records"
        f" ({counted['notifications taken']} notifications taken), missed {missed}, doubled"
        f" {sum(rows.values()) - len(rows)}; expiries missed {counted['expiries missed']}, without an alarm before"
        f" {len(month.unannounced)}"
    )
