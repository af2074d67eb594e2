"""What GP tells of sales documents, read into ours. Pure. RecordRejectedError: a value that cannot be read."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ml_connector.connectors.dynamics_gp import sales_fields, values
from ml_connector.connectors.dynamics_gp.sales_fields import KINDS, LINE, SHIP_TO, TYPES
from ml_connector.connectors.dynamics_gp.schema import Level, Listing
from ml_connector.connectors.dynamics_gp.soap import Wanted
from ml_connector.connectors.dynamics_gp.values import Tree, children, find
from ml_connector.core.sales import Document, Kind, Line, Listed, Progress, ShipTo, Standing

_ZERO, _CENT, _HUNDRED = Decimal(0), Decimal("0.01"), Decimal(100)
_TEXTS = range(1, 6)
_STAMPS = ("ModifiedDate", "LastModifiedDate")
WORK, HISTORY = "Work", "History"

#: A number is unique within its type; that one is not in Work and in History at once is not documented.
DOCUMENTS = Listing(
    "GetSalesDocumentList",
    "SalesDocumentSummary",
    (
        Level("DocumentId", ("Key", "Id")),
        Level("Type", ("Type",), tuple(TYPES.values())),
        Level("TransactionState", ("TransactionState",), (WORK, HISTORY)),
    ),
    wanted=Wanted.of(
        (name,)
        for name in (
            "Key",
            "Type",
            "MasterNumber",
            "CustomerKey",
            "CustomerPONumber",
            "TransactionState",
            *_STAMPS,
        )
    ),
)


def listed(row: Tree) -> Listed:
    """A row of a list."""
    return Listed(
        kind=KINDS[values.to_text(row.get("Type")) or ""],
        number=_text(row, "Key", "Id"),
        customer=_text(row, "CustomerKey", "Id"),
        master_number=values.to_integer(row.get("MasterNumber")) or 0,
        customer_po=_text(row, "CustomerPONumber"),
        is_in_history=_text(row, "TransactionState") == HISTORY,
        modified_at=stamp(row),
    )


def stamp(tree: Tree) -> datetime | None:
    """The latest of its stamps: one of them may be a day only (facts.md 2.5)."""
    told = [values.to_instant(tree.get(name)) for name in _STAMPS]
    return max((at for at in told if at is not None), default=None)


def standing(kind: Kind, tree: Tree) -> Standing:
    """A document that was read whole."""
    lines = children(tree, ("Lines", f"Sales{TYPES[kind]}Line"))
    return Standing(
        _document(kind, tree, lines),
        total=_money(tree, "TotalAmount"),
        line_total=_money(tree, "LineTotalAmount"),
        progress=tuple(_progress(kind, line) for line in lines),
        is_in_history=_text(tree, "TransactionState") == HISTORY,
        is_voided=bool(values.to_boolean(tree.get("IsVoided"))),
        master_number=values.to_integer(tree.get("MasterNumber")) or 0,
        came_from=_text(tree, "OriginalSalesDocumentKey", "Id"),
        modified_at=stamp(tree),
    )


def _document(kind: Kind, tree: Tree, lines: list[Tree]) -> Document:
    read = {field.name: field.read(tree) for field in sales_fields.of(kind)}
    percent = values.to_money(find(tree, ("TradeDiscount", "Percent", "Value")))
    if percent is not None:
        told = values.to_money(find(tree, ("DiscountAmount", "Value")))
        read["trade_discount"] = _share(_money(tree, "LineTotalAmount"), percent) if told is None else told
    texts = {number: _text(tree, "UserDefined", sales_fields.text_member(number)) for number in _TEXTS}
    address = find(tree, ("ShipToAddress",))
    said = {field.name: field.read(address) for field in SHIP_TO} if isinstance(address, dict) else {}
    return Document(
        kind,
        lines=tuple(map(_line, lines)),
        texts={number: text for number, text in texts.items() if text},
        ship_to=ShipTo(**said) if any(said.values()) else None,
        **read,
    )


def _line(tree: Tree) -> Line:
    read = {field.name: field.read(tree) for field in LINE}
    percent = values.to_money(find(tree, ("Discount", "Percent", "Value")))
    if percent is not None:
        read["discount"] = _share(read["unit_price"] or _ZERO, percent)
    read["quantity"] = read["quantity"] or _ZERO
    return Line(sequence=sequence(tree), **read)


def _share(whole: Decimal, percent: Decimal) -> Decimal:
    return (whole * percent / _HUNDRED).quantize(_CENT)


def _progress(kind: Kind, line: Tree) -> Progress:
    """What of an order's line is invoiced is what is neither cancelled, nor back ordered, nor still to be invoiced.

    No member of GP's says it (facts.md 2.7): inferred.
    """
    names = ("Quantity", "QuantityAllocated", "QuantityFulfilled", "QuantityCanceled")
    quantity, allocated, fulfilled, cancelled = (_money(line, name) for name in names)
    rest = cancelled + _money(line, "QuantityToBackorder") + _money(line, "QuantityToInvoice")
    invoiced = {Kind.ORDER: max(_ZERO, quantity - rest), Kind.INVOICE: quantity}.get(kind, _ZERO)
    cost = values.to_money(find(line, ("ExtendedCost", "Value")))
    return Progress(sequence(line), allocated, fulfilled, invoiced, cancelled, cost)


def sequence(line: Tree) -> int:
    """What names a line within its document; 0: nothing does."""
    return values.to_integer(find(line, ("Key", "LineSequenceNumber"))) or 0


def _text(tree: Tree, *path: str) -> str:
    return values.to_text(find(tree, path)) or ""


def _money(tree: Tree, name: str) -> Decimal:
    return values.to_money(find(tree, (name, "Value"))) or _ZERO
