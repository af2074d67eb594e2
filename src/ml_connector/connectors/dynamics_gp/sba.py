"""The dialect of SBA, GP's REST service: addresses out, JSON in. Pure; nothing else knows its form.

Numbers stay the text that GP wrote: money never passes through a float. An answer is taken apart row by row, so that
a whole list costs its bytes and one row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote

from ml_connector.connectors.dynamics_gp import meanings, sba_meanings
from ml_connector.connectors.dynamics_gp.errors import redact
from ml_connector.connectors.dynamics_gp.soap import AnswerError, is_html
from ml_connector.connectors.dynamics_gp.values import Node, Tree, find

_MOST_DEPTH = 100
_MOST_ROW = 8 * 1024 * 1024  # characters of one record; parsed, each costs at most twenty bytes
_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_INSIDE = re.compile(
    rf"(?:[^\"{{}}\[\]]++|{_STRING})*+", re.DOTALL
)  # up to a bracket, or a text that does not end
_SCALAR = re.compile(rf"{_STRING}|[^\s,\]}}\"\[{{:]+", re.DOTALL)
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: How .NET's own serializer writes an instant, milliseconds since 1970, and the zone it was meant in.
_NET_DATE = re.compile(r"/Date\((-?\d{1,15})(?:([+-])(\d\d)(\d\d))?\)/")


def target(base: str, template: str, **places: str | Sequence[str]) -> str:
    """Path and query to ask for: ``template`` below the path of the address, with every place percent-encoded.

    The parts of a key are joined by ``;``. A company's parentheses stay as they are: a name that has them works raw
    (facts.md 1.2).
    """
    written = {}
    for name, said in places.items():
        parts = [said] if isinstance(said, str) else said
        written[name] = ";".join(quote(part, safe="()" if name == "company" else "") for part in parts)
    return base + template.format_map(written)


def headers(action: str = "") -> dict[str, str]:
    """The headers of a request; ``action`` is a custom one (facts.md 1.4)."""
    return {"Accept": "application/json", **({"GP-Custom-Action": action} if action else {})}


def resource_name(template: str) -> str:
    """The last resource of a path, as it is counted: "Vendors"."""
    path = template.partition("?")[0].rstrip("/")
    return re.sub(r"\(.*", "", path[path.rfind("/") + 1 :]) or path


def read_rows(body: bytes, places: Sequence[str], operation: str) -> Iterator[Tree]:
    """The rows of a list, one after the other; AnswerError for what is not whole JSON, a stop where no list stands."""
    return (_decoded(written, body) for written in split_rows(body, places, operation))


def split_rows(body: bytes, places: Sequence[str], operation: str) -> Iterator[str]:
    """The same, each as it is written: for ``read_row``."""
    text = _text(body)
    for place in places:
        start = _locate(text, place)
        if start is not None and text[start] == "[":
            return _items(text, start, body)
    raise sba_meanings.NO_ROWS.error(
        operation=operation, places=", ".join(places), beginning=_beginning(text)
    )


def read_row(written: str) -> Tree:
    """A row of ``split_rows``; errors as for ``read_rows``."""
    return _decoded(written, written.encode())


def read_object(body: bytes, places: Sequence[str], operation: str) -> Tree:
    """The one record of an answer, also where it is alone in a list; errors as for ``read_rows``."""
    text = _text(body)
    for place in places:
        start = _locate(text, place)
        if start is not None and text[start] == "{":
            return _decoded(text[start : _end(text, start)], body)
        if start is not None and text[start] == "[":
            rows = list(_items(text, start, body))
            if len(rows) == 1:
                return _decoded(rows[0], body)
    raise sba_meanings.NO_RECORD.error(
        operation=operation, places=", ".join(places), beginning=_beginning(text)
    )


def value(row: Tree, path: str) -> Node:
    """The text at ``path``, checked and with .NET's dates as others write them; None where nothing stands."""
    if not path:
        return None
    found = find(row, tuple(path.split("/"))) if "/" in path else row.get(path)
    if not isinstance(found, str):
        return None
    if _NOT_TEXT.search(found):
        shown = found[:80]
        raise meanings.UNREADABLE_VALUE.error(ascii(shown), sent=ascii(shown), wanted="a text")
    moment = _NET_DATE.fullmatch(found)
    return found if moment is None else _iso(moment)


