"""How many at once over all processes, at what price, and fewer after a refusal."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memory import FakeClock
from ml_connector.connectors.zoho_crm import ZohoConfig, limits
from ml_connector.connectors.zoho_crm.errors import BusyError
from ml_connector.connectors.zoho_crm.pace import RESTORE_EVERY, Pace, refused
from ml_connector.core.ports import Cost

WRITING = Path(__file__).with_name("writing_process.py")


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


# ---- the gate


@pytest.fixture
def gates(tmp_path, clock):
    """Two gates of one folder, as two processes have them."""
    most = config(max_requests=6, heavy_requests=2)
    with (
        closing(limits.RequestGate(tmp_path, most, clock)) as one,
        closing(limits.RequestGate(tmp_path, most, clock)) as two,
    ):
        yield one, two


def most_at_once(gates, allowed, *, heavy):
    """The most that were inside at once: each stays until so many are there as are allowed, and a moment longer."""
    inside, most, lock, full = 0, 0, threading.Lock(), threading.Event()

    def enter(number):
        nonlocal inside, most
        with gates[number % 2].entered(heavy=heavy):
            with lock:
                inside += 1
                most = max(most, inside)
                if inside >= allowed:
                    full.set()
            assert full.wait(120)
            time.sleep(0.02)  # one too many would get in meanwhile
            with lock:
                inside -= 1

    with ThreadPoolExecutor(2 * allowed) as pool:
        list(pool.map(enter, range(4 * allowed)))
    return most


def test_the_gate_keeps_both_limits_over_all_processes(gates):
    assert most_at_once(gates, 2, heavy=True) == 2
    assert most_at_once(gates, 6, heavy=False) == 6


def test_heavy_calls_leave_room_for_light_ones(gates):
    one, two = gates
    entered = threading.Event()

    def enter():
        with one.entered(heavy=True):
            entered.set()

    with ThreadPoolExecutor(1) as pool:
        with one.entered(heavy=True), two.entered(heavy=True):
            waiting = pool.submit(enter)
            with ExitStack() as light:
                for number in range(4):
                    light.enter_context(gates[number % 2].entered(heavy=False))
            assert not entered.is_set()
        waiting.result(timeout=120)
    assert entered.is_set()


#: Holds a heavy place, says so, and waits to be killed.
HOLDER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from ml_connector.connectors.zoho_crm import RequestGate, ZohoConfig
class SystemClock:
    now = staticmethod(lambda: datetime.now(UTC))
    sleep = staticmethod(time.sleep)
config = ZohoConfig(data_centre="eu", client_id="1000.X", max_requests=6, heavy_requests=1)
with RequestGate(Path(sys.argv[1]), config, SystemClock()).entered(heavy=True):
    print("holding", flush=True)
    sys.stdin.readline()
"""


def test_a_killed_process_gives_its_places_back(tmp_path, clock):
    with (
        subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as holder,
        closing(limits.RequestGate(tmp_path, config(max_requests=6, heavy_requests=1), clock)) as gate,
        ThreadPoolExecutor(1) as pool,
    ):
        assert holder.stdout.readline() == "holding\n"
        entered = threading.Event()

        def enter():
            with gate.entered(heavy=True):
                entered.set()

        waiting = pool.submit(enter)
        with gate.entered(heavy=False):
            assert not entered.is_set()
        holder.send_signal(signal.SIGKILL)
        waiting.result(timeout=120)
        assert entered.is_set()


# ---- fewer after a refusal

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("began", "at", "most", "allowed"),
    [
        (-1, 0, 20, 10),  # the first refusal
        (-1, 0, 1, 1),  # never none
        (-1, 0, 3, 1),
        (4, 5, 20, 5),  # again after the halving
        (-1, 5, 20, 10),  # under way at the halving: says nothing of what that did
        (24, 25, 20, 6),  # two were restored: 12 // 2
        (4, 5, 10, 5),  # a heavy call after a light one
        (499, 500, 20, 10),  # all was as before
    ],
)
def test_a_refusal_halves_what_may_run(began, at, most, allowed):
    pace = Pace() if at == 0 else Pace(10, AT)
    found = refused(pace, AT + began * SECOND, AT + at * SECOND, most)
    assert found.at_once(20, AT + at * SECOND) == allowed


@pytest.mark.parametrize(("after", "allowed"), [(0, 4), (1, 5), (3, 7), (16, 20), (1000, 20), (-2, 6)])
def test_one_more_at_a_time_without_a_refusal(after, allowed):
    assert Pace(4, AT).at_once(20, AT + after * RESTORE_EVERY) == allowed


