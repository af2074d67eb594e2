"""The fields of the CRM in which it is told what became of an order, a quote or a deal in the ERP: ours to make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml_connector.core.deal_fields import DEALS
from ml_connector.core.document_status import NUMBERS_LONGEST, Status
from ml_connector.core.needs import FieldNeed

SALES_ORDERS, QUOTES = "Sales_Orders", "Quotes"
#: What a lookup calls an order that was made of a deal, or of a sales order of it, and its invoices: no flow reads it.
SALES_DOCUMENTS = "sales_documents"
#: The field that says when the reading began that the others come from; it is written with them, never alone.
AS_OF: Mapping[str, str] = {
    SALES_ORDERS: "GP_Order_As_Of",
    DEALS: "GP_Order_As_Of",
    QUOTES: "GP_Quote_As_Of",
}
_MONEY = {"type": "currency", "length": 16, "decimal_places": 2}
_STATUS = {"type": "picklist", "choices": tuple(status.value for status in Status)}
_NUMBERS = {"type": "text", "length": NUMBERS_LONGEST}
_ORDER: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("GP_Order_Number", "GP Order Number", {**_NUMBERS, "essential": True}),
    ("GP_Order_Status", "GP Order Status", {**_STATUS, "essential": True}),
    ("GP_Ordered_Amount", "GP Ordered Amount", _MONEY),
    ("GP_Invoiced_Amount", "GP Invoiced Amount", _MONEY),
    ("GP_Invoiced_Cost", "GP Invoiced Cost", _MONEY),
    ("GP_Invoices", "GP Invoices", _NUMBERS),
    ("GP_Order_As_Of", "GP Order As Of", {"type": "datetime"}),
)
_QUOTE: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("GP_Quote_Number", "GP Quote Number", {"type": "text", "length": 30, "essential": True}),
    ("GP_Quote_Status", "GP Quote Status", {**_STATUS, "essential": True}),
    ("GP_Quoted_Amount", "GP Quoted Amount", _MONEY),
    ("GP_Quote_As_Of", "GP Quote As Of", {"type": "datetime"}),
)


def document_needs(modules: Sequence[str]) -> list[FieldNeed]:
    """What is needed of these modules; of any other than sales orders, quotes and deals, nothing."""
    by_module = {SALES_ORDERS: _ORDER, QUOTES: _QUOTE, DEALS: _ORDER}
    return [
        FieldNeed(module, name, label, **made)
        for module in dict.fromkeys(modules)
        for name, label, made in by_module.get(module, ())
    ]
