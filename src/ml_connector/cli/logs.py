"""Where log lines go: to standard error, so that standard output has the report and nothing else.

Commands of people write sentences (``cli.show``) and log warnings only. The process that serves logs everything it
says: a line each, with an instant, a level, what happened, and where.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog
from stamina.instrumentation import set_on_retry_hooks
from structlog.typing import EventDict, Processor

if TYPE_CHECKING:
    from ml_connector.core.ports import Tell
    from ml_connector.serve_settings import LogSettings

_FIRST = ("timestamp", "level", "event")


def to_standard_error(*, debug: bool) -> None:
    """From here on warnings (with ``debug`` everything) are lines on standard error."""
    _configure(logging.DEBUG if debug else logging.WARNING, _TEXT)
    set_on_retry_hooks(
        None if debug else ()
    )  # a retry is no line for a person: what a run waits for is shown


def as_lines(settings: LogSettings) -> Tell:
    """From here on the process logs as these settings say, and what libraries log comes the same way; what tells it."""
    level = min(logging.getLevelNamesMapping()[settings.level.upper()], _level())
    render = _JSON if settings.format == "json" else _TEXT
    _configure(level, render)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=[_shorten, *render], foreign_pre_chain=_BEFORE)
    )
    logging.getLogger().handlers = [handler]
    return _tell


def _tell(event: str, /, *, level: str = "info", **where: object) -> None:
    told = {name: value for name, value in where.items() if value not in ("", None, {})}
    structlog.get_logger().log(logging.getLevelNamesMapping()[level.upper()], event, **told)


def _level() -> int:
    """From which level on lines are written now: --debug asked for more than settings do."""
    return (
        logging.DEBUG if structlog.get_config()["wrapper_class"] is _AT[logging.DEBUG] else logging.CRITICAL
    )


def _configure(level: int, render: Sequence[Processor]) -> None:
    structlog.configure(
        processors=[*_BEFORE, *render],
        wrapper_class=_AT[level],
        logger_factory=_logger,
        cache_logger_on_first_use=False,  # standard error is looked up when a line is written
    )


def _logger(*_names: object) -> structlog.PrintLogger:
    return structlog.PrintLogger(sys.stderr)


# -- what becomes of a line

_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
_AT = {level: structlog.make_filtering_bound_logger(level) for level in _LEVELS}

_SECRET_NAME = re.compile(r"password|passwd|secret|token|authorization|api_?key|private_key", re.IGNORECASE)
#: Zoho's tokens and codes, what stands in an Authorization header, and the password of an address.
_SECRET = re.compile(
    r"\b1000\.[0-9A-Za-z.]{8,}|(?<=Zoho-oauthtoken )\S+|(?<=Bearer )\S+|(?<=Basic )\S+|(?<=Negotiate )\S+"
    r"|(?<=://)[^\s/@]+(?=@)"
)


def _strike_out(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Nothing that is written has a secret in it; should one come here all the same, it ends here."""
    return {name: "…" if _SECRET_NAME.search(name) else _struck(value) for name, value in line.items()}


def _struck(value: Any) -> Any:  # noqa: ANN401 -- whatever is logged
    return _SECRET.sub("…", value) if isinstance(value, str) else value


def _shorten(_logger: object, _method: str, line: EventDict) -> EventDict:
    """A library's line as one of ours: an exception by its name, not a traceback of many lines."""
    record = line.pop("_record", None)
    line.pop("_from_structlog", None)
    failed = line.pop("exc_info", None) or getattr(record, "exc_info", None)
    if record is not None:
        line["logger"] = record.name
    if isinstance(failed, tuple) and failed[0] is not None:
        line["error"] = failed[0].__name__
    return line


def _plain_counts(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Numbers by name as name=number, which reads better than Python's own way."""
    return {name: _flat(value) for name, value in line.items()}


def _flat(value: object) -> object:
    return " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else value


_BEFORE: list[Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _strike_out,
]
_TEXT: list[Processor] = [_plain_counts, structlog.processors.LogfmtRenderer(key_order=_FIRST)]
_JSON: list[Processor] = [structlog.processors.JSONRenderer(ensure_ascii=False)]
