"""What a thread of ``serve`` does again and again until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ml_connector.core.errors import ConnectorError
from ml_connector.core.ports import Tell

_LONGEST_SECONDS = 3600.0


def turn_by_turn(
    turn: Callable[[], None],
    stopping: threading.Event,
    every: float,
    what: str,
    tell: Tell,
    fault: Callable[[Exception], None],
) -> None:
    """Do it every so many seconds. While the store is away nothing can be done; the flows tell that.

    ``what`` begins the line that says so. A bug is kept for who mends it, and tried again ever later.
    """
    pause = 0.0
    while not stopping.wait(pause):
        try:
            turn()
            pause = every
        except ConnectorError as error:
            tell(f"{what}: {error}", level="debug")
            pause = every
        except Exception as error:  # noqa: BLE001 -- a bug here must not end the flows
            fault(error)
            pause = min(2 * max(pause, every), _LONGEST_SECONDS)
