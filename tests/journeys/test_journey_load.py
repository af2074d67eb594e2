"""Several flows and several processes at once: GP itself counts how much is asked of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from systems import gp_options, opened

COMMANDS = (("plan", "customers"), ("plan", "vendors"), ("plan",), ("ping",))


@pytest.mark.parametrize("cap", [2, 5])
def test_all_flows_and_commands_share_the_cap(tmp_path: Path, cap: int) -> None:
    with opened(tmp_path, gp=gp_options(60, 60)) as world:
        world.write_settings(gp__max_requests=str(cap))
        world.gp.control("POST", "settings", {"latency_seconds": 0.02})
        world.forget()
        ended = [world.finish(process) for process in [world.start(*words) for words in COMMANDS]]
        assert [said.code for said in ended] == [0] * len(COMMANDS), "\n".join(said.text for said in ended)
        told = world.gp.control("GET", "state")
        assert {"GetCustomerByKey", "GetVendorByKey"} <= told["operations"].keys()
        assert told["peak_concurrent"] <= cap
