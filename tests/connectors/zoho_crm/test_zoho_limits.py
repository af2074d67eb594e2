"""How many at once, and at what price."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ml_connector.connectors.zoho_crm import ZohoConfig, limits
from ml_connector.core.ports import Cost


def config(**more):
    return ZohoConfig(data_centre="eu", client_id="1000.X", **more)


@pytest.mark.parametrize(
    ("edition", "configured", "most"),
    [("free", None, 5), ("enterprise", None, 20), ("ultimate", 7, 7), ("standard", 25, 10)],
)
def test_concurrency_is_the_editions_or_less(edition, configured, most):
    assert limits.concurrency(config(edition=edition, max_requests=configured)) == most


@pytest.mark.parametrize(("records", "price"), [(1, 1), (10, 1), (11, 2), (100, 10)])
def test_writes_cost_one_credit_for_ten_records(records, price):
    assert limits.write_credits(records) == price


@pytest.mark.parametrize(("rows", "price"), [(1, 1), (200, 1), (201, 2), (1000, 2), (1001, 3), (2000, 3)])
def test_queries_cost_by_their_limit(rows, price):
    assert limits.query_credits(rows) == price


def most_at_once(gate, allowed, *, heavy):
    """The most that were inside at once: each stays until so many are there as are allowed, and a moment longer."""
    inside, most, lock, full = 0, 0, threading.Lock(), threading.Event()

    def enter():
        nonlocal inside, most
        with gate.entered(heavy=heavy):
            with lock:
                inside += 1
                most = max(most, inside)
                if inside >= allowed:
                    full.set()
            assert full.wait(20)
            time.sleep(0.02)  # one too many would get in meanwhile
            with lock:
                inside -= 1

    with ThreadPoolExecutor(2 * allowed) as pool:
        for entered in [pool.submit(enter) for _ in range(2 * allowed)]:
            entered.result()
    return most


def test_the_gate_keeps_both_limits():
    gate = limits.RequestGate(config(max_requests=6, heavy_requests=2))
    assert most_at_once(gate, 2, heavy=True) == 2
    assert most_at_once(gate, 6, heavy=False) == 6


def test_the_meter_adds_up_over_threads():
    meter = limits.Meter()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(100):
            pool.submit(meter.count, "insert", 0.5, 10)
    meter.note_remaining(7)
    assert meter.cost() == Cost({"insert": 100}, 50.0, 1000)
    assert meter.credits_remaining() == 7
