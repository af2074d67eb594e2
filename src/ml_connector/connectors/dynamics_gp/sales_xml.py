"""Quotes and orders as GP takes them: made anew, or what was read of one with what is to be changed in it. Pure.

GP wants a document back whole; what is left out is treated as on a create (facts.md 2.9). So a change begins with all
that was read, members that nothing here knows among it, and takes out only what the change makes untrue: sums, which
GP makes anew.
"""

from __future__ import annotations

from dataclasses import replace

from lxml import etree

from ml_connector.connectors.dynamics_gp import elements, sales_fields, sales_trees, soap
from ml_connector.connectors.dynamics_gp.elements import Content
from ml_connector.connectors.dynamics_gp.members import ORDER
from ml_connector.connectors.dynamics_gp.sales_fields import LINE, SHIP_TO, TYPES, Field
from ml_connector.core.record import fold_key
from ml_connector.core.sales import Document, Kind, Line, ShipTo, require_same

_AMOUNTS = frozenset({"lines", "freight", "miscellaneous", "tax", "trade_discount"})
_SUMS = ("LineTotalAmount", "TotalAmount")
#: What a change of a line's field makes untrue: GP reckons and counts anew.
_OF_PRICE = ("TotalAmount",)
_OF_QUANTITY = ("TotalAmount", "ExtendedCost", "QuantityToInvoice", "QuantityToOrder")
_STALE = {
    "unit_price": _OF_PRICE,
    "discount": _OF_PRICE,
    "quantity": _OF_QUANTITY,
    "unit": (*_OF_QUANTITY, "UnitCost"),
}


def argument(kind: Kind) -> str:
    """What the operations call the document that they are given: "salesOrder"."""
    return f"sales{TYPES[kind]}"


def new(document: Document) -> str:
    """A document to create. RecordRejectedError: a text that XML cannot carry."""
    kind = f"Sales{TYPES[document.kind]}"
    root = elements.make(argument(document.kind))
    for field in sales_fields.of(document.kind):
        _put(root, kind, field, getattr(document, field.name), document)
    for number, text in document.texts.items():
        if text:
            own = elements.inside(root, kind, "UserDefined")
            elements.put(own, "SalesUserDefined", sales_fields.text_member(number), text)
    if document.ship_to is not None:
        elements.put(root, kind, "ShipToAddress", _address(document.ship_to, document))
    lines = elements.inside(root, kind, "Lines")
    lines.extend(_new_line(line, document) for line in document.lines)
    return elements.written(root)


def changed(read: etree._Element, before: Document, after: Document) -> str:
    """A document that was read as ``before``, to be sent back as ``after``. RecordRejectedError as above.

    ValueError: the kind, the number or the customer is another, or ``before`` has no line of this sequence.
    """
    require_same(before, after)
    kind = f"Sales{TYPES[after.kind]}"
    root = elements.copy(read, argument(after.kind))
    for field in sales_fields.of(after.kind):
        if getattr(before, field.name) != getattr(after, field.name):
            _put(root, kind, field, getattr(after, field.name), after)
    _change_texts(root, kind, before, after)
    _change_ship_to(root, kind, before, after)
    _change_lines(elements.inside(root, kind, "Lines"), before, after)
    if any(getattr(before, name) != getattr(after, name) for name in _AMOUNTS):
        for name in _SUMS:
            elements.put(root, kind, name, None)
    return elements.written(root)


def _put(parent: etree._Element, kind: str, field: Field, value: object, document: Document) -> None:
    elements.put(parent, kind, field.member, field.content(value, document))


def _change_texts(root: etree._Element, kind: str, before: Document, after: Document) -> None:
    for number in sorted({*before.texts, *after.texts}):
        text = after.texts.get(number, "")
        if text != before.texts.get(number, ""):
            own = elements.inside(root, kind, "UserDefined")
            elements.put(own, "SalesUserDefined", sales_fields.text_member(number), text or None)


def _change_ship_to(root: etree._Element, kind: str, before: Document, after: Document) -> None:
    """An address that is not given beside a new key is that key's: the old one would contradict it."""
    moved = before.ship_to_key != after.ship_to_key
    if after.ship_to is None or (moved and before.ship_to == after.ship_to):
        if moved or before.ship_to is not None:
            elements.put(root, kind, "ShipToAddress", None)
    elif before.ship_to is None:
        elements.put(root, kind, "ShipToAddress", _address(after.ship_to, after))
    else:
        own = elements.inside(root, kind, "ShipToAddress")
        _change_address(own, before.ship_to, after.ship_to, after)


def _change_address(own: etree._Element, before: ShipTo, after: ShipTo, document: Document) -> None:
    for field in SHIP_TO:
        if (value := getattr(after, field.name)) != getattr(before, field.name):
            _put(own, "BusinessAddress", field, value, document)
    if before.country != after.country:
        elements.put(own, "BusinessAddress", "CountryRegionCodeKey", None)


def _address(ship_to: ShipTo, document: Document) -> Content:
    said = {field.member: field.content(getattr(ship_to, field.name), document) for field in SHIP_TO}
    return {name: said[name] for name in ORDER["BusinessAddress"] if said.get(name) is not None}  # type: ignore[misc]


# ---- lines


def _new_line(line: Line, document: Document) -> etree._Element:
    kind = f"Sales{TYPES[document.kind]}Line"
    made = elements.make(kind)
    if line.sequence:
        elements.put(made, kind, "Key", {"LineSequenceNumber": str(line.sequence)})
    for field in LINE:
        _put(made, kind, field, getattr(line, field.name), document)
    return made


def _change_lines(lines: etree._Element, before: Document, after: Document) -> None:
    """One that is to be of another item is removed and made anew: what GP holds of it is the old item's."""
    read = {_sequence(one): one for one in lines}
    known = {line.sequence: line for line in before.lines}
    kept: set[int] = set()
    for line in after.lines:
        was = known[line.sequence] if line.sequence else None
        if was is None or fold_key(was.item) != fold_key(line.item):
            lines.append(_new_line(_unnumbered(line), after))
        else:
            kept.add(line.sequence)
            _change_line(read[line.sequence], was, line, after)
    for sequence in known.keys() - kept:
        elements.put(read[sequence], f"Sales{TYPES[after.kind]}Line", "DeleteOnUpdate", "true")


def _change_line(read: etree._Element, before: Line, after: Line, document: Document) -> None:
    kind = f"Sales{TYPES[document.kind]}Line"
    for field in LINE:
        if (value := getattr(after, field.name)) == getattr(before, field.name):
            continue
        _put(read, kind, field, value, document)
        for name in _STALE.get(field.name, ()):
            elements.put(read, kind, name, None)


def _unnumbered(line: Line) -> Line:
    return replace(line, sequence=0)


def _sequence(read: etree._Element) -> int:
    tree = soap.tree_of(read)
    return sales_trees.sequence(tree) if isinstance(tree, dict) else 0
