"""Syncs that are killed, by themselves, at a call to the target."""

from __future__ import annotations

import signal
from pathlib import Path

from systems import World

_DEADLY = Path(__file__).with_name("killed_sync.py")


def die(
    world: World, when: str, number: int, approve: str = "", module: str = "Accounts", flow: str = "customers"
) -> None:
    """Sync the flow and be killed ``before`` or ``after`` the Nth write to the module."""
    words = (str(world.settings), when, str(number), module, approve, flow)
    said = world.run(*words, script=_DEADLY)
    assert said.code == -signal.SIGKILL, said
