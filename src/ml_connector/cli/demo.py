"""``ml-connector demo``: both simulators, the main job, and what it did."""

from __future__ import annotations

import typer

from ml_connector.cli.exits import Exit


def demo() -> None:
    """Show the main job on this machine: two simulators, the real commands, and a check that both sides agree."""
    from ml_connector.demo import run

    raise typer.Exit(Exit.DONE if run() else Exit.NEEDS_A_PERSON)
