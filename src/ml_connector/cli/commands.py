"""Which command is where. One is read when it is asked for: reading and building all takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer

from ml_connector.cli.group import SentenceGroup

#: In the order of the help: a command by its file and its function there, or a group of commands by its file alone.
COMMANDS = {
    "init": "init.init",
    "ping": "ping.ping",
    "provision": "provision.provision",
    "plan": "plan.plan",
    "sync": "sync.sync",
    "serve": "serve.serve",
    "worker": "worker.worker",
    "backup": "backup.backup",
    "restore": "backup.restore",
    "demo": "demo.demo",
    "secrets": "secrets",
    "zoho": "zoho",
    "review": "review",
    "flows": "flows",
    "channels": "channels",
    "alerts": "alerts",
    "reconcile": "reconcile",
    "held": "held",
    "links": "links",
    "report": "report",
    "audit": "audit",
    "database": "database",
    "simulate": "simulate",
}


class _Commands(Mapping[str, Any]):
    """All of them by name."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 -- Typer keeps the type of its commands to itself
        if name not in self._built:
            self._built[name] = _build(name, *COMMANDS[name].split("."))
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def _build(name: str, file: str, function: str = "") -> Any:  # noqa: ANN401 -- the same
    found = import_module(f"ml_connector.cli.{file}")
    around = typer.Typer(rich_markup_mode=None)
    if function:
        around.command(name)(getattr(found, function))
    else:
        around.add_typer(found.app, name=name)
    return typer.main.get_group(around).commands[name]


class Program(SentenceGroup):
    """The root of ``ml-connector``."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 -- what Typer makes a group of
        super().__init__(**given | {"commands": _Commands()})
