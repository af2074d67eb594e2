"""A month of sales orders while Zoho's channel fails in some way, by a clock that is moved to the next due instant.

Both simulators are on the wire and tell of changes over it. Whatever has a thread of its own in ``serve`` takes its
turns here, one after the other, whenever something is due for one of them: an order that a person makes, a renewal, a
look at the channel, its end, an alarm, a poll, a notification that is ripe. The time between them passes at once.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import stamina
from past import AtOnce

from ml_connector.app import App
from ml_connector.bootstrap import open_app
from ml_connector.cli.serve import alerting_of, listener_of, place_of, receiving_of
from ml_connector.core import channels as deciding
from ml_connector.core.channels import LOOKED_EVERY, Channel
from ml_connector.core.listening import SETTLES_IN
from ml_connector.duties import find_modules, watched
from ml_connector.flows.alerting import Alerting
from ml_connector.flows.channels import Keeping
from ml_connector.flows.listening import Listener
from ml_connector.flows.serving import Serving
from ml_connector.settings_file import load_settings
from ml_connector.store import channels, schedules
from ml_connector.web.app import create_app
from ml_connector.web.server import served
from ml_connector.web.webhooks import Receiving, webhooks
from systems import World

MODULE, FLOW = "Sales_Orders", "sales_orders"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BETWEEN = (2.0, 10.0)  #: hours from one order to the next: four a day
CHANGED = 0.25  #: so great a part of them has a person change an earlier order, too
IN_TIME = HOUR / 2  #: a slow machine is slow
LONGEST = 6 * HOUR  #: nothing has to be due for so long
PRICE = 189.95
WATCH = "/crm/v8/actions/watch"
AT_ONCE = 3  #: so often one try calls Zoho that fails, without a pause


class Way(StrEnum):
    """How the connector is."""

    UP = "up"
    ASLEEP = "asleep"  #: the machine is: whatever is told meanwhile reaches nobody, and nobody notices
    DOWN = "down"  #: there is no process


@dataclass(frozen=True)
class Spell:
    """What goes on for a while."""

    span: timedelta
    way: Way = Way.UP
    fails: int = 0  #: so many tries of each of these calls fail, anew after each that granted anything
    how: Mapping[str, str] = field(default_factory=lambda: {"PATCH": "http_500", "POST": "http_500"})
    zoho: Mapping[str, object] = field(default_factory=dict)  #: how its simulator is set
    ends_after: timedelta | None = None  #: so soon Zoho ends what it granted for longer, and tells nobody


@dataclass
class Time:
    """It passes everywhere at once."""

    world: World
    by: timedelta = timedelta()
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by

    def sleep(self, seconds: float) -> None:
        self.pass_to(self.now() + timedelta(seconds=seconds))

    def pass_to(self, at: datetime) -> None:
        with self._turn:
            self.by += max(at - self.now(), timedelta())
            offset = {"clock_offset_seconds": self.by.total_seconds()}
            self.world.gp.control("POST", "settings", offset)
            self.world.zoho_call("POST", "settings", offset)


@dataclass
class Mailbox:
    """What people are told: at the place of what sends alerts."""

    time: Time
    raised: int = 0  #: times, that the channel fails
    open_since: datetime | None = None  #: since when somebody knows that, and of no end of it

    def send(self, _address: str, title: str, text: str) -> str:
        if title == f"ml-connector: Zoho may tell no more of {MODULE}":
            self.raised += 1
            self.open_since = self.time.now()
        elif "The channel by which Zoho tells of" in text:
            self.open_since = None
        return ""

    def remember(self, addresses: Sequence[str]) -> None:
        """They are at hand."""


@dataclass
class Month:
    """Everything of one trial."""

    world: World
    time: Time
    port: int
    account: str
    product: str
    chance: random.Random
    way: Way = Way.UP
    orders: dict[str, str] = field(
        default_factory=dict
    )  #: id -> the customer's own number in it, as it is now
    counted: Counter[str] = field(default_factory=Counter)
    unannounced: list[datetime] = field(default_factory=list)  #: ends that nobody was told of before
    waiting: dict[str, datetime] = field(
        default_factory=dict
    )  #: id -> when it was made; Zoho was not told of its number
    late: set[str] = field(default_factory=set)  #: made before there was a channel, and known long after
    order_at: datetime = field(init=False)  #: when a person makes the next order
    mail: Mailbox = field(init=False)

    def __post_init__(self) -> None:
        self.mail = Mailbox(self.time)
        self.order_at = self.time.now() + HOUR

    def pass_to(self, at: datetime) -> None:
        """It is then, and what people do in that moment is done, and is told."""
        self.time.pass_to(at)
        if self.order_at <= self.time.now():
            self._order()
            self.order_at = self.time.now() + self.chance.uniform(*BETWEEN) * HOUR
            self.hear()

    def hear(self) -> None:
        """Whatever is told of has arrived, or never will."""
        assert self.world.zoho_call("POST", "notices/wait", {"seconds": 60})["idle"]

    def pass_unseen(self, span: timedelta) -> None:
        """Nobody is there to be told, or to do anything about it."""
        end = self.time.now() + span
        while self.time.now() < end:
            self.pass_to(min(self.order_at, end))

    def live(self) -> list[Mapping[str, Any]]:
        """The channels that Zoho has."""
        return list(self.world.zoho_call("GET", "channels"))

    def _order(self) -> None:
        number = len(self.orders) + 1
        line = {"Product_Name": {"id": self.product}, "Quantity": 1, "List_Price": PRICE}
        record = {"Subject": f"Order {number}", "Account_Name": {"id": self.account}, "Ordered_Items": [line]}
        own = f"PO {number}"
        self.counted[self.way if self.way is not Way.UP or self.live() else "no channel"] += 1
        told = self.world.zoho_call(
            "POST", f"create/{MODULE}", {"records": [record | {"Purchase_Order": own}]}
        )
        assert not told["errors"], told
        self.orders[told["ids"][0]] = own
        self.waiting[told["ids"][0]] = self.time.now()
        if self.chance.random() < CHANGED:
            changed = self.chance.choice(list(self.orders)[-8:])
            self.orders[changed] += "x"
            self.counted["changed"] += 1
            self.world.edit(changed, module=MODULE, Purchase_Order=self.orders[changed])


@dataclass
class Process:
    """A process that serves."""

    month: Month
    app: App
    engine: AtOnce
    receiving: Receiving
    serving: Serving
    keeping: Keeping
    listener: Listener
    alerting: Alerting
    spell: Spell = Spell(DAY)
    _granted_at: datetime | None = None
    _ended: datetime | None = None  #: the end of a channel that was noted last
    _unseen_since: datetime | None = None  #: since when Zoho has no channel, and nobody knows

    def live(self, spell: Spell) -> None:
        """It can be reached for so long, and does what it has to."""
        month, self.spell = self.month, spell
        end = month.time.now() + spell.span
        with served(create_app(list, bytes, webhooks(self.receiving)), "127.0.0.1", month.port):
            self._befall()
            self._turn()
            while (now := month.time.now()) < end:
                due = (at for at in (month.order_at, *self._due_at()) if at > now)
                month.pass_to(min([end, now + LONGEST, *due]))
                self._turn()
        month.world.zoho_faults()

    def _turn(self) -> None:
        before = len(self.engine.ends)
        self._look_whether_missed()
        self._look_what_waits()
        self.keeping.turn()
        self._look_whether_granted()
        self.listener.turn()
        self.serving.turn()
        if self._row().failing_since is not None or self.month.mail.open_since is not None:
            self.alerting.turn()  # else there is nothing to be told of channels
        if len(self.engine.ends) > before:
            self.month.hear()  # what it wrote is told, too

    # -- what is due

    def _due_at(self) -> Iterator[datetime]:
        own = self.app.settings.webhooks
        with self.app.database.read() as tx:
            [module] = find_modules(self.app, tx, self.month.time.now(), is_served=True)
            yield module.next_poll_at
            if module.waiting_since is not None:
                yield module.waiting_since + timedelta(seconds=own.coalesce_seconds)
            yield from (one.owed_at for one in schedules.find(tx).values() if one.owed_at is not None)
        if (row := self._row()) is not None:
            yield from filter(None, (row.next_try_at, row.expires_at, deciding.alarm_at(row)))
            if row.expires_at is not None:
                yield deciding.renewal_at(row, row.expires_at)
            if row.verified_at is not None:
                yield row.verified_at + LOOKED_EVERY

    def _row(self) -> Channel | None:
        with self.app.database.read() as tx:
            return channels.find(tx, MODULE)

    # -- what befalls its channel

    def _befall(self) -> None:
        """The next calls about channels fail, and what was granted ends soon."""
        month, count = self.month, AT_ONCE * self.spell.fails
        month.world.zoho_faults(
            *(
                {"match": f"{verb} {WATCH}", "kind": kind, "count": count}
                for verb, kind in self.spell.how.items()
            )
        )
        if self.spell.ends_after is not None and (live := month.live()):
            until = (month.time.now() + self.spell.ends_after).replace(microsecond=0).isoformat()
            names = ("channel_id", "events", "token", "notify_url")
            watch = [{name: one[name] for name in names} | {"channel_expiry": until} for one in live]
            month.world.zoho_call("POST", "channels", {"watch": watch})

    def _look_whether_granted(self) -> None:
        row = self._row()
        assert row is not None
        granted_at = max(filter(None, (row.enabled_at, row.renewed_at)), default=None)
        if granted_at not in (None, self._granted_at):
            self._granted_at = granted_at
            self.month.counted["granted"] += 1
            self._befall()

    def wake(self) -> None:
        """It was not there, or not awake: what ended meanwhile is no fault of anybody's."""
        row, now = self._row(), self.month.time.now()
        ends = row and row.expires_at
        if ends is not None and ends <= now and ends != self._ended:
            self._ended = ends
            self.month.counted["ended unattended"] += 1

    def _look_what_waits(self) -> None:
        """What was made before there was a channel is polled once that has settled, and not when the next poll is."""
        month, row = self.month, self._row()
        told = month.waiting and month.world.rows("SELECT key FROM documents WHERE told IS NOT NULL")
        for (key,) in told or ():
            month.waiting.pop(key, None)
        enabled_at = row and row.enabled_at
        if enabled_at is not None and month.time.now() - enabled_at > SETTLES_IN + IN_TIME:
            month.late |= {key for key, at in month.waiting.items() if at < enabled_at}

    def _look_whether_missed(self) -> None:
        """A channel that ended although there was somebody to renew it, and whether that was told before."""
        row, month = self._row(), self.month
        now, ends = month.time.now(), row and row.expires_at
        is_as_granted = ends is not None and now < ends and self.spell.ends_after is None
        if row is None or is_as_granted or month.live():
            self._unseen_since = None
        elif ends is not None and now < ends:
            self._unseen_since = self._unseen_since or now
            assert now - self._unseen_since <= LOOKED_EVERY + LONGEST, "it is looked at once a day"
        elif ends not in (None, self._ended):
            self._ended = ends
            month.counted["missed"] += 1
            if month.mail.open_since is None or month.mail.open_since >= ends:
                month.unannounced.append(ends)


@contextmanager
def process(month: Month) -> Iterator[Process]:
    """One that serves, turn by turn; at the end of the block it is there no more, without a word."""

    def tell(_event: str, /, **_where: object) -> None:
        """Nobody reads the log."""

    def fault(error: Exception) -> None:
        raise error

    read = load_settings(month.world.settings).as_served
    with (
        stamina.set_testing(True, attempts=AT_ONCE),
        open_app(read, tell, month.time) as app,
        receiving_of(app, fault) as receiving,
    ):
        stopping, engine = threading.Event(), AtOnce(app)
        yield Process(
            month,
            app,
            engine,
            receiving,
            Serving(place_of(app, engine, tell, fault), stopping),
            app.keeping(tell, stopping),
            listener_of(app, receiving, tell, stopping),
            alerting_of(app, watched(app), month.mail, tell, stopping),
        )
