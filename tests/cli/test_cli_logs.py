"""The lines of the process that serves: an instant, a level, what happened, where; no secret and no traceback."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
import structlog

from ml_connector.cli.logs import as_lines, to_standard_error
from ml_connector.serve_settings import LogSettings

Lines = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    handlers, config = logging.getLogger().handlers, structlog.get_config()
    yield
    logging.getLogger().handlers = handlers
    structlog.configure(**config)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    def written() -> list[str]:
        said = capsys.readouterr()
        assert said.out == ""
        return said.err.splitlines()

    return written


def test_text_is_a_line_of_names_and_values(lines: Lines) -> None:
    tell = as_lines(LogSettings())
    tell(
        "customers: done.", flow="customers", run="r-1", counts={"created": 3, "held": 1}, state="", note=None
    )
    [line] = lines()
    instant, _, rest = line.partition(" ")
    assert datetime.fromisoformat(instant.removeprefix("timestamp=")).tzinfo is not None
    assert rest == 'level=info event="customers: done." flow=customers run=r-1 counts="created=3 held=1"'


def test_json_is_a_document_a_line(lines: Lines) -> None:
    tell = as_lines(LogSettings(format="json"))
    tell("“customers”: away.\nGP does not answer.", level="warning", counts={"created": 3})
    tell("Stopping.")
    first, second = (json.loads(line) for line in lines())
    assert datetime.fromisoformat(first.pop("timestamp")).tzinfo is not None
    assert first == {
        "level": "warning",
        "event": "“customers”: away.\nGP does not answer.",
        "counts": {"created": 3},
    }
    assert second["level"] == "info"


@pytest.mark.parametrize(("level", "written"), [("debug", 3), ("info", 3), ("warning", 2), ("error", 1)])
def test_what_is_below_the_level_is_not_written(lines: Lines, level: str, written: int) -> None:
    to_standard_error(debug=False)
    tell = as_lines(LogSettings(level=level))
    for one in ("info", "warning", "error"):
        tell("It.", level=one)
    assert len(lines()) == written


def test_debug_of_the_command_line_is_not_taken_back(lines: Lines) -> None:
    to_standard_error(debug=True)
    as_lines(LogSettings(level="error"))
    structlog.get_logger().debug("It.")
    assert len(lines()) == 1


@pytest.mark.parametrize("format_", ["text", "json"])
def test_what_libraries_log_comes_the_same_way_without_a_traceback(lines: Lines, format_: str) -> None:
    as_lines(LogSettings(format=format_))
    try:
        int("of nobody's business")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in %s", "ASGI")
    [line] = lines()
    if format_ == "json":
        told = json.loads(line)
        assert (told["level"], told["event"], told["logger"], told["error"]) == (
            "error",
            "Exception in ASGI",
            "uvicorn.error",
            "ValueError",
        )
    assert "Traceback" not in line
    assert "nobody" not in line


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Zoho-oauthtoken {}",
        "the token {} is refused",
        "GET https://anna:{}@example.com/ ended",
        "Authorization: Basic {}",
    ],
)
def test_a_secret_that_comes_here_all_the_same_ends_here(lines: Lines, text: str) -> None:
    tell, bird = as_lines(LogSettings()), "1000.0123456789abcdef0123456789abcdef.rotschwanz"
    tell(text.format(bird), where=text.format(bird), password=bird, refresh_token=bird)
    logging.getLogger("a_library").warning("%s", text.format(bird))
    said = "\n".join(lines())
    assert "rotschwanz" not in said
    assert "0123456789abcdef" not in said
    assert said.count("…") == 5
