"""Both simulators as processes of their own, and an ml-connector set up against them, in a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

COMMAND = (sys.executable, "-m", "ml_connector")
ACCOUNT, PASSWORD = "FABRIKAM\\svc-gpsync", "Demo-Passw0rd"
SECRETS = {
    "gp.password": PASSWORD,
    "zoho.client_secret": "simulated-client-secret",
    "zoho.refresh_token": "1000.simulated.refresh",
}


@dataclass(frozen=True, slots=True)
class Simulator:
    """A simulator that runs, seen through its control endpoint."""

    url: str
    endpoint: str
    control: httpx2.Client
    process: subprocess.Popen[str]

    def get(self, path: str) -> Any:  # noqa: ANN401 -- JSON
        """What the control endpoint says."""
        return self.control.get(path).raise_for_status().json()

    def post(self, path: str, body: object) -> Any:  # noqa: ANN401 -- JSON
        """Tell the control endpoint something."""
        return self.control.post(path, json=body).raise_for_status().json()

    def rows(self, path: str, key: str) -> Iterator[dict[str, Any]]:
        """Everything under ``path``, page by page; ``key`` is where a page has its rows."""
        offset, size = 0, 1000
        while page := self.get(f"{path}?offset={offset}&limit={size}")[key]:
            yield from page
            offset += size


@contextmanager
def simulator(name: str, *options: str) -> Iterator[Simulator]:
    """Run ``ml-connector simulate NAME`` until the end of the block."""
    process = subprocess.Popen([*COMMAND, "simulate", name, *options], stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        assert process.stdout is not None
        place = json.loads(process.stdout.readline())
        with httpx2.Client(base_url=place["control"], trust_env=False, timeout=120) as control:
            yield Simulator(place["url"], place.get("endpoint", ""), control, process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


@dataclass(frozen=True, slots=True)
class Systems:
    """Both simulators and a folder with an ml-connector that knows them."""

    folder: Path
    gp: Simulator
    zoho: Simulator

    def run(self, *arguments: str, given: str = "", quiet: bool = False) -> subprocess.CompletedProcess[str]:
        """Run one command of ml-connector as a person would, in the folder."""
        out = subprocess.PIPE if quiet else None
        return subprocess.run(  # noqa: S603 -- our own program
            [*COMMAND, *arguments], cwd=self.folder, input=given, stdout=out, text=True, check=False
        )

    def report(self, *arguments: str) -> Any:  # noqa: ANN401 -- JSON
        """Run a command with --json and give its report."""
        return json.loads(self.run(*arguments, "--json", quiet=True).stdout)

    def set_up(self, settings: Mapping[str, Mapping[str, object]] | None = None) -> None:
        """Write the settings and the secrets; ``settings`` adds to or replaces those of its sections."""
        sections: dict[str, dict[str, object]] = {
            "gp": {"endpoint": self.gp.endpoint, "company_id": -1, "user": ACCOUNT},
            "zoho": {
                "data_centre": "us",
                "client_id": "1000.SIMULATEDCLIENT",
                "simulator_url": self.zoho.url,
            },
        }
        for name, values in (settings or {}).items():
            sections.setdefault(name, {}).update(values)
        self.run("init", quiet=True)
        (self.folder / "ml-connector.toml").write_text(_toml(sections))
        for name, value in SECRETS.items():
            self.run("secrets", "set", name, given=value, quiet=True)


def _toml(sections: Mapping[str, Mapping[str, object]]) -> str:
    # A JSON text, number, boolean and list is one of TOML, too.
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        for name, values in sections.items()
    )


@contextmanager
def systems(folder: Path, gp: Sequence[str] = (), zoho: Sequence[str] = ()) -> Iterator[Systems]:
    """Both simulators with these options, and a connector in ``folder``, until the end of the block."""
    with ExitStack() as stack:
        gp_running = stack.enter_context(simulator("gp", "--account", f"{ACCOUNT}:{PASSWORD}", *gp))
        zoho_running = stack.enter_context(simulator("zoho", *zoho))
        yield Systems(folder, gp_running, zoho_running)
