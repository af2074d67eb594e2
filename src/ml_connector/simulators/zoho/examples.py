"""One example of each distinct shape of request, for a check of a client against a description of the API.

With the option `examples_file`, or the variable ZOHO_SIMULATOR_JOURNAL, each request to the API whose shape this
process has not seen before is appended to that file as one JSON line: `method`, `path`, `query`, `headers` (without
Authorization), `body`, and `lengths` of its lists. Several processes may share the file. A shape is the client, the
method, the path with ids left out, the parameters with the magnitude of their lengths, and the body's keys with the
JSON types of their values (outside `data`: with the values). Of a list, the body keeps one item of each shape; of a
form, an empty object for each of its fields.
"""

import os
import re
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson

VARIABLE = "ZOHO_SIMULATOR_JOURNAL"
_ID = re.compile(r"\d{6,}")
_FORM_FIELD = re.compile(rb'content-disposition: *form-data; *name="([^"]*)"', re.IGNORECASE)
_ONLY_TYPES = frozenset({"data", "select_query"})
"""Keys of the body under which any value may stand."""


class Examples:
    """A file with examples; safe to use from several threads, and from several processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: set[int] = set()

    def note(self, method: str, target: str, headers: dict[str, str], raw_body: bytes) -> None:
        """Appends the request if no request of its shape was noted by this process."""
        path, _, text = target.partition("?")
        query = dict(parse_qsl(text, keep_blank_values=True))
        body = _parsed(raw_body, headers.get("content-type", ""))
        outline = frozenset(_body_outline(body))
        lengths = frozenset((name, len(value).bit_length()) for name, value in query.items())
        shape = hash((method, _ID.sub("{id}", path), headers.get("user-agent"), lengths, outline))
        with self._lock:
            if shape in self._seen:
                return
            self._seen.add(shape)
        shown = {name: value for name, value in headers.items() if name != "authorization"}
        example = {"method": method, "path": path, "query": query, "headers": shown}
        self._append({**example, "body": _shortened(body), "lengths": _lengths(body)})

    def _append(self, example: dict[str, Any]) -> None:
        """One write to the end of the file, so that lines of several processes do not mix."""
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, orjson.dumps(example) + b"\n")
        finally:
            os.close(file)


@cache
def examples_at(path: str) -> Examples:
    """The one collection of this process for a file."""
    return Examples(Path(path))


def _parsed(raw_body: bytes, content_type: str) -> Any:  # noqa: ANN401 -- any JSON
    if content_type.startswith("multipart/form-data"):
        return {name.decode("utf-8", "replace"): {} for name in _FORM_FIELD.findall(raw_body)}
    try:
        return orjson.loads(raw_body) if raw_body else None
    except orjson.JSONDecodeError:
        return raw_body.decode("utf-8", "replace")


def _body_outline(body: Any) -> Iterator[str]:  # noqa: ANN401
    if not isinstance(body, dict):
        yield type(body).__name__
        return
    for key, value in body.items():
        yield from _outline(value, key, with_values=key not in _ONLY_TYPES)


def _outline(value: Any, path: str, *, with_values: bool) -> Iterator[str]:  # noqa: ANN401
    """Where what stands in a value: lists give the union of their items."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _outline(inner, f"{path}.{key}", with_values=with_values)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _outline(inner, f"{path}[]", with_values=with_values)
    else:
        yield f"{path} {type(value).__name__} {value if with_values else ''}"


def _shortened(body: Any) -> Any:  # noqa: ANN401
    """The body with one item of each shape in its lists of objects."""
    if not isinstance(body, dict):
        return body
    return {key: _one_of_each(value) if isinstance(value, list) else value for key, value in body.items()}


def _one_of_each(items: list[Any]) -> list[Any]:
    return list(
        {frozenset(_outline(item, "", with_values=False)): item for item in reversed(items)}.values()
    )[::-1]


def _lengths(body: Any) -> dict[str, int]:  # noqa: ANN401
    return (
        {key: len(value) for key, value in body.items() if isinstance(value, list)}
        if isinstance(body, dict)
        else {}
    )
