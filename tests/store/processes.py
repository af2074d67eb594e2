"""Functions in processes of their own, which may be killed; what they import is imported once for all of them."""

from __future__ import annotations

import signal
from collections.abc import Callable

from forked import begun

_LONGEST_SECONDS = 120


def exit_codes(target: Callable[..., None], *given: tuple[object, ...]) -> list[int | None]:
    """Run it at once with each of these arguments, to the end; the exit codes."""
    processes = [begun(target, *one) for one in given]
    for process in processes:
        process.join(_LONGEST_SECONDS)
    return [process.exitcode for process in processes]


def die(target: Callable[..., None], *given: object) -> None:
    """Run it until it kills itself."""
    assert exit_codes(target, given) == [-signal.SIGKILL]
