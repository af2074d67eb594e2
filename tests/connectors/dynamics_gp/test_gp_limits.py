"""The gate: never more than the cap over all processes, free again when one dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from ml_connector.connectors.dynamics_gp import GpConfig, RequestGate, pace
from ml_connector.connectors.dynamics_gp.limits import Meter
from ml_connector.connectors.dynamics_gp.pace import RESTORE_EVERY, SLOW_ANSWERS, Answer
from ml_connector.connectors.dynamics_gp.sba_config import (
    SbaAccounts,
    SbaConfig,
    SbaCustomers,
    SbaEntries,
    SbaVendors,
)
from ml_connector.core.load import Load

PASSWORD = "Sample-Pa55word"


class SteppedClock:
    """A clock that only moves when someone sleeps."""

    def __init__(self):
        self.at = datetime(2026, 11, 22, tzinfo=UTC)
        self.slept: list[float] = []

    def now(self):
        return self.at

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


#: Holds a slot, says so, and waits to be told to end, or to be killed.
HOLDER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from ml_connector.connectors.dynamics_gp.limits import RequestGate
class SystemClock:
    now = staticmethod(lambda: datetime.now(UTC))
    sleep = staticmethod(time.sleep)
with RequestGate(Path(sys.argv[1]), 3, 0.0, SystemClock()).slot():
    print("holding", flush=True)
    sys.stdin.readline()
print("done", flush=True)
"""


def start_holder(folder, stack: ExitStack) -> subprocess.Popen:
    holder = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    assert holder.stdout.readline() == "holding\n"
    return holder


def test_three_processes_share_one_cap_and_a_killed_one_gives_its_slot_back(tmp_path, clock, opened):
    holders = [start_holder(tmp_path, opened) for _ in range(3)]
    gate = opened.enter_context(closing(RequestGate(tmp_path, 3, 0.0, clock)))
    entered = threading.Event()

    def enter():
        with gate.slot():
            entered.set()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(enter)
        assert not entered.wait(0.1), "all three slots are held by others"
        holders[0].send_signal(signal.SIGKILL)
        waiting.result(timeout=120)
    for holder in holders[1:]:
        holder.communicate("end\n", timeout=120)
    assert entered.is_set()


def test_threads_of_one_process_share_it_too(tmp_path, clock):
    inside, peak, lock = 0, 0, threading.Lock()

    def work(gate):
        nonlocal inside, peak
        with gate.slot():
            with lock:
                inside += 1
                peak = max(peak, inside)
            clock.sleep(0.001)
            with lock:
                inside -= 1

    with (
        closing(RequestGate(tmp_path, 3, 0.0, clock)) as one,
        closing(RequestGate(tmp_path, 3, 0.0, clock)) as two,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(work, [one, two] * 40))
    assert peak <= 3


def test_a_slot_rests_before_it_is_handed_out_again(tmp_path):
    clock = SteppedClock()
    with closing(RequestGate(tmp_path, 2, 1.5, clock)) as gate:
        for _ in range(3):
            with gate.slot():
                clock.at += timedelta(seconds=0.25)
    assert clock.slept == [pytest.approx(1.25)], (
        "two fresh slots, then the first again, a quarter of a second later"
    )


def test_a_slot_rests_whichever_process_used_it(tmp_path):
    clock = SteppedClock()
    with (
        closing(RequestGate(tmp_path, 2, 1.5, clock)) as one,
        closing(RequestGate(tmp_path, 2, 1.5, clock)) as two,
    ):
        with one.slot(), one.slot():
            pass
        with two.slot():
            assert clock.slept == [1.5]


def test_a_clock_that_was_set_back_does_not_lengthen_the_rest(tmp_path):
    clock = SteppedClock()
    with closing(RequestGate(tmp_path, 1, 1.5, clock)) as gate:
        with gate.slot():
            pass
        clock.at -= timedelta(hours=1)
        with gate.slot():
            pass
    assert clock.slept == [1.5]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("endpoint", "gp.example.com/DynamicsGPService.asmx"),
        ("endpoint", "https://user:secret@gp.example.com/DynamicsGPService.asmx"),
        ("max_requests", 1),
        ("max_requests", 6),
        ("mechanism", "basic"),
        ("unknown", 1),
    ],
)
def test_settings_that_cannot_work_are_refused(setting, value):
    settings = {"endpoint": "http://gp/DynamicsGPService.asmx", "company_id": -1, "user": "D\\u"}
    assert GpConfig.model_validate(settings).max_requests == 3
    with pytest.raises(ValueError, match=setting):
        GpConfig.model_validate(settings | {setting: value})


def test_every_setting_is_described():
    for model in (GpConfig, SbaConfig, SbaVendors, SbaCustomers, SbaAccounts, SbaEntries):
        assert [n for n, f in model.model_fields.items() if not f.description and not is_section(f)] == []


def is_section(field) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


# ---- while answers are slow


def answers(gate: RequestGate, clock, number: int, seconds: float) -> None:
    for _ in range(number):
        began_at = clock.now()
        clock.at += timedelta(seconds=seconds)
        gate.observe(Answer("GetCustomerByKey", began_at, clock.now()))


def slowed(gate: RequestGate, clock) -> None:
    answers(gate, clock, 20, 0.2)
    answers(gate, clock, SLOW_ANSWERS, 5.0)


