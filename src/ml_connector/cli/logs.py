"""Where log lines go: to standard error, so that standard output has the report and nothing else."""

from __future__ import annotations

import logging
import sys

import structlog
from stamina.instrumentation import set_on_retry_hooks


def to_standard_error(*, debug: bool) -> None:
    """From here on warnings (with ``debug`` everything) are lines on standard error."""
    level = logging.DEBUG if debug else logging.WARNING
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.LogfmtRenderer(key_order=("timestamp", "level", "event")),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_logger,
        cache_logger_on_first_use=False,  # standard error is looked up when a line is written
    )
    set_on_retry_hooks(
        None if debug else ()
    )  # a retry is no line for a person: what a run waits for is shown


def _logger(*_names: object) -> structlog.PrintLogger:
    return structlog.PrintLogger(sys.stderr)
