"""Syncs that are killed: by themselves at a call to the target, or from outside while Zoho owes the answer."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from systems import World, unreachable

_DEADLY = Path(__file__).with_name("killed_sync.py")


def die(
    world: World, when: str, number: int, approve: str = "", module: str = "Accounts", flow: str = "customers"
) -> None:
    """Sync the flow and be killed ``before`` or ``after`` the Nth write to the module."""
    words = (str(world.settings), when, str(number), module, approve, flow)
    said = world.run(*words, script=_DEADLY)
    assert said.code == -signal.SIGKILL, said


def kill_unanswered(
    world: World,
    call: str,
    nth: int,
    approve: str = "",
    module: str = "Accounts",
    flow: str = "customers",
) -> None:
    """Sync the flow and be killed when Zoho has done the work of the Nth such call and not yet answered."""
    before = written(world, module)
    world.zoho_faults({"match": call, "kind": "delay_after_work", "nth": nth, "seconds": 1.5})
    process = world.start("sync", flow, *(["--approve", approve] if approve else []))
    try:
        end = time.monotonic() + 60
        while written(world, module) < before + 100 * nth:
            if process.poll() is not None or time.monotonic() > end:
                unreachable("Zoho was not asked to write")
            time.sleep(0.01)
    finally:
        process.kill()
        assert world.finish(process).code == -signal.SIGKILL
        world.zoho_faults()


def written(world: World, module: str = "Accounts") -> int:
    """How many records of the module Zoho wrote since ``forget``."""
    return sum(world.writes(module).values())
