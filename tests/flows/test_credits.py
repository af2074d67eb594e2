"""Zoho's limits in a run: credits that run out in the middle of it, and refusals for one call too many.

The source is in memory, Zoho is its simulator, and both live by the clock of the test: nobody waits for a day.
"""

from __future__ import annotations

import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import stamina

from memory import MemorySource
from ml_connector.connectors.zoho_crm import (
    Allowance,
    CallGuard,
    RequestGate,
    ZohoConfig,
    ZohoTarget,
    open_client,
)
from ml_connector.core.needs import FieldNeed
from ml_connector.flows.pull import pull
from ml_connector.flows.steps import Result
from ml_connector.simulators.zoho import ZohoOptions, ZohoSimulator
from ml_connector.store import cursors
from ml_connector.store.credits import Credits
from ml_connector.store.database import Database
from world import World
from zoho_guards import MemoryShelf

CUSTOMER = """
name = "customer_accounts"
source = "customers"
target = "Accounts"
creates = true
precedence = 1
key = { field = "GP_Customer_ID", from = "customer_id" }
match = { name = "name" }
fields = { Account_Name = "name", Billing_City = "city" }
"""
KEY = FieldNeed("Accounts", "GP_Customer_ID", "GP Customer ID", "text", 30, unique=True)
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
RESERVED = 140  #: of 200 credits a day


@dataclass
class SharedClock:
    """The machine's time and what was slept, which is Zoho's as well."""

    tell: Callable[[float], object]
    ahead: float = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def sleep(self, seconds: float) -> None:
        if seconds < 1:
            time.sleep(seconds)  # at the gate
            return
        self.ahead += seconds
        self.tell(self.ahead)


@dataclass
class Site:
    """A source in memory, the simulator of Zoho, and what is seen of the runs between them."""

    world: World
    zoho: ZohoSimulator
    waits: list[str] = field(default_factory=list)  #: what the run says whenever it waits
    lowest: int = 1_000_000  #: credits left, whenever it waited
    meanwhile: list[Callable[[], object]] = field(default_factory=list)  #: what happens in the first waits

    def control(self, method: str, path: str, given: object = None) -> Any:
        answer = httpx2.request(
            method,
            f"{self.zoho.url}/_control/{path}",
            json=given,
            trust_env=False,
            verify=_NO_TLS,
            timeout=120,
        )
        assert answer.status_code < 300, answer.text
        return answer.json()

    def left(self) -> int:
        return int(self.control("GET", "counts")["credits_remaining"])

    def do(self, _name: str, step: Callable[[], Result]) -> Result:
        return step()

    def sleep(self, seconds: float) -> None:
        with self.world.database.read() as tx:
            run = cursors.find_run(tx, f"customers-{self.world.runs}")
        assert run is not None
        assert run.state == "waiting"
        self.waits.append(run.note)
        self.lowest = min(self.lowest, self.left())
        if self.meanwhile:
            self.meanwhile.pop(0)()
        self.world.clock.sleep(seconds)

    def sync(self) -> Result:
        self.world.runs += 1
        self.world.clock.sleep(5)
        return pull(self, self.world.work(), f"customers-{self.world.runs}")

    def accounts(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "records/Accounts?limit=100000")["data"])

    def assert_each_once(self, number: int) -> None:
        """Every customer is one Account, and was created once."""
        there = Counter(account["GP_Customer_ID"] for account in self.accounts())
        assert there == dict.fromkeys(keys(number), 1)
        assert self.control("GET", "counts")["writes"]["Accounts"] == {"insert": number}
        told = Counter(action for key in keys(number) for _, action in self.world.told(key))
        assert told == {"record:created": number}
        assert self.world.waits() == set()


def keys(number: int) -> Sequence[str]:
    return [f"C{place:05}" for place in range(number)]