def test_every_process_slows_down_and_comes_back(tmp_path):
    clock, most = FakeClock(), config(edition="enterprise")
    with (
        closing(limits.RequestGate(tmp_path, most, clock)) as one,
        closing(limits.RequestGate(tmp_path, most, clock)) as two,
    ):
        began_at = clock.now()
        clock.sleep(1)
        one.refuse(began_at, heavy=False)
        two.refuse(began_at, heavy=False)
        assert (one.at_once(), two.at_once()) == (10, 10), "both were under way at once: halved once"
        clock.sleep(1)
        two.refuse(clock.now(), heavy=True)
        assert (one.at_once(), two.at_once()) == (5, 5)
        clock.sleep(3 * RESTORE_EVERY.total_seconds())
        assert one.at_once() == 8
    with closing(limits.RequestGate(tmp_path, most, clock)) as later:
        assert later.at_once() == 8, "no process has to live for it"
        clock.sleep(12 * RESTORE_EVERY.total_seconds())
        assert later.at_once() == 20


def test_a_heavy_call_that_is_refused_halves_what_heavy_calls_may_have(tmp_path):
    clock = FakeClock()
    with closing(limits.RequestGate(tmp_path, config(), clock)) as gate:
        gate.refuse(clock.now(), heavy=True)
        assert gate.at_once() == 5


def test_a_file_that_a_dying_process_left_half_written_slows_nobody(tmp_path):
    clock = FakeClock()
    with closing(limits.RequestGate(tmp_path, config(), clock)) as gate:
        gate.refuse(clock.now(), heavy=False)
        assert gate.at_once() == 10
        kept = (tmp_path / "zoho-pace").read_bytes()
        (tmp_path / "zoho-pace").write_bytes(kept[:7])
        assert gate.at_once() == 20


def test_no_call_begins_while_as_many_are_under_way_as_may_be_now(tmp_path):
    clock = FakeClock()
    with closing(limits.RequestGate(tmp_path, config(max_requests=4), clock)) as gate:
        held = [gate.entered(heavy=False) for _ in range(3)]
        for place in held:
            place.__enter__()
        gate.refuse(clock.now() + SECOND, heavy=False)
        clock.at += timedelta(microseconds=1)
        assert gate.at_once() == 2
        entered = threading.Event()

        def enter():
            with gate.entered(heavy=False):
                entered.set()

        with ThreadPoolExecutor(1) as pool:
            frozen, clock.sleep = clock.sleep, lambda _: os.sched_yield()  # waiting restores nothing here
            waiting = pool.submit(enter)
            held[0].__exit__(None, None, None)
            assert not entered.wait(0.05), "two are still under way"
            held[1].__exit__(None, None, None)
            waiting.result(timeout=120)
            clock.sleep = frozen
        held[2].__exit__(None, None, None)


# ---- with the simulator


def test_a_call_that_is_one_too_many_is_made_again_and_fewer_run_at_once(org, target):
    org.faults({"match": "GET /crm/v8/org", "kind": "http_429", "count": 2})
    assert target.currency() == "USD"
    assert target.client.cost().refused == 2
    counts = org.counts()
    assert counts["calls_by_status"]["429"] == 2
    assert target.client.cost().credits == counts["credits_used"], "a refused call costs nothing"


def test_a_call_that_stays_one_too_many_is_the_runs_to_wait_for(org, target):
    org.faults({"match": "GET /crm/v8/org", "kind": "http_429", "count": 100})
    with pytest.raises(BusyError, match="no more requests at once") as caught:
        target.currency()
    assert caught.value.after_seconds == 10
    assert org.counts()["calls_by_status"]["429"] == 3, "as often as the fixture lets stamina try"


def test_two_processes_and_four_flows_are_never_one_too_many(start, tmp_path):
    """The simulator refuses the eleventh call at once with 429; each process has four threads of six calls each."""
    org = start(edition="standard", latency_seconds=0.02)
    words = [sys.executable, str(WRITING), str(tmp_path), org.url, "4", "6"]
    with ExitStack() as running:
        processes = [
            running.enter_context(
                subprocess.Popen([*words, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for name in ("A", "B")
        ]
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [process.communicate(timeout=120)[0] for process in processes]
    assert told == ["written 2400\n"] * 2
    counts = org.counts()
    assert counts["refused_by_limits"] == 0
    assert "429" not in counts["calls_by_status"]
    assert 4 < counts["peak_concurrency"] <= 10
    assert counts["peak_sub_concurrency"] <= 10
    assert counts["records"]["Accounts"] == 4800


def test_the_meter_adds_up_over_threads():
    meter = limits.Meter()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(100):
            pool.submit(meter.count, "insert", 0.5, 10)
    meter.count_refused()
    assert meter.cost() == Cost({"insert": 100}, 50.0, 1000, 1)
