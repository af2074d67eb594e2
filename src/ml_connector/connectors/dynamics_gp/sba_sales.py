"""Sales documents as SBA's JSON, both ways. Pure.

What comes in is laid out as SOAP would have sent it, so that one reader serves both. What goes out as a change is the
difference alone: PATCH leaves alone what is not in it (facts.md 1.4 has the verb, that it does so is an assumption).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from ml_connector.connectors.dynamics_gp import sales_fields, sba, sba_meanings, soap, values, write_meanings
from ml_connector.connectors.dynamics_gp.sales_fields import LINE, SHIP_TO, TYPES, Field
from ml_connector.connectors.dynamics_gp.sba_sales_config import SbaSales
from ml_connector.connectors.dynamics_gp.values import Node, Tree, children
from ml_connector.core.record import fold_key
from ml_connector.core.sales import Document, Kind, Line

#: Our names of what only GP gives -> where SOAP has it.
_OF_GP: Mapping[str, tuple[str, ...]] = {
    "state": ("TransactionState",),
    "is_voided": ("IsVoided",),
    "line_total": ("LineTotalAmount", "Value"),
    "total": ("TotalAmount", "Value"),
    "master_number": ("MasterNumber",),
    "came_from": ("OriginalSalesDocumentKey", "Id"),
    "modified_at": ("ModifiedDate",),
    "trade_discount_percent": ("TradeDiscount", "Percent", "Value"),
}
_OF_GP_LINE: Mapping[str, tuple[str, ...]] = {
    "sequence": ("Key", "LineSequenceNumber"),
    "discount_percent": ("Discount", "Percent", "Value"),
    "allocated": ("QuantityAllocated", "Value"),
    "fulfilled": ("QuantityFulfilled", "Value"),
    "cancelled": ("QuantityCanceled", "Value"),
    "to_backorder": ("QuantityToBackorder", "Value"),
    "to_invoice": ("QuantityToInvoice", "Value"),
    "cost": ("ExtendedCost", "Value"),
}
_PERCENTS = {"trade_discount": "trade_discount_percent", "discount": "discount_percent"}
_LISTED = ("number", "customer", "state")  # without these a row of a list says nothing

Json = str | int | bool | Decimal | date | None | list["Json"] | dict[str, "Json"]


# ---- in


def tree(kind: Kind, row: Tree, names: SbaSales) -> Tree:
    """A document as SOAP would have sent it. RecordRejectedError: a value is none."""
    made = _laid_out(row, sales_fields.of(kind), _OF_GP, names.document_names)
    _put(made, ("Type",), TYPES[kind])
    for number in range(1, 6):
        text = sba.value(row, names.document_names[f"text{number}"])
        _put(made, ("UserDefined", sales_fields.text_member(number)), text)
    address = values.find(row, (names.ship_to_at,))
    if isinstance(address, dict):
        _put(made, ("ShipToAddress",), _laid_out(address, SHIP_TO, {}, names.ship_to_names))
    lines: list[Node] = [
        _laid_out(line, LINE, _OF_GP_LINE, names.line_names) for line in children(row, (names.lines_at,))
    ]
    _put(made, ("Lines", f"Sales{TYPES[kind]}Line"), lines)
    return made


def row_of_list(kind: Kind, row: Tree, names: SbaSales, operation: str) -> Tree:
    """The same of a row of a list; a stop where what names it is not where the settings look."""
    for name in _LISTED:
        place = names.document_names[name]
        if place not in row:
            raise sba_meanings.NO_KEY.error(operation=operation, place=place)
    return tree(kind, row, names)


def _laid_out(
    row: Tree, fields: Iterable[Field], others: Mapping[str, tuple[str, ...]], names: Mapping[str, str]
) -> Tree:
    made: Tree = {}
    for field in fields:
        path = ("Value",) if field.form is sales_fields.PHONE else field.form.path
        _put(made, (field.member, *path), sba.value(row, names[field.name]))
    for name, path in others.items():
        _put(made, path, sba.value(row, names[name]))
    return made


def _put(made: Tree, path: tuple[str, ...], value: Node) -> None:
    if value is None:
        return
    for name in path[:-1]:
        below = made.setdefault(name, {})
        assert isinstance(below, dict), path
        made = below
    made[path[-1]] = value


# ---- out


def new(document: Document, names: SbaSales) -> bytes:
    """The body that creates a document. RecordRejectedError: a text that cannot be carried."""
    body = _given(document, sales_fields.of(document.kind), names.document_names)
    for number, text in document.texts.items():
        if text:
            body[names.document_names[f"text{number}"]] = _checked(text)
    if document.ship_to is not None:
        body[names.ship_to_at] = _given(document.ship_to, SHIP_TO, names.ship_to_names)
    body[names.lines_at] = [_new_line(line, names) for line in document.lines]
    return written(body, names.day_form)


def changed(row: Tree, before: Document, after: Document, names: SbaSales) -> bytes:
    """The body that makes of ``before``, which was read as ``row``, what it is to be. RecordRejectedError as above."""
    body = _difference(before, after, sales_fields.of(after.kind), names.document_names)
    for number in {*before.texts, *after.texts}:
        if (text := after.texts.get(number, "")) != before.texts.get(number, ""):
            body[names.document_names[f"text{number}"]] = _checked(text)
    if after.ship_to != before.ship_to:
        there = values.find(row, (names.ship_to_at,))
        own = dict(there) if isinstance(there, dict) and after.ship_to is not None else {}
        given = (
            {} if after.ship_to is None else _given(after.ship_to, SHIP_TO, names.ship_to_names, whole=True)
        )
        body[names.ship_to_at] = {**_plain(own), **given} if after.ship_to is not None else None
    if lines := _changed_lines(before, after, names):
        body[names.lines_at] = lines
    return written(body, names.day_form)


def _new_line(line: Line, names: SbaSales) -> Json:
    body = _given(line, LINE, names.line_names)
    return {names.line_names["sequence"]: line.sequence, **body} if line.sequence else body


def _changed_lines(before: Document, after: Document, names: SbaSales) -> list[Json]:
    """Only what changes: a line that is not there stays. One of another item is removed and made anew."""
    sequence, known = names.line_names["sequence"], {line.sequence: line for line in before.lines}
    lines: list[Json] = []
    kept: set[int] = set()
    for line in after.lines:
        was = known[line.sequence] if line.sequence else None
        if was is None or fold_key(was.item) != fold_key(line.item):
            lines.append(_given(line, LINE, names.line_names))
            continue
        kept.add(line.sequence)
        if difference := _difference(was, line, LINE, names.line_names):
            lines.append({sequence: line.sequence, **difference})
    lines += [{sequence: number, names.line_names["remove"]: True} for number in known.keys() - kept]
    return lines


def _given(
    said: object, fields: Iterable[Field], names: Mapping[str, str], *, whole: bool = False
) -> dict[str, Json]:
    """What is said; ``whole``: and what is not."""
    body: dict[str, Json] = {}
    for field in fields:
        value = getattr(said, field.name)
        if names[field.name] and (whole or sales_fields.says_something(value)):
            body[names[field.name]] = _value(value)
    return body


def _difference(
    before: object, after: object, fields: Iterable[Field], names: Mapping[str, str]
) -> dict[str, Json]:
    body: dict[str, Json] = {}
    for field in fields:
        value = getattr(after, field.name)
        if not names[field.name] or value == getattr(before, field.name):
            continue
        body[names[field.name]] = _value(value)
        percent = names.get(_PERCENTS.get(field.name, ""), "")
        if percent:
            body[percent] = None  # else it would go on to count beside the amount
    return body


def _value(value: object) -> Json:
    if isinstance(value, str):
        return _checked(value)
    assert value is None or isinstance(value, bool | Decimal | date), value
    return value


def _checked(text: str) -> str:
    if not soap.is_xml(text):
        raise write_meanings.TEXT_NOT_XML.error(member="a field", text=repr(text[:80]))
    return text


def _plain(tree: Mapping[str, Node]) -> dict[str, Json]:
    return {name: value for name, value in tree.items() if isinstance(value, str) or value is None}


def written(value: Json, day_form: str) -> bytes:
    """JSON in which an amount is what it was, never through a float, and a day is written as the service wants it."""
    return _text(value, day_form).encode()


def _text(value: Json, day_form: str) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        members = (f"{json.dumps(name)}: {_text(one, day_form)}" for name, one in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_text(one, day_form) for one in value)}]"
    return json.dumps(value.strftime(day_form) if isinstance(value, date) else value, ensure_ascii=False)
