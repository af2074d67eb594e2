"""Sales orders of the CRM and documents of the ERP, for the tests of what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import ml_connector
from memory import START
from ml_connector.core.document_apply import map_document
from ml_connector.core.document_mapping import Around, DocumentMapping, DocumentRule, Pointed, Terms, Wanted
from ml_connector.core.document_mapping_file import read_document_mapping
from ml_connector.core.record import Record
from ml_connector.core.sales import Document, Progress, Standing
from ml_connector.simulators.gp import sales_documents as gp

ORDER, DEAL, ACCOUNT = "5725767000000000900", "5725767000000000500", "5725767000000000100"
ROW, OTHER_ROW = "5725767000000000901", "5725767000000000902"
FOLDER = Path(ml_connector.__file__).parent / "mappings" / "documents"
TERMS = Terms("ZO", type_id="STDORD", batch="ZOHO%y%m%d", currency="USD")
AROUND = Around(
    date(2027, 4, 12),
    {Pointed("Accounts", ACCOUNT): "AARONFIT0001"},
)
ITEM = {"Product_Name.Product_Code": "128 SDRAM", "Quantity": Decimal(2), "List_Price": Decimal("189.95"),
        "Discount": Decimal(0), "Tax": Decimal(0), "Description": None}  # fmt: skip


def shipped(name: str) -> DocumentMapping:
    """A mapping that comes with ml-connector."""
    return read_document_mapping(f"{name}.toml", (FOLDER / f"{name}.toml").read_text("utf-8"))


SHIPPED_ORDERS, QUOTES, DEALS = map(shipped, ("sales_orders", "quotes", "won_deals"))
#: With a unit of measure, which is in a field of a shop's own.
UNIT = DocumentRule("unit", ("line.Unit",), table="units")
ORDERS = replace(SHIPPED_ORDERS, lines=(*SHIPPED_ORDERS.lines, UNIT))


def sales_order(*rows: dict[str, Any], **fields: Any) -> Record:
    """A sales order with these rows (left out: one of two pieces); dots in names of fields are written __."""
    said = {"Account_Name.id": ACCOUNT, "Status": "Approved", "Currency": "USD"}
    said |= {name.replace("__", "."): value for name, value in fields.items()}
    parts = {str(int(ROW) + n): _row({**ITEM, **row}) for n, row in enumerate(rows or ({},))}
    return Record("Sales_Orders", ORDER, said, START, parts=parts)


def _row(fields: dict[str, Any]) -> dict[str, Any]:
    return {f"line.{name}": value for name, value in fields.items()}


def wanted(*rows: dict[str, Any], terms: Terms = TERMS, **fields: Any) -> Wanted:
    """What becomes of such an order."""
    return map_document(sales_order(*rows, **fields), ORDERS, terms, AROUND)


def total_in_gp(document: Document) -> Decimal:
    """What GP makes of it, as its simulator reckons."""
    lines = tuple(
        gp.SalesLine(
            n,
            line.item,
            line.quantity,
            unit_price=line.unit_price or Decimal(0),
            discount=gp.Discount(amount=line.discount),
        )
        for n, line in enumerate(document.lines)
    )
    return gp.SalesDocument(
        "Order",
        document.number,
        document.customer,
        lines,
        freight=document.freight or Decimal(0),
        miscellaneous=document.miscellaneous or Decimal(0),
        tax=document.tax or Decimal(0),
        trade_discount=gp.Discount(amount=document.trade_discount),
    ).total


def standing(of: Wanted, number: str = "", **changes: Any) -> Standing:
    """The document as the ERP has it once it was made; its lines are numbered there."""
    lines = tuple(
        replace(line, sequence=16384 * n, unit=line.unit or "Each", site=line.site or "WAREHOUSE")
        for n, line in enumerate(of.document.lines, 1)
    )
    document = replace(of.document, lines=lines, number=number or of.document.number or "ORDST2230")
    there = Standing(document, total_in_gp(document), total_in_gp(document))
    return replace(there, **changes)


def done(sequence: int = 16384, **quantities: int) -> Progress:
    """How far a line is."""
    zero = dict.fromkeys(("allocated", "fulfilled", "invoiced", "cancelled"), Decimal(0))
    return Progress(sequence, **{**zero, **{name: Decimal(n) for name, n in quantities.items()}})
