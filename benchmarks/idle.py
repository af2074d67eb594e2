"""How much of a processor's core ``serve`` takes while it has nothing to do.

Over a SQLite store, with both simulators and nothing due. Its processor time, user and system, is read from ``/proc``;
it looks more often in its first minute, which is not counted. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from ml_connector.demo.systems import COMMAND, systems

AIM = 1.0  #: per cent
SETTINGS: dict[str, dict[str, object]] = {"serve": {"port": 0, "schedule": "0 0 1 1 *"}}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=60, help="how long it is measured")
    asked.add_argument("--settle", type=float, default=65, help="how long after its start that begins")
    chosen = asked.parse_args()
    gp, zoho = ("--customers", "30"), ("--edition", "ultimate", "--users", "100")
    with tempfile.TemporaryDirectory() as folder, systems(Path(folder), gp, zoho) as around:
        around.set_up(SETTINGS)
        around.run("provision", "--yes", quiet=True)
        serve = subprocess.Popen([*COMMAND, "serve"], cwd=around.folder, stderr=subprocess.PIPE, text=True)
        try:
            assert serve.stderr is not None
            assert any("Serving" in line for line in serve.stderr)
            time.sleep(chosen.settle)
            used = share(serve.pid, chosen.seconds)
        finally:
            serve.terminate()
            serve.communicate(timeout=60)
    told = {"idle": round(used, 2), "aim": AIM, "seconds": chosen.seconds, "load": os.getloadavg()[0]}
    print(json.dumps(told))


def share(pid: int, seconds: float) -> float:
    """Per cent of a core that the process uses in so many seconds from now on."""
    began, before = time.monotonic(), processor_seconds(pid)
    time.sleep(seconds)
    return 100 * (processor_seconds(pid) - before) / (time.monotonic() - began)


def processor_seconds(pid: int) -> float:
    """User and system time of all its threads so far: fields 14 and 15 of proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