@pytest.fixture(params=[{"credits_per_day": 200, "credits_reserve": 0.7}], ids=["few"])
def site(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Iterator[Site]:
    with stamina.set_testing(True, attempts=3), ZohoSimulator(ZohoOptions()) as zoho:
        config = ZohoConfig(
            data_centre="us", client_id="1000.SIMULATEDCLIENT", simulator_url=zoho.url, **request.param
        )
        clock = SharedClock(lambda ahead: site.control("POST", "settings", {"clock_offset_seconds": ahead}))
        allowance = Allowance(config, Credits(database, config.client_id, clock), clock)
        with closing(RequestGate(tmp_path, config, clock)) as gate:
            guard = CallGuard(gate, allowance, clock)
            secrets = (lambda: "simulated-client-secret", lambda: "1000.simulated.refresh")
            with closing(ZohoTarget(open_client(config, *secrets, MemoryShelf(), guard, clock))) as target:
                assert target.create_fields([KEY])[0].problem == ""
                site = Site(_world(clock, target, database), zoho)
                yield site


def _world(clock: Any, target: Any, database: Database) -> World:
    return World(clock, MemorySource(clock), target, database, {"customers": [CUSTOMER]})


def fill(site: Site, number: int) -> None:
    for key in keys(number):
        site.world.source.put(key, customer_id=key, name=f"Company {key}", city="Chicago")


def limit(site: Site) -> None:
    """From now on Zoho gives what the settings say."""
    site.control("POST", "settings", {"credit_limit": 200})
    site.control("DELETE", "requests")
    site.world.source.fetched.clear()


def test_credits_that_run_out_are_waited_for_and_everything_arrives_once(site: Site) -> None:
    fill(site, 600)
    site.world.change(window_size=300)
    site.world.approve()
    limit(site)
    began_at = site.world.clock.now()
    told = site.sync()
    assert (told["state"], told["counts"]["created"]) == ("done", 600)
    site.assert_each_once(600)
    assert len(site.waits) > 20
    assert all(
        "are left and 140 are kept for people (credits_reserve), so this waits" in w for w in site.waits
    )
    assert site.lowest >= RESERVED
    hours = (site.world.clock.now() - began_at).total_seconds() / 3600
    assert 24 < hours < 25, "as long as it takes for credits to be free again"
    assert len(site.world.source.fetched) == 600 + 300, "one window is read again, and only once"


def test_a_run_that_may_not_wait_writes_what_fits_and_the_next_does_the_rest(site: Site) -> None:
    fill(site, 600)
    site.world.change(window_size=300, credits_wait=timedelta(seconds=1))
    site.world.approve()
    limit(site)
    told = site.sync()
    assert (told["state"], site.waits) == ("away", [])
    assert "140 are kept for people" in told["happened"]
    assert "run again then" in told["remedy"]
    assert 300 <= told["counts"]["created"] == len(site.accounts()) < 600
    assert site.left() >= RESERVED
    assert site.sync()["state"] == "away"
    assert site.left() >= RESERVED
    site.world.clock.sleep(86_400 + 120)
    assert site.sync()["state"] == "done"
    site.assert_each_once(600)


@pytest.mark.parametrize(
    "site", [{"credits_per_day": 200, "credits_reserve": 0.2}], ids=["told"], indirect=True
)
def test_credits_that_others_took_are_asked_about_and_those_that_were_bought_are_used(site: Site) -> None:
    fill(site, 300)
    site.world.approve()
    limit(site)
    site.control("POST", "settings", {"credits_remaining": 50})
    site.meanwhile = [
        lambda: None,
        lambda: None,
        lambda: site.control("POST", "settings", {"credits_remaining": 100}),
    ]
    told = site.sync()
    assert told["state"] == "done"
    assert len(site.waits) == 3, "a quarter of an hour each"
    assert site.left() >= 40
    site.assert_each_once(300)


@pytest.mark.parametrize("site", [{}], ids=["plenty"], indirect=True)
def test_with_a_refusal_in_five_calls_everything_arrives_once(site: Site) -> None:
    fill(site, 1200)
    site.world.approve()
    site.control("DELETE", "requests")
    faults = [{"match": f"{m} /crm/", "kind": "http_429", "every": 5} for m in ("GET", "POST", "PUT")]
    site.control("POST", "faults", faults)
    told = site.sync()
    assert (told["state"], told["counts"]["created"]) == ("done", 1200)
    assert sum(fault["fired"] for fault in site.control("GET", "faults")) > 3
    site.assert_each_once(1200)
