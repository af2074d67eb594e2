"""Many threads on few lanes while connections are dropped and requests abandoned, against the simulator's real NTLM."""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from ml_connector.connectors.dynamics_gp import GpConfig, soap
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.core.errors import RetryableError
from ml_connector.simulators.gp import Account

CALLS, THREADS, LANES, DROPS, ABANDONED = 2000, 12, 4, 60, 40
CUSTOMER, VENDOR = "GetCustomerByKey", "GetVendorByKey"
FIRST = Account("FABRIKAM", "first", "First-Pa55word")
SECOND = Account("FABRIKAM", "second", "Second-Pa55word")
_ENOUGH = 10_000


def call(transport, operation, key, timeout_seconds):
    headers = {"Content-Type": soap.CONTENT_TYPE, "SOAPAction": soap.action(operation)}
    message = soap.request(operation, soap.key(key), soap.context(-1, "en-US"))
    return transport.post(message, headers, timeout_seconds)


def read(transport, key):
    """Ask for a customer until it is answered, as the client does."""
    while True:
        try:
            answer = call(transport, CUSTOMER, key, 120)
        except RetryableError as error:
            if "broke off" not in error.happened:
                raise
        else:
            assert answer.status == 200
            assert f"<Id>{key}" in answer.body.decode(), "the answer to another's question"
            return


def abandon(transport):
    """Send a request that the server never answers, and give it up."""
    while True:
        try:
            call(transport, VENDOR, "ADVANCED0001", 0.25)
        except RetryableError as error:
            if "did not answer within" in error.happened:
                return
            if "busy" not in error.happened:  # nothing was sent: once more
                raise


def faults():
    """Drops at random places among the customers asked for; who asks for a vendor waits for ever."""
    places = random.Random(20261127).sample(range(1, CALLS), DROPS)
    drops = [{"kind": "drop", "operation": CUSTOMER, "nth": place} for place in places]
    return [*drops, {"kind": "delay", "operation": VENDOR, "count": _ENOUGH, "seconds": 3600}]


def left(simulator):
    """How many faults of each kind are still to come."""
    counts: Counter[str] = Counter()
    for fault in simulator.control("GET", "faults")["faults"]:
        counts[fault["kind"]] += fault["count"]
    return counts


def ended(simulator):
    """The signed-in connections that were dropped by the server, and those whose request was abandoned.

    On a machine that stands still for a moment a request may be abandoned before it has reached its operation, or
    the server may still be on its way there: only the waiting ones are in flight when all has settled.
    """
    while True:
        remaining = left(simulator)
        drops, waiting = DROPS - remaining["drop"], _ENOUGH - remaining["delay"]
        if simulator.control("GET", "state")["in_flight"] == waiting:
            return drops, waiting
        time.sleep(0.05)


@pytest.fixture
def transport_of(opened):
    def open_transport(simulator, account, lanes):
        wanted = {
            "endpoint": simulator.endpoint,
            "company_id": -1,
            "user": account.name,
            "max_requests": lanes,
        }
        transport = WindowsTransport(GpConfig.model_validate(wanted), lambda: account.password)
        return opened.enter_context(closing(transport))

    return open_transport


def test_four_lanes_lose_no_call_and_sign_in_once_a_connection(simulate, transport_of):
    simulator = simulate(customers=300, accounts=(FIRST,))
    keys = [row["id"].rstrip() for row in simulator.control("GET", "customers?limit=300")["rows"]]
    transport = transport_of(simulator, FIRST, LANES)
    simulator.control("POST", "faults", {"faults": faults()})
    abandoned = set(random.Random(1311).sample(range(CALLS), ABANDONED))
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = []
        for number in range(CALLS):
            jobs.append(pool.submit(read, transport, keys[number % len(keys)]))
            if number in abandoned:
                jobs.append(pool.submit(abandon, transport))
        for job in jobs:
            job.result()  # each call was answered, with its own answer
    drops, waiting = ended(simulator)
    assert drops == DROPS
    assert waiting <= ABANDONED
    state = simulator.control("GET", "state")
    alive = sum(lane.signed_in and lane.is_open() for lane in transport._lanes._all)
    assert sum(state["handshakes"].values()) == alive + drops + waiting
    assert alive <= LANES
    assert state["operations"][CUSTOMER] == CALLS + DROPS, "a dropped call is asked once more, and no other"
    assert state["failed_sign_ins"] == {}


def test_two_accounts_never_share_a_lane(simulate, transport_of):
    simulator = simulate(customers=120, accounts=(FIRST, SECOND))
    keys = [row["id"].rstrip() for row in simulator.control("GET", "customers?limit=120")["rows"]]
    transports = [transport_of(simulator, account, 2) for account in (FIRST, SECOND)]
    drops = [{"kind": "drop", "operation": CUSTOMER, "nth": place} for place in range(20, 200, 20)]
    simulator.control("POST", "faults", {"faults": drops})
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda number: read(transports[number % 2], keys[number % len(keys)]), range(240)))
    users = defaultdict(set)
    for line in simulator.control("GET", "requests?limit=1000")["log"]:
        users[line["asked"]].add(line["user"])
    assert users == {f"Id={key}": {(FIRST, SECOND)[place % 2].name} for place, key in enumerate(keys)}
