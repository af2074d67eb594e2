"""What goes wrong before a change is sent, or after it was refused, leaves no doubt whether it was done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ml_connector.core.errors import NotDoneError, RetryableError


@contextmanager
def nothing_done() -> Iterator[None]:
    """Within it nothing is changed: whoever is away has done nothing, for certain."""
    try:
        yield
    except NotDoneError:
        raise
    except RetryableError as error:
        away = NotDoneError(error.happened, error.remedy, after_seconds=error.after_seconds)
        away.system, away.reason = error.system, error.reason
        raise away from error
