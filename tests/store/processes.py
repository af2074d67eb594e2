"""Functions in processes of their own, which may be killed; what they import is imported once for all of them."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["ml_connector.flows.restore"])
_LONGEST_SECONDS = 120


def exit_codes(target: Callable[..., None], *given: tuple[object, ...]) -> list[int | None]:
    """Run it at once with each of these arguments, to the end; the exit codes."""
    processes = [_CONTEXT.Process(target=target, args=one) for one in given]
    for process in processes:
        process.start()
    for process in processes:
        process.join(_LONGEST_SECONDS)
    return [process.exitcode for process in processes]


def die(target: Callable[..., None], *given: object) -> None:
    """Run it until it kills itself."""
    assert exit_codes(target, given) == [-signal.SIGKILL]
