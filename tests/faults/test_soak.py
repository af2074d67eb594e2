"""The soak: data changes, a tenth of all calls goes wrong, and again and again a process is killed; then all is quiet.

``make soak`` does it for ten minutes, every other test run for some seconds. What happens is drawn by SOAK_SEED; when
it happens is up to the machine.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from ml_connector.flows.range import EVERYTHING
from ml_connector.store import requests
from ml_connector.store.database import Database
from ml_connector.store.requests import Request
from postgres import database_of_test
from served import Served
from summary import TOLD
from systems import World, assert_quiet, assert_whole, gp_options, opened, unreachable

SECONDS = float(os.environ.get("SOAK_SECONDS", "20"))
SEED = int(os.environ.get("SOAK_SEED", "20261128"))
CAP = 2
TOKENS = 10  #: that Zoho gives in ten minutes
FLOWS = ("customers", "vendors")
#: Seconds between two of them, at least and at most.
KILLS, CHANGES, RUNS = (1.0, 10.0), (0.1, 0.5), (2.0, 4.0)
QUIET_SECONDS = 300
#: Of a hundred calls, ten.
OF_ZOHO = [
    {"match": "*", "kind": kind, "every": 50}
    for kind in ("drop", "cut_after_work", "http_500", "http_500_after_work", "http_429")
]
OF_GP = ("drop", "cut_after_work", "http_500", "http_503")


@dataclass
class Fleet:
    """The processes: one that serves, three that work. One that is killed is started again at once."""

    world: World
    kills: int = 0
    unasked: list[str] = field(default_factory=list)  #: what those said last that ended by themselves
    _processes: dict[str, Served] = field(default_factory=dict)

    def start(self) -> None:
        for name in ("serve", "worker 1", "worker 2", "worker 3"):
            self._start(name)

    def _start(self, name: str) -> None:
        self._processes[name] = Served(self.world, self.world.start(name.partition(" ")[0]))

    def kill(self, name: str) -> None:
        self._processes[name].end(signal.SIGKILL)
        self.kills += 1
        self._start(name)

    def tend(self) -> None:
        """Start those again that ended though nobody killed them."""
        for name, one in [*self._processes.items()]:
            if one.process.poll() is not None:
                code = one.end()
                self.unasked.append(f"{name} ended with {code}: {' / '.join(one.lines[-3:])}")
                self._start(name)

    @property
    def names(self) -> list[str]:
        return [*self._processes]

    def end(self) -> None:
        for one in self._processes.values():
            one.end()
        self._processes.clear()


@dataclass
class Every:
    """Something that is done now and then, at instants that chance draws."""

    between: tuple[float, float]
    chance: random.Random
    do: Callable[[], object]
    at: float = field(default_factory=time.monotonic)
    times: int = 0

    def turn(self) -> None:
        if time.monotonic() >= self.at:
            self.do()
            self.times += 1
            self.at = time.monotonic() + self.chance.uniform(*self.between)


@pytest.fixture
def world(tmp_path: Path, postgres: Callable[[str], str]) -> Iterator[World]:
    with (
        database_of_test(postgres) as url,
        opened(tmp_path, gp=gp_options(customers=40, vendors=15), url=url) as world,
    ):
        world.write_settings(
            gp__max_requests=str(CAP),
            serve__port="0",
            serve__schedule="'0 0 1 1 *'",
            serve__wait_seconds="5",
            serve__runs_at_once="3",
            sync__max_change_ratio="1.0",
        )
        for flow in FLOWS:
            world.first(flow)
        world.forget()
        yield world


def change_something(world: World, chance: random.Random, known: list[str]) -> None:
    """Somebody works in GP."""
    what = chance.random()
    if what < 0.1:
        key = f"SOAK{len(known):04}"
        world.customer(key, f"Soaked Company {len(known)}")
        known.append(key)
    elif what < 0.8:
        world.change(chance.choice(known), set={"class_id": f"C{chance.randrange(1000):03}"})
    else:
        vendor = chance.choice(world.vendors())
        world.gp.control(
            "POST", f"vendors/{vendor['id']}", {"set": {"class_id": f"V{chance.randrange(1000):03}"}}
        )


def plan_faults(world: World, chance: random.Random) -> None:
    """A tenth of the calls that are to come go wrong."""
    world.zoho_faults(*OF_ZOHO)
    struck = [n for n in range(1, 20_000) if chance.random() < 0.1]
    world.gp_faults(*({"operation": "*", "kind": chance.choice(OF_GP), "nth": n} for n in struck))


def ask(database: Database, flow: str) -> None:
    """Somebody wants a run of the flow, unless three are wanted already."""
    with database.begin() as tx:
        if len(requests.waiting(tx)) < 3:
            asked = {flow: EVERYTHING.to_json()}
            requests.put(tx, Request(uuid4().hex, asked, "soak", datetime.now(UTC)))


def until_quiet(database: Database, fleet: Fleet) -> None:
    """What was wanted is done, and nothing is under way."""
    end = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < end:
        fleet.tend()
        with database.read() as tx:
            if not requests.waiting(tx):
                return
        time.sleep(0.2)
    unreachable("what was asked for was not done")


def differences(world: World) -> list[tuple[str, str, object, object]]:
    """Where Zoho says something else than GP: (kind, key, there, here)."""
    accounts = world.accounts()
    of_customers = {a["GP_Customer_ID"]: a for a in accounts if a.get("GP_Customer_ID")}
    of_vendors = {a["GP_Vendor_ID"]: a for a in accounts if a.get("GP_Vendor_ID")}
    kinds = (
        ("customer", world.customers(), of_customers, "GP_Customer_Class"),
        ("vendor", world.vendors(), of_vendors, "GP_Vendor_Class"),
    )
    return [
        (kind, row["id"].strip(), row["class_id"].strip(), there.get(row["id"].strip(), {}).get(name))
        for kind, rows, there, name in kinds
        for row in rows
        if (there.get(row["id"].strip(), {}).get(name) or "") != row["class_id"].strip()
    ]


def test_nothing_is_lost_or_doubled_whatever_is_killed_and_whatever_fails(world: World) -> None:
    chance, fleet = random.Random(SEED), Fleet(world)
    known = [row["id"].strip() for row in world.customers()]
    plan_faults(world, chance)
    with closing(Database(world.url)) as database:
        fleet.start()
        soaked = [
            Every(KILLS, chance, lambda: fleet.kill(chance.choice(fleet.names))),
            Every(CHANGES, chance, lambda: change_something(world, chance, known)),
            Every(RUNS, chance, lambda: ask(database, chance.choice(FLOWS))),
        ]
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for one in soaked:
                one.turn()
            fleet.tend()
            time.sleep(0.02)
        world.zoho_faults()
        world.gp_faults()
        for flow in FLOWS:
            ask(database, flow)
        until_quiet(database, fleet)
        fleet.end()
    peak = world.gp.control("GET", "requests?limit=1")["peak_concurrent"]
    tokens = world.zoho_call("GET", "counts")["tokens_issued"]
    for flow in FLOWS:
        world.sync(flow)
    found = differences(world)
    TOLD.append(
        f"soak: {SECONDS:.0f} s, seed {SEED}: {soaked[1].times} changes in GP, {soaked[2].times} runs asked for,"
        f" {fleet.kills} times a process killed; differences {len(found)},"
        f" GP at once {peak} of {CAP}, tokens {tokens} of {TOKENS}"
    )
    assert found == []
    assert fleet.unasked == []
    assert peak <= CAP
    assert tokens <= TOKENS
    assert_whole(world)
    assert_quiet(world, *FLOWS)
