"""The program as it is installed, in processes that import for themselves: in other tests, one that has is forked."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from systems import World, assert_whole, gp_options, opened

PROGRAM = Path(sys.executable).parent / "ml-connector"


def said(world: World, *words: str) -> str:
    """What it says on standard output."""
    command = [str(PROGRAM), *words]
    return subprocess.run(command, cwd=world.folder, capture_output=True, text=True, check=True).stdout


def test_the_program_as_it_is_installed(tmp_path: Path) -> None:
    with opened(tmp_path, gp=gp_options(8)) as world:
        world.write_settings(serve__port="0", serve__schedule="'0 0 1 1 *'")
        plan = json.loads(said(world, "plan", "customers", "--json"))["hash"]
        told = json.loads(said(world, "sync", "customers", "--approve", plan, "--json"))
        assert told["flows"]["customers"]["state"] == "done"
        with subprocess.Popen(
            [str(PROGRAM), "serve"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
        ) as serving:
            assert serving.stderr is not None
            assert any("pages are at" in line for line in serving.stderr)
            serving.send_signal(signal.SIGTERM)
            left = serving.stderr.read()
        assert serving.returncode == 0, left
        assert_whole(world)