def test_all_gates_of_a_folder_know_that_answers_are_slow_and_that_it_passes(tmp_path):
    clock = SteppedClock()
    with (
        closing(RequestGate(tmp_path, 5, 0.0, clock)) as one,
        closing(RequestGate(tmp_path, 5, 0.0, clock)) as two,
    ):
        assert two.at_once() == 5
        slowed(one, clock)
        assert (one.at_once(), two.at_once()) == (2, 2)
        clock.at += 2 * RESTORE_EVERY
        assert two.at_once() == 4
    with closing(RequestGate(tmp_path, 5, 0.0, clock)) as later:
        assert later.at_once() == 4, "no process has to live for it"
        clock.at += RESTORE_EVERY
        assert later.at_once() == 5


def test_what_is_under_way_when_it_is_halved_has_to_end_before_anything_begins(tmp_path, opened):
    clock = SteppedClock()
    gates = [opened.enter_context(closing(RequestGate(tmp_path, 4, 0.0, clock))) for _ in range(2)]
    held = [gate.slot() for gate in (*gates, *gates)]
    for slot in held:
        slot.__enter__()
    slowed(gates[0], clock)
    assert gates[0].at_once() == 2
    entered = threading.Event()

    def enter():
        with gates[1].slot():
            entered.set()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(enter)
        for slot in held[:2]:
            slot.__exit__(None, None, None)
            assert not entered.wait(0.05), "two are still under way"
        held[2].__exit__(None, None, None)
        waiting.result(timeout=120)
    held[3].__exit__(None, None, None)
    assert entered.is_set()


def test_a_file_that_a_dying_process_left_half_written_slows_nobody(tmp_path):
    clock = SteppedClock()
    with closing(RequestGate(tmp_path, 4, 0.0, clock)) as gate:
        slowed(gate, clock)
        kept = (tmp_path / "gp-pace.json").read_bytes()
        (tmp_path / "gp-pace.json").write_bytes(kept[:40])
        assert gate.at_once() == 4
        answers(gate, clock, 1, 0.2)
        assert pace.from_json((tmp_path / "gp-pace.json").read_bytes()).usual.keys() == {"GetCustomerByKey:0"}


READING = Path(__file__).with_name("reading_process.py")


class Readers:
    """Processes that read at the same time from one simulator, and share one gate."""

    def __init__(self, folder: Path, simulator, stack: ExitStack, number: int) -> None:
        self.simulator = simulator
        words = [sys.executable, str(READING), str(folder), simulator.endpoint, PASSWORD]
        self.processes = [
            stack.enter_context(
                subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(number)
        ]
        keys = [row["id"].strip() for row in simulator.control("GET", "customers?limit=1000")["rows"]]
        self.keys = " ".join(keys[:24])

    def read(self, seconds: float) -> tuple[list[int], int]:
        """All read at once, each answer lasting so long: (how many were allowed at the end, the simulator's peak)."""
        self.simulator.control("DELETE", "requests")
        for process in self.processes:
            process.stdin.write(f"{seconds} {self.keys}\n")
            process.stdin.flush()
        allowed = [int(process.stdout.readline()) for process in self.processes]
        told = self.simulator.control("GET", "state")
        assert told["operations"]["GetCustomerByKey"] == 24 * len(self.processes)
        return allowed, told["peak_concurrent"]

    def end(self) -> None:
        for process in self.processes:
            assert process.communicate(timeout=120) == ("", None)


def test_several_processes_never_ask_more_at_once_and_only_half_as_much_when_gp_is_slow(
    tmp_path, simulate, opened
):
    simulator = simulate(latency_seconds=0.2)  # so long that on any machine more than two meet there
    readers = Readers(tmp_path, simulator, opened, 3)
    allowed, peak = readers.read(0.2)
    assert allowed == [4, 4, 4]
    assert 2 < peak <= 4
    simulator.control("POST", "settings", {"latency_seconds": 0.03})
    allowed, peak = readers.read(5.0)
    assert (allowed, peak <= 4) == ([2, 2, 2], True)
    for _ in range(2):
        allowed, peak = readers.read(5.0)
        assert (allowed, peak <= 2) == ([2, 2, 2], True)
    readers.end()


# ---- what a run is told of it


def test_a_meter_tells_the_load_since_it_was_asked_last():
    meter = Meter()
    meter.begin(0)
    meter.begin(0)
    meter.end("GetCustomerByKey", 0.2)
    meter.end("GetCustomerList", 1.5)
    assert meter.take_load() == Load(2, 1.7, 2, "GetCustomerList", 1.5)
    meter.begin(2)
    assert meter.take_load() == Load(peak=1, slowed_to=2)
    meter.begin(1)
    meter.end("A", 0.1)
    meter.end("A", 0.1)
    meter.keep_quiet()
    assert meter.take_load() == Load(2, 0.2, 2, "A", 0.1, slowed_to=1, quiet=True)
    assert meter.take_load() == Load()
    assert meter.cost().calls == {"GetCustomerByKey": 1, "GetCustomerList": 1, "A": 2}


def test_loads_add_up_and_are_kept():
    one, two = Load(3, 1.5, 2, "A", 0.9, 0, quiet=False), Load(4, 0.5, 3, "B", 0.2, 2, quiet=True)
    both = one + two
    assert both == two + one == Load(7, 2.0, 3, "A", 0.9, 2, quiet=True)
    for load in (one, both, Load()):
        assert Load.from_json(load.to_json()) == load
    assert Load.from_json({}) == Load()
