"""Receiving over Zoho's simulator: what people do to orders there is handed over as it is at last."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import stamina

from memory import MemoryTarget
from memory_crm import MemoryBooks
from ml_connector.connectors.zoho_crm import ZohoConfig, ZohoSource, open_client
from ml_connector.core.channels import Channel
from ml_connector.core.listening import Pace
from ml_connector.flows.receive import Gathering, receive
from ml_connector.flows.steps import DirectSteps
from ml_connector.flows.work import Options
from ml_connector.simulators.zoho import ZohoOptions, ZohoSimulator
from ml_connector.simulators.zoho.control import Control
from ml_connector.store import channels, inbox, listening
from ml_connector.store.database import Database
from ml_connector.store.inbox import Told
from zoho_guards import MemoryShelf, guarded

ORDERS = "Sales_Orders"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class ShiftedClock:
    """The present plus what was slept; the simulator is told, too."""

    simulator: ZohoSimulator
    ahead: float = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds
        Control(self.simulator.org).answer(
            "POST", "settings", {}, f'{{"clock_offset_seconds": {self.ahead}}}'.encode()
        )


@dataclass
class Office:
    """People who make and change orders, and the flow that receives them."""

    simulator: ZohoSimulator
    clock: ShiftedClock
    source: ZohoSource
    database: Database
    books: MemoryBooks = field(default_factory=lambda: MemoryBooks(amount="Sub_Total", stamp="Modified_Time"))
    product: str = ""
    runs: int = 0

    def do(self, verb: str, given: dict, module: str = ORDERS) -> list[str]:
        answer = Control(self.simulator.org).answer(
            "POST", f"{verb}/{module}", {}, json.dumps(given).encode()
        )
        done = json.loads(answer.body)
        assert not done["errors"], done
        return done["ids"]

    def make(self, number: int) -> list[str]:
        self.product = self.product or self.do("create", {"records": [{"Product_Name": "P"}]}, "Products")[0]
        line = {"Product_Name": {"id": self.product}, "Quantity": 2, "List_Price": 10.25}
        return self.do(
            "create", {"records": [{"Subject": str(n), "Ordered_Items": [line]} for n in range(number)]}
        )

    def edit(self, order: str, quantity: int) -> None:
        line = {"Product_Name": {"id": self.product}, "Quantity": quantity, "List_Price": 0.01}
        self.do("edit", {"records": [{"id": order, "Ordered_Items": [line]}]})

    def tell(self, *orders: str) -> None:
        with self.database.begin() as tx:
            inbox.put(tx, [Told(ORDERS, order, "update", self.clock.now()) for order in orders])

    def live(self) -> None:
        now = self.clock.now()
        with self.database.begin() as tx:
            channels.put(tx, Channel(ORDERS, "1", "path", enabled_at=now - DAY, expires_at=now + 5 * DAY))
            listening.begin(tx, [ORDERS], now)
        self.run()

    def run(self) -> dict:
        self.runs += 1
        gathering = Gathering(
            flow="orders",
            company="-1",
            module=ORDERS,
            source=self.source,
            target=MemoryTarget(self.clock),
            database=self.database,
            clock=self.clock,
            consumer=self.books,
            pace=Pace(poll=5 * MINUTE, safety=HOUR),
            coalesce=timedelta(seconds=3),
            options=Options(overlap=30 * MINUTE),
        )
        told = receive(DirectSteps(self.clock), gathering, f"run-{self.runs}")
        assert told["state"] == "done", told
        return told["counts"]

    def state(self) -> dict[str, Decimal]:
        rows = self.simulator.org.tables[ORDERS].rows.values()
        return {row["id"]: Decimal(str(row["Sub_Total"])) for row in rows}

    def is_known(self) -> bool:
        return self.books.state() == self.state()


@contextmanager
def opened(folder: Path, database: Database) -> Iterator[Office]:
    with stamina.set_testing(True, attempts=3), ExitStack() as stack:
        simulator = stack.enter_context(ZohoSimulator(ZohoOptions()))
        config = ZohoConfig(data_centre="us", client_id="1000.SIMULATEDCLIENT", simulator_url=simulator.url)
        clock = ShiftedClock(simulator)
        gate, guard = guarded(folder, config, clock)
        stack.callback(gate.close)
        secret, token = (lambda: "simulated-client-secret"), (lambda: "1000.simulated.refresh")
        client = open_client(config, secret, token, MemoryShelf(), guard, clock)
        stack.callback(client.close)
        source = ZohoSource(client, clock)
        stack.callback(source.close)
        yield Office(simulator, clock, source, database)


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    with opened(tmp_path, database) as office:
        yield office


def test_told_lost_changed_and_deleted_orders_are_known_at_last(office: Office) -> None:
    chance = random.Random(5)
    office.live()
    orders = office.make(100)
    office.tell(*orders[:90])  # a tenth is lost
    office.clock.sleep(4)
    counts = office.run()
    assert (counts["told"], counts["fetches"]) == (90, 1)
    for order in chance.sample(orders, 20):
        office.edit(order, chance.randint(1, 99))
        office.tell(*[order] * chance.randint(0, 2))
    office.do("delete", {"ids": orders[5:8]})
    office.tell(orders[5])
    office.clock.sleep(4)
    office.run()
    assert not office.is_known()
    office.clock.sleep(HOUR.total_seconds())
    counts = office.run()
    assert office.is_known()
    assert counts["deleted"] >= 2
    handed = len(office.books.handed)
    office.clock.sleep(HOUR.total_seconds())
    office.run()
    assert len(office.books.handed) == handed  # quiet


def test_without_a_channel_polls_bring_everything(office: Office) -> None:
    orders = office.make(3)
    office.clock.sleep(60)
    office.run()
    assert office.is_known()
    office.edit(orders[1], 7)
    office.do("delete", {"ids": orders[:1]})
    office.clock.sleep(400)
    counts = office.run()
    assert office.is_known()
    assert (counts["polled"], counts["deleted"]) == (1, 1)


def test_a_poll_costs_two_credits_and_a_notification_one(office: Office) -> None:
    office.make(1)
    office.clock.sleep(60)
    office.live()
    (order,) = office.make(1)

    def spent() -> int:
        before = office.simulator.org.limits.credits_ever
        office.run()
        return office.simulator.org.limits.credits_ever - before

    office.tell(order, order)
    office.clock.sleep(4)
    assert spent() == 1
    assert spent() == 0
    office.clock.sleep(2 * HOUR.total_seconds())
    assert spent() == 2
    assert office.is_known()