def _iso(moment: re.Match[str]) -> str:
    milliseconds, sign, hours, minutes = moment.groups()
    away = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    try:
        at = _EPOCH + timedelta(milliseconds=int(milliseconds))
        return at.astimezone(timezone(away)).isoformat()
    except (OverflowError, ValueError) as error:
        raise meanings.UNREADABLE_VALUE.error(
            moment.group(), sent=repr(moment.group()), wanted="a date and time"
        ) from error


# ---- taking JSON apart


def _text(body: bytes) -> str:
    """The answer as text, if its brackets close: what was cut off is never half read."""
    try:
        text = body.decode("utf-8-sig")
        start = _SPACE.match(text).end()  # type: ignore[union-attr]  # it matches nothing, too
        if text[start : start + 1] in ("{", "[") and not text[_end(text, start) :].strip(" \t\r\n"):
            return text
    except ValueError:
        pass
    raise _broken(body)


def _broken(body: bytes) -> AnswerError:
    return AnswerError(body, html=is_html(body))


def _beginning(text: str) -> str:
    return repr(redact(" ".join(text[:200].split()))[:80])


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return position if found is None else found.end()


def _end(text: str, start: int) -> int:
    """Where the value that begins at ``start`` ends; ValueError where it does not, or nests too deep."""
    if text[start : start + 1] not in ("{", "["):
        scalar = _SCALAR.match(text, start)
        if scalar is None:
            raise ValueError("no value")
        return scalar.end()
    depth, position = 0, start
    while depth <= _MOST_DEPTH:
        mark = text[position : position + 1]
        if mark not in ("{", "[", "}", "]"):
            break
        depth += 1 if mark in ("{", "[") else -1
        position += 1
        if depth == 0:
            return position
        inside = _INSIDE.match(text, position)
        position = position if inside is None else inside.end()
    raise ValueError("no end")


def _locate(text: str, place: str) -> int | None:
    """Where the value at a path begins; None: there is none."""
    position = _after_space(text, 0)
    for name in () if place == "." else place.split("/"):
        found = _member(text, position, name)
        if found is None:
            return None
        position = found
    return position


def _member(text: str, start: int, name: str) -> int | None:
    """Where the value of an object's member begins."""
    if text[start] != "{":
        return None
    position = _after_space(text, start + 1)
    try:
        while text[position] == '"':
            key, position = _DECODER.raw_decode(text, position)
            position = _after_space(text, position)
            if text[position] != ":":
                return None
            position = _after_space(text, position + 1)
            if key == name:
                return position
            position = _after_space(text, _end(text, position))
            if text[position] != ",":
                return None
            position = _after_space(text, position + 1)
    except (ValueError, IndexError):
        return None
    return None


def _items(text: str, start: int, body: bytes) -> Iterator[str]:
    """The objects of an array, as they are written."""
    position = _after_space(text, start + 1)
    if text[position : position + 1] == "]":
        return
    while True:
        try:
            end = _end(text, position)
        except ValueError as error:
            raise _broken(body) from error
        yield text[position:end]
        position = _after_space(text, end)
        if text[position : position + 1] != ",":
            break
        position = _after_space(text, position + 1)
    if text[position : position + 1] != "]":
        raise _broken(body)


def _decoded(written: str, body: bytes) -> Tree:
    if len(written) > _MOST_ROW:
        raise meanings.ANSWER_TOO_LARGE.error()
    try:
        row = _DECODER.decode(written)
    except ValueError as error:
        raise _broken(body) from error
    if not isinstance(row, dict):
        raise _broken(body)  # a list of texts or numbers is no list of records
    return row


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object, with true and false as the texts they are in XML; ValueError where one name stands twice."""
    members = {
        name: _BOOLEANS.get(value, value) if isinstance(value, bool) else value for name, value in pairs
    }
    if len(members) < len(pairs):
        raise ValueError("a name stands twice")
    return members


def _no_number(word: str) -> str:
    raise ValueError(f"{word} is no JSON")


_BOOLEANS = {True: "true", False: "false"}
_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=str, parse_int=str, parse_constant=_no_number
)
